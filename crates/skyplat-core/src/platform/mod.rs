//! The platform builder: from a configuration to the typed resource graph.
//!
//! ```text
//! PlatformConfig ─ build_platform ─▶ ResourceGraph ─(facts) lower ─▶ ObjectGraph
//! ```
//!
//! One function per shape (`hub_and_spoke`, `multi_region`, `starter`), all made of the same regions
//! (`region`). Only here is decided *which* resources there are and at which addresses; how each becomes objects is
//! its own matter. Nothing is checked that the configuration reader checks.

mod hub_and_spoke;
mod multi_region;
mod outputs;
mod pools;
mod region;
mod starter;
#[cfg(test)]
mod tests;

pub use crate::config::{API_POOL, SYSTEM_POOL};
pub use pools::{AddedPool, added_pools};

use crate::config::{PlatformConfig, Shape};
use crate::facts::Facts;
use crate::graph::{GraphError, Handle, ResourceGraph};
use crate::ids::AccountId;
use crate::resource::{Peering, SpotServiceRole};

/// A configuration that makes no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// A resource cannot be added.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The API server stands on an addon that is switched off.
    #[error("the API server needs the addon {addon}, which is switched off")]
    MissingAddon {
        /// The addon, as the configuration names it.
        addon: &'static str,
    },
    /// The credentials belong to another account than the configuration's.
    #[error("the platform belongs into account {pinned}, but the credentials are of {found}")]
    OtherAccount {
        /// The account of the configuration.
        pinned: AccountId,
        /// The account of the credentials.
        found: AccountId,
    },
}

impl PlatformError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Graph(_) => None,
            Self::MissingAddon { addon } => {
                Some(format!("leave `addons.{addon}` on in a platform with a hub"))
            }
            Self::OtherAccount { .. } => {
                Some("use credentials of that account, or change `account_id`".into())
            }
        }
    }
}

/// Builds the resource graph of a platform. Its deployment is called `<project>-<stack>`.
///
/// ```
/// use skyplat_core::config::{Target, parse_config};
/// use skyplat_core::platform::build_platform;
///
/// let yaml = b"region: us-west-2\nnode_pools:\n  - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}\n";
/// let config = parse_config("starter.yaml", yaml, Target::Simulated).expect("it is sound").config;
/// let graph = build_platform(&config, "dev").expect("a sound configuration makes a graph");
/// assert!(graph.addresses().any(|address| address.as_str() == "main/addon/ebs-csi"));
/// ```
///
/// # Errors
/// When two regions have one name or what the API server needs is switched off, which the configuration reader refuses.
pub fn build_platform(config: &PlatformConfig, stack: &str) -> Result<ResourceGraph, PlatformError> {
    let mut builder = Builder::new(config, stack);
    match &config.shape {
        Shape::HubAndSpoke { hub, .. } => hub_and_spoke::build(&mut builder, hub)?,
        Shape::MultiRegion { .. } => multi_region::build(&mut builder)?,
        Shape::Starter { .. } => starter::build(&mut builder)?,
    }
    Ok(builder.graph)
}

/// Refuses a run in another account than the configuration's, as soon as the facts are known.
///
/// # Errors
/// When the configuration pins another account.
pub fn check_account(config: &PlatformConfig, facts: &Facts) -> Result<(), PlatformError> {
    match (&config.account_id, facts.account()) {
        (Some(pinned), Ok(found)) if *pinned != found => {
            Err(PlatformError::OtherAccount { pinned: pinned.clone(), found })
        }
        _ => Ok(()),
    }
}

/// The graph on its way.
struct Builder<'a> {
    config: &'a PlatformConfig,
    /// `<project>-<stack>`.
    deployment: String,
    graph: ResourceGraph,
    /// The account's role for spot instances, once a pool needed it.
    spot_role: Option<Handle<SpotServiceRole>>,
    /// The connections of the first network, the hub's where there is one.
    peerings: Vec<Handle<Peering>>,
}

impl<'a> Builder<'a> {
    fn new(config: &'a PlatformConfig, stack: &str) -> Self {
        Self {
            config,
            deployment: format!("{}-{stack}", config.project),
            graph: ResourceGraph::new(),
            spot_role: None,
            peerings: Vec::new(),
        }
    }
}
