//! `EksCluster`: the cluster of one region, up to where pods can run on Fargate and names resolve.
//!
//! ```text
//! VPC, subnets ─▶ node security group ─▶ gate.network_interfaces ─▶ cluster ─┬▶ rules, OIDC provider, access entries
//! service role, log group ──────────────────────────────────────────────▲    ├▶ kube-proxy, vpc-cni
//! pod execution role, log group for pods ──────────────────────────────────▶ └▶ Fargate profile, logging ─▶ CoreDNS
//! ```
//!
//! The control plane takes ten minutes, so it waits for nothing that it does not need: no NAT gateway, no peering, no
//! public subnet. What runs pods waits for the way out. Nodes are Karpenter's.

use std::collections::{BTreeMap, BTreeSet};

mod addons;
mod control_plane;
mod fargate;
mod security_groups;

use self::control_plane::Prepared;
use super::vpc::{Vpc, VpcOutputs};
use crate::config::{Endpoint, IamSettings};
use crate::facts::partition_of;
use crate::graph::{Added, Container, Handle, LowerError, Lowering, Ready, Resource};
use crate::ids::{AccountId, Cidr, OidcProviderArn, Region, RoleArn, SecurityGroupId};
use crate::object::ec2::Ec2SecurityGroup;
use crate::object::eks::{AccessPolicy, AccessScope, EksAccessEntry, EksControlPlane};
use crate::object::iam::IamOidcProvider;
use crate::tree;
use crate::value::{ToTree, Tree, Value};

/// The cluster of one region.
#[derive(Debug, Clone)]
pub struct EksCluster {
    /// Its name.
    pub name: String,
    /// The network it lies in.
    pub vpc: Handle<Vpc>,
    /// The hub's network, for a spoke: from there its API must be reachable.
    pub hub: Option<Handle<Vpc>>,
    /// The Kubernetes version, `major.minor`.
    pub version: String,
    /// From where its API can be reached.
    pub endpoint: Endpoint,
    /// From where on the internet its API can be reached, when it is public.
    pub public_access_cidrs: Vec<Cidr>,
    /// Roles that administer it, beside who makes it.
    pub admins: Vec<RoleArn>,
    /// Versions of managed addons (`kube-proxy`, `vpc-cni`, `coredns`) that are pinned.
    pub addon_versions: BTreeMap<String, String>,
    /// Where IAM roles are made and what bounds them.
    pub iam: IamSettings,
    /// Tags of everything that belongs to it.
    pub tags: BTreeMap<String, String>,
    /// Whether its delete or replace is refused.
    pub protect: bool,
}

/// What a cluster offers.
#[derive(Debug, Clone)]
pub struct EksClusterOutputs {
    /// The region.
    pub region: Region,
    /// The account.
    pub account: AccountId,
    /// Its name, for what is made before it.
    pub cluster_name: String,
    /// The Kubernetes version.
    pub version: String,
    /// Its name, as a reference to the cluster.
    pub name: Value<String>,
    /// Its ARN.
    pub arn: Value<String>,
    /// The address of its API.
    pub endpoint: Value<String>,
    /// The certificate authority of its API, base64.
    pub certificate_authority: Value<String>,
    /// The issuer of its tokens, with `https://`.
    pub issuer_url: Value<String>,
    /// The issuer of its tokens, without `https://`.
    pub issuer_host: Value<String>,
    /// The identity provider that trusts the issuer.
    pub oidc_provider_arn: Value<OidcProviderArn>,
    /// The security group of control plane and Fargate pods.
    pub cluster_security_group: Value<SecurityGroupId>,
    /// The security group of nodes.
    pub node_security_group: Value<SecurityGroupId>,
    /// The cluster, for objects to be inside of.
    pub container: Container,
    /// The cluster answers.
    pub control_plane: Ready,
    /// The hub's network may reach the cluster's API; ready at once in the hub itself.
    pub hub_access: Ready,
    /// What a node needs is there: its security group's rules, kube-proxy, vpc-cni and a way out.
    pub nodes: Ready,
    /// Fargate pods can run and log.
    pub fargate: Ready,
    /// Names resolve inside the cluster.
    pub dns: Ready,
    /// The network it lies in.
    pub vpc: VpcOutputs,
    /// Where IAM roles are made and what bounds them.
    pub iam: IamSettings,
    /// Tags of everything that belongs to it.
    pub tags: BTreeMap<String, String>,
}

impl EksClusterOutputs {
    /// Returns a kubeconfig for people: it holds no token and asks the AWS CLI for one.
    pub fn kubeconfig(&self) -> Tree {
        let name = &self.name;
        let arguments: [Value<String>; 6] = [
            "--region".into(),
            self.region.as_str().into(),
            "eks".into(),
            "get-token".into(),
            "--cluster-name".into(),
            name.clone(),
        ];
        tree!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": name, "cluster": {
                "server": (self.endpoint),
                "certificate-authority-data": (self.certificate_authority)
            } }],
            "users": [{ "name": name, "user": { "exec": {
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "command": "aws",
                "args": (arguments.iter().map(ToTree::to_tree).collect::<Vec<Tree>>())
            } } }],
            "contexts": [{ "name": name, "context": { "cluster": name, "user": name } }],
            "current-context": name
        })
    }
}

