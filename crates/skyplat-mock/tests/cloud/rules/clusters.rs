//! EKS: clusters, Fargate profiles, addons and access entries.

use std::time::Duration;

use skyplat_core::executor::{ErrorKind, Executor};
use skyplat_core::tree;
use skyplat_core::value::Tree;
use skyplat_mock::world::Phase;
use tokio::time::Instant;

use super::{Case, case, hold};
use crate::support::lab::{EAST, Lab, WEST, ask, cluster, release, small_world};
use crate::support::op;

/// Returns the inputs of a cluster with one of them changed; the path has at most two parts.
fn changed(inputs: &Tree, path: &str, value: Tree) -> Tree {
    let mut inputs = inputs.clone();
    match path.split_once('.') {
        None => inputs.set(path, value),
        Some((outer, inner)) => {
            let mut below = inputs.get(outer).cloned().unwrap_or_else(|| tree!({}));
            below.set(inner, value);
            inputs.set(outer, below);
        }
    }
    inputs
}

#[tokio::test(start_paused = true)]
async fn control_planes() {
    let mut lab = small_world().await;
    // In us-east-1, e is use1-az3.
    for (name, vpc, cidr, zone) in [
        ("east-a", "far", "10.2.0.0/24", "us-east-1a"),
        ("east-b", "far", "10.2.1.0/24", "us-east-1b"),
        ("east-e", "far", "10.2.2.0/24", "us-east-1e"),
        ("twin-b", "twin", "10.1.0.0/24", "us-west-2b"),
    ] {
        let region = if vpc == "far" { EAST } else { WEST };
        let inputs = tree!({ "vpc_id": (lab.id(vpc)), "cidr_block": cidr, "availability_zone": zone });
        lab.make(name, ask("ec2.subnet", region, inputs)).await;
    }
    let good = cluster(&lab, "d", "1.35", ["private-a", "private-b"]);
    let about = |rule, path: &str, value: Tree| {
        case(
            rule,
            "InvalidParameterException",
            "eks.cluster",
            WEST,
            changed(&good, path, value),
            good.clone(),
        )
    };
    let vpc = |field: &str| format!("resources_vpc_config.{field}");
    let mut hidden = changed(&good, &vpc("endpoint_public_access"), tree!(false));
    hidden = changed(&hidden, &vpc("endpoint_private_access"), tree!(false));
    let groups: Vec<String> = (0..5).map(|_| lab.id("group")).collect();
    let ranges: Vec<String> = (0..41).map(|at| format!("203.0.{at}.0/24")).collect();
    hold(
        &lab,
        vec![
            about(
                "a cluster is in two zones",
                &vpc("subnet_ids"),
                tree!([(lab.id("private-a")), (lab.id("public-a"))]),
            ),
            about(
                "a cluster is in one VPC",
                &vpc("subnet_ids"),
                tree!([(lab.id("private-a")), (lab.id("twin-b"))]),
            ),
            case(
                "EKS refuses some zones",
                "UnsupportedAvailabilityZone",
                "eks.cluster",
                EAST,
                cluster(&lab, "d", "1.35", ["east-a", "east-e"]),
                cluster(&lab, "d", "1.35", ["east-a", "east-b"]),
            ),
            about("EKS runs some versions", "version", tree!("1.99")),
            about("a cluster has a name", "name", tree!("-d")),
            about("a cluster's role exists", "role_arn", tree!("arn:aws:iam::123456789012:role/nobody")),
            about("a cluster's role trusts EKS", "role_arn", tree!((lab.output("pod-role", "arn")))),
            about("groups are of the VPC", &vpc("security_group_ids"), tree!([(lab.id("twin-group"))])),
            about("a control plane has four groups", &vpc("security_group_ids"), tree!(groups)),
            about("a public range is a range", &vpc("public_access_cidrs"), tree!(["anywhere"])),
            about("a public range is public", &vpc("public_access_cidrs"), tree!(["10.0.0.0/8"])),
            about("there are forty public ranges", &vpc("public_access_cidrs"), tree!(ranges)),
            case(
                "a cluster can be reached",
                "InvalidParameterException",
                "eks.cluster",
                WEST,
                hidden,
                good.clone(),
            ),
            about(
                "services have a private range",
                "kubernetes_network_config.service_ipv4_cidr",
                tree!("203.0.113.0/24"),
            ),
            about(
                "services have a range of some size",
                "kubernetes_network_config.service_ipv4_cidr",
                tree!("10.100.0.0/25"),
            ),
            about(
                "services are not in the VPC",
                "kubernetes_network_config.service_ipv4_cidr",
                tree!("10.1.0.0/20"),
            ),
            about(
                "logs have names",
                "logging.cluster_logging",
                tree!([{ "types": ["kubelet"], "enabled": true }]),
            ),
            about("a mode is known", "access_config.authentication_mode", tree!("NONE")),
        ],
    )
    .await;
    let everything = changed(&good, &vpc("public_access_cidrs"), tree!(["0.0.0.0/0", "203.0.113.0/24"]));
    let everything =
        changed(&everything, "kubernetes_network_config.service_ipv4_cidr", tree!("172.20.0.0/16"));
    lab.make("d", ask("eks.cluster", WEST, everything)).await;
}

