//! Every rule of the simulated APIs, with a call that it refuses and one beside it that passes.

mod account;
mod clusters;
mod identities;
mod manifests;
mod network;
mod objects;
mod own;
mod properties;
mod quotas;
mod small;
mod time;

use skyplat_core::value::Tree;

use crate::support::lab::{Ask, Lab, ask};

/// A refused call and its passing neighbour.
struct Case {
    rule: &'static str,
    /// Part of the API's code.
    code: &'static str,
    bad: Ask,
    good: Ask,
}

/// Makes a case whose two calls differ in their inputs alone.
fn case(
    rule: &'static str,
    code: &'static str,
    kind: &'static str,
    place: &'static str,
    bad: Tree,
    good: Tree,
) -> Case {
    Case { rule, code, bad: ask(kind, place, bad), good: ask(kind, place, good) }
}

async fn hold(lab: &Lab, cases: Vec<Case>) {
    for Case { rule, code, bad, good } in cases {
        let mut fork = lab.fork();
        let before = fork.cloud.world().len();
        let error = fork.try_make("new", bad).await.expect_err(rule);
        assert!(error.code.as_deref().unwrap_or_default().contains(code), "{rule}: {error:?}");
        assert!(error.kind.had_no_effect(), "{rule}: {error:?}");
        assert_eq!(fork.cloud.world().len(), before, "{rule}: a refused call has no effect");
        if let Err(error) = fork.try_make("new", good).await {
            panic!("{rule}: the neighbour is refused too: {error:?}");
        }
    }
}
