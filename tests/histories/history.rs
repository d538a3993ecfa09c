//! One history: what a stack goes through, operation by operation, beside the model that goes through the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use skyplat::engine::{FinishedStatus, StepOutcome};
use skyplat::mock::World;
use skyplat::mock::faults::{Coverage, FaultKind, Operation};
use skyplat::mock::world::Phase;
use skyplat::object::Class;
use skyplat::plan::{Action, PlanError, Step};
use skyplat::state::{Entry, Record, State, Status, Uid};

use crate::acts::{Act, Drift, Fault, Wish};
use crate::afterwards;
use crate::graphs::Wanted;
use crate::invariants::{self, Broken, Checked, hold};
use crate::lab::{Asked, Cut, End, Ground, Lab, Ran, picture};
use crate::model::{self, Did, Late, Model, Picture};

const MODEL: &str = "the actions are those of the reference model";
const WORLD: &str = "the world is that of the reference model";
const REFUSAL: &str = "what is refused would lose what is protected, and nothing else is refused";
const CONVERGES: &str = "a run that nothing goes wrong with ends as wanted";
const SETTLED: &str = "a plan after an apply is empty";
const RETAINED: &str = "I7, what is protected or retained is never deleted";
const STRANGERS: &str = "what is not ours is left alone";

/// No run takes longer: every half of a step has an hour.
const LONGEST: Duration = Duration::from_hours(24 * 30);

/// A history as it goes on.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) lab: Lab,
    wish: Wish,
    model: Model,
    /// Whether something went wrong that leaves the world in between: the model cannot know where.
    between: bool,
    /// What was left in place on purpose.
    retained: BTreeSet<Uid>,
    /// What was taken away behind our back.
    lost: BTreeSet<Uid>,
    strangers: BTreeSet<Uid>,
    /// All that was told, for comparing runs byte by byte.
    pub(crate) told: Option<String>,
}

impl History {
    pub(crate) fn new(ground: &Ground, wish: Wish) -> Self {
        Self {
            lab: Lab::new(ground, wish.seed, wish.limits),
            wish,
            model: Model::default(),
            between: false,
            retained: BTreeSet::new(),
            lost: BTreeSet::new(),
            strangers: BTreeSet::new(),
            told: None,
        }
    }

    /// Does one operation and checks all that must hold of it.
    pub(crate) async fn go_on(&mut self, act: &Act) -> Checked {
        match act {
            Act::Apply { edits, refresh, targets, faults, cut } => {
                for edit in edits {
                    self.wish.edit(*edit);
                }
                let wanted = self.wish.description.wanted();
                let mut named: BTreeSet<String> = BTreeSet::new();
                if !wanted.is_empty() {
                    let pick = |target: &u8| wanted[usize::from(*target) % wanted.len()].address.clone();
                    named = targets.iter().map(pick).collect();
                }
                self.run(Some(wanted), named, *refresh, faults, *cut).await
            }
            Act::Destroy { faults, cut } => self.run(None, BTreeSet::new(), true, faults, *cut).await,
            Act::Drift(drifts) => {
                for drift in drifts {
                    self.drift(*drift).await;
                }
                self.look_around(&self.lab.cloud.world(), &self.lab.state().await)
            }
            Act::Accept => {
                let state = self.lab.state().await;
                let seen = self.lab.look(&state).await;
                self.lab.accept(&seen).await;
                if !self.between {
                    self.model.accept();
                }
                let (world, state) = (self.lab.cloud.world(), self.lab.state().await);
                afterwards::taken_in(&world, &state)?;
                self.look_around(&world, &state)
            }
        }
    }

    /// Lets nothing go wrong any more: the next run ends as wanted, the one after it has nothing to do, and a destroy
    /// leaves nothing.
    pub(crate) async fn end(&mut self) -> Result<Picture, Broken> {
        self.lab.faults.heal();
        for slot in &mut self.wish.description.slots {
            slot.protect = false;
        }
        // What is recorded may still be protected, and what is no longer wanted has to come back to be let go.
        let state = self.lab.state().await;
        for slot in 0..self.wish.description.slots.len() {
            let address = self.wish.description.address(slot);
            let record = state.objects.iter().find(|(found, _)| found.as_str() == address);
            if record.is_some_and(|(_, record)| record.node.protect) {
                self.wish.description.slots[slot].there = true;
            }
        }
        let wanted = self.wish.description.wanted();
        self.run(Some(wanted), BTreeSet::new(), true, &[], Cut::Never).await?;
        let state = self.lab.state().await;
        let picture = self.lab.picture(&state);
        if state.objects.values().any(|record| record.node.protect) {
            // Renamed and still protected: nobody can ask for its end any more.
            return Ok(picture);
        }
        hold!(!self.between, CONVERGES, "it is in between after a run that nothing went wrong with");
        self.run(None, BTreeSet::new(), true, &[], Cut::Never).await?;
        let stays = self.retained.union(&self.strangers).cloned().collect();
        afterwards::nothing_left(&self.lab.cloud.world(), &self.lab.state().await, &stays)?;
        Ok(picture)
    }

