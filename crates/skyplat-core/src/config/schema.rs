//! The JSON Schema of the configuration, for editors and for programs that write one.
//!
//! It is derived from the model, whose documentation becomes the descriptions. What the derivation cannot know is added
//! here: the two YAML shapes, which keys go together, and the forms of texts.
//!
//! It says less than [`super::parse_config`]: not whether ranges overlap, say. And it is stricter in spelling: a key
//! without a value, which counts as absent, and a number or truth value in quotes do not pass.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value as Json, json};

use super::model::{PlatformConfig, RegionConfig};
use super::namespace::{PROVIDERS, STACK_FILE_KEYS};
use super::regions::known_regions;
use crate::ids::{Cidr, Region, ZoneName};

/// Lower-case letters, digits and dashes, as DNS labels have them.
pub(super) const LABEL: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

/// Returns the schema, in draft 2020-12.
///
/// ```
/// let schema = skyplat_core::config::schema::config_schema();
/// assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
/// ```
pub fn config_schema() -> Json {
    let derived = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<PlatformConfig>();
    let mut platform = derived.to_value();
    tidy(&mut platform);
    let mut definitions = take(&mut platform, "$defs");
    let dialect = take(&mut platform, "$schema");
    drop(take(&mut platform, "title"));
    one_shape(&mut platform);
    definitions["Platform"] = platform;
    definitions["StackFile"] = stack_file();
    json!({
        "$schema": dialect,
        "title": "skyplat platform",
        "description": "A SkyPilot platform on AWS: a hub with spokes, a list of regions, or one region; plain, or as the \
                        `config` of a Pulumi stack file.",
        "type": "object",
        "if": {"required": ["config"]},
        "then": {"$ref": "#/$defs/StackFile"},
        "else": {"$ref": "#/$defs/Platform"},
        "$defs": definitions,
    })
}

fn take(schema: &mut Json, key: &str) -> Json {
    schema.as_object_mut().and_then(|map| map.remove(key)).unwrap_or_default()
}

