//! What EKS checks of access entries: `CreateAccessEntry`, `AssociateAccessPolicy`.

use skyplat_core::executor::ExecError;
use skyplat_core::value::Tree;

use crate::rules::error::{self, invalid};
use crate::rules::visible::{self, Seen};
use crate::rules::{Call, texts};
use crate::world::Thing;

/// Types of entries; only the first lets people in, the others are for nodes.
const TYPES: [&str; 6] = ["STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX"];

/// Judges an entry.
pub(super) fn check(call: &Call<'_>) -> Result<(), ExecError> {
    let refuse = |why: String| Err(invalid("InvalidParameterException", why));
    // https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html: the principal must exist, and is no
    // service-linked role.
    let arn = call.text("principal_arn");
    match visible::principal(call, arn) {
        Seen::Yes if arn.contains(":role/aws-service-role/") => {
            return refuse(format!("{arn} is a service-linked role"));
        }
        Seen::Yes if arn.contains(":role/") || arn.contains(":user/") => {}
        Seen::NotYet => return Err(visible::not_yet("InvalidParameterException", arn)),
        _ => return refuse(format!("the principal {arn:?} does not exist")),
    }
    let cluster = call.text("cluster_name");
    let is_same = |other: &Thing| {
        other.text("cluster_name") == Some(cluster) && other.text("principal_arn") == Some(arn)
    };
    // A principal has one entry in a cluster.
    if call.others("eks.access_entry").any(is_same) {
        return Err(error::twin(&call.object.kind, arn));
    }
    // https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html: entries need a mode with `API`.
    let home = call.others("eks.cluster").find(|thing| thing.id == cluster);
    let mode = home.and_then(|home| home.text("access_config.authentication_mode")).unwrap_or("CONFIG_MAP");
    if mode == "CONFIG_MAP" {
        return Err(invalid(
            "InvalidRequestException",
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
        ));
    }
    let kind = call.text("type");
    if !kind.is_empty() && !TYPES.contains(&kind) {
        return refuse(format!("there are no access entries of the type {kind:?}"));
    }
    let policies = call.items("access_policies");
    if !["", "STANDARD"].contains(&kind) && !policies.is_empty() {
        return Err(invalid(
            "InvalidRequestException",
            format!("an entry of the type {kind} has no access policies"),
        ));
    }
    for policy in policies {
        access_policy(call, policy)?;
    }
    Ok(())
}

/// An access policy is one of EKS's, and holds in the cluster or in namespaces that are named.
fn access_policy(call: &Call<'_>, policy: &Tree) -> Result<(), ExecError> {
    let refuse = |why: String| Err(invalid("InvalidParameterException", why));
    let arn = policy.get("policy_arn").and_then(Tree::as_str).unwrap_or_default();
    let name = arn.rsplit('/').next().unwrap_or_default();
    if !arn.contains(":eks::aws:cluster-access-policy/") || !call.catalogue.access_policies.contains(name) {
        return refuse(format!("there is no access policy {arn:?}"));
    }
    let scope = policy.at("access_scope.type").and_then(Tree::as_str).unwrap_or("cluster");
    let namespaces = texts(policy, "access_scope.namespaces");
    match scope {
        "cluster" if namespaces.is_empty() => Ok(()),
        "namespace" if !namespaces.is_empty() => Ok(()),
        _ => refuse(format!("the scope {scope:?} does not fit the namespaces {namespaces:?}")),
    }
}
