//! The generator: whole configurations, valid by construction.
//!
//! A [`Platform`] is what one file says, in a form that properties can edit: spokes come and go, tenants are added, lists
//! are turned around. What a region, a pool or a tenant holds beside its name is kept as it is written. A configuration
//! that is refused all the same must be refused by the parser or by lowering, with an error and not a panic; how many
//! are is counted, so that a generator that no longer fits the configuration is noticed.

use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use crate::yaml::{Dice, Entries, Node, Style, entry, plain, text, texts, write};

/// What one file says.
#[derive(Debug, Clone)]
pub(crate) struct Platform {
    /// The prefix of the keys below `config:`; none for the plain shape.
    pub(crate) stack_file: Option<&'static str>,
    pub(crate) shape: Shape,
    /// Settings of the whole platform.
    pub(crate) settings: Entries,
}

#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Starter { region: &'static str, cidr: Option<&'static str>, pools: Vec<Pool> },
    MultiRegion { regions: Vec<Area>, pools: Vec<Pool> },
    HubAndSpoke { hub: Box<Hub>, spokes: Vec<Spoke> },
}

/// A region and its own settings.
#[derive(Debug, Clone)]
pub(crate) struct Area {
    pub(crate) region: &'static str,
    pub(crate) settings: Entries,
}

#[derive(Debug, Clone)]
pub(crate) struct Hub {
    pub(crate) area: Area,
    pub(crate) pools: Vec<Pool>,
    /// Settings of the server.
    pub(crate) server: Entries,
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) has_router: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Spoke {
    pub(crate) area: Area,
    pub(crate) pools: Vec<Pool>,
    pub(crate) tenants: Vec<Tenant>,
}

#[derive(Debug, Clone)]
pub(crate) struct Pool {
    pub(crate) name: String,
    pub(crate) settings: Entries,
}

#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) name: String,
    pub(crate) settings: Entries,
}

/// How large configurations get.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) spokes: usize,
    pub(crate) pools: usize,
    pub(crate) tenants: usize,
}

impl Size {
    /// As large as anyone has asked for.
    pub(crate) const FULL: Self = Self { spokes: 12, pools: 4, tenants: 4 };
    /// For properties that run the platform.
    pub(crate) const SMALL: Self = Self { spokes: 2, pools: 2, tenants: 2 };
}

/// The regions of the commercial partition, with the letters of the zones that a cluster can use.
const REGIONS: &[(&str, &str)] = &[
    ("us-west-2", "abcd"),
    ("us-east-1", "abcdf"),
    ("eu-west-1", "abc"),
    ("eu-central-1", "abc"),
    ("us-east-2", "abc"),
    ("us-west-1", "abd"),
    ("eu-west-2", "abc"),
    ("eu-west-3", "abc"),
    ("eu-north-1", "abc"),
    ("eu-south-1", "abc"),
    ("ap-southeast-1", "abc"),
    ("ap-southeast-2", "abc"),
    ("ap-northeast-1", "acd"),
    ("ap-northeast-2", "abc"),
    ("ap-south-1", "abc"),
    ("ap-east-1", "abc"),
    ("ca-central-1", "abd"),
    ("ca-west-1", "abc"),
    ("sa-east-1", "abc"),
    ("me-central-1", "abc"),
    ("af-south-1", "abc"),
    ("il-central-1", "abc"),
    ("mx-central-1", "abc"),
];

const ACCOUNT: &str = "123456789012";

impl Platform {
    /// Writes the file.
    pub(crate) fn yaml(&self, style: Style) -> String {
        write(&self.node(), style)
    }

    /// Returns the file plainly written.
    pub(crate) fn plain(&self) -> String {
        self.yaml(Style::PLAIN)
    }

    fn node(&self) -> Node {
        let mut entries = match &self.shape {
            Shape::Starter { region, cidr, pools } => {
                let mut entries =
                    vec![entry("region", text(*region)), entry("node_pools", pools_node(pools))];
                entries.extend(cidr.map(|cidr| entry("cidr", text(cidr))));
                entries
            }
            Shape::MultiRegion { regions, pools } => {
                let item = |area: &Area| match area.settings.as_slice() {
                    [] => text(area.region),
                    _ => Node::Map(area.entries()),
                };
                vec![
                    entry("regions", Node::List(regions.iter().map(item).collect())),
                    entry("node_pools", pools_node(pools)),
                ]
            }
            Shape::HubAndSpoke { hub, spokes } => {
                let spokes = spokes.iter().map(|spoke| Node::Map(spoke.entries())).collect();
                vec![entry("hub", Node::Map(hub.entries())), entry("spokes", Node::List(spokes))]
            }
        };
        entries.extend(self.settings.iter().cloned());
        match self.stack_file {
            None => Node::Map(entries),
            Some(prefix) => {
                let key = |(key, value): (String, Node)| (format!("{prefix}:{key}"), value);
                Node::Map(vec![entry("config", Node::Map(entries.into_iter().map(key).collect()))])
            }
        }
    }

