//! The SkyPilot platform: a hub with the API server and the way in, spokes, and tenants in all of them.

use indexmap::IndexSet;

use super::region::{BaseAddons, Region};
use super::{Builder, PlatformError, outputs};
use crate::config::{self, ClusterRole, Hub};
use crate::graph::Handle;
use crate::ids::RoleArn;
use crate::resource::addon::{ExternalDns, Namespaces};
use crate::resource::api_server::TenantAccess;
use crate::resource::data_plane::{DataPlane, DataPlaneSystem, TenantRole, WORKLOAD_ACCOUNT};
use crate::resource::{
    ApiServer, IdentityProvider, IrsaRole, RolePolicies, ServiceAccountRef, ServiceDiscovery, SubnetRouter,
    Vpc,
};

/// What a tenant's workloads may do unless the configuration says otherwise.
const DEFAULT_POLICIES: [&str; 2] = ["AmazonEC2ContainerRegistryReadOnly", "AmazonS3FullAccess"];

/// The tenants of one cluster, and what they share.
struct Tenants {
    system: Option<Handle<DataPlaneSystem>>,
    planes: Vec<Handle<DataPlane>>,
}

/// A region with everything that is in every region.
struct Built<'a> {
    region: Region<'a>,
    addons: BaseAddons,
    tenants: Tenants,
}

/// Adds the resources and outputs of a hub with its spokes.
pub(super) fn build(builder: &mut Builder<'_>, hub: &Hub) -> Result<(), PlatformError> {
    let networks = builder.networks()?;
    let vpcs: Vec<Handle<Vpc>> = networks.iter().map(|network| network.vpc).collect();
    let mut regions = Vec::with_capacity(networks.len());
    let mut access = Vec::new();
    for network in networks {
        let hub_vpc = (network.settings.role == ClusterRole::Spoke).then_some(vpcs[0]);
        let region = builder.cluster(network, hub_vpc)?;
        let addons = builder.base_addons(&region)?;
        let tenants = tenants(builder, &region, &addons, hub.skypilot.gpu_overview)?;
        for (plane, config) in tenants.planes.iter().zip(region.network.settings.data_planes) {
            access.push(TenantAccess { plane: *plane, allowed_users: config.allowed_users.clone() });
        }
        regions.push(Built { region, addons, tenants });
    }
    let platform = Platform { hub, vpcs: &vpcs, regions: &regions };
    let router = platform.subnet_router(builder)?;
    let server = platform.api_server(builder, access)?;
    for (at, built) in regions.iter().enumerate() {
        let namespaces = Namespaces {
            data_planes: built.tenants.planes.clone(),
            system: built.tenants.system,
            api_server: (at == 0).then_some(server.server),
            subnet_router: if at == 0 { router } else { None },
        };
        builder.other_addons(&built.region, namespaces)?;
    }
    let exported = outputs::Exported {
        host: hub.skypilot.ingress_host.clone(),
        clusters: regions.iter().map(|built| built.region.eks).collect(),
        server: server.server,
        identity: server.identity,
        subnet_router: router,
    };
    outputs::export_hub_and_spoke(&mut builder.graph, exported);
    Ok(())
}

/// Adds the tenants of a cluster.
fn tenants(
    builder: &mut Builder<'_>,
    region: &Region<'_>,
    addons: &BaseAddons,
    gpu_overview: bool,
) -> Result<Tenants, PlatformError> {
    let protect = builder.config.protect;
    let configs = region.network.settings.data_planes;
    if configs.is_empty() {
        return Ok(Tenants { system: None, planes: Vec::new() });
    }
    let shared = DataPlaneSystem { cluster: region.eks, protect };
    let system = builder.add(&region.at("data-plane/skypilot-system"), shared)?;
    let mut planes = Vec::with_capacity(configs.len());
    for tenant in configs {
        let plane = DataPlane {
            cluster: region.eks,
            system,
            name: tenant.name.clone(),
            role: tenant_role(builder, region, tenant)?,
            quota: tenant.quota.clone(),
            gpu_overview,
            cleaners: addons.cleaners(),
            protect,
        };
        planes.push(builder.add(&region.at(&format!("data-plane/{}", tenant.name)), plane)?);
    }
    Ok(Tenants { system: Some(system), planes })
}

