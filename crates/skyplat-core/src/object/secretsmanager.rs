//! `secretsmanager.secret`: a secret with a password that the executor generates.
//!
//! The value is folded into the secret: a JSON text of the given fields and the generated password. The password is
//! made once, when the secret is made, and is known to nobody but as a secret output.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FieldRules, Object};
use crate::value::{Secret, Tree};

/// What a generated secret text looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerateSecretString {
    /// The fields of the JSON text beside the password.
    pub secret_string_template: BTreeMap<String, String>,
    /// The field that holds the password.
    pub generate_string_key: String,
    /// Characters of the password.
    pub password_length: u32,
    /// Whether each of lower case, upper case, digits and punctuation is in it.
    pub require_each_included_type: bool,
}

/// A secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretsManagerSecret {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its value.
    pub generate_secret_string: GenerateSecretString,
    /// Days in which a deleted secret can be restored; 0 deletes at once.
    pub recovery_window_in_days: u32,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

crate::outputs! {
    /// What the API gives back for a secret.
    pub struct SecretsManagerSecretOutputs of SecretsManagerSecret {
        /// Its ARN.
        ARN arn: String,
        /// Its name.
        NAME name: String = echo "name",
        /// The generated password.
        PASSWORD password: Secret = secret,
    }
}

impl Object for SecretsManagerSecret {
    const KIND: &'static str = "secretsmanager.secret";
    type Outputs = SecretsManagerSecretOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .replace(["name"])
            .recomputes("generate_secret_string.password_length", ["password"])
            // The value is never read back: who changes the password by hand keeps it.
            .write_only(["generate_secret_string", "recovery_window_in_days"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.name)]))
    }
}
