//! Moves: a state is planned as if its records already had their new addresses.
//!
//! A move may name a resource; it then stands for every object below it. One that was made already says nothing, so
//! moves may stay in a configuration.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::error::PlanError;
use super::step::Move;
use crate::object::ObjectNode;
use crate::state::{Entry, State};
use crate::value::Address;

/// Applies moves to a state and returns those that had something to move.
///
/// # Errors
/// When an object is still described at its old address, or something is recorded at the new one.
pub(super) fn apply<'s>(
    state: &'s State,
    nodes: &BTreeMap<Address, ObjectNode>,
    moves: &[Move],
) -> Result<(Cow<'s, State>, Vec<Move>), PlanError> {
    let mut view = Cow::Borrowed(state);
    let mut made = Vec::new();
    for Move { from, to } in moves {
        let below: Vec<Address> =
            view.objects.keys().filter(|address| address.is_within(from)).cloned().collect();
        for old in below {
            let new = Address::new(format!("{to}{}", &old.as_str()[from.as_str().len()..]));
            let refuse = |problem: &str| PlanError::Move {
                from: old.clone(),
                to: new.clone(),
                problem: problem.to_owned(),
            };
            if nodes.contains_key(&old) {
                return Err(refuse("it is still described at its old address"));
            }
            if view.objects.contains_key(&new) {
                return Err(refuse("there already is an object at the new address"));
            }
            let entry = Entry::Moved { from: old.clone(), to: new.clone() };
            view.to_mut().apply(&entry).map_err(|error| refuse(&error.to_string()))?;
            made.push(Move { from: old, to: new });
        }
    }
    Ok((view, made))
}
