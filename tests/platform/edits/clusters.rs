//! Edits of clusters: versions, pools, addons, names.

use super::*;

#[test]
fn versions_of_charts() {
    for (version, changes) in [
        ("karpenter: 1.14.0", "update {hub,us-east-1,eu-west-1}/karpenter/{crds,controller}"),
        ("skypilot: 0.14.0", "update hub/api-server/release"),
        (
            "aws_load_balancer_controller: 3.4.0",
            "update {hub,us-east-1,eu-west-1}/addon/aws-load-balancer-controller/{crds,release}",
        ),
        ("external_dns: 1.21.0", "update hub/addon/external-dns/release"),
        ("ebs_csi: 2.63.0", "update {hub,us-east-1,eu-west-1}/addon/ebs-csi/release"),
        ("efs_csi: 4.4.0", "update {hub,us-east-1,eu-west-1}/addon/efs-csi/release"),
        ("metrics_server: 3.12.0", "update {hub,us-east-1,eu-west-1}/addon/metrics-server/release"),
        ("fluent_bit: 0.1.35", "update {hub,us-east-1,eu-west-1}/addon/fluent-bit/release"),
        ("nvidia_device_plugin: 0.19.0", "update {hub,eu-west-1}/addon/nvidia-device-plugin/release"),
        ("tailscale_operator: 1.100.0", "update hub/subnet-router/operator"),
    ] {
        let to = readme_with(&format!("component_versions: {{{version}}}"));
        simulate(|| async {
            let prepared = Stand::standing(README).await.up(&to).await;
            assert_changes(version, &prepared.plan, &[changes]);
        });
    }
}

#[test]
fn the_next_kubernetes_and_never_back() {
    let (old, new) =
        ("component_versions: {kubernetes: \"1.34\"}", "component_versions: {kubernetes: \"1.35\"}");
    simulate(|| async {
        let stand = Stand::standing(&readme_with(old)).await;
        let plan = stand.up(&readme_with(new)).await.plan;
        assert_changes(
            "the next Kubernetes",
            &plan,
            &["update {hub,us-east-1,eu-west-1}/eks/{cluster,addon-coredns,addon-kube-proxy,addon-vpc-cni}"],
        );
        let waits = Waits::new(&plan);
        for addon in ["kube-proxy", "coredns", "vpc-cni"] {
            waits.assert_before("update hub/eks/cluster", &format!("update hub/eks/addon-{addon}"));
        }
        waits.assert_free("update hub/eks/cluster", "update us-east-1/eks/cluster");
        let back = stand.try_plan(Some(&readme_with(old))).await;
        assert!(matches!(back, Err(RunError::Plan(PlanError::Version { .. }))), "{back:?}");
    });
}

#[test]
fn settings_of_a_pool() {
    let system = "        instance_type: [t3.medium]\n        ebs_size: \"50Gi\"\n";
    let gpu = "        instance_type: [g5.xlarge]\n";
    for (what, from, to, changes) in [
        (
            "a limit",
            system,
            format!("{system}        vcpu_limit: 64\n"),
            ["update hub/karpenter/node-pool-system"].as_slice(),
        ),
        (
            "the size of volumes",
            system,
            system.replace("50Gi", "80Gi"),
            &["update hub/karpenter/node-class-system"],
        ),
        (
            "other types",
            system,
            system.replace("t3.medium", "m7i.large"),
            &["update hub/karpenter/node-pool-system"],
        ),
        // What runs on every node of a kind must tolerate its taint.
        (
            "a taint",
            gpu,
            format!("{gpu}        taints: [{{key: team, value: ml}}]\n"),
            &["update hub/karpenter/node-pool-gpu-workers", "update hub/addon/nvidia-device-plugin/release"],
        ),
        (
            "another pool",
            gpu,
            format!("{gpu}      - {{name: batch, capacity_type: spot, instance_category: [c]}}\n"),
            &["create hub/karpenter/{node-class,node-pool}-batch"],
        ),
    ] {
        both_ways(what, README, &edited(README, from, &to), changes);
    }
    let spoke = "        instance_type: [g5.2xlarge]\n";
    let spoke = if README.contains(spoke) { spoke } else { "          instance_type: [g5.2xlarge]\n" };
    both_ways(
        "a pool that takes any pod makes ours superfluous",
        README,
        &edited(
            README,
            spoke,
            &format!(
                "{spoke}        - {{name: any, capacity_type: on-demand, instance_type: [m7i.large]}}\n"
            ),
        ),
        &[
            "create eu-west-1/karpenter/{node-class,node-pool}-any",
            "delete eu-west-1/karpenter/{node-class,node-pool}-skyplat-system",
        ],
    );
}

