//! [`State::rehearse`]: whether entries may follow, found out before any of them is written.
//!
//! A session must neither write an illegal entry nor be left with half a batch applied, and it must not copy a whole
//! stack to find out. So the entries are applied to an excerpt first: the few records they can touch.

use std::collections::BTreeSet;

use super::{Entry, IllegalTransition, State, Uid};
use crate::value::Address;

impl State {
    /// Checks that the entries may follow, one after the other. The cost grows with the entries, not with the stack,
    /// but for a move, which touches every record that names the old address.
    ///
    /// # Errors
    /// The first entry that may not.
    pub fn rehearse(&self, entries: &[Entry]) -> Result<(), IllegalTransition> {
        let mut copy = if entries.iter().any(|entry| matches!(entry, Entry::Moved { .. })) {
            self.clone()
        } else {
            self.excerpt(entries)
        };
        entries.iter().try_for_each(|entry| copy.apply(entry))
    }

    /// Copies what the entries can touch.
    fn excerpt(&self, entries: &[Entry]) -> Self {
        let mut copy = Self::new(self.stack.clone(), self.digest_key.clone());
        let mut addresses: BTreeSet<&Address> = BTreeSet::new();
        for (address, uid) in entries.iter().filter_map(subject) {
            addresses.insert(address);
            if let Some(record) = uid.and_then(|uid| self.deposed.get(uid)) {
                copy.deposed.insert(record.uid.clone(), record.clone());
            }
        }
        for address in &addresses {
            if let Some(record) = self.objects.get(address) {
                copy.objects.insert((*address).clone(), record.clone());
            }
            if let Some(generation) = self.generations.get(address) {
                copy.generations.insert((*address).clone(), *generation);
            }
        }
        // A record that is removed may give its address back to one that it superseded.
        for record in self.deposed.values().filter(|record| addresses.contains(&record.node.address)) {
            copy.deposed.insert(record.uid.clone(), record.clone());
        }
        copy
    }
}

/// Returns the object that an entry is about.
fn subject(entry: &Entry) -> Option<(&Address, Option<&Uid>)> {
    match entry {
        Entry::CreateBegins { record } => Some((&record.node.address, Some(&record.uid))),
        Entry::Bookkeeping { node, .. } => Some((&node.address, None)),
        Entry::UpdateBegins { address, uid, .. }
        | Entry::DeleteBegins { address, uid }
        | Entry::Identified { address, uid, .. }
        | Entry::Created { address, uid, .. }
        | Entry::Updated { address, uid, .. }
        | Entry::Deleted { address, uid }
        | Entry::Retained { address, uid, .. }
        | Entry::Failed { address, uid, .. }
        | Entry::Forgotten { address, uid, .. }
        | Entry::Observed { address, uid, .. } => Some((address, Some(uid))),
        Entry::Moved { from, .. } => Some((from, None)),
        Entry::Facts { .. } | Entry::Exports { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{happenings, image, legal, state};

    proptest! {
        #[test]
        fn a_rehearsal_says_what_the_whole_state_would(past in happenings(60), next in happenings(4)) {
            let mut state = state();
            for entry in legal(&past) {
                state.apply(&entry).unwrap();
            }
            let before = image(&state);
            let entries: Vec<_> = next.iter().map(|happening| happening.entry(&state)).collect();
            let mut copy = state.clone();
            let real = entries.iter().try_for_each(|entry| copy.apply(entry));
            prop_assert_eq!(state.rehearse(&entries), real);
            prop_assert_eq!(image(&state), before);
        }

        #[test]
        fn an_illegal_entry_changes_nothing(past in happenings(60), next in happenings(8)) {
            let mut state = state();
            for entry in legal(&past) {
                state.apply(&entry).unwrap();
            }
            for happening in next {
                let before = image(&state);
                if state.apply(&happening.entry(&state)).is_err() {
                    prop_assert_eq!(image(&state), before);
                }
            }
        }
    }
}
