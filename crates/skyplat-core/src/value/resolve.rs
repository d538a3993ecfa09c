//! Replacing references by what they stand for.
//!
//! One function serves every stage: the planner resolves against planned and recorded outputs (some unknown, secrets as
//! digests), the engine against live ones. What the parts make of a text or a JSON text:
//!
//! | parts | result |
//! |---|---|
//! | all known | the text |
//! | known, some secret | one secret |
//! | some digest | the text in parts, so that equal parts mean an equal text |
//! | some unknown | the text in parts, unknown as a whole |

use std::borrow::Cow;

use smol_str::format_smolstr;

use super::paper;
use super::secret::Secret;
use super::tree::{Key, KeyPart, Reference, Tree};
use super::{Map, TreeError};

/// What a reference stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// A ground value (or a digest in its place).
    Known(Tree),
    /// Not known yet.
    Unknown,
}

/// Replaces every reference in `tree` by what `lookup` says of it.
///
/// # Errors
/// When two keys of one map become equal, or a key becomes something that is no text.
pub fn resolve(tree: &Tree, lookup: &impl Fn(&Reference) -> Resolved) -> Result<Tree, TreeError> {
    resolved(tree, lookup).map(Cow::into_owned)
}

/// Does the same; a tree with nothing to replace stands for itself.
///
/// # Errors
/// As for [`resolve`].
pub fn resolved<'t>(
    tree: &'t Tree,
    lookup: &impl Fn(&Reference) -> Resolved,
) -> Result<Cow<'t, Tree>, TreeError> {
    Ok(replaced(tree, lookup)?.map_or(Cow::Borrowed(tree), Cow::Owned))
}

/// Returns what becomes of a tree, or none when it stays as it is. What stays is shared with the source where a tree
/// can share.
fn replaced(tree: &Tree, lookup: &impl Fn(&Reference) -> Resolved) -> Result<Option<Tree>, TreeError> {
    Ok(match tree {
        Tree::Ref(reference) => Some(match lookup(reference) {
            Resolved::Known(value) => value,
            Resolved::Unknown => Tree::Unknown(reference.clone()),
        }),
        Tree::List(items) => replaced_list(items, lookup)?.map(Tree::List),
        Tree::Text(parts) => {
            let parts = parts.iter().map(|part| resolve(part, lookup));
            Some(join(parts.collect::<Result<_, _>>()?))
        }
        Tree::Json(inner) => Some(json_text(resolve(inner, lookup)?)),
        Tree::Map(map) if !map.is_plain() => replaced_map(map, lookup)?,
        _ => None,
    })
}

fn replaced_list(
    items: &[Tree],
    lookup: &impl Fn(&Reference) -> Resolved,
) -> Result<Option<Vec<Tree>>, TreeError> {
    for (at, item) in items.iter().enumerate() {
        let Some(first) = replaced(item, lookup)? else { continue };
        let mut list = Vec::with_capacity(items.len());
        list.extend_from_slice(&items[..at]);
        list.push(first);
        for item in &items[at + 1..] {
            list.push(resolve(item, lookup)?);
        }
        return Ok(Some(list));
    }
    Ok(None)
}

/// Resolves keys and values; a map with a key that is not known is unknown as a whole.
fn replaced_map(map: &Map, lookup: &impl Fn(&Reference) -> Resolved) -> Result<Option<Tree>, TreeError> {
    let mut entries: Option<Vec<(Key, Tree)>> = None;
    for (at, (key, value)) in map.iter().enumerate() {
        let new_key = match key {
            Key::Literal(_) => None,
            Key::Text(parts) => match key_text(parts, lookup)? {
                Ok(text) => Some(text.into()),
                Err(unknown) => return Ok(Some(Tree::Unknown(unknown))),
            },
        };
        let new_value = replaced(value, lookup)?;
        if entries.is_none() && new_key.is_none() && new_value.is_none() {
            continue;
        }
        let before = || map.iter().take(at).map(|(key, value)| (key.clone(), value.clone())).collect();
        let entries = entries.get_or_insert_with(before);
        // Keys that were literal from the start are different already.
        if let Some(key) = &new_key
            && entries.iter().any(|(other, _)| other == key)
        {
            return Err(TreeError::new(format!("two keys of one map are both {key:?}")));
        }
        entries.push((new_key.unwrap_or_else(|| key.clone()), new_value.unwrap_or_else(|| value.clone())));
    }
    Ok(entries.map(|entries| Tree::Map(entries.into_iter().collect())))
}

/// Returns the text of a key, or the reference in it that is not known.
fn key_text(
    parts: &[KeyPart],
    lookup: &impl Fn(&Reference) -> Resolved,
) -> Result<Result<String, Reference>, TreeError> {
    let mut text = String::new();
    for part in parts {
        match part {
            KeyPart::Literal(literal) => text.push_str(literal),
            KeyPart::Ref(reference) => match lookup(reference) {
                Resolved::Known(Tree::String(value)) => text.push_str(&value),
                Resolved::Known(_) => {
                    return Err(TreeError::new(format!("{reference} stands in a key but is no text")));
                }
                Resolved::Unknown => return Ok(Err(reference.clone())),
            },
        }
    }
    Ok(Ok(text))
}

