//! What policy checks say of a plan: shown beside it, and in the way of an apply when it is an error.

use serde_json::Value as Json;
use skyplat::config::PlatformConfig;
use skyplat::plan::Plan;
use skyplat::policy::{Checks, Consents, Verdict};
use skyplat::render::Problem;
use skyplat::render::policy::{refusal, verdict_summary, verdict_text};
use skyplat::state::State;
use skyplat::workspace::{Prepared, Workspace};

use crate::cli::Options;
use crate::terminal::{self, Colour};

/// Returns what is accepted: by the configuration, and on the command line.
pub(crate) fn consents(options: &Options, config: &PlatformConfig) -> Consents {
    Consents::of_config(config).and(options.consent.iter().cloned().collect())
}

/// Shows a verdict, if there is something to say.
pub(crate) fn show(verdict: &Verdict) {
    let text = verdict_text(verdict, &Colour);
    if !text.is_empty() {
        terminal::talk(&format!("\n{text}"));
    }
}

/// Refuses a plan that changes something against the checks. What stands already is no reason not to do nothing.
pub(crate) fn allow(verdict: &Verdict, plan: &Plan) -> Result<(), Problem> {
    match refusal(verdict) {
        Some(problem) if !plan.is_empty() => Err(problem),
        _ => Ok(()),
    }
}

/// Says in a line that there is something to see, and refuses what the checks forbid.
pub(crate) fn mention(
    workspace: &Workspace,
    prepared: &Prepared,
    state: &State,
    consents: &Consents,
) -> Result<(), Problem> {
    let verdict = workspace.judge(prepared, state, &Checks::built_in(), consents);
    if let Some(summary) = verdict_summary(&verdict) {
        terminal::talk(&format!("\n{summary}; `plan` shows them\n"));
    }
    allow(&verdict, &prepared.plan)
}

/// Returns the JSON of a plan with its digest and the verdict on it.
pub(crate) fn plan_json(plan: &Plan, digest: String, verdict: &Verdict) -> Result<Json, Problem> {
    let json = |error: serde_json::Error| Problem::failed(format!("cannot write the plan as JSON: {error}"));
    let mut shown = serde_json::to_value(plan).map_err(json)?;
    shown["digest"] = digest.into();
    shown["policy"] = serde_json::to_value(verdict).map_err(json)?;
    Ok(shown)
}
