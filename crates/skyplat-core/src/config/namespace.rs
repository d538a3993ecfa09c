//! Which keys of a file are the platform's, in both YAML shapes.
//!
//! In a Pulumi stack file the platform stands under `config:`, with a project's prefix before each key, beside keys of
//! other programs; in the plain shape at the top, with or without a prefix. What the keys hold is read in
//! [`super::read`].

use super::code::Code;
use super::decode::Decoder;
use super::parse::{Content, Entry, Node};
use super::report::{Diagnostic, Severity, Span, quoted};
use super::suggest::{closest, is_nearly};

/// Keys of every shape, at the top level.
pub(super) const COMMON_KEYS: &[&str] = &[
    "name",
    "topology",
    "availability_zones",
    "nat",
    "endpoint",
    "public_access_cidrs",
    "cluster_admins",
    "component_versions",
    "addons",
    "tags",
    "iam",
    "account_id",
    "protect",
];
/// Keys that make a namespace the platform's.
pub(super) const SHAPE_KEYS: &[&str] = &["hub", "spokes", "regions", "region", "node_pools", "cidr"];
/// Namespaces of Pulumi's providers.
pub(super) const PROVIDERS: &[&str] =
    &["aws", "aws-native", "awsx", "eks", "kubernetes", "pulumi", "random", "tls", "docker"];
/// Keys of a Pulumi stack file beside `config`.
pub(super) const STACK_FILE_KEYS: &[&str] =
    &["encryptionsalt", "secretsprovider", "encryptedkey", "environment", "metadata", "imports"];

/// What makes a platform.
pub(super) const SHAPES_HINT: &str =
    "add `hub` (with `spokes`), or `regions` and `node_pools`, or `region` and `node_pools`";

/// What stands in a file, by namespace.
pub(super) struct Namespaces<'n> {
    /// The platform's prefix and its entries without it.
    pub(super) ours: (String, Vec<(&'n str, &'n Entry)>),
    /// `aws:region` of a stack file, the region of a starter that gives none.
    pub(super) aws_region: Option<&'n Entry>,
}

/// Finds the namespace that holds the platform; notes what belongs to other programs.
pub(super) fn split_namespaces<'n>(decoder: &mut Decoder, root: &'n Node) -> Option<Namespaces<'n>> {
    let Content::Map(top) = &root.content else {
        let hint =
            "begin with `hub:`, `regions:` or `region:`, or with `config:` as a Pulumi stack file does";
        decoder.wrong_type(root, "", "a mapping", hint);
        return None;
    };
    let mut entries: Vec<&Entry> = Vec::new();
    match top.iter().find(|entry| entry.key == "config") {
        Some(config) => {
            for entry in top.iter().filter(|entry| entry.key != "config") {
                refuse_beside_config(decoder, entry);
            }
            match &config.value.content {
                Content::Map(inner) => entries.extend(inner),
                _ if config.value.is_null() => {
                    let message = "`config` has no value";
                    decoder.refuse("", no_platform(config.key_span, message));
                    return None;
                }
                _ => {
                    decoder.wrong_type(
                        &config.value,
                        "config",
                        "a mapping",
                        "write the platform's keys below it, indented",
                    );
                    return None;
                }
            }
        }
        None => entries.extend(top.iter().filter(|entry| !is_stack_key(decoder, entry))),
    }
    let mut spaces: Vec<(&str, Vec<(&str, &Entry)>)> = Vec::new();
    for entry in entries {
        let (space, name) = entry.key.rsplit_once(':').unwrap_or(("", &entry.key));
        match spaces.iter_mut().find(|(known, _)| *known == space) {
            Some((_, names)) => names.push((name, entry)),
            None => spaces.push((space, vec![(name, entry)])),
        }
    }
    let platform = |(space, names): &(&str, Vec<(&str, &Entry)>), misspelled: bool| {
        names.iter().any(|(name, _)| {
            let meant = if misspelled { closest(name, SHAPE_KEYS) } else { Some(*name) };
            // A provider has a region too; every other key makes a platform, whatever its project is called.
            meant.is_some_and(|meant| {
                SHAPE_KEYS.contains(&meant) && (meant != "region" || !PROVIDERS.contains(space))
            })
        })
    };
    let aws_region = spaces
        .iter()
        .find(|(space, _)| *space == "aws")
        .and_then(|(_, names)| names.iter().find(|(name, _)| *name == "region"))
        .map(|(_, entry)| *entry);
    let ours = spaces
        .iter()
        .position(|space| platform(space, false))
        .or_else(|| spaces.iter().position(|space| platform(space, true)))
        .or_else(|| spaces.iter().position(|(space, _)| !PROVIDERS.contains(space)));
    let Some(ours) = ours else {
        decoder.refuse("", no_platform(root.span, "the file describes no platform"));
        return None;
    };
    let (prefix, names) = spaces.remove(ours);
    let starter = !names.iter().any(|(name, _)| ["hub", "spokes", "regions", "region"].contains(name));
    let aws_region = aws_region.filter(|_| starter);
    for space in &spaces {
        if platform(space, false) {
            refuse_other_prefix(decoder, (prefix, &names), space.0, &space.1);
            continue;
        }
        let used = |entry: &Entry| aws_region.is_some_and(|region| std::ptr::eq(region, entry));
        let others: Vec<(&str, &Entry)> = space.1.iter().filter(|(_, entry)| !used(entry)).copied().collect();
        // Whoever writes `Plat:addons` beside `plat:regions` means one platform.
        let is_near = prefix.is_empty() || space.0.is_empty() || is_nearly(space.0, prefix);
        let is_ours = |name: &str| is_near && !PROVIDERS.contains(&space.0) && COMMON_KEYS.contains(&name);
        let (ours, foreign): (Vec<_>, Vec<_>) = others.into_iter().partition(|(name, _)| is_ours(name));
        refuse_other_prefix(decoder, (prefix, &names), space.0, &ours);
        for (_, entry) in foreign {
            note_foreign(decoder, entry);
        }
    }
    Some(Namespaces { ours: (prefix.into(), names), aws_region })
}

