//! Findings of policy checks, for people: what is wrong, where, and how it is accepted.
//!
//! What is said of several objects in the same words is said once.

use indexmap::IndexMap;

use super::errors::Problem;
use super::style::{Role, Style};
use super::{count, push_line};
use crate::policy::{Finding, Severity, Verdict};

/// Objects that are named of one finding; the rest are counted.
const OBJECTS_SHOWN: usize = 6;

/// Writes a verdict for people; nothing when there is nothing to say.
pub fn verdict_text(verdict: &Verdict, style: &dyn Style) -> String {
    let mut out = String::new();
    for (said, objects) in grouped(verdict.findings.iter().map(|finding| (finding, None))) {
        let (role, word) = match said.severity {
            Severity::Error => (Role::Error, "error:"),
            Severity::Warning => (Role::Warning, "warning:"),
        };
        let head = format!("{} {} [{}]", style.paint(role, word), said.message, said.check);
        push_line(&mut out, &head);
        push_line(&mut out, &format!("  {}", style.paint(Role::Faint, &named(&objects))));
        if let Some(hint) = said.hint {
            push_line(&mut out, &format!("  {} {hint}", style.paint(Role::Hint, "hint:")));
        }
    }
    let accepted = verdict.accepted.iter().map(|accepted| (&accepted.finding, Some(accepted.why.as_str())));
    for (said, objects) in grouped(accepted) {
        let why = said.why.unwrap_or_default();
        let word = style.paint(Role::Faint, "accepted:");
        push_line(&mut out, &format!("{word} {} [{}], because {why}", said.message, said.check));
        push_line(&mut out, &format!("  {}", style.paint(Role::Faint, &named(&objects))));
    }
    for consent in &verdict.unused {
        let word = style.paint(Role::Warning, "warning:");
        push_line(
            &mut out,
            &format!("{word} nothing was found that the consent {consent} accepts; it can go"),
        );
    }
    out
}

/// Says in a few words how much was found: `1 error, 3 warnings of policy checks`; none when nothing was.
pub fn verdict_summary(verdict: &Verdict) -> Option<String> {
    let parts: Vec<String> = [Severity::Error, Severity::Warning]
        .into_iter()
        .map(|severity| (verdict.count(severity), severity.as_str()))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| count(number, word))
        .collect();
    (!parts.is_empty()).then(|| format!("{} of policy checks", parts.join(", ")))
}

/// Returns why nothing may be applied, with the way to accept it; none when nothing is in the way.
pub fn refusal(verdict: &Verdict) -> Option<Problem> {
    let first = verdict.findings.first().filter(|finding| finding.severity == Severity::Error)?;
    let errors = count(verdict.count(Severity::Error), "error");
    let consent = format!("--consent \"{}:{}=WHY\"", first.check, first.address);
    Some(
        Problem::failed(format!("nothing was changed: policy checks found {errors}"))
            .hint(format!("put it right; or accept it, and say why: {consent}")),
    )
}

/// What is said of objects in the same words.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Said<'a> {
    severity: Severity,
    check: &'a str,
    message: &'a str,
    hint: Option<&'a str>,
    why: Option<&'a str>,
}

fn grouped<'a>(
    findings: impl Iterator<Item = (&'a Finding, Option<&'a str>)>,
) -> IndexMap<Said<'a>, Vec<&'a str>> {
    let mut groups: IndexMap<Said<'a>, Vec<&'a str>> = IndexMap::new();
    for (finding, why) in findings {
        let Finding { severity, address, check, message, hint } = finding;
        let said = Said { severity: *severity, check, message, hint: hint.as_deref(), why };
        groups.entry(said).or_default().push(address.as_str());
    }
    groups
}

fn named(objects: &[&str]) -> String {
    let shown = objects[..objects.len().min(OBJECTS_SHOWN)].join(", ");
    match objects.len().saturating_sub(OBJECTS_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Accepted, Consent};
    use crate::render::Plain;

    fn finding(severity: Severity, address: &str, message: &str) -> Finding {
        let hint = (severity == Severity::Error).then(|| "keep it".to_owned());
        Finding {
            severity,
            address: address.into(),
            check: "data_loss".into(),
            message: message.into(),
            hint,
        }
    }

    #[test]
    fn a_verdict_says_what_where_and_how_it_is_accepted() {
        let lost = |address| finding(Severity::Error, address, "its files would be lost");
        let verdict = Verdict {
            findings: vec![
                lost("eu-west-1/efs/files"),
                lost("hub/efs/files"),
                finding(Severity::Warning, "hub/logs/logs", "its logs would be lost"),
            ],
            accepted: vec![Accepted { finding: lost("us-east-1/efs/files"), why: "they are copied".into() }],
            unused: vec![Consent::at("open_ingress", "hub", "so it is")],
        };
        insta::assert_snapshot!(verdict_text(&verdict, &Plain));
        assert_eq!(verdict_summary(&verdict).unwrap(), "2 errors, 1 warning of policy checks");
        insta::assert_snapshot!(refusal(&verdict).unwrap().text(&Plain));
    }

    #[test]
    fn nothing_found_is_nothing_said() {
        let quiet = Verdict::default();
        assert_eq!((verdict_text(&quiet, &Plain), verdict_summary(&quiet)), (String::new(), None));
        assert_eq!(refusal(&quiet), None);
        let warned = Verdict { findings: vec![finding(Severity::Warning, "a/b", "hm")], ..quiet };
        assert_eq!(refusal(&warned), None, "a warning is in nobody's way");
    }

    #[test]
    fn many_objects_are_counted() {
        let names: Vec<String> = (0..9).map(|at| format!("a/{at}")).collect();
        let findings = names.iter().map(|name| finding(Severity::Error, name, "lost")).collect();
        let text = verdict_text(&Verdict { findings, ..Verdict::default() }, &Plain);
        assert!(text.contains("a/5 and 3 more\n") && text.lines().count() == 3, "{text}");
    }
}
