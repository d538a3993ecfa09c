//! What holds for any bytes at all.

use proptest::prelude::*;

use super::{SEED, Target, parse_config};

/// Whatever happens, a report is complete and can be printed.
fn survives(bytes: &[u8]) {
    for target in [Target::Simulated, Target::Cloud] {
        let report = match parse_config("any.yaml", bytes, target) {
            Ok(parsed) => {
                assert!(!parsed.report.has_errors());
                parsed.report
            }
            Err(report) => {
                assert!(report.has_errors(), "a refusal says why");
                report
            }
        };
        let text = report.render();
        assert!(text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
        assert!(
            report.diagnostics.iter().all(|d| d.span.is_some_and(|span| span.line > 0 && span.column > 0))
        );
    }
}

/// A piece of YAML that people and fuzzers like.
fn fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\t"),
        Just(": "),
        Just("- "),
        Just("\n"),
        Just("&a "),
        Just("*a"),
        Just("<<: "),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just("!!str "),
        Just("!x "),
        Just("|\n"),
        Just("\""),
        Just("'"),
        Just("~"),
        Just("#"),
        Just("---\n"),
        Just("\r"),
        Just("\u{feff}"),
        Just("\0"),
        Just("\u{1b}"),
        Just("hub:"),
        Just("region:"),
        Just("99999999999999999999"),
        Just("-1"),
        Just("true"),
        Just("ñ"),
        Just("  "),
        Just("? "),
        Just("%YAML"),
    ]
    .prop_map(String::from)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_a_report(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survives(&bytes);
    }

    #[test]
    fn any_text_gives_a_report(text in "\\PC{0,200}") {
        survives(text.as_bytes());
    }

    #[test]
    fn any_pieces_of_yaml_give_a_report(pieces in prop::collection::vec(fragment(), 0..60)) {
        survives(pieces.concat().as_bytes());
    }

    #[test]
    fn any_change_of_the_readmes_example_gives_a_report(
        at in 0usize..SEED.len(), cut in 0usize..80, put in prop_oneof![fragment(), "\\PC{0,8}"], byte in any::<Option<u8>>(),
    ) {
        let mut bytes = SEED.as_bytes().to_vec();
        let end = (at + cut).min(bytes.len());
        let put = byte.map_or_else(|| put.into_bytes(), |byte| vec![byte]);
        bytes.splice(at..end, put);
        survives(&bytes);
    }
}

#[test]
fn deep_nesting_gives_a_report() {
    for open in ["[", "{a: ", "- ", "a:\n "] {
        survives(open.repeat(20_000).as_bytes());
    }
    let steps: Vec<String> = (0..2_000).map(|depth| " ".repeat(depth) + "a:").collect();
    survives(steps.join("\n").as_bytes());
    // Each level is shallow; its alias is not.
    let level = |level: usize| match level {
        0 => "a0: &a0 [x]".into(),
        _ => format!("a{level}: &a{level} [*a{}]", level - 1),
    };
    let chain = (0..5_000).map(level).collect::<Vec<String>>().join("\n");
    survives(chain.as_bytes());
}

#[test]
fn every_prefix_of_the_readmes_example_gives_a_report() {
    for end in 0..SEED.len() {
        survives(&SEED.as_bytes()[..end]);
    }
}
