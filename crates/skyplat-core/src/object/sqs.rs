//! `sqs.queue`: a queue with its policy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::iam::PolicyDocument;
use crate::ids::QueueArn;
use crate::object::{FieldRules, Normal, Object, Tags};
use crate::value::Tree;

/// A queue. Its attributes are fields here; the API takes them as one map of texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SqsQueue {
    /// Its name.
    pub queue_name: String,
    /// For how many seconds a message is kept.
    pub message_retention_period: u32,
    /// Whether SQS encrypts messages with a key of its own.
    pub sqs_managed_sse_enabled: bool,
    /// Who may use it.
    pub policy: PolicyDocument,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for a queue.
    pub struct SqsQueueOutputs of SqsQueue {
        /// Where messages are sent and read.
        URL queue_url: String,
        /// Its ARN.
        ARN arn: QueueArn,
        /// Its name.
        NAME queue_name: String = echo "queue_name",
    }
}

impl Object for SqsQueue {
    const KIND: &'static str = "sqs.queue";
    type Outputs = SqsQueueOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["queue_name"]).normalised("policy", Normal::IamDocument)
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.queue_name)]))
    }
}
