//! Witnesses: a session and an executor that write down, in one row, all that a run does: entries, calls, events.
//!
//! They change nothing, but that the session can come to its end at a given entry: as a process that is killed there, or
//! as a disk that is full.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use skyplat::engine::Event;
use skyplat::executor::{
    Created, Deleted, Desired, ErrorKind, ExecError, Executor, Observed, Op, OpHost, OutputMap, Recorded,
};
use skyplat::object::{ObjectKind, Placement};
use skyplat::state::{Entry, State, StateError, StoreSession, Uid};
use skyplat::value::{Tree, paper};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    Find,
    Create,
    Update,
    Delete,
}

/// One call of the executor.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) verb: Verb,
    pub(crate) address: String,
    pub(crate) uid: Uid,
    /// What is sent, or for a delete what is recorded.
    pub(crate) inputs: Tree,
    pub(crate) token: String,
    /// Whether it carries the tag of its identity.
    pub(crate) is_tagged: bool,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// It did what it should.
    Well,
    /// A look found nothing.
    Nothing,
    Failed(ErrorKind),
    /// Its run was dropped.
    CutOff,
}

/// One thing that a run did.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    Entry(Box<Entry>),
    Begin(Box<Call>),
    /// The end of the call that began with the item of this number.
    End(usize, How),
    /// A call to a service was let through.
    Permit(String, Instant),
    Event(Box<Event>),
}

/// All that a run did, in order. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Item>>>);

impl Log {
    fn lock(&self) -> MutexGuard<'_, Vec<Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes something down; returns its number.
    pub(crate) fn push(&self, item: Item) -> usize {
        let mut items = self.lock();
        items.push(item);
        items.len() - 1
    }

    /// Takes what was written down.
    pub(crate) fn take(&self) -> Vec<Item> {
        std::mem::take(&mut self.lock())
    }
}

/// Where a session comes to its end.
#[derive(Debug)]
pub(crate) enum Room {
    Endless,
    /// After so many entries the disk is full.
    Full(usize),
    /// After so many entries the process is killed; whoever waits for this drops the run.
    Killed(usize, Option<oneshot::Sender<()>>),
    /// After so many entries the power fails: what was not synced is lost.
    Dark(usize, Option<oneshot::Sender<()>>),
}

/// A session that writes down every entry that is durable.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) inner: Box<dyn StoreSession>,
    pub(crate) log: Log,
    pub(crate) room: Room,
    pub(crate) unsynced: Vec<Entry>,
}

#[async_trait]
impl StoreSession for Session {
    fn state(&self) -> &State {
        self.inner.state()
    }

    async fn write(&mut self, entries: &[Entry]) -> Result<(), StateError> {
        let fits = match &mut self.room {
            Room::Endless => entries.len(),
            Room::Full(left) | Room::Killed(left, _) | Room::Dark(left, _) => {
                let fits = entries.len().min(*left);
                *left -= fits;
                fits
            }
        };
        self.inner.write(&entries[..fits]).await?;
        self.unsynced.extend_from_slice(&entries[..fits]);
        if fits == entries.len() {
            return Ok(());
        }
        if matches!(self.room, Room::Killed(..)) {
            self.sync().await?;
        }
        if let Room::Killed(_, tell) | Room::Dark(_, tell) = &mut self.room {
            drop(tell.take());
            return std::future::pending().await;
        }
        let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
        Err(StateError::Io { action: "write", path: "dev/journal".into(), source })
    }

    async fn sync(&mut self) -> Result<(), StateError> {
        self.inner.sync().await?;
        for entry in self.unsynced.drain(..) {
            self.log.push(Item::Entry(Box::new(entry)));
        }
        Ok(())
    }

    async fn compact(&mut self) -> Result<(), StateError> {
        self.inner.compact().await
    }
}

/// An executor that writes down every call. What goes wrong inside speaks, as some services do, of what it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Witness {
    pub(crate) inner: Arc<dyn Executor>,
    pub(crate) log: Log,
}

/// A call under way; it is over when this is dropped, also when its run is.
struct Running {
    log: Log,
    began: usize,
    how: How,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.log.push(Item::End(self.began, self.how));
    }
}

impl Running {
    fn end<T>(mut self, result: Result<T, ExecError>, how: impl FnOnce(&T) -> How) -> Result<T, ExecError> {
        self.how = match &result {
            Ok(value) => how(value),
            Err(error) => How::Failed(error.kind),
        };
        result
    }
}

