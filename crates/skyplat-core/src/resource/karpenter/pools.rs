//! Node pools: which instances may be launched, and for which pods.
//!
//! A manifest is written out in full, server defaults included, so that what the API server fills in is no difference.

use std::collections::BTreeMap;

use crate::config::{self, Architecture, CapacityType, Taint, TaintEffect};
use crate::object::k8s::K8sObject;
use crate::tree;
use crate::value::{Tree, Value};

/// The label that the NVIDIA device plugin looks for.
const GPU_LABEL: &str = "nvidia.com/gpu.present";
/// The taint that keeps other pods off GPU nodes.
const GPU_TAINT: &str = "nvidia.com/gpu";

/// The vCPUs of a pool that has no limit of its own.
const DEFAULT_VCPU_LIMIT: u64 = 1000;

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

    /// Returns the NodePool of this pool; `class` is the name of its EC2NodeClass.
    pub(super) fn manifest(&self, class: &Value<String>) -> K8sObject {
        let mut template = tree!({
            "nodeClassRef": { "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": class },
            "requirements": (self.requirements()),
            "expireAfter": "720h",
            "terminationGracePeriod": "24h"
        });
        let taints = self.all_taints();
        if !taints.is_empty() {
            template.set("taints", Tree::List(taints.iter().map(taint).collect()));
        }
        let mut with_labels = tree!({ "spec": template });
        let labels = self.all_labels();
        if !labels.is_empty() {
            with_labels.set("metadata", tree!({ "labels": labels }));
        }
        K8sObject::new(tree!({
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodePool",
            "metadata": { "name": (self.name) },
            "spec": {
                "template": with_labels,
                "limits": (self.limits()),
                "disruption": {
                    "consolidationPolicy": (self.consolidation()),
                    "consolidateAfter": "5m",
                    "budgets": [{ "nodes": "10%" }]
                }
            }
        }))
    }

    /// Returns when a node is given up: work on GPU and spot nodes is not moved to save money.
    fn consolidation(&self) -> &'static str {
        if self.has_gpu() || self.capacity_type == CapacityType::Spot {
            "WhenEmpty"
        } else {
            "WhenEmptyOrUnderutilized"
        }
    }

    fn limits(&self) -> BTreeMap<&'static str, String> {
        let cpu = self.vcpu_limit.or_else(|| self.memory_limit.is_none().then_some(DEFAULT_VCPU_LIMIT));
        let mut limits = BTreeMap::new();
        limits.extend(cpu.map(|cpu| ("cpu", cpu.to_string())));
        limits.extend(self.memory_limit.clone().map(|memory| ("memory", memory)));
        limits
    }

    fn requirements(&self) -> Vec<Tree> {
        let mut all = vec![
            one_of("karpenter.sh/capacity-type", &[self.capacity_type.as_str().to_owned()]),
            one_of("kubernetes.io/arch", &[self.architecture.as_str().to_owned()]),
        ];
        for (key, values) in [
            ("node.kubernetes.io/instance-type", &self.instance_types),
            ("karpenter.k8s.aws/instance-family", &self.instance_families),
            ("karpenter.k8s.aws/instance-category", &self.instance_categories),
        ] {
            if !values.is_empty() {
                all.push(one_of(key, values));
            }
        }
        if let Some(generation) = self.generation_above {
            all.push(compared("karpenter.k8s.aws/instance-generation", "Gt", generation));
        }
        if let Some(CpuRange { min, max }) = self.cpus {
            let key = "karpenter.k8s.aws/instance-cpu";
            if min == max {
                all.push(one_of(key, &[min.to_string()]));
            } else {
                // Karpenter compares with "greater" and "less" only.
                all.push(compared(key, "Gt", min.saturating_sub(1)));
                all.push(compared(key, "Lt", max.saturating_add(1)));
            }
        }
        if self.has_gpu() {
            all.push(one_of("karpenter.k8s.aws/instance-gpu-manufacturer", &["nvidia".to_owned()]));
        }
        all
    }
}

fn one_of(key: &str, values: &[String]) -> Tree {
    tree!({ "key": key, "operator": "In", "values": values })
}

fn compared(key: &str, operator: &str, value: u32) -> Tree {
    tree!({ "key": key, "operator": operator, "values": [(value.to_string())] })
}

fn taint(taint: &Taint) -> Tree {
    let mut tree = tree!({ "key": (taint.key), "effect": (taint.effect.as_str()) });
    if let Some(value) = &taint.value {
        tree.set("value", tree!(value));
    }
    tree
}
