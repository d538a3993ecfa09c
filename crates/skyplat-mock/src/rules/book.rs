//! [`RuleBook`]: finds the rules of a kind, and puts what every service checks alike before them.

use std::sync::Arc;

use skyplat_core::executor::ExecError;
use skyplat_core::object::ObjectKind;

use super::{
    Call, Made, Rules, cognito, ec2, efs, eks, helm, iam, k8s, quota, reference, regional, route53, shared,
};
use crate::world::{Thing, World};

/// The rules of the services that the platform uses.
const BUILT_IN: &[&dyn Rules] = &[
    &ec2::Ec2,
    &iam::Iam,
    &eks::Eks,
    &efs::Efs,
    &route53::Route53,
    &cognito::Cognito,
    &regional::Regional,
    &k8s::Kubernetes,
    &helm::Helm,
];

/// The rules of every kind: an embedder's own before the built-in ones.
#[derive(Debug, Clone, Default)]
pub struct RuleBook {
    own: Vec<Arc<dyn Rules>>,
}

/// The rules of a kind that has none.
#[derive(Debug)]
struct Generic;

impl Rules for Generic {
    fn judges(&self, _: &ObjectKind) -> bool {
        true
    }
}

impl RuleBook {
    /// Adds rules of one's own. Of several that judge a kind the last ones count, and the built-in ones come last.
    #[must_use]
    pub fn with(mut self, rules: impl Rules + 'static) -> Self {
        self.own.insert(0, Arc::new(rules));
        self
    }

    /// Returns the rules of a kind.
    pub(crate) fn of(&self, kind: &ObjectKind) -> &dyn Rules {
        let own = self.own.iter().map(|rules| &**rules);
        own.chain(BUILT_IN.iter().copied()).find(|rules| rules.judges(kind)).unwrap_or(&Generic)
    }

    /// Judges a create.
    pub(crate) fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
        shared::check_ground(call)?;
        shared::check_place(call)?;
        shared::check_twin(call)?;
        reference::check(call)?;
        self.of(&call.object.kind).check_create(call)?;
        quota::check(call)
    }

    /// Judges an update.
    pub(crate) fn check_update(&self, call: &Call<'_>, old: &Thing) -> Result<(), ExecError> {
        shared::check_ground(call)?;
        shared::check_immutable(call, old)?;
        reference::check(call)?;
        self.of(&call.object.kind).check_update(call, old)
    }

    /// Judges a delete.
    pub(crate) fn check_delete(&self, world: &World, thing: &Thing) -> Result<(), ExecError> {
        self.of(&thing.kind).check_delete(world, thing)
    }

    /// Makes what a create asks for.
    pub(crate) fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
        self.of(&call.object.kind).make(call)
    }

    /// Makes a changed thing: everything that is not decided by the inputs stays.
    pub(crate) fn remake(&self, call: &Call<'_>, old: &Thing) -> Result<Made, ExecError> {
        let mut made = self.make(call)?;
        made.id.clone_from(&old.id);
        made.lives_in.extend(old.lives_in.iter().cloned());
        Ok(made)
    }
}
