//! `events.rule`: a rule of EventBridge with its targets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::QueueArn;
use crate::object::{FieldRules, Normal, Object, Tags};
use crate::value::{Tree, Value};

/// A rule of the default event bus, with its targets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventsRule {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Which events it takes: JSON text.
    pub event_pattern: Value<String>,
    /// `ENABLED` or `DISABLED`.
    pub state: String,
    /// Where it sends them.
    pub targets: Vec<EventTarget>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

/// Where a rule sends events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventTarget {
    /// The target's id inside the rule.
    pub id: String,
    /// The queue.
    pub arn: Value<QueueArn>,
}

crate::outputs! {
    /// What the API gives back for a rule.
    pub struct EventsRuleOutputs of EventsRule {
        /// Its ARN.
        ARN arn: String,
        /// Its name.
        NAME name: String = echo "name",
    }
}

impl Object for EventsRule {
    const KIND: &'static str = "events.rule";
    type Outputs = EventsRuleOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["name"]).sets(["targets"]).normalised("event_pattern", Normal::JsonText)
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.name)]))
    }
}
