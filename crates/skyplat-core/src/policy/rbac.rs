//! What Kubernetes roles give to tenants' service accounts outside of their namespaces; part of
//! [`TenantIsolation`](super::TenantIsolation).
//!
//! A binding in a namespace must be for accounts of that namespace. A binding in the whole cluster may let a tenant look
//! at what belongs to no namespace; looking into every namespace is a warning, since it shows other tenants' names and
//! specs, and everything else an error.

use super::document::{known_text, texts};
use super::tenant_isolation::{Namespace, Tenants, namespace};
use super::{Findings, Severity, Subject};
use crate::object::ObjectNode;
use crate::value::Tree;

/// Verbs that only look.
const READ: [&str; 3] = ["get", "list", "watch"];
/// Resources that belong to no namespace and hold no secret.
const OF_THE_CLUSTER: [&str; 16] = [
    "apiservices",
    "clusterroles",
    "clusterrolebindings",
    "componentstatuses",
    "csidrivers",
    "csinodes",
    "customresourcedefinitions",
    "ingressclasses",
    "namespaces",
    "nodes",
    "persistentvolumes",
    "priorityclasses",
    "runtimeclasses",
    "storageclasses",
    "volumeattachments",
    "volumeattributesclasses",
];
/// Groups that every service account is in.
const EVERYONE: [&str; 3] = ["system:authenticated", "system:serviceaccounts", "system:unauthenticated"];
const HINT: &str = "bind a Role in the tenant's own namespace";

/// Who gets rights by a binding.
enum Who {
    /// Accounts of one namespace.
    In(String),
    /// Everybody.
    Everyone,
}

/// Looks at every binding.
pub(super) fn check(subject: &Subject<'_>, tenants: &Tenants<'_>, findings: &mut Findings) {
    for (node, manifest) in subject.manifests("RoleBinding") {
        let Some(place) = namespace(node, manifest.at("metadata.namespace")) else { continue };
        for who in subjects(manifest) {
            let message = match who {
                Who::Everyone if tenants.has(&place) => {
                    format!("it gives every service account rights in the namespace {}", place.name)
                }
                Who::In(name) if is_foreign(node, &name, &place, tenants) => {
                    format!("it gives service accounts of {name} rights in the namespace {}", place.name)
                }
                _ => continue,
            };
            findings.error(&node.address, message).hint(HINT);
        }
    }
    for (node, manifest) in subject.manifests("ClusterRoleBinding") {
        for who in subjects(manifest) {
            let same_cluster = |tenant: &&Namespace| tenant.cluster == node.placement.container;
            let mut all = tenants.namespaces.iter().filter(same_cluster);
            let who = match who {
                Who::Everyone if all.next().is_some() => "every service account".to_owned(),
                Who::In(name) if all.any(|tenant| tenant.name == name) => {
                    format!("service accounts of {name}")
                }
                _ => continue,
            };
            let role = manifest.at("roleRef.name").map(known_text).unwrap_or_default();
            for (severity, what) in rights(subject, node, &role) {
                let message = format!("it gives {who} rights in every namespace: {what}");
                match severity {
                    Severity::Error => findings.error(&node.address, message),
                    Severity::Warning => findings.warning(&node.address, message),
                }
                .hint(HINT);
            }
        }
    }
}

/// Returns whether a tenant's accounts get rights in another namespace, or another namespace's in a tenant's.
fn is_foreign(node: &ObjectNode, name: &str, place: &Namespace, tenants: &Tenants<'_>) -> bool {
    let from = Namespace { cluster: node.placement.container.clone(), name: name.to_owned() };
    let is_shared = tenants.has(&from) && tenants.shared.contains(&place.name);
    from != *place && (tenants.has(&from) || tenants.has(place)) && !is_shared
}

