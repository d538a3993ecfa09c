//! Planning, by shape and size: from nothing, without a change, with one change, and for a destroy.
//!
//! `cargo bench --bench plan -- --quick`, or `-- 'unchanged/layered/1000$'` for one of them.

mod common {
    pub(crate) mod cpu;
    pub(crate) mod planned;
    pub(crate) mod shapes;
}

use std::cell::LazyCell;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use skyplat::graph::ObjectGraph;
use skyplat::plan::PlanOptions;

use common::cpu::CpuTime;
use common::planned::plan;
use common::shapes::{Shape, empty, made};

/// Diamonds are about paths, of which a hundred layers have 2^100.
fn sizes(shape: Shape) -> &'static [usize] {
    if shape == Shape::Diamonds { &[200] } else { &[100, 1_000, 10_000, 100_000] }
}

fn plans(c: &mut Criterion<CpuTime>) {
    let keep = PlanOptions::default();
    let destroy = PlanOptions { destroy: true, ..PlanOptions::default() };
    for scenario in ["create", "unchanged", "one-change", "destroy"] {
        let mut group = c.benchmark_group(scenario);
        group.sampling_mode(SamplingMode::Flat);
        for (shape, size) in
            Shape::ALL.iter().flat_map(|shape| sizes(*shape).iter().map(|size| (*shape, *size)))
        {
            group.sample_size(if size < 10_000 { 50 } else { 10 });
            let input = LazyCell::new(|| {
                let graph = shape.graph(size);
                let state = if scenario == "create" { empty() } else { made(&graph) };
                match scenario {
                    "create" | "unchanged" => (graph, state),
                    "one-change" => (shape.graph_with(size, 1), state),
                    _ => (ObjectGraph::default(), state),
                }
            });
            let options = if scenario == "destroy" { &destroy } else { &keep };
            group.bench_function(BenchmarkId::new(shape.name(), size), |b| {
                let (graph, state) = &*input;
                b.iter(|| plan(black_box(graph), black_box(state), options));
            });
        }
        group.finish();
    }
}

criterion_group!(name = benches; config = Criterion::default().with_measurement(CpuTime); targets = plans);
criterion_main!(benches);
