//! The generator: whole configurations, valid by construction.
//!
//! A [`Platform`] is what one file says, in a form that properties can edit: spokes come and go, tenants are added, lists
//! are turned around. What a region, a pool or a tenant holds beside its name is kept as it is written. A configuration
//! that is refused all the same must be refused by the parser or by lowering, with an error and not a panic; how many
//! are is counted, so that a generator that no longer fits the configuration is noticed.

mod settings;

use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

pub(crate) use settings::tenant;
use settings::{count, optional, pools, ranges, roles, server, settings, tenants, word};

use crate::yaml::{Entries, Node, Style, entry, text, texts, write};

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

/// A way to write a file.
pub(crate) fn style() -> impl Strategy<Value = Style> {
    any::<u64>().prop_map(|seed| Style(Some(seed)))
}
