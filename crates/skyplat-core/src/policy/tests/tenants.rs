//! What a tenant reaches.

use super::{found, node, short, to};
use crate::object::ObjectNode;
use crate::policy::TenantIsolation;
use crate::tree;
use crate::value::{Key, KeyPart, Map, Reference, ToTree, Tree};

fn inside(mut node: ObjectNode, cluster: &str) -> ObjectNode {
    node.placement.container = Some(cluster.into());
    node
}

fn cluster(address: &str) -> ObjectNode {
    node(address, "eks.cluster", tree!({ "name": address }))
}

fn object(address: &str, manifest: Tree) -> ObjectNode {
    inside(node(address, "k8s.object", manifest), "hub/eks")
}

fn namespace(name: &str, tenant: bool) -> ObjectNode {
    let labels = if tenant { tree!({ "parent": "skypilot" }) } else { tree!({}) };
    object(
        &format!("{name}/namespace"),
        tree!({ "kind": "Namespace", "metadata": { "name": name, "labels": labels } }),
    )
}

/// A service account that takes a role.
fn account(namespace: &str, role: impl ToTree) -> ObjectNode {
    let metadata = tree!({
        "name": "sky-user-sa", "namespace": (to(&format!("{namespace}/namespace.name"))),
        "annotations": { "eks.amazonaws.com/role-arn": role }
    });
    object(&format!("{namespace}/account"), tree!({ "kind": "ServiceAccount", "metadata": metadata }))
}

/// A role that these subjects of the cluster's tokens can take.
fn role(name: &str, subjects: &[&str]) -> ObjectNode {
    let issuer = Reference { object: "hub/eks".into(), field: "issuer_host".into() };
    let key = Key::Text(vec![KeyPart::Ref(issuer), KeyPart::Literal(":sub".into())]);
    let subjects: Vec<String> =
        subjects.iter().map(|subject| format!("system:serviceaccount:{subject}")).collect();
    let keys = Tree::Map(Map::from([(key, subjects.to_tree())]));
    let document = tree!({ "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": { "Federated": "x" },
        "Condition": { "StringLike": keys }
    }] });
    node(
        &format!("role/{name}"),
        "iam.role",
        tree!({ "role_name": name, "assume_role_policy_document": document }),
    )
}

/// Two tenants of one cluster and a namespace of the platform, and something more.
fn with(more: impl IntoIterator<Item = ObjectNode>) -> Vec<String> {
    let ground = [
        cluster("hub/eks"),
        namespace("team-a", true),
        namespace("team-b", true),
        namespace("skypilot-system", true),
        namespace("kube-system", false),
    ];
    short(&found(TenantIsolation::default(), ground.into_iter().chain(more)))
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_role_is_taken_by_accounts_of_one_tenant() {
    assert_eq!(with([role("a", &["team-a:sky-user-sa"])]), NOTHING);
    assert_eq!(with([role("a", &["team-a:x", "team-a:y"])]), NOTHING);
    assert_eq!(with([role("a", &["team-a:x", "team-b:x"])]), ["error role/a"]);
    assert_eq!(with([role("a", &["team-*:x"])]), ["error role/a"]);
    assert_eq!(with([role("a", &["karpenter:karpenter", "team-b:x"])]), ["error role/a"]);
    assert_eq!(with([role("a", &["karpenter:karpenter", "kube-system:x"])]), NOTHING);
}

#[test]
fn a_role_is_taken_by_the_tenant_that_has_it() {
    let a = |subject| [role("a", &[subject]), account("team-a", to("role/a.arn"))];
    assert_eq!(with(a("team-a:sky-user-sa")), NOTHING);
    assert_eq!(with(a("team-b:sky-user-sa")), ["error role/a"]);
    // A role of the platform that a chart hands to its own account.
    let values =
        tree!({ "serviceAccount": { "annotations": { "eks.amazonaws.com/role-arn": (to("role/a.arn")) } } });
    let release = tree!({ "name": "karpenter", "namespace": "kube-system", "values": values });
    let release = || inside(node("karpenter/release", "helm.release", release.clone()), "hub/eks");
    assert_eq!(with([role("a", &["team-a:x"]), release()]), ["error role/a"]);
    assert_eq!(with([role("a", &["kube-system:x"]), release()]), NOTHING);
}

#[test]
fn a_tenants_role_takes_no_role_of_another() {
    // A role with an owner, which another role can take.
    let chain = |owner: &str, taker: Tree| {
        let trust = tree!({ "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": [taker] }
        }] });
        let second = tree!({ "role_name": "second", "assume_role_policy_document": trust });
        let mut owned = account(owner, to("role/second.arn"));
        owned.address = "owned/account".into();
        let first = [role("first", &["team-a:x"]), account("team-a", "arn:aws:iam::1:role/given")];
        // The same tenant in another cluster, with the same role that was given.
        let elsewhere = |address: &str, mut node: ObjectNode| {
            node.address = address.into();
            inside(node, "spoke/eks")
        };
        let spoke = [
            cluster("spoke/eks"),
            elsewhere("spoke/namespace", namespace("team-a", true)),
            elsewhere("spoke/account", first[1].clone()),
        ];
        let second = [node("role/second", "iam.role", second), owned];
        with(first.into_iter().chain(spoke).chain(second))
    };
    let given = || tree!("arn:aws:iam::1:role/given");
    assert_eq!(chain("team-b", to("role/first.arn")), ["error role/second"]);
    assert_eq!(chain("kube-system", to("role/first.arn")), ["error role/second"]);
    assert_eq!(chain("team-b", given()), ["error role/second"]);
    assert_eq!(chain("team-a", to("role/first.arn")), NOTHING);
    assert_eq!(chain("team-a", given()), NOTHING);
    assert_eq!(chain("team-b", tree!("arn:aws:iam::1:role/ops")), NOTHING);
}

