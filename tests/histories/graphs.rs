//! Descriptions: what a history wants at one time, as numbers that shrink well, and as a graph of objects.
//!
//! A description has slots. A slot holds an object or none, and an object leans on some of those in earlier slots: on
//! which, says the shape; in which way, the object's own number. So every edit of a number gives another graph without
//! a circle, and nothing a history can do leads to a description that cannot be lowered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, LazyLock};

use skyplat::graph::ObjectGraph;
use skyplat::ids::AccountId;
use skyplat::object::{Class, FieldRules, ObjectNode, OnDelete, Placement};
use skyplat::value::{Address, Key, Map, Reference, Tree};

/// What every secret begins with: the ARNs of some kinds are taken for secrets. It must never be seen outside of memory.
pub(crate) const CANARY: &str = "arn:aws:vault";

/// How objects lean on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Not at all.
    Flat,
    /// Each on the one before it.
    Chain,
    /// Layers of two, each object on both of the layer before.
    Diamond,
    /// Layers of three, each object on two of the layer before.
    Layered,
    /// A hub, spokes that lean on it, and objects that lean on a spoke and the hub.
    Hub,
}

impl Shape {
    pub(crate) const ALL: [Self; 5] = [Self::Flat, Self::Chain, Self::Diamond, Self::Layered, Self::Hub];

    /// Returns the slots that a slot leans on.
    fn needs(self, at: usize) -> Vec<usize> {
        match self {
            Self::Flat => Vec::new(),
            Self::Chain => at.checked_sub(1).into_iter().collect(),
            Self::Diamond => match (at / 2).checked_sub(1) {
                None => Vec::new(),
                Some(layer) => vec![layer * 2, layer * 2 + 1],
            },
            Self::Layered => match (at / 3).checked_sub(1) {
                None => Vec::new(),
                Some(layer) => vec![layer * 3 + at % 3, layer * 3 + (at + 1) % 3],
            },
            Self::Hub => match at {
                0 => Vec::new(),
                1..=3 => vec![0],
                at => vec![1 + at % 3, 0],
            },
        }
    }
}

/// In which way an object leans on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It has the other's id, and is changed in place with it.
    Id,
    /// It has the other's id, and is replaced when that changes.
    Forced,
    /// It lives in the other.
    Parent,
    /// It has a value that a change of the other may give anew.
    Shade,
    /// The same, and is replaced when that changes.
    Tint,
    /// It has a value that the other repeats from its own inputs.
    Size,
    /// It has nothing of the other, but comes after it.
    After,
    /// It has the other's password, if there is one.
    Password,
    /// It is inside of the other, as an object is inside of a cluster.
    Inside,
}

const WAYS: [Way; 11] = [
    Way::Id,
    Way::Forced,
    Way::Shade,
    Way::Parent,
    Way::Size,
    Way::Tint,
    Way::After,
    Way::Password,
    Way::Id,
    Way::Inside,
    Way::Shade,
];

/// One slot of a description.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Whether there is an object.
    pub(crate) there: bool,
    /// A value that changes in place.
    pub(crate) size: u8,
    /// A value whose change replaces the object.
    pub(crate) stone: u8,
    /// A value that comes back as an output which a change may give anew.
    pub(crate) shade: u8,
    /// In which ways it leans on others.
    pub(crate) how: u8,
    /// Natural key, password, exclusive group, gate.
    pub(crate) traits: u8,
    /// How far its edges are moved to other slots.
    pub(crate) shift: u8,
    /// Which name it has: it begins with none.
    pub(crate) name: u8,
    /// Whether it may not be lost.
    pub(crate) protect: bool,
    /// Whether the real thing stays when it is no longer wanted.
    pub(crate) retain: bool,
}

impl fmt::Debug for Slot {
    /// Writes only what is not zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.there {
            f.write_str("empty ")?;
        }
        f.write_str("Slot")?;
        let Self { size, stone, shade, how, traits, shift, name, .. } = self;
        let numbers = [
            ("size", size),
            ("stone", stone),
            ("shade", shade),
            ("how", how),
            ("traits", traits),
            ("shift", shift),
            ("name", name),
        ];
        for (what, number) in numbers.into_iter().filter(|(_, number)| **number != 0) {
            write!(f, " {what}={number}")?;
        }
        f.write_str(if self.protect { " protect" } else { "" })?;
        f.write_str(if self.retain { " retain" } else { "" })
    }
}

impl Slot {
    /// Which natural key, if any: 2 is one that stays, 3 one that changes with a replace.
    fn key(&self) -> u8 {
        self.traits & 3
    }

    fn has_password(&self) -> bool {
        (self.traits >> 2) & 3 == 3
    }

    fn is_grouped(&self) -> bool {
        (self.traits >> 4) & 3 == 3
    }

