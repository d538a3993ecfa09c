//! The EFS CSI driver: shared directories on a file system of the region.
//!
//! The file system has a security group of its own, which admits NFS from the nodes alone. A directory is made per claim,
//! named after the claim's namespace and name.

use super::{AddonBase, Chart, Ground, account};
use crate::graph::{LowerError, Lowering, Ready, Resource};
use crate::ids::FileSystemId;
use crate::object::ec2::security_group::{Direction, Ec2SecurityGroup, Ec2SecurityGroupRule, Ports};
use crate::object::efs::{EfsFileSystem, EfsMountTarget};
use crate::object::k8s::K8sObject;
use crate::resource::irsa_role::irsa_role;
use crate::resource::role::RolePolicies;
use crate::tree;
use crate::value::{Tree, Value};

const ACCOUNT: &str = "efs-csi-controller-sa";

/// The EFS CSI driver and its file system.
#[derive(Debug, Clone)]
pub struct EfsCsi {
    /// What it stands on.
    pub base: AddonBase,
    /// Whether it holds the gate of the cluster's first node.
    pub first_node: bool,
    /// Whether the file system may not be deleted.
    pub protect: bool,
}

/// What others need of the driver.
#[derive(Debug, Clone)]
pub struct EfsCsiOutputs {
    /// Name of the StorageClass.
    pub storage_class: Value<String>,
    /// The driver is installed and the file system can be mounted in every zone.
    pub driver: Ready,
    /// The cluster's first node is ready, if this addon waits for it.
    pub first_node: Ready,
}

impl Resource for EfsCsi {
    const KIND: &'static str = "Addon";
    type Outputs = EfsCsiOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<EfsCsiOutputs, LowerError> {
        let ground = self.base.ground(cx)?;
        let tags = &ground.cluster.tags;
        let (file_system, mount_targets) = self.file_system(cx, &ground)?;

        let policies = RolePolicies::managed(["service-role/AmazonEFSCSIDriverPolicy"]);
        let role =
            irsa_role(cx, "role", ground.role_name("efs-csi"), &ground.cluster, &account(ACCOUNT), policies)?;
        let chart = Chart {
            release: "efs-csi",
            name: "aws-efs-csi-driver",
            repository: "https://kubernetes-sigs.github.io/aws-efs-csi-driver",
            values: tree!({
                "controller": {
                    "tags": tags,
                    "serviceAccount": {
                        "create": true,
                        "name": ACCOUNT,
                        "annotations": { "eks.amazonaws.com/role-arn": (role.role_arn.as_text()) }
                    }
                }
            }),
        };
        let release = ground.release(cx, chart, &role.ready.and(&mount_targets))?;
        let class = cx
            .object("storage-class", K8sObject::new(storage_class(&file_system)))
            .within(&ground.cluster.container)
            .after(&mount_targets)
            .add()?;
        Ok(EfsCsiOutputs {
            storage_class: class.output(K8sObject::NAME),
            driver: release.ready(),
            first_node: ground.first_node(cx, self.first_node, &release)?,
        })
    }
}

impl EfsCsi {
    /// Adds the file system with a mount target in every private subnet.
    fn file_system(
        &self,
        cx: &mut Lowering<'_>,
        ground: &Ground,
    ) -> Result<(Value<FileSystemId>, Ready), LowerError> {
        let cluster = &ground.cluster;
        let name = format!("{}-efs", cluster.cluster_name);
        let mut tags = cluster.tags.clone();
        tags.insert("Name".into(), name.clone());

        let group = cx
            .object(
                "security-group",
                Ec2SecurityGroup {
                    vpc_id: cluster.vpc.vpc_id.clone(),
                    group_name: name,
                    description: "Mount targets of the shared file system".into(),
                    tags: tags.clone(),
                },
            )
            .region(&cluster.region)
            .add()?;
        let group_id = group.output(Ec2SecurityGroup::ID);
        let rule = cx
            .object(
                "security-group-nfs",
                Ec2SecurityGroupRule::with_group(
                    &group_id,
                    Direction::Ingress,
                    Ports::Tcp(2049),
                    &cluster.node_security_group,
                    "NFS from nodes",
                )
                .tags(cluster.tags.clone()),
            )
            .region(&cluster.region)
            .add()?;
        let file_system = cx
            .object(
                "file-system",
                EfsFileSystem {
                    encrypted: true,
                    performance_mode: "generalPurpose".into(),
                    throughput_mode: "elastic".into(),
                    tags,
                },
            )
            .region(&cluster.region)
            .protect(self.protect)
            .add()?;
        let mut mounted = rule.ready();
        for subnet in &cluster.vpc.private_subnets {
            let target = cx
                .object(
                    &format!("mount-target-{}", subnet.zone.letter()),
                    EfsMountTarget {
                        file_system_id: file_system.output(EfsFileSystem::ID),
                        subnet_id: subnet.id.clone(),
                        availability_zone_name: subnet.zone.clone(),
                        security_groups: vec![group_id.clone()],
                    },
                )
                .region(&cluster.region)
                .add()?;
            mounted = mounted.and(&target.ready());
        }
        Ok((file_system.output(EfsFileSystem::ID), mounted))
    }
}

fn storage_class(file_system: &Value<FileSystemId>) -> Tree {
    tree!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": { "name": "efs-default" },
        "provisioner": "efs.csi.aws.com",
        "parameters": {
            "provisioningMode": "efs-ap",
            "fileSystemId": (file_system.as_text()),
            "directoryPerms": "700",
            "uid": "0",
            "gid": "0",
            "basePath": "/dynamic",
            "subPathPattern": "${.PVC.namespace}/${.PVC.name}"
        },
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate"
    })
}
