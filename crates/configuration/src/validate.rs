//! Is every key known and every value of its kind? Judged on the text as written, before derivation.
//!
//! Owns the walk through the tree along the tables of [`crate::keys`]. What an object lacks and whether references
//! lead anywhere is judged on the merged tree by [`crate::complete`].
#![warn(clippy::indexing_slicing)]

use crate::health;
use crate::keys::{HEALTH, HEALTH_CHECK, HOOK_LIST, Kind, Object, Scalar};
use crate::nearest::{did_you_mean, nearest};
use crate::problem::{Collector, Problem};
use crate::tree::{self, Entry, Node};
use crate::values;

/// Walks the tree and reports every key and value that is wrong.
pub(crate) fn validate(root: &Node, object: &'static Object, problems: &mut Collector) {
    self::object(root, object, problems);
}

fn object(node: &Node, object: &'static Object, problems: &mut Collector) {
    let Some(entries) = entries(node, object.name, problems) else {
        return;
    };
    for entry in entries {
        match object.key(&entry.key) {
            Some(key) => value(&entry.value, &key.kind, problems),
            None if problems.is_full() => problems.count_only(),
            None => problems.push(unknown_key(entry, object)),
        }
    }
    if std::ptr::eq(object, &raw const HEALTH) {
        health::coherent(node, problems);
    }
    if object.exactly_one && entries.len() != 1 {
        problems.push(not_exactly_one(node, entries, object));
    }
}

/// The entries of a map; `None` and a problem for anything else, no entries for an empty value.
fn entries<'n>(node: &'n Node, what: &str, problems: &mut Collector) -> Option<&'n [Entry]> {
    match &node.kind {
        tree::Kind::Map(entries) => Some(entries),
        tree::Kind::Null => Some(&[]),
        tree::Kind::Scalar { .. } | tree::Kind::List(_) => {
            problems.push(
                Problem::new(
                    "wrong-type",
                    node.span,
                    format!("expected the keys of {what}, found {}", node.kind_name()),
                )
                .help("write `key: value` lines, or `{key: value}`"),
            );
            None
        }
    }
}

/// Checks a value against its kind.
pub(crate) fn value(node: &Node, kind: &'static Kind, problems: &mut Collector) {
    match kind {
        Kind::Object(of) => object(node, of, problems),
        Kind::Named(of) => {
            for entry in entries(node, "a map of names", problems).unwrap_or(&[]) {
                keep(values::name_text(&entry.key, entry.key_span), problems);
                object(&entry.value, of, problems);
            }
        }
        Kind::PerHost(of) => {
            for entry in entries(node, "a map of host names", problems).unwrap_or(&[]) {
                value(&entry.value, of, problems);
            }
        }
        Kind::List(of) => list(node, of, problems),
        Kind::Either(single, several) => {
            let of = crate::keys::pick(single, several, node);
            value(node, of, problems);
        }
        Kind::Options => options(node, problems),
        Kind::One(scalar) => single(node, scalar, problems),
    }
}

fn single(node: &Node, scalar: &Scalar, problems: &mut Collector) {
    match scalar {
        Scalar::Version => keep(values::version(node), problems),
        Scalar::Name | Scalar::Reference(_) => keep(values::name(node), problems),
        Scalar::Text => keep(values::text(node), problems),
        Scalar::Boolean => keep(values::boolean(node), problems),
        Scalar::Duration { positive } => keep(values::duration(node, *positive), problems),
        Scalar::DurationOrOff => keep(values::duration_or_off(node), problems),
        Scalar::OptionDuration => keep(values::option_duration(node), problems),
        Scalar::CancelTimeout => keep(values::cancel_timeout(node), problems),
        Scalar::Count { least, most } => {
            keep(values::count(node, *least, *most, "a number"), problems);
        }
        Scalar::Port => keep(values::port(node), problems),
        Scalar::Size => keep(values::size(node), problems),
        Scalar::Address => keep(values::address(node), problems),
        Scalar::Prefixed => keep(values::prefixed(node), problems),
        Scalar::HostPort => keep(values::host_port(node), problems),
        Scalar::Endpoint(of) => keep(health::endpoint(node, *of), problems),
        Scalar::StatusRange => keep(health::status_range(node), problems),
        Scalar::EventId => keep(values::event_id(node), problems),
        Scalar::Words(words) => keep(values::word(node, words), problems),
        Scalar::ControllerLoss => keep(values::controller_loss(node), problems),
        Scalar::Rule => rule(node, problems),
    }
}

