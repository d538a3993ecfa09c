//! Both YAML shapes, all three platform shapes, and the plain serde reader.

use super::{QUIET, SEED, Severity, Target, edited, parse, report};
use crate::config::{
    Architecture, CapacityType, ClusterConfig, ClusterRole, Endpoint, Nat, PlatformConfig, Shape,
    TaintEffect, Topology, Zones,
};
use crate::ids::{Cidr, ZoneName};

/// The seed's example in the plain shape: `config:` and prefixes gone, two columns to the left.
pub(super) fn plain_seed() -> String {
    SEED.lines()
        .filter(|line| !line.starts_with("config:"))
        .map(|line| line.strip_prefix("  ").unwrap_or(line).replace("sp:", ""))
        .collect::<Vec<_>>()
        .join("\n")
}

fn config(text: &str) -> PlatformConfig {
    parse(text).unwrap_or_else(|report| panic!("{report}")).config
}

#[test]
fn the_readmes_example_is_read_as_it_stands() {
    let config = config(SEED);
    assert_eq!(config.project, "sp");
    let clusters = config.clusters();
    let addresses: Vec<&str> = clusters.iter().map(ClusterConfig::address).collect();
    assert_eq!(addresses, ["hub", "us-east-1", "eu-west-1"]);
    assert_eq!(clusters[0].role, ClusterRole::Hub);
    assert_eq!(clusters[0].cidr, "10.11.0.0/16".parse().unwrap());
    assert_eq!(clusters[0].node_pools[0].ebs_size, "50Gi");
    assert_eq!(clusters[0].node_pools[1].ebs_size, "128Gi");
    assert_eq!(clusters[0].node_pools[1].capacity_type, CapacityType::Spot);
    assert!(clusters[0].node_pools[1].is_gpu() && !clusters[0].node_pools[0].is_gpu());
    assert_eq!(clusters[0].data_planes.len(), 2);
    assert!(clusters[2].data_planes.is_empty());
    assert_eq!(config.topology(), Topology::HubAndSpoke);
}

#[test]
fn both_yaml_shapes_and_any_prefix_give_the_same_platform() {
    let stack = config(SEED);
    assert_eq!(config(&plain_seed()), stack);
    let renamed = config(&SEED.replace("sp:", "my-platform:"));
    assert_eq!(renamed.project, "my-platform");
    assert_eq!(PlatformConfig { project: "sp".into(), ..renamed }, stack);
    assert_eq!(config(&SEED.replace("sp:", "")), stack);
    assert_eq!(
        config(&SEED.replace("sp:", "Odd_Name:").replace("config:\n", "config:\n  Odd_Name:name: sp\n")),
        stack
    );
}

#[test]
fn plain_serde_reads_the_plain_shape_alike() {
    for text in [plain_seed().as_str(), QUIET, MESH, STARTER, FULL] {
        let plain: PlatformConfig = serde_yaml::from_str(text).unwrap();
        assert_eq!(plain, config(text));
        let json = serde_json::to_string(&plain).unwrap();
        assert_eq!(serde_json::from_str::<PlatformConfig>(&json).unwrap(), plain, "{json}");
    }
}

#[test]
fn the_order_of_keys_means_nothing() {
    fn reversed(value: serde_yaml::Value) -> serde_yaml::Value {
        match value {
            serde_yaml::Value::Mapping(map) => {
                let mut entries: Vec<_> =
                    map.into_iter().map(|(key, value)| (key, reversed(value))).collect();
                entries.reverse();
                serde_yaml::Value::Mapping(entries.into_iter().collect())
            }
            serde_yaml::Value::Sequence(items) => items.into_iter().map(reversed).collect(),
            other => other,
        }
    }
    for text in [SEED, FULL] {
        let turned = serde_yaml::to_string(&reversed(serde_yaml::from_str(text).unwrap())).unwrap();
        assert_ne!(turned, text);
        assert_eq!(config(&turned), config(text), "{turned}");
    }
}

pub(super) const MESH: &str = "\
regions:
  - us-east-1
  - region: ap-northeast-3
    cidr: 10.200.0.0/16
    endpoint: private
node_pools:
  - name: system
    capacity_type: on-demand
    instance_category: [m]
nat: per_az
";

