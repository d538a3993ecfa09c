//! `iam.policy_attachment`: a managed policy on a role.

use serde::{Deserialize, Serialize};

use crate::ids::PolicyArn;
use crate::object::{FieldRules, Object};
use crate::value::{Tree, Value};

/// A managed policy on a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IamPolicyAttachment {
    /// The role's name.
    pub role_name: Value<String>,
    /// The policy, one of ours or of AWS.
    pub policy_arn: Value<PolicyArn>,
}

crate::outputs! {
    /// An attachment gives nothing back.
    pub struct IamPolicyAttachmentOutputs of IamPolicyAttachment {}
}

impl Object for IamPolicyAttachment {
    const KIND: &'static str = "iam.policy_attachment";
    type Outputs = IamPolicyAttachmentOutputs;

    /// It lives in both: neither role nor policy can be deleted while it stands.
    fn rules(&self) -> FieldRules {
        FieldRules::new().parents(["role_name", "policy_arn"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.role_name), (self.policy_arn)]))
    }
}
