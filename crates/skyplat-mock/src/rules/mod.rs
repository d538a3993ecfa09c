//! What the simulated APIs allow, and what they give back.
//!
//! One module a service. Rules are pure: they look at the world and answer; nothing here waits or writes. A kind that no
//! module knows (an embedder's own) gets the generic behaviour: natural keys are unique, outputs repeat the inputs by
//! name, and there is an `id` and an `arn`.

mod cognito;
mod ec2;
mod efs;
mod eks;
pub(crate) mod error;
mod helm;
mod iam;
mod k8s;
mod reference;
mod regional;
mod route53;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use k8s::lookup;
use skyplat_core::executor::{Desired, ErrorKind, ExecError, OutputMap};
use skyplat_core::ids::Partition;
use skyplat_core::state::Uid;
use skyplat_core::tree;
use skyplat_core::value::{Address, Key, Tree, paper};

use crate::catalogue::{ACCOUNT, Catalogue};
use crate::names::Names;
use crate::world::{Moment, Phase, Thing, World};

/// One call and what it is judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) world: &'a World,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) partition: &'a Partition,
    pub(crate) object: &'a Desired,
    /// What the object is inside of.
    pub(crate) container: Option<&'a Thing>,
}

impl<'a> Call<'a> {
    pub(crate) fn kind(&self) -> &'a str {
        self.object.kind.as_str()
    }

    pub(crate) fn names(&self) -> Names<'a> {
        Names::new(self.world.seed(), &self.object.uid)
    }

    /// Tells whether an input is still to be filled in by a person; a simulation goes on with it.
    pub(crate) fn is_placeholder(&self, path: &str) -> bool {
        self.text(path).starts_with('<')
    }

    /// Returns the text at a dotted path of the inputs; empty when there is none.
    pub(crate) fn text(&self, path: &str) -> &'a str {
        self.object.inputs.at(path).and_then(Tree::as_str).unwrap_or_default()
    }

    /// Returns the texts of a list at a dotted path of the inputs.
    pub(crate) fn texts(&self, path: &str) -> Vec<&'a str> {
        texts(&self.object.inputs, path)
    }

    /// Returns the region's name; empty for a global service.
    pub(crate) fn region(&self) -> &'a str {
        self.object.placement.region.as_ref().map_or("", |region| region.as_str())
    }

    /// Returns an ARN of this account in this call's region.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{ACCOUNT}:{resource}", self.partition, self.region())
    }

    /// Returns the things of a kind that live in the same place as this call's object, itself not among them.
    pub(crate) fn others(&self, kind: &'a str) -> impl Iterator<Item = &'a Thing> {
        let (world, uid) = (self.world, &self.object.uid);
        let region = &self.object.placement.region;
        world
            .of_kind(kind)
            .filter(move |thing| thing.uid != *uid && thing.placement.region == *region && thing.is_alive())
    }

    /// Returns the live thing of a kind that has this id, in any region.
    pub(crate) fn find(&self, kind: &str, id: &str) -> Option<&'a Thing> {
        self.world.with_id(id).find(|thing| thing.kind.as_str() == kind && thing.is_alive())
    }
}

/// Returns the texts of a list at a dotted path.
pub(crate) fn texts<'a>(tree: &'a Tree, path: &str) -> Vec<&'a str> {
    tree.at(path).and_then(Tree::as_list).into_iter().flatten().filter_map(Tree::as_str).collect()
}

/// What a create or an update makes.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) inputs: Tree,
    pub(crate) outputs: OutputMap,
    pub(crate) lives_in: BTreeSet<Uid>,
    /// Things that the service makes beside the one that was asked for.
    pub(crate) beside: Vec<Thing>,
}

