//! The typed configuration: what one YAML file asks for, with every default filled in.
//!
//! Plain structs with public fields. [`super::parse_config`] makes them from a file and collects every problem; an
//! embedder may also build them in code and call [`super::check_config`], or read the plain YAML shape with any serde
//! reader. Settings that a region inherits from the platform stay optional here; [`PlatformConfig::clusters`] resolves
//! them. Nothing here knows about AWS objects.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::{Architecture, CapacityType, Endpoint, Nat, TaintEffect, Topology, UserRole, Zones};
use super::{schema, versions};
use crate::ids::{AccountId, Cidr, Region};

/// The project when neither `name` nor a key prefix gives one.
pub const DEFAULT_PROJECT: &str = "sp";

/// One whole platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlatformConfig {
    /// First part of the deployment name `<project>-<stack>`: `name`, else the prefix of the stack file's keys, else `sp`.
    #[serde(rename = "name", default = "default_project")]
    pub project: String,
    /// Which regions there are and what each of them holds.
    #[serde(flatten)]
    pub shape: Shape,
    /// Which regions are peered; [`PlatformConfig::topology`] gives the default of each shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        description = "Which regions are peered. Default: the hub with each spoke; without a hub, all."
    )]
    pub topology: Option<Topology>,
    /// Zones per region, for regions that set none of their own. Default: three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zones: Option<Zones>,
    /// NAT gateways per region, for regions that set none of their own. Default: one.
    #[serde(default)]
    pub nat: Nat,
    /// Reach of the clusters' Kubernetes endpoints, for regions that set none of their own. Default: public.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// Ranges that may reach a public endpoint, for regions that set none of their own. Default: the whole world.
    #[serde(default = "default_public_access")]
    pub public_access_cidrs: Vec<Cidr>,
    /// ARNs of the IAM roles that administer the clusters, for regions that set none of their own. Default: none but
    /// the creator.
    #[serde(default)]
    pub cluster_admins: Vec<String>,
    /// Versions of everything that is installed.
    #[serde(default)]
    pub component_versions: ComponentVersions,
    /// Which addons every cluster gets.
    #[serde(default)]
    pub addons: Addons,
    /// Tags on everything that can carry them.
    #[serde(default)]
    #[schemars(schema_with = "schema::texts")]
    pub tags: BTreeMap<String, String>,
    /// Where IAM roles are made and what bounds them.
    #[serde(default)]
    pub iam: IamSettings,
    /// Pins the account: a run in any other account is refused. Default: whatever account the credentials belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::account_id")]
    pub account_id: Option<AccountId>,
    /// Refuses plans that delete or replace what holds data or tenants (networks, clusters, file systems, namespaces).
    /// Default: false.
    #[serde(default)]
    pub protect: bool,
}

/// The three platforms that one file can describe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "there is one per platform")]
pub enum Shape {
    /// A hub region with the SkyPilot API server, and spokes peered with it.
    HubAndSpoke {
        /// The primary region.
        hub: Hub,
        /// The other regions.
        #[serde(default)]
        spokes: Vec<Spoke>,
    },
    /// Equal regions, all peered with each other, without SkyPilot.
    MultiRegion {
        /// The regions: each a name, or a mapping with `region` and its settings.
        #[schemars(schema_with = "schema::region_entries")]
        regions: Vec<RegionConfig>,
        /// The node pools of every region.
        #[serde(default)]
        node_pools: Vec<NodePool>,
    },
    /// One VPC with one cluster and its addons, without SkyPilot.
    Starter {
        /// The region.
        region: Region,
        /// The VPC's range. Default: 10.0.0.0/16.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cidr: Option<Cidr>,
        /// The cluster's node pools.
        #[serde(default)]
        node_pools: Vec<NodePool>,
    },
}