fn keep<T>(read: values::Read<T>, problems: &mut Collector) {
    if let Err(problem) = read {
        problems.push(*problem);
    }
}

fn list(node: &Node, of: &'static Kind, problems: &mut Collector) {
    match &node.kind {
        tree::Kind::List(items) => {
            for item in items {
                value(item, of, problems);
            }
            if std::ptr::eq(of, &raw const HEALTH_CHECK) {
                health::coherent_list(items, problems);
            } else if let Kind::List(hooks) = &HOOK_LIST
                && std::ptr::eq(of, *hooks)
            {
                health::bounded_hooks(items, problems);
            }
        }
        tree::Kind::Null | tree::Kind::Scalar { .. } | tree::Kind::Map(_) => {
            let help = node.text().map_or_else(
                || "write items, each on a line with a dash; `[]` for none".to_owned(),
                |text| format!("write [{text}]"),
            );
            problems.push(
                Problem::new(
                    "wrong-type",
                    node.span,
                    format!("expected a list, found {}", node.kind_name()),
                )
                .help(help),
            );
        }
    }
}

fn options(node: &Node, problems: &mut Collector) {
    let sections = entries(node, "option sections", problems).unwrap_or(&[]);
    refuse_same_in_any_case(sections, "section", problems);
    for section in sections {
        if section.value.text().is_some() {
            problems.push(
                Problem::new(
                    "wrong-type",
                    section.value.span,
                    format!(
                        "`{}` is a section: expected its options, found a single value",
                        section.key
                    ),
                )
                .help(format!(
                    "write the option under its section, as in TServer: {{{}: {}}}",
                    section.key,
                    section.value.text().unwrap_or_default()
                )),
            );
            continue;
        }
        let options = entries(&section.value, "options", problems).unwrap_or(&[]);
        refuse_same_in_any_case(options, "option", problems);
        for option in options {
            keep(values::option_value(&option.value), problems);
        }
    }
}

fn refuse_same_in_any_case(entries: &[Entry], what: &str, problems: &mut Collector) {
    let mut seen = std::collections::BTreeMap::new();
    for entry in entries {
        if let Some(first) = seen.insert(entry.key.to_ascii_lowercase(), entry.key_span) {
            problems.push(
                Problem::new(
                    "duplicate-key",
                    entry.key_span,
                    format!("the {what} `{}` is written twice", entry.key),
                )
                .label("the same in another case")
                .related(first, "first written here")
                .note("sections and options match in any case")
                .help("keep one of them"),
            );
        }
    }
}

fn rule(node: &Node, problems: &mut Collector) {
    let name = match values::name(node) {
        Ok(name) => name,
        Err(problem) => return problems.push(*problem),
    };
    if !crate::rules::is_known(name) {
        let near = did_you_mean(name, crate::rules::names());
        problems.push(
            Problem::new(
                "unknown-rule",
                node.span,
                format!("there is no rule `{name}`{near}"),
            )
            .help("`changeover check` prints the name of the rule with each finding"),
        );
    }
}

fn unknown_key(entry: &Entry, object: &'static Object) -> Problem {
    let known: Vec<&str> = object.keys.iter().map(|key| key.name).collect();
    let problem = Problem::new(
        "unknown-key",
        entry.key_span,
        format!("unknown key `{}` in {}", entry.key, object.name),
    );
    if entry.key == "<<" {
        return problem.help("merge keys are YAML 1.1; repeat the keys, or write `key: *alias`");
    }
    match nearest(&entry.key, known.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => problem.help("it has no keys: write {}"),
        None => problem.help(format!("it has the keys {}", known.join(", "))),
    }
}

fn not_exactly_one(node: &Node, entries: &[Entry], object: &'static Object) -> Problem {
    let known: Vec<&str> = object.keys.iter().map(|key| key.name).collect();
    let mut problem = Problem::new(
        "not-exactly-one",
        node.span,
        if entries.is_empty() {
            format!("{} needs one of its keys", object.name)
        } else {
            format!(
                "{} has {} keys, but does exactly one thing",
                object.name,
                entries.len()
            )
        },
    );
    for entry in entries.iter().skip(1) {
        problem = problem.related(entry.key_span, "one too many");
    }
    problem.help(format!("write exactly one of {}", known.join(", ")))
}