/// Adds the role of a tenant's workloads, unless there is one already.
fn tenant_role(
    builder: &mut Builder<'_>,
    region: &Region<'_>,
    tenant: &config::DataPlane,
) -> Result<TenantRole, PlatformError> {
    if let Some(arn) = &tenant.user_role_arn {
        return Ok(TenantRole::Given(RoleArn::new(arn.as_str())));
    }
    let policies = match &tenant.policies {
        // One that is listed twice is attached once.
        Some(policies) => {
            let managed: IndexSet<String> = policies.iter().cloned().collect();
            RolePolicies { managed: managed.into_iter().collect(), customer: Vec::new() }
        }
        None => RolePolicies::managed(DEFAULT_POLICIES),
    };
    let role = IrsaRole {
        cluster: region.eks,
        role_name: format!("{}-{}-user-role", region.network.name, tenant.name),
        service_account: ServiceAccountRef::new(&tenant.name, WORKLOAD_ACCOUNT),
        policies,
    };
    Ok(TenantRole::Made(builder.add(&region.at(&format!("role/{}", tenant.name)), role)?))
}

/// The platform, once every region stands.
struct Platform<'p, 'a> {
    hub: &'p Hub,
    vpcs: &'p [Handle<Vpc>],
    regions: &'p [Built<'a>],
}

/// The API server and its users.
struct Server {
    server: Handle<ApiServer>,
    identity: Handle<IdentityProvider>,
}

impl Platform<'_, '_> {
    /// The way in, when there is one.
    fn subnet_router(
        &self,
        builder: &mut Builder<'_>,
    ) -> Result<Option<Handle<SubnetRouter>>, PlatformError> {
        let Some(tailscale) = &self.hub.tailscale else { return Ok(None) };
        let hub = &self.regions[0].region;
        let router = SubnetRouter {
            cluster: hub.eks,
            karpenter: hub.karpenter,
            spokes: self.regions[1..].iter().map(|built| built.region.eks).collect(),
            oauth_secret_arn: tailscale.oauth_secret_arn.clone(),
            version: builder.config.component_versions.tailscale_operator.clone(),
        };
        Ok(Some(builder.add("hub/subnet-router", router)?))
    }

    /// The API server with its zone, its record and its users.
    fn api_server(
        &self,
        builder: &mut Builder<'_>,
        tenants: Vec<TenantAccess>,
    ) -> Result<Server, PlatformError> {
        let config = builder.config;
        let Built { region: hub, addons, .. } = &self.regions[0];
        let skypilot = &self.hub.skypilot;
        let zone = ServiceDiscovery {
            domain: skypilot.ingress_host.clone(),
            hub: self.vpcs[0],
            spokes: self.vpcs[1..].to_vec(),
            tags: config.tags.clone(),
        };
        let service_discovery = builder.add("hub/service-discovery", zone)?;
        let dns = if config.addons.external_dns {
            let addon = ExternalDns {
                base: hub.addon(&config.component_versions.external_dns),
                zone: service_discovery,
            };
            Some(builder.add("hub/addon/external-dns", addon)?)
        } else {
            None
        };
        let users = IdentityProvider {
            deployment: builder.deployment.clone(),
            region: hub.network.settings.region.clone(),
            host: skypilot.ingress_host.clone(),
            admin_email: skypilot.admin_email(),
            tags: config.tags.clone(),
        };
        let identity = builder.add("hub/identity", users)?;
        let server = ApiServer {
            cluster: hub.eks,
            karpenter: hub.karpenter,
            vpcs: self.vpcs.to_vec(),
            peerings: builder.peerings.clone(),
            tenants,
            service_discovery,
            identity,
            block_volumes: addons.ebs_csi.ok_or(PlatformError::MissingAddon { addon: "ebs_csi" })?,
            load_balancers: addons
                .load_balancers
                .ok_or(PlatformError::MissingAddon { addon: "aws_load_balancer_controller" })?,
            dns,
            first_node: addons.first_node,
            version: config.component_versions.skypilot.clone(),
            host: skypilot.ingress_host.clone(),
            certificate_arn: skypilot.ingress_ssl_cert_arn.clone(),
            default_user_role: skypilot.default_user_role,
            aws_vms: skypilot.aws_vms,
            protect: config.protect,
        };
        Ok(Server { server: builder.add("hub/api-server", server)?, identity })
    }
}
