//! `logs.log_group`: a log group of CloudWatch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::LogGroupArn;
use crate::object::{FieldRules, Object, Tags};
use crate::value::Tree;

/// A log group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogGroup {
    /// Its name.
    pub log_group_name: String,
    /// For how long its lines are kept.
    pub retention_in_days: u32,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for a log group.
    pub struct LogGroupOutputs of LogGroup {
        /// Its ARN, without `:*` at the end.
        ARN arn: LogGroupArn,
        /// Its name.
        NAME log_group_name: String = echo "log_group_name",
    }
}

impl Object for LogGroup {
    const KIND: &'static str = "logs.log_group";
    type Outputs = LogGroupOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["log_group_name"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.log_group_name)]))
    }
}
