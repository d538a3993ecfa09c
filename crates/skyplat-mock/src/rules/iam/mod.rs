//! IAM: names, providers, policies and what is attached to what. Documents are in [`document`].

mod document;

use skyplat_core::executor::ExecError;
use skyplat_core::object::ObjectKind;

use document::Purpose;

use super::error::{self, in_use, invalid};
use super::{Call, Made, Rules};
use crate::catalogue::ACCOUNT;
use crate::world::{Thing, World};

/// The rules of IAM.
#[derive(Debug)]
pub(super) struct Iam;

impl Rules for Iam {
    fn judges(&self, kind: &ObjectKind) -> bool {
        kind.service() == "iam"
    }

    fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
        check(call)
    }

    fn check_update(&self, call: &Call<'_>, _: &Thing) -> Result<(), ExecError> {
        check(call)
    }

    fn check_delete(&self, world: &World, thing: &Thing) -> Result<(), ExecError> {
        check_delete(world, thing)
    }

    fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
        Ok(make(call))
    }
}

/// Judges the inputs of an object of IAM.
fn check(call: &Call<'_>) -> Result<(), ExecError> {
    match call.kind() {
        "iam.role" => {
            // IAM CreateRole; https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
            name(call.text("role_name"), 64)?;
            path(call.text("path"))?;
            description(call.text("description"))?;
            unlike_others(call)?;
            document::check(call, "assume_role_policy_document", Purpose::Trust)?;
            let boundary = call.text("permissions_boundary");
            if boundary.is_empty() { Ok(()) } else { policy_exists(call, boundary) }
        }
        "iam.policy" => {
            // IAM CreatePolicy.
            name(call.text("policy_name"), 128)?;
            path(call.text("path"))?;
            description(call.text("description"))?;
            document::check(call, "policy_document", Purpose::Identity)
        }
        "iam.policy_attachment" => policy_exists(call, call.text("policy_arn")),
        "iam.oidc_provider" => oidc_provider(call),
        "iam.service_linked_role" => {
            // IAM CreateServiceLinkedRole.
            let service = call.text("aws_service_name");
            if service.ends_with(".amazonaws.com") {
                return Ok(());
            }
            Err(invalid("InvalidInput", format!("{service:?} is no service that has a role of its own")))
        }
        _ => Ok(()),
    }
}

/// IAM CreateOpenIDConnectProvider: the URL begins with `https://` and has no port and no query; at most 100 clients.
fn oidc_provider(call: &Call<'_>) -> Result<(), ExecError> {
    let url = call.text("url");
    let host = url.strip_prefix("https://").unwrap_or_default();
    if host.is_empty() || url.len() > 255 || host.contains(['?', '#', ':']) {
        return Err(invalid("InvalidInput", format!("{url:?} is no https:// URL without port and query")));
    }
    let clients = call.texts("client_id_list");
    if clients.len() > 100 || clients.iter().any(|client| client.is_empty() || client.len() > 255) {
        return Err(invalid("InvalidInput", "a provider has at most 100 client ids of 1 to 255 characters"));
    }
    Ok(())
}

/// Names of roles "are not distinguished by case", and a path does not tell them apart (IAM quotas page).
fn unlike_others(call: &Call<'_>) -> Result<(), ExecError> {
    let name = call.text("role_name");
    let is_twin =
        |other: &&Thing| other.text("role_name").is_some_and(|other| other.eq_ignore_ascii_case(name));
    match call.others("iam.role").find(is_twin) {
        None => Ok(()),
        Some(twin) => Err(error::twin(&call.object.kind, &twin.id)),
    }
}

/// Names are of `[\w+=,.@-]`.
fn name(name: &str, longest: usize) -> Result<(), ExecError> {
    let known = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if name.is_empty() || name.len() > longest || !name.chars().all(known) {
        let message = format!("{name:?} is not 1 to {longest} of letters, digits and _+=,.@-");
        return Err(invalid("ValidationError", message));
    }
    Ok(())
}

