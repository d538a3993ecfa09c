//! Applying and destroying where every call succeeds at once: scheduling with a journal in memory, applying with one on
//! disk, destroying.

mod common {
    pub(crate) mod cpu;
    pub(crate) mod planned;
    pub(crate) mod shapes;
    pub(crate) mod world;
}

use std::cell::LazyCell;

use criterion::{BatchSize, BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use skyplat::graph::ObjectGraph;
use skyplat::plan::PlanOptions;
use skyplat::state::{DirectoryStore, MemoryStore};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use common::cpu::CpuTime;
use common::planned::plan;
use common::shapes::{Shape, empty, made};
use common::world::lock_and_apply;

/// Diamonds are about paths, of which a hundred layers have 2^100.
fn sizes(shape: Shape) -> &'static [usize] {
    if shape == Shape::Diamonds { &[200] } else { &[100, 1_000, 10_000, 100_000] }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime of one thread")
}

fn schedule(c: &mut Criterion<CpuTime>) {
    let runtime = runtime();
    let mut group = c.benchmark_group("schedule");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for (shape, size) in Shape::ALL.iter().flat_map(|shape| sizes(*shape).iter().map(|size| (*shape, *size)))
    {
        let input = LazyCell::new(|| {
            let graph = shape.graph(size);
            (plan(&graph, &empty(), &PlanOptions::default()), graph)
        });
        group.bench_function(BenchmarkId::new(shape.name(), size), |b| {
            let (plan, graph) = &*input;
            b.iter(|| runtime.block_on(lock_and_apply(&MemoryStore::new(), empty(), plan, graph)));
        });
    }
    group.finish();
}

fn apply(c: &mut Criterion<CpuTime>) {
    let runtime = runtime();
    let mut group = c.benchmark_group("apply");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    let layered = [100, 1_000, 5_000, 10_000, 100_000].map(|size| (Shape::Layered, size));
    for (shape, size) in layered.into_iter().chain([(Shape::Flat, 5_000), (Shape::Chain, 5_000)]) {
        let input = LazyCell::new(|| {
            let graph = shape.graph(size);
            (plan(&graph, &empty(), &PlanOptions::default()), graph)
        });
        group.bench_function(BenchmarkId::new(shape.name(), size), |b| {
            let (plan, graph) = &*input;
            b.iter_batched_ref(
                || TempDir::new().expect("a directory"),
                |dir| {
                    runtime.block_on(lock_and_apply(&DirectoryStore::new(dir.path()), empty(), plan, graph))
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn destroy(c: &mut Criterion<CpuTime>) {
    let runtime = runtime();
    let mut group = c.benchmark_group("destroy");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    let nothing = ObjectGraph::default();
    for (shape, size) in [(Shape::Layered, 500), (Shape::Chain, 500), (Shape::Layered, 5_000)] {
        let input = LazyCell::new(|| {
            let state = made(&shape.graph(size));
            let options = PlanOptions { destroy: true, ..PlanOptions::default() };
            (plan(&nothing, &state, &options), state)
        });
        group.bench_function(BenchmarkId::new(shape.name(), size), |b| {
            let (plan, state) = &*input;
            b.iter_batched(
                || state.clone(),
                |state| runtime.block_on(lock_and_apply(&MemoryStore::new(), state, plan, &nothing)),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = schedule, apply, destroy
);
criterion_main!(benches);
