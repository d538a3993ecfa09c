//! [`Report`]: which promises an executor keeps for one specimen.

use std::collections::BTreeMap;
use std::fmt;

use skyplat_core::object::ObjectKind;

/// A promise of [`Executor`](skyplat_core::executor::Executor), by the name of its check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// The kind of the specimen is one that the executor handles.
    Supported,
    /// What the specimen stands on can be made, and deleted after it.
    Prerequisites,
    /// Nothing is found before anything was made.
    NothingBefore,
    /// What `create` gives back, `find` and `read` give back too, with the fields that were sent.
    Agreement,
    /// The id is reported as soon as there is one, before the thing is waited for, and is the one that is given back.
    Identified,
    /// The same create again makes no second thing.
    RepeatedCreate,
    /// What a create that was cut short has left is found, and ends as one thing.
    CutShort,
    /// A run that is stopped ends the waits of its calls, as ones that may have had their effect.
    Stopped,
    /// A call does not outlast its deadline.
    Deadline,
    /// What was changed in place is read.
    Update,
    /// The same update again succeeds and changes nothing.
    RepeatedUpdate,
    /// A batch of reads has one answer for each, in order.
    Batch,
    /// Another thing with the same natural key is refused.
    Twin,
    /// What is to be retained stays when it is deleted.
    Retained,
    /// What was deleted is neither found nor read.
    Delete,
    /// A delete ends when the thing is gone, and not before.
    DeleteWaits,
    /// A delete of what is gone succeeds.
    RepeatedDelete,
    /// Nothing is asked of the API without a permit.
    Permits,
    /// An error of a kind that promises that nothing was done is right.
    NoEffect,
    /// No error and no progress holds a secret.
    Secrets,
}

impl Check {
    /// Every check.
    pub const ALL: [Self; 20] = [
        Self::Supported,
        Self::Prerequisites,
        Self::NothingBefore,
        Self::Agreement,
        Self::Identified,
        Self::RepeatedCreate,
        Self::CutShort,
        Self::Stopped,
        Self::Deadline,
        Self::Update,
        Self::RepeatedUpdate,
        Self::Batch,
        Self::Twin,
        Self::Retained,
        Self::Delete,
        Self::DeleteWaits,
        Self::RepeatedDelete,
        Self::Permits,
        Self::NoEffect,
        Self::Secrets,
    ];
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supported => "supported",
            Self::Prerequisites => "prerequisites",
            Self::NothingBefore => "nothing before",
            Self::Agreement => "agreement",
            Self::Identified => "identified",
            Self::RepeatedCreate => "repeated create",
            Self::CutShort => "cut short",
            Self::Stopped => "stopped",
            Self::Deadline => "deadline",
            Self::Update => "update",
            Self::RepeatedUpdate => "repeated update",
            Self::Batch => "batch",
            Self::Twin => "twin",
            Self::Retained => "retained",
            Self::Delete => "delete",
            Self::DeleteWaits => "delete waits",
            Self::RepeatedDelete => "repeated delete",
            Self::Permits => "permits",
            Self::NoEffect => "no effect",
            Self::Secrets => "secrets",
        })
    }
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The promise was kept wherever it was looked at.
    Passed,
    /// It was not, for this reason.
    Failed(String),
    /// It could not be looked at, for this reason.
    Skipped(String),
}

/// Every check of one specimen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the executor calls itself.
    pub executor: String,
    /// The kind of the specimen.
    pub kind: ObjectKind,
    /// How each check ended.
    pub verdicts: BTreeMap<Check, Verdict>,
}

impl Report {
    pub(super) fn new(executor: &str, kind: ObjectKind) -> Self {
        Self { executor: executor.to_owned(), kind, verdicts: BTreeMap::new() }
    }

    /// Notes what was seen of a promise. The first failure stays; nothing seen is worth less than anything.
    pub(super) fn note(&mut self, check: Check, verdict: Verdict) {
        let known = self.verdicts.get(&check);
        let rank = |verdict: &Verdict| match verdict {
            Verdict::Skipped(_) => 0,
            Verdict::Passed => 1,
            Verdict::Failed(_) => 2,
        };
        if known.is_none_or(|known| rank(known) < rank(&verdict)) {
            self.verdicts.insert(check, verdict);
        }
    }

    /// Says of what nobody looked at why not.
    pub(super) fn close(&mut self, why: &str) {
        for check in Check::ALL {
            self.note(check, Verdict::Skipped(why.to_owned()));
        }
    }

    /// Returns how a check ended.
    pub fn verdict(&self, check: Check) -> Option<&Verdict> {
        self.verdicts.get(&check)
    }

    /// Returns whether a check was made and found the promise kept.
    pub fn passed(&self, check: Check) -> bool {
        self.verdict(check) == Some(&Verdict::Passed)
    }

    /// Returns the promises that are not kept, with reasons.
    pub fn failures(&self) -> impl Iterator<Item = (Check, &str)> {
        self.verdicts.iter().filter_map(|(check, verdict)| match verdict {
            Verdict::Failed(why) => Some((*check, why.as_str())),
            _ => None,
        })
    }

    /// Fails a test unless every promise that could be looked at is kept.
    ///
    /// # Panics
    /// With the whole report when one is not.
    pub fn assert_passed(&self) {
        assert!(self.failures().next().is_none(), "an executor breaks its promises\n{self}");
    }
}

impl fmt::Display for Report {
    /// A line for each check, with the reason of a failure or of why it was skipped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with a {}:", self.executor, self.kind)?;
        for (check, verdict) in &self.verdicts {
            match verdict {
                Verdict::Passed => write!(f, "\n  passed   {check}")?,
                Verdict::Failed(why) => write!(f, "\n  FAILED   {check}: {why}")?,
                Verdict::Skipped(why) => write!(f, "\n  skipped  {check}: {why}")?,
            }
        }
        Ok(())
    }
}
