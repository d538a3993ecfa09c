//! `Vpc`: the network of one region.
//!
//! Private subnets for everything that runs, small public ones for the NAT gateways. Nothing here waits for a NAT
//! gateway but the routes through it: who needs a way out comes after [`VpcOutputs::egress`].

use std::collections::BTreeMap;

use super::zones::choose_zones;
use crate::config::{Nat, Zones, subnet_layout};
use crate::facts::{Question, Questions};
use crate::graph::{Added, LowerError, Lowering, Ready, Resource};
use crate::ids::{Cidr, Region, RouteTableId, SubnetId, VpcId, ZoneName};
use crate::object::ec2::{
    Ec2Eip, Ec2InternetGateway, Ec2NatGateway, Ec2Route, Ec2RouteTable, Ec2RouteTableAssociation, Ec2Subnet,
    Ec2Vpc, Ec2VpcEndpoint,
};
use crate::object::{Object, Tags};
use crate::value::Value;

/// Tells load balancer controllers in which subnets internal load balancers belong.
const INTERNAL_LOAD_BALANCERS: (&str, &str) = ("kubernetes.io/role/internal-elb", "1");

/// The network of one region.
#[derive(Debug, Clone)]
pub struct Vpc {
    /// The beginning of every `Name` tag, such as `sp-dev-us-west-2`.
    pub name: String,
    /// The region.
    pub region: Region,
    /// The addresses.
    pub cidr: Cidr,
    /// How many zones, or which.
    pub zones: Zones,
    /// How many NAT gateways.
    pub nat: Nat,
    /// Tags of everything in it.
    pub tags: BTreeMap<String, String>,
    /// Whether its delete or replace is refused.
    pub protect: bool,
}

/// A subnet, as others use it.
#[derive(Debug, Clone)]
pub struct Subnet {
    /// Its zone.
    pub zone: ZoneName,
    /// Its id.
    pub id: Value<SubnetId>,
    /// Its addresses.
    pub cidr: Cidr,
}

/// What a network offers.
#[derive(Debug, Clone)]
pub struct VpcOutputs {
    /// The region.
    pub region: Region,
    /// The addresses.
    pub cidr: Cidr,
    /// The addresses, as a reference to the VPC.
    pub cidr_block: Value<Cidr>,
    /// The VPC.
    pub vpc_id: Value<VpcId>,
    /// The subnets of nodes and pods.
    pub private_subnets: Vec<Subnet>,
    /// The subnets of the NAT gateways.
    pub public_subnets: Vec<Subnet>,
    /// The private subnets are there.
    pub subnets: Ready,
    /// The tables of the private subnets, each with its object's name.
    pub private_route_tables: Vec<(String, Value<RouteTableId>)>,
    /// The addresses that the world sees, known before the NAT gateways stand.
    pub nat_addresses: Vec<Value<String>>,
    /// Private subnets reach the internet: their tables and the routes through the NAT gateways are in place.
    pub egress: Ready,
}

impl Resource for Vpc {
    const KIND: &'static str = "Vpc";
    type Outputs = VpcOutputs;

    fn facts(&self, questions: &mut Questions) {
        questions.ask(Question::zones(&self.region));
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<VpcOutputs, LowerError> {
        let zones = choose_zones(cx, &self.region, &self.zones)?;
        let nat_count = match self.nat {
            Nat::One => 1,
            Nat::PerAz => zones.len(),
        };
        let layout =
            subnet_layout(self.cidr, zones.len(), nat_count).map_err(|error| cx.error(error.to_string()))?;
        let object = Ec2Vpc {
            cidr_block: self.cidr,
            enable_dns_support: true,
            enable_dns_hostnames: true,
            tags: self.tags("vpc"),
        };
        let vpc = cx.object("vpc", object).region(&self.region).protect(self.protect).add()?;
        let network = Network {
            vpc: self,
            vpc_id: vpc.output(Ec2Vpc::ID),
            zones: &zones,
            nat_zones: &zones[..nat_count],
        };
        let (private_subnets, subnets) = network.subnets(cx, Side::Private, &layout.private)?;
        let (public_subnets, _) = network.subnets(cx, Side::Public, &layout.public)?;
        let internet = network.public_routing(cx, &public_subnets)?;
        let routing = network.private_routing(cx, &private_subnets, &public_subnets, &internet)?;
        network.s3_endpoint(cx, &routing.tables)?;
        Ok(VpcOutputs {
            region: self.region.clone(),
            cidr: self.cidr,
            cidr_block: vpc.output(Ec2Vpc::CIDR_BLOCK),
            vpc_id: vpc.output(Ec2Vpc::ID),
            private_subnets,
            public_subnets,
            subnets,
            private_route_tables: routing.tables,
            nat_addresses: routing.nat_addresses,
            egress: routing.egress,
        })
    }
}

impl Vpc {
    /// Returns the tags of a part of the network, with its name among them.
    fn tags(&self, part: &str) -> Tags {
        let mut tags = self.tags.clone();
        tags.insert("Name".into(), format!("{}-{part}", self.name));
        tags
    }
}

/// Private subnets hold what runs, public ones the NAT gateways.
#[derive(Clone, Copy)]
enum Side {
    Private,
    Public,
}

impl Side {
    fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
        }
    }
}

