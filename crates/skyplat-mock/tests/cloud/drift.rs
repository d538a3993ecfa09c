//! What people do by hand: it is seen, it is kept, and the rules hold for them too.

use skyplat_core::executor::{Deleted, ErrorKind, Executor, Observed};
use skyplat_core::tree;
use skyplat_core::value::Tree;
use skyplat_mock::drift::Foreign;
use skyplat_mock::world::Phase;
use skyplat_mock::{MockCloud, MockOptions, inspect};

use crate::support::lab::{Lab, WEST, ask, small_world};
use crate::support::{STACK, op};

fn theirs(lab: &Lab, name: &str, queue: &str) -> Foreign {
    Foreign {
        name: name.into(),
        kind: "sqs.queue".into(),
        placement: lab.record("queue").placement.clone(),
        inputs: tree!({ "queue_name": queue, "message_retention_period": 60 }),
        natural_key: Some(tree!([queue])),
    }
}

async fn seen(lab: &Lab, name: &str) -> Tree {
    match lab.read(name).await {
        Ok(Observed::Present { inputs, .. }) => inputs,
        other => panic!("{name}: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_field_that_was_changed_by_hand_is_read_and_can_be_put_right() {
    let lab = small_world().await;
    let hand = lab.cloud.by_hand();
    let changed = hand.set("queue", "message_retention_period", tree!(60)).unwrap();
    assert_eq!((changed.phase, &changed.id), (Phase::Ready, lab.record("queue").id.as_ref().unwrap()));
    hand.tag(&lab.record("queue").uid, "team.name", "b").unwrap();
    let inputs = seen(&lab, "queue").await;
    assert_eq!(
        inputs,
        tree!({ "queue_name": "q", "message_retention_period": 60, "tags": { "team.name": "b" } })
    );
    hand.untag("queue", "team.name").unwrap();
    hand.unset("queue", "tags").unwrap();
    assert_eq!(seen(&lab, "queue").await, tree!({ "queue_name": "q", "message_retention_period": 60 }));
    lab.update("queue", lab.record("queue").inputs.clone()).await.unwrap();
    assert_eq!(seen(&lab, "queue").await, lab.record("queue").inputs);
}

#[tokio::test(start_paused = true)]
async fn outputs_follow_the_fields_that_they_repeat() {
    let mut lab = small_world().await;
    lab.make("thing", ask("demo.bucket", WEST, tree!({ "name": "b", "size": 3 }))).await;
    let changed = lab.cloud.by_hand().set("thing", "size", tree!(4)).unwrap();
    assert_eq!(changed.outputs["size"], tree!(4));
    assert_eq!(changed.outputs["arn"], lab.record("thing").outputs["arn"], "what is drawn stays");
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_by_hand_is_missing() {
    let lab = small_world().await;
    lab.cloud.by_hand().delete("cluster").unwrap();
    assert_eq!(lab.read("cluster").await, Ok(Observed::Missing));
    assert!(lab.cloud.world().get(&lab.record("namespace").uid).is_none(), "with what is inside");
    let error = lab.update("cluster", lab.record("cluster").inputs.clone()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(lab.delete("cluster").await, Ok(Deleted::Deleted));
}

#[tokio::test(start_paused = true)]
async fn the_rules_hold_for_people_too_and_what_is_refused_changes_nothing() {
    let lab = small_world().await;
    let hand = lab.cloud.by_hand();
    hand.add(theirs(&lab, "first", "other")).unwrap();
    let before = lab.cloud.world();
    let kind = |result: Result<_, skyplat_core::executor::ExecError>| result.map(drop).unwrap_err().kind;
    assert_eq!(kind(hand.delete("private-a").map(|()| None)), ErrorKind::DependencyViolation);
    assert_eq!(kind(hand.set("vpc", "cidr_block", tree!("10.9.0.0/16")).map(Some)), ErrorKind::Invalid);
    assert_eq!(kind(hand.set("nothing", "a", tree!(1)).map(Some)), ErrorKind::NotFound);
    assert_eq!(kind(hand.set("queue", "queue_name.x", tree!(1)).map(Some)), ErrorKind::Invalid);
    assert_eq!(kind(hand.unset("queue", "no.such.field").map(Some)), ErrorKind::Invalid);
    assert_eq!(kind(hand.untag("queue", "no-such-tag").map(Some)), ErrorKind::Invalid);
    assert_eq!(kind(hand.tag("namespace", "team", "a").map(Some)), ErrorKind::Invalid, "labels are fields");
    for (name, queue) in [("second", "other"), ("first", "third")] {
        assert_eq!(kind(hand.add(theirs(&lab, name, queue)).map(Some)), ErrorKind::AlreadyExists, "{name}");
    }
    lab.cloud.world().assert_same(&before);
}

#[tokio::test(start_paused = true)]
async fn what_lost_the_tag_of_its_stack_is_not_found_as_ours() {
    let lab = small_world().await;
    let queue = Lab::desired("queue", &ask("sqs.queue", WEST, lab.record("queue").inputs.clone()));
    let find = async || lab.cloud.find(&op(&queue.placement, None), &queue).await.unwrap();
    let left = || inspect::left_of_stack(&lab.cloud.world(), STACK).len();
    let (there, number) = (find().await, left());
    assert!(there.is_some());
    lab.cloud.by_hand().untag("queue", "skyplat:stack").unwrap();
    assert_eq!((find().await, left()), (None, number - 1));
    lab.cloud.by_hand().tag("queue", "skyplat:stack", "other/2").unwrap();
    assert_eq!((find().await, left()), (None, number - 1));
    lab.cloud.by_hand().tag("queue", "skyplat:stack", STACK).unwrap();
    assert_eq!((find().await, left()), (there, number));
}

#[tokio::test(start_paused = true)]
async fn what_others_added_is_in_the_way_and_is_not_ours() {
    let mut lab = small_world().await;
    let foreign = lab.cloud.by_hand().add(theirs(&lab, "first", "taken")).unwrap();
    assert!(foreign.tags.is_empty() && foreign.phase == Phase::Ready && foreign.id.contains("taken"));
    let ours = ask("sqs.queue", WEST, tree!({ "queue_name": "taken", "message_retention_period": 300 }));
    let error = lab.try_make("second", ours.clone().key(tree!(["taken"]))).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::AlreadyExists);
    let left = inspect::left_of_stack(&lab.cloud.world(), STACK);
    assert!(left.iter().all(|finding| finding.uid != foreign.uid));
    assert!(inspect::dump(&lab.cloud.world()).contains("of no stack"));
    lab.cloud.by_hand().delete("by-hand/first").unwrap();
    lab.make("second", ours.key(tree!(["taken"]))).await;
}

#[tokio::test(start_paused = true)]
async fn a_world_file_keeps_what_was_done_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    let open = || MockCloud::open(&path, MockOptions::default()).unwrap();
    let mut lab = Lab::new(open());
    lab.make("queue", ask("sqs.queue", WEST, tree!({ "queue_name": "q" }))).await;
    lab.make("vpc", ask("ec2.vpc", WEST, tree!({ "cidr_block": "10.1.0.0/16" }))).await;
    let hand = lab.cloud.by_hand();
    hand.add(theirs(&lab, "first", "other")).unwrap();
    hand.set("queue", "message_retention_period", tree!(60)).unwrap();
    hand.untag("queue", "skyplat:stack").unwrap();
    hand.delete("vpc").unwrap();
    let (kept, world) = (open().world(), lab.cloud.world());
    kept.assert_same(&world);
    assert!(kept == world, "to the last bit, the clock included");
}
