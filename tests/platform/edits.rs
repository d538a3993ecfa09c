//! One edit at a time: the smallest plan that can do it, and nothing left to do after it.

use skyplat::plan::{Action, Order, PlanError};
use skyplat::workspace::RunError;

use crate::harness::{
    README, STARTER, Stand, Waits, addresses, assert_changes, changes, edited, readme_with, reversed,
    simulate, without_us_east_1,
};

/// Applies an edit and undoes it: each time exactly these changes, and then nothing.
fn there_and_back(what: &str, from: &str, to: &str, there: &[&str], back: &[&str]) {
    simulate(|| async {
        let stand = Stand::standing(from).await;
        let prepared = stand.up(to).await;
        assert_changes(what, &prepared.plan, there);
        let prepared = stand.up(from).await;
        assert_changes(&format!("{what}, undone"), &prepared.plan, back);
    });
}

/// An edit whose undoing makes what it deletes and deletes what it makes.
fn both_ways(what: &str, from: &str, to: &str, there: &[&str]) {
    let back = reversed(there);
    there_and_back(what, from, to, there, &back.iter().map(String::as_str).collect::<Vec<_>>());
}

const SPOKES: &str = "  # Spoke Regions Configuration\n  sp:spokes:\n";
const TENANT: &str = "- name: team-b-prod\n";

#[test]
fn a_tenant_in_the_hub() {
    both_ways(
        "a tenant in the hub",
        README,
        &edited(README, TENANT, "- name: team-b-prod\n        - name: team-c\n"),
        &[
            "create hub/data-plane/team-c/*",
            "create hub/role/team-c/*",
            "update hub/api-server/{config,kube-credentials}",
        ],
    );
}

#[test]
fn the_first_tenant_of_a_spoke() {
    both_ways(
        "the first tenant of a spoke",
        README,
        &edited(README, "data_planes: []", "data_planes: [{name: team-c}]"),
        &[
            "create eu-west-1/data-plane/team-c/*",
            "create eu-west-1/data-plane/skypilot-system/{namespace,role}",
            "create eu-west-1/role/team-c/*",
            "update hub/api-server/{config,kube-credentials}",
        ],
    );
}

#[test]
fn settings_of_a_tenant() {
    let with = |settings: &str| edited(README, TENANT, &format!("{TENANT}          {settings}\n"));
    let attachment = "hub/role/team-b-prod/role-attachment-";
    for (what, settings, changes) in [
        ("its users", "allowed_users: [bo@example.com]", vec!["update hub/api-server/config".to_owned()]),
        (
            "a role of its own",
            "user_role_arn: arn:aws:iam::123456789012:role/TeamB",
            vec![
                "update hub/data-plane/team-b-prod/sky-user-sa".to_owned(),
                "delete hub/role/team-b-prod/role".to_owned(),
                format!("delete {attachment}{{AmazonEC2ContainerRegistryReadOnly,AmazonS3FullAccess}}"),
            ],
        ),
        (
            "its policies",
            "policies: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess, arn:aws:iam::aws:policy/AmazonS3FullAccess]",
            vec![
                format!("create {attachment}AmazonS3ReadOnlyAccess"),
                format!("delete {attachment}AmazonEC2ContainerRegistryReadOnly"),
            ],
        ),
        (
            "a quota",
            "quota: {requests.cpu: \"64\"}",
            vec!["create hub/data-plane/team-b-prod/quota".to_owned()],
        ),
    ] {
        let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
        both_ways(what, README, &with(settings), &changes);
    }
    both_ways(
        "another quota",
        &with("quota: {requests.cpu: \"64\"}"),
        &with("quota: {requests.cpu: \"32\", pods: \"10\"}"),
        &["update hub/data-plane/team-b-prod/quota"],
    );
}

#[test]
fn settings_of_the_server() {
    let with = |settings: &str| {
        edited(README, "      ingress_host", &format!("      {settings}\n      ingress_host"))
    };
    for (what, settings, changes) in [
        ("the default role", "default_user_role: user", ["update hub/api-server/config"].as_slice()),
        // The name of a user of Cognito never changes; the password stays.
        (
            "the administrator",
            "admin_email: ops@example.com",
            &["replace hub/identity/admin", "update hub/identity/admin-secret"],
        ),
        (
            "machines outside of the clusters",
            "aws_vms: true",
            &["update hub/api-server/{config,role-policy-rights}"],
        ),
        (
            "an overview of GPUs",
            "gpu_overview: true",
            &[
                "update hub/data-plane/{team-a-dev,team-b-prod}/sky-sa-cluster-role",
                "update us-east-1/data-plane/team-a-latency-sensitive/sky-sa-cluster-role",
            ],
        ),
    ] {
        both_ways(what, README, &with(settings), changes);
    }
    both_ways(
        "the certificate",
        README,
        &edited(README, "certificate/uuid", "certificate/other"),
        &["update hub/api-server/release"],
    );
}

