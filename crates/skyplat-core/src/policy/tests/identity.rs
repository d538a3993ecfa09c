//! Who is trusted, and who may do everything.

use super::{ACCOUNT, found, node, to, worst};
use crate::object::ObjectNode;
use crate::policy::{AdminPolicy, Finding, Severity, WildcardTrust};
use crate::tree;
use crate::value::{Key, KeyPart, Map, Reference, Tree};

const ERROR: Option<Severity> = Some(Severity::Error);
const WARNING: Option<Severity> = Some(Severity::Warning);

fn role(statement: Tree) -> ObjectNode {
    let document = tree!({ "Version": "2012-10-17", "Statement": [statement] });
    node("hub/role/role", "iam.role", tree!({ "role_name": "r", "assume_role_policy_document": document }))
}

/// What is found about a role that trusts a principal, on a condition.
fn trusting(principal: Tree, condition: Option<Tree>) -> Vec<Finding> {
    let mut statement = tree!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal });
    if let Some(condition) = condition {
        statement.set("Condition", condition);
    }
    found(WildcardTrust, [role(statement)])
}

#[test]
fn anyone_is_trusted_only_when_it_is_said_who() {
    worst(&trusting(tree!("*"), None), ERROR);
    worst(&trusting(tree!({ "AWS": "*" }), None), ERROR);
    worst(&trusting(tree!({ "AWS": ["arn:aws:iam::123456789012:role/a", "*"] }), None), ERROR);
    worst(&trusting(tree!({ "Service": "ec2.amazonaws.com" }), None), None);
    let of_org = |operator: &str, value: &str| tree!({ operator: { "aws:PrincipalOrgID": value } });
    worst(&trusting(tree!("*"), Some(of_org("StringEquals", "o-1"))), None);
    worst(&trusting(tree!("*"), Some(of_org("StringLike", "*"))), ERROR);
    worst(&trusting(tree!("*"), Some(of_org("StringEqualsIfExists", "o-1"))), ERROR);
    worst(&trusting(tree!("*"), Some(tree!({ "Bool": { "aws:SecureTransport": "true" } }))), ERROR);
}

#[test]
fn an_account_as_a_whole_is_trusted_with_a_condition() {
    let root = |account: &str| tree!({ "AWS": (format!("arn:aws:iam::{account}:root")) });
    let id = || Some(tree!({ "StringEquals": { "sts:ExternalId": "x" } }));
    worst(&trusting(root("999999999999"), None), ERROR);
    worst(&trusting(tree!({ "AWS": "999999999999" }), None), ERROR);
    worst(&trusting(root("999999999999"), id()), None);
    worst(&trusting(root(ACCOUNT), None), WARNING);
    worst(&trusting(root(ACCOUNT), id()), None);
    worst(&trusting(tree!({ "AWS": "arn:aws:iam::999999999999:role/deployer" }), None), None);
}

#[test]
fn a_deny_for_everyone_is_no_trust_and_everyone_but_some_is() {
    let queue = |effect: &str, principal: &str| {
        let statement = tree!({ "Effect": effect, "Action": "sqs:*", principal: "*" });
        found(
            WildcardTrust,
            [node("hub/q/queue", "sqs.queue", tree!({ "policy": { "Statement": statement } }))],
        )
    };
    worst(&queue("Deny", "Principal"), None);
    worst(&queue("Allow", "Principal"), ERROR);
    worst(&queue("Allow", "NotPrincipal"), ERROR);
}

/// A condition on claims of a token, the issuer of which is not known yet.
fn claims(claims: &[(&str, &str, Tree)]) -> Tree {
    let mut operators = Map::new();
    for (operator, claim, value) in claims {
        let issuer = Reference { object: "hub/eks/cluster".into(), field: "issuer_host".into() };
        let key = Key::Text(vec![KeyPart::Ref(issuer), KeyPart::Literal(format!(":{claim}").into())]);
        let keys = operators.get_or_insert_with(Key::from(*operator), Tree::map);
        if let Tree::Map(keys) = keys {
            keys.insert(key, value.clone());
        }
    }
    Tree::Map(operators)
}

fn of_tokens(conditions: &[(&str, &str, Tree)]) -> Vec<Finding> {
    let statement = tree!({
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": { "Federated": (to("hub/eks/cluster.oidc")) }, "Condition": (claims(conditions))
    });
    found(WildcardTrust, [node("hub/eks/cluster", "eks.cluster", tree!({ "name": "c" })), role(statement)])
}

#[test]
fn a_token_is_for_one_service_account_and_for_aws() {
    let aud = || ("StringEquals", "aud", tree!("sts.amazonaws.com"));
    let sub = |operator, value: &str| (operator, "sub", tree!(value));
    let account = "system:serviceaccount:team-a:sky-user-sa";
    worst(&of_tokens(&[aud(), sub("StringEquals", account)]), None);
    worst(&of_tokens(&[aud()]), ERROR);
    worst(&of_tokens(&[sub("StringEquals", account)]), ERROR);
    assert_eq!(of_tokens(&[]).len(), 2);
    worst(&of_tokens(&[aud(), sub("StringLike", "system:serviceaccount:team-a:*")]), None);
    worst(&of_tokens(&[aud(), sub("StringLike", "system:serviceaccount:team-*:sa")]), ERROR);
    worst(&of_tokens(&[aud(), sub("StringLike", "*")]), ERROR);
    worst(&of_tokens(&[aud(), sub("StringNotEquals", account)]), ERROR);
    worst(&of_tokens(&[aud(), sub("StringEqualsIfExists", account)]), ERROR);
    // One more condition can only narrow.
    worst(
        &of_tokens(&[aud(), sub("StringLike", "system:serviceaccount:*"), sub("StringEquals", account)]),
        None,
    );
}

