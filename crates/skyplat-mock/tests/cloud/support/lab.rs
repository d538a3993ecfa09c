//! A small world that rules are tried on: two regions with networks, a cluster, and one thing of most kinds.

use std::collections::BTreeMap;
use std::time::Duration;

use skyplat_core::executor::{
    Created, Deleted, Desired, ErrorKind, ExecError, Executor, Observed, OutputMap, Recorded,
};
use skyplat_core::ids::{AccountId, Region};
use skyplat_core::object::{Class, OnDelete, Placement};
use skyplat_core::state::Uid;
use skyplat_core::tree;
use skyplat_core::value::{Address, Tree};
use skyplat_mock::MockCloud;
use skyplat_mock::catalogue::ACCOUNT;

use super::op;

pub(crate) const WEST: &str = "us-west-2";
pub(crate) const EAST: &str = "us-east-1";

/// A cloud and what was made in it, by the names the tests gave.
#[derive(Debug, Clone)]
pub(crate) struct Lab {
    pub(crate) cloud: MockCloud,
    pub(crate) made: BTreeMap<String, Recorded>,
}

/// Says what is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) kind: &'static str,
    /// Empty for a global service; `cluster` for what is inside of the cluster.
    pub(crate) place: &'static str,
    pub(crate) inputs: Tree,
    pub(crate) key: Option<Tree>,
}

pub(crate) fn ask(kind: &'static str, place: &'static str, inputs: Tree) -> Ask {
    Ask { kind, place, inputs, key: None }
}

impl Ask {
    pub(crate) fn key(self, key: Tree) -> Self {
        Self { key: Some(key), ..self }
    }
}

impl Lab {
    pub(crate) fn new(cloud: MockCloud) -> Self {
        Self { cloud, made: BTreeMap::new() }
    }

    /// Makes a copy with a world of its own.
    pub(crate) fn fork(&self) -> Self {
        Self { cloud: self.cloud.fork(), made: self.made.clone() }
    }

    /// Says the same of another cloud, such as one that was opened again.
    pub(crate) fn on(&self, cloud: MockCloud) -> Self {
        Self { cloud, made: self.made.clone() }
    }

    pub(crate) fn record(&self, name: &str) -> &Recorded {
        self.made.get(name).unwrap_or_else(|| panic!("{name} was not made"))
    }

    pub(crate) fn id(&self, name: &str) -> String {
        self.record(name).id.clone().unwrap()
    }

    pub(crate) fn output(&self, name: &str, output: &str) -> String {
        self.record(name).outputs[output].as_str().unwrap().to_owned()
    }

    fn container(&self, placement: &Placement) -> Option<OutputMap> {
        let container = placement.container.as_ref()?;
        self.made.get(container.as_str()).map(|record| record.outputs.clone())
    }

    pub(crate) fn desired(name: &str, ask: &Ask) -> Desired {
        let (region, container) = match ask.place {
            "" => (None, None),
            "cluster" => (Some(Region::new(WEST)), Some(Address::new("cluster"))),
            region => (Some(Region::new(region)), None),
        };
        Desired {
            address: Address::new(name),
            kind: ask.kind.into(),
            class: match ask.kind.split('.').next() {
                Some("gate") => Class::Gate,
                Some("lookup") => Class::Lookup,
                _ => Class::Owned,
            },
            uid: Uid::new("1", &Address::new(name), 0),
            placement: Placement { account: AccountId::new(ACCOUNT), region, container },
            inputs: ask.inputs.clone(),
            natural_key: ask.key.clone(),
        }
    }

    pub(crate) async fn create(&self, desired: &Desired) -> Result<Created, ExecError> {
        self.cloud.create(&op(&desired.placement, self.container(&desired.placement)), desired).await
    }

