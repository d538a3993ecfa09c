//! Who may reach the clusters' Kubernetes endpoints.

use super::{Finding, Findings, region_views};
use crate::config::addresses::{PRIVATE_RANGES, RESERVED_RANGES};
use crate::config::code::Code;
use crate::config::location::item_path;
use crate::config::model::PlatformConfig;
use crate::config::words::Endpoint;
use crate::ids::Cidr;

/// Checks each list of ranges: the platform's, and the regions' own.
pub(super) fn check_access(config: &PlatformConfig, findings: &mut Findings<'_>) {
    const KEY: &str = "public_access_cidrs";
    check_ranges(&config.public_access_cidrs, KEY, findings);
    let (own, inherited): (Vec<_>, Vec<_>) = region_views(config)
        .into_iter()
        .partition(|view| view.own.is_some_and(|own| own.public_access_cidrs.is_some()));
    for view in &own {
        let path = view.path_of(KEY);
        check_ranges(view.cluster.public_access_cidrs, &path, findings);
        if view.cluster.endpoint == Endpoint::Private {
            let message = format!("`{KEY}` has no effect: the endpoint of {} is private", view.title());
            findings.add(no_effect(path, message));
        }
    }
    if findings.locations.is_given(KEY)
        && inherited.iter().all(|view| view.cluster.endpoint == Endpoint::Private)
    {
        let message = format!("`{KEY}` has no effect: no region with a public endpoint takes it");
        findings.add(no_effect(KEY, message));
    }
}

fn no_effect(path: impl Into<String>, message: String) -> Finding {
    Finding::warning(Code::NoEffect, path, message).on_key().hint("remove it, or set `endpoint: public`")
}

fn check_ranges(ranges: &[Cidr], path: &str, findings: &mut Findings<'_>) {
    if ranges.is_empty() && !findings.locations.is_partial(path) {
        findings.add(
            Finding::error(
                Code::EmptyList,
                path,
                "`public_access_cidrs` is empty, which EKS takes as the whole world",
            )
            .hint("list who may connect, such as [203.0.113.0/24], or set `endpoint: private`"),
        );
    }
    for (at, range) in ranges.iter().enumerate() {
        let unroutable = |inner: &Cidr| inner.contains(range);
        if PRIVATE_RANGES.iter().any(unroutable) || RESERVED_RANGES.iter().any(|(inner, _)| unroutable(inner))
        {
            let message = format!("{range} is a private range: nobody reaches a public endpoint from it");
            findings.add(
                Finding::error(Code::BadPublicAccess, item_path(path, at), message)
                    .hint("list the public addresses of your offices or VPN; inside the VPCs the endpoint is open anyway"),
            );
        }
    }
}
