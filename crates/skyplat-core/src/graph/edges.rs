//! [`Edges`]: what comes after what, by position.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// For each position, those it leads to: sorted, each once. All are in one allocation, because there are very many short
/// lists of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Edges {
    /// Where the list of each position ends; it begins where that of the one before ends.
    ends: Vec<usize>,
    to: Vec<usize>,
}

impl Edges {
    /// Makes the edges of `len` positions from pairs: from where, to where.
    pub(crate) fn new(len: usize, pairs: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut ends = vec![0; len];
        pairs.clone().for_each(|(from, _)| ends[from] += 1);
        let mut all = 0;
        for end in &mut ends {
            // For now where the list begins; filling it moves that to its end.
            all += std::mem::replace(end, all);
        }
        let mut to = vec![0; all];
        for (from, other) in pairs {
            to[ends[from]] = other;
            ends[from] += 1;
        }
        let (mut start, mut kept) = (0, 0);
        for end in &mut ends {
            to[start..*end].sort_unstable();
            let list = kept;
            for at in start..*end {
                if kept == list || to[kept - 1] != to[at] {
                    to[kept] = to[at];
                    kept += 1;
                }
            }
            start = std::mem::replace(end, kept);
        }
        to.truncate(kept);
        Self { ends, to }
    }

    /// Returns where a position leads to.
    pub(crate) fn of(&self, at: usize) -> &[usize] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.to[start..self.ends[at]]
    }

    /// Returns every edge: from where, to where.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + Clone {
        (0..self.ends.len()).flat_map(|from| self.of(from).iter().map(move |to| (from, *to)))
    }

    /// Returns the edges the other way round.
    pub(crate) fn reversed(&self) -> Self {
        Self::new(self.ends.len(), self.pairs().map(|(from, to)| (to, from)))
    }

    /// Returns the positions so that each comes after those it leads to, lower ones first where there is a choice.
    /// Those on a circle, and those that lead to one, are left out.
    pub(crate) fn sorted(&self) -> Vec<usize> {
        let led_to_by = self.reversed();
        let mut waits: Vec<usize> = (0..self.ends.len()).map(|at| self.of(at).len()).collect();
        let mut ready: BinaryHeap<Reverse<usize>> =
            (0..waits.len()).filter(|at| waits[*at] == 0).map(Reverse).collect();
        let mut sorted = Vec::with_capacity(waits.len());
        while let Some(Reverse(at)) = ready.pop() {
            sorted.push(at);
            for other in led_to_by.of(at) {
                waits[*other] -= 1;
                if waits[*other] == 0 {
                    ready.push(Reverse(*other));
                }
            }
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn edges_are_the_pairs_they_were_made_of(
            pairs in prop::collection::vec((0..9_usize, 0..9_usize), 0..40),
        ) {
            let edges = Edges::new(9, pairs.iter().copied());
            let set: BTreeSet<(usize, usize)> = pairs.iter().copied().collect();
            prop_assert!(edges.pairs().eq(set.iter().copied()));
            let turned: BTreeSet<(usize, usize)> = set.iter().map(|(from, to)| (*to, *from)).collect();
            prop_assert!(edges.reversed().pairs().eq(turned));
        }

        #[test]
        fn what_is_sorted_comes_after_what_it_leads_to_and_the_rest_leads_to_a_circle(
            pairs in prop::collection::vec((0..9_usize, 0..9_usize), 0..16),
        ) {
            let edges = Edges::new(9, pairs.iter().copied());
            let sorted = edges.sorted();
            let place = |at: usize| sorted.iter().position(|other| *other == at);
            for at in 0..9 {
                match place(at) {
                    Some(here) => prop_assert!(edges.of(at).iter().all(|to| place(*to).is_some_and(|to| to < here))),
                    None => prop_assert!(edges.of(at).iter().any(|to| place(*to).is_none())),
                }
            }
            prop_assert_eq!(sorted.iter().collect::<BTreeSet<_>>().len(), sorted.len());
        }
    }
}