#[tokio::test(start_paused = true)]
async fn control_planes_change_in_one_direction() {
    let mut lab = small_world().await;
    let inputs = tree!({ "vpc_id": (lab.id("vpc")), "cidr_block": "10.1.128.0/20", "availability_zone": "us-west-2c" });
    lab.make("private-c", ask("ec2.subnet", WEST, inputs)).await;
    let now = cluster(&lab, "c", "1.34", ["private-a", "private-b"]);
    let bad = [
        changed(&now, "version", tree!("1.36")),
        changed(&now, "version", tree!("1.33")),
        changed(&now, "access_config.authentication_mode", tree!("API_AND_CONFIG_MAP")),
        changed(
            &now,
            "resources_vpc_config.subnet_ids",
            tree!([(lab.id("private-a")), (lab.id("private-c"))]),
        ),
    ];
    for inputs in bad {
        let error = lab.update("cluster", inputs.clone()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{inputs:?}");
    }
    lab.update("cluster", changed(&now, "version", tree!("1.35"))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_being_made_cannot_be_used_or_deleted() {
    let mut lab = small_world().await;
    let desired =
        Lab::desired("d", &ask("eks.cluster", WEST, cluster(&lab, "d", "1.35", ["private-a", "private-b"])));
    let call = desired.clone();
    let cloud = lab.cloud.clone();
    let making = tokio::spawn(async move { cloud.create(&op(&call.placement, None), &call).await });
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(matches!(lab.cloud.world().get(&desired.uid).unwrap().phase, Phase::Creating { .. }));
    let addon = tree!({ "cluster_name": "d", "name": "vpc-cni" });
    let error = lab.try_make("cni", ask("eks.addon", WEST, addon.clone())).await.unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (ErrorKind::NotYetVisible, Some("InvalidRequestException"))
    );
    let mut record = lab.record("cluster").clone();
    record.uid = desired.uid.clone();
    let error = lab.cloud.delete(&op(&record.placement, None), &record).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Busy, Some("ResourceInUseException")));
    making.await.unwrap().unwrap();
    lab.make("cni", ask("eks.addon", WEST, addon)).await;
    lab.cloud.delete(&op(&record.placement, None), &record).await.unwrap();
}

fn profile(lab: &Lab, subnet: &str, selectors: Tree) -> Tree {
    tree!({
        "cluster_name": "c", "fargate_profile_name": "p", "pod_execution_role_arn": (lab.output("pod-role", "arn")),
        "subnets": [(lab.id(subnet))], "selectors": selectors,
    })
}