/// A path is `/`, or printable ASCII between slashes; with its 512 characters at most.
fn path(path: &str) -> Result<(), ExecError> {
    let is_plain = path.len() <= 512 && path.chars().all(|c| ('!'..='\u{7f}').contains(&c));
    let is_path = path == "/" || path.len() > 2 && path.starts_with('/') && path.ends_with('/');
    if path.is_empty() || is_path && is_plain {
        return Ok(());
    }
    Err(invalid("ValidationError", format!("the path {path:?} does not begin and end with /")))
}

/// A description has at most 1,000 characters of Latin-1.
fn description(text: &str) -> Result<(), ExecError> {
    let known = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}');
    if text.chars().count() <= 1000 && text.chars().all(known) {
        return Ok(());
    }
    Err(invalid("ValidationError", "the description is too long or has characters that IAM refuses"))
}

/// IAM AttachRolePolicy: a policy must exist, in AWS's list or made in this account. One that this world never saw is someone else's.
fn policy_exists(call: &Call<'_>, arn: &str) -> Result<(), ExecError> {
    let missing = || Err(invalid("NoSuchEntity", format!("the policy {arn} does not exist")));
    let Some((owner, policy)) = arn.strip_prefix("arn:").and_then(|rest| {
        let (_, rest) = rest.split_once(":iam::")?;
        rest.split_once(":policy/")
    }) else {
        return Err(invalid("ValidationError", format!("{arn:?} is no ARN of a policy")));
    };
    match owner {
        "aws" if call.catalogue.managed_policies.contains(policy) => Ok(()),
        ACCOUNT if call.find("iam.policy", arn).is_some() || !call.world.is_past(arn) => Ok(()),
        _ => missing(),
    }
}

/// Makes an object of IAM.
fn make(call: &Call<'_>) -> Made {
    let arn = |resource: String| format!("arn:{}:iam::{ACCOUNT}:{resource}", call.partition);
    match call.kind() {
        "iam.role" => {
            let name = call.text("role_name");
            Made::new(call, name)
                .output("arn", arn(format!("role{}{name}", slashed(call.text("path")))))
                .output("role_id", format!("AROA{}", call.names().capitals("role_id", 17)))
                .repeat(&["role_name"])
        }
        "iam.policy" => {
            let id = arn(format!("policy{}{}", slashed(call.text("path")), call.text("policy_name")));
            Made::new(call, id.clone()).output("arn", id).repeat(&["policy_name"])
        }
        "iam.policy_attachment" => {
            Made::new(call, format!("{}/{}", call.text("role_name"), call.text("policy_arn")))
        }
        "iam.oidc_provider" => {
            let host = call.text("url").trim_start_matches("https://");
            let id = arn(format!("oidc-provider/{host}"));
            Made::new(call, id.clone()).output("arn", id).repeat(&["url"])
        }
        "iam.service_linked_role" => {
            let service = call.text("aws_service_name");
            let noun = service.split('.').next().unwrap_or_default();
            let mut name: Vec<char> = noun.chars().collect();
            if let Some(first) = name.first_mut() {
                first.make_ascii_uppercase();
            }
            let name: String = name.into_iter().collect();
            let id = arn(format!("role/aws-service-role/{service}/AWSServiceRoleForEC2{name}"));
            Made::new(call, id.clone()).output("arn", id)
        }
        _ => Made::generic(call),
    }
}

fn slashed(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

/// IAM DeleteRole and DeletePolicy: a role with policies or in an instance profile stays, and so does a policy on roles or
/// one that bounds a role: `DeleteConflict`.
fn check_delete(world: &World, thing: &Thing) -> Result<(), ExecError> {
    let users: &[(&str, &str)] = match thing.kind.as_str() {
        "iam.role" => &[("iam.policy_attachment", "role_name"), ("iam.instance_profile", "role_name")],
        "iam.policy" => &[("iam.policy_attachment", "policy_arn"), ("iam.role", "permissions_boundary")],
        _ => return Ok(()),
    };
    for (kind, field) in users {
        if let Some(other) = world.of_kind(kind).find(|other| other.text(field) == Some(&thing.id)) {
            let message = format!("{} is still used by the {kind} {}", thing.id, other.id);
            return Err(in_use("DeleteConflict", message));
        }
    }
    Ok(())
}
