//! What must not compile: the two promises of the typed graph, and ids of the wrong kind.
//!
//! The resources are small ones, written as an embedder would write them. The expected texts are those of one compiler;
//! another words its errors differently, so with another the test says so and checks only what must compile.

use std::process::Command;

/// The compiler whose errors the `.stderr` files hold. After a change: `TRYBUILD=overwrite cargo test --test ui`.
const COMPILER: &str = "rustc 1.95.";

#[test]
#[expect(clippy::print_stderr, reason = "a check that is left out must be seen")]
fn what_must_not_compile_does_not() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    if version.starts_with(COMPILER) {
        cases.compile_fail("tests/ui/*.rs");
    } else {
        eprintln!("left out: the expected errors are those of {COMPILER}x, this is {version}");
    }
}
