//! What the tests of the rules share: the shipped example, edited, under one rule.

use super::{Context, Rule, run};
use std::time::Duration;

/// The site that every rule accepts.
pub(super) const GOOD: &str = include_str!("../../../../deploy/examples/linux-hot.yaml");

/// The example with texts replaced; each must be there.
pub(super) fn edited(edits: &[(&str, &str)]) -> String {
    let mut text = GOOD.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "the example has no `{from}`");
        text = text.replace(from, to);
    }
    text
}

/// What a rule says about the edited example.
pub(super) fn messages(rule: &'static Rule, edits: &[(&str, &str)]) -> Vec<String> {
    messages_with_latency(rule, edits, None)
}

/// The same with a network latency.
pub(super) fn messages_with_latency(
    rule: &'static Rule,
    edits: &[(&str, &str)],
    latency: Option<Duration>,
) -> Vec<String> {
    let loaded = match crate::load("site.yaml", &edited(edits)) {
        Ok(loaded) => loaded,
        Err(problems) => panic!("{problems}"),
    };
    let context = Context {
        environment: &loaded.environment,
        latency,
        scripts: &[],
        loaded: &loaded,
    };
    run(rule, &context)
        .into_iter()
        .map(|finding| finding.message)
        .collect()
}

/// An edit that adds lines to the end of the file.
pub(super) const END: &str = "          sync-reconnect-tout: 7\n";

/// The same with `more` after it.
pub(super) fn and(more: &str) -> String {
    format!("{END}{more}")
}
