//! [`EngineError`]: what ends a run as a whole. A step that fails does not; it is in the report.

use crate::object::ObjectKind;
use crate::state::StateError;
use crate::value::Address;

/// A run that could not be begun or carried through.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nothing handles a kind of object in the plan; nothing was done.
    #[error("no executor handles {kind}, the kind of {address}")]
    NoExecutor {
        /// An object of that kind.
        address: Address,
        /// The kind.
        kind: ObjectKind,
    },
    /// The plan does not fit the graph it is applied with; nothing was done.
    #[error("the plan does not fit: {address} {problem}")]
    Mismatch {
        /// The object.
        address: Address,
        /// What is wrong.
        problem: &'static str,
    },
    /// The state has changed since the plan was made; nothing was done.
    #[error("the plan was made from serial {planned} of the state, which is at {found} now")]
    Stale {
        /// The serial the plan was made from.
        planned: u64,
        /// The serial of the state.
        found: u64,
    },
    /// The journal could not be written. Nothing was started after that, and what ran was let finish: its intents are
    /// open, and the next run finds out what became of them.
    #[error("the journal cannot be written")]
    Journal(#[source] StateError),
    /// The run was cancelled before it had an answer.
    #[error("cancelled")]
    Cancelled,
    /// An output could not be read or put together.
    #[error("cannot show {name}: {message}")]
    Output {
        /// The output, or the object whose secret it needs.
        name: String,
        /// What went wrong, without secrets.
        message: String,
    },
}

impl EngineError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoExecutor { .. } => Some("add an executor that supports the kind"),
            Self::Mismatch { .. } | Self::Stale { .. } => Some("make the plan again"),
            Self::Journal(_) => Some("make room or mend the store, then run again: nothing is lost"),
            Self::Cancelled => None,
            Self::Output { .. } => Some("a refresh says whether everything is still there"),
        }
    }
}
