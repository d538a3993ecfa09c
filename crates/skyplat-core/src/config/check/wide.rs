//! Defaults that are wider than everyone wants: said once each, never refused.

use super::syntax::host_name;
use super::{Finding, Findings, region_views};
use crate::config::code::Code;
use crate::config::location::{item_path, key_path};
use crate::config::model::{DataPlane, PlatformConfig, Shape};
use crate::config::regions::partition_of;
use crate::config::report::sentence;
use crate::config::words::{Endpoint, UserRole};

/// Warns of every way in which the configuration is open by default.
pub(super) fn check_wide_defaults(config: &PlatformConfig, findings: &mut Findings<'_>) {
    open_endpoints(config, findings);
    let Shape::HubAndSpoke { hub, .. } = &config.shape else { return };
    if hub.tailscale.is_none() && findings.is_sound("hub.tailscale") {
        findings.add(
            Finding::warning(
                Code::NoWayIn,
                "hub.tailscale",
                "without `tailscale` nothing leads from outside to the API server, which is in a private network",
            )
            .hint("add `tailscale:` with `oauth_secret_arn`, or connect the hub's VPC in another way"),
        );
    }
    let host = "hub.skypilot.ingress_host";
    if hub.skypilot.admin_email.is_none()
        && findings.is_sound("hub.skypilot.admin_email")
        && findings.is_sound(host)
        && host_name(&hub.skypilot.ingress_host).is_ok()
    {
        let message = format!("the first administrator's email is made up: {}", hub.skypilot.admin_email());
        findings.add(
            Finding::warning(Code::DefaultAdminEmail, "hub.skypilot.admin_email", message)
                .hint("set `admin_email`, so that a forgotten password can be reset by mail"),
        );
    }
    if hub.skypilot.default_user_role == UserRole::Admin
        && findings.is_sound("hub.skypilot.default_user_role")
    {
        findings.add(
            Finding::warning(
                Code::AdminByDefault,
                "hub.skypilot.default_user_role",
                "users who are given no role are administrators, and see every tenant",
            )
            .hint("set `default_user_role: user`"),
        );
    }
    tenants(
        config,
        Code::OpenWorkspace,
        |tenant| tenant.allowed_users.is_none(),
        "allowed_users",
        ("lets every user in", "let every user in"),
        "list the emails of its users under `allowed_users`",
        findings,
    );
    tenants(
        config,
        Code::WideTenantPolicies,
        |tenant| tenant.policies.is_none() && tenant.user_role_arn.is_none(),
        "policies",
        (
            "gets the default policies: all of S3, and read of all container images",
            "get the default policies: all of S3, and read of all container images",
        ),
        "list narrower ones under `policies`, or bring a role with `user_role_arn`",
        findings,
    );
}

/// Warns once of all tenants that leave a setting at its wide default.
fn tenants(
    config: &PlatformConfig,
    code: Code,
    is_wide: fn(&DataPlane) -> bool,
    key: &str,
    (one, many): (&str, &str),
    hint: &str,
    findings: &mut Findings<'_>,
) {
    let mut wide: Vec<(String, String)> = Vec::new();
    for view in region_views(config) {
        let list = view.path_of("skypilot.data_planes");
        for (at, tenant) in view.cluster.data_planes.iter().enumerate() {
            let path = item_path(&list, at);
            let name = key_path(&path, "name");
            if is_wide(tenant) && findings.is_sound(&key_path(&path, key)) && findings.is_sound(&name) {
                wide.push((name, tenant.name.clone()));
            }
        }
    }
    let Some((first, _)) = wide.first() else { return };
    let names = distinct(&wide);
    let message = match names.as_slice() {
        [name] => format!("the data plane {name} {one}"),
        names => format!("the data planes {} {many}", sentence(names, "and")),
    };
    let mut finding = Finding::warning(code, first, message).hint(hint);
    for (path, _) in &wide[1..] {
        finding = finding.related(path, "this one too");
    }
    findings.add(finding);
}

/// The names of what was found, each once.
fn distinct(found: &[(String, String)]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for (_, name) in found {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

/// Warns once of all Kubernetes endpoints that the whole world may reach.
fn open_endpoints(config: &PlatformConfig, findings: &mut Findings<'_>) {
    let open: Vec<(String, String)> = region_views(config)
        .iter()
        .filter(|view| {
            view.cluster.endpoint == Endpoint::Public
                && view.cluster.public_access_cidrs.iter().any(|range| range.prefix() == 0)
                && partition_of(view.cluster.region).is_some()
                && findings.is_sound(&view.path_of("endpoint"))
                && findings.is_sound(&view.path_of("public_access_cidrs"))
                && findings.is_sound("public_access_cidrs")
                && findings.is_sound("endpoint")
        })
        .map(|view| {
            let own = view.own.is_some_and(|own| own.public_access_cidrs.is_some());
            let given = view.inherited_path("public_access_cidrs", own);
            let path = if findings.locations.is_given(&given) { given } else { view.path_of("region") };
            (path, view.cluster.region.to_string())
        })
        .collect();
    let Some((first, _)) = open.first() else { return };
    let names = distinct(&open);
    let message = match names.as_slice() {
        [name] => format!("the Kubernetes endpoint in {name} is open to the whole world"),
        names => {
            format!("the Kubernetes endpoints in {} are open to the whole world", sentence(names, "and"))
        }
    };
    findings.add(
        Finding::warning(Code::OpenEndpoint, first, message)
            .hint("list who may connect under `public_access_cidrs`, or set `endpoint: private`"),
    );
}
