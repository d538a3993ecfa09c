//! Small services with names unique in a region: CloudWatch Logs, SQS, EventBridge, Secrets Manager.

use std::collections::BTreeSet;

use skyplat_core::executor::ExecError;
use skyplat_core::object::ObjectKind;
use skyplat_core::value::Tree;

use super::error::invalid;
use super::{Call, Made, Rules, quota};
use crate::catalogue::ACCOUNT;
use crate::quotas::Quotas;

/// For how many days CloudWatch keeps lines.
const RETENTIONS: &[u64] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
use crate::world::Thing;

/// The rules of the small services.
#[derive(Debug)]
pub(super) struct Regional;

impl Rules for Regional {
    fn judges(&self, kind: &ObjectKind) -> bool {
        ["logs", "sqs", "events", "secretsmanager"].contains(&kind.service())
    }

    fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
        check(call)
    }

    fn check_update(&self, call: &Call<'_>, _: &Thing) -> Result<(), ExecError> {
        check(call)
    }

    fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
        Ok(make(call))
    }
}

/// Judges the inputs.
fn check(call: &Call<'_>) -> Result<(), ExecError> {
    match call.kind() {
        "logs.log_group" => {
            // CreateLogGroup: 1 to 512 of [.-_/#A-Za-z0-9].
            named(call.text("log_group_name"), 512, "-_./#", "InvalidParameterException")?;
            // PutRetentionPolicy.
            let days = call.number("retention_in_days");
            if days.is_some_and(|days| !RETENTIONS.contains(&days)) {
                let message = format!("lines cannot be kept for {} days", days.unwrap_or_default());
                return Err(invalid("InvalidParameterException", message));
            }
            Ok(())
        }
        "sqs.queue" => {
            // CreateQueue: 1 to 80 of [A-Za-z0-9_-].
            named(call.text("queue_name"), 80, "-_", "InvalidParameterValue")?;
            // SetQueueAttributes: a message is kept for a minute to 14 days.
            match call.number("message_retention_period") {
                Some(seconds) if !(60..=1_209_600).contains(&seconds) => Err(invalid(
                    "InvalidAttributeValue",
                    format!("a message cannot be kept for {seconds} seconds"),
                )),
                _ => Ok(()),
            }
        }
        "events.rule" => {
            // PutRule: 1 to 64 of [.-_A-Za-z0-9], a pattern that is a JSON object, and on or off.
            named(call.text("name"), 64, "-_.", "ValidationException")?;
            let pattern = call.text("event_pattern");
            let is_object =
                serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(pattern).is_ok();
            if !pattern.is_empty() && !is_object {
                return Err(invalid("InvalidEventPatternException", "Event pattern is not valid."));
            }
            if !["", "ENABLED", "DISABLED"].contains(&call.text("state")) {
                return Err(invalid("ValidationException", "a rule is ENABLED or DISABLED"));
            }
            targets(call)
        }
        "secretsmanager.secret" => {
            // CreateSecret: 1 to 512 of [A-Za-z0-9/_+=.@-]; GetRandomPassword: 1 to 4096 characters.
            named(call.text("name"), 512, "/_+=.@-", "ValidationException")?;
            let length = call.number("generate_secret_string.password_length").unwrap_or(32);
            if !(1..=4096).contains(&length) {
                return Err(invalid(
                    "InvalidParameterException",
                    format!("no password has {length} characters"),
                ));
            }
            // DeleteSecret: it can be restored for 7 to 30 days, or not at all.
            match call.number("recovery_window_in_days") {
                Some(days) if days != 0 && !(7..=30).contains(&days) => Err(invalid(
                    "InvalidParameterException",
                    format!("a recovery window is 0 or 7 to 30 days, not {days}"),
                )),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Judges a name of letters, digits and a few more.
fn named(name: &str, longest: usize, more: &str, code: &str) -> Result<(), ExecError> {
    let known = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    if (1..=longest).contains(&name.len()) && name.chars().all(known) {
        return Ok(());
    }
    Err(invalid(code, format!("{name:?} is not 1 to {longest} of letters, digits and {more}")))
}

/// PutTargets: a rule has at most five targets, each with an id of its own, and each exists.
fn targets(call: &Call<'_>) -> Result<(), ExecError> {
    let targets = call.object.inputs.get("targets").and_then(Tree::as_list).unwrap_or_default();
    quota::hold(call, "LimitExceededException", "targets per rule", targets.len(), |quotas: &Quotas| {
        quotas.targets_per_event_rule
    })?;
    let ids: BTreeSet<&str> = targets.iter().filter_map(|target| target.get("id")?.as_str()).collect();
    if ids.len() < targets.len() {
        return Err(invalid("ValidationException", "the targets of a rule have ids of their own"));
    }
    for arn in targets.iter().filter_map(|target| target.get("arn").and_then(Tree::as_str)) {
        if !call.others("sqs.queue").any(|queue| queue.output("arn") == Some(arn)) {
            return Err(invalid("ResourceNotFoundException", format!("the target {arn} does not exist")));
        }
    }
    Ok(())
}

/// Makes an object of one of these services.
fn make(call: &Call<'_>) -> Made {
    let names = call.names();
    match call.kind() {
        "logs.log_group" => {
            let name = call.text("log_group_name");
            let arn = call.arn("logs", &format!("log-group:{name}"));
            Made::new(call, name).output("arn", arn).repeat(&["log_group_name"])
        }
        "sqs.queue" => {
            let name = call.text("queue_name");
            let url = format!("https://sqs.{}.amazonaws.com/{ACCOUNT}/{name}", call.region());
            Made::new(call, url.clone())
                .output("queue_url", url)
                .output("arn", call.arn("sqs", name))
                .repeat(&["queue_name"])
        }
        "events.rule" => {
            let name = call.text("name");
            let arn = call.arn("events", &format!("rule/{name}"));
            Made::new(call, name).output("arn", arn).repeat(&["name"])
        }
        "secretsmanager.secret" => {
            // Six letters after the name tell a secret from one that had the name before.
            let suffix = names.alphanumeric("arn", 6);
            let arn = call.arn("secretsmanager", &format!("secret:{}-{suffix}", call.text("name")));
            let length = call.number("generate_secret_string.password_length").unwrap_or(32);
            let length = usize::try_from(length.clamp(4, 4096)).unwrap_or(32);
            // One of each kind of character comes first, as `require_each_included_type` wants.
            let what = format!("password {length}");
            let password = format!("Aa1-{}", names.alphanumeric(&what, length - 4));
            Made::new(call, arn.clone())
                .output("arn", arn)
                .output("password", Tree::Secret(skyplat_core::value::Secret::new(password)))
                .repeat(&["name"])
        }
        _ => Made::generic(call),
    }
}
