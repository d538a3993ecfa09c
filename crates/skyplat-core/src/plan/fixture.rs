//! For tests of the planner: a small language for wanted objects, and a pretended engine that carries out a plan by
//! writing what an engine would write.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Action, LatencyTable, Move, Observation, Observations, Order, Part, Plan, PlanError, PlanInput,
    PlanOptions, Step, build_plan,
};
use crate::executor::OutputMap;
use crate::graph::ObjectGraph;
use crate::ids::{AccountId, Region};
use crate::object::{Class, FieldRules, Normal, ObjectNode, OnDelete, Placement};
use crate::state::{Entry, Next, Record, Stack, State, Status, Uid};
use crate::value::{Address, DigestKey, Reference, Resolved, Tree, resolve};

pub(super) fn reference(text: &str) -> Reference {
    let (object, field) = text.rsplit_once('.').unwrap();
    Reference { object: Address::new(object), field: field.into() }
}

pub(super) fn to(text: &str) -> Tree {
    Tree::Ref(reference(text))
}

/// A wanted object in the making: of kind `demo.thing`, with an echo `name` of its input `name`.
#[derive(Debug, Clone)]
pub(super) struct Thing(pub(super) ObjectNode);

pub(super) fn thing(address: &str) -> Thing {
    let resource = address.rsplit_once('/').map_or(address, |(resource, _)| resource);
    Thing(ObjectNode {
        address: address.into(),
        kind: "demo.thing".into(),
        class: Class::Owned,
        resource: resource.into(),
        placement: Placement {
            account: AccountId::new("1"),
            region: Some(Region::new("r")),
            container: None,
        },
        inputs: Tree::map(),
        natural_key: None,
        exclusive: None,
        rules: FieldRules::new().into(),
        echoes: BTreeMap::from([("name".to_owned(), "name".to_owned())]).into(),
        secret_outputs: std::collections::BTreeSet::new(),
        after: std::collections::BTreeSet::new(),
        protect: false,
        on_delete: OnDelete::Delete,
    })
}

pub(super) fn gate(address: &str) -> Thing {
    thing(address).kind("gate.demo").class(Class::Gate)
}

impl Thing {
    pub(super) fn kind(mut self, kind: &str) -> Self {
        self.0.kind = kind.into();
        self
    }

    pub(super) fn class(mut self, class: Class) -> Self {
        self.0.class = class;
        self
    }

    pub(super) fn set(mut self, field: &str, value: impl crate::value::ToTree) -> Self {
        self.0.inputs.set(field, value.to_tree());
        self
    }

    pub(super) fn rules(&mut self) -> &mut FieldRules {
        Arc::make_mut(&mut self.0.rules)
    }

    pub(super) fn forced(mut self, field: &str) -> Self {
        self.rules().replace.push(field.into());
        self
    }

    pub(super) fn lives_in(mut self, field: &str, parent: &str) -> Self {
        self.0.inputs.set(field, to(&format!("{parent}.id")));
        self.rules().parents.push(field.into());
        self.forced(field)
    }

    pub(super) fn recomputes(mut self, field: &str, output: &str) -> Self {
        self.rules().recomputes.push((field.into(), vec![output.into()]));
        self
    }

    pub(super) fn normalised(mut self, field: &str, normal: Normal) -> Self {
        self.rules().normalised.push((field.into(), normal));
        self
    }

    pub(super) fn key(mut self, key: impl crate::value::ToTree) -> Self {
        self.0.natural_key = Some(key.to_tree());
        self
    }

    /// Gives a name that forces a replace and is the natural key.
    pub(super) fn named(self, name: &str) -> Self {
        self.set("name", name).forced("name").key(name)
    }

    pub(super) fn after(mut self, other: &str) -> Self {
        self.0.after.insert(other.into());
        self
    }

    pub(super) fn within(mut self, container: &str) -> Self {
        self.0.placement.container = Some(container.into());
        self
    }

    pub(super) fn protect(mut self) -> Self {
        self.0.protect = true;
        self
    }

