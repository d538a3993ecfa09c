//! A cluster as controllers see it: its objects, its nodes, and which controllers run.

use std::collections::{BTreeMap, BTreeSet};

use skyplat_core::state::Uid;
use skyplat_core::value::{Key, Tree};

use super::children_of;
use crate::crds;
use crate::rules::texts;
use crate::world::{Thing, World};

/// Where the chart's annotation names the role that a controller takes.
const ROLE: &str = "eks.amazonaws.com/role-arn";

/// The objects of Kubernetes that controllers look at, by kind.
const OBJECTS: &[&str] = &[
    "Connector",
    "EC2NodeClass",
    "Ingress",
    "Namespace",
    "NodeClaim",
    "NodePool",
    "PersistentVolumeClaim",
    "StorageClass",
    "VolumeAttachment",
];

/// Things beside objects of Kubernetes that controllers look at, by kind.
const THINGS: &[&str] = &[
    "ec2.nat_gateway",
    "ec2.route",
    "ec2.route_table_association",
    "ec2.security_group",
    "ec2.subnet",
    "eks.addon",
    "eks.cluster",
    "eks.fargate_profile",
    "helm.release",
    "iam.policy_attachment",
    "iam.role",
    "route53.zone",
];

/// Returns whether controllers act when a thing comes, goes or changes.
pub(crate) fn is_watched(thing: &Thing) -> bool {
    thing.made_for.is_some()
        || if thing.kind.as_str() == "k8s.object" {
            OBJECTS.contains(&kind(thing))
        } else {
            THINGS.contains(&thing.kind.as_str())
        }
}

/// Returns the kind of an object of Kubernetes: its id begins with it.
fn kind(thing: &Thing) -> &str {
    thing.id.split('/').next().unwrap_or_default()
}

/// What controllers see of a world at one moment, sorted once.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) world: &'a World,
    /// Every cluster whose API answers. What is in the others cannot change any more.
    clusters: Vec<&'a Thing>,
    objects: BTreeMap<(&'a Uid, &'a str), Vec<&'a Thing>>,
    releases: BTreeMap<&'a Uid, Vec<&'a Thing>>,
    /// Names of roles that have policies.
    roles: BTreeSet<&'a str>,
    /// Subnets from which APIs can be reached.
    ways_out: BTreeSet<&'a str>,
}

impl<'a> View<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        let clusters: Vec<&Thing> = world.of_kind("eks.cluster").filter(|thing| thing.is_active()).collect();
        let of = |thing: &Thing| clusters.iter().find(|cluster| thing.lives_in.contains(&cluster.uid));
        let mut objects: BTreeMap<_, Vec<&Thing>> = BTreeMap::new();
        for thing in world.of_kind("k8s.object").filter(|thing| OBJECTS.contains(&kind(thing))) {
            if let Some(cluster) = of(thing) {
                objects.entry((&cluster.uid, kind(thing))).or_default().push(thing);
            }
        }
        let mut releases: BTreeMap<_, Vec<&Thing>> = BTreeMap::new();
        for thing in world.of_kind("helm.release") {
            if let Some(cluster) = of(thing) {
                releases.entry(&cluster.uid).or_default().push(thing);
            }
        }
        let attached = world.of_kind("iam.policy_attachment").filter(|thing| thing.is_alive());
        let roles = attached.filter_map(|thing| thing.text("role_name")).collect();
        Self { world, clusters, objects, releases, roles, ways_out: ways_out(world) }
    }

    /// Returns every cluster whose API answers.
    pub(crate) fn clusters(&'a self) -> impl Iterator<Item = Cluster<'a>> {
        self.clusters.iter().map(|thing| Cluster { world: self.world, view: self, thing })
    }

    /// Returns the cluster that a thing lives in, or that it is.
    pub(crate) fn cluster_of(&'a self, thing: &Thing) -> Option<Cluster<'a>> {
        let is_in = |cluster: &Thing| cluster.uid == thing.uid || thing.lives_in.contains(&cluster.uid);
        self.clusters().find(|cluster| is_in(cluster.thing))
    }
}

/// Returns the subnets whose table leads to the internet: by a gateway, or by a NAT gateway that works. A private subnet
/// without one reaches no API but those that have endpoints in it:
/// <https://docs.aws.amazon.com/eks/latest/userguide/private-clusters.html>.
fn ways_out(world: &World) -> BTreeSet<&str> {
    let works = |id: &str| {
        world.with_id(id).any(|thing| thing.kind.as_str() == "ec2.nat_gateway" && thing.is_active())
    };
    let leads_out = |route: &&Thing| {
        route.is_active()
            && route.text("destination_cidr_block") == Some("0.0.0.0/0")
            && (route.text("gateway_id").is_some() || route.text("nat_gateway_id").is_some_and(works))
    };
    let routes = world.of_kind("ec2.route").filter(leads_out);
    let tables: BTreeSet<&str> = routes.filter_map(|route| route.text("route_table_id")).collect();
    let uses =
        |one: &&Thing| one.is_active() && one.text("route_table_id").is_some_and(|id| tables.contains(id));
    let associations = world.of_kind("ec2.route_table_association").filter(uses);
    associations.filter_map(|association| association.text("subnet_id")).collect()
}

/// A cluster.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cluster<'a> {
    pub(crate) world: &'a World,
    view: &'a View<'a>,
    pub(crate) thing: &'a Thing,
}

