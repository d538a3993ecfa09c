//! fluent-bit: the containers' logs to CloudWatch, in the cluster's own region and account.
//!
//! The log group is ours and made before the chart, so that it has its retention from the start and goes with the
//! platform; fluent-bit may only write into it.

use super::{AddonBase, Chart, account};
use crate::facts::partition_of;
use crate::graph::{LowerError, Lowering, Resource};
use crate::object::iam::{PolicyDocument, Statement};
use crate::object::logs::LogGroup;
use crate::resource::irsa_role::irsa_role;
use crate::resource::role::RolePolicies;
use crate::tree;
use crate::value::Value;

const ACCOUNT: &str = "aws-for-fluent-bit";
/// For how long logs are kept.
const RETENTION_DAYS: u32 = 30;

/// fluent-bit.
#[derive(Debug, Clone)]
pub struct FluentBit {
    /// What it stands on.
    pub base: AddonBase,
}

impl Resource for FluentBit {
    const KIND: &'static str = "Addon";
    type Outputs = ();

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<(), LowerError> {
        let ground = self.base.ground(cx)?;
        let cluster = &ground.cluster;
        let group = cx
            .object(
                "log-group",
                LogGroup {
                    log_group_name: format!("/eks/fluentbit/logs/{}", cluster.cluster_name),
                    retention_in_days: RETENTION_DAYS,
                    tags: cluster.tags.clone(),
                },
            )
            .region(&cluster.region)
            .add()?;
        let group_name = group.output(LogGroup::NAME);
        let partition = partition_of(&cluster.region);
        let streams: Value<String> = Value::format([
            "arn:".into(),
            partition.as_str().into(),
            ":logs:".into(),
            cluster.region.as_str().into(),
            ":".into(),
            cluster.account.as_str().into(),
            ":log-group:".into(),
            (&group_name).into(),
            ":*".into(),
        ]);
        let document = PolicyDocument::new([Statement::allow([
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
        ])
        .on([streams])]);
        let name = ground.role_name("fluent-bit");
        let policies = RolePolicies::default().customer("rights", document);
        let role = irsa_role(cx, "role", name, cluster, &account(ACCOUNT), policies)?;
        let chart = Chart {
            release: "aws-for-fluent-bit",
            name: "aws-for-fluent-bit",
            repository: "https://aws.github.io/eks-charts",
            values: tree!({
                "cloudWatchLogs": {
                    "enabled": true,
                    "region": (cluster.region),
                    "logGroupName": (group_name),
                    "logRetentionDays": (RETENTION_DAYS),
                    "autoCreateGroup": false
                },
                "cloudWatch": { "enabled": false },
                "serviceAccount": {
                    "create": true,
                    "name": ACCOUNT,
                    "annotations": { "eks.amazonaws.com/role-arn": (role.role_arn.as_text()) }
                },
                "tolerations": [{ "operator": "Exists" }],
                "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{ "matchExpressions": [{
                        "key": "eks.amazonaws.com/compute-type",
                        "operator": "NotIn",
                        "values": ["fargate"]
                    }] }]
                } } }
            }),
        };
        ground.release(cx, chart, &role.ready)?;
        Ok(())
    }
}
