//! Objects of EKS: clusters and what the API keeps for them. What is *inside* a cluster are Kubernetes objects.

pub mod access_entry;
pub mod addon;
pub mod cluster;
pub mod fargate_profile;

pub use access_entry::{AccessPolicy, AccessScope, EksAccessEntry};
pub use addon::EksAddon;
pub use cluster::{AccessConfig, ClusterLogging, ClusterNetwork, ClusterVpc, EksControlPlane, LogSetup};
pub use fargate_profile::{EksFargateProfile, FargateSelector};
