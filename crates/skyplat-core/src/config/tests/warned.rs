//! Configurations that can be used, and what there is to think about.

use super::*;
use crate::config::check_config;

#[test]
fn a_careful_platform_is_told_nothing() {
    for target in [Target::Simulated, Target::Cloud] {
        let report = report(QUIET, target);
        assert!(report.diagnostics.is_empty(), "{report}");
    }
}

#[test]
fn every_warning_is_told_at_its_place() {
    #[rustfmt::skip]
    let edits: &[(&str, &str, &[Code])] = &[
        ("- name: team-a\n        allowed_users: [ann@acme.io]", "- name: ‹team-a", &[Code::OpenWorkspace]),
        ("[ann@acme.io]", "[ann@acme.io, ‹ann@acme.io]", &[Code::NoEffect]),
        ("allowed_users: [ann@acme.io]", "‹allowed_users: []", &[Code::EmptyList]),
        ("        policies:", "        user_role_arn: arn:aws:iam::123456789012:role/A\n        ‹policies:", &[Code::NoEffect]),
        ("[203.0.113.0/24]", "‹[0.0.0.0/0]", &[Code::OpenEndpoint]),
        ("region: us-west-2", "region: us-west-2\n  public_access_cidrs: ‹[0.0.0.0/0]", &[Code::OpenEndpoint]),
        ("public_access_cidrs:", "endpoint: private\n‹public_access_cidrs:", &[Code::NoEffect]),
        ("arn:aws:acm:us-west-2:123456789012:certificate/0f1e", "‹arn:aws:acm:us-west-2:1234:certificate/0f1e", &[Code::SuspiciousArn]),
        ("arn:aws:acm:us-west-2:123456789012:certificate/0f1e", "‹arn:aws:acm:us-west-2:123456789012:cert/0f1e", &[Code::SuspiciousArn]),
        ("arn:aws:acm:us-west-2:123456789012:certificate/0f1e", "‹<SSL_CERT_ARN>", &[Code::Placeholder]),
        ("sky.acme.io", "‹<YOUR_DEPLOYMENT_NAME> (e.g. \"skypilot.example.com\")", &[Code::Placeholder]),
        ("", "component_versions: {kubernetes: ‹\"1.33\"}\n", &[Code::ExtendedSupport]),
        ("", "addons: {external_dns: ‹false}\n", &[Code::MissingAddon]),
    ];
    all_agree(edits.iter().map(|(from, to, codes)| compare(&edited(from, to), Severity::Warning, codes)));
}

#[test]
fn what_is_wide_by_default_is_told_at_the_key_around_it() {
    let cases = [
        (
            "  tailscale:\n    oauth_secret_arn: arn:aws:secretsmanager:us-west-2:123456789012:secret:ts-1\n",
            Code::NoWayIn,
            (1, 1),
        ),
        ("    default_user_role: user\n", Code::AdminByDefault, (7, 3)),
        ("    admin_email: ops@acme.io\n", Code::DefaultAdminEmail, (7, 3)),
        (
            "        policies: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess]\n",
            Code::WideTenantPolicies,
            (13, 15),
        ),
        ("public_access_cidrs: [203.0.113.0/24]\n", Code::OpenEndpoint, (2, 11)),
    ];
    for (removed, code, place) in cases {
        let report = report(&edited(removed, ""), Target::Cloud);
        let found: Vec<_> = report
            .diagnostics
            .iter()
            .map(|d| (d.code, d.severity, d.span.map(|span| (span.line, span.column))))
            .collect();
        assert_eq!(found, [(code, Severity::Warning, Some(place))], "{report}");
    }
}

#[test]
fn what_is_still_to_be_filled_in_stops_a_cloud_and_not_a_simulation() {
    assert!(parse(SEED).is_ok());
    let report = parse_config("a.yaml", SEED.as_bytes(), Target::Cloud).unwrap_err();
    let errors: Vec<&str> = report
        .diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| d.path.as_str())
        .collect();
    assert_eq!(errors, ["hub.skypilot.ingress_ssl_cert_arn", "hub.tailscale.oauth_secret_arn"]);
}

#[test]
fn a_configuration_made_in_code_is_checked_alike() {
    let parsed = parse(SEED).unwrap();
    let codes = |report: &Report| {
        let mut codes: Vec<Code> = report.diagnostics.iter().map(|d| d.code).collect();
        codes.sort();
        codes
    };
    let checked = check_config(&parsed.config, Target::Simulated);
    assert_eq!(codes(&checked), codes(&parsed.report));
    assert!(checked.render().contains(" --> hub.skypilot.ingress_ssl_cert_arn\n"), "{checked}");
}
