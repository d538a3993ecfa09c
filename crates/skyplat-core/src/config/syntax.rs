//! What is wrong with a text that is no YAML, in the words of a person who writes it.
//!
//! The parser says where it had to stop; the mistake is often a line earlier. The commonest ones are looked for there.

use serde_saphyr::granit_parser::{ErrorKind as K, ScanError};

use super::code::Code;
use super::report::{Diagnostic, Severity, Span, plain_breaks};

/// Lines before the place of an error that are searched for its cause.
const LINES_BACK: usize = 40;

/// Turns the parser's complaint into a diagnostic.
pub(super) fn syntax_error(fault: &ScanError, text: &str) -> Diagnostic {
    let mark = fault.marker();
    let place = Span { line: mark.line().max(1), column: mark.col() + 1, len: 1 };
    let text = plain_breaks(text);
    let lines: Vec<&str> = text.lines().collect();
    let found = tab_indent(&lines, place).or_else(|| match fault.kind() {
        K::UnclosedQuotedScalar | K::UnexpectedCharacter { .. } | K::UnknownAnchor => None,
        _ => open_bracket(&lines, place)
            .or_else(|| missing_blank(&lines, place))
            .or_else(|| deeper_than_above(&lines, place, fault.kind())),
    });
    let (span, message, hint) = found.unwrap_or_else(|| {
        let (message, hint) = explain(fault.kind());
        (place, message, hint)
    });
    Diagnostic::at(Code::Syntax, Severity::Error, span, format!("this is not YAML: {message}"))
        .with_hint(hint)
}

/// A cause: its place, what is wrong, what to do.
type Cause = (Span, String, &'static str);

/// A tab where the indentation should be.
fn tab_indent(lines: &[&str], place: Span) -> Option<Cause> {
    let line = lines.get(place.line - 1)?;
    let indent = &line[..indent_of(line)];
    let column = indent.chars().position(|c| c == '\t')? + 1;
    Some((
        Span { column, ..place },
        "a tab cannot indent a line".into(),
        "indent with spaces; most editors have \"Convert indentation to spaces\"",
    ))
}

/// A bracket above that nothing closes.
fn open_bracket(lines: &[&str], place: Span) -> Option<Cause> {
    let mut open: Vec<(Span, char)> = Vec::new();
    let first = place.line.saturating_sub(LINES_BACK + 1);
    for (index, line) in lines.iter().enumerate().take(place.line.saturating_sub(1)).skip(first) {
        let mut quote = None;
        let mut before = ' ';
        for (column, c) in line.chars().enumerate() {
            match (quote, c) {
                (Some(end), c) => quote = Some(end).filter(|end| *end != c),
                // In the middle of a word these are only characters.
                (None, '"' | '\'') if !before.is_alphanumeric() => quote = Some(c),
                (None, '#') if before.is_whitespace() => break,
                (None, '[' | '{') => open.push((Span { line: index + 1, column: column + 1, len: 1 }, c)),
                (None, ']' | '}') => {
                    open.pop();
                }
                _ => {}
            }
            before = c;
        }
    }
    let (span, bracket) = open.pop()?;
    let hint = if bracket == '[' { "close it with `]`" } else { "close it with `}`" };
    Some((span, format!("the bracket `{bracket}` is not closed"), hint))
}

/// `key:value` without the blank that YAML wants.
fn missing_blank(lines: &[&str], place: Span) -> Option<Cause> {
    let above =
        (0..place.line.saturating_sub(1)).rev().find(|at| !is_blank(lines.get(*at).copied().unwrap_or("")));
    [Some(place.line - 1), above].into_iter().flatten().find_map(|index| {
        let line = lines.get(index)?;
        let indent = indent_of(line);
        let body = line[indent..].trim_start_matches("- ");
        let (key, value) = body.split_once(':')?;
        let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let joined = value.starts_with(|c: char| !c.is_whitespace() && c != '/' && c != ':');
        if !is_key || !joined || body.contains(": ") || body.ends_with(':') {
            return None;
        }
        let start = line.chars().count() - body.chars().count();
        let span = Span { line: index + 1, column: start + key.len() + 1, len: 1 };
        Some((span, "a blank is missing after the colon".into(), "write `key: value`"))
    })
}

/// A key below a key that has a value already.
fn deeper_than_above(lines: &[&str], place: Span, kind: &K) -> Option<Cause> {
    if !matches!(kind, K::MappingValueNotAllowed) {
        return None;
    }
    let line = lines.get(place.line - 1)?;
    let above = lines[..place.line - 1].iter().rev().find(|above| !is_blank(above))?;
    let key_of = |line: &str| indent_of(line) + if line.trim_start().starts_with("- ") { 2 } else { 0 };
    (key_of(line) > key_of(above) && above.contains(": ")).then(|| {
        (
            Span { line: place.line, column: indent_of(line) + 1, len: 1 },
            "this line is indented deeper than the one above, whose key has a value already".into(),
            "line it up with the key above",
        )
    })
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// What each kind of complaint means, and what to do.
fn explain(kind: &K) -> (String, &'static str) {
    match kind {
        K::MappingValueNotAllowed | K::InvalidColonPlacement => (
            "a `:` begins a value here, where none can stand".into(),
            "put a text that contains `: ` in quotes, and check the indentation of this line and the one above",
        ),
        K::SimpleKeyExpected | K::InvalidSimpleKey => (
            "this line is neither a key with a value nor a list item".into(),
            "write `key: value` or `- item`, with a blank after the colon or the dash",
        ),
        K::ExpectedBlockMappingKey | K::ExpectedDocumentStart | K::InvalidIndentation => (
            "this line does not fit its surroundings".into(),
            "line it up with the keys beside it, or indent it below the key it belongs to",
        ),
        K::ExpectedBlockSequenceEntry | K::BlockSequenceEntryNotAllowed | K::BlockEntryInFlowCollection => (
            "a list item is expected here, or not allowed here".into(),
            "begin every item of one list with `- ` in the same column",
        ),
        K::UnclosedFlowCollection { .. }
        | K::UnexpectedEofFlowSequence
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping
        | K::ExpectedFlowMappingSeparator
        | K::ExpectedFlowSequenceSeparator
        | K::InvalidFlowScalarIndent => (
            "a list or mapping in brackets is not closed, or a comma is missing".into(),
            "check that every `[` has its `]` and every `{` its `}`, with commas between the items",
        ),
        K::MismatchedFlowCollectionEnd { .. } | K::MisplacedFlowCollectionEnd => {
            (kind.to_string(), "pair every `[` with `]` and every `{` with `}`")
        }
        K::UnclosedQuotedScalar => {
            ("a quote is opened and not closed".into(), "close it with the same quote")
        }
        K::InvalidTrailingSingleQuotedScalar | K::InvalidTrailingDoubleQuotedScalar => {
            ("something follows a text in quotes".into(), "put the whole value inside the quotes")
        }
        K::UnknownQuotedScalarEscape => (
            "a backslash in double quotes begins no known escape".into(),
            "use single quotes, where a backslash is itself, or write `\\\\`",
        ),
        K::UnknownAnchor => (
            "this alias repeats nothing".into(),
            "mark the value with `&name` first; a text that begins with `*` goes in quotes",
        ),
        K::RecursionLimitExceeded => (
            "it is nested too deeply".into(),
            "a platform needs fewer than ten levels; is this the right file?",
        ),
        K::UnexpectedCharacter { character } => (
            format!("no text without quotes begins with `{}`", character.escape_default()),
            "put the text in quotes",
        ),
        other => {
            (other.to_string(), "check the quotes, brackets and indentation on this line and the one above")
        }
    }
}
