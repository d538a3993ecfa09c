//! Facts: what a platform must know of the world before it can be lowered.
//!
//! A resource asks [`Question`]s; a [`FactSource`] (a cloud executor, the simulated cloud) answers them once, between
//! graph and lowering. Facts are never secret. The ones that shaped existing objects stay in the state and win over
//! fresh answers, because a new availability zone must not move subnets; [`Facts::merge`] does that and says where the
//! two differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::ids::{AccountId, Partition, Region, ZoneName};

/// One thing to know: a topic and what it is asked about, such as `zones:us-west-2`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Question(String);

impl Question {
    /// Asks an embedder's own question.
    pub fn new(topic: &str, about: &str) -> Self {
        Self(format!("{topic}:{about}"))
    }

    /// Which account are we in? Answered by [`AccountId`].
    pub fn account() -> Self {
        Self::new("account", "")
    }

    /// Which zones does a region have? Answered by a list of [`Zone`].
    pub fn zones(region: &Region) -> Self {
        Self::new("zones", region.as_str())
    }

    /// Which is the newest AL2023 AMI release for a Kubernetes version, such as `v20261110`? Answered by a text.
    pub fn ami_release(region: &Region, kubernetes: &str) -> Self {
        Self::new("ami_release", &format!("{region}/{kubernetes}"))
    }

    /// Returns the topic.
    pub fn topic(&self) -> &str {
        self.0.split_once(':').map_or(self.0.as_str(), |(topic, _)| topic)
    }

    /// Returns what it is asked about.
    pub fn about(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, about)| about)
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.trim_end_matches(':'))
    }
}

/// An availability zone as the API describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// Its name in this account, such as `us-west-2a`.
    pub name: ZoneName,
    /// Its id, the same in all accounts, such as `usw2-az1`.
    pub id: String,
    /// `availability-zone`, `local-zone` or `wavelength-zone`.
    pub zone_type: String,
    /// `opt-in-not-required`, `opted-in` or `not-opted-in`.
    pub opt_in_status: String,
    /// `available`, `impaired` or `unavailable`.
    pub state: String,
}

/// The questions of a graph, collected from its resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Questions(BTreeSet<Question>);

impl Questions {
    /// Asks a question; the same question twice is one.
    pub fn ask(&mut self, question: Question) {
        self.0.insert(question);
    }

    /// Returns the questions in a stable order.
    pub fn iter(&self) -> impl Iterator<Item = &Question> {
        self.0.iter()
    }
}

/// The answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<Question, Json>);

/// A fact that is missing or of the wrong shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the fact {question} {problem}")]
pub struct FactError {
    /// The question.
    pub question: Question,
    /// What is wrong with its answer.
    pub problem: String,
}

/// A recorded fact that a fresh answer contradicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactDifference {
    /// The question.
    pub question: Question,
    /// The answer that is kept.
    pub recorded: Json,
    /// The answer of today.
    pub fresh: Json,
}

impl Facts {
    /// Adds an answer.
    ///
    /// # Errors
    /// When the answer has no JSON form.
    pub fn insert(&mut self, question: Question, answer: impl Serialize) -> Result<(), FactError> {
        let json = serde_json::to_value(answer).map_err(|error| FactError {
            question: question.clone(),
            problem: format!("is not JSON: {error}"),
        })?;
        self.0.insert(question, json);
        Ok(())
    }

    /// Returns whether there is no fact.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns an answer.
    ///
    /// # Errors
    /// When it is missing or of another type.
    pub fn get<T: DeserializeOwned>(&self, question: &Question) -> Result<T, FactError> {
        let problem = |problem: String| FactError { question: question.clone(), problem };
        let json = self.0.get(question).ok_or_else(|| problem("was not asked for".into()))?;
        serde_json::from_value(json.clone()).map_err(|error| problem(format!("has another shape: {error}")))
    }

    /// Returns the account.
    ///
    /// # Errors
    /// When it is missing.
    pub fn account(&self) -> Result<AccountId, FactError> {
        self.get(&Question::account())
    }

    /// Returns the zones of a region.
    ///
    /// # Errors
    /// When they are missing.
    pub fn zones(&self, region: &Region) -> Result<Vec<Zone>, FactError> {
        self.get(&Question::zones(region))
    }

    /// Keeps the recorded answers to these questions, takes fresh ones for the rest, and says where they differ.
    #[must_use]
    pub fn merge(recorded: &Self, fresh: &Self) -> (Self, Vec<FactDifference>) {
        let mut merged = fresh.clone();
        let mut differences = Vec::new();
        for (question, answer) in &mut merged.0 {
            if let Some(old) = recorded.0.get(question) {
                if old != answer {
                    differences.push(FactDifference {
                        question: question.clone(),
                        recorded: old.clone(),
                        fresh: answer.clone(),
                    });
                }
                *answer = old.clone();
            }
        }
        (merged, differences)
    }
}

/// Returns the partition of a region by its name.
pub fn partition_of(region: &Region) -> Partition {
    Partition::new(match region.as_str() {
        name if name.starts_with("cn-") => "aws-cn",
        name if name.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    })
}

/// Answers questions about the world.
#[async_trait]
pub trait FactSource: Send + Sync {
    /// Answers every question, or says which it cannot.
    ///
    /// # Errors
    /// When a question is unknown to this source or the world cannot be reached.
    async fn answer(&self, questions: &Questions) -> Result<Facts, FactError>;
}
