//! The values of the SkyPilot chart.

use super::config::start_config;
use crate::ids::{Cidr, RoleArn};
use crate::resource::text::join;
use crate::tree;
use crate::value::{ToTree, Tree, Value};

/// Seconds that a connection may be silent: log streams and the SSH proxy are, for minutes.
const IDLE_TIMEOUT: u32 = 3600;

/// What the values are made of.
pub(super) struct Inputs<'a> {
    /// Host of the API server.
    pub(super) host: &'a str,
    /// ARN of the host's certificate.
    pub(super) certificate_arn: &'a str,
    /// Where the load balancer stands.
    pub(super) subnets: &'a [Value<String>],
    /// Ranges that may reach it.
    pub(super) inbound: &'a [Cidr],
    /// The StorageClass of the server's volume.
    pub(super) storage_class: &'a Value<String>,
    /// Name of the Secret with the kubeconfig.
    pub(super) kubeconfig_secret: &'a Value<String>,
    /// Name of the Secret with the AWS credentials file.
    pub(super) aws_secret: &'a Value<String>,
    /// Name of the Secret with the OAuth client.
    pub(super) oauth_secret: &'a Value<String>,
    /// The OpenID Connect issuer.
    pub(super) issuer: &'a Value<String>,
    /// Name of the server's service account.
    pub(super) service_account: &'a str,
    /// Its role.
    pub(super) role_arn: &'a Value<RoleArn>,
    /// The label and taint of the nodes that it runs on, and their value.
    pub(super) node_role: (&'a str, &'a str),
}

/// Returns the chart's values.
pub(super) fn chart_values(inputs: &Inputs<'_>) -> Tree {
    let (label, role) = inputs.node_role;
    tree!({
        "apiService": {
            "config": (Value::json(start_config())),
            "upgradeStrategy": "Recreate",
            "nodeSelector": { (label): role },
            "tolerations": [{ "key": label, "operator": "Equal", "value": role, "effect": "NoSchedule" }]
        },
        "auth": { "oauth": {
            "enabled": true,
            "oidc-issuer-url": (inputs.issuer),
            "client-details-from-secret": (inputs.oauth_secret),
            "use-https": true
        } },
        "awsCredentials": {
            "enabled": true,
            "awsSecretName": (inputs.aws_secret),
            "useCredentialsFile": true
        },
        "ingress": {
            "enabled": true,
            "ingressClassName": "alb",
            "host": (inputs.host),
            "annotations": (ingress_annotations(inputs))
        },
        "ingress-nginx": { "enabled": false },
        "kubernetesCredentials": {
            "useApiServerCluster": false,
            "useKubeconfig": true,
            "kubeconfigSecretName": (inputs.kubeconfig_secret)
        },
        "rbac": {
            // Tenants have identities of their own, and the namespace of SkyPilot's helpers is ours.
            "manageRbacPolicies": false,
            "manageSystemComponents": false,
            "serviceAccountName": (inputs.service_account),
            "serviceAccountAnnotations": { "eks.amazonaws.com/role-arn": (inputs.role_arn.as_text()) }
        },
        // SQLite in WAL mode must not lie on a network file system.
        "storage": {
            "enabled": true,
            "storageClassName": (inputs.storage_class),
            "accessMode": "ReadWriteOnce",
            "size": "64Gi",
            "annotations": { "helm.sh/resource-policy": "keep" }
        }
    })
}

fn ingress_annotations(inputs: &Inputs<'_>) -> Tree {
    let inbound: Vec<Value<String>> = inputs.inbound.iter().map(|cidr| cidr.to_string().into()).collect();
    let annotations: [(&str, Value<String>); 9] = [
        ("certificate-arn", inputs.certificate_arn.into()),
        ("healthcheck-path", "/api/health".into()),
        ("inbound-cidrs", join(&inbound, ",")),
        ("listen-ports", r#"[{"HTTP":80},{"HTTPS":443}]"#.into()),
        ("load-balancer-attributes", format!("idle_timeout.timeout_seconds={IDLE_TIMEOUT}").into()),
        ("scheme", "internal".into()),
        ("ssl-redirect", "443".into()),
        ("subnets", join(inputs.subnets, ",")),
        ("target-type", "ip".into()),
    ];
    Tree::Map(
        annotations
            .into_iter()
            .map(|(name, value)| (format!("alb.ingress.kubernetes.io/{name}").into(), value.to_tree()))
            .collect(),
    )
}