/// Joins the parts of a text as far as they are known.
fn join(parts: Vec<Tree>) -> Tree {
    if parts
        .iter()
        .any(|part| matches!(part, Tree::Unknown(_) | Tree::Ref(_) | Tree::Digest(_) | Tree::Text(_)))
    {
        return Tree::Text(merge(parts));
    }
    let secret = parts.iter().any(Tree::has_secret);
    let text: String = parts.iter().map(plain_text).collect();
    if secret { Tree::Secret(Secret::new(text)) } else { Tree::String(text.into()) }
}

/// Merges neighbouring plain parts, so that two texts with equal parts compare equal however they were cut.
fn merge(parts: Vec<Tree>) -> Vec<Tree> {
    let mut merged: Vec<Tree> = Vec::new();
    for part in parts {
        match (merged.last_mut(), part) {
            (_, Tree::Text(inner)) => merged.extend(inner),
            (Some(Tree::String(before)), part @ (Tree::String(_) | Tree::Number(_) | Tree::Bool(_))) => {
                *before = format_smolstr!("{before}{}", plain_text(&part));
            }
            (_, part @ (Tree::Number(_) | Tree::Bool(_))) => {
                merged.push(Tree::String(plain_text(&part).into()));
            }
            (_, part) => merged.push(part),
        }
    }
    merged
}

fn plain_text(part: &Tree) -> Cow<'_, str> {
    match part {
        Tree::String(text) => text.as_str().into(),
        Tree::Secret(secret) => secret.expose().into(),
        other => paper::show(other).to_string().into(),
    }
}

/// Serialises a tree to its JSON text when all of it is known.
fn json_text(tree: Tree) -> Tree {
    if !tree.is_ground() {
        return Tree::Json(Box::new(tree));
    }
    let text = plain_json(&tree).to_string();
    if tree.has_secret() { Tree::Secret(Secret::new(text)) } else { Tree::String(text.into()) }
}

/// Returns a ground tree as plain JSON: keys as they are, secrets in the clear.
pub fn plain_json(tree: &Tree) -> serde_json::Value {
    match tree {
        Tree::Secret(secret) => secret.expose().into(),
        Tree::List(items) => items.iter().map(plain_json).collect(),
        Tree::Map(map) => map
            .iter()
            .map(|(key, value)| {
                let key = match key {
                    Key::Literal(text) => text.to_string(),
                    Key::Text(_) => format!("{key:?}"),
                };
                (key, plain_json(value))
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => paper::show(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;
    use crate::value::{Address, DigestKey};

    fn reference(text: &str) -> Reference {
        let (object, field) = text.rsplit_once('.').unwrap();
        Reference { object: Address::new(object), field: field.into() }
    }

    #[test]
    fn a_text_with_a_secret_part_is_one_secret() {
        let text = Tree::Text(vec![Tree::String("token ".into()), Tree::Ref(reference("a.token"))]);
        let known = resolve(&text, &|_| Resolved::Known(Tree::Secret(Secret::new("abc")))).unwrap();
        assert_eq!(known, Tree::Secret(Secret::new("token abc")));
    }

    #[test]
    fn a_text_with_a_digest_stays_in_parts_that_compare() {
        let key = DigestKey::new([7; 32]);
        let digest = |text: &str| Resolved::Known(Tree::Digest(key.digest(&Secret::new(text))));
        let text = Tree::Text(vec![Tree::String("x".into()), Tree::Ref(reference("a.token"))]);
        let one = resolve(&text, &|_| digest("abc")).unwrap();
        assert_eq!(one, resolve(&text, &|_| digest("abc")).unwrap());
        assert_ne!(one, resolve(&text, &|_| digest("abd")).unwrap());
    }

    #[test]
    fn a_map_with_an_unknown_key_is_unknown_as_a_whole() {
        let map = Tree::Map(Map::from([(Key::Text(vec![KeyPart::Ref(reference("a.host"))]), tree!("v"))]));
        assert_eq!(resolve(&map, &|_| Resolved::Unknown).unwrap(), Tree::Unknown(reference("a.host")));
    }

    #[test]
    fn keys_that_become_equal_are_an_error() {
        let map = Tree::Map(Map::from([
            (Key::Text(vec![KeyPart::Ref(reference("a.host"))]), tree!(1)),
            (Key::Literal("h".into()), tree!(2)),
        ]));
        assert!(resolve(&map, &|_| Resolved::Known(tree!("h"))).is_err());
    }

    #[test]
    fn json_is_written_only_when_all_is_known_and_escapes_what_it_holds() {
        let json = Tree::Json(Box::new(tree!({ "host": (Tree::Ref(reference("a.host"))) })));
        assert!(matches!(resolve(&json, &|_| Resolved::Unknown).unwrap(), Tree::Json(_)));
        let known = resolve(&json, &|_| Resolved::Known(tree!("quote\""))).unwrap();
        assert_eq!(known, tree!(r#"{"host":"quote\""}"#));
    }
}
