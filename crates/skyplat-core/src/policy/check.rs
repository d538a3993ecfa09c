//! [`Check`]: the trait; [`Checks`]: which of them are run; [`Verdict`]: what came of it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::consent::{Consent, Consents};
use super::finding::{Finding, Findings, Severity};
use super::subject::Subject;
use super::{
    AdminPolicy, DataLoss, OpenIngress, OverlappingNetworks, PublicEndpoint, SpokeIsolation, TenantIsolation,
    WildcardTrust,
};

/// Something that holds for every platform, and who says so when it does not.
///
/// A check is pure: it reads neither clock nor files, and finds the same in the same subject.
pub trait Check: fmt::Debug + Send + Sync {
    /// Returns its name, by which it is left out and consents refer to it: words with `_` between them.
    fn name(&self) -> &str;

    /// Looks at the subject and adds what is wrong with it.
    fn check(&self, subject: &Subject<'_>, findings: &mut Findings);
}

/// The checks that are run, in the order they were added.
#[derive(Debug, Clone, Default)]
pub struct Checks(Vec<Arc<dyn Check>>);

impl Checks {
    /// Runs nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Runs the checks of this crate, as each is by default.
    pub fn built_in() -> Self {
        Self::none()
            .with(OpenIngress)
            .with(PublicEndpoint)
            .with(WildcardTrust)
            .with(AdminPolicy)
            .with(OverlappingNetworks)
            .with(SpokeIsolation::default())
            .with(TenantIsolation::default())
            .with(DataLoss::default())
    }

    /// Adds a check; it takes the place of the one that has its name, if there is one.
    #[must_use]
    pub fn with(mut self, check: impl Check + 'static) -> Self {
        let check: Arc<dyn Check> = Arc::new(check);
        match self.0.iter_mut().find(|other| other.name() == check.name()) {
            Some(other) => *other = check,
            None => self.0.push(check),
        }
        self
    }

    /// Leaves out the check of this name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|check| check.name() != name);
        self
    }

    /// Returns the names of the checks.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|check| check.name())
    }

    /// Runs every check and sets apart what was accepted.
    pub fn judge(&self, subject: &Subject<'_>, consents: &Consents) -> Verdict {
        let mut all: Vec<Finding> = Vec::new();
        for check in &self.0 {
            let mut findings = Findings::of(check.name());
            check.check(subject, &mut findings);
            all.extend(findings.into_sorted());
        }
        all.sort();
        let mut verdict = Verdict::default();
        let mut used = vec![false; consents.iter().count()];
        for finding in all {
            // Every consent that covers it is of use, though the first alone is told.
            let mut why = None;
            for (at, consent) in consents.iter().enumerate().filter(|(_, consent)| consent.covers(&finding)) {
                used[at] = true;
                why.get_or_insert(&consent.why);
            }
            match why {
                Some(why) => verdict.accepted.push(Accepted { finding, why: why.clone() }),
                None => verdict.findings.push(finding),
            }
        }
        let unused = consents.iter().zip(used).filter(|(consent, used)| !used && consent.address.is_some());
        verdict.unused = unused.map(|(consent, _)| consent.clone()).collect();
        verdict
    }
}

/// A finding that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// Why it is all right.
    pub why: String,
}

/// What all checks say together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What was found and nobody accepted, errors first.
    pub findings: Vec<Finding>,
    /// What was found and somebody accepted.
    pub accepted: Vec<Accepted>,
    /// Consents to something at an address where nothing was found: they can go. One that names no address is no
    /// exception but a rule, and stands.
    pub unused: Vec<Consent>,
}

impl Verdict {
    /// Returns whether anything forbids an apply.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// Returns how many findings of this severity nobody accepted.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}
