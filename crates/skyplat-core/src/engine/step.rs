//! One half of a step, from its intent to its result: what runs in a task of its own.
//!
//! ```text
//! make:    resolve inputs ─▶ journal intent ─▶ create or update, again and again ─▶ journal result
//! resume:  find ─▶ found: journal it as made, update it if its inputs differ; not found: make
//! remove:  (find, when it is not known whether it was made) ─▶ journal intent ─▶ delete ─▶ journal result
//! ```
//!
//! A create whose effect is unknown is repeated only after `find` found nothing. An intent is closed only when it is
//! known how the call ended: a run that is stopped, or cannot write its journal, leaves it open for the next run.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::call::bounded;
use super::control::Control;
use super::host::{Ask, Creating, Pacer, Unwritten, journal, live_outputs};
use super::options::EngineOptions;
use super::retry::{Call, Patience, backoff};
use super::secrets::{Scrub, mark, seal_outputs};
use super::wanted::{Source, Wanted, needed_in_the_clear};
use crate::executor::{
    Created, Deleted, Desired, ErrorKind, ExecError, Executor, Op, OpHost, OutputMap, Recorded,
};
use crate::object::{Class, ObjectNode, OnDelete};
use crate::plan::TaskId;
use crate::state::{Effect, Entry, Next, Operation, Record, Status, Uid};
use crate::value::{Address, DigestKey, Tree, paper};

/// What is to be done.
#[derive(Debug)]
pub(super) enum Job {
    /// Bring an object to what is wanted.
    Make {
        /// What is wanted.
        node: Box<ObjectNode>,
        /// Its identity.
        uid: Uid,
        /// How many objects its address had before.
        generation: u32,
        /// What is recorded under that identity.
        record: Option<Box<Record>>,
        /// A record of this address whose object is known to be gone.
        gone: Option<Uid>,
        /// What its references stand for.
        sources: BTreeMap<Address, Source>,
    },
    /// Delete or drain.
    Remove {
        /// What is recorded.
        record: Box<Record>,
        /// Why there is nothing left to delete, if that is known.
        gone: Option<String>,
    },
}

/// What every half of a step has at hand.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) task: TaskId,
    pub(super) executor: Arc<dyn Executor>,
    pub(super) asks: mpsc::Sender<Ask>,
    pub(super) pacer: Pacer,
    pub(super) control: Control,
    pub(super) options: Arc<EngineOptions>,
    pub(super) key: DigestKey,
    pub(super) stack_tag: String,
    pub(super) seed: u64,
    /// The object that this one is inside of.
    pub(super) container: Option<Source>,
}

/// How it ended.
#[derive(Debug)]
pub(super) enum End {
    /// It is made; the outputs have secrets in the clear.
    Made(Uid, OutputMap),
    /// It is gone.
    Removed,
    /// It is left in place.
    Retained(String),
    /// It failed.
    Failed(ExecError),
    /// The run was stopped; the intent is open.
    Stopped,
    /// The journal could not be written; the intent, if there is one, is open.
    Unwritten,
}

/// Why a half of a step cannot go on.
#[derive(Debug)]
enum Break {
    Failed(ExecError),
    Stopped,
    Unwritten,
}

impl From<Unwritten> for Break {
    fn from(Unwritten: Unwritten) -> Self {
        Self::Unwritten
    }
}

/// Runs one half of a step; returns how it ended and after how many attempts.
pub(super) async fn run(setting: Setting, job: Job) -> (End, u32) {
    let deadline = Instant::now() + setting.options.deadline;
    let patience = Patience::new(deadline, setting.options.attempts);
    let mut half = Half { setting, deadline, patience, attempt: 1, container: None, scrub: Scrub::default() };
    let end = match job {
        Job::Make { node, uid, generation, record, gone, sources } => {
            half.make(*node, uid, generation, record, gone, sources).await
        }
        Job::Remove { record, gone } => half.remove(*record, gone).await,
    };
    let end = end.unwrap_or_else(|broken| match broken {
        Break::Failed(error) => End::Failed(half.scrub.error(error)),
        Break::Stopped => End::Stopped,
        Break::Unwritten => End::Unwritten,
    });
    (end, half.attempt)
}

