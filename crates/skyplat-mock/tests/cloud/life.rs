//! How calls behave in time: what a killed process leaves, what may be repeated, what goes with what, what gates wait for.

use std::time::Duration;

use crate::support::lab::{Ask, EAST, Lab, WEST, ask, manifest, release, small_world};
use crate::support::{STACK, op};
use skyplat_core::executor::{Deleted, ErrorKind, Executor, Observed};
use skyplat_core::facts::{FactSource, Question, Questions};
use skyplat_core::ids::Region;
use skyplat_core::object::OnDelete;
use skyplat_core::tree;
use skyplat_core::value::Tree;
use skyplat_mock::catalogue::ACCOUNT;
use skyplat_mock::world::Phase;
use skyplat_mock::{MockCloud, MockOptions, Pace, inspect};
use tokio::time::Instant;

fn nat(lab: &Lab) -> Ask {
    let inputs = tree!({ "subnet_id": (lab.id("public-a")), "allocation_id": (lab.id("spare")) });
    ask("ec2.nat_gateway", WEST, inputs)
}

#[tokio::test(start_paused = true)]
async fn what_a_stopped_create_leaves_is_found_and_waited_for() {
    let lab = small_world().await;
    let desired = Lab::desired("new", &nat(&lab));
    let cx = op(&desired.placement, None);
    let cloud = lab.cloud.clone();
    let (stop, call) = (cx.cancel.clone(), desired.clone());
    let running = tokio::spawn(async move { cloud.create(&cx, &call).await });
    tokio::time::sleep(Duration::from_secs(10)).await;
    stop.cancel();
    assert_eq!(running.await.unwrap().unwrap_err().kind, ErrorKind::Retryable, "the effect is open");

    let start = Instant::now();
    let found = lab.cloud.find(&op(&desired.placement, None), &desired).await.unwrap().expect("it was begun");
    assert!((90..=110).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(lab.create(&desired).await.unwrap(), found, "the same uid again is the same thing");
    let other = Lab::desired("new", &ask("ec2.nat_gateway", WEST, tree!({ "subnet_id": "x" })));
    let error = lab.create(&other).await.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("IdempotentParameterMismatch"));
}

