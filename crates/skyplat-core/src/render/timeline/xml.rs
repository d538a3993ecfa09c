//! Texts in XML: escaped, and as wide as they will be.

/// Returns a text that is safe between tags and in attributes. What XML cannot hold becomes the replacement character.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Line ends are kept, but for a reader that would make blanks of them in an attribute.
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Returns about how wide a text is in a sans-serif font of this size; rather too wide than too narrow.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let units: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 't' | 'f' | 'r' | '.' | ',' | ':' | '/' | '-' | ' ' | '|' | '\'' => 0.36,
            'm' | 'w' | 'M' | 'W' | '%' => 0.92,
            c if c.is_ascii_uppercase() => 0.70,
            c if c.is_ascii() => 0.59,
            _ => 1.0,
        })
        .sum();
    units * size
}

/// Cuts a text to a width, and shows that something is missing.
pub(super) fn cut(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if text_width(&kept, size) + size > width {
            kept.pop();
            break;
        }
    }
    format!("{}…", kept.trim_end())
}

/// Writes a coordinate: a tenth of a pixel is fine enough.
pub(super) fn n(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}
