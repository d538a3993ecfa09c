//! What every store promises, tested against all of them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;

use super::testing::{address, happenings, image, legal, named, owner, planned, state};
use super::*;
use crate::value::Secret;

/// The stores under test, with the directory that one of them needs.
fn stores() -> (TempDir, Vec<Arc<dyn StateStore>>) {
    let dir = tempfile::tempdir().unwrap();
    let stores: Vec<Arc<dyn StateStore>> = vec![
        Arc::new(MemoryStore::new()),
        Arc::new(DirectoryStore::new(dir.path().join("not yet made").join("state"))),
    ];
    (dir, stores)
}

fn begin(at: &str) -> Entry {
    Entry::CreateBegins { record: Box::new(planned(&state(), at)) }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[tokio::test]
async fn a_store_begins_empty_and_a_lock_makes_the_stack() {
    for store in stores().1 {
        assert_eq!(store.list().await.unwrap(), Vec::<String>::new());
        assert!(store.load("dev").await.unwrap().is_none());
        drop(store.lock(named("dev"), &owner()).await.unwrap());
        drop(store.lock(named("beta"), &owner()).await.unwrap());
        assert_eq!(store.list().await.unwrap(), ["beta", "dev"]);
        assert_eq!(image(&store.load("dev").await.unwrap().unwrap()), image(&named("dev")));
    }
}

#[tokio::test]
async fn a_stack_that_exists_keeps_its_id_and_key() {
    for store in stores().1 {
        drop(store.lock(state(), &owner()).await.unwrap());
        let mut other = state();
        other.stack.id = "another".into();
        let session = store.lock(other, &owner()).await.unwrap();
        assert_eq!(session.state().stack.id, state().stack.id);
    }
}

#[tokio::test]
async fn a_lock_shuts_out_the_second_writer_and_tells_who_holds_it() {
    for store in stores().1 {
        let mut session = store.lock(state(), &owner()).await.unwrap();
        for attempt in [store.lock(state(), &owner()).await.map(drop), store.remove("dev", &owner()).await] {
            let error = attempt.unwrap_err();
            assert_eq!(
                error.to_string(),
                "the stack dev is locked by ada@analytical (process 1843, apply since 2026-11-22T10:00:00Z)"
            );
        }
        // Another stack is another lock, and reading needs none.
        drop(store.lock(named("beta"), &owner()).await.unwrap());
        session.append(&[begin("a/x")]).await.unwrap();
        assert_eq!(store.load("dev").await.unwrap().unwrap().serial, 1);
        drop(session);
        assert_eq!(store.lock(state(), &owner()).await.unwrap().state().serial, 1);
    }
}

#[tokio::test]
async fn an_illegal_entry_keeps_its_whole_batch_out() {
    for store in stores().1 {
        let mut session = store.lock(state(), &owner()).await.unwrap();
        session.append(&[begin("a/x")]).await.unwrap();
        let before = image(session.state());
        let stranger = Uid::new("another stack", &address("a/x"), 0);
        let illegal = Entry::Deleted { address: address("a/x"), uid: stranger };
        let error = session.append(&[begin("a/y"), illegal]).await.unwrap_err();
        assert!(matches!(error, StateError::Illegal(_)), "{error}");
        assert_eq!(image(session.state()), before);
        drop(session);
        assert_eq!(image(&store.load("dev").await.unwrap().unwrap()), before);
    }
}

#[tokio::test]
async fn what_is_written_counts_at_once_and_is_durable_once_it_is_synced() {
    for store in stores().1 {
        let mut session = store.lock(state(), &owner()).await.unwrap();
        session.write(&[begin("a/x")]).await.unwrap();
        session.write(&[begin("a/y")]).await.unwrap();
        assert_eq!(session.state().serial, 2);
        let illegal = Entry::Moved { from: address("a/x"), to: address("a/y") };
        session.write(&[begin("a/z"), illegal]).await.unwrap_err();
        assert_eq!(session.state().serial, 2);
        session.sync().await.unwrap();
        session.sync().await.unwrap();
        let synced = image(session.state());
        assert_eq!(image(&store.load("dev").await.unwrap().unwrap()), synced);
        session.write(&[begin("a/z")]).await.unwrap();
        let compacted = image(session.state());
        session.compact().await.unwrap();
        drop(session);
        assert_eq!(image(&store.load("dev").await.unwrap().unwrap()), compacted);
    }
}

#[tokio::test]
async fn a_secret_in_the_clear_is_refused() {
    let (dir, stores) = stores();
    for store in stores {
        let mut session = store.lock(state(), &owner()).await.unwrap();
        let exports = BTreeMap::from([("password".to_owned(), Tree::Secret(Secret::new("canary-4711")))]);
        let before = image(session.state());
        let error = session.append(&[begin("a/x"), Entry::Exports { exports }]).await.unwrap_err();
        assert!(matches!(error, StateError::Io { .. }), "{error}");
        assert_eq!(image(session.state()), before);
        session.append(&[begin("a/x")]).await.unwrap();
        session.compact().await.unwrap();
        assert_eq!(session.state().serial, 1);
    }
    for (path, bytes) in files(dir.path()) {
        assert!(!String::from_utf8_lossy(&bytes).contains("canary-4711"), "{}", path.display());
    }
}

#[tokio::test]
async fn stacks_are_selected_and_removed_by_name() {
    for store in stores().1 {
        let unknown = |result: Result<(), StateError>| match result {
            Err(StateError::UnknownStack { name, known }) => (name, known),
            other => panic!("{other:?}"),
        };
        assert_eq!(unknown(store.select("dev").await), ("dev".into(), vec![]));
        drop(store.lock(named("dev"), &owner()).await.unwrap());
        drop(store.lock(named("selected"), &owner()).await.unwrap());
        assert_eq!(
            unknown(store.select("prod").await),
            ("prod".into(), vec!["dev".into(), "selected".into()])
        );
        assert_eq!(unknown(store.remove("prod", &owner()).await).0, "prod");
        assert_eq!(store.selected().await.unwrap(), None);

        store.select("dev").await.unwrap();
        assert_eq!(store.selected().await.unwrap().as_deref(), Some("dev"));
        store.remove("selected", &owner()).await.unwrap();
        assert_eq!(store.selected().await.unwrap().as_deref(), Some("dev"));

        let mut session = store.lock(named("dev"), &owner()).await.unwrap();
        session.append(&[begin("a/x")]).await.unwrap();
        drop(session);
        let error = store.remove("dev", &owner()).await.unwrap_err();
        assert_eq!(error.to_string(), "the stack dev still has 1 objects");

        let mut session = store.lock(named("dev"), &owner()).await.unwrap();
        let (address, uid) = (address("a/x"), session.state().objects[&address("a/x")].uid.clone());
        session.append(&[Entry::Forgotten { address, uid, why: "gone".into() }]).await.unwrap();
        drop(session);
        store.remove("dev", &owner()).await.unwrap();
        assert_eq!(store.selected().await.unwrap(), None);
        assert_eq!(store.list().await.unwrap(), Vec::<String>::new());
        assert!(store.load("dev").await.unwrap().is_none());
        // The name may be used again, and the new stack begins anew.
        assert_eq!(store.lock(named("dev"), &owner()).await.unwrap().state().serial, 0);
    }
}

#[tokio::test]
async fn a_name_that_no_stack_can_have_is_refused_everywhere() {
    let long = "a".repeat(41);
    for store in stores().1 {
        for name in ["", "..", ".", "a/b", "/etc", "A", "1a", "-a", "a b", "ä", "a\0", "dev.", &long] {
            let refused = |result: Result<(), StateError>| {
                assert!(
                    matches!(&result, Err(StateError::BadName { name: bad }) if bad == name),
                    "{result:?}"
                );
            };
            refused(store.select(name).await);
            refused(store.load(name).await.map(drop));
            refused(store.lock(named(name), &owner()).await.map(drop));
            refused(store.remove(name, &owner()).await);
        }
        for name in ["a", "dev", "team-7", &long[1..]] {
            drop(store.lock(named(name), &owner()).await.unwrap());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_stands_still_while_entries_are_written() {
    for store in stores().1 {
        let start = tokio::time::Instant::now();
        let mut session = store.lock(state(), &owner()).await.unwrap();
        session.append(&[begin("a/x"), begin("a/y")]).await.unwrap();
        session.compact().await.unwrap();
        assert_eq!(start.elapsed(), std::time::Duration::ZERO);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_loaded_is_the_fold_of_what_was_appended(
        happenings in happenings(40),
        batch in 1..5_usize,
        compact_every in 1..8_usize,
        reopen_every in 1..8_usize,
    ) {
        let entries = legal(&happenings);
        let mut fold = state();
        for entry in &entries {
            fold.apply(entry).unwrap();
        }
        let (_dir, stores) = stores();
        for store in stores {
            block_on(async {
                let mut session = store.lock(state(), &owner()).await.unwrap();
                for (round, entries) in entries.chunks(batch).enumerate() {
                    session.append(entries).await.unwrap();
                    if round % compact_every == 0 {
                        session.compact().await.unwrap();
                    }
                    if round % reopen_every == 0 {
                        drop(session);
                        session = store.lock(state(), &owner()).await.unwrap();
                    }
                }
                assert_eq!(image(session.state()), image(&fold));
                assert_eq!(image(&store.load("dev").await.unwrap().unwrap()), image(&fold));
                drop(session);
                assert_eq!(image(store.lock(state(), &owner()).await.unwrap().state()), image(&fold));
            });
        }
    }
}

/// Returns every file below a directory.
pub(super) fn files(dir: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut files(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, bytes);
        }
    }
    found
}
