//! [`FaultKind`] and [`Operation`]: what can go wrong with which call.

use std::fmt;

/// A call of an executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `read`, for each object of the batch.
    Read,
    /// `find`.
    Find,
    /// `create`.
    Create,
    /// `update`.
    Update,
    /// `delete`.
    Delete,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 5] = [Self::Read, Self::Find, Self::Create, Self::Update, Self::Delete];

    /// Returns whether it only looks.
    pub fn only_looks(self) -> bool {
        matches!(self, Self::Read | Self::Find)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Find => "find",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        })
    }
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// It fails before it does anything, in a way that may pass: `Retryable` or `Unreachable`.
    FailsBefore,
    /// It does what it should, and the reply is lost: `Retryable`. A create loses it at once, so that nobody learns the
    /// id; or after the id was reported, while it waits; or at the very end.
    ReplyLost,
    /// It fails for good and does nothing: `Fatal` or `Denied`.
    Permanent,
    /// The API asks to slow down: `Throttled`, several times in a row.
    Throttled,
    /// It takes up to half an hour longer, before or after the effect.
    Slow,
    /// Something that was just made is not visible to this API yet: `NotYetVisible`, for up to a minute.
    NotYetVisible,
    /// Something else still uses the object: `DependencyViolation`.
    StillInUse,
    /// Another operation is under way where only one may be: `Busy`.
    Busy,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::FailsBefore,
        Self::ReplyLost,
        Self::Permanent,
        Self::Throttled,
        Self::Slow,
        Self::NotYetVisible,
        Self::StillInUse,
        Self::Busy,
    ];

    /// The kinds that pass when a call is repeated: all but [`FaultKind::Permanent`].
    pub const PASSING: [Self; 7] = [
        Self::FailsBefore,
        Self::ReplyLost,
        Self::Throttled,
        Self::Slow,
        Self::NotYetVisible,
        Self::StillInUse,
        Self::Busy,
    ];

    /// Returns whether this can go wrong with an operation.
    ///
    /// | | read, find | create | update | delete |
    /// |---|---|---|---|---|
    /// | fails before, permanent, throttled, slow, not yet visible | yes | yes | yes | yes |
    /// | reply lost | – | yes | yes | yes |
    /// | still in use | – | – | yes | yes |
    /// | busy | – | yes | yes | yes |
    ///
    /// A look whose reply is lost is one that failed before; a look is never in the way of anything.
    pub fn meets(self, operation: Operation) -> bool {
        match self {
            Self::FailsBefore | Self::Permanent | Self::Throttled | Self::Slow | Self::NotYetVisible => true,
            Self::ReplyLost | Self::Busy => !operation.only_looks(),
            Self::StillInUse => matches!(operation, Operation::Update | Operation::Delete),
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FailsBefore => "fails before",
            Self::ReplyLost => "reply lost",
            Self::Permanent => "permanent",
            Self::Throttled => "throttled",
            Self::Slow => "slow",
            Self::NotYetVisible => "not yet visible",
            Self::StillInUse => "still in use",
            Self::Busy => "busy",
        })
    }
}
