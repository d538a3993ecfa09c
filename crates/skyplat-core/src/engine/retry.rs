//! Retries: the one table that says which failures may pass, and the back-off between attempts.
//!
//! | kind | find, read | create | update | delete |
//! |---|---|---|---|---|
//! | throttled | 15 min | 15 min | 15 min | 15 min |
//! | busy | 15 min | 30 min | 30 min | 30 min |
//! | not yet visible | 2 min | 2 min | 2 min | 2 min |
//! | still in use | – | – | 5 min | 15 min |
//! | unreachable, failed but may pass | 5 min | 10 min | 10 min | 10 min |
//! | already exists, where an earlier attempt may have been ours | – | 2 min | – | – |
//! | not found, denied, invalid, quota, failed for good | – | – | – | – |
//!
//! The time counts from the first failure of that kind and call in a row: a look that waits for what a lost reply left
//! half made has its own. A step also has a deadline and a number of attempts
//! (see [`super::EngineOptions`]). While a step waits for its turn, because others have all the slots, no time counts.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::executor::ErrorKind;
use crate::state::Uid;

/// What an attempt tried to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Read or find: nothing changes.
    Look,
    /// Make.
    Create,
    /// Change in place.
    Update,
    /// Delete.
    Delete,
}

impl Call {
    fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

const MINUTE: Duration = Duration::from_mins(1);

/// Returns for how long a failure of this kind is retried; none when it is not. `ours` says that an earlier attempt,
/// of this run or a crashed one, may have made the very thing that is in the way.
pub(super) fn patience(kind: ErrorKind, call: Call, ours: bool) -> Option<Duration> {
    use ErrorKind as Kind;
    match (kind, call) {
        (Kind::Throttled, _) | (Kind::Busy, Call::Look) | (Kind::DependencyViolation, Call::Delete) => {
            Some(15 * MINUTE)
        }
        (Kind::Busy, _) => Some(30 * MINUTE),
        (Kind::NotYetVisible, _) => Some(2 * MINUTE),
        (Kind::AlreadyExists, Call::Create) if ours => Some(2 * MINUTE),
        (Kind::DependencyViolation, Call::Update) | (Kind::Unreachable | Kind::Retryable, Call::Look) => {
            Some(5 * MINUTE)
        }
        (Kind::Unreachable | Kind::Retryable, _) => Some(10 * MINUTE),
        (
            Kind::DependencyViolation
            | Kind::NotFound
            | Kind::AlreadyExists
            | Kind::Denied
            | Kind::Invalid
            | Kind::Quota
            | Kind::Fatal,
            _,
        ) => None,
    }
}

/// How long the attempts of one half of a step may go on.
#[derive(Debug)]
pub(super) struct Patience {
    deadline: Instant,
    attempts_left: u32,
    /// The kind of the failures in a row, what was tried, and when the first of them was.
    since: Option<(ErrorKind, Call, Instant)>,
}

impl Patience {
    /// Starts with nothing used up.
    pub(super) fn new(deadline: Instant, attempts: u32) -> Self {
        Self { deadline, attempts_left: attempts.saturating_sub(1), since: None }
    }

    /// Returns when it is over.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Says after a failure how long to wait for the next attempt; none when it is time to give up.
    pub(super) fn after(
        &mut self,
        kind: ErrorKind,
        call: Call,
        ours: bool,
        jitter: Duration,
        now: Instant,
    ) -> Option<Duration> {
        let since = match self.since {
            Some((last, tried, since)) if last == kind && tried == call => since,
            _ => now,
        };
        self.since = Some((kind, call, since));
        let patience = patience(kind, call, ours)?;
        self.attempts_left = self.attempts_left.checked_sub(1)?;
        let next = now + jitter;
        (next < self.deadline && next.duration_since(since) <= patience).then_some(jitter)
    }

    /// Does not count the time that was spent on waiting for a turn.
    pub(super) fn waited(&mut self, time: Duration) {
        self.deadline += time;
        self.leave_out(time);
    }

