//! EKS, and the small services.

use skyplat_core::executor::ErrorKind;
use skyplat_core::tree;
use skyplat_core::value::Tree;

use super::{case, hold};
use crate::support::lab::{EAST, WEST, ask, cluster, small_world};

#[tokio::test(start_paused = true)]
async fn clusters() {
    let mut lab = small_world().await;
    // In us-east-1, e is use1-az3.
    for (name, cidr, zone) in [
        ("east-a", "10.2.0.0/24", "us-east-1a"),
        ("east-b", "10.2.1.0/24", "us-east-1b"),
        ("east-e", "10.2.2.0/24", "us-east-1e"),
    ] {
        let inputs = tree!({ "vpc_id": (lab.id("far")), "cidr_block": cidr, "availability_zone": zone });
        lab.make(name, ask("ec2.subnet", EAST, inputs)).await;
    }
    let good = cluster(&lab, "d", "1.35", ["private-a", "private-b"]);
    let mut roleless = good.clone();
    roleless.set("role_arn", tree!("arn:aws:iam::123456789012:role/nobody"));
    let addon = |name: &str| tree!({ "cluster_name": "c", "name": name });
    let mut homeless = addon("vpc-cni");
    homeless.set("cluster_name", tree!("nowhere"));
    let entry = |principal: &str, access: &str| {
        let arn = format!("arn:aws:eks::aws:cluster-access-policy/{access}");
        tree!({ "cluster_name": "c", "principal_arn": principal, "access_policies": [{ "policy_arn": arn }] })
    };
    let profile = |subnet: &str, selectors: Tree| {
        tree!({
            "cluster_name": "c", "fargate_profile_name": "p", "pod_execution_role_arn": (lab.output("pod-role", "arn")),
            "subnets": [(lab.id(subnet))], "selectors": selectors,
        })
    };
    let selectors = tree!([{ "namespace": "kube-system" }]);
    let table = tree!({ "vpc_id": (lab.id("vpc")) });
    let (admin, view) = ("arn:aws:iam::123456789012:role/someone-elses", "AmazonEKSViewPolicy");
    let cases = vec![
        case(
            "a cluster is in two zones",
            "InvalidParameterException",
            "eks.cluster",
            WEST,
            cluster(&lab, "d", "1.35", ["private-a", "public-a"]),
            good.clone(),
        ),
        case(
            "EKS refuses some zones",
            "UnsupportedAvailabilityZone",
            "eks.cluster",
            EAST,
            cluster(&lab, "d", "1.35", ["east-a", "east-e"]),
            cluster(&lab, "d", "1.35", ["east-a", "east-b"]),
        ),
        case(
            "EKS runs some versions",
            "InvalidParameterException",
            "eks.cluster",
            WEST,
            cluster(&lab, "d", "1.99", ["private-a", "private-b"]),
            good.clone(),
        ),
        case(
            "a cluster's role exists",
            "InvalidParameterException",
            "eks.cluster",
            WEST,
            roleless,
            good.clone(),
        ),
        case(
            "a cluster has a name",
            "InvalidParameterException",
            "eks.cluster",
            WEST,
            cluster(&lab, "-d", "1.35", ["private-a", "private-b"]),
            good,
        ),
        case(
            "an addon is known",
            "InvalidParameterException",
            "eks.addon",
            WEST,
            addon("coreDNS"),
            addon("coredns"),
        ),
        case(
            "an addon's cluster exists",
            "ResourceNotFoundException",
            "eks.addon",
            WEST,
            homeless,
            addon("vpc-cni"),
        ),
        case(
            "an access policy is known",
            "InvalidParameterException",
            "eks.access_entry",
            WEST,
            entry(admin, "Admin"),
            entry(admin, view),
        ),
        case(
            "a principal is a role or user",
            "InvalidParameterException",
            "eks.access_entry",
            WEST,
            entry("role", view),
            entry(admin, view),
        ),
        case(
            "a profile has selectors",
            "InvalidParameterException",
            "eks.fargate_profile",
            WEST,
            profile("private-a", tree!([])),
            profile("private-a", selectors.clone()),
        ),
    ];
    hold(&lab, cases).await;

    let on_public = profile("public-a", selectors.clone());
    lab.make("public", ask("ec2.route_table", WEST, table)).await;
    let inputs = tree!({ "subnet_id": (lab.id("public-a")), "route_table_id": (lab.id("public")) });
    lab.make("public-association", ask("ec2.route_table_association", WEST, inputs)).await;
    let inputs = tree!({ "route_table_id": (lab.id("public")), "destination_cidr_block": "0.0.0.0/0", "gateway_id": (lab.id("igw")) });
    lab.make("out", ask("ec2.route", WEST, inputs)).await;
    let error = lab.try_make("profile", ask("eks.fargate_profile", WEST, on_public)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "Fargate runs in private subnets");
}

#[tokio::test(start_paused = true)]
async fn storage_names_and_small_services() {
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
    let domain = |domain: &str| tree!({ "domain": domain, "user_pool_id": (lab.id("pool")) });
    let user = |name: &str| tree!({ "username": name, "user_pool_id": (lab.id("pool")) });
    let group = |days: u32| tree!({ "log_group_name": "/g", "retention_in_days": days });
    let queue = |seconds: u32| tree!({ "queue_name": "q2", "message_retention_period": seconds });
    let rule = |arn: &str| tree!({ "name": "r", "targets": [{ "id": "1", "arn": arn }] });
    let secret = |days: u32| tree!({ "name": "s", "recovery_window_in_days": days });
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
                "a domain names no brand",
                "InvalidParameterException",
                "cognito.user_pool_domain",
                WEST,
                domain("my-aws"),
                domain("sp0123"),
            ),
            case(
                "a user signs in by email",
                "InvalidParameterException",
                "cognito.user",
                WEST,
                user("admin"),
                user("admin@example.com"),
            ),
            case(
                "lines are kept for some days",
                "InvalidParameterException",
                "logs.log_group",
                WEST,
                group(61),
                group(60),
            ),
            case(
                "a message is kept for a minute",
                "InvalidAttributeValue",
                "sqs.queue",
                WEST,
                queue(5),
                queue(300),
            ),
            case(
                "a target exists",
                "ResourceNotFoundException",
                "events.rule",
                WEST,
                rule("arn:aws:sqs:us-west-2:123456789012:none"),
                rule(&lab.output("queue", "arn")),
            ),
            case(
                "a recovery window is a week or none",
                "InvalidParameterException",
                "secretsmanager.secret",
                WEST,
                secret(3),
                secret(0),
            ),
        ],
    )
    .await;
}
