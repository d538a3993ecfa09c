//! [`digest`]: a hash of everything a plan is derived from, by which an approved plan is known again.
//!
//! The steps follow from that, and are as much again to read. Latencies are left out: they say how long it takes, not what
//! is done. It takes about as long as planning, so who only plans does without.

use std::io;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::build::PlanInput;
use super::step::FORMAT_VERSION;

struct Hashing(Sha256);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the digest of the plan of an input, SHA-256 in hexadecimal. Equal digests mean equal plans.
///
/// # Errors
/// When an observation holds a secret in the clear, which is never written down; those of a refresh hold none.
pub fn digest(input: &PlanInput<'_>) -> serde_json::Result<String> {
    let mut hash = io::BufWriter::new(Hashing(Sha256::new()));
    let (state, options) = (input.state, input.options);
    add(&mut hash, &FORMAT_VERSION)?;
    add(&mut hash, &(!options.destroy).then_some(input.graph))?;
    add(&mut hash, &(&state.stack, state.serial, &state.objects, &state.deposed, &state.generations))?;
    add(&mut hash, &(input.observations, options.destroy, &options.targets, &options.moved))?;
    let Hashing(hash) = hash.into_inner().map_err(|error| serde_json::Error::io(error.into_error()))?;
    Ok(hex::encode(hash.finalize()))
}

fn add(hash: &mut io::BufWriter<Hashing>, part: &impl Serialize) -> serde_json::Result<()> {
    serde_json::to_writer(hash, part)
}