    pub(super) fn on_delete(mut self, on_delete: OnDelete) -> Self {
        self.0.on_delete = on_delete;
        self
    }
}

pub(super) fn graph(things: &[Thing]) -> ObjectGraph {
    let nodes = things.iter().map(|thing| thing.0.clone()).collect();
    ObjectGraph::new(Vec::new(), nodes, BTreeMap::new()).unwrap()
}

pub(super) fn empty_state() -> State {
    let stack = Stack { name: "dev".into(), id: "0001".into() };
    State::new(stack, DigestKey::new([7; 32]))
}

/// Makes a state in which these objects were applied.
pub(super) fn applied(things: &[Thing]) -> State {
    let mut state = empty_state();
    apply(&mut state, things);
    state
}

/// What a test plans with, beyond objects and state.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) options: PlanOptions,
    pub(super) observations: Observations,
}

impl Asked {
    pub(super) fn destroy() -> Self {
        Self { options: PlanOptions { destroy: true, ..PlanOptions::default() }, ..Self::default() }
    }

    pub(super) fn targets(targets: &[&str]) -> Self {
        let targets = targets.iter().map(|target| Address::new(*target)).collect();
        Self { options: PlanOptions { targets, ..PlanOptions::default() }, ..Self::default() }
    }

    pub(super) fn moved(from: &str, to: &str) -> Self {
        let moved = vec![Move { from: from.into(), to: to.into() }];
        Self { options: PlanOptions { moved, ..PlanOptions::default() }, ..Self::default() }
    }

    pub(super) fn seen(mut self, state: &State, address: &str, seen: Observation) -> Self {
        self.observations.insert(state.objects[&Address::new(address)].uid.clone(), seen);
        self
    }

    pub(super) fn latencies(table: &str) -> Self {
        let latencies = LatencyTable::from_json(table).unwrap();
        Self { options: PlanOptions { latencies, ..PlanOptions::default() }, ..Self::default() }
    }

    pub(super) fn plan(&self, things: &[Thing], state: &State) -> Result<Plan, PlanError> {
        build_plan(PlanInput {
            graph: &graph(things),
            state,
            observations: &self.observations,
            options: &self.options,
        })
    }
}

pub(super) fn plan(things: &[Thing], state: &State) -> Plan {
    Asked::default().plan(things, state).unwrap()
}

/// Returns the steps that do something, as `action address`, in order.
pub(super) fn changes(plan: &Plan) -> Vec<String> {
    let does = |step: &&Step| step.action != Action::Keep || step.bookkeeping;
    plan.steps.iter().filter(does).map(|step| format!("{} {}", step.action, step.address)).collect()
}

pub(super) fn step<'p>(plan: &'p Plan, address: &str) -> &'p Step {
    plan.steps.iter().find(|step| step.address.as_str() == address && !step.deposed).unwrap()
}

pub(super) fn order_of(plan: &Plan, address: &str) -> Option<Order> {
    step(plan, address).order
}

/// Returns the position of a half of a step among the tasks.
pub(super) fn at(plan: &Plan, address: &str, part: Part) -> usize {
    let is_it = |task: &super::Task| {
        let step = &plan.steps[task.step];
        step.address.as_str() == address && task.part == part && !step.deposed
    };
    plan.tasks.iter().position(is_it).unwrap_or_else(|| panic!("no {part:?} of {address}"))
}

/// Returns whether a task waits for another, directly or through others.
pub(super) fn waits(plan: &Plan, task: usize, other: usize) -> bool {
    let mut work = vec![task];
    let mut seen = vec![false; plan.tasks.len()];
    while let Some(task) = work.pop() {
        for before in &plan.tasks[task].after {
            if *before == other {
                return true;
            }
            if !std::mem::replace(&mut seen[*before], true) {
                work.push(*before);
            }
        }
    }
    false
}

/// Plans these objects and carries the plan out.
pub(super) fn apply(state: &mut State, things: &[Thing]) {
    let plan = plan(things, state);
    carry_out(state, &graph(things), &plan, plan.tasks.len());
}

