//! [`RunContext`]: what a run gets from outside because a library may not make it up.

/// The name, the seed and the wall time of one run, given by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunContext {
    /// Names the run in traces and locks.
    pub run_id: String,
    /// Feeds the jitter of back-offs: the same seed gives the same delays.
    pub seed: u64,
    /// When the run began, for people; the engine itself measures time on tokio's clock.
    pub now: jiff::Timestamp,
}

impl RunContext {
    /// Makes a context that is the same every time, for tests and simulations. A run on a real account takes its name
    /// and seed from randomness and its time from the clock.
    pub fn fixed(run_id: impl Into<String>) -> Self {
        Self { run_id: run_id.into(), seed: 0, now: jiff::Timestamp::UNIX_EPOCH }
    }
}
