//! One spelling for values that have several, by the closed list of [`Normal`].
//!
//! [`canonical`] turns a value into the form in which two spellings of one meaning are equal. A value that is not of the
//! kind it claims to be stays as it is, so that it compares like any other.

use serde_json::Value as Json;
use smol_str::{SmolStr, ToSmolStr as _, format_smolstr};

use crate::ids::Cidr;
use crate::object::Normal;
use crate::tree;
use crate::value::{Key, Map, Tree, paper};

/// Returns the value in the form that all its spellings share.
pub(super) fn canonical(normal: Normal, value: &Tree) -> Tree {
    match normal {
        Normal::IamDocument => iam_document(value),
        Normal::Cidr => text(value, |text| text.parse::<Cidr>().ok().map(|cidr| tree!(cidr))),
        Normal::Arn => text(value, |text| short_arn(text).map(Tree::String)),
        Normal::Quantity => quantity(value),
        Normal::JsonText => text(value, parse_json),
    }
}

fn text(value: &Tree, read: impl Fn(&str) -> Option<Tree>) -> Tree {
    value.as_str().and_then(read).unwrap_or_else(|| value.clone())
}

fn parse_json(text: &str) -> Option<Tree> {
    serde_json::from_str(text).ok().map(from_json)
}

/// Turns plain JSON into a tree; a `$` in it is nothing special.
fn from_json(json: Json) -> Tree {
    match json {
        Json::Null => Tree::Null,
        Json::Bool(v) => Tree::Bool(v),
        Json::Number(v) => Tree::Number(v),
        Json::String(v) => Tree::String(v.into()),
        Json::Array(items) => Tree::List(items.into_iter().map(from_json).collect()),
        Json::Object(map) => {
            Tree::Map(map.into_iter().map(|(key, value)| (key.into(), from_json(value))).collect())
        }
    }
}

/// Drops a role's path: some APIs give a role back without it.
fn short_arn(arn: &str) -> Option<SmolStr> {
    let (head, resource) = arn.split_once(":role/")?;
    let name = resource.rsplit_once('/').map_or(resource, |(_, name)| name);
    Some(format_smolstr!("{head}:role/{name}"))
}

/// Reads a Kubernetes quantity as a number of thousand-millionths.
fn quantity(value: &Tree) -> Tree {
    let amount = match value {
        Tree::String(text) => nanos(text),
        Tree::Number(number) => nanos(&number.to_string()),
        _ => None,
    };
    amount.map_or_else(|| value.clone(), |nanos| Tree::String(format_smolstr!("{nanos}n")))
}

fn nanos(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 9 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let value = digits.checked_mul(10_i128.pow(9 - u32::try_from(fraction.len()).ok()?))?;
    let times = |factor: i128| value.checked_mul(factor);
    match suffix {
        "" => Some(value),
        "n" => Some(value / 1_000_000_000),
        "u" => Some(value / 1_000_000),
        "m" => Some(value / 1_000),
        "k" => times(1_000),
        "M" => times(1_000_000),
        "G" => times(1_000_000_000),
        "T" => times(1_000_000_000_000),
        "P" => times(1_000_000_000_000_000),
        "E" => times(1_000_000_000_000_000_000),
        "Ki" => times(1 << 10),
        "Mi" => times(1 << 20),
        "Gi" => times(1 << 30),
        "Ti" => times(1 << 40),
        "Pi" => times(1 << 50),
        "Ei" => times(1 << 60),
        _ => {
            let power: u32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            10_i128.checked_pow(power).and_then(times)
        }
    }
}

/// Puts an IAM document into one form: one statement is a list of one, and so is one action, resource, principal or
/// condition value; these lists are sets.
fn iam_document(value: &Tree) -> Tree {
    let parsed = value.as_str().and_then(parse_json);
    let Tree::Map(document) = parsed.as_ref().unwrap_or(value) else { return value.clone() };
    Tree::Map(map_values(document, |key, value| match key {
        "Statement" => Tree::List(listed(value).iter().map(statement).collect()),
        _ => value.clone(),
    }))
}

