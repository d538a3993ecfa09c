//! The engine's side of a call: what steps and executors may ask of the owner loop.
//!
//! Two channels lead to the owner. Over one, any call paces itself and reports progress ([`Pace`]); over the other, a
//! step journals, waits for its turn after a back-off, and asks for outputs in the clear ([`Ask`]). Both are bounded:
//! a question waits for its answer before the asker goes on, so some room for each step that may run is enough for all
//! questions; who finds none waits for the owner, who never waits for a step. Progress that finds no room is dropped.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::limits::Bucket;
use super::options::EngineOptions;
use super::secrets::Scrub;
use crate::executor::{ErrorKind, ExecError, OpHost, OutputMap};
use crate::object::Placement;
use crate::plan::TaskId;
use crate::state::{Entry, Uid};
use crate::value::Address;

/// Returns how many messages a channel to the owner holds: some for each step that may run.
pub(super) fn channel_room(options: &EngineOptions) -> usize {
    options.parallelism.get().saturating_mul(8).min(1 << 14)
}

/// What any call may say.
#[derive(Debug)]
pub(super) enum Pace {
    /// It wants to make one more request.
    Permit {
        /// What the request counts against.
        bucket: Bucket,
        /// When it may be made.
        reply: oneshot::Sender<tokio::time::Instant>,
    },
    /// It tells people what it waits for.
    Progress {
        /// The object.
        address: Address,
        /// What it waits for, without secrets.
        message: String,
    },
}

/// The journal could not be written: the run ends, and the step's intent stays open.
#[derive(Debug, Clone)]
pub(super) struct Unwritten;

/// What a step may ask.
#[derive(Debug)]
pub(super) enum Ask {
    /// Write entries; the answer comes when they are durable.
    Journal {
        /// Who asks.
        task: TaskId,
        /// What to write.
        entries: Vec<Entry>,
        /// Whether it was written.
        reply: oneshot::Sender<Result<(), Unwritten>>,
    },
    /// An attempt failed; the step waits before the next and gives its slot back.
    Backoff {
        /// Who asks.
        task: TaskId,
        /// Which attempt failed.
        attempt: u32,
        /// How, without secrets.
        error: String,
    },
    /// The step has waited and wants a slot again.
    Resume {
        /// Who asks.
        task: TaskId,
        /// Answered when it has one.
        reply: oneshot::Sender<()>,
    },
    /// The outputs of an object, secrets in the clear.
    Outputs {
        /// The object.
        uid: Uid,
        /// Its outputs, or why they cannot be had.
        reply: oneshot::Sender<Result<Arc<OutputMap>, ExecError>>,
    },
}

/// The pacing half of a host.
#[derive(Debug, Clone)]
pub(super) struct Pacer {
    /// Where to ask.
    pub(super) sender: mpsc::Sender<Pace>,
    /// The object that is worked on.
    pub(super) address: Address,
    /// What must not be said.
    pub(super) scrub: Scrub,
}

#[async_trait]
impl OpHost for Pacer {
    async fn permit(&self, service: &str, placement: &Placement) {
        let (reply, answer) = oneshot::channel();
        let bucket = Bucket::new(service, placement);
        // When the owner is gone the run is over and this task is about to be dropped.
        if self.sender.send(Pace::Permit { bucket, reply }).await.is_ok()
            && let Ok(at) = answer.await
        {
            tokio::time::sleep_until(at).await;
        }
    }

    /// Nothing is made by a call that only looks or changes, so there is no id to keep.
    async fn identified(&self, _: &str) -> Result<(), ExecError> {
        Ok(())
    }

    fn progress(&self, message: &str) {
        let message = self.scrub.text(message);
        // Progress is for people; one that finds no place is not worth holding up a call.
        drop(self.sender.try_send(Pace::Progress { address: self.address.clone(), message }));
    }
}

/// The host of a create, whose id is made durable.
#[derive(Debug, Clone)]
pub(super) struct Creating {
    /// The pacing half.
    pub(super) pacer: Pacer,
    /// Where to journal.
    pub(super) asks: mpsc::Sender<Ask>,
    /// Who creates.
    pub(super) task: TaskId,
    /// The identity of what is made.
    pub(super) uid: Uid,
}

#[async_trait]
impl OpHost for Creating {
    async fn permit(&self, service: &str, placement: &Placement) {
        self.pacer.permit(service, placement).await;
    }

    async fn identified(&self, id: &str) -> Result<(), ExecError> {
        let address = self.pacer.address.clone();
        let entry = Entry::Identified { address, uid: self.uid.clone(), id: id.to_owned() };
        journal(&self.asks, self.task, vec![entry]).await.map_err(|Unwritten| {
            ExecError::new(ErrorKind::Fatal, "the id could not be written to the journal")
        })
    }

    fn progress(&self, message: &str) {
        self.pacer.progress(message);
    }
}

/// Writes entries and waits until they are durable.
pub(super) async fn journal(
    asks: &mpsc::Sender<Ask>,
    task: TaskId,
    entries: Vec<Entry>,
) -> Result<(), Unwritten> {
    let (reply, answer) = oneshot::channel();
    asks.send(Ask::Journal { task, entries, reply }).await.map_err(|_| Unwritten)?;
    answer.await.unwrap_or(Err(Unwritten))
}

/// Asks for the outputs of an object, secrets in the clear.
pub(super) async fn live_outputs(asks: &mpsc::Sender<Ask>, uid: &Uid) -> Result<Arc<OutputMap>, ExecError> {
    let over = || ExecError::new(ErrorKind::Unreachable, "the run is over");
    let (reply, answer) = oneshot::channel();
    asks.send(Ask::Outputs { uid: uid.clone(), reply }).await.map_err(|_| over())?;
    answer.await.unwrap_or_else(|_| Err(over()))
}
