//! Errors for people: what was attempted, why it did not work, what to do, and how the process should end.
//!
//! ```text
//! error: cannot lower hub/eks: the fact zones:us-west-2 was not asked for
//! caused by: …
//! hint: …
//! ```
//!
//! Every error type of the library becomes a [`Problem`] here and nowhere else.

use std::error::Error;

use super::style::{Role, Style};
use super::{did_you_mean, push_line};
use crate::config::Report;
use crate::engine::EngineError;
use crate::facts::FactError;
use crate::graph::{GraphError, LowerError};
use crate::plan::{PlanError, PlanFileError};
use crate::platform::PlatformError;
use crate::state::StateError;

/// Steps of a stale plan that are named; the rest are counted.
const DIFFERENCES_SHOWN: usize = 10;

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done.
    Done,
    /// Failed, cancelled, stale, locked or damaged.
    Failed,
    /// Bad usage, bad configuration, unknown stack or address.
    Usage,
    /// There are changes, and it was asked to say so.
    Changes,
}

impl Exit {
    /// Returns the exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Changes => 3,
        }
    }
}

/// An error as it is told to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What was attempted and did not work.
    pub message: String,
    /// Why, the nearest cause first.
    pub causes: Vec<String>,
    /// Further lines that belong to it, such as the steps that differ.
    pub details: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// How the process should end.
    pub exit: Exit,
    /// The report of a configuration, which is told in the place of the message.
    pub report: Option<Box<Report>>,
}

impl Problem {
    /// Makes a problem of bad usage.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(message, Exit::Usage)
    }

    /// Makes a problem of something that failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(message, Exit::Failed)
    }

    fn new(message: impl Into<String>, exit: Exit) -> Self {
        Self {
            message: message.into(),
            causes: Vec::new(),
            details: Vec::new(),
            hint: None,
            exit,
            report: None,
        }
    }

    /// Makes a problem of an error and its sources.
    pub fn of(error: &dyn Error, exit: Exit) -> Self {
        let mut problem = Self::new(error.to_string(), exit);
        let mut source = error.source();
        while let Some(cause) = source {
            problem.causes.push(cause.to_string());
            source = cause.source();
        }
        problem
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Writes the problem for people.
    pub fn text(&self, style: &dyn Style) -> String {
        if let Some(report) = &self.report {
            return report.render();
        }
        let mut out = String::new();
        push_line(&mut out, &format!("{} {}", style.paint(Role::Error, "error:"), self.message));
        for cause in &self.causes {
            push_line(&mut out, &format!("{} {cause}", style.paint(Role::Error, "caused by:")));
        }
        for detail in &self.details {
            push_line(&mut out, &format!("  {detail}"));
        }
        if let Some(hint) = &self.hint {
            push_line(&mut out, &format!("{} {hint}", style.paint(Role::Hint, "hint:")));
        }
        out
    }
}

impl From<Report> for Problem {
    fn from(report: Report) -> Self {
        Self { report: Some(Box::new(report)), ..Self::usage("the configuration cannot be used") }
    }
}

impl From<GraphError> for Problem {
    fn from(error: GraphError) -> Self {
        Self::of(&error, Exit::Usage)
    }
}

impl From<LowerError> for Problem {
    fn from(error: LowerError) -> Self {
        Self { hint: error.hint.clone(), ..Self::of(&error, Exit::Usage) }
    }
}

impl From<PlatformError> for Problem {
    fn from(error: PlatformError) -> Self {
        Self { hint: error.hint(), ..Self::of(&error, Exit::Usage) }
    }
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Self {
        let exit = if matches!(error, PlanError::UnknownTarget { .. }) { Exit::Usage } else { Exit::Failed };
        Self { hint: error.hint(), ..Self::of(&error, exit) }
    }
}

