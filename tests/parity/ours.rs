//! The facts of a lowered graph, in the words of the tables they are compared with.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use skyplat::graph::ObjectGraph;
use skyplat::value::paper;

/// Facts by topic.
pub(crate) type Facts = BTreeMap<String, BTreeSet<String>>;

/// Where each fact holds, by topic and text; a fact of the whole platform holds in no region.
#[derive(Default)]
struct Found {
    places: BTreeMap<(String, String), BTreeSet<String>>,
    regions: BTreeSet<String>,
}

/// One object as it is looked at.
struct Seen<'a> {
    address: &'a str,
    region: String,
    inputs: Json,
}

/// Reads the facts of a graph whose hub is in `hub`.
pub(crate) fn facts(graph: &ObjectGraph, hub: &str) -> Facts {
    let mut found = Found::default();
    let mut counts = BTreeMap::<String, usize>::new();
    for node in graph.nodes().values() {
        let inputs = paper::show(&graph.inputs_with_echoes(node));
        let address = node.address.as_str();
        let kind = node.kind.as_str();
        let counted = match inputs["kind"].as_str() {
            Some(manifest) if kind == "k8s.object" => format!("{kind} {manifest}"),
            _ => kind.to_owned(),
        };
        *counts.entry(counted).or_default() += 1;
        let seen = Seen { address, region: region(address, hub), inputs };
        if kind == "ec2.vpc" {
            found.regions.insert(seen.region.clone());
        }
        match kind.split_once('.').expect("a kind names its service").0 {
            "ec2" => network(&mut found, kind, &seen, hub),
            "iam" => identity(&mut found, kind, &seen),
            "eks" => cluster(&mut found, kind, &seen),
            "efs" => files(&mut found, kind, &seen),
            "helm" if kind == "helm.release" => chart(&mut found, &seen),
            "k8s" => manifest(&mut found, &seen),
            "cognito" => sign_in(&mut found, kind, &seen),
            "route53" => zone(&mut found, &seen),
            _ => {}
        }
    }
    for (kind, count) in counts {
        found.add("count", format!("{kind} = {count}"), None);
    }
    for name in graph.exports().keys() {
        found.add("output", name.clone(), None);
    }
    found.collapse()
}

impl Found {
    fn add(&mut self, topic: &str, text: impl Into<String>, region: Option<&str>) {
        let places = self.places.entry((topic.to_owned(), text.into())).or_default();
        places.extend(region.map(str::to_owned));
    }

    /// Writes the regions behind each fact.
    fn collapse(self) -> Facts {
        let mut facts = Facts::new();
        for ((topic, text), places) in self.places {
            let place = if places.is_empty() {
                String::new()
            } else if places == self.regions {
                " @ all".to_owned()
            } else {
                format!(" @ {}", places.into_iter().collect::<Vec<_>>().join(" "))
            };
            facts.entry(topic).or_default().insert(text + &place);
        }
        facts
    }
}

/// The region that an address begins with.
fn region(address: &str, hub: &str) -> String {
    match address.split('/').next() {
        Some("hub") | None => hub.to_owned(),
        Some(first) => first.to_owned(),
    }
}

