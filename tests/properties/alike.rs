//! Worlds that are the same but for the ids that clouds draw: what was made anew has others, and so has all that names it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde_json::{Value as Json, json};
use skyplat::mock::World;
use skyplat::mock::world::Thing;
use skyplat::value::{Tree, paper};

/// The tag with an object's identity, which is another one when it was made anew.
const IDENTITY: &str = "skyplat:object";

/// Returns the parts of a text that may be drawn by a cloud: ids and addresses.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.split(move |c: char| !is_part(c)).flat_map(|piece| {
        let whole = piece.parse::<Ipv4Addr>().is_ok();
        let is_id =
            move |word: &&str| whole || (word.len() >= 8 && word.contains(|c: char| c.is_ascii_digit()));
        piece.split(move |c: char| c == '.' && !whole).filter(is_id)
    })
}

fn texts(json: &Json, visit: &mut impl FnMut(&str)) {
    match json {
        Json::String(text) => visit(text),
        Json::Array(items) => items.iter().for_each(|item| texts(item, visit)),
        Json::Object(map) => map.values().for_each(|value| texts(value, visit)),
        _ => {}
    }
}

fn outputs(thing: &Thing) -> Json {
    Json::Object(thing.outputs.iter().map(|(name, tree)| (name.clone(), paper::display(tree))).collect())
}

/// Where a NodeClaim's id has its name.
const CLAIM: &str = "NodeClaim//";

/// Gives every id the name of the thing that it came with, and a number in it.
fn names(things: &[&Thing], marks: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let (children, own): (Vec<&Thing>, Vec<&Thing>) =
        things.iter().partition(|thing| thing.made_for.is_some());
    let (mut names, mut all_given) = (BTreeMap::new(), BTreeSet::new());
    for thing in own {
        let mut given = BTreeSet::new();
        texts(&paper::display(&thing.inputs), &mut |text| given.extend(words(text).map(str::to_owned)));
        let drawn = [Json::String(thing.id.clone()), outputs(thing)];
        name(&mut names, &given, thing.address.as_str(), &drawn);
        // A certificate is no word, and is taken over whole.
        for (output, tree) in &thing.outputs {
            if let Some(text) = tree.as_str().filter(|text| !given.contains(*text) && text.len() >= 8) {
                names.entry(text.to_owned()).or_insert_with(|| format!("<{} {output}>", thing.address));
            }
        }
        all_given.append(&mut given);
    }
    // The name of a node may be too short to be told from a word that was given.
    names.extend(marks.clone());
    // What a controller writes was given to it, or is drawn.
    let mut children: Vec<(String, &Thing)> =
        children.into_iter().map(|child| (place(child, marks), child)).collect();
    children.sort_by(|one, other| (&one.0, &one.1.kind).cmp(&(&other.0, &other.1.kind)));
    for (place, child) in children {
        let drawn = [Json::String(child.id.clone()), paper::display(&child.inputs), outputs(child)];
        name(&mut names, &all_given, &place, &drawn);
    }
    names
}

/// Names the words that were drawn for a thing: those that nobody gave and that have no name yet.
fn name(names: &mut BTreeMap<String, String>, given: &BTreeSet<String>, place: &str, drawn: &[Json]) {
    let mut count = 0;
    for json in drawn {
        texts(json, &mut |text| {
            for word in words(text).filter(|word| !given.contains(*word)) {
                if !names.contains_key(word) {
                    count += 1;
                    names.insert(word.to_owned(), format!("<{place} {count}>"));
                }
            }
        });
    }
}

/// Returns what controllers put into the addresses of children: a node's name, and ids of what they work with.
fn marks(things: &[&Thing]) -> BTreeMap<String, String> {
    let mark = |thing: &&&Thing| {
        let mark = match thing.kind.as_str() {
            "ec2.subnet" | "route53.zone" => &thing.id,
            _ => thing.id.strip_prefix(CLAIM)?,
        };
        Some((mark.to_owned(), format!("<{}>", thing.address)))
    };
    things.iter().filter_map(|thing| mark(&thing)).collect()
}

