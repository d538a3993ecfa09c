//! ARNs: the start must fit the field, the rest must look right.
//!
//! The start (`arn:<partition>:<service>:<region>`) is known from the field and the hub's region; a wrong one is an
//! error. The rest is only the cloud's to judge: when it looks odd that is a warning.

use super::syntax::is_placeholder;
use super::{Finding, Findings, region_views};
use crate::config::code::Code;
use crate::config::location::{item_path, key_path};
use crate::config::model::{PlatformConfig, Shape};
use crate::config::regions::partition_of;
use crate::config::report::quoted;
use crate::ids::Region;

/// What the ARN of a field must be.
#[derive(Debug, Clone, Copy)]
struct Expected<'a> {
    service: &'static str,
    /// The region it must be in; empty for a global service.
    region: &'a str,
    /// How its last part begins.
    resource: &'static str,
    /// What it names, in words.
    what: &'static str,
    example: &'static str,
}

const ROLE: Expected<'static> = Expected {
    service: "iam",
    region: "",
    resource: "role/",
    what: "an IAM role",
    example: "arn:aws:iam::123456789012:role/name",
};
const POLICY: Expected<'static> = Expected {
    service: "iam",
    region: "",
    resource: "policy/",
    what: "an IAM policy",
    example: "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
};

/// Checks every ARN of the configuration.
pub(super) fn check_arns(config: &PlatformConfig, findings: &mut Findings<'_>) {
    let views = region_views(config);
    let first = views.iter().find(|view| findings.is_sound(&view.path_of("region")));
    let cx = Context {
        config,
        partition: first.and_then(|view| partition_of(view.cluster.region)).map(|p| p.as_str().to_owned()),
    };
    if let Shape::HubAndSpoke { hub, .. } = &config.shape {
        let region = if findings.is_sound("hub.region") && partition_of(&hub.base.region).is_some() {
            hub.base.region.clone()
        } else {
            Region::new("")
        };
        let certificate = Expected {
            service: "acm",
            region: region.as_str(),
            resource: "certificate/",
            what: "an ACM certificate",
            example: "arn:aws:acm:us-west-2:123456789012:certificate/…",
        };
        let secret = Expected {
            service: "secretsmanager",
            region: region.as_str(),
            resource: "secret:",
            what: "a Secrets Manager secret",
            example: "arn:aws:secretsmanager:us-west-2:123456789012:secret:…",
        };
        cx.check(
            &hub.skypilot.ingress_ssl_cert_arn,
            "hub.skypilot.ingress_ssl_cert_arn",
            certificate,
            findings,
        );
        if let Some(tailscale) = &hub.tailscale {
            cx.check(&tailscale.oauth_secret_arn, "hub.tailscale.oauth_secret_arn", secret, findings);
        }
    }
    cx.check_list(&config.cluster_admins, "cluster_admins", ROLE, findings);
    if let Some(boundary) = &config.iam.permissions_boundary_arn {
        cx.check(boundary, "iam.permissions_boundary_arn", POLICY, findings);
    }
    for view in &views {
        if let Some(admins) = view.own.and_then(|own| own.cluster_admins.as_ref()) {
            cx.check_list(admins, &view.path_of("cluster_admins"), ROLE, findings);
        }
        for (at, tenant) in view.cluster.data_planes.iter().enumerate() {
            let path = item_path(&view.path_of("skypilot.data_planes"), at);
            if let Some(role) = &tenant.user_role_arn {
                cx.check(role, &key_path(&path, "user_role_arn"), ROLE, findings);
            }
            if let Some(policies) = &tenant.policies {
                cx.check_list(policies, &key_path(&path, "policies"), POLICY, findings);
            }
        }
    }
}

struct Context<'a> {
    config: &'a PlatformConfig,
    partition: Option<String>,
}

