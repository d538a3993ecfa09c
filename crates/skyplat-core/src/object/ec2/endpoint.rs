//! `ec2.vpc_endpoint`: a gateway endpoint, by which traffic to one service leaves the VPC for free.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{RouteTableId, VpcEndpointId, VpcId};
use crate::object::{FieldRules, Object, Tags};
use crate::value::Value;

/// A gateway endpoint: it puts the service's prefix list on the route tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ec2VpcEndpoint {
    /// The VPC it is part of.
    pub vpc_id: Value<VpcId>,
    /// The service, such as `com.amazonaws.us-west-2.s3`.
    pub service_name: String,
    /// What it is: always `Gateway`.
    pub vpc_endpoint_type: String,
    /// The tables that lead to it.
    pub route_table_ids: Vec<Value<RouteTableId>>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

crate::outputs! {
    /// What the API gives back for an endpoint.
    pub struct Ec2VpcEndpointOutputs of Ec2VpcEndpoint {
        /// Its id.
        ID id: VpcEndpointId,
    }
}

impl Object for Ec2VpcEndpoint {
    const KIND: &'static str = "ec2.vpc_endpoint";
    type Outputs = Ec2VpcEndpointOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new()
            .parents(["vpc_id"])
            .replace(["service_name", "vpc_endpoint_type"])
            .sets(["route_table_ids"])
    }
}