struct Half {
    setting: Setting,
    deadline: Instant,
    patience: Patience,
    attempt: u32,
    container: Option<OutputMap>,
    scrub: Scrub,
}

impl Half {
    async fn make(
        &mut self,
        node: ObjectNode,
        uid: Uid,
        generation: u32,
        record: Option<Box<Record>>,
        gone: Option<Uid>,
        sources: BTreeMap<Address, Source>,
    ) -> Result<End, Break> {
        self.enter_container().await?;
        let wanted = self.resolve(&node, &uid, sources).await?;
        let outputs = match record {
            Some(record) if record.status == Status::Incomplete && node.class == Class::Owned => {
                self.resume(&wanted, *record).await?
            }
            Some(record) if record.status != Status::Incomplete => {
                self.update(&wanted, &record.recorded()).await?
            }
            other => {
                let generation = other.map_or(generation, |record| record.generation);
                let mut entries = Vec::new();
                if let Some(gone) = gone {
                    let why = "it was found to be gone".to_owned();
                    entries.push(Entry::Forgotten { address: node.address.clone(), uid: gone, why });
                }
                self.create(&wanted, generation, entries, false).await?
            }
        };
        Ok(End::Made(uid, outputs))
    }

    /// Resolves what is wanted. Only where a digest is in the way is the secret read again.
    async fn resolve(
        &mut self,
        node: &ObjectNode,
        uid: &Uid,
        mut sources: BTreeMap<Address, Source>,
    ) -> Result<Wanted, Break> {
        let mut clear = BTreeMap::new();
        for address in needed_in_the_clear(node, &sources) {
            let Some(source) = sources.get_mut(&address) else { continue };
            let outputs = live_outputs(&self.setting.asks, &source.uid).await.map_err(Break::Failed)?;
            self.scrub.add_outputs(&outputs);
            // What is recorded is the digest of what is sent, even if the secret changed since it was recorded.
            source.outputs = seal_outputs(&outputs, &self.setting.key);
            clear.insert(address, outputs);
        }
        let wanted = Wanted::resolve(node, uid, &sources, &clear, &self.setting.key);
        let wanted = wanted.map_err(|message| Break::Failed(ExecError::new(ErrorKind::Invalid, message)))?;
        self.scrub.add(&wanted.desired.inputs);
        Ok(wanted)
    }

    /// Announces and makes an object that is not there. `ours` says that an earlier run may have made it after all.
    async fn create(
        &mut self,
        wanted: &Wanted,
        generation: u32,
        mut entries: Vec<Entry>,
        ours: bool,
    ) -> Result<OutputMap, Break> {
        let Next { node, depends_on } = wanted.next.clone();
        let within = self.setting.container.as_ref().map(|container| container.uid.clone());
        let record =
            Record { within, ..Record::planned(node, depends_on, wanted.desired.uid.clone(), generation) };
        entries.push(Entry::CreateBegins { record: Box::new(record) });
        self.journal(entries).await?;
        let created = self.create_until_done(&wanted.desired, ours).await?;
        self.created(wanted, created, Vec::new()).await
    }

    async fn create_until_done(&mut self, desired: &Desired, mut ours: bool) -> Result<Created, Break> {
        let executor = Arc::clone(&self.setting.executor);
        let (mut look, mut effect) = (false, Effect::None);
        loop {
            let began = Instant::now();
            let result = if look {
                self.find(desired).await
            } else {
                let op = self.op(desired, desired.uid.to_string(), true);
                bounded(self.deadline, executor.create(&op, desired)).await.map(Some)
            };
            let (call, error) = match result {
                Ok(Some(created)) => return Ok(created),
                Ok(None) => {
                    self.patience.leave_out(began.elapsed());
                    (look, effect) = (false, Effect::None);
                    continue;
                }
                Err(error) if look => (Call::Look, error),
                Err(error) => (Call::Create, error),
            };
            if call == Call::Create && desired.class == Class::Owned {
                if !error.kind.had_no_effect() {
                    (ours, look, effect) = (true, true, Effect::Unknown);
                } else if error.kind == ErrorKind::AlreadyExists && ours {
                    look = true;
                }
            }
            let result = self.again(call, ours, desired.uid.clone(), error).await;
            self.close(result.map_err(import_hint), &desired.address, &desired.uid, effect).await?;
        }
    }

