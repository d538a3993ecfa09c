//! Who gets in from the internet, and which networks reach which.

use super::{found, node, short, to, worst};
use crate::object::ObjectNode;
use crate::policy::{OpenIngress, OverlappingNetworks, PublicEndpoint, Severity, SpokeIsolation};
use crate::tree;
use crate::value::Tree;

const ERROR: Option<Severity> = Some(Severity::Error);
const WARNING: Option<Severity> = Some(Severity::Warning);

/// A rule of the group `hub/sg/group`.
fn rule(name: &str, cidr: impl crate::value::ToTree, ports: Option<(u16, u16)>) -> ObjectNode {
    let mut inputs = tree!({
        "group_id": (to("hub/sg/group.id")), "direction": "ingress",
        "ip_protocol": (if ports.is_some() { "tcp" } else { "-1" }), "cidr_ipv4": cidr
    });
    if let Some((from, to)) = ports {
        inputs.set("from_port", tree!(from));
        inputs.set("to_port", tree!(to));
    }
    node(&format!("hub/sg/{name}"), "ec2.security_group_rule", inputs)
}

fn group() -> ObjectNode {
    node("hub/sg/group", "ec2.security_group", tree!({ "name": "group" }))
}

#[test]
fn a_group_open_to_the_world_is_found_however_it_is_cut() {
    let https = Some((443, 443));
    worst(&found(OpenIngress, [group(), rule("all", "0.0.0.0/0", https)]), ERROR);
    worst(&found(OpenIngress, [group(), rule("office", "203.0.113.0/24", https)]), None);

    let halves =
        found(OpenIngress, [group(), rule("low", "0.0.0.0/2", https), rule("high", "64.0.0.0/2", https)]);
    assert_eq!(short(&halves), ["error hub/sg/high", "error hub/sg/low"]);

    let quarter = |name, base: &str| rule(name, format!("{base}/5"), https);
    let parts = || {
        [
            quarter("a", "16.0.0.0"),
            quarter("b", "24.0.0.0"),
            quarter("c", "32.0.0.0"),
            quarter("d", "40.0.0.0"),
        ]
    };
    worst(&found(OpenIngress, [group()].into_iter().chain(parts())), WARNING);
    let more = [quarter("e", "48.0.0.0")];
    let sum = found(OpenIngress, [group()].into_iter().chain(parts()).chain(more));
    assert_eq!(sum.len(), 5, "{sum:#?}");
    assert!(sum[0].message.contains("together with hub/sg/b"), "{sum:#?}");
    worst(&sum, ERROR);
}

#[test]
fn ranges_add_up_at_the_same_port_alone() {
    let eighth = |name, base: &str, ports| rule(name, format!("{base}/3"), ports);
    let at = |one, other| {
        found(OpenIngress, [group(), eighth("low", "32.0.0.0", one), eighth("high", "128.0.0.0", other)])
    };
    worst(&at(Some((443, 443)), Some((80, 80))), WARNING);
    worst(&at(Some((443, 443)), Some((1, 1000))), ERROR);
    worst(&at(Some((443, 443)), None), ERROR);
}

#[test]
fn a_rule_beside_an_open_one_is_not_blamed() {
    let rules = [group(), rule("office", "198.41.0.0/24", None), rule("world", "0.0.0.0/0", None)];
    assert_eq!(short(&found(OpenIngress, rules)), ["error hub/sg/world"]);
}

#[test]
fn a_range_that_is_an_echo_is_judged_and_an_unknown_one_is_not() {
    let vpc = |cidr: &str| node("hub/vpc/vpc", "ec2.vpc", tree!({ "cidr_block": cidr }));
    let by_echo = || rule("echo", to("hub/vpc/vpc.cidr_block"), None);
    worst(&found(OpenIngress, [group(), vpc("0.0.0.0/0"), by_echo()]), ERROR);
    worst(&found(OpenIngress, [group(), vpc("10.0.0.0/16"), by_echo()]), None);
    worst(
        &found(OpenIngress, [group(), vpc("10.0.0.0/16"), rule("unknown", to("hub/vpc/vpc.id"), None)]),
        None,
    );
}

