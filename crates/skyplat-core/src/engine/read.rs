//! Reading objects again: in batches of one kind and placement, until each object has an answer.
//!
//! What lies inside of something is read after it, with the outputs it has now. What lies inside of something that is
//! gone is gone; what lies inside of something out of reach is out of reach, never gone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::call::bounded;
use super::control::Control;
use super::host::{Ask, Pace, Pacer, channel_room, live_outputs};
use super::limits::Limits;
use super::options::EngineOptions;
use super::retry::{Call, Patience, backoff};
use super::secrets::{Scrub, mark};
use super::wanted::Source;
use crate::executor::{ErrorKind, ExecError, Executor, Executors, Observed, Op, OutputMap};
use crate::object::{ObjectKind, ObjectNode, Placement};
use crate::state::{Record, State, Uid};
use crate::value::{Address, Tree};

/// How many objects one call reads at most.
const BATCH: usize = 100;

/// What a read said of an object, by identity; outputs have secrets in the clear.
pub(super) type Answers = BTreeMap<Uid, Result<Observed, ExecError>>;

/// Returns the record of what an object is inside of. While a container is replaced there are two; what is superseded
/// or about to be removed is in the superseded one.
pub(super) fn container_of<'s>(state: &'s State, node: &ObjectNode, superseded: bool) -> Option<&'s Record> {
    let address = node.placement.container.as_ref()?;
    let old = state.deposed.values().find(|record| record.node.address == *address);
    old.filter(|_| superseded).or_else(|| state.objects.get(address))
}

/// Returns the record of what a recorded object is inside of. Where it is known what it was made inside of, that counts:
/// its address may mean a newer one by now. `superseded` is for records that do not know.
pub(super) fn container_of_record<'s>(
    state: &'s State,
    record: &Record,
    superseded: bool,
) -> Option<&'s Record> {
    let Some(within) = &record.within else { return container_of(state, &record.node, superseded) };
    let address = record.node.placement.container.as_ref()?;
    let current = || state.objects.get(address).filter(|container| container.uid == *within);
    state.deposed.get(within).or_else(current)
}

/// What reads of a run share.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) control: Control,
    pub(super) options: Arc<EngineOptions>,
    pub(super) stack_tag: String,
    pub(super) seed: u64,
}

/// Reads objects of one kind and placement; what fails in a way that may pass is read again. Outputs come back with
/// secrets in the clear.
pub(super) async fn read_batch(
    reading: &Reading,
    executor: &dyn Executor,
    pacer: Pacer,
    records: &[Record],
    container: Option<OutputMap>,
) -> Vec<(Uid, Result<Observed, ExecError>)> {
    let Some(first) = records.first() else { return Vec::new() };
    let deadline = Instant::now() + reading.options.deadline;
    let mut patience = Patience::new(deadline, reading.options.attempts);
    let scrub = pacer.scrub.clone();
    let mut op = Op {
        attempt: 1,
        deadline,
        cancel: reading.control.stop_token().clone(),
        client_token: first.uid.to_string(),
        tags: BTreeMap::from([("skyplat:stack".to_owned(), reading.stack_tag.clone())]),
        placement: first.node.placement.clone(),
        container,
        host: Arc::new(pacer),
    };
    let mut answers = Vec::with_capacity(records.len());
    let mut left: Vec<&Record> = records.iter().collect();
    loop {
        let objects: Vec<_> = left.iter().map(|record| record.recorded()).collect();
        let results = bounded(deadline, async { Ok(executor.read(&op, &objects).await) }).await;
        let results = results.unwrap_or_else(|error| vec![Err(error); left.len()]);
        let short = ExecError::new(ErrorKind::Fatal, "the executor did not answer for it");
        let mut results = results.into_iter();
        let mut failed = Vec::new();
        for record in std::mem::take(&mut left) {
            match results.next().unwrap_or_else(|| Err(short.clone())) {
                Ok(Observed::Present { inputs, outputs }) => {
                    let outputs = mark(&record.node, outputs);
                    answers.push((record.uid.clone(), Ok(Observed::Present { inputs, outputs })));
                }
                Ok(Observed::Missing) => answers.push((record.uid.clone(), Ok(Observed::Missing))),
                Err(error) => failed.push((record, scrub.error(error))),
            }
        }
        // All of a batch waits as long as its most patient failure.
        let jitter = backoff(reading.seed, &first.uid, Call::Look, op.attempt);
        let wait = failed
            .iter()
            .map(|(_, error)| error.kind)
            .find(|kind| super::retry::patience(*kind, Call::Look, false).is_some())
            .and_then(|kind| patience.after(kind, Call::Look, false, jitter, Instant::now()))
            .filter(|_| !reading.control.is_draining());
        let (again, over): (Vec<_>, Vec<_>) = failed.into_iter().partition(|(_, error)| {
            wait.is_some() && super::retry::patience(error.kind, Call::Look, false).is_some()
        });
        answers.extend(over.into_iter().map(|(record, error)| (record.uid.clone(), Err(error))));
        let Some(wait) = wait else { return answers };
        tokio::select! {
            biased;
            () = reading.control.drain_token().cancelled() => {
                answers.extend(again.into_iter().map(|(record, error)| (record.uid.clone(), Err(error))));
                return answers;
            }
            () = tokio::time::sleep(wait) => {}
        }
        left = again.into_iter().map(|(record, _)| record).collect();
        op.attempt += 1;
    }
}

