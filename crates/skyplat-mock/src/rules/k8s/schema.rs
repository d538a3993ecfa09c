//! What an API server checks of a manifest by itself: names, labels, sizes, and the values that schemas allow.
//!
//! A refusal is `422 Invalid`, or `400 BadRequest` for what is no manifest at all.

use skyplat_core::executor::ExecError;
use skyplat_core::ids::Cidr;
use skyplat_core::value::{Key, Tree, resolve::plain_json};

use crate::rules::error::invalid;
use crate::rules::{Call, texts};

/// Kinds that belong to no namespace, among those that the platform uses and their kin.
const OF_THE_CLUSTER: &[&str] = &[
    "APIService",
    "CSIDriver",
    "ClusterRole",
    "ClusterRoleBinding",
    "Connector",
    "CustomResourceDefinition",
    "EC2NodeClass",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "NodeClaim",
    "NodePool",
    "PersistentVolume",
    "PriorityClass",
    "ProxyClass",
    "RuntimeClass",
    "StorageClass",
    "ValidatingWebhookConfiguration",
];

fn refuse(field: &str, value: &str) -> Result<(), ExecError> {
    Err(invalid("422 Invalid", format!("{field}: Invalid value: {value:?}")))
}

/// Judges a manifest of a group and kind.
pub(super) fn check(call: &Call<'_>, group: &str) -> Result<(), ExecError> {
    let (kind, manifest) = (call.text("kind"), &call.object.inputs);
    let namespace = call.text("metadata.namespace");
    if OF_THE_CLUSTER.contains(&kind) && !namespace.is_empty() {
        // As a real one (1.36.2) answers a request for the whole cluster with a namespace in its body.
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(invalid("400 BadRequest", message));
    }
    if manifest.at("metadata.managedFields").is_some_and(|fields| *fields != Tree::Null) {
        // Measured: what a GET gave cannot be applied as it is.
        return Err(invalid("400 BadRequest", "metadata.managedFields must be nil"));
    }
    name(group, kind, call.text("metadata.name"))?;
    labels(manifest)?;
    size(kind, manifest)?;
    match kind {
        "NodePool" => node_pool(manifest),
        "EC2NodeClass" => node_class(manifest),
        "Connector" => connector(manifest),
        _ => Ok(()),
    }
}

/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>: names are subdomains of DNS, those of
/// namespaces and services one label, and those of RBAC segments of a path.
fn name(group: &str, kind: &str, name: &str) -> Result<(), ExecError> {
    let is_label = |label: &str| {
        let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        label.starts_with(is_end)
            && label.ends_with(is_end)
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let fits = match kind {
        _ if group == "rbac.authorization.k8s.io" => {
            !name.contains(['/', '%']) && name != "." && name != ".."
        }
        "Namespace" | "Service" => name.len() <= 63 && is_label(name),
        _ => name.len() <= 253 && name.split('.').all(is_label),
    };
    if fits { Ok(()) } else { refuse("metadata.name", name) }
}

/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/>: 63 characters, a letter or digit at both ends.
fn labels(manifest: &Tree) -> Result<(), ExecError> {
    let is_plain = |text: &str| {
        let is_end = |c: char| c.is_ascii_alphanumeric();
        text.len() <= 63
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            && (text.is_empty() || text.starts_with(is_end) && text.ends_with(is_end))
    };
    for (key, value) in manifest.at("metadata.labels").and_then(Tree::as_map).into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        if !is_plain(value) {
            return refuse("metadata.labels", value);
        }
        let Key::Literal(key) = key else { continue };
        let name = key.rsplit('/').next().unwrap_or_default();
        if name.is_empty() || !is_plain(name) {
            return refuse("metadata.labels", key);
        }
    }
    Ok(())
}

/// <https://kubernetes.io/docs/concepts/configuration/secret/>, configmap: at most 1 MiB.
fn size(kind: &str, manifest: &Tree) -> Result<(), ExecError> {
    const MOST: usize = 1 << 20;
    if !["ConfigMap", "Secret"].contains(&kind) {
        return Ok(());
    }
    let fields = ["data", "stringData", "binaryData"].into_iter().filter_map(|field| manifest.get(field));
    let size: usize = fields.map(|field| plain_json(field).to_string().len()).sum();
    if size <= MOST {
        return Ok(());
    }
    Err(invalid("422 Invalid", format!("data: Too long: must have at most {MOST} bytes")))
}

/// The schema of karpenter.sh/v1 (1.14.1): requirements and disruption.
fn node_pool(manifest: &Tree) -> Result<(), ExecError> {
    let requirements =
        manifest.at("spec.template.spec.requirements").and_then(Tree::as_list).unwrap_or_default();
    if requirements.len() > 100 {
        return refuse("spec.template.spec.requirements", "more than 100");
    }
    for requirement in requirements {
        let text = |key: &str| requirement.get(key).and_then(Tree::as_str).unwrap_or_default();
        let operator = text("operator");
        if !["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"].contains(&operator) {
            return refuse("spec.template.spec.requirements.operator", operator);
        }
        if operator == "In" && texts(requirement, "values").is_empty() {
            return refuse(
                "spec.template.spec.requirements",
                "requirements with operator 'In' must have a value defined",
            );
        }
    }
    let policy = manifest.at("spec.disruption.consolidationPolicy").and_then(Tree::as_str);
    match policy {
        Some(policy) if !["WhenEmpty", "WhenEmptyOrUnderutilized", "Balanced"].contains(&policy) => {
            refuse("spec.disruption.consolidationPolicy", policy)
        }
        _ => Ok(()),
    }
}

/// The schema of karpenter.k8s.aws/v1 (1.14.1): a role or an instance profile, not both, and sizes with units.
fn node_class(manifest: &Tree) -> Result<(), ExecError> {
    if manifest.at("spec.role").is_some() && manifest.at("spec.instanceProfile").is_some() {
        return refuse("spec", "must specify exactly one of ['role', 'instanceProfile']");
    }
    for device in manifest.at("spec.blockDeviceMappings").and_then(Tree::as_list).unwrap_or_default() {
        let size = device.at("ebs.volumeSize").and_then(Tree::as_str).unwrap_or("1Gi");
        let digits = size.trim_end_matches(|c: char| !c.is_ascii_digit());
        if digits.is_empty() || !["Gi", "G", "Ti", "T"].contains(&&size[digits.len()..]) {
            return refuse("spec.blockDeviceMappings.ebs.volumeSize", size);
        }
    }
    Ok(())
}

/// The schema of tailscale.com/v1alpha1 (1.102.3): host name, tags and routes.
fn connector(manifest: &Tree) -> Result<(), ExecError> {
    if let Some(host) = manifest.at("spec.hostname").and_then(Tree::as_str) {
        let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_plain = host.chars().all(|c| is_end(c) || c == '-');
        if !(2..=63).contains(&host.len())
            || !is_plain
            || !host.starts_with(is_end)
            || !host.ends_with(is_end)
        {
            return refuse("spec.hostname", host);
        }
    }
    for tag in texts(manifest, "spec.tags") {
        let name = tag.strip_prefix("tag:").unwrap_or_default();
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !is_plain || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return refuse("spec.tags", tag);
        }
    }
    match texts(manifest, "spec.subnetRouter.advertiseRoutes")
        .into_iter()
        .find(|route| route.parse::<Cidr>().is_err())
    {
        Some(route) => refuse("spec.subnetRouter.advertiseRoutes", route),
        None => Ok(()),
    }
}