fn subjects(binding: &Tree) -> Vec<Who> {
    let subjects = binding.get("subjects").and_then(Tree::as_list).unwrap_or_default();
    let text =
        |subject: &Tree, field| subject.get(field).and_then(Tree::as_str).unwrap_or_default().to_owned();
    let who = |subject: &Tree| {
        let name = text(subject, "name");
        match text(subject, "kind").as_str() {
            "ServiceAccount" => Some(Who::In(text(subject, "namespace"))),
            "Group" if EVERYONE.contains(&name.as_str()) => Some(Who::Everyone),
            "Group" => name.strip_prefix("system:serviceaccounts:").map(|name| Who::In(name.to_owned())),
            "User" if name == "system:anonymous" => Some(Who::Everyone),
            "User" => {
                let account =
                    name.strip_prefix("system:serviceaccount:").and_then(|name| name.split_once(':'));
                account.map(|(namespace, _)| Who::In(namespace.to_owned()))
            }
            _ => None,
        }
    };
    subjects.iter().filter_map(who).collect()
}

/// Returns what a ClusterRole of the same cluster gives that a tenant should not have everywhere.
fn rights(subject: &Subject<'_>, node: &ObjectNode, name: &str) -> Vec<(Severity, String)> {
    let role = subject.manifests("ClusterRole").find(|(role, manifest)| {
        let same = manifest.at("metadata.name").and_then(Tree::as_str) == Some(name);
        same && role.placement.container == node.placement.container
    });
    let Some((_, role)) = role else {
        return match name {
            "admin" | "cluster-admin" | "edit" => vec![(Severity::Error, format!("those of {name}"))],
            "view" => vec![(Severity::Warning, "those of view".to_owned())],
            // Somebody else's, which is not known here.
            _ => Vec::new(),
        };
    };
    let rules = role.get("rules").and_then(Tree::as_list).unwrap_or_default();
    rules.iter().filter_map(right).collect()
}

/// Judges one rule of a ClusterRole.
fn right(rule: &Tree) -> Option<(Severity, String)> {
    let list = |field| rule.get(field).map(texts).unwrap_or_default();
    let (resources, verbs) = (list("resources"), list("verbs"));
    let what = format!("{} {}", verbs.join(", "), resources.join(", "));
    if resources.is_empty() {
        return None;
    }
    // `pods/log` is as much of the namespace as the pod.
    let kind = |resource: &String| resource.split('/').next().unwrap_or_default().to_owned();
    let about_itself = |resource: &String| resource.starts_with("selfsubject");
    if resources.iter().all(about_itself) {
        return None;
    }
    let only_reads = verbs.iter().all(|verb| READ.contains(&verb.as_str()));
    let secret = resources.iter().any(|resource| matches!(kind(resource).as_str(), "*" | "secrets"));
    let proxies =
        resources.iter().any(|resource| resource.ends_with("/proxy") || resource.ends_with("/exec"));
    if !only_reads || secret || proxies {
        return Some((Severity::Error, what));
    }
    let of_namespaces = resources.iter().any(|resource| !OF_THE_CLUSTER.contains(&kind(resource).as_str()));
    of_namespaces.then_some((Severity::Warning, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn a_rule_is_judged_by_what_it_reaches() {
        let judged = |resources: &[&str], verbs: &[&str]| {
            let rule = tree!({ "apiGroups": [""], "resources": resources, "verbs": verbs });
            right(&rule).map(|(severity, _)| severity)
        };
        assert_eq!(judged(&["nodes", "namespaces"], &["get", "list", "watch"]), None);
        assert_eq!(judged(&["selfsubjectaccessreviews"], &["create"]), None);
        assert_eq!(judged(&["pods"], &["list"]), Some(Severity::Warning));
        assert_eq!(judged(&["nodes", "pods/log"], &["get"]), Some(Severity::Warning));
        for (resources, verbs) in [
            (&["secrets"][..], &["get"][..]),
            (&["*"], &["get"]),
            (&["pods"], &["list", "delete"]),
            (&["pods"], &["*"]),
            (&["nodes/proxy"], &["get"]),
            (&["pods/exec"], &["get"]),
            (&["clusterroles"], &["update"]),
        ] {
            assert_eq!(judged(resources, verbs), Some(Severity::Error), "{resources:?} {verbs:?}");
        }
    }
}
