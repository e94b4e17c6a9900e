//! What `check` finds in a valid file.
//!
//! Owns the finding and its two renderings; the rules stand in [`crate::rules`].

use crate::problem::{drawn, renderer};
use crate::source::{Place, SourceText};
use annotate_snippets::{Group, Level};
use serde::Serialize;
use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The site would not do what it is there for; `rehearse`, `up` and `prove` refuse the file.
    Error,
    /// Somebody should look at it.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// One thing that a rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the rule, kebab-case, stable.
    pub rule: &'static str,
    /// How bad.
    pub severity: Severity,
    /// What it is, with the names of the objects.
    pub message: String,
    /// Why it matters.
    pub why: String,
    /// What to write instead.
    pub fix: String,
    /// Where, if it has a place.
    pub place: Option<Place>,
}

/// The text for people: each finding with its line shown, then the count.
pub fn render(source: &SourceText, findings: &[Finding], color: bool) -> String {
    let mut text = String::new();
    for finding in findings {
        text.push_str(&render_one(source, finding, color));
        text.push_str("\n\n");
    }
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let plural =
        |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let verdict = match (errors, warnings) {
        (0, 0) => "no objections".to_owned(),
        _ => format!(
            "{}, {}",
            plural(errors, "error"),
            plural(warnings, "warning")
        ),
    };
    text.push_str(&format!("{}: {verdict}\n", source.name()));
    text
}

fn render_one(source: &SourceText, finding: &Finding, color: bool) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(finding.message.as_str())
        .id(finding.rule);
    let mut group = match &finding.place {
        Some(place) => drawn(title, source, place.span, "", &[]),
        None => Group::with_title(title),
    };
    group = group
        .element(Level::NOTE.message(finding.why.as_str()))
        .element(Level::HELP.message(finding.fix.as_str()));
    renderer(color).render(&[group])
}

/// The same as one JSON document.
pub fn findings_json(source: &SourceText, findings: &[Finding]) -> serde_json::Value {
    let errors = findings
        .iter()
        .filter(|f| f.severity == Severity::Error)
        .count();
    serde_json::json!({
        "valid": true,
        "file": source.name(),
        "errors": errors,
        "warnings": findings.len() - errors,
        "findings": findings,
    })
}
