//! What a platform, a pool, a server or a tenant is told beside its name.

use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::{ACCOUNT, Pool, Size, Tenant};
use crate::yaml::{Dice, Entries, Node, entry, plain, text, texts};

/// Settings of the whole platform.
pub(super) fn settings() -> impl Strategy<Value = Entries> {
    let region = (
        weighted(0.2, count(2, 3)),
        weighted(0.2, word(&["one", "per_az"])),
        weighted(0.2, word(&["public", "private"])),
        weighted(0.2, ranges()),
        weighted(0.2, roles()),
    );
    let platform = (
        weighted(0.3, "[a-z]([a-z0-9-]{0,6}[a-z0-9])?|[a-z]{40,63}".prop_map(text)),
        weighted(0.4, word(&["hub_and_spoke", "full_mesh"])),
        weighted(0.2, versions()),
        weighted(0.3, addons()),
        weighted(0.3, tags()),
        weighted(0.3, iam()),
        weighted(0.2, Just(text(ACCOUNT))),
        weighted(0.5, any::<bool>().prop_map(plain)),
    );
    (region, platform).prop_map(
        |(
            (zones, nat, endpoint, access, admins),
            (name, topology, versions, addons, tags, iam, account, protect),
        )| {
            optional([
                ("name", name),
                ("topology", topology),
                ("availability_zones", zones),
                ("nat", nat),
                ("endpoint", endpoint),
                ("public_access_cidrs", access),
                ("cluster_admins", admins),
                ("component_versions", versions),
                ("addons", addons),
                ("tags", tags),
                ("iam", iam),
                ("account_id", account),
                ("protect", protect),
            ])
        },
    )
}

pub(super) fn optional<const N: usize>(entries: [(&str, Option<Node>); N]) -> Entries {
    entries.into_iter().filter_map(|(key, value)| Some(entry(key, value?))).collect()
}

pub(super) fn word(words: &'static [&'static str]) -> impl Strategy<Value = Node> {
    select(words).prop_map(text)
}

pub(super) fn count(from: u64, to: u64) -> BoxedStrategy<Node> {
    (from..=to).prop_map(plain).boxed()
}

pub(super) fn ranges() -> impl Strategy<Value = Node> {
    subsequence(vec!["203.0.113.0/24", "198.51.100.7/32", "0.0.0.0/0"], 1..=2).prop_map(texts)
}

pub(super) fn roles() -> impl Strategy<Value = Node> {
    let arn = |name: &&str| format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    vec(select(vec!["Admin", "ops/OnCall"]), 0..3).prop_map(move |names| texts(names.iter().map(arn)))
}

fn versions() -> impl Strategy<Value = Node> {
    let kubernetes = select(vec!["1.33", "1.34", "1.35", "1.36"]);
    (of(kubernetes), of(select(vec!["0.14.0", "0.13.0"])), of(select(vec!["1.14.0", "1.13.2"]))).prop_map(
        |(kubernetes, skypilot, karpenter)| {
            Node::Map(optional([
                ("kubernetes", kubernetes.map(text)),
                ("skypilot", skypilot.map(text)),
                ("karpenter", karpenter.map(text)),
            ]))
        },
    )
}

const ADDONS: &[&str] = &[
    "ebs_csi",
    "efs_csi",
    "aws_load_balancer_controller",
    "external_dns",
    "metrics_server",
    "fluent_bit",
    "nvidia_device_plugin",
];

fn addons() -> impl Strategy<Value = Node> {
    (subsequence(ADDONS, 0..=ADDONS.len()), any::<u64>()).prop_map(|(names, seed)| {
        let mut dice = Dice(seed);
        Node::Map(names.iter().map(|name| entry(name, plain(dice.below(3) == 0))).collect())
    })
}

fn tags() -> impl Strategy<Value = Node> {
    let tag = ("[A-Za-z][A-Za-z0-9._-]{0,12}", "[A-Za-z0-9 _.:/=+@-]{0,20}");
    vec(tag, 0..4).prop_map(|tags| {
        let reserved = |key: &str| key.to_ascii_lowercase().starts_with("karpenter");
        let mut entries = Entries::new();
        for (key, value) in tags {
            if !reserved(&key) && entries.iter().all(|(other, _)| *other != key) {
                entries.push((key, text(value)));
            }
        }
        Node::Map(entries)
    })
}

fn iam() -> impl Strategy<Value = Node> {
    let path = select(vec!["/", "/skyplat/", "/teams/ml/"]);
    let boundary =
        select(vec!["arn:aws:iam::aws:policy/PowerUserAccess", "arn:aws:iam::123456789012:policy/Boundary"]);
    (of(path), of(boundary)).prop_map(|(path, boundary)| {
        Node::Map(optional([("path", path.map(text)), ("permissions_boundary_arn", boundary.map(text))]))
    })
}

