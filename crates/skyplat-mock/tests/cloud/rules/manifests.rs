//! What an API server checks of a manifest by itself.

use skyplat_core::executor::ErrorKind;
use skyplat_core::tree;
use skyplat_core::value::Tree;

use super::{Case, case, hold};
use crate::support::lab::{Lab, ask, manifest, release, small_world};

fn about(rule: &'static str, code: &'static str, bad: Tree, good: Tree) -> Case {
    case(rule, code, "k8s.object", "cluster", bad, good)
}

#[tokio::test(start_paused = true)]
async fn names_labels_and_sizes() {
    let lab = small_world().await;
    let config = |name: &str| manifest("ConfigMap", "team", name);
    let good = config("x.y-z");
    let labelled = |key: &str, value: &str| {
        let mut config = config("x");
        config.set("metadata", tree!({ "name": "x", "namespace": "team", "labels": { key: value } }));
        config
    };
    let label = |rule, key: &str, value: &str| {
        about(rule, "422", labelled(key, value), labelled("a.io/b", "B_c.d-e"))
    };
    let namespace =
        |name: &str| tree!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    let class = |namespace: Tree| {
        tree!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "ebs.csi.aws.com",
            "metadata": { "name": "c", "namespace": namespace },
        })
    };
    let mut huge = good.clone();
    huge.set("data", tree!({ "a": ("x".repeat(1 << 20)) }));
    let mut copied = good.clone();
    copied.set(
        "metadata",
        tree!({ "name": "x", "namespace": "team", "managedFields": [{ "manager": "kubectl" }] }),
    );
    hold(
        &lab,
        vec![
            about("a name is in lower case", "422", config("X"), good.clone()),
            about("a name ends with a letter or digit", "422", config("x-"), good.clone()),
            about("a name has no empty label", "422", config("x..y"), good.clone()),
            about("a namespace is one label", "422", namespace("a.b"), namespace("a-b")),
            about("a namespace has 63 characters", "422", namespace(&"n".repeat(64)), namespace("n")),
            label("a label's value is plain", "a", "b c"),
            label("a label's value ends with a letter or digit", "a", "b-"),
            label("a label's value is short", "a", &"b".repeat(64)),
            label("a label's key is plain", "a b", "c"),
            about("a map has a mebibyte", "422", huge, good.clone()),
            about("managed fields are not sent", "400", copied, good),
            about("a class belongs to no namespace", "400", class(tree!("team")), class(Tree::Null)),
        ],
    )
    .await;
}

async fn with_definitions() -> Lab {
    let mut lab = small_world().await;
    for chart in ["karpenter-crd", "tailscale-operator"] {
        lab.make(chart, ask("helm.release", "cluster", release("team", chart, chart))).await;
    }
    lab
}

#[tokio::test(start_paused = true)]
async fn custom_resources_fit_their_schemas() {
    let lab = with_definitions().await;
    let custom = |version: &str, kind: &str, spec: Tree| tree!({ "apiVersion": version, "kind": kind, "metadata": { "name": "x" }, "spec": spec });
    let pool = |operator: &str, values: &[&str], policy: &str| {
        custom(
            "karpenter.sh/v1",
            "NodePool",
            tree!({
                "template": { "spec": { "requirements": [{ "key": "kubernetes.io/arch", "operator": operator, "values": values }] } },
                "disruption": { "consolidationPolicy": policy, "consolidateAfter": "5m" },
            }),
        )
    };
    let class = |profile: bool, size: &str| {
        let mut spec = tree!({ "role": "nodes", "blockDeviceMappings": [{ "ebs": { "volumeSize": size } }] });
        if profile {
            spec.set("instanceProfile", tree!("nodes"));
        }
        custom("karpenter.k8s.aws/v1", "EC2NodeClass", spec)
    };
    let connector = |host: &str, tag: &str, route: &str| {
        let spec = tree!({ "hostname": host, "tags": [tag], "subnetRouter": { "advertiseRoutes": [route] } });
        custom("tailscale.com/v1alpha1", "Connector", spec)
    };
    let good_pool = pool("In", &["amd64"], "WhenEmpty");
    let good_class = class(false, "100Gi");
    let good = connector("hub-ts", "tag:k8s", "10.0.0.0/16");
    hold(
        &lab,
        vec![
            about("an operator is known", "422", pool("Is", &["amd64"], "WhenEmpty"), good_pool.clone()),
            about("In names values", "422", pool("In", &[], "WhenEmpty"), good_pool.clone()),
            about("a policy is known", "422", pool("In", &["amd64"], "Never"), good_pool),
            about("a role or a profile", "422", class(true, "100Gi"), good_class.clone()),
            about("a size has a unit", "422", class(false, "100"), good_class),
            about(
                "a host name is one label",
                "422",
                connector("Hub", "tag:k8s", "10.0.0.0/16"),
                good.clone(),
            ),
            about(
                "a host name is short",
                "422",
                connector(&"h".repeat(64), "tag:k8s", "10.0.0.0/16"),
                good.clone(),
            ),
            about("a tag is a tag", "422", connector("hub-ts", "k8s", "10.0.0.0/16"), good.clone()),
            about("a route is a range", "422", connector("hub-ts", "tag:k8s", "10.0/16"), good.clone()),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn fields_that_stay() {
    let mut lab = small_world().await;
    let object = |version: &str, kind: &str, more: Tree| {
        let mut manifest = manifest(kind, "team", &kind.to_ascii_lowercase());
        manifest.set("apiVersion", tree!(version));
        for (key, value) in more.as_map().unwrap() {
            let skyplat_core::value::Key::Literal(key) = key else { unreachable!() };
            manifest.set(key, value.clone());
        }
        manifest
    };
    let rows = [
        (
            "apps/v1",
            "Deployment",
            tree!({ "spec": { "selector": "a", "replicas": 1 } }),
            tree!({ "spec": { "selector": "b", "replicas": 1 } }),
            tree!({ "spec": { "selector": "a", "replicas": 2 } }),
        ),
        (
            "batch/v1",
            "Job",
            tree!({ "spec": { "template": "a", "suspend": false } }),
            tree!({ "spec": { "template": "b", "suspend": false } }),
            tree!({ "spec": { "template": "a", "suspend": true } }),
        ),
        (
            "v1",
            "PersistentVolumeClaim",
            tree!({ "spec": { "storageClassName": "a", "resources": 1 } }),
            tree!({ "spec": { "storageClassName": "b", "resources": 1 } }),
            tree!({ "spec": { "storageClassName": "a", "resources": 2 } }),
        ),
        (
            "v1",
            "ConfigMap",
            tree!({ "immutable": true, "data": { "a": "1" } }),
            tree!({ "immutable": true, "data": { "a": "2" } }),
            tree!({ "immutable": true, "data": { "a": "1" } }),
        ),
        (
            "v1",
            "Secret",
            tree!({ "type": "Opaque" }),
            tree!({ "type": "kubernetes.io/tls" }),
            tree!({ "type": "Opaque", "data": { "a": "1" } }),
        ),
    ];
    for (version, kind, first, bad, good) in rows {
        lab.make(kind, ask("k8s.object", "cluster", object(version, kind, first))).await;
        let error = lab.update(kind, object(version, kind, bad)).await.expect_err(kind);
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Invalid, Some("422 Invalid")), "{kind}");
        lab.update(kind, object(version, kind, good)).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}
