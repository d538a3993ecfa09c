//! The resources of the platform: what a person names, and how each becomes objects.
//!
//! One module per resource, and one function that lowers it; big ones are folders. A resource takes what it needs of
//! another by its handle ([`crate::graph::Lowering::outputs`]), never by spelling its names again. Which resources a
//! configuration asks for is not decided here.

pub mod addon;
pub mod api_server;
pub mod data_plane;
pub mod eks_cluster;
#[cfg(test)]
pub(crate) mod fixture;
pub mod identity_provider;
pub mod irsa_role;
pub mod karpenter;
mod kubeconfig;
mod manifests;
pub mod peering;
mod role;
pub mod service_discovery;
pub mod subnet_router;
mod text;
pub mod vpc;
mod zones;

pub use api_server::{ApiServer, ApiServerOutputs};
pub use data_plane::{DataPlane, DataPlaneOutputs, DataPlaneSystem};
pub use eks_cluster::{EksCluster, EksClusterOutputs};
pub use identity_provider::{IdentityProvider, IdentityProviderOutputs};
pub use irsa_role::{IrsaOutputs, IrsaRole, ServiceAccountRef, irsa_role};
pub use karpenter::{CpuRange, Karpenter, KarpenterOutputs, NodePool, SpotServiceRole};
pub use peering::{Peering, PeeringOutputs};
pub use role::RolePolicies;
pub use service_discovery::{ServiceDiscovery, ServiceDiscoveryOutputs};
pub use subnet_router::{SubnetRouter, SubnetRouterOutputs};
pub use vpc::{Subnet, Vpc, VpcOutputs};

#[cfg(test)]
mod tests;
