//! No secret in anything that is written down: every secret that passes between engine and cloud is looked for in every
//! byte of plans, events, logs, reports, states and journals.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use proptest::prelude::*;
use skyplat::engine::{Control, Work};
use skyplat::executor::{
    Created, Deleted, Desired, ErrorKind, ExecError, Executor, Observed, Op, OutputMap, Recorded, Traced,
};
use skyplat::mock::faults::{FaultKind, Faults, Faulty};
use skyplat::object::ObjectKind;
use skyplat::plan::PlanOptions;
use skyplat::state::DirectoryStore;
use skyplat::workspace::{Prepared, unwatched};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};

use crate::cases;
use crate::configs::{Shape, Size, hub_and_spoke};
use crate::stand::{Stand, fresh, simulate};
use crate::watch::{Log, Watched, secrets};

/// Keeps every field of every span and event.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<String>>);

impl Visit for Lines {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0.lock().unwrap(), "{field}={value:?} ").unwrap();
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        attributes.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An executor that says too much: it quotes the secrets of what it makes while it works, and when it fails at first.
#[derive(Debug)]
struct Chatty<E>(E);

#[async_trait]
impl<E: Executor> Executor for Chatty<E> {
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
        let mut said = BTreeSet::new();
        secrets(&object.inputs, &mut said);
        if said.is_empty() {
            return self.0.create(cx, object).await;
        }
        cx.progress(&format!("sending {said:?}"));
        if cx.attempt == 1 {
            return Err(ExecError::new(ErrorKind::Throttled, format!("slower with {said:?}")));
        }
        self.0.create(cx, object).await
    }

    async fn update(&self, cx: &Op, old: &Recorded, new: &Desired) -> Result<OutputMap, ExecError> {
        self.0.update(cx, old, new).await
    }

    async fn delete(&self, cx: &Op, object: &Recorded) -> Result<Deleted, ExecError> {
        self.0.delete(cx, object).await
    }
}

/// Returns every byte below a directory as text.
fn files(directory: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&files(&path));
        } else {
            text.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
        }
    }
    text
}

/// Everything that one run writes down, by where.
async fn written(
    stand: &Stand,
    directory: &Path,
    text: Option<&str>,
    faults: Faults,
    log: &mut Vec<Log>,
) -> Vec<(&'static str, String)> {
    let prepared = stand.try_plan(text, &[]).await.unwrap();
    let lines = Lines::default();
    let (watched, notes) = Watched::new(stand.cloud.clone());
    log.push(notes);
    let workspace = stand.workspace(Traced::new(Chatty(Faulty::new(watched, faults))));
    let mut events = Vec::new();
    let mut session = stand.session().await;
    let report = {
        let _guard = tracing::subscriber::set_default(lines.clone());
        let Prepared { description, observations, plan } = &prepared;
        let work = Work { plan, graph: &description.graph, facts: &description.facts, observations };
        let (engine, control) = (&workspace.engine, Control::new());
        let mut sink = |event| events.push(event);
        engine.apply(work, session.as_mut(), &workspace.run, &control, &mut sink).await.unwrap()
    };
    // Before a snapshot takes the place of the journal, and after.
    let journal = files(directory);
    session.compact().await.unwrap();
    let state = session.state().clone();
    let options = PlanOptions { destroy: text.is_none(), ..PlanOptions::default() };
    let outputs = workspace.outputs(&state, false, &Control::new()).await.unwrap();
    let observed = workspace.observe(&state, &Control::new(), &mut unwatched()).await.unwrap();
    let shown = lines.0.lock().unwrap().clone();
    vec![
        ("the plan", format!("{:?} {}", prepared, serde_json::to_string(&prepared.plan).unwrap())),
        ("the plan file", workspace.plan_file(&prepared, &fresh(), &options).unwrap().to_json().unwrap()),
        ("the events", format!("{events:?} {}", serde_json::to_string(&events).unwrap())),
        ("the log", shown),
        ("the report", format!("{report:?}")),
        ("the state", format!("{state:?} {}", serde_json::to_string(&state).unwrap())),
        ("the outputs", format!("{outputs:?}")),
        ("what was observed", format!("{observed:?}")),
        ("the workspace", format!("{workspace:?} {session:?}")),
        ("the journal", journal),
        ("the snapshot", files(directory)),
    ]
}

proptest! {
    #![proptest_config(cases(3))]

    #[test]
    fn no_secret_is_written_down_anywhere(platform in hub_and_spoke(Size::SMALL), seed in any::<u64>()) {
        let directory = tempfile::tempdir().unwrap();
        simulate(|| async {
            let mut platform = platform.with("protect", None);
            // The client of the way in is a secret that comes from outside.
            let Shape::HubAndSpoke { hub, .. } = &mut platform.shape else { unreachable!("only hubs") };
            hub.has_router = true;
            let text = platform.plain();
            let stand = Stand::with_store(Arc::new(DirectoryStore::new(directory.path())));
            let mut logs = Vec::new();
            let mut texts = Vec::new();
            // The first run is cut short by whatever comes, the second finishes it, the third looks at it again.
            let faults = Faults::seeded(seed, 0.05).kinds(FaultKind::ALL);
            for (text, faults) in [
                (Some(text.as_str()), faults),
                (Some(&text), Faults::none()),
                (Some(&text), Faults::none()),
                (None, Faults::none()),
            ] {
                texts.extend(written(&stand, directory.path(), text, faults, &mut logs).await);
            }
            let mut canaries: Vec<String> = logs.iter().flat_map(|log| log.notes().secrets.clone()).collect();
            canaries.sort();
            canaries.dedup();
            assert!(canaries.len() >= 3, "there are secrets to look for: {}", canaries.len());
            for secret in &canaries {
                for (place, text) in &texts {
                    assert!(!text.contains(secret.as_str()), "a secret is in {place}");
                }
            }
        });
    }
}
