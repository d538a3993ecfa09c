//! What the controller may do: the policies that Karpenter publishes for its version 1.14, each a document of its own.
//!
//! Everything is scoped to one region, and what is made or deleted to what carries the cluster's tag. In one document
//! they would be over IAM's 6,144 characters as soon as names are long.

use crate::facts::partition_of;
use crate::object::iam::{Condition, PolicyDocument, Statement};
use crate::resource::eks_cluster::EksClusterOutputs;
use crate::value::Value;

/// The tag by which Karpenter's own things are known, with the pool they belong to.
const POOL_TAG: &str = "karpenter.sh/nodepool";
/// The tag of instance profiles, with the node class they belong to.
const CLASS_TAG: &str = "karpenter.k8s.aws/ec2nodeclass";
/// The tag that says for which cluster something was made.
const CLUSTER_NAME_TAG: &str = "eks:eks-cluster-name";

/// Where the controller acts.
pub(super) struct Scope {
    partition: String,
    region: String,
    account: String,
    cluster: String,
}

impl Scope {
    /// Returns the scope of a cluster.
    pub(super) fn new(cluster: &EksClusterOutputs) -> Self {
        Self {
            partition: partition_of(&cluster.region).to_string(),
            region: cluster.region.to_string(),
            account: cluster.account.to_string(),
            cluster: cluster.cluster_name.clone(),
        }
    }

    /// Returns the ARN of things of EC2 in any account, such as `instance/*`.
    fn ec2(&self, resource: &str) -> String {
        format!("arn:{}:ec2:{}:*:{resource}", self.partition, self.region)
    }

    /// Returns the ARN of things of EC2 that no account owns, such as `image/*`.
    fn ec2_public(&self, resource: &str) -> String {
        format!("arn:{}:ec2:{}::{resource}", self.partition, self.region)
    }

    fn instance_profiles(&self) -> String {
        format!("arn:{}:iam::{}:instance-profile/*", self.partition, self.account)
    }

    fn cluster_arn(&self) -> String {
        format!("arn:{}:eks:{}:{}:cluster/{}", self.partition, self.region, self.account, self.cluster)
    }

    /// Holds when the thing acted on is the cluster's.
    fn is_owned(&self) -> Condition {
        equals(&format!("aws:ResourceTag/kubernetes.io/cluster/{}", self.cluster), "owned")
    }

    /// Holds when what is made is given to the cluster.
    fn is_given_to_cluster(&self) -> Condition {
        equals(&format!("aws:RequestTag/kubernetes.io/cluster/{}", self.cluster), "owned")
    }

    /// Holds when what is made names the cluster.
    fn names_cluster(&self) -> Condition {
        equals(&format!("aws:RequestTag/{CLUSTER_NAME_TAG}"), &self.cluster)
    }

    /// Holds when the tag `side` (`Resource` or `Request`) names this region.
    fn is_of_region(&self, side: &str) -> Condition {
        equals(&format!("aws:{side}Tag/topology.kubernetes.io/region"), &self.region)
    }
}

fn equals(key: &str, value: &str) -> Condition {
    Condition::new("StringEquals", key, [value])
}

/// Holds when the tag is there, whatever it says; `side` is `Resource` or `Request`.
fn has_tag(side: &str, tag: &str) -> Condition {
    Condition::new("StringLike", format!("aws:{side}Tag/{tag}"), ["*"])
}

