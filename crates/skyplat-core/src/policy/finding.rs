//! [`Finding`]: one thing that a check found; [`Findings`]: where checks put them.

use serde::{Deserialize, Serialize};

use crate::value::Address;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is applied until it is put right or accepted.
    Error,
    /// Somebody should know.
    Warning,
}

impl Severity {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something that a check found. Findings are ordered: errors first, then by address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The object it is about.
    pub address: Address,
    /// The name of the check.
    pub check: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}

impl Finding {
    /// Adds what to do about it.
    pub fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Takes what one check finds.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    check: String,
    found: Vec<Finding>,
}

impl Findings {
    /// Begins with nothing found by the check of this name.
    pub fn of(check: &str) -> Self {
        Self { check: check.to_owned(), found: Vec::new() }
    }

    /// Adds an error; a hint can be put on what is returned.
    pub fn error(&mut self, address: &Address, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Error, address, message.into())
    }

    /// Adds a warning; a hint can be put on what is returned.
    pub fn warning(&mut self, address: &Address, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Warning, address, message.into())
    }

    /// Returns what was found, in order, each once.
    pub fn into_sorted(mut self) -> Vec<Finding> {
        self.found.sort();
        self.found.dedup();
        self.found
    }

    fn add(&mut self, severity: Severity, address: &Address, message: String) -> &mut Finding {
        let check = self.check.clone();
        self.found.push(Finding { severity, address: address.clone(), check, message, hint: None });
        self.found.last_mut().expect("a finding was pushed just now")
    }
}
