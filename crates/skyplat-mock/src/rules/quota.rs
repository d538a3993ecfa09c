//! Quotas: how many of a kind may be in one place.
//!
//! One table for all services. What is being deleted counts until it is gone. How many there may be is data of the
//! catalogue ([`Quotas`](crate::Quotas)); a refusal is [`ErrorKind::Quota`], which an engine does not retry. The codes are those
//! of the EC2 error codes page (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>) and of each
//! action's own page; IAM says `Cannot exceed quota for <name>: <limit>`.

use skyplat_core::executor::{ErrorKind, ExecError};

use super::Call;
use crate::quotas::Quotas;
use crate::world::Thing;

/// How many of a kind there may be where `alike` holds.
struct Line {
    kind: &'static str,
    /// The API's code.
    code: &'static str,
    /// What the quota is called.
    name: &'static str,
    limit: fn(&Quotas) -> usize,
    /// Whether another thing of the kind counts together with the one that is asked for.
    alike: fn(&Call<'_>, &Thing) -> bool,
}

const LINES: &[Line] = &[
    Line {
        kind: "ec2.vpc",
        code: "VpcLimitExceeded",
        name: "VPCs per Region",
        limit: |quotas| quotas.vpcs_per_region,
        alike: same_region,
    },
    Line {
        kind: "ec2.subnet",
        code: "SubnetLimitExceeded",
        name: "subnets per VPC",
        limit: |quotas| quotas.subnets_per_vpc,
        alike: |call, other| same(call, other, "vpc_id"),
    },
    Line {
        kind: "ec2.internet_gateway",
        code: "InternetGatewayLimitExceeded",
        name: "internet gateways per Region",
        limit: |quotas| quotas.internet_gateways_per_region,
        alike: same_region,
    },
    Line {
        kind: "ec2.nat_gateway",
        code: "NatGatewayLimitExceeded",
        name: "NAT gateways per Availability Zone",
        limit: |quotas| quotas.nat_gateways_per_zone,
        alike: |call, other| {
            let zone = |id: Option<&str>| {
                call.world.with_id(id.unwrap_or_default()).find_map(|subnet| subnet.text("availability_zone"))
            };
            same_region(call, other) && zone(other.text("subnet_id")) == zone(Some(call.text("subnet_id")))
        },
    },
    Line {
        kind: "ec2.eip",
        code: "AddressLimitExceeded",
        name: "Elastic IP addresses per Region",
        limit: |quotas| quotas.eips_per_region,
        alike: same_region,
    },
    Line {
        kind: "ec2.route_table",
        code: "RouteTableLimitExceeded",
        name: "route tables per VPC",
        limit: |quotas| quotas.route_tables_per_vpc,
        alike: |call, other| same(call, other, "vpc_id"),
    },
    Line {
        kind: "ec2.route",
        code: "RouteLimitExceeded",
        name: "routes per route table",
        limit: |quotas| quotas.routes_per_table,
        alike: |call, other| same(call, other, "route_table_id"),
    },
    Line {
        kind: "ec2.security_group",
        code: "SecurityGroupLimitExceeded",
        name: "VPC security groups per Region",
        limit: |quotas| quotas.security_groups_per_region,
        alike: same_region,
    },
    Line {
        kind: "ec2.security_group_rule",
        code: "RulesPerSecurityGroupLimitExceeded",
        name: "rules per security group and direction",
        limit: |quotas| quotas.rules_per_security_group,
        alike: |call, other| same(call, other, "group_id") && same(call, other, "direction"),
    },
    Line {
        kind: "ec2.vpc_endpoint",
        code: "VpcEndpointLimitExceeded",
        name: "gateway VPC endpoints per Region",
        limit: |quotas| quotas.gateway_endpoints_per_region,
        alike: same_region,
    },
    Line {
        kind: "ec2.vpc_peering",
        code: "ActiveVpcPeeringConnectionPerVpcLimitExceeded",
        name: "VPC peering connections per VPC",
        limit: |quotas| quotas.peerings_per_vpc,
        // A connection counts for both of its VPCs; the busier one is a hub, and hubs ask.
        alike: |call, other| {
            [other.text("vpc_id"), other.text("peer_vpc_id")].contains(&Some(call.text("vpc_id")))
        },
    },
    Line {
        kind: "iam.role",
        code: "LimitExceeded",
        name: "RolesPerAccount",
        limit: |quotas| quotas.roles,
        alike: anywhere,
    },
    Line {
        kind: "iam.policy",
        code: "LimitExceeded",
        name: "PoliciesPerAccount",
        limit: |quotas| quotas.policies,
        alike: anywhere,
    },
    Line {
        kind: "iam.policy_attachment",
        code: "LimitExceeded",
        name: "PoliciesPerRole",
        limit: |quotas| quotas.policies_per_role,
        alike: |call, other| same(call, other, "role_name"),
    },
    Line {
        kind: "iam.oidc_provider",
        code: "LimitExceeded",
        name: "OpenIdConnectProvidersPerAccount",
        limit: |quotas| quotas.oidc_providers,
        alike: anywhere,
    },
    Line {
        kind: "eks.cluster",
        code: "ResourceLimitExceededException",
        name: "clusters per Region",
        limit: |quotas| quotas.clusters_per_region,
        alike: same_region,
    },
    Line {
        kind: "eks.fargate_profile",
        code: "ResourceLimitExceededException",
        name: "Fargate profiles per cluster",
        limit: |quotas| quotas.fargate_profiles_per_cluster,
        alike: |call, other| same_region(call, other) && same(call, other, "cluster_name"),
    },
    Line {
        kind: "efs.file_system",
        code: "FileSystemLimitExceeded",
        name: "file systems per Region",
        limit: |quotas| quotas.file_systems_per_region,
        alike: same_region,
    },
    Line {
        kind: "route53.zone",
        code: "TooManyHostedZones",
        name: "hosted zones per account",
        limit: |quotas| quotas.hosted_zones,
        alike: anywhere,
    },
    Line {
        kind: "route53.zone_association",
        code: "LimitsExceeded",
        name: "VPCs per private hosted zone",
        // The VPC that the zone was made with is one of them.
        limit: |quotas| quotas.vpcs_per_hosted_zone.saturating_sub(1),
        alike: |call, other| same(call, other, "hosted_zone_id"),
    },
    Line {
        kind: "cognito.user_pool",
        code: "LimitExceededException",
        name: "user pools per Region",
        limit: |quotas| quotas.user_pools_per_region,
        alike: same_region,
    },
    Line {
        kind: "cognito.user_pool_client",
        code: "LimitExceededException",
        name: "app clients per user pool",
        limit: |quotas| quotas.clients_per_user_pool,
        alike: |call, other| same(call, other, "user_pool_id"),
    },
    Line {
        kind: "events.rule",
        code: "LimitExceededException",
        name: "rules per event bus",
        limit: |quotas| quotas.event_rules_per_region,
        alike: same_region,
    },
];

fn anywhere(_: &Call<'_>, _: &Thing) -> bool {
    true
}

fn same_region(call: &Call<'_>, other: &Thing) -> bool {
    other.placement.region == call.object.placement.region
}

fn same(call: &Call<'_>, other: &Thing, field: &str) -> bool {
    other.text(field) == Some(call.text(field))
}

/// Judges a create.
pub(super) fn check(call: &Call<'_>) -> Result<(), ExecError> {
    for line in LINES.iter().filter(|line| line.kind == call.kind()) {
        let there = call.world.of_kind(line.kind).filter(|other| (line.alike)(call, other)).count();
        hold(call, line.code, line.name, there + 1, line.limit)?;
    }
    Ok(())
}

/// Refuses what goes beyond a quota.
pub(super) fn hold(
    call: &Call<'_>,
    code: &str,
    name: &str,
    wanted: usize,
    limit: impl Fn(&Quotas) -> usize,
) -> Result<(), ExecError> {
    let limit = limit(&call.catalogue.quotas);
    if wanted <= limit {
        return Ok(());
    }
    Err(ExecError::new(ErrorKind::Quota, format!("Cannot exceed quota for {name}: {limit}"))
        .code(code)
        .hint("ask for a higher quota, or remove what is not needed; a simulated account has it in `Catalogue::quotas`"))
}
