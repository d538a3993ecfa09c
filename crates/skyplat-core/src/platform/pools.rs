//! Node pools: the configured ones, and the two that the platform adds where it cannot do without.

use std::collections::BTreeMap;

use crate::config::{
    API_NODE_ROLE, API_POOL, Architecture, CapacityType, ClusterConfig, ClusterRole, PlatformConfig,
    SYSTEM_POOL, Taint, TaintEffect,
};
use crate::ids::Region;
use crate::resource::{CpuRange, NodePool};

/// A pool that the platform adds by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedPool {
    /// The region.
    pub region: Region,
    /// The pool: [`API_POOL`] or [`SYSTEM_POOL`].
    pub pool: String,
    /// Why it is needed.
    pub reason: &'static str,
}

/// Returns the pools that the platform adds to the configured ones, so that a front end can say so.
pub fn added_pools(config: &PlatformConfig) -> Vec<AddedPool> {
    let mut added = Vec::new();
    for cluster in config.clusters() {
        let configured = |pool: &NodePool| cluster.node_pools.iter().any(|own| own.name == pool.name);
        for pool in cluster_pools(&cluster).into_iter().filter(|pool| !configured(pool)) {
            let reason = if pool.name == API_POOL {
                "the API server needs 4 vCPUs and 8 GiB on a node of its own"
            } else {
                "no other pool of the region takes a pod without tolerations, and the addons need one"
            };
            added.push(AddedPool { region: cluster.region.clone(), pool: pool.name, reason });
        }
    }
    added
}

/// Returns the pools of a cluster; a configured pool takes the place of the platform's own of that name.
pub(super) fn cluster_pools(cluster: &ClusterConfig<'_>) -> Vec<NodePool> {
    let mut pools: Vec<NodePool> = cluster.node_pools.iter().map(NodePool::from).collect();
    let has = |pools: &[NodePool], name: &str| pools.iter().any(|pool| pool.name == name);
    if !pools.iter().any(accepts_any_pod) && !has(&pools, SYSTEM_POOL) {
        pools.push(own_pool(SYSTEM_POOL, CpuRange { min: 2, max: 8 }));
    }
    if cluster.role == ClusterRole::Hub && !has(&pools, API_POOL) {
        let (label, role) = API_NODE_ROLE;
        pools.push(NodePool {
            generation_above: Some(4),
            taints: vec![Taint {
                key: label.into(),
                value: Some(role.into()),
                effect: TaintEffect::NoSchedule,
            }],
            labels: BTreeMap::from([(label.into(), role.into())]),
            ..own_pool(API_POOL, CpuRange { min: 8, max: 8 })
        });
    }
    pools
}

/// Returns whether a pod without tolerations can be placed on the pool's nodes.
fn accepts_any_pod(pool: &NodePool) -> bool {
    pool.all_taints().iter().all(|taint| taint.effect == TaintEffect::PreferNoSchedule)
}

/// Returns a pool of ordinary on-demand instances.
fn own_pool(name: &str, cpus: CpuRange) -> NodePool {
    NodePool {
        name: name.into(),
        capacity_type: CapacityType::OnDemand,
        architecture: Architecture::Amd64,
        instance_types: Vec::new(),
        instance_families: Vec::new(),
        instance_categories: ["c", "m", "r"].map(str::to_owned).to_vec(),
        generation_above: None,
        cpus: Some(cpus),
        ebs_size: "128Gi".into(),
        vcpu_limit: None,
        memory_limit: None,
        taints: Vec::new(),
        labels: BTreeMap::new(),
    }
}
