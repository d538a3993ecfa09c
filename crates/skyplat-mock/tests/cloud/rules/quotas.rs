//! Quotas: the last one that is allowed is made, the next is refused, and a higher quota lets it pass.

use skyplat_core::executor::ErrorKind;
use skyplat_core::tree;
use skyplat_mock::{Catalogue, MockCloud, MockOptions, Quotas};

use crate::support::lab::{Ask, EAST, Lab, WEST, ask, cluster, manifest, policy, small_world, trust};

/// Returns the same lab in a cloud with other quotas.
fn with_quotas(lab: &Lab, quotas: Quotas) -> Lab {
    let catalogue = Catalogue { quotas, ..Catalogue::default() };
    let options = MockOptions { catalogue, ..MockOptions::default() };
    Lab { cloud: MockCloud::with_world(lab.cloud.world(), options), ..lab.clone() }
}

/// What is asked for as the nth of its kind.
type Nth<'a> = Box<dyn Fn(usize) -> Ask + 'a>;

/// One quota: its code, how to set it to a number, how many count already in the small world, and what is asked for.
struct Row<'a> {
    code: &'static str,
    set: fn(&mut Quotas, usize),
    there: usize,
    ask: Nth<'a>,
}

fn row<'a>(
    code: &'static str,
    there: usize,
    set: fn(&mut Quotas, usize),
    ask: impl Fn(usize) -> Ask + 'a,
) -> Row<'a> {
    Row { code, set, there, ask: Box::new(ask) }
}

