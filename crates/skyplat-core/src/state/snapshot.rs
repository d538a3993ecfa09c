//! The snapshot: a whole state in one file, replaced atomically.
//!
//! Two checksummed lines (see [`line`](super::line)): the header and the state. A stack exists when it has a snapshot;
//! the journal holds what happened since. The digest key is in here, which is why the file is for its owner alone.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files::{self, failed};
use super::line::{self, Header, VERSION};
use super::{State, StateError};

const FORMAT: &str = "skyplat snapshot";

#[derive(Serialize)]
struct Written<'a> {
    state: &'a State,
}

#[derive(Deserialize)]
struct Body {
    state: State,
}

/// Writes a snapshot and returns its size in bytes.
pub(super) fn write(path: &Path, state: &State) -> Result<u64, StateError> {
    let mut bytes = Vec::new();
    line::write(&mut bytes, &Header::new(FORMAT, state.serial))
        .and_then(|()| line::write(&mut bytes, &Written { state }))
        .map_err(|error| failed("write", path)(error.into()))?;
    files::replace(path, &bytes)?;
    Ok(bytes.len() as u64)
}

/// Reads a snapshot and its size in bytes; none when there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<(State, u64)>, StateError> {
    let Some(bytes) = files::read(path)? else { return Ok(None) };
    let damaged = |offset: usize, problem: String| StateError::Damaged {
        file: path.display().to_string(),
        offset: offset as u64,
        problem,
    };
    let cut = || damaged(bytes.len(), "the file ends too early".to_owned());
    let header_end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(cut)?;
    check_header(path, &bytes[..header_end], FORMAT)?;
    let start = header_end + 1;
    let (end, body) = bytes[start..].split_last().ok_or_else(cut)?;
    if *end != b'\n' {
        return Err(cut());
    }
    let body: Body = line::read(body).map_err(|problem| damaged(start, problem))?;
    Ok(Some((body.state, bytes.len() as u64)))
}

/// Reads the first line of a file, without its line feed.
pub(super) fn check_header(path: &Path, header: &[u8], format: &str) -> Result<Header, StateError> {
    let file = path.display().to_string();
    let header: Header = line::read(header).map_err(|problem| StateError::Damaged {
        file: file.clone(),
        offset: 0,
        problem,
    })?;
    if header.format != format {
        let problem = format!("this is a {:?}, not a {format:?}", header.format);
        return Err(StateError::Damaged { file, offset: 0, problem });
    }
    if header.version > VERSION {
        return Err(StateError::Newer { file, found: header.version, supported: VERSION });
    }
    Ok(header)
}
