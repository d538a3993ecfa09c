//! [`Traced`]: an executor that says in `tracing` spans what is called and how it ended.
//!
//! Spans carry addresses, kinds and error kinds, never inputs or outputs: those may hold secrets.

use std::sync::Arc;

use async_trait::async_trait;
use tracing::{Instrument as _, Span, debug, info_span, warn};

use super::{Created, Deleted, Desired, ExecError, Executor, ObjectKind, Observed, Op, OutputMap, Recorded};
use crate::value::Address;

/// Passes every call on, inside a span of its own.
#[derive(Debug, Clone)]
pub struct Traced(Arc<dyn Executor>);

impl Traced {
    /// Wraps an executor.
    pub fn new(inner: impl Executor + 'static) -> Self {
        Self(Arc::new(inner))
    }

    fn span(&self, call: &'static str, address: &Address, kind: &ObjectKind, cx: &Op) -> Span {
        info_span!("call", executor = self.0.name(), call, %address, %kind, attempt = cx.attempt)
    }
}

fn ended<T>(result: Result<T, ExecError>) -> Result<T, ExecError> {
    match &result {
        Ok(_) => debug!("done"),
        Err(error) => warn!(kind = %error.kind, code = error.code.as_deref(), "failed"),
    }
    result
}

#[async_trait]
impl Executor for Traced {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn supports(&self, kind: &ObjectKind) -> bool {
        self.0.supports(kind)
    }

    async fn read(&self, cx: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>> {
        let span = info_span!("call", executor = self.0.name(), call = "read", objects = objects.len());
        self.0.read(cx, objects).instrument(span).await
    }

    async fn find(&self, cx: &Op, object: &Desired) -> Result<Option<Created>, ExecError> {
        let span = self.span("find", &object.address, &object.kind, cx);
        async { ended(self.0.find(cx, object).await) }.instrument(span).await
    }

    async fn create(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError> {
        let span = self.span("create", &object.address, &object.kind, cx);
        async { ended(self.0.create(cx, object).await) }.instrument(span).await
    }

    async fn update(&self, cx: &Op, old: &Recorded, new: &Desired) -> Result<OutputMap, ExecError> {
        let span = self.span("update", &new.address, &new.kind, cx);
        async { ended(self.0.update(cx, old, new).await) }.instrument(span).await
    }

    async fn delete(&self, cx: &Op, object: &Recorded) -> Result<Deleted, ExecError> {
        let span = self.span("delete", &object.address, &object.kind, cx);
        async { ended(self.0.delete(cx, object).await) }.instrument(span).await
    }
}
