//! Natural keys: what an API refuses to have twice, compared as far as it is known.

use super::compare::unknowns;
use crate::value::{Reference, Tree};

/// Compares two natural keys part by part. An unknown of an object that is `made` in this plan is different; an unknown
/// for another reason is taken to be equal.
pub(super) fn keys_meet(old: &Tree, new: &Tree, made: &impl Fn(&Reference) -> bool) -> bool {
    match (old, new) {
        (_, Tree::Unknown(reference)) => !made(reference),
        (_, Tree::Text(_) | Tree::Json(_)) => {
            let mut unknown = Vec::new();
            unknowns(new, &mut unknown);
            if unknown.is_empty() { old == new } else { !unknown.iter().any(made) }
        }
        (Tree::List(old), Tree::List(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| keys_meet(old, new, made))
        }
        (Tree::Map(old), Tree::Map(new)) => {
            old.len() == new.len()
                && old.iter().zip(new).all(|((a, old), (b, new))| a == b && keys_meet(old, new, made))
        }
        _ => old == new,
    }
}
