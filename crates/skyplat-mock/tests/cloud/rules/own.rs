//! An embedder's own rules, and latencies of its own kinds.

use skyplat_core::executor::{ErrorKind, ExecError, Observed};
use skyplat_core::object::ObjectKind;
use skyplat_core::plan::{Latency, LatencyTable};
use skyplat_core::tree;
use skyplat_core::value::Tree;
use skyplat_mock::rules::{Call, Made, RuleBook, Rules};
use skyplat_mock::world::{Thing, World};
use skyplat_mock::{MockCloud, MockOptions};
use tokio::time::Instant;

use crate::support::lab::{Lab, WEST, ask};

/// Shelves with books: a shelf is narrow, grows only, and stays while a book is on it.
#[derive(Debug)]
struct Library;

impl Rules for Library {
    fn judges(&self, kind: &ObjectKind) -> bool {
        kind.service() == "library"
    }

    fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
        match call.number("width") {
            Some(width) if width > 100 => Err(ExecError::new(ErrorKind::Invalid, "too wide").code("TooWide")),
            _ => Ok(()),
        }
    }

    fn check_update(&self, call: &Call<'_>, old: &Thing) -> Result<(), ExecError> {
        let was = old.inputs.get("width").and_then(|width| match width {
            Tree::Number(width) => width.as_u64(),
            _ => None,
        });
        if call.number("width") < was {
            return Err(ExecError::new(ErrorKind::Invalid, "a shelf does not shrink").code("Shrinks"));
        }
        self.check_create(call)
    }

    fn check_delete(&self, world: &World, thing: &Thing) -> Result<(), ExecError> {
        match world.of_kind("library.book").find(|book| book.text("shelf") == Some(&thing.id)) {
            Some(book) => {
                Err(ExecError::new(ErrorKind::DependencyViolation, book.id.clone()).code("NotEmpty"))
            }
            None => Ok(()),
        }
    }

    fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
        let id = format!("shelf-{}", call.names().hex("id", 6));
        Ok(Made::new(call, &*id).output("label", format!("label of {id}")).repeat(&["width"]))
    }

    /// A book works once its shelf is there.
    fn pending(&self, world: &World, thing: &Thing) -> Option<String> {
        let place = thing.text("shelf")?;
        world.with_id(place).next().is_none().then(|| format!("there is no shelf {place}"))
    }
}

/// Rules that refuse all.
#[derive(Debug)]
struct Closed(&'static str);

impl Rules for Closed {
    fn judges(&self, kind: &ObjectKind) -> bool {
        kind.as_str() == self.0
    }

    fn check_create(&self, _: &Call<'_>) -> Result<(), ExecError> {
        Err(ExecError::new(ErrorKind::Denied, "closed").code("Closed"))
    }
}

fn lab(rules: RuleBook, latencies: LatencyTable) -> Lab {
    Lab::new(MockCloud::in_memory(MockOptions { rules, latencies, ..MockOptions::default() }))
}

fn shelf(width: u32) -> Tree {
    tree!({ "width": width })
}

#[tokio::test(start_paused = true)]
async fn own_rules_judge_and_make_what_is_of_their_kind() {
    let mut lab = lab(RuleBook::default().with(Library), LatencyTable::default());
    let error = lab.try_make("wide", ask("library.shelf", WEST, shelf(101))).await.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("TooWide"));
    lab.make("shelf", ask("library.shelf", WEST, shelf(80))).await;
    assert!(lab.id("shelf").starts_with("shelf-"));
    assert_eq!(lab.output("shelf", "label"), format!("label of {}", lab.id("shelf")));
    assert!(!lab.record("shelf").outputs.contains_key("arn"), "the generic outputs are not added");

    assert_eq!(lab.update("shelf", shelf(70)).await.unwrap_err().code.as_deref(), Some("Shrinks"));
    assert_eq!(lab.update("shelf", shelf(101)).await.unwrap_err().code.as_deref(), Some("TooWide"));
    let id = lab.id("shelf");
    assert_eq!(lab.update("shelf", shelf(90)).await.unwrap()["label"], tree!((format!("label of {id}"))));

    lab.make("book", ask("library.book", WEST, tree!({ "shelf": id }))).await;
    assert_eq!(lab.delete("shelf").await.unwrap_err().kind, ErrorKind::DependencyViolation);
    let lost = ask("library.book", WEST, tree!({ "shelf": "nowhere" }));
    let error = lab.try_make("lost", lost).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Retryable, "it waits for its shelf until the time is used up");
    lab.delete("book").await.unwrap();
    lab.delete("shelf").await.unwrap();
    assert_eq!(lab.read("shelf").await, Ok(Observed::Missing));
}

#[tokio::test(start_paused = true)]
async fn own_rules_come_before_the_built_in_ones_and_the_last_added_first() {
    let vpc = || ask("ec2.vpc", WEST, tree!({ "cidr_block": "10.0.0.0/16" }));
    let shelf = || ask("library.shelf", WEST, shelf(1));
    let book = RuleBook::default().with(Closed("library.shelf")).with(Library).with(Closed("ec2.vpc"));
    let mut lab = lab(book, LatencyTable::default());
    assert_eq!(lab.try_make("vpc", vpc()).await.unwrap_err().code.as_deref(), Some("Closed"));
    lab.make("shelf", shelf()).await;
    let subnet = tree!({ "vpc_id": "vpc-x", "cidr_block": "10.0.0.0/24", "availability_zone": "us-west-2a" });
    let error = lab.try_make("subnet", ask("ec2.subnet", WEST, subnet)).await.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("InvalidVpcID.NotFound"), "other kinds keep the built-in rules");
}

#[tokio::test(start_paused = true)]
async fn a_line_of_ones_own_says_how_long_the_simulated_cloud_takes() {
    let line = Latency { create: 40.0, delete: 20.0, update: 10.0 };
    let table = LatencyTable::default().with("library.shelf", line, "a test");
    let mut lab = lab(RuleBook::default().with(Library), table);
    let clock = Instant::now();
    let took = |since: Instant| since.elapsed().as_secs();
    lab.make("shelf", ask("library.shelf", WEST, shelf(1))).await;
    assert_eq!(took(clock), 40);
    let clock = Instant::now();
    lab.update("shelf", shelf(2)).await.unwrap();
    assert_eq!(took(clock), 10);
    let clock = Instant::now();
    lab.delete("shelf").await.unwrap();
    assert_eq!(took(clock), 20);
}
