//! Executors that break one promise each: every one is found out by the check that names the promise.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use skyplat_core::executor::{
    Created, Deleted, Desired, ErrorKind, ExecError, Executor, Observed, Op, OpHost, OutputMap, Recorded,
};
use skyplat_core::object::{ObjectKind, OnDelete, Placement};
use skyplat_core::state::Uid;
use skyplat_core::tree;
use skyplat_core::value::{Address, Tree};
use skyplat_mock::MockCloud;
use skyplat_mock::conformance::{Check, check};
use tokio::time::{Instant, timeout};

use crate::thing::{slow_cloud, specimen};

/// A promise, broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breaks {
    SaysItIsNotForIt,
    FindsWhatIsNot,
    FindsNothing,
    FindsAnotherId,
    ReadsOtherFields,
    ReadsOtherOutputs,
    ReadsMissingAsError,
    NeverReportsTheId,
    ReportsTheIdAfterTheWait,
    ReportsAnotherId,
    MakesTwoThings,
    RefusesTheSecondCreate,
    FailsToFindWhatIsUnderWay,
    ChangesNothing,
    ChangesOnlyOnce,
    AnswersInReverse,
    AnswersOnlyOnce,
    TakesOverTwins,
    DeletesWhatIsToStay,
    DoesNotDelete,
    DoesNotWaitForTheEndOfADelete,
    RefusesTheSecondDelete,
    AsksForNoPermit,
    AsksForPermitsTooLate,
    DoesNotStop,
    SaysNothingWasDoneWhenStopped,
    GoesOnAfterItsDeadline,
    SaysNothingWasDoneWhenItWas,
    RepeatsInputsInErrors,
    TellsSecretsInProgress,
}

use Breaks as B;

const TABLE: &[(Breaks, Check)] = &[
    (B::SaysItIsNotForIt, Check::Supported),
    (B::FindsWhatIsNot, Check::NothingBefore),
    (B::FindsNothing, Check::Agreement),
    (B::FindsAnotherId, Check::Agreement),
    (B::ReadsOtherFields, Check::Agreement),
    (B::ReadsOtherOutputs, Check::Agreement),
    (B::ReadsMissingAsError, Check::Delete),
    (B::NeverReportsTheId, Check::Identified),
    (B::ReportsTheIdAfterTheWait, Check::Identified),
    (B::ReportsAnotherId, Check::Identified),
    (B::MakesTwoThings, Check::RepeatedCreate),
    (B::RefusesTheSecondCreate, Check::RepeatedCreate),
    (B::FailsToFindWhatIsUnderWay, Check::CutShort),
    (B::ChangesNothing, Check::Update),
    (B::ChangesOnlyOnce, Check::RepeatedUpdate),
    (B::AnswersInReverse, Check::Batch),
    (B::AnswersOnlyOnce, Check::Batch),
    (B::TakesOverTwins, Check::Twin),
    (B::DeletesWhatIsToStay, Check::Retained),
    (B::DoesNotDelete, Check::Delete),
    (B::DoesNotWaitForTheEndOfADelete, Check::DeleteWaits),
    (B::RefusesTheSecondDelete, Check::RepeatedDelete),
    (B::AsksForNoPermit, Check::Permits),
    (B::AsksForPermitsTooLate, Check::Permits),
    (B::DoesNotStop, Check::Stopped),
    (B::SaysNothingWasDoneWhenStopped, Check::Stopped),
    (B::GoesOnAfterItsDeadline, Check::Deadline),
    (B::SaysNothingWasDoneWhenItWas, Check::NoEffect),
    (B::RepeatsInputsInErrors, Check::Secrets),
    (B::TellsSecretsInProgress, Check::Secrets),
];

#[derive(Debug)]
struct Broken {
    cloud: MockCloud,
    breaks: Breaks,
    /// How often each thing was made.
    made: Mutex<BTreeMap<Uid, u32>>,
    updated: Mutex<BTreeMap<Uid, Tree>>,
}

/// A host that hears only a part of what is said.
struct Deaf {
    host: Arc<dyn OpHost>,
    permits: bool,
    ids: bool,
}

#[async_trait]
impl OpHost for Deaf {
    async fn permit(&self, service: &str, placement: &Placement) {
        if self.permits {
            self.host.permit(service, placement).await;
        }
    }

