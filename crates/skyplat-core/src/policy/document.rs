//! IAM documents as checks read them: statements with whatever is known of their texts.
//!
//! Documents are found wherever they stand in an object's inputs, as a tree or as JSON text: a map with `Statement`.

use super::subject::for_each_map;
use crate::value::{Key, KeyPart, Tree};

/// Stands in a text for a part that is not known. No pattern of IAM has it.
pub(super) const UNKNOWN: char = '\u{fffc}';

/// One statement that allows something.
#[derive(Debug, Clone)]
pub(super) struct Allow {
    statement: Tree,
}

/// One condition: operator, key, values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) operator: String,
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

/// Returns the statements that allow something, in every document inside of these inputs.
pub(super) fn allowed(inputs: &Tree) -> Vec<Allow> {
    let mut found = Vec::new();
    for_each_map(inputs, &mut |map| {
        let statements: &[Tree] = match map.get("Statement") {
            Some(Tree::List(items)) => items,
            Some(one @ Tree::Map(_)) => std::slice::from_ref(one),
            _ => &[],
        };
        let allows = |statement: &&Tree| statement.get("Effect").and_then(Tree::as_str) == Some("Allow");
        found
            .extend(statements.iter().filter(allows).map(|statement| Allow { statement: statement.clone() }));
    });
    found
}

impl Allow {
    /// Returns whether it has a field.
    pub(super) fn has(&self, field: &str) -> bool {
        self.statement.get(field).is_some()
    }

    /// Returns the texts of a field that is one or a list of them.
    pub(super) fn texts(&self, field: &str) -> Vec<String> {
        self.statement.get(field).map(texts).unwrap_or_default()
    }

    /// Returns the principals by kind: `AWS`, `Federated`, `Service`; `*` alone has the kind `*`.
    pub(super) fn principals(&self) -> Vec<(String, String)> {
        match self.statement.get("Principal") {
            Some(Tree::Map(map)) => map
                .iter()
                .flat_map(|(kind, who)| texts(who).into_iter().map(move |who| (key_text(kind), who)))
                .collect(),
            Some(other) => texts(other).into_iter().map(|who| (who.clone(), who)).collect(),
            None => Vec::new(),
        }
    }

    /// Returns the principals that are roles and users, with their references.
    pub(super) fn raw_aws_principals(&self) -> &[Tree] {
        match self.statement.get("Principal").and_then(|principal| principal.get("AWS")) {
            Some(Tree::List(items)) => items,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        }
    }

    /// Returns the conditions, all of which must hold.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let conditions = self.raw_conditions().into_iter();
        conditions.map(|(operator, key, values)| Condition { operator, key: key_text(key), values }).collect()
    }

    /// Returns operator, key and values of every condition, the key with its references.
    pub(super) fn raw_conditions(&self) -> Vec<(String, &Key, Vec<String>)> {
        let operators = self.statement.get("Condition").and_then(Tree::as_map);
        let mut conditions = Vec::new();
        for (operator, keys) in operators.into_iter().flatten() {
            for (key, values) in keys.as_map().into_iter().flatten() {
                conditions.push((key_text(operator), key, texts(values)));
            }
        }
        conditions
    }

    /// Returns whether it speaks of every resource: it says so, or names those that it does not speak of.
    pub(super) fn is_on_everything(&self) -> bool {
        self.has("NotResource") || self.texts("Resource").iter().any(|resource| is_everything(resource))
    }
}

impl Condition {
    /// Returns whether the condition holds only for values that are named: the operator asks for equality, also when the
    /// key is absent, and no value stands for all.
    pub(super) fn pins(&self) -> bool {
        let operator = self.operator.strip_prefix("ForAnyValue:").unwrap_or(&self.operator);
        let equality = matches!(
            operator.to_ascii_lowercase().as_str(),
            "stringequals" | "stringequalsignorecase" | "stringlike" | "arnequals" | "arnlike" | "ipaddress"
        );
        equality && !self.values.is_empty() && !self.values.iter().any(|value| self.is_any(value))
    }

    /// Returns whether values are patterns.
    pub(super) fn has_patterns(&self) -> bool {
        let operator = self.operator.to_ascii_lowercase();
        operator.ends_with("like") || operator.ends_with("arnequals")
    }

    fn is_any(&self, value: &str) -> bool {
        match super::ranges::parse(value) {
            Some(range) => super::ranges::reach(&[range]) == super::ranges::Reach::World,
            None => self.has_patterns() && value.chars().all(|c| matches!(c, '*' | '?' | ':')),
        }
    }
}

