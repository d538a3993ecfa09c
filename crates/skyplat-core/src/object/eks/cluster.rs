//! `eks.cluster`: the API object of a cluster. The resource with everything around it is
//! [`crate::resource::eks_cluster::EksCluster`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{Cidr, RoleArn, SecurityGroupId, SubnetId};
use crate::object::{FieldRules, Object, Tags};
use crate::value::{Tree, Value};

/// A cluster's control plane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EksControlPlane {
    /// Its name.
    pub name: String,
    /// The Kubernetes version, `major.minor`.
    pub version: String,
    /// The role that the service takes.
    pub role_arn: Value<RoleArn>,
    /// Where it lies and from where it can be reached.
    pub resources_vpc_config: ClusterVpc,
    /// The addresses of its services.
    pub kubernetes_network_config: ClusterNetwork,
    /// What it logs.
    pub logging: ClusterLogging,
    /// How callers are let in.
    pub access_config: AccessConfig,
    /// Whether EKS installs its addons unasked.
    pub bootstrap_self_managed_addons: bool,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

/// Where a cluster lies and from where it can be reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterVpc {
    /// The subnets of its network interfaces.
    pub subnet_ids: Vec<Value<SubnetId>>,
    /// Whether it can be reached from inside the VPC.
    pub endpoint_private_access: bool,
    /// Whether it can be reached from the internet.
    pub endpoint_public_access: bool,
    /// From where on the internet; none when it cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_access_cidrs: Option<Vec<Value<String>>>,
}

/// The addresses of a cluster's services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterNetwork {
    /// `ipv4`.
    pub ip_family: String,
    /// The range.
    pub service_ipv4_cidr: Cidr,
}

/// What a cluster logs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterLogging {
    /// Groups of logs that are on, or off.
    pub cluster_logging: Vec<LogSetup>,
}

/// Logs that are on, or off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogSetup {
    /// Which logs.
    pub types: Vec<String>,
    /// Whether they are on.
    pub enabled: bool,
}

/// How callers are let in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessConfig {
    /// `API`, `API_AND_CONFIG_MAP` or `CONFIG_MAP`.
    pub authentication_mode: String,
    /// Whether who makes the cluster administers it.
    pub bootstrap_cluster_creator_admin_permissions: bool,
}

crate::outputs! {
    /// What the API gives back for a cluster.
    pub struct EksControlPlaneOutputs of EksControlPlane {
        /// Its name.
        NAME name: String = echo "name",
        /// The Kubernetes version asked for.
        VERSION version: String = echo "version",
        /// Its ARN.
        ARN arn: String,
        /// The address of its API.
        ENDPOINT endpoint: String,
        /// The certificate authority of its API, base64.
        CERTIFICATE_AUTHORITY certificate_authority: String,
        /// The issuer of its tokens, with `https://`.
        ISSUER_URL issuer_url: String,
        /// The issuer of its tokens, without `https://`, as conditions of trust policies want it.
        ISSUER_HOST issuer_host: String,
        /// The security group that EKS makes for control plane and Fargate pods.
        SECURITY_GROUP_ID cluster_security_group_id: SecurityGroupId,
    }
}

impl Object for EksControlPlane {
    const KIND: &'static str = "eks.cluster";
    type Outputs = EksControlPlaneOutputs;

    /// The cluster's network interfaces are in its subnets, so it goes with any of them.
    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .parents(["resources_vpc_config.subnet_ids"])
            .replace([
                "name",
                "role_arn",
                "kubernetes_network_config",
                "access_config.bootstrap_cluster_creator_admin_permissions",
                "bootstrap_self_managed_addons",
            ])
            .sets([
                "resources_vpc_config.subnet_ids",
                "resources_vpc_config.public_access_cidrs",
                "logging.cluster_logging",
                "logging.cluster_logging.*.types",
            ])
            .server_default(["resources_vpc_config.public_access_cidrs"])
            .write_only(["bootstrap_self_managed_addons"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.name)]))
    }
}
