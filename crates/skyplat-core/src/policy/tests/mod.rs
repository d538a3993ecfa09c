//! Tests of the built-in checks: for each the smallest graph that breaks it and one that just does not ([`network`],
//! [`identity`], [`tenants`], [`loss`]), the platform with one thing changed by hand ([`platform`]), and how verdicts come
//! about ([`verdicts`]).

mod identity;
mod loss;
mod network;
mod platform;
mod tenants;
mod verdicts;

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Checks, Consents, Finding, Severity, Subject};
use crate::graph::ObjectGraph;
use crate::ids::{AccountId, Region};
use crate::object::{Class, FieldRules, ObjectNode, OnDelete, Placement};
use crate::state::{Stack, State};
use crate::value::{Address, DigestKey, Reference, Tree};

const ACCOUNT: &str = "123456789012";

fn state() -> State {
    State::new(Stack { name: "dev".into(), id: "0".into() }, DigestKey::new([0; 32]))
}

/// An object of the resource that its address names; its outputs `cidr_block` and `name` repeat inputs.
fn node(address: &str, kind: &str, inputs: Tree) -> ObjectNode {
    let resource = address.rsplit_once('/').map_or(address, |(resource, _)| resource);
    let name = if kind == "k8s.object" { "metadata.name" } else { "name" };
    ObjectNode {
        address: address.into(),
        kind: kind.into(),
        class: Class::Owned,
        resource: resource.into(),
        placement: Placement {
            account: AccountId::new(ACCOUNT),
            region: Some(Region::new("us-west-2")),
            container: None,
        },
        inputs,
        natural_key: None,
        exclusive: None,
        rules: FieldRules::new().into(),
        echoes: BTreeMap::from([
            ("cidr_block".to_owned(), "cidr_block".to_owned()),
            ("name".to_owned(), name.to_owned()),
        ])
        .into(),
        secret_outputs: BTreeSet::new(),
        after: BTreeSet::new(),
        protect: false,
        on_delete: OnDelete::Delete,
    }
}

/// A reference: `hub/vpc/vpc.id`.
fn to(text: &str) -> Tree {
    let (object, field) = text.rsplit_once('.').unwrap();
    Tree::Ref(Reference { object: Address::new(object), field: field.into() })
}

fn graph(nodes: impl IntoIterator<Item = ObjectNode>) -> ObjectGraph {
    ObjectGraph::new(Vec::new(), nodes.into_iter().collect(), BTreeMap::new()).unwrap()
}

/// What one check finds, without a plan.
fn found(check: impl Check + 'static, nodes: impl IntoIterator<Item = ObjectNode>) -> Vec<Finding> {
    let (graph, state) = (graph(nodes), state());
    Checks::none().with(check).judge(&Subject::new(&graph, None, &state), &Consents::none()).findings
}

/// The findings in short: `error hub/a`.
fn short(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {}", finding.severity.as_str(), finding.address)).collect()
}

/// Fails unless the worst finding is of this severity; none for no finding at all.
#[track_caller]
fn worst(findings: &[Finding], severity: Option<Severity>) {
    assert_eq!(findings.first().map(|finding| finding.severity), severity, "{findings:#?}");
    assert!(findings.iter().all(|finding| finding.hint.is_some()), "every finding has a hint: {findings:#?}");
}
