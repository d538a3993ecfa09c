//! A small graph and plans of it, made by hand, for the tests of this module.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::graph::{ObjectGraph, ResourceEntry};
use crate::ids::{AccountId, Region};
use crate::object::{Class, FieldPath, FieldRules, ObjectKind, ObjectNode, OnDelete, Placement};
use crate::plan::{
    Action, FORMAT_VERSION, Forecast, Order, Part, Plan, PlanWarning, Reason, Step, Summary, Task, Why,
};
use crate::state::Uid;
use crate::tree;
use crate::value::{Address, Reference, Tree};

fn reference(object: &str, field: &str) -> Tree {
    Tree::Ref(Reference { object: Address::new(object), field: field.into() })
}

fn node(address: &str, kind: &str, class: Class, inputs: Tree) -> ObjectNode {
    let (resource, _) = address.rsplit_once('/').unwrap();
    ObjectNode {
        address: Address::new(address),
        kind: ObjectKind::new(kind),
        class,
        resource: Address::new(resource),
        placement: Placement {
            account: AccountId::new("123456789012"),
            region: Some(Region::new("us-west-2")),
            container: None,
        },
        inputs,
        natural_key: None,
        exclusive: None,
        rules: FieldRules::new().into(),
        echoes: BTreeMap::from([("cidr_block".to_owned(), "cidr_block".to_owned())]).into(),
        secret_outputs: BTreeSet::new(),
        after: BTreeSet::new(),
        protect: false,
        on_delete: OnDelete::Delete,
    }
}

/// Two resources: a VPC with a subnet, and a cluster with a gate.
pub(super) fn graph() -> ObjectGraph {
    let policy = Tree::Json(Box::new(tree!({ "Statement": [{ "Effect": "Allow" }] })));
    let vpc = node("hub/vpc/vpc", "ec2.vpc", Class::Owned, tree!({ "cidr_block": "10.10.0.0/16" }));
    let subnet = tree!({ "vpc_id": (reference("hub/vpc/vpc", "id")) });
    let subnet = node("hub/vpc/subnet", "ec2.subnet", Class::Owned, subnet);
    let cluster = tree!({
        "vpc_cidr": (reference("hub/vpc/vpc", "cidr_block")),
        "subnet_ids": [(reference("hub/vpc/subnet", "id"))],
        "policy": policy
    });
    let cluster = node("hub/eks/cluster", "eks.cluster", Class::Owned, cluster);
    let ready = tree!({ "cluster": (reference("hub/eks/cluster", "name")) });
    let ready = node("hub/eks/ready", "gate.webhook", Class::Gate, ready);
    let entry = |address: &str, kind: &str, objects: &[&str], depends_on: &[&str]| ResourceEntry {
        address: Address::new(address),
        kind: kind.to_owned(),
        objects: objects.iter().map(|name| Address::new(*name)).collect(),
        depends_on: depends_on.iter().map(|name| Address::new(*name)).collect(),
    };
    let resources = vec![
        entry("hub/vpc", "Vpc", &["hub/vpc/vpc", "hub/vpc/subnet"], &[]),
        entry("hub/eks", "EksCluster", &["hub/eks/cluster", "hub/eks/ready"], &["hub/vpc"]),
    ];
    ObjectGraph::new(resources, vec![vpc, subnet, cluster, ready], BTreeMap::new()).unwrap()
}

pub(super) fn step(address: &str, kind: &str, action: Action, reasons: Vec<Reason>) -> Step {
    let (resource, _) = address.rsplit_once('/').unwrap();
    Step {
        address: Address::new(address),
        kind: ObjectKind::new(kind),
        action,
        order: None,
        bookkeeping: false,
        reasons,
        class: Class::Owned,
        resource: Address::new(resource),
        uid: Uid::new("stack", &Address::new(address), 0),
        new_uid: None,
        deposed: false,
        undecided: Vec::new(),
        dragged_by: Vec::new(),
        gone: None,
    }
}

