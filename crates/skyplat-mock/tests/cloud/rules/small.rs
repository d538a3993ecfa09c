//! EFS, Cognito, Route 53 and the small services, field by field: one good request, and what may not be said instead.

use std::time::Duration;

use skyplat_core::executor::{ErrorKind, ExecError, Executor};
use skyplat_core::tree;
use skyplat_core::value::{Secret, Tree};

use super::{Case, case, hold};
use crate::support::lab::{Lab, WEST, ask, small_world};
use crate::support::op;

/// Cases that differ from one good request in one field.
fn fields(
    kind: &'static str,
    place: &'static str,
    good: &Tree,
    rows: Vec<(&'static str, &'static str, &'static str, Tree)>,
) -> Vec<Case> {
    let with = |field: &str, value: Tree| {
        let mut inputs = good.clone();
        inputs.set(field, value);
        inputs
    };
    rows.into_iter()
        .map(|(rule, code, field, bad)| case(rule, code, kind, place, with(field, bad), good.clone()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn file_systems() {
    let mut lab = small_world().await;
    let good = tree!({ "performance_mode": "maxIO", "throughput_mode": "bursting" });
    let rows = vec![
        ("a performance mode is known", "BadRequest", "performance_mode", tree!("fast")),
        ("a throughput mode is known", "BadRequest", "throughput_mode", tree!("endless")),
        ("maxIO is not elastic", "BadRequest", "throughput_mode", tree!("elastic")),
    ];
    hold(&lab, fields("efs.file_system", WEST, &good, rows)).await;

    let inputs =
        tree!({ "vpc_id": (lab.id("twin")), "cidr_block": "10.1.0.0/24", "availability_zone": "us-west-2b" });
    lab.make("twin-b", ask("ec2.subnet", WEST, inputs)).await;
    let groups: Vec<String> = (0..6).map(|_| lab.id("group")).collect();
    let good = tree!({
        "file_system_id": (lab.id("fs")), "subnet_id": (lab.id("private-b")), "security_groups": [(lab.id("group"))],
    });
    let rows = vec![
        ("mount targets are in one VPC", "MountTargetConflict", "subnet_id", tree!((lab.id("twin-b")))),
        ("a mount target has five groups", "SecurityGroupLimitExceeded", "security_groups", tree!(groups)),
        ("a file system exists", "FileSystemNotFound", "file_system_id", tree!("fs-0")),
    ];
    hold(&lab, fields("efs.mount_target", WEST, &good, rows)).await;

    let fresh = Lab::desired("fresh", &ask("efs.file_system", WEST, tree!({ "encrypted": true })));
    let cx = op(&fresh.placement, None);
    let call = lab.cloud.create(&cx, &fresh);
    tokio::time::timeout(Duration::from_secs(2), call).await.expect_err("it takes eight seconds");
    let mut early = good.clone();
    let id = lab.cloud.world().get(&fresh.uid).unwrap().id.clone();
    early.set("file_system_id", tree!(id));
    let error = lab.try_make("early", ask("efs.mount_target", WEST, early)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (ErrorKind::Busy, Some("IncorrectFileSystemLifeCycleState"))
    );
}

#[tokio::test(start_paused = true)]
async fn user_pools() {
    let mut lab = small_world().await;
    let pool = lab.id("pool");
    let invalid = "InvalidParameterException";
    let good = tree!({ "domain": "sp0123", "user_pool_id": pool });
    let rows = vec![
        ("a domain names no brand", invalid, "domain", tree!("my-aws")),
        ("a domain does not begin with a hyphen", invalid, "domain", tree!("-sky")),
        ("a domain is in lower case", invalid, "domain", tree!("Sky")),
        ("a pool exists", "ResourceNotFoundException", "user_pool_id", tree!("us-west-2_x")),
    ];
    hold(&lab, fields("cognito.user_pool_domain", WEST, &good, rows)).await;

    let good = tree!({
        "user_pool_id": pool, "client_name": "c", "generate_secret": true,
        "allowed_o_auth_flows_user_pool_client": true, "allowed_o_auth_flows": ["code"],
        "allowed_o_auth_scopes": ["openid"], "callback_urls": ["https://sky.example.com/oauth2/callback"],
    });
    let rows = vec![
        ("a flow is known", "InvalidOAuthFlowException", "allowed_o_auth_flows", tree!(["device"])),
        ("OAuth has flows", invalid, "allowed_o_auth_flows", tree!([])),
        ("OAuth has scopes", invalid, "allowed_o_auth_scopes", tree!([])),
        ("the code flow goes back somewhere", invalid, "callback_urls", tree!([])),
        ("it goes back with TLS", invalid, "callback_urls", tree!(["http://sky.example.com"])),
        ("it goes back to an address", invalid, "callback_urls", tree!(["sky.example.com"])),
    ];
    hold(&lab, fields("cognito.user_pool_client", WEST, &good, rows)).await;
    lab.make("client", ask("cognito.user_pool_client", WEST, good)).await;

    let good = tree!({
        "user_pool_id": pool, "username": "admin@example.com", "password": (Tree::Secret(Secret::new("Aa1-aaaa"))),
    });
    let password = |text: &str| Tree::Secret(Secret::new(text));
    let rows = vec![
        ("a user signs in by email", invalid, "username", tree!("admin")),
        ("a password is long", "InvalidPasswordException", "password", password("Aa1-aaa")),
        ("a password has a digit", "InvalidPasswordException", "password", password("Aaa-aaaa")),
        ("a password has a sign", "InvalidPasswordException", "password", password("Aa1aaaaa")),
    ];
    hold(&lab, fields("cognito.user", WEST, &good, rows)).await;

    lab.make("pool-2", ask("cognito.user_pool", WEST, tree!({ "username_attributes": ["email"] }))).await;
    let branding = |pool: &str| tree!({ "user_pool_id": (lab.id(pool)), "client_id": (lab.id("client")) });
    let bad = branding("pool-2");
    let rule = "a branding is of the client's pool";
    hold(
        &lab,
        vec![case(rule, "ResourceNotFound", "cognito.managed_login_branding", WEST, bad, branding("pool"))],
    )
    .await;
    for (kind, code, first, second) in [
        (
            "cognito.user_pool_domain",
            "InvalidParameterException",
            tree!({ "domain": "sp0123", "user_pool_id": pool }),
            tree!({ "domain": "sp0123", "user_pool_id": (lab.id("pool-2")) }),
        ),
        (
            "cognito.user_pool_domain",
            "InvalidParameterException",
            tree!({ "domain": "sp0123", "user_pool_id": pool }),
            tree!({ "domain": "sp0124", "user_pool_id": pool }),
        ),
        (
            "cognito.managed_login_branding",
            "ManagedLoginBrandingExistsException",
            branding("pool"),
            branding("pool"),
        ),
    ] {
        let mut fork = lab.fork();
        fork.make("first", ask(kind, WEST, first)).await;
        let error = fork.try_make("second", ask(kind, WEST, second)).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::AlreadyExists, Some(code)), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_and_values_of_small_services() {
    let lab = small_world().await;
    let mut cases = Vec::new();
    let good = tree!({ "log_group_name": "/sky/a", "retention_in_days": 30 });
    cases.extend(fields(
        "logs.log_group",
        WEST,
        &good,
        vec![
            ("a log group has a plain name", "InvalidParameter", "log_group_name", tree!("/sky a")),
            ("lines are kept for some days", "InvalidParameter", "retention_in_days", tree!(61)),
        ],
    ));
    let good = tree!({ "queue_name": "q2", "message_retention_period": 300 });
    cases.extend(fields(
        "sqs.queue",
        WEST,
        &good,
        vec![
            ("a queue has a short name", "InvalidParameterValue", "queue_name", tree!(("q".repeat(81)))),
            (
                "a message is kept for a minute",
                "InvalidAttributeValue",
                "message_retention_period",
                tree!(59),
            ),
        ],
    ));
    let queue = lab.output("queue", "arn");
    let target = |id: &str| tree!({ "id": id, "arn": queue });
    let good = tree!({ "name": "r", "event_pattern": "{\"source\":[\"aws.ec2\"]}", "state": "ENABLED", "targets": [(target("1"))] });
    let six: Vec<Tree> = (0..6).map(|id| target(&id.to_string())).collect();
    cases.extend(fields(
        "events.rule",
        WEST,
        &good,
        vec![
            ("a rule has a plain name", "ValidationException", "name", tree!("a/b")),
            ("a pattern is JSON", "InvalidEventPatternException", "event_pattern", tree!("source")),
            ("a rule is on or off", "ValidationException", "state", tree!("ON")),
            ("a rule has five targets", "LimitExceededException", "targets", Tree::List(six)),
            (
                "targets have ids of their own",
                "ValidationException",
                "targets",
                tree!([(target("1")), (target("1"))]),
            ),
        ],
    ));
    let good = tree!({ "name": "s", "recovery_window_in_days": 7, "generate_secret_string": { "password_length": 32 } });
    cases.extend(fields(
        "secretsmanager.secret",
        WEST,
        &good,
        vec![
            ("a secret has a plain name", "ValidationException", "name", tree!("a b")),
            ("a recovery window is a week or none", "InvalidParameter", "recovery_window_in_days", tree!(3)),
            (
                "a password has a length",
                "InvalidParameter",
                "generate_secret_string",
                tree!({ "password_length": 5000 }),
            ),
        ],
    ));
    hold(&lab, cases).await;
}

#[tokio::test(start_paused = true)]
async fn zones() {
    let mut lab = small_world().await;
    let place = |vpc: &str, region: &str| tree!({ "vpc_id": (lab.id(vpc)), "vpc_region": region });
    let good = tree!({ "name": "b.example.com", "vpc": (place("vpc", WEST)) });
    let long = format!("{}.example.com", "a.".repeat(125));
    let rows = vec![
        ("a zone's name is short", "InvalidDomainName", "name", tree!(long)),
        ("a label is short", "InvalidDomainName", "name", tree!((format!("{}.example.com", "a".repeat(64))))),
        ("a VPC exists", "InvalidVpcID.NotFound", "vpc", tree!({ "vpc_id": "vpc-0", "vpc_region": WEST })),
    ];
    hold(&lab, fields("route53.zone", "", &good, rows)).await;

    // One change of a zone's VPCs at a time.
    let association = |vpc: &str, region: &str| {
        let inputs = tree!({ "hosted_zone_id": (lab.id("zone")), "vpc": (place(vpc, region)) });
        Lab::desired(&format!("association-{vpc}"), &ask("route53.zone_association", "", inputs))
    };
    let (one, two) = (association("twin", WEST), association("far", "us-east-1"));
    let (first, second) = tokio::join!(lab.create(&one), lab.create(&two));
    first.unwrap();
    let error = second.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Busy, Some("PriorRequestNotComplete")));
    lab.create(&two).await.unwrap();

    // A zone with records that somebody else wrote stays.
    let record = tree!({ "hosted_zone_id": (lab.id("zone")), "name": "sky.example.com", "type": "A" });
    lab.make("record", ask("route53.record_set", "", record)).await;
    let refused: ExecError = lab.delete("zone").await.unwrap_err();
    let code = refused.code.as_deref();
    assert_eq!((refused.kind, code), (ErrorKind::DependencyViolation, Some("HostedZoneNotEmpty")));
    lab.delete("record").await.unwrap();
    lab.delete("zone").await.unwrap();
}