    /// Finds out what became of a create that was cut off, and ends it.
    async fn resume(&mut self, wanted: &Wanted, record: Record) -> Result<OutputMap, Break> {
        let found = self.find_until_known(&wanted.desired).await?;
        let Some(created) = found else {
            return self.create(wanted, record.generation, Vec::new(), true).await;
        };
        let reopen = (record.open() != Some(Operation::Create))
            .then(|| Entry::CreateBegins { record: Box::new(record.clone()) });
        let id = Some(created.id.clone());
        let outputs = self.created(wanted, created, reopen.into_iter().collect()).await?;
        if record.node.inputs == wanted.next.node.inputs {
            self.keep_books(wanted, &record).await?;
            return Ok(outputs);
        }
        let sealed = seal_outputs(&outputs, &self.setting.key);
        self.update(wanted, &Recorded { id, outputs: sealed, ..record.recorded() }).await
    }

    /// Records what is kept about an object (order, container, protection, rules) where that changed since its create
    /// was cut off.
    async fn keep_books(&self, wanted: &Wanted, record: &Record) -> Result<(), Unwritten> {
        let Next { node, depends_on } = wanted.next.clone();
        let natural_key = record.node.natural_key.clone();
        let node = Arc::new(ObjectNode { natural_key, ..Arc::unwrap_or_clone(node) });
        if node == record.node && depends_on == record.depends_on {
            return Ok(());
        }
        self.journal(vec![Entry::Bookkeeping { node, depends_on }]).await
    }

    async fn created(
        &mut self,
        wanted: &Wanted,
        created: Created,
        mut entries: Vec<Entry>,
    ) -> Result<OutputMap, Break> {
        let outputs = mark(&wanted.next.node, created.outputs);
        self.scrub.add_outputs(&outputs);
        entries.push(Entry::Created {
            address: wanted.desired.address.clone(),
            uid: wanted.desired.uid.clone(),
            id: created.id,
            outputs: seal_outputs(&outputs, &self.setting.key),
        });
        self.journal(entries).await?;
        Ok(outputs)
    }

    /// Announces and makes a change in place. A gate waits anew, a lookup reads anew.
    async fn update(&mut self, wanted: &Wanted, old: &Recorded) -> Result<OutputMap, Break> {
        let (address, uid) = (wanted.desired.address.clone(), wanted.desired.uid.clone());
        let next = wanted.next.clone();
        let token = token(&uid, "update", Some(&next.node.inputs));
        self.journal(vec![Entry::UpdateBegins { address: address.clone(), uid: uid.clone(), next }]).await?;
        let executor = Arc::clone(&self.setting.executor);
        let mut effect = Effect::None;
        let outputs = loop {
            let op = self.op(&wanted.desired, token.clone(), false);
            let result = match wanted.desired.class {
                Class::Owned => bounded(self.deadline, executor.update(&op, old, &wanted.desired)).await,
                Class::Gate | Class::Lookup => bounded(self.deadline, executor.create(&op, &wanted.desired))
                    .await
                    .map(|made| made.outputs),
            };
            match result {
                Ok(outputs) => break mark(&wanted.next.node, outputs),
                Err(error) => {
                    if !error.kind.had_no_effect() && wanted.desired.class == Class::Owned {
                        effect = Effect::Unknown;
                    }
                    let result = self.again(Call::Update, false, uid.clone(), error).await;
                    self.close(result, &address, &uid, effect).await?;
                }
            }
        };
        self.scrub.add_outputs(&outputs);
        let sealed = seal_outputs(&outputs, &self.setting.key);
        self.journal(vec![Entry::Updated { address, uid, outputs: sealed }]).await?;
        Ok(outputs)
    }