#[test]
fn another_host() {
    both_ways(
        "another host",
        README,
        &edited(README, "skypilot.example.com", "sky.example.com"),
        &[
            "replace hub/service-discovery/{zone,association-us-east-1,association-eu-west-1}",
            "update hub/addon/external-dns/{release,role-policy-rights}",
            "update hub/identity/client",
            "replace hub/identity/domain",
            // The default email of the administrator is at the host.
            "replace hub/identity/admin",
            "update hub/identity/admin-secret",
            "update hub/api-server/release",
        ],
    );
}

/// A pool of users has one domain.
#[test]
fn the_old_login_domain_goes_before_the_new_one_comes() {
    simulate(|| async {
        let stand = Stand::standing(README).await;
        let plan = stand.plan(&edited(README, "skypilot.example.com", "sky.example.com")).await.plan;
        let domain = plan.steps.iter().find(|step| step.address.as_str() == "hub/identity/domain").unwrap();
        assert_eq!(domain.order, Some(Order::DeleteFirst));
    });
}

/// What a tenant has is changed before what it had is gone.
#[test]
fn a_role_goes_when_nobody_takes_it_any_more() {
    let own = format!("{TENANT}          user_role_arn: arn:aws:iam::123456789012:role/TeamB\n");
    simulate(|| async {
        let stand = Stand::standing(README).await;
        let plan = stand.plan(&edited(README, TENANT, &own)).await.plan;
        let waits = Waits::new(&plan);
        waits.assert_before("update hub/data-plane/team-b-prod/sky-user-sa", "delete hub/role/team-b-prod/*");
        assert!(addresses(&plan, Action::Drain).is_empty());
    });
}

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

#[test]
fn the_way_to_the_clusters() {
    both_ways(
        "private endpoints",
        README,
        &readme_with("endpoint: private"),
        &["update {hub,us-east-1,eu-west-1}/eks/cluster"],
    );
    both_ways(
        "narrower public endpoints",
        README,
        &readme_with("public_access_cidrs: [203.0.113.0/24]"),
        &["update {hub,us-east-1,eu-west-1}/eks/cluster"],
    );
    both_ways(
        "administrators",
        README,
        &readme_with("cluster_admins: [\"arn:aws:iam::123456789012:role/Admin\"]"),
        &["create {hub,us-east-1,eu-west-1}/eks/access-entry-123456789012-Admin"],
    );
}

#[test]
fn the_topology() {
    both_ways(
        "every pair",
        README,
        &readme_with("topology: full_mesh"),
        &[
            "create peering/eu-west-1--us-east-1/{connection,acceptance,options-us-east-1,options-eu-west-1,route-us-east-1-private,route-eu-west-1-private}",
        ],
    );
}

#[test]
fn a_nat_gateway_in_every_zone() {
    both_ways(
        "a NAT gateway in every zone",
        README,
        &readme_with("nat: per_az"),
        &[
            "create {hub,us-east-1,eu-west-1}/vpc/{public,eip,nat,association-public}-{b,c}",
            "create {hub,us-east-1,eu-west-1}/vpc/route-table-private-{a,b,c}",
            "create {hub,us-east-1,eu-west-1}/vpc/route-private-{a,b,c}-nat",
            "delete {hub,us-east-1,eu-west-1}/vpc/{route-table-private,route-private-nat}",
            "update {hub,us-east-1,eu-west-1}/vpc/{association-private-a,association-private-b,association-private-c,s3-endpoint}",
            "create peering/us-east-1--us-west-2/route-{us-east-1,us-west-2}-private-{a,b,c}",
            "delete peering/us-east-1--us-west-2/route-{us-east-1,us-west-2}-private",
            "create peering/eu-west-1--us-west-2/route-{eu-west-1,us-west-2}-private-{a,b,c}",
            "delete peering/eu-west-1--us-west-2/route-{eu-west-1,us-west-2}-private",
        ],
    );
}

#[test]
fn no_subnet_loses_its_way_out_while_tables_change() {
    simulate(|| async {
        let stand = Stand::standing(README).await;
        let plan = stand.up(&readme_with("nat: per_az")).await.plan;
        let waits = Waits::new(&plan);
        for zone in ["a", "b", "c"] {
            let moves = format!("update hub/vpc/association-private-{zone}");
            waits.assert_before(&format!("create hub/vpc/route-private-{zone}-nat"), &moves);
            waits.assert_before(&moves, "delete hub/vpc/route-private-nat");
        }
    });
}

