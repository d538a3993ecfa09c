//! EC2.

use skyplat_core::executor::ErrorKind;
use skyplat_core::tree;
use skyplat_core::value::Tree;

use super::{Case, case, hold};
use crate::support::lab::{EAST, Lab, WEST, ask, small_world};

fn subnet(lab: &Lab, cidr: &str, zone: &str) -> Tree {
    tree!({ "vpc_id": (lab.id("vpc")), "cidr_block": cidr, "availability_zone": zone })
}

#[tokio::test(start_paused = true)]
async fn networks() {
    let lab = small_world().await;
    let vpc = |cidr: &str| tree!({ "cidr_block": cidr });
    let good = subnet(&lab, "10.1.128.0/18", "us-west-2c");
    let elsewhere =
        tree!({ "vpc_id": (lab.id("far")), "cidr_block": "10.2.0.0/24", "availability_zone": "us-west-2c" });
    let nowhere = tree!({
        "vpc_id": "vpc-00000000000000000", "cidr_block": "10.1.128.0/18", "availability_zone": "us-west-2c",
    });
    hold(
        &lab,
        vec![
            case(
                "a VPC is between /16 and /28",
                "InvalidVpc.Range",
                "ec2.vpc",
                WEST,
                vpc("10.0.0.0/8"),
                vpc("10.0.0.0/16"),
            ),
            case("a VPC must exist", "InvalidVpcID.NotFound", "ec2.subnet", WEST, nowhere, good.clone()),
            case(
                "a VPC is of the region",
                "InvalidVpcID.NotFound",
                "ec2.subnet",
                WEST,
                elsewhere,
                good.clone(),
            ),
            case(
                "a subnet is inside its VPC",
                "InvalidSubnet.Range",
                "ec2.subnet",
                WEST,
                subnet(&lab, "10.9.0.0/24", "us-west-2c"),
                good.clone(),
            ),
            case(
                "subnets do not overlap",
                "InvalidSubnet.Conflict",
                "ec2.subnet",
                WEST,
                subnet(&lab, "10.1.32.0/24", "us-west-2c"),
                good.clone(),
            ),
            case(
                "a zone is of the region",
                "InvalidParameterValue",
                "ec2.subnet",
                WEST,
                subnet(&lab, "10.1.128.0/18", "us-east-1a"),
                good.clone(),
            ),
            case(
                "a zone is open to the account",
                "InvalidParameterValue",
                "ec2.subnet",
                WEST,
                subnet(&lab, "10.1.128.0/18", "us-west-2-lax-1b"),
                good.clone(),
            ),
            Case {
                rule: "a region exists",
                code: "InvalidRegion",
                bad: ask("ec2.vpc", "us-west-9", vpc("10.0.0.0/16")),
                good: ask("ec2.vpc", EAST, vpc("10.0.0.0/16")),
            },
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn gateways_and_routes() {
    let mut lab = small_world().await;
    let inputs =
        tree!({ "vpc_id": (lab.id("twin")), "cidr_block": "10.1.0.0/24", "availability_zone": "us-west-2a" });
    lab.make("twin-subnet", ask("ec2.subnet", WEST, inputs)).await;
    let nat = |subnet: &str, address: &str| tree!({ "subnet_id": (lab.id(subnet)), "allocation_id": (lab.id(address)) });
    let route = |table: &str, to: &str, field: &str, target: &str| tree!({ "route_table_id": (lab.id(table)), "destination_cidr_block": to, field: (lab.id(target)) });
    let associate = |subnet: &str, table: &str| tree!({ "subnet_id": (lab.id(subnet)), "route_table_id": (lab.id(table)) });
    let mut both = route("table", "0.0.0.0/0", "nat_gateway_id", "nat");
    both.set("gateway_id", tree!((lab.id("igw"))));
    let to_internet = route("table", "0.0.0.0/0", "nat_gateway_id", "nat");
    let endpoint = |service: &str| {
        tree!({
            "vpc_id": (lab.id("vpc")), "service_name": service, "vpc_endpoint_type": "Gateway", "route_table_ids": [(lab.id("table"))],
        })
    };
    hold(
        &lab,
        vec![
            case(
                "an address serves one gateway",
                "Resource.AlreadyAssociated",
                "ec2.nat_gateway",
                WEST,
                nat("public-a", "eip"),
                nat("public-a", "spare"),
            ),
            case(
                "a NAT gateway needs an internet gateway",
                "Gateway.NotAttached",
                "ec2.nat_gateway",
                WEST,
                nat("twin-subnet", "spare"),
                nat("public-a", "spare"),
            ),
            case(
                "a route has one target",
                "InvalidParameterCombination",
                "ec2.route",
                WEST,
                both,
                to_internet.clone(),
            ),
            case(
                "table and target are of one network",
                "InvalidParameterValue",
                "ec2.route",
                WEST,
                route("twin-table", "0.0.0.0/0", "gateway_id", "igw"),
                route("table", "0.0.0.0/0", "gateway_id", "igw"),
            ),
            case(
                "the local route stays",
                "InvalidParameterValue",
                "ec2.route",
                WEST,
                route("table", "10.1.0.0/16", "nat_gateway_id", "nat"),
                to_internet,
            ),
            case(
                "table and subnet are of one network",
                "InvalidParameterValue",
                "ec2.route_table_association",
                WEST,
                associate("private-b", "twin-table"),
                associate("private-b", "table"),
            ),
            case(
                "an endpoint leads to its own region",
                "InvalidServiceName",
                "ec2.vpc_endpoint",
                WEST,
                endpoint("com.amazonaws.us-east-1.s3"),
                endpoint("com.amazonaws.us-west-2.s3"),
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn peerings() {
    let mut lab = small_world().await;
    let id = lab.id("peering");
    let peer = |from: &str, to: &str, region: &str| tree!({ "vpc_id": (lab.id(from)), "peer_vpc_id": (lab.id(to)), "peer_region": region });
    let acceptance = tree!({ "vpc_peering_connection_id": id });
    hold(
        &lab,
        vec![
            case(
                "overlapping ranges are not peered",
                "InvalidParameterValue",
                "ec2.vpc_peering",
                WEST,
                peer("vpc", "twin", WEST),
                peer("twin", "far", EAST),
            ),
            case(
                "two VPCs have one connection",
                "VpcPeeringConnectionAlreadyExists",
                "ec2.vpc_peering",
                WEST,
                peer("vpc", "far", EAST),
                peer("twin", "far", EAST),
            ),
            case(
                "the peer is in its region",
                "InvalidVpcID.NotFound",
                "ec2.vpc_peering",
                WEST,
                peer("twin", "far", "eu-west-1"),
                peer("twin", "far", EAST),
            ),
            Case {
                rule: "the accepter's side accepts",
                code: "OperationNotPermitted",
                bad: ask("ec2.vpc_peering_acceptance", WEST, acceptance.clone()),
                good: ask("ec2.vpc_peering_acceptance", EAST, acceptance.clone()),
            },
            Case {
                rule: "no third region sees a connection",
                code: "InvalidVpcPeeringConnectionID.NotFound",
                bad: ask("ec2.vpc_peering_acceptance", "eu-west-1", acceptance.clone()),
                good: ask("ec2.vpc_peering_acceptance", EAST, acceptance.clone()),
            },
        ],
    )
    .await;

    let options = tree!({
        "vpc_peering_connection_id": id,
        "requester_peering_connection_options": { "allow_dns_resolution_from_remote_vpc": true },
    });
    let route = tree!({
        "route_table_id": (lab.id("table")), "destination_cidr_block": "10.2.0.0/16", "vpc_peering_connection_id": id,
    });
    let mut early = lab.fork();
    for (kind, inputs) in [("ec2.vpc_peering_options", &options), ("ec2.route", &route)] {
        let error = early.try_make("new", ask(kind, WEST, inputs.clone())).await.unwrap_err();
        assert_eq!(error.code.as_deref(), Some("OperationNotPermitted"), "{kind} before the acceptance");
    }
    lab.make("acceptance", ask("ec2.vpc_peering_acceptance", EAST, acceptance)).await;
    lab.make("route", ask("ec2.route", WEST, route)).await;
    hold(
        &lab,
        vec![Case {
            rule: "options are set from their own region",
            code: "OperationNotPermitted",
            bad: ask("ec2.vpc_peering_options", EAST, options.clone()),
            good: ask("ec2.vpc_peering_options", WEST, options),
        }],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn security_groups() {
    let lab = small_world().await;
    let group = |name: &str, description: &str| tree!({ "vpc_id": (lab.id("vpc")), "group_name": name, "description": description });
    let rule = |field: &str, end: &str, description: &str| {
        tree!({
            "group_id": (lab.id("group")), "direction": "ingress", "ip_protocol": "tcp", "description": description, field: end,
        })
    };
    let mut two = rule("cidr_ipv4", "10.2.0.0/16", "two ends");
    two.set("referenced_group_id", tree!((lab.id("other-group"))));
    let good = rule("referenced_group_id", &lab.id("other-group"), "from the other");
    hold(
        &lab,
        vec![
            case(
                "a group's name is no id",
                "InvalidParameterValue",
                "ec2.security_group",
                WEST,
                group("sg-x", "x"),
                group("x", "x"),
            ),
            case(
                "descriptions know few characters",
                "InvalidParameterValue",
                "ec2.security_group",
                WEST,
                group("x", "it's"),
                group("x", "it is"),
            ),
            case(
                "a rule has one other end",
                "InvalidParameterCombination",
                "ec2.security_group_rule",
                WEST,
                two,
                good.clone(),
            ),
            case(
                "a range is a range",
                "InvalidParameterValue",
                "ec2.security_group_rule",
                WEST,
                rule("cidr_ipv4", "10.2/16", "x"),
                rule("cidr_ipv4", "10.2.0.0/16", "x"),
            ),
            case(
                "groups name each other inside one VPC",
                "InvalidGroup.NotFound",
                "ec2.security_group_rule",
                WEST,
                rule("referenced_group_id", &lab.id("twin-group"), "x"),
                good,
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_of_each_in_its_place() {
    let lab = small_world().await;
    let taken =
        |rule: &'static str, code: &'static str, kind: &'static str, inputs: Tree| (rule, code, kind, inputs);
    let endpoint = |service: &str, table: &str| {
        tree!({
            "vpc_id": (lab.id("vpc")), "service_name": service, "vpc_endpoint_type": "Gateway", "route_table_ids": [(lab.id(table))],
        })
    };
    let route = tree!({
        "route_table_id": (lab.id("table")), "destination_cidr_block": "0.0.0.0/0", "nat_gateway_id": (lab.id("nat")),
    });
    let mut made = lab.fork();
    made.make("route", ask("ec2.route", WEST, route.clone())).await;
    made.make("endpoint", ask("ec2.vpc_endpoint", WEST, endpoint("com.amazonaws.us-west-2.s3", "table")))
        .await;
    made.make("second-table", ask("ec2.route_table", WEST, tree!({ "vpc_id": (lab.id("vpc")) }))).await;
    let again = tree!({ "subnet_id": (lab.id("private-a")), "route_table_id": (made.id("second-table")) });
    let group = tree!({ "vpc_id": (lab.id("vpc")), "group_name": "group", "description": "another" });
    for (rule, code, kind, inputs) in [
        taken("a subnet has one table", "Resource.AlreadyAssociated", "ec2.route_table_association", again),
        taken(
            "a VPC has one gateway",
            "Resource.AlreadyAssociated",
            "ec2.internet_gateway",
            tree!({ "vpc_id": (lab.id("vpc")) }),
        ),
        taken("a destination is there once", "RouteAlreadyExists", "ec2.route", route),
        taken("a name is there once in a VPC", "InvalidGroup.Duplicate", "ec2.security_group", group),
        taken(
            "a table leads to a service once",
            "RouteAlreadyExists",
            "ec2.vpc_endpoint",
            endpoint("com.amazonaws.us-west-2.s3", "table"),
        ),
    ] {
        let error = made.try_make("again", ask(kind, WEST, inputs)).await.expect_err(rule);
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::AlreadyExists, Some(code)), "{rule}");
    }
    made.make("other", ask("ec2.vpc_endpoint", WEST, endpoint("com.amazonaws.us-west-2.dynamodb", "table")))
        .await;
    made.make("twin-igw", ask("ec2.internet_gateway", WEST, tree!({ "vpc_id": (lab.id("twin")) }))).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_makes_sense() {
    let lab = small_world().await;
    let vpc = |support: bool| tree!({ "cidr_block": "10.9.0.0/16", "enable_dns_support": support, "enable_dns_hostnames": true });
    let rule = |protocol: &str, from: Option<u32>, to: Option<u32>| {
        let port = |port: Option<u32>| port.map_or(Tree::Null, |port| tree!(port));
        tree!({
            "group_id": (lab.id("group")), "direction": "ingress", "ip_protocol": protocol, "from_port": (port(from)),
            "to_port": (port(to)), "cidr_ipv4": "10.0.0.0/8", "description": "x",
        })
    };
    let ports = |name, protocol: &str, from, to| {
        let good = rule("tcp", Some(80), Some(443));
        case(
            name,
            "InvalidPermission.Malformed",
            "ec2.security_group_rule",
            WEST,
            rule(protocol, from, to),
            good,
        )
    };
    let named = |name: &str| tree!({ "vpc_id": (lab.id("vpc")), "group_name": name, "description": "x" });
    let gateway = |service: &str| {
        tree!({
            "vpc_id": (lab.id("vpc")), "service_name": service, "vpc_endpoint_type": "Gateway", "route_table_ids": [(lab.id("table"))],
        })
    };
    hold(
        &lab,
        vec![
            case(
                "host names need DNS",
                "InvalidParameterCombination",
                "ec2.vpc",
                WEST,
                vpc(false),
                vpc(true),
            ),
            case(
                "addresses are for VPCs",
                "InvalidParameterValue",
                "ec2.eip",
                WEST,
                tree!({ "domain": "standard" }),
                tree!({ "domain": "vpc" }),
            ),
            ports("ports are in order", "tcp", Some(443), Some(80)),
            ports("ports are 16 bits", "tcp", Some(80), Some(65_536)),
            ports("a range has two ends", "udp", Some(80), None),
            ports("all protocols have no ports", "-1", Some(80), Some(80)),
            ports("a protocol is known", "http", Some(80), Some(80)),
            case(
                "default is reserved",
                "InvalidGroup.Reserved",
                "ec2.security_group",
                WEST,
                named("default"),
                named("other"),
            ),
            case(
                "gateways lead to two services",
                "InvalidParameter",
                "ec2.vpc_endpoint",
                WEST,
                gateway("com.amazonaws.us-west-2.sqs"),
                gateway("com.amazonaws.us-west-2.dynamodb"),
            ),
        ],
    )
    .await;
}
