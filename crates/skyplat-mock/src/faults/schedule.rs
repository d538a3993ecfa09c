//! [`Faults`]: which call goes wrong, and how.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use skyplat_core::executor::{Desired, Recorded};
use skyplat_core::state::Uid;
use skyplat_core::value::Address;

use super::{Coverage, FaultKind, Operation};

/// How long something may be invisible.
const INVISIBLE: Duration = Duration::from_mins(1);

/// How long a slow call may take longer.
const SLOW: Duration = Duration::from_mins(30);

/// Names an object: by its uid, or by its address, whichever uid it has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The object with this identity.
    Uid(Uid),
    /// Whatever has this address.
    Address(Address),
}

impl From<Uid> for Target {
    fn from(uid: Uid) -> Self {
        Self::Uid(uid)
    }
}

impl From<&Uid> for Target {
    fn from(uid: &Uid) -> Self {
        Self::Uid(uid.clone())
    }
}

impl From<Address> for Target {
    fn from(address: Address) -> Self {
        Self::Address(address)
    }
}

impl From<&Address> for Target {
    fn from(address: &Address) -> Self {
        Self::Address(address.clone())
    }
}

impl From<&str> for Target {
    /// Takes the text for an address.
    fn from(address: &str) -> Self {
        Self::Address(Address::new(address))
    }
}

/// What one object met in one of its operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// Its address at the first of them.
    pub address: Address,
    /// The faults, in the order of its calls.
    pub kinds: Vec<FaultKind>,
}

/// A schedule of faults. Cheap to clone; clones share one schedule.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Mutex<Schedule>>);

#[derive(Debug)]
struct Schedule {
    seed: u64,
    rate: f64,
    kinds: Vec<FaultKind>,
    operations: Vec<Operation>,
    bursts: u32,
    planned: BTreeMap<(Target, Operation), VecDeque<FaultKind>>,
    courses: BTreeMap<(Uid, Operation), Course>,
    met: BTreeMap<(Uid, Operation), Met>,
}

/// How the calls of one operation on one object have gone.
#[derive(Debug, Default)]
struct Course {
    draws: u32,
    in_a_row: u32,
    /// What goes on without another draw.
    episode: Option<Episode>,
}

#[derive(Debug, Clone, Copy)]
enum Episode {
    /// So many more calls are throttled.
    Throttled(u32),
    /// Until then nothing is visible.
    Invisible { since: Instant, until: Instant },
}

/// The object of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) uid: &'a Uid,
    pub(super) address: &'a Address,
}

impl<'a> From<&'a Desired> for Subject<'a> {
    fn from(object: &'a Desired) -> Self {
        Self { uid: &object.uid, address: &object.address }
    }
}

impl<'a> From<&'a Recorded> for Subject<'a> {
    fn from(object: &'a Recorded) -> Self {
        Self { uid: &object.uid, address: &object.address }
    }
}

/// A fault that was drawn, with numbers to decide its details by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    pub(super) variant: u8,
    /// Between 0 and 1.
    pub(super) extent: f64,
}

impl Fault {
    /// How much longer a slow call takes: seconds as often as minutes.
    pub(super) fn delay(&self) -> Duration {
        Duration::from_secs(1).mul_f64(SLOW.as_secs_f64().powf(self.extent)).min(SLOW)
    }
}

/// What the draw with one number for one object and operation says.
struct Draw {
    chance: f64,
    choice: u32,
    length: u32,
    variant: u8,
    extent: f64,
}

impl Draw {
    fn new(seed: u64, uid: &Uid, operation: Operation, number: u32) -> Self {
        let hash = Sha256::digest(format!("fault\n{seed}\n{uid}\n{operation}\n{number}"));
        let word = |at: usize| u32::from_be_bytes([hash[at], hash[at + 1], hash[at + 2], hash[at + 3]]);
        let part = |at: usize| f64::from(word(at)) / (f64::from(u32::MAX) + 1.0);
        Self { chance: part(0), choice: word(4), length: word(8), variant: hash[12], extent: part(16) }
    }
}

impl Faults {
    /// Makes a schedule in which nothing goes wrong but what [`Faults::at`] adds.
    pub fn none() -> Self {
        Self::seeded(0, 0.0)
    }

    /// Makes a schedule in which a call goes wrong with this probability. All kinds and operations, unless told otherwise;
    /// at most three calls in a row.
    pub fn seeded(seed: u64, rate: f64) -> Self {
        Self(Arc::new(Mutex::new(Schedule {
            seed,
            rate,
            kinds: FaultKind::ALL.into(),
            operations: Operation::ALL.into(),
            bursts: 3,
            planned: BTreeMap::new(),
            courses: BTreeMap::new(),
            met: BTreeMap::new(),
        })))
    }

    /// Draws only faults of these kinds.
    #[must_use]
    pub fn kinds(self, kinds: impl IntoIterator<Item = FaultKind>) -> Self {
        self.schedule().kinds = kinds.into_iter().collect();
        self
    }

    /// Draws faults only for these operations.
    #[must_use]
    pub fn operations(self, operations: impl IntoIterator<Item = Operation>) -> Self {
        self.schedule().operations = operations.into_iter().collect();
        self
    }

    /// Lets at most so many calls of one operation on one object go wrong in a row, of those that are drawn. All the time
    /// that something is invisible counts as one.
    #[must_use]
    pub fn bursts(self, max: u32) -> Self {
        self.schedule().bursts = max;
        self
    }

