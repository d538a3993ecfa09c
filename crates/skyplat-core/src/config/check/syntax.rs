//! The forms that names, hosts, emails and quantities have.
//!
//! Each function returns what is wrong with a text and what to do about it, for the caller to say of what.

use crate::config::report::quoted;

/// What is wrong with a text, and what to do about it.
pub(super) type Fault = (String, String);

/// Longest DNS label, so longest namespace, label value and node pool name.
const LABEL_LIMIT: usize = 63;

/// Checks a DNS label: lower-case letters, digits and dashes.
pub(super) fn dns_label(text: &str) -> Result<(), Fault> {
    let shown = quoted(text);
    if text.is_empty() {
        return Err((
            "the name is empty".into(),
            "use lower-case letters, digits and dashes, such as team-a".into(),
        ));
    }
    let length = text.chars().count();
    if length > LABEL_LIMIT {
        let fault = format!("{shown} has {length} characters; a name has at most {LABEL_LIMIT}");
        return Err((fault, "choose a shorter name".into()));
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if let Some(odd) = text.chars().find(|c| !plain(*c) && *c != '-') {
        let what = match odd {
            _ if odd.is_ascii_uppercase() => "an upper-case letter".into(),
            ' ' => "a blank".into(),
            _ => format!("`{}`", odd.escape_default()),
        };
        return Err((
            format!("{shown} contains {what}; a name has lower-case letters, digits and dashes"),
            match label_like(text) {
                Some(name) => format!("use `{name}`"),
                None => "use lower-case letters, digits and dashes, such as team-a".into(),
            },
        ));
    }
    if !text.starts_with(plain) || !text.ends_with(plain) {
        let hint = label_like(text)
            .map_or_else(|| "use a name such as team-a".into(), |name| format!("use `{name}`"));
        return Err((format!("{shown} begins or ends with a dash"), hint));
    }
    Ok(())
}

/// The DNS label nearest to a text.
fn label_like(text: &str) -> Option<String> {
    let folded: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let trimmed = folded.trim_matches('-');
    (!trimmed.is_empty() && trimmed.len() <= LABEL_LIMIT).then(|| trimmed.into())
}

/// Checks a host name of at least two labels.
pub(super) fn host_name(text: &str) -> Result<(), Fault> {
    let shown = quoted(text);
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        return Err((format!("{shown} is a URL, not a host name"), format!("write the host alone: {host}")));
    }
    if let Some(at) = text.find(['/', ':']) {
        return Err((
            format!("{shown} has a port or a path after the host name"),
            format!("write the host alone: {}", &text[..at]),
        ));
    }
    if text.starts_with("*.") {
        return Err((
            format!("{shown} is a wildcard, not a host name"),
            "name the one host of the API server, such as skypilot.example.com".into(),
        ));
    }
    if text.len() > 253 {
        return Err((
            format!("the host name has {} characters; at most 253 fit", text.len()),
            "choose a shorter one".into(),
        ));
    }
    let labels: Vec<&str> = text.split('.').collect();
    if labels.len() < 2 {
        return Err((
            format!("{shown} is no full host name"),
            "write it with its domain, such as skypilot.example.com".into(),
        ));
    }
    for label in labels {
        if dns_label(label).is_err() {
            let what = if label.is_empty() { "an empty part".into() } else { quoted(label) };
            return Err((
                format!(
                    "{shown} is no host name: {what} is not made of lower-case letters, digits and dashes"
                ),
                "write a host name such as skypilot.example.com".into(),
            ));
        }
    }
    Ok(())
}

/// Checks an email address, loosely: who sends mail there will see.
pub(super) fn email(text: &str) -> Result<(), Fault> {
    let parts: Vec<&str> = text.split('@').collect();
    let sound = match parts.as_slice() {
        [user, domain] => {
            !user.is_empty()
                && domain.contains('.')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
                && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;".contains(c))
        }
        _ => false,
    };
    if sound {
        Ok(())
    } else {
        Err((format!("{} is no email address", quoted(text)), "write it as name@example.com".into()))
    }
}

/// Whether a text is a Kubernetes name with an optional prefix, as keys of labels and taints are.
pub(super) fn qualified_name(text: &str) -> Result<(), Fault> {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    let fault = |why: &str| {
        Err((
            format!("{} is no key: {why}", quoted(text)),
            "use a key such as team or example.com/team".into(),
        ))
    };
    if let Some(prefix) = prefix
        && (prefix.is_empty() || prefix.len() > 253 || prefix.split('.').any(|part| dns_label(part).is_err()))
    {
        return fault("the part before `/` is no domain name");
    }
    if name.is_empty() {
        return fault("the name is empty");
    }
    if label_value(name).is_err() {
        return fault(
            "the name takes at most 63 letters, digits, `-`, `_` and `.`, and begins and ends with a letter or digit",
        );
    }
    Ok(())
}