/// Carries out the first tasks of a plan.
pub(super) fn carry_out(state: &mut State, graph: &ObjectGraph, plan: &Plan, tasks: usize) {
    for Move { from, to } in &plan.moved {
        write(state, Entry::Moved { from: from.clone(), to: to.clone() });
    }
    for task in &plan.tasks[..tasks] {
        let step = &plan.steps[task.step];
        match task.part {
            Part::Make => make(state, graph.get(&step.address).unwrap(), step),
            Part::Remove => remove(state, step),
        }
    }
}

fn write(state: &mut State, entry: Entry) {
    state.apply(&entry).unwrap();
}

fn make(state: &mut State, node: &ObjectNode, step: &Step) {
    let address = node.address.clone();
    if let Some(uid) = step.gone.clone() {
        write(state, Entry::Forgotten { address: address.clone(), uid, why: "gone".into() });
    }
    let resolved = resolved(node, state);
    let depends_on = node.depends_on();
    let recorded = state.objects.get(&address).map(|record| record.uid.clone());
    match step.action {
        Action::Keep if step.bookkeeping => {
            let inputs = state.objects[&address].node.inputs.clone();
            write(state, Entry::Bookkeeping { node: ObjectNode { inputs, ..resolved }.into(), depends_on });
        }
        Action::Keep => {}
        Action::Update | Action::Wait | Action::Read
            if recorded.as_ref() == Some(&step.uid) && step.new_uid.is_none() =>
        {
            let uid = step.uid.clone();
            let outputs = outputs(&resolved, &uid);
            let next = Next { node: resolved.into(), depends_on };
            write(state, Entry::UpdateBegins { address: address.clone(), uid: uid.clone(), next });
            write(state, Entry::Updated { address, uid, outputs });
        }
        _ => {
            let uid = step.new_uid.clone().unwrap_or_else(|| step.uid.clone());
            let outputs = outputs(&resolved, &uid);
            let generation = state.next_generation(&address);
            let record = Box::new(Record::planned(resolved, depends_on, uid.clone(), generation));
            write(state, Entry::CreateBegins { record });
            let id = format!("i-{uid}");
            write(state, Entry::Created { address, uid, id, outputs });
        }
    }
}

fn remove(state: &mut State, step: &Step) {
    let (address, uid) = (step.address.clone(), step.uid.clone());
    if step.gone.is_some() {
        return write(state, Entry::Forgotten { address, uid, why: "gone".into() });
    }
    write(state, Entry::DeleteBegins { address: address.clone(), uid: uid.clone() });
    write(state, Entry::Deleted { address, uid });
}

fn resolved(node: &ObjectNode, state: &State) -> ObjectNode {
    let lookup = |reference: &Reference| match state.output(reference) {
        Resolved::Known(value) => Resolved::Known(value),
        Resolved::Unknown => panic!("{} needs {reference} before it is made", node.address),
    };
    let mut node = node.clone();
    node.inputs = resolve(&node.inputs, &lookup).unwrap();
    node.natural_key = node.natural_key.as_ref().map(|key| resolve(key, &lookup).unwrap());
    node
}

/// `id` is new with every object, `revision` also with every change that recomputes it, `fixed` never.
fn outputs(node: &ObjectNode, uid: &Uid) -> OutputMap {
    let fields: Vec<_> = node.rules.recomputes.iter().map(|(field, _)| node.inputs.at(field)).collect();
    let mut outputs = OutputMap::from([
        ("id".to_owned(), Tree::String(format!("i-{uid}").into())),
        ("revision".to_owned(), Tree::String(format!("{uid} {fields:?}").into())),
        ("fixed".to_owned(), Tree::String(node.address.as_str().into())),
    ]);
    for (output, path) in node.echoes.iter() {
        if let Some(value) = node.inputs.at(path) {
            outputs.insert(output.clone(), value.clone());
        }
    }
    outputs
}

/// Cuts a create off after it was announced, as a crash would.
pub(super) fn break_off_create(state: &mut State, address: &str) {
    let record = state.objects.get_mut(&Address::new(address)).unwrap();
    record.status = Status::Incomplete;
    record.outputs.clear();
}