impl From<PlanFileError> for Problem {
    fn from(error: PlanFileError) -> Self {
        let differences = error.differences();
        let mut details: Vec<String> = differences
            .iter()
            .take(DIFFERENCES_SHOWN)
            .map(|address| format!("{address} would be another step today"))
            .collect();
        if differences.len() > DIFFERENCES_SHOWN {
            details.push(format!("… and {} more", differences.len() - DIFFERENCES_SHOWN));
        }
        Self { hint: error.hint(), details, ..Self::of(&error, Exit::Failed) }
    }
}

impl From<FactError> for Problem {
    fn from(error: FactError) -> Self {
        Self::of(&error, Exit::Failed)
    }
}

impl From<StateError> for Problem {
    fn from(error: StateError) -> Self {
        let problem = Self::of(&error, Exit::Failed);
        match &error {
            StateError::Locked { .. } => problem.hint(
                "wait until that run is done; when its process is gone, so is the lock. Nothing was changed",
            ),
            StateError::Damaged { .. } => problem.hint(
                "nothing was changed; put the file back from a copy, or ask for help before you edit it",
            ),
            StateError::Newer { .. } => problem.hint("use the version that wrote it, or a newer one"),
            StateError::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::PermissionDenied => {
                    problem.hint("you need the right to read and write there; --state names another place")
                }
                std::io::ErrorKind::NotADirectory => {
                    problem.hint("states are kept in a directory; --state names another place")
                }
                std::io::ErrorKind::StorageFull => problem.hint("make room, then run again: nothing is lost"),
                _ => problem,
            },
            StateError::UnknownStack { name, known } => Self {
                exit: Exit::Usage,
                hint: Some(unknown_hint("stack", name, known.iter().map(String::as_str))),
                ..problem
            },
            StateError::NotEmpty { name, .. } => {
                problem.hint(format!("destroy it first: destroy --stack {name}"))
            }
            StateError::BadName { .. } => Self { exit: Exit::Usage, ..problem },
            StateError::Illegal(_) => {
                problem.hint("the state is damaged, or skyplat has a bug; nothing was changed")
            }
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        Self { hint: error.hint().map(str::to_owned), ..Self::of(&error, Exit::Failed) }
    }
}

/// Says what a name that is not known may have meant, or which names there are.
pub fn unknown_hint<'a>(what: &str, given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    const LISTED: usize = 12;
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(meant) = did_you_mean(given, known.iter().copied()) {
        return format!("did you mean {meant}?");
    }
    match known.len() {
        0 => format!("there is no {what} yet"),
        1 => format!("the only {what} is {}", known[0]),
        number if number <= LISTED => format!("the {what}s are {}", known.join(", ")),
        number => format!("there are {number} {what}s; `graph` and `state show` list them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Plain;
    use crate::value::Address;

    #[test]
    fn an_unknown_stack_is_bad_usage_and_offers_the_nearest() {
        let known = vec!["dev".to_owned(), "prod".to_owned()];
        let problem = Problem::from(StateError::UnknownStack { name: "prd".to_owned(), known });
        assert_eq!(problem.exit, Exit::Usage);
        assert_eq!(problem.text(&Plain), "error: there is no stack prd\nhint: did you mean prod?\n");
    }

    #[test]
    fn causes_are_told_in_order_and_once() {
        let source = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let error = StateError::Io { action: "write", path: "/state/dev".to_owned(), source };
        let problem = Problem::from(EngineError::Journal(error));
        assert_eq!(
            problem.text(&Plain),
            "error: the journal cannot be written\ncaused by: cannot write /state/dev\ncaused by: permission denied\n\
             hint: make room or mend the store, then run again: nothing is lost\n"
        );
    }

    #[test]
    fn a_lowering_error_keeps_its_hint() {
        let error = LowerError::new(&Address::new("hub/eks"), "two ranges overlap").hint("give each its own");
        let problem = Problem::from(error);
        assert_eq!(
            problem.text(&Plain),
            "error: cannot lower hub/eks: two ranges overlap\nhint: give each its own\n"
        );
        assert_eq!(problem.exit.code(), 2);
    }
}
