//! EC2.

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
