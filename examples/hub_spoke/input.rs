//! The files that are read: the configuration and saved plans.

use std::path::Path;

use skyplat::config::{Parsed, Report, Target, parse_config};
use skyplat::plan::PlanFile;
use skyplat::render::{Problem, Role, Style};

use crate::cli::{ExecutorName, Options};
use crate::terminal::{self, Colour};

/// Reads a configuration that can be used.
pub(crate) fn read_config(options: &Options) -> Result<Parsed, Problem> {
    Ok(parse(options)??)
}

/// Says in a line each what there is to think about in the configuration.
pub(crate) fn warn(report: &Report) {
    for diagnostic in &report.diagnostics {
        let place = diagnostic.span.map(|span| format!(":{}:{}", span.line, span.column)).unwrap_or_default();
        let word = format!("{}:", diagnostic.severity.as_str());
        let word = Colour.paint(Role::Warning, &word);
        terminal::talk(&format!("{word} {} ({}{place})\n", diagnostic.message, report.file));
    }
    if !report.diagnostics.is_empty() {
        terminal::talk("`validate` says what to do about each of these\n\n");
    }
}

/// Reads the configuration; the inner error is its report.
pub(crate) fn parse(options: &Options) -> Result<Result<Parsed, Report>, Problem> {
    let name = options.config.display().to_string();
    let bytes = std::fs::read(&options.config).map_err(|error| {
        Problem::usage(format!("cannot read the configuration {name}: {error}"))
            .hint("--config names another file")
    })?;
    let target = match options.executor {
        ExecutorName::Mock => Target::Simulated,
        ExecutorName::Cloud => Target::Cloud,
    };
    Ok(parse_config(&name, &bytes, target))
}

/// Reads a saved plan.
pub(crate) fn read_plan(file: &Path) -> Result<PlanFile, Problem> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Problem::usage(format!("cannot read the plan {}: {error}", file.display())))?;
    PlanFile::from_json(&text).map_err(|error| {
        let problem = Problem::from(error);
        Problem { message: format!("{}: {}", file.display(), problem.message), ..problem }
    })
}
