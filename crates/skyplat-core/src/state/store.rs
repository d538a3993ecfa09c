//! [`StateStore`]: where states are kept.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Entry, IllegalTransition, State};

/// Who holds a lock; written into it for the one who finds it taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOwner {
    /// Who: `user@host`.
    pub who: String,
    /// The process id.
    pub process: u32,
    /// What it is doing, such as `apply`.
    pub operation: String,
    /// The run.
    pub run_id: String,
    /// Since when, in RFC 3339.
    pub since: String,
}

impl fmt::Display for LockOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {}, {} since {})", self.who, self.process, self.operation, self.since)
    }
}

/// A state that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Someone else works on the stack.
    #[error("the stack {stack} is locked{}", owner.as_ref().map(|o| format!(" by {o}")).unwrap_or_default())]
    Locked {
        /// The stack.
        stack: String,
        /// Who, if the lock could be read.
        owner: Option<Box<LockOwner>>,
    },
    /// A file does not hold what was written to it.
    #[error("{file} is damaged at byte {offset}: {problem}")]
    Damaged {
        /// The file.
        file: String,
        /// Where, in bytes from its start.
        offset: u64,
        /// What is wrong.
        problem: String,
    },
    /// A file was written by a newer version.
    #[error("{file} has format version {found}; this version reads up to {supported}")]
    Newer {
        /// The file.
        file: String,
        /// Its version.
        found: u64,
        /// The newest version this code reads.
        supported: u64,
    },
    /// The operating system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was attempted: `read`, `write`, `create`.
        action: &'static str,
        /// On which file.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// There is no such stack.
    #[error("there is no stack {name}")]
    UnknownStack {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A stack that still has objects was to be removed.
    #[error("the stack {name} still has {objects} objects")]
    NotEmpty {
        /// The stack.
        name: String,
        /// How many.
        objects: usize,
    },
    /// A name that no stack can have.
    #[error("{name:?} is no stack name: use up to 40 of a-z, 0-9 and '-', beginning with a letter")]
    BadName {
        /// The name.
        name: String,
    },
    /// An entry that cannot follow what came before it.
    #[error("a journal entry is illegal")]
    Illegal(#[from] IllegalTransition),
}

/// Checks that a stack can have this name: it becomes part of paths, tags and the names of clusters.
///
/// # Errors
/// [`StateError::BadName`].
pub fn valid_name(name: &str) -> Result<(), StateError> {
    let good = name.len() <= 40
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if good { Ok(()) } else { Err(StateError::BadName { name: name.to_owned() }) }
}

/// Keeps the states of stacks.
#[async_trait]
pub trait StateStore: fmt::Debug + Send + Sync {
    /// Returns the names of the stacks, sorted.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn list(&self) -> Result<Vec<String>, StateError>;

    /// Returns the name of the selected stack, if one was selected.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn selected(&self) -> Result<Option<String>, StateError>;

    /// Selects a stack.
    ///
    /// # Errors
    /// When there is no such stack.
    async fn select(&self, name: &str) -> Result<(), StateError>;

    /// Reads the state of a stack without locking it; none when there is no such stack.
    ///
    /// # Errors
    /// When the state is damaged, newer, or cannot be read.
    async fn load(&self, name: &str) -> Result<Option<State>, StateError>;

    /// Locks a stack for writing. A stack that does not exist is made from `fresh`.
    ///
    /// # Errors
    /// When someone else holds the lock, or the state is damaged, newer, or cannot be written.
    async fn lock(&self, fresh: State, owner: &LockOwner) -> Result<Box<dyn StoreSession>, StateError>;

    /// Removes a stack that has no objects.
    ///
    /// # Errors
    /// When it has objects, is locked, or does not exist.
    async fn remove(&self, name: &str, owner: &LockOwner) -> Result<(), StateError>;
}

/// A locked stack. Dropping it gives the lock back.
#[async_trait]
pub trait StoreSession: fmt::Debug + Send {
    /// Returns the state with all that was written.
    fn state(&self) -> &State;

    /// Applies entries to the state and writes them behind all that was written before. They are durable when the next
    /// [`sync`](Self::sync) returns; a crash before it leaves a prefix of what was written.
    ///
    /// # Errors
    /// When an entry is illegal or the store cannot be written; of these entries nothing is kept then.
    async fn write(&mut self, entries: &[Entry]) -> Result<(), StateError>;

    /// Makes all that was written durable before it returns.
    ///
    /// # Errors
    /// When the store cannot be written. What of it is durable is not known then, and the session takes no more.
    async fn sync(&mut self) -> Result<(), StateError>;

    /// Writes entries and makes them durable.
    ///
    /// # Errors
    /// Those of [`write`](Self::write) and [`sync`](Self::sync).
    async fn append(&mut self, entries: &[Entry]) -> Result<(), StateError> {
        self.write(entries).await?;
        self.sync().await
    }

    /// Makes all that was written durable as a snapshot, so that the journal starts anew.
    ///
    /// # Errors
    /// When the store cannot be written; the journal then still holds everything.
    async fn compact(&mut self) -> Result<(), StateError>;
}