    /// Does not count the time of a call between two attempts that went well, however slow it was.
    pub(super) fn leave_out(&mut self, time: Duration) {
        if let Some((_, _, since)) = &mut self.since {
            *since += time;
        }
    }
}

const BASE: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(30);

/// Returns the wait before the attempt after `attempt`: exponential with full jitter, a function of its arguments.
pub(super) fn backoff(seed: u64, uid: &Uid, call: Call, attempt: u32) -> Duration {
    let ceiling = CAP.min(BASE * 2_u32.saturating_pow(attempt.saturating_sub(1)).min(1 << 16));
    let hash = Sha256::digest(format!("{seed}\n{uid}\n{}\n{attempt}", call.name()));
    let draw = u16::from_be_bytes([hash[0], hash[1]]);
    ceiling.mul_f64(f64::from(draw) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Address;

    fn uid() -> Uid {
        Uid::new("stack", &Address::new("a"), 0)
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_look_in_between_uses_up_no_patience() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut patience = Patience::new(start + 60 * MINUTE, 100);
        let after = |patience: &mut Patience, now| {
            patience.after(ErrorKind::Retryable, Call::Create, false, second, now).is_some()
        };
        assert!(after(&mut patience, start));
        patience.leave_out(20 * MINUTE);
        assert!(after(&mut patience, start + 25 * MINUTE));
        assert!(!after(&mut patience, start + 31 * MINUTE));
    }

    #[test]
    fn what_had_an_unknown_effect_for_good_or_was_refused_is_never_retried() {
        for call in [Call::Look, Call::Create, Call::Update, Call::Delete] {
            for kind in [
                ErrorKind::Denied,
                ErrorKind::Invalid,
                ErrorKind::Quota,
                ErrorKind::Fatal,
                ErrorKind::NotFound,
            ] {
                assert_eq!(patience(kind, call, true), None, "{kind} {call:?}");
            }
        }
        assert_eq!(patience(ErrorKind::AlreadyExists, Call::Create, false), None);
        assert_eq!(patience(ErrorKind::DependencyViolation, Call::Delete, false), Some(15 * MINUTE));
        assert_eq!(patience(ErrorKind::NotYetVisible, Call::Create, false), Some(2 * MINUTE));
    }

    #[test]
    fn backoff_grows_to_its_cap_and_depends_on_the_seed() {
        for attempt in 1..40 {
            let wait = backoff(7, &uid(), Call::Create, attempt);
            assert!(wait <= CAP && wait <= BASE * 2_u32.saturating_pow(attempt - 1), "{attempt}: {wait:?}");
            assert_eq!(wait, backoff(7, &uid(), Call::Create, attempt));
        }
        assert_ne!(backoff(7, &uid(), Call::Create, 5), backoff(8, &uid(), Call::Create, 5));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_look_does_not_begin_with_the_call_that_it_looks_after() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut patience = Patience::new(start + 60 * MINUTE, 100);
        assert!(patience.after(ErrorKind::Retryable, Call::Create, false, second, start).is_some());
        // The look itself took long: it waited for what was half made.
        let later = start + 6 * MINUTE;
        assert!(patience.after(ErrorKind::Retryable, Call::Look, true, second, later).is_some());
        let later = later + 6 * MINUTE;
        assert!(patience.after(ErrorKind::Retryable, Call::Look, true, second, later).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_by_kind_by_deadline_and_by_number() {
        let second = Duration::from_secs(1);
        let start = Instant::now();
        let after = |patience: &mut Patience, kind, at: u64| {
            patience
                .after(kind, Call::Create, false, second, start + second * u32::try_from(at).unwrap())
                .is_some()
        };
        let hour = start + 60 * MINUTE;
        let mut patience = Patience::new(hour, 100);
        assert!(after(&mut patience, ErrorKind::NotYetVisible, 0));
        assert!(after(&mut patience, ErrorKind::NotYetVisible, 119));
        assert!(!after(&mut patience, ErrorKind::NotYetVisible, 120));
        let mut patience = Patience::new(hour, 100);
        assert!(after(&mut patience, ErrorKind::NotYetVisible, 0));
        assert!(after(&mut patience, ErrorKind::Throttled, 100));
        assert!(
            after(&mut patience, ErrorKind::NotYetVisible, 200),
            "another failure in between begins anew"
        );
        let mut patience = Patience::new(start + 10 * second, 100);
        assert!(!after(&mut patience, ErrorKind::Throttled, 9));
        let mut patience = Patience::new(hour, 2);
        assert!(after(&mut patience, ErrorKind::Throttled, 0));
        assert!(!after(&mut patience, ErrorKind::Throttled, 0));
    }
}
