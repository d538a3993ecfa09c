//! Roles for service accounts: the `IrsaRole` resource of a tenant, and the building block of every other role that a
//! pod takes.
//!
//! A role trusts its cluster's identity provider for *one* service account: the token must be for that account (`sub`)
//! and for AWS (`aud`). Without `sub` every pod of the cluster could take the role.

use super::eks_cluster::{EksCluster, EksClusterOutputs};
use super::role::{NewRole, RoleHome, RolePolicies, add_role};
use crate::graph::{Handle, LowerError, Lowering, Ready, Resource};
use crate::ids::RoleArn;
use crate::object::iam::{Condition, PolicyDocument, Principal, Statement};
use crate::value::Value;

/// A Kubernetes service account, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccountRef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ServiceAccountRef {
    /// Names a service account.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// Returns the `sub` of its tokens.
    fn subject(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }
}

/// What a role offers.
#[derive(Debug, Clone)]
pub struct IrsaOutputs {
    /// The role's ARN, for the service account's annotation.
    pub role_arn: Value<RoleArn>,
    /// The role's name.
    pub role_name: Value<String>,
    /// The role can be taken and may do all it should.
    pub ready: Ready,
}

/// Adds a role that one service account of a cluster can take.
///
/// `object_name` is the object's name below the resource; its policies and attachments are `<object_name>-policy-<name>`
/// and `<object_name>-attachment-<name>`. A role name over IAM's limit is shortened.
///
/// # Errors
/// When a managed policy is given twice, or an object cannot be built.
pub fn irsa_role(
    cx: &mut Lowering<'_>,
    object_name: &str,
    role_name: String,
    cluster: &EksClusterOutputs,
    account: &ServiceAccountRef,
    policies: RolePolicies,
) -> Result<IrsaOutputs, LowerError> {
    let description = format!("Taken by {}/{} in {}", account.namespace, account.name, cluster.cluster_name);
    let role = NewRole { object_name, role_name, trust: trust(cluster, account), description };
    let home = RoleHome { region: &cluster.region, iam: &cluster.iam, tags: &cluster.tags };
    add_role(cx, home, role, policies)
}

/// Returns the document by which one service account can take a role.
fn trust(cluster: &EksClusterOutputs, account: &ServiceAccountRef) -> PolicyDocument {
    let claim = |name: &str| Value::format([(&cluster.issuer_host).into(), name.into()]);
    let subject = account.subject();
    let operator = if subject.contains('*') { "StringLike" } else { "StringEquals" };
    PolicyDocument::new([Statement::allow(["sts:AssumeRoleWithWebIdentity"])
        .principal(Principal::Federated(cluster.oidc_provider_arn.as_text()))
        .when(Condition::new(operator, claim(":sub"), [subject]))
        .when(Condition::new("StringEquals", claim(":aud"), ["sts.amazonaws.com"]))])
}

/// A tenant's role: taken by one service account, with managed policies.
#[derive(Debug, Clone)]
pub struct IrsaRole {
    /// The cluster of the service account.
    pub cluster: Handle<EksCluster>,
    /// The role's name.
    pub role_name: String,
    /// Who takes it.
    pub service_account: ServiceAccountRef,
    /// What it may do.
    pub policies: RolePolicies,
}

