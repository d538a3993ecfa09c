//! What IAM checks of a policy document.
//!
//! The grammar is <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>; every refusal but that
//! of the size is `MalformedPolicyDocument` (IAM `CreateRole`, `CreatePolicy`, `UpdateAssumeRolePolicy`).

use std::collections::BTreeSet;

use skyplat_core::executor::ExecError;
use skyplat_core::value::{Tree, resolve::plain_json};

use super::super::error::invalid;
use super::super::{Call, quota, visible};
use crate::catalogue::ACCOUNT;
use crate::quotas::Quotas;

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Says who may take a role.
    Trust,
    /// Says what may be done.
    Identity,
}

fn malformed(why: impl Into<String>) -> ExecError {
    invalid("MalformedPolicyDocument", why)
}

/// Judges the document in a field.
pub(super) fn check(call: &Call<'_>, field: &str, purpose: Purpose) -> Result<(), ExecError> {
    let document = call.object.inputs.get(field).unwrap_or(&Tree::Null);
    // The older version of the language is the one of a document that names none.
    let version = document.get("Version").and_then(Tree::as_str).unwrap_or("2008-10-17");
    if !["2012-10-17", "2008-10-17"].contains(&version) {
        return Err(malformed(format!("{field}: there is no version {version} of the policy language")));
    }
    let statements = match document.get("Statement") {
        Some(Tree::List(statements)) if !statements.is_empty() => &statements[..],
        Some(statement @ Tree::Map(_)) => std::slice::from_ref(statement),
        _ => return Err(malformed(format!("{field} has no Statement"))),
    };
    let mut sids = BTreeSet::new();
    for statement in statements {
        shape(field, statement, purpose)?;
        let sid = statement.get("Sid").and_then(Tree::as_str).unwrap_or_default();
        if !sid.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(malformed(format!("{field}: the Sid {sid:?} is not of letters and digits")));
        }
        if !sid.is_empty() && !sids.insert(sid) {
            return Err(malformed("Statement IDs (SID) in a single policy must be unique."));
        }
        actions(statement, purpose)?;
        match purpose {
            Purpose::Trust => principals(call, statement)?,
            Purpose::Identity => resources(statement)?,
        }
    }
    size(call, document, purpose)
}

/// White space does not count: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
fn size(call: &Call<'_>, document: &Tree, purpose: Purpose) -> Result<(), ExecError> {
    let text = plain_json(document).to_string();
    // U+0009, U+000A, U+000D and U+0020 to U+00FF.
    if let Some(c) = text.chars().find(|c| !matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')) {
        return Err(malformed(format!("a policy document cannot hold {c:?}")));
    }
    let size = text.chars().filter(|c| !c.is_whitespace()).count();
    match purpose {
        Purpose::Trust => quota::hold(call, "LimitExceeded", "ACLSizePerRole", size, |quotas: &Quotas| {
            quotas.trust_policy_length
        }),
        Purpose::Identity => quota::hold(call, "LimitExceeded", "PolicySize", size, |quotas: &Quotas| {
            quotas.managed_policy_length
        }),
    }
}

/// A statement has an effect, an action, and whom (trust) or what (identity) it is about, never the other one.
fn shape(field: &str, statement: &Tree, purpose: Purpose) -> Result<(), ExecError> {
    let has = |key: &str| statement.get(key).is_some() || statement.get(&format!("Not{key}")).is_some();
    let (needed, prohibited) = match purpose {
        Purpose::Trust => ("Principal", "Resource"),
        Purpose::Identity => ("Resource", "Principal"),
    };
    if !matches!(statement.get("Effect").and_then(Tree::as_str), Some("Allow" | "Deny")) {
        return Err(malformed(format!("{field} has a statement without Effect")));
    }
    for key in ["Action", needed] {
        if !has(key) {
            return Err(malformed(format!("{field} has a statement without {key}")));
        }
    }
    if has(prohibited) {
        return Err(malformed(format!("Has prohibited field {prohibited}")));
    }
    Ok(())
}

/// Returns the text, or the texts of the list, at a key.
fn one_or_many<'a>(tree: &'a Tree, key: &str) -> Vec<&'a str> {
    match tree.get(key) {
        Some(Tree::List(items)) => items.iter().filter_map(Tree::as_str).collect(),
        Some(other) => other.as_str().into_iter().collect(),
        None => Vec::new(),
    }
}

/// An action is `*` or `service:action`; a trust policy speaks of taking roles only.
fn actions(statement: &Tree, purpose: Purpose) -> Result<(), ExecError> {
    for action in one_or_many(statement, "Action").into_iter().chain(one_or_many(statement, "NotAction")) {
        let vendor = action.split_once(':').map(|(vendor, _)| vendor);
        if action != "*" && vendor.is_none_or(str::is_empty) {
            return Err(malformed(format!(
                "{action}: Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
            )));
        }
        if purpose == Purpose::Trust && vendor != Some("sts") {
            return Err(malformed("AssumeRole policy may only specify STS AssumeRole actions."));
        }
    }
    Ok(())
}

/// A resource is `*` or an ARN; one that a person has still to fill in passes.
fn resources(statement: &Tree) -> Result<(), ExecError> {
    for resource in
        one_or_many(statement, "Resource").into_iter().chain(one_or_many(statement, "NotResource"))
    {
        if resource != "*" && !resource.starts_with("arn:") && !resource.starts_with('<') {
            return Err(malformed(format!("Resource {resource} must be in ARN format or \"*\".")));
        }
    }
    Ok(())
}

/// Principals of a trust policy exist: IAM turns a role into its id when the policy is written
/// (hashicorp/terraform-provider-aws#8905), and looks an OpenID Connect provider up (pulumi/pulumi-eks#871).
fn principals(call: &Call<'_>, statement: &Tree) -> Result<(), ExecError> {
    let Some(principal @ Tree::Map(_)) = statement.get("Principal") else { return Ok(()) };
    let refuse = |kind: &str, name: &str| {
        Err(malformed(format!("Invalid principal in policy: {:?}:{name:?}", kind.to_uppercase())))
    };
    for service in one_or_many(principal, "Service") {
        let name = service.strip_suffix(".cn").unwrap_or(service).strip_suffix(".amazonaws.com");
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        if !name.is_some_and(|name| !name.is_empty() && name.chars().all(known)) {
            return refuse("Service", service);
        }
    }
    for name in one_or_many(principal, "AWS") {
        match visible::principal(call, name) {
            visible::Seen::Yes => {}
            visible::Seen::NotYet => return Err(visible::not_yet("MalformedPolicyDocument", name)),
            visible::Seen::No => return refuse("AWS", name),
        }
    }
    for name in one_or_many(principal, "Federated") {
        let ours = name.contains(&format!(":iam::{ACCOUNT}:oidc-provider/"));
        if ours && call.find("iam.oidc_provider", name).is_none() {
            return refuse("Federated", name);
        }
        let is_domain = !name.contains('/') && name.contains('.') && !name.contains(':');
        if !name.contains(":oidc-provider/") && !name.contains(":saml-provider/") && !is_domain {
            return Err(malformed("Federated principals must be valid domain names or SAML metadata ARNs"));
        }
    }
    Ok(())
}
