//! Every rule of the simulated APIs, with a call that it refuses and one beside it that passes.

use crate::support::lab::{
    Ask, EAST, Lab, WEST, ask, cluster, manifest, policy, release, small_world, trust,
};
use skyplat_core::executor::{ErrorKind, ExecError};
use skyplat_core::tree;
use skyplat_core::value::Tree;

/// A refused call and its passing neighbour.
struct Case {
    rule: &'static str,
    /// Part of the API's code.
    code: &'static str,
    bad: Ask,
    good: Ask,
}

/// Makes a case whose two calls differ in their inputs alone.
fn case(
    rule: &'static str,
    code: &'static str,
    kind: &'static str,
    place: &'static str,
    bad: Tree,
    good: Tree,
) -> Case {
    Case { rule, code, bad: ask(kind, place, bad), good: ask(kind, place, good) }
}

async fn hold(lab: &Lab, cases: Vec<Case>) {
    for Case { rule, code, bad, good } in cases {
        let mut fork = lab.fork();
        let before = fork.cloud.world().len();
        let error = fork.try_make("new", bad).await.expect_err(rule);
        assert!(error.code.as_deref().unwrap_or_default().contains(code), "{rule}: {error:?}");
        assert!(error.kind.had_no_effect(), "{rule}: {error:?}");
        assert_eq!(fork.cloud.world().len(), before, "{rule}: a refused call has no effect");
        if let Err(error) = fork.try_make("new", good).await {
            panic!("{rule}: the neighbour is refused too: {error:?}");
        }
    }
}

fn subnet(lab: &Lab, cidr: &str, zone: &str) -> Tree {
    tree!({ "vpc_id": (lab.id("vpc")), "cidr_block": cidr, "availability_zone": zone })
}