/// Families that have what their kind says: architecture, and whether they have GPUs.
const FAMILIES: &[(&str, &[&str])] = &[
    ("amd64", &["m7i", "c7i", "t3", "r7a", "m6idn"]),
    ("arm64", &["m7g", "c8g", "t4g", "im4gn"]),
    ("amd64", &["g5", "g6", "p5", "gr6"]),
    ("arm64", &["g5g"]),
];

pub(super) fn pools(size: Size) -> impl Strategy<Value = Vec<Pool>> {
    vec(pool(), 0..=size.pools).prop_map(|pools| unique(pools, |pool| &pool.name))
}

/// Gives a pool that replaces one of the platform's own what such a pool has: no taints, no GPUs, and for the API server
/// its label.
fn with_room(mut pool: Pool) -> Pool {
    if pool.name.starts_with("skyplat-") {
        let has_gpu = |node: &Node| matches!(node, Node::Text(name) if name.starts_with(['g', 'p']));
        let gpus = |(key, value): &(String, Node)| {
            key.starts_with("instance_") && matches!(value, Node::List(names) if names.iter().any(has_gpu))
        };
        if pool.settings.iter().any(gpus) {
            pool.name = "gpu".into();
        } else {
            pool.settings.retain(|(key, _)| key != "taints" && key != "labels");
            if pool.name == "skyplat-api" {
                pool.settings.push(entry("labels", Node::Map(vec![entry("skyplat.dev/role", text("api"))])));
            }
        }
    }
    pool
}

fn pool() -> impl Strategy<Value = Pool> {
    let name = prop_oneof![
        8 => select(vec!["system", "gpu", "batch", "a", "7"]).prop_map(str::to_owned),
        2 => "[a-z][a-z0-9-]{0,20}[a-z0-9]".prop_filter("it is reserved", |name| !name.starts_with("skyplat-")),
        1 => select(vec!["skyplat-api", "skyplat-system"]).prop_map(str::to_owned),
    ];
    let rest = (
        word(&["spot", "on-demand"]),
        instances(),
        weighted(0.3, word(&["20Gi", "50Gi", "1Ti"])),
        weighted(0.3, (1..2000u64).prop_map(plain)),
        weighted(0.3, word(&["512Gi", "64000Mi", "2Ti"])),
        weighted(0.3, taints()),
        weighted(0.3, labels()),
    );
    (name, rest).prop_map(|(name, (capacity, instances, ebs, vcpus, memory, taints, labels))| {
        let mut settings = vec![entry("capacity_type", capacity)];
        settings.extend(instances);
        settings.extend(optional([
            ("ebs_size", ebs),
            ("vcpu_limit", vcpus),
            ("memory_limit", memory),
            ("taints", taints),
            ("labels", labels),
        ]));
        with_room(Pool { name, settings })
    })
}

/// Types, families or categories of one kind, or types with the families and categories that they are of.
fn instances() -> impl Strategy<Value = Entries> {
    let choice =
        (any::<Index>(), vec(any::<Index>(), 1..3), vec(select(vec!["large", "xlarge", "2xlarge"]), 1..3));
    (choice, 0..5u8).prop_map(|((kind, families, sizes), form)| {
        let (architecture, known) = FAMILIES[kind.index(FAMILIES.len())];
        let mut names: Vec<&str> = families.iter().map(|at| known[at.index(known.len())]).collect();
        names.sort_unstable();
        names.dedup();
        let types: Vec<String> = names
            .iter()
            .flat_map(|name| {
                sizes
                    .iter()
                    .map(move |size| format!("{name}.{}", if *name == "p5" { "48xlarge" } else { size }))
            })
            .collect();
        let letters = |name: &str| name.chars().take_while(char::is_ascii_alphabetic).collect::<String>();
        let mut categories: Vec<String> = names.iter().map(|name| letters(name)).collect();
        categories.dedup();
        let mut entries = match form {
            0 => vec![entry("instance_family", texts(names))],
            1 => vec![entry("instance_category", texts(categories))],
            2 => vec![entry("instance_type", texts(types)), entry("instance_family", texts(names))],
            3 => vec![entry("instance_category", texts(categories)), entry("instance_family", texts(names))],
            _ => vec![entry("instance_type", texts(types))],
        };
        if architecture == "arm64" {
            entries.push(entry("architecture", text("arm64")));
        }
        entries
    })
}