#[test]
fn a_list_of_regions_is_a_full_mesh() {
    let mesh = config(MESH);
    assert_eq!(mesh.topology(), Topology::FullMesh);
    let clusters = mesh.clusters();
    assert_eq!(clusters[1].cidr, "10.200.0.0/16".parse().unwrap());
    assert_eq!((clusters[0].endpoint, clusters[1].endpoint), (Endpoint::Public, Endpoint::Private));
    assert!(
        clusters.iter().all(|c| c.nat == Nat::PerAz && c.node_pools.len() == 1 && c.data_planes.is_empty())
    );
    let stack = "config:\n  ml:regions: [us-east-1, {region: ap-northeast-3, cidr: 10.200.0.0/16, endpoint: private}]\n  \
                 ml:node_pools: [{name: system, capacity_type: on-demand, instance_category: [m]}]\n  ml:nat: per_az\n";
    assert_eq!(PlatformConfig { project: "sp".into(), ..config(stack) }, mesh);
}

pub(super) const STARTER: &str = "\
region: eu-north-1
node_pools:
  - name: system
    capacity_type: on-demand
    instance_type: [t3.medium]
";

#[test]
fn a_single_region_is_a_starter() {
    let starter = config(STARTER);
    let clusters = starter.clusters();
    assert_eq!((clusters[0].address(), clusters[0].role), ("main", ClusterRole::Starter));
    assert_eq!(clusters[0].cidr, "10.0.0.0/16".parse().unwrap());
    let stack = "config:\n  sp:region: eu-north-1\n  sp:node_pools: [{name: system, capacity_type: on-demand, instance_type: [t3.medium]}]\n";
    assert_eq!(config(stack), starter);
}

#[test]
fn a_starter_of_a_stack_file_may_take_its_region_from_the_provider() {
    let text = "config:\n  aws:region: eu-north-1\n  sp:node_pools: [{name: system, capacity_type: on-demand, instance_type: [t3.medium]}]\nencryptionsalt: v1:x\n";
    let parsed = parse(text).unwrap();
    assert_eq!(parsed.config, config(STARTER));
    let notes: Vec<&str> = parsed
        .report
        .diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Note)
        .map(|d| d.message.as_str())
        .collect();
    assert_eq!(notes, ["`encryptionsalt` belongs to another program and is not read"]);
}

/// Every key there is.
pub(super) const FULL: &str = "\
name: acme
topology: full_mesh
availability_zones: 2
nat: per_az
endpoint: public
public_access_cidrs: [203.0.113.0/24]
cluster_admins: ['arn:aws:iam::123456789012:role/Admin']
component_versions: {kubernetes: '1.36', karpenter: '1.14.2', efs_csi: '4.4.0'}
addons: {fluent_bit: false}
tags: {cost-center: ml}
iam:
  path: /platform/
  permissions_boundary_arn: arn:aws:iam::123456789012:policy/Boundary
account_id: '012345678901'
protect: true
hub:
  region: us-west-2
  cidr: 10.100.0.0/16
  availability_zones: [us-west-2a, us-west-2c]
  nat: one
  endpoint: private
  cluster_admins: []
  node_pools:
    - name: arm
      capacity_type: on-demand
      instance_family: [m7g, c7g]
      ebs_size: 1Ti
      vcpu_limit: 64
      memory_limit: 256Gi
      architecture: arm64
      taints:
        - {key: team, value: a, effect: NoExecute}
        - {key: example.com/slow}
      labels: {team: a}
  skypilot:
    ingress_host: sky.acme.io
    ingress_ssl_cert_arn: arn:aws:acm:us-west-2:012345678901:certificate/0f1e
    default_user_role: viewer
    admin_email: ops@acme.io
    aws_vms: true
    gpu_overview: true
    data_planes:
      - name: team-a
        user_role_arn: arn:aws:iam::012345678901:role/TeamA
        allowed_users: [ann@acme.io]
        quota: {requests.cpu: '64', requests.nvidia.com/gpu: '8'}
  tailscale:
    oauth_secret_arn: arn:aws:secretsmanager:us-west-2:012345678901:secret:ts
spokes:
  - region: us-east-1
    public_access_cidrs: [198.51.100.0/24]
    skypilot: {data_planes: [{name: team-a, policies: []}]}
