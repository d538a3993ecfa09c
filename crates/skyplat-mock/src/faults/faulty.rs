//! [`Faulty`]: an executor whose calls go wrong on a schedule.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use skyplat_core::executor::{
    Created, Deleted, Desired, ErrorKind, ExecError, Executor, Observed, Op, OpHost, OutputMap, Recorded,
};
use skyplat_core::object::{ObjectKind, Placement};

use super::schedule::{Fault, Subject};
use super::{FaultKind, Faults, Operation};

/// Passes calls on to another executor, but for those that the schedule lets go wrong.
#[derive(Debug, Clone)]
pub struct Faulty {
    inner: Arc<dyn Executor>,
    faults: Faults,
}

impl Faulty {
    /// Wraps an executor.
    pub fn new(inner: impl Executor + 'static, faults: Faults) -> Self {
        Self::shared(Arc::new(inner), faults)
    }

    /// Wraps an executor that is shared with others.
    pub fn shared(inner: Arc<dyn Executor>, faults: Faults) -> Self {
        Self { inner, faults }
    }

    /// Returns the schedule.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Decides about a call, and lets it wait or fail before it is passed on.
    async fn before<'a>(
        &self,
        cx: &Op,
        kind: &ObjectKind,
        subject: impl Into<Subject<'a>>,
        operation: Operation,
    ) -> Result<After, ExecError> {
        let Some(fault) = self.faults.next(subject.into(), operation) else { return Ok(After::Nothing) };
        if let Some(error) = refusal(&fault, operation) {
            if error.kind != ErrorKind::Unreachable {
                cx.permit(kind.service()).await;
            }
            return Err(error);
        }
        match fault.kind {
            FaultKind::Slow if operation.only_looks() => {
                cx.sleep(fault.delay()).await.map_err(look_cut)?;
                Ok(After::Nothing)
            }
            FaultKind::Slow if fault.variant.is_multiple_of(2) => {
                cx.sleep(fault.delay()).await?;
                Ok(After::Nothing)
            }
            FaultKind::Slow => Ok(After::Wait(fault.delay())),
            _ => Ok(After::Lose(Loss::ALL[usize::from(fault.variant) % Loss::ALL.len()])),
        }
    }

    /// Lets what a change gave back wait, or be lost.
    async fn after<T>(
        &self,
        cx: &Op,
        subject: Subject<'_>,
        operation: Operation,
        after: After,
        given: Result<T, ExecError>,
    ) -> Result<T, ExecError> {
        let given = given?;
        match after {
            After::Nothing => Ok(given),
            After::Wait(delay) => cx.sleep(delay).await.map(|()| given),
            After::Lose(_) => {
                self.faults.lost(subject, operation);
                Err(reply_lost(operation))
            }
        }
    }
}

/// What else goes wrong with a call that is passed on.
#[derive(Debug, Clone, Copy)]
enum After {
    Nothing,
    Wait(Duration),
    Lose(Loss),
}

/// Where the reply to a create is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// At once: the thing is begun, and nobody learns its id.
    WithId,
    /// While it waits: the thing is begun, and its id is known.
    InWait,
    /// At the end: the thing is usable.
    AtEnd,
}

impl Loss {
    const ALL: [Self; 3] = [Self::WithId, Self::InWait, Self::AtEnd];
}

fn reply_lost(operation: Operation) -> ExecError {
    ExecError::new(ErrorKind::Retryable, format!("the reply to the {operation} was lost"))
        .code("RequestTimeout")
}

/// Returns the error of a call that is not passed on.
fn refusal(fault: &Fault, operation: Operation) -> Option<ExecError> {
    let first = fault.variant.is_multiple_of(2);
    let (kind, code, message) = match fault.kind {
        FaultKind::FailsBefore if first => {
            (ErrorKind::Retryable, "InternalError", format!("the API failed to {operation} it"))
        }
        FaultKind::FailsBefore => {
            let message = format!("the {operation} was not sent: there is no connection");
            (ErrorKind::Unreachable, "ConnectTimeout", message)
        }
        FaultKind::Permanent if first => {
            (ErrorKind::Fatal, "InternalFailure", format!("the API failed to {operation} it for good"))
        }
        FaultKind::Permanent => {
            (ErrorKind::Denied, "AccessDenied", format!("not authorized to {operation} it"))
        }
        FaultKind::Throttled => (ErrorKind::Throttled, "Throttling", "rate exceeded".to_owned()),
        FaultKind::NotYetVisible => {
            (ErrorKind::NotYetVisible, "NotFound", "what was just made is not visible yet".to_owned())
        }
        FaultKind::StillInUse => {
            (ErrorKind::DependencyViolation, "DependencyViolation", "something still uses it".to_owned())
        }
        FaultKind::Busy => {
            (ErrorKind::Busy, "ResourceInUse", "another operation is under way where one may be".to_owned())
        }
        FaultKind::ReplyLost | FaultKind::Slow => return None,
    };
    Some(ExecError::new(kind, message).code(code))
}