    pub(crate) fn reached(&self) -> Coverage {
        self.lab.faults.reached()
    }

    async fn drift(&mut self, drift: Drift) {
        let state = self.lab.state().await;
        let ours: Vec<&Record> =
            state.objects.values().filter(|record| record.node.class == Class::Owned).collect();
        let pick = |slot: u8| ours.get(usize::from(slot) % ours.len().max(1)).copied();
        let (slot, field, number) = match drift {
            Drift::Size(slot, number) => (slot, "size", number),
            Drift::Shade(slot, number) => (slot, "shade", number),
            Drift::Stone(slot, number) => (slot, "stone", number),
            Drift::Lose(slot) => {
                if let Some(record) = pick(slot) {
                    self.lab.lose(&record.uid);
                    self.model.lose(record.node.address.as_str());
                    let world = self.lab.cloud.world();
                    let gone = state.records().filter(|record| world.get(&record.uid).is_none());
                    self.lost.extend(gone.map(|record| record.uid.clone()));
                }
                return;
            }
            Drift::Stranger => {
                let uid = self.lab.stranger(self.strangers.len());
                self.strangers.insert(uid);
                return;
            }
        };
        // What was never completely made is not looked at before it is.
        if let Some(record) = pick(slot).filter(|record| record.status == Status::Ready) {
            let number = u64::from(number) + 2;
            self.lab.change(&record.uid, field, number);
            self.model.change(record.node.address.as_str(), field, number);
        }
    }

    /// Plans faults for the objects that there are or shall be. Returns whether one of them ends a step for good.
    fn plan_faults(&self, faults: &[Fault], objects: &BTreeSet<String>) -> bool {
        let objects: Vec<&String> = objects.iter().collect();
        let (mut for_good, mut slow) = (false, false);
        for fault in faults {
            let Some(address) = objects.get(usize::from(fault.object) % objects.len().max(1)) else {
                continue;
            };
            let mut kind = fault.kind;
            // Two that take half an hour longer would use up the time of a step.
            if kind == FaultKind::Slow && std::mem::replace(&mut slow, true) {
                kind = FaultKind::Throttled;
            }
            if !kind.meets(fault.operation) {
                continue;
            }
            for_good |= kind == FaultKind::Permanent;
            if fault.operation == Operation::Find {
                // Only what may have been made is looked for.
                self.lab.faults.at(address.as_str(), Operation::Create, [FaultKind::ReplyLost]);
            }
            self.lab.faults.at(address.as_str(), fault.operation, [kind]);
        }
        for_good
    }

    async fn run(
        &mut self,
        wanted: Option<Vec<Wanted>>,
        targets: BTreeSet<String>,
        refresh: bool,
        faults: &[Fault],
        cut: Cut,
    ) -> Checked {
        let graph = wanted.as_deref().map(|wanted| self.wish.description.graph_of(wanted));
        let wanted = wanted.unwrap_or_default();
        let state = self.lab.state().await;
        let described = graph.iter().flat_map(|graph| graph.nodes().keys());
        let objects = described.chain(state.objects.keys()).map(ToString::to_string).collect();
        let for_good = self.plan_faults(faults, &objects);
        let unseen = !refresh && !self.model.missing().is_empty();
        let moved = std::mem::take(&mut self.wish.moved);
        let destroys = graph.is_none();
        let moved_now: &[_] = if destroys { &[] } else { &moved };
        let asked = Asked {
            graph: graph.as_ref(),
            moved: moved_now,
            targets: targets.iter().cloned().collect(),
            refresh,
            cut,
        };
        // Who changes something waits until an earlier change is done, also one of a run that was killed.
        self.lab.cloud.catch_up();
        let is_idle = || self.lab.cloud.world().things().all(|thing| thing.phase == Phase::Ready);
        let unhindered = faults.is_empty() && cut == Cut::Never && is_idle();
        let ran = tokio::time::timeout(LONGEST, self.lab.run_from(state, &asked)).await;
        let ran = ran.map_err(|_| Broken { law: CONVERGES, how: "it never ends".to_owned() })?;
        self.lab.faults.heal();
        let calm = !for_good && cut == Cut::Never;
        let follow =
            Follow { wanted: &wanted, moved: moved_now, targets: &targets, refresh, calm: calm && !unseen };
        let result = match ran {
            Ok(ran) => self.follow(follow, &ran, unhindered),
            Err(error) => self.refused(follow, &error),
        };
        // A move stays in the configuration until a run has surely made it.
        if self.between || destroys || result.as_ref().is_ok_and(|begun| !begun) {
            self.wish.moved = moved;
        }
        result.map(drop)
    }