/// How private subnets reach the internet.
struct PrivateRouting {
    tables: Vec<(String, Value<RouteTableId>)>,
    egress: Ready,
    nat_addresses: Vec<Value<String>>,
}

/// A network whose VPC object was added.
struct Network<'a> {
    vpc: &'a Vpc,
    vpc_id: Value<VpcId>,
    zones: &'a [ZoneName],
    /// The zones with a public subnet and a NAT gateway: the first, or all.
    nat_zones: &'a [ZoneName],
}

impl Network<'_> {
    /// Adds an object of the region.
    fn add<O: Object>(
        &self,
        cx: &mut Lowering<'_>,
        name: &str,
        object: O,
        after: &Ready,
    ) -> Result<Added<O>, LowerError> {
        cx.object(name, object).region(&self.vpc.region).after(after).add()
    }

    /// Adds subnets, the nth in the nth zone, and returns when all are there.
    fn subnets(
        &self,
        cx: &mut Lowering<'_>,
        side: Side,
        cidrs: &[Cidr],
    ) -> Result<(Vec<Subnet>, Ready), LowerError> {
        let mut subnets = Vec::new();
        let mut ready = Ready::now();
        for (cidr, zone) in cidrs.iter().zip(self.zones) {
            let name = format!("{}-{}", side.as_str(), zone.letter());
            let mut tags = self.vpc.tags(&name);
            if let Side::Private = side {
                let (key, value) = INTERNAL_LOAD_BALANCERS;
                tags.insert(key.into(), value.into());
            }
            let subnet = Ec2Subnet {
                vpc_id: self.vpc_id.clone(),
                cidr_block: *cidr,
                availability_zone: zone.clone(),
                map_public_ip_on_launch: false,
                tags,
            };
            let subnet = self.add(cx, &name, subnet, &Ready::now())?;
            ready = ready.and(&subnet.ready());
            subnets.push(Subnet { zone: zone.clone(), id: subnet.output(Ec2Subnet::ID), cidr: *cidr });
        }
        Ok((subnets, ready))
    }

    fn table(&self, cx: &mut Lowering<'_>, name: &str) -> Result<Value<RouteTableId>, LowerError> {
        let object = format!("route-table-{name}");
        let table = Ec2RouteTable { vpc_id: self.vpc_id.clone(), tags: self.vpc.tags(&object) };
        Ok(self.add(cx, &object, table, &Ready::now())?.output(Ec2RouteTable::ID))
    }

    fn associate(
        &self,
        cx: &mut Lowering<'_>,
        side: Side,
        subnet: &Subnet,
        table: &Value<RouteTableId>,
        after: &Ready,
    ) -> Result<Ready, LowerError> {
        let name = format!("association-{}-{}", side.as_str(), subnet.zone.letter());
        let association =
            Ec2RouteTableAssociation { subnet_id: subnet.id.clone(), route_table_id: table.clone() };
        Ok(self.add(cx, &name, association, after)?.ready())
    }

    /// Adds the way of the public subnets to the internet and returns when it works.
    fn public_routing(&self, cx: &mut Lowering<'_>, subnets: &[Subnet]) -> Result<Ready, LowerError> {
        let name = "internet-gateway";
        let gateway = Ec2InternetGateway { vpc_id: self.vpc_id.clone(), tags: self.vpc.tags(name) };
        let gateway = self.add(cx, name, gateway, &Ready::now())?;
        let table = self.table(cx, Side::Public.as_str())?;
        let route = Ec2Route::to_internet(table.clone(), gateway.output(Ec2InternetGateway::ID));
        let mut ready = self.add(cx, "route-public-internet", route, &Ready::now())?.ready();
        for subnet in subnets {
            ready = ready.and(&self.associate(cx, Side::Public, subnet, &table, &Ready::now())?);
        }
        Ok(ready)
    }

    /// Adds NAT gateways, and the way of the private subnets through them.
    fn private_routing(
        &self,
        cx: &mut Lowering<'_>,
        private: &[Subnet],
        public: &[Subnet],
        internet: &Ready,
    ) -> Result<PrivateRouting, LowerError> {
        let mut tables = Vec::new();
        let mut routes = Vec::new();
        let mut nat_addresses = Vec::new();
        for (zone, subnet) in self.nat_zones.iter().zip(public) {
            let letter = zone.letter();
            let eip = Ec2Eip { domain: "vpc".into(), tags: self.vpc.tags(&format!("nat-{letter}")) };
            let eip = self.add(cx, &format!("eip-{letter}"), eip, &Ready::now())?;
            nat_addresses.push(eip.output(Ec2Eip::PUBLIC_IP));
            let name = format!("nat-{letter}");
            let nat = Ec2NatGateway {
                subnet_id: subnet.id.clone(),
                allocation_id: eip.output(Ec2Eip::ALLOCATION_ID),
                tags: self.vpc.tags(&name),
            };
            let nat = self.add(cx, &name, nat, internet)?;
            let table_name = match self.vpc.nat {
                Nat::One => "private".to_owned(),
                Nat::PerAz => format!("private-{letter}"),
            };
            let table = self.table(cx, &table_name)?;
            let route = Ec2Route::to_nat(table.clone(), nat.output(Ec2NatGateway::ID));
            let route = self.add(cx, &format!("route-{table_name}-nat"), route, &Ready::now())?;
            routes.push(route.ready());
            tables.push((table_name, table));
        }
        let mut egress = Ready::all(&routes);
        for (at, subnet) in private.iter().enumerate() {
            // One table for all subnets, or one for each. A subnet that gets another table moves when that one leads
            // somewhere.
            let of_its_own = if at < tables.len() { at } else { 0 };
            let ((_, table), route) = (&tables[of_its_own], &routes[of_its_own]);
            egress = egress.and(&self.associate(cx, Side::Private, subnet, table, route)?);
        }
        Ok(PrivateRouting { tables, egress, nat_addresses })
    }

    /// Adds the endpoint by which private subnets reach S3 without the NAT gateway.
    fn s3_endpoint(
        &self,
        cx: &mut Lowering<'_>,
        tables: &[(String, Value<RouteTableId>)],
    ) -> Result<(), LowerError> {
        let endpoint = Ec2VpcEndpoint {
            vpc_id: self.vpc_id.clone(),
            service_name: format!("com.amazonaws.{}.s3", self.vpc.region),
            vpc_endpoint_type: "Gateway".into(),
            route_table_ids: tables.iter().map(|(_, table)| table.clone()).collect(),
            tags: self.vpc.tags("s3"),
        };
        self.add(cx, "s3-endpoint", endpoint, &Ready::now()).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::fixture::{
        ancestors, facts, facts_with_zones, inputs, lower_vpc, node, text, vpc, zone,
    };

    fn cidrs(zones: &[&str], side: &str, graph: &crate::graph::ObjectGraph) -> Vec<String> {
        zones.iter().map(|zone| text(graph, &format!("hub/vpc/{side}-{zone}"), "cidr_block")).collect()
    }

    #[test]
    fn a_16_has_three_private_quarters_and_one_small_public_subnet() {
        let graph = lower_vpc(vpc("us-west-2"), &facts(&["us-west-2"])).unwrap();
        assert_eq!(
            cidrs(&["a", "b", "c"], "private", &graph),
            ["10.11.0.0/18", "10.11.64.0/18", "10.11.128.0/18"]
        );
        assert_eq!(cidrs(&["a"], "public", &graph), ["10.11.255.240/28"]);
        assert_eq!(text(&graph, "hub/vpc/private-b", "availability_zone"), "us-west-2b");
        assert_eq!(graph.nodes().values().filter(|node| node.kind.as_str() == "ec2.subnet").count(), 4);
        assert_eq!(inputs(&graph, "hub/vpc/private-a")["tags"]["kubernetes.io/role/internal-elb"], "1");
        assert_eq!(
            inputs(&graph, "hub/vpc/public-a")["tags"]["kubernetes.io/role/internal-elb"],
            serde_json::Value::Null
        );
    }

    #[test]
    fn one_nat_gateway_per_zone_comes_with_subnet_address_and_table() {
        let vpc = Vpc { nat: Nat::PerAz, ..vpc("us-west-2") };
        let graph = lower_vpc(vpc, &facts(&["us-west-2"])).unwrap();
        for letter in ["a", "b", "c"] {
            let waits = ancestors(&graph, &format!("hub/vpc/route-private-{letter}-nat"));
            for part in ["nat", "eip", "public", "route-table-private"] {
                assert!(waits.contains(&format!("hub/vpc/{part}-{letter}")), "{part} of {letter}: {waits:?}");
            }
            let association = node(&graph, &format!("hub/vpc/association-private-{letter}")).depends_on();
            assert!(association.contains(&format!("hub/vpc/route-table-private-{letter}").as_str().into()));
            // A subnet that gets another table moves when that one leads somewhere.
            assert!(association.contains(&format!("hub/vpc/route-private-{letter}-nat").as_str().into()));
        }
        let endpoint = node(&graph, "hub/vpc/s3-endpoint").depends_on();
        assert_eq!(endpoint.len(), 4, "the VPC and three tables: {endpoint:?}");
    }

    #[test]
    fn a_nat_gateway_works_only_behind_an_attached_internet_gateway_and_its_route() {
        let graph = lower_vpc(vpc("us-west-2"), &facts(&["us-west-2"])).unwrap();
        let waits = ancestors(&graph, "hub/vpc/nat-a");
        for part in ["internet-gateway", "route-public-internet", "association-public-a", "eip-a"] {
            assert!(waits.contains(&format!("hub/vpc/{part}")), "{part}");
        }
    }

    #[test]
    fn fewer_usable_zones_give_fewer_subnets_and_one_is_too_few() {
        let two =
            [zone("us-west-1a", "usw1-az1"), zone("us-west-1b", "usw1-az2"), zone("us-west-1c", "usw1-az3")];
        let graph = lower_vpc(vpc("us-west-1"), &facts_with_zones("us-west-1", &two)).unwrap();
        // EKS refuses usw1-az2.
        assert_eq!(cidrs(&["a", "c"], "private", &graph), ["10.10.0.0/18", "10.10.64.0/18"]);
        assert!(graph.get(&"hub/vpc/private-b".into()).is_none());
        let error = lower_vpc(vpc("us-west-1"), &facts_with_zones("us-west-1", &two[..2])).unwrap_err();
        assert!(error.message.contains("needs 2 zones") && error.hint.unwrap().contains("us-west-1a"));
    }

    #[test]
    fn named_zones_are_taken_in_order_or_refused() {
        let named = |names: &[&str]| {
            let zones = Zones::Names(names.iter().map(|name| ZoneName::new(*name)).collect());
            lower_vpc(Vpc { zones, ..vpc("us-west-2") }, &facts(&["us-west-2"]))
        };
        let graph = named(&["us-west-2c", "us-west-2b", "us-west-2c"]).unwrap();
        assert_eq!(cidrs(&["b", "c"], "private", &graph), ["10.11.0.0/18", "10.11.64.0/18"]);
        let error = named(&["us-west-2a", "us-west-2-lax-1a"]).unwrap_err();
        assert!(error.message.contains("us-west-2-lax-1a"), "{error}");
    }

    #[test]
    fn a_range_without_room_is_an_error_of_this_resource() {
        let vpc = Vpc { cidr: "10.0.0.0/28".parse().unwrap(), ..vpc("us-west-2") };
        let error = lower_vpc(vpc, &facts(&["us-west-2"])).unwrap_err();
        assert_eq!(error.address.as_str(), "hub/vpc");
    }
}