    pub(crate) async fn try_make(&mut self, name: &str, ask: Ask) -> Result<(), ExecError> {
        let desired = Self::desired(name, &ask);
        let created = self.create(&desired).await?;
        let record = Recorded {
            address: desired.address,
            kind: desired.kind,
            class: desired.class,
            uid: desired.uid,
            placement: desired.placement,
            id: Some(created.id),
            inputs: desired.inputs,
            natural_key: desired.natural_key,
            outputs: created.outputs,
            on_delete: OnDelete::Delete,
        };
        self.made.insert(name.to_owned(), record);
        Ok(())
    }

    /// Makes a thing, and waits for roles that are not seen yet.
    pub(crate) async fn make(&mut self, name: &str, ask: Ask) {
        loop {
            match self.try_make(name, ask.clone()).await {
                Err(error) if error.kind == ErrorKind::NotYetVisible => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) => panic!("{name}: {error:?}"),
                Ok(()) => return,
            }
        }
    }

    pub(crate) async fn update(&self, name: &str, inputs: Tree) -> Result<OutputMap, ExecError> {
        let old = self.record(name);
        let new = Desired {
            address: old.address.clone(),
            kind: old.kind.clone(),
            class: old.class,
            uid: old.uid.clone(),
            placement: old.placement.clone(),
            inputs,
            natural_key: old.natural_key.clone(),
        };
        self.cloud.update(&op(&old.placement, self.container(&old.placement)), old, &new).await
    }

    pub(crate) async fn delete(&self, name: &str) -> Result<Deleted, ExecError> {
        let record = self.record(name);
        self.cloud.delete(&op(&record.placement, self.container(&record.placement)), record).await
    }

    pub(crate) async fn read(&self, name: &str) -> Result<Observed, ExecError> {
        let record = self.record(name);
        let cx = op(&record.placement, self.container(&record.placement));
        self.cloud.read(&cx, std::slice::from_ref(record)).await.remove(0)
    }
}

/// A trust policy.
pub(crate) fn trust(service: &str) -> Tree {
    tree!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": service } }],
    })
}

/// An identity policy with so many resources.
pub(crate) fn policy(resources: usize) -> Tree {
    let resources: Vec<String> = (0..resources).map(|at| format!("arn:aws:s3:::bucket-{at:04}")).collect();
    tree!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "s3:*", "Resource": resources }],
    })
}

/// A manifest of the core group in a namespace.
pub(crate) fn manifest(kind: &str, namespace: &str, name: &str) -> Tree {
    tree!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": name, "namespace": namespace } })
}

/// A release of a chart of the platform.
pub(crate) fn release(namespace: &str, name: &str, chart: &str) -> Tree {
    tree!({
        "name": name, "namespace": namespace, "chart": chart, "repository": "https://charts.example.com",
        "version": "1.0.0", "values": {},
    })
}

/// Inputs of the cluster, on these subnets.
pub(crate) fn cluster(lab: &Lab, name: &str, version: &str, subnets: [&str; 2]) -> Tree {
    let subnets = subnets.map(|subnet| lab.id(subnet));
    tree!({
        "name": name, "version": version, "role_arn": (lab.output("role", "arn")),
        "resources_vpc_config": { "subnet_ids": subnets, "endpoint_public_access": true },
        "access_config": { "authentication_mode": "API" },
    })
}

/// Makes the small world: `vpc` (10.1.0.0/16) in the west with subnets, gateways and tables, `far` (10.2.0.0/16) in the
/// east, `twin` (10.1.0.0/16 too) in the west, a `role` of clusters and a `pod-role`, a `policy`, a `cluster` with a namespace, a file system, a zone and a user
/// pool.
pub(crate) async fn small_world() -> Lab {
    small_world_in(MockCloud::in_memory(skyplat_mock::MockOptions::default())).await
}

