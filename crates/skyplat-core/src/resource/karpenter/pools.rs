//! Node pools: which instances may be launched, and for which pods.

use std::collections::BTreeMap;

use crate::config::{self, Architecture, CapacityType, Taint, TaintEffect};

/// The label that the NVIDIA device plugin looks for.
const GPU_LABEL: &str = "nvidia.com/gpu.present";
/// The taint that keeps other pods off GPU nodes.
const GPU_TAINT: &str = "nvidia.com/gpu";

/// A pool of nodes of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct NodePool {
    /// Its name.
    pub name: String,
    /// How instances are bought.
    pub capacity_type: CapacityType,
    /// The CPU architecture.
    pub architecture: Architecture,
    /// Instance types to choose from; any when empty.
    pub instance_types: Vec<String>,
    /// Instance families to choose from; any when empty.
    pub instance_families: Vec<String>,
    /// Instance categories to choose from; any when empty.
    pub instance_categories: Vec<String>,
    /// Only generations above this one.
    pub generation_above: Option<u32>,
    /// Only instances with so many vCPUs.
    pub cpus: Option<CpuRange>,
    /// Size of each node's root volume, such as `128Gi`.
    pub ebs_size: String,
    /// Most vCPUs the pool may have at once.
    pub vcpu_limit: Option<u64>,
    /// Most memory the pool may have at once, such as `512Gi`.
    pub memory_limit: Option<String>,
    /// Taints of the nodes, beside the one of GPU nodes.
    pub taints: Vec<Taint>,
    /// Labels of the nodes, beside the one of GPU nodes.
    pub labels: BTreeMap<String, String>,
}

/// A range of vCPUs, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuRange {
    /// Fewest.
    pub min: u32,
    /// Most.
    pub max: u32,
}

impl From<&config::NodePool> for NodePool {
    fn from(pool: &config::NodePool) -> Self {
        Self {
            name: pool.name.clone(),
            capacity_type: pool.capacity_type,
            architecture: pool.architecture,
            instance_types: pool.instance_type.clone(),
            instance_families: pool.instance_family.clone(),
            instance_categories: pool.instance_category.clone(),
            generation_above: None,
            cpus: None,
            ebs_size: pool.ebs_size.clone(),
            vcpu_limit: pool.vcpu_limit,
            memory_limit: pool.memory_limit.clone(),
            taints: pool.taints.clone(),
            labels: pool.labels.clone(),
        }
    }
}

impl NodePool {
    /// Returns whether its nodes have NVIDIA GPUs: every type, family or category that is named begins with `g` or `p`.
    pub fn has_gpu(&self) -> bool {
        let named =
            || self.instance_types.iter().chain(&self.instance_families).chain(&self.instance_categories);
        named().next().is_some()
            && named().all(|name| name.starts_with(['g', 'p']) && !name.starts_with("g4ad"))
    }

    /// Returns all taints of its nodes.
    pub fn all_taints(&self) -> Vec<Taint> {
        let mut taints = self.taints.clone();
        if self.has_gpu() && !taints.iter().any(|taint| taint.key == GPU_TAINT) {
            taints.push(Taint { key: GPU_TAINT.into(), value: None, effect: TaintEffect::NoSchedule });
        }
        taints
    }

    /// Returns all labels of its nodes.
    pub fn all_labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        if self.has_gpu() {
            labels.entry(GPU_LABEL.into()).or_insert_with(|| "true".into());
        }
        labels
    }
}
