//! IAM: names, documents, policies and what is attached to what.

use skyplat_core::executor::ExecError;
use skyplat_core::value::{Tree, resolve::plain_json};

use super::error::{in_use, invalid};
use super::{Call, Made};
use crate::catalogue::ACCOUNT;
use crate::world::{Thing, World};

/// Characters of a managed policy, white space not counted.
const POLICY_SIZE: usize = 6144;
/// Characters of a trust policy, as accounts are given it.
const TRUST_SIZE: usize = 2048;

/// Judges the inputs of an object of IAM.
pub(super) fn check(call: &Call<'_>) -> Result<(), ExecError> {
    match call.kind() {
        "iam.role" => {
            name(call.text("role_name"), 64)?;
            path(call.text("path"))?;
            document(call, "assume_role_policy_document", TRUST_SIZE, "Principal")?;
            let boundary = call.text("permissions_boundary");
            if boundary.is_empty() { Ok(()) } else { policy_exists(call, boundary) }
        }
        "iam.policy" => {
            name(call.text("policy_name"), 128)?;
            path(call.text("path"))?;
            document(call, "policy_document", POLICY_SIZE, "Resource")
        }
        "iam.policy_attachment" => policy_exists(call, call.text("policy_arn")),
        // The issuer is a URL with https://.
        "iam.oidc_provider" if !call.text("url").starts_with("https://") => {
            Err(invalid("InvalidInput", format!("{:?} is no https:// URL", call.text("url"))))
        }
        _ => Ok(()),
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

/// A path begins and ends with a slash.
fn path(path: &str) -> Result<(), ExecError> {
    if path.is_empty() || path == "/" || path.len() > 2 && path.starts_with('/') && path.ends_with('/') {
        return Ok(());
    }
    Err(invalid("ValidationError", format!("the path {path:?} does not begin and end with /")))
}

/// A document has statements, each with an effect, an action, and whom or what it is about.
fn document(call: &Call<'_>, field: &str, longest: usize, about: &str) -> Result<(), ExecError> {
    let malformed = |why: &str| Err(invalid("MalformedPolicyDocument", format!("{field} {why}")));
    let document = call.object.inputs.get(field).unwrap_or(&Tree::Null);
    if document.get("Version").and_then(Tree::as_str) != Some("2012-10-17") {
        return malformed("has no Version 2012-10-17");
    }
    let Some(statements) = document.get("Statement").and_then(Tree::as_list).filter(|list| !list.is_empty())
    else {
        return malformed("has no Statement");
    };
    for statement in statements {
        let has = |key: &str| statement.get(key).is_some() || statement.get(&format!("Not{key}")).is_some();
        if !matches!(statement.get("Effect").and_then(Tree::as_str), Some("Allow" | "Deny")) {
            return malformed("has a statement without Effect");
        }
        if !has("Action") {
            return malformed("has a statement without Action");
        }
        if !has(about) {
            return malformed(&format!("has a statement without {about}"));
        }
    }
    let size = plain_json(document).to_string().chars().filter(|c| !c.is_whitespace()).count();
    if size > longest {
        let message = format!("{field} has {size} characters, {longest} are allowed");
        return Err(invalid("LimitExceeded", message));
    }
    Ok(())
}

/// A policy must exist: in AWS's list, or made in this account. One that this world never saw is someone else's.
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
pub(super) fn make(call: &Call<'_>) -> Made {
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
        _ => super::generic(call),
    }
}

fn slashed(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

/// A role with policies and a policy on roles stay: `DeleteConflict`.
pub(super) fn check_delete(world: &World, thing: &Thing) -> Result<(), ExecError> {
    let field = match thing.kind.as_str() {
        "iam.role" => "role_name",
        "iam.policy" => "policy_arn",
        _ => return Ok(()),
    };
    // A role in an instance profile stays too.
    let mut others = world.of_kind("iam.policy_attachment").chain(world.of_kind("iam.instance_profile"));
    match others.find(|other| other.text(field) == Some(&thing.id)) {
        None => Ok(()),
        Some(other) => Err(in_use("DeleteConflict", format!("{} is still attached: {}", thing.id, other.id))),
    }
}