fn statement(value: &Tree) -> Tree {
    let Tree::Map(statement) = value else { return value.clone() };
    Tree::Map(map_values(statement, |key, value| match key {
        "Action" | "NotAction" | "Resource" | "NotResource" => set(value),
        "Principal" | "NotPrincipal" => sets_below(value),
        "Condition" => match value {
            Tree::Map(operators) => Tree::Map(map_values(operators, |_, keys| sets_below(keys))),
            _ => value.clone(),
        },
        _ => value.clone(),
    }))
}

fn sets_below(value: &Tree) -> Tree {
    match value {
        Tree::Map(map) => Tree::Map(map_values(map, |_, value| set(value))),
        _ => value.clone(),
    }
}

fn map_values(map: &Map, mut change: impl FnMut(&str, &Tree) -> Tree) -> Map {
    map.iter()
        .map(|(key, value)| {
            let name = if let Key::Literal(name) = key { name.as_str() } else { "" };
            (key.clone(), change(name, value))
        })
        .collect()
}

fn listed(value: &Tree) -> Vec<Tree> {
    value.as_list().map_or_else(|| vec![value.clone()], <[Tree]>::to_vec)
}

fn set(value: &Tree) -> Tree {
    let plain = |item: Tree| match item {
        Tree::Bool(v) => Tree::String(v.to_smolstr()),
        Tree::Number(v) => Tree::String(v.to_smolstr()),
        other => other,
    };
    let mut items: Vec<Tree> = listed(value).into_iter().map(plain).collect();
    items.sort_by_cached_key(|item| paper::show(item).to_string());
    items.dedup();
    Tree::List(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn same(normal: Normal, a: &Tree, b: &Tree) -> bool {
        canonical(normal, a) == canonical(normal, b)
    }

    #[test]
    fn quantities_compare_by_amount() {
        for (a, b) in [("1000m", "1"), ("1Gi", "1024Mi"), ("0.5", "500m"), ("1k", "1e3"), ("1G", "1000M")] {
            assert!(same(Normal::Quantity, &tree!(a), &tree!(b)), "{a} {b}");
        }
        assert!(same(Normal::Quantity, &tree!(1000), &tree!("1000")));
        for (a, b) in [("1G", "1Gi"), ("100m", "1"), ("x", "y"), ("", "0")] {
            assert!(!same(Normal::Quantity, &tree!(a), &tree!(b)), "{a} {b}");
        }
    }

    #[test]
    fn cidrs_and_role_arns_compare_by_meaning() {
        assert!(same(Normal::Cidr, &tree!("10.1.2.3/16"), &tree!("10.1.0.0/16")));
        assert!(!same(Normal::Cidr, &tree!("10.1.0.0/16"), &tree!("10.2.0.0/16")));
        let (long, short) = ("arn:aws:iam::1:role/a/b/name", "arn:aws:iam::1:role/name");
        assert!(same(Normal::Arn, &tree!(long), &tree!(short)));
        assert!(!same(Normal::Arn, &tree!("arn:aws:iam::1:role/x"), &tree!(short)));
    }

    #[test]
    fn iam_documents_compare_by_meaning() {
        let one = tree!({ "Statement": { "Effect": "Allow", "Action": "s3:Get", "Resource": "*",
            "Condition": { "Bool": { "k": true } } } });
        let two = tree!(
            r#"{"Statement":[{"Effect":"Allow","Action":["s3:Get"],"Resource":["*"],"Condition":{"Bool":{"k":"true"}}}]}"#
        );
        assert!(same(Normal::IamDocument, &one, &two));
        let swapped = |a: &str, b: &str| tree!({ "Statement": [{ "Action": [a, b] }] });
        assert!(same(Normal::IamDocument, &swapped("a", "b"), &swapped("b", "a")));
        assert!(!same(Normal::IamDocument, &swapped("a", "b"), &swapped("a", "c")));
    }

    #[test]
    fn json_texts_compare_by_content() {
        assert!(same(Normal::JsonText, &tree!(r#"{"a": 1, "b": 2}"#), &tree!(r#"{"b":2,"a":1}"#)));
        assert!(!same(Normal::JsonText, &tree!("{"), &tree!("{ ")));
    }
}
