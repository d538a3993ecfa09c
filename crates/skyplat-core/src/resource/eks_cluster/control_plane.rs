//! The control plane, and what must be there before it: service role, log group, and the gate that sweeps what a
//! deleted cluster leaves behind.

use super::EksCluster;
use crate::config::Endpoint;
use crate::config::addresses::SERVICE_CIDR;
use crate::graph::{Added, LowerError, Lowering};
use crate::ids::Cidr;
use crate::object::ec2::Ec2SecurityGroup;
use crate::object::eks::{
    AccessConfig, ClusterLogging, ClusterNetwork, ClusterVpc, EksControlPlane, LogSetup,
};
use crate::object::gate::NetworkInterfacesGone;
use crate::object::iam::{PolicyDocument, Principal, Statement};
use crate::object::logs::LogGroup;
use crate::resource::irsa_role::IrsaOutputs;
use crate::resource::role::{NewRole, RoleHome, RolePolicies, add_role};
use crate::resource::vpc::VpcOutputs;
use crate::value::Value;

/// For how many days the logs of control plane and Fargate pods are kept.
pub(super) const LOG_RETENTION_DAYS: u32 = 60;

/// Every kind of log that a control plane writes.
const LOG_TYPES: [&str; 5] = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

/// What was made for the control plane to lie in.
pub(super) struct Prepared<'a> {
    /// The cluster's network.
    pub(super) vpc: &'a VpcOutputs,
    /// The hub's network, for a spoke.
    pub(super) hub: Option<&'a VpcOutputs>,
    /// The security group of its nodes.
    pub(super) node_group: &'a Added<Ec2SecurityGroup>,
}

/// Adds the control plane.
pub(super) fn add(
    cx: &mut Lowering<'_>,
    cluster: &EksCluster,
    prepared: &Prepared<'_>,
) -> Result<Added<EksControlPlane>, LowerError> {
    let vpc = prepared.vpc;
    let role = service_role(cx, cluster, vpc)?;
    let logs = LogGroup {
        log_group_name: format!("/aws/eks/{}/cluster", cluster.name),
        retention_in_days: LOG_RETENTION_DAYS,
        tags: cluster.tags.clone(),
    };
    let logs = cx.object("log-group", logs).region(&vpc.region).add()?;
    // On the way down the gate comes after the cluster and before subnets and node security group: interfaces that were
    // left behind would keep those from being deleted.
    let gate = NetworkInterfacesGone { vpc_id: vpc.vpc_id.as_text(), cluster: cluster.name.clone() };
    let gate = cx
        .object("network-interfaces-gone", gate)
        .region(&vpc.region)
        .after(&vpc.subnets)
        .after(&prepared.node_group.ready())
        .add()?;
    let object = EksControlPlane {
        name: cluster.name.clone(),
        version: cluster.version.clone(),
        role_arn: role.role_arn,
        resources_vpc_config: ClusterVpc {
            subnet_ids: vpc.private_subnets.iter().map(|subnet| subnet.id.clone()).collect(),
            endpoint_private_access: true,
            endpoint_public_access: cluster.endpoint == Endpoint::Public,
            public_access_cidrs: public_access(cluster, prepared.hub),
        },
        kubernetes_network_config: ClusterNetwork {
            ip_family: "ipv4".into(),
            service_ipv4_cidr: SERVICE_CIDR,
        },
        logging: ClusterLogging {
            cluster_logging: vec![LogSetup { types: LOG_TYPES.map(str::to_owned).to_vec(), enabled: true }],
        },
        access_config: AccessConfig {
            authentication_mode: "API_AND_CONFIG_MAP".into(),
            bootstrap_cluster_creator_admin_permissions: true,
        },
        bootstrap_self_managed_addons: false,
        tags: cluster.tags.clone(),
    };
    cx.object("cluster", object)
        .region(&vpc.region)
        .after(&role.ready)
        .after(&logs.ready())
        .after(&gate.ready())
        .protect(cluster.protect)
        .add()
}

