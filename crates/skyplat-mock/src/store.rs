//! The world file: one line per effect, appended before the caller gets its reply.
//!
//! ```text
//! {"world":1,"seed":7}
//! {"crc":"5f2c11aa","record":{"at":1200,"effect":"made","thing":{…}}}
//! ```
//!
//! A process that dies at any byte leaves at most a torn last line, which the next one drops: its caller never got a
//! reply. A bad line anywhere else is damage, and an error. Lines are not synced to the disk one by one: a simulated
//! world outlives its process, not a power failure.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::world::{Record, World};

/// The format this version writes, and the newest it reads.
pub const FORMAT_VERSION: u64 = 1;

/// A world file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The file does not hold what was written to it.
    #[error("{file} is damaged at byte {offset}: {problem}")]
    Damaged {
        /// The file.
        file: String,
        /// Where, in bytes from its start.
        offset: u64,
        /// What is wrong.
        problem: String,
    },
    /// The file was written by a newer version.
    #[error("{file} has format version {found}; this version reads up to {FORMAT_VERSION}")]
    Newer {
        /// The file.
        file: String,
        /// Its version.
        found: u64,
    },
    /// The operating system refused.
    #[error("cannot {action} {file}")]
    Io {
        /// What was attempted: `read` or `write`.
        action: &'static str,
        /// On which file.
        file: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// An effect that cannot be written down.
    #[error("cannot write down an effect: {0}")]
    Unwritable(String),
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    world: u64,
    seed: u64,
}

/// Where the effects of a world go.
#[derive(Debug)]
pub(crate) enum Store {
    /// Nowhere.
    Memory,
    /// A file, opened at the first write: a reader leaves no trace.
    File(WorldFile),
}

impl Store {
    pub(crate) fn append(&mut self, seed: u64, record: &Record) -> Result<(), WorldError> {
        match self {
            Self::Memory => Ok(()),
            Self::File(file) => file.append(seed, record),
        }
    }
}

/// A world file.
#[derive(Debug)]
pub(crate) struct WorldFile {
    path: PathBuf,
    /// Length of what is whole; what comes after it is a torn line.
    whole: u64,
    file: Option<File>,
}

impl WorldFile {
    /// Reads a world. A file that is not there, or was torn in its first line, is a new world.
    pub(crate) fn open(path: &Path, seed: u64) -> Result<(Self, World), WorldError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(WorldError::Io { action: "read", file: name(path), source }),
        };
        let (whole, world) = read(&bytes, path, seed)?;
        Ok((Self { path: path.to_owned(), whole, file: None }, world))
    }

    fn append(&mut self, seed: u64, record: &Record) -> Result<(), WorldError> {
        let mut text = String::new();
        if self.whole == 0 {
            text.push_str(&json!(Header { world: FORMAT_VERSION, seed }).to_string());
            text.push('\n');
        }
        let record =
            serde_json::to_value(record).map_err(|error| WorldError::Unwritable(error.to_string()))?;
        text.push_str(&json!({ "crc": checksum(&record), "record": record }).to_string());
        text.push('\n');
        self.write(text.as_bytes()).map_err(|source| WorldError::Io {
            action: "write",
            file: name(&self.path),
            source,
        })?;
        self.whole += text.len() as u64;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                if let Some(parent) = self.path.parent() {
                    std::fs::create_dir_all(parent)?;
                }
                let mut options = OpenOptions::new();
                options.create(true).truncate(false).write(true);
                // Like the state beside it, it is its owner's alone.
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let file = options.open(&self.path)?;
                file.set_len(self.whole)?;
                none.insert(file)
            }
        };
        // An earlier write that failed half-way is written over.
        file.seek(SeekFrom::Start(self.whole))?;
        file.write_all(bytes)
    }
}

