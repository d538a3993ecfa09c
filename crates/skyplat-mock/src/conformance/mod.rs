//! The conformance suite: one set of checks for every executor.
//!
//! It drives an executor directly, through contexts of its own, and checks each promise that
//! [`Executor`] makes; no engine is involved. The simulated cloud passes it for every
//! kind of the platform, and an executor for the real ones, or for kinds of your own, has to pass it as well:
//!
//! ```
//! # use serde::{Deserialize, Serialize};
//! # use skyplat_core::ids::{AccountId, Region};
//! # use skyplat_core::object::{FieldRules, Object, Placement};
//! # use skyplat_core::value::{Tree, Secret};
//! # use skyplat_core::{outputs, tree};
//! use skyplat_mock::conformance::{Check, Specimen, check};
//! # use skyplat_mock::{MockCloud, MockOptions, catalogue::ACCOUNT};
//!
//! # #[derive(Debug, Clone, Serialize, Deserialize)]
//! # struct Bucket { name: String, versioning: bool }
//! # outputs! {
//! #     /// Outputs.
//! #     pub struct BucketOutputs of Bucket {
//! #         /// Its name.
//! #         NAME name: String = echo "name",
//! #         /// Its ARN.
//! #         ARN arn: String,
//! #     }
//! # }
//! # impl Object for Bucket {
//! #     const KIND: &'static str = "demo.bucket";
//! #     type Outputs = BucketOutputs;
//! #     fn rules(&self) -> FieldRules { FieldRules::new().replace(["name"]) }
//! #     fn natural_key(&self) -> Option<Tree> { Some(tree!([(self.name)])) }
//! # }
//! #[tokio::test(start_paused = true)] // virtual time, for an executor that waits on tokio's clock
//! # async fn in_a_test() {}
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::time::pause();
//! async fn my_executor_keeps_its_promises() -> Result<(), Box<dyn std::error::Error>> {
//!     let executor = MockCloud::in_memory(MockOptions::default()); // yours
//!     let region = Some(Region::new("us-west-2"));
//!     let placement = Placement { account: AccountId::new(ACCOUNT), region, container: None };
//!     let bucket = Bucket { name: "a-bucket".into(), versioning: false };
//!     let specimen = Specimen::of("bucket", placement, &bucket)?.changed_field("versioning", tree!(true));
//!
//!     let report = check(&executor, &specimen).await;
//!     println!("{report}"); // every check, passed, failed or skipped, and why
//!     report.assert_passed();
//!     assert!(report.passed(Check::Update));
//!     Ok(())
//! }
//! # my_executor_keeps_its_promises().await
//! # }
//! ```
//!
//! [`Specimen::from_graph`] takes an object of a lowered platform with all that it stands on.
//!
//! # What it takes
//!
//! A specimen is made and deleted about ten times, its prerequisites once. Everything carries the tag of the specimen's
//! stack, so what a broken executor leaves can be found. Waits are measured, and cut in their midst: an executor whose
//! waits are tokio's is tried in milliseconds on a paused clock, a real account takes as long as it takes. Errors that
//! promise that nothing was done, and that may pass (throttled, busy, not yet visible, unreachable), are tried again for half an
//! hour; any other error counts.
//!
//! # What it does not look at
//!
//! Whether the executor does the right thing with each field: for that there are tests of its own. A promise that cannot be
//! looked at with a specimen is skipped and says why: a kind without a natural key has no twin, one that never waits
//! cannot be stopped.

mod bench;
mod checks;
mod host;
mod lives;
mod report;
mod specimen;

use skyplat_core::executor::Executor;

pub use report::{Check, Report, Verdict};
pub use specimen::Specimen;

/// Tries an executor on a specimen.
pub async fn check(executor: &dyn Executor, specimen: &Specimen) -> Report {
    Box::pin(bench::Bench::new(executor, specimen).run()).await
}
