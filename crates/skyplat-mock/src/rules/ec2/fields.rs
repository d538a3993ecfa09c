//! What EC2 checks of the inputs of a create or an update.
//!
//! Each check names the action whose page says so
//! (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/OperationList-query.html>); codes are those of
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.

use skyplat_core::executor::{ErrorKind, ExecError};
use skyplat_core::ids::Cidr;

use crate::rules::error::invalid;
use crate::rules::{Call, texts};
use crate::world::Thing;

/// Judges the inputs of an object of EC2.
pub(super) fn check(call: &Call<'_>) -> Result<(), ExecError> {
    match call.kind() {
        "ec2.vpc" => vpc(call),
        "ec2.subnet" => subnet(call),
        "ec2.internet_gateway" => internet_gateway(call),
        "ec2.eip" => address(call),
        "ec2.nat_gateway" => nat_gateway(call),
        "ec2.route" => route(call),
        "ec2.route_table_association" => association(call),
        "ec2.security_group" => security_group(call),
        "ec2.security_group_rule" => security_group_rule(call),
        "ec2.vpc_endpoint" => endpoint(call),
        "ec2.vpc_peering" => peering(call),
        "ec2.vpc_peering_acceptance" => acceptance(call),
        "ec2.vpc_peering_options" => options(call),
        _ => Ok(()),
    }
}

fn cidr(text: &str) -> Result<Cidr, ExecError> {
    text.parse().map_err(|_| invalid("InvalidParameterValue", format!("{text:?} is no CIDR block")))
}

fn cidr_of(thing: &Thing) -> Option<Cidr> {
    thing.text("cidr_block")?.parse().ok()
}

/// CreateVpc, CreateSubnet: both are between /16 and /28.
fn size(block: Cidr, code: &str) -> Result<(), ExecError> {
    if (16..=28).contains(&block.prefix()) {
        return Ok(());
    }
    Err(invalid(code, format!("{block} is not between /16 and /28")))
}

fn vpc(call: &Call<'_>) -> Result<(), ExecError> {
    size(cidr(call.text("cidr_block"))?, "InvalidVpc.Range")?;
    // ModifyVpcAttribute: "You can only enable DNS hostnames if you've enabled DNS support."
    if call.flag("enable_dns_hostnames") == Some(true) && call.flag("enable_dns_support") == Some(false) {
        return Err(invalid("InvalidParameterCombination", "DNS host names need DNS support"));
    }
    Ok(())
}

/// AttachInternetGateway: a VPC has one.
fn internet_gateway(call: &Call<'_>) -> Result<(), ExecError> {
    let vpc = call.text("vpc_id");
    match call.others("ec2.internet_gateway").find(|other| other.text("vpc_id") == Some(vpc)) {
        None => Ok(()),
        Some(other) => Err(taken(format!("{vpc} already has the internet gateway {}", other.id))),
    }
}

/// AllocateAddress: addresses are for VPCs; those of EC2-Classic are history.
fn address(call: &Call<'_>) -> Result<(), ExecError> {
    match call.text("domain") {
        "vpc" | "" => Ok(()),
        other => Err(invalid("InvalidParameterValue", format!("there are no addresses for {other:?}"))),
    }
}

/// Something has one of a thing already.
fn taken(message: String) -> ExecError {
    ExecError::new(ErrorKind::AlreadyExists, message).code("Resource.AlreadyAssociated")
}

fn subnet(call: &Call<'_>) -> Result<(), ExecError> {
    let block = cidr(call.text("cidr_block"))?;
    size(block, "InvalidSubnet.Range")?;
    let vpc = call.find("ec2.vpc", call.text("vpc_id")).and_then(cidr_of);
    // CreateSubnet: it lies inside its VPC.
    if let Some(vpc) = vpc.filter(|vpc| !vpc.contains(&block)) {
        return Err(invalid("InvalidSubnet.Range", format!("{block} is not inside {vpc}")));
    }
    // CreateSubnet: subnets of a VPC do not overlap.
    let siblings =
        call.others("ec2.subnet").filter(|other| other.text("vpc_id") == Some(call.text("vpc_id")));
    for other in siblings {
        if cidr_of(other).is_some_and(|other| other.overlaps(&block)) {
            return Err(invalid("InvalidSubnet.Conflict", format!("{block} overlaps {}", other.id)));
        }
    }
    let zone = call.text("availability_zone");
    // ModifyAvailabilityZoneGroup: local zones and some others are opened to an account first.
    match call.catalogue.zones(call.region()).into_iter().find(|known| known.name.as_str() == zone) {
        Some(known) if known.opt_in_status != "not-opted-in" && known.state == "available" => Ok(()),
        Some(_) => {
            Err(invalid("InvalidParameterValue", format!("the zone {zone} is not open to this account")))
        }
        None => {
            let region = call.region();
            Err(invalid("InvalidParameterValue", format!("there is no zone {zone} in {region}")))
        }
    }
}

