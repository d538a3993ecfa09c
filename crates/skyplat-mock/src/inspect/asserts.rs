//! The findings as assertions, for tests.

use std::collections::BTreeSet;
use std::fmt::{Display, Write as _};

use skyplat_core::state::{State, Uid};

use super::{Finding, dangling, diff, doubles, dump, ghosts, left_of_stack, unknown};
use crate::world::World;

impl World {
    /// Fails when anything is left of a stack, named by its tag ([`Stack::tag`](skyplat_core::state::Stack::tag)).
    ///
    /// # Panics
    /// With what is left, and a dump of the world.
    pub fn assert_nothing_left(&self, stack: &str) {
        self.assert_nothing_left_but(stack, []);
    }

    /// Fails when anything is left of a stack but these things, which were to be retained, and what lives in them.
    ///
    /// # Panics
    /// As [`World::assert_nothing_left`].
    pub fn assert_nothing_left_but<'a>(&self, stack: &str, retained: impl IntoIterator<Item = &'a Uid>) {
        let retained: BTreeSet<&Uid> = retained.into_iter().collect();
        let stays = |finding: &Finding| {
            let inside = self.get(&finding.uid).map(|thing| &thing.lives_in);
            retained.contains(&finding.uid) || inside.into_iter().flatten().any(|uid| retained.contains(uid))
        };
        let mut left = left_of_stack(self, stack);
        left.retain(|finding| !stays(finding));
        self.assert_none(&format!("something is left of {stack}"), &left);
    }

    /// Fails when this world and what a state says of it contradict each other; holds in the middle of a run too.
    /// `retained` were let go on purpose.
    ///
    /// # Panics
    /// With what contradicts, and a dump of the world.
    pub fn assert_agrees<'a>(&self, state: &State, retained: impl IntoIterator<Item = &'a Uid>) {
        let retained: BTreeSet<&Uid> = retained.into_iter().collect();
        let mut wrong = unknown(self, state);
        wrong.retain(|finding| !retained.contains(&finding.uid));
        wrong.extend(doubles(self, state));
        wrong.extend(ghosts(self, state));
        self.assert_none(&format!("the world and the state of {} disagree", state.stack.tag()), &wrong);
    }

    /// Fails when something names what is gone.
    ///
    /// # Panics
    /// With what does, and a dump of the world.
    pub fn assert_nothing_dangles(&self) {
        self.assert_none("something names what is gone", &dangling(self));
    }

    /// Fails when this world differs from another, taken as the one that is expected.
    ///
    /// # Panics
    /// With the differences.
    pub fn assert_same(&self, expected: &Self) {
        let differences = diff(expected, self);
        assert!(differences.is_empty(), "the world is not as expected:\n{}", lines(&differences));
    }

    fn assert_none(&self, what: &str, findings: &[Finding]) {
        let list = lines(findings);
        assert!(findings.is_empty(), "{what}:\n{list}in this world:\n{}", dump(self));
    }
}

fn lines<T: Display>(items: &[T]) -> String {
    items.iter().fold(String::new(), |mut text, item| {
        writeln!(text, "  {item}").expect("writing to a String cannot fail");
        text
    })
}
