//! Tags, and the IAM path.

use super::{Finding, Findings};
use crate::config::code::Code;
use crate::config::location::key_path;
use crate::config::model::PlatformConfig;
use crate::config::report::quoted;

/// Prefixes of tag keys that somebody else owns.
const RESERVED: &[(&str, &str)] = &[
    ("aws:", "AWS"),
    ("kubernetes.io/cluster", "Kubernetes"),
    ("karpenter.sh", "Karpenter"),
    ("skyplat:", "skyplat"),
];
/// AWS takes 50 tags on a resource; the platform's own need a few.
const MAX_TAGS: usize = 40;
const KEY_LIMIT: usize = 128;
const VALUE_LIMIT: usize = 256;

/// Checks keys and values of tags, and the path of IAM names.
pub(super) fn check_tags(config: &PlatformConfig, findings: &mut Findings<'_>) {
    if config.tags.len() > MAX_TAGS {
        let message =
            format!("{} tags are too many: {MAX_TAGS} fit beside the platform's own", config.tags.len());
        findings
            .add(Finding::error(Code::BadTag, "tags", message).on_key().hint("keep the most important ones"));
    }
    for (key, value) in &config.tags {
        let path = key_path("tags", key);
        let reserved = RESERVED.iter().find(|(prefix, _)| key.to_ascii_lowercase().starts_with(prefix));
        if let Some((prefix, owner)) = reserved {
            let message = format!("the tag {} is reserved: `{prefix}` belongs to {owner}", quoted(key));
            findings.add(
                Finding::error(Code::ReservedTag, &path, message)
                    .on_key()
                    .hint("use a key of your own, such as cost-center"),
            );
        }
        let odd = |text: &str| text.chars().find(|c| !c.is_alphanumeric() && !" _.:/=+-@".contains(*c));
        let key_length = key.chars().count();
        if key_length == 0 || key_length > KEY_LIMIT || odd(key).is_some() {
            findings.add(
                Finding::error(Code::BadTag, &path, format!("{} is no key of a tag", quoted(key)))
                    .on_key()
                    .hint(format!("use 1 to {KEY_LIMIT} letters, digits, blanks and _ . : / = + - @")),
            );
        }
        if value.chars().count() > VALUE_LIMIT || odd(value).is_some() {
            findings.add(
                Finding::error(Code::BadTag, &path, format!("{} is no value of a tag", quoted(value)))
                    .hint(format!("use at most {VALUE_LIMIT} letters, digits, blanks and _ . : / = + - @")),
            );
        }
    }
    check_iam_path(&config.iam.path, findings);
}

fn check_iam_path(path: &str, findings: &mut Findings<'_>) {
    let sound = path.starts_with('/')
        && path.ends_with('/')
        && path.len() <= 512
        && !path.contains("//")
        && path.bytes().all(|b| b.is_ascii_graphic());
    if !sound {
        let bare = path.trim_matches('/');
        let hint = if bare.is_empty() || bare.contains(|c: char| !c.is_ascii_graphic()) || bare.contains("//")
        {
            "write a path such as /platform/".into()
        } else {
            format!("write /{bare}/")
        };
        let message = format!("{} is no IAM path: it begins and ends with a slash", quoted(path));
        findings.add(Finding::error(Code::BadIamPath, "iam.path", message).hint(hint));
    }
}