/// Reads one object again for its outputs. What it is inside of may have to be read before.
pub(super) async fn reread(
    reading: &Reading,
    executor: &dyn Executor,
    asks: &mpsc::Sender<Ask>,
    mut pacer: Pacer,
    record: &Record,
    container: Option<Source>,
) -> Result<OutputMap, ExecError> {
    let container = match container {
        Some(source) if source.outputs.values().any(Tree::has_digest) => {
            Some((*live_outputs(asks, &source.uid).await?).clone())
        }
        other => other.map(|source| source.outputs),
    };
    if let Some(outputs) = &container {
        pacer.scrub.add_outputs(outputs);
    }
    let records = std::slice::from_ref(record);
    let answer = read_batch(reading, executor, pacer, records, container).await.pop();
    let address = &record.node.address;
    match answer.map(|(_, answer)| answer) {
        Some(Ok(Observed::Present { outputs, .. })) => Ok(outputs),
        Some(Ok(Observed::Missing)) | None => {
            let message = format!("{address} is gone, and a secret output of it is needed");
            Err(ExecError::new(ErrorKind::NotFound, message))
        }
        Some(Err(error)) => {
            let message = format!("{address} cannot be read again: {}", error.message);
            Err(ExecError { message, ..error })
        }
    }
}

/// Reads many objects, as many batches at once as steps may run.
pub(super) async fn read_all(
    reading: &Reading,
    executors: &Executors,
    state: &State,
    records: Vec<&Record>,
    mut progress: impl FnMut(Address, String),
) -> Answers {
    let mut answers = Answers::new();
    let mut left = records;
    while !left.is_empty() {
        let waiting: BTreeSet<Uid> = left.iter().map(|record| record.uid.clone()).collect();
        let container =
            |record: &Record| container_of_record(state, record, state.deposed.contains_key(&record.uid));
        let (level, inside): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|record| container(record).is_none_or(|within| !waiting.contains(&within.uid)));
        let mut batches: BTreeMap<(ObjectKind, Placement, Option<Uid>), Batch> = BTreeMap::new();
        for record in level {
            let within = container(record);
            match surroundings(record, within, &answers) {
                Ok(outputs) => {
                    let place = (record.node.kind.clone(), record.node.placement.clone());
                    let batch = batches.entry((place.0, place.1, within.map(|within| within.uid.clone())));
                    let batch = batch.or_insert_with(|| Batch { container: outputs, records: Vec::new() });
                    batch.records.push(record.clone());
                }
                Err(answer) => {
                    answers.insert(record.uid.clone(), answer);
                }
            }
        }
        answers.extend(read_level(reading, executors, batches, &mut progress).await);
        left = inside;
    }
    answers
}

