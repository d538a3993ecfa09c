//! Configurations that can be used, and what there is to think about.

use super::{
    Code, QUIET, Report, SEED, Severity, Target, all_agree, broken, compare, edited, parse, parse_config,
    report,
};
use crate::config::check_config;

#[test]
fn a_careful_platform_is_told_nothing() {
    for target in [Target::Simulated, Target::Cloud] {
        let report = report(QUIET, target);
        assert!(report.diagnostics.is_empty(), "{report}");
    }
}

/// Edits of `QUIET` and the warnings that follow, at the marks.
#[rustfmt::skip]
const EDITS: &[(&str, &str, &[Code])] = &[
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
    ("[m7i.large]", "[m7i.large]\n      instance_family: ‹[]", &[Code::NoEffect]),
    ("", "addons: {external_dns: ‹false}\n", &[Code::MissingAddon]),
];

/// What is wide as long as a passage of `QUIET` is absent, and where that is told.
#[rustfmt::skip]
const WIDE: &[(&str, Code, (usize, usize))] = &[
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

#[test]
fn every_warning_is_told_at_its_place() {
    all_agree(EDITS.iter().map(|(from, to, codes)| compare(&edited(from, to), Severity::Warning, codes)));
}

#[test]
fn what_is_wide_by_default_is_told_at_the_key_around_it() {
    for &(removed, code, place) in WIDE {
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

/// A stack file as its template leaves it, hub alone.
const TEMPLATE: &str = r#"
config:
  sp:hub:
    region: us-east-2
    node_pools:
      - {name: general, capacity_type: on-demand, instance_category: [t]}
      - {name: gpu, capacity_type: on-demand, instance_category: [g]}
    skypilot:
      default_user_role: admin
      ingress_host: <YOUR_DEPLOYMENT_NAME> (e.g. "skypilot.example.com")
      ingress_ssl_cert_arn: <SSL_CERT_ARN>
      data_planes: [{name: team-a}, {name: team-b}]
    tailscale:
      oauth_secret_arn: <TAILSCALE_OAUTH_SECRET_ARN>
  sp:spokes: []
"#;

#[test]
fn a_template_can_be_simulated_before_it_is_filled_in() {
    let count = |report: &Report, severity| {
        report.diagnostics.iter().filter(|d| d.code == Code::Placeholder && d.severity == severity).count()
    };
    let simulated = parse(TEMPLATE).unwrap();
    assert_eq!(count(&simulated.report, Severity::Warning), 3, "{}", simulated.report);
    let cloud = report(TEMPLATE, Target::Cloud);
    assert_eq!(count(&cloud, Severity::Error), 3, "{cloud}");
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

#[test]
fn every_code_is_told_by_some_test() {
    let tables = [broken::EDITS, EDITS].into_iter().flatten().map(|(_, _, codes)| *codes);
    let files = broken::FILES.iter().map(|(_, codes)| *codes);
    let told: Vec<Code> =
        tables.chain(files).flatten().copied().chain(WIDE.iter().map(|(_, code, _)| *code)).collect();
    // Told by tests of their own: in `parse`, and in `shapes`.
    let elsewhere = [Code::NotText, Code::TooLarge, Code::ForeignKey];
    let untold: Vec<&Code> =
        Code::ALL.iter().filter(|code| !told.contains(code) && !elsewhere.contains(code)).collect();
    assert!(untold.is_empty(), "{untold:?}");
}
