//! Progress of a run as lines, for logs and terminals that cannot redraw.
//!
//! A resource gets a line when the last of its objects is done; what needs attention (a retry that goes on, a failure)
//! gets one at once. With `objects` every object gets its line.

use std::collections::BTreeMap;

use super::style::{Role, Style};
use super::{count, duration, plan};
use crate::engine::{Event, Phase};
use crate::plan::{Action, Part, Plan};
use crate::value::Address;

/// Attempts of one step before its retries are worth a line.
const PATIENCE: u32 = 3;

/// Turns events into lines, remembering what belongs together.
#[derive(Debug)]
pub struct ProgressLines {
    objects: bool,
    resource_of: BTreeMap<Address, Address>,
    open: BTreeMap<Address, OpenResource>,
}

#[derive(Debug, Default)]
struct OpenResource {
    expected: usize,
    started: Option<f64>,
    done: BTreeMap<Action, usize>,
    failed: usize,
}

impl ProgressLines {
    /// Starts with what a plan is going to do.
    pub fn new(plan: &Plan, objects: bool) -> Self {
        let mut resource_of = BTreeMap::new();
        let mut open: BTreeMap<Address, OpenResource> = BTreeMap::new();
        for step in plan.steps.iter().filter(|step| step.action != Action::Keep) {
            resource_of.insert(step.address.clone(), step.resource.clone());
            open.entry(step.resource.clone()).or_default().expected += 1;
        }
        Self { objects, resource_of, open }
    }

    /// Returns the line that an event deserves, if it deserves one.
    pub fn line(&mut self, event: &Event, style: &dyn Style) -> Option<String> {
        match event {
            Event::Step { t, address, action, phase, part, attempt, error, .. } => {
                let half = *action == Action::Replace && *part == Some(Part::Make);
                let about = self.about(*t, address, *action, *phase, half, style);
                let error = error.as_deref().unwrap_or("no reason given");
                let urgent = match phase {
                    Phase::Retry if *attempt % PATIENCE == 0 => {
                        let text =
                            format!("{address}: attempt {attempt} did not work, trying again: {error}");
                        Some(style.paint(Role::Warning, &text))
                    }
                    Phase::Failed => {
                        Some(style.paint(Role::Error, &format!("{address}: {action} failed: {error}")))
                    }
                    Phase::Retained => Some(format!("{address}: left in place, as asked for")),
                    _ => None,
                };
                urgent.map(|text| at(*t, &text)).or(about)
            }
            Event::Warning { t, warning } => Some(at(*t, &plan::warning_text(warning, style))),
            Event::Started { .. } | Event::Progress { .. } | Event::Finished { .. } => None,
        }
    }

    /// Counts a step and returns the line of its resource or object when that is complete.
    fn about(
        &mut self,
        t: f64,
        address: &Address,
        action: Action,
        phase: Phase,
        half: bool,
        style: &dyn Style,
    ) -> Option<String> {
        let resource = self.resource_of.get(address)?;
        let open = self.open.get_mut(resource)?;
        if phase == Phase::Started {
            open.started.get_or_insert(t);
            return None;
        }
        if phase == Phase::Retry || (half && phase == Phase::Done) {
            return None;
        }
        open.expected = open.expected.saturating_sub(1);
        if matches!(phase, Phase::Done | Phase::Retained) {
            *open.done.entry(action).or_default() += 1;
        } else {
            open.failed += 1;
        }
        if self.objects {
            return (phase == Phase::Done)
                .then(|| at(t, &format!("{} {}", style.paint(Role::of(action), past(action)), address)));
        }
        if open.expected > 0 || open.failed > 0 || open.done.is_empty() {
            return None;
        }
        let done: Vec<String> = open
            .done
            .iter()
            .filter(|(action, _)| action.is_change())
            .map(|(action, number)| format!("{number} {}", past(*action)))
            .collect();
        let done = if done.is_empty() { count(open.done.values().sum(), "step") } else { done.join(", ") };
        let took = duration::spoken(t - open.started.unwrap_or(t));
        Some(at(t, &format!("{}  {done} in {took}", style.paint(Role::Strong, resource.as_str()))))
    }
}

fn at(t: f64, text: &str) -> String {
    format!("{:>12}  {text}", duration::spoken(t))
}

/// Returns what a step has done when it is done.
pub fn past(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Replace => "replaced",
        Action::Delete => "deleted",
        Action::Keep => "kept",
        Action::Wait => "ready",
        Action::Drain => "drained",
        Action::Read => "read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectKind;
    use crate::render::Plain;
    use crate::render::fixture::plan_of_creates;

    fn step(t: f64, address: &str, phase: Phase, attempt: u32, error: Option<&str>) -> Event {
        Event::Step {
            t,
            address: Address::new(address),
            kind: ObjectKind::new("ec2.vpc"),
            action: Action::Create,
            phase,
            part: None,
            attempt,
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn a_resource_has_its_line_when_the_last_object_is_done() {
        let mut lines = ProgressLines::new(&plan_of_creates(), false);
        assert_eq!(lines.line(&step(0.0, "hub/vpc/vpc", Phase::Started, 1, None), &Plain), None);
        assert_eq!(lines.line(&step(3.0, "hub/vpc/vpc", Phase::Done, 1, None), &Plain), None);
        assert_eq!(lines.line(&step(3.0, "hub/vpc/subnet", Phase::Started, 1, None), &Plain), None);
        let line = lines.line(&step(5.0, "hub/vpc/subnet", Phase::Done, 1, None), &Plain).unwrap();
        assert_eq!(line, "         5 s  hub/vpc  2 created in 5 s");
    }

    #[test]
    fn what_needs_attention_is_said_at_once() {
        let mut lines = ProgressLines::new(&plan_of_creates(), false);
        let retry = step(1.0, "hub/vpc/vpc", Phase::Retry, 3, Some("throttled"));
        assert!(
            lines.line(&retry, &Plain).unwrap().contains("attempt 3 did not work, trying again: throttled")
        );
        let failed = step(2.0, "hub/vpc/vpc", Phase::Failed, 4, Some("denied"));
        assert!(lines.line(&failed, &Plain).unwrap().ends_with("hub/vpc/vpc: create failed: denied"));
    }
}
