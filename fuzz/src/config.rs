//! What holds for any bytes that are read as a configuration.
//!
//! * Reading never fails but with a report; the report renders, says nothing to a terminal but text, and every place in it
//!   lies inside of the text.
//! * What is usable for a real account is usable on the simulated cloud.
//! * What is accepted has nothing wrong with it when it is checked again as data, comes back from JSON as it was, and lowers
//!   to the same objects twice or says why it does not.

use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use skyplat_core::config::{
    Parsed, PlatformConfig, Report, Severity, Span, Target, check_config, parse_config,
};
use skyplat_core::facts::FactSource;
use skyplat_core::graph::{ObjectGraph, lower};
use skyplat_core::platform::build_platform;
use skyplat_mock::{MockCloud, MockOptions};

/// Panics when something does not hold for these bytes.
pub fn holds(bytes: &[u8]) {
    let simulated = read(bytes, Target::Simulated);
    let cloud = read(bytes, Target::Cloud);
    match (simulated, cloud) {
        (Some(simulated), Some(cloud)) => assert_eq!(simulated, cloud, "the target changes what is read"),
        (None, Some(_)) => panic!("a real account takes what the simulated cloud does not"),
        (_, None) => {}
    }
}

/// Reads the bytes and looks at what comes of them.
fn read(bytes: &[u8], target: Target) -> Option<PlatformConfig> {
    match parse_config("any.yaml", bytes, target) {
        Ok(Parsed { config, report }) => {
            assert!(!report.has_errors(), "accepted with errors:\n{report}");
            sound(&report, bytes);
            usable(&config, target);
            Some(config)
        }
        Err(report) => {
            assert!(report.has_errors(), "refused without an error");
            sound(&report, bytes);
            None
        }
    }
}

/// A report renders, and every place in it lies inside of the text.
fn sound(report: &Report, bytes: &[u8]) {
    let text = report.render();
    assert!(text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'), "control characters:\n{text:?}");
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lengths: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();
    for diagnostic in &report.diagnostics {
        assert!(!diagnostic.message.is_empty());
        let hinted = diagnostic.severity == Severity::Note || diagnostic.hint.is_some();
        assert!(hinted, "nobody says what to do about {diagnostic:?}");
        let span = diagnostic.span.unwrap_or_else(|| panic!("{diagnostic:?} has no place"));
        let related = diagnostic.related.iter().filter_map(|related| related.span);
        for span in std::iter::once(span).chain(related) {
            assert!(is_inside(span, &lengths), "{span:?} is outside of the text: {diagnostic:?}");
        }
    }
}

/// Returns whether a place lies inside of lines of these lengths; the end of a line is a place too.
fn is_inside(span: Span, lengths: &[usize]) -> bool {
    let Some(length) = span.line.checked_sub(1).and_then(|line| lengths.get(line)) else { return false };
    (1..=length + 1).contains(&span.column)
        && span.len >= 1
        && (span.column - 1 + span.len).max(1) <= (*length).max(span.column)
}

/// What was accepted stays what it is, and lowers or says why not.
fn usable(config: &PlatformConfig, target: Target) {
    let again = check_config(config, target);
    assert!(!again.has_errors(), "checked again it has errors:\n{again}");
    let json = serde_json::to_string(config).expect("a configuration is plain data");
    let read: PlatformConfig =
        serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error} in {json}"));
    assert_eq!(&read, config, "JSON changes it");
    if let Some(graph) = lowered(config) {
        assert_eq!(Some(graph), lowered(config), "lowering twice gives two graphs");
    }
}

fn lowered(config: &PlatformConfig) -> Option<ObjectGraph> {
    static CLOUD: LazyLock<MockCloud> = LazyLock::new(|| MockCloud::in_memory(MockOptions::default()));
    let told = |error: &dyn std::fmt::Display| assert!(!error.to_string().is_empty());
    let resources = build_platform(config, "fuzz").inspect_err(|error| told(error)).ok()?;
    let facts = at_once(CLOUD.answer(&resources.questions())).inspect_err(|error| told(error)).ok()?;
    lower(&resources, &facts).inspect_err(|error| told(error)).ok()
}

/// Returns what a future has at once; the simulated cloud's facts wait for nothing.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("facts of the simulated cloud had to be waited for"),
    }
}
