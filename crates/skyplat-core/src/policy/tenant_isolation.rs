//! [`TenantIsolation`]: no tenant reaches what is another's.
//!
//! A tenant is a namespace with the label `parent: skypilot`, in one cluster; two of one name in two clusters are two
//! tenants. What is looked for:
//!
//! * a role that service accounts of two tenants can take or are given, or of a tenant and of the platform;
//! * a role of one that the role of a tenant can take in turn;
//! * rights in the namespace of another, or in all of them (`rbac`);
//! * access to the cluster for a tenant's role, beyond the tenant's namespace;
//! * a network policy of a tenant that lets every namespace in.
//!
//! A role that was there before (`user_role_arn`) and is given to two tenants is a warning: that was written down, and
//! what it may do is not known here.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Allow, allowed, fits};
use super::rbac;
use super::subject::for_each_map;
use super::{Check, Findings, Subject};
use crate::object::ObjectNode;
use crate::value::{Address, Key, KeyPart, Tree};

/// The label of a tenant's namespace.
pub(super) const LABEL: (&str, &str) = ("parent", "skypilot");
/// The namespace that has the label and is shared by the tenants of a cluster.
pub(super) const SHARED: &str = "skypilot-system";
/// The annotation of a service account with the role that it takes.
const ROLE: &str = "eks.amazonaws.com/role-arn";
/// What the subject of a service account's token begins with.
const ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// No tenant reaches what is another's.
#[derive(Debug, Clone)]
pub struct TenantIsolation {
    shared: BTreeSet<String>,
}

impl Default for TenantIsolation {
    fn default() -> Self {
        Self { shared: BTreeSet::from([SHARED.to_owned()]) }
    }
}

impl TenantIsolation {
    /// Adds a namespace in which every tenant of a cluster may have rights.
    #[must_use]
    pub fn share(mut self, namespace: &str) -> Self {
        self.shared.insert(namespace.to_owned());
        self
    }
}

/// A namespace of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Namespace {
    pub(super) cluster: Option<Address>,
    pub(super) name: String,
}

/// The namespaces of tenants, and those that they share.
pub(super) struct Tenants<'a> {
    pub(super) namespaces: BTreeSet<Namespace>,
    pub(super) shared: &'a BTreeSet<String>,
}

impl Tenants<'_> {
    pub(super) fn has(&self, namespace: &Namespace) -> bool {
        self.namespaces.contains(namespace)
    }
}

impl Check for TenantIsolation {
    fn name(&self) -> &'static str {
        "tenant_isolation"
    }

    fn check(&self, subject: &Subject<'_>, findings: &mut Findings) {
        let is_tenant = |manifest: &&Tree| {
            let labels = manifest.at("metadata.labels");
            labels.and_then(|labels| labels.get(LABEL.0)).and_then(Tree::as_str) == Some(LABEL.1)
        };
        let namespaces = subject
            .manifests("Namespace")
            .filter(|(_, manifest)| is_tenant(manifest))
            .filter_map(|(node, manifest)| namespace(node, manifest.at("metadata.name")))
            .filter(|namespace| !self.shared.contains(&namespace.name));
        let tenants = Tenants { namespaces: namespaces.collect(), shared: &self.shared };
        let uses = uses(subject);
        shared_roles(&tenants, &uses, findings);
        trusts(subject, &tenants, &uses, findings);
        chains(subject, &tenants, &uses, findings);
        rbac::check(subject, &tenants, findings);
        access_entries(subject, &tenants, &uses, findings);
        network_policies(subject, &tenants, findings);
    }
}

/// Returns the namespace of this name in the cluster of an object.
pub(super) fn namespace(node: &ObjectNode, name: Option<&Tree>) -> Option<Namespace> {
    let name = name.and_then(Tree::as_str)?.to_owned();
    Some(Namespace { cluster: node.placement.container.clone(), name })
}

/// A role as a service account names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// One of the graph.
    Made(Address),
    /// One that was there before.
    Given(String),
}

impl Role {
    /// Returns whether two namespaces that have the role are those of two.
    fn parts(&self, one: &Namespace, other: &Namespace) -> bool {
        match self {
            Self::Made(_) => one != other,
            // One tenant may have namespaces of its name in several clusters.
            Self::Given(_) => one.name != other.name,
        }
    }
}

/// A service account that takes a role.
struct Use<'a> {
    address: &'a Address,
    namespace: Namespace,
    role: Role,
}

/// Returns which service accounts take which roles: those that are objects, and those that charts make.
fn uses<'a>(subject: &Subject<'a>) -> Vec<Use<'a>> {
    let mut uses = Vec::new();
    for (node, inputs) in subject.objects() {
        let of = match node.kind.as_str() {
            "k8s.object" => namespace(node, inputs.at("metadata.namespace")),
            "helm.release" => namespace(node, inputs.get("namespace")),
            _ => None,
        };
        let Some(of) = of else { continue };
        let mut add = |role| uses.push(Use { address: &node.address, namespace: of.clone(), role });
        for_each_map(&node.inputs, &mut |map| match map.get(ROLE) {
            Some(Tree::String(arn)) => add(Role::Given(arn.to_string())),
            value => {
                if let Some(role) = subject.referred(value) {
                    add(Role::Made(role.clone()));
                }
            }
        });
    }
    uses
}

