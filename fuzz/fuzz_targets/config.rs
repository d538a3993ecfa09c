//! Any bytes as a configuration; `src/config.rs` says what holds for them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| skyplat_fuzz::config::holds(bytes));