impl Made {
    pub(crate) fn new(call: &Call<'_>, id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            inputs: call.object.inputs.clone(),
            outputs: OutputMap::new(),
            lives_in: call.container.map(|thing| thing.uid.clone()).into_iter().collect(),
            beside: Vec::new(),
        }
    }

    /// Adds an output.
    #[must_use]
    pub(crate) fn output(mut self, name: &str, value: impl Into<Output>) -> Self {
        self.outputs.insert(name.to_owned(), value.into().0);
        self
    }

    /// Adds outputs that repeat an input of the same name.
    #[must_use]
    pub(crate) fn repeat(mut self, names: &[&str]) -> Self {
        for name in names {
            if let Some(value) = self.inputs.get(name) {
                self.outputs.insert((*name).to_owned(), value.clone());
            }
        }
        self
    }

    /// Says what it lives in.
    #[must_use]
    pub(crate) fn inside<'a>(mut self, things: impl IntoIterator<Item = &'a Thing>) -> Self {
        self.lives_in.extend(things.into_iter().map(|thing| thing.uid.clone()));
        self
    }

    /// Returns all that was made; what was asked for comes last.
    pub(crate) fn into_things(
        self,
        call: &Call<'_>,
        tags: BTreeMap<String, String>,
        now: Moment,
        until: Moment,
    ) -> Vec<Thing> {
        let object = call.object;
        let asked = Thing {
            uid: object.uid.clone(),
            address: object.address.clone(),
            kind: object.kind.clone(),
            placement: object.placement.clone(),
            id: self.id,
            inputs: self.inputs,
            natural_key: object.natural_key.clone(),
            outputs: self.outputs,
            tags,
            lives_in: self.lives_in,
            created_at: now,
            phase: Phase::Creating { until },
        };
        let beside = self.beside.into_iter().map(|thing| Thing { created_at: now, ..thing });
        beside.chain([asked]).collect()
    }
}

/// An output's value: a text or a tree.
pub(crate) struct Output(Tree);

impl From<String> for Output {
    fn from(text: String) -> Self {
        Self(Tree::String(text))
    }
}

impl From<&str> for Output {
    fn from(text: &str) -> Self {
        Self(Tree::String(text.to_owned()))
    }
}

impl From<Tree> for Output {
    fn from(tree: Tree) -> Self {
        Self(tree)
    }
}

/// Returns the thing that an object is inside of.
pub(crate) fn container<'a>(
    world: &'a World,
    address: &Address,
    outputs: Option<&OutputMap>,
) -> Result<&'a Thing, ExecError> {
    let by_arn = outputs.and_then(|outputs| outputs.get("arn")).and_then(Tree::as_str);
    let thing = match by_arn {
        Some(arn) => world.things().find(|thing| thing.output("arn") == Some(arn)),
        None => world.things().find(|thing| thing.address == *address),
    };
    thing.filter(|thing| thing.is_active()).ok_or_else(|| {
        ExecError::new(ErrorKind::Unreachable, format!("{address} does not answer"))
            .hint("what is inside of it can be reached only while it is there")
    })
}

/// The same uid again is the same request: its answer is the thing that is there, unless it asks for something else.
pub(crate) fn same_request(thing: &Thing, object: &Desired) -> Result<(), ExecError> {
    let kept = |(key, value): (&Key, &Tree)| match key {
        Key::Literal(key) => contains(thing.inputs.get(key), value),
        Key::Text(_) => false,
    };
    if object.inputs.as_map().is_some_and(|map| map.iter().all(kept)) {
        return Ok(());
    }
    Err(error::invalid(
        "IdempotentParameterMismatch",
        format!("{} was already asked for with other parameters", thing.id),
    ))
}

/// Returns whether `have` holds all that `want` says; a server may have added fields.
fn contains(have: Option<&Tree>, want: &Tree) -> bool {
    match (have, want) {
        (Some(have), Tree::Map(want)) => want.iter().all(|(key, value)| match key {
            Key::Literal(key) => contains(have.get(key), value),
            Key::Text(_) => false,
        }),
        (have, want) => have == Some(want),
    }
}

/// Judges a create.
pub(crate) fn check_create(call: &Call<'_>) -> Result<(), ExecError> {
    check_ground(call)?;
    check_place(call)?;
    check_twin(call)?;
    check_fields(call)?;
    match call.object.kind.service() {
        "eks" => eks::check_create(call),
        _ => Ok(()),
    }
}