#[test]
fn tenants_have_roles_of_their_own() {
    let both = |role: Tree| [account("team-a", role.clone()), account("team-b", role)];
    let shared = with([role("r", &["elsewhere:x"])].into_iter().chain(both(to("role/r.arn"))));
    assert_eq!(shared, ["error team-a/account", "error team-b/account"]);
    let given = with(both(tree!("arn:aws:iam::123456789012:role/given")));
    assert_eq!(given, ["warning team-a/account", "warning team-b/account"]);
    let own = [account("team-a", "arn:aws:iam::1:role/a"), account("team-b", "arn:aws:iam::1:role/b")];
    assert_eq!(with(own), NOTHING);
}

#[test]
fn tenants_of_one_name_in_two_clusters_are_two() {
    let elsewhere = |node: ObjectNode| inside(node, "spoke/eks");
    let mut twin = elsewhere(namespace("team-a", true));
    twin.address = "spoke/team-a/namespace".into();
    let mut account = elsewhere(account("team-a", to("role/a.arn")));
    account.address = "spoke/team-a/account".into();
    account.inputs.set("metadata", tree!({
        "name": "x", "namespace": "team-a", "annotations": { "eks.amazonaws.com/role-arn": (to("role/a.arn")) }
    }));
    // The role trusts the hub's tokens, and it is the spoke's tenant that has it.
    let found = with([cluster("spoke/eks"), twin, account, role("a", &["team-a:x"])]);
    assert_eq!(found, ["error role/a"]);
}

/// A binding in the hub's cluster; none for a binding in the whole cluster.
fn binding(namespace: Option<&str>, role: &str, subject: Tree) -> ObjectNode {
    let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
    let mut metadata = tree!({ "name": "b" });
    if let Some(namespace) = namespace {
        metadata.set("namespace", to(&format!("{namespace}/namespace.name")));
    }
    let manifest =
        tree!({ "kind": kind, "metadata": metadata, "roleRef": { "name": role }, "subjects": [subject] });
    object("rbac/binding", manifest)
}

fn service_account(namespace: &str) -> Tree {
    tree!({ "kind": "ServiceAccount", "name": "sky-sa", "namespace": (to(&format!("{namespace}/namespace.name"))) })
}