impl<'a> Cluster<'a> {
    pub(crate) fn name(&self) -> &'a str {
        &self.thing.id
    }

    /// Returns every object that controllers look at.
    pub(crate) fn all_objects(self) -> impl Iterator<Item = &'a Thing> {
        OBJECTS.iter().flat_map(move |kind| self.objects(kind))
    }

    /// Returns the objects of one kind, those that are being deleted among them.
    pub(crate) fn objects(self, kind: &'a str) -> impl Iterator<Item = &'a Thing> {
        self.view.objects.get(&(&self.thing.uid, kind)).into_iter().flatten().copied()
    }

    /// Returns every release, in whatever phase.
    pub(crate) fn releases(self) -> impl Iterator<Item = &'a Thing> {
        self.view.releases.get(&self.thing.uid).into_iter().flatten().copied()
    }

    /// Returns the nodes that run pods.
    pub(crate) fn nodes(self) -> impl Iterator<Item = &'a Thing> {
        self.objects("NodeClaim").filter(|claim| claim.is_active())
    }

    /// Returns the installed release of a chart.
    pub(crate) fn installed(self, chart: &'a str) -> Option<&'a Thing> {
        self.releases().find(|release| release.is_active() && crds::chart(release) == chart)
    }

    /// Returns the release of a chart whose controller works: it is installed, its pods have where to run and reach what
    /// they need, and the role that they take is there with its rights.
    pub(crate) fn running(self, chart: &'a str) -> Option<&'a Thing> {
        self.installed(chart).filter(|release| self.pods_run(release) && self.has_rights(release))
    }

    /// Pods run on a node, or on Fargate when a profile selects their namespace; what they do, they do through APIs.
    fn pods_run(self, release: &Thing) -> bool {
        let reaches = |subnet: &str| self.view.ways_out.contains(subnet);
        let namespace = release.text("namespace");
        let selects = |profile: &Thing| {
            let selectors = profile.inputs.get("selectors").and_then(Tree::as_list).unwrap_or_default();
            selectors.iter().any(|selector| selector.get("namespace").and_then(Tree::as_str) == namespace)
        };
        let mut instances = self.nodes().flat_map(|node| children_of(self.world, &node.uid, "ec2.instance"));
        let mut profiles = self.world.of_kind("eks.fargate_profile");
        instances.any(|instance| instance.text("subnet_id").is_some_and(reaches))
            || profiles.any(|profile| {
                profile.lives_in.contains(&self.thing.uid)
                    && profile.is_active()
                    && selects(profile)
                    && texts(&profile.inputs, "subnets").into_iter().any(reaches)
            })
    }

    /// A controller without a role, or whose role has no policy, is refused by every API:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html>. A role that this world
    /// never saw is someone else's.
    fn has_rights(self, release: &Thing) -> bool {
        let Some(arn) = release.inputs.get("values").and_then(role) else { return true };
        let name = arn.rsplit('/').next().unwrap_or_default();
        let mut named = self.world.with_id(name).filter(|thing| thing.kind.as_str() == "iam.role");
        match named.find(|role| role.output("arn") == Some(arn)) {
            Some(role) => role.is_alive() && self.view.roles.contains(name),
            None => !self.world.is_past(name),
        }
    }
}

/// Returns the role that a chart's values annotate a service account with.
fn role(values: &Tree) -> Option<&str> {
    values.as_map()?.iter().find_map(|(key, value)| match key {
        Key::Literal(key) if key == ROLE => value.as_str(),
        _ => role(value),
    })
}
