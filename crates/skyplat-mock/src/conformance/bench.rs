//! [`Bench`]: a specimen under trial, and calls on it as an engine makes them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use skyplat_core::executor::{
    Created, Deleted, Desired, ErrorKind, ExecError, Executor, Observed, Op, OutputMap, Recorded,
};
use skyplat_core::object::{ObjectNode, OnDelete};
use skyplat_core::state::Uid;
use skyplat_core::value::{Address, DigestKey, Resolved, Secret, Tree, TreeError, resolve};

use super::host::{Host, Said};
use super::{Check, Report, Specimen, Verdict};
use crate::cloud::STACK_TAG;
use crate::inspect::{Leak, collect_secrets, leaks};

/// How long a call may take.
const LIMIT: Duration = Duration::from_hours(2);

/// How long an error that had no effect and may pass is tried again.
pub(super) const PATIENCE: Duration = Duration::from_mins(30);

/// How long to wait between tries.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// A call that ended.
#[derive(Debug)]
pub(super) struct Ended<T> {
    pub(super) result: Result<T, ExecError>,
    pub(super) took: Duration,
    pub(super) said: Said,
}

/// A specimen under trial.
pub(super) struct Bench<'a> {
    pub(super) executor: &'a dyn Executor,
    pub(super) specimen: &'a Specimen,
    pub(super) report: Report,
    /// What the prerequisites gave back, by address.
    outputs: BTreeMap<Address, OutputMap>,
    /// The prerequisites, in the order in which they were made.
    made: Vec<Recorded>,
    lives: u32,
    key: DigestKey,
    /// What was said in errors and progress.
    heard: Mutex<Vec<String>>,
    secrets: Vec<Secret>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(executor: &'a dyn Executor, specimen: &'a Specimen) -> Self {
        Self {
            executor,
            specimen,
            report: Report::new(executor.name(), specimen.node.kind.clone()),
            outputs: BTreeMap::new(),
            made: Vec::new(),
            lives: 0,
            key: DigestKey::new([0x5c; 32]),
            heard: Mutex::default(),
            secrets: Vec::new(),
        }
    }

    /// Notes that a promise was kept, or why not.
    pub(super) fn judge(&mut self, check: Check, kept: Result<(), String>) {
        self.report.note(check, kept.map_or_else(Verdict::Failed, |()| Verdict::Passed));
    }

    pub(super) fn skip(&mut self, check: Check, why: &str) {
        self.report.note(check, Verdict::Skipped(why.to_owned()));
    }

    /// Remembers what must not be said.
    pub(super) fn keep_secret(&mut self, tree: &Tree) {
        collect_secrets(tree, &mut self.secrets);
    }

    pub(super) fn keep_secrets(&mut self, outputs: &OutputMap) {
        for tree in outputs.values() {
            self.keep_secret(tree);
        }
    }

    /// Returns what was said that must not be.
    pub(super) fn leaked(&self) -> Option<(String, Leak)> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().find_map(|text| {
            let secrets = self.secrets.iter().map(Secret::expose);
            leaks(text.as_bytes(), secrets).pop().map(|leak| {
                let place = text.split(':').next().unwrap_or_default().to_owned();
                (place, leak)
            })
        })
    }

    pub(super) fn hear(&self, what: &str, text: String) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{what}: {text}"));
    }

    /// Makes what the specimen stands on.
    pub(super) async fn prepare(&mut self) -> Result<(), String> {
        for node in &self.specimen.prerequisites {
            let wanted = self.desired(node, &node.inputs, 0)?;
            self.keep_secret(&wanted.inputs);
            let failed = |error: ExecError| format!("{} cannot be made: {error}", node.address);
            let created = self.create(&wanted).await.result.map_err(failed)?;
            self.keep_secrets(&created.outputs);
            self.made.push(self.recorded(&wanted, &created));
            self.outputs.insert(node.address.clone(), created.outputs);
        }
        Ok(())
    }

    /// Deletes what the specimen stood on.
    pub(super) async fn clean(&mut self) -> Result<(), String> {
        let mut first = Ok(());
        while let Some(record) = self.made.pop() {
            let deleted = self.delete(&record).await.result;
            if let Err(error) = deleted {
                first = first.and(Err(format!("{} cannot be deleted: {error}", record.address)));
            }
        }
        first
    }

    fn look_up(&self, tree: &Tree) -> Result<Tree, TreeError> {
        resolve(tree, &|reference| {
            let outputs = self.outputs.get(&reference.object);
            let known = outputs.and_then(|outputs| outputs.get(reference.field.as_str())).cloned();
            known.map_or(Resolved::Unknown, Resolved::Known)
        })
    }

    /// Begins another life of the specimen: the same inputs under an identity of its own.
    pub(super) fn next_life(&mut self) -> Result<Desired, String> {
        self.lives += 1;
        self.desired(&self.specimen.node, &self.specimen.node.inputs, self.lives)
    }

    pub(super) fn desired(
        &self,
        node: &ObjectNode,
        inputs: &Tree,
        generation: u32,
    ) -> Result<Desired, String> {
        let resolved = |tree| self.look_up(tree).map_err(|error| format!("{}: {error}", node.address));
        let inputs = resolved(inputs)?;
        if let Some(unknown) = inputs.first_unknown() {
            return Err(format!("{} refers to {unknown}, which no prerequisite gives", node.address));
        }
        Ok(Desired {
            address: node.address.clone(),
            kind: node.kind.clone(),
            class: node.class,
            uid: Uid::new(&self.specimen.stack, &node.address, generation),
            placement: node.placement.clone(),
            inputs,
            natural_key: node.natural_key.as_ref().map(resolved).transpose()?,
        })
    }

    /// Returns a thing as a state would have it: secrets as digests.
    pub(super) fn recorded(&self, object: &Desired, created: &Created) -> Recorded {
        Recorded {
            address: object.address.clone(),
            kind: object.kind.clone(),
            class: object.class,
            uid: object.uid.clone(),
            placement: object.placement.clone(),
            id: Some(created.id.clone()),
            inputs: self.seal(&object.inputs),
            natural_key: object.natural_key.as_ref().map(|key| self.seal(key)),
            outputs: self.seal_all(&created.outputs),
            on_delete: OnDelete::Delete,
        }
    }

    pub(super) fn seal(&self, tree: &Tree) -> Tree {
        match tree {
            Tree::Secret(secret) => Tree::Digest(self.key.digest(secret)),
            Tree::List(items) => Tree::List(items.iter().map(|item| self.seal(item)).collect()),
            Tree::Map(map) => {
                Tree::Map(map.iter().map(|(key, value)| (key.clone(), self.seal(value))).collect())
            }
            other => other.clone(),
        }
    }

    pub(super) fn seal_all(&self, outputs: &OutputMap) -> OutputMap {
        outputs.iter().map(|(name, tree)| (name.clone(), self.seal(tree))).collect()
    }

    /// Makes the context of a call, as the engine does.
    pub(super) fn op(&self, object: &Desired, host: Arc<Host>) -> Op {
        let container = object.placement.container.as_ref();
        Op {
            attempt: 1,
            deadline: Instant::now() + LIMIT,
            cancel: CancellationToken::new(),
            client_token: object.uid.to_string(),
            tags: BTreeMap::from([
                (STACK_TAG.to_owned(), self.specimen.stack.clone()),
                ("skyplat:object".to_owned(), object.uid.to_string()),
                ("skyplat:address".to_owned(), object.address.to_string()),
            ]),
            placement: object.placement.clone(),
            container: container.and_then(|address| self.outputs.get(address)).cloned(),
            host,
        }
    }

    /// Makes a call until it ends otherwise than in an error that had no effect and may pass.
    async fn call<T>(
        &self,
        what: &str,
        object: &Desired,
        call: impl AsyncFn(&Op) -> Result<T, ExecError>,
    ) -> Ended<T> {
        let begin = Instant::now();
        loop {
            let host = Arc::new(Host::default());
            let op = self.op(object, Arc::clone(&host));
            let ended = self.once(what, &host, call(&op)).await;
            let may_pass = ended.result.as_ref().err().is_some_and(|error| {
                may_pass(error) || error.kind == ErrorKind::DependencyViolation && what == "delete"
            });
            if !may_pass || begin.elapsed() > PATIENCE {
                return ended;
            }
            sleep(PAUSE).await;
        }
    }

    /// Waits for a call, and keeps what it says.
    pub(super) async fn once<T>(
        &self,
        what: &str,
        host: &Host,
        call: impl Future<Output = Result<T, ExecError>>,
    ) -> Ended<T> {
        let begin = Instant::now();
        let result = timeout(LIMIT, call).await.unwrap_or_else(|_| {
            Err(ExecError::new(ErrorKind::Fatal, format!("the {what} did not end within {LIMIT:?}")))
        });
        let said = host.said();
        if let Err(error) = &result {
            self.hear(what, format!("{error} {error:?}"));
        }
        for message in &said.progress {
            self.hear(what, message.clone());
        }
        Ended { result, took: begin.elapsed(), said }
    }

    pub(super) async fn find(&self, object: &Desired) -> Ended<Option<Created>> {
        self.call("find", object, async |op| self.executor.find(op, object).await).await
    }

    pub(super) async fn create(&self, object: &Desired) -> Ended<Created> {
        self.call("create", object, async |op| self.executor.create(op, object).await).await
    }

    pub(super) async fn update(&self, old: &Recorded, new: &Desired) -> Ended<OutputMap> {
        self.call("update", new, async |op| self.executor.update(op, old, new).await).await
    }

    pub(super) async fn delete(&self, object: &Recorded) -> Ended<Deleted> {
        let wanted = Desired::from(object);
        self.call("delete", &wanted, async |op| self.executor.delete(op, object).await).await
    }

    /// Reads one thing.
    pub(super) async fn read(&self, object: &Recorded) -> Ended<Observed> {
        let wanted = Desired::from(object);
        let one = async |op: &Op| {
            let mut answers = self.executor.read(op, std::slice::from_ref(object)).await;
            let none =
                || ExecError::new(ErrorKind::Fatal, "a read of one thing has another number of answers");
            if answers.len() == 1 { answers.remove(0) } else { Err(none()) }
        };
        self.call("read", &wanted, one).await
    }

    /// Reads several things in one call.
    pub(super) async fn read_all(&self, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>> {
        let Some(first) = objects.first() else {
            let node = &self.specimen.node;
            let Ok(wanted) = self.desired(node, &node.inputs, 0) else { return Vec::new() };
            return self.executor.read(&self.op(&wanted, Arc::default()), objects).await;
        };
        let begin = Instant::now();
        loop {
            let answers = self.executor.read(&self.op(&Desired::from(first), Arc::default()), objects).await;
            let errors: Vec<&ExecError> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
            for error in &errors {
                self.hear("read", format!("{error} {error:?}"));
            }
            if !errors.into_iter().any(may_pass) || begin.elapsed() > PATIENCE {
                return answers;
            }
            sleep(PAUSE).await;
        }
    }
}

/// Returns whether a call had no effect and may work when it is made again.
pub(super) fn may_pass(error: &ExecError) -> bool {
    use ErrorKind::{Busy, NotYetVisible, Throttled, Unreachable};
    matches!(error.kind, Throttled | Busy | NotYetVisible | Unreachable)
}