impl Context<'_> {
    fn check_list(&self, arns: &[String], path: &str, expected: Expected<'_>, findings: &mut Findings<'_>) {
        for (at, arn) in arns.iter().enumerate() {
            let item = item_path(path, at);
            self.check(arn, &item, expected, findings);
            if arns[..at].contains(arn) {
                findings.add(
                    Finding::warning(Code::NoEffect, item, format!("{} is listed twice", quoted(arn)))
                        .hint("remove one of the two"),
                );
            }
        }
    }

    fn check(&self, arn: &str, path: &str, expected: Expected<'_>, findings: &mut Findings<'_>) {
        if !findings.is_sound(path) {
            return;
        }
        let placeholder = is_placeholder(arn);
        if let Some((message, hint)) = self.start_fault(arn, expected)
            && (!placeholder || arn.starts_with("arn:"))
        {
            findings.add(Finding::error(Code::BadArn, path, message).hint(hint));
            return;
        }
        if placeholder {
            let severity = findings.placeholder_severity();
            let message = format!("{} is still to be filled in", quoted(arn));
            let hint = format!("put the ARN of {} here, such as {}", expected.what, expected.example);
            findings.add(Finding::new(severity, Code::Placeholder, path, message).hint(hint));
            return;
        }
        if let Some((message, hint)) = self.rest_fault(arn, expected) {
            findings.add(Finding::warning(Code::SuspiciousArn, path, message).hint(hint));
        }
    }

    /// What is wrong with the part that is known from the configuration.
    fn start_fault(&self, arn: &str, expected: Expected<'_>) -> Option<(String, String)> {
        let Expected { service, region, what, example, .. } = expected;
        let shown = quoted(arn);
        let like = format!("write the ARN of {what}, such as {example}");
        if arn.trim() != arn {
            return Some((format!("{shown} has blanks around it"), "remove them".into()));
        }
        let parts: Vec<&str> = arn.split(':').collect();
        let [prefix, partition, actual_service, actual_region, _, ..] = parts.as_slice() else {
            let bare = expected.resource == "policy/"
                && !arn.is_empty()
                && arn.bytes().all(|b| b.is_ascii_alphanumeric());
            let partition = self.partition.as_deref().unwrap_or("aws");
            let hint = if bare {
                format!("for the policy of AWS, write arn:{partition}:iam::aws:policy/{arn}")
            } else {
                like
            };
            return Some((format!("{shown} is no ARN"), hint));
        };
        if *prefix != "arn" {
            return Some((format!("{shown} is no ARN: it does not begin with `arn:`"), like));
        }
        if let Some(wanted) = self.partition.as_deref().filter(|wanted| wanted != partition) {
            return Some((
                format!("{shown} is in the partition {}, the platform in {wanted}", quoted(partition)),
                format!("use {what} of the partition {wanted}: `arn:{wanted}:{service}:…`"),
            ));
        }
        if *actual_service != service {
            return Some((
                format!("{shown} names something of {}, not {what}", quoted(actual_service)),
                like,
            ));
        }
        if expected.service == "iam" && !actual_region.is_empty() {
            return Some((
                format!("{shown} has a region, but IAM has none"),
                format!("leave the part between the colons empty: `arn:{partition}:iam::…`"),
            ));
        }
        if !region.is_empty() && *actual_region != region {
            return Some((
                format!("{shown} is in {}, but the hub is in {region}", quoted(actual_region)),
                format!("use {what} in {region}"),
            ));
        }
        None
    }

    /// What looks wrong with the part that only the cloud can judge.
    fn rest_fault(&self, arn: &str, expected: Expected<'_>) -> Option<(String, String)> {
        let mut parts = arn.splitn(6, ':').skip(4);
        let (account, resource) = (parts.next()?, parts.next().unwrap_or_default());
        let like = format!("it should look like {}", expected.example);
        let aws_policy = expected.resource == "policy/" && account == "aws";
        if !aws_policy && (account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit())) {
            return Some((format!("{} has no account of twelve digits", quoted(arn)), like));
        }
        if !resource.starts_with(expected.resource) || resource.len() == expected.resource.len() {
            return Some((format!("{} does not look like {}", quoted(arn), expected.what), like));
        }
        let pinned =
            self.config.account_id.as_ref().filter(|pinned| !aws_policy && pinned.as_str() != account);
        pinned.map(|pinned| {
            (
                format!(
                    "{} belongs to account {account}, but the platform is pinned to {pinned}",
                    quoted(arn)
                ),
                "use one of that account, or correct `account_id`".into(),
            )
        })
    }
}
