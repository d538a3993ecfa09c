//! What lookups find: things in the account that no stack made.

use skyplat_core::executor::{ErrorKind, ExecError, OutputMap};
use skyplat_core::tree;
use skyplat_core::value::{Secret, Tree};

use crate::crds;
use crate::names::Names;
use crate::rules::Call;

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

/// An Ingress of the SkyPilot chart has a load balancer when the load balancer controller is there.
fn ingress(call: &Call<'_>) -> OutputMap {
    let namespace = call.text("namespace");
    let release = |chart: &str| {
        call.world.of_kind("helm.release").find(|thing| {
            crds::chart(thing) == chart
                && thing.is_active()
                && call.container.is_some_and(|cluster| thing.lives_in.contains(&cluster.uid))
        })
    };
    let server = release("skypilot").filter(|thing| thing.text("namespace") == Some(namespace));
    let hostname = match (server, release("aws-load-balancer-controller")) {
        (Some(server), Some(_)) => {
            let names = Names::new(call.world.seed(), &server.uid);
            let digits = names.of("load balancer", b"0123456789", 10);
            let short =
                |text: &str| text.chars().filter(char::is_ascii_alphanumeric).take(8).collect::<String>();
            format!(
                "internal-k8s-{}-{}-{}-{digits}.{}.elb.amazonaws.com",
                short(namespace),
                short(call.text("name")),
                names.hex("load balancer", 10),
                call.region()
            )
        }
        _ => String::new(),
    };
    OutputMap::from([
        ("ready".to_owned(), tree!((!hostname.is_empty()))),
        ("hostname".to_owned(), tree!(hostname)),
    ])
}
