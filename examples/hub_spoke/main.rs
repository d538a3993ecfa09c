//! The reference front end: one YAML file to a running platform, on the simulated cloud.
//!
//! ```text
//! cargo run --example hub_spoke                  # the whole story, in memory
//! cargo run --example hub_spoke -- plan          # what an apply would do
//! cargo run --example hub_spoke -- apply         # do it; states are kept in .skyplat
//! cargo run --example hub_spoke -- --help
//! ```
//!
//! The stages are those of [`skyplat::workspace::Workspace`]; what is here is what only a program may do: read the
//! command line and the clock, ask, print, and end with an exit code. `cli` holds the options, `input` the files that
//! are read, `world` what else comes from outside, `graph` the drawings, `policy` what policy checks say, `progress` the
//! display of a run, `picture` its timeline, `terminal` colour, printing and asking.

mod cli;
mod graph;
mod input;
mod picture;
mod policy;
mod progress;
mod terminal;
mod world;

use std::process::ExitCode;

use clap::Parser;
use skyplat::config::schema::config_schema;
use skyplat::config::{Parsed, PlatformConfig};
use skyplat::drift::{accept_drift, find_drift};
use skyplat::engine::{Control, Event, EventSink, FinishedStatus};
use skyplat::plan::{Observations, PlanFile, PlanOptions};
use skyplat::policy::{Checks, Consents, Verdict};
use skyplat::render::plan::{PlanView, plan_text};
use skyplat::render::{Exit, Problem, Role, Style, drift, outputs, records, summary};
use skyplat::state::{State, StoreSession};
use skyplat::value::Address;
use skyplat::workspace::{Description, FactChoice, Prepared, Workspace, unwatched};

use cli::{Cli, Command, Format, Options, StateCommand};
use input::{parse, read_config, read_plan, warn};
use picture::Picture;
use progress::Progress;
use terminal::Colour;
use world::World;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let exit = cli.check().and_then(|()| {
        // The simulated cloud lives on a clock that jumps from event to event: a platform's half hour takes moments.
        skyplat::mock::simulate(move || run(cli))
            .map_err(|error| Problem::failed(format!("cannot begin to simulate: {error}")))?
    });
    match exit {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(problem) => {
            terminal::talk(&problem.text(&Colour));
            ExitCode::from(problem.exit.code())
        }
    }
}

async fn run(cli: Cli) -> Result<Exit, Problem> {
    let Cli { command, options } = cli;
    if !matches!(command, Some(Command::Validate | Command::Schema)) {
        world::check_executor(&options)?;
    }
    match command {
        None => tour(&options).await,
        Some(Command::Validate) => validate(&options),
        Some(Command::Graph) => graph::show(&options).await,
        Some(Command::Plan) => plan(&options).await,
        Some(Command::Apply) => apply(&options).await,
        Some(Command::Refresh) => refresh(&options).await,
        Some(Command::Outputs) => show_outputs(&options).await,
        Some(Command::Destroy) => destroy(&options).await,
        Some(Command::Schema) => terminal::json(&config_schema()).map(|()| Exit::Done),
        Some(Command::State { command }) => state(&options, command).await,
    }
}

/// The whole story in memory: plan, apply, outputs, and a second plan that is empty. Asks nothing.
async fn tour(options: &Options) -> Result<Exit, Problem> {
    let picture = Picture::open(options)?;
    let parsed = read_config(options)?;
    let world = World::open(options, "tour", false).await?;
    let mut session = world.store.lock(world.fresh_state()?, world.owner()).await?;
    let workspace = world.workspace()?;
    heading(options, &format!("{} on a simulated cloud", options.config.display()));
    if !parsed.report.diagnostics.is_empty() {
        terminal::talk(&format!("{}; `validate` shows them\n\n", parsed.report.summary()));
    }
    let prepared = prepare(&workspace, options, Some(&parsed.config), session.state()).await?;
    show_plan(&prepared, options)?;
    policy::mention(&workspace, &prepared, session.state(), &policy::consents(options, &parsed.config))?;
    heading(options, "Apply");
    let run = Run { operation: "apply", picture: picture.as_ref() };
    let exit = carry_out(&workspace, session.as_mut(), &prepared, options, run).await?;
    if exit != Exit::Done {
        return Ok(exit);
    }
    heading(options, "Outputs");
    print_outputs(&workspace, session.state(), options).await?;
    heading(options, "A second plan");
    let again = prepare(&workspace, options, Some(&parsed.config), session.state()).await?;
    show_plan(&again, options)?;
    if !again.plan.is_empty() {
        return Err(Problem::failed("the second plan should be empty").hint("this is a bug in skyplat"));
    }
    let next = "All this was simulated in memory. `plan`, `apply` and `destroy` keep their state in .skyplat; \
                --help shows the rest.";
    if options.format == Format::Text {
        terminal::talk(&format!("\n{}\n", Colour.paint(Role::Faint, next)));
    }
    Ok(Exit::Done)
}