/// No two namespaces take one role, if one of them is a tenant's.
fn shared_roles(tenants: &Tenants<'_>, uses: &[Use<'_>], findings: &mut Findings) {
    let mut by_role: BTreeMap<&Role, Vec<&Use<'_>>> = BTreeMap::new();
    for user in uses {
        by_role.entry(&user.role).or_default().push(user);
    }
    for (role, together) in by_role {
        for user in together.iter().filter(|user| tenants.has(&user.namespace)) {
            let others = together.iter().filter(|other| role.parts(&other.namespace, &user.namespace));
            let others: BTreeSet<&str> = others.map(|other| other.namespace.name.as_str()).collect();
            if others.is_empty() {
                continue;
            }
            let others = others.into_iter().collect::<Vec<_>>().join(", ");
            let name = &user.namespace.name;
            match role {
                Role::Made(role) => findings
                    .error(user.address, format!("{name} is given the role {role}, which {others} has too")),
                Role::Given(arn) => findings
                    .warning(user.address, format!("{name} is given the role {arn}, which {others} has too")),
            }
            .hint("give every tenant a role of its own");
        }
    }
}

/// No role can be taken by a tenant's service account and is another's, or can be taken by another's too.
fn trusts(subject: &Subject<'_>, tenants: &Tenants<'_>, uses: &[Use<'_>], findings: &mut Findings) {
    for (node, _) in subject.of_kind("iam.role") {
        let accounts = accounts(subject, node);
        let taken = takers(tenants, &accounts);
        let owners = owners(uses, &Role::Made(node.address.clone()));
        let elsewhere =
            accounts.iter().filter(|account| !taken.iter().any(|tenant| account.may_be_in(tenant)));
        let elsewhere: BTreeSet<&str> = elsewhere.map(|account| account.namespace.as_str()).collect();
        let names: Vec<&str> = taken.iter().map(|tenant| tenant.name.as_str()).collect();
        let hint = "let the service account of one namespace take it";
        if names.len() > 1 || !names.is_empty() && !elsewhere.is_empty() {
            let all = names.iter().copied().chain(elsewhere).collect::<Vec<_>>().join(", ");
            findings
                .error(&node.address, format!("service accounts of several namespaces can take it: {all}"))
                .hint(hint);
        }
        for tenant in taken.iter().filter(|tenant| !owners.is_empty() && !owners.contains(*tenant)) {
            let own = owners.iter().map(|owner| owner.name.as_str()).collect::<Vec<_>>().join(", ");
            let message =
                format!("it is the role of {own}, and service accounts of {} can take it", tenant.name);
            findings.error(&node.address, message).hint(hint);
        }
    }
}

/// Returns the tenants of which service accounts can take a role.
fn takers<'t>(tenants: &'t Tenants<'_>, accounts: &[Accounts]) -> BTreeSet<&'t Namespace> {
    let takes = |tenant: &&Namespace| accounts.iter().any(|account| account.may_be_in(tenant));
    tenants.namespaces.iter().filter(takes).collect()
}

/// Returns the namespaces of service accounts that are given a role.
fn owners<'u>(uses: &'u [Use<'_>], role: &Role) -> BTreeSet<&'u Namespace> {
    uses.iter().filter(|user| user.role == *role).map(|user| &user.namespace).collect()
}

/// No role is another's that the role of a tenant can take.
fn chains(subject: &Subject<'_>, tenants: &Tenants<'_>, uses: &[Use<'_>], findings: &mut Findings) {
    let holders = |role: &Role, node: Option<&ObjectNode>| -> BTreeSet<Namespace> {
        let accounts = node.map(|node| accounts(subject, node)).unwrap_or_default();
        takers(tenants, &accounts).union(&owners(uses, role)).map(|holder| (*holder).clone()).collect()
    };
    for (node, _) in subject.of_kind("iam.role") {
        let own = holders(&Role::Made(node.address.clone()), Some(node));
        let document = node.inputs.get("assume_role_policy_document").unwrap_or(&Tree::Null);
        for principal in allowed(document).iter().flat_map(Allow::raw_aws_principals) {
            let taker = match (subject.referred(Some(principal)), principal.as_str()) {
                (Some(role), _) => Role::Made(role.clone()),
                (None, Some(arn)) => Role::Given(arn.to_owned()),
                (None, None) => continue,
            };
            let taker_node = subject.referred(Some(principal)).and_then(|role| subject.graph().get(role));
            for tenant in holders(&taker, taker_node).iter().filter(|holder| tenants.has(holder)) {
                let others = own.iter().filter(|other| taker.parts(other, tenant));
                let others: Vec<&str> = others.map(|other| other.name.as_str()).collect();
                if !others.is_empty() {
                    let others = others.join(", ");
                    let message =
                        format!("it is the role of {others}, and the role of {} can take it", tenant.name);
                    findings.error(&node.address, message).hint("let no role of a tenant take it");
                }
            }
        }
    }
}

/// Service accounts that can take a role, as its trust names them.
struct Accounts {
    /// The cluster whose tokens are meant; none when the issuer is written out.
    cluster: Option<Address>,
    /// The namespace, a pattern where the operator takes one.
    namespace: String,
    is_pattern: bool,
}

impl Accounts {
    fn may_be_in(&self, tenant: &Namespace) -> bool {
        let same_cluster =
            self.cluster.is_none() || tenant.cluster.is_none() || self.cluster == tenant.cluster;
        let same_name =
            if self.is_pattern { fits(&self.namespace, &tenant.name) } else { self.namespace == tenant.name };
        same_cluster && same_name
    }
}

/// Returns which service accounts can take a role.
fn accounts(subject: &Subject<'_>, role: &ObjectNode) -> Vec<Accounts> {
    let mut found = Vec::new();
    let document = role.inputs.get("assume_role_policy_document").unwrap_or(&Tree::Null);
    for statement in allowed(document) {
        for (operator, key, values) in statement.raw_conditions() {
            let is_subject = match key {
                Key::Literal(text) => text.ends_with(":sub"),
                Key::Text(parts) => {
                    matches!(parts.last(), Some(KeyPart::Literal(text)) if text.ends_with(":sub"))
                }
            };
            if !is_subject {
                continue;
            }
            let issuer = match key {
                Key::Text(parts) => parts.iter().find_map(|part| match part {
                    KeyPart::Ref(reference) => subject.referred(Some(&Tree::Ref(reference.clone()))),
                    KeyPart::Literal(_) => None,
                }),
                Key::Literal(_) => None,
            };
            for value in values {
                let Some(account) = value.strip_prefix(ACCOUNT_PREFIX) else { continue };
                let namespace =
                    account.split_once(':').map_or(account, |(namespace, _)| namespace).to_owned();
                found.push(Accounts {
                    cluster: issuer.cloned(),
                    namespace,
                    is_pattern: operator.ends_with("Like"),
                });
            }
        }
    }
    found
}

/// A tenant's role gets into a cluster for the tenant's namespace alone.
fn access_entries(subject: &Subject<'_>, tenants: &Tenants<'_>, uses: &[Use<'_>], findings: &mut Findings) {
    for (node, inputs) in subject.of_kind("eks.access_entry") {
        let role = subject.referred(node.inputs.get("principal_arn"));
        let arn = inputs.get("principal_arn").and_then(Tree::as_str);
        let is_it = |user: &&Use<'_>| match &user.role {
            Role::Made(address) => role == Some(address),
            Role::Given(given) => arn == Some(given.as_str()),
        };
        let Some(taker) = uses.iter().filter(is_it).find(|user| tenants.has(&user.namespace)) else {
            continue;
        };
        let policies = inputs.get("access_policies").and_then(Tree::as_list).unwrap_or_default();
        let reaches = |policy: &Tree| match policy.get("access_scope") {
            Some(scope) if scope.get("type").and_then(Tree::as_str) == Some("namespace") => {
                let namespaces = scope.get("namespaces").map(super::document::texts).unwrap_or_default();
                namespaces.iter().any(|name| *name != taker.namespace.name)
            }
            _ => true,
        };
        if policies.iter().any(reaches) {
            let message =
                format!("it lets the role of {} into more than the tenant's namespace", taker.namespace.name);
            findings.error(&node.address, message).hint("give the access policy the scope of that namespace");
        }
    }
}

/// A tenant's network policy does not let every namespace in.
fn network_policies(subject: &Subject<'_>, tenants: &Tenants<'_>, findings: &mut Findings) {
    for (node, manifest) in subject.manifests("NetworkPolicy") {
        let of = namespace(node, manifest.at("metadata.namespace"));
        let Some(tenant) = of.filter(|namespace| tenants.has(namespace)) else { continue };
        let rules = manifest.at("spec.ingress").and_then(Tree::as_list).unwrap_or_default();
        let peers = rules.iter().filter_map(|rule| rule.get("from").and_then(Tree::as_list)).flatten();
        let every = |peer: &Tree| {
            peer.get("namespaceSelector").and_then(Tree::as_map).is_some_and(crate::value::Map::is_empty)
        };
        if peers.into_iter().any(every) {
            let message = format!("it lets pods of every namespace reach those of {}", tenant.name);
            findings.error(&node.address, message).hint("select the namespaces that are meant");
        }
    }
}
