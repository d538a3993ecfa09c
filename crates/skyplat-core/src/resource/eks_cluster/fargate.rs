//! Fargate: where CoreDNS and Karpenter run, so that a cluster needs no node to begin with.
//!
//! Logging is set up before the first pod: Fargate reads the ConfigMap when a pod starts, and not again.

use std::collections::BTreeMap;

use super::EksCluster;
use super::control_plane::LOG_RETENTION_DAYS;
use crate::facts::partition_of;
use crate::graph::{Added, LowerError, Lowering, Ready};
use crate::object::eks::{EksControlPlane, EksFargateProfile, FargateSelector};
use crate::object::iam::{Condition, PolicyDocument, Principal, Statement};
use crate::object::k8s::K8sObject;
use crate::object::logs::LogGroup;
use crate::resource::irsa_role::IrsaOutputs;
use crate::resource::manifests::namespace;
use crate::resource::role::{NewRole, RoleHome, RolePolicies, add_role};
use crate::resource::vpc::VpcOutputs;
use crate::tree;
use crate::value::Value;

/// Pods that run on Fargate: namespace, and one label.
const SELECTORS: [(&str, &str, &str); 2] = [
    ("kube-system", "eks.amazonaws.com/component", "coredns"),
    ("karpenter", "app.kubernetes.io/name", "karpenter"),
];

/// The namespace that Fargate reads its logging settings from, and the label without which it does not.
const LOGGING_NAMESPACE: (&str, &str, &str) = ("aws-observability", "aws-observability", "enabled");

/// What is made before the cluster.
pub(super) struct Pods {
    role: IrsaOutputs,
    logs: Added<LogGroup>,
}

/// Adds the role of Fargate's nodes and their log group; both can be made while there is no cluster.
pub(super) fn prepare(
    cx: &mut Lowering<'_>,
    cluster: &EksCluster,
    vpc: &VpcOutputs,
) -> Result<Pods, LowerError> {
    let logs = LogGroup {
        log_group_name: format!("/skyplat/{}/fargate", cluster.name),
        retention_in_days: LOG_RETENTION_DAYS,
        tags: cluster.tags.clone(),
    };
    let logs = cx.object("fargate-log-group", logs).region(&vpc.region).add()?;
    let (partition, account) = (partition_of(&vpc.region), cx.account());
    let profiles = format!("arn:{partition}:eks:{}:{account}:fargateprofile/{}/*", vpc.region, cluster.name);
    let trust = PolicyDocument::new([Statement::allow(["sts:AssumeRole"])
        .principal(Principal::service("eks-fargate-pods.amazonaws.com"))
        .when(Condition::new("ArnLike", "aws:SourceArn", [profiles]))]);
    let streams: Value<String> = Value::format([(&logs.output(LogGroup::ARN)).into(), ":*".into()]);
    let write_logs = PolicyDocument::new([Statement::allow([
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
    ])
    .on([streams])]);
    let role = NewRole {
        object_name: "fargate-role",
        role_name: format!("{}-fargate", cluster.name),
        trust,
        description: format!("Taken by the Fargate nodes of {}", cluster.name),
    };
    let home = RoleHome { region: &vpc.region, iam: &cluster.iam, tags: &cluster.tags };
    let policies =
        RolePolicies::managed(["AmazonEKSFargatePodExecutionRolePolicy"]).customer("logs", write_logs);
    Ok(Pods { role: add_role(cx, home, role, policies)?, logs })
}

