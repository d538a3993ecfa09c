//! From bytes to a tree of YAML nodes, each with its place in the file.
//!
//! The events come from serde-saphyr's parser, which bounds nesting. Built here from events, rather than through serde,
//! so that all duplicate keys are found at once, every key and value keeps its place, and a scalar keeps its text
//! (`1.30` is not yet a number). Merge keys (`<<`) are followed. What the keys mean is [`super::decode`]'s business.

use std::collections::{BTreeMap, btree_map};

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, Tag};

use super::code::Code;
use super::report::{Diagnostic, Severity, Span, plain_breaks, quoted};
use super::syntax::syntax_error;

/// Largest file, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// Most nodes, after aliases are expanded.
const MAX_NODES: usize = 20_000;
/// Deepest nesting, after aliases are expanded. What reads a tree may recurse.
const MAX_DEPTH: usize = 256;

/// A YAML node.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Where it stands; for a mapping, its first key.
    pub(super) span: Span,
    /// What it is.
    pub(super) content: Content,
    /// How many nodes it is, with all below it.
    weight: usize,
    /// How many levels it has.
    depth: usize,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// A text that may still turn out to be a number or nothing at all.
    Scalar {
        /// The text, without quotes.
        text: String,
        /// Whether it stood without quotes.
        plain: bool,
        /// Whether it goes on over several lines.
        folded: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file, each key once.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key's text.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) key_span: Span,
    /// The value.
    pub(super) value: Node,
}

impl Node {
    fn scalar(span: Span, text: String, plain: bool, folded: bool) -> Self {
        Self { span, content: Content::Scalar { text, plain, folded }, weight: 1, depth: 1 }
    }

    fn list(span: Span, items: Vec<Self>) -> Self {
        let weight = items.iter().map(|item| item.weight).sum::<usize>() + 1;
        let depth = items.iter().map(|item| item.depth).max().unwrap_or(0) + 1;
        Self { span, content: Content::List(items), weight, depth }
    }

    fn map(span: Span, entries: Vec<Entry>) -> Self {
        let weight = entries.iter().map(|entry| entry.value.weight).sum::<usize>() + 1;
        let depth = entries.iter().map(|entry| entry.value.depth).max().unwrap_or(0) + 1;
        Self { span, content: Content::Map(entries), weight, depth }
    }

