//! [`Limits`]: how much may go on at once, and how fast calls may follow each other.
//!
//! * Parallelism counts steps, whatever they do. A step in back-off gives its slot back, one that polls keeps it.
//! * An exclusive group admits one step at a time, from its start to its end, back-off included: a call whose end is
//!   not known may still be at work behind the API.
//! * Rates count calls, per (account, service, region), first come first served. A bucket is one instant: when the next
//!   call would be due if all came evenly; a burst lets calls come that much earlier.
//!
//! The owner loop alone holds it; steps ask by message.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::options::{EngineOptions, RateLimits};
use crate::ids::{AccountId, Region};
use crate::object::Placement;

/// Services with one endpoint for all regions of an account.
const GLOBAL: [&str; 3] = ["iam", "route53", "sts"];

/// What shares one rate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bucket {
    account: AccountId,
    service: String,
    region: Option<Region>,
}

impl Bucket {
    /// Returns the bucket of a call to `service` for an object at `placement`.
    pub(super) fn new(service: &str, placement: &Placement) -> Self {
        let region = if GLOBAL.contains(&service) { None } else { placement.region.clone() };
        Self { account: placement.account.clone(), service: service.to_owned(), region }
    }
}

/// The limits of a run and what is used of them.
#[derive(Debug)]
pub(super) struct Limits {
    slots: usize,
    groups: BTreeSet<String>,
    rates: RateLimits,
    due: BTreeMap<Bucket, Instant>,
}

impl Limits {
    /// Starts with nothing used.
    pub(super) fn new(options: &EngineOptions) -> Self {
        Self {
            slots: options.parallelism.get(),
            groups: BTreeSet::new(),
            rates: options.rates.clone(),
            due: BTreeMap::new(),
        }
    }

    /// Returns whether a slot is free.
    pub(super) fn has_slot(&self) -> bool {
        self.slots > 0
    }

    /// Takes a slot.
    pub(super) fn take_slot(&mut self) {
        self.slots = self.slots.checked_sub(1).expect("a slot is taken only after has_slot");
    }

    /// Gives a slot back.
    pub(super) fn give_slot(&mut self) {
        self.slots += 1;
    }

    /// Returns whether nobody holds the group; no group is always free.
    pub(super) fn is_free(&self, group: Option<&String>) -> bool {
        group.is_none_or(|group| !self.groups.contains(group))
    }

    /// Takes a group.
    pub(super) fn take_group(&mut self, group: &str) {
        self.groups.insert(group.to_owned());
    }

    /// Gives a group back.
    pub(super) fn give_group(&mut self, group: &str) {
        self.groups.remove(group);
    }

    /// Books one call and returns when it may be made.
    pub(super) fn permit(&mut self, bucket: Bucket, now: Instant) -> Instant {
        let rate = *self.rates.services.get(&bucket.service).unwrap_or(&self.rates.default);
        let slack = rate.every * rate.burst.saturating_sub(1);
        let due = self.due.entry(bucket).or_insert(now);
        let at = due.checked_sub(slack).map_or(now, |earliest| earliest.max(now));
        *due = (*due).max(now) + rate.every;
        at
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::options::Rate;
    use super::*;

    fn limits(every_ms: u64, burst: u32) -> Limits {
        let rates = RateLimits {
            default: Rate { every: Duration::from_millis(every_ms), burst },
            services: BTreeMap::new(),
        };
        Limits::new(&EngineOptions { rates, ..EngineOptions::default() })
    }

    fn placement(region: &str) -> Placement {
        Placement { account: AccountId::new("1"), region: Some(region.into()), container: None }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_the_rest_evenly() {
        let mut limits = limits(100, 3);
        let now = Instant::now();
        let waits: Vec<u128> = (0..5)
            .map(|_| (limits.permit(Bucket::new("ec2", &placement("a")), now) - now).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 100, 200]);
        tokio::time::advance(Duration::from_mins(1)).await;
        let later = Instant::now();
        assert_eq!(limits.permit(Bucket::new("ec2", &placement("a")), later), later);
    }

    #[tokio::test(start_paused = true)]
    async fn regions_have_rates_of_their_own_but_global_services_do_not() {
        let mut limits = limits(100, 1);
        let now = Instant::now();
        let mut wait = |service: &str, region: &str| {
            (limits.permit(Bucket::new(service, &placement(region)), now) - now).as_millis()
        };
        assert_eq!((wait("ec2", "a"), wait("ec2", "b"), wait("ec2", "a")), (0, 0, 100));
        assert_eq!((wait("iam", "a"), wait("iam", "b")), (0, 100));
    }
}
