//! `cognito.*`: a user pool with its client, login domain, login page and first user.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FieldRules, Object};
use crate::ids::{UserPoolClientId, UserPoolId};
use crate::value::{Secret, Tree, Value};

/// Who may make users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminCreateUserConfig {
    /// Whether users cannot sign themselves up.
    pub allow_admin_create_user_only: bool,
}

/// A user pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CognitoUserPool {
    /// Its name; two pools may share one.
    pub pool_name: String,
    /// Attributes that a user signs in with.
    pub username_attributes: Vec<String>,
    /// Attributes that Cognito verifies.
    pub auto_verified_attributes: Vec<String>,
    /// Who may make users.
    pub admin_create_user_config: AdminCreateUserConfig,
    /// Its tags.
    pub user_pool_tags: BTreeMap<String, String>,
}

crate::outputs! {
    /// What the API gives back for a user pool.
    pub struct CognitoUserPoolOutputs of CognitoUserPool {
        /// Its id, such as `us-west-2_AbCdEfGhI`.
        ID id: UserPoolId,
    }
}

impl Object for CognitoUserPool {
    const KIND: &'static str = "cognito.user_pool";
    type Outputs = CognitoUserPoolOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .replace(["username_attributes"])
            .sets(["username_attributes", "auto_verified_attributes"])
    }
}

/// An application that users of a pool sign in to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CognitoUserPoolClient {
    /// The pool.
    pub user_pool_id: Value<UserPoolId>,
    /// Its name; two clients may share one.
    pub client_name: String,
    /// Whether it has a secret.
    pub generate_secret: bool,
    /// Whether the OAuth settings below hold.
    pub allowed_o_auth_flows_user_pool_client: bool,
    /// OAuth flows, such as `code`.
    pub allowed_o_auth_flows: Vec<String>,
    /// OAuth scopes.
    pub allowed_o_auth_scopes: Vec<String>,
    /// Where users may be sent after they signed in.
    pub callback_urls: Vec<String>,
    /// Identity providers that it is made with.
    pub supported_identity_providers: Vec<String>,
}

crate::outputs! {
    /// What the API gives back for a client.
    pub struct CognitoUserPoolClientOutputs of CognitoUserPoolClient {
        /// Its id.
        ID id: UserPoolClientId,
        /// Its secret.
        SECRET secret: Secret = secret,
    }
}

impl Object for CognitoUserPoolClient {
    const KIND: &'static str = "cognito.user_pool_client";
    type Outputs = CognitoUserPoolClientOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .parents(["user_pool_id"])
            .replace(["generate_secret"])
            .sets([
                "allowed_o_auth_flows",
                "allowed_o_auth_scopes",
                "callback_urls",
                "supported_identity_providers",
            ])
            // Compared with what was sent alone: a provider that an administrator adds by hand is no drift.
            .write_only(["supported_identity_providers"])
    }
}

/// The look of a client's login page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CognitoManagedLoginBranding {
    /// The pool.
    pub user_pool_id: Value<UserPoolId>,
    /// The client.
    pub client_id: Value<UserPoolClientId>,
    /// Whether Cognito's own style is used.
    pub use_cognito_provided_values: bool,
}

crate::outputs! {
    /// What the API gives back for a branding.
    pub struct CognitoManagedLoginBrandingOutputs of CognitoManagedLoginBranding {
        /// Its id.
        ID id: String,
    }
}

impl Object for CognitoManagedLoginBranding {
    const KIND: &'static str = "cognito.managed_login_branding";
    type Outputs = CognitoManagedLoginBrandingOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().parents(["user_pool_id", "client_id"])
    }

    /// A client has one branding.
    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.user_pool_id.as_text()), (self.client_id.as_text())]))
    }
}

/// The domain of a pool's login pages, below Cognito's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CognitoUserPoolDomain {
    /// The first label of the domain, unique in a region among all accounts.
    pub domain: String,
    /// The pool.
    pub user_pool_id: Value<UserPoolId>,
    /// 1 for the old hosted pages, 2 for managed login.
    pub managed_login_version: u32,
}

crate::outputs! {
    /// What the API gives back for a domain.
    pub struct CognitoUserPoolDomainOutputs of CognitoUserPoolDomain {
        /// The first label of the domain.
        DOMAIN domain: String = echo "domain",
    }
}

impl Object for CognitoUserPoolDomain {
    const KIND: &'static str = "cognito.user_pool_domain";
    type Outputs = CognitoUserPoolDomainOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["domain"]).parents(["user_pool_id"])
    }

    /// A pool has one domain of this kind.
    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.user_pool_id.as_text())]))
    }
}

/// One attribute of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserAttribute {
    /// Its name, such as `email`.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A user, made with a permanent password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CognitoUser {
    /// The pool.
    pub user_pool_id: Value<UserPoolId>,
    /// The name to sign in with.
    pub username: String,
    /// The attributes.
    pub user_attributes: Vec<UserAttribute>,
    /// `SUPPRESS` sends no message.
    pub message_action: String,
    /// The password.
    pub password: Value<Secret>,
    /// Whether the password need not be changed at the first sign-in.
    pub permanent: bool,
}

crate::outputs! {
    /// What the API gives back for a user.
    pub struct CognitoUserOutputs of CognitoUser {
        /// The name to sign in with.
        USERNAME username: String = echo "username",
    }
}

impl Object for CognitoUser {
    const KIND: &'static str = "cognito.user";
    type Outputs = CognitoUserOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .parents(["user_pool_id"])
            .replace(["username"])
            .sets(["user_attributes"])
            .write_only(["message_action", "password", "permanent"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(crate::tree!([(self.user_pool_id.as_text()), (self.username)]))
    }
}
