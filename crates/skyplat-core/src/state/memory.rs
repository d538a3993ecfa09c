//! [`MemoryStore`]: states that live as long as the process, for tests, simulations and a first look.
//!
//! Clones share their stacks. It refuses what the directory store refuses (a second lock, an illegal entry, a secret in
//! the clear), so that code which works on it works on the other.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use super::store::valid_name;
use super::{Entry, LockOwner, State, StateError, StateStore, StoreSession};

/// Keeps states in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    stacks: BTreeMap<String, State>,
    locks: BTreeMap<String, LockOwner>,
    selected: Option<String>,
}

impl MemoryStore {
    /// Makes a store without stacks.
    pub fn new() -> Self {
        Self::default()
    }
}

fn shared(mutex: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // Nothing panics half-way through a change, so what a panicking thread leaves behind is whole.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Shared {
    fn unknown(&self, name: &str) -> StateError {
        StateError::UnknownStack { name: name.to_owned(), known: self.stacks.keys().cloned().collect() }
    }

    fn check_free(&self, name: &str) -> Result<(), StateError> {
        match self.locks.get(name) {
            Some(owner) => {
                Err(StateError::Locked { stack: name.to_owned(), owner: Some(Box::new(owner.clone())) })
            }
            None => Ok(()),
        }
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn list(&self) -> Result<Vec<String>, StateError> {
        Ok(shared(&self.shared).stacks.keys().cloned().collect())
    }

    async fn selected(&self) -> Result<Option<String>, StateError> {
        Ok(shared(&self.shared).selected.clone())
    }

    async fn select(&self, name: &str) -> Result<(), StateError> {
        valid_name(name)?;
        let mut shared = shared(&self.shared);
        if !shared.stacks.contains_key(name) {
            return Err(shared.unknown(name));
        }
        shared.selected = Some(name.to_owned());
        Ok(())
    }

    async fn load(&self, name: &str) -> Result<Option<State>, StateError> {
        valid_name(name)?;
        Ok(shared(&self.shared).stacks.get(name).cloned())
    }

    async fn lock(&self, fresh: State, owner: &LockOwner) -> Result<Box<dyn StoreSession>, StateError> {
        let name = fresh.stack.name.clone();
        valid_name(&name)?;
        let mut shared = shared(&self.shared);
        shared.check_free(&name)?;
        shared.locks.insert(name.clone(), owner.clone());
        let state = shared.stacks.entry(name.clone()).or_insert(fresh).clone();
        let shared = Arc::clone(&self.shared);
        Ok(Box::new(MemorySession { shared, name, state, unsynced: Vec::new() }))
    }

    async fn remove(&self, name: &str, _owner: &LockOwner) -> Result<(), StateError> {
        valid_name(name)?;
        let mut shared = shared(&self.shared);
        let Some(state) = shared.stacks.get(name) else {
            return Err(shared.unknown(name));
        };
        shared.check_free(name)?;
        let objects = state.records().count();
        if objects > 0 {
            return Err(StateError::NotEmpty { name: name.to_owned(), objects });
        }
        shared.stacks.remove(name);
        shared.selected.take_if(|selected| selected == name);
        Ok(())
    }
}

/// A locked stack. It has the state to itself; the shared one, which others may load, follows with each sync. What was not
/// synced is lost with the session, as it is from a disk when the power fails.
#[derive(Debug)]
struct MemorySession {
    shared: Arc<Mutex<Shared>>,
    name: String,
    state: State,
    unsynced: Vec<Entry>,
}

#[async_trait]
impl StoreSession for MemorySession {
    fn state(&self) -> &State {
        &self.state
    }

    async fn write(&mut self, entries: &[Entry]) -> Result<(), StateError> {
        // A single entry is applied or not; only more of them could be left half applied.
        if entries.len() > 1 {
            self.state.rehearse(entries)?;
        }
        for entry in entries {
            serde_json::to_writer(io::sink(), entry).map_err(|error| StateError::Io {
                action: "write",
                path: format!("an entry of the stack {}", self.name),
                source: error.into(),
            })?;
        }
        for entry in entries {
            self.state.apply(entry)?;
            self.unsynced.push(entry.clone());
        }
        Ok(())
    }

    async fn sync(&mut self) -> Result<(), StateError> {
        let mut shared = shared(&self.shared);
        if let Some(state) = shared.stacks.get_mut(&self.name) {
            for entry in self.unsynced.drain(..) {
                state.apply(&entry)?;
            }
        }
        Ok(())
    }

    async fn compact(&mut self) -> Result<(), StateError> {
        // There is no journal to cut short: the state is all there is.
        self.sync().await
    }
}

impl Drop for MemorySession {
    fn drop(&mut self) {
        shared(&self.shared).locks.remove(&self.name);
    }
}