fn nat_gateway(call: &Call<'_>) -> Result<(), ExecError> {
    let address = call.text("allocation_id");
    // CreateNatGateway: an address serves one gateway, and what is being deleted still has it.
    let mut others = call.world.of_kind("ec2.nat_gateway").filter(|other| other.uid != call.object.uid);
    if let Some(other) = others.find(|other| other.text("allocation_id") == Some(address)) {
        return Err(taken(format!("{address} is already associated with {}", other.id)));
    }
    // https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html: a public gateway in a VPC without an
    // internet gateway fails.
    let vpc = call.find("ec2.subnet", call.text("subnet_id")).and_then(|subnet| subnet.text("vpc_id"));
    if call.others("ec2.internet_gateway").any(|gateway| gateway.text("vpc_id") == vpc) {
        return Ok(());
    }
    let vpc = vpc.unwrap_or_default();
    Err(invalid("Gateway.NotAttached", format!("the VPC {vpc} has no internet gateway attached")))
}

fn route(call: &Call<'_>) -> Result<(), ExecError> {
    let destination = cidr(call.text("destination_cidr_block"))?;
    let table = call.find("ec2.route_table", call.text("route_table_id"));
    let vpc = table.and_then(|table| table.text("vpc_id")).unwrap_or_default();
    // CreateRoute: exactly one target.
    let targets: Vec<(&str, &str)> = ["gateway_id", "nat_gateway_id", "vpc_peering_connection_id"]
        .into_iter()
        .map(|field| (field, call.text(field)))
        .filter(|(_, id)| !id.is_empty())
        .collect();
    let [(field, target)] = targets[..] else {
        return Err(invalid("InvalidParameterCombination", "a route has exactly one target"));
    };
    // CreateRoute: the local route is there already.
    let local = call.find("ec2.vpc", vpc).and_then(cidr_of);
    if local == Some(destination) {
        return Err(invalid("InvalidParameterValue", format!("{destination} is the VPC's own range")));
    }
    // CreateRoute: a destination once in a table.
    let same = |other: &Thing| {
        other.text("route_table_id") == Some(call.text("route_table_id"))
            && other.text("destination_cidr_block").and_then(|text| text.parse().ok()) == Some(destination)
    };
    if call.others("ec2.route").any(same) {
        let message = format!("the route table already has a route to {destination}");
        return Err(ExecError::new(ErrorKind::AlreadyExists, message).code("RouteAlreadyExists"));
    }
    // CreateRoute: table and target belong to one network.
    let fits = match field {
        "gateway_id" => call
            .find("ec2.internet_gateway", target)
            .is_some_and(|gateway| gateway.text("vpc_id") == Some(vpc)),
        "nat_gateway_id" => call
            .find("ec2.nat_gateway", target)
            .and_then(|gateway| call.find("ec2.subnet", gateway.text("subnet_id")?))
            .is_some_and(|subnet| subnet.text("vpc_id") == Some(vpc)),
        _ => {
            accepted(call, target)?;
            call.find("ec2.vpc_peering", target).is_some_and(|peering| {
                [peering.text("vpc_id"), peering.text("peer_vpc_id")].contains(&Some(vpc))
            })
        }
    };
    if fits {
        return Ok(());
    }
    Err(invalid(
        "InvalidParameterValue",
        format!("{target} and the route table belong to different networks"),
    ))
}

