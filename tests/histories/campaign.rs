//! The campaign: many histories, each from a seed of its own, on all cores; the result does not depend on how many.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use skyplat::mock::faults::Coverage;

use crate::acts::{Act, Wish};
use crate::draws;
use crate::history::History;
use crate::invariants::Broken;
use crate::lab::Ground;
use crate::model::Picture;

/// What a campaign is run with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// The seed of the first history; the others follow by one.
    pub(crate) seed: u64,
    pub(crate) histories: u64,
}

/// What a campaign found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) coverage: Coverage,
    pub(crate) operations: u64,
    /// The failure with the lowest seed.
    pub(crate) failure: Option<(u64, String)>,
    /// The time of the processor that the histories took, all cores together.
    pub(crate) cpu: Duration,
}

/// Runs a history on a runtime of its own, whose clock is paused.
pub(crate) fn run(
    ground: &Ground,
    wish: &Wish,
    acts: &[Act],
    seen: Option<&AtomicUsize>,
    told: bool,
) -> Result<Outcome, Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let mut history = History::new(ground, wish.clone());
        history.told = told.then(String::new);
        for act in acts {
            if let Some(seen) = seen {
                seen.fetch_add(1, Ordering::SeqCst);
            }
            history.go_on(act).await?;
        }
        let picture = history.end().await?;
        Ok(Outcome { picture, coverage: history.reached(), told: history.told.unwrap_or_default() })
    })
}

/// What is left of a history.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The world before the last destroy.
    pub(crate) picture: Picture,
    pub(crate) coverage: Coverage,
    pub(crate) told: String,
}

/// Returns the history of a seed as a runner that draws it.
pub(crate) fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let default = Config::default();
    // By default proptest looks for a smaller history only a few times for each that was drawn, and that is one.
    let max_shrink_iters = if default.max_shrink_iters == u32::MAX { 4096 } else { default.max_shrink_iters };
    let config = Config { cases: 1, failure_persistence: None, max_shrink_iters, ..default };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Runs the history of a seed; when it fails, looks for the smallest that does.
fn one(ground: &Ground, seed: u64, found: &mut Found) -> Result<(), String> {
    let strategy = draws::history();
    let mut coverage = Coverage::default();
    let mut operations = 0;
    let cell = Mutex::new((&mut coverage, &mut operations));
    let result = runner(seed).run(&strategy, |(wish, acts, seen)| {
        let outcome = run(ground, &wish, &acts, seen.as_deref(), false)
            .map_err(|broken| TestCaseError::fail(broken.to_string()))?;
        let mut cell = cell.lock().expect("nobody panics with it");
        cell.0.merge(&outcome.coverage);
        *cell.1 += acts.len() as u64;
        Ok(())
    });
    found.coverage.merge(&coverage);
    found.operations += operations;
    result.map_err(|error| match error {
        TestError::Fail(why, (wish, acts, _)) => failure(seed, &why.to_string(), &wish, &acts),
        TestError::Abort(why) => format!("history {seed} could not be drawn: {why}"),
    })
}

/// Says what fails, with which options, the smallest history that does, and how to run it again.
fn failure(seed: u64, why: &str, wish: &Wish, acts: &[Act]) -> String {
    let Wish { description, limits, .. } = wish;
    let slots: Vec<String> =
        description.slots.iter().enumerate().map(|(at, slot)| format!("  {at}: {slot:?}")).collect();
    let acts: Vec<String> = acts.iter().map(|act| format!("  {act:?}")).collect();
    format!(
        "history {seed} fails: {why}\n\
         options: parallelism {}, rate {:?}, seed of the cloud {}\n\
         the smallest history that fails, from {:?} with\n{}\nby\n{}\n\
         again: HISTORIES_SEED={seed} PROPTEST_CASES=1 cargo test --test histories campaign -- --nocapture",
        limits.parallelism,
        limits.rate,
        wish.seed,
        description.shape,
        slots.join("\n"),
        acts.join("\n"),
    )
}

/// Runs all histories of a campaign.
pub(crate) fn campaign(options: Options) -> Found {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let next = AtomicU64::new(0);
    // What comes after the first failure need not be run: the lowest seed counts.
    let failed = AtomicU64::new(u64::MAX);
    let results: Vec<Found> = thread::scope(|scope| {
        let worker = || {
            let ground = Ground::new();
            let mut found = Found::default();
            let start = cpu();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= options.histories.min(failed.load(Ordering::Relaxed)) {
                    break;
                }
                let seed = options.seed.wrapping_add(at);
                if let Err(text) = one(&ground, seed, &mut found) {
                    failed.fetch_min(at, Ordering::Relaxed);
                    if found.failure.as_ref().is_none_or(|(other, _)| at < *other) {
                        found.failure = Some((at, text));
                    }
                }
            }
            found.cpu = cpu().saturating_sub(start);
            found
        };
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker catches what goes wrong")).collect()
    });
    results.into_iter().fold(Found::default(), |mut all, found| {
        all.coverage.merge(&found.coverage);
        all.operations += found.operations;
        all.cpu += found.cpu;
        all.failure = [all.failure, found.failure].into_iter().flatten().min();
        all
    })
}

/// Returns the time of the processor that this thread has used.
#[cfg(unix)]
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Returns the time that has passed, where that of the processor cannot be asked for.
#[cfg(not(unix))]
fn cpu() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}
