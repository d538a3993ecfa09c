//! Whatever goes wrong for a while, the end is the same; whatever goes wrong for good, the next run makes good.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use skyplat::engine::FinishedStatus;
use skyplat::mock::World;
use skyplat::mock::faults::{FaultKind, Faults, Faulty, Operation};
use skyplat::object::{Class, OnDelete};
use skyplat::plan::Action;
use skyplat::value::Address;
use skyplat::workspace::Prepared;

use crate::alike::assert_alike;
use crate::cases;
use crate::configs::{Size, platform};
use crate::doubled::Doubled;
use crate::stand::{README, Stand, assert_same, simulate, succeeded};

proptest! {
    #![proptest_config(cases(5))]

    #[test]
    fn faults_that_pass_change_nothing_of_the_end(
        platform in platform(Size { spokes: 1, ..Size::SMALL }), seed in any::<u64>(), rate in 0.1..0.3f64,
    ) {
        let text = platform.with("protect", None).plain();
        simulate(|| async {
            let calm = Stand::new();
            calm.up(&text).await;
            let stand = Stand::new();
            // Each passes before the engine's patience with its kind ends; several in a row may not.
            let faults = Faults::seeded(seed, rate).kinds(FaultKind::PASSING).bursts(1);
            let prepared = stand.plan(&text).await;
            let report = stand.apply_through(Faulty::new(stand.cloud.clone(), faults.clone()), &prepared).await.unwrap();
            succeeded(&report);
            assert!(faults.reached().total() > 0);
            assert_same("with faults", &calm.world().await, &stand.world().await);
            stand.is_settled(&text).await;

            calm.down().await;
            let prepared = stand.try_plan(None, &[]).await.unwrap();
            let report = stand.apply_through(Faulty::new(stand.cloud.clone(), faults), &prepared).await.unwrap();
            succeeded(&report);
            assert_same("with faults, gone", &calm.world().await, &stand.world().await);
        });
    }
}

/// The README's platform with an edit that changes something about nearly everything that can be changed in place.
fn edited() -> String {
    let text = README.replace("config:\n", "config:\n  sp:tags: {team: ml}\n");
    text.replace("    # Tailscale", "    public_access_cidrs: [203.0.113.0/24]\n    # Tailscale")
}

/// One thing that goes wrong, as one word of the campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// The call fails before it does anything, once.
    Failure,
    /// It fails for good: the run fails, and the next one finishes it.
    Permanent,
    /// Its reply is lost, once.
    LostReply,
    /// It is made twice.
    Double,
    /// The API asks to slow down.
    Throttle,
}

impl Trouble {
    const ALL: [Self; 5] = [Self::Failure, Self::Permanent, Self::LostReply, Self::Double, Self::Throttle];

    fn fault(self) -> Option<FaultKind> {
        match self {
            Self::Failure => Some(FaultKind::FailsBefore),
            Self::Permanent => Some(FaultKind::Permanent),
            Self::LostReply => Some(FaultKind::ReplyLost),
            Self::Double => None,
            Self::Throttle => Some(FaultKind::Throttled),
        }
    }
}

/// A campaign: a plan, where it begins, and where it must end.
struct Campaign {
    operation: Operation,
    from: Stand,
    text: Option<String>,
    prepared: Prepared,
    end: World,
}

impl Campaign {
    async fn new(operation: Operation) -> Self {
        let (from, text) = match operation {
            Operation::Create => (Stand::new(), Some(README.to_owned())),
            Operation::Update => (standing().await, Some(edited())),
            _ => (standing().await, None),
        };
        let prepared = from.try_plan(text.as_deref(), &[]).await.unwrap();
        let stand = from.fork().await;
        succeeded(&stand.apply_through(stand.cloud.clone(), &prepared).await.unwrap());
        Self { operation, end: stand.world().await, from, text, prepared }
    }

    /// Returns the objects with which this is done by a call. What stays when the platform goes is not asked to go.
    async fn objects(&self) -> Vec<Address> {
        let state = self.from.state().await;
        let stays = |address: &Address| {
            let record = state.objects.get(address);
            record.is_some_and(|record| record.node.on_delete != OnDelete::Delete)
        };
        let wanted = match self.operation {
            Operation::Create => Action::Create,
            Operation::Update => Action::Update,
            _ => Action::Delete,
        };
        let steps = self.prepared.plan.steps.iter();
        steps
            .filter(|step| step.action == wanted && step.class == Class::Owned)
            .map(|step| step.address.clone())
            .filter(|address| self.operation != Operation::Delete || !stays(address))
            .collect()
    }

