//! EFS, Route 53 and EventBridge: what is there once, and what must be there.

use skyplat_core::tree;

use super::{case, hold};
use crate::support::lab::{EAST, WEST, ask, small_world};

#[tokio::test(start_paused = true)]
async fn mount_targets_zones_and_targets() {
    let mut lab = small_world().await;
    let inputs = tree!({ "vpc_id": (lab.id("vpc")), "cidr_block": "10.1.128.0/24", "availability_zone": "us-west-2a" });
    lab.make("private-a2", ask("ec2.subnet", WEST, inputs)).await;
    let mount = |subnet: &str, group: &str| {
        tree!({
            "file_system_id": (lab.id("fs")), "subnet_id": (lab.id(subnet)), "security_groups": [(lab.id(group))],
        })
    };
    let associate = |vpc: &str, region: &str| tree!({ "hosted_zone_id": (lab.id("zone")), "vpc": { "vpc_id": (lab.id(vpc)), "vpc_region": region } });
    let zone = |name: &str, vpc: &str| tree!({ "name": name, "vpc": { "vpc_id": (lab.id(vpc)), "vpc_region": WEST } });
    let rule = |arn: &str| tree!({ "name": "r", "targets": [{ "id": "1", "arn": arn }] });
    hold(
        &lab,
        vec![
            case(
                "a zone has one mount target",
                "MountTargetConflict",
                "efs.mount_target",
                WEST,
                mount("private-a2", "group"),
                mount("private-b", "group"),
            ),
            case(
                "a mount target's groups are of its VPC",
                "SecurityGroupNotFound",
                "efs.mount_target",
                WEST,
                mount("private-b", "twin-group"),
                mount("private-b", "group"),
            ),
            case(
                "a VPC is associated once",
                "ConflictingDomainExists",
                "route53.zone_association",
                "",
                associate("vpc", WEST),
                associate("far", EAST),
            ),
            case(
                "a VPC is in the region that is named",
                "InvalidVpcID.NotFound",
                "route53.zone_association",
                "",
                associate("far", WEST),
                associate("far", EAST),
            ),
            case(
                "a VPC sees one zone of a name",
                "ConflictingDomainExists",
                "route53.zone",
                "",
                zone("sky.example.com", "vpc"),
                zone("sky.example.com", "twin"),
            ),
            case(
                "a zone's name is a domain",
                "InvalidDomainName",
                "route53.zone",
                "",
                zone("sky example", "vpc"),
                zone("example.com", "vpc"),
            ),
            case(
                "a target exists",
                "ResourceNotFoundException",
                "events.rule",
                WEST,
                rule("arn:aws:sqs:us-west-2:123456789012:none"),
                rule(&lab.output("queue", "arn")),
            ),
        ],
    )
    .await;
}
