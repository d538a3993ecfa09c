//! What lookups find: things in the account that no stack made.

use skyplat_core::executor::{ErrorKind, ExecError, OutputMap};
use skyplat_core::tree;
use skyplat_core::value::{Secret, Tree};

use crate::controllers;
use crate::rules::{Call, lookup};

/// Answers a lookup.
pub(crate) fn answer(call: &Call<'_>) -> Result<OutputMap, ExecError> {
    match call.kind() {
        "lookup.secret" => secret(call),
        "lookup.ingress" => Ok(ingress(call)),
        other => Err(ExecError::new(
            ErrorKind::Invalid,
            format!("the simulated cloud does not know what a {other} finds"),
        )),
    }
}

/// Every secret of the right service exists, with both keys.
fn secret(call: &Call<'_>) -> Result<OutputMap, ExecError> {
    let arn = call.text("secret_id");
    if !call.is_placeholder("secret_id") && arn.split(':').nth(2) != Some("secretsmanager") {
        let message = format!("{arn:?} is no ARN of a secret");
        return Err(ExecError::new(ErrorKind::Invalid, message).code("ResourceNotFoundException"));
    }
    let names = call.names();
    let outputs = [
        ("client_id", names.alphanumeric(&format!("{arn} id"), 17)),
        ("client_secret", format!("tskey-client-{}", names.alphanumeric(&format!("{arn} secret"), 40))),
    ];
    Ok(outputs.into_iter().map(|(name, text)| (name.to_owned(), Tree::Secret(Secret::new(text)))).collect())
}

/// An Ingress shows the host name of its load balancer once that works.
fn ingress(call: &Call<'_>) -> OutputMap {
    let (namespace, name) = (call.text("namespace"), call.text("name"));
    let found =
        call.container.and_then(|cluster| lookup(call.world, cluster, "Ingress", Some(namespace), name));
    let balancer = found.and_then(|ingress| controllers::of_ingress(call.world, ingress));
    let hostname = balancer.and_then(|balancer| balancer.output("dns_name")).unwrap_or_default();
    OutputMap::from([
        ("ready".to_owned(), tree!((!hostname.is_empty()))),
        ("hostname".to_owned(), tree!(hostname)),
    ])
}
