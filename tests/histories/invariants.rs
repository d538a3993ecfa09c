//! What holds at every point of every run: functions with a name each, over all that a run wrote, called and told.
//!
//! The journal is folded entry by entry, so every law about the state holds on every prefix of it, and every law about
//! calls is judged by what was durable when the call was made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use skyplat::object::{Class, ObjectNode, OnDelete};
use skyplat::plan::{Action, Order, Part, Step, Task};
use skyplat::state::{Entry, Operation, Record, State, Status, Uid};
use skyplat::value::{Address, Tree};

use crate::afterwards;
use crate::lab::{End, Ran};
use crate::watch::{Call, How, Item, Verb, show};

/// A law that was broken, and how.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    pub(crate) law: &'static str,
    pub(crate) how: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.how)
    }
}

pub(crate) type Checked = Result<(), Broken>;

/// Fails with the name of a law unless something holds.
macro_rules! hold {
    ($holds:expr, $law:expr, $($how:tt)*) => {
        if !$holds {
            return Err($crate::invariants::Broken { law: $law, how: format!($($how)*) });
        }
    };
}
pub(crate) use hold;

const I1: &str = "I1, every stored dependency exists";
pub(crate) const I2: &str = "I2, nothing of ours is unknown to the state";
const I3: &str = "I3, no two live objects for one address";
pub(crate) const I4: &str = "I4, the state never names what was deleted";
const I5_UP: &str = "I5, nothing is made before what it depends on";
const I5_DOWN: &str = "I5, nothing is deleted before what depends on it";
const I6_SLOTS: &str = "I6, parallelism holds";
const I7: &str = "I7, what is protected or retained is never deleted";
pub(crate) const I8: &str = "I8, an apply does a subset of its plan";
const INTENT: &str = "an intent is durable before its call";
const TOKEN: &str = "a client token stands for one change of one object";
const LOOKED: &str = "a create that may have done something is repeated only after a look found nothing";
const IDENTIFIED: &str = "the id of what is made is durable as soon as there is one";

/// Checks everything that must hold of a run, whatever its end.
pub(crate) fn check(ran: &Ran) -> Checked {
    let mut fold = Fold::new(ran);
    for (at, item) in ran.items.iter().enumerate() {
        match item {
            Item::Entry(entry) => fold.entry(entry)?,
            Item::Begin(call) => fold.begin(at, call)?,
            Item::End(began, how) => fold.end(*began, *how)?,
            Item::Permit(..) | Item::Event(_) => {}
        }
    }
    afterwards::rates(ran)?;
    afterwards::groups(ran)?;
    afterwards::told(ran)?;
    afterwards::no_secret(ran)?;
    if let End::Reported(report) = &ran.end {
        afterwards::subset(ran, report)?;
        afterwards::dependents(ran, report)?;
        afterwards::siblings(ran, report)?;
    }
    Ok(())
}

/// The state as it was when something happened, and what is known of the run up to there.
struct Fold<'a> {
    ran: &'a Ran<'a>,
    state: State,
    steps: BTreeMap<&'a Uid, &'a Step>,
    by_address: BTreeMap<&'a Address, &'a Step>,
    /// What is left to do before others may go on: addresses whose make is planned for sure.
    unmade: BTreeSet<&'a Address>,
    running: BTreeMap<usize, &'a Call>,
    /// Objects that a create may have made, as far as is known.
    unsure: BTreeSet<&'a Uid>,
    deleted: BTreeSet<Uid>,
    forgotten: BTreeSet<Address>,
    tokens: BTreeMap<&'a str, (&'a Uid, Verb, String)>,
}

impl<'a> Fold<'a> {
    fn new(ran: &'a Ran<'a>) -> Self {
        let plan = &ran.plan;
        let mut steps = BTreeMap::new();
        for step in &plan.steps {
            steps.insert(&step.uid, step);
            steps.extend(step.new_uid.iter().map(|uid| (uid, step)));
        }
        let current = || plan.steps.iter().filter(|step| !step.deposed);
        let kept: BTreeSet<&Address> = match &ran.end {
            End::Reported(report) => {
                let kept = report.steps.iter().filter(|step| step.action == Action::Keep);
                kept.map(|step| &step.address).collect()
            }
            End::Unwritten | End::Killed => current()
                .filter(|step| !step.undecided.is_empty() || !step.dragged_by.is_empty())
                .map(|s| &s.address)
                .collect(),
        };
        let makes = |step: &&Step| {
            matches!(step.action, Action::Create | Action::Update | Action::Replace | Action::Wait)
                && !kept.contains(&step.address)
        };
        let unsure = ran
            .before
            .records()
            .filter(|record| record.status == Status::Incomplete && record.node.class == Class::Owned);
        let mut state = ran.before.clone();
        state.serial = 0;
        Self {
            ran,
            state,
            steps,
            by_address: current().map(|step| (&step.address, step)).collect(),
            unmade: current().filter(makes).map(|step| &step.address).collect(),
            running: BTreeMap::new(),
            unsure: unsure.map(|record| &record.uid).collect(),
            deleted: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            tokens: BTreeMap::new(),
        }
    }

