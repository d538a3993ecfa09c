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
