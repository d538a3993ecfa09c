//! `iam.oidc_provider`: a cluster's issuer, trusted by the account.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::OidcProviderArn;
use crate::object::{FieldRules, Object, Tags};
use crate::value::{Tree, Value};

/// An OpenID Connect provider. It has no thumbprint: IAM checks the issuers of EKS by their certificates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IamOidcProvider {
    /// The issuer, with `https://`.
    pub url: Value<String>,
    /// The audiences that tokens may have.
    pub client_id_list: Vec<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for a provider.
    pub struct IamOidcProviderOutputs of IamOidcProvider {
        /// Its ARN.
        ARN arn: OidcProviderArn,
        /// The issuer.
        URL url: String = echo "url",
    }
}

impl Object for IamOidcProvider {
    const KIND: &'static str = "iam.oidc_provider";
    type Outputs = IamOidcProviderOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["url"]).sets(["client_id_list"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.url)]))
    }
}
