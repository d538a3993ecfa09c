//! The resources of the platform: what a person names, and how each becomes objects.
//!
//! One module per resource, and one function that lowers it; big ones are folders. A resource takes what it needs of
//! another by its handle ([`crate::graph::Lowering::outputs`]), never by spelling its names again. Which resources a
//! configuration asks for is not decided here.

pub mod eks_cluster;
#[cfg(test)]
pub(crate) mod fixture;
pub mod irsa_role;
pub mod karpenter;
mod manifests;
pub mod peering;
mod role;
pub mod vpc;
mod zones;

pub use eks_cluster::{EksCluster, EksClusterOutputs};
pub use irsa_role::{IrsaOutputs, IrsaRole, ServiceAccountRef, irsa_role};
pub use karpenter::{CpuRange, Karpenter, KarpenterOutputs, NodePool, SpotServiceRole};
pub use peering::{Peering, PeeringOutputs};
pub use role::RolePolicies;
pub use vpc::{Subnet, Vpc, VpcOutputs};

#[cfg(test)]
mod tests;