    async fn remove(&mut self, mut record: Record, gone: Option<String>) -> Result<End, Break> {
        let (address, uid) = (record.node.address.clone(), record.uid.clone());
        let never_ours = || "it was only read, never ours".to_owned();
        let forgotten = gone.or_else(|| (record.node.class == Class::Lookup).then(never_ours));
        if let Some(why) = forgotten {
            self.journal(vec![Entry::Forgotten { address, uid, why }]).await?;
            return Ok(End::Removed);
        }
        let mut entries = Vec::new();
        let is_ours = record.node.class == Class::Owned;
        let is_unfinished = is_ours && record.open() == Some(Operation::Create);
        let stays = is_ours && record.node.on_delete == OnDelete::Retain;
        if is_unfinished || !stays {
            self.enter_container().await?;
        }
        if is_unfinished {
            let Some(created) = self.find_until_known(&as_desired(&record)).await? else {
                let why = "its create came to nothing".to_owned();
                self.journal(vec![Entry::Forgotten { address, uid, why }]).await?;
                return Ok(End::Removed);
            };
            let id = created.id.clone();
            entries.push(Entry::Identified { address: address.clone(), uid: uid.clone(), id });
            record.id = Some(created.id);
            record.outputs = seal_outputs(&mark(&record.node, created.outputs), &self.setting.key);
        }
        if stays {
            let why = match &record.node.placement.container {
                None => "it is to be kept when it is no longer wanted".to_owned(),
                Some(container) => format!("it is to be kept for as long as {container} is there"),
            };
            entries.push(Entry::Retained { address, uid, why: why.clone() });
            self.journal(entries).await?;
            return Ok(End::Retained(why));
        }
        entries.push(Entry::DeleteBegins { address: address.clone(), uid: uid.clone() });
        self.journal(entries).await?;
        let deleted = self.delete_until_done(&record).await;
        let deleted = self.close(deleted, &address, &uid, Effect::Unknown).await?;
        let (entry, end) = match deleted {
            Deleted::Deleted => (Entry::Deleted { address, uid }, End::Removed),
            Deleted::Retained(why) => {
                let why = self.scrub.text(&why);
                (Entry::Retained { address, uid, why: why.clone() }, End::Retained(why))
            }
        };
        self.journal(vec![entry]).await?;
        Ok(end)
    }

    /// Deletes again and again; a failure for good is left to the caller to record.
    async fn delete_until_done(&mut self, record: &Record) -> Result<Deleted, Break> {
        let executor = Arc::clone(&self.setting.executor);
        let recorded = record.recorded();
        let desired = as_desired(record);
        let token = token(&record.uid, "delete", None);
        loop {
            let op = self.op(&desired, token.clone(), false);
            let error = match bounded(self.deadline, executor.delete(&op, &recorded)).await {
                Ok(deleted) => return Ok(deleted),
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(Deleted::Deleted),
                Err(error) => error,
            };
            match self.again(Call::Delete, false, record.uid.clone(), error).await {
                Err(Break::Failed(error))
                    if error.kind == ErrorKind::DependencyViolation
                        && record.node.on_delete == OnDelete::RetainIfInUse =>
                {
                    return Ok(Deleted::Retained(error.message));
                }
                result => result?,
            }
        }
    }

    async fn find_until_known(&mut self, desired: &Desired) -> Result<Option<Created>, Break> {
        loop {
            match self.find(desired).await {
                Ok(found) => return Ok(found),
                // Nothing was announced or done: what is recorded stays as it is.
                Err(error) => self.again(Call::Look, false, desired.uid.clone(), error).await?,
            }
        }
    }

    async fn find(&self, desired: &Desired) -> Result<Option<Created>, ExecError> {
        let op = self.op(desired, desired.uid.to_string(), false);
        bounded(self.deadline, self.setting.executor.find(&op, desired)).await
    }

