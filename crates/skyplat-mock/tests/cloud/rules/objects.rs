//! Kubernetes and Helm, and what holds for every service: twins, deletes, fields that stay.

use skyplat_core::executor::{ErrorKind, ExecError, Observed};
use skyplat_core::tree;
use skyplat_core::value::Tree;

use super::{case, hold};
use crate::support::lab::{EAST, WEST, ask, cluster, manifest, release, small_world, trust};

#[tokio::test(start_paused = true)]
async fn manifests_and_releases() {
    let mut lab = small_world().await;
    let token = |account: &str| {
        tree!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": { "name": "t", "namespace": "team", "annotations": { "kubernetes.io/service-account.name": account } },
        })
    };
    let without_name = tree!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": {} });
    let config = |name: &str| manifest("ConfigMap", "team", name);
    let mut local = release("team", "r", "metrics-server");
    local.set("repository", Tree::Null);
    hold(
        &lab,
        vec![
            case("a manifest has a name", "400", "k8s.object", "cluster", without_name, config("x")),
            case("a name is one of DNS", "422", "k8s.object", "cluster", config("X_y"), config("x-y")),
            case(
                "a namespace exists",
                "404",
                "k8s.object",
                "cluster",
                manifest("ConfigMap", "nowhere", "x"),
                config("x"),
            ),
            case("a token's account exists", "404", "k8s.object", "cluster", token("nobody"), token("sa")),
            case(
                "a chart exists",
                "ChartNotFound",
                "helm.release",
                "cluster",
                release("team", "r", "metrics-servr"),
                release("team", "r", "metrics-server"),
            ),
            case(
                "a chart has a source",
                "ChartNotFound",
                "helm.release",
                "cluster",
                local,
                release("team", "r", "metrics-server"),
            ),
            case(
                "a release's namespace exists",
                "404",
                "helm.release",
                "cluster",
                release("nowhere", "r", "metrics-server"),
                release("kube-system", "r", "metrics-server"),
            ),
            case(
                "a release has a short name",
                "InvalidReleaseName",
                "helm.release",
                "cluster",
                release("team", &"r".repeat(54), "metrics-server"),
                release("team", "r", "metrics-server"),
            ),
        ],
    )
    .await;

    for (crd_chart, version, kind) in [
        ("karpenter-crd", "karpenter.sh/v1", "NodePool"),
        ("tailscale-operator", "tailscale.com/v1alpha1", "Connector"),
    ] {
        let custom = tree!({ "apiVersion": version, "kind": kind, "metadata": { "name": "x" } });
        let error = lab.try_make(kind, ask("k8s.object", "cluster", custom.clone())).await.unwrap_err();
        assert_eq!(error.code.as_deref(), Some("404 NotFound"), "{kind} before its definition");
        lab.make(crd_chart, ask("helm.release", "cluster", release("team", crd_chart, crd_chart))).await;
        lab.make(kind, ask("k8s.object", "cluster", custom)).await;
    }
    lab.delete("karpenter-crd").await.unwrap();
    assert!(matches!(lab.read("NodePool").await, Ok(Observed::Missing)), "objects go with their definition");

    let config = tree!({ "namespace": "team", "release": "sky", "config": {} });
    let error = lab.try_make("config", ask("skypilot.config", "cluster", config.clone())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotYetVisible, "a configuration needs its server");
    lab.make("sky", ask("helm.release", "cluster", release("team", "sky", "skypilot"))).await;
    lab.make("config", ask("skypilot.config", "cluster", config)).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_there_twice() {
    let mut lab = small_world().await;
    for (name, asked) in [
        (
            "group-x",
            ask(
                "ec2.security_group",
                WEST,
                tree!({ "vpc_id": (lab.id("vpc")), "group_name": "x", "description": "x" }),
            ),
        ),
        (
            "role-x",
            ask(
                "iam.role",
                "",
                tree!({ "role_name": "x", "assume_role_policy_document": (trust("ec2.amazonaws.com")) }),
            ),
        ),
        ("config-x", ask("k8s.object", "cluster", manifest("ConfigMap", "team", "x"))),
        ("thing-x", ask("demo.thing", WEST, tree!({ "name": "x" }))),
    ] {
        let asked = asked.key(tree!([name]));
        lab.make(name, asked.clone()).await;
        let error = lab.try_make(&format!("{name}-again"), asked).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::AlreadyExists, "{name}: {error:?}");
    }
    let spot = ask("iam.service_linked_role", "", tree!({ "aws_service_name": "spot.amazonaws.com" }))
        .key(tree!(["spot"]));
    lab.make("spot", spot.clone()).await;
    lab.make("spot-of-another-stack", spot).await;
    assert_eq!(lab.id("spot"), lab.id("spot-of-another-stack"), "a service-linked role is adopted");
}

