//! A host program with skyplat inside: it shows progress its own way, approves plans by a rule of its own, is told to
//! stop in the middle, and goes on later from what is recorded.
//!
//! ```text
//! cargo run --example embed
//! ```
//!
//! Nothing is kept between the runs but a directory: each opens the store and the (simulated) cloud anew, as a restarted
//! process would.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use skyplat::engine::{EventSink, FinishedStatus, Phase};
use skyplat::mock::{MockCloud, MockOptions, simulate};
use skyplat::plan::{Action, PlanOptions, Step};
use skyplat::policy::{Check, Checks, Consents, Findings, Severity, Subject};
use skyplat::prelude::*;
use skyplat::state::Stack;
use skyplat::value::DigestKey;
use skyplat::workspace::{FactChoice, unwatched};

type Failure = Box<dyn Error + Send + Sync>;

const CONFIG: &str = "
region: us-west-2
node_pools:
  - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}
";

/// The host's rule: what takes much away at once is not done by a machine alone.
#[derive(Debug)]
struct SmallSteps {
    most: usize,
}

impl Check for SmallSteps {
    fn name(&self) -> &'static str {
        "small_steps"
    }

    fn check(&self, subject: &Subject<'_>, findings: &mut Findings) {
        let steps = subject.plan().map_or(&[][..], |plan| &plan.steps);
        let goes = |step: &&Step| matches!(step.action, Action::Delete | Action::Replace);
        let going = steps.iter().filter(goes).count();
        if let Some(first) = steps.iter().find(goes).filter(|_| going > self.most) {
            let message = format!("{going} objects would go, this one first; {} may at once", self.most);
            findings.error(&first.address, message).hint("take the change in smaller steps");
        }
    }
}

/// The host's display: a line when the last object of a resource is done. It holds the brake, too.
struct Dashboard {
    /// The resources under way, with the objects that are still to come.
    open: BTreeMap<Address, BTreeSet<Address>>,
    resource_of: BTreeMap<Address, Address>,
    stop_after: Option<Address>,
    control: Control,
}

impl Dashboard {
    fn new(plan: &Plan, stop_after: Option<&str>, control: Control) -> Self {
        let (mut open, mut resource_of) = (BTreeMap::<_, BTreeSet<_>>::new(), BTreeMap::new());
        for step in plan.steps.iter().filter(|step| step.action != Action::Keep) {
            open.entry(step.resource.clone()).or_default().insert(step.address.clone());
            resource_of.insert(step.address.clone(), step.resource.clone());
        }
        Self { open, resource_of, stop_after: stop_after.map(Address::new), control }
    }

    fn done(&mut self, t: f64, object: &Address) {
        let Some(resource) = self.resource_of.get(object) else { return };
        let Some(left) = self.open.get_mut(resource) else { return };
        left.remove(object);
        if !left.is_empty() {
            return;
        }
        println!("  {:4.1} min  {resource}", t / 60.0);
        if self.stop_after.as_ref() == Some(resource) {
            println!("            (someone presses stop: what runs is finished, nothing new begins)");
            self.control.drain();
        }
        self.open.remove(resource);
    }
}

impl EventSink for Dashboard {
    /// The engine waits meanwhile: a host with a slow display sends the event into a channel instead.
    fn event(&mut self, event: Event) {
        match event {
            Event::Step { t, address, phase: Phase::Done | Phase::Retained, .. } => self.done(t, &address),
            Event::Step { address, phase: Phase::Failed, error, .. } => {
                println!("  failed    {address}: {}", error.unwrap_or_default());
            }
            _ => {}
        }
    }
}

/// How a deployment ended.
#[derive(Debug, PartialEq)]
enum Ended {
    Complete,
    Stopped,
    Refused,
}

/// Brings the stack to the configuration, if the host's rule allows it.
async fn deploy(directory: &Path, config: &str, stop_after: Option<&str>) -> Result<Ended, Failure> {
    let store = DirectoryStore::new(directory);
    let cloud = MockCloud::open(store.stack_dir("dev").join("world.jsonl"), MockOptions::default())?;
    let workspace = Workspace { store: Arc::new(store), ..Workspace::simulated("dev", &cloud) };

    // Of use only where there is no such stack yet: a real host draws both from randomness.
    let stack = Stack { name: "dev".into(), id: "0123456789abcdef".into() };
    let fresh = State::new(stack, DigestKey::new([7; 32]));
    let mut session = workspace.lock(fresh, &workspace.owner("host", "deploy")).await?;

    let control = Control::new();
    let config = parse_config("platform.yaml", config.as_bytes(), Target::Simulated)?.config;
    let described = workspace.describe(&config, &session.state().facts, FactChoice::Recorded).await?;
    let observed = workspace.observe(session.state(), &control, &mut unwatched()).await?;
    let prepared = workspace.plan(described, session.state(), observed, &PlanOptions::default())?;
    let summary = prepared.plan.summary;
    println!(
        "  plan: {} to create, {} to delete, {} as they are",
        summary.create, summary.delete, summary.keep
    );

    // The built-in checks and the host's own. A host that lets people accept findings keeps their consents as it keeps
    // its configuration.
    let checks = Checks::built_in().with(SmallSteps { most: 5 });
    let verdict = workspace.judge(&prepared, session.state(), &checks, &Consents::none());
    for finding in verdict.findings.iter().filter(|finding| finding.severity == Severity::Error) {
        println!("  refused by {}: {}: {}", finding.check, finding.address, finding.message);
    }
    if verdict.has_errors() {
        return Ok(Ended::Refused);
    }
    let mut dashboard = Dashboard::new(&prepared.plan, stop_after, control.clone());
    let report = workspace.apply(&prepared, session.as_mut(), &control, &mut dashboard).await?;
    let ended = match report.status {
        FinishedStatus::Succeeded => Ended::Complete,
        FinishedStatus::Cancelled => Ended::Stopped,
        FinishedStatus::Failed => return Err("the run failed".into()),
    };
    println!("  {ended:?}: {} created, {} not begun", report.totals.created, report.totals.skipped);
    Ok(ended)
}

async fn run(directory: &Path) -> Result<(), Failure> {
    println!("First run, stopped when the network stands:");
    let first = deploy(directory, CONFIG, Some("main/vpc")).await?;
    println!("Second run, by a new process:");
    let second = deploy(directory, CONFIG, None).await?;
    println!("Third run, without the shared file system:");
    let third = deploy(directory, &format!("{CONFIG}addons: {{efs_csi: false}}\n"), None).await?;
    let ended = [first, second, third];
    if ended == [Ended::Stopped, Ended::Complete, Ended::Refused] {
        return Ok(());
    }
    Err(format!("the runs ended otherwise than they should: {ended:?}").into())
}

fn main() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    simulate(|| run(directory.path()))?
}
