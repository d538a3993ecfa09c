//! Lowering platforms that grow: by spokes, and by tenants of the hub. The README's platform is in the bench `readme`.

mod common {
    pub(crate) mod cpu;
}

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use skyplat::mock::{MockCloud, MockOptions, simulate};
use skyplat::prelude::*;

use common::cpu::CpuTime;

/// Regions of the spokes, in the order in which they join.
const REGIONS: [&str; 12] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "ca-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-central-1",
    "eu-north-1",
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "sa-east-1",
];

/// Describes a hub with so many tenants, and so many spokes of one tenant each.
fn yaml(spokes: usize, tenants: usize) -> String {
    let pools = "node_pools: [{name: system, capacity_type: on-demand, instance_type: [m7i.large]}]";
    let mut yaml = format!(
        "hub:\n  region: us-west-2\n  {pools}\n  skypilot:\n    ingress_host: sky.example.com\n    \
         ingress_ssl_cert_arn: arn:aws:acm:us-west-2:123456789012:certificate/uuid\n    data_planes:\n"
    );
    let written = (0..tenants).try_for_each(|tenant| writeln!(yaml, "      - name: team-{tenant}"));
    let written = written.and_then(|()| yaml.write_str("spokes:\n"));
    let written = written.and_then(|()| {
        REGIONS[..spokes].iter().try_for_each(|region| {
            writeln!(
                yaml,
                "  - region: {region}\n    {pools}\n    skypilot: {{data_planes: [{{name: in-{region}}}]}}"
            )
        })
    });
    written.expect("writing to a String cannot fail");
    yaml
}

fn lowering(c: &mut Criterion<CpuTime>) {
    let cloud = MockCloud::in_memory(MockOptions::default());
    let mut group = c.benchmark_group("lower");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    let by_spokes = [0, 1, 4, 12].map(|spokes| (spokes, 1));
    let by_tenants = [10, 100, 1_000].map(|tenants| (0, tenants));
    for (spokes, tenants) in by_spokes.into_iter().chain(by_tenants) {
        let parsed = parse_config("bench.yaml", yaml(spokes, tenants).as_bytes(), Target::Simulated);
        let resources = build_platform(&parsed.expect("it is right").config, "dev").expect("it is right");
        let questions = resources.questions();
        let facts = simulate(|| cloud.answer(&questions)).expect("a thread").expect("the cloud knows all");
        let objects = lower(&resources, &facts).expect("it is right").nodes().len();
        let name = format!("{spokes}-spokes-{tenants}-tenants");
        group.bench_function(BenchmarkId::new(name, objects), |b| {
            b.iter(|| lower(&resources, black_box(&facts)));
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = Criterion::default().with_measurement(CpuTime); targets = lowering);
criterion_main!(benches);