#[test]
fn a_tag_makes_nothing_anew() {
    both_ways("a tag", README, &readme_with("tags: {team: ml}"), &["update *"]);
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
fn a_hub_without_a_way_in() {
    let router = "    # Tailscale Subnet Router\n    tailscale:\n      oauth_secret_arn: arn:aws:secretsmanager:us-west-2:123...\n";
    both_ways(
        "no way in",
        README,
        &edited(README, router, ""),
        &["delete hub/subnet-router/{namespace,oauth-secret,operator,connector}"],
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

/// A tenant that moves to another region is another tenant there.
#[test]
fn a_tenant_that_moves() {
    let without = edited(README, "        - name: team-b-prod\n", "");
    both_ways(
        "a tenant moves",
        README,
        &edited(&without, "data_planes: []", "data_planes: [{name: team-b-prod}]"),
        &[
            "delete hub/data-plane/team-b-prod/*",
            "delete hub/role/team-b-prod/*",
            "create eu-west-1/data-plane/team-b-prod/*",
            "create eu-west-1/data-plane/skypilot-system/{namespace,role}",
            "create eu-west-1/role/team-b-prod/*",
            "update hub/api-server/{config,kube-credentials}",
        ],
    );
}

#[test]
fn the_order_of_keys_means_nothing() {
    let gpu = "        capacity_type: spot\n        instance_type: [g5.xlarge]\n";
    let turned = edited(README, gpu, "        instance_type: [g5.xlarge]\n        capacity_type: spot\n");
    let host = "      ingress_host: skypilot.example.com\n";
    let certificate = "      ingress_ssl_cert_arn: arn:aws:acm:us-west-2:123456789012:certificate/uuid\n";
    let turned = edited(&turned, &format!("{host}{certificate}"), &format!("{certificate}{host}"));
    simulate(|| async { Stand::standing(README).await.is_settled(&turned).await });
}

#[test]
fn what_is_protected_does_not_go() {
    let protected = readme_with("protect: true");
    simulate(|| async {
        let stand = Stand::standing(README).await;
        let prepared = stand.up(&protected).await;
        assert_changes("protection", &prepared.plan, &[]);
        let without = edited(&protected, "        - name: team-b-prod\n", "");
        for edit in [Some(without.as_str()), None] {
            let refused = stand.try_plan(edit).await;
            assert!(matches!(refused, Err(RunError::Plan(PlanError::Protected { .. }))), "{refused:?}");
        }
        stand.up(README).await;
        stand.down().await;
    });
}

#[test]
fn a_spoke_in() {
    let spoke = "    - region: eu-central-1\n      node_pools:\n        - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}\n      skypilot: {data_planes: [{name: team-d}]}\n\n";
    both_ways(
        "a spoke",
        README,
        &edited(README, SPOKES, &format!("{SPOKES}{spoke}")),
        &[
            "create eu-central-1/*",
            "create peering/eu-central-1--us-west-2/*",
            "create hub/service-discovery/association-eu-central-1",
            "update hub/api-server/{config,kube-credentials,release}",
            "update hub/subnet-router/connector",
        ],
    );
}

#[test]
fn a_spoke_out_leaves_the_hub_first() {
    simulate(|| async {
        let stand = Stand::standing(README).await;
        let plan = stand.plan(&without_us_east_1()).await.plan;
        let waits = Waits::new(&plan);
        for update in ["subnet-router/connector", "api-server/config", "api-server/kube-credentials"] {
            waits.assert_before(&format!("update hub/{update}"), "delete us-east-1/eks/cluster");
        }
        let tenant = "delete us-east-1/data-plane/team-a-latency-sensitive";
        waits.assert_before("update hub/api-server/config", &format!("{tenant}/*"));
        waits.assert_before(&format!("{tenant}/*"), "delete us-east-1/eks/cluster");
        waits.assert_before("delete hub/service-discovery/association-us-east-1", "delete us-east-1/vpc/vpc");
        waits.assert_before("delete peering/us-east-1--us-west-2/*", "delete us-east-1/vpc/vpc");
    });
}

#[test]
fn a_tenant_comes_before_its_workspace_and_goes_after_it() {
    let with = edited(README, TENANT, "- name: team-b-prod\n        - name: team-c\n");
    simulate(|| async {
        let stand = Stand::standing(README).await;
        let plan = stand.up(&with).await.plan;
        let waits = Waits::new(&plan);
        waits.assert_before("create hub/data-plane/team-c/*", "update hub/api-server/config");
        waits.assert_before(
            "create hub/data-plane/team-c/sky-sa-token",
            "update hub/api-server/kube-credentials",
        );
        waits.assert_before("update hub/api-server/kube-credentials", "update hub/api-server/config");

        let plan = stand.plan(README).await.plan;
        let waits = Waits::new(&plan);
        let tenant = "delete hub/data-plane/team-c";
        for update in ["config", "kube-credentials"] {
            waits
                .assert_before(&format!("update hub/api-server/{update}"), &format!("{tenant}/sky-sa-token"));
        }
        waits.assert_before(&format!("{tenant}/sky-sa-token"), &format!("{tenant}/sky-sa"));
        waits.assert_before("update hub/api-server/config", &format!("{tenant}/*"));
        waits.assert_before("drain hub/data-plane/team-c/workloads", &format!("{tenant}/*"));
        waits.assert_before(&format!("{tenant}/sky-sa"), &format!("{tenant}/namespace"));
        waits.assert_before(&format!("{tenant}/sky-sa-role-binding"), &format!("{tenant}/sky-sa-role"));
        waits.assert_before(&format!("{tenant}/sky-user-sa"), "delete hub/role/team-c/role");
    });
}
