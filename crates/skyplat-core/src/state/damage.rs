//! What the directory store does with files that are torn, damaged, newer, in the way or not writable.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::contract::files;
use super::line::{self, Header};
use super::testing::{address, image, node, owner, planned, state};
use super::*;
use crate::facts::Question;
use crate::tree;

/// A stack on disk, and the states it went through, by serial.
struct Stack {
    dir: TempDir,
    states: Vec<serde_json::Value>,
}

impl Stack {
    /// Makes a stack whose snapshot holds the first of its entries, and its journal the others.
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = DirectoryStore::new(dir.path());
        let mut session = store.lock(state(), &owner()).await.unwrap();
        let mut states = vec![image(session.state())];
        for (count, entry) in entries().into_iter().enumerate() {
            session.append(&[entry]).await.unwrap();
            states.push(image(session.state()));
            if count == 0 {
                session.compact().await.unwrap();
            }
        }
        drop(session);
        Self { dir, states }
    }

    fn store(&self) -> DirectoryStore {
        DirectoryStore::new(self.dir.path())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("dev").join(name)
    }

    fn journal(&self) -> Vec<u8> {
        fs::read(self.file("journal.jsonl")).unwrap()
    }

    async fn load(&self) -> Result<serde_json::Value, StateError> {
        self.store().load("dev").await.map(|state| image(&state.unwrap()))
    }

    async fn lock(&self) -> Result<Box<dyn StoreSession>, StateError> {
        self.store().lock(state(), &owner()).await
    }

    /// Checks that reading and locking fail alike, that the error names file and offset, and that nothing changes.
    async fn expect_damage(&self, name: &str) -> (u64, String) {
        let before = files(self.dir.path());
        let mut errors = vec![self.load().await.unwrap_err()];
        errors.push(self.lock().await.unwrap_err());
        errors.push(self.store().remove("dev", &owner()).await.unwrap_err());
        assert!(files(self.dir.path()) == before, "a damaged stack was changed");
        let mut places = errors.into_iter().map(|error| match error {
            StateError::Damaged { file, offset, problem } => {
                assert_eq!(Path::new(&file), self.file(name));
                (offset, problem)
            }
            other => panic!("{other}"),
        });
        let place = places.next().unwrap();
        assert!(places.all(|other| other == place));
        place
    }
}

fn entries() -> Vec<Entry> {
    let record = planned(&state(), "a/x");
    let (at, uid) = (address("a/x"), record.uid.clone());
    let outputs = || crate::executor::OutputMap::from([("id".to_owned(), tree!("vpc-1"))]);
    let next = Next { node: node("a/x").into(), depends_on: std::collections::BTreeSet::new() };
    vec![
        Entry::CreateBegins { record: Box::new(record) },
        Entry::Identified { address: at.clone(), uid: uid.clone(), id: "vpc-1".into() },
        Entry::Created { address: at.clone(), uid: uid.clone(), id: "vpc-1".into(), outputs: outputs() },
        Entry::UpdateBegins { address: at.clone(), uid: uid.clone(), next },
        Entry::Updated { address: at, uid, outputs: outputs() },
    ]
}

#[tokio::test]
async fn a_journal_cut_at_any_byte_opens_with_the_entries_that_are_whole() {
    let stack = Stack::new().await;
    let whole = stack.journal();
    for len in 0..=whole.len() {
        let kept = &whole[..len];
        fs::write(stack.file("journal.jsonl"), kept).unwrap();
        // A line counts when all of it but its line feed is there; the first line is the header.
        let ends = whole.iter().enumerate().filter(|(at, byte)| **byte == b'\n' && *at <= len).count();
        let wanted = &stack.states[1 + ends.saturating_sub(1)];
        assert_eq!(&stack.load().await.unwrap(), wanted, "cut at {len}");
        assert_eq!(stack.journal(), kept, "reading changes nothing");

        let mut session = stack.lock().await.unwrap();
        assert_eq!(&image(session.state()), wanted, "cut at {len}");
        session.append(&[Entry::Facts { facts: Facts::default() }]).await.unwrap();
        let after = image(session.state());
        drop(session);
        assert_eq!(stack.load().await.unwrap(), after, "cut at {len}");
    }
}