/// Returns an address in words that do not depend on ids.
fn place(thing: &Thing, marks: &BTreeMap<String, String>) -> String {
    let mut place = thing.address.to_string();
    for (mark, name) in marks.iter().filter(|_| thing.made_for.is_some()) {
        place = place.replace(mark.as_str(), name);
    }
    place
}

fn renamed(json: &Json, names: &BTreeMap<String, String>) -> Json {
    match json {
        Json::String(text) => {
            if let Some(name) = names.get(text) {
                return Json::String(name.clone());
            }
            let mut text = text.clone();
            for (word, name) in words(&text.clone()).filter_map(|word| Some((word, names.get(word)?))) {
                text = text.replace(word, name);
            }
            Json::String(text)
        }
        Json::Array(items) => Json::Array(items.iter().map(|item| renamed(item, names)).collect()),
        Json::Object(map) => Json::Object(
            map.iter()
                .map(|(key, value)| {
                    let Json::String(key) = renamed(&Json::String(key.clone()), names) else {
                        unreachable!("a text")
                    };
                    (key, renamed(value, names))
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Whether this is the second interface of a node that is gone: it lies about until the region goes, which sweeps it.
fn is_left(world: &World, thing: &Thing) -> bool {
    let origin = thing.made_for.as_ref().filter(|_| thing.kind.as_str() == "ec2.network_interface");
    origin.is_some_and(|origin| world.get(&origin.owner).is_none())
}

/// Whether this is a node or came with one. Which pool a pod gets its node from depends on the pools that there were when
/// it asked, so a way there and back may end with nodes of another pool.
fn is_of_a_node(world: &World, thing: &Thing) -> bool {
    let Some(origin) = &thing.made_for else { return false };
    let kind = thing.inputs.at("kind").and_then(Tree::as_str);
    thing.kind.as_str() == "ec2.launch_template"
        || kind.is_some_and(|kind| ["NodeClaim", "VolumeAttachment"].contains(&kind))
        || world.get(&origin.owner).is_some_and(|owner| is_of_a_node(world, owner))
}

/// Returns what there is, by address, in words that do not depend on ids.
fn faces(world: &World) -> BTreeMap<String, Vec<Json>> {
    let stays = |thing: &&Thing| !is_left(world, thing) && !is_of_a_node(world, thing);
    let mut things: Vec<&Thing> = world.things().filter(stays).collect();
    things.sort_by(|one, other| (&one.address, &one.kind).cmp(&(&other.address, &other.kind)));
    let marks = marks(&things);
    let names = names(&things, &marks);
    let mut faces: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for thing in things {
        let tags: BTreeMap<_, _> = thing.tags.iter().filter(|(key, _)| *key != IDENTITY).collect();
        let homes: BTreeSet<String> =
            thing.lives_in.iter().filter_map(|uid| Some(place(world.get(uid)?, &marks))).collect();
        let mut inputs = paper::display(&thing.inputs);
        // Karpenter draws the subnet of a node. Those of a load balancer are in the addresses of its interfaces.
        if let (Some(_), Json::Object(fields)) = (&thing.made_for, &mut inputs) {
            fields.retain(|field, _| !["subnet_id", "availability_zone"].contains(&field.as_str()));
        }
        let face = json!({
            "kind": thing.kind,
            "place": thing.placement,
            "inputs": inputs,
            "outputs": thing.outputs.keys().collect::<Vec<_>>(),
            "tags": tags,
            "lives in": homes,
            "works": thing.is_active(),
        });
        let face = renamed(&face, &names);
        let same = faces.entry(place(thing, &marks)).or_default();
        // The role that all stacks share is given again to who asks again.
        if !same.contains(&face) {
            same.push(face);
        }
    }
    faces
}

/// Fails unless two worlds are the same but for ids.
pub(crate) fn assert_alike(what: &str, one: &World, other: &World) {
    let (one, other) = (faces(one), faces(other));
    let addresses: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for address in addresses {
        assert_eq!(one.get(address), other.get(address), "{what}: {address}");
    }
}