fn no_platform(span: Span, message: &str) -> Diagnostic {
    Diagnostic::at(Code::MissingKey, Severity::Error, span, message).with_hint(SHAPES_HINT)
}

fn note_foreign(decoder: &mut Decoder, entry: &Entry) {
    let message = format!("{} belongs to another program and is not read", quoted(&entry.key));
    decoder.diagnostics.push(Diagnostic::at(Code::ForeignKey, Severity::Note, entry.key_span, message));
}

/// Notes a key of Pulumi's own; returns whether it is one.
fn is_stack_key(decoder: &mut Decoder, entry: &Entry) -> bool {
    let foreign = STACK_FILE_KEYS.contains(&entry.key.as_str());
    if foreign {
        note_foreign(decoder, entry);
    }
    foreign
}

/// A stack file holds the platform under `config` alone.
fn refuse_beside_config(decoder: &mut Decoder, entry: &Entry) {
    if is_stack_key(decoder, entry) {
        return;
    }
    let key = entry.key.rsplit(':').next().unwrap_or_default();
    let ours = SHAPE_KEYS.contains(&key) || COMMON_KEYS.contains(&key);
    let hint = if ours { "move it below `config`" } else { "remove it; the platform stands below `config`" };
    let message = format!("unknown key {} beside `config`", quoted(&entry.key));
    decoder
        .diagnostics
        .push(Diagnostic::at(Code::UnknownKey, Severity::Error, entry.key_span, message).with_hint(hint));
}

/// Two prefixes, or one key with and one without.
fn refuse_other_prefix(
    decoder: &mut Decoder,
    (prefix, first): (&str, &[(&str, &Entry)]),
    other: &str,
    names: &[(&str, &Entry)],
) {
    let place = first.first().map(|(_, entry)| entry.key_span);
    for (name, entry) in names {
        let with = |prefix: &str| {
            if prefix.is_empty() { "no prefix".into() } else { format!("the prefix `{prefix}:`") }
        };
        let message = format!("{} has {}, other keys have {}", quoted(&entry.key), with(other), with(prefix));
        let wanted = if prefix.is_empty() { (*name).into() } else { format!("{prefix}:{name}") };
        let mut diagnostic = Diagnostic::at(Code::MixedShapes, Severity::Error, entry.key_span, message)
            .with_hint(format!("one file holds one platform: write `{wanted}`"));
        if let Some(place) = place {
            diagnostic = diagnostic.with_related(place, "the platform's first key");
        }
        decoder.diagnostics.push(diagnostic);
    }
}

/// Reports keys that make a platform of another shape, and leaves them out.
pub(super) fn refuse_other_shapes<'n>(
    decoder: &mut Decoder,
    entries: Vec<(&'n str, &'n Entry)>,
    shape: &[&str],
) -> Vec<(&'n str, &'n Entry)> {
    let place =
        entries.iter().find(|(name, _)| shape.contains(name)).map(|(name, entry)| (*name, entry.key_span));
    let (kept, other): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .partition(|(name, _)| shape.contains(name) || !SHAPE_KEYS.contains(name) || place.is_none());
    for (name, entry) in other {
        let Some((first, span)) = place else { continue };
        let hint = match (shape.first(), name) {
            (Some(&"hub"), "region" | "node_pools" | "cidr") => {
                format!("move `{name}` into `hub` or a spoke, or remove it")
            }
            (Some(&"regions"), "cidr") => {
                "give each element of `regions` its own: `{region: …, cidr: …}`".into()
            }
            _ => format!("keep `{first}` or `{name}`: a hub with spokes, a list of regions, or one region"),
        };
        let message = format!("`{name}` does not go with `{first}`");
        decoder.diagnostics.push(
            Diagnostic::at(Code::MixedShapes, Severity::Error, entry.key_span, message)
                .with_hint(hint)
                .with_related(span, "makes this another kind of platform"),
        );
    }
    kept
}
