//! Interruption notices: a queue, and the rules that fill it with what EC2 and AWS Health announce.
//!
//! Karpenter reads it to drain a node before its instance is taken away.

use crate::config::fit_name;
use crate::facts::partition_of;
use crate::graph::{Added, LowerError, Lowering};
use crate::object::events::{EventTarget, EventsRule};
use crate::object::iam::{Condition, PolicyDocument, Principal, Statement};
use crate::object::sqs::SqsQueue;
use crate::resource::eks_cluster::EksClusterOutputs;
use crate::tree;
use crate::value::Value;

/// Longest name of a rule.
const RULE_NAME_LIMIT: usize = 64;
/// Longest name of a queue; a cluster's may have 100 characters.
const QUEUE_NAME_LIMIT: usize = 80;
/// For how many seconds a notice is of use.
const RETENTION_SECONDS: u32 = 300;

/// Which events are notices: rule, source, type.
const EVENTS: [(&str, &str, &str); 5] = [
    ("health", "aws.health", "AWS Health Event"),
    ("spot-interruption", "aws.ec2", "EC2 Spot Instance Interruption Warning"),
    ("rebalance", "aws.ec2", "EC2 Instance Rebalance Recommendation"),
    ("state-change", "aws.ec2", "EC2 Instance State-change Notification"),
    ("capacity-reservation", "aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning"),
];

/// Adds queue and rules.
pub(super) fn add(cx: &mut Lowering<'_>, cluster: &EksClusterOutputs) -> Result<Added<SqsQueue>, LowerError> {
    // Named as the cluster, which it does not wait for.
    let name = &cluster.cluster_name;
    let queue = SqsQueue {
        queue_name: queue_name(cluster),
        message_retention_period: RETENTION_SECONDS,
        sqs_managed_sse_enabled: true,
        policy: policy(cluster),
        tags: cluster.tags.clone(),
    };
    let queue = cx.object("interruption-queue", queue).region(&cluster.region).add()?;
    for (short, source, detail_type) in EVENTS {
        let rule = EventsRule {
            name: fit_name(&format!("{name}-{short}"), RULE_NAME_LIMIT),
            description: format!("{detail_type}, for Karpenter in {name}"),
            event_pattern: Value::json(tree!({ "source": [source], "detail-type": [detail_type] })),
            state: "ENABLED".into(),
            targets: vec![EventTarget { id: "interruption-queue".into(), arn: queue.output(SqsQueue::ARN) }],
            tags: cluster.tags.clone(),
        };
        cx.object(&format!("rule-{short}"), rule).region(&cluster.region).add()?;
    }
    Ok(queue)
}

fn queue_name(cluster: &EksClusterOutputs) -> String {
    fit_name(&cluster.cluster_name, QUEUE_NAME_LIMIT)
}

/// Lets EventBridge write to the queue, and nobody use it without TLS. The queue's own ARN is formatted: a queue cannot
/// refer to itself.
fn policy(cluster: &EksClusterOutputs) -> PolicyDocument {
    let arn = format!(
        "arn:{}:sqs:{}:{}:{}",
        partition_of(&cluster.region),
        cluster.region,
        cluster.account,
        queue_name(cluster)
    );
    let senders = ["events.amazonaws.com", "sqs.amazonaws.com"].map(str::to_owned).to_vec();
    PolicyDocument::new([
        Statement::allow(["sqs:SendMessage"])
            .sid("EC2InterruptionPolicy")
            .principal(Principal::Services(senders))
            .on([arn.as_str()]),
        Statement::deny(["sqs:*"])
            .sid("DenyHTTP")
            .principal(Principal::Anyone)
            .on([arn.as_str()])
            .when(Condition::new("Bool", "aws:SecureTransport", ["false"])),
    ])
}