    /// Returns whether this is nothing: `null`, `~` or no text at all.
    pub(super) fn is_null(&self) -> bool {
        match &self.content {
            Content::Scalar { text, plain: true, .. } => {
                matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }
}

/// A file that was read: its text, its tree unless it has none, and what was wrong on the way.
#[derive(Debug)]
pub(super) struct ParsedFile {
    /// The text, without a byte order mark.
    pub(super) text: String,
    /// The tree; none when the file is empty or cannot be read to its end.
    pub(super) root: Option<Node>,
    /// What was wrong.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Reads a file into a tree.
pub(super) fn parse_yaml(bytes: &[u8]) -> ParsedFile {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let failed = |text: String, diagnostic| ParsedFile { text, root: None, diagnostics: vec![diagnostic] };
    if bytes.len() > MAX_BYTES {
        let message = format!("the file has {} bytes; a platform's has at most {MAX_BYTES}", bytes.len());
        return failed(
            String::new(),
            error(Code::TooLarge, START, message).with_hint("is this the right file?"),
        );
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(fault) => {
            return failed(String::from_utf8_lossy(bytes).into_owned(), not_text(bytes, fault.valid_up_to()));
        }
    };
    let mut builder = Builder::default();
    let complete = builder.run(text);
    let root = if complete { builder.root } else { None };
    ParsedFile { text: text.into(), root, diagnostics: builder.diagnostics }
}

const START: Span = Span { line: 1, column: 1, len: 1 };

fn error(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::at(code, Severity::Error, span, message)
}

/// Says that a file has no content, and what the smallest one has.
pub(super) fn empty_file() -> Diagnostic {
    error(Code::EmptyFile, START, "the file is empty").with_hint(
        "begin with `hub:` for a hub with spokes, `regions:` for equal regions, or `region:` for a single cluster",
    )
}

/// Says where a file stops being UTF-8.
fn not_text(bytes: &[u8], valid: usize) -> Diagnostic {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return error(Code::NotText, START, "the file is UTF-16 text, not UTF-8")
            .with_hint("save it as UTF-8, in most editors under \"Save with encoding\"");
    }
    let before = plain_breaks(&String::from_utf8_lossy(&bytes[..valid]));
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    let byte = bytes.get(valid).copied().unwrap_or_default();
    error(
        Code::NotText,
        Span { line, column, len: 1 },
        format!("the file is not UTF-8 text: byte 0x{byte:02x} begins no character"),
    )
    .with_hint("save the file as UTF-8; is it a YAML file at all?")
}

/// A list or mapping that is not finished.
#[derive(Debug)]
struct Frame {
    span: Span,
    anchor: usize,
    kind: FrameKind,
}

#[derive(Debug)]
enum FrameKind {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        /// Where each key was given first.
        first: BTreeMap<String, Span>,
        merges: Vec<Node>,
        /// The key whose value comes next; without a text when it is none.
        key: Option<(Option<String>, Span)>,
    },
}

/// Puts events together to nodes.
#[derive(Debug, Default)]
struct Builder {
    frames: Vec<Frame>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
    diagnostics: Vec<Diagnostic>,
}

impl Builder {
    /// Reads the whole text; returns false when it had to stop before the end.
    fn run(&mut self, text: &str) -> bool {
        let options = granit_parser::options! { emit_comments: false };
        let lines: Vec<usize> = plain_breaks(text).lines().map(|line| line.chars().count()).collect();
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, place) = match event {
                Ok(event) => event,
                Err(fault) => {
                    self.diagnostics.push(syntax_error(&fault, text));
                    return false;
                }
            };
            let span = span_of(&place, &lines);
            self.refuse_tag(&event, place.tag_span().map_or(span, |tag| span_of(&tag, &lines)));
            if let Err(fatal) = self.take(event, span, &place) {
                self.diagnostics.push(*fatal);
                return false;
            }
        }
        true
    }

    /// Reports a tag that is none of YAML's own.
    fn refuse_tag(&mut self, event: &Event<'_>, span: Span) {
        if let Some(tag) = tag_of(event)
            && tag.core_suffix().is_none()
        {
            let message = format!("the tag {} has no meaning here", quoted(&tag.to_string()));
            self.diagnostics.push(
                error(Code::UnsupportedTag, span, message)
                    .with_hint("leave the tag out; a text that begins with `!` goes in quotes"),
            );
        }
    }

    fn take(
        &mut self,
        event: Event<'_>,
        span: Span,
        place: &granit_parser::Span,
    ) -> Result<(), Box<Diagnostic>> {
        let is_text = tag_of(&event).and_then(|tag| tag.core_suffix()) == Some("str");
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents == 2 {
                    let message = "the file has more than one YAML document";
                    return Err(error(Code::MultipleDocuments, span, message)
                        .with_hint("keep one platform per file; `---` begins a new document")
                        .into());
                }
            }
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain && !is_text;
                // The parser writes nothing at all as `~`.
                let text = if plain && place.is_empty() { String::new() } else { text.into_owned() };
                let folded = place.end.line() > place.start.line();
                self.finish(Node::scalar(span, text, plain, folded), anchor)?;
            }
            Event::SequenceStart(_, anchor, _) => {
                self.frames.push(Frame { span, anchor, kind: FrameKind::List(Vec::new()) });
            }
            Event::MappingStart(_, anchor, _) => {
                let (entries, first, merges) = (Vec::new(), BTreeMap::new(), Vec::new());
                let kind = FrameKind::Map { entries, first, merges, key: None };
                self.frames.push(Frame { span, anchor, kind });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close()?,
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => {
                    let node = Node { span, ..node.clone() };
                    self.finish(node, 0)?;
                }
                None => {
                    return Err(error(
                        Code::Syntax,
                        span,
                        "an alias stands inside the value that it repeats",
                    )
                    .with_hint("write the value out")
                    .into());
                }
            },
            _ => {}
        }
        Ok(())
    }

    /// Ends the innermost list or mapping.
    fn close(&mut self) -> Result<(), Box<Diagnostic>> {
        let Some(Frame { span, anchor, kind }) = self.frames.pop() else { return Ok(()) };
        let node = match kind {
            FrameKind::List(items) => Node::list(span, items),
            FrameKind::Map { mut entries, merges, .. } => {
                let span = entries.first().map_or(span, |entry| entry.key_span);
                for merge in merges {
                    self.merge(&mut entries, merge);
                }
                Node::map(span, entries)
            }
        };
        // Its elements were counted when they were finished.
        self.nodes = self.nodes.saturating_sub(node.weight - 1);
        self.finish(node, anchor)
    }

    /// Adds the entries of a `<<` value that the mapping does not have itself.
    fn merge(&mut self, entries: &mut Vec<Entry>, merge: Node) {
        let sources = match merge.content {
            Content::List(items) => items,
            _ => vec![merge],
        };
        for source in sources {
            let Content::Map(merged) = source.content else {
                let message = "`<<` takes a mapping or a list of mappings";
                self.diagnostics.push(
                    error(Code::WrongType, source.span, message)
                        .with_hint("write `<<: *name`, where `&name` marks a mapping"),
                );
                continue;
            };
            for entry in merged {
                if !entries.iter().any(|known| known.key == entry.key) {
                    entries.push(entry);
                }
            }
        }
    }

    /// Hands a finished node to what it stands in.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Box<Diagnostic>> {
        self.nodes = self.nodes.saturating_add(node.weight);
        if self.nodes > MAX_NODES {
            let message = format!("the file expands to more than {MAX_NODES} values");
            return Err(error(Code::TooLarge, node.span, message)
                .with_hint("aliases (`*name`) that repeat aliases multiply; write the values out")
                .into());
        }
        if node.depth > MAX_DEPTH {
            return Err(error(
                Code::TooLarge,
                node.span,
                format!("the file is nested more than {MAX_DEPTH} levels deep"),
            )
            .with_hint("a platform needs fewer than ten levels; is this the right file?")
            .into());
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut frame.kind {
            FrameKind::List(items) => items.push(node),
            FrameKind::Map { entries, first, merges, key } => match key.take() {
                None => *key = Some((key_text(&node, &mut self.diagnostics), node.span)),
                Some((None, _)) => {}
                Some((Some(name), _)) if name == "<<" => merges.push(node),
                Some((Some(name), key_span)) => match first.entry(name) {
                    btree_map::Entry::Occupied(first) => {
                        let message = format!("the key {} is given twice", quoted(first.key()));
                        self.diagnostics.push(
                            error(Code::DuplicateKey, key_span, message)
                                .with_hint("keep one of the two")
                                .with_related(*first.get(), "first given here"),
                        );
                    }
                    btree_map::Entry::Vacant(first) => {
                        entries.push(Entry { key: first.key().clone(), key_span, value: node });
                        first.insert(key_span);
                    }
                },
            },
        }
        Ok(())
    }
}