    /// Makes the next calls of an operation on an object go wrong, one call for each fault, in this order and before
    /// anything is drawn.
    ///
    /// # Panics
    /// When a fault and the operation cannot meet (see [`FaultKind::meets`]).
    pub fn at(
        &self,
        target: impl Into<Target>,
        operation: Operation,
        faults: impl IntoIterator<Item = FaultKind>,
    ) {
        let faults: Vec<FaultKind> = faults.into_iter().collect();
        for kind in &faults {
            assert!(kind.meets(operation), "a {operation} cannot meet the fault {kind:?}");
        }
        self.schedule().planned.entry((target.into(), operation)).or_default().extend(faults);
    }

    /// Ends all faults: nothing goes wrong any more, whatever was drawn or planned. New ones can be planned.
    pub fn heal(&self) {
        let mut schedule = self.schedule();
        schedule.rate = 0.0;
        schedule.planned.clear();
        for course in schedule.courses.values_mut() {
            course.episode = None;
        }
    }

    /// Returns what was planned with [`Faults::at`] and has not been met.
    pub fn planned(&self) -> Vec<(Target, Operation, FaultKind)> {
        let schedule = self.schedule();
        let planned = schedule.planned.iter();
        planned
            .flat_map(|((target, operation), kinds)| {
                kinds.iter().map(|kind| (target.clone(), *operation, *kind))
            })
            .collect()
    }

    /// Returns what was met, by object and operation: the same at any parallelism.
    pub fn met(&self) -> BTreeMap<(Uid, Operation), Met> {
        self.schedule().met.clone()
    }

    /// Returns how often each pair of fault and operation was met. A lost reply counts when there was an effect; the time
    /// that something is invisible counts once.
    pub fn reached(&self) -> Coverage {
        let mut coverage = Coverage::default();
        for ((_, operation), met) in &self.schedule().met {
            for kind in &met.kinds {
                coverage.add(*kind, *operation);
            }
        }
        coverage
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        // Nothing panics while the lock is held but by a bug, and the schedule is whole then too.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides about the next call of an operation on an object.
    pub(super) fn next(&self, subject: Subject<'_>, operation: Operation) -> Option<Fault> {
        let mut schedule = self.schedule();
        let (fault, counts) = schedule.next(subject, operation)?;
        // Whether a lost reply had an effect is known only after the call.
        if counts && fault.kind != FaultKind::ReplyLost {
            schedule.met(subject, operation, fault.kind);
        }
        Some(fault)
    }

    /// Counts a lost reply that had an effect.
    pub(super) fn lost(&self, subject: Subject<'_>, operation: Operation) {
        self.schedule().met(subject, operation, FaultKind::ReplyLost);
    }
}

impl Schedule {
    fn met(&mut self, subject: Subject<'_>, operation: Operation, kind: FaultKind) {
        let met = self.met.entry((subject.uid.clone(), operation));
        met.or_insert_with(|| Met { address: subject.address.clone(), kinds: Vec::new() }).kinds.push(kind);
    }

    /// Returns the fault, and whether it counts as met.
    fn next(&mut self, subject: Subject<'_>, operation: Operation) -> Option<(Fault, bool)> {
        let planned = self.planned(subject, operation);
        if planned.is_none() && self.rate <= 0.0 {
            return None;
        }
        let course = self.courses.entry((subject.uid.clone(), operation)).or_default();
        let draw = |number| Draw::new(self.seed, subject.uid, operation, number);
        let fault = |kind, draw: &Draw| Fault { kind, variant: draw.variant, extent: draw.extent };
        if planned.is_none() {
            match course.episode {
                Some(Episode::Throttled(left)) => {
                    course.episode = left.checked_sub(1).filter(|left| *left > 0).map(Episode::Throttled);
                    return Some((fault(FaultKind::Throttled, &draw(course.draws)), true));
                }
                // Another run may have another clock; what began in its future is over.
                Some(Episode::Invisible { since, until }) if (since..until).contains(&Instant::now()) => {
                    return Some((fault(FaultKind::NotYetVisible, &draw(course.draws)), false));
                }
                Some(Episode::Invisible { .. }) | None => course.episode = None,
            }
        }
        course.draws += 1;
        let draw = draw(course.draws);
        if let Some(kind) = planned {
            return Some((fault(kind, &draw), true));
        }
        let kinds: Vec<FaultKind> = self.kinds.iter().copied().filter(|kind| kind.meets(operation)).collect();
        let left = self.bursts.saturating_sub(course.in_a_row);
        let goes_wrong = draw.chance < self.rate && self.operations.contains(&operation) && left > 0;
        if !goes_wrong || kinds.is_empty() {
            course.in_a_row = 0;
            return None;
        }
        let kind = kinds[draw.choice as usize % kinds.len()];
        course.in_a_row += 1;
        match kind {
            FaultKind::Throttled => {
                let more = draw.length % left;
                course.in_a_row += more;
                course.episode = (more > 0).then_some(Episode::Throttled(more));
            }
            FaultKind::NotYetVisible => {
                let since = Instant::now();
                let until = since + INVISIBLE.mul_f64(draw.extent);
                course.episode = Some(Episode::Invisible { since, until });
            }
            _ => {}
        }
        Some((fault(kind, &draw), true))
    }

    /// Takes the next planned fault; one that names the uid comes before one that names the address.
    fn planned(&mut self, subject: Subject<'_>, operation: Operation) -> Option<FaultKind> {
        if self.planned.is_empty() {
            return None;
        }
        let targets = [Target::Uid(subject.uid.clone()), Target::Address(subject.address.clone())];
        targets.into_iter().find_map(|target| {
            let key = (target, operation);
            let kinds = self.planned.get_mut(&key)?;
            let kind = kinds.pop_front();
            if kinds.is_empty() {
                self.planned.remove(&key);
            }
            kind
        })
    }
}
