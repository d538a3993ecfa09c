//! Whole platforms on the simulated cloud: from a configuration to a platform, through edits and crashes, and back to
//! nothing.

mod crash;
mod edits;
mod harness;
mod shapes;
