//! [`ByHand`]: someone changes the simulated cloud behind our back.
//!
//! What a person with a console does: change a field, delete a thing, take a tag away, add a thing that is nobody's.
//! The APIs' rules hold for people too, so what the real one would refuse is refused here; but nothing waits: what is
//! done is done at once. Every change is an effect like any other, and a world file keeps it.
//!
//! ```
//! use skyplat_core::executor::ErrorKind;
//! use skyplat_core::ids::{AccountId, Region};
//! use skyplat_core::object::Placement;
//! use skyplat_core::tree;
//! use skyplat_mock::catalogue::ACCOUNT;
//! use skyplat_mock::drift::Foreign;
//! use skyplat_mock::{MockCloud, MockOptions, inspect};
//!
//! # fn main() -> Result<(), skyplat_core::executor::ExecError> {
//! let cloud = MockCloud::in_memory(MockOptions::default());
//! let placement =
//!     Placement { account: AccountId::new(ACCOUNT), region: Some(Region::new("us-west-2")), container: None };
//! let theirs = Foreign {
//!     name: "their-queue".into(),
//!     kind: "sqs.queue".into(),
//!     placement,
//!     inputs: tree!({ "queue_name": "theirs", "message_retention_period": 300 }),
//!     natural_key: Some(tree!(["theirs"])),
//! };
//! let queue = cloud.by_hand().add(theirs)?;
//!
//! let before = cloud.world();
//! cloud.by_hand().set(&queue.uid, "message_retention_period", tree!(60))?;
//! cloud.by_hand().tag(&queue.uid, "team", "a")?;
//! for difference in inspect::diff(&before, &cloud.world()) {
//!     println!("{difference}");
//! }
//! cloud.by_hand().delete(&queue.uid)?;
//! assert!(cloud.world().is_empty());
//! let gone = cloud.by_hand().delete(&queue.uid).unwrap_err();
//! assert_eq!(gone.kind, ErrorKind::NotFound);
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;

use skyplat_core::executor::{Desired, ErrorKind, ExecError};
use skyplat_core::object::{Class, ObjectKind, Placement};
use skyplat_core::state::Uid;
use skyplat_core::value::{Address, Key, Tree};

use crate::cloud::MockCloud;
use crate::faults::Target;
use crate::world::{Change, Effect, Thing, World};

/// Services whose things carry labels instead of tags.
const WITHOUT_TAGS: [&str; 3] = ["k8s", "helm", "skypilot"];

/// A thing that belongs to no stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Tells it from others that are added by hand; its address is `by-hand/NAME`.
    pub name: String,
    /// Its kind.
    pub kind: ObjectKind,
    /// Where it is.
    pub placement: Placement,
    /// Its fields.
    pub inputs: Tree,
    /// What the API refuses to have twice.
    pub natural_key: Option<Tree>,
}

/// Someone at the console of a simulated cloud. Made by [`MockCloud::by_hand`].
#[derive(Debug, Clone)]
pub struct ByHand(MockCloud);

impl MockCloud {
    /// Returns what changes this cloud behind the back of those who work on it.
    pub fn by_hand(&self) -> ByHand {
        ByHand(self.clone())
    }
}

impl ByHand {
    /// Sets a field, named by a dotted path such as `tags.Name`; what is missing on the way is made. Returns the thing
    /// as it is then.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such thing, [`ErrorKind::Invalid`] when the path leads nowhere; otherwise
    /// as the API refuses such a change.
    pub fn set(&self, target: impl Into<Target>, path: &str, value: Tree) -> Result<Thing, ExecError> {
        self.edit(&target.into(), path, Some(value))
    }

    /// Takes a field away.
    ///
    /// # Errors
    /// As [`ByHand::set`].
    pub fn unset(&self, target: impl Into<Target>, path: &str) -> Result<Thing, ExecError> {
        self.edit(&target.into(), path, None)
    }

    /// Sets a tag. Those of the stack (`skyplat:…`) are what a thing is known by as ours: under another value of
    /// `skyplat:stack` it is found no more.
    ///
    /// # Errors
    /// As [`ByHand::set`]; [`ErrorKind::Invalid`] for a thing that carries no tags.
    pub fn tag(&self, target: impl Into<Target>, key: &str, value: &str) -> Result<Thing, ExecError> {
        self.retag(&target.into(), key, Some(value))
    }

    /// Takes a tag away.
    ///
    /// # Errors
    /// As [`ByHand::tag`].
    pub fn untag(&self, target: impl Into<Target>, key: &str) -> Result<Thing, ExecError> {
        self.retag(&target.into(), key, None)
    }

    /// Deletes a thing, with all that lives in it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such thing, [`ErrorKind::DependencyViolation`] when something uses it.
    pub fn delete(&self, target: impl Into<Target>) -> Result<(), ExecError> {
        self.0.at_present(|book, now| {
            let thing = find(&book.world, &target.into())?;
            self.0.rules().check_delete(&book.world, thing)?;
            let uid = thing.uid.clone();
            book.write(now, Effect::Gone { uid })
        })
    }

