//! `eks.access_entry`: an IAM principal that a cluster lets in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::RoleArn;
use crate::object::{FieldRules, Object, Tags};
use crate::value::{Tree, Value};

/// An access entry with its access policies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EksAccessEntry {
    /// The cluster's name.
    pub cluster_name: Value<String>,
    /// The role that is let in.
    pub principal_arn: Value<RoleArn>,
    /// `STANDARD`, or `EC2_LINUX` for the role of nodes.
    pub r#type: String,
    /// What it may do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_policies: Vec<AccessPolicy>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

/// An access policy of EKS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessPolicy {
    /// The policy, such as `arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy`.
    pub policy_arn: String,
    /// Where it holds.
    pub access_scope: AccessScope,
}

/// Where an access policy holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessScope {
    /// `cluster` for all of it, or `namespace`.
    pub r#type: String,
    /// The namespaces, when it holds in some only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
}

impl AccessScope {
    /// Returns the scope of the whole cluster.
    pub fn cluster() -> Self {
        Self { r#type: "cluster".into(), namespaces: Vec::new() }
    }
}

crate::outputs! {
    /// What the API gives back for an entry.
    pub struct EksAccessEntryOutputs of EksAccessEntry {
        /// Its ARN.
        ARN arn: String,
    }
}

impl Object for EksAccessEntry {
    const KIND: &'static str = "eks.access_entry";
    type Outputs = EksAccessEntryOutputs;

    /// The entry remembers the role's id behind the ARN: with a role made anew it lets nobody in.
    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .parents(["cluster_name", "principal_arn"])
            .replace(["type"])
            .sets(["access_policies"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.cluster_name), (self.principal_arn)]))
    }
}