impl Resource for IrsaRole {
    const KIND: &'static str = "IrsaRole";
    type Outputs = IrsaOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<IrsaOutputs, LowerError> {
        let cluster = cx.outputs(self.cluster)?;
        let name = self.role_name.clone();
        irsa_role(cx, "role", name, &cluster, &self.service_account, self.policies.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ObjectGraph;
    use crate::resource::fixture::{World, hub_and_spoke, inputs, lowered};

    fn with_role(role_name: &str, account: ServiceAccountRef, policies: RolePolicies) -> ObjectGraph {
        let World { mut graph, hub } = hub_and_spoke();
        let role = IrsaRole { cluster: hub, role_name: role_name.into(), service_account: account, policies };
        graph.add("hub/role/team-a", role).unwrap();
        lowered(&graph)
    }

    fn trust_condition(account: ServiceAccountRef) -> serde_json::Value {
        let graph = with_role("team-a", account, RolePolicies::default());
        let trust = &inputs(&graph, "hub/role/team-a/role")["assume_role_policy_document"];
        trust["Statement"][0]["Condition"].clone()
    }

    #[test]
    fn a_role_is_taken_by_one_service_account_and_for_aws_alone() {
        assert_eq!(
            trust_condition(ServiceAccountRef::new("team-a", "sky-user-sa")),
            serde_json::json!({ "StringEquals": {
                "${hub/eks/cluster.issuer_host}:sub": "system:serviceaccount:team-a:sky-user-sa",
                "${hub/eks/cluster.issuer_host}:aud": "sts.amazonaws.com",
            } })
        );
    }

    #[test]
    fn a_pattern_is_compared_as_one_and_the_audience_stays_exact() {
        assert_eq!(
            trust_condition(ServiceAccountRef::new("team-a", "job-*")),
            serde_json::json!({
                "StringLike": { "${hub/eks/cluster.issuer_host}:sub": "system:serviceaccount:team-a:job-*" },
                "StringEquals": { "${hub/eks/cluster.issuer_host}:aud": "sts.amazonaws.com" },
            })
        );
    }

    #[test]
    fn every_role_of_a_pod_pins_subject_and_audience() {
        let graph = lowered(&hub_and_spoke().graph);
        let mut seen = 0;
        for node in graph.nodes().values().filter(|node| node.kind.as_str() == "iam.role") {
            let trust = inputs(&graph, node.address.as_str())["assume_role_policy_document"].to_string();
            if trust.contains("AssumeRoleWithWebIdentity") {
                assert!(trust.contains(":sub\"") && trust.contains(":aud\""), "{}: {trust}", node.address);
                seen += 1;
            }
        }
        assert_eq!(seen, 2, "one controller in each region");
    }

    #[test]
    fn policies_are_attached_by_name_and_account() {
        let document = PolicyDocument::new([Statement::allow(["s3:GetObject"]).on_all()]);
        let policies = RolePolicies::managed([
            "service-role/AmazonEFSCSIDriverPolicy",
            "arn:aws:iam::aws:policy/AmazonS3FullAccess",
            "arn:aws:iam::123456789012:policy/ml/AmazonS3FullAccess",
        ])
        .customer("read", document);
        let graph = with_role("team-a", ServiceAccountRef::new("team-a", "sa"), policies);
        let arn = |name: &str| {
            let address = format!("hub/role/team-a/role-attachment-{name}");
            inputs(&graph, &address)["policy_arn"].as_str().map(str::to_owned)
        };
        let efs = arn("AmazonEFSCSIDriverPolicy").unwrap();
        assert_eq!(efs, "arn:aws:iam::aws:policy/service-role/AmazonEFSCSIDriverPolicy");
        assert_eq!(arn("AmazonS3FullAccess").unwrap(), "arn:aws:iam::aws:policy/AmazonS3FullAccess");
        assert!(arn("123456789012-AmazonS3FullAccess").unwrap().contains("policy/ml/"));
        assert_eq!(arn("read"), None, "the ARN of our own policy is a reference");
        assert_eq!(inputs(&graph, "hub/role/team-a/role-policy-read")["policy_name"], "team-a-read");
    }

    #[test]
    fn a_name_over_the_limit_is_shortened() {
        let long = "x".repeat(90);
        let graph = with_role(&long, ServiceAccountRef::new("a", "b"), RolePolicies::default());
        let name = inputs(&graph, "hub/role/team-a/role")["role_name"].as_str().unwrap().to_owned();
        assert!(name.len() <= 64 && name.starts_with("xxx"), "{name}");
    }
}