    /// Follows a run that was begun.
    fn follow(&mut self, asked: Follow<'_>, ran: &Ran, unhindered: bool) -> Result<bool, Broken> {
        if let Some(told) = &mut self.told {
            for event in ran.events() {
                told.push_str(&serde_json::to_string(event).expect("an event is JSON"));
                told.push('\n');
            }
            for entry in ran.entries() {
                told.push_str(&serde_json::to_string(entry).expect("an entry is JSON"));
                told.push('\n');
            }
        }
        for entry in ran.entries() {
            if let Entry::Retained { uid, .. } = entry {
                self.retained.insert(uid.clone());
            }
        }
        invariants::check(ran)?;
        let world = self.lab.cloud.world();
        self.look_around(&world, &ran.after)?;
        if !asked.calm {
            self.between = true;
            return Ok(true);
        }
        let End::Reported(report) = &ran.end else {
            return Err(Broken { law: CONVERGES, how: format!("it ended with {:?}", ran.end) });
        };
        if self.between {
            if !asked.refresh || !asked.targets.is_empty() {
                return Ok(true);
            }
            hold!(
                report.status == FinishedStatus::Succeeded,
                CONVERGES,
                "{:#?}",
                report.failed().collect::<Vec<_>>()
            );
            self.model = Model::default();
            let all = model::Asked {
                wanted: asked.wanted,
                moved: &[],
                refreshed: true,
                within: None,
                late: &BTreeMap::new(),
            };
            self.model.run(all).map_err(|lost| Broken { law: MODEL, how: format!("{lost:?} is lost") })?;
            self.between = false;
        } else {
            hold!(
                report.status == FinishedStatus::Succeeded,
                CONVERGES,
                "{:#?}",
                report.failed().collect::<Vec<_>>()
            );
            let within: BTreeSet<String> =
                ran.plan.steps.iter().map(|step| step.address.to_string()).collect();
            let narrowed = (!asked.targets.is_empty()).then_some(&within);
            let late = late(asked.wanted, ran);
            let run = model::Asked {
                wanted: asked.wanted,
                moved: asked.moved,
                refreshed: asked.refresh,
                within: narrowed,
                late: &late,
            };
            let done = self.model.run(run).map_err(|lost| Broken {
                law: REFUSAL,
                how: format!("it was not refused, and loses {lost:?}"),
            })?;
            let told = told(report);
            hold!(done == told, MODEL, "{}", differences(&done, &told));
            if narrowed.is_some() {
                reaches(asked, &within)?;
            }
            if unhindered {
                afterwards::duration(ran, report)?;
            }
        }
        let (picture, wanted) = (picture(&world, &ran.after), self.model.picture());
        hold!(picture == wanted, WORLD, "{picture:#?} where the model has {wanted:#?}");
        hold!(ran.after.deposed.is_empty(), CONVERGES, "{:?} is left behind", ran.after.deposed);
        if asked.targets.is_empty() && asked.refresh {
            let graph = (!ran.graph.nodes().is_empty()).then_some(&*ran.graph);
            let again = Asked { graph, moved: &[], targets: Vec::new(), refresh: false, cut: Cut::Never };
            let plan = self.lab.plan(&again, &ran.after, &skyplat::plan::Observations::none());
            let plan = plan.map_err(|error| Broken { law: SETTLED, how: error.to_string() })?;
            let work: Vec<_> =
                plan.steps.iter().filter(|step| step.action != Action::Keep || step.bookkeeping).collect();
            hold!(work.is_empty(), SETTLED, "{work:#?}");
        }
        Ok(true)
    }

    /// Judges a run that was refused. Returns that it was not begun.
    fn refused(&mut self, asked: Follow<'_>, error: &PlanError) -> Result<bool, Broken> {
        let PlanError::Protected { objects } = error else {
            return Err(Broken { law: REFUSAL, how: error.to_string() });
        };
        if self.between || !asked.calm {
            return Ok(false);
        }
        // The planner refuses what may be lost, the model what is: what rests on values that nobody knows yet is only
        // known to the model.
        let all = BTreeMap::new();
        let run = model::Asked {
            wanted: asked.wanted,
            moved: asked.moved,
            refreshed: asked.refresh,
            within: None,
            late: &all,
        };
        let lost = self.model.clone().run(run).err().unwrap_or_default();
        for object in objects {
            let doubtful = asked
                .wanted
                .iter()
                .any(|wanted| wanted.address == object.as_str() && rests_on_values(wanted, asked.wanted));
            hold!(doubtful || lost.contains(object.as_str()), REFUSAL, "{object} is not lost, only {lost:?}");
        }
        Ok(false)
    }

