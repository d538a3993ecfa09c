//! `efs.*`: a shared file system and its mount targets.
//!
//! A file system can be mounted in a zone only through a mount target there, so what uses one waits for the mount
//! targets, not for the file system alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FieldRules, Object};
use crate::ids::{FileSystemId, SecurityGroupId, SubnetId, ZoneName};
use crate::value::{Tree, Value};

/// A file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EfsFileSystem {
    /// Whether data is encrypted at rest.
    pub encrypted: bool,
    /// `generalPurpose` or `maxIO`.
    pub performance_mode: String,
    /// `elastic`, `bursting` or `provisioned`.
    pub throughput_mode: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

crate::outputs! {
    /// What the API gives back for a file system.
    pub struct EfsFileSystemOutputs of EfsFileSystem {
        /// Its id.
        ID id: FileSystemId,
    }
}

impl Object for EfsFileSystem {
    const KIND: &'static str = "efs.file_system";
    type Outputs = EfsFileSystemOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["encrypted", "performance_mode"])
    }
}

/// The address of a file system in one subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EfsMountTarget {
    /// The file system.
    pub file_system_id: Value<FileSystemId>,
    /// The subnet.
    pub subnet_id: Value<SubnetId>,
    /// The subnet's zone. EFS takes it from the subnet and allows one mount target in each, so a mount target that moves
    /// to another subnet of its zone is deleted before it is made anew.
    pub availability_zone_name: ZoneName,
    /// Security groups of its network interface.
    pub security_groups: Vec<Value<SecurityGroupId>>,
}

crate::outputs! {
    /// What the API gives back for a mount target.
    pub struct EfsMountTargetOutputs of EfsMountTarget {
        /// Its id.
        ID id: String,
    }
}

impl Object for EfsMountTarget {
    const KIND: &'static str = "efs.mount_target";
    type Outputs = EfsMountTargetOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .parents(["file_system_id", "subnet_id"])
            .replace(["availability_zone_name"])
            .sets(["security_groups"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.file_system_id.as_text()), (self.availability_zone_name)]))
    }
}