/// Adds the profile and the logging settings, and returns when a pod finds both.
pub(super) fn add(
    cx: &mut Lowering<'_>,
    cluster: &EksCluster,
    vpc: &VpcOutputs,
    control_plane: &Added<EksControlPlane>,
    pods: &Pods,
) -> Result<Ready, LowerError> {
    let profile = EksFargateProfile {
        cluster_name: control_plane.output(EksControlPlane::NAME),
        fargate_profile_name: "system".into(),
        pod_execution_role_arn: pods.role.role_arn.clone(),
        subnets: vpc.private_subnets.iter().map(|subnet| subnet.id.clone()).collect(),
        selectors: SELECTORS
            .map(|(namespace, key, value)| FargateSelector {
                namespace: namespace.into(),
                labels: BTreeMap::from([(key.into(), value.into())]),
            })
            .to_vec(),
        tags: cluster.tags.clone(),
    };
    let profile = cx.object("fargate-profile", profile).region(&vpc.region).after(&pods.role.ready).add()?;

    let container = control_plane.container();
    let (name, key, value) = LOGGING_NAMESPACE;
    let namespace =
        cx.object("namespace-logging", namespace(name, &[(key, value)])).within(&container).add()?;
    let settings = tree!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "aws-logging", "namespace": (namespace.output(K8sObject::NAME)) },
        "data": {
            "flb_log_cw": "false",
            "output.conf": (output_settings(vpc, &pods.logs)),
            "filters.conf": FILTER_SETTINGS,
            "parsers.conf": PARSER_SETTINGS
        }
    });
    let settings = cx.object("fargate-logging", K8sObject::new(settings)).within(&container).add()?;
    Ok(profile.ready().and(&settings.ready()))
}

/// Returns where Fargate's log router writes to. The group exists, so that its retention is ours.
fn output_settings(vpc: &VpcOutputs, logs: &Added<LogGroup>) -> Value<String> {
    let region = &vpc.region;
    let head =
        format!("[OUTPUT]\n    Name cloudwatch_logs\n    Match *\n    region {region}\n    log_group_name ");
    Value::format([
        (&head).into(),
        (&logs.output(LogGroup::NAME)).into(),
        "\n    log_stream_prefix fargate-\n    auto_create_group false\n".into(),
    ])
}

/// Splits what the container runtime adds from the line, and adds what Kubernetes knows of the pod.
const FILTER_SETTINGS: &str = "\
[FILTER]
    Name parser
    Match *
    Key_name log
    Parser crio
[FILTER]
    Name kubernetes
    Match kube.*
    Merge_Log On
    Keep_Log Off
    Buffer_Size 0
    Kube_Meta_Cache_TTL 300s
";

/// The line format of the container runtime.
const PARSER_SETTINGS: &str = "\
[PARSER]
    Name crio
    Format Regex
    Regex ^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<logtag>P|F) (?<log>.*)$
    Time_Key time
    Time_Format %Y-%m-%dT%H:%M:%S.%L%z
";

#[cfg(test)]
mod tests {
    use crate::resource::fixture::{ancestors, hub_and_spoke, inputs, lowered};

    #[test]
    fn pods_log_to_the_own_group_and_region_of_their_cluster() {
        let graph = lowered(&hub_and_spoke().graph);
        let namespace = inputs(&graph, "us-east-1/eks/namespace-logging");
        assert_eq!(namespace["metadata"]["labels"]["aws-observability"], "enabled");
        let output = inputs(&graph, "us-east-1/eks/fargate-logging")["data"]["output.conf"].clone();
        let output = output.as_str().unwrap();
        assert!(output.contains("\n    region us-east-1\n"), "{output}");
        assert!(output.contains("\n    log_group_name /skyplat/sp-dev-us-east-1/fargate\n"), "{output}");
    }

    #[test]
    fn logging_and_rights_come_before_the_first_pod() {
        let graph = lowered(&hub_and_spoke().graph);
        for pod in ["hub/eks/addon-coredns", "hub/karpenter/controller"] {
            let waits = ancestors(&graph, pod);
            for needed in ["fargate-logging", "fargate-profile", "fargate-role-attachment-logs"] {
                assert!(waits.contains(&format!("hub/eks/{needed}")), "{pod} does not wait for {needed}");
            }
        }
    }
}