/// The tag of a node's event.
fn tag_of<'a>(event: &'a Event<'_>) -> Option<&'a Tag> {
    match event {
        Event::Scalar(_, _, _, tag) | Event::SequenceStart(_, _, tag) | Event::MappingStart(_, _, tag) => {
            tag.as_deref()
        }
        _ => None,
    }
}

/// The text of a key; none, with a diagnostic, when it is a list or a mapping.
fn key_text(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<String> {
    if let Content::Scalar { text, .. } = &node.content {
        return Some(text.clone());
    }
    diagnostics
        .push(error(Code::WrongType, node.span, "a key must be a text, not a list or a mapping").with_hint(
            "a value that begins with `{` or `[`, such as a template's `{{ … }}`, goes in quotes",
        ));
    None
}

/// The place of an event, cut to its first line; `lines` has the length of each.
fn span_of(place: &granit_parser::Span, lines: &[usize]) -> Span {
    let (start, end) = (&place.start, &place.end);
    let (line, column) = (start.line().max(1), start.col() + 1);
    let line_end = lines.get(line - 1).copied().unwrap_or_default();
    let end = if end.line() == start.line() { end.col() } else { line_end };
    Span { line, column, len: end.saturating_sub(start.col()).max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &[u8]) -> Vec<(Code, usize, usize)> {
        parse_yaml(text)
            .diagnostics
            .into_iter()
            .map(|d| (d.code, d.span.unwrap().line, d.span.unwrap().column))
            .collect()
    }

    #[test]
    fn a_lone_carriage_return_ends_a_line() {
        assert_eq!(codes(b"region: a\rb\xff"), [(Code::NotText, 2, 2)]);
        let file = parse_yaml(b"a:\r  b: 'x\r    y'\r");
        let Content::Map(top) = file.root.unwrap().content else { panic!("a mapping") };
        let Content::Map(inner) = &top[0].value.content else { panic!("a mapping") };
        assert_eq!(inner[0].value.span, Span { line: 2, column: 6, len: 2 });
    }

    #[test]
    fn every_key_and_value_keeps_its_place() {
        let file = parse_yaml(b"a:\n  - b: \"x\"\n    c: [1, 2]\n");
        let Content::Map(top) = file.root.unwrap().content else { panic!("a mapping") };
        assert_eq!(top[0].key_span, Span { line: 1, column: 1, len: 1 });
        let Content::List(items) = &top[0].value.content else { panic!("a list") };
        let Content::Map(item) = &items[0].content else { panic!("a mapping") };
        assert_eq!(items[0].span, Span { line: 2, column: 5, len: 1 });
        assert_eq!(item[0].value.span, Span { line: 2, column: 8, len: 3 });
        let Content::List(numbers) = &item[1].value.content else { panic!("a list") };
        assert_eq!(numbers[1].span, Span { line: 3, column: 12, len: 1 });
    }

    #[test]
    fn all_duplicate_keys_are_found_at_once() {
        let found = codes(b"a: 1\na: 2\nb:\n  c: 1\n  c: 2\n");
        assert_eq!(found, [(Code::DuplicateKey, 2, 1), (Code::DuplicateKey, 5, 3)]);
    }

    #[test]
    fn an_alias_bomb_is_refused_early() {
        let level = |level: usize| match level {
            0 => "a0: &a0 [1,1,1,1,1,1,1,1,1,1]".into(),
            _ => format!("a{level}: &a{level} [{}]", format!("*a{},", level - 1).repeat(10)),
        };
        let text = (0..30).map(level).collect::<Vec<String>>().join("\n");
        assert_eq!(codes(text.as_bytes())[0].0, Code::TooLarge);
    }

    #[test]
    fn merge_keys_add_what_is_not_there() {
        let file = parse_yaml(b"base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3\n");
        let Content::Map(top) = file.root.unwrap().content else { panic!("a mapping") };
        let Content::Map(more) = &top[1].value.content else { panic!("a mapping") };
        let keys: Vec<&str> = more.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["y", "x"]);
    }

    #[test]
    fn what_is_no_text_says_where() {
        assert_eq!(codes(b"a: 1\nb: \xff\n"), [(Code::NotText, 2, 4)]);
        assert_eq!(codes(b"\xff\xfea\0"), [(Code::NotText, 1, 1)]);
        assert_eq!(codes(&vec![b'a'; MAX_BYTES + 1]), [(Code::TooLarge, 1, 1)]);
    }

    #[test]
    fn line_ends_and_byte_order_mark_change_nothing() {
        for text in ["a:\n  a: 1\n  a: 2\n", "a:\r\n  a: 1\r\n  a: 2\r\n", "\u{feff}a:\n  a: 1\n  a: 2\n"] {
            assert_eq!(codes(text.as_bytes()), [(Code::DuplicateKey, 3, 3)], "{text:?}");
        }
    }
}
