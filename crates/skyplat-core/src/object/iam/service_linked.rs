//! `iam.service_linked_role`: a role that a service takes for itself, one per account.

use serde::{Deserialize, Serialize};

use crate::ids::RoleArn;
use crate::object::{FieldRules, Object};
use crate::value::Tree;

/// A service's own role. One that exists is taken as it is; none is ever deleted, because others use it too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IamServiceLinkedRole {
    /// The service, such as `spot.amazonaws.com`.
    pub aws_service_name: String,
}

crate::outputs! {
    /// What the API gives back for the role.
    pub struct IamServiceLinkedRoleOutputs of IamServiceLinkedRole {
        /// Its ARN.
        ARN arn: RoleArn,
    }
}

impl Object for IamServiceLinkedRole {
    const KIND: &'static str = "iam.service_linked_role";
    type Outputs = IamServiceLinkedRoleOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["aws_service_name"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.aws_service_name)]))
    }
}