fn rows(lab: &Lab) -> Vec<Row<'_>> {
    let vpc = || lab.id("vpc");
    let west = |kind, inputs| ask(kind, WEST, inputs);
    let zone = |at: usize| {
        let vpc = tree!({ "vpc_id": (lab.id("vpc")), "vpc_region": WEST });
        tree!({ "name": (format!("z{at}.example.com")), "vpc": vpc })
    };
    let role = |at: usize| tree!({ "role_name": (format!("role-{at}")), "path": "/", "assume_role_policy_document": (trust("ec2.amazonaws.com")) });
    let profile = |at: usize| {
        tree!({
            "cluster_name": "c", "fargate_profile_name": (format!("p{at}")), "pod_execution_role_arn": (lab.output("pod-role", "arn")),
            "subnets": [(lab.id("private-a"))], "selectors": [{ "namespace": "x" }],
        })
    };
    vec![
        row(
            "VpcLimitExceeded",
            3,
            |q, n| q.vpcs_per_region = n,
            move |at| west("ec2.vpc", tree!({ "cidr_block": (format!("10.{}.0.0/16", 100 + at)) })),
        ),
        row(
            "SubnetLimitExceeded",
            3,
            |q, n| q.subnets_per_vpc = n,
            move |at| {
                let cidr = format!("10.1.{}.0/24", 128 + at);
                west(
                    "ec2.subnet",
                    tree!({ "vpc_id": (vpc()), "cidr_block": cidr, "availability_zone": "us-west-2c" }),
                )
            },
        ),
        row(
            "AddressLimitExceeded",
            3,
            |q, n| q.eips_per_region = n,
            move |_| west("ec2.eip", tree!({ "domain": "vpc" })),
        ),
        row(
            "RouteTableLimitExceeded",
            1,
            |q, n| q.route_tables_per_vpc = n,
            move |_| west("ec2.route_table", tree!({ "vpc_id": (vpc()) })),
        ),
        row(
            "RouteLimitExceeded",
            0,
            |q, n| q.routes_per_table = n,
            move |at| {
                let to = format!("10.{}.0.0/16", 50 + at);
                west(
                    "ec2.route",
                    tree!({ "route_table_id": (lab.id("table")), "destination_cidr_block": to, "nat_gateway_id": (lab.id("nat")) }),
                )
            },
        ),
        row(
            "SecurityGroupLimitExceeded",
            4,
            |q, n| q.security_groups_per_region = n,
            move |at| {
                west(
                    "ec2.security_group",
                    tree!({ "vpc_id": (vpc()), "group_name": (format!("g{at}")), "description": "x" }),
                )
            },
        ),
        row(
            "RulesPerSecurityGroupLimitExceeded",
            0,
            |q, n| q.rules_per_security_group = n,
            move |at| {
                west(
                    "ec2.security_group_rule",
                    tree!({
                        "group_id": (lab.id("group")), "direction": "ingress", "ip_protocol": "-1", "description": "x",
                        "cidr_ipv4": (format!("10.{at}.0.0/16")),
                    }),
                )
            },
        ),
        row(
            "NatGatewayLimitExceeded",
            1,
            |q, n| q.nat_gateways_per_zone = n,
            move |at| {
                let address = ["spare", "spare-2"][at % 2];
                west(
                    "ec2.nat_gateway",
                    tree!({ "subnet_id": (lab.id("public-a")), "allocation_id": (lab.id(address)) }),
                )
            },
        ),
        row("LimitExceeded", 2, |q, n| q.roles = n, move |at| ask("iam.role", "", role(at))),
        row(
            "LimitExceeded",
            1,
            |q, n| q.policies = n,
            |at| {
                let name = format!("p{at}");
                ask(
                    "iam.policy",
                    "",
                    tree!({ "policy_name": name, "path": "/", "policy_document": (policy(1)) }),
                )
            },
        ),
        row(
            "LimitExceeded",
            0,
            |q, n| q.policies_per_role = n,
            |at| {
                let name = ["ReadOnlyAccess", "SecurityAudit", "ViewOnlyAccess"][at % 3];
                let arn = format!("arn:aws:iam::aws:policy/{name}");
                ask("iam.policy_attachment", "", tree!({ "role_name": "role", "policy_arn": arn }))
            },
        ),
        row(
            "LimitExceeded",
            0,
            |q, n| q.oidc_providers = n,
            |at| {
                let url = format!("https://oidc{at}.example.com");
                ask("iam.oidc_provider", "", tree!({ "url": url, "client_id_list": ["sts.amazonaws.com"] }))
            },
        ),
        row(
            "ResourceLimitExceededException",
            0,
            |q, n| q.fargate_profiles_per_cluster = n,
            move |at| west("eks.fargate_profile", profile(at)),
        ),
        row("TooManyHostedZones", 1, |q, n| q.hosted_zones = n, move |at| ask("route53.zone", "", zone(at))),
        row(
            "FileSystemLimitExceeded",
            1,
            |q, n| q.file_systems_per_region = n,
            move |_| west("efs.file_system", tree!({ "encrypted": true })),
        ),
        row(
            "LimitExceededException",
            1,
            |q, n| q.user_pools_per_region = n,
            move |_| west("cognito.user_pool", tree!({ "username_attributes": ["email"] })),
        ),
        row(
            "InternetGatewayLimitExceeded",
            1,
            |q, n| q.internet_gateways_per_region = n,
            move |at| west("ec2.internet_gateway", tree!({ "vpc_id": (lab.id(["twin", "third"][at])) })),
        ),
        row(
            "VpcEndpointLimitExceeded",
            0,
            |q, n| q.gateway_endpoints_per_region = n,
            move |at| {
                let service = format!("com.amazonaws.us-west-2.{}", ["s3", "dynamodb"][at]);
                west(
                    "ec2.vpc_endpoint",
                    tree!({ "vpc_id": (vpc()), "service_name": service, "route_table_ids": [(lab.id("table"))] }),
                )
            },
        ),
        row(
            "ActiveVpcPeeringConnectionPerVpcLimitExceeded",
            1,
            |q, n| q.peerings_per_vpc = n,
            move |at| {
                let peer = lab.id(["east-1", "east-2"][at]);
                west(
                    "ec2.vpc_peering",
                    tree!({ "vpc_id": (vpc()), "peer_vpc_id": peer, "peer_region": EAST }),
                )
            },
        ),
        row(
            "ResourceLimitExceededException",
            1,
            |q, n| q.clusters_per_region = n,
            move |at| west("eks.cluster", cluster(lab, ["d", "e"][at], "1.35", ["private-a", "private-b"])),
        ),
        row(
            "LimitsExceeded",
            1,
            |q, n| q.vpcs_per_hosted_zone = n,
            move |at| {
                let vpc = tree!({ "vpc_id": (lab.id(["twin", "third"][at])), "vpc_region": WEST });
                ask("route53.zone_association", "", tree!({ "hosted_zone_id": (lab.id("zone")), "vpc": vpc }))
            },
        ),
        row(
            "LimitExceededException",
            0,
            |q, n| q.clients_per_user_pool = n,
            move |_| {
                west(
                    "cognito.user_pool_client",
                    tree!({ "user_pool_id": (lab.id("pool")), "client_name": "c" }),
                )
            },
        ),
        row(
            "LimitExceededException",
            0,
            |q, n| q.event_rules_per_region = n,
            move |at| west("events.rule", tree!({ "name": (format!("r{at}")), "targets": [] })),
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn the_one_beyond_a_quota_is_refused_until_the_quota_is_raised() {
    let mut lab = small_world().await;
    lab.make("spare-2", ask("ec2.eip", WEST, tree!({ "domain": "vpc" }))).await;
    for (name, region, cidr) in
        [("third", WEST, "10.23.0.0/16"), ("east-1", EAST, "10.21.0.0/16"), ("east-2", EAST, "10.22.0.0/16")]
    {
        lab.make(name, ask("ec2.vpc", region, tree!({ "cidr_block": cidr }))).await;
    }
    for Row { code, set, there, ask } in rows(&lab) {
        let kind = ask(0).kind;
        let quotas = |limit: usize| {
            let mut quotas = Quotas::default();
            set(&mut quotas, limit);
            quotas
        };
        let mut tight = with_quotas(&lab, quotas(there + 1));
        tight.make("last", ask(0)).await;
        let before = tight.cloud.world().len();
        let error = tight.try_make("beyond", ask(1)).await.expect_err(kind);
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Quota, Some(code)), "{kind}: {error}");
        assert_eq!(tight.cloud.world().len(), before, "{kind}: nothing was made");
        let mut wide = with_quotas(&tight, quotas(there + 2));
        wide.make("beyond", ask(1)).await;
        let mut freed = tight.fork();
        freed.delete("last").await.unwrap();
        freed.make("beyond", ask(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_quota_counts_what_is_in_its_own_place() {
    let lab = small_world().await;
    let quotas =
        Quotas { vpcs_per_region: 2, eips_per_region: 2, rules_per_security_group: 1, ..Quotas::default() };
    let mut lab = with_quotas(&lab, quotas);
    lab.make("east", ask("ec2.vpc", EAST, tree!({ "cidr_block": "10.7.0.0/16" }))).await;
    lab.make("eip-east", ask("ec2.eip", EAST, tree!({ "domain": "vpc" }))).await;
    for (name, direction) in [("in", "ingress"), ("out", "egress")] {
        let inputs = tree!({
            "group_id": (lab.id("group")), "direction": direction, "ip_protocol": "-1", "description": "x", "cidr_ipv4": "10.0.0.0/8",
        });
        lab.make(name, ask("ec2.security_group_rule", WEST, inputs)).await;
    }
    lab.make("no quota", ask("k8s.object", "cluster", manifest("ConfigMap", "team", "x"))).await;
}

#[test]
fn the_defaults_are_those_of_a_new_account() {
    let Quotas {
        vpcs_per_region,
        eips_per_region,
        routes_per_table,
        rules_per_security_group,
        policies_per_role,
        ..
    } = Quotas::default();
    let defaults =
        [vpcs_per_region, eips_per_region, routes_per_table, rules_per_security_group, policies_per_role];
    assert_eq!(defaults, [5, 5, 50, 60, 10]);
}
