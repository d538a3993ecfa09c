//! Looking at worlds: a readable dump, differences, and what must never be.
//!
//! Everything here is a function of plain data and gives findings; the `assert_…` methods of [`World`] panic with them.
//!
//! ```
//! use skyplat_mock::{World, inspect};
//!
//! let (before, after) = (World::new(7), World::new(7));
//! // … a platform was built and destroyed …
//! after.assert_nothing_left("dev/0123456789abcdef");
//! after.assert_same(&before);
//! assert_eq!(inspect::dangling(&after), []);
//! print!("{}", inspect::dump(&after));
//! ```
//!
//! | what must hold | function |
//! |---|---|
//! | after a destroy only what is retained is left | [`left_of_stack`] |
//! | nothing of ours is there that the state does not know | [`unknown`] |
//! | no two live things for one address | [`doubles`] |
//! | the state names nothing as ready that is gone | [`ghosts`] |
//! | nothing names what is gone | [`dangling`] |
//! | no secret in any bytes | [`leaks`](leaks()) |

mod against;
mod asserts;
mod leaks;

pub use against::{doubles, ghosts, unknown};
pub(crate) use leaks::collect_secrets;
pub use leaks::{Form, Leak, leaks, secrets};

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value as Json;

use skyplat_core::ids::Region;
use skyplat_core::object::ObjectKind;
use skyplat_core::state::Uid;
use skyplat_core::value::{Address, Key, Tree, paper};

use crate::cloud::{NEVER, STACK_TAG};
use crate::world::{Phase, Thing, World};

/// Something about a world that should not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The thing.
    pub uid: Uid,
    /// Its address.
    pub address: Address,
    /// Its kind.
    pub kind: ObjectKind,
    /// Its id.
    pub id: String,
    /// What is wrong.
    pub problem: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} {}): {}", self.address, self.kind, self.id, self.problem)
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
        /// The thing as it is in the first world.
        was: Box<Thing>,
        /// The thing as it is in the second world.
        thing: Box<Thing>,
        /// The dotted paths that differ, such as `inputs.tags.Name`.
        paths: Vec<String>,
    },
}

impl std::fmt::Display for Difference {
    /// Writes `- ` and the thing, `+ ` and the thing, or `~ ` and the thing with each path's old and new value. Secrets do
    /// not show.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = |thing: &Thing| format!("{} ({} {})", thing.address, thing.kind, thing.id);
        match self {
            Self::Missing(thing) => write!(f, "- {}", name(thing)),
            Self::Extra(thing) => write!(f, "+ {}", name(thing)),
            Self::Changed { was, thing, paths } => {
                write!(f, "~ {}", name(thing))?;
                for path in paths {
                    write!(f, "\n    {path}: {} -> {}", at(was, path), at(thing, path))?;
                }
                Ok(())
            }
        }
    }
}

/// Writes what is at a path of a thing, as [`diff`] names paths.
fn at(thing: &Thing, path: &str) -> String {
    let json = match path.split_once('.') {
        Some(("outputs", name)) => thing.outputs.get(name).map(paper::display),
        Some((_, below)) => below_in(&thing.inputs, below).map(paper::display),
        None if path == "inputs" => Some(paper::display(&thing.inputs)),
        None if path == "id" => Some(Json::String(thing.id.clone())),
        None if path == "tags" => serde_json::to_value(&thing.tags).ok(),
        None => serde_json::to_value(&thing.placement).ok(),
    };
    json.map_or_else(|| "nothing".to_owned(), |json| json.to_string())
}

/// Returns the value at a dotted path whose keys may hold dots themselves.
fn below_in<'t>(tree: &'t Tree, path: &str) -> Option<&'t Tree> {
    tree.as_map()?.iter().find_map(|(key, value)| {
        let Key::Literal(key) = key else { return None };
        let rest = path.strip_prefix(key.as_str())?;
        if rest.is_empty() { Some(value) } else { below_in(value, rest.strip_prefix('.')?) }
    })
}

/// Writes a world for people: a line for each thing with address, kind, region, id and what is under way, ordered by
/// address. Secrets do not show.
///
/// ```text
/// by-hand/their-queue  sqs.queue    us-west-2  https://sqs.us-west-2.amazonaws.com/123456789012/theirs  of no stack
/// hub/eks/cluster      eks.cluster  us-west-2  sp-dev-us-west-2  creating until 617000 ms
/// hub/karpenter/role   iam.role     global     sp-dev-us-west-2-karpenter
/// ```
pub fn dump(world: &World) -> String {
    let mut things: Vec<&Thing> = world.things().collect();
    things.sort_by(|one, other| (&one.address, &one.uid).cmp(&(&other.address, &other.uid)));
    let region = |thing: &Thing| thing.placement.region.as_ref().map_or("global", Region::as_str).to_owned();
    let width = |text: &dyn Fn(&Thing) -> usize| things.iter().map(|thing| text(thing)).max().unwrap_or(0);
    let addresses = width(&|thing| thing.address.as_str().len());
    let kinds = width(&|thing| thing.kind.as_str().len());
    let regions = width(&|thing| region(thing).len());
    let mut text = String::new();
    for thing in things {
        let phase = match thing.phase {
            Phase::Creating { until: NEVER } => "  creating, and waits for something".to_owned(),
            Phase::Ready => String::new(),
            Phase::Creating { until } => format!("  creating until {until} ms"),
            Phase::Changing { until } => format!("  changing until {until} ms"),
            Phase::Deleting { until } => format!("  deleting until {until} ms"),
            Phase::Held => "  deletion asked for, and held".to_owned(),
        };
        let owner = if thing.tags.contains_key(STACK_TAG) { "" } else { "  of no stack" };
        let (address, kind, id) = (thing.address.as_str(), thing.kind.as_str(), &thing.id);
        let region = region(thing);
        writeln!(text, "{address:addresses$}  {kind:kinds$}  {region:regions$}  {id}{phase}{owner}")
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
                    differences.push(Difference::Changed {
                        was: Box::new(thing.clone()),
                        thing: Box::new(now.clone()),
                        paths,
                    });
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
                    Key::Literal(key) => format!("{path}.{key}"),
                    Key::Text(_) => path.to_owned(),
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
    let tagged = |thing: &Thing| thing.tags.get(STACK_TAG).is_some_and(|tag| tag == stack);
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
    let (uid, address) = (thing.uid.clone(), thing.address.clone());
    Finding { uid, address, kind: thing.kind.clone(), id: thing.id.clone(), problem }
}
