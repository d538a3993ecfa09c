//! [`Emitter`]: gives events their time and their shape.

use std::time::Duration;

use tokio::time::Instant;

use super::event::{Event, EventSink, FinishedStatus, Phase, RefreshTotals, Totals};
use crate::object::ObjectKind;
use crate::plan::{Action, Part, PlanWarning};
use crate::value::Address;

/// What an event about a step says besides its phase.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) address: Address,
    pub(super) kind: ObjectKind,
    pub(super) action: Action,
    pub(super) part: Option<Part>,
}

/// Hands events to the sink, with the seconds since the run began.
pub(super) struct Emitter<'a> {
    sink: &'a mut dyn EventSink,
    start: Instant,
}

impl<'a> Emitter<'a> {
    /// Starts the run's clock.
    pub(super) fn new(sink: &'a mut dyn EventSink) -> Self {
        Self { sink, start: Instant::now() }
    }

    /// Returns how long the run has taken.
    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Seconds of run time, to the millisecond: tokio's clock has no finer ticks.
    fn t(&self) -> f64 {
        seconds(self.elapsed())
    }

    pub(super) fn started(&mut self, operation: &str, stack: &str, steps: usize) {
        let (t, operation, stack) = (self.t(), operation.to_owned(), stack.to_owned());
        self.sink.event(Event::Started { t, operation, stack, steps });
    }

    pub(super) fn step(&mut self, about: About, phase: Phase, attempt: u32, error: Option<String>) {
        let About { address, kind, action, part } = about;
        self.sink.event(Event::Step { t: self.t(), address, kind, action, phase, part, attempt, error });
    }

    pub(super) fn progress(&mut self, address: Address, message: String) {
        self.sink.event(Event::Progress { t: self.t(), address, message });
    }

    pub(super) fn warning(&mut self, warning: PlanWarning) {
        self.sink.event(Event::Warning { t: self.t(), warning });
    }

    pub(super) fn finished(
        &mut self,
        status: FinishedStatus,
        totals: Totals,
        refresh: Option<RefreshTotals>,
    ) {
        let t = self.t();
        self.sink.event(Event::Finished { t, status, totals, duration_s: t, refresh });
    }
}

fn seconds(duration: Duration) -> f64 {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).as_secs_f64()
}
