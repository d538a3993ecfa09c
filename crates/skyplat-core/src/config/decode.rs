//! From a tree of YAML nodes to values, collecting every problem on the way.
//!
//! The tools: reading a mapping with known keys, a list, a text, a number, a word. What the keys of a platform are stands
//! in [`super::read`]. A value that cannot be read is reported once and replaced by a stand-in that the checks leave
//! alone, so that one mistake is not told twice and does not hide another.

use std::collections::BTreeMap;

use super::code::Code;
use super::location::{Locations, item_path, key_path};
use super::parse::{Content, Entry, Node};
use super::report::{Diagnostic, Severity, Span, quoted, sentence};
use super::suggest::{closest, home_of};
use crate::ids::Cidr;

/// Collects places and problems while a tree is read.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    pub(super) locations: Locations,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Reads one value at a path; none, with a diagnostic, when it cannot be read.
pub(super) type Reader<T> = fn(&mut Decoder, &Node, &str) -> Option<T>;

/// The entries of a mapping that has known keys.
#[derive(Debug)]
pub(super) struct Fields<'n> {
    path: String,
    /// Known key → its entry; a misspelled key stands in for the one that was meant.
    entries: BTreeMap<&'static str, &'n Entry>,
    /// Where to point when a key is missing; none when the whole mapping could not be read.
    place: Option<Span>,
}

impl Decoder {
    /// Adds an error about the value at `path`, which counts as unread from now on.
    pub(super) fn refuse(&mut self, path: &str, diagnostic: Diagnostic) {
        self.locations.mark_unread(path);
        self.diagnostics.push(Diagnostic { path: path.into(), ..diagnostic });
    }

    /// Opens a mapping, reporting keys that are not in `known`.
    pub(super) fn fields<'n>(&mut self, node: &'n Node, path: &str, known: &[&'static str]) -> Fields<'n> {
        let place = self.locations.key(path).unwrap_or(node.span);
        let entries: Vec<&Entry> = match &node.content {
            Content::Map(entries) => entries.iter().collect(),
            _ if node.is_null() => Vec::new(),
            _ => {
                let hint = format!("write a mapping with the keys {}", sentence(known, "and"));
                self.wrong_type(node, path, "a mapping", hint);
                return Fields { path: path.into(), entries: BTreeMap::new(), place: None };
            }
        };
        let entries = entries.into_iter().map(|entry| (entry.key.as_str(), entry)).collect();
        self.known_fields(entries, path, known, place)
    }

    /// Sorts named entries into known keys and unknown ones, which are reported.
    pub(super) fn known_fields<'n>(
        &mut self,
        named: Vec<(&'n str, &'n Entry)>,
        path: &str,
        known: &[&'static str],
        place: Span,
    ) -> Fields<'n> {
        let mut entries: BTreeMap<&'static str, &'n Entry> = BTreeMap::new();
        let mut unknown = Vec::new();
        for (name, entry) in named {
            match known.iter().find(|known| **known == name) {
                Some(known) => {
                    entries.insert(known, entry);
                }
                None => unknown.push((name, entry)),
            }
        }
        for (name, entry) in unknown {
            let within = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
            let message = format!("unknown key {}{within}", quoted(name));
            let meant = closest(name, known);
            let hint = match (meant, home_of(name)) {
                (Some(meant), _) => format!("did you mean `{meant}`?"),
                (None, Some(home)) => format!("`{name}` belongs {home}"),
                (None, None) => format!("the keys here are {}", sentence(known, "and")),
            };
            let diagnostic = Diagnostic::at(Code::UnknownKey, Severity::Error, entry.key_span, message);
            self.diagnostics.push(Diagnostic { path: key_path(path, name), ..diagnostic.with_hint(hint) });
            if let Some(meant) = meant {
                entries.entry(meant).or_insert(entry);
            }
        }
        for (key, entry) in &entries {
            self.locations.insert(&key_path(path, key), Some(entry.key_span), entry.value.span);
        }
        Fields { path: path.into(), entries, place: Some(place) }
    }

