//! Whether the values of a configuration make sense, each alone and all together.
//!
//! One file per subject. A check sees the typed configuration and names what it complains about by path; where that
//! stands in a file, and whether it could be read at all, is looked up here. Nothing stops at the first problem.

mod access;
mod arns;
mod installed;
mod node_pools;
mod regions;
mod skypilot;
mod syntax;
mod tags;
mod tenants;
mod wide;

use super::Target;
use super::clusters::{ClusterConfig, ClusterRole};
use super::code::Code;
use super::location::{Locations, item_path, key_path};
use super::model::{NodePool, PlatformConfig, RegionConfig, Shape};
use super::report::{Diagnostic, Related, Severity};

/// Runs every check.
pub(super) fn check_platform(
    config: &PlatformConfig,
    locations: &Locations,
    target: Target,
) -> Vec<Diagnostic> {
    let mut findings = Findings { locations, target, diagnostics: Vec::new() };
    regions::check_regions(config, &mut findings);
    regions::check_addresses(config, &mut findings);
    regions::check_zones(config, &mut findings);
    access::check_access(config, &mut findings);
    node_pools::check_node_pools(config, &mut findings);
    tenants::check_tenants(config, &mut findings);
    skypilot::check_skypilot(config, &mut findings);
    arns::check_arns(config, &mut findings);
    installed::check_versions(config, &mut findings);
    installed::check_addons(config, &mut findings);
    tags::check_tags(config, &mut findings);
    wide::check_wide_defaults(config, &mut findings);
    findings.diagnostics
}

/// Collects what the checks find.
#[derive(Debug)]
struct Findings<'a> {
    locations: &'a Locations,
    target: Target,
    diagnostics: Vec<Diagnostic>,
}

impl Findings<'_> {
    /// Adds a finding, unless it is about a value that could not be read: that was said already.
    fn add(&mut self, finding: Finding) {
        let Finding { code, severity, path, on_key, message, hint, related } = finding;
        if self.locations.is_unread(&path) {
            return;
        }
        let span = if on_key { self.locations.key(&path) } else { self.locations.value(&path) };
        let related = related
            .into_iter()
            .map(|(path, label)| Related { span: self.locations.value(&path), path, label })
            .collect();
        self.diagnostics.push(Diagnostic { code, severity, message, path, span, hint, related });
    }

    /// Returns whether the value at a path is the user's, or an honest default.
    fn is_sound(&self, path: &str) -> bool {
        !self.locations.is_unread(path)
    }

    /// How bad it is that a value is still to be filled in.
    fn placeholder_severity(&self) -> Severity {
        match self.target {
            Target::Simulated => Severity::Warning,
            Target::Cloud => Severity::Error,
        }
    }
}

/// Something a check found.
#[derive(Debug)]
struct Finding {
    code: Code,
    severity: Severity,
    path: String,
    on_key: bool,
    message: String,
    hint: Option<String>,
    related: Vec<(String, String)>,
}

impl Finding {
    fn new(severity: Severity, code: Code, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            path: path.into(),
            on_key: false,
            message: message.into(),
            hint: None,
            related: Vec::new(),
        }
    }

    fn error(code: Code, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, path, message)
    }

    fn warning(code: Code, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, path, message)
    }

    /// Points at the key instead of the value.
    fn on_key(self) -> Self {
        Self { on_key: true, ..self }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    fn related(mut self, path: impl Into<String>, label: impl Into<String>) -> Self {
        self.related.push((path.into(), label.into()));
        self
    }
}

/// A region and the path of its settings.
#[derive(Debug)]
struct RegionView<'a> {
    /// `hub`, `spokes[0]`, `regions[0]`, or empty for a starter.
    path: String,
    /// The region with every setting resolved.
    cluster: ClusterConfig<'a>,
    /// The region's own settings; none for a starter, whose settings are the platform's.
    own: Option<&'a RegionConfig>,
}

impl RegionView<'_> {
    /// The path of one of the region's settings.
    fn path_of(&self, key: &str) -> String {
        key_path(&self.path, key)
    }

    /// The path of a setting that the region may take from the platform.
    fn inherited_path(&self, key: &str, is_own: bool) -> String {
        if is_own { self.path_of(key) } else { key.into() }
    }

    /// What to call the region in a message.
    fn title(&self) -> String {
        let role = match self.cluster.role {
            ClusterRole::Hub => "hub",
            ClusterRole::Spoke => "spoke",
            ClusterRole::Member | ClusterRole::Starter => "region",
        };
        format!("{role} {}", self.cluster.region)
    }
}

/// Every region with its path, in the order of the file.
fn region_views(config: &PlatformConfig) -> Vec<RegionView<'_>> {
    let places: Vec<(String, Option<&RegionConfig>)> = match &config.shape {
        Shape::HubAndSpoke { hub, spokes } => std::iter::once(("hub".into(), Some(&hub.base)))
            .chain(spokes.iter().enumerate().map(|(at, spoke)| (item_path("spokes", at), Some(&spoke.base))))
            .collect(),
        Shape::MultiRegion { regions, .. } => {
            regions.iter().enumerate().map(|(at, region)| (item_path("regions", at), Some(region))).collect()
        }
        Shape::Starter { .. } => vec![(String::new(), None)],
    };
    places
        .into_iter()
        .zip(config.clusters())
        .map(|((path, own), cluster)| RegionView { path, cluster, own })
        .collect()
}

/// Every list of node pools with its path. Regions that share one list share its entry.
fn pool_lists(config: &PlatformConfig) -> Vec<(String, &[NodePool])> {
    match &config.shape {
        Shape::HubAndSpoke { hub, spokes } => {
            std::iter::once(("hub.node_pools".to_owned(), hub.node_pools.as_slice()))
                .chain(spokes.iter().enumerate().map(|(at, spoke)| {
                    (key_path(&item_path("spokes", at), "node_pools"), spoke.node_pools.as_slice())
                }))
                .collect()
        }
        Shape::MultiRegion { node_pools, .. } | Shape::Starter { node_pools, .. } => {
            vec![("node_pools".into(), node_pools.as_slice())]
        }
    }
}
