//! Secrets where they must not be: in the bytes of a journal, a plan, an event log, a `Debug`.

use std::fmt;

use skyplat_core::value::{Secret, Tree};

use crate::world::World;

/// Texts shorter than this are not looked for: they occur by chance.
const SHORTEST: usize = 6;

/// How a secret is written where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// As it is.
    Plain,
    /// Inside of a JSON text.
    Json,
    /// In hexadecimal digits.
    Hex,
    /// In base64, at any offset, with either alphabet.
    Base64,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "as it is",
            Self::Json => "as JSON",
            Self::Hex => "in hexadecimal digits",
            Self::Base64 => "in base64",
        })
    }
}

/// A secret that was found. It does not hold the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Which one of those that were looked for, from 0.
    pub secret: usize,
    /// How it is written.
    pub form: Form,
    /// The first byte of it.
    pub at: usize,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret {} is there {}, from byte {} on", self.secret, self.form, self.at)
    }
}

/// Looks for secrets in bytes, also as JSON, hexadecimal digits and base64; one finding for each secret and form.
///
/// ```
/// use skyplat_mock::inspect::{Form, leaks};
///
/// let log = br#"{"data":{"token":"eHh4Y2FuYXJ5LTQy"}}"#; // base64 of "xxxcanary-42"
/// let found = leaks(log, ["canary-42", "another canary"]);
/// assert_eq!(found.len(), 1);
/// assert_eq!((found[0].secret, found[0].form), (0, Form::Base64));
/// assert_eq!(leaks(b"nothing here", ["canary-42"]), []);
/// ```
pub fn leaks<'a>(bytes: &[u8], secrets: impl IntoIterator<Item = &'a str>) -> Vec<Leak> {
    let mut found = Vec::new();
    for (secret, text) in secrets.into_iter().enumerate() {
        let forms = if text.len() < SHORTEST { Vec::new() } else { forms(text) };
        let mut last = None;
        for (form, pattern) in forms {
            // JSON of a plain text is the plain text, and base64 has several.
            if last != Some(form)
                && let Some(at) = position(bytes, pattern.as_bytes())
            {
                found.push(Leak { secret, form, at });
                last = Some(form);
            }
        }
    }
    found
}

/// Returns every secret that a world holds, for [`leaks`](leaks()): what the platform's own passwords and tokens are.
pub fn secrets(world: &World) -> Vec<Secret> {
    let mut found = Vec::new();
    for thing in world.things() {
        let trees = [Some(&thing.inputs), thing.natural_key.as_ref()].into_iter().flatten();
        for tree in trees.chain(thing.outputs.values()) {
            collect(tree, &mut found);
        }
    }
    found
}

fn collect(tree: &Tree, found: &mut Vec<Secret>) {
    match tree {
        Tree::Secret(secret) => found.push(secret.clone()),
        Tree::List(items) | Tree::Text(items) => items.iter().for_each(|item| collect(item, found)),
        Tree::Json(inner) => collect(inner, found),
        Tree::Map(map) => map.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

fn position(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

/// Returns the ways to write a text, with those of one form together.
fn forms(text: &str) -> Vec<(Form, String)> {
    let mut forms = vec![(Form::Plain, text.to_owned())];
    let quoted = serde_json::Value::from(text).to_string();
    let inside = quoted[1..quoted.len() - 1].to_owned();
    if inside != text {
        forms.push((Form::Json, inside));
    }
    forms.push((Form::Hex, hex::encode(text)));
    forms.push((Form::Hex, hex::encode_upper(text)));
    for before in 0..3 {
        let code = base64(text.as_bytes(), before);
        forms.push((Form::Base64, code.replace('+', "-").replace('/', "_")));
        forms.push((Form::Base64, code));
    }
    forms
}

/// Returns those characters of the base64 of a text that it decides alone, when so many bytes come before it.
fn base64(text: &[u8], before: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = |at: usize| {
        let byte = at / 8;
        (byte >= before).then(|| text.get(byte - before)).flatten().map(|byte| byte >> (7 - at % 8) & 1)
    };
    (0..(before + text.len()) * 8)
        .step_by(6)
        .filter_map(|start| {
            (start..start + 6).try_fold(0_usize, |code, at| Some(code << 1 | usize::from(bits(at)?)))
        })
        .map(|code| char::from(ALPHABET[code]))
        .collect()
}
