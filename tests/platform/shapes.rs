//! Platforms of every shape come up, are settled, and go down to nothing.

use crate::harness::{README, STARTER, Stand, edited, readme_with, simulate};

const MULTI_REGION: &str = "\
regions: [us-west-2, us-east-1, eu-west-1]
node_pools:
  - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}
  - {name: gpu, capacity_type: spot, instance_family: [g5], vcpu_limit: 32}
";

const HUB_ONLY: &str = "\
hub:
  region: eu-central-1
  skypilot:
    ingress_host: sky.acme.io
    ingress_ssl_cert_arn: arn:aws:acm:eu-central-1:123456789012:certificate/0f1e
";

const WIDE: &str = "\
hub:
  region: us-west-2
  nat: per_az
  node_pools:
    - {name: system, capacity_type: on-demand, instance_type: [m7i.large, m7i.xlarge]}
    - {name: arm, capacity_type: on-demand, instance_family: [m7g], architecture: arm64, vcpu_limit: 64, memory_limit: 256Gi}
    - {name: gpu, capacity_type: spot, instance_family: [g5, g6], ebs_size: 500Gi, taints: [{key: team, value: ml}]}
    - {name: batch, capacity_type: spot, instance_category: [c, m], taints: [{key: batch, effect: NoExecute}], labels: {kind: batch}}
  skypilot:
    ingress_host: sky.acme.io
    ingress_ssl_cert_arn: arn:aws:acm:us-west-2:123456789012:certificate/0f1e
    default_user_role: user
    admin_email: ops@acme.io
    aws_vms: true
    gpu_overview: true
    data_planes:
      - {name: team-a, allowed_users: [ann@acme.io], policies: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess], quota: {requests.cpu: \"64\"}}
      - {name: team-b, user_role_arn: \"arn:aws:iam::123456789012:role/TeamB\"}
  tailscale:
    oauth_secret_arn: arn:aws:secretsmanager:us-west-2:123456789012:secret:ts-1
spokes:
  - region: us-east-1
    node_pools:
      - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}
    skypilot: {data_planes: [{name: team-a}]}
  - region: eu-west-1
    endpoint: private
    node_pools:
      - {name: gpu, capacity_type: spot, instance_type: [g5.2xlarge]}
  - region: ap-northeast-1
    availability_zones: 2
    skypilot: {data_planes: [{name: team-c}, {name: team-d}]}
public_access_cidrs: [203.0.113.0/24]
cluster_admins: [\"arn:aws:iam::123456789012:role/Admin\"]
topology: full_mesh
tags: {team: ml}
iam: {path: /skyplat/}
";

fn comes_up_and_goes(text: &str) {
    simulate(|| async {
        let stand = Stand::standing(text).await;
        stand.down().await;
        // What was retained is in nobody's way.
        if text == STARTER {
            stand.up(text).await;
        }
    });
}

#[test]
fn the_platform_of_the_readme() {
    comes_up_and_goes(README);
}

#[test]
fn one_region_alone_and_again_after_its_destroy() {
    comes_up_and_goes(STARTER);
}

#[test]
fn equal_regions() {
    comes_up_and_goes(MULTI_REGION);
}

#[test]
fn a_hub_alone() {
    comes_up_and_goes(HUB_ONLY);
}

#[test]
fn a_hub_and_three_spokes_with_everything_there_is() {
    comes_up_and_goes(WIDE);
}

#[test]
fn only_the_addons_that_the_server_stands_on() {
    comes_up_and_goes(&readme_with(
        "addons: {efs_csi: false, external_dns: false, metrics_server: false, fluent_bit: false, nvidia_device_plugin: false}",
    ));
}

#[test]
fn clusters_without_public_endpoints_and_without_a_way_in() {
    let text = readme_with("endpoint: private\n  sp:nat: per_az");
    let router = "    # Tailscale Subnet Router\n    tailscale:\n      oauth_secret_arn: arn:aws:secretsmanager:us-west-2:123...\n";
    comes_up_and_goes(&edited(&text, router, ""));
}

#[test]
fn parallelism_decides_nothing_but_the_time() {
    simulate(|| async {
        let mut worlds = Vec::new();
        for parallelism in [64, 4, 1] {
            let stand = Stand::new().await.parallelism(parallelism);
            stand.up(README).await;
            worlds.push(stand.cloud.world());
        }
        for other in &worlds[1..] {
            assert_eq!(skyplat::mock::inspect::diff(&worlds[0], other), []);
        }
    });
}
