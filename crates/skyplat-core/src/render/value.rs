//! Values on paper, as a person reads them: `"10.0.0.0/16"`, `(secret)`, `(id of hub/vpc/vpc, known later)`.

use serde_json::Value as Json;

/// Writes a value that is on paper (see [`crate::value::paper`]) on one line.
pub(super) fn spoken(value: &Json) -> String {
    match value {
        Json::Object(map) => {
            if let Some((key, inner)) = map.iter().next()
                && map.len() == 1
                && let Some(text) = notation(key, inner)
            {
                return text;
            }
            let entries: Vec<String> = map.iter().map(|(key, v)| format!("{key}: {}", spoken(v))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(spoken).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

fn notation(key: &str, inner: &Json) -> Option<String> {
    match key {
        "$secret" | "$digest" => Some("(secret)".to_owned()),
        "$unknown" => {
            let text = inner.as_str()?;
            Some(text.rsplit_once('.').map_or_else(
                || "(known later)".to_owned(),
                |(object, field)| format!("({field} of {object}, known later)"),
            ))
        }
        "$ref" => Some(format!("({} of {})", inner["field"].as_str()?, inner["object"].as_str()?)),
        "$text" => {
            let parts = inner.as_array()?.iter();
            let text: String =
                parts.map(|part| part.as_str().map_or_else(|| spoken(part), str::to_owned)).collect();
            Some(format!("\"{text}\""))
        }
        "$json" => Some(spoken(inner)),
        _ => None,
    }
}

/// Writes how a value changes, on one line; long values are cut to where they differ.
pub(super) fn change(old: Option<&Json>, new: Option<&Json>, limit: usize) -> String {
    let said = |value: Option<&Json>| value.map_or_else(|| "not set".to_owned(), spoken);
    let (before, after) = (said(old), said(new));
    if before == after {
        // Only secrets look alike and differ.
        return format!("{} → {}", cut(&before, limit), after.replace("(secret)", "(another secret)"));
    }
    if let (Some(Json::Array(old)), Some(Json::Array(new))) = (old, new)
        && let Some(text) = list_change(old, new, limit)
    {
        return text;
    }
    let same = before.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
    let skip = if before.chars().count().max(after.chars().count()) > limit && same > SHOWN_BEFORE {
        same - SHOWN_BEFORE
    } else {
        0
    };
    format!("{} → {}", cut_from(&before, skip, limit), cut_from(&after, skip, limit))
}

/// Says what was added to a list of plain values and what was taken out of it; none when only the order changes.
fn list_change(old: &[Json], new: &[Json], limit: usize) -> Option<String> {
    let plain = |items: &[Json]| items.iter().all(|item| !item.is_array() && !item.is_object());
    let missing = |from: &[Json], items: &[Json]| -> Vec<String> {
        items.iter().filter(|item| !from.contains(item)).map(|item| cut(&spoken(item), limit)).collect()
    };
    let (added, removed) = (missing(old, new), missing(new, old));
    if !plain(old) || !plain(new) || old.is_empty() || new.is_empty() {
        return None;
    }
    match (removed.is_empty(), added.is_empty()) {
        (true, true) => None,
        (true, false) => Some(format!("with {}", added.join(", "))),
        (false, true) => Some(format!("without {}", removed.join(", "))),
        (false, false) => Some(format!("without {}, with {}", removed.join(", "), added.join(", "))),
    }
}

/// Characters that are shown of what two long values have in common.
const SHOWN_BEFORE: usize = 20;

fn cut(text: &str, limit: usize) -> String {
    cut_from(text, 0, limit)
}

fn cut_from(text: &str, skip: usize, limit: usize) -> String {
    let shown: String = text.chars().skip(skip).take(limit).collect();
    let before = if skip > 0 { "…" } else { "" };
    let after = if text.chars().count() > skip + limit { "…" } else { "" };
    format!("{before}{shown}{after}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_or_secret_says_so() {
        let value = json!({"vpc": {"$unknown": "hub/vpc/vpc.id"}, "token": {"$secret": true}});
        assert_eq!(spoken(&value), "{token: (secret), vpc: (id of hub/vpc/vpc, known later)}");
        let text = json!({"$text": ["https://", {"$unknown": "a/b.host"}, "/x"]});
        assert_eq!(spoken(&text), "\"https://(host of a/b, known later)/x\"");
    }

    #[test]
    fn long_values_are_cut_to_where_they_differ() {
        let old = json!(format!("{}old", "a".repeat(200)));
        let new = json!(format!("{}new", "a".repeat(200)));
        let shown = change(Some(&old), Some(&new), 40);
        assert!(shown.contains("old") && shown.contains("new") && shown.chars().count() < 100, "{shown}");
    }

    #[test]
    fn a_list_says_what_comes_and_what_goes() {
        let change = |old, new| change(Some(&old), Some(&new), 40);
        assert_eq!(change(json!(["a", "b"]), json!(["a", "c"])), "without \"b\", with \"c\"");
        assert_eq!(change(json!(["a"]), json!(["a", "c"])), "with \"c\"");
        assert_eq!(change(json!(["a", "b"]), json!(["b", "a"])), r#"["a", "b"] → ["b", "a"]"#);
        assert_eq!(change(json!([]), json!(["a"])), r#"[] → ["a"]"#);
    }

    #[test]
    fn two_secrets_that_differ_say_that_they_do() {
        let secret = json!({"$secret": true});
        assert_eq!(change(Some(&secret), Some(&secret), 40), "(secret) → (another secret)");
        assert_eq!(change(None, Some(&json!(4)), 40), "not set → 4");
    }
}