fn validate(options: &Options) -> Result<Exit, Problem> {
    if options.format == Format::Json {
        let report = parse(options)?.map_or_else(|report| report, |parsed| parsed.report);
        terminal::json(&report)?;
        return Ok(if report.has_errors() { Exit::Usage } else { Exit::Done });
    }
    let parsed = read_config(options)?;
    terminal::talk(&parsed.report.render());
    let clusters = parsed.config.clusters();
    let regions: Vec<&str> = clusters.iter().map(|cluster| cluster.region.as_str()).collect();
    terminal::data(&format!(
        "{} can be used: it describes {} in {}.\n",
        options.config.display(),
        skyplat::render::count(clusters.len(), "cluster"),
        regions.join(", "),
    ))?;
    Ok(Exit::Done)
}

pub(crate) fn targets(options: &Options) -> Vec<Address> {
    options.target.iter().map(Address::new).collect()
}

async fn plan(options: &Options) -> Result<Exit, Problem> {
    let parsed = read_config(options)?;
    let world = World::open(options, "plan", true).await?;
    let state = world.load_or_fresh().await?;
    warn(&parsed.report);
    let workspace = world.workspace()?;
    let prepared = prepare(&workspace, options, Some(&parsed.config), &state).await?;
    let consents = policy::consents(options, &parsed.config);
    let verdict = workspace.judge(&prepared, &state, &Checks::built_in(), &consents);
    if options.format == Format::Json {
        let digest = workspace.digest(&prepared, &state, &plan_options(options, false))?;
        terminal::json(&policy::plan_json(&prepared.plan, digest, &verdict)?)?;
    } else {
        show_plan(&prepared, options)?;
        policy::show(&verdict);
    }
    if let Some(file) = &options.out {
        let mut saved = workspace.plan_file(&prepared, &state, &plan_options(options, false))?;
        saved.consents = consents;
        let saved = saved.to_json()?;
        std::fs::write(file, saved).map_err(|error| {
            Problem::failed(format!("cannot save the plan to {}: {error}", file.display()))
        })?;
        terminal::talk(&format!(
            "\nSaved; `apply --plan {}` does exactly this, or nothing.\n",
            file.display()
        ));
    }
    Ok(changes(options, !prepared.plan.is_empty()))
}

async fn apply(options: &Options) -> Result<Exit, Problem> {
    terminal::can_ask(options.yes)?;
    let picture = Picture::open(options)?;
    let wanted = match &options.plan {
        Some(file) => Wanted::Saved(Box::new(read_plan(file)?)),
        None => Wanted::Configured(Box::new(read_config(options)?)),
    };
    let world = World::open(options, "apply", true).await?;
    let fresh = match &wanted {
        Wanted::Saved(file) => world.fresh_state_of(&file.stack)?,
        Wanted::Configured(_) => world.fresh_state()?,
    };
    let is_new = world.store.load(&world.stack).await?.is_none();
    let mut session = world.store.lock(fresh, world.owner()).await?;
    let exit = apply_locked(&world, session.as_mut(), wanted, options, picture.as_ref()).await;
    if is_new && session.state().serial == 0 {
        // Nothing came of it: locking made the stack.
        drop(session);
        let removed = world.store.remove(&world.stack, world.owner()).await;
        return exit.and_then(|exit| Ok(removed.map(|()| exit)?));
    }
    exit
}

