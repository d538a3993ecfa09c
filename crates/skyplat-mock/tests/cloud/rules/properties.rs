//! What holds for any order of calls.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use proptest::prelude::*;
use proptest::sample::Index;
use skyplat_core::executor::ErrorKind;
use skyplat_core::tree;
use skyplat_mock::world::{Thing, World};
use skyplat_mock::{Catalogue, MockCloud, MockOptions, Quotas};

use crate::support::lab::{Ask, Lab, WEST, ask, small_world};

/// Runs a future on a paused clock.
fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime can be made").block_on(future)
}

/// What may be deleted at all, and what is in the way of each: nothing here is read off the rules.
const USED_BY: &[(&str, &[&str])] = &[
    ("association", &[]),
    ("attachment", &[]),
    ("cluster", &["profile"]),
    ("domain", &[]),
    ("eip", &["nat"]),
    ("far", &["peering"]),
    ("fs", &["mount"]),
    ("group", &["mount", "rule-on-other"]),
    ("igw", &["nat"]),
    ("mount", &[]),
    ("nat", &[]),
    ("other-group", &[]),
    ("peering", &[]),
    ("pod-role", &[]),
    ("policy", &["attachment"]),
    ("pool", &["domain"]),
    ("private-a", &["cluster", "mount", "profile"]),
    ("private-b", &["cluster"]),
    ("profile", &[]),
    ("public-a", &["nat"]),
    ("queue", &[]),
    ("record", &[]),
    ("role", &["attachment"]),
    ("rule-on-other", &[]),
    ("spare", &[]),
    ("table", &["association"]),
    ("twin", &["twin-group", "twin-table"]),
    ("twin-group", &[]),
    ("twin-table", &[]),
    ("vpc", &["group", "igw", "other-group", "peering", "private-a", "private-b", "public-a", "table"]),
    ("zone", &["record"]),
];

/// What goes along with something else.
const GOES_WITH: &[(&str, &str)] = &[("association", "private-a"), ("rule-on-other", "other-group")];

async fn full_world() -> Lab {
    let mut lab = small_world().await;
    let inputs = tree!({ "role_name": "role", "policy_arn": (lab.output("policy", "arn")) });
    lab.make("attachment", ask("iam.policy_attachment", "", inputs)).await;
    let inputs = tree!({
        "cluster_name": "c", "fargate_profile_name": "p", "pod_execution_role_arn": (lab.output("pod-role", "arn")),
        "subnets": [(lab.id("private-a"))], "selectors": [{ "namespace": "x" }],
    });
    lab.make("profile", ask("eks.fargate_profile", WEST, inputs)).await;
    let inputs = tree!({ "domain": "sp0123", "user_pool_id": (lab.id("pool")) });
    lab.make("domain", ask("cognito.user_pool_domain", WEST, inputs)).await;
    let inputs = tree!({
        "group_id": (lab.id("other-group")), "direction": "ingress", "ip_protocol": "-1", "description": "x",
        "referenced_group_id": (lab.id("group")),
    });
    lab.make("rule-on-other", ask("ec2.security_group_rule", WEST, inputs)).await;
    let inputs = tree!({ "hosted_zone_id": (lab.id("zone")), "name": "sky.example.com", "type": "A" });
    lab.make("record", ask("route53.record_set", "", inputs)).await;
    lab
}

/// Deletes in one order, and again, until all is gone. What something alive uses must be refused and stay.
async fn delete_in(lab: &Lab, order: &[&str]) {
    let mut there: BTreeSet<&str> = USED_BY.iter().map(|(name, _)| *name).collect();
    let users: BTreeMap<&str, &[&str]> = USED_BY.iter().copied().collect();
    for round in 0.. {
        assert!(round < USED_BY.len(), "it does not come to an end: {there:?}");
        for name in order {
            if !there.contains(name) {
                continue;
            }
            let in_the_way: Vec<_> = users[name].iter().filter(|user| there.contains(*user)).collect();
            let uid = &lab.record(name).uid;
            match lab.delete(name).await {
                Ok(_) => {
                    assert!(in_the_way.is_empty(), "{name} went although {in_the_way:?} used it");
                    there.remove(name);
                    for (child, of) in GOES_WITH {
                        if of == name {
                            there.remove(child);
                        }
                    }
                    assert!(lab.cloud.world().get(uid).is_none(), "{name} is gone");
                }
                Err(error) => {
                    assert_eq!(error.kind, ErrorKind::DependencyViolation, "{name}: {error}");
                    assert!(!in_the_way.is_empty(), "{name} stays although nothing uses it: {error}");
                    assert!(lab.cloud.world().get(uid).is_some(), "{name} is refused and stays");
                }
            }
        }
        if there.is_empty() {
            return;
        }
    }
}

