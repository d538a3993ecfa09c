//! Looking at worlds: what is shown, what is found, what is never shown.

use proptest::prelude::*;
use skyplat_core::tree;
use skyplat_core::value::Secret;
use skyplat_mock::inspect::{self, Form, leaks};

use crate::support::STACK;
use crate::support::lab::{Ask, WEST, ask, small_world};

fn password(text: &str) -> Ask {
    let secret = skyplat_core::value::Tree::Secret(Secret::new(text));
    ask("demo.account", WEST, tree!({ "name": "admin", "password": secret, "size": 1 }))
}

#[tokio::test(start_paused = true)]
async fn a_difference_shows_old_and_new_values_and_no_secret() {
    let mut lab = small_world().await;
    lab.make("admin", password("canary-one")).await;
    let before = lab.cloud.world();
    let mut inputs = password("canary-two").inputs;
    inputs.set("size", tree!(2));
    lab.update("admin", inputs).await.unwrap();
    lab.cloud.by_hand().set("queue", "tags.a.b", tree!("c")).unwrap();
    lab.delete("mount").await.unwrap();
    lab.make("more", ask("demo.account", WEST, tree!({ "name": "more" }))).await;
    let shown: Vec<String> =
        inspect::diff(&before, &lab.cloud.world()).iter().map(ToString::to_string).collect();
    let text = shown.join("\n");
    assert_eq!(shown.len(), 4, "{text}");
    for part in [
        "~ admin (demo.account ",
        "\n    inputs.password: {\"$secret\":true} -> {\"$secret\":true}",
        "\n    inputs.size: 1 -> 2",
        "\n    outputs.size: 1 -> 2",
        "~ queue (sqs.queue ",
        "\n    inputs.tags: nothing -> {\"a\":{\"b\":\"c\"}}",
        "- mount (efs.mount_target ",
        "+ more (demo.account ",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert_eq!(leaks(text.as_bytes(), ["canary-one", "canary-two"]), []);
    assert!(inspect::diff(&before, &before).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dump_has_a_line_for_each_thing_in_columns_and_no_secret() {
    let mut lab = small_world().await;
    lab.make("admin", password("canary-one")).await;
    let world = lab.cloud.world();
    let dump = inspect::dump(&world);
    assert_eq!(dump.lines().count(), world.len());
    let column =
        dump.lines().map(|line| line.find("  ").map(|at| line.len() - line[at..].trim_start().len()));
    let columns: std::collections::BTreeSet<_> = column.collect();
    assert_eq!(columns.len(), 1, "kinds are in one column:\n{dump}");
    let mut sorted: Vec<&str> = dump.lines().map(|line| line.split("  ").next().unwrap()).collect();
    sorted.sort_unstable();
    let as_shown: Vec<&str> = dump.lines().map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(as_shown, sorted);
    let secrets = inspect::secrets(&world);
    assert!(secrets.iter().any(|secret| secret.expose() == "canary-one"));
    assert_eq!(leaks(dump.as_bytes(), secrets.iter().map(Secret::expose)), []);
    assert_eq!(leaks(format!("{world:?}").as_bytes(), secrets.iter().map(Secret::expose)), []);
}

#[tokio::test(start_paused = true)]
async fn what_is_retained_may_be_left_with_what_lives_in_it() {
    let lab = small_world().await;
    let names = ["queue", "cluster", "vpc"];
    let all = lab.cloud.world();
    let kept: Vec<_> = all.things().map(|thing| thing.uid.clone()).collect();
    all.assert_nothing_left_but(STACK, &kept);
    all.assert_nothing_left("other/2");
    let inside = lab.record("namespace").uid.clone();
    let without_inside: Vec<_> = kept.iter().filter(|uid| **uid != inside).collect();
    all.assert_nothing_left_but(STACK, without_inside);
    for name in names {
        let uid = &lab.record(name).uid;
        let rest: Vec<_> = kept.iter().filter(|kept| *kept != uid).collect();
        let result = std::panic::catch_unwind(|| all.assert_nothing_left_but(STACK, rest.clone()));
        let message = *result.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains(&format!("  {name} (")) && message.contains("in this world:"), "{message}");
    }
}

/// Base64 as a library writes it, a group at a time.
fn base64(bytes: &[u8], alphabet: &str) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number =
            group.iter().chain([0, 0].iter()).take(3).fold(0_usize, |n, byte| n << 8 | usize::from(*byte));
        for at in 0..=group.len() {
            text.push(alphabet[number >> (18 - 6 * at) & 63]);
        }
        text.extend(std::iter::repeat_n('=', 3 - group.len()));
    }
    text
}

const STANDARD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

proptest! {
    #[test]
    fn a_secret_is_found_in_whatever_form_it_is_written(
        secret in "[a-zA-Z0-9 \"\\\\/+é~?]{6,40}",
        before in prop::collection::vec(any::<u8>(), 0..20),
        after in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let around = |middle: &[u8]| [&before[..], middle, &after[..]].concat();
        let whole = around(secret.as_bytes());
        let json = serde_json::to_string(&secret).unwrap();
        let written = [
            (Form::Plain, whole.clone()),
            (if json[1..json.len() - 1] == secret { Form::Plain } else { Form::Json }, around(json.as_bytes())),
            (Form::Hex, hex::encode(&whole).into_bytes()),
            (Form::Hex, hex::encode_upper(&whole).into_bytes()),
            (Form::Base64, base64(&whole, STANDARD).into_bytes()),
            (Form::Base64, base64(&whole, URL).into_bytes()),
        ];
        for (form, bytes) in written {
            let found = leaks(&bytes, ["another secret", &secret]);
            prop_assert!(found.iter().any(|leak| leak.secret == 1 && leak.form == form), "{form} in {bytes:?}: {found:?}");
            prop_assert!(found.iter().all(|leak| leak.secret == 1));
            let shown = format!("{found:?}");
            prop_assert!(!shown.contains(&secret));
        }
    }

    #[test]
    fn what_is_not_there_is_not_found(secret in "[a-m]{8,30}", bytes in prop::collection::vec(b'n'..=b'z', 0..200)) {
        prop_assert_eq!(leaks(&bytes, [&*secret, "no", ""]), []);
    }
}