#[test]
fn what_goes_out_is_no_ingress() {
    let mut out = rule("out", "0.0.0.0/0", None);
    out.inputs.set("direction", tree!("egress"));
    worst(&found(OpenIngress, [group(), out]), None);
}

#[test]
fn ipv6_is_looked_at_too() {
    let mut world = rule("v6", "10.0.0.0/8", None);
    world.inputs.set("cidr_ipv6", tree!("::/0"));
    worst(&found(OpenIngress, [group(), world]), ERROR);
}

fn manifest(kind: &str, annotations: Tree, spec: Tree) -> ObjectNode {
    let manifest = tree!({
        "apiVersion": "v1", "kind": kind, "metadata": { "name": "x", "namespace": "a", "annotations": annotations },
        "spec": spec
    });
    node("hub/k8s/object", "k8s.object", manifest)
}

#[test]
fn a_load_balancer_that_faces_the_internet_says_for_whom() {
    const SCHEME: &str = "alb.ingress.kubernetes.io/scheme";
    const INBOUND: &str = "alb.ingress.kubernetes.io/inbound-cidrs";
    let ingress = |annotations| found(OpenIngress, [manifest("Ingress", annotations, tree!({}))]);
    worst(&ingress(tree!({ SCHEME: "internet-facing" })), ERROR);
    worst(&ingress(tree!({ SCHEME: "internet-facing", INBOUND: "10.0.0.0/8, 0.0.0.0/0" })), ERROR);
    worst(&ingress(tree!({ SCHEME: "internet-facing", INBOUND: "203.0.113.0/24" })), None);
    worst(&ingress(tree!({ SCHEME: "internal" })), None);
}

