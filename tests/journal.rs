//! How much a journal takes: for every object little more than its own fields and edges.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, in its helpers too")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use skyplat::config::PlatformConfig;
use skyplat::engine::{Control, FinishedStatus};
use skyplat::mock::{MockCloud, MockOptions, simulate};
use skyplat::object::ObjectNode;
use skyplat::plan::{Observations, PlanOptions};
use skyplat::prelude::*;
use skyplat::state::{Entry, LockOwner, Stack, StateError, StoreSession};
use skyplat::value::{Address, DigestKey, Tree, paper};
use skyplat::workspace::{Description, FactChoice, unwatched};

const YAML: &[u8] = include_bytes!("../examples/hub_spoke.yaml");

/// A session that keeps what it journals.
#[derive(Debug)]
struct Kept {
    inner: Box<dyn StoreSession>,
    entries: Arc<Mutex<Vec<Entry>>>,
}

#[async_trait]
impl StoreSession for Kept {
    fn state(&self) -> &State {
        self.inner.state()
    }

    async fn write(&mut self, entries: &[Entry]) -> Result<(), StateError> {
        self.entries.lock().unwrap().extend_from_slice(entries);
        self.inner.write(entries).await
    }

    async fn sync(&mut self) -> Result<(), StateError> {
        self.inner.sync().await
    }

    async fn compact(&mut self) -> Result<(), StateError> {
        self.inner.compact().await
    }
}

/// Brings the README's platform up and takes it down; returns what was journaled.
async fn journaled(config: PlatformConfig) -> Vec<Entry> {
    let cloud = MockCloud::in_memory(MockOptions::default());
    let workspace = Workspace {
        stack: "dev".to_owned(),
        store: Arc::new(MemoryStore::new()),
        facts: Arc::new(cloud.clone()),
        engine: Engine::new(Executors::new().with(cloud), EngineOptions::default()),
        run: RunContext { run_id: "test".to_owned(), seed: 0, now: "2026-11-22T00:00:00Z".parse().unwrap() },
    };
    let owner = LockOwner {
        who: "tests".to_owned(),
        process: 1,
        operation: "test".to_owned(),
        run_id: "test".to_owned(),
        since: String::new(),
    };
    let stack = Stack { name: "dev".to_owned(), id: "0123456789abcdef".to_owned() };
    let inner = workspace.lock(State::new(stack, DigestKey::new([0; 32])), &owner).await.unwrap();
    let entries = Arc::new(Mutex::new(Vec::new()));
    let mut session = Kept { inner, entries: Arc::clone(&entries) };
    let up = workspace.describe(&config, &Facts::default(), FactChoice::Fresh).await.unwrap();
    for (described, destroy) in [(up, false), (Description::default(), true)] {
        let options = PlanOptions { destroy, ..PlanOptions::default() };
        let plan = workspace.plan(described, session.state(), Observations::none(), &options).unwrap();
        let report = workspace.apply(&plan, &mut session, &Control::new(), &mut unwatched()).await.unwrap();
        assert_eq!(report.status, FinishedStatus::Succeeded);
    }
    std::mem::take(&mut *entries.lock().unwrap())
}

fn size(tree: &Tree) -> usize {
    paper::write(tree).unwrap().to_string().len()
}

/// Returns the size of an object's own fields and edges.
fn own(node: &ObjectNode, depends_on: &BTreeSet<Address>) -> usize {
    let edges = [&node.after, depends_on].map(|edges| serde_json::to_string(edges).unwrap().len());
    size(&node.inputs) + node.natural_key.as_ref().map_or(0, size) + edges.iter().sum::<usize>()
}

#[test]
fn a_journal_entry_is_at_most_a_kilobyte_more_than_the_objects_own_fields_and_edges() {
    let config = parse_config("hub_spoke.yaml", YAML, Target::Simulated).unwrap().config;
    let entries = simulate(|| journaled(config)).unwrap();
    assert!(entries.len() > 1_000, "{}", entries.len());
    let mut most = 0;
    for entry in &entries {
        let fields = match entry {
            Entry::CreateBegins { record } => own(&record.node, &record.depends_on),
            Entry::UpdateBegins { next, .. } => own(&next.node, &next.depends_on),
            Entry::Bookkeeping { node, depends_on } => own(node, depends_on),
            Entry::Created { outputs, .. } | Entry::Updated { outputs, .. } => {
                outputs.values().map(size).sum()
            }
            Entry::Observed { inputs, outputs, .. } => {
                size(inputs) + outputs.values().map(size).sum::<usize>()
            }
            // These are about no object.
            Entry::Facts { .. } | Entry::Exports { .. } => continue,
            _ => 0,
        };
        let more = serde_json::to_string(entry).unwrap().len() - fields;
        assert!(more <= 1_024, "{more} bytes more than that:\n{entry:?}");
        most = most.max(more);
    }
    assert!(most > 100, "{most}: nothing was measured");
}
