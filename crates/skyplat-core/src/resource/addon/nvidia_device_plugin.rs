//! The NVIDIA device plugin: GPUs as a resource that pods can ask for.
//!
//! Its daemons must run on every GPU node, whatever keeps other pods away from it: they tolerate each taint of each pool,
//! and so do those of node-feature-discovery, by whose labels GPUs are found.

use super::{AddonBase, Chart};
use crate::graph::{LowerError, Lowering, Ready, Resource};
use crate::tree;
use crate::value::Tree;

/// The NVIDIA device plugin.
#[derive(Debug, Clone)]
pub struct NvidiaDevicePlugin {
    /// What it stands on.
    pub base: AddonBase,
}

impl Resource for NvidiaDevicePlugin {
    const KIND: &'static str = "Addon";
    type Outputs = ();

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<(), LowerError> {
        let ground = self.base.ground(cx)?;
        let mut tolerations = vec![
            tree!({ "key": "CriticalAddonsOnly", "operator": "Exists" }),
            tree!({ "key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule" }),
        ];
        for taint in &ground.karpenter.taints {
            let toleration =
                tree!({ "key": (taint.key), "operator": "Exists", "effect": (taint.effect.as_str()) });
            if !tolerations.contains(&toleration) {
                tolerations.push(toleration);
            }
        }
        let tolerations = Tree::List(tolerations);
        let chart = Chart {
            release: "nvidia-device-plugin",
            name: "nvidia-device-plugin",
            repository: "https://nvidia.github.io/k8s-device-plugin",
            values: tree!({
                "devicePlugin": { "enabled": true },
                "gfd": { "enabled": true },
                "tolerations": tolerations,
                "nfd": { "worker": { "tolerations": tolerations } }
            }),
        };
        ground.release(cx, chart, &Ready::now())?;
        Ok(())
    }
}
