//! `Karpenter`: nodes for a cluster, launched when pods need them.
//!
//! The controller runs on Fargate, so that it needs none of the nodes it launches. What it must outlive stands on it:
//!
//! ```text
//! node role ◀─ gate.launch_templates ◀─┐
//! CRDs ◀───────────────────────────── chart ◀─ EC2NodeClass ◀─ gate.nodeclaims ◀─ NodePool     (one row per pool)
//!   up:    from left to right
//!   down:  from right to left: a pool's instances are drained before what they need is taken away
//! ```
//!
//! Roles, policies, queue and rules do not wait for the cluster. Which pools there are is the platform's decision.

mod charts;
mod controller_policy;
mod interruption;
mod node_class;
mod node_role;
mod pools;

use super::eks_cluster::{EksCluster, EksClusterOutputs};
use super::irsa_role::{ServiceAccountRef, irsa_role};
use super::role::RolePolicies;
use crate::config::{CapacityType, Taint};
use crate::facts::{Question, Questions};
use crate::graph::{Handle, LowerError, Lowering, Ready, Resource};
use crate::ids::{Region, RoleArn};
use crate::object::OnDelete;
use crate::object::gate::NodeClaimsGone;
use crate::object::iam::IamServiceLinkedRole;
use crate::object::k8s::K8sObject;
use crate::object::sqs::SqsQueue;
use crate::value::Value;

pub use pools::{CpuRange, NodePool};

/// The node autoscaler of a cluster, with its pools.
#[derive(Debug, Clone)]
pub struct Karpenter {
    /// The cluster.
    pub cluster: Handle<EksCluster>,
    /// The cluster's region; its AMI release is asked there.
    pub region: Region,
    /// The cluster's Kubernetes version; its AMI release is asked for it.
    pub kubernetes: String,
    /// The version of controller and charts.
    pub version: String,
    /// The pools.
    pub pools: Vec<NodePool>,
    /// The account's role for spot instances, needed when any pool is spot.
    pub spot_role: Option<Handle<SpotServiceRole>>,
}

/// What Karpenter offers.
#[derive(Debug, Clone)]
pub struct KarpenterOutputs {
    /// The controller is installed.
    pub controller: Ready,
    /// Every pool can launch nodes.
    pub pools: Ready,
    /// The role of the nodes.
    pub node_role_arn: Value<RoleArn>,
    /// The taints of every pool, for what runs on all nodes.
    pub taints: Vec<Taint>,
    /// Whether any pool has GPUs.
    pub has_gpu: bool,
}

impl Resource for Karpenter {
    const KIND: &'static str = "Karpenter";
    type Outputs = KarpenterOutputs;

    fn facts(&self, questions: &mut Questions) {
        questions.ask(self.ami_question());
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<KarpenterOutputs, LowerError> {
        let cluster = cx.outputs(self.cluster)?;
        self.check_cluster(cx, &cluster)?;
        let spot = self.spot(cx)?;
        let node_role = node_role::add(cx, &cluster)?;
        let queue = interruption::add(cx, &cluster)?;
        let policies = controller_policy::documents(
            &controller_policy::Scope::new(&cluster),
            node_role.arn.as_text(),
            queue.output(SqsQueue::ARN).as_text(),
        )
        .into_iter()
        .fold(RolePolicies::default(), |all, (name, document)| all.customer(name, document));
        let account = ServiceAccountRef::new(charts::NAMESPACE, charts::SERVICE_ACCOUNT);
        let role_name = format!("{}-karpenter", cluster.cluster_name);
        let controller_role = irsa_role(cx, "controller-role", role_name, &cluster, &account, policies)?;
        let release = charts::add(
            cx,
            &cluster,
            &self.version,
            &charts::Needs { controller_role, queue, node_role: &node_role },
        )?;

        let machine_image = self.machine_image(cx)?;
        let launch = Ready::all([&release, &node_role.ready, &cluster.nodes, &spot]);
        // A new machine image makes nodes drift, so of an upgrade it comes last; and names resolve until nodes are gone.
        let upgraded = Ready::all([&release, &node_role.ready, &cluster.nodes, &cluster.dns]);
        let mut pools = release.clone();
        for pool in &self.pools {
            let class = node_class::manifest(pool, &cluster, &node_role.name, &machine_image);
            let class = cx
                .object(&format!("node-class-{}", pool.name), class)
                .within(&cluster.container)
                .after(&upgraded)
                .add()?;
            let gate = NodeClaimsGone { cluster: cluster.name.clone(), node_pool: pool.name.clone() };
            let gate = cx
                .object(&format!("nodeclaims-gone-{}", pool.name), gate)
                .within(&cluster.container)
                .after(&class.ready())
                .after(&launch)
                .add()?;
            let node_pool = cx
                .object(&format!("node-pool-{}", pool.name), pool.manifest(&class.output(K8sObject::NAME)))
                .within(&cluster.container)
                .after(&gate.ready())
                .add()?;
            pools = pools.and(&node_pool.ready());
        }
        Ok(KarpenterOutputs {
            controller: release,
            pools,
            node_role_arn: node_role.arn,
            taints: self.pools.iter().flat_map(NodePool::all_taints).collect(),
            has_gpu: self.pools.iter().any(NodePool::has_gpu),
        })
    }
}

impl Karpenter {
    fn ami_question(&self) -> Question {
        Question::ami_release(&self.region, &self.kubernetes)
    }