#[test]
fn a_subject_that_is_put_together_is_judged_by_what_is_known_of_it() {
    let aud = || ("StringEquals", "aud", tree!("sts.amazonaws.com"));
    let of = |parts: Vec<Tree>| of_tokens(&[aud(), ("StringLike", "sub", Tree::Text(parts))]);
    let prefix = || tree!("system:serviceaccount:");
    // The cluster's name is an echo, its ARN not known yet.
    worst(&of(vec![prefix(), to("hub/eks/cluster.name"), tree!("*")]), ERROR);
    worst(&of(vec![prefix(), to("hub/eks/cluster.arn"), tree!(":*")]), None);
    worst(&of(vec![prefix(), tree!("*:"), to("hub/eks/cluster.arn")]), ERROR);
}

fn policy(statement: Tree) -> Vec<Finding> {
    let document = tree!({ "Statement": statement });
    found(AdminPolicy, [node("hub/role/policy", "iam.policy", tree!({ "policy_document": document }))])
}

#[test]
fn nobody_may_do_everything() {
    let allow =
        |actions: Tree, on: Tree| policy(tree!({ "Effect": "Allow", "Action": actions, "Resource": on }));
    worst(&allow(tree!("*"), tree!("*")), ERROR);
    worst(&allow(tree!(["s3:Get*", "*:*"]), tree!(["arn:aws:*"])), ERROR);
    worst(&allow(tree!("*"), tree!("arn:aws:s3:::bucket/*")), WARNING);
    worst(&allow(tree!("s3:*"), tree!("*")), None);
    worst(&policy(tree!({ "Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::x" })), ERROR);
    worst(&policy(tree!({ "Effect": "Deny", "Action": "*", "Resource": "*" })), None);
    let everything_but =
        |on: &str| policy(tree!({ "Effect": "Allow", "NotAction": "iam:*", "Resource": on }));
    worst(&everything_but("*"), ERROR);
    worst(&everything_but("arn:aws:s3:::bucket"), WARNING);
    let conditioned = tree!({ "StringEquals": { "aws:RequestedRegion": "us-west-2" } });
    worst(
        &policy(tree!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": conditioned })),
        ERROR,
    );
}

#[test]
fn nobody_may_give_themselves_every_right() {
    let allow =
        |action: &str, on: &str| policy(tree!({ "Effect": "Allow", "Action": action, "Resource": on }));
    for action in [
        "iam:*",
        "iam:PassRole",
        "IAM:passrole",
        "iam:Put*",
        "iam:P*Role",
        "i?m:CreatePolicyVersion",
        "sts:*",
    ] {
        worst(&allow(action, "*"), ERROR);
        worst(&allow(action, "arn:aws:iam::123456789012:role/*"), ERROR);
        worst(&allow(action, "arn:aws:iam::123456789012:role/skypilot-*"), None);
    }
    for action in ["iam:Get*", "iam:CreateServiceLinkedRole", "iam:List*", "sts:GetCallerIdentity"] {
        worst(&allow(action, "*"), None);
    }
    let to_ec2 = tree!({ "StringEquals": { "iam:PassedToService": "ec2.amazonaws.com" } });
    worst(
        &policy(tree!({ "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": to_ec2 })),
        WARNING,
    );
}

#[test]
fn what_a_resource_allows_others_is_no_policy_of_an_identity() {
    let statement =
        tree!({ "Effect": "Allow", "Principal": { "Service": "x" }, "Action": "*", "Resource": "*" });
    worst(&policy(statement), None);
}

#[test]
fn managed_policies_are_known_by_name() {
    let attached = |arn: &str| {
        let inputs = tree!({ "role_name": "r", "policy_arn": arn });
        found(AdminPolicy, [node("hub/role/attachment", "iam.policy_attachment", inputs)])
    };
    worst(&attached("arn:aws:iam::aws:policy/AdministratorAccess"), ERROR);
    worst(&attached("arn:aws-us-gov:iam::aws:policy/IAMFullAccess"), ERROR);
    worst(&attached("arn:aws:iam::aws:policy/PowerUserAccess"), WARNING);
    worst(&attached("arn:aws:iam::aws:policy/AmazonS3FullAccess"), None);
    worst(&attached("arn:aws:iam::123456789012:policy/AdministratorAccess"), None);
}

#[test]
fn a_policy_in_a_json_text_is_judged_too() {
    let text = r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    worst(&found(AdminPolicy, [node("a/b", "demo.thing", tree!({ "policy": text }))]), ERROR);
}