#[tokio::test(start_paused = true)]
async fn networks() {
    let lab = small_world().await;
    let vpc = |cidr: &str| tree!({ "cidr_block": cidr });
    let good = subnet(&lab, "10.1.128.0/18", "us-west-2c");
    let elsewhere =
        tree!({ "vpc_id": (lab.id("far")), "cidr_block": "10.2.0.0/24", "availability_zone": "us-west-2c" });
    let nowhere = tree!({
        "vpc_id": "vpc-00000000000000000", "cidr_block": "10.1.128.0/18", "availability_zone": "us-west-2c",
    });
    hold(
        &lab,
        vec![
            case(
                "a VPC is between /16 and /28",
                "InvalidVpc.Range",
                "ec2.vpc",
                WEST,
                vpc("10.0.0.0/8"),
                vpc("10.0.0.0/16"),
            ),
            case("a VPC must exist", "InvalidVpcID.NotFound", "ec2.subnet", WEST, nowhere, good.clone()),
            case(
                "a VPC is of the region",
                "InvalidVpcID.NotFound",
                "ec2.subnet",
                WEST,
                elsewhere,
                good.clone(),
            ),
            case(
                "a subnet is inside its VPC",
                "InvalidSubnet.Range",
                "ec2.subnet",
                WEST,
                subnet(&lab, "10.9.0.0/24", "us-west-2c"),
                good.clone(),
            ),
            case(
                "subnets do not overlap",
                "InvalidSubnet.Conflict",
                "ec2.subnet",
                WEST,
                subnet(&lab, "10.1.32.0/24", "us-west-2c"),
                good.clone(),
            ),
            case(
                "a zone is of the region",
                "InvalidParameterValue",
                "ec2.subnet",
                WEST,
                subnet(&lab, "10.1.128.0/18", "us-east-1a"),
                good.clone(),
            ),
            case(
                "a zone is open to the account",
                "InvalidParameterValue",
                "ec2.subnet",
                WEST,
                subnet(&lab, "10.1.128.0/18", "us-west-2-lax-1b"),
                good.clone(),
            ),
            Case {
                rule: "a region exists",
                code: "InvalidRegion",
                bad: ask("ec2.vpc", "us-west-9", vpc("10.0.0.0/16")),
                good: ask("ec2.vpc", EAST, vpc("10.0.0.0/16")),
            },
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn gateways_and_routes() {
    let mut lab = small_world().await;
    let inputs =
        tree!({ "vpc_id": (lab.id("twin")), "cidr_block": "10.1.0.0/24", "availability_zone": "us-west-2a" });
    lab.make("twin-subnet", ask("ec2.subnet", WEST, inputs)).await;
    let nat = |subnet: &str, address: &str| tree!({ "subnet_id": (lab.id(subnet)), "allocation_id": (lab.id(address)) });
    let route = |table: &str, to: &str, field: &str, target: &str| tree!({ "route_table_id": (lab.id(table)), "destination_cidr_block": to, field: (lab.id(target)) });
    let associate = |subnet: &str, table: &str| tree!({ "subnet_id": (lab.id(subnet)), "route_table_id": (lab.id(table)) });
    let mut both = route("table", "0.0.0.0/0", "nat_gateway_id", "nat");
    both.set("gateway_id", tree!((lab.id("igw"))));
    let to_internet = route("table", "0.0.0.0/0", "nat_gateway_id", "nat");
    let endpoint = |service: &str| {
        tree!({
            "vpc_id": (lab.id("vpc")), "service_name": service, "vpc_endpoint_type": "Gateway", "route_table_ids": [(lab.id("table"))],
        })
    };
    hold(
        &lab,
        vec![
            case(
                "an address serves one gateway",
                "Resource.AlreadyAssociated",
                "ec2.nat_gateway",
                WEST,
                nat("public-a", "eip"),
                nat("public-a", "spare"),
            ),
            case(
                "a NAT gateway needs an internet gateway",
                "Gateway.NotAttached",
                "ec2.nat_gateway",
                WEST,
                nat("twin-subnet", "spare"),
                nat("public-a", "spare"),
            ),
            case(
                "a route has one target",
                "InvalidParameterCombination",
                "ec2.route",
                WEST,
                both,
                to_internet.clone(),
            ),
            case(
                "table and target are of one network",
                "InvalidParameterValue",
                "ec2.route",
                WEST,
                route("twin-table", "0.0.0.0/0", "gateway_id", "igw"),
                route("table", "0.0.0.0/0", "gateway_id", "igw"),
            ),
            case(
                "the local route stays",
                "InvalidParameterValue",
                "ec2.route",
                WEST,
                route("table", "10.1.0.0/16", "nat_gateway_id", "nat"),
                to_internet,
            ),
            case(
                "table and subnet are of one network",
                "InvalidParameterValue",
                "ec2.route_table_association",
                WEST,
                associate("private-b", "twin-table"),
                associate("private-b", "table"),
            ),
            case(
                "an endpoint leads to its own region",
                "InvalidServiceName",
                "ec2.vpc_endpoint",
                WEST,
                endpoint("com.amazonaws.us-east-1.s3"),
                endpoint("com.amazonaws.us-west-2.s3"),
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn peerings() {
    let mut lab = small_world().await;
    let id = lab.id("peering");
    let peer = |from: &str, to: &str, region: &str| tree!({ "vpc_id": (lab.id(from)), "peer_vpc_id": (lab.id(to)), "peer_region": region });
    let acceptance = tree!({ "vpc_peering_connection_id": id });
    hold(
        &lab,
        vec![
            case(
                "overlapping ranges are not peered",
                "InvalidParameterValue",
                "ec2.vpc_peering",
                WEST,
                peer("vpc", "twin", WEST),
                peer("twin", "far", EAST),
            ),
            case(
                "two VPCs have one connection",
                "VpcPeeringConnectionAlreadyExists",
                "ec2.vpc_peering",
                WEST,
                peer("vpc", "far", EAST),
                peer("twin", "far", EAST),
            ),
            case(
                "the peer is in its region",
                "InvalidVpcID.NotFound",
                "ec2.vpc_peering",
                WEST,
                peer("twin", "far", "eu-west-1"),
                peer("twin", "far", EAST),
            ),
            Case {
                rule: "the accepter's side accepts",
                code: "OperationNotPermitted",
                bad: ask("ec2.vpc_peering_acceptance", WEST, acceptance.clone()),
                good: ask("ec2.vpc_peering_acceptance", EAST, acceptance.clone()),
            },
            Case {
                rule: "no third region sees a connection",
                code: "InvalidVpcPeeringConnectionID.NotFound",
                bad: ask("ec2.vpc_peering_acceptance", "eu-west-1", acceptance.clone()),
                good: ask("ec2.vpc_peering_acceptance", EAST, acceptance.clone()),
            },
        ],
    )
    .await;

    let options = tree!({
        "vpc_peering_connection_id": id,
        "requester_peering_connection_options": { "allow_dns_resolution_from_remote_vpc": true },
    });
    let route = tree!({
        "route_table_id": (lab.id("table")), "destination_cidr_block": "10.2.0.0/16", "vpc_peering_connection_id": id,
    });
    let mut early = lab.fork();
    for (kind, inputs) in [("ec2.vpc_peering_options", &options), ("ec2.route", &route)] {
        let error = early.try_make("new", ask(kind, WEST, inputs.clone())).await.unwrap_err();
        assert_eq!(error.code.as_deref(), Some("OperationNotPermitted"), "{kind} before the acceptance");
    }
    lab.make("acceptance", ask("ec2.vpc_peering_acceptance", EAST, acceptance)).await;
    lab.make("route", ask("ec2.route", WEST, route)).await;
    hold(
        &lab,
        vec![Case {
            rule: "options are set from their own region",
            code: "OperationNotPermitted",
            bad: ask("ec2.vpc_peering_options", EAST, options.clone()),
            good: ask("ec2.vpc_peering_options", WEST, options),
        }],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn security_groups() {
    let lab = small_world().await;
    let group = |name: &str, description: &str| tree!({ "vpc_id": (lab.id("vpc")), "group_name": name, "description": description });
    let rule = |field: &str, end: &str, description: &str| {
        tree!({
            "group_id": (lab.id("group")), "direction": "ingress", "ip_protocol": "tcp", "description": description, field: end,
        })
    };
    let mut two = rule("cidr_ipv4", "10.2.0.0/16", "two ends");
    two.set("referenced_group_id", tree!((lab.id("other-group"))));
    let good = rule("referenced_group_id", &lab.id("other-group"), "from the other");
    hold(
        &lab,
        vec![
            case(
                "a group's name is no id",
                "InvalidParameterValue",
                "ec2.security_group",
                WEST,
                group("sg-x", "x"),
                group("x", "x"),
            ),
            case(
                "descriptions know few characters",
                "InvalidParameterValue",
                "ec2.security_group",
                WEST,
                group("x", "it's"),
                group("x", "it is"),
            ),
            case(
                "a rule has one other end",
                "InvalidParameterCombination",
                "ec2.security_group_rule",
                WEST,
                two,
                good.clone(),
            ),
            case(
                "a range is a range",
                "InvalidParameterValue",
                "ec2.security_group_rule",
                WEST,
                rule("cidr_ipv4", "10.2/16", "x"),
                rule("cidr_ipv4", "10.2.0.0/16", "x"),
            ),
            case(
                "groups name each other inside one VPC",
                "InvalidGroup.NotFound",
                "ec2.security_group_rule",
                WEST,
                rule("referenced_group_id", &lab.id("twin-group"), "x"),
                good,
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn identities() {
    let lab = small_world().await;
    let role = |name: &str, path: &str, trust: Tree| tree!({ "role_name": name, "path": path, "assume_role_policy_document": trust });
    let good = role("r", "/", trust("ec2.amazonaws.com"));
    let document = |document: Tree| tree!({ "policy_name": "p", "path": "/", "policy_document": document });
    let attach = |policy: &str| tree!({ "role_name": "role", "policy_arn": policy });
    let provider = |url: &str| tree!({ "url": url, "client_id_list": ["sts.amazonaws.com"] });
    let statement = |statement: Tree| tree!({ "Version": "2012-10-17", "Statement": [statement] });
    let many = "x".repeat(65);
    hold(
        &lab,
        vec![
            case(
                "a role's name has 64 characters",
                "ValidationError",
                "iam.role",
                "",
                role(&many, "/", trust("x")),
                good.clone(),
            ),
            case(
                "a name has few characters",
                "ValidationError",
                "iam.role",
                "",
                role("a b", "/", trust("x")),
                good.clone(),
            ),
            case(
                "a path ends with a slash",
                "ValidationError",
                "iam.role",
                "",
                role("r", "/teams", trust("x")),
                role("r", "/teams/", trust("x")),
            ),
            case(
                "a trust policy has a principal",
                "MalformedPolicyDocument",
                "iam.role",
                "",
                role("r", "/", policy(1)),
                good.clone(),
            ),
            case(
                "a trust policy has a version",
                "MalformedPolicyDocument",
                "iam.role",
                "",
                role("r", "/", tree!({})),
                good.clone(),
            ),
            case(
                "a statement has an effect",
                "MalformedPolicyDocument",
                "iam.policy",
                "",
                document(statement(tree!({ "Action": "s3:*", "Resource": "*" }))),
                document(policy(1)),
            ),
            case(
                "a statement has an action",
                "MalformedPolicyDocument",
                "iam.policy",
                "",
                document(statement(tree!({ "Effect": "Allow", "Resource": "*" }))),
                document(policy(1)),
            ),
            case(
                "a policy has 6144 characters",
                "LimitExceeded",
                "iam.policy",
                "",
                document(policy(300)),
                document(policy(150)),
            ),
            case(
                "a managed policy exists",
                "NoSuchEntity",
                "iam.policy_attachment",
                "",
                attach("arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicyV2"),
                attach("arn:aws:iam::aws:policy/AmazonEBSCSIDriverPolicyV2"),
            ),
            case(
                "a policy is named by its ARN",
                "ValidationError",
                "iam.policy_attachment",
                "",
                attach("policy"),
                attach(&lab.output("policy", "arn")),
            ),
            case(
                "a role exists",
                "NoSuchEntity",
                "iam.policy_attachment",
                "",
                tree!({ "role_name": "nobody", "policy_arn": (lab.output("policy", "arn")) }),
                attach(&lab.output("policy", "arn")),
            ),
            case(
                "an issuer is a URL",
                "InvalidInput",
                "iam.oidc_provider",
                "",
                provider("oidc.example.com"),
                provider("https://oidc.example.com"),
            ),
        ],
    )
    .await;
}

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
            "cluster_name": "c", "fargate_profile_name": "p", "pod_execution_role_arn": (lab.output("role", "arn")),
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

#[tokio::test(start_paused = true)]
async fn manifests_and_releases() {
    let mut lab = small_world().await;
    let token = |account: &str| {
        tree!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": { "name": "t", "namespace": "team", "annotations": { "kubernetes.io/service-account.name": account } },
        })
    };
    let without_name = tree!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": {} });
    let config = |name: &str| manifest("ConfigMap", "team", name);
    let mut local = release("team", "r", "metrics-server");
    local.set("repository", Tree::Null);
    hold(
        &lab,
        vec![
            case("a manifest has a name", "400", "k8s.object", "cluster", without_name, config("x")),
            case("a name is one of DNS", "422", "k8s.object", "cluster", config("X_y"), config("x-y")),
            case(
                "a namespace exists",
                "404",
                "k8s.object",
                "cluster",
                manifest("ConfigMap", "nowhere", "x"),
                config("x"),
            ),
            case("a token's account exists", "404", "k8s.object", "cluster", token("nobody"), token("sa")),
            case(
                "a chart exists",
                "ChartNotFound",
                "helm.release",
                "cluster",
                release("team", "r", "metrics-servr"),
                release("team", "r", "metrics-server"),
            ),
            case(
                "a chart has a source",
                "ChartNotFound",
                "helm.release",
                "cluster",
                local,
                release("team", "r", "metrics-server"),
            ),
            case(
                "a release's namespace exists",
                "404",
                "helm.release",
                "cluster",
                release("nowhere", "r", "metrics-server"),
                release("kube-system", "r", "metrics-server"),
            ),
            case(
                "a release has a short name",
                "InvalidReleaseName",
                "helm.release",
                "cluster",
                release("team", &"r".repeat(54), "metrics-server"),
                release("team", "r", "metrics-server"),
            ),
        ],
    )
    .await;

    for (crd_chart, version, kind) in [
        ("karpenter-crd", "karpenter.sh/v1", "NodePool"),
        ("tailscale-operator", "tailscale.com/v1alpha1", "Connector"),
    ] {
        let custom = tree!({ "apiVersion": version, "kind": kind, "metadata": { "name": "x" } });
        let error = lab.try_make(kind, ask("k8s.object", "cluster", custom.clone())).await.unwrap_err();
        assert_eq!(error.code.as_deref(), Some("404 NotFound"), "{kind} before its definition");
        lab.make(crd_chart, ask("helm.release", "cluster", release("team", crd_chart, crd_chart))).await;
        lab.make(kind, ask("k8s.object", "cluster", custom)).await;
    }
    lab.delete("karpenter-crd").await.unwrap();
    assert!(
        matches!(lab.read("NodePool").await, Ok(skyplat_core::executor::Observed::Missing)),
        "objects go with their definition"
    );

    let config = tree!({ "namespace": "team", "release": "sky", "config": {} });
    let error = lab.try_make("config", ask("skypilot.config", "cluster", config.clone())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotYetVisible, "a configuration needs its server");
    lab.make("sky", ask("helm.release", "cluster", release("team", "sky", "skypilot"))).await;
    lab.make("config", ask("skypilot.config", "cluster", config)).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_there_twice() {
    let mut lab = small_world().await;
    for (name, asked) in [
        (
            "group-x",
            ask(
                "ec2.security_group",
                WEST,
                tree!({ "vpc_id": (lab.id("vpc")), "group_name": "x", "description": "x" }),
            ),
        ),
        (
            "role-x",
            ask("iam.role", "", tree!({ "role_name": "x", "assume_role_policy_document": (trust("x")) })),
        ),
        ("config-x", ask("k8s.object", "cluster", manifest("ConfigMap", "team", "x"))),
        ("thing-x", ask("demo.thing", WEST, tree!({ "name": "x" }))),
    ] {
        let asked = asked.key(tree!([name]));
        lab.make(name, asked.clone()).await;
        let error = lab.try_make(&format!("{name}-again"), asked).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::AlreadyExists, "{name}: {error:?}");
    }
    let spot = ask("iam.service_linked_role", "", tree!({ "aws_service_name": "spot.amazonaws.com" }))
        .key(tree!(["spot"]));
    lab.make("spot", spot.clone()).await;
    lab.make("spot-of-another-stack", spot).await;
    assert_eq!(lab.id("spot"), lab.id("spot-of-another-stack"), "a service-linked role is adopted");
}

/// What stands in the way of a delete, and the code that says so.
const IN_USE: &[(&str, &str, &[&str])] = &[
    ("eip", "InvalidIPAddress.InUse", &["nat"]),
    ("public-a", "DependencyViolation", &["nat"]),
    ("igw", "DependencyViolation", &["nat"]),
    ("table", "DependencyViolation", &["association"]),
    ("group", "DependencyViolation", &["mount"]),
    ("private-a", "DependencyViolation", &["mount", "cluster"]),
    ("fs", "FileSystemInUse", &["mount"]),
    ("role", "DeleteConflict", &["attachment"]),
    ("policy", "DeleteConflict", &["attachment"]),
    ("cluster", "ResourceInUseException", &["profile"]),
    ("pool", "InvalidParameterException", &["domain"]),
    ("other-group", "DependencyViolation", &["rule"]),
];

#[tokio::test(start_paused = true)]
async fn what_is_used_stays() {
    let mut lab = small_world().await;
    let inputs = tree!({ "role_name": "role", "policy_arn": (lab.output("policy", "arn")) });
    lab.make("attachment", ask("iam.policy_attachment", "", inputs)).await;
    let inputs = tree!({
        "cluster_name": "c", "fargate_profile_name": "p", "pod_execution_role_arn": (lab.output("role", "arn")),
        "subnets": [(lab.id("private-a"))], "selectors": [{ "namespace": "x" }],
    });
    lab.make("profile", ask("eks.fargate_profile", WEST, inputs)).await;
    let inputs = tree!({ "domain": "sp0123", "user_pool_id": (lab.id("pool")) });
    lab.make("domain", ask("cognito.user_pool_domain", WEST, inputs)).await;
    let inputs = tree!({
        "group_id": (lab.id("group")), "direction": "ingress", "ip_protocol": "-1", "description": "x",
        "referenced_group_id": (lab.id("other-group")),
    });
    lab.make("rule", ask("ec2.security_group_rule", WEST, inputs)).await;
    for (name, code, users) in IN_USE {
        let lab = lab.fork();
        let refused = |result: Result<_, ExecError>| {
            let error = result.expect_err(name);
            assert_eq!(error.kind, ErrorKind::DependencyViolation, "{name}");
            assert_eq!(error.code.as_deref(), Some(*code), "{name}");
        };
        for user in *users {
            refused(lab.delete(name).await);
            if *user == "cluster" {
                lab.delete("profile").await.unwrap();
            }
            lab.delete(user).await.unwrap();
        }
        lab.delete(name).await.unwrap_or_else(|error| panic!("{name} is free: {error:?}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_vpc_goes_last() {
    let mut lab = small_world().await;
    lab.delete("peering").await.unwrap();
    lab.make(
        "in-far",
        ask(
            "ec2.security_group",
            EAST,
            tree!({ "vpc_id": (lab.id("far")), "group_name": "x", "description": "x" }),
        ),
    )
    .await;
    let error = lab.delete("far").await.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("DependencyViolation"));
    lab.delete("in-far").await.unwrap();
    lab.delete("far").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn some_fields_stay_as_they_are() {
    let mut lab = small_world().await;
    let binding = |role: &str| {
        tree!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "b", "namespace": "team" },
            "roleRef": { "kind": "Role", "name": role }, "subjects": [],
        })
    };
    lab.make("binding", ask("k8s.object", "cluster", binding("one"))).await;
    let class = |mode: &str| {
        tree!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": "c" },
            "provisioner": "ebs.csi.aws.com", "volumeBindingMode": mode,
        })
    };
    lab.make("class", ask("k8s.object", "cluster", class("Immediate"))).await;
    for (name, bad, good) in [
        (
            "vpc",
            tree!({ "cidr_block": "10.3.0.0/16" }),
            tree!({ "cidr_block": "10.1.0.0/16", "tags": { "a": "b" } }),
        ),
        ("binding", binding("two"), binding("one")),
        ("class", class("WaitForFirstConsumer"), class("Immediate")),
        (
            "cluster",
            cluster(&lab, "c", "1.36", ["private-a", "private-b"]),
            cluster(&lab, "c", "1.35", ["private-b", "private-a"]),
        ),
    ] {
        let error = lab.update(name, bad).await.expect_err(name);
        assert_eq!(error.kind, ErrorKind::Invalid, "{name}");
        lab.update(name, good).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    let downgrade = lab.update("cluster", cluster(&lab, "c", "1.34", ["private-a", "private-b"])).await;
    assert_eq!(downgrade.unwrap_err().kind, ErrorKind::Invalid);
}
