//! Lines with a checksum: what journals and snapshots are made of.
//!
//! A line is one JSON object and a line feed. Its first key is the CRC-32 of all that follows it, so that every byte
//! of a file is covered:
//!
//! ```text
//! {"crc":"5d3c1a0f","format":"skyplat journal","version":1,"base":0}
//! {"crc":"0b9e77d2","serial":1,"entry":{"entry":"create_begins",…}}
//! ```
//!
//! The first line names the format and its version and keeps its form in every version to come: that is how an older
//! program tells a newer file from a damaged one. This module knows bytes; files are the business of its callers.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The newest version this code reads, and the one it writes.
pub(super) const VERSION: u64 = 1;

const BEFORE_CHECKSUM: &[u8] = b"{\"crc\":\"";
const AFTER_CHECKSUM: &[u8] = b"\",";
const BODY: usize = BEFORE_CHECKSUM.len() + 8 + AFTER_CHECKSUM.len();

/// The first line of a file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) version: u64,
    /// The serial of the state that the file begins with.
    #[serde(default)]
    pub(super) base: u64,
}

impl Header {
    pub(super) fn new(format: &str, base: u64) -> Self {
        Self { format: format.to_owned(), version: VERSION, base }
    }
}

/// Adds a line to `buffer`. `body` must be written as a map that is not empty.
pub(super) fn write(buffer: &mut Vec<u8>, body: &impl Serialize) -> Result<(), serde_json::Error> {
    let start = buffer.len();
    buffer.extend_from_slice(BEFORE_CHECKSUM);
    buffer.extend_from_slice(b"00000000");
    buffer.extend_from_slice(AFTER_CHECKSUM);
    let brace = buffer.len();
    if let Err(error) = serde_json::to_writer(&mut *buffer, body) {
        buffer.truncate(start);
        return Err(error);
    }
    // The brace that opens the body is the one that already stands before the checksum.
    buffer.remove(brace);
    let checksum = format!("{:08x}", crc32fast::hash(&buffer[start + BODY..]));
    buffer[start + BEFORE_CHECKSUM.len()..][..8].copy_from_slice(checksum.as_bytes());
    buffer.push(b'\n');
    Ok(())
}

/// Returns whether a line, without its line feed, is as it was written.
pub(super) fn is_whole(line: &[u8]) -> bool {
    let Some((checksum, body)) = parts(line) else { return false };
    checksum == format!("{:08x}", crc32fast::hash(body)).as_bytes()
}

/// Reads a line, without its line feed. The error says what is wrong with it.
pub(super) fn read<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    if !is_whole(line) {
        return Err("the line does not have the checksum it was written with".to_owned());
    }
    serde_json::from_slice(line).map_err(|error| format!("the line is not what this program writes: {error}"))
}

fn parts(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_prefix(BEFORE_CHECKSUM)?;
    let (checksum, rest) = rest.split_at_checked(8)?;
    Some((checksum, rest.strip_prefix(AFTER_CHECKSUM)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Vec<u8> {
        let mut buffer = Vec::new();
        write(&mut buffer, &Header::new("skyplat journal", 3)).unwrap();
        buffer
    }

    #[test]
    fn a_line_is_one_json_object_and_reads_back() {
        let line = line();
        let (end, body) = line.split_last().unwrap();
        assert_eq!(*end, b'\n');
        assert!(serde_json::from_slice::<serde_json::Value>(body).unwrap().is_object());
        let header: Header = read(body).unwrap();
        assert_eq!((header.format.as_str(), header.version, header.base), ("skyplat journal", 1, 3));
    }

    #[test]
    fn a_number_reads_back_to_its_last_digit() {
        for number in (0..10_000).map(|n| f64::from(n) / 7.1) {
            let mut line = Vec::new();
            write(&mut line, &std::collections::BTreeMap::from([("number", number)])).unwrap();
            let read: serde_json::Value = read(line.strip_suffix(b"\n").unwrap()).unwrap();
            assert_eq!(read["number"], number);
        }
    }

    #[test]
    fn no_bit_of_a_line_can_change_unseen() {
        let line = line();
        let body = &line[..line.len() - 1];
        for at in 0..body.len() {
            for bit in 0..8 {
                let mut changed = body.to_vec();
                changed[at] ^= 1 << bit;
                assert!(!is_whole(&changed), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_body_that_cannot_be_written_leaves_the_buffer_as_it_was() {
        let mut buffer = line();
        let before = buffer.clone();
        let unwritable = std::collections::BTreeMap::from([((1, 2), 3)]);
        assert!(write(&mut buffer, &unwritable).is_err());
        assert_eq!(buffer, before);
    }
}
