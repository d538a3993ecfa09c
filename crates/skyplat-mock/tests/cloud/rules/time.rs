//! Rules about time: what is there and does not work yet, what stays for a while, what nobody works at.

use std::time::Duration;

use skyplat_core::executor::{Deleted, Desired, ErrorKind, Executor};
use skyplat_core::tree;
use skyplat_mock::MockCloud;
use skyplat_mock::world::Phase;
use tokio::time::Instant;

use crate::support::lab::{Ask, Lab, ask, manifest, release, small_world};
use crate::support::op;

/// Begins a create and drops it after some seconds, as a killed process does.
async fn cut_off(lab: &Lab, desired: &Desired, seconds: u64) {
    let cx = op(&desired.placement, Some(lab.record("cluster").outputs.clone()));
    let call = lab.cloud.create(&cx, desired);
    tokio::time::timeout(Duration::from_secs(seconds), call).await.expect_err("it is cut off");
}

fn metrics() -> Ask {
    ask("helm.release", "cluster", release("team", "metrics", "metrics-server"))
        .key(tree!(["team", "metrics"]))
}

fn pending(cloud: &MockCloud, desired: &Desired) -> bool {
    matches!(cloud.world().get(&desired.uid).map(|thing| thing.phase), Some(Phase::Creating { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_release_whose_install_was_cut_off_stays_pending_until_it_is_installed_again() {
    let lab = small_world().await;
    let desired = Lab::desired("new", &metrics());
    cut_off(&lab, &desired, 5).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    lab.read("vpc").await.unwrap();
    assert!(pending(&lab.cloud, &desired), "nobody works at it");

    let other = Lab::desired("other", &metrics());
    let error = lab.create(&other).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Busy, Some("pending-install")));
    assert!(error.message.contains("another operation (install/upgrade/rollback) is in progress"), "{error}");

    for again in ["find", "create"] {
        let fork = lab.fork();
        let cx = op(&desired.placement, Some(lab.record("cluster").outputs.clone()));
        let start = Instant::now();
        match again {
            "find" => fork.cloud.find(&cx, &desired).await.unwrap().map(|_| ()).expect("it is ours"),
            _ => fork.create(&desired).await.map(|_| ()).unwrap(),
        }
        assert!(start.elapsed() >= Duration::from_secs(15), "{again}: it is installed anew");
        assert!(!pending(&fork.cloud, &desired), "{again}");
        let error = fork.create(&other).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::AlreadyExists, "{again}: now the name is taken");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pending_release_can_be_uninstalled() {
    let mut lab = small_world().await;
    lab.make("done", ask("helm.release", "cluster", release("team", "done", "metrics-server"))).await;
    let desired = Lab::desired("done", &metrics());
    let fork = lab.fork();
    fork.delete("done").await.unwrap();
    cut_off(&fork, &desired, 5).await;
    assert!(pending(&fork.cloud, &desired));
    assert_eq!(fork.delete("done").await, Ok(Deleted::Deleted));
    assert!(fork.cloud.world().get(&desired.uid).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_terminating_takes_nothing_new() {
    let lab = small_world().await;
    let record = lab.record("namespace").clone();
    let cx = op(&record.placement, Some(lab.record("cluster").outputs.clone()));
    let cloud = lab.cloud.clone();
    let start = Instant::now();
    let deleting = tokio::spawn(async move { cloud.delete(&cx, &record).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let late = Lab::desired("late", &ask("k8s.object", "cluster", manifest("ConfigMap", "team", "late")));
    let error = lab.create(&late).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Busy, Some("403 Forbidden")));
    let namespace = tree!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "team" } });
    deleting.await.unwrap().unwrap();
    assert!((5..10).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    let error = lab.create(&late).await.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("404 NotFound"), "and then there is none");
    lab.fork().try_make("namespace", ask("k8s.object", "cluster", namespace)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_being_deleted_still_has_its_name() {
    let mut lab = small_world().await;
    let asked = ask(
        "route53.zone",
        "",
        tree!({ "name": "b.example.com", "vpc": { "vpc_id": (lab.id("vpc")), "vpc_region": "us-west-2" } }),
    )
    .key(tree!(["b.example.com"]));
    lab.make("b", asked.clone()).await;
    let (cloud, record) = (lab.cloud.clone(), lab.record("b").clone());
    let deleting = tokio::spawn(async move { cloud.delete(&op(&record.placement, None), &record).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let error = lab.try_make("b-again", asked.clone()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Busy, "{error}");
    deleting.await.unwrap().unwrap();
    lab.make("b-again", asked).await;
}
