//! What is to be said about a configuration, and its text for people.
//!
//! A [`Report`] holds everything at once, in the order of the file. Rendering is a pure function without colour; a front
//! end that wants colour, or JSON, works on the same data.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::code::Code;

/// How much a diagnostic matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, and somebody should think about this.
    Warning,
    /// For information.
    Note,
}

impl Severity {
    /// Returns the word that begins a rendered diagnostic.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A place in the file, on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Length in characters, at least 1.
    pub len: usize,
}

/// Another place that a diagnostic is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// Path of the value, such as `spokes[0].region`.
    pub path: String,
    /// Where it stands; none when the configuration came from no file.
    pub span: Option<Span>,
    /// What it has to do with the diagnostic.
    pub label: String,
}

/// One thing to be said about a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// What it is about.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// What is the case, as one sentence without a full stop.
    pub message: String,
    /// Path of the value, such as `hub.node_pools[0].name`; empty for the file as a whole.
    pub path: String,
    /// Where it stands; none when the configuration came from no file.
    pub span: Option<Span>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Other places it is about.
    pub related: Vec<Related>,
}

impl Diagnostic {
    /// Makes a diagnostic about a place in the file.
    pub(super) fn at(code: Code, severity: Severity, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            path: String::new(),
            span: Some(span),
            hint: None,
            related: Vec::new(),
        }
    }

    /// Adds what to do about it.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds another place.
    pub(super) fn with_related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push(Related { path: String::new(), span: Some(span), label: label.into() });
        self
    }
}

/// Everything to be said about one configuration, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Name of the file, as the caller gave it; empty when the configuration came from no file.
    pub file: String,
    /// What there is to say.
    pub diagnostics: Vec<Diagnostic>,
    /// The text of the file, for the snippets.
    #[serde(skip)]
    source: String,
}

impl Report {
    /// Makes a report, ordered by position, then by severity and code.
    pub(super) fn new(file: &str, source: &str, mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.span.map_or((0, 0), |s| (s.line, s.column)), d.severity, d.code);
            key(a).cmp(&key(b)).then_with(|| a.path.cmp(&b.path)).then_with(|| a.message.cmp(&b.message))
        });
        diagnostics.dedup();
        Self { file: file.into(), diagnostics, source: plain_breaks(source) }
    }

    /// Returns whether anything in it makes the configuration unusable.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// Returns how many diagnostics have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == severity).count()
    }

    /// Renders the report as text for people: each diagnostic with its place, its line and a caret, its hint; a count last.
    pub fn render(&self) -> String {
        self.to_string()
    }

    /// Says how much of each severity there is: `2 errors, 1 warning in platform.yaml`.
    pub fn summary(&self) -> String {
        let parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
            .into_iter()
            .map(|severity| (severity.as_str(), self.count(severity)))
            .filter(|(_, count)| *count > 0)
            .map(|(word, count)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
            .collect();
        let counts = if parts.is_empty() { "nothing to report".into() } else { parts.join(", ") };
        if self.file.is_empty() { counts } else { format!("{counts} in {}", printable(&self.file)) }
    }

    fn render_one(&self, out: &mut impl fmt::Write, lines: &[&str], diagnostic: &Diagnostic) -> fmt::Result {
        let Diagnostic { code, severity, message, path, span, hint, related } = diagnostic;
        writeln!(out, "{}: {} [{code}]", severity.as_str(), printable(message))?;
        let shown = related.iter().filter_map(|r| r.span.map(|s| (s, r.label.as_str())));
        let widest = span.iter().map(|s| s.line).chain(shown.clone().map(|(s, _)| s.line)).max().unwrap_or(1);
        let width = widest.to_string().len();
        match span {
            Some(span) => {
                writeln!(
                    out,
                    "{:width$}--> {}:{}:{}",
                    "",
                    printable(&self.file),
                    span.line,
                    span.column,
                    width = width
                )?;
                snippet(out, lines, *span, width, '^', "")?;
            }
            None if !path.is_empty() => writeln!(out, " --> {}", printable(path))?,
            None => {}
        }
        for (span, label) in shown {
            snippet(out, lines, span, width, '-', label)?;
        }
        if let Some(hint) = hint {
            writeln!(out, "hint: {}", printable(hint))?;
        }
        writeln!(out)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<&str> = self.source.split('\n').collect();
        for diagnostic in &self.diagnostics {
            self.render_one(f, &lines, diagnostic)?;
        }
        if self.diagnostics.is_empty() { Ok(()) } else { writeln!(f, "{}", self.summary()) }
    }
}