/// Plans, asks and applies, while nobody else can.
async fn apply_locked(
    world: &World,
    session: &mut dyn StoreSession,
    wanted: Wanted,
    options: &Options,
    picture: Option<&Picture>,
) -> Result<Exit, Problem> {
    let workspace = world.workspace()?;
    let (prepared, consents) = match wanted {
        Wanted::Saved(file) => {
            let consents = file.consents.clone().and(options.consent.iter().cloned().collect());
            (workspace.prepare_saved(*file, session.state())?, consents)
        }
        Wanted::Configured(parsed) => {
            warn(&parsed.report);
            let consents = policy::consents(options, &parsed.config);
            (prepare(&workspace, options, Some(&parsed.config), session.state()).await?, consents)
        }
    };
    let verdict = workspace.judge(&prepared, session.state(), &Checks::built_in(), &consents);
    if !approve(&prepared, &verdict, options, "Apply this plan?")? {
        return Ok(Exit::Failed);
    }
    let run = Run { operation: "apply", picture };
    let exit = carry_out(&workspace, session, &prepared, options, run).await?;
    if exit == Exit::Done && options.format == Format::Text {
        heading(options, "Outputs");
        print_outputs(&workspace, session.state(), options).await?;
    }
    Ok(exit)
}

/// What an apply is to reach.
enum Wanted {
    Saved(Box<PlanFile>),
    Configured(Box<Parsed>),
}

async fn destroy(options: &Options) -> Result<Exit, Problem> {
    terminal::can_ask(options.yes)?;
    let picture = Picture::open(options)?;
    let world = World::open(options, "destroy", true).await?;
    // Locking would make a stack that is not there.
    world.load().await?;
    let mut session = world.store.lock(world.fresh_state()?, world.owner()).await?;
    let workspace = world.workspace()?;
    let prepared = prepare(&workspace, options, None, session.state()).await?;
    let question = format!("Delete all this of the stack {}?", world.stack);
    // Whoever answers yes to this has been told what is lost.
    let consents = Consents::of_destroy().and(options.consent.iter().cloned().collect());
    let verdict = workspace.judge(&prepared, session.state(), &Checks::built_in(), &consents);
    if !approve(&prepared, &verdict, options, &question)? {
        return Ok(Exit::Failed);
    }
    let run = Run { operation: "destroy", picture: picture.as_ref() };
    carry_out(&workspace, session.as_mut(), &prepared, options, run).await
}

async fn refresh(options: &Options) -> Result<Exit, Problem> {
    if options.accept {
        terminal::can_ask(options.yes)?;
    }
    let world = World::open(options, "refresh", true).await?;
    let state = world.load().await?;
    let mut session = if options.accept {
        Some(world.store.lock(world.fresh_state()?, world.owner()).await?)
    } else {
        None
    };
    let workspace = world.workspace()?;
    let state = session.as_ref().map_or(&state, |session| session.state()).clone();
    let mut events = Progress::refresh(options.format);
    let control = Control::new();
    terminal::watch_interrupts(&control);
    let observations = workspace.observe(&state, &control, &mut events).await?;
    let found = find_drift(&state, &observations);
    if options.format == Format::Text {
        terminal::data(&drift::drift_text(&state, &found, &Colour))?;
    }
    let entries = accept_drift(&state, &observations, &found);
    if let Some(session) = session.as_mut().filter(|_| !entries.is_empty()) {
        if !terminal::confirm("Take this into the records?", options.yes)? {
            return Ok(Exit::Failed);
        }
        session.append(&entries).await?;
        terminal::talk(
            "The records follow the real world now; a plan says what the configuration makes of it.\n",
        );
    }
    Ok(changes(options, !found.is_empty()))
}

async fn show_outputs(options: &Options) -> Result<Exit, Problem> {
    let world = World::open(options, "outputs", true).await?;
    let state = world.load().await?;
    print_outputs(&world.workspace()?, &state, options).await?;
    Ok(Exit::Done)
}

async fn state(options: &Options, command: StateCommand) -> Result<Exit, Problem> {
    let world = World::open(options, "state", true).await?;
    match command {
        StateCommand::List => {
            let (stacks, selected) = (world.store.list().await?, world.store.selected().await?);
            match options.format {
                Format::Json => terminal::json(&records::stacks_json(&stacks, selected.as_deref()))?,
                _ => terminal::data(&records::stacks_text(&stacks, selected.as_deref()))?,
            }
        }
        StateCommand::Select { name } => {
            world.store.select(&name).await?;
            terminal::talk(&format!("Commands without --stack now mean the stack {name}.\n"));
        }
        StateCommand::Remove { name } => {
            world.store.remove(&name, world.owner()).await?;
            terminal::talk(&format!("The stack {name} is removed.\n"));
        }
        StateCommand::Show => {
            let state = world.load().await?;
            match options.format {
                Format::Json => terminal::json(&records::records_json(&state))?,
                _ => terminal::data(&records::records_text(&state, &Colour))?,
            }
        }
    }
    Ok(Exit::Done)
}

