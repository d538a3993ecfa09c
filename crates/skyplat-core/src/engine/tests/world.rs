//! A world of a few kinds, for tests of the engine: it does what it is told, fails where it is told, and complains
//! about what no engine may do.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;

use crate::executor::{
    Created, Deleted, Desired, ErrorKind, ExecError, Executor, Observed, Op, OutputMap, Recorded,
};
use crate::object::{Class, ObjectKind};
use crate::state::Uid;
use crate::tree;
use crate::value::{Secret, Tree, resolve::plain_json};

/// The text that must never be seen outside of memory.
pub(in crate::engine) const CANARY: &str = "canary-7f3a";

/// What goes wrong with a call.
#[derive(Debug, Clone)]
pub(in crate::engine) enum Fault {
    /// It fails before it does anything.
    Before(ErrorKind),
    /// It does what it should, and its reply is lost.
    After(ErrorKind),
    /// It fails half-way, with this message.
    Says(String),
    /// It panics.
    Panics,
    /// It never ends.
    Hangs,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Thing {
    pub(in crate::engine) address: String,
    pub(in crate::engine) id: String,
    pub(in crate::engine) inputs: Tree,
    natural_key: Option<Tree>,
}

#[derive(Debug, Default)]
pub(in crate::engine) struct Inner {
    pub(in crate::engine) things: BTreeMap<Uid, Thing>,
    /// Every call that was made, as `create a` or `read a b`.
    pub(in crate::engine) calls: Vec<String>,
    /// What happened that must never happen.
    pub(in crate::engine) wrongs: Vec<String>,
    pub(in crate::engine) peak: usize,
    running: BTreeMap<String, String>,
    faults: BTreeMap<String, VecDeque<Fault>>,
    made: u32,
}

/// The world and the executor of its objects. Clones share it.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct World(Arc<Mutex<Inner>>);

impl World {
    pub(in crate::engine) fn look(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// Lets the next calls (`create a`, `delete b`) go wrong, one after the other.
    pub(in crate::engine) fn fault(&self, call: &str, faults: impl IntoIterator<Item = Fault>) {
        self.look().faults.entry(call.to_owned()).or_default().extend(faults);
    }

    /// Lets nothing go wrong any more.
    pub(in crate::engine) fn heal(&self) {
        self.look().faults.clear();
    }

    pub(in crate::engine) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.look().calls)
    }

    pub(in crate::engine) fn addresses(&self) -> Vec<String> {
        let mut addresses: Vec<_> = self.look().things.values().map(|thing| thing.address.clone()).collect();
        addresses.sort();
        addresses
    }

    /// Complains about inputs, or a container, that no call can be made with.
    fn check(&self, cx: &Op, object: &Desired) {
        let address = &object.address;
        if !object.inputs.is_ground() {
            self.look().wrongs.push(format!("{address} has inputs that are not ground"));
        }
        let within = cx.container.as_ref().is_some_and(|outputs| outputs.values().all(Tree::is_ground));
        if object.placement.container.is_some() && !within {
            self.look().wrongs.push(format!("{address} cannot reach what it is inside of"));
        }
    }

    /// Starts a call: notes it, and returns what goes wrong with it. A call on a thing while another is under way on it
    /// is wrong.
    fn enter(&self, verb: &str, address: &str) -> (Running, Option<Fault>) {
        let mut inner = self.look();
        let call = format!("{verb} {address}");
        inner.calls.push(call.clone());
        if let Some(other) = inner.running.insert(address.to_owned(), call.clone()) {
            inner.wrongs.push(format!("{call} while {other} was under way"));
        }
        inner.peak = inner.peak.max(inner.running.len());
        let fault = inner.faults.get_mut(&call).and_then(VecDeque::pop_front);
        (Running { world: self.clone(), address: address.to_owned() }, fault)
    }
}

/// A call under way; it is over when this is dropped, also when the run is.
struct Running {
    world: World,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.world.look().running.remove(&self.address);
    }
}

async fn go_wrong(fault: Option<&Fault>) -> Result<(), ExecError> {
    match fault {
        Some(Fault::Before(kind)) => Err(ExecError::new(*kind, format!("told to be {kind}"))),
        Some(Fault::Panics) => panic!("told to panic about {CANARY}"),
        Some(Fault::Hangs) => std::future::pending().await,
        _ => Ok(()),
    }
}

fn lose_reply(fault: Option<Fault>) -> Result<(), ExecError> {
    match fault {
        Some(Fault::After(kind)) => Err(ExecError::new(kind, "the reply was lost")),
        Some(Fault::Says(message)) => Err(ExecError::new(ErrorKind::Fatal, message)),
        _ => Ok(()),
    }
}