#[tokio::test(start_paused = true)]
async fn fargate_profiles() {
    let mut lab = small_world().await;
    let inputs =
        tree!({ "vpc_id": (lab.id("twin")), "cidr_block": "10.1.0.0/24", "availability_zone": "us-west-2b" });
    lab.make("twin-b", ask("ec2.subnet", WEST, inputs)).await;
    let good = profile(&lab, "private-a", tree!([{ "namespace": "kube-system" }]));
    let about = |rule, path: &str, value: Tree| {
        case(
            rule,
            "InvalidParameterException",
            "eks.fargate_profile",
            WEST,
            changed(&good, path, value),
            good.clone(),
        )
    };
    let many: Vec<Tree> = (0..6).map(|at| tree!({ "namespace": (format!("n{at}")) })).collect();
    let labels = tree!({ "a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "f": "6" });
    hold(
        &lab,
        vec![
            about("a profile has selectors", "selectors", tree!([])),
            about("a profile has five selectors", "selectors", Tree::List(many)),
            about("a selector names a namespace", "selectors", tree!([{ "labels": { "a": "b" } }])),
            about("a selector has five labels", "selectors", tree!([{ "namespace": "x", "labels": labels }])),
            about("its role trusts Fargate", "pod_execution_role_arn", tree!((lab.output("role", "arn")))),
            about("its subnets are of the cluster's VPC", "subnets", tree!([(lab.id("twin-b"))])),
        ],
    )
    .await;

    // Pods of a profile have network interfaces in its subnets, whether the control plane has any there or not.
    let inputs = tree!({ "vpc_id": (lab.id("vpc")), "cidr_block": "10.1.128.0/24", "availability_zone": "us-west-2c" });
    lab.make("pods", ask("ec2.subnet", WEST, inputs)).await;
    let mut used = lab.fork();
    used.make(
        "profile",
        ask("eks.fargate_profile", WEST, profile(&lab, "pods", tree!([{ "namespace": "x" }]))),
    )
    .await;
    assert_eq!(used.delete("pods").await.unwrap_err().kind, ErrorKind::DependencyViolation);
    used.delete("profile").await.unwrap();
    used.delete("pods").await.unwrap();

    lab.make("public", ask("ec2.route_table", WEST, tree!({ "vpc_id": (lab.id("vpc")) }))).await;
    let inputs = tree!({ "subnet_id": (lab.id("public-a")), "route_table_id": (lab.id("public")) });
    lab.make("public-association", ask("ec2.route_table_association", WEST, inputs)).await;
    let inputs = tree!({ "route_table_id": (lab.id("public")), "destination_cidr_block": "0.0.0.0/0", "gateway_id": (lab.id("igw")) });
    lab.make("out", ask("ec2.route", WEST, inputs)).await;
    let on_public = profile(&lab, "public-a", tree!([{ "namespace": "x" }]));
    let error = lab.try_make("profile", ask("eks.fargate_profile", WEST, on_public)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "Fargate runs in private subnets");
}

#[tokio::test(start_paused = true)]
async fn addons_and_entries() {
    let lab = small_world().await;
    let addon = |field: &str, value: &str| {
        changed(&tree!({ "cluster_name": "c", "name": "vpc-cni" }), field, tree!(value))
    };
    let about_addon =
        |rule, code, bad: Tree| case(rule, code, "eks.addon", WEST, bad, addon("name", "kube-proxy"));
    let theirs = "arn:aws:iam::123456789012:role/someone-elses";
    let entry = |principal: &str, access: &str| {
        let arn = format!("arn:aws:eks::aws:cluster-access-policy/{access}");
        tree!({ "cluster_name": "c", "principal_arn": principal, "access_policies": [{ "policy_arn": arn }] })
    };
    let good = entry(theirs, "AmazonEKSViewPolicy");
    let about =
        |rule, bad: Tree| -> Case { case(rule, "Invalid", "eks.access_entry", WEST, bad, good.clone()) };
    let scoped = |scope: Tree| {
        let arn = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
        changed(&good, "access_policies", tree!([{ "policy_arn": arn, "access_scope": scope }]))
    };
    hold(
        &lab,
        vec![
            about_addon("an addon is known", "InvalidParameterException", addon("name", "coreDNS")),
            about_addon("an addon's cluster exists", "ResourceNotFoundException", addon("cluster_name", "nowhere")),
            about_addon("conflicts are resolved in some way", "InvalidParameterException", addon("resolve_conflicts", "FORCE")),
            about_addon("settings are JSON", "InvalidParameterException", addon("configuration_values", "{computeType")),
            about("an access policy is known", entry(theirs, "Admin")),
            about("a principal is a role or user", entry("role", "AmazonEKSViewPolicy")),
            about("a service-linked role is let in by nobody", entry(
                "arn:aws:iam::123456789012:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot",
                "AmazonEKSViewPolicy",
            )),
            about("a type is known", changed(&good, "type", tree!("ADMIN"))),
            about("nodes have no access policies", changed(&good, "type", tree!("EC2_LINUX"))),
            about("a scope of namespaces names some", scoped(tree!({ "type": "namespace" }))),
            about("a scope of the cluster names none", scoped(tree!({ "type": "cluster", "namespaces": ["x"] }))),
        ],
    )
    .await;

    let mut lab = lab;
    lab.make("entry", ask("eks.access_entry", WEST, good.clone())).await;
    let error = lab.try_make("again", ask("eks.access_entry", WEST, good.clone())).await.unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (ErrorKind::AlreadyExists, Some("ResourceInUseException"))
    );
    let old = changed(
        &cluster(&lab, "d", "1.35", ["private-a", "private-b"]),
        "access_config.authentication_mode",
        tree!("CONFIG_MAP"),
    );
    lab.make("d", ask("eks.cluster", WEST, old)).await;
    let elsewhere = changed(&good, "cluster_name", tree!("d"));
    let error = lab.try_make("elsewhere", ask("eks.access_entry", WEST, elsewhere)).await.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("InvalidRequestException"), "entries need the mode API");
}