/// Makes of a derived schema what the reader takes: no other keys, no nulls; and of code documentation plain words.
fn tidy(schema: &mut Json) {
    match schema {
        Json::Array(items) => items.iter_mut().for_each(tidy),
        Json::Object(map) => {
            if let Some(Json::String(text)) = map.get_mut("description") {
                *text = plain_words(text);
            }
            if let Some(Json::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if map.get("default") == Some(&Json::Null) {
                map.remove("default");
            }
            // Names of Rust's types are of no use to anyone else.
            map.remove("format");
            let nullable = map.get("anyOf").and_then(Json::as_array).is_some_and(|choices| {
                choices.len() == 2 && choices[1] == json!({"type": "null"}) && choices[0].is_object()
            });
            if nullable && let Some(Json::Array(mut choices)) = map.remove("anyOf") {
                // What stands beside the choice, such as a description, says more than what is inside of it.
                if let Json::Object(inner) = choices.swap_remove(0) {
                    for (key, value) in inner {
                        map.entry(key).or_insert(value);
                    }
                }
            }
            map.values_mut().for_each(tidy);
            if map.contains_key("properties") {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        _ => {}
    }
}

/// Turns links between items of code into names of keys, and lines into one.
fn plain_words(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, linked)) = rest.split_once("[`") {
        let Some((link, after)) = linked.split_once("`]") else { break };
        let name = link.rsplit("::").next().unwrap_or(link).trim_end_matches("()");
        out.push_str(before);
        if link.starts_with("PlatformConfig::") {
            out.push_str("the platform's ");
        }
        out.push('`');
        out.push_str(name);
        out.push('`');
        rest = after;
    }
    out.push_str(rest);
    out.replace('\n', " ")
}

/// Brings the keys of all three shapes together, each with or without a prefix, and says which of them exclude another.
fn one_shape(platform: &mut Json) {
    let Some(map) = platform.as_object_mut() else { return };
    let shapes: Vec<Json> = match map.remove("anyOf") {
        Some(Json::Array(shapes)) => shapes,
        _ => Vec::new(),
    };
    let keys_of =
        |shape: &Json| -> Map<String, Json> { shape["properties"].as_object().cloned().unwrap_or_default() };
    let mut own: Map<String, Json> = Map::new();
    for shape in &shapes {
        for (key, value) in keys_of(shape) {
            own.entry(key).or_insert(value);
        }
    }
    let choices: Vec<Json> = shapes
        .iter()
        .map(|shape| {
            let keys = keys_of(shape);
            let required = shape["required"].as_array().cloned().unwrap_or_default();
            let mut rules: Vec<Json> = required.iter().filter_map(Json::as_str).map(has_or_borrows).collect();
            rules.extend(own.keys().filter(|key| !keys.contains_key(*key)).map(|key| lacks(key)));
            json!({"description": shape["description"], "allOf": rules})
        })
        .collect();
    let Some(properties) = map.get_mut("properties").and_then(Json::as_object_mut) else { return };
    properties.append(&mut own);
    // No key fits two patterns: some editors look no further than the first.
    let ours: Vec<&str> = properties.keys().map(String::as_str).collect();
    let foreign = format!("^({}):|:(?!({})$)[^:]*$", PROVIDERS.join("|"), ours.join("|"));
    let prefixed: Map<String, Json> = properties
        .keys()
        .map(|key| (prefixed(key), json!({"$ref": format!("#/$defs/Platform/properties/{key}")})))
        .chain([(foreign, json!(true))])
        .chain(STACK_FILE_KEYS.iter().map(|key| (format!("^{key}$"), json!(true))))
        .collect();
    map.insert("patternProperties".to_owned(), Json::Object(prefixed));
    map.insert("anyOf".to_owned(), Json::Array(choices));
}

/// Matches a key with the prefix of a project.
fn prefixed(key: &str) -> String {
    format!("^(?!({}):).*:{key}$", PROVIDERS.join("|"))
}

/// Matches a key with and without a prefix.
fn named(key: &str) -> Json {
    json!({"pattern": format!("^{key}$|{}", prefixed(key))})
}

fn has(key: &str) -> Json {
    json!({"not": {"propertyNames": {"not": named(key)}}})
}

fn lacks(key: &str) -> Json {
    json!({"propertyNames": {"not": named(key)}})
}

/// A starter of a stack file may take its region from the provider's.
fn has_or_borrows(key: &str) -> Json {
    if key == "region" {
        let borrows = json!({"required": ["aws:region"], "allOf": [has("node_pools")]});
        return json!({"anyOf": [has(key), borrows]});
    }
    has(key)
}

/// The file that Pulumi keeps for a stack.
fn stack_file() -> Json {
    let mut properties: Map<String, Json> =
        STACK_FILE_KEYS.iter().map(|key| ((*key).to_owned(), json!(true))).collect();
    properties.insert("config".to_owned(), json!({"$ref": "#/$defs/Platform"}));
    json!({
        "description": "A Pulumi stack file: the platform's keys stand below `config`, each with the prefix of the project.",
        "type": "object",
        "properties": properties,
        "required": ["config"],
        "additionalProperties": false,
    })
}

/// The elements of `regions`.
pub(super) fn region_entries(generator: &mut SchemaGenerator) -> Schema {
    let name = generator.subschema_for::<Region>();
    let settings = generator.subschema_for::<RegionConfig>();
    json_schema!({"type": "array", "items": {"anyOf": [name, settings]}, "minItems": 1})
}

/// A text that may be written without quotes even when it looks like a number or a truth value.
pub(super) fn loose_text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "number", "boolean"]})
}

/// Free keys with such texts.
pub(super) fn texts(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "additionalProperties": loose_text(generator)})
}

/// A version: `1.35` may be written without quotes.
pub(super) fn version(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "number"], "pattern": "^[0-9]+\\.[0-9]+(\\.[0-9]+)?$"})
}

pub(super) fn disk_size(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": "^[0-9]+(Gi|Ti|G|T)$", "examples": ["128Gi", "1Ti"]})
}

pub(super) fn memory_size(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": "^[0-9]+(Mi|Gi|Ti|Pi|M|G|T|P)$", "examples": ["512Gi"]})
}

pub(super) fn account_id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "integer"], "pattern": "^[0-9]{12}$", "minimum": 0, "maximum": 999_999_999_999_u64})
}

/// Gives a newtype of a text its schema.
macro_rules! text_schema {
    ($name:ident, $schema:expr) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

text_schema!(
    Region,
    json_schema!({
        "description": "An AWS region.",
        "type": "string",
        "enum": known_regions().collect::<Vec<_>>(),
    })
);
text_schema!(
    ZoneName,
    json_schema!({
        "description": "An availability zone, such as us-west-2a.",
        "type": "string",
        "pattern": "^[a-z]+(-[a-z]+)+-[0-9]+[a-z]$",
    })
);
text_schema!(
    Cidr,
    json_schema!({
        "description": "An IPv4 range, such as 10.1.0.0/16.",
        "type": "string",
        "pattern": "^((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])/(3[0-2]|[12]?[0-9])$",
    })
);
