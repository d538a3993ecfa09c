//! [`DataLoss`]: nothing that holds data goes away unless somebody said so.
//!
//! A delete or a replace of what holds data is an error until it is accepted; the finding says what is lost. A destroy
//! that was asked for accepts all of them ([`Consents::of_destroy`](super::Consents::of_destroy)). Nothing is lost with what
//! stays (`retain`), with what is gone already, and with what never became usable.

use std::collections::BTreeMap;

use super::{Check, Findings, Severity, Subject};
use crate::object::{Class, OnDelete};
use crate::plan::{Action, Step};
use crate::state::{Record, Status};
use crate::value::Tree;

/// What kinds of objects hold, and how bad it is when that is lost.
const HELD: [(&str, &str, Severity); 6] = [
    ("cognito.user_pool", "its users and their passwords", Severity::Error),
    ("efs.file_system", "every file on it", Severity::Error),
    ("eks.cluster", "what runs in it and everything that its API holds", Severity::Error),
    ("logs.log_group", "the logs in it", Severity::Warning),
    ("route53.zone", "the records that others wrote into it", Severity::Error),
    ("secretsmanager.secret", "the secret that it holds", Severity::Error),
];

/// Nothing that holds data goes away unless somebody said so.
#[derive(Debug, Clone)]
pub struct DataLoss {
    held: BTreeMap<String, (String, Severity)>,
}

impl Default for DataLoss {
    fn default() -> Self {
        let held = HELD.map(|(kind, what, severity)| (kind.to_owned(), (what.to_owned(), severity)));
        Self { held: BTreeMap::from(held) }
    }
}

impl DataLoss {
    /// Adds a kind of objects of your own that hold something, such as `demo.bucket` and `its files`.
    #[must_use]
    pub fn kind(mut self, kind: &str, what: &str) -> Self {
        self.held.insert(kind.to_owned(), (what.to_owned(), Severity::Error));
        self
    }

    /// Returns what is lost with an object, and how bad that is.
    fn lost(&self, record: &Record) -> Option<(&str, Severity)> {
        let manifest = |path: &str| record.node.inputs.at(path).and_then(Tree::as_str);
        match (record.node.kind.as_str(), manifest("kind")) {
            ("k8s.object", Some("Namespace")) => {
                let (label, value) = super::tenant_isolation::LABEL;
                let name = manifest("metadata.name").unwrap_or_default();
                let labels = record.node.inputs.at("metadata.labels");
                let is_tenant =
                    labels.and_then(|labels| labels.get(label)).and_then(Tree::as_str) == Some(value);
                let holds = is_tenant && name != super::tenant_isolation::SHARED;
                holds.then_some(("the tenant's workloads and the volumes they claimed", Severity::Error))
            }
            ("k8s.object", Some("PersistentVolume" | "PersistentVolumeClaim")) => {
                Some(("every file on it", Severity::Error))
            }
            (kind, _) => self.held.get(kind).map(|(what, severity)| (what.as_str(), *severity)),
        }
    }
}

impl Check for DataLoss {
    fn name(&self) -> &'static str {
        "data_loss"
    }

    fn check(&self, subject: &Subject<'_>, findings: &mut Findings) {
        for step in subject.plan().into_iter().flat_map(|plan| &plan.steps) {
            let Some(goes) = goes(step) else { continue };
            let Some(record) = subject.record(step).filter(|record| can_lose(record)) else { continue };
            let Some((what, severity)) = self.lost(record) else { continue };
            let message = format!("it {goes}, and {what} would be lost");
            let finding = match severity {
                Severity::Error => findings.error(&step.address, message),
                Severity::Warning => findings.warning(&step.address, message),
            };
            finding.hint("keep it, or copy what it holds first");
        }
    }
}

/// Returns how the real thing goes by a step, if it does.
fn goes(step: &Step) -> Option<&'static str> {
    if step.class != Class::Owned || step.gone.is_some() {
        return None;
    }
    match step.action {
        Action::Delete => Some("would be deleted"),
        // It turns out with the values that are not known yet; by then nobody is asked.
        Action::Replace if !step.undecided.is_empty() => Some("may have to be made anew"),
        Action::Replace => Some("would be made anew"),
        _ => None,
    }
}

/// Returns whether the real thing goes with its step and can hold anything.
fn can_lose(record: &Record) -> bool {
    record.status != Status::Incomplete && record.node.on_delete != OnDelete::Retain
}
