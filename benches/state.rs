//! The state on disk: appending to the journal, reading it back, reading a snapshot.

mod common {
    pub(crate) mod cpu;
    pub(crate) mod shapes;
}

use std::cell::LazyCell;

use criterion::{BatchSize, BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use skyplat::graph::ObjectGraph;
use skyplat::state::{DirectoryStore, Entry, LockOwner, State, StateStore, StoreSession};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use common::cpu::CpuTime;
use common::shapes::{Shape, empty, made, make};

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime of one thread")
}

async fn lock(dir: &TempDir, fresh: State) -> Box<dyn StoreSession> {
    let owner = LockOwner {
        who: "bench".to_owned(),
        process: std::process::id(),
        operation: "bench".to_owned(),
        run_id: "bench".to_owned(),
        since: String::new(),
    };
    DirectoryStore::new(dir.path()).lock(fresh, &owner).await.expect("nobody else has the stack")
}

/// Returns what the engine journals while it makes a graph's objects: two entries for each.
fn journal(graph: &ObjectGraph) -> Vec<Entry> {
    let mut entries = Vec::new();
    make(graph, |made| entries.extend(made));
    entries
}

fn append(c: &mut Criterion<CpuTime>) {
    let runtime = runtime();
    let mut group = c.benchmark_group("append");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for (size, at_once) in [(1_000, 1), (100, 64), (1_000, 64), (10_000, 64), (100_000, 64)] {
        let entries = LazyCell::new(|| journal(&Shape::Layered.graph(size)));
        group.bench_function(BenchmarkId::new(format!("by-{at_once}"), size), |b| {
            let entries = &*entries;
            b.iter_batched_ref(
                || {
                    let dir = TempDir::new().expect("a directory");
                    let session = runtime.block_on(lock(&dir, empty()));
                    (session, dir)
                },
                |(session, _)| {
                    for some in entries.chunks(at_once) {
                        runtime.block_on(session.append(some)).expect("there is room on the disk");
                    }
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn load(c: &mut Criterion<CpuTime>) {
    let runtime = runtime();
    let mut group = c.benchmark_group("load");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for (shape, size) in Shape::ALL.iter().flat_map(|shape| [1_000, 10_000].map(|size| (*shape, size))) {
        for name in ["journal", "snapshot"] {
            let dir = LazyCell::new(|| {
                let dir = TempDir::new().expect("a directory");
                let graph = shape.graph(size);
                runtime.block_on(async {
                    if name == "journal" {
                        let mut session = lock(&dir, empty()).await;
                        session.append(&journal(&graph)).await.expect("there is room on the disk");
                    } else {
                        // A new stack begins with a snapshot.
                        drop(lock(&dir, made(&graph)).await);
                    }
                });
                dir
            });
            group.bench_function(BenchmarkId::new(format!("{name}/{}", shape.name()), size), |b| {
                let store = DirectoryStore::new(dir.path());
                b.iter(|| runtime.block_on(store.load("dev")).expect("the files are whole"));
            });
        }
    }
    group.finish();
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = append, load
);
criterion_main!(benches);
