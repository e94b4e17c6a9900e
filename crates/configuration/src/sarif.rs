//! Findings and problems in SARIF 2.1.0, the form that code review tools and editors read.
//!
//! Owns the document's shape. Every rule is described in it, whether it found something or not, so that a reader can
//! tell "looked and found nothing" from "did not look".

use crate::finding::{Finding, Severity};
use crate::problem::Problems;
use crate::rules;
use crate::source::{Place, SourceText};
use serde_json::{Value, json};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// The page with a section for each rule.
const PAGE: &str = "docs/operator/check-rules.md";

/// What the rules found, as one SARIF document.
pub fn findings_sarif(source: &SourceText, findings: &[Finding]) -> Value {
    let results = findings.iter().map(|finding| {
        let text = format!("{}: {}. {}", finding.message, finding.why, finding.fix);
        result(
            finding.rule,
            level(finding.severity),
            &text,
            finding.place.as_ref(),
            source,
        )
    });
    document(source, results.collect(), true)
}

/// Why a file is no valid environment, as one SARIF document: no rule was run.
pub fn problems_sarif(problems: &Problems) -> Value {
    let source = problems.source();
    let results = problems.iter().map(|problem| {
        let place = source.place(problem.span);
        let help = problem.help.as_deref().unwrap_or_default();
        let text = format!("{}. {help}", problem.message);
        result(problem.code, "error", text.trim_end(), Some(&place), source)
    });
    document(source, results.collect(), false)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn document(source: &SourceText, results: Vec<Value>, successful: bool) -> Value {
    let described = rules::all().iter().map(|rule| {
        json!({
            "id": rule.name,
            "shortDescription": {"text": rule.about},
            "fullDescription": {"text": rule.why},
            "help": {
                "text": rule.fix,
                "markdown": format!("{} See `{PAGE}#{}`.", rule.fix, rule.name),
            },
            "defaultConfiguration": {"level": level(rule.severity)},
        })
    });
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "changeover",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": described.collect::<Vec<_>>(),
            }},
            "invocations": [{"executionSuccessful": successful}],
            "artifacts": [{"location": {"uri": uri(source.name())}}],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(
    rule: &str,
    level: &str,
    text: &str,
    place: Option<&Place>,
    source: &SourceText,
) -> Value {
    let file = uri(place.map_or(source.name(), |place| place.file.as_str()));
    let mut physical = json!({"artifactLocation": {"uri": file, "index": 0}});
    if let (Some(place), Some(physical)) = (place, physical.as_object_mut()) {
        let region = json!({
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
        });
        physical.insert("region".to_owned(), region);
    }
    let mut result = json!({
        "ruleId": rule,
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": physical}],
    });
    // A problem of the file's form is of no rule.
    if let (Some(index), Some(result)) = (
        rules::all().iter().position(|known| known.name == rule),
        result.as_object_mut(),
    ) {
        result.insert("ruleIndex".to_owned(), json!(index));
    }
    result
}

/// A file name as a URI reference (RFC 3986): what it does not allow is written in percent.
fn uri(file: &str) -> String {
    let mut uri = String::new();
    for byte in file.bytes() {
        let letter = char::from(byte);
        if byte.is_ascii_alphanumeric() || matches!(letter, '/' | '.' | '-' | '_' | '~') {
            uri.push(letter);
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    if file.starts_with('/') {
        format!("file://{uri}")
    } else {
        uri
    }
}
