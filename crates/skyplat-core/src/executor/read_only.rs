//! [`ReadOnly`]: an executor that only looks, for runs that must not change anything.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Class, Created, Deleted, Desired, ErrorKind, ExecError, Executor, ObjectKind, Observed, Op, OutputMap,
    Recorded,
};

/// Passes reads on and refuses every change, before anything is sent. Gates and lookups change nothing on the way up,
/// and pass.
#[derive(Debug, Clone)]
pub struct ReadOnly(Arc<dyn Executor>);

impl ReadOnly {
    /// Wraps an executor.
    pub fn new(inner: impl Executor + 'static) -> Self {
        Self(Arc::new(inner))
    }
}

fn refused(verb: &str) -> ExecError {
    ExecError::new(ErrorKind::Denied, format!("this run is read-only: it does not {verb}"))
}

#[async_trait]
impl Executor for ReadOnly {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn supports(&self, kind: &ObjectKind) -> bool {
        self.0.supports(kind)
    }

    async fn read(&self, cx: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>> {
        self.0.read(cx, objects).await
    }

    async fn find(&self, cx: &Op, object: &Desired) -> Result<Option<Created>, ExecError> {
        self.0.find(cx, object).await
    }

    async fn create(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError> {
        match object.class {
            Class::Owned => Err(refused("create")),
            Class::Gate | Class::Lookup => self.0.create(cx, object).await,
        }
    }

    async fn update(&self, _: &Op, _: &Recorded, _: &Desired) -> Result<OutputMap, ExecError> {
        Err(refused("update"))
    }

    async fn delete(&self, _: &Op, _: &Recorded) -> Result<Deleted, ExecError> {
        Err(refused("delete"))
    }
}