/// Judges an update.
pub(crate) fn check_update(call: &Call<'_>, old: &Thing) -> Result<(), ExecError> {
    check_ground(call)?;
    check_immutable(call, old)?;
    check_fields(call)?;
    match call.object.kind.service() {
        "eks" => eks::check_update(call, old),
        "k8s" => k8s::check_update(call, old),
        _ => Ok(()),
    }
}

/// Judges what a call says, whether it makes something or changes it.
fn check_fields(call: &Call<'_>) -> Result<(), ExecError> {
    reference::check(call)?;
    match call.object.kind.service() {
        "ec2" => ec2::check(call),
        "iam" => iam::check(call),
        "eks" => eks::check(call),
        "efs" => efs::check(call),
        "route53" => route53::check(call),
        "cognito" => cognito::check(call),
        "logs" | "sqs" | "events" | "secretsmanager" => regional::check(call),
        "k8s" => k8s::check(call),
        "helm" => helm::check(call),
        "skypilot" => helm::check_config(call),
        _ => Ok(()),
    }
}

/// Judges a delete.
pub(crate) fn check_delete(world: &World, thing: &Thing) -> Result<(), ExecError> {
    match thing.kind.service() {
        "ec2" => ec2::check_delete(world, thing),
        "iam" => iam::check_delete(world, thing),
        "eks" => eks::check_delete(world, thing),
        "efs" => efs::check_delete(world, thing),
        "cognito" => cognito::check_delete(world, thing),
        _ => Ok(()),
    }
}

/// Makes what a create asks for.
pub(crate) fn make(call: &Call<'_>) -> Result<Made, ExecError> {
    Ok(match call.object.kind.service() {
        "ec2" => ec2::make(call),
        "iam" => iam::make(call),
        "eks" => eks::make(call)?,
        "efs" => efs::make(call),
        "route53" => route53::make(call),
        "cognito" => cognito::make(call),
        "logs" | "sqs" | "events" | "secretsmanager" => regional::make(call),
        "k8s" => k8s::make(call),
        "helm" | "skypilot" => helm::make(call),
        _ => generic(call),
    })
}

/// Makes a changed thing: everything that is not decided by the inputs stays.
pub(crate) fn remake(call: &Call<'_>, old: &Thing) -> Result<Made, ExecError> {
    let mut made = make(call)?;
    made.id.clone_from(&old.id);
    made.lives_in.extend(old.lives_in.iter().cloned());
    Ok(made)
}

/// What is known of a kind that has no module here.
fn generic(call: &Call<'_>) -> Made {
    let id = call.names().hex("id", 17);
    let mut made = Made::new(call, id.clone());
    if let Tree::Map(inputs) = &call.object.inputs {
        for (key, value) in inputs {
            if let Key::Literal(name) = key {
                made.outputs.insert(name.clone(), value.clone());
            }
        }
    }
    let noun = call.kind().rsplit('.').next().unwrap_or_default();
    let arn = call.arn(call.object.kind.service(), &format!("{noun}/{id}"));
    made.outputs.entry("id".into()).or_insert_with(|| tree!(id));
    made.outputs.entry("arn".into()).or_insert_with(|| tree!(arn));
    made
}

/// Nothing that is still a reference can be sent.
fn check_ground(call: &Call<'_>) -> Result<(), ExecError> {
    if call.object.inputs.is_ground() {
        return Ok(());
    }
    Err(ExecError::new(ErrorKind::Invalid, "its inputs hold a value that is not known"))
}

/// There is one account, and it has some regions.
fn check_place(call: &Call<'_>) -> Result<(), ExecError> {
    let account = call.object.placement.account.as_str();
    if account != ACCOUNT {
        let message = format!("the account {account} is another one than this cloud's {ACCOUNT}");
        return Err(ExecError::new(ErrorKind::Denied, message).code("AccessDenied"));
    }
    let region = call.region();
    if region.is_empty() || call.catalogue.regions.contains(region) {
        return Ok(());
    }
    Err(error::invalid("InvalidRegion", format!("there is no region {region}")))
}

