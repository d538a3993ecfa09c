//! The API server's host and first administrator, the project's name and the account.

use super::syntax::{dns_label, email, host_name, is_placeholder};
use super::{Finding, Findings};
use crate::config::Target;
use crate::config::code::Code;
use crate::config::model::{PlatformConfig, Shape};
use crate::config::report::quoted;

/// Domains that are kept for documentation: no certificate is ever issued for them.
const EXAMPLE_DOMAINS: &[&str] = &["example.com", "example.org", "example.net"];

/// Checks what names the platform and its API server.
pub(super) fn check_skypilot(config: &PlatformConfig, findings: &mut Findings<'_>) {
    if let Err((message, hint)) = dns_label(&config.project) {
        findings.add(
            Finding::error(Code::BadName, "name", format!("the project's name cannot be used: {message}"))
                .hint(format!("{hint}; `name` at the top level sets it")),
        );
    }
    if let Some(account) = &config.account_id {
        let id = account.as_str();
        if is_placeholder(id) {
            placeholder("account_id", id, "put the twelve digits of the account's id here", findings);
        } else if id.len() != 12 || !id.bytes().all(|b| b.is_ascii_digit()) {
            findings.add(
                Finding::error(Code::BadAccountId, "account_id", format!("{} is no account id", quoted(id)))
                    .hint("write its twelve digits, in quotes if it begins with 0"),
            );
        }
    }
    let Shape::HubAndSpoke { hub, .. } = &config.shape else { return };
    let host = &hub.skypilot.ingress_host;
    let path = "hub.skypilot.ingress_host";
    if findings.is_sound(path) {
        if is_placeholder(host) {
            placeholder(
                path,
                host,
                "put the API server's host name here, such as sky.your-company.com",
                findings,
            );
        } else if let Err((message, hint)) = host_name(host) {
            findings.add(Finding::error(Code::BadHost, path, message).hint(hint));
        } else if findings.target == Target::Cloud
            && EXAMPLE_DOMAINS.iter().any(|domain| host.ends_with(domain))
        {
            findings.add(
                Finding::warning(
                    Code::Placeholder,
                    path,
                    format!(
                        "{} is in a domain for documentation: no certificate is issued for it",
                        quoted(host)
                    ),
                )
                .hint("use a host in a domain of yours"),
            );
        }
    }
    if let Some(address) = &hub.skypilot.admin_email {
        let path = "hub.skypilot.admin_email";
        if is_placeholder(address) {
            placeholder(path, address, "put the first administrator's email here", findings);
        } else if let Err((message, hint)) = email(address) {
            findings.add(Finding::error(Code::BadEmail, path, message).hint(hint));
        }
    }
}

fn placeholder(path: &str, text: &str, hint: &str, findings: &mut Findings<'_>) {
    let severity = findings.placeholder_severity();
    let message = format!("{} is still to be filled in", quoted(text));
    findings.add(Finding::new(severity, Code::Placeholder, path, message).hint(hint));
}
