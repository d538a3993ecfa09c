//! [`OpenIngress`]: nothing lets the whole internet in.
//!
//! Rules of one security group are added up port by port, so that two halves of the internet are found as well as all of
//! it. Load balancers are judged by the scheme that a manifest, a chart's values or a configuration gives them, with the
//! ranges beside it; network policies by their blocks of addresses.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::document::{UNKNOWN, known_text, texts};
use super::ranges::{Reach, is_internal, parse, reach, reach_without};
use super::subject::for_each_map;
use super::{Check, Findings, Subject};
use crate::value::{Address, Tree, paper};

const HINT: &str = "name who may come in: the ranges of your networks, or a security group";
/// Keys of the scheme of a load balancer, of the controller that is installed and of Kubernetes itself.
const SCHEMES: [&str; 3] =
    ["alb.ingress.kubernetes.io/scheme", "service.beta.kubernetes.io/aws-load-balancer-scheme", "scheme"];
/// The older key: `false` is open to the internet.
const INTERNAL: &str = "service.beta.kubernetes.io/aws-load-balancer-internal";
/// Keys of the ranges that may reach a load balancer, beside its scheme.
const SOURCES: [&str; 4] = [
    "alb.ingress.kubernetes.io/inbound-cidrs",
    "service.beta.kubernetes.io/load-balancer-source-ranges",
    "inboundCIDRs",
    "loadBalancerSourceRanges",
];

/// Nothing lets the whole internet in: no security group, no load balancer, no network policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenIngress;

impl Check for OpenIngress {
    fn name(&self) -> &'static str {
        "open_ingress"
    }

    fn check(&self, subject: &Subject<'_>, findings: &mut Findings) {
        security_groups(subject, findings);
        for (node, inputs) in subject.objects() {
            for_each_map(inputs, &mut |map| load_balancer(&node.address, map, inputs, findings));
        }
        for (node, manifest) in subject.manifests("Service") {
            service(&node.address, manifest, findings);
        }
        for (node, manifest) in subject.manifests("NetworkPolicy") {
            network_policy(&node.address, manifest, findings);
        }
    }
}

/// A rule of a security group that lets a range in.
struct Rule<'a> {
    address: &'a Address,
    /// `tcp`, `udp` or another; none for all of them.
    protocol: Option<String>,
    ports: (u64, u64),
    range: IpNet,
}

impl Rule<'_> {
    /// Returns whether it lets in what arrives at the first port of another.
    fn admits(&self, other: &Self) -> bool {
        let same = self.protocol.is_none() || self.protocol == other.protocol;
        same && self.ports.0 <= other.ports.0 && other.ports.0 <= self.ports.1
    }
}

fn security_groups(subject: &Subject<'_>, findings: &mut Findings) {
    let mut groups: BTreeMap<String, Vec<Rule<'_>>> = BTreeMap::new();
    for (node, inputs) in subject.of_kind("ec2.security_group_rule") {
        if inputs.get("direction").and_then(Tree::as_str) != Some("ingress") {
            continue;
        }
        let protocol = match inputs.get("ip_protocol").and_then(Tree::as_str) {
            None | Some("-1") => None,
            Some("6") => Some("tcp".to_owned()),
            Some("17") => Some("udp".to_owned()),
            Some(other) => Some(other.to_ascii_lowercase()),
        };
        let port = |field| match inputs.get(field) {
            Some(Tree::Number(port)) => port.as_u64(),
            _ => None,
        };
        // Without a protocol, ports mean nothing.
        let ports = match protocol {
            Some(_) => (port("from_port").unwrap_or(0), port("to_port").unwrap_or(u64::MAX)),
            None => (0, u64::MAX),
        };
        for field in ["cidr_ipv4", "cidr_ipv6"] {
            let Some(range) = inputs.get(field).and_then(Tree::as_str).and_then(parse) else { continue };
            let group = inputs.get("group_id").map(|group| paper::show(group).to_string());
            let rule = Rule { address: &node.address, protocol: protocol.clone(), ports, range };
            groups.entry(group.unwrap_or_default()).or_default().push(rule);
        }
    }
    for rules in groups.values() {
        for rule in rules.iter().filter(|rule| !is_internal(&rule.range)) {
            security_group_rule(rule, rules, findings);
        }
    }
}

