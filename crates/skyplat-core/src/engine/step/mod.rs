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
//!
//! `make` and `remove` are the two halves; here is what they have in common: looking, waiting between attempts, closing an
//! intent, and what a call is told.

mod make;
mod remove;

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
use super::secrets::Scrub;
use super::wanted::Source;
use crate::executor::{Created, Desired, ExecError, Executor, Op, OpHost, OutputMap};
use crate::object::ObjectNode;
use crate::plan::TaskId;
use crate::state::{Effect, Entry, Record, Uid};
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
    let mut half = Half { setting, patience, attempt: 1, container: None, scrub: Scrub::default() };
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
    patience: Patience,
    attempt: u32,
    container: Option<OutputMap>,
    scrub: Scrub,
}

impl Half {
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
        bounded(self.patience.deadline(), self.setting.executor.find(&op, desired)).await
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
            let began = Instant::now();
            let (reply, answer) = oneshot::channel();
            // Without an owner there is no turn, and this task is about to be dropped.
            if asks.send(Ask::Resume { task, reply }).await.is_ok() {
                drop(answer.await);
            }
            began.elapsed()
        };
        tokio::select! {
            biased;
            () = control.drain_token().cancelled() => return Err(Break::Failed(error)),
            waited = turn => self.patience.waited(waited),
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
            deadline: self.patience.deadline(),
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

/// The client token of a change: the same for every attempt at it, another for another change of the same object.
fn token(uid: &Uid, operation: &str, inputs: Option<&Tree>) -> String {
    let inputs = inputs.map(paper::show).unwrap_or_default();
    hex::encode(&Sha256::digest(format!("{uid}\n{operation}\n{inputs}"))[..16])
}
