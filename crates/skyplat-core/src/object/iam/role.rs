//! `iam.role`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::PolicyDocument;
use crate::ids::RoleArn;
use crate::object::{FieldRules, Normal, Object, Tags};
use crate::value::Tree;

/// A role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IamRole {
    /// Its name, at most 64 characters, unique in the account whatever its path.
    pub role_name: String,
    /// Its path.
    pub path: String,
    /// Who may take it.
    pub assume_role_policy_document: PolicyDocument,
    /// What it is for.
    pub description: String,
    /// The ARN of the policy that bounds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for a role.
    pub struct IamRoleOutputs of IamRole {
        /// Its ARN.
        ARN arn: RoleArn,
        /// Its name.
        NAME role_name: String = echo "role_name",
        /// Its id, new with every role, whatever its name.
        ID role_id: String,
    }
}

impl Object for IamRole {
    const KIND: &'static str = "iam.role";
    type Outputs = IamRoleOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .replace(["role_name", "path"])
            .normalised("assume_role_policy_document", Normal::IamDocument)
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.role_name)]))
    }
}
