//! `IdentityProvider`: who may sign in to SkyPilot, as a Cognito user pool with its first administrator.
//!
//! Users are made by administrators. The first one is made here with a password that is generated into Secrets Manager and
//! is permanent, so that the credentials the platform gives out open the door.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::facts::partition_of;
use crate::graph::{LowerError, Lowering, Ready, Resource};
use crate::ids::{Region, UserPoolClientId, UserPoolId};
use crate::object::Tags;
use crate::object::cognito::{
    AdminCreateUserConfig, CognitoManagedLoginBranding, CognitoUser, CognitoUserPool, CognitoUserPoolClient,
    CognitoUserPoolDomain, UserAttribute,
};
use crate::object::secretsmanager::{GenerateSecretString, SecretsManagerSecret};
use crate::value::{Secret, Value};

/// Hexadecimal digits in the login domain.
const DOMAIN_DIGITS: usize = 10;
/// Characters of the first administrator's password.
const PASSWORD_LENGTH: u32 = 32;

/// The users of the API server.
#[derive(Debug, Clone)]
pub struct IdentityProvider {
    /// Name of the deployment, first part of every name.
    pub deployment: String,
    /// The region.
    pub region: Region,
    /// Host of the API server.
    pub host: String,
    /// Email of the first administrator.
    pub admin_email: String,
    /// Tags of what can carry them.
    pub tags: Tags,
}

/// What the API server and the people need.
#[derive(Debug, Clone)]
pub struct IdentityProviderOutputs {
    /// The OpenID Connect issuer.
    pub issuer: Value<String>,
    /// The API server's client id.
    pub client_id: Value<UserPoolClientId>,
    /// The API server's client secret.
    pub client_secret: Value<Secret>,
    /// Email of the first administrator.
    pub admin_username: Value<String>,
    /// Password of the first administrator.
    pub admin_password: Value<Secret>,
    /// Secret that holds both.
    pub admin_secret_arn: Value<String>,
    /// Users can sign in.
    pub ready: Ready,
}

impl Resource for IdentityProvider {
    const KIND: &'static str = "IdentityProvider";
    type Outputs = IdentityProviderOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<IdentityProviderOutputs, LowerError> {
        let pool = cx
            .object(
                "user-pool",
                CognitoUserPool {
                    pool_name: format!("{}-skypilot", self.deployment),
                    username_attributes: vec!["email".into()],
                    auto_verified_attributes: vec!["email".into()],
                    admin_create_user_config: AdminCreateUserConfig { allow_admin_create_user_only: true },
                    user_pool_tags: self.tags.clone(),
                },
            )
            .region(&self.region)
            .add()?;
        let pool_id = pool.output(CognitoUserPool::ID);
        let client = cx
            .object(
                "client",
                CognitoUserPoolClient {
                    user_pool_id: pool_id.clone(),
                    client_name: format!("{}-skypilot", self.deployment),
                    generate_secret: true,
                    allowed_o_auth_flows_user_pool_client: true,
                    allowed_o_auth_flows: vec!["code".into()],
                    allowed_o_auth_scopes: ["email", "openid", "profile"].map(str::to_owned).to_vec(),
                    callback_urls: vec![format!("https://{}/oauth2/callback", self.host)],
                    supported_identity_providers: vec!["COGNITO".into()],
                },
            )
            .region(&self.region)
            .add()?;
        let branding = cx
            .object(
                "login-branding",
                CognitoManagedLoginBranding {
                    user_pool_id: pool_id.clone(),
                    client_id: client.output(CognitoUserPoolClient::ID),
                    use_cognito_provided_values: true,
                },
            )
            .region(&self.region)
            .add()?;
        // Managed login shows nothing for a client without a branding, so the domain comes after it.
        let domain = cx
            .object(
                "domain",
                CognitoUserPoolDomain {
                    domain: domain_prefix(cx.account().as_str(), &self.deployment, &self.host),
                    user_pool_id: pool_id.clone(),
                    managed_login_version: 2,
                },
            )
            .region(&self.region)
            .after(&branding.ready())
            .add()?;
        let secret = cx.object("admin-secret", self.admin_secret()).region(&self.region).add()?;
        let admin = cx
            .object(
                "admin",
                CognitoUser {
                    user_pool_id: pool_id,
                    username: self.admin_email.clone(),
                    user_attributes: vec![
                        UserAttribute { name: "email".into(), value: self.admin_email.clone() },
                        UserAttribute { name: "email_verified".into(), value: "true".into() },
                    ],
                    message_action: "SUPPRESS".into(),
                    password: secret.output(SecretsManagerSecret::PASSWORD),
                    permanent: true,
                },
            )
            .region(&self.region)
            .add()?;
        Ok(IdentityProviderOutputs {
            issuer: issuer(&self.region, &pool.output(CognitoUserPool::ID)),
            client_id: client.output(CognitoUserPoolClient::ID),
            client_secret: client.output(CognitoUserPoolClient::SECRET),
            admin_username: admin.output(CognitoUser::USERNAME),
            admin_password: secret.output(SecretsManagerSecret::PASSWORD),
            admin_secret_arn: secret.output(SecretsManagerSecret::ARN),
            ready: client.ready().and(&domain.ready()),
        })
    }
}

impl IdentityProvider {
    fn admin_secret(&self) -> SecretsManagerSecret {
        SecretsManagerSecret {
            name: format!("{}/skypilot/admin", self.deployment),
            description: "First administrator of the SkyPilot API server".into(),
            generate_secret_string: GenerateSecretString {
                secret_string_template: BTreeMap::from([("username".into(), self.admin_email.clone())]),
                generate_string_key: "password".into(),
                password_length: PASSWORD_LENGTH,
                require_each_included_type: true,
            },
            recovery_window_in_days: 0,
            tags: self.tags.clone(),
        }
    }
}

/// Returns the OpenID Connect issuer of a pool's tokens.
fn issuer(region: &Region, pool: &Value<UserPoolId>) -> Value<String> {
    let suffix = if partition_of(region).as_str() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    Value::format([format!("https://cognito-idp.{region}.{suffix}/").as_str().into(), pool.into()])
}

/// Returns the login domain's first label: unique among all accounts of a region, and the same in every run.
fn domain_prefix(account: &str, deployment: &str, host: &str) -> String {
    let hash = hex::encode(Sha256::digest(format!("{account}/{deployment}/{host}").as_bytes()));
    let digits: String = hash.chars().take(DOMAIN_DIGITS).collect();
    format!("sp{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_domain_is_stable_and_told_apart_by_each_part() {
        let one = domain_prefix("123456789012", "sp-dev", "skypilot.example.com");
        assert_eq!(one, domain_prefix("123456789012", "sp-dev", "skypilot.example.com"));
        assert_eq!(one.len(), 12);
        assert_ne!(one, domain_prefix("210987654321", "sp-dev", "skypilot.example.com"));
        assert_ne!(one, domain_prefix("123456789012", "sp-prod", "skypilot.example.com"));
        assert_ne!(one, domain_prefix("123456789012", "sp-dev", "sky.example.com"));
    }
}
