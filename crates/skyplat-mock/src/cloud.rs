//! [`MockCloud`]: the simulated cloud as an [`Executor`].
//!
//! A call asks for a permit, checks the rules, records its effect, reports the id, and then waits on tokio's clock until
//! the thing is usable, as real APIs do: what a killed process leaves behind is half made, and the next one that looks
//! for it waits out the rest. Nothing is decided here: what is allowed and what comes out is in [`crate::rules`], what
//! gates wait for in [`crate::gates`].

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use skyplat_core::executor::{
    Created, Deleted, Desired, ErrorKind, ExecError, Executor, Observed, Op, OutputMap, Recorded,
};
use skyplat_core::ids::Partition;
use skyplat_core::object::{Class, ObjectKind, OnDelete};
use skyplat_core::plan::{Latency, LatencyTable};
use skyplat_core::state::Uid;
use skyplat_core::value::Tree;

use crate::book::Book;
use crate::catalogue::Catalogue;
use crate::rules::{self, Call, RuleBook};
use crate::store::{Store, WorldError, WorldFile};
use crate::world::{Change, Effect, Moment, Phase, Thing, World};
use crate::{controllers, gates, lookups};

/// How long a call takes that only looks.
const LOOK: Duration = Duration::from_millis(100);

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
    pub fn with_world(world: World, options: MockOptions) -> Self {
        Self::new(world, Store::Memory, options)
    }

    /// Opens the cloud kept in a file, or a new one. Nothing is written before something happens.
    ///
    /// # Errors
    /// When the file is damaged, newer, or cannot be read.
    pub fn open(path: impl AsRef<Path>, options: MockOptions) -> Result<Self, WorldError> {
        let (file, world) = WorldFile::open(path.as_ref(), options.seed)?;
        Ok(Self::new(world, Store::File(file), options))
    }

    fn new(world: World, store: Store, options: MockOptions) -> Self {
        let book = Mutex::new(Book::new(world, store));
        Self { inner: Arc::new(Inner { options, book, started: OnceLock::new() }) }
    }

    /// Returns a copy of the world as the last call left it.
    pub fn world(&self) -> World {
        self.book().world.clone()
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

    fn latency(&self, kind: &ObjectKind, inputs: &Tree) -> Latency {
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

    async fn wait(&self, cx: &Op, duration: Duration) -> Result<(), ExecError> {
        cx.sleep(self.inner.options.pace.wait(duration)).await
    }

    async fn wait_until(&self, cx: &Op, until: Moment, now: Moment) -> Result<(), ExecError> {
        self.wait(cx, Duration::from_millis(until.saturating_sub(now))).await
    }

    /// Waits until the next thing in the world is done, but no longer than until it is time to look again.
    async fn pause(&self, cx: &Op) -> Result<(), ExecError> {
        let poll = u64::try_from(POLL.as_millis()).unwrap_or(Moment::MAX);
        let next = self.at_present(|book, now| book.world.next_change().map(|at| at.saturating_sub(now)));
        self.wait(cx, Duration::from_millis(next.unwrap_or(poll).clamp(1, poll))).await
    }

    fn call<'a>(&'a self, world: &'a World, object: &'a Desired, cx: &Op) -> Result<Call<'a>, ExecError> {
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

    /// Returns when work on a thing will be done that takes so many seconds.
    fn done_at(&self, world: &World, thing: &Thing, now: Moment, latency: f64) -> Moment {
        let rules = self.rules().of(&thing.kind);
        let waits = rules.is_done_by_the_caller(&thing.kind) || rules.pending(world, thing).is_some();
        if waits { NEVER } else { after(now, latency) }
    }

    /// Waits until what is under way with a thing is done, or does not go on by itself. None when it is gone by then.
    async fn settled(&self, cx: &Op, uid: &Uid) -> Result<Option<Thing>, ExecError> {
        let mut told = None;
        loop {
            let (thing, now) = self.at_present(|book, now| (book.world.get(uid).cloned(), now));
            let Some(thing) = thing else { return Ok(None) };
            match (thing.phase.until(), thing.phase) {
                (Some(NEVER), _) => return Ok(Some(thing)),
                (Some(until), _) => self.wait_until(cx, until, now).await?,
                (None, Phase::Held) => {
                    let why = self.at_present(|book, _| controllers::held(&book.world, &thing));
                    if let Some(why) = why.filter(|why| told.as_ref() != Some(why)) {
                        cx.progress(&why);
                        told = Some(why);
                    }
                    self.pause(cx).await?;
                }
                (None, _) => return Ok(Some(thing)),
            }
        }
    }

    /// Waits until a thing is usable, and writes that down. What does not go on by itself is done here: a release whose
    /// install was cut off is installed by the next one who needs it.
    async fn usable(&self, cx: &Op, uid: &Uid) -> Result<Thing, ExecError> {
        let thing = self.settled(cx, uid).await?.filter(Thing::is_alive);
        let thing = thing.ok_or_else(|| {
            ExecError::new(ErrorKind::Fatal, "it was deleted by someone else while it was being made")
        })?;
        if thing.phase.until() == Some(NEVER) {
            self.poll(cx, |world| self.rules().of(&thing.kind).pending(world, world.get(uid)?)).await?;
            let Latency { create, update, .. } = self.latency(&thing.kind, &thing.inputs);
            let is_new = matches!(thing.phase, Phase::Creating { .. });
            self.wait(cx, seconds(if is_new { create } else { update })).await?;
        }
        self.at_present(|book, now| book.write(now, Effect::Ready { uid: uid.clone() }))?;
        Ok(thing)
    }

    /// Asks a question of the world every few seconds until the answer is yes.
    async fn poll(
        &self,
        cx: &Op,
        mut pending: impl FnMut(&World) -> Option<String>,
    ) -> Result<(), ExecError> {
        let mut told = None;
        loop {
            let Some(reason) = self.at_present(|book, _| pending(&book.world)) else { return Ok(()) };
            if told.as_ref() != Some(&reason) {
                cx.progress(&reason);
                told = Some(reason);
            }
            self.pause(cx).await?;
        }
    }

    async fn gate_up(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError> {
        self.poll(cx, |world| match self.call(world, object, cx) {
            Ok(call) => gates::pending(&call),
            Err(error) => Some(error.message),
        })
        .await?;
        if !gates::is_watched_up(object.kind.as_str()) {
            self.wait(cx, seconds(self.latency(&object.kind, &object.inputs).create)).await?;
        }
        Ok(Created { id: object.uid.to_string(), outputs: OutputMap::new() })
    }

    /// Waits until what a gate guards is undone, and sweeps what it sweeps.
    async fn gate_down(&self, cx: &Op, gate: &Recorded) -> Result<Deleted, ExecError> {
        let latency = self.latency(&gate.kind, &gate.inputs).delete;
        if !gates::is_watched_down(gate.kind.as_str()) {
            self.wait(cx, seconds(latency)).await?;
            return Ok(Deleted::Deleted);
        }
        self.wait(cx, LOOK).await?;
        let began = self.at_present(|_, now| now);
        let mut told = None;
        loop {
            let left = self.at_present(|book, now| {
                let waited = Duration::from_millis(now.saturating_sub(began));
                let swept = gates::swept(&book.world, gate, waited);
                let swept: Vec<Uid> = swept.map(|thing| thing.uid.clone()).collect();
                let until = after(now, latency);
                swept.into_iter().try_for_each(|uid| book.write(now, Effect::Deleting { uid, until }))?;
                Ok::<_, ExecError>(gates::left(&book.world, gate))
            })?;
            let Some(reason) = left else { return Ok(Deleted::Deleted) };
            if told.as_ref() != Some(&reason) {
                cx.progress(&reason);
                told = Some(reason);
            }
            self.pause(cx).await?;
        }
    }

    async fn look_up(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError> {
        self.wait(cx, seconds(self.latency(&object.kind, &object.inputs).create)).await?;
        self.at_present(|book, _| {
            let outputs = lookups::answer(&self.call(&book.world, object, cx)?)?;
            Ok(Created { id: object.uid.to_string(), outputs })
        })
    }

    fn read_one(&self, cx: &Op, object: &Recorded) -> Result<Observed, ExecError> {
        match object.class {
            // Nothing stands behind a gate: it held when it was passed.
            Class::Gate => {
                let (inputs, outputs) = (object.inputs.clone(), object.outputs.clone());
                Ok(Observed::Present { inputs, outputs })
            }
            Class::Lookup => self.at_present(|book, _| {
                let desired = wanted(object);
                let outputs = lookups::answer(&self.call(&book.world, &desired, cx)?)?;
                Ok(Observed::Present { inputs: object.inputs.clone(), outputs })
            }),
            Class::Owned => self.at_present(|book, _| {
                if let Some(address) = &object.placement.container {
                    rules::container(&book.world, address, cx.container.as_ref())?;
                }
                let is_there = |thing: &&Thing| thing.is_alive() || thing.phase == Phase::Held;
                Ok(match book.world.get(&object.uid).filter(is_there) {
                    Some(thing) => {
                        Observed::Present { inputs: thing.inputs.clone(), outputs: thing.outputs.clone() }
                    }
                    None => Observed::Missing,
                })
            }),
        }
    }
}

/// A recorded object in the form that rules look at.
fn wanted(object: &Recorded) -> Desired {
    Desired {
        address: object.address.clone(),
        kind: object.kind.clone(),
        class: object.class,
        uid: object.uid.clone(),
        placement: object.placement.clone(),
        inputs: object.inputs.clone(),
        natural_key: object.natural_key.clone(),
    }
}

/// Returns seconds of a latency table as time; a number that is no time is none.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

pub(crate) fn after(now: Moment, latency: f64) -> Moment {
    now.saturating_add(u64::try_from(seconds(latency).as_millis()).unwrap_or(Moment::MAX))
}

#[async_trait]
impl Executor for MockCloud {
    fn name(&self) -> &'static str {
        "mock"
    }

    fn supports(&self, _kind: &ObjectKind) -> bool {
        true
    }

    async fn read(&self, cx: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>> {
        let Some(first) = objects.first() else { return Vec::new() };
        cx.permit(first.kind.service()).await;
        if let Err(error) = self.wait(cx, LOOK).await {
            // A look has no effect, whatever cut it short.
            let error = ExecError { kind: ErrorKind::Unreachable, ..error };
            return objects.iter().map(|_| Err(error.clone())).collect();
        }
        for object in objects {
            // What is being deleted is neither there nor gone yet, and still in the way: a look waits for the end of it.
            // What a finalizer holds is there.
            let goes = |book: &mut Book, _| {
                book.world.get(&object.uid).is_some_and(|thing| matches!(thing.phase, Phase::Deleting { .. }))
            };
            if self.at_present(goes)
                && let Err(error) = self.settled(cx, &object.uid).await
            {
                let error = ExecError { kind: ErrorKind::Unreachable, ..error };
                return objects.iter().map(|_| Err(error.clone())).collect();
            }
        }
        objects.iter().map(|object| self.read_one(cx, object)).collect()
    }

    async fn find(&self, cx: &Op, object: &Desired) -> Result<Option<Created>, ExecError> {
        if object.class != Class::Owned {
            return Ok(None);
        }
        cx.permit(object.kind.service()).await;
        self.wait(cx, LOOK).await?;
        self.at_present(|book, _| self.call(&book.world, object, cx).map(|_| ()))?;
        // What lost the stack's tag is not known as ours any more.
        let is_ours =
            |thing: &Thing| cx.tags.get(STACK_TAG).is_none_or(|tag| thing.tags.get(STACK_TAG) == Some(tag));
        let found = match self.settled(cx, &object.uid).await?.filter(is_ours) {
            Some(thing) if thing.phase.until() == Some(NEVER) => Some(self.usable(cx, &object.uid).await?),
            found => found,
        };
        Ok(found.map(|thing| Created { id: thing.id, outputs: thing.outputs }))
    }

    async fn create(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError> {
        cx.permit(object.kind.service()).await;
        match object.class {
            Class::Gate => return self.gate_up(cx, object).await,
            Class::Lookup => return self.look_up(cx, object).await,
            Class::Owned => {}
        }
        let id = self.at_present(|book, now| {
            if let Some(thing) = book.world.get(&object.uid).filter(|thing| thing.is_alive()) {
                return rules::same_request(thing, object).map(|()| thing.id.clone());
            }
            let call = self.call(&book.world, object, cx)?;
            self.rules().check_create(&call)?;
            let mut made = self.rules().make(&call)?.into_things(&call, cx.tags.clone(), now);
            let mut id = String::new();
            if let Some(asked) = made.last_mut() {
                id.clone_from(&asked.id);
                let latency = self.latency(&object.kind, &object.inputs).create;
                asked.phase = Phase::Creating { until: self.done_at(&book.world, asked, now, latency) };
            }
            for thing in made.drain(..) {
                book.write(now, Effect::Made { thing: Box::new(thing) })?;
            }
            Ok(id)
        })?;
        cx.identified(&id).await?;
        let thing = self.usable(cx, &object.uid).await?;
        Ok(Created { id: thing.id, outputs: thing.outputs })
    }

    async fn update(&self, cx: &Op, old: &Recorded, new: &Desired) -> Result<OutputMap, ExecError> {
        cx.permit(new.kind.service()).await;
        match new.class {
            Class::Gate => return self.gate_up(cx, new).await.map(|created| created.outputs),
            Class::Lookup => return self.look_up(cx, new).await.map(|created| created.outputs),
            Class::Owned => {}
        }
        // What is still under way from an earlier call comes to its end first.
        let settled = self.settled(cx, &old.uid).await?;
        if settled.is_none() {
            return Err(rules::error::gone(&new.kind, old.id.as_deref().unwrap_or("it")));
        }
        self.at_present(|book, now| {
            let call = self.call(&book.world, new, cx)?;
            let thing = book
                .world
                .get(&old.uid)
                .ok_or_else(|| rules::error::gone(&new.kind, old.id.as_deref().unwrap_or("it")))?;
            self.rules().check_update(&call, thing)?;
            let made = self.rules().remake(&call, thing)?;
            let latency = self.latency(&new.kind, &new.inputs).update;
            let until = self.done_at(&book.world, thing, now, latency);
            let change = Change {
                address: new.address.clone(),
                inputs: made.inputs,
                natural_key: new.natural_key.clone(),
                outputs: made.outputs,
                tags: cx.tags.clone(),
                lives_in: made.lives_in,
                until,
            };
            book.write(now, Effect::Changed { uid: old.uid.clone(), change: Box::new(change) })
        })?;
        self.usable(cx, &old.uid).await.map(|thing| thing.outputs)
    }

    async fn delete(&self, cx: &Op, object: &Recorded) -> Result<Deleted, ExecError> {
        if object.on_delete == OnDelete::Retain {
            return Ok(Deleted::Retained("it is to be kept".into()));
        }
        let latency = self.latency(&object.kind, &object.inputs).delete;
        match object.class {
            Class::Gate => return self.gate_down(cx, object).await,
            Class::Lookup => return Ok(Deleted::Deleted),
            Class::Owned => {}
        }
        cx.permit(object.kind.service()).await;
        let asked = self.at_present(|book, now| {
            if let Some(address) = &object.placement.container {
                rules::container(&book.world, address, cx.container.as_ref())?;
            }
            let Some(thing) = book.world.get(&object.uid) else { return Ok(false) };
            if !thing.is_alive() {
                return Ok(true);
            }
            self.rules().check_delete(&book.world, thing)?;
            let uid = object.uid.clone();
            let effect = match controllers::held(&book.world, thing) {
                Some(_) => Effect::Held { uid },
                None => Effect::Deleting { uid, until: after(now, latency) },
            };
            book.write(now, effect).map(|()| true)
        });
        match asked {
            Err(error)
                if error.kind == ErrorKind::DependencyViolation
                    && object.on_delete == OnDelete::RetainIfInUse =>
            {
                return Ok(Deleted::Retained(error.message));
            }
            Err(error) => return Err(error),
            // It is gone already.
            Ok(false) => return Ok(Deleted::Deleted),
            Ok(true) => {}
        }
        self.settled(cx, &object.uid).await?;
        self.at_present(|book, now| book.write(now, Effect::Gone { uid: object.uid.clone() }))?;
        Ok(Deleted::Deleted)
    }
}