fn association(call: &Call<'_>) -> Result<(), ExecError> {
    let subnet = call.find("ec2.subnet", call.text("subnet_id")).and_then(|thing| thing.text("vpc_id"));
    let table =
        call.find("ec2.route_table", call.text("route_table_id")).and_then(|thing| thing.text("vpc_id"));
    // AssociateRouteTable: a table serves subnets of its own VPC.
    if subnet != table {
        let message = "the route table and the subnet belong to different networks";
        return Err(invalid("InvalidParameterValue", message));
    }
    // AssociateRouteTable: a subnet has one table.
    let subnet = call.text("subnet_id");
    match call.others("ec2.route_table_association").find(|other| other.text("subnet_id") == Some(subnet)) {
        None => Ok(()),
        Some(other) => Err(taken(format!("{subnet} is already associated: {}", other.id))),
    }
}

/// CreateSecurityGroup: descriptions of groups and rules have 255 of few characters.
fn description(text: &str) -> Result<(), ExecError> {
    let known = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    if text.len() <= 255 && text.chars().all(known) {
        return Ok(());
    }
    Err(invalid(
        "InvalidParameterValue",
        format!("the description {text:?} is too long or has characters that EC2 refuses"),
    ))
}

fn security_group(call: &Call<'_>) -> Result<(), ExecError> {
    let name = call.text("group_name");
    // CreateSecurityGroup: no name begins like an id, and the default group is there already.
    let is_plain = name.len() <= 255 && description(name).is_ok() && name.trim() == name;
    if name.is_empty() || !is_plain || name.starts_with("sg-") {
        return Err(invalid("InvalidParameterValue", format!("{name:?} is no name of a security group")));
    }
    if name == "default" {
        return Err(invalid("InvalidGroup.Reserved", "the name default is that of the VPC's own group"));
    }
    // CreateSecurityGroup: a name once in a VPC.
    let same = |other: &Thing| {
        other.text("vpc_id") == Some(call.text("vpc_id")) && other.text("group_name") == Some(name)
    };
    if call.others("ec2.security_group").any(same) {
        let message = format!("the VPC already has a security group {name}");
        return Err(ExecError::new(ErrorKind::AlreadyExists, message).code("InvalidGroup.Duplicate"));
    }
    description(call.text("description"))
}

fn security_group_rule(call: &Call<'_>) -> Result<(), ExecError> {
    description(call.text("description"))?;
    ports(call)?;
    // AuthorizeSecurityGroupIngress and Egress: a range or a group.
    let (range, group) = (call.text("cidr_ipv4"), call.text("referenced_group_id"));
    if range.is_empty() == group.is_empty() {
        return Err(invalid("InvalidParameterCombination", "a rule has exactly one other end"));
    }
    if !range.is_empty() {
        return cidr(range).map(|_| ());
    }
    // Groups name each other inside one VPC; those of a peered one would need the peering, in the same region.
    let vpc = |id| call.find("ec2.security_group", id).and_then(|group| group.text("vpc_id"));
    if vpc(group) == vpc(call.text("group_id")) {
        return Ok(());
    }
    Err(invalid("InvalidGroup.NotFound", format!("{group} belongs to another network")))
}

/// IpPermission: a protocol by name or number; TCP and UDP with ports in order, all protocols without.
fn ports(call: &Call<'_>) -> Result<(), ExecError> {
    let protocol = call.text("ip_protocol");
    let (from, to) = (call.number("from_port"), call.number("to_port"));
    let fits = match protocol {
        "tcp" | "udp" | "6" | "17" => match (from, to) {
            (Some(from), Some(to)) => from <= to && to <= 65_535,
            (None, None) => true,
            _ => false,
        },
        "-1" => from.is_none() && to.is_none(),
        "icmp" | "icmpv6" => true,
        other => other.parse::<u8>().is_ok(),
    };
    if fits {
        return Ok(());
    }
    let ports = format!("{} to {}", from.unwrap_or_default(), to.unwrap_or_default());
    Err(invalid(
        "InvalidPermission.Malformed",
        format!("the ports {ports} do not fit the protocol {protocol:?}"),
    ))
}

