//! Configuration: one YAML file becomes a typed [`PlatformConfig`], or a report of everything that is wrong with it.
//!
//! ```text
//! bytes ─ parse ─▶ tree of nodes ─ decode, read ─▶ PlatformConfig ─ check ─▶ Parsed | Report
//! ```
//!
//! The first stage of the flow. It is pure: bytes in, configuration or report out. What only the cloud can tell (whether
//! a certificate is issued, whether a role exists) is asked later, as facts.
//!
//! What was decided where the format leaves room:
//! * A `hub` needs `skypilot`, with a host and a certificate: regions without SkyPilot are a `regions` list or a starter.
//! * `nat`, `endpoint`, `public_access_cidrs`, `cluster_admins` and `availability_zones` stand at the top level for all
//!   regions, and in a region to override that as a whole; lists are not merged.
//! * `availability_zones` is a number, or in a region a list of names.
//! * A misspelled key is an error and is read as the key that was meant, so that its value is checked in the same run.
//! * Texts that name something must be texts; versions, sizes, ids, labels and tags may be unquoted numbers, and keep
//!   their spelling (`1.30` stays 1.30).
//! * What still has to be filled in is a warning for the simulated cloud and an error for a real one.

pub mod addresses;
mod check;
mod clusters;
mod code;
mod decode;
mod instances;
mod location;
mod model;
mod names;
mod namespace;
mod parse;
mod read;
pub mod regions;
mod report;
pub mod schema;
mod suggest;
mod syntax;
pub mod versions;
mod words;

use serde::{Deserialize, Serialize};

pub use addresses::{AddressError, SubnetLayout, region_cidr, subnet_layout};
pub use clusters::{ClusterConfig, ClusterRole};
pub use code::Code;
pub use instances::{InstanceKind, instance_architecture};
pub use model::{
    API_NODE_ROLE, API_POOL, Addons, ComponentVersions, DEFAULT_PROJECT, DataPlane, Hub, HubSkyPilot,
    IamSettings, NodePool, PlatformConfig, RegionConfig, SYSTEM_POOL, Shape, Spoke, SpokeSkyPilot, Tailscale,
    Taint,
};
pub use names::fit_name;
pub use report::{Diagnostic, Related, Report, Severity, Span};
pub use words::{Architecture, CapacityType, Endpoint, Nat, TaintEffect, Topology, UserRole, Zones};

#[cfg(test)]
mod tests;

use decode::Decoder;
use location::Locations;

/// What the configuration is going to be used on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The simulated cloud, where values that are still to be filled in do no harm.
    Simulated,
    /// A real account.
    Cloud,
}

/// A configuration that can be used, and what there is to say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The configuration.
    pub config: PlatformConfig,
    /// Warnings and notes.
    pub report: Report,
}

/// Reads a configuration from the bytes of a file.
///
/// `file_name` is only shown in the report. Any bytes will do: the worst that happens is a report.
///
/// ```
/// use skyplat_core::config::{Target, parse_config};
///
/// let yaml = b"region: us-west-2\nnode_pools:\n  - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}\n";
/// let parsed = parse_config("starter.yaml", yaml, Target::Simulated)?;
/// assert_eq!(parsed.config.clusters()[0].region.as_str(), "us-west-2");
/// # Ok::<(), skyplat_core::config::Report>(())
/// ```
///
/// # Errors
/// A report with every problem found, when one of them makes the configuration unusable.
pub fn parse_config(file_name: &str, bytes: &[u8], target: Target) -> Result<Parsed, Report> {
    let file = parse::parse_yaml(bytes);
    let mut decoder = Decoder { diagnostics: file.diagnostics, ..Decoder::default() };
    let config = match &file.root {
        Some(root) if !root.is_null() => read::read_platform(&mut decoder, root),
        _ if decoder.diagnostics.is_empty() => {
            decoder.diagnostics.push(parse::empty_file());
            None
        }
        _ => None,
    };
    let Decoder { locations, mut diagnostics } = decoder;
    if let Some(config) = &config {
        diagnostics.extend(check::check_platform(config, &locations, target));
    }
    let report = Report::new(file_name, &file.text, diagnostics);
    match config {
        Some(config) if !report.has_errors() => Ok(Parsed { config, report }),
        _ => Err(report),
    }
}

/// Checks a configuration that was made in code, as [`parse_config`] does one from a file.
///
/// The report names values by their path, such as `hub.node_pools[0].name`.
pub fn check_config(config: &PlatformConfig, target: Target) -> Report {
    Report::new("", "", check::check_platform(config, &Locations::default(), target))
}