#[tokio::test(start_paused = true)]
async fn a_stopped_delete_goes_on_and_may_be_repeated() {
    let lab = small_world().await;
    let record = lab.record("nat");
    let cx = op(&record.placement, None);
    let (cloud, stop, call) = (lab.cloud.clone(), cx.cancel.clone(), record.clone());
    let running = tokio::spawn(async move { cloud.delete(&cx, &call).await });
    tokio::time::sleep(Duration::from_secs(10)).await;
    stop.cancel();
    running.await.unwrap().unwrap_err();
    assert!(matches!(lab.cloud.world().get(&record.uid).unwrap().phase, Phase::Deleting { .. }));
    let looked = lab.fork();
    assert_eq!(looked.read("nat").await, Ok(Observed::Missing));
    assert!(looked.cloud.world().get(&record.uid).is_none(), "a look waited until it was out of the way");
    assert_eq!(lab.delete("nat").await, Ok(Deleted::Deleted));
    assert_eq!(lab.delete("nat").await, Ok(Deleted::Deleted), "what is gone is deleted");
    assert_eq!(lab.read("nat").await, Ok(Observed::Missing));
    let error = lab.update("nat", record.inputs.clone()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn an_update_twice_is_an_update_once() {
    let lab = small_world().await;
    let tagged = tree!({ "cidr_block": "10.1.0.0/16", "tags": { "team": "a" } });
    let first = lab.update("vpc", tagged.clone()).await.unwrap();
    let world = lab.cloud.world();
    assert_eq!(lab.update("vpc", tagged).await.unwrap(), first);
    assert_eq!(inspect::diff(&world, &lab.cloud.world()), []);
    assert_eq!(first["id"], tree!((lab.id("vpc"))), "an update keeps the id");
}

#[tokio::test(start_paused = true)]
async fn fargate_takes_one_operation_at_a_time() {
    let lab = small_world().await;
    let profile = |name: &str| {
        let inputs = tree!({
            "cluster_name": "c", "fargate_profile_name": name, "pod_execution_role_arn": (lab.output("pod-role", "arn")),
            "subnets": [(lab.id("private-a"))], "selectors": [{ "namespace": "x" }],
        });
        Lab::desired(name, &ask("eks.fargate_profile", WEST, inputs))
    };
    let (one, two) = (profile("one"), profile("two"));
    let (first, second) = tokio::join!(lab.create(&one), lab.create(&two));
    first.unwrap();
    assert_eq!(second.unwrap_err().kind, ErrorKind::Busy);
    lab.create(&two).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn retained_things_stay() {
    let lab = small_world().await;
    let mut record = lab.record("fs").clone();
    record.on_delete = OnDelete::RetainIfInUse;
    let cx = op(&record.placement, None);
    assert!(
        matches!(lab.cloud.delete(&cx, &record).await, Ok(Deleted::Retained(why)) if why.contains("mount target"))
    );
    lab.delete("mount").await.unwrap();
    assert_eq!(lab.cloud.delete(&cx, &record).await, Ok(Deleted::Deleted));
    let mut record = lab.record("queue").clone();
    record.on_delete = OnDelete::Retain;
    assert!(matches!(lab.cloud.delete(&cx, &record).await, Ok(Deleted::Retained(_))));
    assert!(lab.cloud.world().get(&record.uid).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_takes_along_what_is_inside() {
    let lab = small_world().await;
    let group = lab.output("cluster", "cluster_security_group_id");
    assert!(lab.cloud.world().with_id(&group).next().is_some());
    lab.delete("cluster").await.unwrap();
    let world = lab.cloud.world();
    assert!(world.with_id(&group).next().is_none(), "its security group is gone");
    assert!(world.get(&lab.record("account").uid).is_none());
    let error = lab.read("account").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "nobody answers; that is no proof of absence");
    assert_eq!(lab.delete("account").await.unwrap_err().kind, ErrorKind::Unreachable);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_takes_along_what_is_inside() {
    let mut lab = small_world().await;
    lab.make("release", ask("helm.release", "cluster", release("team", "r", "metrics-server"))).await;
    lab.delete("namespace").await.unwrap();
    assert_eq!(lab.read("account").await, Ok(Observed::Missing));
    assert_eq!(lab.read("release").await, Ok(Observed::Missing));
}

#[tokio::test(start_paused = true)]
async fn tokens_are_secret_and_die_with_their_account() {
    let mut lab = small_world().await;
    let secret = tree!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": { "name": "t", "namespace": "team", "annotations": { "kubernetes.io/service-account.name": "sa" } },
    });
    lab.make("token", ask("k8s.object", "cluster", secret)).await;
    let Tree::Secret(token) = &lab.record("token").outputs["token"] else { panic!("no secret") };
    assert!(token.expose().starts_with("eyJ"));
    assert!(!format!("{:?}", lab.cloud.world()).contains(token.expose()));
    lab.delete("account").await.unwrap();
    assert_eq!(lab.read("token").await, Ok(Observed::Missing));
}

#[tokio::test(start_paused = true)]
async fn a_read_shows_what_the_server_filled_in() {
    let mut lab = small_world().await;
    lab.make("crds", ask("helm.release", "cluster", release("team", "crds", "karpenter-crd"))).await;
    let pool = tree!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": { "name": "p" },
        "spec": { "disruption": { "consolidateAfter": "5m" } },
    });
    lab.make("pool-of-nodes", ask("k8s.object", "cluster", pool)).await;
    let Ok(Observed::Present { inputs, .. }) = lab.read("pool-of-nodes").await else { panic!("not there") };
    assert_eq!(inputs.at("spec.disruption.consolidateAfter"), Some(&tree!("5m")));
    assert_eq!(inputs.at("spec.template.spec.expireAfter"), Some(&tree!("720h")));
}

#[tokio::test(start_paused = true)]
async fn gates_wait_until_the_world_is_so() {
    let mut lab = small_world().await;
    let gate =
        Lab::desired("gate", &ask("gate.crd", "cluster", tree!({ "crd": "connectors.tailscale.com" })));
    let waiting = lab.clone();
    let waiting = tokio::spawn(async move { waiting.create(&gate).await });
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(!waiting.is_finished());
    lab.make("operator", ask("helm.release", "cluster", release("team", "operator", "tailscale-operator")))
        .await;
    waiting.await.unwrap().unwrap();
    assert!(lab.cloud.world().of_kind("gate.crd").next().is_none(), "a gate makes nothing");
}

#[tokio::test(start_paused = true)]
async fn lookups_find_secrets_and_say_what_is_no_secret() {
    let lab = small_world().await;
    let look = |arn: &str| Lab::desired("lookup", &ask("lookup.secret", WEST, tree!({ "secret_id": arn })));
    let found = lab.create(&look("arn:aws:secretsmanager:us-west-2:123...")).await.unwrap();
    assert!(found.outputs.values().all(|value| matches!(value, Tree::Secret(_))));
    assert_eq!(lab.create(&look("arn:aws:iam::1:role/x")).await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_kind_repeats_its_inputs() {
    let mut lab = small_world().await;
    lab.make("thing", ask("demo.bucket", EAST, tree!({ "name": "b", "size": 3 }))).await;
    let outputs = &lab.record("thing").outputs;
    assert_eq!(outputs["size"], tree!(3));
    assert!(
        outputs["arn"].as_str().unwrap().starts_with(&format!("arn:aws:demo:us-east-1:{ACCOUNT}:bucket/"))
    );
    lab.delete("thing").await.unwrap();
    assert_eq!(lab.read("thing").await, Ok(Observed::Missing));
}

#[tokio::test(start_paused = true)]
async fn the_world_can_run_faster_than_the_clock() {
    let cloud = MockCloud::in_memory(MockOptions { pace: Pace::faster(60.0), ..MockOptions::default() });
    let mut lab = Lab::new(cloud);
    let start = Instant::now();
    lab.make("zone-vpc", ask("ec2.vpc", WEST, tree!({ "cidr_block": "10.1.0.0/16" }))).await;
    let inputs =
        tree!({ "name": "a.example.com", "vpc": { "vpc_id": (lab.id("zone-vpc")), "vpc_region": WEST } });
    lab.make("zone", ask("route53.zone", "", inputs)).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(lab.cloud.world().clock() >= 45_000);
}

#[tokio::test]
async fn the_mock_answers_what_resources_ask() {
    let cloud = MockCloud::in_memory(MockOptions::default());
    let mut questions = Questions::default();
    questions.ask(Question::account());
    questions.ask(Question::zones(&Region::new(WEST)));
    questions.ask(Question::ami_release(&Region::new(WEST), "1.35"));
    let facts = cloud.answer(&questions).await.unwrap();
    assert_eq!(facts.account().unwrap().as_str(), ACCOUNT);
    for question in [Question::zones(&Region::new("us-west-9")), Question::new("weather", "here")] {
        let mut questions = Questions::default();
        questions.ask(question.clone());
        assert_eq!(cloud.answer(&questions).await.unwrap_err().question, question);
    }
}

#[tokio::test(start_paused = true)]
async fn inspection_tells_what_is_left_and_what_hangs() {
    let mut lab = small_world().await;
    let inputs = tree!({
        "route_table_id": (lab.id("table")), "destination_cidr_block": "0.0.0.0/0", "nat_gateway_id": (lab.id("nat")),
    });
    lab.make("route", ask("ec2.route", WEST, inputs)).await;
    assert_eq!(inspect::dangling(&lab.cloud.world()), []);
    let fork = lab.fork();
    fork.delete("nat").await.unwrap();
    let dangling = inspect::dangling(&fork.cloud.world());
    assert_eq!(dangling.len(), 1, "the route leads nowhere: {dangling:?}");
    assert!(matches!(
        inspect::diff(&lab.cloud.world(), &fork.cloud.world())[..],
        [inspect::Difference::Missing(_)]
    ));
    let left = inspect::left_of_stack(&lab.cloud.world(), STACK);
    assert_eq!(left.len(), lab.cloud.world().len());
    assert_eq!(inspect::left_of_stack(&lab.cloud.world(), "other/2"), []);
    assert!(inspect::dump(&lab.cloud.world()).contains("ec2.nat_gateway"));
    let error = lab.try_make("x", ask("k8s.object", "cluster", manifest("ConfigMap", "none", "x"))).await;
    assert!(error.is_err());
}