/// Reads a file's bytes: the length of what is whole, and the world that it tells.
fn read(bytes: &[u8], path: &Path, seed: u64) -> Result<(u64, World), WorldError> {
    let mut world = World::new(seed);
    let mut whole = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(text) = line.strip_suffix(b"\n") else { break };
        let read = if whole == 0 { read_header(text, &mut world) } else { read_line(text, &mut world) };
        let is_last = whole + line.len() == bytes.len();
        match read {
            Ok(()) => whole += line.len(),
            Err(Problem::Newer(found)) => return Err(WorldError::Newer { file: name(path), found }),
            // A tear may also lie before a line's end, when bytes reached the disk out of order.
            Err(Problem::Bad(_)) if is_last && whole > 0 => break,
            Err(Problem::Bad(problem)) => {
                let offset = whole as u64;
                return Err(WorldError::Damaged { file: name(path), offset, problem });
            }
        }
    }
    Ok((whole as u64, world))
}

enum Problem {
    Bad(String),
    Newer(u64),
}

fn read_header(line: &[u8], world: &mut World) -> Result<(), Problem> {
    let header: Json = serde_json::from_slice(line)
        .map_err(|error| Problem::Bad(format!("it begins with no world header: {error}")))?;
    match header.get("world").and_then(Json::as_u64) {
        Some(found) if found > FORMAT_VERSION => return Err(Problem::Newer(found)),
        _ => {}
    }
    let header: Header = serde_json::from_value(header).map_err(|error| Problem::Bad(error.to_string()))?;
    *world = World::new(header.seed);
    Ok(())
}

fn read_line(line: &[u8], world: &mut World) -> Result<(), Problem> {
    let bad = |error: serde_json::Error| Problem::Bad(error.to_string());
    let mut json: Json = serde_json::from_slice(line).map_err(bad)?;
    let record = json.get_mut("record").map(Json::take).unwrap_or_default();
    if json.get("crc").and_then(Json::as_str) != Some(&checksum(&record)) {
        return Err(Problem::Bad("the checksum does not fit".into()));
    }
    let record: Record = serde_json::from_value(record).map_err(bad)?;
    world.apply(&record);
    Ok(())
}

fn checksum(record: &Json) -> String {
    format!("{:08x}", crc32fast::hash(record.to_string().as_bytes()))
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::world::Effect;
    use skyplat_core::state::Uid;
    use skyplat_core::value::Address;

    fn record(at: u64) -> Record {
        let uid = Uid::new("1", &Address::new(format!("thing-{at}")), 0);
        Record { at, effect: Effect::Gone { uid } }
    }

    /// Returns a file of so many records.
    fn written(records: u64) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.jsonl");
        let (mut file, _) = WorldFile::open(&path, 7).unwrap();
        (1..=records).for_each(|at| file.append(7, &record(at)).unwrap());
        std::fs::read(&path).unwrap()
    }

    #[test]
    fn a_file_cut_at_any_byte_tells_what_was_whole() {
        let bytes = written(9);
        for length in 0..=bytes.len() {
            let lines = bytes[..length].split_inclusive(|byte| *byte == b'\n');
            let whole_lines: Vec<&[u8]> = lines.filter(|line| line.ends_with(b"\n")).collect();
            let (whole, world) = read(&bytes[..length], Path::new("x"), 0).unwrap();
            assert_eq!(whole, whole_lines.concat().len() as u64, "cut at byte {length}");
            assert_eq!(world.clock(), whole_lines.len().saturating_sub(1) as u64, "cut at byte {length}");
            assert_eq!(world.seed(), if whole_lines.is_empty() { 0 } else { 7 });
        }
    }

    #[test]
    fn a_flipped_bit_never_passes_but_in_a_torn_last_line() {
        let bytes = written(3);
        let header = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        for at in header..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            match read(&damaged, Path::new("x"), 0) {
                Err(WorldError::Damaged { offset, .. }) => assert!(offset < last as u64, "byte {at}"),
                Err(other) => panic!("byte {at}: {other}"),
                // Without the line end before it, the last line begins one record earlier.
                Ok((_, world)) => {
                    assert!(at + 1 >= last, "byte {at}");
                    assert_eq!(world.clock(), if at + 1 == last { 1 } else { 2 }, "byte {at}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let lines = [b"{\"world\":1,\"seed\":7}\n".as_slice(), &bytes, b"\n"].concat();
            let _ = read(&bytes, Path::new("x"), 0);
            let _ = read(&lines, Path::new("x"), 0);
        }
    }
}