/// The address that a reference leads to.
fn target(value: &Json) -> &str {
    value["$ref"]["object"].as_str().unwrap_or_default()
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

fn joined(value: &Json) -> String {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(text).collect::<Vec<_>>().join(",")
}

fn network(found: &mut Found, kind: &str, seen: &Seen<'_>, hub: &str) {
    let inputs = &seen.inputs;
    let (topic, fact, place) = match kind {
        "ec2.vpc" => (
            "network",
            format!(
                "vpc {} dns_support={} dns_hostnames={}",
                text(&inputs["cidr_block"]),
                inputs["enable_dns_support"],
                inputs["enable_dns_hostnames"]
            ),
            Some(seen.region.clone()),
        ),
        "ec2.subnet" => {
            let side = if seen.address.contains("/public-") { "public" } else { "private" };
            let (range, zone) = (text(&inputs["cidr_block"]), text(&inputs["availability_zone"]));
            ("network", format!("subnet {side} {range} {zone}"), Some(seen.region.clone()))
        }
        "ec2.route" => {
            let table = target(&inputs["route_table_id"]);
            let side = if table.ends_with("-public") { "public" } else { "private" };
            let via = if inputs["nat_gateway_id"].is_object() {
                "nat gateway"
            } else if inputs["gateway_id"].is_object() {
                "internet gateway"
            } else {
                "peering"
            };
            let range = text(&inputs["destination_cidr_block"]);
            ("network", format!("route {side} {range} via {via}"), Some(region(table, hub)))
        }
        "ec2.vpc_peering" => {
            let pair = seen.address.split('/').nth(1).unwrap_or_default();
            ("network", format!("peering {pair}"), None)
        }
        "ec2.security_group_rule" => ("security group rule", rule(inputs), Some(seen.region.clone())),
        _ => return,
    };
    found.add(topic, fact, place.as_deref());
}

fn rule(inputs: &Json) -> String {
    let group = |value: &Json| match target(value) {
        address if address.ends_with("/eks/cluster") => "cluster".to_owned(),
        address if address.ends_with("/node-security-group") => "node".to_owned(),
        address => address.split('/').nth(2).unwrap_or_default().to_owned(),
    };
    let port = match text(&inputs["ip_protocol"]) {
        "-1" => "all".to_owned(),
        protocol => format!("{protocol} {}", inputs["from_port"]),
    };
    let other = match inputs["cidr_ipv4"].as_str() {
        Some(range) => range.to_owned(),
        None => group(&inputs["referenced_group_id"]),
    };
    let way = if inputs["direction"] == "ingress" { "in" } else { "out" };
    let word = if way == "in" { "from" } else { "to" };
    format!("{} {way} {port} {word} {other}", group(&inputs["group_id"]))
}

/// What a role is for.
fn purpose(address: &str) -> String {
    let role = address.split("-attachment-").next().unwrap_or(address);
    match role.split('/').collect::<Vec<_>>().as_slice() {
        [_, "addon", "aws-load-balancer-controller", ..] => "load balancer controller".into(),
        [_, "addon", name, ..] => (*name).into(),
        [_, "eks", "service-role"] => "cluster".into(),
        [_, "eks", _] => "fargate pods".into(),
        [_, "karpenter", "node-role"] => "karpenter nodes".into(),
        [_, "karpenter", _] => "karpenter".into(),
        [_, "role", tenant, _] => format!("tenant {tenant}"),
        [_, resource, ..] => resource.replace('-', " "),
        _ => role.to_owned(),
    }
}

fn identity(found: &mut Found, kind: &str, seen: &Seen<'_>) {
    let place = Some(seen.region.as_str());
    match kind {
        "iam.policy_attachment" => {
            let policy = match seen.inputs["policy_arn"].as_str() {
                Some(arn) => arn.split_once(":policy/").map_or(arn, |(_, name)| name),
                None => "own",
            };
            found.add("policy", format!("{}: {policy}", purpose(seen.address)), place);
        }
        "iam.role" => {
            let statement = &seen.inputs["assume_role_policy_document"]["Statement"][0];
            let who = statement["Principal"]["Service"].as_str().unwrap_or("oidc");
            let mut conditions = Vec::new();
            for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
                for (key, value) in keys.as_object().into_iter().flatten() {
                    let key = key.rsplit(':').next().unwrap_or(key);
                    conditions.push(format!("{operator} {key} {}", text(value)));
                }
            }
            conditions.sort();
            let words = [vec![format!("{}:", purpose(seen.address)), who.to_owned()], conditions].concat();
            found.add("trust", words.join(" "), place);
        }
        _ => {}
    }
}

