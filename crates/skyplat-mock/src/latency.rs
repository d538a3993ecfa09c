//! How long operations take. (superseded)
use skyplat_core::object::ObjectKind;
use std::time::Duration;
pub(crate) struct Latency {
    pub(crate) create: Duration,
    pub(crate) delete: Duration,
    pub(crate) update: Duration,
}
pub(crate) fn of(_kind: &ObjectKind, _name: Option<&str>) -> Latency {
    let s = Duration::from_secs(1);
    Latency { create: s, delete: s, update: s }
}