fn orders() -> impl Strategy<Value = Vec<&'static str>> {
    let names: Vec<&'static str> = USED_BY.iter().map(|(name, _)| *name).collect();
    Just(names).prop_shuffle()
}

/// A block of 10.0.0.0/14, of which the VPC 10.1.0.0/16 is a quarter: first address and prefix.
fn blocks() -> impl Strategy<Value = (u32, u8)> {
    (any::<u32>(), 17_u8..=28).prop_map(|(address, prefix)| {
        let address = (10 << 24) | (address & 0x0003_ffff);
        (address & (u32::MAX << (32 - prefix)), prefix)
    })
}

fn last(block: (u32, u8)) -> u32 {
    block.0 | (u32::MAX >> block.1)
}

fn overlap(one: (u32, u8), other: (u32, u8)) -> bool {
    one.0 <= last(other) && other.0 <= last(one)
}

/// Makes subnets one after another; returns those that were made.
async fn subnets(blocks: &[(u32, u8)]) -> Vec<(u32, u8)> {
    let mut lab = Lab::new(MockCloud::in_memory(MockOptions::default()));
    lab.make("vpc", ask("ec2.vpc", WEST, tree!({ "cidr_block": "10.1.0.0/16" }))).await;
    let mut made: Vec<(u32, u8)> = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        let cidr = format!("{}/{}", std::net::Ipv4Addr::from(block.0), block.1);
        let inputs =
            tree!({ "vpc_id": (lab.id("vpc")), "cidr_block": cidr, "availability_zone": "us-west-2a" });
        let result = lab.try_make(&format!("subnet-{at}"), ask("ec2.subnet", WEST, inputs)).await;
        let inside = block.0 >> 16 == (10 << 8) | 1;
        let free = made.iter().all(|other| !overlap(*other, *block));
        assert_eq!(result.is_ok(), inside && free, "{cidr} beside {made:?}: {result:?}");
        if result.is_ok() {
            made.push(*block);
        }
    }
    made
}

/// One of the things that can be tried in a small network with few of everything.
#[derive(Debug, Clone)]
enum Try {
    Address,
    Gateway(Index, Index),
    Table,
    Associate(Index, Index),
    Route(Index, u8),
    Delete(Index),
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = prop_oneof![
        2 => Just(Try::Address),
        3 => any::<(Index, Index)>().prop_map(|(subnet, address)| Try::Gateway(subnet, address)),
        2 => Just(Try::Table),
        3 => any::<(Index, Index)>().prop_map(|(subnet, table)| Try::Associate(subnet, table)),
        3 => any::<(Index, u8)>().prop_map(|(table, to)| Try::Route(table, to % 5)),
        4 => any::<Index>().prop_map(Try::Delete),
    ];
    proptest::collection::vec(one, 10..60)
}

/// Returns the values of a field that more than one thing of a kind has.
fn twice(world: &World, kind: &str, key: impl Fn(&Thing) -> Option<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    world.of_kind(kind).filter_map(key).filter(|value| !seen.insert(value.clone())).collect()
}

const FEW: usize = 3;

/// Holds a world against what no order of calls may lead to.
fn sound(world: &World) {
    let text = |field: &'static str| move |thing: &Thing| thing.text(field).map(str::to_owned);
    assert_eq!(
        twice(world, "ec2.nat_gateway", text("allocation_id")),
        [""; 0],
        "an address serves one gateway"
    );
    let associated = twice(world, "ec2.route_table_association", text("subnet_id"));
    assert_eq!(associated, [""; 0], "a subnet has one table");
    let route = |thing: &Thing| {
        Some(format!("{:?} {:?}", thing.text("route_table_id"), thing.text("destination_cidr_block")))
    };
    assert_eq!(twice(world, "ec2.route", route), [""; 0], "a table has one route to a destination");
    for kind in ["ec2.eip", "ec2.route_table", "ec2.nat_gateway"] {
        assert!(world.of_kind(kind).count() <= FEW, "{kind} is within its quota");
    }
    for table in world.of_kind("ec2.route_table") {
        let routes =
            world.of_kind("ec2.route").filter(|route| route.text("route_table_id") == Some(&table.id));
        assert!(routes.count() <= FEW, "{} is within its quota", table.id);
    }
    // Nothing names what is gone, but for routes, which turn into black holes.
    for thing in world.things().filter(|thing| thing.kind.as_str() != "ec2.route") {
        for field in ["vpc_id", "subnet_id", "allocation_id", "route_table_id"] {
            let there = thing.text(field).is_none_or(|id| world.with_id(id).next().is_some());
            assert!(there, "{} names {field}, which is gone", thing.id);
        }
    }
}