/// No two things of one kind have one natural key in one place.
fn check_twin(call: &Call<'_>) -> Result<(), ExecError> {
    let object = call.object;
    // Another stack may have made the account's service-linked role; asking again gives the same one.
    let Some(key) = object.natural_key.as_ref().filter(|_| call.kind() != "iam.service_linked_role") else {
        return Ok(());
    };
    let twin = call.world.of_kind(call.kind()).find(|thing| {
        thing.natural_key.as_ref() == Some(key)
            && thing.placement.account == object.placement.account
            && thing.placement.region == object.placement.region
            && match call.container {
                Some(container) => thing.lives_in.contains(&container.uid),
                None => thing.placement.container.is_none(),
            }
    });
    twin.map_or(Ok(()), |twin| Err(error::twin(&twin.kind, &paper::display(key).to_string())))
}

/// Fields that an API cannot change in place.
const IMMUTABLE: &[(&str, &[&str])] = &[
    ("ec2.vpc", &["cidr_block"]),
    ("ec2.subnet", &["vpc_id", "cidr_block", "availability_zone"]),
    ("ec2.internet_gateway", &["vpc_id"]),
    ("ec2.eip", &["domain"]),
    ("ec2.nat_gateway", &["subnet_id", "allocation_id"]),
    ("ec2.route_table", &["vpc_id"]),
    ("ec2.route", &["route_table_id", "destination_cidr_block"]),
    ("ec2.route_table_association", &["subnet_id"]),
    ("ec2.security_group", &["vpc_id", "group_name", "description"]),
    ("ec2.vpc_endpoint", &["vpc_id", "service_name", "vpc_endpoint_type"]),
    ("ec2.vpc_peering", &["vpc_id", "peer_vpc_id", "peer_owner_id", "peer_region"]),
    ("iam.role", &["role_name", "path"]),
    ("iam.policy", &["policy_name", "path", "description"]),
    ("iam.policy_attachment", &["role_name", "policy_arn"]),
    ("iam.oidc_provider", &["url"]),
    ("eks.cluster", &["name", "role_arn", "kubernetes_network_config", "bootstrap_self_managed_addons"]),
    ("eks.addon", &["cluster_name", "name"]),
    (
        "eks.fargate_profile",
        &["cluster_name", "fargate_profile_name", "pod_execution_role_arn", "subnets", "selectors"],
    ),
    ("eks.access_entry", &["cluster_name", "principal_arn", "type"]),
    ("efs.file_system", &["encrypted", "performance_mode"]),
    ("efs.mount_target", &["file_system_id", "subnet_id"]),
    ("route53.zone", &["name", "vpc", "hosted_zone_config.private_zone"]),
    ("route53.zone_association", &["hosted_zone_id", "vpc"]),
    ("cognito.user_pool", &["username_attributes"]),
    ("cognito.user_pool_client", &["user_pool_id", "generate_secret"]),
    ("cognito.user_pool_domain", &["domain", "user_pool_id"]),
    ("cognito.user", &["user_pool_id", "username"]),
    ("secretsmanager.secret", &["name"]),
    ("logs.log_group", &["log_group_name"]),
    ("sqs.queue", &["queue_name"]),
    ("events.rule", &["name"]),
    ("helm.release", &["name", "namespace"]),
];

fn check_immutable(call: &Call<'_>, old: &Thing) -> Result<(), ExecError> {
    let fields =
        IMMUTABLE.iter().find(|(kind, _)| *kind == call.kind()).map_or(&[][..], |(_, fields)| fields);
    for field in fields {
        let (was, is) = (old.inputs.at(field), call.object.inputs.at(field));
        if was.map(unordered) != is.map(unordered) {
            return Err(error::immutable(&old.kind, field));
        }
    }
    Ok(())
}

/// Returns a list in an order of its own, so that the order in which it was sent does not count.
fn unordered(tree: &Tree) -> Tree {
    match tree {
        Tree::List(items) => {
            let mut items = items.clone();
            items.sort_by_key(|item| paper::show(item).to_string());
            Tree::List(items)
        }
        other => other.clone(),
    }
}
