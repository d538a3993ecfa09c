//! What every API checks alike: the account and region, ids and names that are taken, fields that stay.

use skyplat_core::executor::{Desired, ErrorKind, ExecError, OutputMap};
use skyplat_core::value::{Address, Key, Tree, paper};

use super::{Call, error};
use crate::catalogue::ACCOUNT;
use crate::world::{Thing, World};

/// Returns the thing that an object is inside of.
pub(crate) fn container<'a>(
    world: &'a World,
    address: &Address,
    outputs: Option<&OutputMap>,
) -> Result<&'a Thing, ExecError> {
    let by_arn = outputs.and_then(|outputs| outputs.get("arn")).and_then(Tree::as_str);
    let thing = match by_arn {
        Some(arn) => world.with_arn(arn).next(),
        None => world.at(address).next(),
    };
    thing.filter(|thing| thing.is_active()).ok_or_else(|| {
        ExecError::new(ErrorKind::Unreachable, format!("{address} does not answer"))
            .hint("what is inside of it can be reached only while it is there")
    })
}

/// The same uid again is the same request, as with a client token
/// (<https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>): its answer is the thing that is there, unless it asks for something else.
pub(crate) fn same_request(thing: &Thing, object: &Desired) -> Result<(), ExecError> {
    let kept = |(key, value): (&Key, &Tree)| match key {
        Key::Literal(key) => contains(thing.inputs.get(key), value),
        Key::Text(_) => false,
    };
    if object.inputs.as_map().is_some_and(|map| map.iter().all(kept)) {
        return Ok(());
    }
    Err(error::invalid(
        "IdempotentParameterMismatch",
        format!("{} was already asked for with other parameters", thing.id),
    ))
}

/// Returns whether `have` holds all that `want` says; a server may have added fields.
fn contains(have: Option<&Tree>, want: &Tree) -> bool {
    match (have, want) {
        (Some(have), Tree::Map(want)) => want.iter().all(|(key, value)| match key {
            Key::Literal(key) => contains(have.get(key), value),
            Key::Text(_) => false,
        }),
        (have, want) => have == Some(want),
    }
}

/// Nothing that is still a reference can be sent: an engine resolves every value before a call.
pub(super) fn check_ground(call: &Call<'_>) -> Result<(), ExecError> {
    if call.object.inputs.is_ground() {
        return Ok(());
    }
    Err(ExecError::new(ErrorKind::Invalid, "its inputs hold a value that is not known"))
}

/// There is one account, and it has some regions.
pub(super) fn check_place(call: &Call<'_>) -> Result<(), ExecError> {
    let account = call.object.placement.account.as_str();
    if account != ACCOUNT {
        let message = format!("the account {account} is another one than this cloud's {ACCOUNT}");
        return Err(ExecError::new(ErrorKind::Denied, message).code("AccessDenied"));
    }
    let region = call.region();
    if region.is_empty() || call.catalogue.regions.contains(region) {
        return Ok(());
    }
    Err(error::invalid("InvalidRegion", format!("there is no region {region}")))
}

/// No two things of one kind have one natural key in one place. Which code says so is each create action's own (see
/// [`error::twin`]); that a name is taken until its owner is gone holds for all of them.
pub(super) fn check_twin(call: &Call<'_>) -> Result<(), ExecError> {
    let object = call.object;
    // Another stack may have made the account's service-linked role; asking again gives the same one.
    let Some(key) = object.natural_key.as_ref().filter(|_| call.kind() != "iam.service_linked_role") else {
        return Ok(());
    };
    let twin = call.world.with_key(&object.kind, key).find(|thing| {
        thing.placement.account == object.placement.account
            && thing.placement.region == object.placement.region
            && match call.container {
                Some(container) => thing.lives_in.contains(&container.uid),
                None => thing.placement.container.is_none(),
            }
    });
    let Some(twin) = twin else { return Ok(()) };
    let key = paper::display(key).to_string();
    if !twin.is_alive() {
        // It still has the name, and will not for long.
        let twin = error::twin(&twin.kind, &key);
        let message = format!("{}, which is being deleted", twin.message);
        return Err(ExecError { kind: ErrorKind::Busy, message, hint: None, ..twin });
    }
    if twin.kind.as_str() == "helm.release" && !twin.is_active() {
        // helm/helm#8987: whoever installs, dead or alive, the release is `pending-install`, and Helm takes nobody else.
        let message = format!("{key}: another operation (install/upgrade/rollback) is in progress");
        return Err(error::busy("pending-install", message));
    }
    Err(error::twin(&twin.kind, &key))
}