async fn anything(tries: Vec<Try>) {
    let quotas = Quotas {
        eips_per_region: FEW,
        route_tables_per_vpc: FEW,
        routes_per_table: FEW,
        nat_gateways_per_zone: FEW,
        ..Quotas::default()
    };
    let catalogue = Catalogue { quotas, ..Catalogue::default() };
    let mut lab = Lab::new(MockCloud::in_memory(MockOptions { catalogue, ..MockOptions::default() }));
    lab.make("vpc", ask("ec2.vpc", WEST, tree!({ "cidr_block": "10.1.0.0/16" }))).await;
    lab.make("igw", ask("ec2.internet_gateway", WEST, tree!({ "vpc_id": (lab.id("vpc")) }))).await;
    for at in 0..3 {
        let cidr = format!("10.1.{at}.0/24");
        let inputs =
            tree!({ "vpc_id": (lab.id("vpc")), "cidr_block": cidr, "availability_zone": "us-west-2a" });
        lab.make(&format!("subnet-{at}"), ask("ec2.subnet", WEST, inputs)).await;
    }
    for (at, one) in tries.into_iter().enumerate() {
        let world = lab.cloud.world();
        let pick = |kind: &str, index: &Index| -> String {
            let ids: Vec<&str> = world.of_kind(kind).map(|thing| thing.id.as_str()).collect();
            if ids.is_empty() { "none".to_owned() } else { index.get(&ids).to_string() }
        };
        let wanted: Ask = match &one {
            Try::Address => ask("ec2.eip", WEST, tree!({ "domain": "vpc" })),
            Try::Table => ask("ec2.route_table", WEST, tree!({ "vpc_id": (lab.id("vpc")) })),
            Try::Gateway(subnet, address) => ask(
                "ec2.nat_gateway",
                WEST,
                tree!({
                    "subnet_id": (pick("ec2.subnet", subnet)), "allocation_id": (pick("ec2.eip", address)),
                }),
            ),
            Try::Associate(subnet, table) => ask(
                "ec2.route_table_association",
                WEST,
                tree!({
                    "subnet_id": (pick("ec2.subnet", subnet)), "route_table_id": (pick("ec2.route_table", table)),
                }),
            ),
            Try::Route(table, to) => ask(
                "ec2.route",
                WEST,
                tree!({
                    "route_table_id": (pick("ec2.route_table", table)), "destination_cidr_block": (format!("10.{}.0.0/16", 50 + to)),
                    "gateway_id": (lab.id("igw")),
                }),
            ),
            Try::Delete(index) => {
                let names: Vec<String> = lab.made.keys().cloned().collect();
                let before = world.len();
                let result = lab.delete(index.get(&names[..]).as_str()).await;
                assert!(result.is_ok() || lab.cloud.world().len() == before, "a refused delete does nothing");
                sound(&lab.cloud.world());
                continue;
            }
        };
        let before = world.len();
        // Most are refused, some are made; either is fine as long as the world stays sound.
        let result = lab.try_make(&format!("try-{at}"), wanted).await;
        assert_eq!(lab.cloud.world().len(), before + usize::from(result.is_ok()), "{one:?}: {result:?}");
        sound(&lab.cloud.world());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_goes_while_something_uses_it_whatever_the_order(order in orders()) {
        run(async { delete_in(&full_world().await, &order).await });
    }

    #[test]
    fn no_two_subnets_overlap_and_what_fits_is_made(blocks in proptest::collection::vec(blocks(), 1..40)) {
        let made = run(subnets(&blocks));
        for (at, one) in made.iter().enumerate() {
            prop_assert!(made[at + 1..].iter().all(|other| !overlap(*one, *other)));
        }
    }

    #[test]
    fn any_calls_leave_a_network_sound(tries in tries()) {
        run(anything(tries));
    }
}
