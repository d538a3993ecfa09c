//! Helm releases, and the configuration of the SkyPilot server that one of them brings.
//!
//! What a killed install leaves is a release in `pending-install` that nobody works at. An executor may not report it as
//! made, since it does not work, nor as not there, since a destroy would then leave it behind. So `find` (and `create` with
//! the same uid) does what a person would: it clears the remains away and installs the release again, with the chart and the
//! values that the release itself remembers; `delete` uninstalls it as it is. Anybody else who wants the name hears that
//! `another operation (install/upgrade/rollback) is in progress`.

use skyplat_core::executor::{ErrorKind, ExecError};
use skyplat_core::object::ObjectKind;

use super::error::invalid;
use super::{Call, Made, Rules, k8s};
use crate::crds;
use crate::world::Thing;

/// The rules of Helm and of the SkyPilot server.
#[derive(Debug)]
pub(super) struct Helm;

impl Rules for Helm {
    fn judges(&self, kind: &ObjectKind) -> bool {
        ["helm", "skypilot"].contains(&kind.service())
    }

    fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
        check(call)
    }

    fn check_update(&self, call: &Call<'_>, _: &Thing) -> Result<(), ExecError> {
        check(call)
    }

    fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
        Ok(make(call))
    }

    /// Helm is a program of ours, not a service: a release whose install was cut off is `pending-install` until somebody
    /// clears it away (helm/helm#10323), and Helm itself would refuse to go on with it.
    fn is_done_by_the_caller(&self, kind: &ObjectKind) -> bool {
        kind.as_str() == "helm.release"
    }
}

/// Judges a release, or definitions that are applied alone.
fn check(call: &Call<'_>) -> Result<(), ExecError> {
    if call.kind() == "skypilot.config" {
        return check_config(call);
    }
    if call.container.is_none() {
        return Err(ExecError::new(ErrorKind::Invalid, "a release is inside of a cluster"));
    }
    let chart = call.text("chart");
    let name = chart.rsplit('/').next().unwrap_or_default();
    // https://helm.sh/docs/helm/helm_install/: Helm must find the chart, by an oci:// address, or by name in a repository.
    if !call.catalogue.charts.contains(name) {
        let message = format!("chart {chart:?} not found");
        return Err(invalid("ChartNotFound", message).hint("add it to the catalogue of the simulated cloud"));
    }
    if chart.starts_with("oci://") == call.text("repository").starts_with("https://") {
        return Err(invalid("ChartNotFound", format!("{chart:?} needs an oci:// address or a repository")));
    }
    if call.text("version").is_empty() {
        return Err(invalid("ChartNotFound", format!("no version of {chart} is named")));
    }
    if call.kind() != "helm.release" {
        return Ok(());
    }
    // https://helm.sh/docs/helm/helm_install/: without --create-namespace the namespace is there.
    k8s::namespace(call, call.text("namespace"))?;
    let release = call.text("name");
    // helm/helm pkg/chartutil/validate_name.go: 1 to 53 characters of DNS.
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_label = |label: &str| {
        label.starts_with(is_end) && label.ends_with(is_end) && label.chars().all(|c| is_end(c) || c == '-')
    };
    if release.len() > 53 || !release.split('.').all(is_label) {
        return Err(invalid("InvalidReleaseName", format!("{release:?} is no name of a release")));
    }
    Ok(())
}

/// The server must be installed before it can be configured: it takes its configuration over its own API, `POST
/// /workspaces/config`.
fn check_config(call: &Call<'_>) -> Result<(), ExecError> {
    if server(call).is_some() {
        return Ok(());
    }
    let release = call.text("release");
    let message = format!("there is no SkyPilot server: no release {release} of the chart skypilot");
    Err(ExecError::new(ErrorKind::NotYetVisible, message))
}

fn server<'a>(call: &Call<'a>) -> Option<&'a Thing> {
    let cluster = call.container?;
    call.world.of_kind("helm.release").find(|thing| {
        thing.lives_in.contains(&cluster.uid)
            && thing.is_active()
            && crds::chart(thing) == "skypilot"
            && thing.text("namespace") == Some(call.text("namespace"))
            && thing.text("name") == Some(call.text("release"))
    })
}

/// Makes a release, definitions, or a configuration.
fn make(call: &Call<'_>) -> Made {
    let namespace = call.text("namespace");
    let namespace_thing =
        call.container.and_then(|cluster| k8s::lookup(call.world, cluster, "Namespace", None, namespace));
    match call.kind() {
        "helm.release" => Made::new(call, format!("{namespace}/{}", call.text("name")))
            .repeat(&["name", "namespace"])
            .inside(namespace_thing),
        "helm.crds" => Made::new(call, call.text("chart")),
        "skypilot.config" => {
            Made::new(call, format!("{namespace}/{}", call.text("release"))).inside(server(call))
        }
        _ => Made::generic(call),
    }
}
