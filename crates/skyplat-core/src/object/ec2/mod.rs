//! Objects of EC2: the network of a region.
//!
//! One file per noun of the API. Fields are the API's in snake case. What the API splits in two calls without a life of
//! its own is folded: an internet gateway is made attached.

pub mod endpoint;
pub mod nat;
pub mod peering;
pub mod routing;
pub mod security_group;
pub mod subnet;
pub mod vpc;

pub use endpoint::Ec2VpcEndpoint;
pub use nat::{Ec2Eip, Ec2NatGateway};
pub use peering::{
    Ec2VpcPeering, Ec2VpcPeeringAcceptance, Ec2VpcPeeringOptions, PeeringSide, PeeringSideOptions,
};
pub use routing::{Ec2Route, Ec2RouteTable, Ec2RouteTableAssociation};
pub use security_group::{Direction, Ec2SecurityGroup, Ec2SecurityGroupRule, Ports};
pub use subnet::Ec2Subnet;
pub use vpc::{Ec2InternetGateway, Ec2Vpc};
