//! `eks.fargate_profile`: which pods run on Fargate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{RoleArn, SubnetId};
use crate::object::{FieldRules, Object, Tags};
use crate::value::{Tree, Value};

/// A Fargate profile. The API changes nothing of it but its tags.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EksFargateProfile {
    /// The cluster's name.
    pub cluster_name: Value<String>,
    /// Its name.
    pub fargate_profile_name: String,
    /// The role by which its nodes pull images and write logs.
    pub pod_execution_role_arn: Value<RoleArn>,
    /// The private subnets of its pods.
    pub subnets: Vec<Value<SubnetId>>,
    /// Which pods it takes.
    pub selectors: Vec<FargateSelector>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

/// Pods of one namespace that have these labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FargateSelector {
    /// The namespace.
    pub namespace: String,
    /// The labels.
    pub labels: BTreeMap<String, String>,
}

crate::outputs! {
    /// What the API gives back for a profile.
    pub struct EksFargateProfileOutputs of EksFargateProfile {
        /// Its ARN.
        ARN arn: String,
        /// Its name.
        NAME fargate_profile_name: String = echo "fargate_profile_name",
    }
}

impl Object for EksFargateProfile {
    const KIND: &'static str = "eks.fargate_profile";
    type Outputs = EksFargateProfileOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .parents(["cluster_name", "subnets"])
            .replace(["fargate_profile_name", "pod_execution_role_arn", "selectors"])
            .sets(["subnets", "selectors"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.cluster_name), (self.fargate_profile_name)]))
    }

    /// A cluster takes one operation on its profiles at a time.
    fn exclusive(&self) -> Option<Tree> {
        Some(crate::tree!(["eks.fargate_profile", (self.cluster_name)]))
    }
}