pub(super) fn plan(steps: Vec<Step>, seconds: &[f64], warnings: Vec<PlanWarning>) -> Plan {
    let mut summary = Summary::default();
    for step in &steps {
        match step.action {
            Action::Create => summary.create += 1,
            Action::Update => summary.update += 1,
            Action::Replace => summary.replace += 1,
            Action::Delete => summary.delete += 1,
            Action::Keep => summary.keep += 1,
            Action::Wait | Action::Drain | Action::Read => {}
        }
    }
    // One after the other.
    let tasks: Vec<Task> = seconds
        .iter()
        .enumerate()
        .map(|(step, own)| Task {
            step,
            part: Part::Make,
            after: step.checked_sub(1).into_iter().collect(),
            seconds: *own,
            remaining: seconds[step..].iter().sum(),
        })
        .collect();
    let forecast = Forecast {
        duration_s: seconds.iter().sum(),
        critical_path: steps.iter().map(|step| step.address.clone()).collect(),
    };
    Plan {
        format_version: FORMAT_VERSION,
        stack: "dev".to_owned(),
        serial: 7,
        moved: Vec::new(),
        targets: Vec::new(),
        steps,
        summary,
        forecast,
        warnings,
        tasks,
    }
}

/// A plan that makes everything.
pub(super) fn plan_of_creates() -> Plan {
    let steps = vec![
        step("hub/vpc/vpc", "ec2.vpc", Action::Create, vec![]),
        step("hub/vpc/subnet", "ec2.subnet", Action::Create, vec![]),
        step("hub/eks/cluster", "eks.cluster", Action::Create, vec![]),
        step("hub/eks/ready", "gate.webhook", Action::Wait, vec![]),
    ];
    let warning = PlanWarning {
        code: "wide_policy".to_owned(),
        address: Some(Address::new("hub/role/team-a")),
        message: "AmazonS3FullAccess reaches every bucket of the account".to_owned(),
    };
    plan(steps, &[3.0, 2.0, 600.0, 0.0], vec![warning])
}

/// A plan with one of each change.
pub(super) fn plan_of_changes() -> Plan {
    let reason = |why, field: Option<&str>, old, new| Reason {
        why,
        field: field.map(|field| FieldPath::default().key(field)),
        old,
        new,
        forces_replace: false,
        because_of: None,
    };
    let unknown = Some(json!({"$unknown": "hub/vpc/vpc.id"}));
    let mut moved = reason(Why::Reference, Some("vpc_id"), Some(json!("vpc-0a1b")), unknown);
    moved.forces_replace = true;
    moved.because_of = Some(Address::new("hub/vpc/vpc"));
    let mut container = reason(Why::Container, None, None, None);
    container.because_of = Some(Address::new("hub/vpc/subnet"));
    let secret = Some(json!({"$secret": true}));
    let mut steps = vec![
        step(
            "hub/vpc/vpc",
            "ec2.vpc",
            Action::Update,
            vec![reason(Why::Changed, Some("tags"), Some(json!({"team": "a"})), Some(json!({"team": "b"})))],
        ),
        step("hub/vpc/subnet", "ec2.subnet", Action::Replace, vec![moved]),
        step("hub/eks/cluster", "eks.cluster", Action::Replace, vec![container]),
        step(
            "hub/eks/token",
            "k8s.object",
            Action::Update,
            vec![
                reason(Why::Changed, Some("token"), secret.clone(), secret),
                reason(Why::Drifted, Some("labels"), Some(json!("x")), None),
            ],
        ),
        step("hub/eks/log-group", "logs.log_group", Action::Keep, vec![]),
        step("old/vpc/vpc", "ec2.vpc", Action::Delete, vec![reason(Why::Requested, None, None, None)]),
    ];
    steps[1].order = Some(Order::CreateFirst);
    steps[2].order = Some(Order::DeleteFirst);
    steps[4].bookkeeping = true;
    plan(steps, &[2.0, 3.0, 840.0, 1.0, 0.0, 1.0], Vec::new())
}
