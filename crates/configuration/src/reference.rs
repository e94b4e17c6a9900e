//! The operator's tables: every key of the file, every rule of `check`.
//!
//! Owns their text as Markdown. They stand in docs/operator/environment-file.md and docs/operator/check-rules.md;
//! a test holds the pages to them.

use crate::keys::{EndpointKind, Kind, Object, Presence, ROOT, Scalar};
use crate::rules;

/// Every key with its kind, default and meaning, one table per object.
pub fn keys_markdown() -> String {
    let mut text = String::new();
    let mut seen: Vec<&'static str> = Vec::new();
    object("", &ROOT, &mut seen, &mut text);
    text
}

fn object(path: &str, of: &'static Object, seen: &mut Vec<&'static str>, text: &mut String) {
    let title = if path.is_empty() {
        "The file".to_owned()
    } else {
        format!("`{path}`")
    };
    text.push_str(&format!("### {title}\n\n{}\n", of.doc));
    if of.keys.is_empty() {
        text.push('\n');
        return;
    }
    if seen.contains(&of.name) {
        text.push_str("The keys are those above.\n\n");
        return;
    }
    seen.push(of.name);
    text.push_str("\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
    for key in of.keys {
        let (default, doc) = match &key.presence {
            Presence::Required => ("**required**", key.doc.to_owned()),
            Presence::Default("-") => ("", key.doc.to_owned()),
            Presence::Default(default) => (*default, key.doc.to_owned()),
        };
        text.push_str(&format!(
            "| `{}` | {} | {default} | {doc} |\n",
            key.name,
            value(&key.kind)
        ));
    }
    text.push('\n');
    for key in of.keys {
        let path = if path.is_empty() {
            key.name.to_owned()
        } else {
            format!("{path}.{}", key.name)
        };
        below(&path, &key.kind, seen, text);
    }
}

fn below(path: &str, kind: &'static Kind, seen: &mut Vec<&'static str>, text: &mut String) {
    match kind {
        Kind::Object(of) if !of.keys.is_empty() => object(path, of, seen, text),
        Kind::Named(of) if !of.keys.is_empty() => {
            object(&format!("{path}.NAME"), of, seen, text);
        }
        Kind::List(of) => below(&format!("{path}[]"), of, seen, text),
        Kind::PerHost(of) => below(&format!("{path}.HOST"), of, seen, text),
        Kind::Either(_, several) => below(path, several, seen, text),
        Kind::One(_) | Kind::Object(_) | Kind::Named(_) | Kind::Options => {}
    }
}

fn value(kind: &Kind) -> String {
    match kind {
        Kind::One(of) => scalar(of),
        Kind::Options => "sections of options".to_owned(),
        Kind::List(of) => format!("list: {}", value(of)),
        Kind::Object(_) => "keys below".to_owned(),
        Kind::Named(_) => "map by name".to_owned(),
        Kind::PerHost(of) => format!("map by host: {}", value(of)),
        Kind::Either(single, several) => format!("{}; or {}", value(single), value(several)),
    }
}

fn scalar(of: &Scalar) -> String {
    match of {
        Scalar::Version => "`1`".to_owned(),
        Scalar::Name => "a name".to_owned(),
        Scalar::Text => "text".to_owned(),
        Scalar::Boolean => "`true` or `false`".to_owned(),
        Scalar::Duration { positive: true } | Scalar::CancelTimeout => {
            "duration above zero".to_owned()
        }
        Scalar::Duration { positive: false } => "duration".to_owned(),
        Scalar::DurationOrOff => "duration or `off`".to_owned(),
        Scalar::OptionDuration => "seconds, or duration".to_owned(),
        Scalar::Count { least, most } => format!("{least} to {most}"),
        Scalar::Port => "port".to_owned(),
        Scalar::Size => "size".to_owned(),
        Scalar::Address => "IP address".to_owned(),
        Scalar::Prefixed => "IP address/prefix length".to_owned(),
        Scalar::HostPort => "host:port".to_owned(),
        Scalar::Endpoint(EndpointKind::Sip) => "`udp:` or `tcp:`, address:port".to_owned(),
        Scalar::Endpoint(EndpointKind::Tcp) => "address:port".to_owned(),
        Scalar::Endpoint(EndpointKind::Http) => "`http://` address:port path".to_owned(),
        Scalar::StatusRange => "status code, or a range as `200-399`".to_owned(),
        Scalar::EventId => "log event ID".to_owned(),
        Scalar::Words(words) => words
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", "),
        Scalar::ControllerLoss => "`hold`, `release-after` duration, `quorum`".to_owned(),
        Scalar::Rule => "name of a rule".to_owned(),
        Scalar::Reference(target) => format!("name of a {}", target.noun()),
    }
}

/// Every rule: a table of what they look at, and a section for each with why and the fix.
pub fn rules_markdown() -> String {
    let mut text = "| rule | severity | looks at |\n| --- | --- | --- |\n".to_owned();
    for rule in rules::all() {
        text.push_str(&format!(
            "| [`{0}`](#{0}) | {1} | {2} |\n",
            rule.name, rule.severity, rule.about
        ));
    }
    for rule in rules::all() {
        text.push_str(&format!(
            "\n### {}\n\n{} ({})\n\n- Why: {}.\n- Fix: {}.\n",
            rule.name, rule.about, rule.severity, rule.why, rule.fix
        ));
    }
    text
}