    fn look_around(&self, world: &World, state: &State) -> Checked {
        afterwards::world(world, state, &self.retained, &self.lost)?;
        let gone = self.retained.iter().find(|uid| !self.lost.contains(*uid) && world.get(uid).is_none());
        hold!(gone.is_none(), RETAINED, "{gone:?} is gone");
        let gone = self.strangers.iter().find(|uid| world.get(uid).is_none());
        hold!(gone.is_none(), STRANGERS, "{gone:?} is gone");
        Ok(())
    }
}

/// A run as the model has to follow it.
#[derive(Debug, Clone, Copy)]
struct Follow<'a> {
    wanted: &'a [Wanted],
    moved: &'a [(String, String)],
    targets: &'a BTreeSet<String>,
    refresh: bool,
    /// Whether nothing goes wrong for good.
    calm: bool,
}

/// Returns what was told of our own objects.
fn told(report: &skyplat::engine::RunReport) -> BTreeMap<String, Did> {
    let ours = report.steps.iter().filter(|step| step.class == Class::Owned);
    ours.map(|step| {
        let did = match (&step.outcome, step.action) {
            (StepOutcome::Retained { .. }, _) => Did::Retain,
            (StepOutcome::Kept, _) | (_, Action::Keep | Action::Wait | Action::Drain | Action::Read) => {
                Did::Keep
            }
            (_, Action::Create) => Did::Create,
            (_, Action::Update) => Did::Update,
            (_, Action::Replace) => Did::Replace,
            (_, Action::Delete) => Did::Delete,
        };
        (step.address.to_string(), did)
    })
    .collect()
}

fn differences(model: &BTreeMap<String, Did>, told: &BTreeMap<String, Did>) -> String {
    let addresses: BTreeSet<&String> = model.keys().chain(told.keys()).collect();
    let differ = addresses.into_iter().filter(|address| model.get(*address) != told.get(*address));
    let lines = differ.map(|address| {
        format!("{address}: {:?} where the model has {:?}", told.get(address), model.get(address))
    });
    lines.collect::<Vec<_>>().join(", ")
}

/// Returns the replaces that the plan takes though they rest on values of others: it could not wait for those. That may
/// be only where something has to be deleted before something else is made, and something is done to the others.
fn late(wanted: &[Wanted], ran: &Ran) -> BTreeMap<String, Late> {
    if !invariants::has_delete_first(ran) {
        return BTreeMap::new();
    }
    let steps: BTreeMap<&str, &Step> =
        ran.plan.steps.iter().map(|step| (step.address.as_str(), step)).collect();
    let addresses: BTreeMap<usize, &str> =
        wanted.iter().map(|wanted| (wanted.slot, wanted.address.as_str())).collect();
    let of = |wanted: &Wanted| {
        let step = steps.get(wanted.address.as_str()).filter(|step| step.action == Action::Replace)?;
        let mut givers = wanted.tints().map(|slot| addresses[slot]);
        let changes = |giver: &str| steps.get(giver).is_some_and(|step| step.action.is_change());
        let drags = |giver: &str| step.dragged_by.iter().any(|cause| cause.as_str() == giver);
        if step.undecided.is_empty() && step.dragged_by.is_empty() {
            givers.any(changes).then_some(Late::Surely)
        } else {
            givers.any(drags).then_some(Late::WithIt)
        }
    };
    wanted.iter().filter_map(|wanted| Some((wanted.address.clone(), of(wanted)?))).collect()
}

/// Returns whether what is done to an object may depend on values that are not known before.
fn rests_on_values(wanted: &Wanted, all: &[Wanted]) -> bool {
    wanted.fields.keys().any(|path| path.starts_with("tint"))
        || wanted.needs().iter().any(|slot| {
            all.iter().find(|other| other.slot == *slot).is_some_and(|other| rests_on_values(other, all))
        })
}

/// A targeted run takes all that is needed along.
fn reaches(asked: Follow<'_>, within: &BTreeSet<String>) -> Checked {
    let by_slot: BTreeMap<usize, &Wanted> = asked.wanted.iter().map(|wanted| (wanted.slot, wanted)).collect();
    for wanted in asked.wanted.iter().filter(|wanted| within.contains(&wanted.address)) {
        for need in wanted.needs() {
            let address = &by_slot[&need].address;
            hold!(
                within.contains(address),
                MODEL,
                "{} is in the plan, and {address}, which it needs, is not",
                wanted.address
            );
        }
    }
    let missing = asked.targets.iter().find(|target| !within.contains(*target));
    hold!(missing.is_none(), MODEL, "{missing:?} was named, and is not in the plan");
    Ok(())
}