    /// Reports a value of the wrong type.
    pub(super) fn wrong_type(&mut self, node: &Node, path: &str, wanted: &str, hint: impl Into<String>) {
        let found = describe(node);
        let what = match last_key(path) {
            "" => "the file".into(),
            key if path.ends_with(']') => format!("an element of `{key}`"),
            key => format!("`{key}`"),
        };
        let message = format!("{what} must be {wanted}, not {found}");
        let diagnostic = Diagnostic::at(Code::WrongType, Severity::Error, node.span, message);
        self.refuse(path, diagnostic.with_hint(hint));
    }
}

impl<'n> Fields<'n> {
    /// Returns the path of a key of this mapping.
    pub(super) fn path_of(&self, key: &str) -> String {
        key_path(&self.path, key)
    }

    /// Returns the entry of a key, unless it is absent.
    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.get(key).copied()
    }

    /// Reads a key that may be absent; a key without a value counts as absent.
    pub(super) fn optional<T>(&self, decoder: &mut Decoder, key: &str, read: Reader<T>) -> Option<T> {
        let entry = self.entry(key).filter(|entry| !entry.value.is_null())?;
        read(decoder, &entry.value, &self.path_of(key))
    }

    /// Reads a key that must be there; `hint` says what to write.
    pub(super) fn required<T>(
        &self,
        decoder: &mut Decoder,
        key: &str,
        read: Reader<T>,
        hint: &str,
    ) -> Option<T> {
        let path = self.path_of(key);
        match self.entry(key) {
            Some(entry) if !entry.value.is_null() => return read(decoder, &entry.value, &path),
            Some(entry) => {
                let message = format!("`{key}` has no value");
                let diagnostic = Diagnostic::at(Code::MissingKey, Severity::Error, entry.key_span, message);
                decoder.refuse(&path, diagnostic.with_hint(hint));
            }
            None => match self.place {
                Some(place) => {
                    let whole =
                        if self.path.is_empty() { "the platform".into() } else { format!("`{}`", self.path) };
                    let message = format!("{whole} needs the key `{key}`");
                    let diagnostic = Diagnostic::at(Code::MissingKey, Severity::Error, place, message);
                    decoder.refuse(&path, diagnostic.with_hint(hint));
                }
                None => decoder.locations.mark_unread(&path),
            },
        }
        None
    }

    /// Reads a list whose elements `read` reads; an absent one is empty.
    pub(super) fn list<T>(&self, decoder: &mut Decoder, key: &str, read: Reader<T>) -> Vec<T> {
        self.entry(key)
            .filter(|entry| !entry.value.is_null())
            .map_or_else(Vec::new, |entry| read_list(decoder, &entry.value, &self.path_of(key), read))
    }

    /// Reads a list, or nothing when it is absent.
    pub(super) fn optional_list<T>(
        &self,
        decoder: &mut Decoder,
        key: &str,
        read: Reader<T>,
    ) -> Option<Vec<T>> {
        let entry = self.entry(key).filter(|entry| !entry.value.is_null())?;
        Some(read_list(decoder, &entry.value, &self.path_of(key), read))
    }
}