#[tokio::test]
async fn a_tail_of_zeros_or_garbage_is_torn_too() {
    let stack = Stack::new().await;
    let whole = stack.journal();
    for tail in [&[0; 700][..], b"{\"crc\":\"", b"\xff\xfe\xfd", br#"{"crc":"00000000","serial":6}"#] {
        fs::write(stack.file("journal.jsonl"), [&whole[..], tail].concat()).unwrap();
        assert_eq!(&stack.load().await.unwrap(), stack.states.last().unwrap());
        drop(stack.lock().await.unwrap());
        assert_eq!(stack.journal(), whole);
    }
}

#[tokio::test]
async fn a_changed_byte_of_the_journal_is_found_where_it_is() {
    let stack = Stack::new().await;
    let whole = stack.journal();
    let starts: Vec<usize> = std::iter::once(0)
        .chain(whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1))
        .collect();
    for at in 0..whole.len() {
        for mask in [0x01, 0x20, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= mask;
            fs::write(stack.file("journal.jsonl"), &bytes).unwrap();
            match stack.load().await {
                Err(StateError::Damaged { file, offset, .. }) => {
                    assert_eq!(Path::new(&file), stack.file("journal.jsonl"));
                    let line = starts.iter().rfind(|start| **start <= at).unwrap();
                    let found = usize::try_from(offset).unwrap();
                    assert!(found == *line || found == at, "byte {at} of line {line}: found at {found}");
                }
                other => panic!("byte {at}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_changed_or_missing_byte_of_the_snapshot_is_damage() {
    let stack = Stack::new().await;
    let whole = fs::read(stack.file("snapshot.json")).unwrap();
    let damage = |bytes: Vec<u8>| fs::write(stack.file("snapshot.json"), bytes).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x01;
        damage(bytes);
        assert!(matches!(stack.load().await, Err(StateError::Damaged { .. })), "byte {at}");
        damage(whole[..at].to_vec());
        assert!(matches!(stack.load().await, Err(StateError::Damaged { .. })), "cut at {at}");
    }
    stack.expect_damage("snapshot.json").await;
}

#[tokio::test]
async fn a_line_that_is_missing_doubled_or_out_of_place_is_damage() {
    let stack = Stack::new().await;
    let whole = stack.journal();
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let orders: [(&[usize], usize); 4] =
        [(&[0, 2, 3, 4], 1), (&[0, 1, 1, 2], 2), (&[0, 2, 1, 3], 1), (&[1, 2, 3], 0)];
    for (order, wrong) in orders {
        let bytes: Vec<u8> = order.iter().flat_map(|line| lines[*line]).copied().collect();
        fs::write(stack.file("journal.jsonl"), bytes).unwrap();
        let (offset, _) = stack.expect_damage("journal.jsonl").await;
        let wanted: usize = order[..wrong].iter().map(|line| lines[*line].len()).sum();
        assert_eq!(offset, wanted as u64, "{order:?}");
    }
}

#[tokio::test]
async fn an_entry_that_cannot_follow_is_damage_at_its_line() {
    let stack = Stack::new().await;
    let mut bytes = stack.journal();
    let end = bytes.len() as u64;
    let entry = serde_json::to_value(&entries()[2]).unwrap();
    line::write(&mut bytes, &serde_json::json!({ "serial": 6, "entry": entry })).unwrap();
    fs::write(stack.file("journal.jsonl"), bytes).unwrap();
    let (offset, problem) = stack.expect_damage("journal.jsonl").await;
    assert_eq!(offset, end);
    assert_eq!(problem, "a/x: the end of a create cannot follow Ready with None open");
}

#[tokio::test]
async fn a_missing_or_older_snapshot_is_damage() {
    let stack = Stack::new().await;
    let older = {
        let mut bytes = Vec::new();
        line::write(&mut bytes, &Header::new("skyplat snapshot", 0)).unwrap();
        line::write(&mut bytes, &serde_json::json!({ "state": stack.states[0] })).unwrap();
        bytes
    };
    fs::write(stack.file("snapshot.json"), older).unwrap();
    let (_, problem) = stack.expect_damage("journal.jsonl").await;
    assert_eq!(problem, "it begins after entry 1, but the snapshot beside it ends with entry 0");
    fs::remove_file(stack.file("snapshot.json")).unwrap();
    let error = stack.lock().await.unwrap_err();
    assert!(
        matches!(error, StateError::Damaged { file, .. } if Path::new(&file) == stack.file("snapshot.json"))
    );
}

#[tokio::test]
async fn a_newer_format_is_told_from_damage_and_left_alone() {
    for (name, format) in [("journal.jsonl", "skyplat journal"), ("snapshot.json", "skyplat snapshot")] {
        let stack = Stack::new().await;
        let mut bytes = Vec::new();
        let header = serde_json::json!({ "format": format, "version": 2, "of_the_future": true });
        line::write(&mut bytes, &header).unwrap();
        bytes.extend_from_slice(b"something that only version 2 knows\n");
        fs::write(stack.file(name), bytes).unwrap();
        let before = files(stack.dir.path());
        let errors = [stack.load().await.unwrap_err(), stack.lock().await.unwrap_err()];
        for error in errors {
            assert!(
                matches!(&error, StateError::Newer { file, found: 2, supported: 1 }
                    if Path::new(file) == stack.file(name)),
                "{error}"
            );
        }
        assert!(files(stack.dir.path()) == before);
    }
}

#[tokio::test]
async fn a_file_of_another_kind_is_damage() {
    let stack = Stack::new().await;
    fs::copy(stack.file("snapshot.json"), stack.file("journal.jsonl")).unwrap();
    let (offset, problem) = stack.expect_damage("journal.jsonl").await;
    assert_eq!((offset, problem.as_str()), (0, "this is a \"skyplat snapshot\", not a \"skyplat journal\""));
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_compaction_loses_and_repeats_nothing() {
    let stack = Stack::new().await;
    let old_journal = stack.journal();
    let mut session = stack.lock().await.unwrap();
    session.compact().await.unwrap();
    drop(session);
    fs::write(stack.file("journal.jsonl"), old_journal).unwrap();
    fs::write(stack.file("journal.jsonl.new"), "half a jour").unwrap();
    assert_eq!(&stack.load().await.unwrap(), stack.states.last().unwrap());
    let mut session = stack.lock().await.unwrap();
    session.append(&[Entry::Facts { facts: Facts::default() }]).await.unwrap();
    let after = image(session.state());
    session.compact().await.unwrap();
    drop(session);
    assert_eq!(stack.load().await.unwrap(), after);
    assert!(!stack.file("journal.jsonl.new").exists());
}

#[tokio::test]
async fn a_crash_before_the_first_journal_leaves_a_stack_that_opens() {
    let stack = Stack::new().await;
    fs::remove_file(stack.file("journal.jsonl")).unwrap();
    assert_eq!(stack.load().await.unwrap(), stack.states[1]);
    drop(stack.lock().await.unwrap());
    assert!(stack.file("journal.jsonl").exists());
}

fn large(fill: &str) -> Entry {
    let mut facts = Facts::default();
    facts.insert(Question::account(), fill.repeat(50_000)).unwrap();
    Entry::Facts { facts }
}

#[tokio::test]
async fn a_journal_that_outgrew_its_snapshot_is_cut_short_by_itself() {
    let stack = Stack::new().await;
    let mut session = stack.lock().await.unwrap();
    let mut largest = 0;
    for _ in 0..20 {
        session.append(&[large("x")]).await.unwrap();
        largest = largest.max(stack.journal().len());
    }
    assert!(largest < 160_000, "{largest} bytes of journal beside a state of 50,000");
    assert_eq!(stack.load().await.unwrap(), image(session.state()));
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_written_does_not_fail_the_append() {
    let stack = Stack::new().await;
    let in_the_way = stack.file("snapshot.json.new");
    fs::create_dir(&in_the_way).unwrap();
    let mut session = stack.lock().await.unwrap();
    for fill in ["a", "b", "c", "d"] {
        session.append(&[large(fill)]).await.unwrap();
    }
    let error = session.compact().await.unwrap_err();
    assert!(matches!(error, StateError::Io { action: "write", .. }), "{error}");
    assert_eq!(stack.load().await.unwrap(), image(session.state()));
    fs::remove_dir(&in_the_way).unwrap();
    session.compact().await.unwrap();
    assert!(stack.journal().len() < 200);
    assert_eq!(stack.load().await.unwrap(), image(session.state()));
}

#[tokio::test]
async fn what_a_crashed_run_left_in_the_lock_file_locks_nothing() {
    let stack = Stack::new().await;
    for left in [serde_json::to_vec(&owner()).unwrap(), b"{\"who\":\"ad".to_vec(), vec![0xff; 9000]] {
        fs::write(stack.file("lock"), left).unwrap();
        let session = stack.lock().await.unwrap();
        let written: LockOwner = serde_json::from_slice(&fs::read(stack.file("lock")).unwrap()).unwrap();
        assert_eq!(written, owner());
        drop(session);
        assert!(fs::read(stack.file("lock")).unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_lock_whose_owner_cannot_be_read_is_still_a_lock() {
    let stack = Stack::new().await;
    let _session = stack.lock().await.unwrap();
    fs::write(stack.file("lock"), "{").unwrap();
    assert_eq!(stack.lock().await.unwrap_err().to_string(), "the stack dev is locked");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "not a directory").unwrap();
    let store = DirectoryStore::new(file.join("state"));
    let error = store.lock(state(), &owner()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot create {}", file.join("state/dev").display()));
    let error = DirectoryStore::new(&file).list().await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read {}", file.display()));

    let stack = Stack::new().await;
    fs::remove_file(stack.file("lock")).unwrap();
    fs::create_dir(stack.file("lock")).unwrap();
    let before = files(stack.dir.path());
    let error = stack.lock().await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot write {}", stack.file("lock").display()));
    assert!(files(stack.dir.path()) == before);
}

#[tokio::test]
async fn a_selection_that_names_no_stack_is_damage() {
    let stack = Stack::new().await;
    fs::write(stack.dir.path().join("selected.txt"), "../../etc\n").unwrap();
    let error = stack.store().selected().await.unwrap_err();
    assert!(matches!(error, StateError::Damaged { file, offset: 0, .. } if file.ends_with("selected.txt")));
}

#[tokio::test]
async fn what_an_executor_keeps_beside_a_stack_goes_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirectoryStore::new(dir.path());
    drop(store.lock(state(), &owner()).await.unwrap());
    fs::write(store.stack_dir("dev").join("world.jsonl"), "{}\n").unwrap();
    fs::create_dir(dir.path().join(".removed-dev")).unwrap();
    fs::write(dir.path().join(".removed-dev/left"), "by a crash").unwrap();
    store.remove("dev", &owner()).await.unwrap();
    assert!(files(dir.path()).is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_what_is_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let stack = Stack::new().await;
    stack.store().select("dev").await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&stack.dir.path().join("dev")), 0o700);
    let files = files(stack.dir.path());
    assert_eq!(files.len(), 4);
    for path in files.keys() {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
}
