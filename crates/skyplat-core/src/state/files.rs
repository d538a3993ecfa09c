//! What journal, snapshot and lock ask of the file system: private files, atomic replacement, errors that name a path.
//!
//! All of it blocks. That is on purpose, also inside async code: a few kilobytes and one fsync take about as long as
//! handing them to another thread; the engine does nothing else until an intent is durable anyway; a future that is
//! dropped (a cancel) can never leave a write behind that still runs while the lock is already given back; and with
//! tokio's clock paused the order of events is the same as with states in memory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::StateError;

/// Names what was attempted on which file.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
    let path = path.display().to_string();
    move |source| StateError::Io { action, path, source }
}

/// Makes a directory and those above it that are missing, for the owner alone.
pub(super) fn make_dir(path: &Path) -> Result<(), StateError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(failed("create", path))
}

/// Returns options to write a file that only the owner can read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Reads a file; none when it, or its directory, does not exist.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

/// Replaces a file as a whole: after a crash there are the old bytes or the new ones, the new ones for certain once
/// [`sync_dir`] was called. Returns the new file, open to append to. An error means the old ones.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<File, StateError> {
    let temporary = temporary(path);
    // An attempt that a crash cut off may have left it.
    let _ = fs::remove_file(&temporary);
    let written = (|| {
        let mut file = private().append(true).create_new(true).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        Ok(file)
    })();
    written.map_err(|error| {
        // What could not be written must not fill the disk; the error that counts is the first one.
        let _ = fs::remove_file(&temporary);
        failed("write", path)(error)
    })
}

/// Makes the names in a file's directory durable.
pub(super) fn sync_dir(path: &Path) -> Result<(), StateError> {
    let Some(dir) = path.parent() else { return Ok(()) };
    if cfg!(unix) {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed("write", dir))
    } else {
        Ok(())
    }
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}
