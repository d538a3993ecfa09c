//! The AWS load balancer controller: load balancers for Ingresses and Services.
//!
//! Two gates stand on it. An Ingress comes after its webhook answers; and what makes load balancers comes after
//! [`LoadBalancersGone`], so that on the way down the controller is still there to take them away.

use super::{AddonBase, Chart, FirstNode, account};
use crate::facts::partition_of;
use crate::graph::{LowerError, Lowering, Ready, Resource};
use crate::object::gate::{LoadBalancersGone, WebhookReady};
use crate::object::helm::{HelmCrds, HelmRelease};
use crate::object::iam::{Condition, PolicyDocument, Statement};
use crate::resource::irsa_role::irsa_role;
use crate::resource::role::RolePolicies;
use crate::tree;

const ACCOUNT: &str = "aws-load-balancer-controller";
const CHART: &str = "aws-load-balancer-controller";
const REPOSITORY: &str = "https://aws.github.io/eks-charts";
/// The tag that the controller puts on what it makes.
const OWNED_REQUEST: &str = "aws:RequestTag/elbv2.k8s.aws/cluster";
/// The same tag on what is already there.
const OWNED_RESOURCE: &str = "aws:ResourceTag/elbv2.k8s.aws/cluster";

/// The AWS load balancer controller.
#[derive(Debug, Clone)]
pub struct LoadBalancerController {
    /// What it stands on.
    pub base: AddonBase,
    /// The addon that holds the gate of the cluster's first node; none when it is this one.
    pub first_node: Option<FirstNode>,
}

/// What others need of the controller.
#[derive(Debug, Clone)]
pub struct LoadBalancerControllerOutputs {
    /// The webhook answers: an Ingress can be made.
    pub webhook: Ready,
    /// What makes load balancers comes after this, so that they are gone before the controller is.
    pub load_balancers: Ready,
    /// The cluster's first node is ready, if this addon waits for it.
    pub first_node: Ready,
}

impl Resource for LoadBalancerController {
    const KIND: &'static str = "Addon";
    type Outputs = LoadBalancerControllerOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<LoadBalancerControllerOutputs, LowerError> {
        let ground = self.base.ground(cx)?;
        let cluster = &ground.cluster;
        let name = ground.role_name("load-balancer-controller");
        let policies =
            RolePolicies::default().customer("rights", policy(partition_of(&cluster.region).as_str()));
        let role = irsa_role(cx, "role", name, cluster, &account(ACCOUNT), policies)?;
        let crds = cx
            .object(
                "crds",
                HelmCrds {
                    chart: CHART.into(),
                    repository: Some(REPOSITORY.into()),
                    version: ground.version.clone(),
                },
            )
            .within(&cluster.container)
            .add()?;
        let chart = Chart {
            release: "aws-load-balancer-controller",
            name: CHART,
            repository: REPOSITORY,
            values: tree!({
                "clusterName": (cluster.name),
                "region": (cluster.region),
                "vpcId": (cluster.vpc.vpc_id),
                "defaultTags": (cluster.tags),
                // Its webhook refuses every Service of the cluster while the controller is not ready.
                "enableServiceMutatorWebhook": false,
                "keepTLSSecret": true,
                "serviceAccount": {
                    "create": true,
                    "name": ACCOUNT,
                    "annotations": { "eks.amazonaws.com/role-arn": (role.role_arn.as_text()) }
                }
            }),
        };
        let release = HelmRelease { skip_crds: true, ..ground.helm_release(chart) };
        let release = cx
            .object("release", release)
            .within(&cluster.container)
            .after(&ground.pods_can_run())
            .after(&role.ready)
            .after(&crds.ready())
            .add()?;
        let own_gate = ground.first_node(cx, self.first_node.is_none(), &release)?;
        let first_node = match self.first_node {
            Some(other) => other.ready(cx)?,
            None => own_gate.clone(),
        };
        let webhook = cx
            .object(
                "webhook",
                WebhookReady {
                    namespace: release.output(HelmRelease::NAMESPACE),
                    service: "aws-load-balancer-webhook-service".into(),
                },
            )
            .within(&cluster.container)
            .after(&first_node)
            .add()?;
        let load_balancers = cx
            .object("load-balancers", LoadBalancersGone { cluster: cluster.name.clone() })
            .within(&cluster.container)
            .after(&release.ready())
            .add()?;
        Ok(LoadBalancerControllerOutputs {
            webhook: webhook.ready(),
            load_balancers: load_balancers.ready(),
            first_node: own_gate,
        })
    }
}

