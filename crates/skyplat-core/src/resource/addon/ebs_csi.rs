//! The EBS CSI driver: block volumes, and the cluster's default StorageClass.
//!
//! What uses volumes comes after [`VolumesDetached`], so that on the way down the driver is still there to detach them.

use super::{AddonBase, Chart, account};
use crate::graph::{LowerError, Lowering, Ready, Resource};
use crate::object::gate::VolumesDetached;
use crate::object::k8s::K8sObject;
use crate::resource::irsa_role::irsa_role;
use crate::resource::role::RolePolicies;
use crate::tree;
use crate::value::Value;

const ACCOUNT: &str = "ebs-csi-controller-sa";
const DRIVER: &str = "ebs.csi.aws.com";

/// The EBS CSI driver.
#[derive(Debug, Clone)]
pub struct EbsCsi {
    /// What it stands on.
    pub base: AddonBase,
    /// Whether it holds the gate of the cluster's first node.
    pub first_node: bool,
}

/// What others need of the driver.
#[derive(Debug, Clone)]
pub struct EbsCsiOutputs {
    /// Name of the StorageClass.
    pub storage_class: Value<String>,
    /// The driver is installed; it outlives the attachments of whatever stands on this.
    pub driver: Ready,
    /// The cluster's first node is ready, if this addon waits for it.
    pub first_node: Ready,
}

impl Resource for EbsCsi {
    const KIND: &'static str = "Addon";
    type Outputs = EbsCsiOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<EbsCsiOutputs, LowerError> {
        let ground = self.base.ground(cx)?;
        let policies = RolePolicies::managed(["AmazonEBSCSIDriverPolicyV2"]);
        let role =
            irsa_role(cx, "role", ground.role_name("ebs-csi"), &ground.cluster, &account(ACCOUNT), policies)?;
        let chart = Chart {
            release: "ebs-csi",
            name: "aws-ebs-csi-driver",
            repository: "https://kubernetes-sigs.github.io/aws-ebs-csi-driver",
            values: tree!({
                "controller": {
                    "extraVolumeTags": (ground.cluster.tags),
                    "serviceAccount": {
                        "create": true,
                        "name": ACCOUNT,
                        "annotations": { "eks.amazonaws.com/role-arn": (role.role_arn.as_text()) }
                    }
                }
            }),
        };
        let release = ground.release(cx, chart, &role.ready)?;
        let class = cx
            .object(
                "storage-class",
                K8sObject::new(tree!({
                    "apiVersion": "storage.k8s.io/v1",
                    "kind": "StorageClass",
                    "metadata": {
                        "name": "gp3",
                        "annotations": { "storageclass.kubernetes.io/is-default-class": "true" }
                    },
                    "provisioner": DRIVER,
                    "parameters": { "type": "gp3", "encrypted": "true", "fsType": "ext4" },
                    "reclaimPolicy": "Delete",
                    "volumeBindingMode": "WaitForFirstConsumer",
                    "allowVolumeExpansion": true
                })),
            )
            .within(&ground.cluster.container)
            .add()?;
        let detached = VolumesDetached { cluster: ground.cluster.name.clone(), driver: DRIVER.into() };
        let detached = cx
            .object("volumes-detached", detached)
            .within(&ground.cluster.container)
            .after(&release.ready())
            .add()?;
        Ok(EbsCsiOutputs {
            storage_class: class.output(K8sObject::NAME),
            driver: detached.ready(),
            first_node: ground.first_node(cx, self.first_node, &release)?,
        })
    }
}
