//! A naive engine for tests: runs an object graph through an executor, a few objects at a time, and back down again.
//!
//! It keeps no journal and makes no plan. What it shares with the real engine is only what the executor's contract says.

pub(crate) mod lab;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use skyplat_core::executor::{Desired, ErrorKind, ExecError, Executor, Op, OpHost, OutputMap, Recorded};
use skyplat_core::graph::ObjectGraph;
use skyplat_core::object::{ObjectNode, OnDelete, Placement};
use skyplat_core::state::Uid;
use skyplat_core::value::{Address, Resolved, resolve};
use skyplat_mock::MockCloud;

/// The stack whose tags the tests' objects carry.
pub(crate) const STACK: &str = "test/1";

/// A host that permits everything at once.
#[derive(Debug)]
struct Host;

#[async_trait]
impl OpHost for Host {
    async fn permit(&self, _service: &str, _placement: &Placement) {}

    async fn identified(&self, _id: &str) -> Result<(), ExecError> {
        Ok(())
    }

    fn progress(&self, _message: &str) {}
}

/// Makes the context of a call.
pub(crate) fn op(placement: &Placement, container: Option<OutputMap>) -> Op {
    Op {
        attempt: 1,
        deadline: Instant::now() + Duration::from_hours(1),
        cancel: CancellationToken::new(),
        client_token: "token".into(),
        tags: BTreeMap::from([("skyplat:stack".to_owned(), STACK.to_owned())]),
        placement: placement.clone(),
        container,
        host: Arc::new(Host),
    }
}

/// What was made of a graph.
#[derive(Debug, Clone, Default)]
pub(crate) struct Made {
    records: BTreeMap<Address, (Recorded, BTreeSet<Address>)>,
}

impl Made {
    pub(crate) fn record(&self, address: &str) -> &Recorded {
        &self.records[&Address::new(address)].0
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &Recorded> {
        self.records.values().map(|(record, _)| record)
    }

    pub(crate) fn container_of(&self, record: &Recorded) -> Option<OutputMap> {
        let container = record.placement.container.as_ref()?;
        self.records.get(container).map(|(record, _)| record.outputs.clone())
    }

    /// Forgets that objects with one text in their address came after those with another, and says how often.
    pub(crate) fn drop_edges(&mut self, later: &str, earlier: &str) -> usize {
        let mut dropped = 0;
        for (_, (_, needs)) in self.records.iter_mut().filter(|(address, _)| address.as_str().contains(later))
        {
            let before = needs.len();
            needs.retain(|need| !need.as_str().contains(earlier));
            dropped += before - needs.len();
        }
        dropped
    }

    fn outputs(&self, reference: &skyplat_core::value::Reference) -> Resolved {
        let record = self.records.get(&reference.object);
        match record.and_then(|(record, _)| record.outputs.get(reference.field.as_str())) {
            Some(tree) => Resolved::Known(tree.clone()),
            None => Resolved::Unknown,
        }
    }
}

fn desired(node: &ObjectNode, made: &Made) -> Desired {
    let resolved = |tree| resolve(tree, &|reference| made.outputs(reference)).unwrap();
    Desired {
        address: node.address.clone(),
        kind: node.kind.clone(),
        class: node.class,
        uid: Uid::new("1", &node.address, 0),
        placement: node.placement.clone(),
        inputs: resolved(&node.inputs),
        natural_key: node.natural_key.as_ref().map(resolved),
    }
}

/// Runs a call until it succeeds or fails for good, as an engine does with what may pass.
macro_rules! retried {
    ($call:expr) => {
        loop {
            match $call.await {
                Err(error)
                    if matches!(
                        error.kind,
                        ErrorKind::Busy | ErrorKind::NotYetVisible | ErrorKind::DependencyViolation
                    ) =>
                {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
                other => break other,
            }
        }
    };
}

/// Makes every object of a graph, `parallelism` at a time. Panics with the address when one cannot be made.
pub(crate) async fn up(cloud: &MockCloud, graph: &ObjectGraph, parallelism: usize) -> Made {
    let mut made = Made::default();
    let mut waiting: BTreeMap<&Address, BTreeSet<Address>> =
        graph.nodes().values().map(|node| (&node.address, node.depends_on())).collect();
    let mut running = JoinSet::new();
    while !waiting.is_empty() || !running.is_empty() {
        let ready: Vec<&Address> = waiting
            .iter()
            .filter(|(_, needs)| needs.iter().all(|need| made.records.contains_key(need)))
            .map(|(address, _)| *address)
            .take(parallelism - running.len())
            .collect();
        for address in ready {
            waiting.remove(address);
            let node = graph.nodes()[address].clone();
            let want = desired(&node, &made);
            let container = node.placement.container.as_ref().map(|at| made.records[at].0.outputs.clone());
            let (cloud, cx) = (cloud.clone(), op(&node.placement, container));
            running.spawn(async move {
                let created = retried!(cloud.create(&cx, &want));
                (node, want, created)
            });
        }
        let (node, want, created) = running.join_next().await.expect("something is running").unwrap();
        let created = created.unwrap_or_else(|error| panic!("{}: {error:?}", node.address));
        let record = Recorded {
            address: want.address.clone(),
            kind: want.kind,
            class: want.class,
            uid: want.uid,
            placement: want.placement,
            id: Some(created.id),
            inputs: want.inputs,
            natural_key: want.natural_key,
            outputs: created.outputs,
            on_delete: node.on_delete,
        };
        made.records.insert(want.address, (record, node.depends_on()));
    }
    made
}

/// Deletes what was made, `parallelism` at a time, in the reverse order; returns what was retained.
pub(crate) async fn down(cloud: &MockCloud, mut made: Made, parallelism: usize) -> BTreeSet<Uid> {
    let mut retained = BTreeSet::new();
    let mut running = JoinSet::new();
    let mut started = BTreeSet::new();
    while !made.records.is_empty() {
        let needed: BTreeSet<&Address> = made.records.values().flat_map(|(_, needs)| needs).collect();
        let ready: Vec<Recorded> = made
            .records
            .values()
            .map(|(record, _)| record)
            .filter(|record| !needed.contains(&record.address) && !started.contains(&record.address))
            .take(parallelism - running.len())
            .cloned()
            .collect();
        for record in ready {
            started.insert(record.address.clone());
            let cx = op(&record.placement, made.container_of(&record));
            let cloud = cloud.clone();
            running.spawn(async move {
                let deleted = retried!(cloud.delete(&cx, &record));
                (record, deleted)
            });
        }
        let (record, deleted) = running.join_next().await.expect("something is running").unwrap();
        deleted.unwrap_or_else(|error| panic!("{}: {error:?}", record.address));
        if record.on_delete == OnDelete::Retain {
            retained.insert(record.uid.clone());
        }
        made.records.remove(&record.address);
    }
    retained
}
