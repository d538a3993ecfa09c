//! `ApiServer`: the SkyPilot API server in the hub, with its way into every tenant.
//!
//! * `values`: what the chart is given.
//! * `config`: what the running server is given.
//! * `policies`: what the server may do in the account.
//!
//! The release comes after what its parts need at once: a node, the webhook of its Ingress, its volume's driver, the zone,
//! the login, and the tenants' tokens (through its kubeconfig). The configuration comes after the release and after the
//! tenants.

mod config;
mod policies;
mod values;

use crate::config::{API_NODE_ROLE, UserRole};
use crate::facts::partition_of;
use crate::graph::{Handle, LowerError, Lowering, Ready, Resource};
use crate::ids::Cidr;
use crate::object::OnDelete;
use crate::object::helm::HelmRelease;
use crate::object::k8s::K8sObject;
use crate::object::lookup::LookupIngress;
use crate::object::skypilot::SkyPilotConfig;
use crate::resource::addon::{EbsCsi, ExternalDns, FirstNode, LoadBalancerController};
use crate::resource::data_plane::{DataPlane, DataPlaneOutputs};
use crate::resource::eks_cluster::{EksCluster, EksClusterOutputs};
use crate::resource::identity_provider::{IdentityProvider, IdentityProviderOutputs};
use crate::resource::irsa_role::{ServiceAccountRef, irsa_role};
use crate::resource::karpenter::Karpenter;
use crate::resource::kubeconfig::kubeconfig;
use crate::resource::manifests;
use crate::resource::peering::Peering;
use crate::resource::role::RolePolicies;
use crate::resource::service_discovery::ServiceDiscovery;
use crate::resource::vpc::Vpc;
use crate::tree;
use crate::value::{Tree, Value};

/// Name of the release; the chart names its objects after it.
const RELEASE: &str = "skypilot";
/// Name of the server's service account.
const ACCOUNT: &str = "skypilot-api-sa";

/// A tenant as the server's configuration names it.
#[derive(Debug, Clone)]
pub struct TenantAccess {
    /// The tenant.
    pub plane: Handle<DataPlane>,
    /// Who may use it; none for everyone.
    pub allowed_users: Option<Vec<String>>,
}

/// The SkyPilot API server.
#[derive(Debug, Clone)]
pub struct ApiServer {
    /// The hub's cluster.
    pub cluster: Handle<EksCluster>,
    /// What launches its nodes.
    pub karpenter: Handle<Karpenter>,
    /// The VPCs of the platform, from which the server can be reached.
    pub vpcs: Vec<Handle<Vpc>>,
    /// The hub's connections to the other networks, through which tenants' services are reached.
    pub peerings: Vec<Handle<Peering>>,
    /// The tenants, in the order of the configuration.
    pub tenants: Vec<TenantAccess>,
    /// The private zone.
    pub service_discovery: Handle<ServiceDiscovery>,
    /// The users.
    pub identity: Handle<IdentityProvider>,
    /// The driver of the server's volume.
    pub block_volumes: Handle<EbsCsi>,
    /// What makes the server's load balancer.
    pub load_balancers: Handle<LoadBalancerController>,
    /// What writes the server's record, if anything does.
    pub dns: Option<Handle<ExternalDns>>,
    /// The addon that holds the gate of the hub's first node.
    pub first_node: Option<FirstNode>,
    /// Version of the chart.
    pub version: String,
    /// Host of the server.
    pub host: String,
    /// ARN of the host's certificate.
    pub certificate_arn: String,
    /// Role of users who are given none.
    pub default_user_role: UserRole,
    /// Whether SkyPilot may start EC2 instances outside the clusters.
    pub aws_vms: bool,
    /// Whether the namespace may not be deleted.
    pub protect: bool,
}

/// What others need of the server.
#[derive(Debug, Clone)]
pub struct ApiServerOutputs {
    /// The wanted configuration.
    pub config: Tree,
    /// The tenants.
    pub tenants: Vec<DataPlaneOutputs>,
    /// Host name of the load balancer.
    pub ingress_hostname: Value<String>,
    /// Whether there is one.
    pub ingress_ready: Value<bool>,
    /// The server's namespace is there.
    pub namespace_ready: Ready,
}

/// A tenant while the server is lowered.
struct Tenant {
    plane: DataPlaneOutputs,
    allowed_users: Option<Vec<String>>,
}

impl Resource for ApiServer {
    const KIND: &'static str = "ApiServer";
    type Outputs = ApiServerOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<ApiServerOutputs, LowerError> {
        let cluster = cx.outputs(self.cluster)?;
        let mut tenants = Vec::with_capacity(self.tenants.len());
        for tenant in &self.tenants {
            let plane = cx.outputs(tenant.plane)?;
            tenants.push(Tenant { plane, allowed_users: tenant.allowed_users.clone() });
        }
        let planes: Vec<DataPlaneOutputs> = tenants.iter().map(|tenant| tenant.plane.clone()).collect();

        // The server's volume is in this namespace. It stays when the platform goes, and with it the volume.
        let namespace = cx
            .object("namespace", manifests::namespace("skypilot", &[]))
            .within(&cluster.container)
            .protect(self.protect)
            .on_delete(OnDelete::Retain)
            .add()?;
        let namespace_ready = namespace.ready();
        let namespace = namespace.output(K8sObject::NAME);

        let secret = |cx: &mut Lowering<'_>, name: &str, data: Tree| {
            cx.object(name, manifests::secret(name, &namespace, data)).within(&cluster.container).add()
        };
        let kubeconfig = Value::json(kubeconfig(&planes));
        let kube_credentials = secret(cx, "kube-credentials", tree!({ "config": kubeconfig }))?;
        let identity = cx.outputs(self.identity)?;
        let oauth = oauth_client(&identity);
        let oauth_credentials = secret(cx, "oauth2-proxy-credentials", oauth)?;

