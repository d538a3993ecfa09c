//! Plans for people: grouped by resource, with reasons, forecast and warnings.
//!
//! A resource that is made or deleted as a whole is one line; one that changes shows what changes in it and why.
//! The JSON of a plan is its serde form and needs nothing from here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::style::{Role, Style};
use super::{count, duration, push_line, value};
use crate::graph::ResourceEntry;
use crate::object::Class;
use crate::plan::{Action, Order, Part, Plan, PlanWarning, Reason, Step, Summary, Task, Why};
use crate::value::Address;

/// Longest form of a value in a list of reasons.
const VALUE_WIDTH: usize = 60;

/// What to show of a plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlanView<'a> {
    /// The resources of the desired graph, for their kinds and order; empty when there is no desired graph.
    pub resources: &'a [ResourceEntry],
    /// Whether every object is listed.
    pub objects: bool,
}

/// Writes a plan for people.
pub fn plan_text(plan: &Plan, view: PlanView<'_>, style: &dyn Style) -> String {
    let mut out = String::new();
    let groups = groups(plan, view.resources);
    let shown: Vec<&Group<'_>> = groups.iter().filter(|group| group.is_shown(view.objects)).collect();
    if plan.is_empty() {
        let kept = count(plan.summary.keep, "object");
        let text = if plan.summary.keep == 0 {
            format!("Nothing to do: the stack {} is empty.", plan.stack)
        } else {
            format!("Nothing to do: {kept} of the stack {} are as described.", plan.stack)
        };
        push_line(&mut out, &style.paint(Role::Strong, &text));
    } else {
        push_line(&mut out, &style.paint(Role::Strong, &format!("Plan for the stack {}", plan.stack)));
    }
    if !shown.is_empty() {
        push_line(&mut out, "");
        let widths = Widths::of(&shown);
        for group in &shown {
            group_text(&mut out, group, &widths, view.objects, style);
        }
    }
    if !plan.is_empty() {
        push_line(&mut out, "");
        push_line(&mut out, &style.paint(Role::Strong, &summary_text(&plan.summary)));
        forecast_text(&mut out, plan, style);
    }
    let bookkeeping = plan.steps.iter().filter(|step| step.bookkeeping).count();
    if bookkeeping > 0 {
        let records = count(bookkeeping, "record");
        push_line(
            &mut out,
            &style.paint(
                Role::Faint,
                &format!("{records} will be brought up to date; the real objects stay as they are."),
            ),
        );
    }
    if !plan.warnings.is_empty() {
        push_line(&mut out, "");
    }
    for warning in &plan.warnings {
        push_line(&mut out, &warning_text(warning, style));
    }
    out
}

/// Writes a warning for people.
pub fn warning_text(warning: &PlanWarning, style: &dyn Style) -> String {
    let about = warning.address.as_ref().map(|address| format!("{address}: ")).unwrap_or_default();
    format!("{} {about}{}", style.paint(Role::Warning, "warning:"), warning.message)
}

/// Says what a plan changes: `3 to create, 1 to update; 12 stay as they are`.
pub fn summary_text(summary: &Summary) -> String {
    let parts: Vec<String> = [
        (summary.create, "create"),
        (summary.update, "update"),
        (summary.replace, "replace"),
        (summary.delete, "delete"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, verb)| format!("{number} to {verb}"))
    .collect();
    let changes = if parts.is_empty() { "nothing to change".to_owned() } else { parts.join(", ") };
    match summary.keep {
        0 => format!("{changes}."),
        1 => format!("{changes}; 1 stays as it is."),
        kept => format!("{changes}; {kept} stay as they are."),
    }
}

/// The steps of one resource.
struct Group<'a> {
    resource: &'a Address,
    kind: &'a str,
    steps: Vec<&'a Step>,
}

