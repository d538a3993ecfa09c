//! Faults: any executor, made to go wrong on a schedule.
//!
//! [`Faulty`] wraps an executor and knows nothing of its inside; [`Faults`] says which call goes wrong, and how. Both
//! work on the simulated cloud and on an executor of your own:
//!
//! ```
//! use skyplat_core::value::Address;
//! use skyplat_mock::faults::{FaultKind, Faults, Faulty, Operation};
//! use skyplat_mock::{MockCloud, MockOptions};
//!
//! let cloud = MockCloud::in_memory(MockOptions::default());
//! // One call in ten goes wrong somehow, no more than two in a row; and the first create of the VPC loses its reply.
//! let faults = Faults::seeded(7, 0.1).kinds(FaultKind::PASSING).bursts(2);
//! faults.at(Address::new("hub/vpc"), Operation::Create, [FaultKind::ReplyLost]);
//! let executor = Faulty::new(cloud, faults.clone());
//! // … an engine runs with this executor …
//! println!("{}", faults.reached());
//! faults.heal();
//! # drop(executor);
//! ```
//!
//! # What keeps a run repeatable
//!
//! Whether and how a call goes wrong is drawn from (seed, uid, operation, how many draws there were for that object and
//! operation before), never from the order of calls among objects and never from the time. So the same schedule makes the same
//! objects meet the same faults at any parallelism; [`Faults::met`] lists them for comparison.
//!
//! # What no fault does
//!
//! A fault never breaks the contract of [`Executor`](skyplat_core::executor::Executor), for it stands for the world behind an
//! executor and not for a bad executor. An error of another kind than `Retryable` and `Fatal` had no effect. Eventual
//! consistency is where that matters: real APIs say of a thing just made that it does not exist. An executor must not
//! pass that on. The engine makes an object anew after `find` answered none, gives up an unfinished create for which
//! `find` answered none, and forgets what `read` says is missing; a wrong "none" would leak what is there. So
//! [`FaultKind::NotYetVisible`] is an error of the kind that says so, for every operation, and never a false absence.

mod coverage;
mod faulty;
mod kind;
mod schedule;

pub use coverage::Coverage;
pub use faulty::Faulty;
pub use kind::{FaultKind, Operation};
pub use schedule::{Faults, Met, Target};
