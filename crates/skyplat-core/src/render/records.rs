//! Stacks and their records, for people and programs.

use serde_json::{Value as Json, json};

use super::style::{Role, Style};
use super::{count, push_line};
use crate::object::Class;
use crate::state::{State, Status};

/// Writes the names of stacks, the selected one marked.
pub fn stacks_text(stacks: &[String], selected: Option<&str>) -> String {
    let mut out = String::new();
    if stacks.is_empty() {
        push_line(&mut out, "There is no stack yet; an apply makes one.");
    }
    for stack in stacks {
        let mark = if Some(stack.as_str()) == selected { "*" } else { " " };
        push_line(&mut out, &format!("{mark} {stack}"));
    }
    out
}

/// Returns the names of stacks under `stacks`, and the selected one under `selected`.
pub fn stacks_json(stacks: &[String], selected: Option<&str>) -> Json {
    json!({"stacks": stacks, "selected": selected})
}

/// Writes what is recorded of a stack's objects: a line each.
pub fn records_text(state: &State, style: &dyn Style) -> String {
    let mut out = String::new();
    let owned = state.records().filter(|record| record.node.class == Class::Owned).count();
    let others = state.records().count() - owned;
    let head = format!(
        "The stack {} (id {}, serial {}) has {}, and {}.",
        state.stack.name,
        state.stack.id,
        state.serial,
        count(owned, "object"),
        if others == 1 { "1 gate or lookup".to_owned() } else { format!("{others} gates and lookups") },
    );
    push_line(&mut out, &style.paint(Role::Strong, &head));
    let width = state.records().map(|record| record.node.address.as_str().len()).max().unwrap_or(0).min(60);
    for record in state.records() {
        let mut text = format!(
            "  {:width$}  {}  {}",
            record.node.address.as_str(),
            style.paint(Role::Faint, record.node.kind.as_str()),
            record.id.as_deref().unwrap_or("(no id yet)"),
        );
        if state.deposed.contains_key(&record.uid) {
            text.push_str("  superseded, to be deleted");
        }
        match record.status {
            Status::Ready => {}
            Status::Incomplete => text.push_str(&style.paint(Role::Warning, "  incomplete")),
            Status::Uncertain => text.push_str(&style.paint(Role::Warning, "  uncertain")),
        }
        push_line(&mut out, &text);
    }
    out
}

/// Returns what is recorded of a stack's objects.
pub fn records_json(state: &State) -> Json {
    let objects: Vec<Json> = state
        .records()
        .map(|record| {
            json!({
                "address": record.node.address,
                "kind": record.node.kind,
                "region": record.node.placement.region,
                "uid": record.uid,
                "id": record.id,
                "status": record.status,
                "superseded": state.deposed.contains_key(&record.uid),
            })
        })
        .collect();
    json!({"stack": state.stack.name, "stack_id": state.stack.id, "serial": state.serial, "objects": objects})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_stack_is_marked() {
        let stacks = ["dev".to_owned(), "prod".to_owned()];
        assert_eq!(stacks_text(&stacks, Some("prod")), "  dev\n* prod\n");
        assert_eq!(stacks_json(&stacks, None)["selected"], Json::Null);
    }
}
