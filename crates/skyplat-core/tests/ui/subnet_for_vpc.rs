//! A subnet's id is no VPC's id, neither as a reference nor as a text.

mod common;

use common::{SubnetId, SubnetObject, VpcObject};
use skyplat_core::graph::{LowerError, Lowering};
use skyplat_core::value::Value;

fn lower(cx: &mut Lowering<'_>) -> Result<(), LowerError> {
    let vpc = cx.object("vpc", VpcObject { cidr: "10.0.0.0/16".to_owned() }).add()?;
    let subnet = cx.object("a", SubnetObject { vpc_id: vpc.output(VpcObject::ID) }).add()?;
    cx.object("b", SubnetObject { vpc_id: subnet.output(SubnetObject::ID) }).add()?;
    cx.object("c", SubnetObject { vpc_id: Value::Known(SubnetId("subnet-1".to_owned())) }).add()?;
    cx.object("d", SubnetObject { vpc_id: vpc.output(SubnetObject::ID) }).add()?;
    Ok(())
}

fn main() {
    let _ = lower;
}
