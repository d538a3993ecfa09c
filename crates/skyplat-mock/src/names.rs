//! [`Names`]: ids, tokens and passwords, drawn from (seed, uid, what), never from the order of calls or the time.
//!
//! That is what makes two runs of the same plan end equal, whatever their parallelism.

use sha2::{Digest, Sha256};

use skyplat_core::state::Uid;
use skyplat_core::value::Secret;

/// Draws names for one thing.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    seed: u64,
    uid: &'a Uid,
}

impl<'a> Names<'a> {
    /// Draws names for the thing with a uid, in the world of a seed.
    pub fn new(seed: u64, uid: &'a Uid) -> Self {
        Self { seed, uid }
    }

    /// Returns `length` bytes for a purpose.
    fn bytes(&self, what: &str, length: usize) -> Vec<u8> {
        (0..length.div_ceil(32))
            .flat_map(|block| Sha256::digest(format!("{}\n{}\n{what}\n{block}", self.seed, self.uid)))
            .take(length)
            .collect()
    }

    /// Returns `length` hexadecimal digits.
    pub fn hex(&self, what: &str, length: usize) -> String {
        let mut text = hex::encode(self.bytes(what, length.div_ceil(2)));
        text.truncate(length);
        text
    }

    /// Returns an id as EC2 makes them: `vpc-0` and 16 more digits.
    pub fn ec2(&self, prefix: &str) -> String {
        format!("{prefix}-0{}", self.hex(prefix, 16))
    }

    /// Returns `length` characters of an alphabet.
    pub fn of(&self, what: &str, alphabet: &[u8], length: usize) -> String {
        self.bytes(what, length)
            .into_iter()
            .map(|byte| char::from(alphabet[usize::from(byte) % alphabet.len()]))
            .collect()
    }

    /// Returns `length` of A-Z, a-z and 0-9.
    pub fn alphanumeric(&self, what: &str, length: usize) -> String {
        self.of(what, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", length)
    }

    /// Returns `length` of A-Z and 0-9.
    pub fn capitals(&self, what: &str, length: usize) -> String {
        self.of(what, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", length)
    }

    /// Returns a secret of `length` letters and digits.
    pub fn secret(&self, what: &str, length: usize) -> Secret {
        Secret::new(self.alphanumeric(what, length))
    }

    /// Returns a UUID.
    pub fn uuid(&self, what: &str) -> String {
        let d = self.hex(what, 32);
        format!("{}-{}-4{}-a{}-{}", &d[..8], &d[8..12], &d[13..16], &d[17..20], &d[20..])
    }

    /// Returns a number below `limit`.
    pub fn below(&self, what: &str, limit: u32) -> u32 {
        let bytes = self.bytes(what, 4);
        u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) % limit
    }
}