";

#[test]
fn every_key_arrives() {
    let full = config(FULL);
    assert_eq!((full.project.as_str(), full.protect, full.addons.fluent_bit), ("acme", true, false));
    assert_eq!(full.account_id.as_ref().unwrap().as_str(), "012345678901");
    assert_eq!(
        (full.component_versions.kubernetes.as_str(), full.component_versions.karpenter.as_str()),
        ("1.36", "1.14.2")
    );
    assert_eq!(full.iam.path, "/platform/");
    assert_eq!(full.topology(), Topology::FullMesh);
    let clusters = full.clusters();
    let zones = ["us-west-2a", "us-west-2c"].map(ZoneName::new).to_vec();
    assert_eq!(
        (clusters[0].zones.clone(), clusters[1].zones.clone()),
        (Zones::Names(zones), Zones::Count(2))
    );
    assert_eq!((clusters[0].nat, clusters[1].nat), (Nat::One, Nat::PerAz));
    assert_eq!((clusters[0].endpoint, clusters[1].endpoint), (Endpoint::Private, Endpoint::Public));
    assert!(clusters[0].cluster_admins.is_empty() && clusters[1].cluster_admins.len() == 1);
    assert_eq!(clusters[1].public_access_cidrs, ["198.51.100.0/24".parse::<Cidr>().unwrap()]);
    let pool = &clusters[0].node_pools[0];
    assert_eq!((pool.architecture, pool.vcpu_limit), (Architecture::Arm64, Some(64)));
    assert_eq!(
        (pool.taints[0].effect, pool.taints[1].effect),
        (TaintEffect::NoExecute, TaintEffect::NoSchedule)
    );
    let tenant = &clusters[0].data_planes[0];
    assert_eq!(tenant.quota.as_ref().unwrap()["requests.nvidia.com/gpu"], "8");
    let Shape::HubAndSpoke { hub, .. } = &full.shape else { panic!("a hub") };
    assert!(hub.skypilot.aws_vms && hub.skypilot.gpu_overview);
    assert_eq!(hub.skypilot.admin_email(), "ops@acme.io");
}

#[test]
fn what_looks_like_a_number_stays_the_text_it_was() {
    let full = config(
        &FULL.replace("'1.36'", "1.36").replace("'012345678901'", "012345678901").replace("'64'", "64"),
    );
    assert_eq!(full, config(FULL));
    let loose = config(&edited("", "component_versions: {kubernetes: 1.34, karpenter: 1.10.0}\n"));
    assert_eq!(loose.component_versions.karpenter, "1.10.0");
}

#[test]
fn a_key_without_a_value_counts_as_absent() {
    let text =
        edited("[m7i.large]", "[m7i.large]\n      taints:\n      labels: ~\n") + "tags:\naddons: null\n";
    assert_eq!(config(&text), config(QUIET));
}

#[test]
fn anchors_and_merge_keys_work() {
    let text = "regions: [us-east-1]\nnode_pools:\n  - &base {name: a, capacity_type: spot, instance_category: [m]}\n  - {<<: *base, name: b}\n";
    let Shape::MultiRegion { node_pools, .. } = config(text).shape else { panic!("regions") };
    assert_eq!(node_pools[1].capacity_type, CapacityType::Spot);
    assert_eq!((node_pools[0].name.as_str(), node_pools[1].name.as_str()), ("a", "b"));
}

#[test]
fn a_key_whose_prefix_is_nearly_the_platforms_is_refused_and_another_programs_is_not() {
    let with = |key: &str| {
        format!(
            "config:\n  plat:region: us-west-2\n  plat:node_pools: [{{name: a, capacity_type: spot, instance_category: [m]}}]\n  {key}: {{team: ml}}\n"
        )
    };
    for key in ["Plat:tags", "plate:tags", "tags"] {
        let report = report(&with(key), Target::Simulated);
        let named = report.diagnostics.iter().find(|found| found.message.contains(&format!("`{key}`")));
        assert_eq!(named.unwrap().hint.as_deref(), Some("one file holds one platform: write `plat:tags`"));
    }
    for key in ["aws:tags", "web:tags", "kubernetes:tags"] {
        assert!(config(&with(key)).tags.is_empty(), "{key}");
    }
}
