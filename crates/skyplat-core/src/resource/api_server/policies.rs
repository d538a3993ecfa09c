//! What the API server may do in the account: SkyPilot's documented minimum.
//!
//! Buckets for file mounts always; EC2 instances outside the clusters only when asked for.

use crate::ids::{AccountId, Partition};
use crate::object::iam::{Condition, PolicyDocument, Statement};

/// Returns the API server's policy.
pub(super) fn policy(partition: &Partition, account: &AccountId, aws_vms: bool) -> PolicyDocument {
    let mut statements = storage(partition);
    if aws_vms {
        statements.extend(instances(partition, account));
    }
    PolicyDocument::new(statements)
}

fn storage(partition: &Partition) -> Vec<Statement> {
    vec![
        Statement::allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"])
            .on([format!("arn:{partition}:s3:::*/*")]),
        Statement::allow(["s3:ListBucket", "s3:GetBucketLocation"]).on([format!("arn:{partition}:s3:::*")]),
        // The buckets that SkyPilot makes for the files of its users.
        Statement::allow(["s3:CreateBucket", "s3:DeleteBucket", "s3:PutBucketTagging"])
            .on([format!("arn:{partition}:s3:::skypilot-*")]),
        Statement::allow(["s3:ListAllMyBuckets"]).on_all(),
    ]
}

fn instances(partition: &Partition, account: &AccountId) -> Vec<Statement> {
    let ec2 = |resource: &str| format!("arn:{partition}:ec2:*:{account}:{resource}");
    let iam = |resource: &str| format!("arn:{partition}:iam::{account}:{resource}");
    vec![
        Statement::allow(["ec2:RunInstances"]).on([format!("arn:{partition}:ec2:*::image/ami-*")]),
        Statement::allow(["ec2:RunInstances"]).on([
            ec2("instance/*"),
            ec2("network-interface/*"),
            ec2("subnet/*"),
            ec2("volume/*"),
            ec2("security-group/*"),
        ]),
        Statement::allow([
            "ec2:TerminateInstances",
            "ec2:DeleteTags",
            "ec2:StartInstances",
            "ec2:CreateTags",
            "ec2:StopInstances",
        ])
        .on([ec2("instance/*")]),
        Statement::allow(["ec2:Describe*"]).on_all(),
        Statement::allow([
            "ec2:CreateSecurityGroup",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:DeleteSecurityGroup",
            "ec2:ModifyInstanceAttribute",
        ])
        .on([ec2("*")]),
        Statement::allow(["ec2:CreateImage", "ec2:CopyImage", "ec2:DeregisterImage"]).on([
            ec2("instance/*"),
            format!("arn:{partition}:ec2:*::image/*"),
            format!("arn:{partition}:ec2:*::snapshot/*"),
        ]),
        Statement::allow(["iam:CreateServiceLinkedRole"]).on_all().when(Condition::new(
            "StringEquals",
            "iam:AWSServiceName",
            ["spot.amazonaws.com"],
        )),
        Statement::allow(["iam:GetRole", "iam:PassRole", "iam:CreateRole", "iam:AttachRolePolicy"])
            .on([iam("role/skypilot-v1")]),
        Statement::allow([
            "iam:GetInstanceProfile",
            "iam:CreateInstanceProfile",
            "iam:AddRoleToInstanceProfile",
        ])
        .on([iam("instance-profile/skypilot-v1")]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{paper, to_tree};

    #[test]
    fn instances_are_touched_only_when_asked_for() {
        let text = |vms| {
            let document = policy(&Partition::new("aws"), &AccountId::new("123456789012"), vms);
            paper::show(&to_tree(&document).unwrap()).to_string()
        };
        assert!(!text(false).contains("ec2:") && !text(false).contains("iam:"));
        assert!(text(true).contains("arn:aws:ec2:*:123456789012:instance/*"));
    }

    #[test]
    fn only_what_has_no_resource_of_its_own_is_allowed_everywhere() {
        let document = policy(&Partition::new("aws"), &AccountId::new("123456789012"), true);
        let shown = paper::show(&to_tree(&document).unwrap());
        let everywhere: Vec<&str> = shown["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|statement| statement["Resource"] == "*")
            .filter_map(|statement| statement["Action"].as_str())
            .collect();
        assert_eq!(everywhere, ["s3:ListAllMyBuckets", "ec2:Describe*", "iam:CreateServiceLinkedRole"]);
    }
}
