//! Rendering: from data to text for people and JSON for programs.
//!
//! ```text
//! ObjectGraph ─▶ graph, drawing   Plan ─▶ plan   Event ─▶ progress, timeline   RunReport ─▶ summary
//! outputs ─▶ outputs        drift ─▶ drift    Verdict ─▶ policy    any error ─▶ errors
//! ```
//!
//! Pure functions that return a `String` or a JSON value; who prints it, and where, is the front end's business. Text is
//! readable without colour: a [`Style`] only adds to it. No function here shows a secret unless it is asked to.

pub mod drawing;
pub mod drift;
pub mod duration;
pub mod errors;
#[cfg(test)]
mod fixture;
pub mod graph;
pub mod outputs;
pub mod plan;
pub mod policy;
pub mod progress;
pub mod records;
pub mod style;
pub mod summary;
pub mod timeline;
mod value;

pub use errors::{Exit, Problem};
pub use style::{Plain, Role, Style};

/// Says how many of something there are: `1 object`, `3 objects`.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Adds one line, without blanks at its end.
fn push_line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

/// Returns the known name that a mistyped one most likely means.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, name)| *distance <= name.chars().count().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_offered_and_a_far_one_is_not() {
        assert_eq!(did_you_mean("pord", ["dev", "prod"]), Some("prod"));
        assert_eq!(did_you_mean("staging", ["dev", "prod"]), None);
    }
}