impl Group<'_> {
    fn number(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }

    fn is_shown(&self, objects: bool) -> bool {
        self.steps.iter().any(|step| step.action.is_change() || (objects && is_listed(step)))
    }

    /// Returns the one action that all changes of the group share, if they do.
    fn single_action(&self) -> Option<Action> {
        let mut actions = self.steps.iter().map(|step| step.action).filter(|action| action.is_change());
        let first = actions.next()?;
        // Gates and lookups that stay, or whose records go, do not make a resource one that changes in part.
        let kept = self.steps.iter().any(|step| step.action == Action::Keep && step.class == Class::Owned);
        (!kept && matches!(first, Action::Create | Action::Delete) && actions.all(|action| action == first))
            .then_some(first)
    }

    /// Returns the action that the group's line is marked with.
    fn mark(&self) -> Action {
        let changes = |action| self.number(action) > 0;
        self.single_action().unwrap_or(if changes(Action::Replace) {
            Action::Replace
        } else if self.steps.iter().any(|step| step.action.is_change()) {
            Action::Update
        } else {
            Action::Keep
        })
    }

    fn counts(&self) -> String {
        let parts: Vec<String> = [
            (Action::Create, "to create"),
            (Action::Update, "to update"),
            (Action::Replace, "to replace"),
            (Action::Delete, "to delete"),
            (Action::Wait, "to wait for"),
            (Action::Drain, "to drain"),
            (Action::Read, "to read"),
        ]
        .into_iter()
        .map(|(action, words)| (self.number(action), words))
        .filter(|(number, _)| *number > 0)
        .map(|(number, words)| format!("{number} {words}"))
        .collect();
        if parts.is_empty() { "records only".to_owned() } else { parts.join(", ") }
    }
}

/// Groups steps by resource: described ones in the order of the description, then the rest by address.
fn groups<'a>(plan: &'a Plan, resources: &'a [ResourceEntry]) -> Vec<Group<'a>> {
    let mut by_resource: BTreeMap<&Address, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        by_resource.entry(&step.resource).or_default().push(step);
    }
    let mut groups = Vec::new();
    for entry in resources {
        if let Some(steps) = by_resource.remove(&entry.address) {
            groups.push(Group { resource: &entry.address, kind: &entry.kind, steps });
        }
    }
    groups.extend(by_resource.into_iter().map(|(resource, steps)| Group { resource, kind: "", steps }));
    groups
}

/// Column widths, so that a list of resources reads as a table.
struct Widths {
    resource: usize,
    kind: usize,
}

impl Widths {
    fn of(groups: &[&Group<'_>]) -> Self {
        let widest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0).min(60);
        Self {
            resource: widest(&mut groups.iter().map(|group| group.resource.as_str().chars().count())),
            kind: widest(&mut groups.iter().map(|group| group.kind.chars().count())),
        }
    }
}

fn group_text(out: &mut String, group: &Group<'_>, widths: &Widths, objects: bool, style: &dyn Style) {
    let mark = group.mark();
    let (resource, kind) = (widths.resource, widths.kind);
    let head = format!("{} {:resource$}", symbol(mark, None), group.resource.as_str());
    let kind = style.paint(Role::Faint, &format!("{:kind$}", group.kind));
    let text = format!("  {}  {kind}  {}", style.paint(Role::of(mark), &head), group.counts());
    push_line(out, text.trim_end());
    let whole = group.single_action().is_some();
    let is_told = |step: &Step| match (objects, whole) {
        (true, _) => is_listed(step),
        (false, false) => step.action.is_change(),
        // A resource that is made as a whole is one line, but for what has a history.
        (false, true) => {
            step.action.is_change() && step.reasons.iter().any(|reason| says_something(step, reason))
        }
    };
    for step in group.steps.iter().filter(|step| is_told(step)) {
        step_text(out, step, style);
    }
}

/// Returns whether a step is worth a line when objects are listed.
fn is_listed(step: &Step) -> bool {
    step.action != Action::Keep || step.bookkeeping
}

