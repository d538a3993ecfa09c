//! Secrets: in memory only, read again when they are needed, never said.

use super::world::{CANARY, Fault};
use super::*;
use crate::executor::ErrorKind;
use crate::value::Secret;

fn secretive(v: i64) -> ObjectGraph {
    let source =
        ObjectNode { secret_outputs: BTreeSet::from(["token".to_owned()]), ..node("secret", tree!({})) };
    let header = Tree::Text(vec![tree!("Bearer "), output("secret", "token")]);
    let users = ["u1", "u2"].map(|name| node(name, tree!({ "v": v, "header": header })));
    let exports = BTreeMap::from([("token".to_owned(), output("secret", "token"))]);
    ObjectGraph::new(Vec::new(), [source].into_iter().chain(users).collect(), exports).unwrap()
}

fn assert_clean(lab: &Lab, extra: &str) {
    let journal = serde_json::to_string(&lab.journal).unwrap();
    let events = serde_json::to_string(&lab.events).unwrap();
    for text in [&journal, &events, &format!("{lab:?}"), extra] {
        // The world holds it in the clear, but as a secret, which shows nothing.
        assert!(!text.contains(CANARY), "{text}");
    }
    assert!(journal.contains("$digest"));
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_journaled_said_or_shown() {
    let mut lab = Lab::default();
    lab.world.fault("create u1", [Fault::Says(format!("bad header Bearer {CANARY}"))]);
    let report = lab.apply(&secretive(1)).await;
    let StepOutcome::Failed { error, .. } = outcome(&report, "u1") else { panic!("{report:?}") };
    assert_eq!(error, "bad header (secret)");
    assert!(lab.events.iter().any(|event| matches!(event, Event::Progress { .. })));
    assert_clean(&lab, &format!("{report:?}"));
    let uid = lab.state().await.objects[&Address::new("u2")].uid.clone();
    let sent = lab.world.look().things[&uid].inputs.get("header").cloned();
    assert_eq!(sent, Some(Tree::Secret(Secret::new(format!("Bearer {CANARY}")))));
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_an_earlier_run_is_read_again_once_for_all() {
    let mut lab = Lab::default();
    lab.apply(&secretive(1)).await;
    lab.settled(&secretive(1)).await;
    lab.world.calls();
    lab.world.fault("read secret", [Fault::Before(ErrorKind::Throttled)]);
    lab.apply(&secretive(2)).await;
    assert_eq!(lab.world.calls(), ["read secret", "read secret", "update u1", "update u2"]);
    lab.settled(&secretive(2)).await;
    assert_clean(&lab, "");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_gone_fails_who_needs_it() {
    let mut lab = Lab::default();
    lab.apply(&secretive(1)).await;
    lab.world.look().things.retain(|_, thing| thing.address != "secret");
    let report = lab.apply(&secretive(2)).await;
    let StepOutcome::Failed { error, .. } = outcome(&report, "u1") else { panic!("{report:?}") };
    assert!(error.starts_with("secret is gone"), "{error}");
    assert!(lab.state().await.objects.values().all(|record| record.intent.is_none()));
}

#[tokio::test(start_paused = true)]
async fn outputs_are_digests_unless_they_are_to_be_shown() {
    let mut lab = Lab::default();
    lab.apply(&secretive(1)).await;
    let state = lab.state().await;
    let recorded = super::super::recorded_outputs(&state).unwrap();
    assert!(matches!(recorded["token"], Tree::Digest(_)));
    let shown = lab.engine().shown_outputs(&state, &lab.context(), &Control::new()).await.unwrap();
    assert_eq!(shown["token"], Tree::Secret(Secret::new(CANARY)));
}

#[tokio::test(start_paused = true)]
async fn what_is_inside_of_something_with_secrets_gets_them_in_the_clear() {
    let inside = |v: i64| {
        let source =
            ObjectNode { secret_outputs: BTreeSet::from(["token".to_owned()]), ..node("secret", tree!({})) };
        let mut pod = node("pod", tree!({ "v": v }));
        pod.placement.container = Some("secret".into());
        graph([source, pod])
    };
    let mut lab = Lab::default();
    lab.apply(&inside(1)).await;
    lab.world.calls();
    lab.apply(&inside(2)).await;
    assert_eq!(lab.world.calls(), ["read secret", "update pod"]);
    lab.settled(&inside(2)).await;
    assert_clean(&lab, "");
}