fn cluster(found: &mut Found, kind: &str, seen: &Seen<'_>) {
    let inputs = &seen.inputs;
    let place = Some(seen.region.as_str());
    match kind {
        "eks.cluster" => {
            let vpc = &inputs["resources_vpc_config"];
            let subnets = vpc["subnet_ids"].as_array().map_or(0, Vec::len);
            for fact in [
                format!("name={}", text(&inputs["name"])),
                format!("version={}", text(&inputs["version"])),
                format!("authentication={}", text(&inputs["access_config"]["authentication_mode"])),
                format!("self_managed_addons={}", inputs["bootstrap_self_managed_addons"]),
                format!("private_access={}", vpc["endpoint_private_access"]),
                format!("public_access={}", vpc["endpoint_public_access"]),
                format!("public_access_cidrs={}", joined(&vpc["public_access_cidrs"])),
                format!("logs={}", joined(&inputs["logging"]["cluster_logging"][0]["types"])),
                format!("service_cidr={}", text(&inputs["kubernetes_network_config"]["service_ipv4_cidr"])),
                format!("subnets={subnets}"),
            ] {
                found.add("cluster", fact, place);
            }
        }
        "eks.access_entry" => found.add("cluster", format!("access {}", text(&inputs["type"])), place),
        "eks.addon" => {
            let name = text(&inputs["name"]);
            found.add("addon", format!("{name} on_conflict={}", text(&inputs["resolve_conflicts"])), place);
            if let Some(values) = inputs["configuration_values"].as_str() {
                found.add("addon", format!("{name} {values}"), place);
            }
        }
        "eks.fargate_profile" => {
            for selector in inputs["selectors"].as_array().into_iter().flatten() {
                let labels = selector["labels"].as_object().into_iter().flatten();
                let labels = labels.map(|(key, value)| format!("{key}={}", text(value))).collect::<Vec<_>>();
                let fact = format!("{} {}", text(&selector["namespace"]), labels.join(" "));
                found.add("fargate", fact, place);
            }
        }
        _ => {}
    }
}

fn files(found: &mut Found, kind: &str, seen: &Seen<'_>) {
    let place = Some(seen.region.as_str());
    if kind == "efs.mount_target" {
        let last = |value: &Json| target(value).rsplit('/').next().unwrap_or_default().to_owned();
        let subnet = last(&seen.inputs["subnet_id"]);
        let group = match last(&seen.inputs["security_groups"][0]).as_str() {
            "node-security-group" => "node",
            _ => "its own",
        };
        found.add("file system", format!("mount target in {subnet} behind {group}"), place);
        return;
    }
    for field in ["encrypted", "performance_mode", "throughput_mode"] {
        let value = &seen.inputs[field];
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        found.add("file system", format!("{field}={value}"), place);
    }
}

fn chart(found: &mut Found, seen: &Seen<'_>) {
    let inputs = &seen.inputs;
    let (name, namespace) = (text(&inputs["name"]), text(&inputs["namespace"]));
    let (repository, chart) = match text(&inputs["chart"]).rsplit_once('/') {
        Some((repository, chart)) => (repository, chart),
        None => (text(&inputs["repository"]), text(&inputs["chart"])),
    };
    let place = Some(seen.region.as_str());
    found.add("chart", format!("{name} in {namespace}: {chart} of {repository}"), place);
    found.add("chart version", format!("{name} {}", text(&inputs["version"])), place);
}

fn manifest(found: &mut Found, seen: &Seen<'_>) {
    let (kind, metadata) = (text(&seen.inputs["kind"]), &seen.inputs["metadata"]);
    let name = text(&metadata["name"]);
    let place = Some(seen.region.as_str());
    let topic = match kind {
        "EC2NodeClass" => "node class",
        "NodePool" => "node pool",
        "StorageClass" => "storage class",
        "Connector" => "connector",
        _ => {
            let namespace = metadata["namespace"].as_str();
            let path = namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"));
            found.add("kubernetes", format!("{kind} {path}"), place);
            return rights(found, kind, seen);
        }
    };
    let mut lines = Vec::new();
    if kind == "StorageClass" {
        for (key, value) in seen.inputs.as_object().into_iter().flatten() {
            if !["apiVersion", "kind", "metadata"].contains(&key.as_str()) {
                flatten(value, key, &mut lines);
            }
        }
    } else {
        flatten(&seen.inputs["spec"], "", &mut lines);
    }
    if let Some(namespace) = metadata["namespace"].as_str() {
        lines.push(format!("namespace={namespace}"));
    }
    for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
        lines.push(format!("annotation {key}={}", text(value)));
    }
    for line in lines {
        found.add(topic, format!("{name} {line}"), place);
    }
}

