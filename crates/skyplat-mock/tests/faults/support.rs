//! Calls of an executor without an engine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use skyplat_core::executor::{Created, Desired, ExecError, Op, OpHost, Recorded};
use skyplat_core::ids::{AccountId, Region};
use skyplat_core::object::{Class, OnDelete, Placement};
use skyplat_core::state::Uid;
use skyplat_core::tree;
use skyplat_core::value::{Address, Tree};
use skyplat_mock::catalogue::ACCOUNT;
use skyplat_mock::{MockCloud, MockOptions};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A host that permits all and keeps the ids.
#[derive(Debug, Default)]
pub(crate) struct Host {
    pub(crate) ids: Mutex<Vec<String>>,
}

#[async_trait]
impl OpHost for Host {
    async fn permit(&self, _: &str, _: &Placement) {}

    async fn identified(&self, id: &str) -> Result<(), ExecError> {
        self.ids.lock().unwrap().push(id.to_owned());
        Ok(())
    }

    fn progress(&self, _: &str) {}
}

pub(crate) fn placement() -> Placement {
    Placement { account: AccountId::new(ACCOUNT), region: Some(Region::new("us-west-2")), container: None }
}

pub(crate) fn op_with(host: Arc<Host>) -> Op {
    Op {
        attempt: 1,
        deadline: Instant::now() + Duration::from_hours(1),
        cancel: CancellationToken::new(),
        client_token: "token".into(),
        tags: BTreeMap::new(),
        placement: placement(),
        container: None,
        host,
    }
}

pub(crate) fn op() -> Op {
    op_with(Arc::default())
}

/// A thing of a kind that the cloud has no rules for.
pub(crate) fn thing(name: &str, size: u32) -> Desired {
    Desired {
        address: Address::new(name),
        kind: "demo.thing".into(),
        class: Class::Owned,
        uid: Uid::new("1", &Address::new(name), 0),
        placement: placement(),
        inputs: tree!({ "name": name, "size": size }),
        natural_key: Some(tree!([name])),
    }
}

pub(crate) fn recorded(desired: &Desired, created: &Created) -> Recorded {
    Recorded {
        address: desired.address.clone(),
        kind: desired.kind.clone(),
        class: desired.class,
        uid: desired.uid.clone(),
        placement: desired.placement.clone(),
        id: Some(created.id.clone()),
        inputs: desired.inputs.clone(),
        natural_key: desired.natural_key.clone(),
        outputs: created.outputs.clone(),
        on_delete: OnDelete::Delete,
    }
}

pub(crate) fn cloud() -> MockCloud {
    MockCloud::in_memory(MockOptions::default())
}

/// Returns the size a thing really has, if it is there.
pub(crate) fn real_size(cloud: &MockCloud, uid: &Uid) -> Option<Tree> {
    cloud
        .world()
        .get(uid)
        .filter(|thing| thing.is_alive())
        .and_then(|thing| thing.inputs.get("size").cloned())
}

/// Runs a future on virtual time.
pub(crate) fn simulate<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}