    /// Decides after a failure whether there is another attempt, and waits for it. The slot is free meanwhile.
    async fn again(&mut self, call: Call, ours: bool, uid: Uid, error: ExecError) -> Result<(), Break> {
        let control = self.setting.control.clone();
        if control.is_stopping() {
            return Err(Break::Stopped);
        }
        let jitter = backoff(self.setting.seed, &uid, call, self.attempt);
        let wait = self.patience.after(error.kind, call, ours, jitter, Instant::now());
        let Some(wait) = wait.filter(|_| !control.is_draining()) else {
            return Err(Break::Failed(error));
        };
        let (task, attempt) = (self.setting.task, self.attempt);
        let message = self.scrub.text(&error.message);
        let asks = self.setting.asks.clone();
        asks.send(Ask::Backoff { task, attempt, error: message }).await.map_err(|_| Break::Unwritten)?;
        let turn = async {
            tokio::time::sleep(wait).await;
            let (reply, answer) = oneshot::channel();
            // Without an owner there is no turn, and this task is about to be dropped.
            if asks.send(Ask::Resume { task, reply }).await.is_ok() {
                drop(answer.await);
            }
        };
        tokio::select! {
            biased;
            () = control.drain_token().cancelled() => return Err(Break::Failed(error)),
            () = turn => {}
        }
        self.attempt += 1;
        Ok(())
    }

    /// Closes the intent of a call that failed for good.
    async fn close<T>(
        &self,
        result: Result<T, Break>,
        address: &Address,
        uid: &Uid,
        effect: Effect,
    ) -> Result<T, Break> {
        if let Err(Break::Failed(_)) = &result {
            let (address, uid) = (address.clone(), uid.clone());
            self.journal(vec![Entry::Failed { address, uid, effect }]).await?;
        }
        result
    }

    async fn journal(&self, entries: Vec<Entry>) -> Result<(), Unwritten> {
        journal(&self.setting.asks, self.setting.task, entries).await
    }

    async fn enter_container(&mut self) -> Result<(), Break> {
        if let Some(container) = &self.setting.container {
            let outputs = if container.outputs.values().any(Tree::has_digest) {
                let live = live_outputs(&self.setting.asks, &container.uid).await.map_err(Break::Failed)?;
                self.scrub.add_outputs(&live);
                (*live).clone()
            } else {
                container.outputs.clone()
            };
            self.container = Some(outputs);
        }
        Ok(())
    }

    fn op(&self, desired: &Desired, client_token: String, creating: bool) -> Op {
        let pacer = Pacer { scrub: self.scrub.clone(), ..self.setting.pacer.clone() };
        let host: Arc<dyn OpHost> = if creating {
            let (asks, task) = (self.setting.asks.clone(), self.setting.task);
            Arc::new(Creating { pacer, asks, task, uid: desired.uid.clone() })
        } else {
            Arc::new(pacer)
        };
        Op {
            attempt: self.attempt,
            deadline: self.deadline,
            cancel: self.setting.control.stop_token().clone(),
            client_token,
            tags: tags(&self.setting.stack_tag, &desired.uid, &desired.address),
            placement: desired.placement.clone(),
            container: self.container.clone(),
            host,
        }
    }
}

/// The tags every object carries.
fn tags(stack_tag: &str, uid: &Uid, address: &Address) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("skyplat:stack".to_owned(), stack_tag.to_owned()),
        ("skyplat:object".to_owned(), uid.to_string()),
        ("skyplat:address".to_owned(), address.to_string()),
    ])
}

/// A recorded object as something to look for.
fn as_desired(record: &Record) -> Desired {
    Desired {
        address: record.node.address.clone(),
        kind: record.node.kind.clone(),
        class: record.node.class,
        uid: record.uid.clone(),
        placement: record.node.placement.clone(),
        inputs: record.node.inputs.clone(),
        natural_key: record.node.natural_key.clone(),
    }
}

/// The client token of a change: the same for every attempt at it, another for another change of the same object.
fn token(uid: &Uid, operation: &str, inputs: Option<&Tree>) -> String {
    let inputs = inputs.map(paper::show).unwrap_or_default();
    hex::encode(&Sha256::digest(format!("{uid}\n{operation}\n{inputs}"))[..16])
}

fn import_hint(broken: Break) -> Break {
    match broken {
        Break::Failed(error) if error.kind == ErrorKind::AlreadyExists && error.hint.is_none() => {
            Break::Failed(error.hint("import it, or give the object another name"))
        }
        other => other,
    }
}
