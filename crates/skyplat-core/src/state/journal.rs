//! The journal: every entry since the snapshot, one checksummed line each, durable when a sync returns.
//!
//! The header line names the serial of the state that the journal begins after; entries count on from there. A crash in
//! mid-write leaves a torn tail: bytes after the last line feed that are no whole line. Those were never acknowledged
//! and are cut off when the journal is opened for writing. Anything else that does not fit is damage, reported with its
//! offset and left as it is; in particular a last line that ends with a line feed and has a wrong checksum, because it
//! may have been acknowledged.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{self, failed};
use super::line::{self, Header};
use super::snapshot::check_header;
use super::{Entry, State, StateError};

const FORMAT: &str = "skyplat journal";

#[derive(Serialize)]
struct Written<'a> {
    serial: u64,
    entry: &'a Entry,
}

#[derive(Deserialize)]
struct Line {
    serial: u64,
    entry: Entry,
}

/// What a journal's file holds.
#[derive(Debug)]
pub(super) struct Contents {
    path: PathBuf,
    /// The serial the entries count on from; none when not even the header is whole.
    base: Option<u64>,
    /// The entries, each with the offset of its line.
    entries: Vec<(u64, Entry)>,
    /// The bytes that count.
    whole: u64,
    tail: Tail,
}

/// What follows the last line feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// Nothing.
    None,
    /// A line that lacks only its line feed.
    Unended,
    /// The beginning of a line.
    Torn,
}

impl Contents {
    /// Reads a journal; none when there is no such file.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, StateError> {
        files::read(path)?.map(|bytes| Self::parse(path, &bytes)).transpose()
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, StateError> {
        let ended = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let rest = &bytes[ended..];
        let (whole, tail) = match rest.split_last() {
            None => (ended, Tail::None),
            Some(_) if line::is_whole(rest) => (bytes.len(), Tail::Unended),
            // A whole line with something else in the place of its line feed was written and has changed since.
            Some((_, line)) if line::is_whole(line) => {
                return Err(damaged(path, bytes.len() - 1, "there is no line feed".to_owned()));
            }
            Some(_) => (ended, Tail::Torn),
        };
        let mut contents =
            Self { path: path.to_owned(), base: None, entries: Vec::new(), whole: whole as u64, tail };
        let mut offset = 0;
        let mut next = 0;
        for line in bytes[..whole].split_inclusive(|byte| *byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            if contents.base.is_none() {
                let header = check_header(path, text, FORMAT)?;
                contents.base = Some(header.base);
                next = header.base.saturating_add(1);
            } else {
                let Line { serial, entry } =
                    line::read(text).map_err(|problem| damaged(path, offset, problem))?;
                if serial != next {
                    let problem = format!("entry {serial} stands in the place of entry {next}");
                    return Err(damaged(path, offset, problem));
                }
                next = next.saturating_add(1);
                contents.entries.push((offset as u64, entry));
            }
            offset += line.len();
        }
        Ok(contents)
    }

    /// Returns the serial after the last entry.
    fn end(&self) -> Option<u64> {
        self.base.map(|base| base.saturating_add(self.entries.len() as u64))
    }

    /// Applies the entries that a snapshot does not hold yet.
    pub(super) fn replay(&self, state: &mut State) -> Result<(), StateError> {
        let Some(base) = self.base else { return Ok(()) };
        if state.serial < base {
            let problem = format!(
                "it begins after entry {base}, but the snapshot beside it ends with entry {}",
                state.serial
            );
            return Err(damaged(&self.path, 0, problem));
        }
        let known = usize::try_from(state.serial - base).unwrap_or(usize::MAX);
        for (offset, entry) in self.entries.iter().skip(known) {
            state.apply(entry).map_err(|illegal| StateError::Damaged {
                file: self.path.display().to_string(),
                offset: *offset,
                problem: illegal.to_string(),
            })?;
        }
        Ok(())
    }
}

fn damaged(path: &Path, offset: usize, problem: String) -> StateError {
    StateError::Damaged { file: path.display().to_string(), offset: offset as u64, problem }
}

/// What a journal is written to.
pub(super) trait Medium: Write {
    /// Makes all that was written durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts off what lies beyond `len` bytes.
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

impl Medium for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}

