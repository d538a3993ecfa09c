//! Names that must fit a limit: cut, and kept apart by a hash of the whole.
//!
//! Long names are never an error: the shortened name depends on the full one alone, so it is the same in every run.

use sha2::{Digest, Sha256};

/// Hexadecimal digits of the hash that keeps shortened names apart.
const HASH_DIGITS: usize = 8;

/// Returns `name` when it has at most `limit` characters, else its start, a `-` and eight hexadecimal digits of its
/// SHA-256.
///
/// The cut never leaves a `-` before the one that follows. A limit too small for any start leaves the digits alone.
///
/// ```
/// use skyplat_core::config::fit_name;
///
/// assert_eq!(fit_name("team-a", 32), "team-a");
/// assert!(fit_name("a-name-that-is-too-long", 20).starts_with("a-name-that-"));
/// ```
pub fn fit_name(name: &str, limit: usize) -> String {
    if name.chars().count() <= limit {
        return name.into();
    }
    let digits: String = hex::encode(Sha256::digest(name.as_bytes())).chars().take(HASH_DIGITS).collect();
    let start: String = name.chars().take(limit.saturating_sub(HASH_DIGITS + 1)).collect();
    match start.trim_end_matches('-') {
        "" => digits.chars().take(limit).collect(),
        start => format!("{start}-{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_name_stays_and_a_long_one_is_cut_with_its_hash() {
        assert_eq!(fit_name("abc", 3), "abc");
        let fitted = fit_name(&"a".repeat(40), 20);
        assert!(fitted.starts_with("aaaaaaaaaaa-") && fitted.len() == 20, "{fitted}");
        let trimmed = fit_name("sp---------------------------team", 16);
        assert!(trimmed.starts_with("sp-") && trimmed.len() == 11, "{trimmed}");
    }

    #[test]
    fn names_with_one_start_stay_apart() {
        let (a, b) = (format!("{}a", "x".repeat(60)), format!("{}b", "x".repeat(60)));
        assert_ne!(fit_name(&a, 32), fit_name(&b, 32));
    }

    proptest! {
        #[test]
        fn the_limit_holds(name in ".{0,80}", limit in 0usize..70) {
            let fitted = fit_name(&name, limit);
            prop_assert!(fitted.chars().count() <= limit);
            prop_assert_eq!(fit_name(&name, limit), fitted);
        }
    }
}
