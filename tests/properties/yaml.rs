//! A small writer of YAML that can say one thing in many ways: keys in any order, blocks or braces, any quotes.

use std::fmt::Write as _;

/// A value of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// A text.
    Text(String),
    /// A number or a boolean: never quoted.
    Plain(String),
    /// A list.
    List(Vec<Self>),
    /// A mapping, in the order in which it is written plainly.
    Map(Vec<(String, Self)>),
}

/// Entries of a mapping.
pub(crate) type Entries = Vec<(String, Node)>;

pub(crate) fn text(text: impl Into<String>) -> Node {
    Node::Text(text.into())
}

pub(crate) fn plain(value: impl ToString) -> Node {
    Node::Plain(value.to_string())
}

pub(crate) fn texts<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Node {
    Node::List(items.into_iter().map(text).collect())
}

pub(crate) fn entry(key: &str, value: Node) -> (String, Node) {
    (key.to_owned(), value)
}

/// How a configuration is written. The same seed writes the same bytes; none writes it plainly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style(pub(crate) Option<u64>);

impl Style {
    pub(crate) const PLAIN: Self = Self(None);
}

/// Writes a mapping as a file.
pub(crate) fn write(node: &Node, style: Style) -> String {
    let mut writer = Writer { dice: style.0.map(Dice), out: String::new() };
    if writer.chance(4) {
        writer.out.push_str("---\n");
    }
    writer.block(node, 0);
    writer.out
}

/// Numbers from a seed (splitmix64).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}

struct Writer {
    dice: Option<Dice>,
    out: String,
}

impl Writer {
    /// Returns true once in so many times, and never in the plain style.
    fn chance(&mut self, of: usize) -> bool {
        self.dice.as_mut().is_some_and(|dice| dice.below(of) == 0)
    }

    fn shuffled<'n>(&mut self, entries: &'n Entries) -> Vec<&'n (String, Node)> {
        let mut entries: Vec<&(String, Node)> = entries.iter().collect();
        if let Some(dice) = &mut self.dice {
            for at in (1..entries.len()).rev() {
                entries.swap(at, dice.below(at + 1));
            }
        }
        entries
    }

    /// Writes a value that stands in lines of its own.
    fn block(&mut self, node: &Node, indent: usize) {
        match node {
            Node::Map(entries) if !entries.is_empty() => {
                for (key, value) in self.shuffled(entries) {
                    if self.chance(9) {
                        self.out.push_str("# a comment: with a colon\n");
                    }
                    self.out.push_str(&" ".repeat(indent));
                    self.key(key);
                    self.below(value, indent);
                }
            }
            Node::List(items) if !items.is_empty() => {
                for item in items {
                    self.out.push_str(&" ".repeat(indent));
                    self.out.push('-');
                    self.below(item, indent);
                }
            }
            leaf => {
                self.out.push_str(&" ".repeat(indent));
                self.flow(leaf);
                self.out.push('\n');
            }
        }
    }

    /// Writes what follows a key or a dash.
    fn below(&mut self, node: &Node, indent: usize) {
        let is_empty = match node {
            Node::Map(entries) => entries.is_empty(),
            Node::List(items) => items.is_empty(),
            Node::Text(_) | Node::Plain(_) => true,
        };
        if is_empty || self.chance(3) {
            self.out.push(' ');
            self.flow(node);
            self.out.push('\n');
        } else {
            self.out.push('\n');
            let more = if self.chance(3) { 4 } else { 2 };
            self.block(node, indent + more);
        }
    }

    /// Writes a value in one line.
    fn flow(&mut self, node: &Node) {
        match node {
            Node::Plain(value) => self.out.push_str(value),
            Node::Text(text) => self.text(text),
            Node::List(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.out.push_str(", ");
                    }
                    self.flow(item);
                }
                self.out.push(']');
            }
            Node::Map(entries) => {
                self.out.push('{');
                for (at, (key, value)) in self.shuffled(entries).into_iter().enumerate() {
                    if at > 0 {
                        self.out.push_str(", ");
                    }
                    self.key(key);
                    self.out.push(' ');
                    self.flow(value);
                }
                self.out.push('}');
            }
        }
    }

    fn key(&mut self, key: &str) {
        self.text(key);
        self.out.push(':');
    }

    fn text(&mut self, text: &str) {
        let safe = |c: char| c.is_ascii_alphanumeric() || "-_/.".contains(c);
        let is_word = text.chars().all(|c| safe(c) || c == ':')
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && !text.ends_with(':')
            && !["true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan"]
                .contains(&text.to_ascii_lowercase().as_str());
        if is_word && !self.chance(5) {
            self.out.push_str(text);
        } else if self.chance(2) {
            write!(self.out, "'{}'", text.replace('\'', "''")).unwrap();
        } else {
            write!(self.out, "{text:?}").unwrap();
        }
    }
}
