//! Whole platforms on the simulated cloud: from a configuration to a platform, through edits and crashes, and back to
//! nothing. `harness` is what the others stand on.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, in its helpers too")]

mod children;
mod crash;
mod edits;
mod harness;
mod seeds;
mod shapes;
