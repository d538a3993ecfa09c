//! Tests of the configuration as a whole: files in, configuration or report out.

mod broken;
mod properties;
mod reports;
mod schema;
mod shapes;
mod warned;

use super::{Code, Parsed, Report, Severity, Target, parse_config};

/// The README's example.
const SEED: &str = include_str!("../../../../../examples/hub_spoke.yaml");

/// A platform about which there is nothing to say.
const QUIET: &str = "\
hub:
  region: us-west-2
  node_pools:
    - name: system
      capacity_type: on-demand
      instance_type: [m7i.large]
  skypilot:
    ingress_host: sky.acme.io
    ingress_ssl_cert_arn: arn:aws:acm:us-west-2:123456789012:certificate/0f1e
    default_user_role: user
    admin_email: ops@acme.io
    data_planes:
      - name: team-a
        allowed_users: [ann@acme.io]
        policies: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess]
  tailscale:
    oauth_secret_arn: arn:aws:secretsmanager:us-west-2:123456789012:secret:ts-1
spokes:
  - region: us-east-1
    node_pools:
      - name: workers
        capacity_type: spot
        instance_family: [c7i]
public_access_cidrs: [203.0.113.0/24]
";

/// Marks in a test's text where a diagnostic must point.
const MARK: char = '‹';

fn parse(text: &str) -> Result<Parsed, Report> {
    parse_config("platform.yaml", text.as_bytes(), Target::Simulated)
}

/// The report on a text, whether or not it can be used.
fn report(text: &str, target: Target) -> Report {
    match parse_config("platform.yaml", text.as_bytes(), target) {
        Ok(parsed) => parsed.report,
        Err(report) => report,
    }
}

/// Takes the marks out of a text, and returns where they stood.
fn unmark(text: &str) -> (String, Vec<(usize, usize)>) {
    let mut marks = Vec::new();
    for (at, line) in text.split('\n').enumerate() {
        let columns = line.chars().enumerate().filter(|(_, c)| *c == MARK);
        marks.extend(columns.enumerate().map(|(before, (column, _))| (at + 1, column - before + 1)));
    }
    (text.replace(MARK, ""), marks)
}

/// `QUIET` with one passage replaced; an empty passage means its end.
fn edited(from: &str, to: &str) -> String {
    if from.is_empty() {
        return format!("{QUIET}{to}");
    }
    assert_eq!(QUIET.matches(from).count(), 1, "{from:?} must occur once");
    QUIET.replace(from, to)
}

/// Compares the diagnostics of one severity with these codes, at the marks, in order; says how they differ.
fn compare(text: &str, severity: Severity, codes: &[Code]) -> Result<(), String> {
    let (text, marks) = unmark(text);
    let report = report(&text, Target::Simulated);
    let found: Vec<(Code, (usize, usize))> = report
        .diagnostics
        .iter()
        .filter(|d| d.severity == severity)
        .map(|d| (d.code, d.span.map_or((0, 0), |span| (span.line, span.column))))
        .collect();
    let wanted: Vec<(Code, (usize, usize))> = codes.iter().copied().zip(marks.iter().copied()).collect();
    let hinted = report.diagnostics.iter().all(|d| d.severity == Severity::Note || d.hint.is_some());
    if found == wanted && codes.len() == marks.len() && hinted {
        Ok(())
    } else {
        Err(format!("wanted {wanted:?} in\n{text}\n{report}\n"))
    }
}

/// Fails with every difference at once.
fn all_agree(differences: impl Iterator<Item = Result<(), String>>) {
    let told: Vec<String> = differences.filter_map(Result::err).collect();
    assert!(told.is_empty(), "{} cases differ\n{}", told.len(), told.join("\n"));
}