impl Resource for EksCluster {
    const KIND: &'static str = "EksCluster";
    type Outputs = EksClusterOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<EksClusterOutputs, LowerError> {
        let vpc = cx.outputs(self.vpc)?;
        let hub = self.hub.map(|hub| cx.outputs(hub)).transpose()?;
        let node_group = security_groups::node_group(cx, self, &vpc)?;
        let pods = fargate::prepare(cx, self, &vpc)?;
        let prepared = Prepared { vpc: &vpc, hub: hub.as_ref(), node_group: &node_group };
        let cluster = control_plane::add(cx, self, &prepared)?;

        let node_security_group = node_group.output(Ec2SecurityGroup::ID);
        let rules = security_groups::rules(cx, self, &vpc, &cluster, &node_security_group)?;
        let hub_access = match &hub {
            Some(hub) => security_groups::hub_rule(cx, self, &vpc, hub, &cluster)?,
            None => Ready::now(),
        };
        let oidc_provider_arn = self.identity_provider(cx, &cluster)?;
        self.admit_admins(cx, &vpc.region, &cluster)?;
        let kube_proxy = addons::kube_proxy(cx, self, &vpc.region, &cluster)?;
        let vpc_cni = addons::vpc_cni(cx, self, &vpc.region, &cluster)?;
        let profile = fargate::add(cx, self, &vpc, &cluster, &pods)?;
        let fargate = profile.and(&rules).and(&vpc.egress);
        // Of an upgrade, the order that EKS asks for: kube-proxy before CoreDNS. At the start it costs nothing.
        let dns = addons::coredns(cx, self, &vpc.region, &cluster, &fargate.and(&kube_proxy))?;

        Ok(EksClusterOutputs {
            region: vpc.region.clone(),
            account: cx.account().clone(),
            cluster_name: self.name.clone(),
            version: self.version.clone(),
            name: cluster.output(EksControlPlane::NAME),
            arn: cluster.output(EksControlPlane::ARN),
            endpoint: cluster.output(EksControlPlane::ENDPOINT),
            certificate_authority: cluster.output(EksControlPlane::CERTIFICATE_AUTHORITY),
            issuer_url: cluster.output(EksControlPlane::ISSUER_URL),
            issuer_host: cluster.output(EksControlPlane::ISSUER_HOST),
            oidc_provider_arn,
            cluster_security_group: cluster.output(EksControlPlane::SECURITY_GROUP_ID),
            node_security_group,
            container: cluster.container(),
            control_plane: cluster.ready(),
            hub_access,
            nodes: Ready::all([&rules, &kube_proxy, &vpc_cni, &vpc.egress]),
            fargate,
            dns,
            vpc,
            iam: self.iam.clone(),
            tags: self.tags.clone(),
        })
    }
}

impl EksCluster {
    /// Adds the provider by which IAM trusts the cluster's tokens.
    fn identity_provider(
        &self,
        cx: &mut Lowering<'_>,
        cluster: &Added<EksControlPlane>,
    ) -> Result<Value<OidcProviderArn>, LowerError> {
        let provider = IamOidcProvider {
            url: cluster.output(EksControlPlane::ISSUER_URL),
            client_id_list: vec!["sts.amazonaws.com".into()],
            tags: self.tags.clone(),
        };
        Ok(cx.object("oidc-provider", provider).add()?.output(IamOidcProvider::ARN))
    }

    /// Lets the administrators in.
    fn admit_admins(
        &self,
        cx: &mut Lowering<'_>,
        region: &Region,
        cluster: &Added<EksControlPlane>,
    ) -> Result<(), LowerError> {
        let policy = format!(
            "arn:{}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
            partition_of(region)
        );
        for admin in self.admins.iter().collect::<BTreeSet<_>>() {
            let entry = EksAccessEntry {
                cluster_name: cluster.output(EksControlPlane::NAME),
                principal_arn: admin.clone().into(),
                r#type: "STANDARD".into(),
                access_policies: vec![AccessPolicy {
                    policy_arn: policy.clone(),
                    access_scope: AccessScope::cluster(),
                }],
                tags: self.tags.clone(),
            };
            let name = format!("access-entry-{}", admin_name(admin));
            cx.object(&name, entry).region(region).add()?;
        }
        Ok(())
    }
}

/// Returns account and name of a role, by which its access entry is known: names are unique in an account.
fn admin_name(role: &RoleArn) -> String {
    let account = role.as_str().split(':').nth(4).unwrap_or_default();
    let name = role.as_str().rsplit('/').next().unwrap_or_default();
    format!("{account}-{name}")
}

#[cfg(test)]
mod tests {
    use crate::graph::{ResourceGraph, lower};
    use crate::resource::fixture::{cluster, facts, vpc};
    use crate::value::paper;

    #[test]
    fn the_kubeconfig_for_people_holds_a_command_and_no_token() {
        let mut graph = ResourceGraph::new();
        let network = graph.add("main/vpc", vpc("us-west-2")).unwrap();
        let cluster = graph.add("main/eks", cluster("sp-dev", network)).unwrap();
        graph.export("kubeconfig", move |exports| Ok(exports.outputs(cluster)?.kubeconfig()));
        let graph = lower(&graph, &facts(&["us-west-2"])).unwrap();
        let shown = paper::show(&graph.exports()["kubeconfig"]);
        let exec = &shown["users"][0]["user"]["exec"];
        assert_eq!(exec["command"], "aws");
        assert_eq!(exec["args"][1], "us-west-2");
        assert_eq!(shown["users"][0]["user"].as_object().unwrap().len(), 1, "{shown}");
        assert_eq!(shown["clusters"][0]["cluster"]["server"]["$ref"]["field"], "endpoint", "{shown}");
    }
}