/// Makes the small world in a cloud of its own.
pub(crate) async fn small_world_in(cloud: MockCloud) -> Lab {
    let mut lab = Lab::new(cloud);
    for (name, region, cidr) in
        [("vpc", WEST, "10.1.0.0/16"), ("far", EAST, "10.2.0.0/16"), ("twin", WEST, "10.1.0.0/16")]
    {
        lab.make(name, ask("ec2.vpc", region, tree!({ "cidr_block": cidr }))).await;
    }
    let vpc = lab.id("vpc");
    for (name, cidr, zone) in [
        ("private-a", "10.1.0.0/18", "us-west-2a"),
        ("private-b", "10.1.64.0/18", "us-west-2b"),
        ("public-a", "10.1.255.240/28", "us-west-2a"),
    ] {
        let inputs = tree!({ "vpc_id": vpc, "cidr_block": cidr, "availability_zone": zone });
        lab.make(name, ask("ec2.subnet", WEST, inputs)).await;
    }
    lab.make("igw", ask("ec2.internet_gateway", WEST, tree!({ "vpc_id": vpc }))).await;
    lab.make("eip", ask("ec2.eip", WEST, tree!({ "domain": "vpc" }))).await;
    lab.make("spare", ask("ec2.eip", WEST, tree!({ "domain": "vpc" }))).await;
    let inputs = tree!({ "subnet_id": (lab.id("public-a")), "allocation_id": (lab.id("eip")) });
    lab.make("nat", ask("ec2.nat_gateway", WEST, inputs)).await;
    lab.make("table", ask("ec2.route_table", WEST, tree!({ "vpc_id": vpc }))).await;
    lab.make("twin-table", ask("ec2.route_table", WEST, tree!({ "vpc_id": (lab.id("twin")) }))).await;
    let inputs = tree!({ "subnet_id": (lab.id("private-a")), "route_table_id": (lab.id("table")) });
    lab.make("association", ask("ec2.route_table_association", WEST, inputs)).await;
    for (name, vpc) in [("group", "vpc"), ("other-group", "vpc"), ("twin-group", "twin")] {
        let inputs = tree!({ "vpc_id": (lab.id(vpc)), "group_name": name, "description": "a group" });
        lab.make(name, ask("ec2.security_group", WEST, inputs)).await;
    }
    let inputs = tree!({
        "vpc_id": vpc, "peer_vpc_id": (lab.id("far")), "peer_owner_id": ACCOUNT, "peer_region": EAST,
    });
    lab.make("peering", ask("ec2.vpc_peering", WEST, inputs)).await;

    let inputs = tree!({ "role_name": "role", "path": "/", "assume_role_policy_document": (trust("eks.amazonaws.com")) });
    lab.make("role", ask("iam.role", "", inputs)).await;
    let pods = trust("eks-fargate-pods.amazonaws.com");
    let inputs = tree!({ "role_name": "pod-role", "path": "/", "assume_role_policy_document": pods });
    lab.make("pod-role", ask("iam.role", "", inputs)).await;
    let inputs = tree!({ "policy_name": "policy", "path": "/", "policy_document": (policy(1)) });
    lab.make("policy", ask("iam.policy", "", inputs)).await;

    let inputs = cluster(&lab, "c", "1.34", ["private-a", "private-b"]);
    lab.make("cluster", ask("eks.cluster", WEST, inputs)).await;
    let namespace = tree!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "team" } });
    lab.make("namespace", ask("k8s.object", "cluster", namespace)).await;
    lab.make("account", ask("k8s.object", "cluster", manifest("ServiceAccount", "team", "sa"))).await;

    lab.make("fs", ask("efs.file_system", WEST, tree!({ "encrypted": true }))).await;
    let inputs = tree!({
        "file_system_id": (lab.id("fs")), "subnet_id": (lab.id("private-a")), "security_groups": [(lab.id("group"))],
    });
    lab.make("mount", ask("efs.mount_target", WEST, inputs)).await;
    let inputs = tree!({ "name": "sky.example.com", "vpc": { "vpc_id": vpc, "vpc_region": WEST } });
    lab.make("zone", ask("route53.zone", "", inputs)).await;
    lab.make("pool", ask("cognito.user_pool", WEST, tree!({ "username_attributes": ["email"] }))).await;
    let inputs = tree!({ "queue_name": "q", "message_retention_period": 300 });
    lab.make("queue", ask("sqs.queue", WEST, inputs)).await;
    lab
}
