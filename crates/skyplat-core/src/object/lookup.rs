//! Lookups: what is read at apply time and is not ours.

use serde::{Deserialize, Serialize};

use super::{Class, FieldRules, Object};
use crate::value::{Secret, Value};

/// The OAuth client in a Secrets Manager secret that somebody else made.
///
/// The secret's text is a JSON object; a missing field is an error that names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupSecret {
    /// ARN of the secret; it is read in the ARN's region.
    pub secret_id: String,
    /// The field that holds the client's id.
    pub client_id_key: String,
    /// The field that holds the client's secret.
    pub client_secret_key: String,
}

crate::outputs! {
    /// What the secret holds.
    pub struct LookupSecretOutputs of LookupSecret {
        /// The client's id.
        CLIENT_ID client_id: Secret = secret,
        /// The client's secret.
        CLIENT_SECRET client_secret: Secret = secret,
    }
}

impl Object for LookupSecret {
    const KIND: &'static str = "lookup.secret";
    const CLASS: Class = Class::Lookup;
    type Outputs = LookupSecretOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
    }
}

/// The state of an Ingress that a chart made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupIngress {
    /// Its namespace.
    pub namespace: Value<String>,
    /// Its name.
    pub name: String,
}

crate::outputs! {
    /// What the Ingress says of itself.
    pub struct LookupIngressOutputs of LookupIngress {
        /// The load balancer's host name, empty while there is none.
        HOSTNAME hostname: String,
        /// Whether it has a load balancer.
        READY ready: bool,
    }
}

impl Object for LookupIngress {
    const KIND: &'static str = "lookup.ingress";
    const CLASS: Class = Class::Lookup;
    type Outputs = LookupIngressOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
    }
}
