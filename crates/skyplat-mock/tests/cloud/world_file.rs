//! The world file: one world for separate processes, whatever byte one of them died at.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use crate::support::lab::{Ask, Lab, WEST, ask};
use crate::support::op;
use skyplat_core::executor::Executor;
use skyplat_core::tree;
use skyplat_core::value::Tree;
use skyplat_mock::{MockCloud, MockOptions, World, WorldError, inspect};

/// Made once: the latency table is read from its text.
static OPTIONS: LazyLock<MockOptions> = LazyLock::new(|| MockOptions { seed: 3, ..MockOptions::default() });

fn open(path: &Path) -> MockCloud {
    MockCloud::open(path, OPTIONS.clone()).unwrap()
}

fn vpc(cidr: &str) -> Ask {
    ask("ec2.vpc", WEST, tree!({ "cidr_block": cidr }))
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("dev").join("world.jsonl")
}

/// Makes, changes and deletes a few things.
async fn some_history(path: &Path) -> Arc<World> {
    let mut lab = Lab::new(open(path));
    lab.make("one", vpc("10.1.0.0/16")).await;
    let secret = tree!({ "name": "s", "recovery_window_in_days": 0 });
    lab.make("secret", ask("secretsmanager.secret", WEST, secret)).await;
    lab.make("two", vpc("10.2.0.0/16")).await;
    lab.update("one", tree!({ "cidr_block": "10.1.0.0/16", "tags": { "$odd": "key" } })).await.unwrap();
    lab.delete("two").await.unwrap();
    lab.cloud.world()
}

#[tokio::test(start_paused = true)]
async fn a_second_process_sees_the_world_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let world = some_history(&path).await;
    let again = open(&path).world();
    assert_eq!(again, world);
    let other_seed = MockCloud::open(&path, MockOptions::default()).unwrap().world();
    assert_eq!(other_seed.seed(), 3, "a world keeps its seed");

    let mut lab = Lab::new(open(&path));
    lab.make("three", vpc("10.3.0.0/16")).await;
    assert!(lab.cloud.world().clock() >= world.clock(), "its clock goes on");
    assert_eq!(open(&path).world(), lab.cloud.world());
}

#[tokio::test(start_paused = true)]
async fn a_torn_file_opens_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    some_history(&path).await;
    let bytes = fs::read(&path).unwrap();
    for length in (0..bytes.len()).step_by(211) {
        fs::write(&path, &bytes[..length]).unwrap();
        open(&path);
        assert_eq!(fs::read(&path).unwrap().len(), length, "a reader leaves no trace");
        let mut lab = Lab::new(open(&path));
        lab.make("after", vpc("10.9.0.0/16")).await;
        assert_eq!(open(&path).world(), lab.cloud.world(), "a torn line is written over at byte {length}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_create_is_waited_for_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let lab = Lab::new(open(&path));
    let desired = Lab::desired("fs", &ask("efs.file_system", WEST, tree!({ "encrypted": true })));
    let cx = op(&desired.placement, None);
    let call = lab.cloud.create(&cx, &desired);
    assert!(tokio::time::timeout(std::time::Duration::from_secs(2), call).await.is_err());

    let next = open(&path);
    let start = tokio::time::Instant::now();
    let found = next.find(&op(&desired.placement, None), &desired).await.unwrap().expect("it has begun");
    assert!(found.id.starts_with("fs-0"));
    assert!(start.elapsed().as_secs() >= 5, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn damage_inside_is_an_error_that_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    some_history(&path).await;
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("10.1.0.0/16", "10.8.0.0/16", 1)).unwrap();
    let second_line = text.find('\n').unwrap() as u64 + 1;
    let error = MockCloud::open(&path, MockOptions::default()).unwrap_err();
    assert!(matches!(error, WorldError::Damaged { offset, .. } if offset == second_line), "{error}");
    fs::write(&path, text.replacen("\"world\":1", "\"world\":2", 1)).unwrap();
    let error = MockCloud::open(&path, MockOptions::default()).unwrap_err();
    assert!(matches!(error, WorldError::Newer { found: 2, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn no_secret_stands_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let world = some_history(&path).await;
    let secret = world.of_kind("secretsmanager.secret").next().unwrap();
    let Tree::Secret(password) = &secret.outputs["password"] else { panic!("no secret") };
    assert!(!fs::read_to_string(&path).unwrap().contains(password.expose()));
    assert_eq!(inspect::diff(&open(&path).world(), &world), []);
}
