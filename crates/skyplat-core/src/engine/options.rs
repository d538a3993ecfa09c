//! [`EngineOptions`]: the limits of a run.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

/// How fast calls may follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The time that one call uses up in the long run.
    pub every: Duration,
    /// How many calls may be made at once after a pause.
    pub burst: u32,
}

/// Rates of calls, per service; each account and region has its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimits {
    /// For services that are not named.
    pub default: Rate,
    /// By service, such as `ec2`.
    pub services: BTreeMap<String, Rate>,
}

impl Default for RateLimits {
    /// Stays well below what AWS grants a fresh account.
    fn default() -> Self {
        let per_second = |calls: u64, burst| Rate { every: Duration::from_millis(1000 / calls), burst };
        Self {
            default: per_second(10, 20),
            services: BTreeMap::from([
                ("ec2".to_owned(), per_second(20, 50)),
                ("iam".to_owned(), per_second(10, 20)),
                ("route53".to_owned(), per_second(5, 5)),
                ("k8s".to_owned(), per_second(50, 100)),
            ]),
        }
    }
}

/// The limits of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineOptions {
    /// How many steps may run at once. A step in back-off does not count, one that polls does.
    pub parallelism: NonZeroUsize,
    /// Whether the first failure keeps new steps from starting. Otherwise only what depends on it is skipped.
    pub fail_fast: bool,
    /// Rates of calls.
    pub rates: RateLimits,
    /// How long one half of a step may take with all its attempts. Waiting for a slot does not count.
    pub deadline: Duration,
    /// How many attempts one half of a step may make.
    pub attempts: u32,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            parallelism: NonZeroUsize::new(32).expect("32 is not zero"),
            fail_fast: false,
            rates: RateLimits::default(),
            deadline: Duration::from_hours(1),
            attempts: 200,
        }
    }
}