    async fn identified(&self, id: &str) -> Result<(), ExecError> {
        if self.ids { self.host.identified(id).await } else { Ok(()) }
    }

    fn progress(&self, message: &str) {
        self.host.progress(message);
    }
}

impl Broken {
    fn is(&self, breaks: Breaks) -> bool {
        self.breaks == breaks
    }

    /// Returns the context that the cloud gets instead.
    fn bend(&self, cx: &Op) -> Op {
        let mut bent = cx.clone();
        let permits = !matches!(self.breaks, B::AsksForNoPermit | B::AsksForPermitsTooLate);
        let ids =
            !matches!(self.breaks, B::NeverReportsTheId | B::ReportsTheIdAfterTheWait | B::ReportsAnotherId);
        bent.host = Arc::new(Deaf { host: Arc::clone(&cx.host), permits, ids });
        match self.breaks {
            B::DoesNotStop => bent.cancel = tokio_util::sync::CancellationToken::new(),
            B::GoesOnAfterItsDeadline => bent.deadline = Instant::now() + Duration::from_hours(9),
            _ => {}
        }
        bent
    }

    /// Bends the errors of a call that changes something.
    async fn told<T>(&self, cx: &Op, inputs: &Tree, result: Result<T, ExecError>) -> Result<T, ExecError> {
        let password = || match inputs.get("password") {
            Some(Tree::Secret(secret)) => secret.expose().to_owned(),
            _ => String::new(),
        };
        match self.breaks {
            B::SaysNothingWasDoneWhenStopped => {
                result.map_err(|error| ExecError { kind: ErrorKind::Unreachable, ..error })
            }
            B::RepeatsInputsInErrors => result.map_err(|error| error.hint(format!("sent: {}", password()))),
            B::TellsSecretsInProgress => {
                cx.progress(&format!("setting the password {}", password()));
                result
            }
            B::AsksForPermitsTooLate => {
                cx.permit("demo").await;
                result
            }
            _ => result,
        }
    }
}

fn other(object: &Desired, number: u32) -> Desired {
    let (uid, address) = (&object.uid, Address::new(object.uid.as_str()));
    let uid = if number == 0 { uid.clone() } else { Uid::new("other", &address, number) };
    Desired { uid, natural_key: object.natural_key.clone().filter(|_| number == 0), ..object.clone() }
}