fn taints() -> impl Strategy<Value = Node> {
    let effect = select(vec![None, Some("NoSchedule"), Some("PreferNoSchedule"), Some("NoExecute")]);
    let value = of(select(vec!["ml", "1", ""]));
    let keys = select(vec!["team", "example.com/batch", "x"]);
    vec((keys, value, effect), 0..3).prop_map(|taints| {
        let mut seen = Vec::new();
        let mut items = Vec::new();
        for (key, value, effect) in taints {
            let mark = (key, effect.unwrap_or("NoSchedule"));
            if !seen.contains(&mark) {
                seen.push(mark);
                let rest = optional([("value", value.map(text)), ("effect", effect.map(text))]);
                items.push(Node::Map([vec![entry("key", text(key))], rest].concat()));
            }
        }
        Node::List(items)
    })
}

fn labels() -> impl Strategy<Value = Node> {
    let label = (select(vec!["team", "example.com/kind", "zone-1"]), "[a-z0-9]{0,8}");
    vec(label, 0..3).prop_map(|labels| {
        let mut entries = Entries::new();
        for (key, value) in labels {
            if entries.iter().all(|(other, _)| other != key) {
                entries.push(entry(key, text(value)));
            }
        }
        Node::Map(entries)
    })
}

pub(super) fn server() -> impl Strategy<Value = Entries> {
    let host = prop_oneof![
        3 => Just("skypilot.example.com".to_owned()),
        1 => "[a-z][a-z0-9]{0,8}(\\.[a-z][a-z0-9-]{0,8}[a-z0-9]){1,3}",
    ];
    let rest = (
        weighted(0.3, word(&["admin", "user", "viewer"])),
        weighted(0.3, word(&["ops@example.com", "Ops+sky@acme.io"])),
        weighted(0.3, any::<bool>().prop_map(plain)),
        weighted(0.3, any::<bool>().prop_map(plain)),
    );
    (host, rest).prop_map(|(host, (role, admin, vms, overview))| {
        let rest = optional([
            ("default_user_role", role),
            ("admin_email", admin),
            ("aws_vms", vms),
            ("gpu_overview", overview),
        ]);
        [vec![entry("ingress_host", text(host))], rest].concat()
    })
}

pub(super) fn tenants(size: Size) -> impl Strategy<Value = Vec<Tenant>> {
    vec(tenant(), 0..=size.tenants).prop_map(|tenants| unique(tenants, |tenant| &tenant.name))
}

const POLICIES: &[&str] = &[
    "AmazonS3ReadOnlyAccess",
    "AmazonS3FullAccess",
    "AmazonEC2ContainerRegistryReadOnly",
    "job-function/ViewOnlyAccess",
];

/// Any tenant.
pub(crate) fn tenant() -> impl Strategy<Value = Tenant> {
    let reserved = ["skypilot", "karpenter", "tailscale", "aws-observability", "default"];
    let name = prop_oneof![
        6 => select(vec!["team-a", "team-b", "b", "0"]).prop_map(str::to_owned),
        2 => "[a-z][a-z0-9-]{0,12}[a-z0-9]",
        1 => "[a-z]{50,63}",
    ];
    let name = name.prop_filter("it is reserved", move |name| {
        !reserved.contains(&name.as_str()) && !name.starts_with("kube-") && !name.starts_with("skypilot-")
    });
    let policies = vec(select(POLICIES), 0..=3)
        .prop_map(|names| texts(names.iter().map(|name| format!("arn:aws:iam::aws:policy/{name}"))));
    let quota =
        subsequence(vec![("requests.cpu", "64"), ("pods", "10"), ("requests.nvidia.com/gpu", "8")], 0..=3)
            .prop_map(|lines| {
                Node::Map(lines.into_iter().map(|(key, value)| entry(key, text(value))).collect())
            });
    let users = subsequence(vec!["ann@acme.io", "bo@acme.io"], 0..=2).prop_map(texts);
    let role = Just(text(format!("arn:aws:iam::{ACCOUNT}:role/Tenant")));
    let rest = (weighted(0.2, role), weighted(0.4, users), weighted(0.3, policies), weighted(0.3, quota));
    (name, rest).prop_map(|(name, (role, users, policies, quota))| {
        let settings = optional([
            ("user_role_arn", role),
            ("allowed_users", users),
            ("policies", policies),
            ("quota", quota),
        ]);
        Tenant { name, settings }
    })
}

fn unique<T>(items: Vec<T>, name: impl Fn(&T) -> &String) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for item in items {
        if kept.iter().all(|other| name(other) != name(&item)) {
            kept.push(item);
        }
    }
    kept
}
