//! [`AdminPolicy`]: no policy lets whoever has it do everything, or give itself the right to.
//!
//! Judged are the documents of identities (those without a principal) and the managed policies of AWS that are attached.
//! A condition makes an error of the second sort a warning; what may do everything is an error whatever the condition.

use super::document::{Allow, allowed, fits};
use super::{Check, Findings, Subject};
use crate::value::{Address, Tree};

const HINT: &str = "list the actions and resources that are needed";

/// Actions by which whoever has them for every identity can have every other right.
const ESCALATIONS: [&str; 16] = [
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicyVersion",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PassRole",
    "iam:PutGroupPolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
    "sts:AssumeRole",
];

/// Managed policies of AWS that are as good as everything, and those that nearly are.
const ADMIN_POLICIES: [&str; 2] = ["AdministratorAccess", "IAMFullAccess"];
const WIDE_POLICIES: [&str; 3] =
    ["PowerUserAccess", "AdministratorAccess-Amplify", "AdministratorAccess-AWSElasticBeanstalk"];

/// No policy lets whoever has it do everything, or give itself the right to.
#[derive(Debug, Clone, Copy, Default)]
pub struct AdminPolicy;

impl Check for AdminPolicy {
    fn name(&self) -> &'static str {
        "admin_policy"
    }

    fn check(&self, subject: &Subject<'_>, findings: &mut Findings) {
        for (node, inputs) in subject.objects() {
            for statement in allowed(inputs) {
                if !statement.has("Principal") && !statement.has("NotPrincipal") {
                    judge(&node.address, &statement, findings);
                }
            }
        }
        for (node, inputs) in subject.of_kind("iam.policy_attachment") {
            if let Some(arn) = inputs.get("policy_arn").and_then(Tree::as_str) {
                attached(&node.address, arn, findings);
            }
        }
    }
}

fn judge(address: &Address, statement: &Allow, findings: &mut Findings) {
    let everywhere = statement.is_on_everything();
    if statement.has("NotAction") {
        let but = statement.texts("NotAction").join(", ");
        let message = format!("it allows every action but {but} (NotAction)");
        if everywhere {
            findings.error(address, format!("{message} on everything")).hint(HINT);
        } else {
            findings.warning(address, message).hint(HINT);
        }
        return;
    }
    let actions = statement.texts("Action");
    let all = |action: &String| action.chars().all(|c| matches!(c, '*' | ':')) && action.contains('*');
    if actions.iter().any(all) {
        if everywhere {
            findings.error(address, "it allows every action on everything").hint(HINT);
        } else {
            let on = statement.texts("Resource").join(", ");
            findings.warning(address, format!("it allows every action on {on}")).hint(HINT);
        }
        return;
    }
    // A role is a thing of its own service: every role is as good as everything.
    let on_every_identity = everywhere || statement.texts("Resource").iter().any(|on| is_every_identity(on));
    if !on_every_identity {
        return;
    }
    for action in &actions {
        let Some(escalation) = ESCALATIONS.iter().find(|escalation| fits(action, escalation)) else {
            continue;
        };
        let as_what = if action.eq_ignore_ascii_case(escalation) {
            String::new()
        } else {
            format!(", which is {escalation} too")
        };
        let message =
            format!("it allows {action}{as_what}, for every identity: that is the way to every other right");
        let hint = "name the roles that are meant";
        if statement.conditions().iter().any(super::document::Condition::pins) {
            findings.warning(address, message).hint(hint);
        } else {
            findings.error(address, message).hint(hint);
        }
    }
}

/// Returns whether a resource is every role, user, group or policy of an account.
fn is_every_identity(resource: &str) -> bool {
    let mut parts = resource.splitn(6, ':');
    let (Some("arn"), Some(_), Some(service)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let name = parts.nth(2).unwrap_or_default();
    let name = name.split_once('/').map_or(name, |(_, name)| name);
    (service == "iam" || service == "*") && name.contains('*') && name.chars().all(|c| matches!(c, '*' | '/'))
}

/// Judges a managed policy of AWS by its name.
fn attached(address: &Address, arn: &str, findings: &mut Findings) {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "iam", "", "aws", policy] = parts.as_slice() else { return };
    let name = policy.rsplit('/').next().unwrap_or_default();
    let message = format!("it gives {name}");
    if ADMIN_POLICIES.contains(&name) {
        findings.error(address, format!("{message}, which is the right to everything")).hint(HINT);
    } else if WIDE_POLICIES.contains(&name) {
        findings.warning(address, format!("{message}, which is the right to nearly everything")).hint(HINT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identity_is_a_pattern_without_a_name() {
        for every in
            ["arn:aws:iam::1:role/*", "arn:aws:iam::*:*", "arn:aws:iam::1:user/*", "arn:aws:iam::1:role/*/*"]
        {
            assert!(is_every_identity(every), "{every}");
        }
        for some in ["arn:aws:iam::1:role/a-*", "arn:aws:iam::1:role/a", "arn:aws:s3:::*", "*", "\u{fffc}"] {
            assert!(!is_every_identity(some), "{some}");
        }
    }
}