/// A journal that is open for writing.
#[derive(Debug)]
pub(super) struct Journal<M = File> {
    path: PathBuf,
    medium: M,
    /// The bytes that are durable.
    durable: u64,
    /// The bytes that were written.
    len: u64,
    /// Whether the file is known to end there.
    trusted: bool,
}

impl Journal {
    /// Puts an empty journal in the place of the one at `path`. Its name is durable only after
    /// [`files::sync_dir`].
    pub(super) fn create(path: &Path, base: u64) -> Result<Self, StateError> {
        let mut bytes = Vec::new();
        line::write(&mut bytes, &Header::new(FORMAT, base))
            .map_err(|error| failed("write", path)(error.into()))?;
        let medium = files::replace(path, &bytes)?;
        let len = bytes.len() as u64;
        Ok(Self { path: path.to_owned(), medium, durable: len, len, trusted: true })
    }

    /// Puts an empty journal at `path`, durably.
    pub(super) fn start(path: &Path, base: u64) -> Result<Self, StateError> {
        let journal = Self::create(path, base)?;
        files::sync_dir(path)?;
        Ok(journal)
    }

    /// Opens the journal that was read and replayed into `state`: cuts off a torn tail, or starts anew when a snapshot
    /// has overtaken it.
    pub(super) fn open(contents: &Contents, state: &State) -> Result<Self, StateError> {
        let path = &contents.path;
        if contents.end() != Some(state.serial) {
            return Self::start(path, state.serial);
        }
        let medium = OpenOptions::new().append(true).open(path).map_err(failed("write", path))?;
        let len = contents.whole;
        let mut journal = Self { path: path.clone(), medium, durable: len, len, trusted: true };
        let mended = match contents.tail {
            Tail::None => Ok(()),
            Tail::Torn => journal.medium.cut(contents.whole).and_then(|()| journal.medium.sync()),
            Tail::Unended => {
                journal.len += 1;
                journal.medium.write_all(b"\n").and_then(|()| journal.medium.sync())
            }
        };
        mended.map_err(failed("write", path))?;
        journal.durable = journal.len;
        Ok(journal)
    }
}

impl<M: Medium> Journal<M> {
    /// Returns the size in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Refuses every later write: what was acknowledged could be lost.
    pub(super) fn distrust(&mut self) {
        self.trusted = false;
    }

    fn check_trusted(&self) -> Result<(), StateError> {
        let reason = "an earlier write failed and could not be taken back";
        if self.trusted { Ok(()) } else { Err(failed("write", &self.path)(io::Error::other(reason))) }
    }