/// Returns the documents with their names.
pub(super) fn documents(
    scope: &Scope,
    node_role: Value<String>,
    queue: Value<String>,
) -> [(&'static str, PolicyDocument); 6] {
    [
        ("node-lifecycle", node_lifecycle(scope)),
        ("iam-integration", iam_integration(scope, node_role)),
        ("eks-integration", eks_integration(scope)),
        ("interruption", interruption(queue)),
        ("zonal-shift", zonal_shift(scope)),
        ("resource-discovery", resource_discovery(scope)),
    ]
}

/// Launching, tagging and terminating instances.
fn node_lifecycle(scope: &Scope) -> PolicyDocument {
    let made = [
        "fleet/*",
        "instance/*",
        "volume/*",
        "network-interface/*",
        "launch-template/*",
        "spot-instances-request/*",
    ]
    .map(|resource| scope.ec2(resource));
    PolicyDocument::new([
        Statement::allow(["ec2:RunInstances", "ec2:CreateFleet"])
            .sid("AllowScopedEC2InstanceAccessActions")
            .on(["image/*", "snapshot/*"].map(|resource| scope.ec2_public(resource)))
            .on(["security-group/*", "subnet/*", "capacity-reservation/*", "placement-group/*"]
                .map(|resource| scope.ec2(resource))),
        Statement::allow(["ec2:RunInstances", "ec2:CreateFleet"])
            .sid("AllowScopedEC2LaunchTemplateAccessActions")
            .on([scope.ec2("launch-template/*")])
            .when(scope.is_owned())
            .when(has_tag("Resource", POOL_TAG)),
        Statement::allow(["ec2:RunInstances", "ec2:CreateFleet", "ec2:CreateLaunchTemplate"])
            .sid("AllowScopedEC2InstanceActionsWithTags")
            .on(made.clone())
            .when(scope.is_given_to_cluster())
            .when(scope.names_cluster())
            .when(has_tag("Request", POOL_TAG)),
        Statement::allow(["ec2:CreateTags"])
            .sid("AllowScopedResourceCreationTagging")
            .on(made)
            .when(scope.is_given_to_cluster())
            .when(scope.names_cluster())
            .when(Condition::new(
                "StringEquals",
                "ec2:CreateAction",
                ["RunInstances", "CreateFleet", "CreateLaunchTemplate"],
            ))
            .when(has_tag("Request", POOL_TAG)),
        Statement::allow(["ec2:CreateTags"])
            .sid("AllowScopedResourceTagging")
            .on([scope.ec2("instance/*")])
            .when(scope.is_owned())
            .when(has_tag("Resource", POOL_TAG))
            .when(Condition::new(
                "StringEqualsIfExists",
                format!("aws:RequestTag/{CLUSTER_NAME_TAG}"),
                [scope.cluster.as_str()],
            ))
            .when(Condition::new(
                "ForAllValues:StringEquals",
                "aws:TagKeys",
                [CLUSTER_NAME_TAG, "karpenter.sh/nodeclaim", "Name"],
            )),
        Statement::allow(["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"])
            .sid("AllowScopedDeletion")
            .on(["instance/*", "launch-template/*"].map(|resource| scope.ec2(resource)))
            .when(scope.is_owned())
            .when(has_tag("Resource", POOL_TAG)),
    ])
}

/// Giving instances the node role, through instance profiles of the controller's own.
fn iam_integration(scope: &Scope, node_role: Value<String>) -> PolicyDocument {
    PolicyDocument::new([
        Statement::allow(["iam:PassRole"]).sid("AllowPassingInstanceRole").on([node_role]).when(
            Condition::new(
                "StringEquals",
                "iam:PassedToService",
                ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"],
            ),
        ),
        Statement::allow(["iam:CreateInstanceProfile"])
            .sid("AllowScopedInstanceProfileCreationActions")
            .on([scope.instance_profiles()])
            .when(scope.is_given_to_cluster())
            .when(scope.names_cluster())
            .when(scope.is_of_region("Request"))
            .when(has_tag("Request", CLASS_TAG)),
        Statement::allow(["iam:TagInstanceProfile"])
            .sid("AllowScopedInstanceProfileTagActions")
            .on([scope.instance_profiles()])
            .when(scope.is_owned())
            .when(scope.is_of_region("Resource"))
            .when(scope.is_given_to_cluster())
            .when(scope.names_cluster())
            .when(scope.is_of_region("Request"))
            .when(has_tag("Resource", CLASS_TAG))
            .when(has_tag("Request", CLASS_TAG)),
        Statement::allow([
            "iam:AddRoleToInstanceProfile",
            "iam:RemoveRoleFromInstanceProfile",
            "iam:DeleteInstanceProfile",
        ])
        .sid("AllowScopedInstanceProfileActions")
        .on([scope.instance_profiles()])
        .when(scope.is_owned())
        .when(scope.is_of_region("Resource"))
        .when(has_tag("Resource", CLASS_TAG)),
    ])
}

/// Finding the cluster's endpoint.
fn eks_integration(scope: &Scope) -> PolicyDocument {
    PolicyDocument::new([Statement::allow(["eks:DescribeCluster"])
        .sid("AllowAPIServerEndpointDiscovery")
        .on([scope.cluster_arn()])])
}

/// Reading interruption notices.
fn interruption(queue: Value<String>) -> PolicyDocument {
    PolicyDocument::new([Statement::allow(["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"])
        .sid("AllowInterruptionQueueActions")
        .on([queue])])
}

/// Seeing whether a zone is shifted away from.
fn zonal_shift(scope: &Scope) -> PolicyDocument {
    PolicyDocument::new([Statement::allow(["arc-zonal-shift:GetManagedResource"])
        .sid("AllowZonalShiftStatusReadOnly")
        .on_all()
        .when(equals("arc-zonal-shift:ResourceIdentifier", &scope.cluster_arn()))])
}

/// Looking at what EC2 offers and what there is.
fn resource_discovery(scope: &Scope) -> PolicyDocument {
    PolicyDocument::new([
        Statement::allow([
            "ec2:DescribeCapacityReservations",
            "ec2:DescribeImages",
            "ec2:DescribeInstances",
            "ec2:DescribeInstanceStatus",
            "ec2:DescribeInstanceTypeOfferings",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeLaunchTemplates",
            "ec2:DescribePlacementGroups",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSpotPriceHistory",
            "ec2:DescribeSubnets",
        ])
        .sid("AllowRegionalReadActions")
        .on_all()
        .when(equals("aws:RequestedRegion", &scope.region)),
        Statement::allow(["ssm:GetParameter"])
            .sid("AllowSSMReadActions")
            .on([format!("arn:{}:ssm:{}::parameter/aws/service/*", scope.partition, scope.region)]),
        Statement::allow(["pricing:GetProducts"]).sid("AllowPricingReadActions").on_all(),
        Statement::allow(["iam:ListInstanceProfiles"]).sid("AllowUnscopedInstanceProfileListAction").on_all(),
        Statement::allow(["iam:GetInstanceProfile"])
            .sid("AllowInstanceProfileReadActions")
            .on([scope.instance_profiles()]),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{paper, to_tree};

    /// Returns the documents for the longest names that there can be.
    fn longest() -> Vec<(&'static str, serde_json::Value)> {
        let scope = Scope {
            partition: "aws-us-gov".into(),
            region: "ap-southeast-5".into(),
            account: "123456789012".into(),
            cluster: "c".repeat(100),
        };
        let arn = || Value::Known("a".repeat(200));
        documents(&scope, arn(), arn())
            .into_iter()
            .map(|(name, document)| (name, paper::show(&to_tree(&document).unwrap())))
            .collect()
    }

    #[test]
    fn no_document_nears_the_limit_of_a_policy() {
        for (name, document) in longest() {
            let length = document.to_string().len();
            assert!(length < 5_500, "{name} has {length} characters");
        }
    }

    #[test]
    fn what_changes_what_others_made_is_bound_to_the_cluster() {
        let owned = format!("kubernetes.io/cluster/{}", "c".repeat(100));
        let mut bound = 0;
        for (name, document) in longest() {
            for statement in document["Statement"].as_array().unwrap() {
                let actions = statement["Action"].to_string();
                let changes =
                    ["ec2:CreateTags", "ec2:Terminate", "LaunchTemplate\"", "iam:Tag", "iam:Delete"];
                if changes.iter().any(|action| actions.contains(action)) {
                    assert!(statement["Condition"].to_string().contains(&owned), "{name}: {statement}");
                    bound += 1;
                }
            }
        }
        assert_eq!(bound, 6);
    }
}
