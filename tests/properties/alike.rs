//! Worlds that are the same but for the ids that clouds draw: what was made anew has others, and so has all that names it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde_json::{Value as Json, json};
use skyplat::mock::World;
use skyplat::mock::world::Thing;
use skyplat::value::paper;

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

/// Gives every id the name of the thing that it came with, and a number in it.
fn names(things: &[&Thing]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for thing in things {
        let mut given = BTreeSet::new();
        texts(&paper::display(&thing.inputs), &mut |text| given.extend(words(text).map(str::to_owned)));
        let mut count = 0;
        let mut name = |text: &str| {
            for word in words(text).filter(|word| !given.contains(*word)) {
                if !names.contains_key(word) {
                    count += 1;
                    names.insert(word.to_owned(), format!("<{} {count}>", thing.address));
                }
            }
        };
        name(&thing.id);
        texts(&outputs(thing), &mut name);
        // A certificate is no word, and is taken over whole.
        for (output, tree) in &thing.outputs {
            if let Some(text) = tree.as_str().filter(|text| !given.contains(*text) && text.len() >= 8) {
                names.entry(text.to_owned()).or_insert_with(|| format!("<{} {output}>", thing.address));
            }
        }
    }
    names
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

/// Returns what there is, by address, in words that do not depend on ids.
fn faces(world: &World) -> BTreeMap<String, Vec<Json>> {
    let mut things: Vec<&Thing> = world.things().collect();
    things.sort_by(|one, other| (&one.address, &one.kind).cmp(&(&other.address, &other.kind)));
    let names = names(&things);
    let mut faces: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for thing in things {
        let tags: BTreeMap<_, _> = thing.tags.iter().filter(|(key, _)| *key != IDENTITY).collect();
        let homes: BTreeSet<&str> =
            thing.lives_in.iter().filter_map(|uid| Some(world.get(uid)?.address.as_str())).collect();
        let face = json!({
            "kind": thing.kind,
            "place": thing.placement,
            "inputs": paper::display(&thing.inputs),
            "outputs": thing.outputs.keys().collect::<Vec<_>>(),
            "tags": tags,
            "lives in": homes,
            "works": thing.is_active(),
        });
        let face = renamed(&face, &names);
        let same = faces.entry(thing.address.to_string()).or_default();
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
