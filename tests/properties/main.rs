//! What must hold for every platform: properties over generated configurations, schedules and faults.
//!
//! ```text
//! configs (any platform) ─ yaml (any way to write it) ─▶ parse ▶ build ▶ lower ▶ plan ▶ apply
//!       ▲                                                          network, trust     │
//!       └─ same (bytes)                     life, relations, faults, secrets ◀─ watch ┘
//! ```
//!
//! Each test has a number of cases that suits a debug build. `PROPTEST_CASES=2560` runs ten times as many of all of
//! them, because proptest's own default is 256; `PROPTEST_RNG_SEED` repeats a run.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, in its helpers too")]

mod alike;
mod configs;
mod doubled;
mod faults;
mod life;
mod network;
mod relations;
mod same;
mod secrets;
mod stand;
mod trust;
mod watch;
mod yaml;

use proptest::test_runner::Config;

/// The cases of a property whose every case costs much, in proportion to what was asked for.
fn cases(usual: u32) -> Config {
    let asked = Config::default();
    let cases = (u64::from(usual) * u64::from(asked.cases)).div_ceil(256);
    Config {
        cases: u32::try_from(cases).unwrap_or(u32::MAX),
        failure_persistence: None,
        // A case takes a second or so.
        max_shrink_iters: asked.max_shrink_iters.min(40),
        ..asked
    }
}
