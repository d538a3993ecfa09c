//! The JSON Schema beside the reader: what one takes the other takes, key by key.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Value as Json, json};

use super::broken::{EDITS, FILES};
use super::shapes::{FULL, MESH, STARTER, plain_seed};
use super::{MARK, QUIET, SEED, edited, parse, report};
use crate::config::schema::config_schema;
use crate::config::{Code, Severity, Target};

/// Errors about keys, types and words: what a schema is there to find.
const STRUCTURAL: &[Code] = &[
    Code::UnknownKey,
    Code::WrongType,
    Code::UnknownValue,
    Code::MissingKey,
    Code::MixedShapes,
    Code::UnknownRegion,
    Code::BadCidr,
];

/// What no schema can say: that keys have different prefixes, or that a range begins in its middle.
const BEYOND: &[&str] = &["sp:spokes: []", "b:node_pools: []", "cidr: 10.9.1.0/16"];

fn schema() -> &'static (Json, Validator) {
    static SCHEMA: OnceLock<(Json, Validator)> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let schema = config_schema();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        (schema, validator)
    })
}

fn as_json(yaml: &str) -> Json {
    serde_yaml::from_str(yaml).unwrap_or_else(|error| panic!("{error} in\n{yaml}"))
}

fn faults(document: &Json) -> Vec<String> {
    schema().1.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Returns the codes of the errors that the reader finds.
fn errors(yaml: &str) -> Vec<Code> {
    let report = report(yaml, Target::Simulated);
    report.diagnostics.iter().filter(|d| d.severity == Severity::Error).map(|d| d.code).collect()
}

#[test]
fn the_schema_is_one_of_its_draft_and_in_plain_words() {
    let schema = &schema().0;
    assert!(jsonschema::draft202012::meta::is_valid(schema));
    let text = schema.to_string();
    for word in ["[`", "::", "\"null\"", "uint64", "Serialize"] {
        assert!(!text.contains(word), "{word}");
    }
    let pool = &schema["$defs"]["NodePool"]["properties"];
    assert_eq!(pool["ebs_size"]["default"], "128Gi");
    assert!(pool["vcpu_limit"]["description"].as_str().unwrap().contains("vCPUs"));
    let every = |map: &Json| map.as_object().unwrap().values().all(|entry| entry["description"].is_string());
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        assert!(definition["description"].is_string(), "{name} has no description");
        if name != "StackFile" {
            assert!(definition.get("properties").is_none_or(every), "a key of {name} has no description");
        }
    }
}

/// Returns the configuration that a source file of an example holds.
fn inside(source: &str) -> &str {
    let (_, rest) = source.split_once("b\"\n").unwrap();
    rest.split_once("\";").unwrap().0
}

#[test]
fn every_configuration_of_the_repository_passes() {
    let plain = plain_seed();
    let renamed = SEED.replace("sp:", "my-platform:");
    let borrowed = "config:\n  aws:region: eu-north-1\n  sp:node_pools: []\nencryptionsalt: v1:x\n";
    let configs = [
        SEED,
        &plain,
        &renamed,
        borrowed,
        QUIET,
        MESH,
        STARTER,
        FULL,
        include_str!("../../../../../tests/parity/hub_only.yaml"),
        inside(include_str!("../../../../../examples/starter.rs")),
        inside(include_str!("../../../../../examples/multi_region.rs")),
    ];
    for yaml in configs {
        assert!(parse(yaml).is_ok(), "{yaml}");
        assert_eq!(faults(&as_json(yaml)), [""; 0], "{yaml}");
    }
}

#[test]
fn what_the_reader_refuses_for_its_structure_does_not_pass() {
    let edits = EDITS.iter().map(|(from, to, codes)| (edited(from, to), *codes));
    let files = FILES.iter().map(|(text, codes)| ((*text).to_owned(), *codes));
    let (mut told, mut tried) = (Vec::new(), 0);
    for (text, codes) in edits.chain(files) {
        let text = text.replace(MARK, "");
        // What is no YAML has no structure; some that is, other readers refuse.
        let Ok(document) = serde_yaml::from_str::<Json>(&text) else { continue };
        let beyond = BEYOND.iter().any(|passage| text.contains(passage));
        if codes.iter().any(|code| STRUCTURAL.contains(code)) {
            tried += 1;
            if schema().1.is_valid(&document) != beyond {
                told.push(format!("{codes:?} {} pass:\n{text}", if beyond { "does not" } else { "does" }));
            }
        }
    }
    assert!(told.is_empty(), "{} of {tried}\n{}", told.len(), told.join("\n"));
    assert!(tried > 60, "{tried}");
}

#[test]
fn a_key_fits_one_pattern_alone() {
    let patterns = schema().0["$defs"]["Platform"]["patternProperties"].as_object().unwrap();
    let fitting = |key: &str| -> Vec<&String> {
        let fits = |pattern: &&String| {
            let rule = json!({"propertyNames": {"pattern": pattern}});
            jsonschema::draft202012::is_valid(&rule, &json!({ key: null }))
        };
        patterns.keys().filter(fits).collect()
    };
    for key in
        ["sp:hub", "my:own:hub", "sp:region", "aws:region", "eks:hub", "sp:other", ":x", "encryptionsalt"]
    {
        assert_eq!(fitting(key).len(), 1, "{key}: {:?}", fitting(key));
    }
    assert_eq!(fitting("hubb"), [""; 0]);
}

