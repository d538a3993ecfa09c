//! The regions of a platform, each with every setting resolved.
//!
//! A region takes from the platform what it does not set itself; a starter is its platform's only region. This is what
//! the next stage builds from.

use super::addresses::{STARTER_CIDR, region_cidr};
use super::model::{DataPlane, NodePool, PlatformConfig, RegionConfig, Shape};
use super::words::{Endpoint, Nat, Topology, Zones};
use crate::ids::{Cidr, Region};

/// What a region is in its platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClusterRole {
    /// The hub of a hub-and-spoke platform.
    Hub,
    /// A spoke.
    Spoke,
    /// One of the regions of a multi-region platform.
    Member,
    /// The only region of a starter.
    Starter,
}

/// One region of the platform with every setting resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterConfig<'a> {
    /// What the region is in its platform.
    pub role: ClusterRole,
    /// The region.
    pub region: &'a Region,
    /// The VPC's range.
    pub cidr: Cidr,
    /// The zones.
    pub zones: Zones,
    /// The NAT gateways.
    pub nat: Nat,
    /// The reach of the Kubernetes endpoint.
    pub endpoint: Endpoint,
    /// Ranges that may reach a public endpoint.
    pub public_access_cidrs: &'a [Cidr],
    /// ARNs of the IAM roles that administer the cluster.
    pub cluster_admins: &'a [String],
    /// The node pools.
    pub node_pools: &'a [NodePool],
    /// The tenants.
    pub data_planes: &'a [DataPlane],
}

impl ClusterConfig<'_> {
    /// Returns the first part of the region's resource addresses: `hub`, `main`, or the region.
    pub fn address(&self) -> &str {
        match self.role {
            ClusterRole::Hub => "hub",
            ClusterRole::Starter => "main",
            ClusterRole::Spoke | ClusterRole::Member => self.region.as_str(),
        }
    }
}

impl PlatformConfig {
    /// Returns every region with its settings resolved, the hub first, the others in the file's order.
    pub fn clusters(&self) -> Vec<ClusterConfig<'_>> {
        match &self.shape {
            Shape::HubAndSpoke { hub, spokes } => {
                let first =
                    self.resolve(ClusterRole::Hub, &hub.base, &hub.node_pools, &hub.skypilot.data_planes);
                let rest = spokes.iter().map(|spoke| {
                    let tenants = &spoke.skypilot.data_planes;
                    self.resolve(ClusterRole::Spoke, &spoke.base, &spoke.node_pools, tenants)
                });
                std::iter::once(first).chain(rest).collect()
            }
            Shape::MultiRegion { regions, node_pools } => regions
                .iter()
                .map(|region| self.resolve(ClusterRole::Member, region, node_pools, &[]))
                .collect(),
            Shape::Starter { region, cidr, node_pools } => vec![ClusterConfig {
                role: ClusterRole::Starter,
                region,
                cidr: cidr.unwrap_or(STARTER_CIDR),
                zones: self.availability_zones.clone().unwrap_or_default(),
                nat: self.nat,
                endpoint: self.endpoint,
                public_access_cidrs: &self.public_access_cidrs,
                cluster_admins: &self.cluster_admins,
                node_pools,
                data_planes: &[],
            }],
        }
    }

    /// Returns which regions are peered: what the file says, else the hub with its spokes, else all.
    pub fn topology(&self) -> Topology {
        self.topology.unwrap_or(match self.shape {
            Shape::HubAndSpoke { .. } => Topology::HubAndSpoke,
            Shape::MultiRegion { .. } | Shape::Starter { .. } => Topology::FullMesh,
        })
    }

    /// Lays a region's own settings over the platform's.
    fn resolve<'a>(
        &'a self,
        role: ClusterRole,
        base: &'a RegionConfig,
        node_pools: &'a [NodePool],
        data_planes: &'a [DataPlane],
    ) -> ClusterConfig<'a> {
        ClusterConfig {
            role,
            region: &base.region,
            cidr: base.cidr.unwrap_or_else(|| region_cidr(&base.region)),
            zones: base
                .availability_zones
                .as_ref()
                .or(self.availability_zones.as_ref())
                .cloned()
                .unwrap_or_default(),
            nat: base.nat.unwrap_or(self.nat),
            endpoint: base.endpoint.unwrap_or(self.endpoint),
            public_access_cidrs: base.public_access_cidrs.as_deref().unwrap_or(&self.public_access_cidrs),
            cluster_admins: base.cluster_admins.as_deref().unwrap_or(&self.cluster_admins),
            node_pools,
            data_planes,
        }
    }
}