    /// Returns a setting of the whole platform.
    pub(crate) fn setting(&self, key: &str) -> Option<&Node> {
        self.settings.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Gives a setting of the whole platform another value, or removes it.
    #[must_use]
    pub(crate) fn with(&self, key: &str, value: Option<Node>) -> Self {
        let mut other = self.clone();
        other.settings.retain(|(name, _)| name != key);
        other.settings.extend(value.map(|value| entry(key, value)));
        other
    }

    /// The same platform with every list of named things turned around.
    #[must_use]
    pub(crate) fn turned_around(&self) -> Self {
        let mut other = self.clone();
        match &mut other.shape {
            Shape::Starter { pools, .. } => pools.reverse(),
            Shape::MultiRegion { regions, pools } => {
                regions.reverse();
                pools.reverse();
            }
            Shape::HubAndSpoke { hub, spokes } => {
                hub.pools.reverse();
                hub.tenants.reverse();
                spokes.reverse();
                for spoke in spokes {
                    spoke.pools.reverse();
                    spoke.tenants.reverse();
                }
            }
        }
        other
    }
}

impl Area {
    fn entries(&self) -> Entries {
        let mut entries = vec![entry("region", text(self.region))];
        entries.extend(self.settings.iter().cloned());
        entries
    }
}

impl Hub {
    fn entries(&self) -> Entries {
        let region = self.area.region;
        let certificate = format!("arn:aws:acm:{region}:{ACCOUNT}:certificate/0f1e2d3c");
        let mut server = vec![entry("ingress_ssl_cert_arn", text(certificate))];
        server.extend(self.server.iter().cloned());
        server.push(entry("data_planes", tenants_node(&self.tenants)));
        let mut entries = self.area.entries();
        entries.push(entry("node_pools", pools_node(&self.pools)));
        entries.push(entry("skypilot", Node::Map(server)));
        if self.has_router {
            let secret = format!("arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:tailscale-1a2b3c");
            entries.push(entry("tailscale", Node::Map(vec![entry("oauth_secret_arn", text(secret))])));
        }
        entries
    }
}

impl Spoke {
    fn entries(&self) -> Entries {
        let mut entries = self.area.entries();
        entries.push(entry("node_pools", pools_node(&self.pools)));
        let tenants = vec![entry("data_planes", tenants_node(&self.tenants))];
        entries.push(entry("skypilot", Node::Map(tenants)));
        entries
    }
}

fn named(name: &str, settings: &Entries) -> Node {
    let mut entries = vec![entry("name", text(name))];
    entries.extend(settings.iter().cloned());
    Node::Map(entries)
}

fn pools_node(pools: &[Pool]) -> Node {
    Node::List(pools.iter().map(|pool| named(&pool.name, &pool.settings)).collect())
}

fn tenants_node(tenants: &[Tenant]) -> Node {
    Node::List(tenants.iter().map(|tenant| named(&tenant.name, &tenant.settings)).collect())
}

/// Any platform up to a size.
pub(crate) fn platform(size: Size) -> impl Strategy<Value = Platform> {
    let stack_file = weighted(0.3, select(vec!["sp", "ml-platform"]));
    (stack_file, shape(size), settings()).prop_map(|(stack_file, shape, settings)| {
        let has_hub = matches!(shape, Shape::HubAndSpoke { .. });
        let is_mesh = matches!(shape, Shape::MultiRegion { .. });
        let mut settings = settings;
        // What only some shapes take, and what a hub cannot be without.
        settings
            .retain(|(key, value)| key != "topology" || has_hub || (is_mesh && *value == text("full_mesh")));
        if has_hub {
            for (key, value) in &mut settings {
                if let (true, Node::Map(addons)) = (key == "addons", value) {
                    addons.retain(|(name, _)| name != "ebs_csi" && name != "aws_load_balancer_controller");
                }
            }
        }
        Platform { stack_file, shape, settings }
    })
}

/// A hub with spokes, or a hub alone.
pub(crate) fn hub_and_spoke(size: Size) -> impl Strategy<Value = Platform> {
    platform(size).prop_filter("only hubs", |platform| matches!(platform.shape, Shape::HubAndSpoke { .. }))
}

fn shape(size: Size) -> impl Strategy<Value = Shape> {
    let starter =
        (select(REGIONS), of(select(vec!["10.0.0.0/16", "10.77.0.0/18", "192.168.4.0/22"])), pools(size))
            .prop_map(|((region, _), cidr, pools)| Shape::Starter { region, cidr, pools });
    let mesh = (vec(area(), 1..=size.spokes.max(1)), pools(size))
        .prop_map(|(regions, pools)| Shape::MultiRegion { regions: distinct(regions), pools });
    let hub = (area(), pools(size), server(), tenants(size), any::<bool>()).prop_map(
        |(area, pools, server, tenants, has_router)| Hub { area, pools, server, tenants, has_router },
    );
    let spoke = (area(), pools(size), tenants(size)).prop_map(|(area, pools, tenants)| Spoke {
        area,
        pools,
        tenants,
    });
    let hub_and_spoke = (hub, vec(spoke, 0..=size.spokes)).prop_map(|(mut hub, spokes)| {
        let mut areas = vec![hub.area.clone()];
        areas.extend(spokes.iter().map(|spoke| spoke.area.clone()));
        let areas = distinct(areas);
        hub.area = areas[0].clone();
        let mut kept: Vec<Spoke> = Vec::new();
        for spoke in spokes {
            let area = areas[1..].iter().find(|area| area.region == spoke.area.region);
            if let Some(area) = area.filter(|area| kept.iter().all(|other| other.area.region != area.region))
            {
                kept.push(Spoke { area: area.clone(), ..spoke });
            }
        }
        Shape::HubAndSpoke { hub: Box::new(hub), spokes: kept }
    });
    prop_oneof![1 => starter, 2 => mesh, 5 => hub_and_spoke]
}

/// Leaves each region in once, and gives the nth its own of the ranges that were asked for.
fn distinct(areas: Vec<Area>) -> Vec<Area> {
    let mut kept: Vec<Area> = Vec::new();
    for mut area in areas {
        let at = kept.len();
        if kept.iter().any(|other| other.region == area.region) {
            continue;
        }
        for (key, value) in &mut area.settings {
            if let (true, Node::Text(range)) = (key == "cidr", value) {
                *range = match range.as_str() {
                    "10/16" => format!("10.{}.0.0/16", 201 + at),
                    "10/19" => format!("10.{}.32.0/19", 221 + at),
                    "172/20" => format!("172.31.{}.0/20", 16 * at),
                    _ => format!("192.168.{}.0/22", 4 * at),
                };
            }
        }
        kept.push(area);
    }
    kept
}

fn area() -> impl Strategy<Value = Area> {
    let region = select(REGIONS);
    region.prop_flat_map(|(region, letters)| {
        let letters: Vec<char> = letters.chars().collect();
        let names = subsequence(letters, 2..=3)
            .prop_map(move |letters| texts(letters.iter().map(|letter| format!("{region}{letter}"))));
        let zones = prop_oneof![count(2, 4), names];
        let range = select(vec!["10/16", "10/19", "172/20", "192/22"]).prop_map(text);
        let settings = (
            weighted(0.2, range),
            weighted(0.3, zones),
            weighted(0.2, word(&["one", "per_az"])),
            weighted(0.2, word(&["public", "private"])),
            weighted(0.2, ranges()),
            weighted(0.1, roles()),
        );
        settings.prop_map(move |(cidr, zones, nat, endpoint, access, admins)| {
            let settings = optional([
                ("cidr", cidr),
                ("availability_zones", zones),
                ("nat", nat),
                ("endpoint", endpoint),
                ("public_access_cidrs", access),
                ("cluster_admins", admins),
            ]);
            Area { region, settings }
        })
    })
}

/// Settings of the whole platform.
fn settings() -> impl Strategy<Value = Entries> {
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

fn optional<const N: usize>(entries: [(&str, Option<Node>); N]) -> Entries {
    entries.into_iter().filter_map(|(key, value)| Some(entry(key, value?))).collect()
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = Node> {
    select(words).prop_map(text)
}

fn count(from: u64, to: u64) -> BoxedStrategy<Node> {
    (from..=to).prop_map(plain).boxed()
}

fn ranges() -> impl Strategy<Value = Node> {
    subsequence(vec!["203.0.113.0/24", "198.51.100.7/32", "0.0.0.0/0"], 1..=2).prop_map(texts)
}

fn roles() -> impl Strategy<Value = Node> {
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

fn pools(size: Size) -> impl Strategy<Value = Vec<Pool>> {
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

fn server() -> impl Strategy<Value = Entries> {
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

fn tenants(size: Size) -> impl Strategy<Value = Vec<Tenant>> {
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

/// A way to write a file.
pub(crate) fn style() -> impl Strategy<Value = Style> {
    any::<u64>().prop_map(|seed| Style(Some(seed)))
}
