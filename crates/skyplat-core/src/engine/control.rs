//! [`Control`]: how a run is told to end early.
//!
//! Twice the same request: the first lets what runs finish and starts nothing new, the second stops now. Neither loses
//! what was done, because the journal knows of every call before it is made.

use tokio_util::sync::CancellationToken;

/// A handle on a run, for a signal handler or a user interface. Clones are handles on the same run.
#[derive(Debug, Clone, Default)]
pub struct Control {
    drain: CancellationToken,
    stop: CancellationToken,
}

impl Control {
    /// Makes the handle of a run that was not cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the end: the first time to drain, the second time to stop.
    pub fn cancel(&self) {
        if self.drain.is_cancelled() {
            self.stop.cancel();
        } else {
            self.drain.cancel();
        }
    }

    /// Starts nothing new and lets what runs finish.
    pub fn drain(&self) {
        self.drain.cancel();
    }

    /// Stops now: calls are told to end and get a few seconds for it.
    pub fn stop(&self) {
        self.drain.cancel();
        self.stop.cancel();
    }

    /// Returns whether the run was asked to end.
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Returns whether the run was asked to stop now.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Returns a handle on a part of this run: it ends with the run, or alone.
    pub(super) fn part(&self) -> Self {
        Self { drain: self.drain.child_token(), stop: self.stop.child_token() }
    }

    pub(super) fn drain_token(&self) -> &CancellationToken {
        &self.drain
    }

    pub(super) fn stop_token(&self) -> &CancellationToken {
        &self.stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_request_drains_and_the_second_stops() {
        let control = Control::new();
        let signal = control.clone();
        signal.cancel();
        assert!(control.is_draining() && !control.is_stopping());
        signal.cancel();
        assert!(control.is_stopping());
    }

    #[test]
    fn a_part_ends_with_the_run_and_not_the_run_with_a_part() {
        let control = Control::new();
        let (one, other) = (control.part(), control.part());
        one.drain();
        assert!(one.is_draining() && !control.is_draining() && !other.is_draining());
        control.stop();
        assert!(other.is_stopping());
    }
}
