//! Looking at worlds: a readable dump, differences, what is left of a stack, what hangs in the air.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value as Json;

use skyplat_core::object::ObjectKind;
use skyplat_core::state::Uid;
use skyplat_core::value::{Tree, paper};

use crate::world::{Phase, Thing, World};

/// Something about a world that should not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The thing.
    pub uid: Uid,
    /// Its kind.
    pub kind: ObjectKind,
    /// Its id.
    pub id: String,
    /// What is wrong.
    pub problem: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.kind, self.id, self.problem)
    }
}

/// One difference between two worlds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A thing is in the first world only.
    Missing(Box<Thing>),
    /// A thing is in the second world only.
    Extra(Box<Thing>),
    /// A thing is another one in the second world.
    Changed {
        /// The thing as it is in the second world.
        thing: Box<Thing>,
        /// The dotted paths that differ, such as `inputs.tags.Name`.
        paths: Vec<String>,
    },
}

/// Writes a world for people: kind, id, region, address and phase, ordered by address. Secrets do not show.
pub fn dump(world: &World) -> String {
    let mut things: Vec<&Thing> = world.things().collect();
    things.sort_by(|one, other| (&one.address, &one.uid).cmp(&(&other.address, &other.uid)));
    let mut text = String::new();
    for thing in things {
        let region = thing.placement.region.as_ref().map_or("global", |region| region.as_str());
        let phase = match thing.phase {
            Phase::Ready => String::new(),
            Phase::Creating { until } => format!("  creating until {until} ms"),
            Phase::Changing { until } => format!("  changing until {until} ms"),
            Phase::Deleting { until } => format!("  deleting until {until} ms"),
            Phase::Held => "  deletion asked for, and held".to_owned(),
        };
        writeln!(text, "{}  {}  {}  {region}{phase}", thing.address, thing.kind, thing.id)
            .expect("writing to a String cannot fail");
    }
    text
}

/// Compares two worlds thing by thing; when something was made does not count.
pub fn diff(one: &World, other: &World) -> Vec<Difference> {
    let mut differences = Vec::new();
    for thing in one.things() {
        match other.get(&thing.uid) {
            None => differences.push(Difference::Missing(Box::new(thing.clone()))),
            Some(now) => {
                let paths = changed_paths(thing, now);
                if !paths.is_empty() {
                    differences.push(Difference::Changed { thing: Box::new(now.clone()), paths });
                }
            }
        }
    }
    let extra = other.things().filter(|thing| one.get(&thing.uid).is_none());
    differences.extend(extra.map(|thing| Difference::Extra(Box::new(thing.clone()))));
    differences
}

fn changed_paths(one: &Thing, other: &Thing) -> Vec<String> {
    let mut paths = Vec::new();
    if one.id != other.id {
        paths.push("id".to_owned());
    }
    if one.placement != other.placement {
        paths.push("placement".to_owned());
    }
    if one.tags != other.tags {
        paths.push("tags".to_owned());
    }
    compare(&one.inputs, &other.inputs, "inputs", &mut paths);
    let names: BTreeSet<&String> = one.outputs.keys().chain(other.outputs.keys()).collect();
    let differ = |name: &&&String| one.outputs.get(**name) != other.outputs.get(**name);
    paths.extend(names.iter().filter(differ).map(|name| format!("outputs.{name}")));
    paths
}

fn compare(one: &Tree, other: &Tree, path: &str, paths: &mut Vec<String>) {
    match (one, other) {
        (Tree::Map(ones), Tree::Map(others)) => {
            let keys: BTreeSet<_> = ones.keys().chain(others.keys()).collect();
            for key in keys {
                let below = match key {
                    skyplat_core::value::Key::Literal(key) => format!("{path}.{key}"),
                    skyplat_core::value::Key::Text(_) => path.to_owned(),
                };
                match (ones.get(key), others.get(key)) {
                    (Some(one), Some(other)) => compare(one, other, &below, paths),
                    _ => paths.push(below),
                }
            }
        }
        _ if one == other => {}
        _ => paths.push(path.to_owned()),
    }
}

/// Returns what carries a stack's tag, what lives in such a thing, and what controllers made for it: after a destroy only
/// what was retained.
pub fn left_of_stack(world: &World, stack: &str) -> Vec<Finding> {
    let tagged = |thing: &Thing| thing.tags.get("skyplat:stack").is_some_and(|tag| tag == stack);
    let problem = |thing: &Thing| {
        if tagged(thing) {
            return Some(format!("it is left of the stack {stack}"));
        }
        let origin = thing.made_for.as_ref().filter(|origin| origin.stack.as_deref() == Some(stack));
        if let Some(origin) = origin {
            return Some(match world.get(&origin.owner) {
                Some(owner) => format!("a controller made it for {} of the stack {stack}", owner.id),
                None => format!("a controller made it for something of the stack {stack} that is gone"),
            });
        }
        let around = thing.lives_in.iter().filter_map(|uid| world.get(uid)).find(|around| tagged(around))?;
        Some(format!("it is inside of {}, which is left of the stack {stack}", around.id))
    };
    world.things().filter_map(|thing| problem(thing).map(|problem| finding(thing, problem))).collect()
}

/// Returns things whose fields name an id that was there and is gone, such as a route to a NAT gateway that was deleted.
pub fn dangling(world: &World) -> Vec<Finding> {
    let mut findings = Vec::new();
    for thing in world.things() {
        let mut gone = BTreeSet::new();
        texts(&paper::display(&thing.inputs), &mut |text| {
            // Names are used again; ids with 17 digits are not.
            let is_id = text.rsplit_once('-').is_some_and(|(_, digits)| digits.len() == 17);
            if is_id && world.is_past(text) && world.with_id(text).next().is_none() {
                gone.insert(text.to_owned());
            }
        });
        findings.extend(gone.into_iter().map(|id| finding(thing, format!("it names {id}, which is gone"))));
    }
    findings
}

fn texts(json: &Json, visit: &mut impl FnMut(&str)) {
    match json {
        Json::String(text) => visit(text),
        Json::Array(items) => items.iter().for_each(|item| texts(item, visit)),
        Json::Object(map) => map.values().for_each(|value| texts(value, visit)),
        _ => {}
    }
}

fn finding(thing: &Thing, problem: String) -> Finding {
    Finding { uid: thing.uid.clone(), kind: thing.kind.clone(), id: thing.id.clone(), problem }
}
