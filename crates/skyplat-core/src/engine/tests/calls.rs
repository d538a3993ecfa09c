//! Call order against mocks: an intent is durable before its call, an id as soon as there is one, the result after.

use mockall::{Sequence, mock};

use super::*;
use crate::executor::{Created, Deleted, Desired, ExecError, Executor, Observed, Op, OutputMap, Recorded};
use crate::object::ObjectKind;

mock! {
    #[derive(Debug)]
    Cloud {}

    #[async_trait]
    impl Executor for Cloud {
        fn name(&self) -> &str;
        fn supports(&self, kind: &ObjectKind) -> bool;
        async fn read(&self, cx: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>>;
        async fn find(&self, cx: &Op, object: &Desired) -> Result<Option<Created>, ExecError>;
        async fn create(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError>;
        async fn update(&self, cx: &Op, old: &Recorded, new: &Desired) -> Result<OutputMap, ExecError>;
        async fn delete(&self, cx: &Op, object: &Recorded) -> Result<Deleted, ExecError>;
    }
}

mock! {
    #[derive(Debug)]
    Session {}

    #[async_trait]
    impl StoreSession for Session {
        fn state(&self) -> &State;
        async fn write(&mut self, entries: &[Entry]) -> Result<(), StateError>;
        async fn sync(&mut self) -> Result<(), StateError>;
        async fn compact(&mut self) -> Result<(), StateError>;
    }
}

fn state() -> State {
    State::new(Stack { name: "dev".into(), id: "0".into() }, DigestKey::new([0; 32]))
}

async fn apply(cloud: MockCloud, mut session: MockSession, graph: &ObjectGraph) -> RunReport {
    let (state, options, observations) = (state(), PlanOptions::default(), Observations::none());
    let input = PlanInput { graph, state: &state, observations: &observations, options: &options };
    let plan = build_plan(input).unwrap();
    let engine = Engine::new(Executors::new().with(cloud), EngineOptions::default());
    let context = RunContext { run_id: "r".into(), seed: 0, now: jiff::Timestamp::UNIX_EPOCH };
    let facts = Facts::default();
    let work = Work { plan: &plan, graph, facts: &facts, observations: &observations };
    engine.apply(work, &mut session, &context, &Control::new(), &mut |_| {}).await.unwrap()
}

fn made() -> Created {
    Created { id: "i-1".into(), outputs: OutputMap::new() }
}

#[tokio::test(start_paused = true)]
async fn the_intent_is_durable_before_the_call_and_the_result_after_it() {
    let mut order = Sequence::new();
    let (mut cloud, mut session) = (MockCloud::new(), MockSession::new());
    cloud.expect_supports().return_const(true);
    session.expect_state().return_const(state());
    session
        .expect_write()
        .withf(|entries| matches!(entries, [Entry::CreateBegins { .. }]))
        .once()
        .in_sequence(&mut order)
        .returning(|_| Ok(()));
    session.expect_sync().once().in_sequence(&mut order).returning(|| Ok(()));
    cloud.expect_create().once().in_sequence(&mut order).returning(|_, _| Ok(made()));
    session
        .expect_write()
        .withf(|entries| matches!(entries, [Entry::Created { id, .. }] if id == "i-1"))
        .once()
        .in_sequence(&mut order)
        .returning(|_| Ok(()));
    session.expect_sync().once().in_sequence(&mut order).returning(|| Ok(()));
    let report = apply(cloud, session, &graph([node("a", tree!({}))])).await;
    assert_eq!(report.status, FinishedStatus::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn what_is_announced_at_one_time_is_written_at_once() {
    let (mut cloud, mut session) = (MockCloud::new(), MockSession::new());
    cloud.expect_supports().return_const(true);
    cloud.expect_create().times(3).returning(|_, _| Ok(made()));
    session.expect_state().return_const(state());
    session.expect_write().withf(|entries| entries.len() == 3).times(2).returning(|_| Ok(()));
    session.expect_sync().times(2).returning(|| Ok(()));
    let three = graph(["a", "b", "c"].map(|name| node(name, tree!({}))));
    assert_eq!(apply(cloud, session, &three).await.totals.created, 3);
}

#[tokio::test(start_paused = true)]
async fn each_object_of_a_chain_waits_for_the_disk_once() {
    let mut order = Sequence::new();
    let (mut cloud, mut session) = (MockCloud::new(), MockSession::new());
    cloud.expect_supports().return_const(true);
    session.expect_state().return_const(state());
    for written in [1, 2, 2] {
        session.expect_write().times(written).in_sequence(&mut order).returning(|_| Ok(()));
        session.expect_sync().once().in_sequence(&mut order).returning(|| Ok(()));
        cloud.expect_create().once().in_sequence(&mut order).returning(|_, _| Ok(made()));
    }
    session.expect_write().once().in_sequence(&mut order).returning(|_| Ok(()));
    session.expect_sync().once().in_sequence(&mut order).returning(|| Ok(()));
    let three = graph([
        node("a", tree!({})),
        after(node("b", tree!({})), &["a"]),
        after(node("c", tree!({})), &["b"]),
    ]);
    assert_eq!(apply(cloud, session, &three).await.totals.created, 3);
}

#[tokio::test(start_paused = true)]
async fn without_a_written_intent_there_is_no_call() {
    let (mut cloud, mut session) = (MockCloud::new(), MockSession::new());
    cloud.expect_supports().return_const(true);
    cloud.expect_create().never();
    session.expect_state().return_const(state());
    session.expect_write().once().returning(|_| {
        let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
        Err(StateError::Io { action: "write", path: "journal".into(), source })
    });
    let (state, options, observations) = (self::state(), PlanOptions::default(), Observations::none());
    let wanted = graph([node("a", tree!({}))]);
    let input = PlanInput { graph: &wanted, state: &state, observations: &observations, options: &options };
    let plan = build_plan(input).unwrap();
    let engine = Engine::new(Executors::new().with(cloud), EngineOptions::default());
    let context = RunContext { run_id: "r".into(), seed: 0, now: jiff::Timestamp::UNIX_EPOCH };
    let work = Work { plan: &plan, graph: &wanted, facts: &Facts::default(), observations: &observations };
    let result = engine.apply(work, &mut session, &context, &Control::new(), &mut |_| {}).await;
    assert!(matches!(result, Err(EngineError::Journal(_))));
}