    /// Whether there is a gate between the object and those that lean on it.
    fn is_gated(&self) -> bool {
        self.traits >> 6 == 3
    }
}

/// What is wanted at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) shape: Shape,
    pub(crate) slots: Vec<Slot>,
}

/// An output that others can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Id,
    Shade,
    Size,
    Password,
}

impl Output {
    fn field(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Shade => "shade",
            Self::Size => "size",
            Self::Password => "arn",
        }
    }
}

/// What a field is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field {
    Plain(u64),
    Of(usize, Output),
}

/// An object as it is wanted, spelled out. Fields have dotted paths.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) slot: usize,
    pub(crate) address: String,
    pub(crate) fields: BTreeMap<String, Field>,
    pub(crate) after: Vec<usize>,
    pub(crate) inside: Option<usize>,
    pub(crate) key: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) protect: bool,
    pub(crate) retain: bool,
}

impl Wanted {
    /// Returns the slots that it leans on.
    pub(crate) fn needs(&self) -> BTreeSet<usize> {
        let of = self.fields.values().filter_map(|field| match field {
            Field::Of(slot, _) => Some(*slot),
            Field::Plain(_) => None,
        });
        of.chain(self.after.iter().copied()).chain(self.inside).collect()
    }

    /// Returns the slots of whose values each replaces it when it changes, though the other may be changed in place.
    pub(crate) fn tints(&self) -> impl Iterator<Item = &usize> {
        self.fields.iter().filter_map(|(path, field)| match field {
            Field::Of(slot, _) if path.starts_with("tint") => Some(slot),
            _ => None,
        })
    }
}

/// Fields whose change replaces the object, and all below them.
pub(crate) const FORCING: [&str; 4] = ["stone", "forced", "tint", "parent"];

/// The field that names what an object lives in.
pub(crate) const PARENT: &str = "parent";

impl Description {
    /// Returns the address of a slot's object.
    pub(crate) fn address(&self, slot: usize) -> String {
        match self.slots[slot].name {
            0 => format!("h/n{slot:02}"),
            name => format!("h/n{slot:02}-{name}"),
        }
    }

