//! `SubnetRouter`: the way in, as a Tailscale node in the hub that routes to every VPC of the platform.
//!
//! The OAuth client is somebody else's secret, read at apply time. A region's range is advertised once its cluster
//! stands, and no longer before its cluster goes.

use crate::config::fit_name;
use crate::graph::{Handle, LowerError, Lowering, Ready, Resource};
use crate::ids::Region;
use crate::object::gate::CrdEstablished;
use crate::object::helm::HelmRelease;
use crate::object::k8s::K8sObject;
use crate::object::lookup::LookupSecret;
use crate::resource::eks_cluster::EksCluster;
use crate::resource::karpenter::Karpenter;
use crate::resource::manifests;
use crate::tree;
use crate::value::{ToTree, Tree, Value};

/// Most characters of a tailnet host name.
const HOSTNAME_LIMIT: usize = 63;

/// A Tailscale subnet router.
#[derive(Debug, Clone)]
pub struct SubnetRouter {
    /// The hub's cluster.
    pub cluster: Handle<EksCluster>,
    /// What launches its nodes.
    pub karpenter: Handle<Karpenter>,
    /// The clusters of the other regions.
    pub spokes: Vec<Handle<EksCluster>>,
    /// ARN of the secret with the OAuth client.
    pub oauth_secret_arn: String,
    /// Version of the operator's chart.
    pub version: String,
}

/// What others need of the router.
#[derive(Debug, Clone)]
pub struct SubnetRouterOutputs {
    /// The router's name in the tailnet.
    pub hostname: String,
    /// The operator's namespace is there.
    pub namespace_ready: Ready,
}

impl Resource for SubnetRouter {
    const KIND: &'static str = "SubnetRouter";
    type Outputs = SubnetRouterOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<SubnetRouterOutputs, LowerError> {
        let cluster = cx.outputs(self.cluster)?;
        let karpenter = cx.outputs(self.karpenter)?;
        let oauth = self.oauth(cx, &cluster.vpc.region)?;
        let namespace = cx
            .object("namespace", manifests::namespace("tailscale", &[]))
            .within(&cluster.container)
            .add()?;
        let namespace_ready = namespace.ready();
        let namespace = namespace.output(K8sObject::NAME);
        let secret = cx
            .object("oauth-secret", manifests::secret("operator-oauth", &namespace, oauth))
            .within(&cluster.container)
            .add()?;
        let operator = cx
            .object(
                "operator",
                HelmRelease {
                    name: "tailscale-operator".into(),
                    namespace,
                    chart: "tailscale-operator".into(),
                    repository: Some("https://pkgs.tailscale.com/helmcharts".into()),
                    version: self.version.clone(),
                    skip_crds: false,
                    values: tree!({}),
                },
            )
            .within(&cluster.container)
            .after(&Ready::all([&cluster.nodes, &cluster.dns, &karpenter.pools]))
            .after(&secret.ready())
            .add()?;
        let definition = cx
            .object("connector-crd", CrdEstablished { crd: "connectors.tailscale.com".into() })
            .within(&cluster.container)
            .after(&operator.ready())
            .add()?;

        let hostname = fit_name(&format!("{}-ts-subnet-router", cluster.cluster_name), HOSTNAME_LIMIT);
        let mut routes = vec![cluster.vpc.cidr_block.to_tree()];
        let mut reached = definition.ready();
        for spoke in &self.spokes {
            let spoke = cx.outputs(*spoke)?;
            routes.push(spoke.vpc.cidr_block.to_tree());
            reached = reached.and(&spoke.control_plane);
        }
        cx.object("connector", K8sObject::new(connector(&hostname, routes)))
            .within(&cluster.container)
            .after(&reached)
            .add()?;
        Ok(SubnetRouterOutputs { hostname, namespace_ready })
    }
}

impl SubnetRouter {
    /// Looks the OAuth client up, in the region that the secret's ARN names.
    ///
    /// What is still to be filled in names none and stands for a secret beside the cluster: a simulation runs with it, a
    /// real account is refused it long before.
    fn oauth(&self, cx: &mut Lowering<'_>, cluster: &Region) -> Result<Tree, LowerError> {
        let region = match self.oauth_secret_arn.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "secretsmanager", region, ..] if !region.is_empty() => Region::new(*region),
            _ => cluster.clone(),
        };
        let lookup = cx
            .object(
                "oauth",
                LookupSecret {
                    secret_id: self.oauth_secret_arn.clone(),
                    client_id_key: "CLIENT_ID".into(),
                    client_secret_key: "CLIENT_SECRET".into(),
                },
            )
            .region(&region)
            .add()?;
        let (id, secret): (Value<_>, Value<_>) =
            (lookup.output(LookupSecret::CLIENT_ID), lookup.output(LookupSecret::CLIENT_SECRET));
        Ok(tree!({ "client_id": id, "client_secret": secret }))
    }
}

/// Returns the manifest of the router; a Connector belongs to the whole cluster.
fn connector(hostname: &str, routes: Vec<Tree>) -> Tree {
    tree!({
        "apiVersion": "tailscale.com/v1alpha1",
        "kind": "Connector",
        "metadata": { "name": hostname },
        "spec": {
            "hostname": hostname,
            "subnetRouter": { "advertiseRoutes": routes },
            "tags": ["tag:k8s"]
        }
    })
}