/// Returns whether CoreDNS is active within half an hour.
async fn coredns(lab: &Lab, settings: &str) -> bool {
    let inputs = tree!({ "cluster_name": "c", "name": "coredns", "configuration_values": settings });
    let desired = Lab::desired("coredns", &ask("eks.addon", WEST, inputs));
    let mut cx = op(&desired.placement, None);
    cx.deadline = Instant::now() + Duration::from_mins(30);
    let fork = lab.fork();
    let is_active = fork.cloud.create(&cx, &desired).await.is_ok();
    let phase = fork.cloud.world().get(&desired.uid).unwrap().phase;
    assert_eq!(matches!(phase, Phase::Ready), is_active, "it stays CREATING: {phase:?}");
    is_active
}

#[tokio::test(start_paused = true)]
async fn an_addon_is_pending_until_its_pods_run_somewhere() {
    let on_fargate = r#"{"computeType":"Fargate"}"#;
    let lab = small_world().await;
    assert!(!coredns(&lab, on_fargate).await, "there is no capacity at all");
    let selectors =
        |key: &str, value: &str| tree!([{ "namespace": "kube-system", "labels": { key: value } }]);

    let mut wrong = lab.fork();
    let inputs = profile(&lab, "private-a", selectors("app.kubernetes.io/name", "karpenter"));
    wrong.make("profile", ask("eks.fargate_profile", WEST, inputs)).await;
    assert!(!coredns(&wrong, on_fargate).await, "the profile takes other pods");

    let mut right = lab.fork();
    let inputs = profile(&lab, "private-a", selectors("k8s-app", "kube-dns"));
    right.make("profile", ask("eks.fargate_profile", WEST, inputs)).await;
    assert!(coredns(&right, on_fargate).await);
    assert!(!coredns(&right, "").await, "it asks for EC2 when it is not told otherwise");

    let mut nodes = lab.fork();
    for chart in ["karpenter-crd", "karpenter"] {
        nodes.make(chart, ask("helm.release", "cluster", release("team", chart, chart))).await;
    }
    let pool = tree!({ "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": { "name": "p" } });
    nodes.make("pool-of-nodes", ask("k8s.object", "cluster", pool)).await;
    assert!(coredns(&nodes, "").await, "Karpenter launches a node for it");
    let daemons = tree!({ "cluster_name": "c", "name": "kube-proxy" });
    lab.fork().make("proxy", ask("eks.addon", WEST, daemons)).await;
}

#[tokio::test(start_paused = true)]
async fn an_addon_becomes_active_when_capacity_comes() {
    let mut lab = small_world().await;
    let inputs = tree!({ "cluster_name": "c", "name": "metrics-server" });
    let desired = Lab::desired("metrics", &ask("eks.addon", WEST, inputs));
    let (cloud, call) = (lab.cloud.clone(), desired.clone());
    let making = tokio::spawn(async move { cloud.create(&op(&call.placement, None), &call).await });
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(!making.is_finished());
    let inputs = profile(&lab, "private-a", tree!([{ "namespace": "kube-system" }]));
    lab.make("profile", ask("eks.fargate_profile", WEST, inputs)).await;
    let start = Instant::now();
    making.await.unwrap().unwrap();
    assert!((40..60).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}
