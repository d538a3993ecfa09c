//! [`DirectoryStore`]: states as files, a directory for each stack.
//!
//! ```text
//! DIR/selected.txt              the name of the selected stack
//! DIR/dev/snapshot.json         a whole state, replaced atomically
//! DIR/dev/journal.jsonl         the entries since, durable before a call that they announce
//! DIR/dev/lock                  held while someone writes
//! ```
//!
//! Opening a stack is snapshot plus journal. A crash between any two system calls leaves a stack that opens with all
//! that was acknowledged: a stack exists from the moment its first snapshot does; a compaction replaces the snapshot
//! first and the journal after it, and entries that the snapshot holds already are passed over. Whatever opens nothing
//! changes nothing: an error leaves the files as they were.
//!
//! Input and output block, though the trait is async: `files.rs` gives the reasons.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::files::{self, failed};
use super::journal::{Contents, Journal};
use super::lock::Lock;
use super::snapshot;
use super::store::valid_name;
use super::{Entry, LockOwner, State, StateError, StateStore, StoreSession};

/// A journal below this size is not worth a snapshot.
const SMALL_JOURNAL: u64 = 64 * 1024;

/// Keeps states in a directory.
#[derive(Debug, Clone)]
pub struct DirectoryStore {
    dir: PathBuf,
}

impl DirectoryStore {
    /// Names the directory; it is made with the first stack.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Returns the directory of a stack, where an executor may keep files of its own. They go with the stack.
    pub fn stack_dir(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn selection(&self) -> PathBuf {
        // The dot keeps the file apart from every stack's directory.
        self.dir.join("selected.txt")
    }

    fn paths(&self, name: &str) -> Paths {
        let dir = self.stack_dir(name);
        Paths {
            snapshot: dir.join("snapshot.json"),
            journal: dir.join("journal.jsonl"),
            lock: dir.join("lock"),
            dir,
        }
    }

    fn names(&self) -> Result<Vec<String>, StateError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("read", &self.dir)(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed("read", &self.dir))?;
            if let Ok(name) = entry.file_name().into_string()
                && valid_name(&name).is_ok()
                && self.paths(&name).snapshot.exists()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn known(&self, name: &str) -> Result<Paths, StateError> {
        valid_name(name)?;
        let known = self.names()?;
        if known.iter().any(|other| other == name) {
            Ok(self.paths(name))
        } else {
            Err(StateError::UnknownStack { name: name.to_owned(), known })
        }
    }

    fn read_selected(&self) -> Result<Option<String>, StateError> {
        let path = self.selection();
        let Some(bytes) = files::read(&path)? else { return Ok(None) };
        let name = String::from_utf8_lossy(&bytes).trim().to_owned();
        valid_name(&name).map_err(|error| StateError::Damaged {
            file: path.display().to_string(),
            offset: 0,
            problem: error.to_string(),
        })?;
        Ok(Some(name))
    }
}

/// The files of one stack.
#[derive(Debug)]
struct Paths {
    dir: PathBuf,
    snapshot: PathBuf,
    journal: PathBuf,
    lock: PathBuf,
}

/// What the files of a stack say.
struct Found {
    state: State,
    journal: Option<Contents>,
    snapshot_len: u64,
}

impl Paths {
    /// Reads a stack; none when there is no such stack. The journal is read first: should someone compact in between,
    /// the snapshot holds all that the old journal held, and more.
    fn read(&self) -> Result<Option<Found>, StateError> {
        let journal = Contents::read(&self.journal)?;
        match (snapshot::read(&self.snapshot)?, journal) {
            (Some((mut state, snapshot_len)), journal) => {
                if let Some(journal) = &journal {
                    journal.replay(&mut state)?;
                }
                Ok(Some(Found { state, journal, snapshot_len }))
            }
            (None, Some(_)) if self.dir.exists() => Err(StateError::Damaged {
                file: self.snapshot.display().to_string(),
                offset: 0,
                problem: "it is missing, though there is a journal".to_owned(),
            }),
            (None, _) => Ok(None),
        }
    }

    /// Makes a stack: from here on it exists.
    fn begin(&self, state: State) -> Result<Found, StateError> {
        let snapshot_len = snapshot::write(&self.snapshot, &state)?;
        files::sync_dir(&self.snapshot)?;
        files::sync_dir(&self.dir)?;
        Ok(Found { state, journal: None, snapshot_len })
    }
}

#[async_trait]
impl StateStore for DirectoryStore {
    async fn list(&self) -> Result<Vec<String>, StateError> {
        self.names()
    }

