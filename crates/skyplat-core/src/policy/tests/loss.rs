//! What goes away by a plan, and what a plan makes known.

use super::{graph, node, short, state, to};
use crate::object::{FieldRules, ObjectNode, OnDelete};
use crate::plan::{Observation, Observations, Plan, PlanInput, PlanOptions, build_plan};
use crate::policy::{Checks, Consents, DataLoss, Finding, OpenIngress, Subject};
use crate::state::{Record, State, Status, Uid};
use crate::tree;
use crate::value::Tree;

/// A state with these objects, each with an id of its own.
fn recorded(nodes: impl IntoIterator<Item = ObjectNode>) -> State {
    let mut state = state();
    for node in nodes {
        let uid = Uid::new("0", &node.address, 0);
        let mut record = Record::planned(node.clone(), node.depends_on(), uid, 0);
        record.status = Status::Ready;
        record.id = Some(format!("id-{}", node.address));
        record.outputs.insert("id".into(), Tree::String(format!("id-{}", node.address).into()));
        state.objects.insert(node.address, record);
    }
    state
}

fn plan(nodes: &[ObjectNode], state: &State, observations: &Observations) -> Plan {
    let (graph, options) = (graph(nodes.to_vec()), PlanOptions::default());
    build_plan(PlanInput { graph: &graph, state, observations, options: &options }).unwrap()
}

/// What is found when these are recorded and those are wanted.
fn lost(state: &State, wanted: &[ObjectNode]) -> Vec<Finding> {
    let (graph, plan) = (graph(wanted.to_vec()), plan(wanted, state, &Observations::none()));
    let subject = Subject::new(&graph, Some(&plan), state);
    Checks::none().with(DataLoss::default()).judge(&subject, &Consents::none()).findings
}

fn files() -> ObjectNode {
    let rules = FieldRules::new().replace(["encrypted"]).into();
    ObjectNode { rules, ..node("hub/efs/files", "efs.file_system", tree!({ "encrypted": false })) }
}

#[test]
fn a_delete_of_what_holds_data_says_what_is_lost() {
    let found = lost(&recorded([files()]), &[]);
    assert_eq!(short(&found), ["error hub/efs/files"]);
    assert_eq!(found[0].message, "it would be deleted, and every file on it would be lost");
    assert_eq!(short(&lost(&recorded([files()]), &[files()])), [""; 0]);
    assert_eq!(short(&lost(&recorded([node("a/b", "ec2.route", tree!({}))]), &[])), [""; 0]);
    assert_eq!(short(&lost(&recorded([node("a/b", "logs.log_group", tree!({}))]), &[])), ["warning a/b"]);
}

#[test]
fn every_kind_that_the_plan_warns_of_is_known() {
    for kind in
        ["cognito.user_pool", "efs.file_system", "eks.cluster", "route53.zone", "secretsmanager.secret"]
    {
        assert_eq!(short(&lost(&recorded([node("a/b", kind, tree!({}))]), &[])), ["error a/b"], "{kind}");
    }
}

#[test]
fn a_replace_loses_what_the_old_one_held_and_an_update_does_not() {
    let mut encrypted = files();
    encrypted.inputs = tree!({ "encrypted": true });
    let found = lost(&recorded([files()]), &[encrypted]);
    assert_eq!(found[0].message, "it would be made anew, and every file on it would be lost");
    let mut tagged = files();
    tagged.inputs.set("tags", tree!({ "a": "b" }));
    assert_eq!(short(&lost(&recorded([files()]), &[tagged])), [""; 0]);
}

#[test]
fn a_replace_that_is_not_certain_counts() {
    let key = || node("hub/kms/key", "kms.key", tree!({ "name": "one" }));
    let with_key = || ObjectNode { inputs: tree!({ "encrypted": (to("hub/kms/key.arn")) }), ..files() };
    let mut recorded_files = files();
    recorded_files.inputs = tree!({ "encrypted": "arn:of:one" });
    recorded_files.rules = FieldRules::default().into();
    // The key is made anew, so its ARN is not known: whether the files go with it turns out later.
    let mut other_key = key();
    other_key.rules = FieldRules::new().replace(["name"]).into();
    other_key.inputs = tree!({ "name": "two" });
    let state = recorded([key(), recorded_files]);
    let wanted = [other_key, with_key()];
    let step = plan(&wanted, &state, &Observations::none());
    let step = step.steps.iter().find(|step| step.address.as_str() == "hub/efs/files").unwrap();
    assert!(!step.undecided.is_empty(), "{step:?}");
    assert_eq!(
        lost(&state, &wanted)[0].message,
        "it may have to be made anew, and every file on it would be lost"
    );
}