fn step_text(out: &mut String, step: &Step, style: &dyn Style) {
    let name = step
        .address
        .as_str()
        .strip_prefix(step.resource.as_str())
        .map_or(step.address.as_str(), |rest| rest.trim_start_matches('/'));
    let head = format!("{} {name}", symbol(step.action, step.order));
    let mut notes = Vec::new();
    match (step.action, step.order) {
        (Action::Replace, Some(Order::CreateFirst)) => notes.push("replaced: the new one is made first"),
        (Action::Replace, Some(Order::DeleteFirst)) => notes.push("replaced: the old one is deleted first"),
        (Action::Wait, _) => notes.push("waited for"),
        (Action::Drain, _) => notes.push("waited for until it is undone"),
        (Action::Read, _) => notes.push("read"),
        (Action::Keep, _) if step.bookkeeping => notes.push("its record changes, the object does not"),
        _ => {}
    }
    if step.deposed {
        notes.push("left behind by an earlier replace");
    }
    if !step.undecided.is_empty() {
        notes.push("only if a value that is known later turns out different");
    }
    let notes = if notes.is_empty() { String::new() } else { format!("  ({})", notes.join("; ")) };
    push_line(
        out,
        &format!(
            "      {}  {}{notes}",
            style.paint(Role::of(step.action), &head),
            style.paint(Role::Faint, step.kind.as_str())
        ),
    );
    for reason in step.reasons.iter().filter(|reason| says_something(step, reason)) {
        push_line(out, &format!("          {}", reason_text(reason)));
    }
}

/// Returns whether a reason adds to what the step's line says already.
fn says_something(step: &Step, reason: &Reason) -> bool {
    reason.why != Why::Requested || matches!(step.action, Action::Update | Action::Replace)
}

/// Says one reason on one line.
pub fn reason_text(reason: &Reason) -> String {
    let change = || value::change(reason.old.as_ref(), reason.new.as_ref(), VALUE_WIDTH);
    let field = reason.field.as_ref().map(ToString::to_string);
    let cause = reason.because_of.as_ref();
    let mut text = match (reason.why, field) {
        (Why::Changed | Why::Reference, Some(field)) => format!("{field}: {}", change()),
        (Why::Drifted, Some(field)) => format!("{field} was changed outside of skyplat: {}", change()),
        (Why::Changed, None) => "its description changed".to_owned(),
        (Why::Reference, None) => "what it refers to changes".to_owned(),
        (Why::Drifted, None) => "it was changed or deleted outside of skyplat".to_owned(),
        (Why::Container, _) => match cause {
            Some(cause) => return format!("it lives in {cause}, which is replaced or deleted"),
            None => "what it lives in is replaced or deleted".to_owned(),
        },
        (Why::Incomplete, _) => "an earlier create did not finish".to_owned(),
        (Why::Uncertain, _) => "how an earlier update or delete ended is not known".to_owned(),
        (Why::Requested, _) => "it is asked for".to_owned(),
    };
    if let Some(cause) = cause {
        let _ = write!(text, "  (because of {cause})");
    }
    if reason.forces_replace {
        text.push_str("  (forces a replace)");
    }
    text
}

/// Returns the sign of an action, padded to one width.
fn symbol(action: Action, order: Option<Order>) -> &'static str {
    match (action, order) {
        (Action::Create, _) => "+  ",
        (Action::Update, _) => "~  ",
        (Action::Replace, Some(Order::DeleteFirst)) => "-/+",
        (Action::Replace, _) => "+/-",
        (Action::Delete, _) => "-  ",
        (Action::Keep, _) => "=  ",
        (Action::Wait | Action::Drain | Action::Read, _) => ".  ",
    }
}

/// Share of the forecast below which an object of the critical path is not worth a line.
const WORTH_A_LINE: f64 = 0.02;

/// Returns the tasks of the critical path. Among chains of equal length it takes the one that the forecast names.
fn longest_chain(plan: &Plan) -> Vec<&Task> {
    let critical: BTreeSet<&Address> = plan.forecast.critical_path.iter().collect();
    let named = |task: &Task| plan.steps.get(task.step).is_some_and(|step| critical.contains(&step.address));
    let longest = |tasks: &mut dyn Iterator<Item = usize>| {
        tasks.max_by(|a, b| {
            let (a, b) = (&plan.tasks[*a], &plan.tasks[*b]);
            a.remaining.total_cmp(&b.remaining).then(named(a).cmp(&named(b)))
        })
    };
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); plan.tasks.len()];
    for (task, before) in
        plan.tasks.iter().enumerate().flat_map(|(at, task)| task.after.iter().map(move |b| (at, *b)))
    {
        next[before].push(task);
    }
    let mut chain = Vec::new();
    let mut at = longest(&mut (0..plan.tasks.len()));
    while let Some(task) = at {
        chain.push(&plan.tasks[task]);
        at = longest(&mut next[task].iter().copied());
    }
    chain
}

