//! [`Coverage`]: which faults were met by which operations, and which never.

use std::collections::BTreeMap;
use std::fmt;

use super::{FaultKind, Operation};

/// How often each kind of fault was met by each operation.
///
/// ```
/// use skyplat_mock::faults::{Coverage, FaultKind, Faults, Operation};
///
/// let mut all = Coverage::default();
/// for seed in 0..10 {
///     let faults = Faults::seeded(seed, 0.2);
///     // … a history runs with these faults …
///     all.merge(&faults.reached());
/// }
/// assert_eq!(all.count(FaultKind::Busy, Operation::Create), 0);
/// assert!(all.missing().contains(&(FaultKind::Busy, Operation::Create)));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<(FaultKind, Operation), u64>);

impl Coverage {
    /// Counts one more.
    pub(super) fn add(&mut self, kind: FaultKind, operation: Operation) {
        *self.0.entry((kind, operation)).or_default() += 1;
    }

    /// Adds what was met elsewhere.
    pub fn merge(&mut self, other: &Self) {
        for (pair, count) in &other.0 {
            *self.0.entry(*pair).or_default() += count;
        }
    }

    /// Returns how often an operation met a kind of fault.
    pub fn count(&self, kind: FaultKind, operation: Operation) -> u64 {
        self.0.get(&(kind, operation)).copied().unwrap_or(0)
    }

    /// Returns how many faults were met.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Returns the pairs that can meet and never did.
    pub fn missing(&self) -> Vec<(FaultKind, Operation)> {
        FaultKind::ALL
            .into_iter()
            .flat_map(|kind| Operation::ALL.into_iter().map(move |operation| (kind, operation)))
            .filter(|(kind, operation)| kind.meets(*operation) && self.count(*kind, *operation) == 0)
            .collect()
    }
}

impl fmt::Display for Coverage {
    /// A table: a line for each kind, a column for each operation, `-` where they cannot meet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:15}", "")?;
        for operation in Operation::ALL {
            write!(f, " {:>8}", operation.to_string())?;
        }
        for kind in FaultKind::ALL {
            write!(f, "\n{:15}", kind.to_string())?;
            for operation in Operation::ALL {
                let cell = match self.count(kind, operation) {
                    0 if !kind.meets(operation) => "-".to_owned(),
                    count => count.to_string(),
                };
                write!(f, " {cell:>8}")?;
            }
        }
        Ok(())
    }
}
