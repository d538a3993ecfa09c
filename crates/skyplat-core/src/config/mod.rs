//! Configuration: one YAML file becomes a typed [`PlatformConfig`], or a report of everything that is wrong with it.
//!
//! The first stage of the flow. It is pure: bytes in, configuration or report out. What only the cloud can tell (whether
//! a certificate is issued, whether a role exists) is asked later, as facts.

pub mod addresses;
mod model;
mod names;
pub mod regions;
pub mod versions;

pub use addresses::{AddressError, SubnetLayout, region_cidr, subnet_layout};
pub use model::*;
pub use names::fit_name;