#[test]
fn a_scheme_is_found_in_the_values_of_a_chart_and_in_a_json_text() {
    let key = "service.beta.kubernetes.io/aws-load-balancer-scheme";
    for values in [
        tree!({ "ingress": { "annotations": { key: "internet-facing" } } }),
        tree!({ "config": (Tree::Json(Box::new(tree!({ "annotations": { key: "internet-facing" } })))) }),
        tree!({ "config": (format!(r#" {{"annotations": {{"{key}": "internet-facing"}}}}"#)) }),
        tree!({ "service": { "annotations": { "service.beta.kubernetes.io/aws-load-balancer-internal": "false" } } }),
    ] {
        let release = node("hub/chart/release", "helm.release", tree!({ "name": "x", "values": values }));
        worst(&found(OpenIngress, [release]), ERROR);
    }
}

#[test]
fn a_service_without_a_scheme_gets_a_public_address_from_kubernetes_alone() {
    let service = |annotations, spec| found(OpenIngress, [manifest("Service", annotations, spec)]);
    let kind = "service.beta.kubernetes.io/aws-load-balancer-type";
    worst(&service(tree!({}), tree!({ "type": "LoadBalancer" })), ERROR);
    worst(
        &service(
            tree!({}),
            tree!({ "type": "LoadBalancer", "loadBalancerSourceRanges": ["203.0.113.0/24"] }),
        ),
        None,
    );
    worst(&service(tree!({ kind: "external" }), tree!({ "type": "LoadBalancer" })), None);
    worst(&service(tree!({}), tree!({ "type": "ClusterIP" })), None);
}

#[test]
fn a_network_policy_names_who_gets_in() {
    let policy =
        |ingress| found(OpenIngress, [manifest("NetworkPolicy", tree!({}), tree!({ "ingress": [ingress] }))]);
    worst(&policy(tree!({})), ERROR);
    worst(&policy(tree!({ "from": [] })), ERROR);
    worst(&policy(tree!({ "from": [{ "ipBlock": { "cidr": "0.0.0.0/0" } }] })), ERROR);
    worst(
        &policy(
            tree!({ "from": [{ "ipBlock": { "cidr": "0.0.0.0/1" } }, { "ipBlock": { "cidr": "128.0.0.0/1" } }] }),
        ),
        ERROR,
    );
    worst(
        &policy(tree!({ "from": [{ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["8.8.8.8/32"] } }] })),
        ERROR,
    );
    worst(
        &policy(
            tree!({ "from": [{ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["0.0.0.0/1", "128.0.0.0/1"] } }] }),
        ),
        None,
    );
    worst(&policy(tree!({ "from": [{ "podSelector": {} }, { "ipBlock": { "cidr": "10.0.0.0/8" } }] })), None);
}

#[test]
fn a_public_endpoint_says_for_whom() {
    let cluster = |config| {
        let inputs = tree!({ "name": "c", "resources_vpc_config": config });
        let address = node("hub/vpc/eip", "ec2.eip", tree!({ "name": "eip" }));
        found(PublicEndpoint, [address, node("hub/eks/cluster", "eks.cluster", inputs)])
    };
    let nat = Tree::Text(vec![to("hub/vpc/eip.public_ip"), tree!("/32")]);
    worst(&cluster(tree!({ "endpoint_public_access": true })), ERROR);
    worst(&cluster(tree!({})), ERROR);
    worst(&cluster(tree!({ "endpoint_public_access": true, "public_access_cidrs": [] })), ERROR);
    worst(&cluster(tree!({ "endpoint_public_access": true, "public_access_cidrs": ["0.0.0.0/0"] })), WARNING);
    worst(
        &cluster(
            tree!({ "endpoint_public_access": true, "public_access_cidrs": ["0.0.0.0/1", "128.0.0.0/1", nat] }),
        ),
        WARNING,
    );
    worst(
        &cluster(tree!({ "endpoint_public_access": true, "public_access_cidrs": ["203.0.113.0/24", nat] })),
        None,
    );
    worst(&cluster(tree!({ "endpoint_public_access": false })), None);
}

fn vpc(region: &str, cidr: &str) -> ObjectNode {
    node(&format!("{region}/vpc/vpc"), "ec2.vpc", tree!({ "cidr_block": cidr }))
}

fn peering(one: &str, other: &str) -> ObjectNode {
    let inputs = tree!({ "vpc_id": (to(&format!("{one}/vpc/vpc.id"))), "peer_vpc_id": (to(&format!("{other}/vpc/vpc.id"))) });
    node(&format!("peering/{one}--{other}/connection"), "ec2.vpc_peering", inputs)
}

fn route(region: &str, destination: impl crate::value::ToTree) -> [ObjectNode; 2] {
    let table = tree!({ "vpc_id": (to(&format!("{region}/vpc/vpc.id"))) });
    let inputs = tree!({
        "route_table_id": (to(&format!("{region}/vpc/table.id"))), "destination_cidr_block": destination,
        "vpc_peering_connection_id": "pcx-1"
    });
    [
        node(&format!("{region}/vpc/table"), "ec2.route_table", table),
        node(&format!("{region}/vpc/route"), "ec2.route", inputs),
    ]
}

#[test]
fn networks_that_reach_each_other_differ() {
    let two = |one, other, connected: bool| {
        let peering = connected.then(|| peering("hub", "a"));
        found(OverlappingNetworks, [vpc("hub", one), vpc("a", other)].into_iter().chain(peering))
    };
    worst(&two("10.1.0.0/16", "10.1.128.0/17", true), ERROR);
    worst(&two("10.1.0.0/16", "10.2.0.0/16", true), None);
    worst(&two("10.1.0.0/16", "10.1.128.0/17", false), None);
}

#[test]
fn networks_behind_one_that_both_reach_differ() {
    let star = |one, other| {
        let nodes = [
            vpc("hub", "10.1.0.0/16"),
            vpc("a", one),
            vpc("b", other),
            peering("hub", "a"),
            peering("b", "hub"),
        ];
        found(OverlappingNetworks, nodes)
    };
    assert_eq!(short(&star("10.2.0.0/16", "10.2.0.0/20")), ["error hub/vpc/vpc"]);
    worst(&star("10.2.0.0/16", "10.3.0.0/16"), None);
}

#[test]
fn a_route_does_not_lead_to_ones_own_network() {
    let with = |destination: &str| {
        found(OverlappingNetworks, [vpc("a", "10.2.0.0/16")].into_iter().chain(route("a", destination)))
    };
    worst(&with("10.0.0.0/8"), ERROR);
    worst(&with("10.3.0.0/16"), None);
}

/// A hub with two spokes, and something more.
fn star(more: impl IntoIterator<Item = ObjectNode>) -> Vec<String> {
    let star = [
        vpc("hub", "10.1.0.0/16"),
        vpc("a", "10.2.0.0/16"),
        vpc("b", "10.3.0.0/16"),
        peering("a", "hub"),
        peering("b", "hub"),
    ];
    short(&found(SpokeIsolation::default(), star.into_iter().chain(more)))
}

#[test]
fn spokes_are_connected_with_the_hub_alone() {
    assert_eq!(star([]), [""; 0]);
    assert_eq!(star([peering("a", "b")]), ["error peering/a--b/connection"]);
    assert_eq!(star(route("a", to("b/vpc/vpc.cidr_block"))), ["error a/vpc/route"]);
    assert_eq!(star(route("a", "10.0.0.0/8")), ["error a/vpc/route"]);
    assert_eq!(star(route("a", to("hub/vpc/vpc.cidr_block"))), [""; 0]);
    assert_eq!(star(route("hub", to("b/vpc/vpc.cidr_block"))), [""; 0]);
}

#[test]
fn a_security_group_of_a_spoke_lets_no_other_spoke_in() {
    let cluster = || {
        let subnet = node("a/vpc/subnet", "ec2.subnet", tree!({ "vpc_id": (to("a/vpc/vpc.id")) }));
        let config = tree!({ "resources_vpc_config": { "subnet_ids": [(to("a/vpc/subnet.id"))] } });
        [subnet, node("a/eks/cluster", "eks.cluster", config)]
    };
    let group = |region: &str| {
        let inputs = tree!({ "vpc_id": (to(&format!("{region}/vpc/vpc.id"))) });
        node(&format!("{region}/sg/group"), "ec2.security_group", inputs)
    };
    let admits = |end: &str, value: Tree| {
        let mut inputs =
            tree!({ "group_id": (to("a/eks/cluster.cluster_security_group_id")), "direction": "ingress" });
        inputs.set(end, value);
        let rule = node("a/eks/rule", "ec2.security_group_rule", inputs);
        star(cluster().into_iter().chain([group("a"), group("b"), rule]))
    };
    assert_eq!(admits("cidr_ipv4", to("b/vpc/vpc.cidr_block")), ["error a/eks/rule"]);
    assert_eq!(admits("cidr_ipv4", tree!("10.3.4.0/24")), ["error a/eks/rule"]);
    assert_eq!(admits("referenced_group_id", to("b/sg/group.id")), ["error a/eks/rule"]);
    assert_eq!(admits("cidr_ipv4", to("hub/vpc/vpc.cidr_block")), [""; 0]);
    assert_eq!(admits("referenced_group_id", to("a/sg/group.id")), [""; 0]);
}

#[test]
fn without_a_hub_there_are_no_spokes() {
    let mesh = || [vpc("a", "10.2.0.0/16"), vpc("b", "10.3.0.0/16"), peering("a", "b")];
    worst(&found(SpokeIsolation::default(), mesh()), None);
    // Around another hub, one spoke has no other to reach.
    worst(&found(SpokeIsolation::around("a"), mesh()), None);
}
