//! Applying and destroying where every call succeeds at once: the engine, the journal and nothing else.

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

const SIZES: [usize; 2] = [500, 5_000];

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime of one thread")
}

fn in_memory(c: &mut Criterion<CpuTime>) {
    let runtime = runtime();
    let mut group = c.benchmark_group("memory");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for (shape, size) in Shape::ALL.iter().flat_map(|shape| SIZES.map(|size| (*shape, size))) {
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

fn in_a_directory(c: &mut Criterion<CpuTime>) {
    let runtime = runtime();
    let mut group = c.benchmark_group("directory");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for (shape, size) in [(Shape::Layered, 500), (Shape::Layered, 5_000), (Shape::Flat, 5_000)] {
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
    targets = in_memory, in_a_directory, destroy
);
criterion_main!(benches);
