//! Outputs of a platform, for people and programs; secrets only when asked for.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::push_line;
use super::style::{Role, Style};
use crate::value::{Tree, paper, resolve};

/// Stands in the place of a secret in text for people.
const HIDDEN: &str = "(secret, shown by --show-secrets)";

/// Returns the outputs as one JSON object; without `show_secrets` a secret is `{"$secret":true}`.
pub fn outputs_json(outputs: &BTreeMap<String, Tree>, show_secrets: bool) -> Json {
    outputs
        .iter()
        .map(|(name, tree)| {
            let json = if show_secrets { resolve::plain_json(tree) } else { paper::display(tree) };
            (name.clone(), json)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Writes the outputs for people: plain values beside their names, larger ones indented below.
pub fn outputs_text(outputs: &BTreeMap<String, Tree>, show_secrets: bool, style: &dyn Style) -> String {
    let mut out = String::new();
    if outputs.is_empty() {
        push_line(&mut out, "The stack has no outputs yet; `apply` makes them.");
    }
    if let Json::Object(outputs) = outputs_json(outputs, show_secrets) {
        for (name, value) in &outputs {
            entry(&mut out, &style.paint(Role::Strong, name), value, 0);
        }
    }
    out
}

fn entry(out: &mut String, name: &str, value: &Json, depth: usize) {
    let indent = "  ".repeat(depth);
    match scalar(value) {
        Some(text) if text.contains('\n') => {
            push_line(out, &format!("{indent}{name}:"));
            for text in text.lines() {
                push_line(out, &format!("{indent}  {text}"));
            }
        }
        Some(text) => push_line(out, &format!("{indent}{name}: {text}")),
        None => {
            push_line(out, &format!("{indent}{name}:"));
            nested(out, value, depth + 1);
        }
    }
}

fn nested(out: &mut String, value: &Json, depth: usize) {
    match value {
        Json::Object(map) => map.iter().for_each(|(name, value)| entry(out, name, value, depth)),
        Json::Array(items) => {
            for item in items {
                let mut text = String::new();
                match scalar(item) {
                    Some(scalar) => push_line(&mut text, &format!("{}{scalar}", "  ".repeat(depth + 1))),
                    None => nested(&mut text, item, depth + 1),
                }
                // The first line of an item carries the dash, in the place of its last two blanks.
                let dash = format!("{}- ", "  ".repeat(depth));
                out.push_str(&text.replacen(&"  ".repeat(depth + 1), &dash, 1));
            }
        }
        other => push_line(out, &format!("{}{other}", "  ".repeat(depth))),
    }
}

/// Returns the text of a value that fits on a line of its own, if it does.
fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Object(map) if map.is_empty() => Some("none".to_owned()),
        Json::Array(items) if items.is_empty() => Some("none".to_owned()),
        Json::Object(map) if map.len() == 1 => match map.iter().next() {
            Some((key, _)) if key == "$secret" => Some(HIDDEN.to_owned()),
            Some((key, Json::String(reference))) if key == "$unknown" => {
                Some(format!("(not known: {reference})"))
            }
            Some((key, _)) if matches!(key.as_str(), "$text" | "$json" | "$ref") => {
                Some(super::value::spoken(value))
            }
            _ => None,
        },
        Json::Object(_) | Json::Array(_) => None,
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Plain;
    use crate::tree;
    use crate::value::Secret;

    fn outputs() -> BTreeMap<String, Tree> {
        BTreeMap::from([
            ("hub_vpc_cidr".to_owned(), tree!("10.10.0.0/16")),
            ("password".to_owned(), Tree::Secret(Secret::new("canary"))),
            (
                "clusters".to_owned(),
                tree!([{ "region": "us-west-2", "name": "sp-dev" }, { "region": "eu-west-1", "name": "sp-eu" }]),
            ),
            ("next_steps".to_owned(), tree!(["log in", "invite others"])),
            ("data_planes".to_owned(), Tree::List(Vec::new())),
        ])
    }

    #[test]
    fn outputs_read_as_a_list_with_secrets_hidden() {
        insta::assert_snapshot!(outputs_text(&outputs(), false, &Plain));
    }

    #[test]
    fn secrets_are_shown_only_when_asked_for() {
        assert!(!outputs_json(&outputs(), false).to_string().contains("canary"));
        assert_eq!(outputs_json(&outputs(), false)["password"]["$secret"], true);
        assert_eq!(outputs_json(&outputs(), true)["password"], "canary");
    }
}
