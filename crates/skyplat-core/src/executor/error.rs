//! [`ExecError`]: what an executor says when a call did not work, in terms the engine can act on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::value::NotKnown;

/// What kind of failure it was. All but `Retryable` and `Fatal` promise that the call had no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The API asks to slow down.
    Throttled,
    /// Another operation is under way on the same thing.
    Busy,
    /// Something that was just made is not visible to this API yet.
    NotYetVisible,
    /// Something else still uses the object.
    DependencyViolation,
    /// The object is not there.
    NotFound,
    /// Another object with the same natural key is there, and it is not ours.
    AlreadyExists,
    /// The caller may not do this.
    Denied,
    /// The API refuses the inputs.
    Invalid,
    /// A quota is used up.
    Quota,
    /// The API could not be reached; the request was not sent.
    Unreachable,
    /// The call failed in a way that may pass, and may have had its effect.
    Retryable,
    /// The call failed for good, and may have had its effect.
    Fatal,
}

impl ErrorKind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 12] = [
        Self::Throttled,
        Self::Busy,
        Self::NotYetVisible,
        Self::DependencyViolation,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Denied,
        Self::Invalid,
        Self::Quota,
        Self::Unreachable,
        Self::Retryable,
        Self::Fatal,
    ];

    /// Returns whether the call is known to have had no effect.
    pub fn had_no_effect(self) -> bool {
        !matches!(self, Self::Retryable | Self::Fatal)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Throttled => "throttled",
            Self::Busy => "busy",
            Self::NotYetVisible => "not yet visible",
            Self::DependencyViolation => "still in use",
            Self::NotFound => "not found",
            Self::AlreadyExists => "already exists",
            Self::Denied => "denied",
            Self::Invalid => "invalid",
            Self::Quota => "quota used up",
            Self::Unreachable => "unreachable",
            Self::Retryable => "failed, may pass",
            Self::Fatal => "failed",
        })
    }
}

/// A call that did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExecError {
    /// What kind of failure it was.
    pub kind: ErrorKind,
    /// What the API said, without secrets.
    pub message: String,
    /// The API's own code, such as `InvalidVpcID.NotFound`.
    pub code: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ExecError {
    /// Makes an error without code and hint.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code: None, hint: None }
    }

    /// Adds the API's own code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<NotKnown> for ExecError {
    /// The engine resolves every value before a call, so a value that is not known is a fault of who made the inputs.
    fn from(error: NotKnown) -> Self {
        Self::new(ErrorKind::Invalid, error.to_string())
    }
}
