//! [`Style`]: how a front end may dress a text up, by what the text means.

use crate::plan::Action;

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A heading, or a name that a line is about.
    Strong,
    /// Something is made, or went well.
    Create,
    /// Something changes in place.
    Update,
    /// Something is made anew.
    Replace,
    /// Something is deleted.
    Delete,
    /// Detail that may stand back.
    Faint,
    /// Something to think about.
    Warning,
    /// Something went wrong.
    Error,
    /// What to do about it.
    Hint,
}

impl Role {
    /// Returns the role of an action's lines.
    pub fn of(action: Action) -> Self {
        match action {
            Action::Create => Self::Create,
            Action::Update => Self::Update,
            Action::Replace => Self::Replace,
            Action::Delete => Self::Delete,
            Action::Keep | Action::Wait | Action::Drain | Action::Read => Self::Faint,
        }
    }
}

/// Dresses text up, usually with colour.
pub trait Style {
    /// Returns the text with whatever shows its role.
    fn paint(&self, role: Role, text: &str) -> String;
}

/// Leaves text as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plain;

impl Style for Plain {
    fn paint(&self, _: Role, text: &str) -> String {
        text.to_owned()
    }
}
