//! [`ReadyQueue`]: which task may start next. Longest remaining path first.
//!
//! Pure and generic: tasks are the integers `0..n`, order is a list of predecessors, priority is a number. It knows
//! nothing of plans, limits or time; the owner loop asks it for the best task that passes a test of its own.

use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Where a task stands among the ready ones: more remaining work first, then the lower number.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rank {
    remaining: f64,
    task: usize,
}

impl Eq for Rank {}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        other.remaining.total_cmp(&self.remaining).then(self.task.cmp(&other.task))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The tasks of a run, by what they wait for.
#[derive(Debug)]
pub(super) struct ReadyQueue {
    ready: BTreeSet<Rank>,
    /// How many predecessors of a task are not done.
    waiting_for: Vec<usize>,
    successors: Vec<Vec<usize>>,
    remaining: Vec<f64>,
}

impl ReadyQueue {
    /// Makes the queue of tasks given as (predecessors, remaining work). A predecessor named twice counts once.
    pub(super) fn new<'a>(tasks: impl IntoIterator<Item = (&'a [usize], f64)>) -> Self {
        let tasks: Vec<(BTreeSet<usize>, f64)> = tasks
            .into_iter()
            .map(|(after, remaining)| (after.iter().copied().collect(), remaining))
            .collect();
        let mut queue = Self {
            ready: BTreeSet::new(),
            waiting_for: tasks.iter().map(|(after, _)| after.len()).collect(),
            successors: vec![Vec::new(); tasks.len()],
            remaining: tasks.iter().map(|(_, remaining)| *remaining).collect(),
        };
        for (task, (after, _)) in tasks.iter().enumerate() {
            for predecessor in after {
                queue.successors[*predecessor].push(task);
            }
            if after.is_empty() {
                queue.push(task);
            }
        }
        queue
    }

    /// Puts a task among the ready ones: a new one, or one that was begun and wants to go on.
    pub(super) fn push(&mut self, task: usize) {
        self.ready.insert(Rank { remaining: self.remaining[task], task });
    }

    /// Returns the best ready task.
    pub(super) fn best(&self) -> Option<usize> {
        self.ready.first().map(|rank| rank.task)
    }

    /// Takes out the best ready task that passes the test.
    pub(super) fn pop(&mut self, mut admissible: impl FnMut(usize) -> bool) -> Option<usize> {
        let best = self.ready.iter().find(|rank| admissible(rank.task)).copied()?;
        self.ready.remove(&best);
        Some(best.task)
    }

    /// Marks a task as over, whatever became of it: successors that waited for nothing else are ready now.
    pub(super) fn finish(&mut self, task: usize) {
        for successor in std::mem::take(&mut self.successors[task]) {
            self.waiting_for[successor] -= 1;
            if self.waiting_for[successor] == 0 {
                self.push(successor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drain(mut queue: ReadyQueue) -> Vec<usize> {
        let mut order = Vec::new();
        while let Some(task) = queue.pop(|_| true) {
            order.push(task);
            queue.finish(task);
        }
        order
    }

    #[test]
    fn the_longest_remaining_path_goes_first_and_ties_go_by_number() {
        let queue = ReadyQueue::new([(&[][..], 5.0), (&[][..], 9.0), (&[][..], 5.0), (&[1][..], 8.0)]);
        assert_eq!(drain(queue), [1, 3, 0, 2]);
    }

    #[test]
    fn a_task_that_does_not_pass_keeps_its_place() {
        let mut queue = ReadyQueue::new([(&[][..], 9.0), (&[][..], 1.0)]);
        assert_eq!(queue.pop(|task| task != 0), Some(1));
        assert_eq!(queue.pop(|task| task != 0), None);
        assert_eq!(queue.pop(|_| true), Some(0));
    }

    #[test]
    fn a_predecessor_named_twice_is_waited_for_once() {
        assert_eq!(drain(ReadyQueue::new([(&[][..], 1.0), (&[0, 0][..], 1.0)])), [0, 1]);
    }

    proptest! {
        /// Every task comes out once and after all its predecessors, whatever the priorities.
        #[test]
        fn order_respects_predecessors(
            tasks in prop::collection::vec((prop::collection::vec(any::<prop::sample::Index>(), 0..4), 0.0..100.0f64), 1..40)
        ) {
            let after: Vec<Vec<usize>> = tasks
                .iter()
                .enumerate()
                .map(|(at, (before, _))| if at == 0 { vec![] } else { before.iter().map(|i| i.index(at)).collect() })
                .collect();
            let queue = ReadyQueue::new(after.iter().zip(&tasks).map(|(after, (_, rank))| (after.as_slice(), *rank)));
            let order = drain(queue);
            prop_assert_eq!(order.len(), tasks.len());
            let place: Vec<usize> =
                (0..tasks.len()).map(|task| order.iter().position(|other| *other == task).unwrap()).collect();
            for (task, before) in after.iter().enumerate() {
                prop_assert!(before.iter().all(|other| place[*other] < place[task]));
            }
        }
    }
}
