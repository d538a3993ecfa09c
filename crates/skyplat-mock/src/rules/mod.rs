//! What the simulated APIs allow, and what they give back.
//!
//! [`Rules`] are those of one service. They are pure: they look at the [`World`] and answer; nothing here waits or
//! writes. What every service checks alike (account and region, names that are taken, fields that stay, ids that must
//! name something) is checked before they are asked. A kind without rules gets the generic behaviour: natural keys are
//! unique, outputs repeat the inputs by name, and there is an `id` and an `arn`.
//!
//! An embedder's own kinds get rules of their own in the same way: implement [`Rules`] and add them to
//! [`MockOptions::rules`](crate::MockOptions::rules).

mod book;
mod call;
mod cognito;
mod ec2;
mod efs;
mod eks;
pub(crate) mod error;
mod helm;
mod iam;
mod k8s;
mod made;
mod quota;
mod reference;
mod regional;
mod route53;
mod shared;
mod visible;

use std::fmt;

use skyplat_core::executor::ExecError;
use skyplat_core::object::ObjectKind;

pub use book::RuleBook;
pub use call::Call;
pub(crate) use call::texts;
pub(crate) use k8s::lookup;
pub use made::Made;
pub(crate) use shared::{container, same_request};

use crate::world::{Thing, World};

/// The rules of some kinds of objects: what their API refuses, and what it makes.
///
/// ```
/// use skyplat_core::executor::{ErrorKind, ExecError};
/// use skyplat_core::object::ObjectKind;
/// use skyplat_mock::rules::{Call, Made, RuleBook, Rules};
/// use skyplat_mock::{MockCloud, MockOptions};
///
/// /// A registry whose names are short.
/// #[derive(Debug)]
/// struct Registry;
///
/// impl Rules for Registry {
///     fn judges(&self, kind: &ObjectKind) -> bool {
///         kind.service() == "registry"
///     }
///
///     fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
///         match call.text("name") {
///             name if name.len() <= 20 => Ok(()),
///             name => Err(ExecError::new(ErrorKind::Invalid, format!("{name} is too long")).code("NameTooLong")),
///         }
///     }
///
///     fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
///         let id = format!("reg-{}", call.names().hex("id", 8));
///         Ok(Made::new(call, &*id).output("id", &id).repeat(&["name"]))
///     }
/// }
///
/// let rules = RuleBook::default().with(Registry);
/// let cloud = MockCloud::in_memory(MockOptions { rules, ..MockOptions::default() });
/// # assert!(cloud.world().is_empty());
/// ```
pub trait Rules: fmt::Debug + Send + Sync {
    /// Returns whether these are the rules of a kind.
    fn judges(&self, kind: &ObjectKind) -> bool;

    /// Judges a create.
    ///
    /// # Errors
    /// What the API refuses, of a kind that promises that nothing was done.
    fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
        let _ = call;
        Ok(())
    }

    /// Judges an update of a thing that is there.
    ///
    /// # Errors
    /// As [`Self::check_create`].
    fn check_update(&self, call: &Call<'_>, old: &Thing) -> Result<(), ExecError> {
        let _ = (call, old);
        Ok(())
    }

    /// Judges a delete.
    ///
    /// # Errors
    /// As [`Self::check_create`]; [`DependencyViolation`](skyplat_core::executor::ErrorKind::DependencyViolation) when
    /// something else still uses the thing.
    fn check_delete(&self, world: &World, thing: &Thing) -> Result<(), ExecError> {
        let _ = (world, thing);
        Ok(())
    }

    /// Makes what a create or an update asks for. Ids are drawn from [`Call::names`], so that they are the same in
    /// every run. Of an update only what the inputs decide counts: the id stays.
    ///
    /// # Errors
    /// As [`Self::check_create`].
    fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
        Ok(Made::generic(call))
    }

    /// Returns what a thing that was made still waits for before it works; none when it does.
    fn pending(&self, world: &World, thing: &Thing) -> Option<String> {
        let _ = (world, thing);
        None
    }

    /// Returns whether the work on this kind is done by whoever asks for it (as Helm does), not by a service: when that
    /// process dies, the thing stays where it was.
    fn is_done_by_the_caller(&self, kind: &ObjectKind) -> bool {
        let _ = kind;
        false
    }
}
