//! Texts that are made of values: lists joined by a separator, and map keys.

use crate::value::{Key, KeyPart, ToTree, Tree, Value};

/// Joins texts with a separator; known when all of them are.
pub(super) fn join<'a>(texts: impl IntoIterator<Item = &'a Value<String>>, separator: &str) -> Value<String> {
    let mut parts = Vec::new();
    for text in texts {
        if !parts.is_empty() {
            parts.push(separator.to_tree());
        }
        parts.push(text.to_tree());
    }
    let known: Option<String> = parts.iter().map(Tree::as_str).collect();
    known.map_or(Value::Text(parts), Value::Known)
}

/// Makes a map key of a text.
pub(super) fn key(text: &Value<String>) -> Key {
    match text.to_tree() {
        Tree::String(text) => Key::Literal(text),
        Tree::Text(parts) => Key::Text(parts.iter().flat_map(key_parts).collect()),
        other => Key::Text(key_parts(&other)),
    }
}

fn key_parts(part: &Tree) -> Vec<KeyPart> {
    match part {
        Tree::Ref(reference) => vec![KeyPart::Ref(reference.clone())],
        Tree::Text(parts) => parts.iter().flat_map(key_parts).collect(),
        other => other.as_str().map(|text| KeyPart::Literal(text.into())).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Address, Reference};

    fn reference() -> Value<String> {
        Value::Ref(Reference { object: Address::new("hub/eks/cluster"), field: "name".into() })
    }

    #[test]
    fn known_texts_join_to_a_known_text() {
        assert_eq!(join(&["a".into(), "b".into()], ","), Value::Known("a,b".into()));
        assert_eq!(join(&[], ","), Value::Known(String::new()));
        assert!(matches!(join(&["a".into(), reference()], ","), Value::Text(parts) if parts.len() == 3));
    }

    #[test]
    fn a_key_keeps_its_references() {
        let text = Value::format([(&reference()).into(), "-team".into()]);
        let Key::Text(parts) = key(&text) else { panic!("a key with a reference") };
        assert_eq!(parts.last(), Some(&KeyPart::Literal("-team".into())));
        assert_eq!(key(&"plain".into()), Key::from("plain"));
    }
}
