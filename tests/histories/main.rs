//! Histories: what a stack goes through (edits, applies, drift, crashes, faults), drawn at random, against a naive
//! sequential model of the same.

mod acts;
mod afterwards;
mod campaign;
mod draws;
mod graphs;
mod history;
mod invariants;
mod lab;
mod model;
mod relations;
mod watch;

use campaign::{Options, campaign};

/// A third of a history's time is spent in the allocator, with that of the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many histories a plain `cargo test` runs.
const FEW: u64 = 200;

/// From how many histories on every fault must have met every operation.
const ENOUGH: u64 = 2_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The first seed; by default the same every time.
fn seed() -> u64 {
    number("HISTORIES_SEED").unwrap_or(0)
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "how fast it was and what was reached is for the one who waits for it"
)]
fn a_campaign_of_histories_breaks_no_law() {
    let options = Options { seed: seed(), histories: number("PROPTEST_CASES").unwrap_or(FEW) };
    let found = campaign(options);
    if let Some((_, text)) = found.failure {
        panic!("{text}");
    }
    let histories = f64::from(u32::try_from(options.histories).unwrap_or(u32::MAX));
    let pace = histories / found.cpu.as_secs_f64();
    eprintln!("{} histories from seed {}, {} operations", options.histories, options.seed, found.operations);
    eprintln!("{pace:.0} histories per second per core\n{}", found.coverage);
    let missing = found.coverage.missing();
    assert!(options.histories < ENOUGH || missing.is_empty(), "never reached: {missing:?}");
}
