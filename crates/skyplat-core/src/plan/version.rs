//! Versions that cannot go anywhere in one step.
//!
//! The API refuses these updates only after minutes of work elsewhere; the plan refuses them at once and says the way.

use super::decide::Decision;
use super::error::{PlanError, VersionStep};
use super::step::Action;
use super::table::Table;

/// Kinds with a field `MAJOR.MINOR` that goes up one minor at a time and never down.
const MINOR_BY_MINOR: [(&str, &str); 1] = [("eks.cluster", "version")];

/// Checks every update of such a field.
///
/// # Errors
/// [`PlanError::Version`] for the first that goes down, or further than one minor.
pub(super) fn check(table: &Table<'_>, decisions: &[Decision<'_>]) -> Result<(), PlanError> {
    for (row, decision) in table.rows.iter().zip(decisions) {
        let (Some(node), Some(record), Some(inputs)) = (row.node, row.record, &decision.inputs) else {
            continue;
        };
        if decision.action != Action::Update {
            continue;
        }
        for (_, field) in MINOR_BY_MINOR.iter().filter(|(kind, _)| *kind == node.kind.as_str()) {
            let old = record.node.inputs.at(field).and_then(|value| value.as_str());
            let new = inputs.at(field).and_then(|value| value.as_str());
            let (Some(from), Some(to)) = (old, new) else { continue };
            let (Some((old_major, old_minor)), Some((major, minor))) = (parse(from), parse(to)) else {
                continue;
            };
            let hint = if (major, minor) < (old_major, old_minor) {
                format!("it never goes down: say {from} or more")
            } else if major == old_major && minor > old_minor + 1 {
                format!("it goes up one minor version at a time: apply {major}.{} first", old_minor + 1)
            } else {
                continue;
            };
            return Err(PlanError::Version(Box::new(VersionStep {
                address: row.address.clone(),
                kind: node.kind.clone(),
                field: (*field).to_owned(),
                from: from.to_owned(),
                to: to.to_owned(),
                hint,
            })));
        }
    }
    Ok(())
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
