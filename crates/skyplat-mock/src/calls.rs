//! What the calls of the simulated cloud do: [`MockCloud`] as an [`Executor`].
//!
//! A call asks for a permit, checks the rules, records its effect, reports the id, and then waits on tokio's clock until
//! the thing is usable, as real APIs do: what a killed process leaves behind is half made, and the next one that looks
//! for it waits out the rest. Nothing is decided here: what is allowed and what comes out is in [`crate::rules`], what
//! gates wait for in [`crate::gates`].

use std::time::Duration;

use async_trait::async_trait;

use skyplat_core::executor::{
    Created, Deleted, Desired, ErrorKind, ExecError, Executor, Observed, Op, OutputMap, Recorded,
};
use skyplat_core::object::{Class, ObjectKind, OnDelete};
use skyplat_core::plan::Latency;
use skyplat_core::state::Uid;

use crate::book::Book;
use crate::cloud::{MockCloud, NEVER, STACK_TAG, after, seconds};
use crate::world::{Change, Effect, Moment, Phase, Thing, World};
use crate::{controllers, gates, lookups, rules};

/// How long a call takes that only looks.
const LOOK: Duration = Duration::from_millis(100);

impl MockCloud {
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
                let desired = Desired::from(object);
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