/// Reads the elements that can be read. One that cannot leaves no gap: the paths of the others are those of the result.
fn read_list<T>(decoder: &mut Decoder, node: &Node, path: &str, read: Reader<T>) -> Vec<T> {
    let Content::List(items) = &node.content else {
        let hint = match &node.content {
            Content::Scalar { text, .. } => format!("write a list: [{text}]"),
            _ => "begin every element with `- `".into(),
        };
        decoder.wrong_type(node, path, "a list", hint);
        return Vec::new();
    };
    let (list, mut values) = (path, Vec::new());
    for item in items {
        let path = item_path(list, values.len());
        decoder.locations.insert(&path, None, item.span);
        if item.is_null() {
            let message = format!("an element of `{}` is empty", last_key(&path));
            // Nothing at all stands just behind its dash.
            let behind_dash = matches!(&item.content, Content::Scalar { text, .. } if text.is_empty());
            let column = item.span.column.saturating_sub(usize::from(behind_dash)).max(1);
            let span = Span { column, ..item.span };
            let diagnostic = Diagnostic::at(Code::MissingKey, Severity::Error, span, message);
            let diagnostic = diagnostic.with_hint("remove the lone `-`, or write the element after it");
            decoder.refuse(&path, diagnostic);
            decoder.locations.drop_item(list, &path);
            continue;
        }
        match read(decoder, item, &path) {
            Some(value) => values.push(value),
            None => decoder.locations.drop_item(list, &path),
        }
    }
    values
}

/// Reads a text. A number or a truth value is not one: unquoted, other YAML readers would change it.
pub(super) fn read_text(decoder: &mut Decoder, node: &Node, path: &str) -> Option<String> {
    match &node.content {
        Content::Scalar { plain: true, folded: true, .. } => {
            refuse_folded(decoder, node, path);
            None
        }
        Content::Scalar { text, plain, .. } if !plain || plain_kind(text) == PlainKind::Text => {
            Some(text.clone())
        }
        Content::Scalar { text, .. } => {
            decoder.wrong_type(node, path, "a text", format!("put it in quotes: \"{text}\""));
            None
        }
        _ => {
            decoder.wrong_type(node, path, "a text", "write a single value");
            None
        }
    }
}

/// Lines that look like keys or items of their own and are not, because of their indentation.
fn refuse_folded(decoder: &mut Decoder, node: &Node, path: &str) {
    let message = format!("`{}` goes on over several lines", last_key(path));
    let diagnostic = Diagnostic::at(Code::WrongType, Severity::Error, node.span, message)
        .with_hint("check the indentation, dashes and colons of the lines below: they are read as one text with this one");
    decoder.refuse(path, diagnostic);
}

/// Reads a text that people may leave unquoted even when it looks like a number or a truth value: a version, a label.
pub(super) fn read_loose_text(decoder: &mut Decoder, node: &Node, path: &str) -> Option<String> {
    match &node.content {
        Content::Scalar { plain: true, folded: true, .. } => refuse_folded(decoder, node, path),
        Content::Scalar { text, .. } => return Some(text.clone()),
        _ => decoder.wrong_type(node, path, "a text", "write a single value"),
    }
    None
}

/// Reads a whole number of at least zero.
pub(super) fn read_number(decoder: &mut Decoder, node: &Node, path: &str) -> Option<u64> {
    let number = match &node.content {
        Content::Scalar { text, .. } => text.replace('_', "").parse().ok(),
        _ => None,
    };
    if number.is_none() {
        decoder.wrong_type(node, path, "a whole number of at least 0", "write digits alone, such as 100");
    }
    number
}

/// Reads `true` or `false`.
pub(super) fn read_bool(decoder: &mut Decoder, node: &Node, path: &str) -> Option<bool> {
    let text = match &node.content {
        Content::Scalar { text, .. } => text.to_ascii_lowercase(),
        _ => String::new(),
    };
    let hint = match text.as_str() {
        "true" => return Some(true),
        "false" => return Some(false),
        "yes" | "on" | "y" | "enabled" | "1" => "write true",
        "no" | "off" | "n" | "disabled" | "0" => "write false",
        _ => "write true or false, without quotes",
    };
    decoder.wrong_type(node, path, "true or false", hint);
    None
}

