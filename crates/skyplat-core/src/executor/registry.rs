//! [`Executors`]: several executors, chosen by kind.

use std::sync::Arc;

use super::Executor;
use crate::object::ObjectKind;

/// Executors in the order they are asked; the first that supports a kind handles it.
#[derive(Debug, Clone, Default)]
pub struct Executors(Vec<Arc<dyn Executor>>);

impl Executors {
    /// Starts with none.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an executor.
    #[must_use]
    pub fn with(mut self, executor: impl Executor + 'static) -> Self {
        self.0.push(Arc::new(executor));
        self
    }

    /// Adds an executor that is shared with others.
    #[must_use]
    pub fn with_shared(mut self, executor: Arc<dyn Executor>) -> Self {
        self.0.push(executor);
        self
    }

    /// Returns the executor that handles a kind.
    pub fn for_kind(&self, kind: &ObjectKind) -> Option<&Arc<dyn Executor>> {
        self.0.iter().find(|executor| executor.supports(kind))
    }
}