        let document = policies::policy(&partition_of(&cluster.region), &cluster.account, self.aws_vms);
        let name = format!("{}-skypilot-api", cluster.cluster_name);
        let account = ServiceAccountRef { namespace: "skypilot".into(), name: ACCOUNT.into() };
        let policies = RolePolicies::default().customer("rights", document);
        let role = irsa_role(cx, "role", name, &cluster, &account, policies)?;
        let credentials: Value<String> = Value::format([
            "[default]\nrole_arn = ".into(),
            (&role.role_arn).into(),
            "\nregion = ".into(),
            cluster.region.as_str().into(),
            "\nweb_identity_token_file = /var/run/secrets/eks.amazonaws.com/serviceaccount/token\n".into(),
        ]);
        let aws_credentials = secret(cx, "aws-credentials", tree!({ "credentials": credentials }))?;

        let mut inbound: Vec<Cidr> = Vec::with_capacity(self.vpcs.len());
        for vpc in &self.vpcs {
            inbound.push(cx.outputs(*vpc)?.cidr);
        }
        let subnets: Vec<Value<String>> =
            cluster.vpc.private_subnets.iter().map(|subnet| subnet.id.as_text()).collect();
        let volumes = cx.outputs(self.block_volumes)?;
        let values = values::chart_values(&values::Inputs {
            host: &self.host,
            certificate_arn: &self.certificate_arn,
            subnets: &subnets,
            inbound: &inbound,
            storage_class: &volumes.storage_class,
            kubeconfig_secret: &kube_credentials.output(K8sObject::NAME),
            aws_secret: &aws_credentials.output(K8sObject::NAME),
            oauth_secret: &oauth_credentials.output(K8sObject::NAME),
            issuer: &identity.issuer,
            service_account: ACCOUNT,
            role_arn: &role.role_arn,
            node_role: API_NODE_ROLE,
        });
        let stands_on = self.stands_on(cx, &cluster, &identity)?.and(&role.ready).and(&volumes.driver);
        let release = cx
            .object(
                "release",
                HelmRelease {
                    name: RELEASE.into(),
                    namespace: namespace.clone(),
                    chart: "skypilot".into(),
                    repository: Some("https://helm.skypilot.co".into()),
                    version: self.version.clone(),
                    skip_crds: false,
                    values,
                },
            )
            .within(&cluster.container)
            .after(&stands_on)
            .add()?;
        let ingress = cx
            .object(
                "ingress",
                LookupIngress {
                    namespace: release.output(HelmRelease::NAMESPACE),
                    name: format!("{RELEASE}-ingress"),
                },
            )
            .within(&cluster.container)
            .add()?;

        let config = config::platform_config(&tenants, self.default_user_role, self.aws_vms);
        let mut can_be_used =
            Ready::all(planes.iter().flat_map(|plane| [&plane.ready, &plane.cluster.hub_access]));
        for peering in &self.peerings {
            can_be_used = can_be_used.and(&cx.outputs(*peering)?.ready);
        }
        cx.object(
            "config",
            SkyPilotConfig {
                namespace: release.output(HelmRelease::NAMESPACE),
                release: release.output(HelmRelease::NAME),
                config: config.clone(),
            },
        )
        .within(&cluster.container)
        .after(&kube_credentials.ready())
        .after(&can_be_used)
        .add()?;

        Ok(ApiServerOutputs {
            config,
            tenants: planes,
            ingress_hostname: ingress.output(LookupIngress::HOSTNAME),
            ingress_ready: ingress.output(LookupIngress::READY),
            namespace_ready,
        })
    }
}

impl ApiServer {
    /// What must be there before the release, beside what it refers to.
    fn stands_on(
        &self,
        cx: &mut Lowering<'_>,
        cluster: &EksClusterOutputs,
        identity: &IdentityProviderOutputs,
    ) -> Result<Ready, LowerError> {
        let karpenter = cx.outputs(self.karpenter)?;
        let balancers = cx.outputs(self.load_balancers)?;
        let mut ready = Ready::all([
            &cluster.nodes,
            &cluster.dns,
            &karpenter.pools,
            &balancers.webhook,
            &balancers.load_balancers,
            &identity.ready,
            &cx.outputs(self.service_discovery)?.ready,
        ]);
        if let Some(dns) = self.dns {
            ready = ready.and(&cx.outputs(dns)?.records);
        }
        if let Some(first_node) = self.first_node {
            ready = ready.and(&first_node.ready(cx)?);
        }
        Ok(ready)
    }
}

/// The OAuth client as the chart's login proxy wants it.
fn oauth_client(identity: &IdentityProviderOutputs) -> Tree {
    tree!({ "client-id": (identity.client_id.as_text()), "client-secret": (identity.client_secret) })
}
