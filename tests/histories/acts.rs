//! What a history is made of: what it wants, and what it does next.

use skyplat::mock::faults::{FaultKind, Operation};

use crate::graphs::Description;
use crate::lab::{Cut, Limits};

/// A change of the description. Slots and targets are taken modulo what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Adds an object, or removes the one there is.
    Toggle(u8),
    /// Changes a value in place.
    Size(u8),
    /// Changes a value that comes back as an output.
    Shade(u8),
    /// Changes a value whose change replaces the object.
    Stone(u8),
    /// Moves its edges to other slots.
    Retarget(u8),
    /// Leans on the same in other ways.
    How(u8, u8),
    /// Gives another name, and says that it is the same object.
    Move(u8),
    /// Gives another name, and says nothing.
    Rename(u8),
    Protect(u8),
    Retain(u8),
}

/// Something that is done behind our back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drift {
    Size(u8, u8),
    Shade(u8, u8),
    Stone(u8, u8),
    /// The thing is deleted.
    Lose(u8),
    /// Someone makes a thing of their own.
    Stranger,
}

/// A call that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) object: u8,
    pub(crate) operation: Operation,
    pub(crate) kind: FaultKind,
}

/// What a history does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    Apply {
        edits: Vec<Edit>,
        refresh: bool,
        targets: Vec<u8>,
        faults: Vec<Fault>,
        cut: Cut,
    },
    Destroy {
        faults: Vec<Fault>,
        cut: Cut,
    },
    Drift(Vec<Drift>),
    /// Takes into the state what there is.
    Accept,
}

/// What a history begins with, and, as it goes on, what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) description: Description,
    pub(crate) limits: Limits,
    pub(crate) seed: u64,
    /// How many faults there were.
    pub(crate) faults: usize,
    /// Old and new addresses since the last run that ended well.
    pub(crate) moved: Vec<(String, String)>,
}

impl Wish {
    /// Changes the description.
    pub(crate) fn edit(&mut self, edit: Edit) {
        let count = self.description.slots.len();
        let at = |slot: u8| usize::from(slot) % count;
        let slots = &mut self.description.slots;
        match edit {
            Edit::Toggle(slot) => slots[at(slot)].there ^= true,
            Edit::Size(slot) => slots[at(slot)].size ^= 1,
            Edit::Shade(slot) => slots[at(slot)].shade ^= 1,
            Edit::Stone(slot) => slots[at(slot)].stone ^= 1,
            Edit::Retarget(slot) => slots[at(slot)].shift = slots[at(slot)].shift.wrapping_add(1),
            Edit::How(slot, how) => slots[at(slot)].how = how,
            Edit::Protect(slot) => slots[at(slot)].protect ^= true,
            Edit::Retain(slot) => slots[at(slot)].retain ^= true,
            Edit::Move(slot) | Edit::Rename(slot) => {
                let from = self.description.address(at(slot));
                let slot = &mut self.description.slots[at(slot)];
                slot.name = slot.name.saturating_add(1);
                if let Edit::Move(slot) = edit {
                    self.moved.push((from, self.description.address(at(slot))));
                }
            }
        }
    }

    /// Follows an operation, so that the next one can be drawn.
    pub(crate) fn follow(mut self, act: &Act) -> Self {
        match act {
            Act::Apply { edits, faults, .. } => {
                for edit in edits {
                    self.edit(*edit);
                }
                self.faults += faults.len();
            }
            Act::Destroy { faults, .. } => self.faults += faults.len(),
            Act::Drift(_) | Act::Accept => {}
        }
        self
    }
}