/// What a role may do that no tenant should.
fn rights(found: &mut Found, kind: &str, seen: &Seen<'_>) {
    let name = text(&seen.inputs["metadata"]["name"]);
    let place = Some(seen.region.as_str());
    for rule in seen.inputs["rules"].as_array().into_iter().flatten() {
        let verbs = joined(&rule["verbs"]);
        if verbs.contains('*') {
            let scope = if kind == "Role" { " in its namespace" } else { "" };
            found.add("rights", format!("{kind} {name} may do everything{scope}"), place);
        }
        for resource in joined(&rule["resources"]).split(',') {
            if resource.starts_with("clusterrole") && verbs.contains("create") {
                found.add("rights", format!("{kind} {name} writes {resource}"), place);
            }
        }
    }
}

/// Writes a tree as one line a leaf; a list of things with keys by key, any other list of maps as one.
fn flatten(value: &Json, path: &str, lines: &mut Vec<String>) {
    let leaf = |value: &Json| match value {
        Json::String(text) => text.clone(),
        Json::Object(_) => "reference".to_owned(),
        other => other.to_string(),
    };
    match value {
        Json::Object(map) if !map.contains_key("$ref") => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(value, &path, lines);
            }
        }
        Json::Array(items) if items.iter().all(|item| item.is_object() && item.get("$ref").is_none()) => {
            for item in items {
                let Some(key) = item["key"].as_str() else {
                    flatten(item, &format!("{path}[]"), lines);
                    continue;
                };
                let values = item["values"].is_array().then(|| joined(&item["values"]));
                let words = [
                    item["operator"].as_str(),
                    values.as_deref(),
                    item["value"].as_str(),
                    item["effect"].as_str(),
                ];
                lines.push(format!(
                    "{path}[{key}]={}",
                    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
                ));
            }
        }
        Json::Array(items) => {
            lines.push(format!("{path}={}", items.iter().map(leaf).collect::<Vec<_>>().join(",")));
        }
        value => lines.push(format!("{path}={}", leaf(value))),
    }
}

fn sign_in(found: &mut Found, kind: &str, seen: &Seen<'_>) {
    let inputs = &seen.inputs;
    let facts = match kind {
        "cognito.user_pool" => vec![
            format!("pool={}", text(&inputs["pool_name"])),
            format!("sign_in={}", joined(&inputs["username_attributes"])),
            format!(
                "admins_create_users={}",
                inputs["admin_create_user_config"]["allow_admin_create_user_only"]
            ),
        ],
        "cognito.user_pool_client" => vec![
            format!("flows={}", joined(&inputs["allowed_o_auth_flows"])),
            format!("scopes={}", joined(&inputs["allowed_o_auth_scopes"])),
            format!("callback={}", joined(&inputs["callback_urls"])),
            format!("secret={}", inputs["generate_secret"]),
            format!("providers={}", joined(&inputs["supported_identity_providers"])),
        ],
        "cognito.user_pool_domain" => vec![format!("managed_login={}", inputs["managed_login_version"])],
        "cognito.managed_login_branding" => {
            vec![format!("branding_default={}", inputs["use_cognito_provided_values"])]
        }
        _ => return,
    };
    for fact in facts {
        found.add("cognito", fact, None);
    }
}

fn zone(found: &mut Found, seen: &Seen<'_>) {
    if let Some(name) = seen.inputs["name"].as_str() {
        found.add("zone", format!("name={name}"), None);
    }
    found.add("zone", format!("vpc {}", text(&seen.inputs["vpc"]["vpc_region"])), None);
}