/// Checks the value of a label or taint; it may be empty.
pub(super) fn label_value(text: &str) -> Result<(), Fault> {
    let edge = |c: char| c.is_ascii_alphanumeric();
    let sound = text.len() <= LABEL_LIMIT
        && text.chars().all(|c| edge(c) || "-_.".contains(c))
        && (text.is_empty() || (text.starts_with(edge) && text.ends_with(edge)));
    if sound {
        Ok(())
    } else {
        Err((
            format!("{} is no value of a label or taint", quoted(text)),
            "use at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit"
                .into(),
        ))
    }
}

/// The units of quantities, with how many bytes each is.
const UNITS: &[(&str, u128)] = &[
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
];

/// Reads a size in bytes: a whole number and one of `units`.
pub(super) fn size(text: &str, units: &[&str], example: &str) -> Result<u128, Fault> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let known = UNITS.iter().find(|(name, _)| *name == unit && units.contains(name));
    match (number.parse::<u64>(), known) {
        (Ok(number), Some((_, bytes))) => Ok(u128::from(number) * bytes),
        (Ok(number), None) => {
            let trimmed = unit.trim().trim_end_matches(['B', 'b']);
            let meant = units.iter().find(|known| {
                known.eq_ignore_ascii_case(trimmed)
                    || known.trim_end_matches('i').eq_ignore_ascii_case(trimmed)
            });
            let hint = match meant {
                Some(unit) => format!("write \"{number}{unit}\""),
                None if unit.is_empty() => format!("add the unit: \"{number}Gi\""),
                None => format!("write a whole number and a unit, such as \"{example}\""),
            };
            let what =
                if unit.is_empty() { "no unit".into() } else { format!("the unknown unit {}", quoted(unit)) };
            Err((format!("the size {} has {what}", quoted(text)), hint))
        }
        (Err(_), _) => Err((
            format!("{} is no size", quoted(text)),
            format!("write a whole number and a unit, such as \"{example}\""),
        )),
    }
}

/// Checks a Kubernetes quantity: a number with an optional unit.
pub(super) fn quantity(text: &str) -> Result<(), Fault> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let known = matches!(unit, "" | "m" | "Ei" | "E") || UNITS.iter().any(|(name, _)| *name == unit);
    if known && number.parse::<f64>().is_ok() {
        Ok(())
    } else {
        Err((
            format!("{} is no quantity", quoted(text)),
            "write a number with an optional unit, such as \"64\", \"500m\" or \"256Gi\"".into(),
        ))
    }
}

/// Returns whether a value is evidently still to be filled in: `123...`, `<YOUR_…>`, `uuid`.
pub(super) fn is_placeholder(text: &str) -> bool {
    let last = text.rsplit(['/', ':']).next().unwrap_or_default();
    let word = last.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
    let angle = text.find('<').is_some_and(|open| text[open..].contains('>'));
    let words = [
        "uuid",
        "changeme",
        "change-me",
        "change_me",
        "replaceme",
        "replace-me",
        "replace_me",
        "todo",
        "fixme",
    ];
    angle
        || text.contains("...")
        || text.contains('…')
        || text.contains("${")
        || words.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_wrong_come_with_the_nearest_right_one() {
        assert!(dns_label("team-a").is_ok() && dns_label("7").is_ok() && dns_label(&"a".repeat(63)).is_ok());
        for (text, hint) in
            [("Team_A", "use `team-a`"), ("-a-", "use `a`"), ("a b", "use `a-b`"), ("team.a", "use `team-a`")]
        {
            assert_eq!(dns_label(text).unwrap_err().1, hint);
        }
        for text in ["", "äöü", &"a".repeat(64), "---"] {
            assert!(dns_label(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hosts_are_bare_names_with_a_domain() {
        assert!(host_name("skypilot.example.com").is_ok());
        assert_eq!(
            host_name("https://sky.example.com/x").unwrap_err().1,
            "write the host alone: sky.example.com"
        );
        assert_eq!(host_name("sky.example.com:443").unwrap_err().1, "write the host alone: sky.example.com");
        for text in
            ["", "localhost", "*.example.com", "Sky.example.com", "sky..com", "sky.example.com.", "a b.c"]
        {
            assert!(host_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_have_a_number_and_a_unit() {
        assert_eq!(size("2Gi", &["Gi", "Ti"], "128Gi"), Ok(2 << 30));
        for (text, hint) in [
            ("50GB", "write \"50Gi\""),
            ("50", "add the unit: \"50Gi\""),
            ("50 gib", "write \"50Gi\""),
            ("big", "write a whole number and a unit, such as \"128Gi\""),
            ("1.5Gi", "write a whole number and a unit, such as \"128Gi\""),
        ] {
            assert_eq!(size(text, &["Gi", "Ti"], "128Gi").unwrap_err().1, hint, "{text}");
        }
    }

    #[test]
    fn placeholders_are_recognised() {
        for text in [
            "arn:aws:secretsmanager:us-west-2:123...",
            "arn:aws:acm:us-west-2:123456789012:certificate/uuid",
            "<YOUR_DEPLOYMENT_NAME> (e.g. \"skypilot.example.com\")",
            "<SSL_CERT_ARN>",
            "CHANGEME",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["skypilot.example.com", "arn:aws:iam::123456789012:role/TeamARole", "", "a>b<c"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
