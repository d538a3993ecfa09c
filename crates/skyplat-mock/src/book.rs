//! [`Book`]: a world that keeps what happens in it, lets time pass, and lets controllers act.

use std::sync::Arc;

use skyplat_core::executor::{ErrorKind, ExecError};

use crate::cloud::MockOptions;
use crate::controllers;
use crate::store::Store;
use crate::world::{Effect, Moment, Record, Thing, World};

/// The world and where its effects are written.
#[derive(Debug)]
pub(crate) struct Book {
    /// Shared with whoever looks; while somebody holds on to it, the next change makes a copy.
    pub(crate) world: Arc<World>,
    store: Store,
    /// Whether controllers have nothing to do until something changes.
    settled: bool,
}

impl Book {
    pub(crate) fn new(world: Arc<World>, store: Store) -> Self {
        Self { world, store, settled: false }
    }

    /// Writes an effect down, then lets it happen.
    pub(crate) fn write(&mut self, at: Moment, effect: Effect) -> Result<(), ExecError> {
        let record = Record { at, effect };
        self.store.append(self.world.seed(), &record).map_err(|error| {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
            ExecError::new(ErrorKind::Unreachable, format!("{error}{}", source.unwrap_or_default()))
                .hint("the simulated cloud keeps its world in this file")
        })?;
        let touched = match &record.effect {
            Effect::Made { thing } => Some(&**thing),
            Effect::Ready { uid }
            | Effect::Changed { uid, .. }
            | Effect::Deleting { uid, .. }
            | Effect::Held { uid }
            | Effect::Gone { uid } => self.world.get(uid),
        };
        self.settled &= !touched.is_some_and(controllers::is_watched);
        Arc::make_mut(&mut self.world).apply(&record);
        Ok(())
    }

    /// Lets time pass, from one change to the next: controllers act when something changed, whoever looks when.
    pub(crate) fn catch_up(&mut self, now: Moment, options: &MockOptions) {
        self.react(options);
        while let Some(next) = self.world.next_change().filter(|next| *next <= now) {
            let is_done = |thing: &Thing| thing.phase.until() == Some(next);
            self.settled &=
                !self.world.under_way().any(|thing| is_done(thing) && controllers::is_watched(thing));
            Arc::make_mut(&mut self.world).advance(next);
            self.react(options);
        }
        Arc::make_mut(&mut self.world).advance(now);
    }

    /// Lets controllers act until all is as they want it.
    pub(crate) fn react(&mut self, options: &MockOptions) {
        while !self.settled {
            let effects = controllers::step(controllers::Scene { world: &self.world, options });
            self.settled = true;
            let at = self.world.clock();
            if effects.into_iter().try_for_each(|effect| self.write(at, effect)).is_err() {
                // What cannot be written down does not happen: whoever writes next is told, and it is tried again.
                self.settled = false;
                return;
            }
        }
    }
}
