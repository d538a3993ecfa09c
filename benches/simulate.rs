//! Simulating: graphs of a few shapes brought up and taken down on the simulated cloud, on virtual time. The README's
//! platform is in the bench `readme`.

#[expect(dead_code, reason = "the other benches use all of it")]
mod common {
    pub(crate) mod cpu;
    pub(crate) mod planned;
    pub(crate) mod shapes;
    pub(crate) mod world;
}

use std::cell::LazyCell;

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use skyplat::executor::Executors;
use skyplat::graph::ObjectGraph;
use skyplat::mock::{MockCloud, MockOptions, simulate};
use skyplat::plan::PlanOptions;
use skyplat::state::MemoryStore;

use common::cpu::CpuTime;
use common::planned::plan;
use common::shapes::{Shape, empty};
use common::world::{apply, lock};

/// Diamonds are about paths, of which a hundred layers have 2^100.
fn sizes(shape: Shape) -> &'static [usize] {
    if shape == Shape::Diamonds { &[200] } else { &[100, 1_000, 10_000] }
}

async fn up_and_down(graph: &ObjectGraph) {
    let executors = Executors::new().with(MockCloud::in_memory(MockOptions::default()));
    let mut session = lock(&MemoryStore::new(), empty()).await;
    for destroy in [false, true] {
        let options = PlanOptions { destroy, ..PlanOptions::default() };
        let plan = plan(graph, session.state(), &options);
        apply(session.as_mut(), &plan, graph, &executors).await;
    }
    assert!(session.state().is_empty());
}

fn simulations(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("simulate");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for (shape, size) in Shape::ALL.iter().flat_map(|shape| sizes(*shape).iter().map(|size| (*shape, *size)))
    {
        let graph = LazyCell::new(|| shape.graph(size));
        group.bench_function(BenchmarkId::new(shape.name(), size), |b| {
            let graph = &*graph;
            b.iter(|| simulate(|| up_and_down(graph)).expect("a thread"));
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = Criterion::default().with_measurement(CpuTime); targets = simulations);
criterion_main!(benches);
