//! Roles with their policies: what every role of the platform is made of.
//!
//! A role is one object, each of its own policies one, each attachment one. Who may take a role is the caller's matter.

use super::irsa_role::IrsaOutputs;
use crate::config::{IamSettings, fit_name};
use crate::facts::partition_of;
use crate::graph::{LowerError, Lowering};
use crate::ids::{PolicyArn, Region};
use crate::object::Tags;
use crate::object::iam::{IamPolicy, IamPolicyAttachment, IamRole, PolicyDocument};

/// Longest name of an IAM role.
const ROLE_NAME_LIMIT: usize = 64;
/// Longest name of an IAM policy.
const POLICY_NAME_LIMIT: usize = 128;

/// What a role may do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RolePolicies {
    /// Managed policies: whole ARNs, or what follows `arn:<partition>:iam::aws:policy/`.
    pub managed: Vec<String>,
    /// Policies of our own, each with a short name: they are called `<role>-<name>`.
    pub customer: Vec<(String, PolicyDocument)>,
}

impl RolePolicies {
    /// Makes a set of managed policies.
    pub fn managed<const N: usize>(policies: [&str; N]) -> Self {
        Self { managed: policies.map(str::to_owned).to_vec(), customer: Vec::new() }
    }

    /// Adds a policy of our own.
    #[must_use]
    pub fn customer(mut self, name: &str, document: PolicyDocument) -> Self {
        self.customer.push((name.to_owned(), document));
        self
    }
}

/// A role to add, of a service or of a service account.
pub(super) struct NewRole<'a> {
    /// The object's name below the resource.
    pub(super) object_name: &'a str,
    /// The role's name, shortened when it is over the limit.
    pub(super) role_name: String,
    /// Who may take it.
    pub(super) trust: PolicyDocument,
    /// What it is for.
    pub(super) description: String,
}

/// Where roles are made and how they are tagged.
#[derive(Clone, Copy)]
pub(super) struct RoleHome<'a> {
    /// The region of what the role is for; it tells the partition.
    pub(super) region: &'a Region,
    /// Path and permissions boundary.
    pub(super) iam: &'a IamSettings,
    /// The tags.
    pub(super) tags: &'a Tags,
}

/// Adds a role with its policies.
pub(super) fn add_role(
    cx: &mut Lowering<'_>,
    home: RoleHome<'_>,
    role: NewRole<'_>,
    policies: RolePolicies,
) -> Result<IrsaOutputs, LowerError> {
    let NewRole { object_name, role_name, trust, description } = role;
    let RoleHome { region, iam, tags } = home;
    let object = IamRole {
        role_name: fit_name(&role_name, ROLE_NAME_LIMIT),
        path: iam.path.clone(),
        assume_role_policy_document: trust,
        description,
        permissions_boundary: iam.permissions_boundary_arn.clone(),
        tags: tags.clone(),
    };
    let role = cx.object(object_name, object).add()?;
    let name = role.output(IamRole::NAME);
    let mut ready = role.ready();
    for policy in &policies.managed {
        let arn = managed_policy_arn(region, policy);
        let object = format!("{object_name}-attachment-{}", short_name(&arn));
        let attachment = IamPolicyAttachment { role_name: name.clone(), policy_arn: arn.into() };
        ready = ready.and(&cx.object(&object, attachment).add()?.ready());
    }
    for (short, document) in policies.customer {
        let policy = IamPolicy {
            policy_name: fit_name(&format!("{role_name}-{short}"), POLICY_NAME_LIMIT),
            path: iam.path.clone(),
            description: format!("Rights of the role {role_name}: {short}"),
            policy_document: document,
            tags: tags.clone(),
        };
        let policy = cx.object(&format!("{object_name}-policy-{short}"), policy).add()?;
        let attachment =
            IamPolicyAttachment { role_name: name.clone(), policy_arn: policy.output(IamPolicy::ARN) };
        let object = format!("{object_name}-attachment-{short}");
        ready = ready.and(&cx.object(&object, attachment).add()?.ready());
    }
    Ok(IrsaOutputs { role_arn: role.output(IamRole::ARN), role_name: name, ready })
}

/// Returns the ARN of a managed policy given whole or by what follows `policy/`.
fn managed_policy_arn(region: &Region, policy: &str) -> PolicyArn {
    if policy.starts_with("arn:") {
        return PolicyArn::new(policy);
    }
    PolicyArn::new(format!("arn:{}:iam::aws:policy/{policy}", partition_of(region)))
}

/// Returns the name by which an attachment is known: the policy's, with its account before it unless that is AWS, so
/// that two policies of one name can be attached.
fn short_name(arn: &PolicyArn) -> String {
    let mut parts = arn.as_str().splitn(6, ':').skip(4);
    let (account, resource) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let name = resource.rsplit('/').next().unwrap_or_default();
    if account == "aws" { name.to_owned() } else { format!("{account}-{name}") }
}