    async fn selected(&self) -> Result<Option<String>, StateError> {
        self.read_selected()
    }

    async fn select(&self, name: &str) -> Result<(), StateError> {
        self.known(name)?;
        let path = self.selection();
        files::replace(&path, format!("{name}\n").as_bytes())?;
        files::sync_dir(&path)
    }

    async fn load(&self, name: &str) -> Result<Option<State>, StateError> {
        valid_name(name)?;
        Ok(self.paths(name).read()?.map(|found| found.state))
    }

    async fn lock(&self, fresh: State, owner: &LockOwner) -> Result<Box<dyn StoreSession>, StateError> {
        let name = fresh.stack.name.clone();
        valid_name(&name)?;
        let paths = self.paths(&name);
        files::make_dir(&paths.dir)?;
        let lock = Lock::take(&paths.lock, &name, owner)?;
        Ok(Box::new(DirectorySession::open(paths, lock, fresh)?))
    }

    async fn remove(&self, name: &str, owner: &LockOwner) -> Result<(), StateError> {
        let paths = self.known(name)?;
        let _lock = Lock::take(&paths.lock, name, owner)?;
        let objects = paths.read()?.map_or(0, |found| found.state.records().count());
        if objects > 0 {
            return Err(StateError::NotEmpty { name: name.to_owned(), objects });
        }
        // One rename takes the stack away; what a crash leaves of the rest is no stack.
        let grave = self.dir.join(format!(".removed-{name}"));
        discard(&grave)?;
        fs::rename(&paths.dir, &grave).map_err(failed("remove", &paths.dir))?;
        files::sync_dir(&paths.dir)?;
        discard(&grave)?;
        if self.read_selected()?.as_deref() == Some(name) {
            let path = self.selection();
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
        Ok(())
    }
}

fn discard(dir: &Path) -> Result<(), StateError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", dir)(error)),
        _ => Ok(()),
    }
}

/// A locked stack.
#[derive(Debug)]
struct DirectorySession {
    paths: Paths,
    state: State,
    journal: Journal,
    /// The journal's size at which a snapshot is written by itself.
    compact_at: u64,
    /// Last, so that it is given back when everything else is done.
    _lock: Lock,
}

impl DirectorySession {
    fn open(paths: Paths, lock: Lock, fresh: State) -> Result<Self, StateError> {
        let found = match paths.read()? {
            Some(found) => found,
            None => paths.begin(fresh)?,
        };
        let Found { state, journal, snapshot_len } = found;
        let journal = match journal {
            Some(contents) => Journal::open(&contents, &state)?,
            None => Journal::start(&paths.journal, state.serial)?,
        };
        Ok(Self { paths, state, journal, compact_at: snapshot_len.max(SMALL_JOURNAL), _lock: lock })
    }

    fn write_snapshot(&mut self) -> Result<(), StateError> {
        let snapshot_len = snapshot::write(&self.paths.snapshot, &self.state)?;
        files::sync_dir(&self.paths.snapshot)?;
        self.journal = Journal::create(&self.paths.journal, self.state.serial)?;
        // Until the new journal's name is durable, a crash could bring the old one back, without what follows.
        files::sync_dir(&self.paths.journal).inspect_err(|_| self.journal.distrust())?;
        self.compact_at = snapshot_len.max(SMALL_JOURNAL);
        Ok(())
    }
}

#[async_trait]
impl StoreSession for DirectorySession {
    fn state(&self) -> &State {
        &self.state
    }

    async fn write(&mut self, entries: &[Entry]) -> Result<(), StateError> {
        self.state.rehearse(entries)?;
        self.journal.write(self.state.serial + 1, entries)?;
        for entry in entries {
            self.state.apply(entry)?;
        }
        Ok(())
    }

    async fn sync(&mut self) -> Result<(), StateError> {
        self.journal.sync()?;
        // A snapshot as often as the journal has grown as large as the last one: a constant number of bytes for each
        // byte of journal, whatever the size of the stack.
        if self.journal.len() > self.compact_at
            && let Err(error) = self.write_snapshot()
        {
            // The entries are durable, so the sync has succeeded; a later one tries again.
            tracing::warn!(stack = self.state.stack.name, %error, "the journal could not be cut short");
            self.compact_at = self.journal.len().saturating_mul(2);
        }
        Ok(())
    }

    async fn compact(&mut self) -> Result<(), StateError> {
        self.journal.sync()?;
        self.write_snapshot()
    }
}
