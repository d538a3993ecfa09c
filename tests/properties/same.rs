//! The same configuration gives the same bytes, whatever its file looks like; and no file makes the parser panic.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use skyplat::config::{Severity, Target, parse_config};
use skyplat::plan::{Observations, PlanOptions};

use crate::cases;
use crate::configs::{Size, platform, style};
use crate::stand::{Stand, fresh, simulate};
use crate::yaml::Dice;

/// Everything that a plan of a configuration is written down as; nothing when it is refused.
fn bytes(text: &str) -> Option<[String; 3]> {
    let parsed = parse_config("test.yaml", text.as_bytes(), Target::Simulated).ok()?;
    drop(parsed);
    simulate(|| async {
        let stand = Stand::new();
        let (state, options) = (fresh(), PlanOptions::default());
        let workspace = stand.workspace(stand.cloud.clone());
        // A refused platform is refused however it is written; what it says is compared too.
        let description = match stand.describe(Some(text)).await {
            Ok(description) => description,
            Err(error) => return Some([error.to_string(), String::new(), String::new()]),
        };
        let prepared = workspace.plan(description, &state, Observations::none(), &options).unwrap();
        let file = workspace.plan_file(&prepared, &state, &options).unwrap().to_json().unwrap();
        Some([
            serde_json::to_string(&prepared.description.graph).unwrap(),
            serde_json::to_string(&prepared.plan).unwrap(),
            file,
        ])
    })
}

proptest! {
    #![proptest_config(cases(10))]

    #[test]
    fn the_order_of_keys_and_the_style_of_a_file_change_no_byte(
        platform in platform(Size { spokes: 3, ..Size::FULL }), one in style(), other in style(),
    ) {
        let (plain, one, other) = (platform.plain(), platform.yaml(one), platform.yaml(other));
        let wanted = bytes(&plain);
        prop_assert!(wanted == bytes(&one), "{plain}\n{one}");
        prop_assert!(wanted == bytes(&other), "{plain}\n{other}");
    }
}

#[test]
fn nearly_all_generated_configurations_are_accepted() {
    let mut runner = TestRunner::deterministic();
    let mut refused = BTreeSet::new();
    let mut count = 0;
    for _ in 0..300 {
        let text = platform(Size::FULL).new_tree(&mut runner).unwrap().current().plain();
        if let Err(report) = parse_config("test.yaml", text.as_bytes(), Target::Simulated) {
            count += 1;
            refused.extend(
                report
                    .diagnostics
                    .iter()
                    .filter(|found| found.severity == Severity::Error)
                    .map(|error| format!("{:?}: {}", error.code, error.message)),
            );
        }
    }
    assert!(count <= 15, "{count} of 300 are refused: {refused:#?}");
}

/// What a slip of the hand does to the lines of a file.
#[derive(Debug, Clone, Copy)]
enum Slip {
    Drop,
    Double,
    Swap,
    Indent,
    Value(&'static str),
    Key,
}

fn slip() -> impl Strategy<Value = Slip> {
    let values = prop::sample::select(vec![
        "",
        " 7",
        " -1.5",
        " true",
        " ~",
        " []",
        " {}",
        " [[]]",
        " {a: {b: c}}",
        " \"\"",
        " .nan",
        " 2026-11-22",
        " 0x1F",
        " *a",
        " &a",
        " !!binary aGk=",
        " |",
        " 99999999999999999999",
        " [1, two, {three: 3}]",
    ]);
    prop_oneof![
        1 => Just(Slip::Drop),
        1 => Just(Slip::Double),
        1 => Just(Slip::Swap),
        1 => Just(Slip::Indent),
        1 => Just(Slip::Key),
        5 => values.prop_map(Slip::Value),
    ]
}

/// Does that to a line of a file.
fn slipped(text: &str, slip: Slip, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return String::new();
    }
    let at = dice.below(lines.len());
    match slip {
        Slip::Drop => drop(lines.remove(at)),
        Slip::Double => lines.insert(at, lines[at].clone()),
        Slip::Swap => {
            let other = dice.below(lines.len());
            lines.swap(at, other);
        }
        Slip::Indent => lines[at].insert(0, ' '),
        Slip::Value(value) => {
            let end = lines[at].find(':').map_or(lines[at].len(), |colon| colon + 1);
            lines[at].replace_range(end.., value);
        }
        Slip::Key => {
            let start = lines[at].len() - lines[at].trim_start().len();
            lines[at].insert(start, 'x');
        }
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(cases(500))]

    /// A report says where and shows it; the platform that is left is built or refused, never a panic.
    #[test]
    fn a_slip_in_a_file_gives_a_report(
        platform in platform(Size::SMALL), style in style(), slips in prop::collection::vec(slip(), 1..4), seed in any::<u64>(),
    ) {
        let mut dice = Dice(seed);
        let text = slips.iter().fold(platform.yaml(style), |text, slip| slipped(&text, *slip, &mut dice));
        for target in [Target::Simulated, Target::Cloud] {
            match parse_config("test.yaml", text.as_bytes(), target) {
                Ok(parsed) => prop_assert!(!parsed.report.has_errors()),
                Err(report) => {
                    prop_assert!(report.has_errors());
                    prop_assert!(report.diagnostics.iter().filter(|found| found.severity == Severity::Error).all(|error| error.span.is_some()), "{text}");
                    prop_assert!(!report.render().is_empty());
                }
            }
        }
    }
}
