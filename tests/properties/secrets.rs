//! No secret in anything that is written down: every secret that passes between engine and cloud is looked for in every
//! byte of plans, events, logs, reports, states and journals.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use skyplat::engine::{Control, Work};
use skyplat::executor::Traced;
use skyplat::mock::faults::{FaultKind, Faults, Faulty};
use skyplat::plan::PlanOptions;
use skyplat::state::DirectoryStore;
use skyplat::workspace::{Prepared, unwatched};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};

use crate::cases;
use crate::configs::{Shape, Size, hub_and_spoke};
use crate::stand::{Stand, fresh, simulate};
use crate::watch::{Log, Watched};

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
    let workspace = stand.workspace(Traced::new(Faulty::new(watched, faults)));
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
        ("the plan file", workspace.plan_file(&prepared, &fresh(), &options).to_json().unwrap()),
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
            let mut secrets: Vec<String> = logs.iter().flat_map(|log| log.notes().secrets.clone()).collect();
            secrets.sort();
            secrets.dedup();
            assert!(secrets.len() >= 3, "there are secrets to look for: {}", secrets.len());
            for secret in &secrets {
                for (place, text) in &texts {
                    assert!(!text.contains(secret.as_str()), "a secret is in {place}");
                }
            }
        });
    }
}