fn endpoint(call: &Call<'_>) -> Result<(), ExecError> {
    let (service, region) = (call.text("service_name"), call.region());
    // CreateVpcEndpoint: to a service of its own region; gateways are for S3 and DynamoDB alone.
    if service.split('.').nth_back(1) != Some(region) {
        return Err(invalid(
            "InvalidServiceName",
            format!("the service {service} does not exist in {region}"),
        ));
    }
    let is_gateway = ["", "Gateway"].contains(&call.text("vpc_endpoint_type"));
    if is_gateway && ![".s3", ".dynamodb"].iter().any(|end| service.ends_with(end)) {
        return Err(invalid("InvalidParameter", format!("{service} is not reached by a gateway")));
    }
    // https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html: a table has one route to a service.
    let tables = texts(&call.object.inputs, "route_table_ids");
    let has_one = |other: &&Thing| {
        other.text("service_name") == Some(service)
            && texts(&other.inputs, "route_table_ids").iter().any(|table| tables.contains(table))
    };
    if let Some(other) = call.others("ec2.vpc_endpoint").find(has_one) {
        let message = format!("a route table already has the route of {}", other.id);
        return Err(ExecError::new(ErrorKind::AlreadyExists, message).code("RouteAlreadyExists"));
    }
    let vpc = Some(call.text("vpc_id"));
    for table in tables {
        if call.find("ec2.route_table", table).is_some_and(|table| table.text("vpc_id") != vpc) {
            return Err(invalid(
                "InvalidRouteTableId.NotFound",
                format!("{table} belongs to another network"),
            ));
        }
    }
    Ok(())
}

fn peering(call: &Call<'_>) -> Result<(), ExecError> {
    let range = |id| call.find("ec2.vpc", id).and_then(cidr_of);
    let (ours, theirs) = (range(call.text("vpc_id")), range(call.text("peer_vpc_id")));
    // CreateVpcPeeringConnection: a request between overlapping ranges has the status `failed` at once.
    if let (Some(ours), Some(theirs)) = (ours, theirs)
        && ours.overlaps(&theirs)
    {
        return Err(invalid("InvalidParameterValue", format!("{ours} overlaps the peer's {theirs}")));
    }
    // CreateVpcPeeringConnection: at most one connection between two VPCs, whoever asked for it.
    let pair = [Some(call.text("vpc_id")), Some(call.text("peer_vpc_id"))];
    let twin = call.world.of_kind("ec2.vpc_peering").find(|other| {
        other.uid != call.object.uid
            && other.is_alive()
            && pair.contains(&other.text("vpc_id"))
            && pair.contains(&other.text("peer_vpc_id"))
    });
    match twin {
        None => Ok(()),
        Some(twin) => Err(ExecError::new(ErrorKind::AlreadyExists, format!("{} connects the two", twin.id))
            .code("VpcPeeringConnectionAlreadyExists")),
    }
}

fn acceptance(call: &Call<'_>) -> Result<(), ExecError> {
    let peering = call.find("ec2.vpc_peering", call.text("vpc_peering_connection_id"));
    // AcceptVpcPeeringConnection: by the accepter, in its region.
    if peering.and_then(|peering| peering.text("peer_region")) == Some(call.region()) {
        return Ok(());
    }
    Err(invalid("OperationNotPermitted", "a peering connection is accepted in the accepter's region"))
}

fn options(call: &Call<'_>) -> Result<(), ExecError> {
    let id = call.text("vpc_peering_connection_id");
    accepted(call, id)?;
    let Some(peering) = call.find("ec2.vpc_peering", id) else { return Ok(()) };
    let asker = peering.placement.region.as_ref().map_or("", |region| region.as_str());
    // ModifyVpcPeeringConnectionOptions: each side sets its own, in its own region when they differ.
    for (field, side) in [
        ("requester_peering_connection_options", Some(asker)),
        ("accepter_peering_connection_options", peering.text("peer_region")),
    ] {
        if call.object.inputs.get(field).is_some() && side != Some(call.region()) {
            return Err(invalid("OperationNotPermitted", format!("{field} belong to the other region")));
        }
    }
    Ok(())
}

/// ModifyVpcPeeringConnectionOptions, CreateRoute: the connection is active, that is: accepted.
fn accepted(call: &Call<'_>, id: &str) -> Result<(), ExecError> {
    let mut acceptances = call.world.of_kind("ec2.vpc_peering_acceptance");
    if acceptances.any(|other| other.is_active() && other.text("vpc_peering_connection_id") == Some(id)) {
        return Ok(());
    }
    Err(invalid("OperationNotPermitted", format!("the peering connection {id} is not active")))
}
