//! How the fields of things stand in a world file: JSON, with secrets masked.
//!
//! The world is the cloud, so it keeps secrets as a cloud does. They are simulated and protect nothing; they are masked
//! all the same, so that "no secret in the clear in any file of a stack" stays a thing that one can search for. Only
//! ground trees come here: what is sent to an API has no references left.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::{Map as JsonMap, Value as Json, json};
use sha2::{Digest, Sha256};

use skyplat_core::value::{Key, Map, Secret, Tree, paper};

const MASKED: &str = "$masked";

fn write(tree: &Tree) -> Result<Json, String> {
    Ok(match tree {
        Tree::Secret(secret) => json!({ MASKED: hex::encode(mask(secret.expose().as_bytes())) }),
        Tree::List(items) => items.iter().map(write).collect::<Result<_, _>>()?,
        Tree::Map(map) => Json::Object(
            map.iter()
                .map(|(key, value)| match key {
                    Key::Literal(key) => Ok((escape(key), write(value)?)),
                    Key::Text(_) => Err("a key has a reference inside".to_owned()),
                })
                .collect::<Result<_, _>>()?,
        ),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::String(_) => paper::show(tree),
        other => return Err(format!("{other:?} is not known yet")),
    })
}

fn read(json: &Json) -> Result<Tree, String> {
    Ok(match json {
        Json::Object(map) => match masked(map) {
            Some(text) => Tree::Secret(Secret::new(unmask(text)?)),
            None => Tree::Map(
                map.iter()
                    .map(|(key, value)| Ok((unescape(key).into(), read(value)?)))
                    .collect::<Result<Map, String>>()?,
            ),
        },
        Json::Array(items) => Tree::List(items.iter().map(read).collect::<Result<_, _>>()?),
        Json::Null => Tree::Null,
        Json::Bool(v) => Tree::Bool(*v),
        Json::Number(v) => Tree::Number(v.clone()),
        Json::String(v) => Tree::String(v.into()),
    })
}

fn escape(key: &str) -> String {
    if key.starts_with('$') { format!("${key}") } else { key.to_owned() }
}

fn unescape(key: &str) -> String {
    if key.starts_with("$$") { key[1..].to_owned() } else { key.to_owned() }
}

fn masked(map: &JsonMap<String, Json>) -> Option<&str> {
    map.get(MASKED).filter(|_| map.len() == 1).and_then(Json::as_str)
}

/// Exclusive-or with a fixed stream; the same again gives the text back.
fn mask(bytes: &[u8]) -> Vec<u8> {
    bytes
        .chunks(32)
        .enumerate()
        .flat_map(|(block, chunk)| {
            let stream = Sha256::digest(format!("skyplat world file, block {block}"));
            chunk.iter().zip(stream).map(|(byte, stream)| byte ^ stream).collect::<Vec<u8>>()
        })
        .collect()
}

fn unmask(text: &str) -> Result<String, String> {
    let bytes = hex::decode(text).map_err(|error| format!("a masked secret: {error}"))?;
    String::from_utf8(mask(&bytes)).map_err(|error| format!("a masked secret: {error}"))
}

pub(crate) fn serialize<S: Serializer>(tree: &Tree, serializer: S) -> Result<S::Ok, S::Error> {
    write(tree).map_err(S::Error::custom)?.serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
    read(&Json::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// The same for a tree that may be missing.
pub(crate) mod optional {
    use super::{Deserialize, Deserializer, Json, Serializer, Tree};

    pub(crate) fn serialize<S: Serializer>(tree: &Option<Tree>, serializer: S) -> Result<S::Ok, S::Error> {
        match tree {
            Some(tree) => super::serialize(tree, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tree>, D::Error> {
        use serde::de::Error as _;
        Option::<Json>::deserialize(deserializer)?
            .map(|json| super::read(&json).map_err(D::Error::custom))
            .transpose()
    }
}

/// The same for trees by name.
pub(crate) mod named {
    use std::collections::BTreeMap;

    use super::{Deserialize, Deserializer, Json, Serialize, Serializer, Tree};

    pub(crate) fn serialize<S: Serializer>(
        trees: &BTreeMap<String, Tree>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        use serde::ser::Error as _;
        trees
            .iter()
            .map(|(name, tree)| Ok((name, super::write(tree)?)))
            .collect::<Result<BTreeMap<_, _>, String>>()
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Tree>, D::Error> {
        use serde::de::Error as _;
        BTreeMap::<String, Json>::deserialize(deserializer)?
            .into_iter()
            .map(|(name, json)| Ok((name, super::read(&json)?)))
            .collect::<Result<_, String>>()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use skyplat_core::tree;

    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_hides_secrets() {
        let tree = tree!({
            "$masked": "an ordinary key",
            "data": { "$ref": 1, "token": (Tree::Secret(Secret::new("a token longer than one block of the mask"))) },
            "list": [true, null, "x"],
        });
        let json = write(&tree).unwrap();
        assert!(!json.to_string().contains("a token longer"));
        assert_eq!(read(&json).unwrap(), tree);
    }
}