    /// Spells out every object, what is needed first.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let there = |slot: &usize| self.slots[*slot].there;
        (0..self.slots.len()).filter(there).map(|slot| self.spell(slot)).collect()
    }

    fn spell(&self, at: usize) -> Wanted {
        let slot = &self.slots[at];
        let mut wanted = Wanted {
            slot: at,
            address: self.address(at),
            fields: BTreeMap::from([
                ("size".to_owned(), Field::Plain(slot.size.into())),
                ("stone".to_owned(), Field::Plain(slot.stone.into())),
                ("shade".to_owned(), Field::Plain(slot.shade.into())),
            ]),
            after: Vec::new(),
            inside: None,
            key: match slot.key() {
                2 => Some(format!("k{at}")),
                3 => Some(format!("k{at}-{}", slot.stone)),
                _ => None,
            },
            group: slot.is_grouped().then(|| format!("g{}", at % 2)),
            protect: slot.protect,
            retain: slot.retain && slot.key() < 2,
        };
        let mut used = BTreeSet::new();
        for (edge, need) in self.shape.needs(at).into_iter().enumerate() {
            let to = (need + usize::from(slot.shift)) % at;
            if !self.slots[to].there || !used.insert(to) {
                continue;
            }
            let way = WAYS[(usize::from(slot.how) + edge * 4) % WAYS.len()];
            let has = |output: Output| Field::Of(to, output);
            let (field, value) = match way {
                Way::After => {
                    wanted.after.push(to);
                    continue;
                }
                // The simulated cloud finds what something is inside of by its ARN, which must not be a secret then.
                Way::Inside if wanted.inside.is_none() && !self.slots[to].has_password() => {
                    wanted.inside = Some(to);
                    continue;
                }
                Way::Password if self.slots[to].has_password() => ("word", has(Output::Password)),
                Way::Id | Way::Password | Way::Inside => ("by", has(Output::Id)),
                Way::Forced => ("forced", has(Output::Id)),
                Way::Parent => (PARENT, has(Output::Id)),
                Way::Shade => ("hue", has(Output::Shade)),
                Way::Tint => ("tint", has(Output::Shade)),
                Way::Size => ("copy", has(Output::Size)),
            };
            wanted.fields.insert(format!("{field}.e{edge}"), value);
        }
        // What is inside of something goes with it, whatever is to be retained.
        wanted.retain &= wanted.inside.is_none();
        wanted
    }

    /// Makes the graph.
    pub(crate) fn graph(&self) -> ObjectGraph {
        self.graph_of(&self.wanted())
    }

    /// Makes the graph of objects that are spelled out.
    pub(crate) fn graph_of(&self, wanted: &[Wanted]) -> ObjectGraph {
        let slots = wanted.iter().map(|wanted| wanted.slot);
        let gates = slots.filter(|slot| self.slots[*slot].is_gated()).map(|slot| self.gate(slot));
        let nodes = wanted.iter().map(|wanted| self.node(wanted)).chain(gates).collect();
        ObjectGraph::new(Vec::new(), nodes, BTreeMap::new()).expect("edges lead to earlier slots")
    }

    fn node(&self, wanted: &Wanted) -> ObjectNode {
        let address = |slot: usize| Address::new(self.address(slot));
        let mut inputs = Map::new();
        for (path, field) in &wanted.fields {
            let value = match field {
                Field::Plain(number) => Tree::Number((*number).into()),
                Field::Of(slot, output) => {
                    Tree::Ref(Reference { object: address(*slot), field: output.field().into() })
                }
            };
            match path.split_once('.') {
                None => drop(inputs.insert(path.as_str().into(), value)),
                Some((group, edge)) => match inputs.get_or_insert_with(group.into(), Tree::map) {
                    Tree::Map(map) => drop(map.insert(Key::from(edge), value)),
                    _ => unreachable!("a group of fields is a map"),
                },
            }
        }
        if let Some(group) = &wanted.group {
            inputs.insert("group".into(), Tree::String(group.as_str().into()));
        }
        let gates = wanted.needs().into_iter().filter(|slot| self.slots[*slot].is_gated());
        let gates = gates.map(|slot| self.gate_address(slot));
        let secret = self.slots[wanted.slot].has_password();
        let service = if secret { "vault" } else { "test" };
        let kind = format!("{service}.{}", KINDS[wanted.slot % KINDS.len()]);
        ObjectNode {
            address: Address::new(wanted.address.clone()),
            kind: kind.as_str().into(),
            class: Class::Owned,
            resource: "h".into(),
            placement: placement(wanted.inside.map(address)),
            inputs: Tree::Map(inputs),
            natural_key: wanted.key.as_deref().map(|key| Tree::String(key.into())),
            exclusive: wanted.group.clone(),
            rules: Arc::clone(&RULES),
            echoes: Arc::clone(&ECHOES),
            secret_outputs: secret.then(|| "arn".to_owned()).into_iter().collect(),
            after: wanted.after.iter().map(|slot| address(*slot)).chain(gates).collect(),
            protect: wanted.protect,
            on_delete: if wanted.retain { OnDelete::Retain } else { OnDelete::Delete },
        }
    }

    /// Makes the gate of a slot: the model knows nothing of it, for it makes nothing.
    fn gate(&self, slot: usize) -> ObjectNode {
        let id = Tree::Ref(Reference { object: Address::new(self.address(slot)), field: "id".into() });
        ObjectNode {
            address: self.gate_address(slot),
            kind: "gate.test".into(),
            class: Class::Gate,
            resource: "h".into(),
            placement: placement(None),
            inputs: Tree::Map([("of".into(), id)].into_iter().collect()),
            natural_key: None,
            exclusive: None,
            rules: FieldRules::new().into(),
            echoes: BTreeMap::new().into(),
            secret_outputs: BTreeSet::new(),
            after: BTreeSet::new(),
            protect: false,
            on_delete: OnDelete::Delete,
        }
    }

    fn gate_address(&self, slot: usize) -> Address {
        Address::new(format!("{}/gate", self.address(slot)))
    }
}

fn placement(container: Option<Address>) -> Placement {
    Placement {
        account: AccountId::new(skyplat::mock::catalogue::ACCOUNT),
        region: Some("us-west-2".into()),
        container,
    }
}

/// Kinds by slot, from quick to slow.
const KINDS: [&str; 3] = ["quick", "thing", "slow"];

/// How long the kinds take: seconds to create, delete, update.
pub(crate) const LATENCIES: &str = r#"{
    "test.quick": [1, 1, 1], "test.thing": [10, 5, 3], "test.slow": [300, 120, 60],
    "vault.quick": [1, 1, 1], "vault.thing": [10, 5, 3], "vault.slow": [300, 120, 60],
    "gate.test": [20, 15, 20]
}"#;

/// All objects repeat the same.
static ECHOES: LazyLock<Arc<BTreeMap<String, String>>> =
    LazyLock::new(|| BTreeMap::from([("size".to_owned(), "size".to_owned())]).into());

/// All objects have the same.
static RULES: LazyLock<Arc<FieldRules>> = LazyLock::new(|| {
    let rules = FieldRules::new()
        .replace(["stone", "forced", "tint"])
        .parents(["parent.*"])
        .recomputes("shade", ["shade"])
        // More often than need be: what leans on the shade then finds that it has not changed.
        .recomputes("size", ["shade"]);
    Arc::new(rules)
});
