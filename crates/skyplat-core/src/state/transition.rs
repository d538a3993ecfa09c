//! The table of legal transitions: what may happen to a record, and what it becomes.
//!
//! | status, open intent | event | becomes |
//! |---|---|---|
//! | none | create begins | Incomplete, create |
//! | Incomplete | create begins again | Incomplete, create |
//! | Incomplete, create | identified | the same, with its id |
//! | Incomplete, create | created | Ready |
//! | Incomplete, create | failed without effect | gone when it has no id, else Incomplete |
//! | Incomplete, create | failed, effect unknown | the same: the next run looks for it |
//! | any, none or update or delete | update begins | Uncertain, update |
//! | Uncertain, update | updated | Ready, with the new inputs |
//! | Uncertain, update | failed without effect | as before the update |
//! | Uncertain, update | failed, effect unknown | the same: it may have brought its fields and edges |
//! | any, any | delete begins | Uncertain, delete |
//! | Uncertain, delete | failed | Uncertain |
//! | Uncertain, delete | deleted | gone |
//! | any, any | retained, forgotten | gone |
//! | Incomplete, any | observed | the same, with the observed fields |
//! | Ready or Uncertain, any | observed | Ready, with the observed fields and the edges of what was open |
//!
//! An update or delete may begin while one is open: that is how the next run repeats, or overrides, what a crash cut
//! off. A call that is repeated stands on an uncertain record, so that its failing without effect leaves it uncertain.
//! What the first update was to add stays among the record's fields and edges until one has ended: it may be there by now.
//! Whatever is not in the table is an [`IllegalTransition`]: a journal that says so is damaged.

use std::sync::Arc;

use super::record::{Effect, Intent, Next, Operation, Record, Status};
use crate::executor::OutputMap;
use crate::value::{Address, Tree};

/// What can happen to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RecordEvent {
    CreateBegins,
    UpdateBegins(Next),
    DeleteBegins,
    Identified(String),
    Created {
        id: String,
        outputs: OutputMap,
    },
    Updated(OutputMap),
    Failed(Effect),
    Deleted,
    /// Retained or forgotten: no call is needed for it.
    LetGo,
    Observed {
        inputs: Tree,
        outputs: OutputMap,
    },
}

/// An event that the table does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: {event} cannot follow {from}")]
pub struct IllegalTransition {
    /// The object.
    pub address: Address,
    /// Status and open intent before.
    pub from: String,
    /// The event.
    pub event: String,
}

/// What becomes of a record after an event.
pub(super) enum Outcome {
    Stays,
    Gone,
}

impl Record {
    /// Applies one event, as the table at the top says.
    pub(super) fn transition(&mut self, event: RecordEvent) -> Result<Outcome, IllegalTransition> {
        use {Operation as Op, RecordEvent as Event};
        let open = self.open();
        match (event, open) {
            (Event::CreateBegins, None | Some(Op::Create)) if self.status == Status::Incomplete => {
                self.intent = Some(Intent { operation: Op::Create, before: self.status, next: None });
            }
            (Event::Identified(id), Some(Op::Create)) => self.id = Some(id),
            (Event::Created { id, outputs }, Some(Op::Create)) => {
                self.id = Some(id);
                self.outputs = outputs;
                self.status = Status::Ready;
                self.intent = None;
            }
            (Event::UpdateBegins(next), None | Some(Op::Update | Op::Delete)) => {
                self.keep_what_is_open();
                self.intent = Some(Intent { operation: Op::Update, before: self.status, next: Some(next) });
                self.status = Status::Uncertain;
            }
            (Event::Updated(outputs), Some(Op::Update)) => {
                if let Some(next) = self.intent.take().and_then(|intent| intent.next) {
                    self.node = next.node;
                    self.depends_on = next.depends_on;
                }
                self.outputs = outputs;
                self.status = Status::Ready;
            }
            (Event::DeleteBegins, _) => {
                self.keep_what_is_open();
                self.intent = Some(Intent { operation: Op::Delete, before: self.status, next: None });
                self.status = Status::Uncertain;
            }
            (Event::Failed(Effect::None), Some(Op::Create)) => {
                self.intent = None;
                if self.id.is_none() {
                    return Ok(Outcome::Gone);
                }
            }
            // The intent stays open: only a look can tell whether it did something.
            (Event::Failed(Effect::Unknown), Some(Op::Create | Op::Update)) => {}
            (Event::Failed(Effect::None), Some(Op::Update)) => {
                if let Some(intent) = self.intent.take() {
                    self.status = intent.before;
                }
            }
            (Event::Failed(_), Some(Op::Delete)) => self.intent = None,
            (Event::Deleted, Some(Op::Delete)) | (Event::LetGo, _) => return Ok(Outcome::Gone),
            (Event::Observed { inputs, outputs }, _) => {
                // What was never completely made is no more usable for having been seen.
                if self.status != Status::Incomplete {
                    self.keep_what_is_open();
                    self.status = Status::Ready;
                }
                Arc::make_mut(&mut self.node).inputs = inputs;
                self.outputs = outputs;
            }
            (event, _) => {
                return Err(IllegalTransition {
                    address: self.node.address.clone(),
                    from: format!("{:?} with {:?} open", self.status, open),
                    event: event.name().to_owned(),
                });
            }
        }
        Ok(Outcome::Stays)
    }
}

