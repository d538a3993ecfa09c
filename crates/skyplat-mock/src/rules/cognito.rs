//! Cognito: user pools with clients, domains, brandings and users.

use skyplat_core::executor::ExecError;
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
    let domain = call.text("domain");
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    // A prefix of Cognito's own domain may not name AWS's brands.
    let reserved = ["aws", "amazon", "cognito"].iter().any(|brand| domain.contains(brand));
    if call.kind() == "cognito.user_pool_domain"
        && (domain.is_empty() || domain.len() > 63 || !domain.chars().all(known) || reserved)
    {
        return Err(invalid("InvalidParameterException", format!("{domain:?} is no domain prefix")));
    }
    // A pool that people sign in to by email takes nothing else as a name.
    if call.kind() == "cognito.user" && !call.text("username").contains('@') {
        let pool = call.find("cognito.user_pool", call.text("user_pool_id"));
        let by_email =
            pool.is_some_and(|pool| super::texts(&pool.inputs, "username_attributes").contains(&"email"));
        if by_email {
            return Err(invalid("InvalidParameterException", "the username should be an email"));
        }
    }
    Ok(())
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

/// A pool with a domain stays.
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