#[test]
fn rights_end_at_the_tenants_namespace() {
    let bound = |place, who| with([binding(Some(place), "r", service_account(who))]);
    assert_eq!(bound("team-a", "team-a"), NOTHING);
    assert_eq!(bound("team-b", "team-a"), ["error rbac/binding"]);
    assert_eq!(bound("kube-system", "team-a"), ["error rbac/binding"]);
    assert_eq!(bound("team-a", "kube-system"), ["error rbac/binding"]);
    assert_eq!(bound("skypilot-system", "team-a"), NOTHING, "what all tenants share");
    assert_eq!(bound("kube-system", "skypilot-system"), NOTHING, "nobody's");
}

#[test]
fn groups_and_users_are_accounts_too() {
    let bound =
        |kind: &str, name: &str| with([binding(Some("team-a"), "r", tree!({ "kind": kind, "name": name }))]);
    for (kind, name) in [
        ("Group", "system:serviceaccounts"),
        ("Group", "system:authenticated"),
        ("Group", "system:serviceaccounts:team-b"),
        ("User", "system:serviceaccount:team-b:sky-sa"),
        ("User", "system:anonymous"),
    ] {
        assert_eq!(bound(kind, name), ["error rbac/binding"], "{name}");
    }
    for (kind, name) in
        [("Group", "system:serviceaccounts:team-a"), ("Group", "ops"), ("User", "ann@acme.io")]
    {
        assert_eq!(bound(kind, name), NOTHING, "{name}");
    }
}

#[test]
fn a_tenant_only_looks_at_the_cluster() {
    let bound = |resource: &str, verb: &str| {
        let rules = tree!([{ "apiGroups": [""], "resources": [resource], "verbs": [verb] }]);
        let role = tree!({ "kind": "ClusterRole", "metadata": { "name": "r" }, "rules": rules });
        with([object("rbac/role", role), binding(None, "r", service_account("team-a"))])
    };
    assert_eq!(bound("nodes", "list"), NOTHING);
    assert_eq!(bound("pods", "list"), ["warning rbac/binding"]);
    assert_eq!(bound("pods", "delete"), ["error rbac/binding"]);
    assert_eq!(bound("secrets", "get"), ["error rbac/binding"]);
    let known = |role| with([binding(None, role, service_account("team-a"))]);
    assert_eq!(known("cluster-admin"), ["error rbac/binding"]);
    assert_eq!(known("view"), ["warning rbac/binding"]);
    let platform = with([binding(None, "cluster-admin", service_account("kube-system"))]);
    assert_eq!(platform, NOTHING);
    let everyone = with([binding(None, "edit", tree!({ "kind": "Group", "name": "system:authenticated" }))]);
    assert_eq!(everyone, ["error rbac/binding"]);
}

#[test]
fn a_tenants_role_enters_the_cluster_for_its_namespace() {
    let entry = |scope| {
        let inputs = tree!({
            "principal_arn": (to("role/a.arn")),
            "access_policies": [{ "policy_arn": "edit", "access_scope": scope }]
        });
        let nodes = [role("a", &["team-a:x"]), account("team-a", to("role/a.arn"))];
        with(nodes.into_iter().chain([node("eks/entry", "eks.access_entry", inputs)]))
    };
    assert_eq!(entry(tree!({ "type": "namespace", "namespaces": ["team-a"] })), NOTHING);
    assert_eq!(
        entry(tree!({ "type": "namespace", "namespaces": ["team-a", "team-b"] })),
        ["error eks/entry"]
    );
    assert_eq!(entry(tree!({ "type": "cluster" })), ["error eks/entry"]);
}

#[test]
fn a_tenants_network_policy_names_its_neighbours() {
    let policy = |selector: Tree| {
        let metadata = tree!({ "name": "p", "namespace": (to("team-a/namespace.name")) });
        let spec = tree!({ "ingress": [{ "from": [{ "namespaceSelector": selector }] }] });
        with([object("net/policy", tree!({ "kind": "NetworkPolicy", "metadata": metadata, "spec": spec }))])
    };
    assert_eq!(policy(tree!({})), ["error net/policy"]);
    assert_eq!(policy(tree!({ "matchLabels": { "team": "a" } })), NOTHING);
}