/// Returns whether a resource's name or pattern stands for everything: `*`, or an ARN made of wildcards alone.
fn is_everything(resource: &str) -> bool {
    let mut parts = resource.split(':');
    match parts.next() {
        Some("arn") => {
            // The partition narrows nothing.
            let rest: Vec<&str> = parts.skip(1).collect();
            rest.iter().all(|part| part.chars().all(|c| c == '*' || c == '/'))
                && rest.iter().any(|part| part.contains('*'))
        }
        Some(first) => !first.is_empty() && first.chars().all(|c| c == '*') && parts.next().is_none(),
        None => false,
    }
}

/// Returns the texts in one text or a list of them.
pub(super) fn texts(tree: &Tree) -> Vec<String> {
    match tree {
        Tree::List(items) => items.iter().map(known_text).collect(),
        other => vec![known_text(other)],
    }
}

/// Returns a text with [`UNKNOWN`] where it is not known.
pub(super) fn known_text(tree: &Tree) -> String {
    match tree {
        Tree::String(text) => text.to_string(),
        Tree::Text(parts) => parts.iter().map(known_text).collect(),
        _ => UNKNOWN.to_string(),
    }
}

fn key_text(key: &Key) -> String {
    match key {
        Key::Literal(text) => text.to_string(),
        Key::Text(parts) => parts
            .iter()
            .map(|part| match part {
                KeyPart::Literal(text) => text.to_string(),
                KeyPart::Ref(_) => UNKNOWN.to_string(),
            })
            .collect(),
    }
}

/// Returns whether a pattern of IAM (`*`, `?`) fits a name, in any case.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (pattern, name) = (lower(pattern), lower(name));
    // The last star, and where in the name what follows it was tried.
    let (mut at, mut reached, mut star) = (0, 0, None);
    while reached < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, reached));
                at += 1;
            }
            Some(c) if *c == '?' || *c == name[reached] => {
                at += 1;
                reached += 1;
            }
            _ => match &mut star {
                Some((after, tried)) => {
                    *tried += 1;
                    (at, reached) = (*after + 1, *tried);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn a_pattern_fits_what_iam_says_it_fits() {
        for (pattern, name, is) in [
            ("iam:*", "iam:PassRole", true),
            ("*", "iam:PassRole", true),
            ("iam:P*Role", "iam:passrole", true),
            ("IAM:PASS????", "iam:PassRole", true),
            ("i*m:*s*e", "iam:PassRole", true),
            ("iam:Get*", "iam:PassRole", false),
            ("iam:PassRol", "iam:PassRole", false),
            ("iam:PassRole?", "iam:PassRole", false),
            ("", "iam:PassRole", false),
        ] {
            assert_eq!(fits(pattern, name), is, "{pattern} {name}");
        }
    }

    #[test]
    fn everything_is_a_star_however_it_is_written() {
        for everything in ["*", "**", "arn:aws:*", "arn:*:*:*:*:*", "arn:aws-cn:*:*:*:*/*"] {
            assert!(is_everything(everything), "{everything}");
        }
        for some in ["arn:aws:s3:::*", "arn:aws:iam::1:role/*", "", "a*", "arn", "\u{fffc}"] {
            assert!(!is_everything(some), "{some}");
        }
    }

    #[test]
    fn documents_are_found_in_trees_and_in_texts() {
        let document = tree!({ "Statement": { "Effect": "Allow", "Action": "s3:*", "Resource": ["*"] } });
        let text = r#" {"Statement": [{"Effect": "Allow", "NotAction": "iam:*"}, {"Effect": "Deny"}]}"#;
        let inputs = tree!({ "a": { "b": [document] }, "text": text, "json": (Tree::Json(Box::new(document.clone()))) });
        let found = allowed(&inputs);
        assert_eq!(found.len(), 3);
        assert_eq!(found.iter().filter(|statement| statement.is_on_everything()).count(), 2);
        assert!(found.iter().any(|statement| statement.has("NotAction")));
    }

    #[test]
    fn only_equality_pins() {
        let pins = |operator: &str, value: &str| {
            Condition {
                operator: operator.into(),
                key: "aws:PrincipalOrgID".into(),
                values: vec![value.into()],
            }
            .pins()
        };
        assert!(pins("StringEquals", "o-1") && pins("ForAnyValue:StringLike", "o-*"));
        assert!(!pins("StringLike", "*") && !pins("StringEqualsIfExists", "o-1"));
        assert!(!pins("ForAllValues:StringEquals", "o-1") && !pins("StringNotEquals", "o-1"));
        assert!(!pins("IpAddress", "0.0.0.0/0") && pins("IpAddress", "203.0.113.0/24"));
    }
}
