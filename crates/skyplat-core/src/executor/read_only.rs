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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mockall::mock;

    use super::super::OpHost;
    use super::*;
    use crate::ids::AccountId;
    use crate::object::{OnDelete, Placement};
    use crate::state::Uid;
    use crate::value::{Address, Tree};

    mock! {
        #[derive(Debug)]
        Inner {}

        #[async_trait]
        impl Executor for Inner {
            fn name(&self) -> &str;
            fn supports(&self, kind: &ObjectKind) -> bool;
            async fn read(&self, cx: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>>;
            async fn find(&self, cx: &Op, object: &Desired) -> Result<Option<Created>, ExecError>;
            async fn create(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError>;
            async fn update(&self, cx: &Op, old: &Recorded, new: &Desired) -> Result<OutputMap, ExecError>;
            async fn delete(&self, cx: &Op, object: &Recorded) -> Result<Deleted, ExecError>;
        }
    }

    struct NoHost;

    #[async_trait]
    impl OpHost for NoHost {
        async fn permit(&self, _: &str, _: &Placement) {}

        async fn identified(&self, _: &str) -> Result<(), ExecError> {
            Ok(())
        }

        fn progress(&self, _: &str) {}
    }

    fn object(class: Class) -> (Op, Desired, Recorded) {
        let address = Address::new("a");
        let placement = Placement { account: AccountId::new("1"), region: None, container: None };
        let uid = Uid::new("stack", &address, 0);
        let op = Op {
            attempt: 1,
            deadline: tokio::time::Instant::now(),
            cancel: tokio_util::sync::CancellationToken::new(),
            client_token: String::new(),
            tags: BTreeMap::new(),
            placement: placement.clone(),
            container: None,
            host: Arc::new(NoHost),
        };
        let desired = Desired {
            address: address.clone(),
            kind: "test.thing".into(),
            class,
            uid: uid.clone(),
            placement: placement.clone(),
            inputs: Tree::map(),
            natural_key: None,
        };
        let recorded = Recorded {
            address,
            kind: "test.thing".into(),
            class,
            uid,
            placement,
            id: None,
            inputs: Tree::map(),
            natural_key: None,
            outputs: OutputMap::new(),
            on_delete: OnDelete::Delete,
        };
        (op, desired, recorded)
    }

    #[tokio::test]
    async fn what_changes_something_is_refused_before_it_is_sent() {
        // A mock without expectations panics on any call.
        let executor = ReadOnly::new(MockInner::new());
        let (op, desired, recorded) = object(Class::Owned);
        for error in [
            executor.create(&op, &desired).await.unwrap_err(),
            executor.update(&op, &recorded, &desired).await.unwrap_err(),
            executor.delete(&op, &recorded).await.unwrap_err(),
        ] {
            assert!(error.kind == ErrorKind::Denied && error.message.contains("read-only"), "{error}");
        }
    }

    #[tokio::test]
    async fn what_only_looks_passes() {
        let mut inner = MockInner::new();
        inner.expect_read().once().returning(|_, objects| vec![Ok(Observed::Missing); objects.len()]);
        inner.expect_find().once().returning(|_, _| Ok(None));
        inner
            .expect_create()
            .once()
            .returning(|_, _| Ok(Created { id: "i".into(), outputs: OutputMap::new() }));
        let executor = ReadOnly::new(inner);
        let (op, lookup, recorded) = object(Class::Lookup);
        assert_eq!(executor.read(&op, &[recorded]).await, [Ok(Observed::Missing)]);
        assert_eq!(executor.find(&op, &lookup).await, Ok(None));
        assert!(executor.create(&op, &lookup).await.is_ok());
    }
}
