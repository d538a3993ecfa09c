//! Who may take which role: every policy document of a lowered platform is looked at.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use skyplat::graph::ObjectGraph;
use skyplat::object::ObjectNode;
use skyplat::value::{Address, Key, KeyPart, Tree};

use crate::cases;
use crate::configs::{Size, platform};
use crate::stand::{Stand, simulate};

/// Calls `visit` with every statement of every document inside of a tree.
fn statements<'t>(tree: &'t Tree, visit: &mut impl FnMut(&'t Tree)) {
    match tree {
        Tree::Map(map) => {
            if let Some(Tree::List(statements)) = tree.get("Statement") {
                statements.iter().for_each(&mut *visit);
            }
            for value in map.values() {
                statements(value, visit);
            }
        }
        Tree::List(items) | Tree::Text(items) => items.iter().for_each(|item| statements(item, visit)),
        Tree::Json(inner) => statements(inner, visit),
        _ => {}
    }
}

/// The cluster and the account that a federated statement trusts.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Trusted {
    cluster: Address,
    subject: String,
}

/// Returns whom a statement trusts when it trusts an identity provider, after checking that it pins all there is to pin.
fn pinned(graph: &ObjectGraph, role: &ObjectNode, statement: &Tree) -> Option<Trusted> {
    let provider = match statement.at("Principal.Federated")? {
        Tree::Ref(reference) => &reference.object,
        other => panic!("{} trusts {other:?}", role.address),
    };
    let address = &role.address;
    assert_eq!(statement.get("Effect"), Some(&Tree::String("Allow".into())), "{address}");
    assert_eq!(
        statement.get("Action"),
        Some(&Tree::String("sts:AssumeRoleWithWebIdentity".into())),
        "{address}"
    );
    // The provider of which cluster, and the claims that are compared, each with its cluster.
    let url = graph.get(provider).unwrap().inputs.get("url").unwrap();
    let mut clusters = BTreeSet::new();
    url.for_each_ref(&mut |reference| {
        clusters.insert(reference.object.clone());
    });
    assert_eq!(clusters.len(), 1, "{provider} is of one cluster");
    let cluster = clusters.pop_first().unwrap();
    let mut claims: BTreeMap<String, Vec<(String, Vec<String>)>> = BTreeMap::new();
    for (operator, keys) in statement.get("Condition").and_then(Tree::as_map).into_iter().flatten() {
        for (key, values) in keys.as_map().unwrap() {
            let Key::Text(parts) = key else { panic!("{address} has the condition {key:?}") };
            let [KeyPart::Ref(issuer), KeyPart::Literal(claim)] = parts.as_slice() else {
                panic!("{address} has the condition {key:?}")
            };
            assert_eq!(issuer.object, cluster, "{address} compares the claims of another cluster");
            let values = match values {
                Tree::List(values) => values.iter().map(|value| value.as_str().unwrap().to_owned()).collect(),
                value => vec![value.as_str().unwrap().to_owned()],
            };
            let Key::Literal(operator) = operator else { panic!("{address}") };
            claims.entry(claim.to_string()).or_default().push((operator.to_string(), values));
        }
    }
    let exactly = |claim: &str| -> String {
        let pins = claims.get(claim).unwrap_or_else(|| panic!("{address} does not pin {claim}"));
        let pin = pins.iter().find(|(operator, values)| operator == "StringEquals" && values.len() == 1);
        pin.unwrap_or_else(|| panic!("{address} pins {claim} to {pins:?}")).1[0].clone()
    };
    assert_eq!(exactly(":aud"), "sts.amazonaws.com", "{address}");
    let subject = exactly(":sub");
    let parts: Vec<&str> = subject.split(':').collect();
    let is_account = matches!(parts.as_slice(), ["system", "serviceaccount", namespace, name]
        if !namespace.is_empty() && !name.is_empty());
    assert!(is_account && !subject.contains('*'), "{address} trusts {subject}");
    Some(Trusted { cluster, subject })
}

/// Service accounts whose role is in their annotation, as objects: who they are, and which role.
fn annotated(graph: &ObjectGraph) -> Vec<(Trusted, Address)> {
    let accounts = graph.nodes().values().filter(|node| {
        node.kind.as_str() == "k8s.object"
            && node.inputs.get("kind") == Some(&Tree::String("ServiceAccount".into()))
    });
    accounts
        .filter_map(|account| {
            let annotations = account.inputs.at("metadata.annotations")?;
            let Tree::Ref(role) = annotations.get("eks.amazonaws.com/role-arn")? else { return None };
            let namespace = match account.inputs.at("metadata.namespace")? {
                Tree::Ref(namespace) => graph.get(&namespace.object)?.name()?,
                other => other.as_str()?,
            };
            let subject = format!("system:serviceaccount:{namespace}:{}", account.name()?);
            Some((Trusted { cluster: account.placement.container.clone()?, subject }, role.object.clone()))
        })
        .collect()
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn every_role_of_a_pod_pins_the_account_and_the_audience(platform in platform(Size { spokes: 4, ..Size::FULL })) {
        let text = platform.plain();
        let graph = simulate(|| async { Stand::new().describe(Some(&text)).await.unwrap().graph });
        let mut trusted: BTreeMap<Address, Vec<Trusted>> = BTreeMap::new();
        for node in graph.nodes().values() {
            statements(&node.inputs, &mut |statement| {
                if let Some(who) = pinned(&graph, node, statement) {
                    trusted.entry(node.address.clone()).or_default().push(who);
                }
                let anyone = statement.get("Principal").is_some_and(|principal| {
                    principal.as_str() == Some("*") || principal.get("AWS").and_then(Tree::as_str) == Some("*")
                });
                let denies = statement.get("Effect") == Some(&Tree::String("Deny".into()));
                assert!(!anyone || denies, "{} trusts anyone", node.address);
            });
        }
        let clusters = graph.nodes().values().filter(|node| node.kind.as_str() == "eks.cluster").count();
        prop_assert!(trusted.len() >= clusters, "a cluster has pods with roles");
        // One role, one account.
        prop_assert!(trusted.values().all(|who| who.len() == 1), "{trusted:?}");
        // An account that is given a role can take it.
        for (account, role) in annotated(&graph) {
            prop_assert_eq!(trusted.get(&role), Some(&vec![account]), "{}", role);
        }
    }
}
