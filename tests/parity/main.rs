//! Our platform beside the one that the reference implementation declares for the same configurations.
//!
//! Both are reduced to facts ([`ours`], [`readme`], [`hub_only`]): counts by kind and the fields that matter. Where they
//! differ, [`differences`] says so and why; a difference that is not listed fails, and so does one that is no more.
//! [`forecast`] compares how long both take.

mod differences;
mod forecast;
mod hub_only;
mod ours;
mod readme;

use std::collections::BTreeSet;

use differences::DIFFERENCES;
use skyplat::config::{Target, parse_config};
use skyplat::facts::{FactSource, Facts};
use skyplat::graph::{ObjectGraph, lower};
use skyplat::mock::{MockCloud, MockOptions};
use skyplat::platform::build_platform;

const README: &str = include_str!("../../examples/hub_spoke.yaml");
const HUB_ONLY: &str = include_str!("hub_only.yaml");

fn lowered(yaml: &str) -> ObjectGraph {
    let config = parse_config("platform.yaml", yaml.as_bytes(), Target::Simulated)
        .unwrap_or_else(|report| panic!("{report:?}"))
        .config;
    let platform = build_platform(&config, "dev").expect("the platform builds");
    let facts = ask(&platform);
    lower(&platform, &facts).expect("the platform lowers")
}

fn ask(platform: &skyplat::graph::ResourceGraph) -> Facts {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
    runtime
        .block_on(MockCloud::in_memory(MockOptions::default()).answer(&platform.questions()))
        .expect("the simulated cloud knows")
}

/// A fact that one side has and the other has not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Only {
    side: &'static str,
    topic: String,
    fact: String,
}

fn differing(theirs: &[(&str, &[&str])], ours: &ours::Facts) -> BTreeSet<Only> {
    let theirs = theirs
        .iter()
        .flat_map(|(topic, facts)| facts.iter().map(|fact| ((*topic).to_owned(), (*fact).to_owned())))
        .collect::<BTreeSet<_>>();
    let ours = ours
        .iter()
        .flat_map(|(topic, facts)| facts.iter().map(|fact| (topic.clone(), fact.clone())))
        .collect::<BTreeSet<_>>();
    let only =
        |side, (topic, fact): &(String, String)| Only { side, topic: topic.clone(), fact: fact.clone() };
    let theirs_only = theirs.difference(&ours).map(|fact| only("theirs", fact));
    theirs_only.chain(ours.difference(&theirs).map(|fact| only("ours", fact))).collect()
}

/// Tells whether a text is what a pattern says, where `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| fits(rest, &text[at..]))
        }),
    }
}

#[test]
fn every_difference_is_meant_and_every_meant_difference_is_there() {
    let platforms = [
        differing(readme::FACTS, &ours::facts(&lowered(README), "us-west-2")),
        differing(hub_only::FACTS, &ours::facts(&lowered(HUB_ONLY), "us-east-2")),
    ];
    let found: BTreeSet<Only> = platforms.into_iter().flatten().collect();
    let mut listed = BTreeSet::new();
    let mut gone = Vec::new();
    for difference in DIFFERENCES {
        for (side, patterns) in [("theirs", difference.theirs), ("ours", difference.ours)] {
            for pattern in patterns {
                let matched: Vec<_> = found
                    .iter()
                    .filter(|only| {
                        only.side == side && only.topic == difference.topic && fits(pattern, &only.fact)
                    })
                    .cloned()
                    .collect();
                if matched.is_empty() {
                    gone.push(format!("{} {side}: {pattern}", difference.topic));
                }
                listed.extend(matched);
            }
        }
    }
    let unlisted: Vec<String> = found
        .difference(&listed)
        .map(|only| format!("{} {}: {}", only.topic, only.side, only.fact))
        .collect();
    assert!(unlisted.is_empty(), "not listed:\n{}", unlisted.join("\n"));
    assert!(gone.is_empty(), "listed, but no difference any more:\n{}", gone.join("\n"));
}

#[test]
fn every_difference_has_a_reason_and_two_sides() {
    for difference in DIFFERENCES {
        assert!(difference.reason.len() > 10, "{difference:?}");
        assert!(difference.theirs.len() + difference.ours.len() > 0, "{difference:?}");
    }
}