/// The controller's published policy for version 3.5.
fn policy(partition: &str) -> PolicyDocument {
    let ec2 = |resource: &str| format!("arn:{partition}:ec2:*:*:{resource}");
    let elb = |resource: &str| format!("arn:{partition}:elasticloadbalancing:*:*:{resource}");
    let absent = |key: &str| Condition::new("Null", key, ["true"]);
    let present = |key: &str| Condition::new("Null", key, ["false"]);
    let balancers_and_groups =
        || [elb("targetgroup/*/*"), elb("loadbalancer/net/*/*"), elb("loadbalancer/app/*/*")];
    PolicyDocument::new([
        Statement::allow(["iam:CreateServiceLinkedRole"]).on_all().when(Condition::new(
            "StringEquals",
            "iam:AWSServiceName",
            ["elasticloadbalancing.amazonaws.com"],
        )),
        Statement::allow([
            "ec2:DescribeAccountAttributes",
            "ec2:DescribeAddresses",
            "ec2:DescribeAvailabilityZones",
            "ec2:DescribeInternetGateways",
            "ec2:DescribeVpcs",
            "ec2:DescribeVpcPeeringConnections",
            "ec2:DescribeSubnets",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeInstances",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeTags",
            "ec2:GetCoipPoolUsage",
            "ec2:DescribeCoipPools",
            "ec2:GetSecurityGroupsForVpc",
            "ec2:DescribeIpamPools",
            "ec2:DescribeRouteTables",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeListenerCertificates",
            "elasticloadbalancing:DescribeSSLPolicies",
            "elasticloadbalancing:DescribeRules",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetGroupAttributes",
            "elasticloadbalancing:DescribeTargetHealth",
            "elasticloadbalancing:DescribeTags",
            "elasticloadbalancing:DescribeTrustStores",
            "elasticloadbalancing:DescribeListenerAttributes",
            "elasticloadbalancing:DescribeCapacityReservation",
        ])
        .on_all(),
        Statement::allow([
            "cognito-idp:DescribeUserPoolClient",
            "acm:ListCertificates",
            "acm:DescribeCertificate",
            "iam:ListServerCertificates",
            "iam:GetServerCertificate",
            "waf-regional:GetWebACL",
            "waf-regional:GetWebACLForResource",
            "waf-regional:AssociateWebACL",
            "waf-regional:DisassociateWebACL",
            "wafv2:GetWebACL",
            "wafv2:GetWebACLForResource",
            "wafv2:AssociateWebACL",
            "wafv2:DisassociateWebACL",
            "shield:GetSubscriptionState",
            "shield:DescribeProtection",
            "shield:CreateProtection",
            "shield:DeleteProtection",
        ])
        .on_all(),
        Statement::allow(["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]).on_all(),
        Statement::allow(["ec2:CreateSecurityGroup"]).on_all(),
        Statement::allow(["ec2:CreateTags"])
            .on([ec2("security-group/*")])
            .when(Condition::new("StringEquals", "ec2:CreateAction", ["CreateSecurityGroup"]))
            .when(present(OWNED_REQUEST)),
        Statement::allow(["ec2:CreateTags", "ec2:DeleteTags"])
            .on([ec2("security-group/*")])
            .when(absent(OWNED_REQUEST))
            .when(present(OWNED_RESOURCE)),
        Statement::allow([
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:DeleteSecurityGroup",
        ])
        .on_all()
        .when(present(OWNED_RESOURCE)),
        Statement::allow([
            "elasticloadbalancing:CreateLoadBalancer",
            "elasticloadbalancing:CreateTargetGroup",
        ])
        .on_all()
        .when(present(OWNED_REQUEST)),
        Statement::allow([
            "elasticloadbalancing:CreateListener",
            "elasticloadbalancing:DeleteListener",
            "elasticloadbalancing:CreateRule",
            "elasticloadbalancing:DeleteRule",
        ])
        .on_all(),
        Statement::allow(["elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"])
            .on(balancers_and_groups())
            .when(absent(OWNED_REQUEST))
            .when(present(OWNED_RESOURCE)),
        Statement::allow(["elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"]).on([
            elb("listener/net/*/*/*"),
            elb("listener/app/*/*/*"),
            elb("listener-rule/net/*/*/*"),
            elb("listener-rule/app/*/*/*"),
        ]),
        Statement::allow([
            "elasticloadbalancing:ModifyLoadBalancerAttributes",
            "elasticloadbalancing:SetIpAddressType",
            "elasticloadbalancing:SetSecurityGroups",
            "elasticloadbalancing:SetSubnets",
            "elasticloadbalancing:DeleteLoadBalancer",
            "elasticloadbalancing:ModifyTargetGroup",
            "elasticloadbalancing:ModifyTargetGroupAttributes",
            "elasticloadbalancing:DeleteTargetGroup",
            "elasticloadbalancing:ModifyListenerAttributes",
            "elasticloadbalancing:ModifyCapacityReservation",
            "elasticloadbalancing:ModifyIpPools",
        ])
        .on_all()
        .when(present(OWNED_RESOURCE)),
        Statement::allow(["elasticloadbalancing:AddTags"])
            .on(balancers_and_groups())
            .when(Condition::new(
                "StringEquals",
                "elasticloadbalancing:CreateAction",
                ["CreateTargetGroup", "CreateLoadBalancer"],
            ))
            .when(present(OWNED_REQUEST)),
        Statement::allow(["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"])
            .on([elb("targetgroup/*/*")]),
        Statement::allow([
            "elasticloadbalancing:SetWebAcl",
            "elasticloadbalancing:ModifyListener",
            "elasticloadbalancing:AddListenerCertificates",
            "elasticloadbalancing:RemoveListenerCertificates",
            "elasticloadbalancing:ModifyRule",
            "elasticloadbalancing:SetRulePriorities",
        ])
        .on_all(),
    ])
}
