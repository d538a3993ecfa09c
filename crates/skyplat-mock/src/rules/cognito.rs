//! Cognito: user pools with clients, domains, brandings and users.

use skyplat_core::executor::{ErrorKind, ExecError};
use skyplat_core::object::ObjectKind;
use skyplat_core::value::Tree;

use super::error::{in_use, invalid};
use super::{Call, Made, Rules};
use crate::world::{Thing, World};

/// The rules of Cognito.
#[derive(Debug)]
pub(super) struct Cognito;

impl Rules for Cognito {
    fn judges(&self, kind: &ObjectKind) -> bool {
        kind.service() == "cognito"
    }

    fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
        check(call)
    }

    fn check_update(&self, call: &Call<'_>, _: &Thing) -> Result<(), ExecError> {
        check(call)
    }

    fn check_delete(&self, world: &World, thing: &Thing) -> Result<(), ExecError> {
        check_delete(world, thing)
    }

    fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
        Ok(make(call))
    }
}

/// Judges the inputs of an object of Cognito.
fn check(call: &Call<'_>) -> Result<(), ExecError> {
    match call.kind() {
        "cognito.user_pool_domain" => domain(call),
        "cognito.user_pool_client" => client(call),
        "cognito.managed_login_branding" => branding(call),
        "cognito.user" => user(call),
        _ => Ok(()),
    }
}

fn refuse(why: impl Into<String>) -> Result<(), ExecError> {
    Err(invalid("InvalidParameterException", why))
}

/// CreateUserPoolDomain; <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html>:
/// lower-case letters, digits and inner hyphens, no AWS brand in it, and nobody's yet. A pool has one prefix.
fn domain(call: &Call<'_>) -> Result<(), ExecError> {
    let domain = call.text("domain");
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_plain = (1..=63).contains(&domain.len())
        && domain.chars().all(known)
        && !domain.starts_with('-')
        && !domain.ends_with('-');
    if !is_plain || ["aws", "amazon", "cognito"].iter().any(|brand| domain.contains(brand)) {
        return refuse(format!("{domain:?} is no domain prefix"));
    }
    let taken =
        |why: String| Err(ExecError::new(ErrorKind::AlreadyExists, why).code("InvalidParameterException"));
    let pool = call.text("user_pool_id");
    for other in call.others("cognito.user_pool_domain") {
        if other.text("domain") == Some(domain) {
            return taken(format!("Domain already associated with another user pool: {domain}"));
        }
        if other.text("user_pool_id") == Some(pool) {
            return taken(format!("{pool} already has the domain {}", other.id));
        }
    }
    Ok(())
}

/// CreateUserPoolClient: OAuth needs flows, scopes and, for its redirects, addresses with TLS.
fn client(call: &Call<'_>) -> Result<(), ExecError> {
    let (flows, scopes) = (call.texts("allowed_o_auth_flows"), call.texts("allowed_o_auth_scopes"));
    if let Some(flow) = flows.iter().find(|flow| !["code", "implicit", "client_credentials"].contains(flow)) {
        return Err(invalid("InvalidOAuthFlowException", format!("there is no flow {flow:?}")));
    }
    let callbacks = call.texts("callback_urls");
    for url in &callbacks {
        let is_local = url.starts_with("http://localhost");
        let is_web = url.starts_with("http://") && !is_local;
        if !url.contains("://") || is_web || url.contains('#') {
            return refuse(format!("{url:?} is no address to be sent back to"));
        }
    }
    if call.flag("allowed_o_auth_flows_user_pool_client") != Some(true) {
        return Ok(());
    }
    if flows.is_empty() || scopes.is_empty() {
        return refuse(
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows.",
        );
    }
    if (flows.contains(&"code") || flows.contains(&"implicit")) && callbacks.is_empty() {
        return refuse(
            "CallbackURLs can not be empty when authorization code or implicit grants are selected.",
        );
    }
    Ok(())
}

/// CreateManagedLoginBranding: a client of the pool has one.
fn branding(call: &Call<'_>) -> Result<(), ExecError> {
    let id = call.text("client_id");
    let client = call.find("cognito.user_pool_client", id);
    if client.and_then(|client| client.text("user_pool_id")) != Some(call.text("user_pool_id")) {
        return Err(invalid("ResourceNotFoundException", format!("{id} is no client of the pool")));
    }
    match call.others("cognito.managed_login_branding").find(|other| other.text("client_id") == Some(id)) {
        None => Ok(()),
        Some(other) => {
            Err(ExecError::new(ErrorKind::AlreadyExists, format!("{id} already has {}", other.id))
                .code("ManagedLoginBrandingExistsException"))
        }
    }
}

/// AdminCreateUser, AdminSetUserPassword: a pool that people sign in to by email takes nothing else as a name, and the
/// default policy of passwords holds: eight characters, one of each sort
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html>).
fn user(call: &Call<'_>) -> Result<(), ExecError> {
    let pool = call.find("cognito.user_pool", call.text("user_pool_id"));
    let by_email =
        pool.is_some_and(|pool| super::texts(&pool.inputs, "username_attributes").contains(&"email"));
    if by_email && !call.text("username").contains('@') {
        return refuse("the username should be an email");
    }
    let Some(Tree::Secret(password)) = call.object.inputs.get("password") else { return Ok(()) };
    let password = password.expose();
    let has = |is: fn(char) -> bool| password.chars().any(is);
    let is_sound = password.chars().count() >= 8
        && has(|c| c.is_ascii_lowercase())
        && has(|c| c.is_ascii_uppercase())
        && has(|c| c.is_ascii_digit())
        && has(|c| c.is_ascii_punctuation());
    if is_sound {
        return Ok(());
    }
    Err(invalid("InvalidPasswordException", "Password does not conform to policy"))
}

/// Makes an object of Cognito.
fn make(call: &Call<'_>) -> Made {
    let names = call.names();
    let pool = call.find("cognito.user_pool", call.text("user_pool_id"));
    match call.kind() {
        "cognito.user_pool" => {
            let region = call.region();
            let id = format!("{region}_{}", names.alphanumeric("id", 9));
            Made::new(call, id.clone())
                .output("arn", call.arn("cognito-idp", &format!("userpool/{id}")))
                .output("issuer", format!("https://cognito-idp.{region}.amazonaws.com/{id}"))
                .output("id", id)
        }
        "cognito.user_pool_client" => {
            let id = names.alphanumeric("id", 26).to_ascii_lowercase();
            Made::new(call, id.clone())
                .output("id", id)
                .output("secret", Tree::Secret(names.secret("secret", 52)))
                .inside(pool)
        }
        "cognito.managed_login_branding" => {
            let id = names.uuid("id");
            let client = call.find("cognito.user_pool_client", call.text("client_id"));
            Made::new(call, id.clone()).output("id", id).inside(client)
        }
        "cognito.user_pool_domain" => Made::new(call, call.text("domain")).repeat(&["domain"]),
        "cognito.user" => Made::new(call, call.text("username")).repeat(&["username"]).inside(pool),
        _ => Made::generic(call),
    }
}

/// DeleteUserPool: one with a domain stays.
fn check_delete(world: &World, thing: &Thing) -> Result<(), ExecError> {
    let mut domains = world.of_kind("cognito.user_pool_domain");
    match domains.find(|domain| domain.text("user_pool_id") == Some(&thing.id)) {
        Some(domain) if thing.kind.as_str() == "cognito.user_pool" => Err(in_use(
            "InvalidParameterException",
            format!("{} still has the domain {}", thing.id, domain.id),
        )),
        _ => Ok(()),
    }
}
