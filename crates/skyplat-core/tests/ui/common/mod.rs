//! A network and what is in it, as an embedder would write them.

use serde::{Deserialize, Serialize};
use skyplat_core::graph::{Handle, LowerError, Lowering, Resource};
use skyplat_core::object::{FieldRules, Object};
use skyplat_core::value::Value;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VpcId(pub String);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubnetId(pub String);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VpcObject {
    pub cidr: String,
}

skyplat_core::outputs! {
    pub struct VpcObjectOutputs of VpcObject {
        ID id: VpcId,
    }
}

impl Object for VpcObject {
    const KIND: &'static str = "demo.vpc";
    type Outputs = VpcObjectOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["cidr"])
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SubnetObject {
    pub vpc_id: Value<VpcId>,
}

skyplat_core::outputs! {
    pub struct SubnetObjectOutputs of SubnetObject {
        ID id: SubnetId,
    }
}

impl Object for SubnetObject {
    const KIND: &'static str = "demo.subnet";
    type Outputs = SubnetObjectOutputs;

    fn rules(&self) -> FieldRules {
        FieldRules::new().parents(["vpc_id"])
    }
}

#[derive(Debug)]
pub struct Vpc;

#[derive(Debug, Clone)]
pub struct VpcOutputs {
    pub vpc_id: Value<VpcId>,
}

impl Resource for Vpc {
    const KIND: &'static str = "Vpc";
    type Outputs = VpcOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<VpcOutputs, LowerError> {
        let vpc = cx.object("vpc", VpcObject { cidr: "10.0.0.0/16".to_owned() }).add()?;
        Ok(VpcOutputs { vpc_id: vpc.output(VpcObject::ID) })
    }
}

#[derive(Debug)]
pub struct Cluster {
    pub vpc: Handle<Vpc>,
}

impl Resource for Cluster {
    const KIND: &'static str = "Cluster";
    type Outputs = ();

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<(), LowerError> {
        let vpc = cx.outputs(self.vpc)?;
        cx.object("subnet", SubnetObject { vpc_id: vpc.vpc_id }).add()?;
        Ok(())
    }
}

/// Refers to another of its kind.
#[derive(Debug)]
pub struct Link {
    pub to: Option<Handle<Link>>,
}

impl Resource for Link {
    const KIND: &'static str = "Link";
    type Outputs = ();

    fn lower(&self, _: &mut Lowering<'_>) -> Result<(), LowerError> {
        Ok(())
    }
}
