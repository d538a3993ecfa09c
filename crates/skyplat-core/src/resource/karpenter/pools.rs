//! Node pools: which instances may be launched, and for which pods.
//!
//! A manifest is written out in full, server defaults included, so that what the API server fills in is no difference.

use std::collections::BTreeMap;

use crate::config::{self, Architecture, CapacityType, InstanceKind, Taint, TaintEffect};
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
    /// Returns whether its nodes have NVIDIA GPUs.
    pub fn has_gpu(&self) -> bool {
        [&self.instance_types, &self.instance_families, &self.instance_categories]
            .into_iter()
            .flatten()
            .any(|name| InstanceKind::of(name) == InstanceKind::NvidiaGpu)
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

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::resource::fixture::{gpu_pool, pool};
    use crate::value::paper;

    fn spec(pool: &NodePool) -> Json {
        paper::show(&pool.manifest(&"class".into()).manifest)["spec"].clone()
    }

    fn requirement(pool: &NodePool, key: &str) -> Vec<Json> {
        let all = spec(pool)["template"]["spec"]["requirements"].as_array().unwrap().clone();
        let of_key = all.into_iter().filter(|one| one["key"] == key);
        of_key.map(|one| json!([one["operator"], one["values"]])).collect()
    }

    #[test]
    fn a_gpu_pool_is_labelled_tainted_and_asks_for_nvidia() {
        let pool = gpu_pool("gpu");
        let spec = spec(&pool);
        assert_eq!(
            spec["template"]["metadata"]["labels"],
            json!({ "nvidia.com/gpu.present": "true", "team": "a" })
        );
        assert_eq!(
            spec["template"]["spec"]["taints"],
            json!([
                { "key": "team", "value": "a", "effect": "NoExecute" },
                { "key": "nvidia.com/gpu", "effect": "NoSchedule" },
            ])
        );
        let maker = requirement(&pool, "karpenter.k8s.aws/instance-gpu-manufacturer");
        assert_eq!(maker, [json!(["In", ["nvidia"]])]);
        assert_eq!(spec["disruption"]["consolidationPolicy"], "WhenEmpty");
        assert_eq!(spec["limits"], json!({ "cpu": "96", "memory": "512Gi" }));
    }

    #[test]
    fn a_taint_of_ones_own_stands_in_for_the_gpu_taint() {
        let effect = TaintEffect::PreferNoSchedule;
        let own = Taint { key: GPU_TAINT.into(), value: Some("yes".into()), effect };
        let pool = NodePool { taints: vec![own.clone()], ..gpu_pool("gpu") };
        assert_eq!(pool.all_taints(), [own]);
    }

    #[test]
    fn instance_types_are_asked_for_by_name() {
        let pool = NodePool { instance_types: vec!["t3.medium".into()], ..pool("small") };
        assert_eq!(requirement(&pool, "node.kubernetes.io/instance-type"), [json!(["In", ["t3.medium"]])]);
        assert!(!pool.has_gpu());
        assert!(requirement(&pool, "karpenter.k8s.aws/instance-gpu-manufacturer").is_empty());
    }

    #[test]
    fn generations_and_ranges_of_cpus_are_compared() {
        let key = "karpenter.k8s.aws/instance-cpu";
        assert_eq!(requirement(&pool("a"), key), [json!(["Gt", ["1"]]), json!(["Lt", ["9"]])]);
        let eight = NodePool { cpus: Some(CpuRange { min: 8, max: 8 }), ..pool("a") };
        assert_eq!(requirement(&eight, key), [json!(["In", ["8"]])]);
        assert_eq!(requirement(&eight, "karpenter.k8s.aws/instance-generation"), [json!(["Gt", ["4"]])]);
    }

    #[test]
    fn there_is_a_limit_of_cpus_only_when_none_is_given() {
        assert_eq!(spec(&pool("a"))["limits"], json!({ "cpu": "1000" }));
        let by_memory = NodePool { memory_limit: Some("64Gi".into()), ..pool("a") };
        assert_eq!(spec(&by_memory)["limits"], json!({ "memory": "64Gi" }));
    }

    #[test]
    fn gpus_are_told_by_the_names_that_are_given() {
        let families = |names: &[&str]| NodePool {
            instance_families: names.iter().map(|name| (*name).to_owned()).collect(),
            instance_categories: Vec::new(),
            ..pool("a")
        };
        for (names, gpu) in
            [(vec!["g5", "p4d"], true), (vec!["g4ad"], false), (vec!["m7g"], false), (vec![], false)]
        {
            assert_eq!(families(&names).has_gpu(), gpu, "{names:?}");
        }
    }
}
