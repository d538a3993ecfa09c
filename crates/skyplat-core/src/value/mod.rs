//! Values: what the inputs and outputs of objects are made of, before, during and after their references are known.
//!
//! * [`Value<T>`] is what a resource writes while lowering: a known `T`, a reference to an output, a text with
//!   references inside, or the JSON text of a tree.
//! * [`Tree`] is the same thing without its Rust type; planner, state and journal know objects only as trees.
//! * [`Secret`] is a text that never shows itself; [`Digest`] is what the state keeps of it.
//!
//! `Value` and `Secret` become trees through [`to_tree`] (serde, [`ser`]) and come back through [`from_tree`] ([`de`]).
//! On paper (plan files, journals, `--format json`) a tree is JSON with the notation of [`paper`]. Nothing in here
//! knows graphs or clouds.

pub mod de;
pub mod map;
pub mod paper;
pub mod resolve;
pub mod secret;
pub mod ser;
pub mod tree;
pub mod typed;

/// The text of a tree: short ones stand in it, longer ones are shared by its copies.
pub use smol_str::SmolStr;

pub use de::from_tree;
pub use map::Map;
pub use resolve::{Resolved, resolve, resolved};
pub use secret::{Digest, DigestKey, Secret};
pub use ser::to_tree;
pub use tree::{Address, Key, KeyPart, Reference, ToTree, Tree};
pub use typed::{NotKnown, TextPart, Value};

/// A failure to turn a Rust value into a [`Tree`] or back, with the path of the field it happened at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct TreeError {
    /// Dotted path of the field, empty at the root.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl TreeError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { path: String::new(), message: message.into() }
    }

    /// Puts a path segment in front, on the way out of a nested field.
    pub(crate) fn within(mut self, segment: &str) -> Self {
        self.path =
            if self.path.is_empty() { segment.to_owned() } else { format!("{segment}.{}", self.path) };
        self
    }
}

impl serde::ser::Error for TreeError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

impl serde::de::Error for TreeError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}
