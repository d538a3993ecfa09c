//! [`Lock`]: one writer for each stack.
//!
//! The lock is the operating system's, on an open file: it ends with the process, however that ends, so there is no
//! stale lock to break. Who holds it is written inside, for the one who finds it taken; after a crash that text is left
//! behind and means nothing.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::Path;

use super::files::{failed, private};
use super::{LockOwner, StateError};

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a stack, or says who holds it.
    pub(super) fn take(path: &Path, stack: &str, owner: &LockOwner) -> Result<Self, StateError> {
        let file = private().create(true).truncate(false).open(path).map_err(failed("write", path))?;
        let locked = || StateError::Locked { stack: stack.to_owned(), owner: read_owner(path).map(Box::new) };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked()),
            Err(TryLockError::Error(error)) => return Err(failed("lock", path)(error)),
        }
        // The stack may have been removed between opening and locking: then this is the lock of nothing.
        if !is_still_at(&file, path) {
            return Err(locked());
        }
        let lock = Self { file };
        lock.write_owner(owner).map_err(failed("write", path))?;
        Ok(lock)
    }

    fn write_owner(&self, owner: &LockOwner) -> io::Result<()> {
        let text = serde_json::to_vec(owner)?;
        self.file.set_len(0)?;
        (&self.file).write_all(&text)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Only tidiness: without the lock the text means nothing, and closing the file gives the lock back.
        let _ = self.file.set_len(0);
    }
}

fn read_owner(path: &Path) -> Option<LockOwner> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((&file.metadata(), &fs::metadata(path)), (Ok(a), Ok(b)) if identity(a) == identity(b))
}

#[cfg(not(unix))]
fn is_still_at(_file: &File, path: &Path) -> bool {
    path.exists()
}