    /// Writes entries, the first of which makes the state's serial `serial`, in one write. When that fails the journal
    /// holds what it held before, or at most a torn tail.
    pub(super) fn write(&mut self, serial: u64, entries: &[Entry]) -> Result<(), StateError> {
        self.check_trusted()?;
        let mut bytes = Vec::new();
        for (serial, entry) in (serial..).zip(entries) {
            line::write(&mut bytes, &Written { serial, entry })
                .map_err(|error| failed("write", &self.path)(error.into()))?;
        }
        if let Err(error) = self.medium.write_all(&bytes) {
            // Without room on the disk, say. Taken back, the journal is as good as before.
            self.trusted = self.medium.cut(self.len).is_ok();
            return Err(failed("write", &self.path)(error));
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Makes all that was written durable.
    pub(super) fn sync(&mut self) -> Result<(), StateError> {
        self.check_trusted()?;
        if self.durable == self.len {
            return Ok(());
        }
        if let Err(error) = self.medium.sync() {
            // After a failed sync nobody knows what the disk holds, and a second sync would not tell.
            self.trusted = false;
            let _ = self.medium.cut(self.durable);
            return Err(failed("write", &self.path)(error));
        }
        self.durable = self.len;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{node, planned, state};
    use super::*;
    use crate::value::paper;

    /// A disk that takes only so many bytes, and may fail to sync or to be cut.
    #[derive(Debug, Default)]
    struct Disk {
        bytes: Vec<u8>,
        room: usize,
        broken_sync: bool,
        broken_cut: bool,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room - self.bytes.len());
            if taken == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Medium for Disk {
        fn sync(&mut self) -> io::Result<()> {
            if self.broken_sync { Err(io::Error::other("input/output error")) } else { Ok(()) }
        }

        fn cut(&mut self, len: u64) -> io::Result<()> {
            if self.broken_cut {
                return Err(io::Error::other("input/output error"));
            }
            self.bytes.truncate(usize::try_from(len).unwrap());
            Ok(())
        }
    }

    fn journal(room: usize) -> Journal<Disk> {
        let mut bytes = Vec::new();
        line::write(&mut bytes, &Header::new(FORMAT, 0)).unwrap();
        let len = bytes.len() as u64;
        let medium = Disk { bytes, room, ..Disk::default() };
        Journal { path: PathBuf::from("dev/journal.jsonl"), medium, durable: len, len, trusted: true }
    }

    impl Journal<Disk> {
        fn append(&mut self, serial: u64, entries: &[Entry]) -> Result<(), StateError> {
            self.write(serial, entries)?;
            self.sync()
        }
    }

    fn entry(at: &str) -> Entry {
        Entry::CreateBegins { record: Box::new(planned(&state(), at)) }
    }

    /// Opens what lies on the disk and counts its entries.
    fn count(journal: &Journal<Disk>) -> usize {
        let contents = Contents::parse(&journal.path, &journal.medium.bytes).unwrap();
        contents.replay(&mut state()).unwrap();
        contents.entries.len()
    }

    #[test]
    fn a_full_disk_costs_the_entry_and_nothing_else() {
        let mut free = journal(usize::MAX);
        free.append(1, &[entry("a/x")]).unwrap();
        let one = free.medium.bytes.len();
        free.append(2, &[entry("a/y")]).unwrap();
        for room in one..free.medium.bytes.len() {
            let mut journal = journal(room);
            journal.append(1, &[entry("a/x")]).unwrap();
            let error = journal.append(2, &[entry("a/y")]).unwrap_err();
            assert_eq!(error.to_string(), "cannot write dev/journal.jsonl");
            assert_eq!((journal.medium.bytes.len(), count(&journal)), (one, 1));
            journal.medium.room = usize::MAX;
            journal.append(2, &[entry("a/y")]).unwrap();
            assert_eq!(journal.medium.bytes, free.medium.bytes);
        }
    }

    #[test]
    fn a_failed_write_that_cannot_be_taken_back_leaves_a_torn_tail_and_ends_the_session() {
        let mut journal = journal(usize::MAX);
        journal.append(1, &[entry("a/x")]).unwrap();
        journal.medium.room = journal.medium.bytes.len() + 100;
        journal.medium.broken_cut = true;
        journal.append(2, &[entry("a/y"), entry("a/z")]).unwrap_err();
        assert_eq!(count(&journal), 1);
        journal.medium.room = usize::MAX;
        journal.append(2, &[entry("a/y")]).unwrap_err();
        assert_eq!(count(&journal), 1, "nothing is written behind a torn tail");
    }

    #[test]
    fn a_full_disk_costs_nothing_that_was_written_before() {
        let mut journal = journal(usize::MAX);
        journal.write(1, &[entry("a/x")]).unwrap();
        journal.medium.room = journal.medium.bytes.len() + 100;
        journal.write(2, &[entry("a/y")]).unwrap_err();
        journal.sync().unwrap();
        assert_eq!(count(&journal), 1);
    }

    #[test]
    fn after_a_failed_sync_what_was_not_durable_is_cut_off_and_nothing_more_is_written() {
        let mut journal = journal(usize::MAX);
        journal.append(1, &[entry("a/x")]).unwrap();
        journal.write(2, &[entry("a/y")]).unwrap();
        journal.write(3, &[entry("a/z")]).unwrap();
        journal.medium.broken_sync = true;
        journal.sync().unwrap_err();
        assert_eq!(count(&journal), 1);
        journal.medium.broken_sync = false;
        for error in [journal.write(2, &[entry("a/y")]).unwrap_err(), journal.sync().unwrap_err()] {
            assert!(
                matches!(error, StateError::Io { source, .. } if source.to_string().contains("earlier write"))
            );
        }
    }

    #[test]
    fn a_line_costs_less_than_a_kilobyte_beyond_the_object_itself() {
        let mut journal = journal(usize::MAX);
        let before = journal.len();
        journal.append(1, &[entry("eu-central-1/data-plane/research/service-account")]).unwrap();
        let own = paper::show(&node("a/x").inputs).to_string().len() as u64;
        assert!(journal.len() - before - own < 1024, "{} bytes", journal.len() - before);
    }
}