/// Fields that an API cannot change in place: no `Modify…` or `Update…` action of the service takes them, or the action's
/// page says that they stay (`UpdateFileSystem`, `UpdateUserPool`, `UpdateUserPoolClient`, `UpdateClusterConfig`).
const IMMUTABLE: &[(&str, &[&str])] = &[
    ("ec2.vpc", &["cidr_block"]),
    ("ec2.subnet", &["vpc_id", "cidr_block", "availability_zone"]),
    ("ec2.internet_gateway", &["vpc_id"]),
    ("ec2.eip", &["domain"]),
    ("ec2.nat_gateway", &["subnet_id", "allocation_id"]),
    ("ec2.route_table", &["vpc_id"]),
    ("ec2.route", &["route_table_id", "destination_cidr_block"]),
    ("ec2.route_table_association", &["subnet_id"]),
    ("ec2.security_group", &["vpc_id", "group_name", "description"]),
    ("ec2.vpc_endpoint", &["vpc_id", "service_name", "vpc_endpoint_type"]),
    ("ec2.vpc_peering", &["vpc_id", "peer_vpc_id", "peer_owner_id", "peer_region"]),
    ("iam.role", &["role_name", "path"]),
    ("iam.policy", &["policy_name", "path", "description"]),
    ("iam.policy_attachment", &["role_name", "policy_arn"]),
    ("iam.oidc_provider", &["url"]),
    ("eks.cluster", &["name", "role_arn", "kubernetes_network_config", "bootstrap_self_managed_addons"]),
    ("eks.addon", &["cluster_name", "name"]),
    (
        "eks.fargate_profile",
        &["cluster_name", "fargate_profile_name", "pod_execution_role_arn", "subnets", "selectors"],
    ),
    ("eks.access_entry", &["cluster_name", "principal_arn", "type"]),
    ("efs.file_system", &["encrypted", "performance_mode"]),
    ("efs.mount_target", &["file_system_id", "subnet_id"]),
    ("route53.zone", &["name", "vpc", "hosted_zone_config.private_zone"]),
    ("route53.zone_association", &["hosted_zone_id", "vpc"]),
    ("cognito.user_pool", &["username_attributes"]),
    ("cognito.user_pool_client", &["user_pool_id", "generate_secret"]),
    ("cognito.user_pool_domain", &["domain", "user_pool_id"]),
    ("cognito.user", &["user_pool_id", "username"]),
    ("secretsmanager.secret", &["name"]),
    ("logs.log_group", &["log_group_name"]),
    ("sqs.queue", &["queue_name"]),
    ("events.rule", &["name"]),
    ("helm.release", &["name", "namespace"]),
];

pub(super) fn check_immutable(call: &Call<'_>, old: &Thing) -> Result<(), ExecError> {
    let fields =
        IMMUTABLE.iter().find(|(kind, _)| *kind == call.kind()).map_or(&[][..], |(_, fields)| fields);
    for field in fields {
        let (was, is) = (old.inputs.at(field), call.object.inputs.at(field));
        if was.map(unordered) != is.map(unordered) {
            return Err(error::immutable(&old.kind, field));
        }
    }
    Ok(())
}

/// Returns a list in an order of its own, so that the order in which it was sent does not count.
fn unordered(tree: &Tree) -> Tree {
    match tree {
        Tree::List(items) => {
            let mut items = items.clone();
            items.sort_by_key(|item| paper::show(item).to_string());
            Tree::List(items)
        }
        other => other.clone(),
    }
}