#[async_trait]
impl Executor for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn supports(&self, _: &ObjectKind) -> bool {
        !self.is(B::SaysItIsNotForIt)
    }

    async fn read(&self, cx: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>> {
        let mut answers = self.cloud.read(&self.bend(cx), objects).await;
        if self.is(B::AnswersInReverse) {
            answers.reverse();
        }
        if self.is(B::AnswersOnlyOnce) {
            answers.truncate(1);
        }
        for answer in &mut answers {
            match (self.breaks, &mut *answer) {
                (B::ReadsOtherFields, Ok(Observed::Present { inputs, .. })) => inputs.set("size", tree!(77)),
                (B::ReadsOtherOutputs, Ok(Observed::Present { outputs, .. })) => {
                    outputs.insert("id".to_owned(), tree!("another"));
                }
                (B::ReadsMissingAsError, Ok(Observed::Missing)) => {
                    *answer = Err(ExecError::new(ErrorKind::NotFound, "there is no such thing"));
                }
                _ => {}
            }
        }
        answers
    }

    async fn find(&self, cx: &Op, object: &Desired) -> Result<Option<Created>, ExecError> {
        let is_ready = |thing: &skyplat_mock::world::Thing| thing.is_active();
        if self.is(B::FailsToFindWhatIsUnderWay) && !self.cloud.world().get(&object.uid).is_some_and(is_ready)
        {
            cx.permit("demo").await;
            return Ok(None);
        }
        let found = self.cloud.find(&self.bend(cx), object).await?;
        Ok(match self.breaks {
            B::FindsNothing => None,
            B::FindsWhatIsNot => Some(Created { id: "nothing".into(), outputs: OutputMap::new() }),
            B::FindsAnotherId => found.map(|found| Created { id: "another".into(), ..found }),
            _ => found,
        })
    }

    async fn create(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError> {
        let number = {
            let mut made = self.made.lock().unwrap();
            let number = made.entry(object.uid.clone()).or_default();
            *number += 1;
            *number - 1
        };
        if self.is(B::RefusesTheSecondCreate) && number > 0 {
            return Err(ExecError::new(ErrorKind::AlreadyExists, "it was made before"));
        }
        let object = if self.is(B::MakesTwoThings) { &other(object, number) } else { object };
        let bent = self.bend(cx);
        let result = self.cloud.create(&bent, object).await;
        let result = self.told(cx, &object.inputs, result).await;
        match (self.breaks, &result) {
            (B::ReportsTheIdAfterTheWait, Ok(created)) => cx.identified(&created.id).await?,
            (B::ReportsAnotherId, Ok(_)) => cx.identified("another").await?,
            (B::TakesOverTwins, Err(error)) if error.kind == ErrorKind::AlreadyExists => {
                let world = self.cloud.world();
                let twin = world.of_kind("demo.thing").find(|thing| thing.natural_key == object.natural_key);
                let twin = twin.expect("it is in the way");
                return Ok(Created { id: twin.id.clone(), outputs: twin.outputs.clone() });
            }
            _ => {}
        }
        result
    }

    async fn update(&self, cx: &Op, old: &Recorded, new: &Desired) -> Result<OutputMap, ExecError> {
        if self.is(B::ChangesNothing) {
            cx.permit("demo").await;
            return Ok(self
                .cloud
                .world()
                .get(&old.uid)
                .map(|thing| thing.outputs.clone())
                .unwrap_or_default());
        }
        let before = self.updated.lock().unwrap().insert(new.uid.clone(), new.inputs.clone());
        if self.is(B::ChangesOnlyOnce) && before.as_ref() == Some(&new.inputs) {
            return Err(ExecError::new(ErrorKind::Invalid, "nothing would change"));
        }
        let result = self.cloud.update(&self.bend(cx), old, new).await;
        if self.is(B::SaysNothingWasDoneWhenItWas)
            && result.is_ok()
            && new.inputs.get("size") != Some(&tree!(2))
        {
            return Err(ExecError::new(ErrorKind::Invalid, "the size is no number"));
        }
        self.told(cx, &new.inputs, result).await
    }

    async fn delete(&self, cx: &Op, object: &Recorded) -> Result<Deleted, ExecError> {
        let is_there = self.cloud.world().get(&object.uid).is_some();
        let mut object = object.clone();
        match self.breaks {
            B::DeletesWhatIsToStay => object.on_delete = OnDelete::Delete,
            B::DoesNotDelete => return Ok(Deleted::Deleted),
            B::RefusesTheSecondDelete if !is_there => {
                cx.permit("demo").await;
                return Err(ExecError::new(ErrorKind::NotFound, "it is not there"));
            }
            B::DoesNotWaitForTheEndOfADelete if object.on_delete == OnDelete::Delete => {
                drop(timeout(Duration::from_millis(1), self.cloud.delete(cx, &object)).await);
                return Ok(Deleted::Deleted);
            }
            _ => {}
        }
        let result = self.cloud.delete(&self.bend(cx), &object).await;
        self.told(cx, &object.inputs, result).await
    }
}

fn broken(breaks: Breaks) -> Broken {
    Broken { cloud: slow_cloud(), breaks, made: Mutex::default(), updated: Mutex::default() }
}

#[tokio::test(start_paused = true)]
async fn every_broken_promise_is_found_by_its_check() {
    for (breaks, expected) in TABLE {
        let report = check(&broken(*breaks), &specimen()).await;
        let found: Vec<Check> = report.failures().map(|(check, _)| check).collect();
        assert!(found.contains(expected), "{breaks:?} is not found by \"{expected}\"\n{report}");
        let shown = report.to_string();
        assert!(!shown.contains("the password of the thing"), "{shown}");
    }
}

#[test]
fn every_check_finds_something() {
    // What a specimen stands on is tried apart.
    let found = |check: &Check| TABLE.iter().any(|(_, by)| by == check) || *check == Check::Prerequisites;
    let idle: Vec<Check> = Check::ALL.into_iter().filter(|check| !found(check)).collect();
    assert_eq!(idle, []);
}