/// Plans what leads from the state to the configuration; without one, to nothing.
async fn prepare(
    workspace: &Workspace,
    options: &Options,
    config: Option<&PlatformConfig>,
    state: &State,
) -> Result<Prepared, Problem> {
    let description = match config {
        Some(config) => workspace.describe(config, &state.facts, facts(options)).await?,
        None => Description::default(),
    };
    let observations = if options.no_refresh {
        Observations::none()
    } else {
        workspace.observe(state, &Control::new(), &mut unwatched()).await?
    };
    Ok(workspace.plan(description, state, observations, &plan_options(options, config.is_none()))?)
}

fn plan_options(options: &Options, destroy: bool) -> PlanOptions {
    PlanOptions { destroy, targets: targets(options), ..PlanOptions::default() }
}

/// What a run is called, and where its picture goes.
#[derive(Clone, Copy)]
struct Run<'a> {
    operation: &'a str,
    picture: Option<&'a Picture>,
}

/// Applies a plan, shows its progress and says how it ended.
async fn carry_out(
    workspace: &Workspace,
    session: &mut dyn StoreSession,
    prepared: &Prepared,
    options: &Options,
    run: Run<'_>,
) -> Result<Exit, Problem> {
    let control = Control::new();
    terminal::watch_interrupts(&control);
    let mut progress = Progress::new(&prepared.plan, options, &control);
    let mut drawing = Picture::draw(run.picture, prepared, session.state());
    let mut events = |event: Event| {
        drawing.take(&event);
        progress.event(event);
    };
    let report = workspace.apply(prepared, session, &control, &mut events).await;
    drop(progress);
    if let Ok(report) = &report
        && options.format == Format::Text
    {
        terminal::talk(&summary::summary_text(report, run.operation, Some("simulated"), &Colour));
    }
    // A run that broke off has a picture too.
    drawing.finish();
    let report = report?;
    Ok(if report.status == FinishedStatus::Succeeded { Exit::Done } else { Exit::Failed })
}

/// Shows what is going to be done and asks for it, unless nothing changes; refuses what a policy check forbids.
fn approve(
    prepared: &Prepared,
    verdict: &Verdict,
    options: &Options,
    question: &str,
) -> Result<bool, Problem> {
    if options.format == Format::Text {
        show_plan(prepared, options)?;
    }
    policy::show(verdict);
    if options.format == Format::Text {
        terminal::talk("\n");
    }
    policy::allow(verdict, &prepared.plan)?;
    if prepared.plan.is_empty() || terminal::confirm(question, options.yes)? {
        return Ok(true);
    }
    terminal::talk("Nothing was changed.\n");
    Ok(false)
}

fn show_plan(prepared: &Prepared, options: &Options) -> Result<(), Problem> {
    let view = PlanView { resources: prepared.description.graph.resources(), objects: options.objects };
    terminal::data(&plan_text(&prepared.plan, view, &Colour))
}

async fn print_outputs(workspace: &Workspace, state: &State, options: &Options) -> Result<(), Problem> {
    let values = workspace.outputs(state, options.show_secrets, &Control::new()).await?;
    match options.format {
        Format::Json => terminal::json(&outputs::outputs_json(&values, options.show_secrets)),
        _ => terminal::data(&outputs::outputs_text(&values, options.show_secrets, &Colour)),
    }
}

fn heading(options: &Options, text: &str) {
    if options.format == Format::Text {
        terminal::talk(&format!("\n{}\n\n", Colour.paint(Role::Strong, &format!("── {text}"))));
    }
}

pub(crate) fn facts(options: &Options) -> FactChoice {
    if options.refresh_facts { FactChoice::Fresh } else { FactChoice::Recorded }
}

fn changes(options: &Options, exist: bool) -> Exit {
    if exist && options.detailed_exitcode { Exit::Changes } else { Exit::Done }
}