impl Witness {
    fn begin(&self, cx: &Op, verb: Verb, address: &str, uid: &Uid, inputs: &Tree) -> (Running, Op) {
        let call = Call {
            verb,
            address: address.to_owned(),
            uid: uid.clone(),
            inputs: inputs.clone(),
            token: cx.client_token.clone(),
            is_tagged: cx.tags.get("skyplat:object").is_some_and(|tag| tag == uid.as_str()),
        };
        let began = self.log.push(Item::Begin(Box::new(call)));
        let host: Arc<dyn OpHost> =
            Arc::new(Doorkeeper { inner: Arc::clone(&cx.host), log: self.log.clone() });
        (Running { log: self.log.clone(), began, how: How::CutOff }, Op { host, ..cx.clone() })
    }
}

/// Adds to an error what was sent, so that a secret in it has to be kept inside.
fn talkative<T>(result: Result<T, ExecError>, inputs: &Tree) -> Result<T, ExecError> {
    result.map_err(|error| {
        let mut said = error.message.clone();
        passwords(inputs, &mut |password| {
            said.push_str(", sent was ");
            said.push_str(password);
        });
        ExecError { message: said, ..error }
    })
}

/// Shows every secret inside of inputs that are sent.
fn passwords(tree: &Tree, show: &mut impl FnMut(&str)) {
    match tree {
        Tree::Secret(secret) => show(secret.expose()),
        Tree::Map(map) => map.values().for_each(|tree| passwords(tree, show)),
        Tree::List(items) => items.iter().for_each(|tree| passwords(tree, show)),
        _ => {}
    }
}

/// A host that writes down which calls were let through.
struct Doorkeeper {
    inner: Arc<dyn OpHost>,
    log: Log,
}

#[async_trait]
impl OpHost for Doorkeeper {
    async fn permit(&self, service: &str, placement: &Placement) {
        self.inner.permit(service, placement).await;
        self.log.push(Item::Permit(service.to_owned(), Instant::now()));
    }

    async fn identified(&self, id: &str) -> Result<(), ExecError> {
        self.inner.identified(id).await
    }

    fn progress(&self, message: &str) {
        self.inner.progress(message);
    }
}

#[async_trait]
impl Executor for Witness {
    fn name(&self) -> &'static str {
        "witness"
    }

    fn supports(&self, kind: &ObjectKind) -> bool {
        self.inner.supports(kind)
    }

    async fn read(&self, cx: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>> {
        self.inner.read(cx, objects).await
    }

    async fn find(&self, cx: &Op, object: &Desired) -> Result<Option<Created>, ExecError> {
        let (running, op) = self.begin(cx, Verb::Find, object.address.as_str(), &object.uid, &object.inputs);
        let found = self.inner.find(&op, object).await;
        running.end(found, |found| if found.is_some() { How::Well } else { How::Nothing })
    }

    async fn create(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError> {
        let (running, op) =
            self.begin(cx, Verb::Create, object.address.as_str(), &object.uid, &object.inputs);
        passwords(&object.inputs, &mut |password| cx.progress(&format!("making it with {password}")));
        let created = self.inner.create(&op, object).await;
        running.end(talkative(created, &object.inputs), |_| How::Well)
    }

    async fn update(&self, cx: &Op, old: &Recorded, new: &Desired) -> Result<OutputMap, ExecError> {
        let (running, op) = self.begin(cx, Verb::Update, new.address.as_str(), &new.uid, &new.inputs);
        passwords(&new.inputs, &mut |password| cx.progress(&format!("changing it with {password}")));
        let updated = self.inner.update(&op, old, new).await;
        running.end(talkative(updated, &new.inputs), |_| How::Well)
    }

    async fn delete(&self, cx: &Op, object: &Recorded) -> Result<Deleted, ExecError> {
        let (running, op) =
            self.begin(cx, Verb::Delete, object.address.as_str(), &object.uid, &object.inputs);
        let deleted = self.inner.delete(&op, object).await;
        running.end(deleted, |_| How::Well)
    }
}

/// Returns what a tree says, for messages.
pub(crate) fn show(tree: &Tree) -> String {
    paper::show(tree).to_string()
}
