//! Who may reach the clusters' Kubernetes endpoints.

use super::{Finding, Findings, region_views};
use crate::config::addresses::{PRIVATE_RANGES, RESERVED_RANGES};
use crate::config::code::Code;
use crate::config::location::item_path;
use crate::config::model::{Endpoint, PlatformConfig};
use crate::ids::Cidr;

/// Checks each list of ranges: the platform's, and the regions' own.
pub(super) fn check_access(config: &PlatformConfig, findings: &mut Findings<'_>) {
    check_ranges(&config.public_access_cidrs, "public_access_cidrs", findings);
    for view in region_views(config) {
        let own = view.own.and_then(|own| own.public_access_cidrs.as_ref());
        let path = view.inherited_path("public_access_cidrs", own.is_some());
        if let Some(ranges) = own {
            check_ranges(ranges, &path, findings);
        }
        if view.cluster.endpoint == Endpoint::Private
            && findings.locations.is_given(&path)
            && (own.is_some() || config.endpoint == Endpoint::Private)
        {
            let message =
                format!("`public_access_cidrs` has no effect: the endpoint of {} is private", view.title());
            findings.add(
                Finding::warning(Code::NoEffect, path, message)
                    .on_key()
                    .hint("remove it, or set `endpoint: public`"),
            );
            if own.is_none() {
                break;
            }
        }
    }
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