#[test]
fn addons_off_and_on() {
    for (addon, changes) in [
        (
            "fluent_bit",
            "delete {hub,us-east-1,eu-west-1}/addon/fluent-bit/{release,role,log-group,role-attachment-rights,role-policy-rights}",
        ),
        ("metrics_server", "delete {hub,us-east-1,eu-west-1}/addon/metrics-server/release"),
        (
            "external_dns",
            "delete hub/addon/external-dns/{release,role,role-attachment-rights,role-policy-rights}",
        ),
        ("nvidia_device_plugin", "delete {hub,eu-west-1}/addon/nvidia-device-plugin/release"),
        (
            "efs_csi",
            "delete {hub,us-east-1,eu-west-1}/addon/efs-csi/{file-system,mount-target-a,mount-target-b,mount-target-c,release,role,role-attachment-AmazonEFSCSIDriverPolicy,security-group,security-group-nfs,storage-class}",
        ),
    ] {
        both_ways(addon, README, &readme_with(&format!("addons: {{{addon}: false}}")), &[changes]);
    }
}

/// Names are for good. What is made anew comes with all that lives in it, and the old is gone after it.
#[test]
fn another_name_makes_the_cluster_anew_and_leaves_the_network() {
    let other = format!("name: other\n{STARTER}");
    simulate(|| async {
        let stand = Stand::standing(STARTER).await;
        let plan = stand.up(&other).await.plan;
        assert!(changes(&plan).contains("replace main/eks/cluster"));
        let network: Vec<_> = changes(&plan).into_iter().filter(|line| line.contains("main/vpc/")).collect();
        assert!(network.iter().all(|line| line.starts_with("update ")), "{network:#?}");
        let anew = Stand::standing(&other).await;
        assert_eq!(stand.cloud.world().len(), anew.cloud.world().len());
        stand.up(STARTER).await;
        stand.down().await;
    });
}

/// A cluster stays in the zones that it was made in, so another zone takes it along; the network only grows.
#[test]
fn another_zone_makes_the_cluster_anew() {
    let zones = |count: u32| format!("availability_zones: {count}\n{STARTER}");
    both_ways(
        "another zone",
        &zones(2),
        &zones(3),
        &[
            "create main/vpc/{private,association-private}-c",
            "create main/addon/efs-csi/mount-target-c",
            "replace main/eks/*",
            "replace main/karpenter/*",
            "replace main/addon/*",
            "update main/*",
        ],
    );
}

#[test]
fn the_last_pool_with_gpus() {
    let pool = "      - name: gpu-workers\n        capacity_type: spot\n        instance_type: [g5.xlarge]\n";
    both_ways(
        "no GPUs",
        README,
        &edited(README, pool, ""),
        &[
            "delete hub/karpenter/{node-class,node-pool}-gpu-workers",
            "delete hub/addon/nvidia-device-plugin/release",
        ],
    );
}

/// A role has its path for good, and a cluster its role: so another path takes clusters and all that is in them along.
#[test]
fn another_path_makes_roles_anew_and_what_cannot_live_without_them() {
    let moved = format!("iam: {{path: /ml/}}\n{STARTER}");
    simulate(|| async {
        let stand = Stand::standing(STARTER).await;
        let plan = stand.up(&moved).await.plan;
        assert!(changes(&plan).contains("replace main/eks/service-role"));
        assert!(changes(&plan).contains("replace main/eks/cluster"));
        let untouched = |line: &String| {
            [
                "main/vpc/",
                "main/eks/node-security-group",
                "main/eks/log-group",
                "main/addon/efs-csi/file-system",
            ]
            .iter()
            .any(|part| line.contains(part))
        };
        let touched: Vec<String> = changes(&plan).into_iter().filter(untouched).collect();
        assert!(touched.is_empty(), "{touched:#?}");
        stand.down().await;

        let stand = Stand::standing(&format!("protect: true\n{STARTER}")).await;
        let refused = stand.try_plan(Some(&format!("protect: true\n{moved}"))).await;
        assert!(matches!(refused, Err(RunError::Plan(PlanError::Protected { .. }))), "{refused:?}");
    });
}
