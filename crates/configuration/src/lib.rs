//! From the text of an environment file to the validated [`Environment`], and the rules that check it.
//!
//! Owns the file's form: reading ([`load`]), derivation of what a pair implies, the checks on it ([`check`]), the
//! full text of every object ([`show`]) and the JSON Schema ([`json_schema`]). Does no IO: callers read and write
//! files. The flow: `tree` (YAML with places) -> `validate` (keys and values) -> `derive` and `merge` (the guide's
//! objects, with the operator's words over them) -> `complete` (required keys, references) -> `decode` (the
//! model) -> `rules`. Everything after that works on the [`Environment`] in `changeover-model`.
#![warn(missing_docs)]
#![warn(
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

mod complete;
mod decode;
mod derive;
mod finding;
mod health;
mod keys;
mod merge;
mod nearest;
mod origins;
mod problem;
mod reference;
mod rehearsal;
mod rules;
mod sarif;
mod schema;
mod script_facts;
mod show;
mod source;
mod tree;
mod validate;
mod values;
mod worst_times;

pub use finding::{Finding, Severity, findings_json, render};
pub use origins::{Origin, Origins};
pub use problem::{Problem, Problems};
pub use reference::{keys_markdown, rules_markdown};
pub use rehearsal::RehearsalSettings;
pub use rules::{CheckOptions, Rule, all as rules, check, refuse_unknown};
pub use sarif::{findings_sarif, problems_sarif};
pub use schema::json_schema;
pub use script_facts::{HeldAddress, ScriptFacts, ScriptFile, Trial, TrialEnd, TrialRun};
pub use show::{explicit, show, show_json};
pub use source::{Place, SourceText, Span};
pub use worst_times::{
    Worst, WorstCase, WorstTimes, worst_times, worst_times_json, worst_times_text,
};

use changeover_model::environment::Environment;
use problem::Collector;
use tree::Node;

/// A valid environment file.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it means.
    pub environment: Environment,
    /// Where each object and value came from.
    pub origins: Origins,
    /// The text.
    pub source: SourceText,
    /// What is worth a word although the file is valid.
    pub warnings: Vec<Finding>,
    /// Rules that the file itself allows to be broken (`check: {allow: […]}`), with their places.
    pub allowed: Vec<(String, Span)>,
    /// What a rehearsal of it plays.
    pub rehearsal: RehearsalSettings,
}

/// Reads an environment file; `file_name` is only for messages.
///
/// # Errors
/// All problems that make the file unusable, at once.
pub fn load(file_name: &str, text: &str) -> Result<Loaded, Problems> {
    let source = SourceText::new(file_name, text);
    let mut problems = Collector::default();
    let parsed = tree::parse(&source, &mut problems);
    let Some(root) = parsed.root else {
        if problems.is_empty() {
            problems.push(
                Problem::new("syntax", Span::default(), "the file is empty").help(
                    "`changeover new DIR --platform linux --redundancy hot` writes a complete one",
                ),
            );
        }
        return Err(problems.finish(source));
    };
    validate::validate(&root, &keys::ROOT, &mut problems);
    let merged = derive::derive(&root, &mut problems);
    let origins = complete::complete(&merged, &keys::ROOT, &source, &mut problems);
    let environment = decode::decode(&merged.root, &mut problems);
    match environment {
        Some(environment) if problems.is_empty() => Ok(Loaded {
            environment,
            origins,
            warnings: unused_anchors(&source, parsed.unused_anchors),
            allowed: allowed(&root),
            rehearsal: rehearsal::settings(&root),
            source,
        }),
        _ => {
            if problems.is_empty() {
                // No stage explained it: our own omission, said so rather than hidden.
                problems.push(
                    Problem::new(
                        "unreadable",
                        root.span,
                        "this file cannot be used, and the reason was not recognised",
                    )
                    .help("please report it as a defect, with the file"),
                );
            }
            Err(problems.finish(source))
        }
    }
}

fn allowed(root: &Node) -> Vec<(String, Span)> {
    root.at(&["check", "allow"])
        .map_or(&[][..], Node::items)
        .iter()
        .filter_map(|item| Some((item.text()?.to_owned(), item.span)))
        .collect()
}

fn unused_anchors(source: &SourceText, anchors: Vec<tree::UnusedAnchor>) -> Vec<Finding> {
    anchors
        .into_iter()
        .map(|anchor| Finding {
            rule: "unused-anchor",
            severity: Severity::Warning,
            message: format!("no alias uses the anchor &{}", anchor.name),
            why: "an anchor that nobody uses is often a misspelt one".to_owned(),
            fix: format!("remove &{0}, or write *{0} where it is meant", anchor.name),
            place: Some(source.place(anchor.span)),
        })
        .collect()
}