/// What stands in the way of a delete, and the code that says so.
const IN_USE: &[(&str, &str, &[&str])] = &[
    ("eip", "InvalidIPAddress.InUse", &["nat"]),
    ("public-a", "DependencyViolation", &["nat"]),
    ("igw", "DependencyViolation", &["nat"]),
    ("table", "DependencyViolation", &["association"]),
    ("group", "DependencyViolation", &["mount"]),
    ("private-a", "DependencyViolation", &["mount", "cluster"]),
    ("fs", "FileSystemInUse", &["mount"]),
    ("role", "DeleteConflict", &["attachment"]),
    ("policy", "DeleteConflict", &["attachment"]),
    ("cluster", "ResourceInUseException", &["profile"]),
    ("pool", "InvalidParameterException", &["domain"]),
    ("other-group", "DependencyViolation", &["rule"]),
];

#[tokio::test(start_paused = true)]
async fn what_is_used_stays() {
    let mut lab = small_world().await;
    let inputs = tree!({ "role_name": "role", "policy_arn": (lab.output("policy", "arn")) });
    lab.make("attachment", ask("iam.policy_attachment", "", inputs)).await;
    let inputs = tree!({
        "cluster_name": "c", "fargate_profile_name": "p", "pod_execution_role_arn": (lab.output("pod-role", "arn")),
        "subnets": [(lab.id("private-a"))], "selectors": [{ "namespace": "x" }],
    });
    lab.make("profile", ask("eks.fargate_profile", WEST, inputs)).await;
    let inputs = tree!({ "domain": "sp0123", "user_pool_id": (lab.id("pool")) });
    lab.make("domain", ask("cognito.user_pool_domain", WEST, inputs)).await;
    let inputs = tree!({
        "group_id": (lab.id("group")), "direction": "ingress", "ip_protocol": "-1", "description": "x",
        "referenced_group_id": (lab.id("other-group")),
    });
    lab.make("rule", ask("ec2.security_group_rule", WEST, inputs)).await;
    for (name, code, users) in IN_USE {
        let lab = lab.fork();
        let refused = |result: Result<_, ExecError>| {
            let error = result.expect_err(name);
            assert_eq!(error.kind, ErrorKind::DependencyViolation, "{name}");
            assert_eq!(error.code.as_deref(), Some(*code), "{name}");
        };
        for user in *users {
            refused(lab.delete(name).await);
            if *user == "cluster" {
                lab.delete("profile").await.unwrap();
            }
            lab.delete(user).await.unwrap();
        }
        lab.delete(name).await.unwrap_or_else(|error| panic!("{name} is free: {error:?}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_vpc_goes_last() {
    let mut lab = small_world().await;
    lab.delete("peering").await.unwrap();
    lab.make(
        "in-far",
        ask(
            "ec2.security_group",
            EAST,
            tree!({ "vpc_id": (lab.id("far")), "group_name": "x", "description": "x" }),
        ),
    )
    .await;
    let error = lab.delete("far").await.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("DependencyViolation"));
    lab.delete("in-far").await.unwrap();
    lab.delete("far").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn some_fields_stay_as_they_are() {
    let mut lab = small_world().await;
    let binding = |role: &str| {
        tree!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "b", "namespace": "team" },
            "roleRef": { "kind": "Role", "name": role }, "subjects": [],
        })
    };
    lab.make("binding", ask("k8s.object", "cluster", binding("one"))).await;
    let class = |mode: &str| {
        tree!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": "c" },
            "provisioner": "ebs.csi.aws.com", "volumeBindingMode": mode,
        })
    };
    lab.make("class", ask("k8s.object", "cluster", class("Immediate"))).await;
    for (name, bad, good) in [
        (
            "vpc",
            tree!({ "cidr_block": "10.3.0.0/16" }),
            tree!({ "cidr_block": "10.1.0.0/16", "tags": { "a": "b" } }),
        ),
        ("binding", binding("two"), binding("one")),
        ("class", class("WaitForFirstConsumer"), class("Immediate")),
        (
            "cluster",
            cluster(&lab, "c", "1.36", ["private-a", "private-b"]),
            cluster(&lab, "c", "1.35", ["private-b", "private-a"]),
        ),
    ] {
        let error = lab.update(name, bad).await.expect_err(name);
        assert_eq!(error.kind, ErrorKind::Invalid, "{name}");
        lab.update(name, good).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    let downgrade = lab.update("cluster", cluster(&lab, "c", "1.34", ["private-a", "private-b"])).await;
    assert_eq!(downgrade.unwrap_err().kind, ErrorKind::Invalid);
}