    /// Adds a thing without tags of any stack. Returns it with its id.
    ///
    /// # Errors
    /// As the API refuses such a create; [`ErrorKind::AlreadyExists`] also when the name was used before.
    pub fn add(&self, foreign: Foreign) -> Result<Thing, ExecError> {
        let Foreign { name, kind, placement, inputs, natural_key } = foreign;
        let address = Address::new("by-hand").join(&name);
        let uid = Uid::new("by hand", &address, 0);
        let object = Desired { address, kind, class: Class::Owned, uid, placement, inputs, natural_key };
        self.0.at_present(|book, now| {
            if book.world.get(&object.uid).is_some() {
                let message = format!("{} was added before", object.address);
                return Err(ExecError::new(ErrorKind::AlreadyExists, message));
            }
            let call = self.0.call_in(&book.world, &object, None)?;
            self.0.rules().check_create(&call)?;
            for thing in self.0.rules().make(&call)?.into_things(&call, BTreeMap::new(), now) {
                book.write(now, Effect::Made { thing: Box::new(thing) })?;
            }
            find(&book.world, &Target::Uid(object.uid.clone())).cloned()
        })
    }

    /// Changes a field.
    fn edit(&self, target: &Target, path: &str, value: Option<Tree>) -> Result<Thing, ExecError> {
        let path: Vec<&str> = path.split('.').collect();
        self.change(target, |thing| put(&mut thing.inputs, &path, value))
    }

    fn retag(&self, target: &Target, key: &str, value: Option<&str>) -> Result<Thing, ExecError> {
        self.change(target, |thing| {
            if WITHOUT_TAGS.contains(&thing.kind.service()) {
                let message = format!("a {} carries no tags", thing.kind);
                return Err(ExecError::new(ErrorKind::Invalid, message));
            }
            if !key.starts_with("skyplat:") {
                let value = value.map(|value| Tree::String(value.into()));
                return put(&mut thing.inputs, &["tags", key], value);
            }
            match value {
                Some(value) => thing.tags.insert(key.to_owned(), value.to_owned()),
                None => thing.tags.remove(key),
            };
            Ok(())
        })
    }

    /// Changes a thing under the rules of an update.
    fn change(
        &self,
        target: &Target,
        change: impl FnOnce(&mut Thing) -> Result<(), ExecError>,
    ) -> Result<Thing, ExecError> {
        self.0.at_present(|book, now| {
            let was = find(&book.world, target)?;
            let mut wanted = was.clone();
            change(&mut wanted)?;
            let Thing { uid, address, inputs, natural_key, tags, .. } = wanted;
            let (mut is, mut outputs, mut lives_in) = (inputs, was.outputs.clone(), was.lives_in.clone());
            if is != was.inputs {
                let object = Desired {
                    address: address.clone(),
                    kind: was.kind.clone(),
                    class: Class::Owned,
                    uid: uid.clone(),
                    placement: was.placement.clone(),
                    inputs: is,
                    natural_key: natural_key.clone(),
                };
                let outside = container(&book.world, was).map(|thing| &thing.outputs);
                let call = self.0.call_in(&book.world, &object, outside)?;
                self.0.rules().check_update(&call, was)?;
                let made = self.0.rules().remake(&call, was)?;
                (is, outputs, lives_in) = (made.inputs, made.outputs, made.lives_in);
            }
            let change = Change { address, inputs: is, natural_key, outputs, tags, lives_in, until: now };
            book.write(now, Effect::Changed { uid: uid.clone(), change: Box::new(change) })?;
            book.write(now, Effect::Ready { uid: uid.clone() })?;
            find(&book.world, &Target::Uid(uid)).cloned()
        })
    }
}

/// Returns what a thing is inside of: not by address, which may be another one by now.
fn container<'w>(world: &'w World, thing: &Thing) -> Option<&'w Thing> {
    thing.placement.container.as_ref()?;
    let mut homes = thing.lives_in.iter().filter_map(|uid| world.get(uid));
    // What else it lives in, such as a namespace, is inside of the same.
    homes.find(|home| home.placement.container != thing.placement.container)
}

/// Returns the live thing that is meant; of several with one address the one that was made last.
fn find<'w>(world: &'w World, target: &Target) -> Result<&'w Thing, ExecError> {
    let found = match target {
        Target::Uid(uid) => world.get(uid).filter(|thing| thing.is_alive()),
        Target::Address(address) => world
            .at(address)
            .filter(|thing| thing.is_alive())
            .max_by_key(|thing| (thing.created_at, &thing.uid)),
    };
    found.ok_or_else(|| {
        let name = match target {
            Target::Uid(uid) => uid.as_str(),
            Target::Address(address) => address.as_str(),
        };
        ExecError::new(ErrorKind::NotFound, format!("there is no {name} in the simulated cloud"))
    })
}

/// Puts a value below some keys, or takes out what is there; refused when there is no such place.
fn put(tree: &mut Tree, path: &[&str], value: Option<Tree>) -> Result<(), ExecError> {
    let nowhere = |key: &str| ExecError::new(ErrorKind::Invalid, format!("it has no field {key} to change"));
    let Some((first, rest)) = path.split_first() else { return Ok(()) };
    let Tree::Map(map) = tree else { return Err(nowhere(first)) };
    let key = Key::from(*first);
    if rest.is_empty() {
        return match value {
            Some(value) => {
                map.insert(key, value);
                Ok(())
            }
            None => map.remove(&key).map(drop).ok_or_else(|| nowhere(first)),
        };
    }
    let inner = match value {
        Some(_) => map.get_or_insert_with(key, Tree::map),
        None => map.get_mut(&key).ok_or_else(|| nowhere(first))?,
    };
    put(inner, rest, value)
}