fn forecast_text(out: &mut String, plan: &Plan, style: &dyn Style) {
    let forecast = &plan.forecast;
    if forecast.duration_s <= 0.0 {
        return;
    }
    push_line(
        out,
        &format!(
            "Forecast: about {}. The longest chain of steps that wait for each other:",
            duration::about(forecast.duration_s)
        ),
    );
    let (mut quick, mut quick_seconds) = (0, 0.0);
    let mut rows = Vec::new();
    for task in longest_chain(plan).into_iter().filter(|task| task.seconds > 0.0) {
        let Some(step) = plan.steps.get(task.step) else { continue };
        if task.seconds >= forecast.duration_s * WORTH_A_LINE {
            let old = step.action == Action::Replace && task.part == Part::Remove;
            let note = if old { " (the old one)" } else { "" };
            rows.push((duration::spoken(task.seconds), format!("{}{note}", step.address)));
        } else {
            quick += 1;
            quick_seconds += task.seconds;
        }
    }
    if quick > 0 {
        rows.push((duration::spoken(quick_seconds), format!("{} in between", count(quick, "quick step"))));
    }
    let width = rows.iter().map(|(said, _)| said.chars().count()).max().unwrap_or(0);
    for (said, address) in rows {
        push_line(out, &style.paint(Role::Faint, &format!("  {said:>width$}  {address}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Plain;
    use crate::render::fixture::{graph, plan_of_changes, plan_of_creates};

    #[test]
    fn a_first_plan_has_a_line_for_each_resource() {
        let graph = graph();
        let view = PlanView { resources: graph.resources(), objects: false };
        insta::assert_snapshot!(plan_text(&plan_of_creates(), view, &Plain));
    }

    #[test]
    fn objects_are_listed_when_asked_for() {
        let graph = graph();
        let view = PlanView { resources: graph.resources(), objects: true };
        insta::assert_snapshot!(plan_text(&plan_of_creates(), view, &Plain));
    }

    #[test]
    fn changes_are_shown_with_their_reasons() {
        let graph = graph();
        let view = PlanView { resources: graph.resources(), objects: false };
        insta::assert_snapshot!(plan_text(&plan_of_changes(), view, &Plain));
    }

    #[test]
    fn an_empty_plan_says_so() {
        let mut plan = plan_of_creates();
        for step in &mut plan.steps {
            step.action = Action::Keep;
        }
        plan.warnings.clear();
        plan.summary = Summary { keep: 3, ..Summary::default() };
        let text = plan_text(&plan, PlanView::default(), &Plain);
        assert_eq!(text, "Nothing to do: 3 objects of the stack dev are as described.\n");
    }

    #[test]
    fn the_json_of_a_plan_has_its_stable_keys() {
        let json = serde_json::to_value(plan_of_changes()).unwrap();
        let keys = |json: &serde_json::Value| json.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            keys(&json),
            ["forecast", "format_version", "serial", "stack", "steps", "summary", "warnings"]
        );
        assert_eq!(keys(&json["summary"]), ["create", "delete", "keep", "replace", "update"]);
        assert_eq!(keys(&json["forecast"]), ["critical_path", "duration_s"]);
        let replace = &json["steps"][1];
        assert_eq!(keys(replace), ["action", "address", "kind", "order", "reasons"]);
        assert_eq!(replace["order"], "create_first");
        assert_eq!(
            keys(&replace["reasons"][0]),
            ["because_of", "field", "forces_replace", "new", "old", "why"]
        );
        assert_eq!(replace["reasons"][0]["new"]["$unknown"], "hub/vpc/vpc.id");
    }
}