impl RecordEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::CreateBegins => "the begin of a create",
            Self::UpdateBegins(_) => "the begin of an update",
            Self::DeleteBegins => "the begin of a delete",
            Self::Identified(_) => "an id",
            Self::Created { .. } => "the end of a create",
            Self::Updated(_) => "the end of an update",
            Self::Failed(_) => "a failure",
            Self::Deleted => "the end of a delete",
            Self::LetGo => "letting go",
            Self::Observed { .. } => "an observation",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::record::Uid;
    use super::super::testing::{address, node};
    use super::*;
    use crate::object::ObjectNode;
    use crate::tree;

    /// What becomes of a record (columns) after an event (rows): R, I, U are the statuses, a small letter the open
    /// intent (create, update, delete); `gone`, or `-` for an illegal transition.
    const TABLE: &str = "
        event            R     I     Ic    U     Uu    Ud
        create_begins    -     Ic    Ic    -     -     -
        identified       -     -     Ic    -     -     -
        created          -     -     R     -     -     -
        update_begins    Uu    Uu    -     Uu    Uu    Uu
        updated          -     -     -     -     R     -
        delete_begins    Ud    Ud    Ud    Ud    Ud    Ud
        deleted          -     -     -     -     -     gone
        failed_none      -     -     gone  -     R     U
        failed_unknown   -     -     Ic    -     Uu    U
        observed         R     I     Ic    R     R     R
        let_go           gone  gone  gone  gone  gone  gone
    ";

    fn event(name: &str) -> RecordEvent {
        let outputs = OutputMap::from([("id".to_owned(), tree!("new"))]);
        match name {
            "create_begins" => RecordEvent::CreateBegins,
            "identified" => RecordEvent::Identified("i-2".into()),
            "created" => RecordEvent::Created { id: "i-2".into(), outputs },
            "update_begins" => RecordEvent::UpdateBegins(next()),
            "updated" => RecordEvent::Updated(outputs),
            "delete_begins" => RecordEvent::DeleteBegins,
            "deleted" => RecordEvent::Deleted,
            "failed_none" => RecordEvent::Failed(Effect::None),
            "failed_unknown" => RecordEvent::Failed(Effect::Unknown),
            "observed" => RecordEvent::Observed { inputs: tree!({ "size": 9 }), outputs },
            "let_go" => RecordEvent::LetGo,
            other => panic!("no event {other}"),
        }
    }

    fn next() -> Next {
        let mut node = node("a/x");
        node.inputs = tree!({ "size": 2 });
        Next { node: node.into(), depends_on: BTreeSet::from([address("a/y")]) }
    }

    /// Makes a record as a journal would have left it.
    fn record(name: &str) -> Record {
        let uid = Uid::new("stack", &address("a/x"), 0);
        let mut record = Record::planned(node("a/x"), BTreeSet::new(), uid, 0);
        let (status, before) = match name.as_bytes()[0] {
            b'R' => (Status::Ready, Status::Ready),
            b'I' => (Status::Incomplete, Status::Incomplete),
            _ => (Status::Uncertain, Status::Ready),
        };
        record.status = status;
        let intent = |operation, next| Some(Intent { operation, before, next });
        record.intent = match &name[1..] {
            "c" => intent(Operation::Create, None),
            "u" => intent(Operation::Update, Some(next())),
            "d" => intent(Operation::Delete, None),
            _ => None,
        };
        record
    }

    fn name(record: &Record) -> String {
        let status = match record.status {
            Status::Ready => "R",
            Status::Incomplete => "I",
            Status::Uncertain => "U",
        };
        let open = match record.open() {
            None => "",
            Some(Operation::Create) => "c",
            Some(Operation::Update) => "u",
            Some(Operation::Delete) => "d",
        };
        format!("{status}{open}")
    }

    #[test]
    fn every_event_leads_where_the_table_says() {
        let mut rows = TABLE.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let columns = rows.find(|row| !row.is_empty()).unwrap();
        let mut cells = 0;
        for row in rows.filter(|row| !row.is_empty()) {
            for (before, wanted) in columns.iter().zip(&row).skip(1) {
                let start = record(before);
                let mut record = start.clone();
                let found = match record.transition(event(row[0])) {
                    Ok(Outcome::Stays) => name(&record),
                    Ok(Outcome::Gone) => "gone".into(),
                    Err(_) => {
                        assert_eq!(record, start, "an illegal event changed the record");
                        "-".into()
                    }
                };
                assert_eq!(found, **wanted, "{} after {before}", row[0]);
                cells += 1;
            }
        }
        assert_eq!(cells, 11 * 6);
    }

    #[test]
    fn a_create_that_failed_after_it_got_an_id_stays_to_be_resumed() {
        let mut record = record("Ic");
        record.transition(event("identified")).unwrap();
        assert!(matches!(record.transition(event("failed_none")), Ok(Outcome::Stays)));
        assert_eq!((name(&record).as_str(), record.id.as_deref()), ("I", Some("i-2")));
    }

    #[test]
    fn an_update_brings_inputs_edges_and_outputs_and_a_failed_one_brings_none() {
        let mut updated = record("R");
        updated.transition(event("update_begins")).unwrap();
        assert_eq!(*updated.node, node("a/x"), "nothing is new before the call is done");
        updated.transition(event("updated")).unwrap();
        assert_eq!(updated.node.inputs, tree!({ "size": 2 }));
        assert_eq!(updated.depends_on, BTreeSet::from([address("a/y")]));
        assert_eq!(updated.outputs["id"], tree!("new"));

        let mut failed = record("R");
        failed.transition(event("update_begins")).unwrap();
        failed.transition(event("failed_none")).unwrap();
        assert_eq!(failed, record("R"));
    }

    #[test]
    fn a_repeated_update_that_does_nothing_leaves_open_what_the_first_one_did() {
        let mut record = record("R");
        record.transition(event("update_begins")).unwrap();
        record.transition(event("update_begins")).unwrap();
        record.transition(event("failed_none")).unwrap();
        assert_eq!(name(&record), "U");
    }

    #[test]
    fn what_overrides_an_open_update_keeps_what_it_may_have_brought() {
        let with = |inputs: Tree, need: &str| {
            let node = ObjectNode { inputs, ..node("a/x") };
            Next { node: node.into(), depends_on: BTreeSet::from([address(need)]) }
        };
        let first = || with(tree!({ "size": 1, "hue": "red" }), "a/y");
        let other = || with(tree!({ "size": 1 }), "a/z");
        for over in [RecordEvent::UpdateBegins(other()), RecordEvent::DeleteBegins] {
            let mut record = record("R");
            record.transition(RecordEvent::UpdateBegins(first())).unwrap();
            for event in [over.clone(), event("failed_none")] {
                record.transition(event).unwrap();
                assert_eq!(record.node.inputs.get("hue"), Some(&tree!("red")), "after {}", over.name());
                assert_eq!(record.depends_on, first().depends_on, "after {}", over.name());
            }
            assert_eq!(name(&record), "U");
        }
        let mut record = record("R");
        for event in
            [RecordEvent::UpdateBegins(first()), RecordEvent::UpdateBegins(other()), event("updated")]
        {
            record.transition(event).unwrap();
        }
        let Next { node, depends_on } = other();
        assert_eq!(
            (record.node, record.depends_on),
            (node, depends_on),
            "one that has ended is all there is"
        );
    }

    #[test]
    fn an_update_over_an_open_delete_is_no_proof_that_the_delete_did_nothing() {
        let mut record = record("R");
        for name in ["delete_begins", "update_begins", "failed_none"] {
            record.transition(event(name)).unwrap();
        }
        assert_eq!(name(&record), "U");
    }
}
