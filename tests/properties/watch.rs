//! An executor that writes down every call, every permit and every secret that passes, and changes nothing.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use skyplat::executor::{
    Created, Deleted, Desired, ExecError, Executor, Observed, Op, OpHost, OutputMap, Recorded,
};
use skyplat::object::{ObjectKind, Placement};
use skyplat::value::{Address, Secret, Tree};
use tokio::time::Instant;

/// One call that does something to one object, or looks for it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) address: Address,
    pub(crate) began: Instant,
    pub(crate) ended: Option<Instant>,
    /// How many others were under way when it began.
    pub(crate) alongside: usize,
}

/// A permit for one request.
#[derive(Debug, Clone)]
pub(crate) struct Permit {
    pub(crate) service: String,
    pub(crate) placement: Placement,
    pub(crate) at: Instant,
}

/// What was written down.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) calls: Vec<Call>,
    pub(crate) permits: Vec<Permit>,
    pub(crate) secrets: BTreeSet<String>,
    under_way: usize,
}

/// Where it is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Notes>>);

impl Log {
    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begins(&self, address: &Address) -> usize {
        let mut notes = self.notes();
        let (address, alongside) = (address.clone(), notes.under_way);
        notes.under_way += 1;
        notes.calls.push(Call { address, began: Instant::now(), ended: None, alongside });
        notes.calls.len() - 1
    }

    fn ends(&self, call: usize) {
        let mut notes = self.notes();
        notes.under_way -= 1;
        notes.calls[call].ended = Some(Instant::now());
    }

    fn secrets_of(&self, outputs: &OutputMap) {
        let mut notes = self.notes();
        for tree in outputs.values() {
            secrets(tree, &mut notes.secrets);
        }
    }
}

/// Collects the secrets of a tree; what is too short to be told from other text is left out.
pub(crate) fn secrets(tree: &Tree, found: &mut BTreeSet<String>) {
    let mut add = |secret: &Secret| {
        if secret.expose().len() >= 8 {
            found.insert(secret.expose().to_owned());
        }
    };
    match tree {
        Tree::Secret(secret) => add(secret),
        Tree::List(items) | Tree::Text(items) => items.iter().for_each(|item| secrets(item, found)),
        Tree::Json(inner) => secrets(inner, found),
        Tree::Map(map) => map.values().for_each(|value| secrets(value, found)),
        _ => {}
    }
}

/// The executor.
#[derive(Debug)]
pub(crate) struct Watched<E> {
    inner: E,
    log: Log,
}

impl<E> Watched<E> {
    pub(crate) fn new(inner: E) -> (Self, Log) {
        let log = Log::default();
        (Self { inner, log: log.clone() }, log)
    }

    fn op(&self, cx: &Op) -> Op {
        let host = Host { inner: Arc::clone(&cx.host), log: self.log.clone() };
        Op { host: Arc::new(host), ..cx.clone() }
    }
}

#[async_trait]
impl<E: Executor> Executor for Watched<E> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn supports(&self, kind: &ObjectKind) -> bool {
        self.inner.supports(kind)
    }

    async fn read(&self, cx: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>> {
        let answers = self.inner.read(&self.op(cx), objects).await;
        for answer in answers.iter().flatten() {
            if let Observed::Present { outputs, .. } = answer {
                self.log.secrets_of(outputs);
            }
        }
        answers
    }

    async fn find(&self, cx: &Op, object: &Desired) -> Result<Option<Created>, ExecError> {
        let call = self.log.begins(&object.address);
        let answer = self.inner.find(&self.op(cx), object).await;
        self.log.ends(call);
        answer
    }

    async fn create(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError> {
        secrets(&object.inputs, &mut self.log.notes().secrets);
        let call = self.log.begins(&object.address);
        let answer = self.inner.create(&self.op(cx), object).await;
        self.log.ends(call);
        if let Ok(created) = &answer {
            self.log.secrets_of(&created.outputs);
        }
        answer
    }

    async fn update(&self, cx: &Op, old: &Recorded, new: &Desired) -> Result<OutputMap, ExecError> {
        secrets(&new.inputs, &mut self.log.notes().secrets);
        let call = self.log.begins(&new.address);
        let answer = self.inner.update(&self.op(cx), old, new).await;
        self.log.ends(call);
        if let Ok(outputs) = &answer {
            self.log.secrets_of(outputs);
        }
        answer
    }

    async fn delete(&self, cx: &Op, object: &Recorded) -> Result<Deleted, ExecError> {
        let call = self.log.begins(&object.address);
        let answer = self.inner.delete(&self.op(cx), object).await;
        self.log.ends(call);
        answer
    }
}

struct Host {
    inner: Arc<dyn OpHost>,
    log: Log,
}

#[async_trait]
impl OpHost for Host {
    async fn permit(&self, service: &str, placement: &Placement) {
        self.inner.permit(service, placement).await;
        let permit = Permit { service: service.into(), placement: placement.clone(), at: Instant::now() };
        self.log.notes().permits.push(permit);
    }

    async fn identified(&self, id: &str) -> Result<(), ExecError> {
        self.inner.identified(id).await
    }

    fn progress(&self, message: &str) {
        self.inner.progress(message);
    }
}