#[test]
fn what_stays_or_is_gone_or_never_was_is_not_lost() {
    let kept = ObjectNode { on_delete: OnDelete::Retain, ..files() };
    assert_eq!(short(&lost(&recorded([kept]), &[])), [""; 0]);

    let mut half = recorded([files()]);
    half.objects.get_mut(&files().address).unwrap().status = Status::Incomplete;
    assert_eq!(short(&lost(&half, &[])), [""; 0]);

    let state = recorded([files()]);
    let uid = state.objects[&files().address].uid.clone();
    let gone = Observations([(uid, Observation::Missing)].into());
    let plan = plan(&[], &state, &gone);
    let (empty, checks) = (graph([]), Checks::none().with(DataLoss::default()));
    let verdict = checks.judge(&Subject::new(&empty, Some(&plan), &state), &Consents::none());
    assert_eq!(verdict.findings, []);
}

#[test]
fn a_tenant_goes_with_its_volumes_and_other_namespaces_hold_nothing_of_others() {
    let namespace = |name: &str, label: &str| {
        let metadata = tree!({ "name": name, "labels": { "parent": label } });
        node("a/namespace", "k8s.object", tree!({ "kind": "Namespace", "metadata": metadata }))
    };
    assert_eq!(short(&lost(&recorded([namespace("team-a", "skypilot")]), &[])), ["error a/namespace"]);
    assert_eq!(short(&lost(&recorded([namespace("skypilot-system", "skypilot")]), &[])), [""; 0]);
    assert_eq!(short(&lost(&recorded([namespace("tailscale", "x")]), &[])), [""; 0]);
}

#[test]
fn a_kind_of_ones_own_can_be_added() {
    let bucket = node("a/bucket", "demo.bucket", tree!({}));
    let (state, empty) = (recorded([bucket]), graph([]));
    let plan = plan(&[], &state, &Observations::none());
    let judge = |check: DataLoss| {
        Checks::built_in().with(check).judge(&Subject::new(&empty, Some(&plan), &state), &Consents::none())
    };
    assert!(!judge(DataLoss::default()).has_errors());
    assert_eq!(
        judge(DataLoss::default().kind("demo.bucket", "its objects")).findings[0].message,
        "it would be deleted, and its objects would be lost"
    );
}

#[test]
fn a_destroy_consents_to_all_of_it() {
    let (state, empty) = (recorded([files()]), graph([]));
    let options = PlanOptions { destroy: true, ..PlanOptions::default() };
    let observations = Observations::none();
    let plan = build_plan(PlanInput {
        graph: &empty,
        state: &state,
        observations: &observations,
        options: &options,
    });
    let plan = plan.unwrap();
    let verdict =
        Checks::built_in().judge(&Subject::new(&empty, Some(&plan), &state), &Consents::of_destroy());
    assert_eq!((verdict.findings.len(), verdict.accepted.len()), (0, 1));
}

#[test]
fn a_recorded_output_is_judged_as_long_as_the_plan_keeps_it() {
    let source = |name: &str| {
        let rules = FieldRules::new().replace(["name"]).into();
        ObjectNode { rules, ..node("a/source", "demo.source", tree!({ "name": name })) }
    };
    let inputs = tree!({ "group_id": "sg-1", "direction": "ingress", "ip_protocol": "-1", "cidr_ipv4": (to("a/source.range")) });
    let rule = node("a/rule", "ec2.security_group_rule", inputs);
    let mut state = recorded([source("one")]);
    let outputs = &mut state.objects.get_mut(&"a/source".into()).unwrap().outputs;
    outputs.insert("range".into(), tree!("0.0.0.0/0"));
    let found = |source: ObjectNode, with_plan: bool| {
        let nodes = [source, rule.clone()];
        let (graph, plan) = (graph(nodes.to_vec()), plan(&nodes, &state, &Observations::none()));
        let subject = Subject::new(&graph, with_plan.then_some(&plan), &state);
        short(&Checks::none().with(OpenIngress).judge(&subject, &Consents::none()).findings)
    };
    assert_eq!(found(source("one"), true), ["error a/rule"]);
    assert_eq!(found(source("two"), true), [""; 0], "it is made anew");
    assert_eq!(found(source("one"), false), [""; 0], "nobody says that it stays");
}