/// Judges a rule with all that let in what it lets in.
fn security_group_rule(rule: &Rule<'_>, rules: &[Rule<'_>], findings: &mut Findings) {
    let beside: Vec<&Rule<'_>> = rules.iter().filter(|other| other.admits(rule)).collect();
    let together = reach(&beside.iter().map(|rule| rule.range).collect::<Vec<_>>());
    let alone = |rule: &Rule<'_>| reach(&[rule.range]);
    // A rule that reaches as far alone is the one to be told of, not every other at the same port.
    if alone(rule) < together && beside.iter().any(|other| alone(other) == together) {
        return;
    }
    let mut others: Vec<&str> = beside
        .iter()
        .filter(|other| other.address != rule.address && !is_internal(&other.range))
        .map(|other| other.address.as_str())
        .collect();
    others.dedup();
    let with = match others.as_slice() {
        others if !others.is_empty() && alone(rule) < together => {
            format!(" together with {}", others.join(", "))
        }
        _ => String::new(),
    };
    admitted(rule.address, together, &format!("lets {} in{with}", rule.range), findings);
}

fn load_balancer(address: &Address, map: &Tree, inputs: &Tree, findings: &mut Findings) {
    let text = |key: &str| map.get(key).and_then(Tree::as_str);
    let faces_internet = SCHEMES.iter().any(|key| text(key) == Some("internet-facing"));
    if faces_internet || text(INTERNAL) == Some("false") {
        sources(address, &[map, inputs], "gives a load balancer a public address", findings);
    }
}

/// A Service with a load balancer that nobody gave a scheme: Kubernetes makes one that is open to the internet, the load
/// balancer controller one that is not.
fn service(address: &Address, manifest: &Tree, findings: &mut Findings) {
    if manifest.at("spec.type").and_then(Tree::as_str) != Some("LoadBalancer") {
        return;
    }
    let none = Tree::map();
    let annotations = manifest.at("metadata.annotations").unwrap_or(&none);
    let kind = annotations.get("service.beta.kubernetes.io/aws-load-balancer-type").and_then(Tree::as_str);
    let by_controller =
        manifest.at("spec.loadBalancerClass").is_some() || matches!(kind, Some("external" | "nlb-ip"));
    let is_told =
        SCHEMES.iter().any(|key| annotations.get(key).is_some()) || annotations.get(INTERNAL).is_some();
    if !by_controller && !is_told {
        let what = "asks for a load balancer without a scheme, which gets a public address:";
        sources(address, &[annotations, manifest], what, findings);
    }
}

/// Judges a load balancer with a public address by the ranges that may reach it, wherever they are written.
fn sources(address: &Address, places: &[&Tree], what: &str, findings: &mut Findings) {
    let spec = places.iter().filter_map(|place| place.get("spec"));
    let written = places.iter().copied().chain(spec).flat_map(|place| {
        SOURCES.iter().filter_map(|key| place.get(key)).flat_map(texts).collect::<Vec<_>>()
    });
    let ranges: Vec<String> =
        written.flat_map(|text| text.split(',').map(str::to_owned).collect::<Vec<_>>()).collect();
    let known: Vec<IpNet> = ranges.iter().filter_map(|range| parse(range)).collect();
    let is_any = ranges.is_empty();
    let reach = if is_any { Reach::World } else { reach(&known) };
    let who = if is_any {
        "nobody says who may reach it".to_owned()
    } else {
        ranges.join(", ").replace(UNKNOWN, "…")
    };
    admitted(address, reach, &format!("{what} for {who}").replace("for nobody", "and nobody"), findings);
}

fn network_policy(address: &Address, manifest: &Tree, findings: &mut Findings) {
    for rule in manifest.at("spec.ingress").and_then(Tree::as_list).unwrap_or_default() {
        let peers = rule.get("from").and_then(Tree::as_list).unwrap_or_default();
        if peers.is_empty() && !matches!(rule.get("from"), Some(Tree::Ref(_) | Tree::Unknown(_))) {
            admitted(address, Reach::World, "has a rule that lets everyone in", findings);
            continue;
        }
        let mut whole = Vec::new();
        for block in peers.iter().filter_map(|peer| peer.get("ipBlock")) {
            let Some(range) = block.get("cidr").map(known_text).as_deref().and_then(parse) else { continue };
            let except = block.get("except").map(texts).unwrap_or_default();
            let except: Vec<IpNet> = except.iter().filter_map(|range| parse(range)).collect();
            if except.is_empty() {
                whole.push(range);
            } else {
                admitted(address, reach_without(&[range], &except), &format!("lets {range} in"), findings);
            }
        }
        let names: Vec<String> = whole.iter().map(IpNet::to_string).collect();
        admitted(address, reach(&whole), &format!("lets {} in", names.join(", ")), findings);
    }
}

/// Says that something lets too many in, if it does.
fn admitted(address: &Address, reach: Reach, what: &str, findings: &mut Findings) {
    match reach {
        Reach::World => {
            findings.error(address, format!("it {what}: that is open to the internet")).hint(HINT)
        }
        Reach::Wide => {
            findings.warning(address, format!("it {what}: more than any one network has")).hint(HINT)
        }
        Reach::Narrow => return,
    };
}
