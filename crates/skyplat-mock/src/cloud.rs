//! [`MockCloud`]: the simulated cloud, its options, and the passing of its time. What its calls do is in [`crate::calls`].

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use skyplat_core::executor::{Desired, ExecError, Op, OutputMap};
use skyplat_core::ids::Partition;
use skyplat_core::object::ObjectKind;
use skyplat_core::plan::{Latency, LatencyTable};
use skyplat_core::value::Tree;

use crate::book::Book;
use crate::catalogue::Catalogue;
use crate::rules::{self, Call, RuleBook};
use crate::store::{Store, WorldError, WorldFile};
use crate::world::{Moment, World};

/// The end of what does not go on by itself: somebody has to do it, or something has to come first.
pub(crate) const NEVER: Moment = Moment::MAX;

/// How often a gate looks again.
const POLL: Duration = Duration::from_secs(2);

/// The tag that says whose a thing is.
pub(crate) const STACK_TAG: &str = "skyplat:stack";

/// How fast the world's time passes against tokio's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    factor: f64,
}

impl Pace {
    /// A second is a second. The right one under a paused clock, where waiting costs nothing.
    pub const AS_IS: Self = Self { factor: 1.0 };

    /// Makes the world run `factor` times as fast as the clock, so that a person can watch. Anything that is no
    /// positive number is taken as 1.
    pub fn faster(factor: f64) -> Self {
        if factor.is_finite() && factor > 0.0 { Self { factor } } else { Self::AS_IS }
    }

    fn wait(self, world_time: Duration) -> Duration {
        world_time.div_f64(self.factor)
    }

    fn passed(self, clock_time: Duration) -> Moment {
        u64::try_from(clock_time.mul_f64(self.factor).as_millis()).unwrap_or(Moment::MAX)
    }
}

/// What can be chosen of a simulated cloud.
#[derive(Debug, Clone)]
pub struct MockOptions {
    /// Decides every id and secret. A world file keeps the seed it was made with.
    pub seed: u64,
    /// How fast time passes.
    pub pace: Pace,
    /// The partition that ARNs name.
    pub partition: Partition,
    /// What there is to be had: regions, managed policies, versions, charts.
    pub catalogue: Catalogue,
    /// How long things take: by default the table that forecasts are made with.
    pub latencies: LatencyTable,
    /// What the APIs refuse and make: by default the built-in rules.
    pub rules: RuleBook,
}

impl Default for MockOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            pace: Pace::AS_IS,
            partition: Partition::new("aws"),
            catalogue: Catalogue::default(),
            latencies: LatencyTable::default(),
            rules: RuleBook::default(),
        }
    }
}

/// The simulated cloud. Cheap to clone; clones share one world.
#[derive(Debug, Clone)]
pub struct MockCloud {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: MockOptions,
    book: Mutex<Book>,
    /// When the first call came, on tokio's clock, and what the world's clock then said.
    started: OnceLock<(Instant, Moment)>,
}

impl MockCloud {
    /// Makes an empty cloud that is forgotten with its last clone.
    pub fn in_memory(options: MockOptions) -> Self {
        Self::with_world(World::new(options.seed), options)
    }

    /// Makes a cloud in memory that holds a world already, such as a fork of another cloud's.
    pub fn with_world(world: impl Into<Arc<World>>, options: MockOptions) -> Self {
        Self::new(world.into(), Store::Memory, options)
    }

    /// Opens the cloud kept in a file, or a new one. Nothing is written before something happens.
    ///
    /// # Errors
    /// When the file is damaged, newer, or cannot be read.
    pub fn open(path: impl AsRef<Path>, options: MockOptions) -> Result<Self, WorldError> {
        let (file, world) = WorldFile::open(path.as_ref(), options.seed)?;
        Ok(Self::new(world.into(), Store::File(file), options))
    }

    fn new(world: Arc<World>, store: Store, options: MockOptions) -> Self {
        let book = Mutex::new(Book::new(world, store));
        Self { inner: Arc::new(Inner { options, book, started: OnceLock::new() }) }
    }

    /// Returns the world as the last call left it. What happens from now on does not change it.
    pub fn world(&self) -> Arc<World> {
        Arc::clone(&self.book().world)
    }

    /// Lets happen what was to happen by now, as every call does first: what was to end has ended, controllers have acted.
    pub fn catch_up(&self) {
        self.at_present(|_, _| ());
    }

    /// Makes a cloud in memory that begins with this one's world and goes its own way.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::with_world(self.world(), self.inner.options.clone())
    }

    /// Returns what can be had in this cloud.
    pub fn catalogue(&self) -> &Catalogue {
        &self.inner.options.catalogue
    }

    pub(crate) fn rules(&self) -> &RuleBook {
        &self.inner.options.rules
    }

    pub(crate) fn latency(&self, kind: &ObjectKind, inputs: &Tree) -> Latency {
        self.inner.options.latencies.of(kind, inputs)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic while the lock is held leaves whole effects only, so the world is still good.
        self.inner.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the world, and may write effects, at the present moment.
    pub(crate) fn at_present<T>(&self, act: impl FnOnce(&mut Book, Moment) -> T) -> T {
        let mut book = self.book();
        let (started, base) = *self.inner.started.get_or_init(|| (Instant::now(), book.world.clock()));
        let now = base.saturating_add(self.inner.options.pace.passed(started.elapsed()));
        book.catch_up(now, &self.inner.options);
        let answer = act(&mut book, now);
        book.react(&self.inner.options);
        answer
    }

    pub(crate) async fn wait(&self, cx: &Op, duration: Duration) -> Result<(), ExecError> {
        cx.sleep(self.inner.options.pace.wait(duration)).await
    }

    pub(crate) async fn wait_until(&self, cx: &Op, until: Moment, now: Moment) -> Result<(), ExecError> {
        self.wait(cx, Duration::from_millis(until.saturating_sub(now))).await
    }

    /// Waits until the next thing in the world is done, but no longer than until it is time to look again.
    pub(crate) async fn pause(&self, cx: &Op) -> Result<(), ExecError> {
        let poll = u64::try_from(POLL.as_millis()).unwrap_or(Moment::MAX);
        let next = self.at_present(|book, now| book.world.next_change().map(|at| at.saturating_sub(now)));
        self.wait(cx, Duration::from_millis(next.unwrap_or(poll).clamp(1, poll))).await
    }

    pub(crate) fn call<'a>(
        &'a self,
        world: &'a World,
        object: &'a Desired,
        cx: &Op,
    ) -> Result<Call<'a>, ExecError> {
        self.call_in(world, object, cx.container.as_ref())
    }

    /// Puts together what a call is judged by; `container` are the outputs of what the object is inside of.
    pub(crate) fn call_in<'a>(
        &'a self,
        world: &'a World,
        object: &'a Desired,
        container: Option<&OutputMap>,
    ) -> Result<Call<'a>, ExecError> {
        let container = match &object.placement.container {
            None => None,
            Some(address) => Some(rules::container(world, address, container)?),
        };
        let MockOptions { catalogue, partition, .. } = &self.inner.options;
        Ok(Call { world, catalogue, partition, object, container })
    }
}

/// Returns seconds of a latency table as time; a number that is no time is none.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

pub(crate) fn after(now: Moment, latency: f64) -> Moment {
    now.saturating_add(u64::try_from(seconds(latency).as_millis()).unwrap_or(Moment::MAX))
}
