//! What keeps secrets inside: outputs are sealed before they are recorded, messages are scrubbed before they leave.

use crate::executor::{ExecError, OutputMap};
use crate::object::ObjectNode;
use crate::value::{DigestKey, Secret, Tree};

/// Marks as secret what the object's type says is, whatever the executor made of it.
pub(super) fn mark(node: &ObjectNode, mut outputs: OutputMap) -> OutputMap {
    for name in &node.secret_outputs {
        if let Some(Tree::String(text)) = outputs.get(name) {
            let secret = Secret::new(text.clone());
            outputs.insert(name.clone(), Tree::Secret(secret));
        }
    }
    outputs
}

/// Replaces every secret by its digest.
pub(super) fn seal(tree: &Tree, key: &DigestKey) -> Tree {
    match tree {
        Tree::Secret(secret) => Tree::Digest(key.digest(secret)),
        Tree::List(items) => Tree::List(items.iter().map(|item| seal(item, key)).collect()),
        Tree::Text(parts) => Tree::Text(parts.iter().map(|part| seal(part, key)).collect()),
        Tree::Json(inner) => Tree::Json(Box::new(seal(inner, key))),
        // A copy of what has nothing to hide shares it.
        Tree::Map(map) if !map.is_plain() => {
            Tree::Map(map.iter().map(|(name, value)| (name.clone(), seal(value, key))).collect())
        }
        other => other.clone(),
    }
}

/// Replaces every secret in outputs by its digest.
pub(super) fn seal_outputs(outputs: &OutputMap, key: &DigestKey) -> OutputMap {
    outputs.iter().map(|(name, tree)| (name.clone(), seal(tree, key))).collect()
}

/// The secrets that a step has in its hands, to be cut out of what it says.
#[derive(Debug, Clone, Default)]
pub(super) struct Scrub(Vec<Secret>);

impl Scrub {
    /// Adds every secret of a tree.
    pub(super) fn add(&mut self, tree: &Tree) {
        match tree {
            Tree::Secret(secret) if !secret.expose().is_empty() => self.0.push(secret.clone()),
            Tree::List(items) | Tree::Text(items) => items.iter().for_each(|item| self.add(item)),
            Tree::Json(inner) => self.add(inner),
            Tree::Map(map) if !map.is_plain() => map.values().for_each(|value| self.add(value)),
            _ => {}
        }
    }

    /// Adds every secret of outputs.
    pub(super) fn add_outputs(&mut self, outputs: &OutputMap) {
        for tree in outputs.values() {
            self.add(tree);
        }
    }

    /// Cuts the secrets out of a text, as they are and as they look inside a JSON or debug text. Long ones go first: a
    /// secret may be part of another.
    pub(super) fn text(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        let mut secrets: Vec<&Secret> = self.0.iter().collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        for secret in secrets {
            clean = clean.replace(secret.expose(), "(secret)");
            let quoted = serde_json::Value::from(secret.expose()).to_string();
            let inner = quoted.trim_matches('"');
            if inner != secret.expose() {
                clean = clean.replace(inner, "(secret)");
            }
        }
        clean
    }

    /// Cuts the secrets out of an error.
    pub(super) fn error(&self, error: ExecError) -> ExecError {
        ExecError {
            kind: error.kind,
            message: self.text(&error.message),
            code: error.code.map(|code| self.text(&code)),
            hint: error.hint.map(|hint| self.text(&hint)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::ErrorKind;
    use crate::tree;

    #[test]
    fn sealing_leaves_no_secret() {
        let key = DigestKey::new([1; 32]);
        let secret = Tree::Secret(Secret::new("canary"));
        let tree = Tree::List(vec![
            Tree::Text(vec![tree!("x"), secret.clone()]),
            Tree::Json(Box::new(tree!({ "a": secret }))),
        ]);
        let sealed = seal(&tree, &key);
        assert!(!sealed.has_secret() && sealed.has_digest());
    }

    #[test]
    fn a_secret_inside_of_another_leaves_nothing_of_it() {
        let mut scrub = Scrub::default();
        scrub.add(&tree!([(Secret::new("abc")), (Secret::new("Bearer abcdef"))]));
        assert_eq!(scrub.text("sent Bearer abcdef and abc"), "sent (secret) and (secret)");
    }

    #[test]
    fn a_message_loses_its_secrets_also_where_they_are_escaped() {
        let mut scrub = Scrub::default();
        scrub.add(&tree!({ "password": (Secret::new("can\"ary")) }));
        let error =
            ExecError::new(ErrorKind::Invalid, r#"bad can"ary in {"p":"can\"ary"}"#).hint("not can\"ary");
        let error = scrub.error(error);
        assert!(!error.to_string().contains("ary") && !error.hint.unwrap().contains("ary"));
    }
}