    /// Lets one kind of trouble befall some objects and runs until it is over; then the end is the one without trouble.
    /// Returns those that met it.
    async fn befall(&self, trouble: Trouble, objects: &[Address]) -> BTreeSet<Address> {
        let stand = self.from.fork().await;
        let (faults, doubled) = (Faults::none(), Arc::new(Mutex::new(BTreeSet::new())));
        for (object, fault) in objects.iter().filter_map(|object| Some((object, trouble.fault()?))) {
            // A create may have no effect whose reply could be lost, as long as EKS does not see a new role.
            let often = (self.operation, trouble) == (Operation::Create, Trouble::LostReply);
            let times = if often { 10 } else { 1 };
            faults.at(object.clone(), self.operation, vec![fault; times]);
        }
        let twice = if trouble == Trouble::Double { objects } else { &[] };
        let mut prepared = self.prepared.clone();
        loop {
            let before = self.met(&faults);
            let executor = Doubled::new(stand.cloud.clone(), self.operation, twice, Arc::clone(&doubled));
            let report = stand.apply_through(Faulty::new(executor, faults.clone()), &prepared).await.unwrap();
            if report.status == FinishedStatus::Succeeded {
                break;
            }
            assert_eq!(trouble, Trouble::Permanent, "{:#?}", report.failed().collect::<Vec<_>>());
            // Only what went wrong failed; what does not wait for it went on. The next run goes on from there.
            let failed: BTreeSet<Address> = report.failed().map(|step| step.address.clone()).collect();
            assert_eq!(failed, &self.met(&faults) - &before, "{trouble:?}");
            prepared = stand.try_plan(self.text.as_deref(), &[]).await.unwrap();
        }
        // What failed for good is made anew, under another id.
        let check = if trouble == Trouble::Permanent { assert_alike } else { assert_same };
        check(&format!("{trouble:?} at the {}", self.operation), &self.end, &stand.world().await);
        let doubled = doubled.lock().unwrap();
        &self.met(&faults) | &*doubled
    }

    /// Returns the objects that met a fault.
    fn met(&self, faults: &Faults) -> BTreeSet<Address> {
        let met = faults.met().into_iter().filter(|((_, at), _)| *at == self.operation);
        met.map(|(_, met)| met.address).collect()
    }
}

async fn standing() -> Stand {
    let stand = Stand::new();
    stand.up(README).await;
    stand
}

/// Every object of the platform meets every trouble, all of them in one run.
fn every_object_meets_every_trouble(operation: Operation) {
    let campaign = simulate(|| Campaign::new(operation));
    let all = simulate(|| campaign.objects());
    assert!(!all.is_empty());
    for trouble in Trouble::ALL {
        let met = simulate(|| campaign.befall(trouble, &all));
        let missed: Vec<&Address> = all.iter().filter(|address| !met.contains(address)).collect();
        assert!(missed.is_empty(), "{} of {} never met {trouble:?}: {missed:#?}", missed.len(), all.len());
    }
}

#[test]
fn every_create_meets_every_trouble() {
    every_object_meets_every_trouble(Operation::Create);
}

#[test]
fn every_update_meets_every_trouble() {
    every_object_meets_every_trouble(Operation::Update);
}

#[test]
fn every_delete_meets_every_trouble() {
    every_object_meets_every_trouble(Operation::Delete);
}

/// One object alone meets one trouble: all of them in their turn when there is time, else every so manieth.
#[test]
fn one_object_alone_meets_its_trouble() {
    for operation in [Operation::Create, Operation::Update, Operation::Delete] {
        let campaign = simulate(|| Campaign::new(operation));
        let all = simulate(|| campaign.objects());
        let pairs: Vec<(&Address, Trouble)> =
            all.iter().flat_map(|object| Trouble::ALL.map(|trouble| (object, trouble))).collect();
        let runs = usize::try_from(cases(4).cases).unwrap().min(pairs.len());
        for run in 0..runs {
            let (object, trouble) = pairs[run * pairs.len() / runs];
            let met = simulate(|| campaign.befall(trouble, std::slice::from_ref(object)));
            assert!(met.contains(object), "{object} never met {trouble:?}");
        }
    }
}
