//! `skypilot.config`: the configuration of a running SkyPilot API server.
//!
//! The chart hands its configuration over only once; after that the server's own copy wins. So the configuration is an
//! object of its own: an executor reads it from the server through the cluster's Kubernetes API, merges three ways (what
//! was last applied, what the server has, what is wanted), posts the result and waits for it. Keys that an administrator
//! set by hand stay. A refusal because a workspace has running work is `Busy`.

use serde::{Deserialize, Serialize};

use super::{FieldRules, Object};
use crate::value::{Tree, Value};

/// The configuration of a SkyPilot API server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkyPilotConfig {
    /// Namespace of the server.
    pub namespace: Value<String>,
    /// Name of the server's release.
    pub release: Value<String>,
    /// The keys that are wanted; the server may have others.
    pub config: Tree,
}

crate::outputs! {
    /// A configuration gives nothing back.
    pub struct SkyPilotConfigOutputs of SkyPilotConfig {}
}

impl Object for SkyPilotConfig {
    const KIND: &'static str = "skypilot.config";
    type Outputs = SkyPilotConfigOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .parents(["namespace", "release"])
            .sets([
                "config.allowed_clouds",
                "config.kubernetes.allowed_contexts",
                "config.workspaces.*.allowed_users",
                "config.workspaces.*.kubernetes.allowed_contexts",
            ])
            .remark(
                "config.rbac.default_role",
                "the default role reaches only users who have no role yet; change the others in the dashboard",
            )
    }

    /// A server has one configuration.
    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.namespace), (self.release)]))
    }
}