/// Adds the role that the service takes to run the cluster.
fn service_role(
    cx: &mut Lowering<'_>,
    cluster: &EksCluster,
    vpc: &VpcOutputs,
) -> Result<IrsaOutputs, LowerError> {
    let trust = PolicyDocument::new([Statement::allow(["sts:AssumeRole", "sts:TagSession"])
        .principal(Principal::service("eks.amazonaws.com"))]);
    let role = NewRole {
        object_name: "service-role",
        role_name: format!("{}-cluster", cluster.name),
        trust,
        description: format!("Taken by EKS to run the cluster {}", cluster.name),
    };
    let home = RoleHome { region: &vpc.region, iam: &cluster.iam, tags: &cluster.tags };
    add_role(cx, home, role, RolePolicies::managed(["AmazonEKSClusterPolicy"]))
}

/// Returns from where on the internet the API can be reached.
///
/// Outside its own VPC the endpoint's name resolves to public addresses, across a peering too: so from the hub a spoke is
/// reached through the hub's NAT gateways, whose addresses a narrower list must hold.
fn public_access(cluster: &EksCluster, hub: Option<&VpcOutputs>) -> Option<Vec<Value<String>>> {
    if cluster.endpoint == Endpoint::Private {
        return None;
    }
    let everywhere = cluster.public_access_cidrs.contains(&Cidr::EVERYWHERE);
    let hub_addresses =
        hub.filter(|_| !everywhere).map(|hub| hub.nat_addresses.as_slice()).unwrap_or_default();
    let given = cluster.public_access_cidrs.iter().map(|cidr| cidr.to_string().into());
    let hub = hub_addresses.iter().map(|address| Value::format([address.into(), "/32".into()]));
    Some(given.chain(hub).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::ResourceGraph;
    use crate::resource::fixture::{self, hub_and_spoke, inputs, lowered, node};

    #[test]
    fn a_narrow_spoke_lets_the_hub_in_by_the_address_of_its_nat_gateway() {
        let graph = lowered(&hub_and_spoke().graph);
        let access = inputs(&graph, "us-east-1/eks/cluster")["resources_vpc_config"].clone();
        let eip = json!({ "$ref": { "object": "hub/vpc/eip-a", "field": "public_ip" } });
        let address = json!({ "$text": [eip, "/32"] });
        assert_eq!(access["public_access_cidrs"], json!(["203.0.113.0/24", address]));
        let rule = inputs(&graph, "us-east-1/eks/rule-cluster-in-hub-https");
        assert_eq!((&rule["cidr_ipv4"], &rule["from_port"]), (&json!("10.11.0.0/16"), &json!(443)));
        assert!(graph.get(&"hub/eks/rule-cluster-in-hub-https".into()).is_none());
    }

    #[test]
    fn an_open_spoke_needs_no_address_and_a_private_one_has_no_list() {
        let mut graph = ResourceGraph::new();
        let hub = graph.add("hub/vpc", fixture::vpc("us-west-2")).unwrap();
        let vpc = graph.add("us-east-1/vpc", fixture::vpc("us-east-1")).unwrap();
        let open = EksCluster { hub: Some(hub), ..fixture::cluster("open", vpc) };
        graph.add("us-east-1/open", open).unwrap();
        let private = EksCluster {
            hub: Some(hub),
            endpoint: Endpoint::Private,
            protect: true,
            admins: Vec::new(),
            ..fixture::cluster("private", vpc)
        };
        graph.add("us-east-1/private", private).unwrap();
        let graph = lowered(&graph);
        let access =
            |name: &str| inputs(&graph, &format!("us-east-1/{name}/cluster"))["resources_vpc_config"].clone();
        assert_eq!(access("open")["public_access_cidrs"], json!(["0.0.0.0/0"]));
        assert_eq!(access("private").get("public_access_cidrs"), None);
        assert_eq!(access("private")["endpoint_public_access"], json!(false));
        assert!(node(&graph, "us-east-1/private/cluster").protect);
    }
}
