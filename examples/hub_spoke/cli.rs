//! The command line: what can be asked for, and which options go with which command.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use skyplat::policy::{Consent, ConsentError};
use skyplat::render::Problem;

/// What the program does when it is told nothing.
const TOUR: &str = "Without a command, everything is shown on the simulated cloud, in memory: the plan, the apply, \
                    the outputs, and a second plan that is empty. It asks nothing and leaves nothing behind.";

/// Plans, applies, simulates and destroys a SkyPilot platform from one YAML file.
#[derive(Debug, Parser)]
#[command(name = "hub_spoke", version, max_term_width = 110, after_help = TOUR)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Check the configuration and report every problem at once
    Validate,
    /// Show what the configuration becomes: resources, their objects and their order
    Graph,
    /// Show what an apply would do, and why; changes nothing
    Plan,
    /// Bring the real world to what the configuration describes
    Apply,
    /// Read the real world and show what differs from the records
    Refresh,
    /// Show the outputs of the last apply
    Outputs,
    /// Delete everything that the stack has made
    Destroy,
    /// Show the JSON Schema of the configuration, for editors
    Schema,
    /// Look after stacks and their records
    State {
        #[command(subcommand)]
        command: StateCommand,
    },
}

/// What is to be done with stacks.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum StateCommand {
    /// List the stacks
    List,
    /// Make a stack the one that commands mean without --stack
    Select {
        /// The stack
        name: String,
    },
    /// Remove a stack that has no objects
    Remove {
        /// The stack
        name: String,
    },
    /// Show what is recorded of the stack's objects
    Show,
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Graph => "graph",
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Refresh => "refresh",
            Self::Outputs => "outputs",
            Self::Destroy => "destroy",
            Self::Schema => "schema",
            Self::State { .. } => "state",
        }
    }
}

/// Options, before or after the command.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "every switch of a command line is one")]
pub(crate) struct Options {
    /// The configuration
    #[arg(long, global = true, value_name = "FILE", default_value = "examples/hub_spoke.yaml")]
    pub(crate) config: PathBuf,
    /// The stack [default: the selected one, else dev]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) stack: Option<String>,
    /// Where states are kept [default: .skyplat; memory when no command is given]
    #[arg(long, global = true, value_name = "DIR|URL")]
    pub(crate) state: Option<String>,
    /// What the objects are made on: the simulated cloud, or a real account
    #[arg(long, global = true, value_name = "EXECUTOR", value_enum, default_value_t = ExecutorName::Mock)]
    pub(crate) executor: ExecutorName,
    /// How many steps may run at once
    #[arg(long, global = true, value_name = "N", value_parser = at_least_one)]
    pub(crate) parallelism: Option<NonZeroUsize>,
    /// How to show the answer: for people, for programs, or the graph as a drawing
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Show every object, not only resources
    #[arg(long, global = true)]
    pub(crate) objects: bool,
    /// Only this resource or object, what it needs, what must go before it, and what leans on what goes; may be
    /// repeated. graph: only what it holds
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) target: Vec<String>,
    /// plan: save the plan, for apply --plan
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// apply: do what was approved, or nothing
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// apply, destroy: draw when each step ran, and the longest chain of them, as SVG
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) timeline: Option<PathBuf>,
    /// plan, apply, destroy: accept what a policy check finds there, and say why; may be repeated
    #[arg(long, global = true, value_name = "CHECK:ADDRESS=WHY", value_parser = consent)]
    pub(crate) consent: Vec<Consent>,
    /// apply, destroy, refresh --accept: go on without asking
    #[arg(long, global = true)]
    pub(crate) yes: bool,
    /// plan, apply, destroy: trust the records, read nothing first
    #[arg(long, global = true)]
    pub(crate) no_refresh: bool,
    /// plan, apply: take today's facts (zones, versions) in the place of the recorded ones
    #[arg(long, global = true)]
    pub(crate) refresh_facts: bool,
    /// refresh: take what differs into the records
    #[arg(long, global = true)]
    pub(crate) accept: bool,
    /// Seed of the simulated cloud and of back-offs
    #[arg(long, global = true, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Simulated cloud: let a minute pass in a second, to watch
    #[arg(long, global = true)]
    pub(crate) pace: bool,
    /// plan, refresh: exit with 3 when there are changes
    #[arg(long, global = true)]
    pub(crate) detailed_exitcode: bool,
    /// outputs: show secrets in the clear
    #[arg(long, global = true)]
    pub(crate) show_secrets: bool,
}

/// What objects are made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExecutorName {
    Mock,
    Cloud,
}

/// How an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Dot,
    Mermaid,
}

impl Cli {
    /// Refuses options that would be ignored by the command.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let name = self.command.as_ref().map_or("", Command::name);
        let options = &self.options;
        let drawing = matches!(options.format, Format::Dot | Format::Mermaid);
        let given: [(bool, &str, &[&str]); 12] = [
            (options.out.is_some(), "--out", &["plan"]),
            (options.plan.is_some(), "--plan", &["apply"]),
            (options.timeline.is_some(), "--timeline", &["apply", "destroy", ""]),
            (options.accept, "--accept", &["refresh"]),
            (options.no_refresh, "--no-refresh", &["plan", "apply", "destroy"]),
            (options.refresh_facts, "--refresh-facts", &["plan", "apply", "graph"]),
            (options.detailed_exitcode, "--detailed-exitcode", &["plan", "refresh"]),
            (options.show_secrets, "--show-secrets", &["outputs", "apply", ""]),
            (!options.target.is_empty(), "--target", &["plan", "apply", "destroy", "graph"]),
            (!options.consent.is_empty(), "--consent", &["plan", "apply", "destroy", ""]),
            (drawing, "--format dot|mermaid", &["graph"]),
            (
                options.format == Format::Json && name.is_empty(),
                "--format json",
                &["plan", "apply", "outputs"],
            ),
        ];
        for (is_given, option, commands) in given {
            if is_given && !commands.contains(&name) {
                let place =
                    if name.is_empty() { "a run without a command".to_owned() } else { format!("`{name}`") };
                let homes: Vec<String> =
                    commands.iter().filter(|name| !name.is_empty()).map(|name| format!("`{name}`")).collect();
                return Err(Problem::usage(format!("{option} means nothing to {place}"))
                    .hint(format!("it goes with {}", homes.join(", "))));
            }
        }
        Ok(())
    }
}

fn consent(text: &str) -> Result<Consent, String> {
    text.parse().map_err(|error: ConsentError| format!("{error}; {}", error.hint()))
}

fn at_least_one(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "give a whole number, 1 or more")
}
