//! A specimen of a kind of one's own, as an embedder writes it.

use serde::{Deserialize, Serialize};
use skyplat_core::ids::{AccountId, Region};
use skyplat_core::object::{FieldRules, Object, ObjectNode, Placement};
use skyplat_core::plan::LatencyTable;
use skyplat_core::value::{Address, Secret, Tree};
use skyplat_core::{outputs, tree};
use skyplat_mock::catalogue::ACCOUNT;
use skyplat_mock::conformance::Specimen;
use skyplat_mock::{MockCloud, MockOptions};

/// A thing with a name, a size and a password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Thing {
    pub(crate) name: String,
    pub(crate) size: u32,
    pub(crate) password: Secret,
}

outputs! {
    /// What is given back for it.
    pub struct ThingOutputs of Thing {
        /// Its name.
        NAME name: String = echo "name",
        /// Its id.
        ID id: String,
    }
}

impl Object for Thing {
    const KIND: &'static str = "demo.thing";
    type Outputs = ThingOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["name"])
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(tree!([(self.name)]))
    }
}

fn placement() -> Placement {
    Placement { account: AccountId::new(ACCOUNT), region: Some(Region::new("us-west-2")), container: None }
}

fn thing(name: &str) -> Thing {
    Thing { name: name.into(), size: 1, password: Secret::new("the password of the thing") }
}

/// A cloud in which such a thing takes its time.
pub(crate) fn slow_cloud() -> MockCloud {
    let latencies = LatencyTable::from_json(r#"{"default": [1, 1], "demo.thing": [30, 20, 10]}"#).unwrap();
    MockCloud::in_memory(MockOptions { latencies, ..MockOptions::default() })
}

pub(crate) fn specimen() -> Specimen {
    let beside =
        ObjectNode::new(Address::new("beside"), Address::new("beside"), placement(), &thing("beside"));
    let specimen = Specimen::of("thing", placement(), &thing("one")).unwrap();
    specimen.changed_field("size", tree!(2)).beside(beside.unwrap())
}
