//! How reports read.

use super::{Report, SEED, Severity, Target, edited, report};

#[test]
fn a_whole_report_reads_well() {
    let text = SEED
        .replace("    region: us-west-2", "    regoin: us-west2")
        .replace(
            "capacity_type: spot\n        instance_type: [g5.xlarge]",
            "capacity_type: sport\n        instance_type: [g5.xlarge, m7g.large]",
        )
        .replace("- name: team-b-prod", "- name: team-a-dev")
        .replace("region: eu-west-1", "region: us-east-1");
    insta::assert_snapshot!(report(&text, Target::Simulated).render());
}

#[test]
fn the_readmes_example_reads_well() {
    insta::assert_snapshot!(report(SEED, Target::Cloud).render());
}

#[test]
fn an_empty_file_reads_well() {
    insta::assert_snapshot!(report("", Target::Simulated).render());
}

#[test]
fn a_tab_reads_well() {
    insta::assert_snapshot!(report("hub:\n\tregion: us-west-2\n", Target::Simulated).render());
}

#[test]
fn overlapping_ranges_read_well() {
    let text = edited("- region: us-east-1", "- region: us-east-1\n    cidr: 10.11.128.0/17");
    insta::assert_snapshot!(report(&text, Target::Simulated).render());
}

#[test]
fn another_programs_keys_read_well() {
    let text = format!("{SEED}  aws:profile: dev\nsecretsprovider: passphrase\n");
    let notes = report(&text, Target::Simulated);
    let notes = Report::new(
        "platform.yaml",
        &text,
        notes.diagnostics.into_iter().filter(|d| d.severity == Severity::Note).collect(),
    );
    insta::assert_snapshot!(notes.render());
}
