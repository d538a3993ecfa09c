//! A cluster as controllers see it: its objects, its nodes, and which controllers run.

use skyplat_core::value::{Key, Tree};

use crate::crds;
use crate::world::{Thing, World};

/// Where the chart's annotation names the role that a controller takes.
const ROLE: &str = "eks.amazonaws.com/role-arn";

/// A cluster.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cluster<'a> {
    pub(crate) world: &'a World,
    pub(crate) thing: &'a Thing,
}

impl<'a> Cluster<'a> {
    /// Returns every cluster whose API answers. What is in the others cannot change any more.
    pub(crate) fn all(world: &'a World) -> impl Iterator<Item = Self> {
        world.of_kind("eks.cluster").filter(|thing| thing.is_active()).map(move |thing| Self { world, thing })
    }

    /// Returns the cluster that a thing lives in.
    pub(crate) fn of(world: &'a World, thing: &Thing) -> Option<Self> {
        Self::all(world).find(|cluster| thing.lives_in.contains(&cluster.thing.uid))
    }

    pub(crate) fn name(&self) -> &'a str {
        &self.thing.id
    }

    /// Returns every object of Kubernetes.
    pub(crate) fn all_objects(self) -> impl Iterator<Item = &'a Thing> {
        self.world.of_kind("k8s.object").filter(move |thing| thing.lives_in.contains(&self.thing.uid))
    }

    /// Returns the objects of one kind, those that are being deleted among them.
    pub(crate) fn objects(self, kind: &'a str) -> impl Iterator<Item = &'a Thing> {
        self.all_objects().filter(move |thing| thing.text("kind") == Some(kind))
    }

    /// Returns every release, in whatever phase.
    pub(crate) fn releases(self) -> impl Iterator<Item = &'a Thing> {
        self.world.of_kind("helm.release").filter(move |thing| thing.lives_in.contains(&self.thing.uid))
    }

    /// Returns the nodes that run pods.
    pub(crate) fn nodes(self) -> impl Iterator<Item = &'a Thing> {
        self.objects("NodeClaim").filter(|claim| claim.is_active())
    }

    /// Returns the installed release of a chart.
    pub(crate) fn installed(self, chart: &'a str) -> Option<&'a Thing> {
        self.releases().find(|release| release.is_active() && crds::chart(release) == chart)
    }

    /// Returns the release of a chart whose controller works: it is installed, its pods have where to run, and the role
    /// that they take is there with its rights.
    pub(crate) fn running(self, chart: &'a str) -> Option<&'a Thing> {
        self.installed(chart).filter(|release| self.pods_run(release) && self.has_rights(release))
    }

    /// Pods run on a node, or on Fargate when a profile selects their namespace.
    fn pods_run(self, release: &Thing) -> bool {
        let namespace = release.text("namespace");
        let selects = |profile: &Thing| {
            let selectors = profile.inputs.get("selectors").and_then(Tree::as_list).unwrap_or_default();
            selectors.iter().any(|selector| selector.get("namespace").and_then(Tree::as_str) == namespace)
        };
        let mut profiles = self.world.of_kind("eks.fargate_profile");
        self.nodes().next().is_some()
            || profiles.any(|profile| {
                profile.lives_in.contains(&self.thing.uid) && profile.is_active() && selects(profile)
            })
    }

    /// A controller without a role, or whose role has no policy, is refused by every API:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html>. A role that this world
    /// never saw is someone else's.
    fn has_rights(self, release: &Thing) -> bool {
        let Some(arn) = release.inputs.get("values").and_then(role) else { return true };
        let name = arn.rsplit('/').next().unwrap_or_default();
        match self.world.of_kind("iam.role").find(|role| role.output("arn") == Some(arn)) {
            Some(role) => {
                let mut attached = self.world.of_kind("iam.policy_attachment");
                role.is_alive()
                    && attached.any(|other| other.text("role_name") == Some(name) && other.is_alive())
            }
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