/// A look that was cut short had no effect, and says so.
fn look_cut(error: ExecError) -> ExecError {
    ExecError { kind: ErrorKind::Unreachable, ..error }
}

/// Hears when a create got its id, and holds the call there.
struct Listener {
    host: Arc<dyn OpHost>,
    /// Whether the id reaches the engine.
    reports: bool,
    heard: Notify,
}

#[async_trait]
impl OpHost for Listener {
    async fn permit(&self, service: &str, placement: &Placement) {
        self.host.permit(service, placement).await;
    }

    async fn identified(&self, id: &str) -> Result<(), ExecError> {
        if self.reports {
            self.host.identified(id).await?;
        }
        self.heard.notify_one();
        pending().await
    }

    fn progress(&self, message: &str) {
        self.host.progress(message);
    }
}

#[async_trait]
impl Executor for Faulty {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn supports(&self, kind: &ObjectKind) -> bool {
        self.inner.supports(kind)
    }

    async fn read(&self, cx: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>> {
        let faults: Vec<Option<Fault>> =
            objects.iter().map(|object| self.faults.next(object.into(), Operation::Read)).collect();
        if faults.iter().all(Option::is_none) {
            return self.inner.read(cx, objects).await;
        }
        let mut answers: Vec<Option<ExecError>> = faults
            .iter()
            .map(|fault| fault.as_ref().and_then(|fault| refusal(fault, Operation::Read)))
            .collect();
        // A batch takes as long as the slowest of it.
        let delay =
            faults.iter().flatten().filter(|fault| fault.kind == FaultKind::Slow).map(Fault::delay).max();
        if let Some(delay) = delay
            && let Err(error) = cx.sleep(delay).await
        {
            return objects.iter().map(|_| Err(look_cut(error.clone()))).collect();
        }
        let asked: Vec<Recorded> = objects
            .iter()
            .zip(&answers)
            .filter(|(_, answer)| answer.is_none())
            .map(|(object, _)| object.clone())
            .collect();
        let mut read =
            if asked.is_empty() { Vec::new() } else { self.inner.read(cx, &asked).await }.into_iter();
        answers.iter_mut().map_while(|answer| answer.take().map(Err).or_else(|| read.next())).collect()
    }

    async fn find(&self, cx: &Op, object: &Desired) -> Result<Option<Created>, ExecError> {
        self.before(cx, &object.kind, object, Operation::Find).await?;
        self.inner.find(cx, object).await
    }

    async fn create(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError> {
        let after = self.before(cx, &object.kind, object, Operation::Create).await?;
        let After::Lose(loss @ (Loss::WithId | Loss::InWait)) = after else {
            let given = self.inner.create(cx, object).await;
            return self.after(cx, object.into(), Operation::Create, after, given).await;
        };
        let host = Arc::clone(&cx.host);
        let listener = Arc::new(Listener { host, reports: loss == Loss::InWait, heard: Notify::new() });
        let listening = Op { host: Arc::clone(&listener) as Arc<dyn OpHost>, ..cx.clone() };
        tokio::select! {
            biased;
            given = self.inner.create(&listening, object) => {
                self.after(cx, object.into(), Operation::Create, after, given).await
            }
            () = listener.heard.notified() => {
                self.faults.lost(object.into(), Operation::Create);
                Err(reply_lost(Operation::Create))
            }
        }
    }

    async fn update(&self, cx: &Op, old: &Recorded, new: &Desired) -> Result<OutputMap, ExecError> {
        let after = self.before(cx, &new.kind, new, Operation::Update).await?;
        let given = self.inner.update(cx, old, new).await;
        self.after(cx, new.into(), Operation::Update, after, given).await
    }

    async fn delete(&self, cx: &Op, object: &Recorded) -> Result<Deleted, ExecError> {
        let after = self.before(cx, &object.kind, object, Operation::Delete).await?;
        let given = self.inner.delete(cx, object).await;
        self.after(cx, object.into(), Operation::Delete, after, given).await
    }
}
