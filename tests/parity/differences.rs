//! Where our platform differs from the reference implementation's, and why.

/// One difference.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The topic of the facts.
    pub(crate) topic: &'static str,
    /// What they have and we have not; `*` stands for any text.
    pub(crate) theirs: &'static [&'static str],
    /// What we have and they have not.
    pub(crate) ours: &'static [&'static str],
    /// Why.
    pub(crate) reason: &'static str,
}

macro_rules! differences {
    ($($topic:literal: [$($theirs:literal),*] => [$($ours:literal),*] because $reason:literal;)*) => {
        &[$(Difference { topic: $topic, theirs: &[$($theirs),*], ours: &[$($ours),*], reason: $reason }),*]
    };
}

/// Every difference.
#[rustfmt::skip]
pub(crate) const DIFFERENCES: &[Difference] = differences! {
    // Network.
    "count": [] => ["ec2.vpc_endpoint = 3", "ec2.vpc_endpoint = 1"] because "S3 is reached through a gateway endpoint: free, and most of the traffic";
    "count": ["ec2.vpc_peering_acceptance = 4"] => ["ec2.vpc_peering_acceptance = 2", "ec2.vpc_peering_options = 4"] because "a connection is accepted once, in the peer's region; DNS options are set on both sides after that";
    "count": ["ec2.security_group = 3", "ec2.security_group = 1"] => ["ec2.security_group = 6", "ec2.security_group = 2"] because "mount targets have a security group of their own";
    "count": ["ec2.security_group_rule = 36", "ec2.security_group_rule = 12"] => ["ec2.security_group_rule = 41", "ec2.security_group_rule = 13"] because "one rule a file system, and one a spoke for the API server";
    "security group rule": [] => ["efs-csi in tcp 2049 from node @ all"] because "the mount targets' own group admits nodes alone";
    "security group rule": [] => ["cluster in tcp 443 from 10.11.0.0/16 @ *"] because "the API server in the hub talks to the clusters of the spokes";

    // Clusters.
    "cluster": ["public_access_cidrs= @ all"] => ["public_access_cidrs=0.0.0.0/0 @ all"] because "said outright, warned about, and settable";
    "cluster": ["service_cidr= @ all"] => ["service_cidr=172.20.0.0/16 @ all"] because "a default that depends on the VPC's range is no check against overlaps";
    "addon": [] => ["coredns {\"computeType\":\"Fargate\"} @ all"] because "CoreDNS runs before there is a node";
    "addon": [] => ["vpc-cni {\"enableNetworkPolicy\":\"true\"} @ all"] because "the tenants' network policies need an agent that enforces them";
    "count": [] => ["logs.log_group = 9", "logs.log_group = 3"] because "log groups made by others have no retention and outlive the platform";

    // Rights.
    "count": ["iam.policy = 1"] => ["iam.policy = 29", "iam.policy = 11"] because "inline policies of theirs are policies of their own, Karpenter's in six parts below the size limit";
    "count": ["iam.policy_attachment = 28", "iam.policy_attachment = 14"] => ["iam.policy_attachment = 56", "iam.policy_attachment = 24"] because "those policies are attached";
    "count": ["iam.role = 31"] => ["iam.role = 29"] because "external-dns runs in the hub alone";
    "count": [] => ["iam.service_linked_role = 1"] because "spot instances need it, once an account";
    "policy": ["external-dns: own @ all"] => ["external-dns: own @ us-west-2"] because "external-dns runs in the hub alone";
    "policy": ["ebs-csi: own @ all"] => ["ebs-csi: AmazonEBSCSIDriverPolicyV2 @ all"] because "the managed policy follows the driver";
    "policy": [] => ["fargate pods: own @ all"] because "without it their logs go nowhere";
    "policy": ["karpenter nodes: AmazonEC2ContainerRegistryReadOnly @ all"] => ["karpenter nodes: AmazonEC2ContainerRegistryPullOnly @ all"] because "nodes pull images, no more";
    "policy": ["karpenter nodes: AmazonElasticFileSystemClientFullAccess @ all"] => [] because "the driver has a role of its own; every pod of a node would have this one";
    "trust": ["*: oidc StringEquals aud sts.amazonaws.com @ *"] => ["*: oidc StringEquals aud sts.amazonaws.com StringEquals sub system:serviceaccount:*:* @ *"] because "without a subject every pod of the cluster can take the role";
    "trust": ["api server: oidc StringEquals aud sts.amazonaws.com StringLike sub system:serviceaccount:skypilot:* @ *"] => ["api server: oidc StringEquals aud sts.amazonaws.com StringEquals sub system:serviceaccount:skypilot:skypilot-api-sa @ *"] because "one account needs it, not all of its namespace";
    "rights": ["Role * may do everything in its namespace @ *"] => [] because "the API server's documented minimum";
    "rights": ["ClusterRole * writes clusterroles @ *", "ClusterRole * writes clusterrolebindings @ *"] => [] because "a tenant could edit every other tenant's rights";

    // Nodes.
    "count": ["k8s.object EC2NodeClass = 4", "k8s.object EC2NodeClass = 2", "k8s.object NodePool = 4", "k8s.object NodePool = 2"] => ["k8s.object EC2NodeClass = 6", "k8s.object EC2NodeClass = 3", "k8s.object NodePool = 6", "k8s.object NodePool = 3"] because "a pool for the API server, and one for addons where no other takes them";
    "node class": [] => ["skyplat-api *", "skyplat-system *"] because "the pools that the platform adds";
    "node pool": [] => ["skyplat-api *", "skyplat-system *"] because "the pools that the platform adds";
    "node class": ["* amiSelectorTerms[].alias=al2023@latest @ *"] => ["* amiSelectorTerms[].alias=al2023@v20261110 @ *"] because "nodes are replaced when that is planned, not when an image is published";
    "node class": ["* role=reference @ *"] => ["* role=sp-dev-*-karpenter-node @ *"] because "the role's name; its ARN makes instance profiles without end";
    "node class": [] => ["* blockDeviceMappings[].ebs.encrypted=true @ *"] because "tenants' data lies on these disks";
    "node class": [] => ["* metadataOptions.* @ *"] because "server defaults, written out so that they are no difference";
    "node pool": [] => ["* template.spec.requirements[node.kubernetes.io/instance-type]=In * @ *"] because "theirs drops instance_type: a list of one type meant any instance";
    "node pool": ["* limits.cpu=100 @ *", "* limits.memory=100Gi @ *"] => ["* limits.cpu=1000 @ *"] because "a limit that nobody asked for stops a GPU pool at one large node";
    "node pool": ["* disruption.consolidateAfter=1m @ *"] => ["* disruption.consolidateAfter=5m @ *"] because "a node outlives the pause between two jobs";
    "node pool": ["gpu* disruption.consolidationPolicy=WhenEmptyOrUnderutilized @ *"] => ["gpu* disruption.consolidationPolicy=WhenEmpty @ *"] because "moving a pod restarts a training run";
    "node pool": [] => ["* disruption.budgets[].nodes=10% @ *", "* template.spec.terminationGracePeriod=24h @ *"] because "an expired node goes in the end, few at a time";
    "count": [] => ["sqs.queue = 3", "sqs.queue = 1", "events.rule = 15", "events.rule = 5"] because "Karpenter hears of interruptions before they come";

    // Charts.
    "chart version": ["aws-for-fluent-bit 0.1.35 @ *"] => ["aws-for-fluent-bit 0.2.0 @ *"] because "the versions that fit Kubernetes 1.35 and each other";
    "chart version": ["aws-load-balancer-controller 1.17.1 @ *"] => ["aws-load-balancer-controller 3.5.0 @ *"] because "the versions that fit Kubernetes 1.35 and each other";
    "chart version": ["ebs-csi 2.54.1 @ *"] => ["ebs-csi 2.64.0 @ *"] because "the versions that fit Kubernetes 1.35 and each other";
    "chart version": ["efs-csi 3.3.0 @ *"] => ["efs-csi 4.4.1 @ *"] because "the versions that fit Kubernetes 1.35 and each other";
    "chart version": ["external-dns 1.20.0 @ *"] => ["external-dns 1.21.1 @ *"] because "the versions that fit Kubernetes 1.35 and each other";
    "chart version": ["karpenter 1.8.6 @ *"] => ["karpenter 1.14.1 @ *"] because "the versions that fit Kubernetes 1.35 and each other";
    "chart version": ["metrics-server 3.13.0 @ *"] => ["metrics-server 3.13.1 @ *"] because "the versions that fit Kubernetes 1.35 and each other";
    "chart version": ["nvidia-device-plugin 0.18.2 @ *"] => ["nvidia-device-plugin 0.20.0 @ *"] because "the versions that fit Kubernetes 1.35 and each other";
    "chart version": ["skypilot 0.11.1 @ *"] => ["skypilot 0.14.1 @ *"] because "the versions that fit Kubernetes 1.35 and each other";
    "chart version": ["tailscale-operator 1.92.5 @ *"] => ["tailscale-operator 1.102.3 @ *"] because "the versions that fit Kubernetes 1.35 and each other";
    "chart version": [] => ["karpenter-crd 1.14.1 @ all"] because "Helm never upgrades the definitions of a chart";
    "chart": [] => ["karpenter-crd in karpenter: karpenter-crd of oci://public.ecr.aws/karpenter @ all"] because "Helm never upgrades the definitions of a chart";
    "chart": ["external-dns in kube-system: * @ all"] => ["external-dns in kube-system: * @ us-west-2"] because "only the hub has a host to publish";
    "chart": ["nvidia-device-plugin in kube-system: * @ all"] => ["nvidia-device-plugin in kube-system: * @ eu-west-1 us-west-2"] because "only where a pool has GPUs";
    "count": ["helm.release = 10"] => ["helm.release = 11"] because "karpenter-crd; with spokes those left out make up for it";
    "count": [] => ["helm.crds = 3", "helm.crds = 1"] because "Helm never upgrades the definitions of a chart";
    "file system": ["mount target in * behind node @ all"] => ["mount target in * behind its own @ all"] because "a security group of their own";
    "file system": ["throughput_mode=bursting @ all"] => ["throughput_mode=elastic @ all"] because "a new file system has no credits to burst with";
    "storage class": ["efs-default allowVolumeExpansion=true @ all"] => [] because "an elastic file system has no size to grow";

    // Tenants and the API server.
    "count": ["k8s.object Role = 5", "k8s.object Role = 4", "k8s.object RoleBinding = 6"] => ["k8s.object Role = 8", "k8s.object Role = 7", "k8s.object RoleBinding = 9"] because "workloads have rights of their own, to stop themselves";
    "kubernetes": [] => ["Role */sky-user-sa-role @ *", "RoleBinding */sky-user-sa-role-binding @ *"] because "workloads have rights of their own, to stop themselves";
    "count": [] => ["k8s.object NetworkPolicy = 3"] because "tenants are apart on the network too";
    "kubernetes": [] => ["NetworkPolicy */tenant @ *"] because "tenants are apart on the network too";
    "count": ["k8s.object Secret = 8"] => ["k8s.object Secret = 7"] because "users sign in with OAuth alone";
    "kubernetes": ["Secret skypilot/initial-basic-auth @ *"] => [] because "users sign in with OAuth alone";
    "count": [] => ["skypilot.config = 1"] because "the chart takes the configuration only once";
    "count": [] => ["cognito.user = 1"] because "the exported password must open something";
    "cognito": ["pool=sp-dev-sp-cognito-pool"] => ["pool=sp-dev-skypilot"] because "a name by what it is for";
    "cognito": ["sign_in="] => ["sign_in=email"] because "users are known by their email";
    "connector": ["* namespace=tailscale @ *"] => [] because "a Connector belongs to the whole cluster";
    "count": [] => ["route53.zone_association = 2"] because "VPCs join the zone one by one, so that a new spoke is no replace";

    // What is asked and waited for is an object of ours.
    "count": [] => ["gate.*"] because "waits are objects: webhooks and definitions on the way up, drains on the way down";
    "count": [] => ["lookup.*"] because "what is read of others is an object";
    "output": [] => ["hub_dns_server", "next_steps", "skypilot_ingress_status"] because "what is left to do by hand, and what it needs";
};