/// Reads an IPv4 range.
pub(super) fn read_cidr(decoder: &mut Decoder, node: &Node, path: &str) -> Option<Cidr> {
    let text = read_text(decoder, node, path)?;
    let (message, hint) = match text.parse::<ipnet::Ipv4Net>() {
        Ok(net) if net.addr() == net.network() => return Some(net.into()),
        Ok(net) => (
            format!("{} has bits set after its first {}", quoted(&text), net.prefix_len()),
            format!("write the first address of the range: {}", net.trunc()),
        ),
        Err(_) if text.parse::<ipnet::Ipv6Net>().is_ok() => {
            (format!("{} is an IPv6 range", quoted(&text)), "write an IPv4 range, such as 10.1.0.0/16".into())
        }
        Err(_) if text.parse::<std::net::Ipv4Addr>().is_ok() => (
            format!("{} has no prefix length", quoted(&text)),
            format!("for this one address, write {text}/32"),
        ),
        Err(_) => (
            format!("{} is no IPv4 range", quoted(&text)),
            "write four numbers up to 255 and a prefix length up to 32, such as 10.1.0.0/16".into(),
        ),
    };
    decoder.refuse(path, Diagnostic::at(Code::BadCidr, Severity::Error, node.span, message).with_hint(hint));
    None
}

/// Reads one of a few words.
pub(super) fn read_word<T: Copy>(
    decoder: &mut Decoder,
    node: &Node,
    path: &str,
    words: &[(&'static str, T)],
) -> Option<T> {
    let Content::Scalar { text, .. } = &node.content else {
        decoder.wrong_type(node, path, "a single word", "write one value");
        return None;
    };
    if let Some((_, value)) = words.iter().find(|(word, _)| word == text) {
        return Some(*value);
    }
    let known: Vec<&'static str> = words.iter().map(|(word, _)| *word).collect();
    let message =
        format!("{} is not a value of `{}`: it is {}", quoted(text), last_key(path), sentence(&known, "or"));
    let hint = match closest(text, &known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("write {}", sentence(&known, "or")),
    };
    decoder.refuse(
        path,
        Diagnostic::at(Code::UnknownValue, Severity::Error, node.span, message).with_hint(hint),
    );
    None
}

/// Reads a mapping of free keys to texts.
pub(super) fn read_text_map(
    decoder: &mut Decoder,
    node: &Node,
    path: &str,
) -> Option<BTreeMap<String, String>> {
    let Content::Map(entries) = &node.content else {
        decoder.wrong_type(node, path, "a mapping", "write `key: value` lines below it, indented");
        return None;
    };
    let mut map = BTreeMap::new();
    for entry in entries {
        let path = key_path(path, &entry.key);
        decoder.locations.insert(&path, Some(entry.key_span), entry.value.span);
        if let Some(value) = read_loose_text(decoder, &entry.value, &path) {
            map.insert(entry.key.clone(), value);
        }
    }
    Some(map)
}

/// What an unquoted text is to a YAML reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlainKind {
    Text,
    Number,
    Bool,
}

fn plain_kind(text: &str) -> PlainKind {
    let digits = text.trim_start_matches(['-', '+']);
    let numeric = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && (text.parse::<f64>().is_ok() || digits.starts_with("0x") || digits.starts_with("0o"));
    match text {
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => PlainKind::Bool,
        _ if numeric => PlainKind::Number,
        _ => PlainKind::Text,
    }
}

/// Says what a node is, for a message.
fn describe(node: &Node) -> &'static str {
    match &node.content {
        Content::List(_) => "a list",
        Content::Map(_) => "a mapping",
        Content::Scalar { .. } if node.is_null() => "empty",
        Content::Scalar { plain: false, .. } => "a text",
        Content::Scalar { text, .. } => match plain_kind(text) {
            PlainKind::Text => "a text",
            PlainKind::Number => "a number",
            PlainKind::Bool => "a truth value",
        },
    }
}

/// The last key of a path, without the indexes after it.
fn last_key(path: &str) -> &str {
    let end =
        path.find('[').filter(|_| path.ends_with(']')).map_or(path.len(), |_| path.rfind('[').unwrap_or(0));
    let key = &path[..end];
    key.rsplit('.').next().unwrap_or(key)
}
