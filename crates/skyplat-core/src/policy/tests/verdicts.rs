//! How a verdict comes about: order, names, consents.

use super::{graph, node, state};
use crate::config::{Target, parse_config};
use crate::policy::{Check, Checks, Consent, Consents, Findings, Severity, Subject, Verdict};
use crate::tree;

/// Finds something at every object: an error where the name begins with `bad`.
#[derive(Debug)]
struct Blame(&'static str);

impl Check for Blame {
    fn name(&self) -> &str {
        self.0
    }

    fn check(&self, subject: &Subject<'_>, findings: &mut Findings) {
        for (node, _) in subject.objects() {
            match node.address.as_str().rsplit('/').next() {
                Some(name) if name.starts_with("bad") => findings.error(&node.address, "it is bad"),
                _ => findings.warning(&node.address, "it is"),
            };
        }
    }
}

fn judge(checks: &Checks, consents: &Consents) -> Verdict {
    let graph = graph(["z/bad", "a/good", "a/bad-too"].map(|address| node(address, "demo.thing", tree!({}))));
    let state = state();
    checks.judge(&Subject::new(&graph, None, &state), consents)
}

fn told(verdict: &Verdict) -> Vec<String> {
    let findings = verdict.findings.iter();
    findings
        .map(|finding| format!("{} {} {}", finding.severity.as_str(), finding.address, finding.check))
        .collect()
}

#[test]
fn errors_come_first_and_then_it_goes_by_address() {
    let one = Checks::none().with(Blame("one")).with(Blame("other"));
    let told_once = told(&judge(&one, &Consents::none()));
    assert_eq!(
        told_once,
        [
            "error a/bad-too one",
            "error a/bad-too other",
            "error z/bad one",
            "error z/bad other",
            "warning a/good one",
            "warning a/good other"
        ]
    );
    let turned = Checks::none().with(Blame("other")).with(Blame("one"));
    assert_eq!(told(&judge(&turned, &Consents::none())), told_once, "whatever the order of the checks");
}

#[test]
fn a_check_can_be_left_out_and_its_place_taken() {
    let names = |checks: &Checks| checks.names().map(str::to_owned).collect::<Vec<_>>();
    let built_in = names(&Checks::built_in());
    assert_eq!(built_in.len(), 8);
    assert!(built_in.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    assert_eq!(names(&Checks::built_in().without("data_loss")), built_in[..7]);
    let taken = Checks::built_in().with(Blame("open_ingress"));
    assert_eq!(names(&taken), built_in);
    assert_eq!(judge(&taken, &Consents::none()).count(Severity::Error), 2);
}

#[test]
fn what_is_accepted_is_set_apart_with_its_reason() {
    let checks = Checks::none().with(Blame("blame"));
    let consents: Consents =
        ["blame:a=we know", "blame:a/bad-too=again", "blame:b=nothing there", "other:z=nobody"]
            .iter()
            .map(|text| text.parse::<Consent>().unwrap())
            .collect();
    let verdict = judge(&checks, &consents);
    assert_eq!(told(&verdict), ["error z/bad blame"]);
    let accepted: Vec<(&str, &str)> = verdict
        .accepted
        .iter()
        .map(|accepted| (accepted.finding.address.as_str(), accepted.why.as_str()))
        .collect();
    assert_eq!(accepted, [("a/bad-too", "we know"), ("a/good", "we know")]);
    let unused: Vec<String> = verdict.unused.iter().map(Consent::to_string).collect();
    assert_eq!(unused, ["blame:b=nothing there", "other:z=nobody"]);
    assert!(verdict.has_errors());
    assert!(!judge(&checks, &Consents::none().with(Consent::anywhere("blame", "all is well"))).has_errors());
}

#[test]
fn an_address_does_not_stand_for_one_that_only_begins_like_it() {
    let verdict = judge(
        &Checks::none().with(Blame("blame")),
        &Consents::none().with(Consent::at("blame", "z/b", "why")),
    );
    assert_eq!((verdict.count(Severity::Error), verdict.unused.len()), (2, 1));
}

#[test]
fn a_consent_is_read_as_it_is_written() {
    for text in ["data_loss:hub/addon/efs-csi=moved: a=b", "open_ingress:a=b"] {
        assert_eq!(text.parse::<Consent>().unwrap().to_string(), text);
    }
    for (text, missing) in [
        ("data_loss", "reason"),
        ("data_loss:hub", "reason"),
        ("data_loss=why", "address"),
        ("data_loss:=why", "address"),
        (":hub=why", "check"),
        ("data_loss:hub= ", "reason"),
    ] {
        let error = text.parse::<Consent>().unwrap_err();
        assert_eq!(error.missing, missing, "{text}");
        assert!(error.hint().contains("CHECK:ADDRESS=WHY"));
    }
}

#[test]
fn a_full_mesh_is_consent_to_what_it_is() {
    let config = |more: &str| {
        let yaml = format!("{}{more}", include_str!("../../../../../examples/hub_spoke.yaml"));
        parse_config("x", yaml.as_bytes(), Target::Simulated).unwrap().config
    };
    assert!(Consents::of_config(&config("")).is_empty());
    assert!(!Consents::of_config(&config("  sp:topology: full_mesh\n")).is_empty());
}

#[test]
fn a_verdict_is_data() {
    let consents = Consents::none().with(Consent::at("blame", "a", "we know"));
    let verdict = judge(&Checks::none().with(Blame("blame")), &consents);
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["accepted"][0]["why"], "we know");
    assert_eq!(json["accepted"][0]["address"], "a/bad-too");
    assert_eq!(json["findings"][0]["severity"], "error");
    assert_eq!(serde_json::from_value::<Verdict>(json).unwrap(), verdict);
}