struct Batch {
    container: Option<OutputMap>,
    records: Vec<Record>,
}

/// Returns the outputs of what a record is inside of, or what that says of the record.
fn surroundings(
    record: &Record,
    within: Option<&Record>,
    answers: &Answers,
) -> Result<Option<OutputMap>, Result<Observed, ExecError>> {
    let Some(address) = &record.node.placement.container else { return Ok(None) };
    let Some(within) = within else {
        // What it was made inside of is no longer recorded: it went with that.
        if record.within.is_some() {
            return Err(Ok(Observed::Missing));
        }
        let message = format!("{address}, which it is inside of, is not recorded");
        return Err(Err(ExecError::new(ErrorKind::Unreachable, message)));
    };
    match answers.get(&within.uid) {
        None => Ok(Some(within.outputs.clone())),
        Some(Ok(Observed::Present { outputs, .. })) => Ok(Some(outputs.clone())),
        Some(Ok(Observed::Missing)) => Err(Ok(Observed::Missing)),
        Some(Err(error)) => {
            let message = format!("{address}, which it is inside of, cannot be read: {}", error.message);
            Err(Err(ExecError::new(ErrorKind::Unreachable, message)))
        }
    }
}

async fn read_level(
    reading: &Reading,
    executors: &Executors,
    batches: BTreeMap<(ObjectKind, Placement, Option<Uid>), Batch>,
    progress: &mut impl FnMut(Address, String),
) -> Answers {
    let mut answers = Answers::new();
    let mut limits = Limits::new(&reading.options);
    let room = channel_room(&reading.options);
    let (sender, mut paced) = mpsc::channel(room);
    let mut waiting = Vec::new();
    for ((kind, ..), batch) in batches {
        let Some(executor) = executors.for_kind(&kind) else {
            let error = ExecError::new(ErrorKind::Unreachable, format!("no executor handles {kind}"));
            answers.extend(batch.records.into_iter().map(|record| (record.uid, Err(error.clone()))));
            continue;
        };
        for records in batch.records.chunks(BATCH) {
            waiting.push((Arc::clone(executor), records.to_vec(), batch.container.clone()));
        }
    }
    let mut waiting = waiting.into_iter();
    let mut jobs = JoinSet::new();
    let mut said = Vec::new();
    loop {
        while limits.has_slot()
            && let Some((executor, records, container)) = waiting.next()
        {
            limits.take_slot();
            let mut scrub = Scrub::default();
            if let Some(outputs) = &container {
                scrub.add_outputs(outputs);
            }
            let address = records[0].node.address.clone();
            let (reading, sender) = (reading.clone(), sender.clone());
            jobs.spawn(async move {
                let host = Pacer { sender, address, scrub };
                read_batch(&reading, &*executor, host, &records, container).await
            });
        }
        tokio::select! {
            biased;
            // A read has no effect, so it need not be waited for.
            () = reading.control.drain_token().cancelled() => {
                jobs.abort_all();
                return answers;
            }
            _ = paced.recv_many(&mut said, room) => {
                let now = Instant::now();
                for pace in said.drain(..) {
                    match pace {
                        // Who does not wait for the answer any more was dropped.
                        Pace::Permit { bucket, reply } => drop(reply.send(limits.permit(bucket, now))),
                        Pace::Progress { address, message } => progress(address, message),
                    }
                }
            }
            ended = jobs.join_next() => match ended {
                Some(batch) => {
                    limits.give_slot();
                    answers.extend(batch.expect("a read catches the panics of its executor, and nothing aborts it"));
                }
                None => return answers,
            },
        }
    }
}