    /// Returns the machine image of nodes: a release by name, so that nodes do not change when a newer one comes out.
    fn machine_image(&self, cx: &Lowering<'_>) -> Result<String, LowerError> {
        let release: String =
            cx.facts().get(&self.ami_question()).map_err(|error| LowerError::from((cx.address(), error)))?;
        Ok(format!("al2023@{release}"))
    }

    /// Checks that the image is asked for where and for which version the cluster runs.
    fn check_cluster(&self, cx: &Lowering<'_>, cluster: &EksClusterOutputs) -> Result<(), LowerError> {
        if (&self.region, &self.kubernetes) == (&cluster.region, &cluster.version) {
            return Ok(());
        }
        Err(cx.error(format!(
            "it is for Kubernetes {} in {}, but its cluster runs {} in {}",
            self.kubernetes, self.region, cluster.version, cluster.region
        )))
    }

    /// Returns when spot instances can be launched.
    fn spot(&self, cx: &mut Lowering<'_>) -> Result<Ready, LowerError> {
        let Some(pool) = self.pools.iter().find(|pool| pool.capacity_type == CapacityType::Spot) else {
            return Ok(Ready::now());
        };
        match self.spot_role {
            Some(role) => cx.outputs(role),
            None => Err(cx
                .error(format!("the pool {} is spot, and there is no role for spot instances", pool.name))
                .hint("add one SpotServiceRole to the graph and give its handle")),
        }
    }
}

/// The role by which EC2 launches spot instances: one per account, taken as it is when it exists, never deleted.
#[derive(Debug, Clone)]
pub struct SpotServiceRole;

impl Resource for SpotServiceRole {
    const KIND: &'static str = "SpotServiceRole";
    type Outputs = Ready;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<Ready, LowerError> {
        let role = IamServiceLinkedRole { aws_service_name: "spot.amazonaws.com".into() };
        Ok(cx.object("role", role).on_delete(OnDelete::Retain).add()?.ready())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{ObjectGraph, ResourceGraph, lower};
    use crate::resource::fixture::{KUBERNETES, cluster, facts, gpu_pool, inputs, node, pool, vpc};

    /// Lowers Karpenter as `change` leaves it.
    fn with(change: impl FnOnce(&mut Karpenter, &mut ResourceGraph)) -> Result<ObjectGraph, LowerError> {
        of_cluster("sp-dev", change)
    }

    fn of_cluster(
        name: &str,
        change: impl FnOnce(&mut Karpenter, &mut ResourceGraph),
    ) -> Result<ObjectGraph, LowerError> {
        let mut graph = ResourceGraph::new();
        let network = graph.add("main/vpc", vpc("us-west-2")).unwrap();
        let cluster = graph.add("main/eks", cluster(name, network)).unwrap();
        let mut karpenter = Karpenter {
            cluster,
            region: "us-west-2".into(),
            kubernetes: KUBERNETES.into(),
            version: "1.14.1".into(),
            pools: vec![pool("system")],
            spot_role: None,
        };
        change(&mut karpenter, &mut graph);
        graph.add("main/karpenter", karpenter).unwrap();
        lower(&graph, &facts(&["us-west-2"]))
    }

    #[test]
    fn nodes_have_a_pinned_image_and_the_name_of_their_role() {
        let graph = with(|_, _| {}).unwrap();
        let class = inputs(&graph, "main/karpenter/node-class-system");
        assert_eq!(class["spec"]["amiSelectorTerms"][0]["alias"], "al2023@v20261110");
        assert_eq!(class["spec"]["role"], "sp-dev-karpenter-node");
        assert_eq!(class["spec"]["blockDeviceMappings"][0]["ebs"]["encrypted"], true);
        assert_eq!(inputs(&graph, "main/karpenter/interruption-queue")["queue_name"], "sp-dev");
    }

    #[test]
    fn a_queue_has_a_name_that_fits_and_its_policy_names_the_same() {
        let graph = of_cluster(&"n".repeat(100), |_, _| {}).unwrap();
        let queue = inputs(&graph, "main/karpenter/interruption-queue");
        let name = queue["queue_name"].as_str().unwrap();
        assert_eq!(name.len(), 80);
        let resource = queue["policy"]["Statement"][0]["Resource"].to_string();
        assert!(resource.contains(&format!(":{name}\"")), "{resource}");
    }

    #[test]
    fn it_must_be_for_the_version_that_its_cluster_runs() {
        let error = with(|karpenter, _| karpenter.kubernetes = "1.34".into()).unwrap_err();
        assert!(error.message.contains("1.34") && error.message.contains("1.35"), "{error}");
    }

    #[test]
    fn spot_pools_need_the_role_of_the_account_which_is_never_deleted() {
        let error = with(|karpenter, _| karpenter.pools.push(gpu_pool("gpu"))).unwrap_err();
        assert!(error.message.contains("gpu") && error.hint.is_some(), "{error}");
        let graph = with(|karpenter, graph| {
            karpenter.pools.push(gpu_pool("gpu"));
            karpenter.spot_role = Some(graph.add("spot-role", SpotServiceRole).unwrap());
        })
        .unwrap();
        assert_eq!(node(&graph, "spot-role/role").on_delete, OnDelete::Retain);
    }

    #[test]
    fn two_pools_of_one_name_are_refused() {
        assert!(with(|karpenter, _| karpenter.pools.push(pool("system"))).is_err());
    }
}
