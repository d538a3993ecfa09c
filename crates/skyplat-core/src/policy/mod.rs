//! Policy checks: what no platform should do, whoever described it.
//!
//! ```text
//! ObjectGraph ┐
//! Plan        ├─▶ Subject ─ Checks (each a Check) ─▶ Findings ─ Consents ─▶ Verdict
//! State       ┘
//! ```
//!
//! A [`Check`] looks at the objects that are wanted and at what a plan does, and says what is wrong as [`Finding`]s. An
//! error stops an apply, a warning does not. What a person accepts is a [`Consent`]: data that says which finding, where
//! and why, so that an exception needs no other check. The verdict keeps what was accepted, and names consents that
//! accept nothing.
//!
//! Pure, and after planning: a check changes neither graph nor plan. The engine knows none of this; a front end or a host
//! program asks for the verdict between plan and apply.
//!
//! | built in | looks for |
//! |---|---|
//! | [`OpenIngress`] | security groups, load balancers and network policies that let the internet in |
//! | [`PublicEndpoint`] | Kubernetes endpoints that are open to the internet |
//! | [`WildcardTrust`] | roles and resource policies that trust more than is named |
//! | [`AdminPolicy`] | policies by which whoever has them can do everything, or give it to themselves |
//! | [`OverlappingNetworks`] | networks that reach each other and share addresses |
//! | [`SpokeIsolation`] | ways from one spoke to another |
//! | [`TenantIsolation`] | ways from one tenant's account to another tenant's role or namespace |
//! | [`DataLoss`] | deletes and replaces of what holds data |
//!
//! A check judges what is known: literals, echoes, and recorded outputs that the plan keeps ([`Subject::inputs`]). About a
//! value that is only known after an apply it says nothing.
//!
//! # A check of your own
//!
//! ```
//! use skyplat_core::policy::{Check, Checks, Consents, Findings, Subject};
//! # use std::collections::{BTreeMap, BTreeSet};
//! # use skyplat_core::graph::ObjectGraph;
//! # use skyplat_core::ids::AccountId;
//! # use skyplat_core::object::{Class, FieldRules, ObjectNode, OnDelete, Placement};
//! # use skyplat_core::state::{Stack, State};
//! # use skyplat_core::value::DigestKey;
//! # use skyplat_core::tree;
//!
//! /// Every VPC says whose it is.
//! #[derive(Debug)]
//! struct Owned;
//!
//! impl Check for Owned {
//!     fn name(&self) -> &'static str {
//!         "owned"
//!     }
//!
//!     fn check(&self, subject: &Subject<'_>, findings: &mut Findings) {
//!         for (vpc, inputs) in subject.of_kind("ec2.vpc") {
//!             if inputs.at("tags.owner").is_none() {
//!                 findings.error(&vpc.address, "it has no tag `owner`").hint("add it under `tags`");
//!             }
//!         }
//!     }
//! }
//!
//! # let placement = Placement { account: AccountId::new("1"), region: None, container: None };
//! # let vpc = ObjectNode {
//! #     address: "hub/vpc/vpc".into(), kind: "ec2.vpc".into(), class: Class::Owned, resource: "hub/vpc".into(), placement,
//! #     inputs: tree!({ "cidr_block": "10.1.0.0/16" }), natural_key: None, exclusive: None,
//! #     rules: FieldRules::new().into(), echoes: BTreeMap::new().into(), secret_outputs: BTreeSet::new(), after: BTreeSet::new(),
//! #     protect: false, on_delete: OnDelete::Delete,
//! # };
//! # let graph = ObjectGraph::new(Vec::new(), vec![vpc], BTreeMap::new())?;
//! # let state = State::new(Stack { name: "dev".into(), id: "0".into() }, DigestKey::new([0; 32]));
//! // `graph` is what is wanted, `state` what is recorded; a plan there is not yet.
//! let subject = Subject::new(&graph, None, &state);
//! let checks = Checks::built_in().with(Owned).without("data_loss");
//!
//! let verdict = checks.judge(&subject, &Consents::none());
//! assert!(verdict.has_errors());
//! assert_eq!(verdict.findings[0].message, "it has no tag `owner`");
//!
//! // Somebody says why that is all right.
//! let consents = Consents::none().with("owned:hub/vpc=it belongs to everyone".parse()?);
//! let verdict = checks.judge(&subject, &consents);
//! assert!(!verdict.has_errors());
//! assert_eq!(verdict.accepted[0].why, "it belongs to everyone");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod admin_policy;
mod check;
mod consent;
mod data_loss;
mod document;
mod finding;
mod networks;
mod open_ingress;
mod overlapping_networks;
mod public_endpoint;
mod ranges;
mod rbac;
mod spoke_isolation;
mod subject;
mod tenant_isolation;
mod wildcard_trust;

#[cfg(test)]
mod tests;

pub use admin_policy::AdminPolicy;
pub use check::{Accepted, Check, Checks, Verdict};
pub use consent::{Consent, ConsentError, Consents};
pub use data_loss::DataLoss;
pub use finding::{Finding, Findings, Severity};
pub use open_ingress::OpenIngress;
pub use overlapping_networks::OverlappingNetworks;
pub use public_endpoint::PublicEndpoint;
pub use spoke_isolation::SpokeIsolation;
pub use subject::Subject;
pub use tenant_isolation::TenantIsolation;
pub use wildcard_trust::WildcardTrust;