    fn entry(&mut self, entry: &'a Entry) -> Checked {
        if let Entry::CreateBegins { record } = entry {
            let address = &record.node.address;
            hold!(!self.deleted.contains(&record.uid), I4, "{address} is begun again as {}", record.uid);
            let other = self.state.objects.get(address).filter(|other| other.uid != record.uid);
            // What an earlier replace superseded may still be there.
            let superseded = other.is_some_and(|other| self.ran.before.deposed.contains_key(&other.uid));
            let step = self.by_address.get(address);
            // A gate on something that is replaced is two, and the old one watches until it is drained.
            let is_two = |step: &Step| step.action == Action::Wait && step.new_uid.is_some();
            let declared =
                superseded || step.is_some_and(|step| step.order == Some(Order::CreateFirst) || is_two(step));
            hold!(
                other.is_none() || declared,
                I3,
                "{address} is begun beside another, and that was not planned"
            );
        }
        self.state
            .apply(entry)
            .map_err(|error| Broken { law: "the journal is legal", how: error.to_string() })?;
        match entry {
            Entry::CreateBegins { record } => self.leans_on_what_is_there(&record.node.address),
            Entry::Created { address, .. } | Entry::Updated { address, .. } => {
                self.unmade.remove(address);
                self.leans_on_what_is_there(address)
            }
            Entry::Bookkeeping { node, .. } => self.leans_on_what_is_there(&node.address),
            Entry::Deleted { address, uid } => {
                self.deleted.insert(uid.clone());
                self.nothing_leans_on(address, uid)
            }
            Entry::Retained { address, uid, .. } => self.nothing_leans_on(address, uid),
            Entry::Forgotten { address, .. } => {
                self.forgotten.insert(address.clone());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn is_known(&self, address: &Address) -> bool {
        self.state.objects.contains_key(address)
            || self.forgotten.contains(address)
            || self.state.deposed.values().any(|record| record.node.address == *address)
    }

    fn leans_on_what_is_there(&self, address: &Address) -> Checked {
        let Some(record) = self.state.objects.get(address) else { return Ok(()) };
        // What leaned on nothing when the run began, because one before it was cut off, does so until its edges are
        // written again.
        let before = |on: &Address| {
            let records = || self.ran.before.records();
            let leaned = records().any(|old| old.uid == record.uid && old.depends_on.contains(on));
            leaned && !records().any(|old| old.node.address == *on)
        };
        for on in record.depends_on.iter().filter(|on| !before(on)) {
            let is_known = self.is_known(on) || self.moves_later(address, |removed| removed.address == *on);
            hold!(is_known, I1, "{address} depends on {on}, which is not in the state");
        }
        Ok(())
    }

    fn nothing_leans_on(&self, address: &Address, uid: &Uid) -> Checked {
        if self.is_known(address) {
            return Ok(());
        }
        let leans = self.state.objects.values().filter(|record| record.depends_on.contains(address));
        let mut leans = leans.map(|record| &record.node.address);
        let still = leans.find(|name| !self.moves_later(name, |removed| removed.uid == *uid));
        hold!(still.is_none(), I1, "{address} is gone, and {still:?} depends on it");
        Ok(())
    }

    /// Returns whether an object can be made or changed only after another one was removed: then it moves away from that
    /// one too late, and has to.
    fn moves_later(&self, mover: &Address, removed: impl Fn(&Step) -> bool) -> bool {
        let tasks = &self.ran.plan.tasks;
        let step = |task: &Task| &self.ran.plan.steps[task.step];
        let is_make =
            |task: &Task| task.part == Part::Make && !step(task).deposed && step(task).address == *mover;
        let mut before: BTreeSet<usize> = (0..tasks.len()).filter(|at| is_make(&tasks[*at])).collect();
        // What a task waits for stands before it.
        while let Some(at) = before.pop_last() {
            if tasks[at].part == Part::Remove && removed(step(&tasks[at])) {
                return true;
            }
            before.extend(&tasks[at].after);
        }
        false
    }

    fn begin(&mut self, at: usize, call: &'a Call) -> Checked {
        let Call { verb, address, uid, .. } = call;
        let what = || format!("{verb:?} {address} ({uid})");
        self.running.insert(at, call);
        let (running, slots) = (self.running.len(), self.ran.limits.parallelism);
        hold!(running <= slots, I6_SLOTS, "{running} calls at once where {slots} may be, with {}", what());
        let twice = self.running.values().filter(|other| other.uid == *uid).count() > 1;
        hold!(!twice, I3, "{} while another call on it is under way", what());
        let record = self.record(uid);
        let open = record.and_then(Record::open);
        let is_gate = record.is_some_and(|record| record.node.class == Class::Gate);
        let wanted = match verb {
            Verb::Find => return Ok(()),
            // A gate that is passed again is waited for as at first.
            Verb::Create if is_gate && open == Some(Operation::Update) => Operation::Update,
            Verb::Create => Operation::Create,
            Verb::Update => Operation::Update,
            Verb::Delete => Operation::Delete,
        };
        hold!(*verb != Verb::Create || !self.unsure.contains(uid), LOOKED, "{}", what());
        hold!(open == Some(wanted), INTENT, "{} where the journal says {open:?}", what());
        let step = self.steps.get(uid).copied();
        let planned = step.is_some_and(|step| match verb {
            Verb::Find => true,
            Verb::Create => match step.action {
                Action::Replace => step.new_uid.as_ref() == Some(uid),
                Action::Wait => step.new_uid.as_ref().unwrap_or(&step.uid) == uid,
                action => action == Action::Create,
            },
            Verb::Update => matches!(step.action, Action::Update | Action::Create | Action::Replace),
            Verb::Delete => match step.action {
                Action::Wait => step.new_uid.is_some() && step.uid == *uid,
                Action::Delete | Action::Replace | Action::Drain => step.uid == *uid,
                _ => false,
            },
        });
        self.tokens(call)?;
        let record = self.record(uid);
        hold!(planned, I8, "{} where the plan says {:?}", what(), step.map(|step| step.action));
        match (verb, step, record) {
            (Verb::Delete, Some(step), Some(record)) => self.down(step, record),
            _ => self.up(call),
        }
    }

    fn record(&self, uid: &Uid) -> Option<&Record> {
        let address = &self.steps.get(uid)?.address;
        self.state.record(address, uid)
    }

    fn tokens(&mut self, call: &'a Call) -> Checked {
        hold!(
            call.is_tagged,
            TOKEN,
            "{:?} {} does not carry the tag of its identity",
            call.verb,
            call.address
        );
        let sent = if call.verb == Verb::Update { show(&call.inputs) } else { String::new() };
        let this = (&call.uid, call.verb, sent);
        let first = self.tokens.entry(&call.token).or_insert_with(|| this.clone());
        hold!(*first == this, TOKEN, "{} stands for {first:?} and for {this:?}", call.token);
        Ok(())
    }

    fn up(&self, call: &Call) -> Checked {
        let address = Address::new(call.address.clone());
        let needs = self.ran.graph.get(&address).map(ObjectNode::depends_on).unwrap_or_default();
        for need in needs {
            let ready = self.state.objects.get(&need).is_some_and(|record| record.status == Status::Ready);
            let done = ready && !self.unmade.contains(&need);
            hold!(done, I5_UP, "{:?} {address} before {need} is done", call.verb);
        }
        Ok(())
    }

    fn down(&self, step: &Step, record: &Record) -> Checked {
        let address = &record.node.address;
        hold!(record.node.on_delete != OnDelete::Retain, I7, "{address} is deleted, and was to be retained");
        let protected = match (step.deposed, self.ran.graph.get(address)) {
            (true, _) => false,
            (false, Some(node)) => node.protect,
            (false, None) => record.node.protect,
        };
        hold!(!protected, I7, "{address} is deleted, and is protected");
        if step.deposed {
            let is_early = self.unmade.contains(address)
                && !self.moves_later(address, |removed| removed.uid == record.uid);
            hold!(!is_early, I5_DOWN, "the old {address} goes before the new one is done");
            return Ok(());
        }
        let ends = |other: &Record| {
            self.steps.get(&other.uid).is_some_and(|step| step.uid == other.uid && !step.deposed)
        };
        // What was found to be gone leans on nothing any more.
        let is_gone = |other: &Record| {
            let mut steps = self.ran.plan.steps.iter().filter(|step| step.address == other.node.address);
            steps.any(|step| step.gone.as_ref() == Some(&other.uid))
        };
        let leans = |other: &&Record| {
            other.uid != record.uid && other.depends_on.contains(address) && !is_gone(other)
        };
        let superseded = self.state.deposed.values().filter(leans).find(|other| ends(other));
        let first = superseded.map(|other| &other.node.address);
        hold!(first.is_none(), I5_DOWN, "{address} goes before the old {first:?}, which depends on it");
        if record.node.class == Class::Owned {
            self.drained(record)?;
        }
        for other in self.state.objects.values().filter(leans) {
            let name = &other.node.address;
            let goes = ends(other)
                && self.ran.graph.get(name).is_none()
                && self.steps.get(&other.uid).is_some_and(|step| step.action == Action::Delete);
            hold!(!goes, I5_DOWN, "{address} goes before {name}, which depends on it");
            if self.moves_later(name, |removed| removed.uid == record.uid) {
                continue;
            }
            hold!(step.action != Action::Delete, I5_DOWN, "{address} goes while {name} depends on it");
            let id = record.id.as_deref().unwrap_or("none");
            hold!(
                !mentions(&other.node.inputs, id),
                I5_DOWN,
                "the old {address} goes while {name} has its id"
            );
        }
        Ok(())
    }

    /// What a gate stands on goes after the gate was drained, unless something that stays stands behind it.
    fn drained(&self, ground: &Record) -> Checked {
        let before = || self.ran.before.objects.values();
        let stays = |record: &Record| {
            let step = self.steps.get(&record.uid);
            step.is_none_or(|step| !matches!(step.action, Action::Delete | Action::Replace))
        };
        let stands_on = |record: &&Record| {
            record.node.class == Class::Gate
                && record.status == Status::Ready
                && record.depends_on.contains(&ground.node.address)
        };
        for gate in before().filter(stands_on) {
            let address = &gate.node.address;
            let behind =
                |record: &Record| record.node.class == Class::Owned && edges(record).any(|on| on == address);
            let holds =
                self.deleted.contains(&gate.uid) || before().any(|record| behind(record) && stays(record));
            hold!(holds, I5_DOWN, "{} goes before {address}, which stands on it", ground.node.address);
        }
        Ok(())
    }

    fn end(&mut self, began: usize, how: How) -> Checked {
        let Some(call) = self.running.remove(&began) else { return Ok(()) };
        let record = self.record(&call.uid);
        let is_owned = record.is_some_and(|record| record.node.class == Class::Owned);
        match (call.verb, how) {
            (Verb::Create, How::Well) => {
                let known = record.is_some_and(|record| record.id.is_some() || !is_owned);
                hold!(known, IDENTIFIED, "{} is made, and its id is not in the journal", call.address);
            }
            (Verb::Create, How::Failed(kind)) if is_owned && !kind.had_no_effect() => {
                self.unsure.insert(&call.uid);
            }
            (Verb::Find, How::Nothing) => drop(self.unsure.remove(&call.uid)),
            _ => {}
        }
        Ok(())
    }
}

/// What a record leans on, and what it leans on if an update that was cut off has been done.
pub(crate) fn edges(record: &Record) -> impl Iterator<Item = &Address> {
    let next = record.intent.as_ref().and_then(|intent| intent.next.as_ref());
    record.depends_on.iter().chain(next.into_iter().flat_map(|next| &next.depends_on))
}

fn mentions(tree: &Tree, text: &str) -> bool {
    match tree {
        Tree::String(found) => found == text,
        Tree::Map(map) => map.values().any(|tree| mentions(tree, text)),
        Tree::List(items) => items.iter().any(|tree| mentions(tree, text)),
        _ => false,
    }
}

/// Returns whether something has to be deleted before something else can be made.
pub(crate) fn has_delete_first(ran: &Ran) -> bool {
    let steps = &ran.plan.steps;
    let key = |record: &Record| record.node.natural_key.clone().map(|key| show(&key));
    let leaving: BTreeSet<String> = steps
        .iter()
        .filter(|step| matches!(step.action, Action::Delete | Action::Replace))
        .filter_map(|step| ran.before.records().find(|record| record.uid == step.uid).and_then(key))
        .collect();
    let coming = |step: &Step| {
        let made = matches!(step.action, Action::Create | Action::Replace);
        let node = ran.graph.get(&step.address).filter(|_| made);
        node.and_then(|node| node.natural_key.as_ref()).is_some_and(|key| leaving.contains(&show(key)))
    };
    steps.iter().any(|step| step.order == Some(Order::DeleteFirst) || coming(step))
}
