//! An executor that makes some calls twice, as a client does whose connection broke before the answer came.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use skyplat::executor::{Created, Deleted, Desired, ExecError, Executor, Observed, Op, OutputMap, Recorded};
use skyplat::mock::faults::Operation;
use skyplat::object::ObjectKind;
use skyplat::value::Address;

/// Makes one operation of some objects twice.
#[derive(Debug)]
pub(crate) struct Doubled<E> {
    inner: E,
    operation: Operation,
    objects: BTreeSet<Address>,
    met: Arc<Mutex<BTreeSet<Address>>>,
}

impl<E> Doubled<E> {
    /// Wraps an executor; what was doubled will be found in `met`.
    pub(crate) fn new(
        inner: E,
        operation: Operation,
        objects: &[Address],
        met: Arc<Mutex<BTreeSet<Address>>>,
    ) -> Self {
        Self { inner, operation, objects: objects.iter().cloned().collect(), met }
    }

    fn is_doubled(&self, operation: Operation, address: &Address) -> bool {
        let doubled = operation == self.operation && self.objects.contains(address);
        if doubled {
            self.met.lock().unwrap().insert(address.clone());
        }
        doubled
    }
}

#[async_trait]
impl<E: Executor> Executor for Doubled<E> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn supports(&self, kind: &ObjectKind) -> bool {
        self.inner.supports(kind)
    }

    async fn read(&self, cx: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>> {
        self.inner.read(cx, objects).await
    }

    async fn find(&self, cx: &Op, object: &Desired) -> Result<Option<Created>, ExecError> {
        self.inner.find(cx, object).await
    }

    async fn create(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError> {
        let first = self.inner.create(cx, object).await?;
        if !self.is_doubled(Operation::Create, &object.address) {
            return Ok(first);
        }
        let second = self.inner.create(cx, object).await?;
        assert_eq!(first, second, "{} is another one the second time", object.address);
        Ok(second)
    }

    async fn update(&self, cx: &Op, old: &Recorded, new: &Desired) -> Result<OutputMap, ExecError> {
        if self.is_doubled(Operation::Update, &new.address) {
            self.inner.update(cx, old, new).await?;
        }
        self.inner.update(cx, old, new).await
    }

    async fn delete(&self, cx: &Op, object: &Recorded) -> Result<Deleted, ExecError> {
        if self.is_doubled(Operation::Delete, &object.address) {
            self.inner.delete(cx, object).await?;
        }
        self.inner.delete(cx, object).await
    }
}
