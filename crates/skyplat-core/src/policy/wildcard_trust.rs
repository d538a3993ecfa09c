//! [`WildcardTrust`]: a role or a resource trusts whom it names, and nobody else.
//!
//! * Anyone (`*`), `NotPrincipal`: only with a condition that says who is meant.
//! * Another account as a whole: only with a condition, such as an external id. One's own account as a whole is a warning
//!   for a role: whoever may hand out rights in the account can take it.
//! * An identity provider: the token must be for one subject (`sub`) and for AWS (`aud`). A subject may be a pattern within
//!   one namespace, not across namespaces.

use super::document::{Allow, Condition, UNKNOWN, allowed};
use super::{Check, Findings, Subject};
use crate::object::ObjectNode;

/// What the subject of a service account's token begins with.
const ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// Condition keys that say who calls, in small letters; the last ones are the beginnings of families.
const CALLERS: [&str; 14] = [
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceip",
    "aws:userid",
    "kms:calleraccount",
    "sts:externalid",
];
const CALLER_FAMILY: &str = "aws:principaltag/";

/// A role or a resource trusts whom it names, and nobody else.
#[derive(Debug, Clone, Copy, Default)]
pub struct WildcardTrust;

impl Check for WildcardTrust {
    fn name(&self) -> &'static str {
        "wildcard_trust"
    }

    fn check(&self, subject: &Subject<'_>, findings: &mut Findings) {
        for (node, inputs) in subject.objects() {
            for statement in allowed(inputs) {
                named(node, &statement, findings);
                web_identity(node, &statement, findings);
            }
        }
    }
}

/// Judges who is named.
fn named(node: &ObjectNode, statement: &Allow, findings: &mut Findings) {
    let conditions = statement.conditions();
    let is_bound = conditions.iter().any(says_who);
    if statement.has("NotPrincipal") {
        findings
            .error(&node.address, "it trusts everyone but those it names (NotPrincipal)")
            .hint("name those it should trust under Principal");
    }
    for (kind, who) in statement.principals() {
        if who.contains('*') || who.contains('?') {
            if !is_bound {
                let whom = if kind == who || kind == "AWS" { "anyone" } else { "any identity" };
                findings
                    .error(&node.address, format!("it trusts {whom} ({who})"))
                    .hint("name who is meant, or add a condition such as aws:PrincipalOrgID");
            }
        } else if kind == "AWS"
            && let Some(account) = whole_account(&who)
        {
            let is_own = account == node.placement.account.as_str();
            let is_role = node.kind.as_str() == "iam.role";
            let message = format!("it trusts all of the account {account}");
            match (is_own, is_role, is_bound) {
                (_, _, true) | (true, false, _) => {}
                (false, _, false) => {
                    findings
                        .error(&node.address, message)
                        .hint("name a role of it, or ask for an external id");
                }
                (true, true, false) => {
                    findings
                        .warning(
                            &node.address,
                            format!("{message}: whoever may hand out rights there can take it"),
                        )
                        .hint("name the roles that may take it");
                }
            }
        }
    }
}

/// Returns whether a condition says who calls.
fn says_who(condition: &Condition) -> bool {
    let key = condition.key.to_ascii_lowercase();
    condition.pins()
        && (CALLERS.contains(&key.as_str()) || key.starts_with(CALLER_FAMILY) || is_claim(&key, "sub"))
}

/// Returns the account that a principal stands for as a whole: its root, or its number alone.
fn whole_account(principal: &str) -> Option<&str> {
    let is_account = |text: &&str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    match principal.split(':').collect::<Vec<_>>().as_slice() {
        [account] | ["arn", _, "iam", _, account, "root"] => Some(*account).filter(is_account),
        _ => None,
    }
}

/// Judges for which tokens of an identity provider a role can be taken.
fn web_identity(node: &ObjectNode, statement: &Allow, findings: &mut Findings) {
    let takes = |action: &String| super::document::fits(action, "sts:AssumeRoleWithWebIdentity");
    let is_federated = statement.principals().iter().any(|(kind, _)| kind == "Federated");
    if !is_federated || !statement.texts("Action").iter().any(takes) {
        return;
    }
    let conditions = statement.conditions();
    let asks = |claim: &str| -> Vec<&Condition> {
        conditions.iter().filter(|condition| is_claim(&condition.key, claim) && condition.pins()).collect()
    };
    if asks("aud").is_empty() {
        findings
            .error(
                &node.address,
                "it can be taken with a token that is not meant for AWS: nothing asks for its `aud`",
            )
            .hint("add the condition StringEquals on <issuer>:aud with sts.amazonaws.com");
    }
    let subjects = asks("sub");
    if subjects.is_empty() {
        findings
            .error(&node.address, "every pod of the cluster can take it: nothing asks for the token's `sub`")
            .hint("add the condition StringEquals on <issuer>:sub with one service account");
    }
    // All conditions must hold, so one that stays in a namespace is enough.
    let leaving = |subject: &&Condition| {
        let value = subject.values.iter().find(|value| subject.has_patterns() && leaves_namespace(value));
        value.cloned()
    };
    let leave: Vec<String> = subjects.iter().filter_map(leaving).collect();
    if let Some(value) = leave.first().filter(|_| leave.len() == subjects.len()) {
        findings
            .error(
                &node.address,
                format!("service accounts of other namespaces can take it: `sub` is like {value}"),
            )
            .hint("write out the namespace: system:serviceaccount:NAMESPACE:NAME");
    }
}

/// Returns whether a condition's key is a claim of a token: `<issuer>:sub`.
fn is_claim(key: &str, claim: &str) -> bool {
    key.strip_suffix(claim).is_some_and(|issuer| issuer.len() > 1 && issuer.ends_with(':'))
}

/// Returns whether a pattern of subjects fits accounts of more than one namespace. Of subjects that are not of Kubernetes
/// only those are refused of which nothing is fixed.
fn leaves_namespace(pattern: &str) -> bool {
    let wild = |text: &str| text.contains(['*', '?']);
    if let Some(account) = pattern.strip_prefix(ACCOUNT_PREFIX) {
        return account.split_once(':').is_none_or(|(namespace, _)| wild(namespace)) && wild(account);
    }
    let fixed = pattern.split(['*', '?']).next().unwrap_or_default();
    wild(pattern) && (ACCOUNT_PREFIX.starts_with(fixed) || !fixed.contains([':', '/', UNKNOWN]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_may_not_leave_its_namespace() {
        for leaves in [
            "*",
            "system:*",
            "system:serviceaccount:*",
            "system:serviceaccount:*:sa",
            "system:serviceaccount:team-*:sa",
            "system:serviceaccount:team-a*",
            "system:serviceaccount:team-a?sa",
            "system:serviceaccount:team-?:sa",
        ] {
            assert!(leaves_namespace(leaves), "{leaves}");
        }
        for stays in [
            "system:serviceaccount:team-a:*",
            "system:serviceaccount:team-a:job-?",
            "system:serviceaccount:team-a:sa",
            "system:serviceaccount:\u{fffc}:*",
            "repo:acme/platform:*",
        ] {
            assert!(!leaves_namespace(stays), "{stays}");
        }
    }

    #[test]
    fn an_account_is_a_whole_one_by_its_root_or_its_number() {
        assert_eq!(whole_account("arn:aws:iam::123456789012:root"), Some("123456789012"));
        assert_eq!(whole_account("123456789012"), Some("123456789012"));
        assert_eq!(whole_account("arn:aws:iam::123456789012:role/root"), None);
        assert_eq!(whole_account("\u{fffc}"), None);
    }
}
