//! A simulated cloud for skyplat: not a stub, but a world with the rules that real APIs enforce.
//!
//! ```text
//! engine ─ Executor ─▶ calls ─▶ rules (may it? what comes out?) ─▶ world ─▶ store (world file)
//!                        └─ wait on tokio's clock, by the same latency table as the forecast
//! ```
//!
//! * [`MockCloud`] is an [`Executor`](skyplat_core::executor::Executor) and a
//!   [`FactSource`](skyplat_core::facts::FactSource). Ids, tokens and passwords are drawn from (seed, uid), never from
//!   the order of calls, so that any parallelism ends with the same world.
//! * [`World`] is what exists. In a file beside a stack's state it outlives the process, so that separate runs see one
//!   cloud.
//! * [`inspect`] dumps and compares worlds, holds them against states, and finds what should not be there.
//! * [`drift`] changes the world behind the back of those who work on it.
//! * [`faults`] makes the calls of any executor go wrong on a schedule, and [`conformance`] tries any executor on every
//!   promise that its trait makes.
//! * `simulate` (feature `virtual-time`) runs all that waits on a paused clock: half an hour takes milliseconds.
//!
//! A kind that the simulated cloud does not know (an embedder's own) is taken too: natural keys are unique, the outputs
//! repeat the inputs by name, and there is an `id` and an `arn`; [`rules`] shows how to give it rules of its own.
//!
//! What controllers make that no plan made (instances, load balancers, records, volumes) is in the world too: it blocks
//! what it blocks in AWS until its controller has taken it away, and stays when that went first.
//!
//! ```
//! use skyplat_core::facts::{FactSource, Question, Questions};
//! use skyplat_mock::{MockCloud, MockOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), skyplat_core::facts::FactError> {
//! let cloud = MockCloud::in_memory(MockOptions { seed: 7, ..MockOptions::default() });
//! let mut questions = Questions::default();
//! questions.ask(Question::zones(&"us-west-2".into()));
//! let facts = cloud.answer(&questions).await?;
//! assert!(facts.zones(&"us-west-2".into())?.len() >= 3);
//! assert!(cloud.world().is_empty());
//! # Ok(())
//! # }
//! ```

mod book;
mod calls;
pub mod catalogue;
mod cloud;
pub mod conformance;
mod controllers;
mod crds;
pub mod drift;
mod facts;
pub mod faults;
mod gates;
mod index;
pub mod inspect;
mod lookups;
pub mod names;
mod paper;
mod quotas;
pub mod rules;
#[cfg(any(test, feature = "virtual-time"))]
mod simulate;
mod store;
pub mod world;

pub use catalogue::Catalogue;
pub use cloud::{MockCloud, MockOptions, Pace};
pub use quotas::Quotas;
#[cfg(any(test, feature = "virtual-time"))]
pub use simulate::simulate;
pub use store::{FORMAT_VERSION, WorldError};
pub use world::World;