/// A region and the settings it does not take from the platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "RegionEntry")]
#[schemars(!from)]
pub struct RegionConfig {
    /// The region.
    pub region: Region,
    /// The VPC's range. Default: [`super::region_cidr`].
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(description = "The VPC's range. Default: a /16 that belongs to the region.")]
    pub cidr: Option<Cidr>,
    /// Overrides [`PlatformConfig::availability_zones`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zones: Option<Zones>,
    /// Overrides [`PlatformConfig::nat`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat: Option<Nat>,
    /// Overrides [`PlatformConfig::endpoint`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// Overrides [`PlatformConfig::public_access_cidrs`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_access_cidrs: Option<Vec<Cidr>>,
    /// Overrides [`PlatformConfig::cluster_admins`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_admins: Option<Vec<String>>,
}

impl RegionConfig {
    /// Makes the entry of a region that takes every setting from the platform.
    pub fn new(region: Region) -> Self {
        Self {
            region,
            cidr: None,
            availability_zones: None,
            nat: None,
            endpoint: None,
            public_access_cidrs: None,
            cluster_admins: None,
        }
    }
}

/// How a region may be written: a bare name, or a mapping.
#[derive(Deserialize)]
#[serde(untagged)]
enum RegionEntry {
    Name(Region),
    Settings {
        region: Region,
        cidr: Option<Cidr>,
        availability_zones: Option<Zones>,
        nat: Option<Nat>,
        endpoint: Option<Endpoint>,
        public_access_cidrs: Option<Vec<Cidr>>,
        cluster_admins: Option<Vec<String>>,
    },
}

impl From<RegionEntry> for RegionConfig {
    fn from(entry: RegionEntry) -> Self {
        match entry {
            RegionEntry::Name(region) => Self::new(region),
            RegionEntry::Settings {
                region,
                cidr,
                availability_zones,
                nat,
                endpoint,
                public_access_cidrs,
                cluster_admins,
            } => {
                Self { region, cidr, availability_zones, nat, endpoint, public_access_cidrs, cluster_admins }
            }
        }
    }
}

/// The primary region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hub {
    /// The region and its settings.
    #[serde(flatten)]
    pub base: RegionConfig,
    /// The cluster's node pools. Default: none but the platform's own.
    #[serde(default)]
    pub node_pools: Vec<NodePool>,
    /// The API server and the hub's tenants.
    pub skypilot: HubSkyPilot,
    /// The way into the private network. Without it there is none (a warning).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tailscale: Option<Tailscale>,
}

/// A region beside the hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spoke {
    /// The region and its settings.
    #[serde(flatten)]
    pub base: RegionConfig,
    /// The cluster's node pools. Default: none but the platform's own.
    #[serde(default)]
    pub node_pools: Vec<NodePool>,
    /// The spoke's tenants. Default: none.
    #[serde(default)]
    pub skypilot: SpokeSkyPilot,
}

/// The SkyPilot API server, and the tenants that run in the hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HubSkyPilot {
    /// Host name of the API server; also the name of the private DNS zone.
    pub ingress_host: String,
    /// ARN of the ACM certificate for the host, in the hub's region.
    pub ingress_ssl_cert_arn: String,
    /// Role of users who are given none. Default: admin.
    #[serde(default)]
    pub default_user_role: UserRole,
    /// Email of the first administrator. Default (a warning): see [`HubSkyPilot::admin_email`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(description = "Email of the first administrator. Default (a warning): admin@ the host.")]
    pub admin_email: Option<String>,
    /// Lets SkyPilot start EC2 instances outside the clusters. Default: false.
    #[serde(default)]
    pub aws_vms: bool,
    /// Shows GPU use of whole clusters to every tenant, at the price of letting each list all pods. Default: false.
    #[serde(default)]
    pub gpu_overview: bool,
    /// The tenants of the hub's cluster. Default: none.
    #[serde(default)]
    pub data_planes: Vec<DataPlane>,
}

impl HubSkyPilot {
    /// Returns the first administrator's email: the configured one, else `admin@` the host.
    pub fn admin_email(&self) -> String {
        self.admin_email.clone().unwrap_or_else(|| format!("admin@{}", self.ingress_host))
    }
}