/// How long a call takes: the input `seconds`, or ten.
fn duration(inputs: &Tree) -> Duration {
    let seconds = inputs.get("seconds").map(|tree| plain_json(tree).as_u64().unwrap_or(10));
    Duration::from_secs(seconds.unwrap_or(10))
}

/// A thing's id is its own; its colour never changes; its shade is recomputed and follows the input `shade`.
fn outputs(thing: &Thing) -> OutputMap {
    let mut outputs = OutputMap::from([
        ("id".to_owned(), tree!(thing.id)),
        ("colour".to_owned(), tree!("red")),
        ("shade".to_owned(), thing.inputs.get("shade").cloned().unwrap_or(tree!("dark"))),
    ]);
    if thing.address.starts_with("secret") {
        outputs.insert("token".to_owned(), Tree::Secret(Secret::new(CANARY)));
    }
    outputs
}

#[async_trait]
impl Executor for World {
    fn name(&self) -> &'static str {
        "world"
    }

    fn supports(&self, kind: &ObjectKind) -> bool {
        kind.service() != "unknown"
    }

    async fn read(&self, cx: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>> {
        let names: Vec<&str> = objects.iter().map(|object| object.address.as_str()).collect();
        let (_running, fault) = self.enter("read", &names.join(" "));
        cx.permit("test").await;
        if let Err(error) = go_wrong(fault.as_ref()).await {
            return vec![Err(error); objects.len()];
        }
        objects
            .iter()
            .map(|object| match self.look().things.get(&object.uid) {
                Some(thing) => {
                    Ok(Observed::Present { inputs: thing.inputs.clone(), outputs: outputs(thing) })
                }
                None => Ok(Observed::Missing),
            })
            .collect()
    }

    async fn find(&self, _: &Op, object: &Desired) -> Result<Option<Created>, ExecError> {
        let (_running, fault) = self.enter("find", object.address.as_str());
        go_wrong(fault.as_ref()).await?;
        let inner = self.look();
        Ok(inner.things.get(&object.uid).map(|t| Created { id: t.id.clone(), outputs: outputs(t) }))
    }

    async fn create(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError> {
        let address = object.address.as_str();
        let (_running, fault) = self.enter("create", address);
        cx.permit("test").await;
        go_wrong(fault.as_ref()).await?;
        self.check(cx, object);
        let thing = {
            let mut inner = self.look();
            inner.made += 1;
            let id = format!("id-{}-{}", address, inner.made);
            let natural_key = object.natural_key.clone();
            if natural_key.is_some() && inner.things.values().any(|thing| thing.natural_key == natural_key) {
                inner.wrongs.push(format!("{address} was made beside another of its key"));
            }
            let inputs = object.inputs.clone();
            let thing = Thing { address: address.to_owned(), id, inputs, natural_key };
            if object.class == Class::Owned
                && inner.things.insert(object.uid.clone(), thing.clone()).is_some()
            {
                inner.wrongs.push(format!("{address} was made twice"));
            }
            thing
        };
        if object.class == Class::Owned {
            cx.identified(&thing.id).await?;
        }
        cx.progress(&format!("waiting for {address} with {}", plain_json(&object.inputs)));
        cx.sleep(duration(&object.inputs)).await?;
        lose_reply(fault)?;
        Ok(Created { id: thing.id.clone(), outputs: outputs(&thing) })
    }

    async fn update(&self, cx: &Op, old: &Recorded, new: &Desired) -> Result<OutputMap, ExecError> {
        self.check(cx, new);
        let (_running, fault) = self.enter("update", new.address.as_str());
        cx.permit("test").await;
        go_wrong(fault.as_ref()).await?;
        cx.sleep(duration(&new.inputs)).await?;
        let outputs = match self.look().things.get_mut(&old.uid) {
            Some(thing) => {
                thing.inputs = new.inputs.clone();
                outputs(thing)
            }
            None => return Err(ExecError::new(ErrorKind::NotFound, "there is no such thing")),
        };
        lose_reply(fault)?;
        Ok(outputs)
    }

    async fn delete(&self, cx: &Op, object: &Recorded) -> Result<Deleted, ExecError> {
        let (_running, fault) = self.enter("delete", object.address.as_str());
        cx.permit("test").await;
        go_wrong(fault.as_ref()).await?;
        cx.sleep(duration(&object.inputs)).await?;
        self.look().things.remove(&object.uid);
        lose_reply(fault)?;
        Ok(Deleted::Deleted)
    }
}
