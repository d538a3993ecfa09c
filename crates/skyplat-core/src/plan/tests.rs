//! Tests of whole plans, a rule each.

mod decisions;
mod files;
mod gates;
mod laws;
mod ordering;
mod replaces;