/// The tenants that run in a spoke.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpokeSkyPilot {
    /// The tenants of the spoke's cluster. Default: none.
    #[serde(default)]
    pub data_planes: Vec<DataPlane>,
}

/// The Tailscale subnet router in the hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tailscale {
    /// ARN of the Secrets Manager secret with `CLIENT_ID` and `CLIENT_SECRET` of the OAuth client, in the hub's region.
    pub oauth_secret_arn: String,
}

/// A tenant: one namespace in one cluster, with an identity and rights of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DataPlane {
    /// Name of the tenant and of its namespace.
    #[schemars(regex(pattern = schema::LABEL), length(max = 63))]
    pub name: String,
    /// ARN of an existing role for the tenant's workloads. Default: a role is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_role_arn: Option<String>,
    /// Users (emails) who may use the tenant's workspace. Default (a warning): everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_users: Option<Vec<String>>,
    /// ARNs of the managed policies of the role that is made. Default (a warning): read of all container images, and
    /// all of S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<String>>,
    /// The `hard` part of the namespace's ResourceQuota, such as `requests.cpu: "64"`. Default: no quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::texts")]
    pub quota: Option<BTreeMap<String, String>>,
}

/// The hub's pool for the API server, which needs 4 vCPUs and 8 GiB for itself.
pub const API_POOL: &str = "skyplat-api";
/// The pool of a region where no other accepts a pod without tolerations, so that its addons find a node.
pub const SYSTEM_POOL: &str = "skyplat-system";
/// The label and taint of the nodes that the API server runs on, and their value. A pool [`API_POOL`] of one's own in the
/// hub needs the label.
pub const API_NODE_ROLE: (&str, &str) = ("skyplat.dev/role", "api");

/// A Karpenter node pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("anyOf" = [
    {"required": ["instance_type"]}, {"required": ["instance_family"]}, {"required": ["instance_category"]},
]))]
pub struct NodePool {
    /// Name, unique in its region.
    #[schemars(regex(pattern = schema::LABEL), length(max = 63))]
    pub name: String,
    /// How instances are bought.
    pub capacity_type: CapacityType,
    /// Instance types to choose from, such as `t3.medium`. One of the three instance lists is needed; all given ones
    /// hold together.
    #[serde(default)]
    pub instance_type: Vec<String>,
    /// Instance families to choose from, such as `m7i`.
    #[serde(default)]
    pub instance_family: Vec<String>,
    /// Instance categories to choose from, such as `c`.
    #[serde(default)]
    pub instance_category: Vec<String>,
    /// Size of each node's root volume, in Gi or Ti. Default: 128Gi.
    #[serde(default = "default_ebs_size")]
    #[schemars(schema_with = "schema::disk_size")]
    pub ebs_size: String,
    /// Most vCPUs the pool may have at once. Default: 1000 vCPUs when there is no limit of either kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub vcpu_limit: Option<u64>,
    /// Most memory the pool may have at once, such as `512Gi`. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::memory_size")]
    pub memory_limit: Option<String>,
    /// CPU architecture. Default: amd64.
    #[serde(default)]
    pub architecture: Architecture,
    /// Taints of the pool's nodes. Default: none.
    #[serde(default)]
    pub taints: Vec<Taint>,
    /// Labels of the pool's nodes. Default: none.
    #[serde(default)]
    #[schemars(schema_with = "schema::texts")]
    pub labels: BTreeMap<String, String>,
}

/// A taint of a node pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Taint {
    /// Key, such as `team`.
    pub key: String,
    /// Value. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::loose_text")]
    pub value: Option<String>,
    /// What happens to pods that do not tolerate it. Default: NoSchedule.
    #[serde(default)]
    pub effect: TaintEffect,
}

