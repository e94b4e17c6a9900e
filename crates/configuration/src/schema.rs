//! The JSON Schema of the environment file, for editors that complete and check while one types.
//!
//! Owns the translation of the tables of [`crate::keys`]; shipped as `deploy/environment.schema.json`.

use crate::keys::{EndpointKind, HEALTH, Key, Kind, Object, PROBES, Presence, ROOT, Scalar};
use serde_json::{Map, Value, json};

/// The schema (JSON Schema 2020-12).
pub fn json_schema() -> Value {
    let mut schema = object(&ROOT);
    if let Some(fields) = schema.as_object_mut() {
        fields.insert(
            "$schema".into(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        fields.insert(
            "title".into(),
            json!("Changeover environment file, version 1"),
        );
    }
    schema
}

fn object(object: &'static Object) -> Value {
    let properties: Map<String, Value> = object
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    let mut schema = json!({
        "type": ["object", "null"],
        "description": object.doc,
        "properties": properties,
        "additionalProperties": false,
    });
    // Objects of named maps may be overrides of derived ones, so `required` is left to `changeover check`,
    // except at the top, where nothing is derived.
    if std::ptr::eq(object, &raw const ROOT) {
        let required: Vec<&str> = object
            .keys
            .iter()
            .filter(|key| key.presence == Presence::Required)
            .map(|key| key.name)
            .collect();
        schema["required"] = json!(required);
        schema["type"] = json!("object");
    }
    if std::ptr::eq(object, &raw const HEALTH) {
        schema["oneOf"] = PROBES
            .map(|probe| json!({"required": [probe]}))
            .into_iter()
            .collect();
    }
    if object.exactly_one {
        schema["minProperties"] = json!(1);
        schema["maxProperties"] = json!(1);
        schema["type"] = json!("object");
    }
    schema
}

fn property(key: &'static Key) -> Value {
    let mut schema = kind(&key.kind);
    let text = match &key.presence {
        Presence::Required => key.doc.to_owned(),
        Presence::Default("-") => key.doc.to_owned(),
        Presence::Default(default) => format!("{} Default: {default}.", key.doc),
    };
    schema["description"] = json!(text);
    schema
}

const DURATION: &str = "^([0-9]+(\\.[0-9]+)?|\\.[0-9]+) *(us|ms|s|m|h|d)$|^0$";

fn duration() -> Value {
    json!({"anyOf": [{"type": "string", "pattern": DURATION}, {"const": 0}]})
}

fn kind(of: &'static Kind) -> Value {
    match of {
        Kind::One(of) => scalar(of),
        Kind::Options => json!({
            "type": ["object", "null"],
            "additionalProperties": {
                "type": ["object", "null"],
                "additionalProperties": {"type": ["string", "number", "boolean", "array"]},
            },
        }),
        Kind::List(of) => json!({"type": "array", "items": kind(of)}),
        Kind::Object(of) => object(of),
        Kind::Named(of) => json!({
            "type": ["object", "null"],
            "additionalProperties": object(of),
        }),
        Kind::PerHost(of) => json!({"type": "object", "additionalProperties": kind(of)}),
        Kind::Either(single, several) => json!({"anyOf": [kind(single), kind(several)]}),
    }
}

fn scalar(of: &Scalar) -> Value {
    match of {
        Scalar::Version => json!({"const": 1}),
        Scalar::Name | Scalar::Text => json!({"type": ["string", "number", "boolean"]}),
        Scalar::Reference(target) => json!({
            "type": ["string", "number"],
            "$comment": format!("a name under `{}`", target.section()),
        }),
        Scalar::Rule => json!({"enum": crate::rules::names().collect::<Vec<_>>()}),
        Scalar::Boolean => json!({"type": "boolean"}),
        Scalar::Duration { positive: true } | Scalar::CancelTimeout => {
            json!({"type": "string", "pattern": DURATION})
        }
        Scalar::Duration { positive: false } => duration(),
        Scalar::DurationOrOff => json!({"anyOf": [duration(), {"enum": ["off", false]}]}),
        Scalar::OptionDuration => json!({"anyOf": [
            {"type": "string", "pattern": DURATION},
            {"type": "number", "exclusiveMinimum": 0},
        ]}),
        Scalar::Count { least, most } => {
            json!({"type": "integer", "minimum": least, "maximum": most})
        }
        Scalar::Port => json!({"type": "integer", "minimum": 1, "maximum": 65535}),
        Scalar::Size => json!({"type": ["string", "integer"]}),
        Scalar::Address => json!({"type": "string", "pattern": "^[0-9A-Fa-f:.]+$"}),
        Scalar::Prefixed => json!({"type": "string", "pattern": "^[0-9A-Fa-f:.]+/[0-9]{1,3}$"}),
        Scalar::HostPort => json!({"type": "string", "pattern": "^.+:[0-9]+$"}),
        Scalar::Endpoint(EndpointKind::Sip) => {
            json!({"type": "string", "pattern": "^(udp|tcp):.+:[0-9]+$"})
        }
        Scalar::Endpoint(EndpointKind::Tcp) => json!({"type": "string", "pattern": "^.+:[0-9]+$"}),
        Scalar::Endpoint(EndpointKind::Http) => json!({"type": "string", "pattern": "^http://.+"}),
        Scalar::StatusRange => json!({"anyOf": [
            {"type": "integer", "minimum": 100, "maximum": 699},
            {"type": "string", "pattern": "^[1-6][0-9]{2}( *- *[1-6][0-9]{2})?$"},
        ]}),
        Scalar::EventId => json!({"anyOf": [
            {"type": "integer", "minimum": 1},
            {"type": "string", "pattern": "^(00-)?[0-9]{1,9}$"},
        ]}),
        Scalar::Words(words) => words_schema(words),
        Scalar::ControllerLoss => json!({
            "type": "string",
            "pattern": "^(hold|quorum|release-after +[0-9.]+ *(us|ms|s|m|h|d))$",
        }),
    }
}

/// Editors that still read YAML 1.1 see `on` and `off` as booleans.
fn words_schema(words: &[&str]) -> Value {
    let mut values: Vec<Value> = words.iter().map(|word| json!(word)).collect();
    for (word, boolean) in [("on", true), ("off", false)] {
        if words.contains(&word) {
            values.push(json!(boolean));
        }
    }
    json!({"enum": values})
}