/// A mapping of a configuration: where it stands, and how it is called in the schema.
const MAPPINGS: &[(&str, &str)] = &[
    ("/hub", "Hub"),
    ("/hub/node_pools/0", "NodePool"),
    ("/hub/node_pools/0/taints/0", "Taint"),
    ("/hub/skypilot", "HubSkyPilot"),
    ("/hub/skypilot/data_planes/0", "DataPlane"),
    ("/hub/tailscale", "Tailscale"),
    ("/spokes/0", "Spoke"),
    ("/spokes/0/skypilot", "SpokeSkyPilot"),
    ("/component_versions", "ComponentVersions"),
    ("/addons", "Addons"),
    ("/iam", "IamSettings"),
    ("/regions/1", "RegionConfig"),
];

/// The configuration that has the mapping.
fn home_of(place: &str) -> Json {
    as_json(if place.starts_with("/regions") { MESH } else { FULL })
}

fn keys(definition: &str) -> BTreeSet<String> {
    let properties = &schema().0["$defs"][definition]["properties"];
    properties.as_object().unwrap_or_else(|| panic!("{definition}")).keys().cloned().collect()
}

/// Returns the keys that the reader names when it is given one that it does not know.
fn keys_known_to_the_reader(document: &Json, place: &str) -> BTreeSet<String> {
    let mut document = document.clone();
    let mapping = document.pointer_mut(place).and_then(Json::as_object_mut).unwrap();
    mapping.insert("zzzzzzzzzzzz".into(), json!(1));
    let yaml = serde_yaml::to_string(&document).unwrap();
    let report = report(&yaml, Target::Simulated);
    let hint = report
        .diagnostics
        .iter()
        .find(|d| d.code == Code::UnknownKey && d.message.contains("zzzzzzzzzzzz"))
        .and_then(|d| d.hint.clone())
        .unwrap_or_else(|| panic!("{yaml}\n{report}"));
    // One key alone is named otherwise than several.
    let named = hint.strip_prefix("the keys here are ").unwrap_or_else(|| panic!("{hint}"));
    named.replace(" and ", ", ").split(", ").map(|key| key.trim_matches('`').to_owned()).collect()
}

#[test]
fn schema_and_reader_know_the_same_keys() {
    for (place, definition) in MAPPINGS {
        assert_eq!(keys(definition), keys_known_to_the_reader(&home_of(place), place), "{place}");
    }
    let mut root = BTreeSet::new();
    for yaml in [FULL, MESH, STARTER] {
        root.extend(keys_known_to_the_reader(&as_json(yaml), ""));
    }
    assert_eq!(keys("Platform"), root);
    let closed = |definition: &&String| schema().0["$defs"][definition.as_str()]["properties"].is_object();
    let all: BTreeSet<&str> =
        schema().0["$defs"].as_object().unwrap().keys().filter(closed).map(String::as_str).collect();
    let looked_at: BTreeSet<&str> =
        MAPPINGS.iter().map(|(_, name)| *name).chain(["Platform", "StackFile"]).collect();
    assert_eq!(all, looked_at, "a mapping of the schema is not looked at here");
}

#[test]
fn schema_and_reader_take_the_same_kinds_of_values() {
    let values = [
        json!("x"),
        json!(5),
        json!(-5),
        json!(5.5),
        json!(true),
        json!(["x"]),
        json!([5]),
        json!([]),
        json!({"x": "y"}),
        json!({}),
    ];
    let mut told = Vec::new();
    let mut compare = |document: &Json, place: &str| {
        let yaml = serde_yaml::to_string(document).unwrap();
        let codes = errors(&yaml);
        let faults = faults(document);
        if codes.iter().any(|code| STRUCTURAL.contains(code)) && faults.is_empty() {
            told.push(format!("{place}: passes, but the reader says {codes:?}\n{yaml}"));
        }
        if codes.is_empty() && !faults.is_empty() {
            told.push(format!("{place}: does not pass, but can be read: {faults:?}\n{yaml}"));
        }
    };
    let roots = [("", "Platform", FULL), ("", "Platform", MESH), ("", "Platform", STARTER)]
        .map(|(place, definition, yaml)| (place, definition, as_json(yaml)));
    let inner = MAPPINGS.iter().map(|(place, definition)| (*place, *definition, home_of(place)));
    for (place, definition, document) in roots.into_iter().chain(inner) {
        for key in keys(definition) {
            let mut without = document.clone();
            without.pointer_mut(place).and_then(Json::as_object_mut).unwrap().remove(&key);
            compare(&without, &format!("{place}/{key} left out"));
            for value in &values {
                let mut changed = document.clone();
                let mapping = changed.pointer_mut(place).and_then(Json::as_object_mut).unwrap();
                mapping.insert(key.clone(), value.clone());
                compare(&changed, &format!("{place}/{key} = {value}"));
            }
        }
    }
    assert!(told.is_empty(), "{}\n{}", told.len(), told.join("\n"));
}
