//! Objects: one thing behind one API.
//!
//! An object type is a plain struct with the shape of its API's request (`Ec2Vpc`, `IamRole`, `HelmRelease`). It says of
//! itself, as data, what planner and engine must know: its kind, which fields force a replace, what it lives in, what
//! the API refuses to have twice. Object types live here and hold no SDK types, so that planner, simulated cloud,
//! property tests and cloud executors see the same thing; an embedder adds its own in its own crate.
//!
//! What the rest of the engine handles is the erased [`ObjectNode`].

pub mod cognito;
pub mod ec2;
pub mod efs;
pub mod eks;
pub mod events;
pub mod gate;
pub mod helm;
pub mod iam;
pub mod k8s;
pub mod logs;
pub mod lookup;
pub mod node;
pub mod route53;
pub mod rules;
pub mod secretsmanager;
pub mod skypilot;
pub mod sqs;

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use node::{ObjectNode, OnDelete, Placement};
pub use rules::{FieldPath, FieldRules, Normal, Segment};

use crate::value::{Address, Reference, Tree, Value};

/// The tags that an object asks for; a change of them is always made in place.
pub type Tags = BTreeMap<String, String>;

/// A kind of object, such as `ec2.subnet`: the service and the noun of its API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectKind(SmolStr);

impl ObjectKind {
    /// Wraps a kind's name.
    pub fn new(name: impl Into<SmolStr>) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the service: what stands before the dot.
    pub fn service(&self) -> &str {
        self.0.split_once('.').map_or(self.as_str(), |(service, _)| service)
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for ObjectKind {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl Borrow<str> for ObjectKind {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// What an object is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// We make it, change it and delete it.
    Owned,
    /// Nothing is made: the engine waits until something holds on the way up, or is undone on the way down.
    Gate,
    /// Something not ours, read at apply time.
    Lookup,
}

/// One thing behind one API, typed.
pub trait Object: Serialize + DeserializeOwned + Clone + fmt::Debug + Send + Sync + 'static {
    /// The kind's name, as in plans and latency tables.
    const KIND: &'static str;
    /// What the object is to us.
    const CLASS: Class = Class::Owned;
    /// What the API gives back.
    type Outputs: Outputs;

    /// Says by field what planner and engine must know.
    fn rules(&self) -> FieldRules;

    /// Returns what the API refuses to have twice in one account, region or container: usually the name.
    fn natural_key(&self) -> Option<Tree> {
        None
    }

    /// Names the group of which only one operation may run at a time, such as a cluster's Fargate profiles.
    fn exclusive(&self) -> Option<Tree> {
        None
    }
}

/// The outputs of an object type; implemented by [`outputs!`](crate::outputs).
pub trait Outputs: Serialize + DeserializeOwned + Clone + fmt::Debug + Send + Sync + 'static {
    /// Every output with its marks.
    const FIELDS: &'static [OutputSpec];
}

/// What is known of one output before there is a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputSpec {
    /// The output's name.
    pub name: &'static str,
    /// The path of the input that this output repeats, so that its value is known at plan time.
    pub echo: Option<&'static str>,
    /// Whether the value is a secret.
    pub secret: bool,
}

/// A typed name of one output of `O`: `vpc.output(Ec2Vpc::ID)`.
pub struct OutputField<O, T> {
    spec: OutputSpec,
    types: PhantomData<fn() -> (O, T)>,
}

impl<O: Object, T> OutputField<O, T> {
    /// Names an output; use [`outputs!`](crate::outputs), which also keeps the outputs struct in step.
    pub const fn new(spec: OutputSpec) -> Self {
        Self { spec, types: PhantomData }
    }

    /// Returns the output's name and marks.
    pub fn spec(&self) -> &OutputSpec {
        &self.spec
    }

    /// Refers to this output of the object at `address`.
    pub fn of(&self, address: &Address) -> Value<T> {
        Value::Ref(Reference { object: address.clone(), field: SmolStr::new_static(self.spec.name) })
    }
}

impl<O, T> fmt::Debug for OutputField<O, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

/// Declares the outputs of an object type: the struct, a typed constant per output, and the marks.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use skyplat_core::object::{FieldRules, Object};
/// # use skyplat_core::value::Value;
/// /// A queue.
/// #[derive(Debug, Clone, Serialize, Deserialize)]
/// pub struct Queue { name: String }
///
/// skyplat_core::outputs! {
///     /// What the API gives back for a queue.
///     pub struct QueueOutputs of Queue {
///         /// Where messages are sent.
///         URL url: String,
///         /// The queue's name.
///         NAME name: String = echo "name",
///     }
/// }
///
/// impl Object for Queue {
///     const KIND: &'static str = "demo.queue";
///     type Outputs = QueueOutputs;
///     fn rules(&self) -> FieldRules { FieldRules::new().replace(["name"]) }
/// }
/// assert_eq!(Queue::NAME.spec().echo, Some("name"));
/// ```
///
/// `= echo "path"` repeats an input, `= secret` marks a secret (its type is [`Secret`](crate::value::Secret)).
#[macro_export]
macro_rules! outputs {
    (
        $(#[$doc:meta])*
        pub struct $outputs:ident of $object:ident {
            $( $(#[$field_doc:meta])* $constant:ident $field:ident : $type:ty $(= $mark:ident $($path:literal)?)? ),* $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
        pub struct $outputs {
            $( $(#[$field_doc])* pub $field: $type, )*
        }

        impl $crate::object::Outputs for $outputs {
            const FIELDS: &'static [$crate::object::OutputSpec] = &[
                $( $crate::outputs!(@spec $field $($mark $($path)?)?), )*
            ];
        }

        impl $object {
            $(
                $(#[$field_doc])*
                pub const $constant: $crate::object::OutputField<$object, $type> =
                    $crate::object::OutputField::new($crate::outputs!(@spec $field $($mark $($path)?)?));
            )*
        }
    };
    (@spec $field:ident) => {
        $crate::object::OutputSpec { name: stringify!($field), echo: None, secret: false }
    };
    (@spec $field:ident echo $path:literal) => {
        $crate::object::OutputSpec { name: stringify!($field), echo: Some($path), secret: false }
    };
    (@spec $field:ident secret) => {
        $crate::object::OutputSpec { name: stringify!($field), echo: None, secret: true }
    };
}
