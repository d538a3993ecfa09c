//! [`PublicEndpoint`]: who can reach a cluster's Kubernetes API from the internet was chosen by somebody.
//!
//! A public endpoint without a list of ranges is an error: EKS opens it to the world unasked. A list that holds the world
//! is a warning: it was written down, the API asks every caller who they are, and it is what a configuration without
//! `public_access_cidrs` means, which its own report says as well.

use ipnet::IpNet;

use super::document::texts;
use super::ranges::{Reach, parse, reach};
use super::{Check, Findings, Subject};
use crate::value::Tree;

const HINT: &str = "list who may connect under `public_access_cidrs`, or set `endpoint: private`";

/// Who can reach a cluster's Kubernetes API from the internet was chosen by somebody, and is not the world.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublicEndpoint;

impl Check for PublicEndpoint {
    fn name(&self) -> &'static str {
        "public_endpoint"
    }

    fn check(&self, subject: &Subject<'_>, findings: &mut Findings) {
        for (node, inputs) in subject.of_kind("eks.cluster") {
            let Some(config) = inputs.get("resources_vpc_config") else { continue };
            // The API opens the endpoint unless it is told not to.
            if !matches!(config.get("endpoint_public_access"), None | Some(Tree::Bool(true))) {
                continue;
            }
            let given = config.get("public_access_cidrs").map(texts).unwrap_or_default();
            if given.is_empty() {
                findings
                    .error(&node.address, "the Kubernetes endpoint is public, and nobody says for whom")
                    .hint(HINT);
                continue;
            }
            let ranges: Vec<IpNet> = given.iter().filter_map(|range| parse(range)).collect();
            let message = match reach(&ranges) {
                Reach::World => "the Kubernetes endpoint is open to the internet",
                Reach::Wide => "the Kubernetes endpoint is open to more than any one network has",
                Reach::Narrow => continue,
            };
            findings.warning(&node.address, message).hint(HINT);
        }
    }
}