impl std::error::Error for Report {}

/// Characters of a long line that are shown before and after the start of the caret.
const SHOWN_BEFORE: usize = 60;
const SHOWN_AFTER: usize = 100;

/// Writes one line of the file with a marker below `span`.
fn snippet(
    out: &mut impl fmt::Write,
    lines: &[&str],
    span: Span,
    width: usize,
    marker: char,
    label: &str,
) -> fmt::Result {
    let Some(line) = lines.get(span.line.saturating_sub(1)) else { return Ok(()) };
    let start = span.column.saturating_sub(1);
    let length = line.chars().count();
    let skipped = if length <= SHOWN_BEFORE + SHOWN_AFTER { 0 } else { start.saturating_sub(SHOWN_BEFORE) };
    let (before, after) = (if skipped > 0 { "…" } else { "" }, start + SHOWN_AFTER < length);
    let shown: String = line.chars().skip(skipped).take(start - skipped + SHOWN_AFTER).collect();
    // A tab keeps its width in the line of the marker by being repeated there.
    let indent: String =
        shown.chars().take(start - skipped).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let room = length.saturating_sub(start).clamp(1, SHOWN_AFTER);
    let marks: String = std::iter::repeat_n(marker, span.len.clamp(1, room)).collect();
    writeln!(out, "{:width$} |", "")?;
    let shown = printable(shown.trim_end());
    writeln!(out, "{:>width$} | {before}{shown}{}", span.line, if after { "…" } else { "" })?;
    let gap = if label.is_empty() { "" } else { " " };
    let before = if skipped > 0 { " " } else { "" };
    writeln!(out, "{:width$} | {before}{indent}{marks}{gap}{}", "", printable(label))
}

/// Returns the text with `\n` wherever YAML ends a line: at a lone carriage return too.
pub(super) fn plain_breaks(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Replaces what would act on a terminal; a tab stays.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// Quotes a text from the file for a message, on one line and not longer than people read.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Joins words as a sentence does: `a`, `a and b`, `a, b and c`.
pub(super) fn sentence<T: AsRef<str>>(words: &[T], last: &str) -> String {
    match words {
        [] => String::new(),
        [only] => only.as_ref().into(),
        [start @ .., end] => {
            let start: Vec<&str> = start.iter().map(AsRef::as_ref).collect();
            format!("{} {last} {}", start.join(", "), end.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(source: &str, span: Span) -> String {
        let diagnostic = Diagnostic::at(Code::BadName, Severity::Error, span, "wrong").with_hint("right it");
        Report::new("a.yaml", source, vec![diagnostic]).render()
    }

    #[test]
    fn a_diagnostic_shows_place_line_caret_and_hint() {
        let text = report("name: Bad\n", Span { line: 1, column: 7, len: 3 });
        let expected = "error: wrong [bad-name]\n --> a.yaml:1:7\n  |\n1 | name: Bad\n  |       ^^^\nhint: right it\n\n1 error in a.yaml\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn tabs_keep_the_caret_in_place_and_control_characters_are_not_printed() {
        let text = report("a:\t\u{1b}[31mx\n", Span { line: 1, column: 4, len: 1 });
        assert!(text.contains("1 | a:\t\u{fffd}[31mx\n  |   \t^\n"), "{text:?}");
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let source = format!("{}here{}", "a".repeat(500), "b".repeat(500));
        let text = report(&source, Span { line: 1, column: 501, len: 4 });
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[3].chars().count() < 180 && lines[3].contains("here"), "{text}");
        assert_eq!(
            lines[3].chars().position(|c| c == 'h'),
            lines[4].chars().position(|c| c == '^'),
            "{text}"
        );
    }

    #[test]
    fn a_place_outside_the_text_is_no_snippet() {
        assert!(report("a", Span { line: 9, column: 9, len: 9 }).contains("--> a.yaml:9:9\nhint"));
    }
}