/// Versions of everything that is installed; the defaults fit together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ComponentVersions {
    /// Kubernetes, `major.minor`.
    #[schemars(schema_with = "schema::version")]
    pub kubernetes: String,
    /// Karpenter, of the controller and both charts.
    #[schemars(schema_with = "schema::version")]
    pub karpenter: String,
    /// SkyPilot, of the server and its chart.
    #[schemars(schema_with = "schema::version")]
    pub skypilot: String,
    /// Chart of the AWS load balancer controller.
    #[schemars(schema_with = "schema::version")]
    pub aws_load_balancer_controller: String,
    /// Chart of external-dns.
    #[schemars(schema_with = "schema::version")]
    pub external_dns: String,
    /// Chart of the EBS CSI driver.
    #[schemars(schema_with = "schema::version")]
    pub ebs_csi: String,
    /// Chart of the EFS CSI driver.
    #[schemars(schema_with = "schema::version")]
    pub efs_csi: String,
    /// Chart of metrics-server.
    #[schemars(schema_with = "schema::version")]
    pub metrics_server: String,
    /// Chart of fluent-bit.
    #[schemars(schema_with = "schema::version")]
    pub fluent_bit: String,
    /// Chart of the NVIDIA device plugin.
    #[schemars(schema_with = "schema::version")]
    pub nvidia_device_plugin: String,
    /// Chart of the Tailscale operator.
    #[schemars(schema_with = "schema::version")]
    pub tailscale_operator: String,
}

impl Default for ComponentVersions {
    fn default() -> Self {
        Self {
            kubernetes: versions::KUBERNETES.into(),
            karpenter: versions::KARPENTER.into(),
            skypilot: versions::SKYPILOT.into(),
            aws_load_balancer_controller: versions::AWS_LOAD_BALANCER_CONTROLLER.into(),
            external_dns: versions::EXTERNAL_DNS.into(),
            ebs_csi: versions::EBS_CSI.into(),
            efs_csi: versions::EFS_CSI.into(),
            metrics_server: versions::METRICS_SERVER.into(),
            fluent_bit: versions::FLUENT_BIT.into(),
            nvidia_device_plugin: versions::NVIDIA_DEVICE_PLUGIN.into(),
            tailscale_operator: versions::TAILSCALE_OPERATOR.into(),
        }
    }
}

/// Which addons every cluster gets; all of them by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "seven independent switches, named as the file names them")]
pub struct Addons {
    /// Block storage; the API server's volume needs it in the hub.
    pub ebs_csi: bool,
    /// Shared file storage, with a file system per region.
    pub efs_csi: bool,
    /// Load balancers for Ingresses and Services; the API server needs it in the hub.
    pub aws_load_balancer_controller: bool,
    /// The API server's DNS record (hub only).
    pub external_dns: bool,
    /// `kubectl top`, and autoscaling by load.
    pub metrics_server: bool,
    /// Container logs to CloudWatch.
    pub fluent_bit: bool,
    /// NVIDIA GPUs as a resource (only where a GPU pool exists).
    pub nvidia_device_plugin: bool,
}

impl Default for Addons {
    fn default() -> Self {
        Self {
            ebs_csi: true,
            efs_csi: true,
            aws_load_balancer_controller: true,
            external_dns: true,
            metrics_server: true,
            fluent_bit: true,
            nvidia_device_plugin: true,
        }
    }
}

/// Where IAM roles are made and what bounds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IamSettings {
    /// Path of every role and policy. Default: `/`.
    pub path: String,
    /// ARN of the policy that bounds every role. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_boundary_arn: Option<String>,
}

impl Default for IamSettings {
    fn default() -> Self {
        Self { path: "/".into(), permissions_boundary_arn: None }
    }
}

fn default_project() -> String {
    DEFAULT_PROJECT.into()
}

/// The range of all addresses, the default of `public_access_cidrs`.
pub(super) fn default_public_access() -> Vec<Cidr> {
    vec![Cidr::new(std::net::Ipv4Addr::UNSPECIFIED, 0).expect("0 is a valid prefix length")]
}

/// The root volume of a node pool that sets none.
pub(super) fn default_ebs_size() -> String {
    "128Gi".into()
}
