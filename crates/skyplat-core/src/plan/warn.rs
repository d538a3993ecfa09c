//! What a person should know before approving. What data would be lost is for a policy check to say
//! ([`crate::policy::DataLoss`]).

use super::decide::Decision;
use super::observed::Observation;
use super::order::Ordered;
use super::step::{Action, PlanWarning};
use super::table::Table;
use crate::object::{Class, OnDelete};
use crate::value::Address;

/// Returns the warnings about the rows that stay in a plan, in order of the rows.
pub(super) fn warnings(
    table: &Table<'_>,
    decisions: &[Decision<'_>],
    ordered: &Ordered,
    stays: &[bool],
) -> Vec<PlanWarning> {
    let mut warnings = Vec::new();
    let mut warn = |code: &str, address: &Address, message: String| {
        warnings.push(PlanWarning { code: code.to_owned(), address: Some(address.clone()), message });
    };
    for (at, (row, decision)) in table.rows.iter().zip(decisions).enumerate() {
        if !stays[at] {
            continue;
        }
        if let Some(Observation::Unreachable { why }) = row.seen {
            let message = format!("it could not be read and is taken to be as recorded: {why}");
            warn("unreachable", row.address, message);
        }
        if let Some(node) = row.node.filter(|_| decision.action == Action::Update) {
            for field in decision.reasons.iter().filter_map(|reason| reason.field.as_ref()) {
                for remark in node.rules.remarks_on(field) {
                    warn("remark", row.address, remark.to_owned());
                }
            }
        }
        let Some(record) = row.record.filter(|record| record.node.class == Class::Owned && !row.gone) else {
            continue;
        };
        if !matches!(decision.action, Action::Delete | Action::Replace) {
            continue;
        }
        match record.node.on_delete {
            OnDelete::Retain => {
                let goes = |at: usize| matches!(decisions[at].action, Action::Delete | Action::Replace);
                let container = record.node.placement.container.as_ref();
                let message = match container.filter(|within| table.find(within).is_some_and(goes)) {
                    Some(within) => {
                        format!("nothing deletes it, but it goes with {within}, which it is inside of")
                    }
                    None => "it is left in place; only its record goes".to_owned(),
                };
                warn("retained", row.address, message);
            }
            OnDelete::RetainIfInUse => {
                warn(
                    "retained_if_in_use",
                    row.address,
                    "it is left in place if something else uses it".to_owned(),
                );
            }
            OnDelete::Delete => {}
        }
    }
    for (old, new) in ordered.same_key.iter().filter(|(old, _)| stays[*old]) {
        let (from, to) = (table.rows[*old].address, table.rows[*new].address);
        let message = format!(
            "it has the natural key of {to}, which is created: if it is the same object, say it moved from {from} to {to}"
        );
        warn("same_natural_key", from, message);
    }
    warnings
}
