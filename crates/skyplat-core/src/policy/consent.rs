//! [`Consent`]: a finding that a person accepts, and why.
//!
//! Written `check:address=why`, such as `data_loss:eu-west-1=the region is given up`. An address stands for what lies
//! below it too, as a target does.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::finding::Finding;
use crate::config::{PlatformConfig, Topology};
use crate::value::Address;

/// A finding that a person accepts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Consent {
    /// The check whose findings are accepted.
    pub check: String,
    /// The resource or object they are about; none for wherever they are.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<Address>,
    /// Why.
    pub why: String,
}

impl Consent {
    /// Accepts what a check finds at an address and below it.
    pub fn at(check: &str, address: impl Into<Address>, why: &str) -> Self {
        Self { check: check.to_owned(), address: Some(address.into()), why: why.to_owned() }
    }

    /// Accepts what a check finds wherever it is.
    pub fn anywhere(check: &str, why: &str) -> Self {
        Self { check: check.to_owned(), address: None, why: why.to_owned() }
    }

    /// Returns whether the finding is one of those that are accepted.
    pub fn covers(&self, finding: &Finding) -> bool {
        self.check == finding.check
            && self.address.as_ref().is_none_or(|address| finding.address.is_within(address))
    }
}

impl fmt::Display for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.as_ref().map_or("", Address::as_str);
        write!(f, "{}:{address}={}", self.check, self.why)
    }
}

/// A text that is no consent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text} is no consent: it has no {missing}")]
pub struct ConsentError {
    /// The text.
    pub text: String,
    /// What it lacks.
    pub missing: &'static str,
}

impl ConsentError {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        "write CHECK:ADDRESS=WHY, such as \"data_loss:eu-west-1=the region is given up\"".to_owned()
    }
}

impl FromStr for Consent {
    type Err = ConsentError;

    fn from_str(text: &str) -> Result<Self, ConsentError> {
        let lacks = |missing| ConsentError { text: text.to_owned(), missing };
        let (what, why) = text.split_once('=').ok_or_else(|| lacks("reason"))?;
        let (check, address) = what.split_once(':').ok_or_else(|| lacks("address"))?;
        let (check, address, why) = (check.trim(), address.trim(), why.trim());
        for (part, name) in [(check, "check"), (address, "address"), (why, "reason")] {
            if part.is_empty() {
                return Err(lacks(name));
            }
        }
        Ok(Self::at(check, address, why))
    }
}

/// Everything that was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Consents(Vec<Consent>);

impl Consents {
    /// Accepts nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Accepts what a configuration asks for in so many words: with `topology: full_mesh` the spokes reach each other.
    pub fn of_config(config: &PlatformConfig) -> Self {
        if config.topology() != Topology::FullMesh {
            return Self::none();
        }
        Self::none().with(Consent::anywhere("spoke_isolation", "the configuration asks for a full mesh"))
    }

    /// Accepts the loss of data that a destroy brings. Whoever destroys a stack and approves the plan of it has been told
    /// what goes and wants it gone; a second question for every volume would teach people to answer without reading.
    pub fn of_destroy() -> Self {
        Self::none().with(Consent::anywhere("data_loss", "a destroy was asked for"))
    }

    /// Adds a consent.
    #[must_use]
    pub fn with(mut self, consent: Consent) -> Self {
        self.0.push(consent);
        self
    }

    /// Adds those of another set.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Returns whether nothing is accepted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns them in the order they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Consent> {
        self.0.iter()
    }
}

impl FromIterator<Consent> for Consents {
    fn from_iter<I: IntoIterator<Item = Consent>>(consents: I) -> Self {
        Self(consents.into_iter().collect())
    }
}
