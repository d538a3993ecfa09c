//! The end of a run for people: what was done, what failed, what was not begun and why, and what to do next.

use std::collections::BTreeMap;

use super::style::{Role, Style};
use super::{count, duration, push_line};
use crate::engine::{FinishedStatus, RunReport, StepOutcome, StepReport, Totals};
use crate::object::Class;
use crate::plan::Action;
use crate::value::Address;

/// Failures that are written out; the rest are counted.
const FAILURES_SHOWN: usize = 20;

/// Writes the end of a run. `operation` names it (`apply`), `time` says which time its duration is in (`simulated`), if
/// that needs saying.
pub fn summary_text(report: &RunReport, operation: &str, time: Option<&str>, style: &dyn Style) -> String {
    let mut out = String::new();
    let took = duration::spoken(report.duration.as_secs_f64());
    let took = time.map_or_else(|| took.clone(), |time| format!("{took} of {time} time"));
    let totals = totals_text(&report.totals);
    let (role, head) = match report.status {
        FinishedStatus::Succeeded => {
            (Role::Create, format!("The {operation} is done after {took}: {totals}."))
        }
        FinishedStatus::Failed => (Role::Error, format!("The {operation} failed after {took}: {totals}.")),
        FinishedStatus::Cancelled => {
            (Role::Warning, format!("The {operation} was cancelled after {took}: {totals}."))
        }
    };
    push_line(&mut out, &style.paint(role, &head));
    failed_text(&mut out, report, style);
    skipped_text(&mut out, report, style);
    retained_text(&mut out, report);
    if report.status != FinishedStatus::Succeeded {
        push_line(&mut out, "");
        let next = "what was done is recorded; run the same command again to go on from here";
        let next = if report.status == FinishedStatus::Failed {
            format!("{next} once the cause is mended")
        } else {
            next.to_owned()
        };
        push_line(&mut out, &format!("{} {next}", style.paint(Role::Hint, "hint:")));
    }
    out
}

/// Says what a run did: `3 created, 1 failed, 4 not begun`.
pub fn totals_text(totals: &Totals) -> String {
    let parts: Vec<String> = [
        (totals.created, "created"),
        (totals.updated, "updated"),
        (totals.replaced, "replaced"),
        (totals.deleted, "deleted"),
        (totals.failed, "failed"),
        (totals.skipped, "not begun"),
        (totals.kept, "kept"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| format!("{number} {what}"))
    .collect();
    if parts.is_empty() { "nothing was to be done".to_owned() } else { parts.join(", ") }
}

fn failed_text(out: &mut String, report: &RunReport, style: &dyn Style) {
    let failed: Vec<&StepReport> = report.failed().collect();
    for step in failed.iter().take(FAILURES_SHOWN) {
        let StepOutcome::Failed { error, hint, attempts } = &step.outcome else { continue };
        let tries = if *attempts > 1 { format!(" ({attempts} attempts)") } else { String::new() };
        push_line(out, "");
        let head = style.paint(Role::Error, "error:");
        let doing = doing(step.action);
        push_line(out, &format!("{head} cannot {doing} {} ({}): {error}{tries}", step.address, step.kind));
        if let Some(hint) = hint {
            push_line(out, &format!("  {} {hint}", style.paint(Role::Hint, "hint:")));
        }
    }
    if failed.len() > FAILURES_SHOWN {
        push_line(out, &format!("… and {} more", count(failed.len() - FAILURES_SHOWN, "failure")));
    }
}

fn doing(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Keep => "keep",
        Action::Wait => "wait for",
        Action::Drain => "drain",
        Action::Read => "read",
    }
}

fn skipped_text(out: &mut String, report: &RunReport, style: &dyn Style) {
    let mut causes: BTreeMap<Option<&Address>, usize> = BTreeMap::new();
    // Counted like the totals: gates and lookups are not.
    for step in report.steps.iter().filter(|step| step.class == Class::Owned) {
        if let StepOutcome::Skipped { because_of } = &step.outcome {
            *causes.entry(because_of.as_ref()).or_default() += 1;
        }
    }
    if causes.is_empty() {
        return;
    }
    push_line(out, "");
    for (cause, number) in causes {
        let why = cause
            .map_or_else(|| "the run was told to end".to_owned(), |cause| format!("they wait for {cause}"));
        let text = format!("{} not begun, because {why}", count(number, "step"));
        push_line(out, &style.paint(Role::Faint, &text));
    }
}

fn retained_text(out: &mut String, report: &RunReport) {
    for step in &report.steps {
        if let StepOutcome::Retained { why } = &step.outcome {
            push_line(out, &format!("{} was left in place: {why}", step.address));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::object::ObjectKind;
    use crate::render::Plain;

    fn step(address: &str, outcome: StepOutcome) -> StepReport {
        StepReport {
            address: Address::new(address),
            kind: ObjectKind::new("eks.cluster"),
            class: Class::Owned,
            planned: Action::Create,
            action: Action::Create,
            outcome,
        }
    }

    #[test]
    fn a_failed_run_says_what_failed_what_waited_for_it_and_what_to_do() {
        let cause = Address::new("hub/eks/cluster");
        let report = RunReport {
            status: FinishedStatus::Failed,
            totals: Totals { created: 12, failed: 1, skipped: 2, ..Totals::default() },
            steps: vec![
                step("hub/vpc/vpc", StepOutcome::Done),
                step(
                    "hub/eks/cluster",
                    StepOutcome::Failed {
                        error: "the account may hold 100 clusters and has 100".to_owned(),
                        hint: Some("ask AWS to raise the quota L-1194D53C".to_owned()),
                        attempts: 3,
                    },
                ),
                step("hub/eks/role", StepOutcome::Skipped { because_of: Some(cause.clone()) }),
                step("hub/eks/addon", StepOutcome::Skipped { because_of: Some(cause.clone()) }),
                // A gate is not counted.
                StepReport {
                    class: Class::Gate,
                    ..step("hub/eks/ready", StepOutcome::Skipped { because_of: Some(cause) })
                },
            ],
            duration: Duration::from_secs(190),
        };
        insta::assert_snapshot!(summary_text(&report, "apply", None, &Plain));
    }

    #[test]
    fn a_run_that_went_well_is_one_line() {
        let report = RunReport {
            status: FinishedStatus::Succeeded,
            totals: Totals { created: 3, ..Totals::default() },
            steps: Vec::new(),
            duration: Duration::from_secs(1443),
        };
        let text = summary_text(&report, "apply", Some("simulated"), &Plain);
        assert_eq!(text, "The apply is done after 24 min 3 s of simulated time: 3 created.\n");
    }
}
