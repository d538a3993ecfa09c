//! IAM: names, documents, principals, what is attached, and when a role is seen.

use std::time::Duration;

use skyplat_core::executor::{ErrorKind, ExecError};
use skyplat_core::tree;
use skyplat_core::value::Tree;
use skyplat_mock::{Catalogue, MockCloud, MockOptions};
use tokio::time::Instant;

use super::{Case, case, hold};
use crate::support::lab::{Lab, WEST, ask, cluster, policy, small_world, trust};

fn role(name: &str, path: &str, trust: Tree) -> Tree {
    tree!({ "role_name": name, "path": path, "assume_role_policy_document": trust })
}

fn ec2() -> Tree {
    trust("ec2.amazonaws.com")
}

/// A case about what a role is made with.
fn about_role(rule: &'static str, code: &'static str, bad: Tree) -> Case {
    case(rule, code, "iam.role", "", bad, role("r", "/", ec2()))
}

#[tokio::test(start_paused = true)]
async fn names_and_paths() {
    let lab = small_world().await;
    let described = |text: &str| {
        let mut inputs = role("r", "/", ec2());
        inputs.set("description", tree!(text));
        inputs
    };
    let provider = |url: &str| tree!({ "url": url, "client_id_list": ["sts.amazonaws.com"] });
    let issuer = |rule, url: &str| {
        case(
            rule,
            "InvalidInput",
            "iam.oidc_provider",
            "",
            provider(url),
            provider("https://oidc.example.com/id"),
        )
    };
    let linked = |service: &str| tree!({ "aws_service_name": service });
    let many = "x".repeat(65);
    hold(
        &lab,
        vec![
            about_role("a role's name has 64 characters", "ValidationError", role(&many, "/", ec2())),
            about_role("a name has few characters", "ValidationError", role("a b", "/", ec2())),
            about_role("a path ends with a slash", "ValidationError", role("r", "/teams", ec2())),
            about_role("a path is printable", "ValidationError", role("r", "/te ams/", ec2())),
            about_role("a description is in Latin-1", "ValidationError", described("→")),
            about_role("a description is short", "ValidationError", described(&"x".repeat(1001))),
            about_role(
                "names differ by more than case",
                "EntityAlreadyExists",
                role("ROLE", "/other/", ec2()),
            ),
            issuer("an issuer is a URL", "oidc.example.com"),
            issuer("an issuer has no query", "https://oidc.example.com?x"),
            issuer("an issuer has no port", "https://oidc.example.com:8443"),
            case(
                "a service has a role of its own",
                "InvalidInput",
                "iam.service_linked_role",
                "",
                linked("spot"),
                linked("spot.amazonaws.com"),
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn documents() {
    let lab = small_world().await;
    let document = |document: Tree| tree!({ "policy_name": "p", "path": "/", "policy_document": document });
    let of = |statements: Tree| tree!({ "Version": "2012-10-17", "Statement": statements });
    let about_policy = |rule, bad: Tree| {
        let (bad, good) = (document(bad), document(policy(1)));
        case(rule, "MalformedPolicyDocument", "iam.policy", "", bad, good)
    };
    let about_trust = |rule, bad: Tree| about_role(rule, "MalformedPolicyDocument", role("r", "/", bad));
    let allow =
        |action: &str, resource: &str| tree!({ "Effect": "Allow", "Action": action, "Resource": resource });
    let named = |sid: &str| tree!({ "Sid": sid, "Effect": "Allow", "Action": "s3:*", "Resource": "*" });
    let takes = |principal: Tree| {
        of(tree!([{ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal }]))
    };
    let long = |resources: usize, kind, good: Tree| {
        case(
            "a document has so many characters",
            "LimitExceeded",
            kind,
            "",
            document(policy(resources)),
            good,
        )
    };
    hold(
        &lab,
        vec![
            about_trust("a document has statements", tree!({})),
            about_trust("a trust policy has a principal", policy(1)),
            about_policy("a document is of a version of the language", tree!({ "Version": "2020-01-01", "Statement": [(allow("s3:*", "*"))] })),
            about_policy("a statement has an effect", of(tree!([{ "Action": "s3:*", "Resource": "*" }]))),
            about_policy("a statement has an action", of(tree!([{ "Effect": "Allow", "Resource": "*" }]))),
            about_policy("a statement has a resource", of(tree!([{ "Effect": "Allow", "Action": "s3:*" }]))),
            about_policy("an identity policy has no principal", of(tree!([{
                "Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*",
            }]))),
            about_policy("an action names its service", of(tree!([(allow("GetObject", "*"))]))),
            about_policy("a resource is an ARN", of(tree!([(allow("s3:*", "bucket"))]))),
            about_policy("a Sid is of letters and digits", of(tree!([(named("a-b"))]))),
            about_policy("a Sid is there once", of(tree!([(named("A")), (named("A"))]))),
            about_policy("a document is in Latin-1", of(tree!([(allow("s3:*", "arn:aws:s3:::→"))]))),
            about_trust("a trust policy has no resource", of(tree!([{
                "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*", "Principal": { "Service": "ec2.amazonaws.com" },
            }]))),
            about_trust("a trust policy is about taking roles", of(tree!([{
                "Effect": "Allow", "Action": "s3:GetObject", "Principal": { "Service": "ec2.amazonaws.com" },
            }]))),
            about_trust("a service is AWS's", trust("ec2.example.com")),
            about_trust("a principal is an ARN", takes(tree!({ "AWS": "role" }))),
            about_trust("a role has its path in its ARN", takes(tree!({ "AWS": "arn:aws:iam::123456789012:role/teams/role" }))),
            about_trust(
                "a provider exists",
                takes(tree!({ "Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.example.com" })),
            ),
            about_trust("a federated principal is a provider or a domain", takes(tree!({ "Federated": "cluster" }))),
            long(300, "iam.policy", document(policy(150))),
            about_role("a trust policy has 2048 characters", "LimitExceeded", role("r", "/", takes(tree!({
                "AWS": (vec!["arn:aws:iam::210987654321:role/somebody-elses"; 60]),
            })))),
        ],
    )
    .await;

    // What passes.
    let good = [
        takes(
            tree!({ "AWS": ["123456789012", "arn:aws:iam::210987654321:root", (lab.output("role", "arn"))] }),
        ),
        takes(tree!({ "Federated": "accounts.google.com" })),
        tree!({ "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": "*" } } }),
    ];
    for document in good {
        lab.fork().make("r", ask("iam.role", "", role("r", "/", document))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn policies_and_providers_exist() {
    let mut lab = small_world().await;
    let attach = |policy: &str| tree!({ "role_name": "role", "policy_arn": policy });
    let mine = attach(&lab.output("policy", "arn"));
    let mut nobody = mine.clone();
    nobody.set("role_name", tree!("nobody"));
    let managed = |name: &str| attach(&format!("arn:aws:iam::aws:policy/{name}"));
    hold(
        &lab,
        vec![
            case(
                "a managed policy exists",
                "NoSuchEntity",
                "iam.policy_attachment",
                "",
                managed("service-role/AmazonEBSCSIDriverPolicyV2"),
                managed("AmazonEBSCSIDriverPolicyV2"),
            ),
            case(
                "a policy is an ARN",
                "ValidationError",
                "iam.policy_attachment",
                "",
                attach("policy"),
                mine.clone(),
            ),
            case("a role exists", "NoSuchEntity", "iam.policy_attachment", "", nobody, mine),
        ],
    )
    .await;

    let federated = |provider: &str| {
        tree!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": { "Federated": provider },
        }] })
    };
    let provider = tree!({ "url": "https://oidc.example.com", "client_id_list": ["sts.amazonaws.com"] });
    lab.make("provider", ask("iam.oidc_provider", "", provider)).await;
    let arn = lab.output("provider", "arn");
    lab.make("irsa", ask("iam.role", "", role("irsa", "/", federated(&arn)))).await;
    lab.delete("provider").await.expect("IAM does not ask who trusts a provider");
    let error =
        lab.try_make("late", ask("iam.role", "", role("late", "/", federated(&arn)))).await.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("MalformedPolicyDocument"));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_went_is_no_principal() {
    let mut lab = small_world().await;
    lab.make("gone", ask("iam.role", "", role("gone", "/", ec2()))).await;
    let arn = lab.output("gone", "arn");
    lab.delete("gone").await.unwrap();
    let takes = tree!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": arn },
    }] });
    let error = lab.try_make("late", ask("iam.role", "", role("late", "/", takes))).await.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("MalformedPolicyDocument"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_attached_or_bounds_a_role_stays() {
    let mut lab = small_world().await;
    let mut bound = role("bound", "/", ec2());
    bound.set("permissions_boundary", tree!((lab.output("policy", "arn"))));
    lab.make("bound", ask("iam.role", "", bound)).await;
    let refused = |result: Result<_, ExecError>| {
        let error = result.expect_err("it is used");
        assert_eq!(
            (error.kind, error.code.as_deref()),
            (ErrorKind::DependencyViolation, Some("DeleteConflict"))
        );
    };
    refused(lab.delete("policy").await);
    let profile = tree!({ "instance_profile_name": "p", "role_name": "bound" });
    lab.make("profile", ask("iam.instance_profile", "", profile)).await;
    refused(lab.delete("bound").await);
    lab.delete("profile").await.unwrap();
    lab.delete("bound").await.unwrap();
    lab.delete("policy").await.unwrap();
}

/// Makes roles until one is seen late, and returns after how long a cluster can be made with it.
async fn waits(seed: u64, longest: Duration) -> Vec<Duration> {
    let catalogue = Catalogue { role_seen_within: longest, ..Catalogue::default() };
    let options = MockOptions { seed, catalogue, ..MockOptions::default() };
    let mut lab = Lab {
        cloud: MockCloud::with_world(small_world().await.cloud.world(), options),
        ..small_world().await
    };
    let mut waits = Vec::new();
    for at in 0..12 {
        let name = format!("cluster-role-{at}");
        let asked = Instant::now();
        lab.make(&name, ask("iam.role", "", role(&name, "/", trust("eks.amazonaws.com")))).await;
        let mut inputs = cluster(&lab, &name, "1.35", ["private-a", "private-b"]);
        inputs.set("role_arn", tree!((lab.output(&name, "arn"))));
        while let Err(error) = lab.fork().try_make("x", ask("eks.cluster", WEST, inputs.clone())).await {
            assert_eq!(error.kind, ErrorKind::NotYetVisible, "{error}");
            assert_eq!(error.code.as_deref(), Some("InvalidParameterException"));
            tokio::time::sleep(Duration::from_millis(100)).await;
            // A fork begins when its world was last looked at.
            lab.read("vpc").await.unwrap();
        }
        waits.push(asked.elapsed());
    }
    waits
}

#[tokio::test(start_paused = true)]
async fn a_role_is_seen_by_other_services_after_a_while() {
    // A cluster takes ten minutes to make, so the wait for the role is what is left.
    let beyond = |waits: &[Duration]| -> Vec<u64> {
        waits.iter().map(|wait| wait.as_secs().saturating_sub(602)).collect()
    };
    let usual = waits(1, Duration::from_secs(10)).await;
    let seconds = beyond(&usual);
    assert!(seconds.iter().any(|seconds| *seconds > 0), "some are late: {seconds:?}");
    assert!(seconds.iter().filter(|seconds| **seconds == 0).count() >= 6, "most are not: {seconds:?}");
    assert!(
        seconds.iter().all(|seconds| *seconds <= 9),
        "none is later than the catalogue says: {seconds:?}"
    );
    assert_eq!(waits(1, Duration::from_secs(10)).await, usual, "the same seed, the same waits");
    assert_eq!(beyond(&waits(1, Duration::ZERO).await), [0; 12], "zero shows them at once");
}
