//! Data planes: their names, users and quotas.

use super::syntax::{dns_label, email, is_placeholder, qualified_name, quantity};
use super::{Finding, Findings, region_views};
use crate::config::code::Code;
use crate::config::location::{item_path, key_path};
use crate::config::model::{DataPlane, PlatformConfig};
use crate::config::report::quoted;

/// Namespaces that belong to the platform or to Kubernetes.
const RESERVED: &[&str] = &["skypilot", "karpenter", "tailscale", "aws-observability", "default"];
const RESERVED_PREFIXES: &[&str] = &["kube-", "skypilot-"];
/// Compute resources a quota may bound, alone or behind `requests.` and `limits.`.
const COMPUTE: &[&str] = &["cpu", "memory", "ephemeral-storage"];
/// Other resources a quota may bound.
const COUNTED: &[&str] = &[
    "pods",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "replicationcontrollers",
    "resourcequotas",
    "requests.storage",
];

/// Checks every data plane of every region.
pub(super) fn check_tenants(config: &PlatformConfig, findings: &mut Findings<'_>) {
    for view in region_views(config) {
        let list = view.path_of("skypilot.data_planes");
        let tenants = view.cluster.data_planes;
        for (at, tenant) in tenants.iter().enumerate() {
            let path = item_path(&list, at);
            check_name(tenant, &tenants[..at], &list, &path, findings);
            check_users(tenant, &path, findings);
            check_quota(tenant, &path, findings);
            if tenant.user_role_arn.is_some() && tenant.policies.is_some() {
                findings.add(
                    Finding::warning(
                        Code::NoEffect,
                        key_path(&path, "policies"),
                        "`policies` has no effect beside `user_role_arn`: no role is made",
                    )
                    .on_key()
                    .hint("attach the policies to that role yourself, or remove one of the two"),
                );
            }
        }
    }
}

fn check_name(
    tenant: &DataPlane,
    earlier: &[DataPlane],
    list: &str,
    path: &str,
    findings: &mut Findings<'_>,
) {
    let at = key_path(path, "name");
    let name = tenant.name.as_str();
    if !findings.is_sound(&at) {
        return;
    }
    if let Err((message, hint)) = dns_label(name) {
        findings.add(Finding::error(Code::BadName, &at, message).hint(hint));
    } else if RESERVED.contains(&name) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        findings.add(
            Finding::error(Code::ReservedName, &at, format!("the data plane name {} is reserved", quoted(name)))
                .hint("it is, or could become, a namespace of the platform or of Kubernetes: choose another, such as team-a"),
        );
    }
    if let Some(first) = earlier.iter().position(|other| other.name == name) {
        findings.add(
            Finding::error(
                Code::DuplicateName,
                &at,
                format!("two data planes of one region have the name {}", quoted(name)),
            )
            .hint("a data plane is a namespace: give each of a region a name of its own")
            .related(key_path(&item_path(list, first), "name"), "first used here"),
        );
    }
}

fn check_users(tenant: &DataPlane, path: &str, findings: &mut Findings<'_>) {
    let list = key_path(path, "allowed_users");
    let Some(users) = &tenant.allowed_users else { return };
    if users.is_empty() && !findings.locations.is_partial(&list) {
        let message =
            format!("`allowed_users` of {} is empty: only administrators may use it", quoted(&tenant.name));
        findings.add(
            Finding::warning(Code::EmptyList, &list, message)
                .on_key()
                .hint("list the users' emails, or remove the key to let everyone in"),
        );
    }
    for (at, user) in users.iter().enumerate() {
        let item = item_path(&list, at);
        if is_placeholder(user) {
            let severity = findings.placeholder_severity();
            let message = format!("{} is still to be filled in", quoted(user));
            findings.add(
                Finding::new(severity, Code::Placeholder, item, message).hint("put the user's email here"),
            );
        } else if let Err((message, hint)) = email(user) {
            findings.add(Finding::error(Code::BadEmail, item, message).hint(hint));
        } else if users[..at].contains(user) {
            findings.add(
                Finding::warning(Code::NoEffect, item, format!("{} is listed twice", quoted(user)))
                    .hint("remove one of the two"),
            );
        }
    }
}

fn check_quota(tenant: &DataPlane, path: &str, findings: &mut Findings<'_>) {
    let map = key_path(path, "quota");
    for (resource, amount) in tenant.quota.iter().flatten() {
        let at = key_path(&map, resource);
        let bare = resource.strip_prefix("requests.").or_else(|| resource.strip_prefix("limits."));
        let known = COUNTED.contains(&resource.as_str())
            || COMPUTE.contains(&bare.unwrap_or(resource))
            || resource.starts_with("count/")
            || resource.contains(".storageclass.storage.k8s.io/")
            || (bare.is_some_and(|name| name.contains('/'))
                && qualified_name(bare.unwrap_or_default()).is_ok());
        if !known {
            let hint = match resource.as_str() {
                "gpu" | "gpus" | "nvidia.com/gpu" | "requests.gpu" => {
                    "for GPUs write `requests.nvidia.com/gpu`"
                }
                "storage" => "write `requests.storage`",
                "vcpu" | "vcpus" | "cpus" => "write `requests.cpu`",
                _ => {
                    "use names of a Kubernetes ResourceQuota, such as requests.cpu, requests.memory, pods or requests.nvidia.com/gpu"
                }
            };
            let message = format!("{} is nothing that a quota can bound", quoted(resource));
            findings.add(Finding::error(Code::BadQuota, &at, message).on_key().hint(hint));
        }
        if let Err((message, hint)) = quantity(amount) {
            findings.add(Finding::error(Code::BadQuota, &at, message).hint(hint));
        }
    }
}
