//! One region: its network, its cluster, its nodes and the addons that every cluster gets.
//!
//! The parts are added one by one, because a shape puts things between them: an association of the zone needs every
//! network, metrics-server comes after every namespace.

use super::pools::cluster_pools;
use super::{Builder, PlatformError};
use crate::config::{CapacityType, ClusterConfig, Topology, fit_name};
use crate::graph::{Handle, Resource};
use crate::ids::RoleArn;
use crate::resource::addon::{
    AddonBase, EbsCsi, EfsCsi, FirstNode, FluentBit, LoadBalancerController, MetricsServer, Namespaces,
    NvidiaDevicePlugin,
};
use crate::resource::data_plane::Cleaners;
use crate::resource::{EksCluster, Karpenter, NodePool, Peering, SpotServiceRole, Vpc};

/// Longest name of an EKS cluster.
const CLUSTER_NAME_LIMIT: usize = 100;

/// A region whose network stands in the graph.
pub(super) struct Network<'a> {
    pub(super) settings: ClusterConfig<'a>,
    /// First part of its resources' addresses.
    pub(super) address: String,
    /// Name of its cluster, and first part of the names in its network.
    pub(super) name: String,
    pub(super) vpc: Handle<Vpc>,
}

/// A region whose cluster stands in the graph.
pub(super) struct Region<'a> {
    pub(super) network: Network<'a>,
    pub(super) eks: Handle<EksCluster>,
    pub(super) karpenter: Handle<Karpenter>,
    has_gpu: bool,
}

/// The addons that others stand on.
pub(super) struct BaseAddons {
    pub(super) ebs_csi: Option<Handle<EbsCsi>>,
    pub(super) efs_csi: Option<Handle<EfsCsi>>,
    pub(super) load_balancers: Option<Handle<LoadBalancerController>>,
    /// The addon that holds the gate of the first node; none when no chart makes a pod that needs one.
    pub(super) first_node: Option<FirstNode>,
}

impl BaseAddons {
    /// Returns what must outlive a tenant's load balancers and volumes.
    pub(super) fn cleaners(&self) -> Cleaners {
        Cleaners {
            load_balancers: self.load_balancers,
            block_volumes: self.ebs_csi,
            shared_volumes: self.efs_csi,
        }
    }
}

impl Region<'_> {
    pub(super) fn addon(&self, version: &str) -> AddonBase {
        AddonBase { cluster: self.eks, karpenter: self.karpenter, version: version.into() }
    }

    /// Returns the address of a resource of the region.
    pub(super) fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.network.address)
    }
}

impl<'a> Builder<'a> {
    pub(super) fn add<R: Resource>(
        &mut self,
        address: &str,
        resource: R,
    ) -> Result<Handle<R>, PlatformError> {
        Ok(self.graph.add(address, resource)?)
    }

