//! `iam.policy`: a managed policy of ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::PolicyDocument;
use crate::ids::PolicyArn;
use crate::object::{FieldRules, Normal, Object, Tags};
use crate::value::Tree;

/// A managed policy. A new document becomes its default version; the versions before are deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IamPolicy {
    /// Its name, at most 128 characters, unique in the account whatever its path.
    pub policy_name: String,
    /// Its path.
    pub path: String,
    /// What it is for; the API never changes it.
    pub description: String,
    /// What it allows, at most 6,144 characters without white space.
    pub policy_document: PolicyDocument,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for a policy.
    pub struct IamPolicyOutputs of IamPolicy {
        /// Its ARN.
        ARN arn: PolicyArn,
        /// Its name.
        NAME policy_name: String = echo "policy_name",
    }
}

impl Object for IamPolicy {
    const KIND: &'static str = "iam.policy";
    type Outputs = IamPolicyOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .replace(["policy_name", "path", "description"])
            .normalised("policy_document", Normal::IamDocument)
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.policy_name)]))
    }
}
