//! What a platform gives to the people who run it and to other programs.

use crate::graph::lowering::Exports;
use crate::graph::{Handle, LowerError, ResourceGraph};
use crate::ids::Cidr;
use crate::resource::data_plane::DataPlaneOutputs;
use crate::resource::{
    ApiServer, EksCluster, EksClusterOutputs, IdentityProvider, SubnetRouter, SubnetRouterOutputs,
};
use crate::tree;
use crate::value::{ToTree, Tree, Value};

/// What the outputs of a SkyPilot platform are made from.
#[derive(Clone)]
pub(super) struct Exported {
    pub(super) host: String,
    /// The hub's cluster first.
    pub(super) clusters: Vec<Handle<EksCluster>>,
    pub(super) server: Handle<ApiServer>,
    pub(super) identity: Handle<IdentityProvider>,
    pub(super) subnet_router: Option<Handle<SubnetRouter>>,
}

/// Exports the outputs of a starter.
pub(super) fn export_starter(graph: &mut ResourceGraph, cluster: Handle<EksCluster>) {
    graph.export("vpc_id", move |exports| Ok(exports.outputs(cluster)?.vpc.vpc_id.to_tree()));
    graph.export("cluster_name", move |exports| Ok(exports.outputs(cluster)?.name.to_tree()));
}

/// Exports the outputs of a multi-region platform.
pub(super) fn export_multi_region(graph: &mut ResourceGraph, clusters: Vec<Handle<EksCluster>>) {
    graph.export("clusters", move |exports| {
        let mut regions = Tree::map();
        for handle in &clusters {
            let cluster = exports.outputs(*handle)?;
            let entry = tree!({ "vpc_id": (cluster.vpc.vpc_id), "cluster_name": (cluster.name) });
            regions.set(cluster.region.as_str(), entry);
        }
        Ok(regions)
    });
}

/// Exports the outputs of a SkyPilot platform.
pub(super) fn export_hub_and_spoke(graph: &mut ResourceGraph, exported: Exported) {
    let hub = exported.clusters[0];
    graph.export("hub_vpc_cidr", move |exports| Ok(exports.outputs(hub)?.vpc.cidr_block.to_tree()));
    graph.export("hub_dns_server", move |exports| Ok(dns_server(exports.outputs(hub)?.vpc.cidr).to_tree()));

    let clusters = exported.clusters.clone();
    graph.export("clusters", move |exports| {
        let outputs =
            clusters.iter().map(|handle| exports.outputs(*handle).map(|cluster| describe(&cluster)));
        Ok(Tree::List(outputs.collect::<Result<_, _>>()?))
    });

    let (server, host) = (exported.server, exported.host.clone());
    let reachable_from = match exported.subnet_router {
        Some(_) => "the VPCs of the platform, and the tailnet once its routes and split DNS are set",
        None => "the VPCs of the platform",
    };
    graph.export("skypilot_api_service_config", move |exports| {
        let config = exports.outputs(server)?.config;
        Ok(tree!({
            "endpoint": (format!("https://{host}")),
            "reachable_from": (reachable_from),
            "config": config
        }))
    });
    graph.export("skypilot_ingress_status", move |exports| {
        let server = exports.outputs(server)?;
        Ok(tree!({ "hostname": (server.ingress_hostname), "ready": (server.ingress_ready) }))
    });
    graph.export("skypilot_data_planes", move |exports| {
        Ok(Tree::List(exports.outputs(server)?.tenants.iter().map(describe_tenant).collect()))
    });

    let identity = exported.identity;
    graph.export("skypilot_admin_username", move |exports| {
        Ok(exports.outputs(identity)?.admin_username.to_tree())
    });
    graph.export("skypilot_admin_password", move |exports| {
        Ok(exports.outputs(identity)?.admin_password.to_tree())
    });
    graph.export("skypilot_admin_secret_arn", move |exports| {
        Ok(exports.outputs(identity)?.admin_secret_arn.to_tree())
    });
    graph.export("next_steps", move |exports| next_steps(exports, &exported));
}

/// Returns the address of a network's DNS server: the third one.
fn dns_server(cidr: Cidr) -> String {
    std::net::Ipv4Addr::from_bits(cidr.base().to_bits().saturating_add(2)).to_string()
}

fn describe(cluster: &EksClusterOutputs) -> Tree {
    let command: Value<String> = Value::format([
        "aws eks update-kubeconfig --region ".into(),
        cluster.region.as_str().into(),
        " --name ".into(),
        (&cluster.name).into(),
    ]);
    tree!({
        "region": (cluster.region),
        "vpc_id": (cluster.vpc.vpc_id),
        "cluster_name": (cluster.name),
        "endpoint": (cluster.endpoint),
        "kubeconfig_command": command
    })
}

fn describe_tenant(tenant: &DataPlaneOutputs) -> Tree {
    tree!({
        "namespace": (tenant.namespace),
        "cluster_name": (tenant.cluster.name),
        "context": (tenant.context),
        "service_account": (tenant.service_account),
        "role_arn": (tenant.role_arn),
        "oidc_issuer": (tenant.cluster.issuer_url),
        "oidc_provider_arn": (tenant.cluster.oidc_provider_arn)
    })
}

/// What is left to do by hand.
fn next_steps(exports: &Exports<'_>, exported: &Exported) -> Result<Tree, LowerError> {
    let host = &exported.host;
    let mut steps = Vec::new();
    if let Some(router) = exported.subnet_router {
        let SubnetRouterOutputs { hostname, .. } = exports.outputs(router)?;
        let mut routes = Vec::new();
        for cluster in &exported.clusters {
            routes.push(format!("\"{}\": [\"tag:k8s\"]", exports.outputs(*cluster)?.vpc.cidr));
        }
        let hub = exports.outputs(exported.clusters[0])?;
        steps.push(
            "In the Tailscale ACLs, let the operator own the router's tag: \"tagOwners\": {\"tag:k8s-operator\": [], \
             \"tag:k8s\": [\"tag:k8s-operator\"]}"
                .to_owned(),
        );
        steps.push(format!(
            "In the Tailscale ACLs, approve the routes of {hostname}: \"autoApprovers\": {{\"routes\": {{{}}}}}",
            routes.join(", ")
        ));
        steps.push(format!(
            "In the Tailscale DNS settings, add the name server {} for {host} (split DNS)",
            dns_server(hub.vpc.cidr)
        ));
    } else {
        steps.push(format!("Make a way into the hub's VPC: https://{host} is reachable from inside only"));
    }
    steps.push(format!("Users log in with: sky api login -e https://{host}"));
    Ok(steps.to_tree())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dns_server_is_the_third_address() {
        assert_eq!(dns_server("10.11.0.0/16".parse().unwrap()), "10.11.0.2");
    }
}