    /// Adds every network and connects them as the topology says.
    pub(super) fn networks(&mut self) -> Result<Vec<Network<'a>>, PlatformError> {
        let config = self.config;
        let mut networks = Vec::new();
        for settings in config.clusters() {
            let address = settings.address().to_owned();
            let name = fit_name(&format!("{}-{}", self.deployment, settings.region), CLUSTER_NAME_LIMIT);
            let vpc = Vpc {
                name: name.clone(),
                region: settings.region.clone(),
                cidr: settings.cidr,
                zones: settings.zones.clone(),
                nat: settings.nat,
                tags: config.tags.clone(),
                protect: config.protect,
            };
            let vpc = self.add(&format!("{address}/vpc"), vpc)?;
            networks.push(Network { settings, address, name, vpc });
        }
        for (at, one) in networks.iter().enumerate() {
            for other in &networks[at + 1..] {
                if config.topology() == Topology::FullMesh || at == 0 {
                    let peering = self.peer(one, other)?;
                    if at == 0 {
                        self.peerings.push(peering);
                    }
                }
            }
        }
        Ok(networks)
    }

    fn peer(&mut self, one: &Network<'_>, other: &Network<'_>) -> Result<Handle<Peering>, PlatformError> {
        let (a, b) = if one.settings.region <= other.settings.region { (one, other) } else { (other, one) };
        let pair = format!("{}--{}", a.settings.region, b.settings.region);
        let peering = Peering {
            name: format!("{}-{pair}", self.deployment),
            a: a.vpc,
            b: b.vpc,
            tags: self.config.tags.clone(),
        };
        self.add(&format!("peering/{pair}"), peering)
    }

    /// Adds the cluster of a network with its nodes. `hub` is the network from which a spoke is run.
    pub(super) fn cluster(
        &mut self,
        network: Network<'a>,
        hub: Option<Handle<Vpc>>,
    ) -> Result<Region<'a>, PlatformError> {
        let config = self.config;
        let (settings, versions) = (&network.settings, &config.component_versions);
        let cluster = EksCluster {
            name: network.name.clone(),
            vpc: network.vpc,
            hub,
            version: versions.kubernetes.clone(),
            endpoint: settings.endpoint,
            public_access_cidrs: settings.public_access_cidrs.to_vec(),
            admins: settings.cluster_admins.iter().map(|arn| RoleArn::new(arn.as_str())).collect(),
            addon_versions: std::collections::BTreeMap::new(),
            iam: config.iam.clone(),
            tags: config.tags.clone(),
            protect: config.protect,
        };
        let eks = self.add(&format!("{}/eks", network.address), cluster)?;
        let pools = cluster_pools(settings);
        let has_gpu = pools.iter().any(NodePool::has_gpu);
        let karpenter = Karpenter {
            cluster: eks,
            region: settings.region.clone(),
            kubernetes: versions.kubernetes.clone(),
            version: versions.karpenter.clone(),
            spot_role: self.spot_role(&pools)?,
            pools,
        };
        let karpenter = self.add(&format!("{}/karpenter", network.address), karpenter)?;
        Ok(Region { network, eks, karpenter, has_gpu })
    }

    /// Adds the account's role for spot instances when a pool needs it, once.
    fn spot_role(&mut self, pools: &[NodePool]) -> Result<Option<Handle<SpotServiceRole>>, PlatformError> {
        if !pools.iter().any(|pool| pool.capacity_type == CapacityType::Spot) {
            return Ok(None);
        }
        if self.spot_role.is_none() {
            self.spot_role = Some(self.add("account/spot-role", SpotServiceRole)?);
        }
        Ok(self.spot_role)
    }

    /// Adds the addons that others stand on. The first of them holds the gate of the first node.
    pub(super) fn base_addons(&mut self, region: &Region<'_>) -> Result<BaseAddons, PlatformError> {
        let config = self.config;
        let (on, versions) = (&config.addons, &config.component_versions);
        let mut addons = BaseAddons { ebs_csi: None, efs_csi: None, load_balancers: None, first_node: None };
        if on.ebs_csi {
            let addon = EbsCsi { base: region.addon(&versions.ebs_csi), first_node: true };
            let handle = self.add(&region.at("addon/ebs-csi"), addon)?;
            addons.ebs_csi = Some(handle);
            addons.first_node = Some(FirstNode::EbsCsi(handle));
        }
        if on.efs_csi {
            let addon = EfsCsi {
                base: region.addon(&versions.efs_csi),
                first_node: addons.first_node.is_none(),
                protect: config.protect,
            };
            let handle = self.add(&region.at("addon/efs-csi"), addon)?;
            addons.efs_csi = Some(handle);
            addons.first_node = addons.first_node.or(Some(FirstNode::EfsCsi(handle)));
        }
        if on.aws_load_balancer_controller {
            let addon = LoadBalancerController {
                base: region.addon(&versions.aws_load_balancer_controller),
                first_node: addons.first_node,
            };
            let handle = self.add(&region.at("addon/aws-load-balancer-controller"), addon)?;
            addons.load_balancers = Some(handle);
            addons.first_node = addons.first_node.or(Some(FirstNode::LoadBalancerController(handle)));
        }
        Ok(addons)
    }

    /// Adds the addons that nothing stands on.
    pub(super) fn other_addons(
        &mut self,
        region: &Region<'_>,
        namespaces: Namespaces,
    ) -> Result<(), PlatformError> {
        let config = self.config;
        let (on, versions) = (&config.addons, &config.component_versions);
        if on.fluent_bit {
            let addon = FluentBit { base: region.addon(&versions.fluent_bit) };
            self.add(&region.at("addon/fluent-bit"), addon)?;
        }
        if on.nvidia_device_plugin && region.has_gpu {
            let addon = NvidiaDevicePlugin { base: region.addon(&versions.nvidia_device_plugin) };
            self.add(&region.at("addon/nvidia-device-plugin"), addon)?;
        }
        if on.metrics_server {
            let addon = MetricsServer { base: region.addon(&versions.metrics_server), namespaces };
            self.add(&region.at("addon/metrics-server"), addon)?;
        }
        Ok(())
    }
}
