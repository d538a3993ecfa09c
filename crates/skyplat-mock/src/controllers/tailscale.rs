//! The Tailscale operator: a device in the tailnet for every Connector.
//!
//! A Connector has the finalizer `tailscale.com/finalizer`: it goes when the operator has taken the device away, and never
//! when the operator cannot run any more (<https://github.com/tailscale/tailscale/issues/15662>). Of a Connector that goes
//! with its definition, because the operator's release went first, the device stays.

use skyplat_core::object::Placement;
use skyplat_core::tree;

use super::{Cluster, Scene, child, children_of, gone, made};
use crate::world::{Effect, Thing, World};

const CHART: &str = "tailscale-operator";
const DEVICE: &str = "tailscale.device";

/// Does what the operator does in a cluster.
pub(super) fn step(scene: Scene<'_>, cluster: Cluster<'_>) -> Vec<Effect> {
    if cluster.running(CHART).is_none() {
        return Vec::new();
    }
    let follow = |connector| match (device(scene.world, connector), connector.is_alive()) {
        (None, true) => Some(made(scene, register(connector), 0.0)),
        (Some(device), false) => Some(gone(device)),
        _ => None,
    };
    cluster.objects("Connector").filter_map(follow).collect()
}

/// Tells why a Connector does not go at once.
pub(super) fn held(world: &World, connector: &Thing) -> Option<String> {
    device(world, connector).map(|device| format!("{} still has the device {}", connector.id, device.id))
}

fn device<'w>(world: &'w World, connector: &'w Thing) -> Option<&'w Thing> {
    children_of(world, &connector.uid, DEVICE).next()
}

/// Makes the device of a Connector; a tailnet has no regions.
fn register(connector: &Thing) -> Thing {
    let hostname =
        connector.text("spec.hostname").or_else(|| connector.text("metadata.name")).unwrap_or_default();
    let thing = child(connector, DEVICE, hostname);
    let inputs = tree!({ "hostname": hostname });
    Thing { placement: Placement { region: None, ..thing.placement.clone() }, inputs, ..thing }
}
