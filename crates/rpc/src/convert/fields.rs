//! How single fields are read and bounded; every conversation's file uses these and nothing else for it.

use super::ConvertError;
use super::words::Word;
use changeover_model::Timestamp;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Most entries of any list on the wire.
pub const LONGEST_LIST: usize = 10_000;
/// Longest name, bytes.
const LONGEST_NAME: usize = 255;
/// Longest text of any kind, bytes.
const LONGEST_TEXT: usize = 64 * 1024;
/// Longest text of a log event and longest tail of an output, bytes.
const LONGEST_EVENT_TEXT: usize = 4 * 1024;

/// A name: not empty, bounded, no control characters.
pub(super) fn name<N: From<String>>(field: &'static str, text: String) -> Result<N, ConvertError> {
    if text.is_empty() {
        return Err(ConvertError::Missing { field });
    }
    if text.len() > LONGEST_NAME {
        return Err(ConvertError::TooLong {
            field,
            got: text.len(),
            unit: "bytes",
            limit: LONGEST_NAME,
        });
    }
    if text.chars().any(char::is_control) {
        return Err(ConvertError::unreadable(field, &text, "name"));
    }
    Ok(N::from(text))
}

pub(super) fn optional_name<N: From<String>>(
    field: &'static str,
    text: Option<String>,
) -> Result<Option<N>, ConvertError> {
    text.map(|text| name(field, text)).transpose()
}

pub(super) fn names<N: From<String>>(
    field: &'static str,
    texts: Vec<String>,
) -> Result<Vec<N>, ConvertError> {
    check_length(field, texts.len())?;
    texts.into_iter().map(|text| name(field, text)).collect()
}

pub(super) fn to_texts<N: ToString>(names: &[N]) -> Vec<String> {
    names.iter().map(N::to_string).collect()
}

pub(super) fn to_text<N: ToString>(name: &Option<N>) -> Option<String> {
    name.as_ref().map(N::to_string)
}

/// A text that must not be changed: refused when too long.
pub(super) fn exact(field: &'static str, text: String) -> Result<String, ConvertError> {
    if text.len() > LONGEST_TEXT {
        return Err(ConvertError::TooLong {
            field,
            got: text.len(),
            unit: "bytes",
            limit: LONGEST_TEXT,
        });
    }
    Ok(text)
}

pub(super) fn exact_list(
    field: &'static str,
    texts: Vec<String>,
) -> Result<Vec<String>, ConvertError> {
    check_length(field, texts.len())?;
    texts.into_iter().map(|text| exact(field, text)).collect()
}

/// A text for people: cut at its end when too long.
pub(super) fn prose(text: String) -> String {
    cut(text, LONGEST_TEXT)
}

/// The text of a log event: cut at its end when too long.
pub(super) fn event_text(text: String) -> String {
    cut(text, LONGEST_EVENT_TEXT)
}

/// The end of an output: cut at its beginning when too long.
pub(super) fn tail(mut text: String) -> String {
    if text.len() > LONGEST_EVENT_TEXT {
        let from = text.ceil_char_boundary(text.len() - LONGEST_EVENT_TEXT);
        text.drain(..from);
    }
    text
}

fn cut(mut text: String, limit: usize) -> String {
    text.truncate(text.floor_char_boundary(limit));
    text
}

fn check_length(field: &'static str, got: usize) -> Result<(), ConvertError> {
    bounded(field, got, LONGEST_LIST)
}

pub(super) fn bounded(field: &'static str, got: usize, limit: usize) -> Result<(), ConvertError> {
    if got > limit {
        return Err(ConvertError::TooLong {
            field,
            got,
            unit: "entries",
            limit,
        });
    }
    Ok(())
}

pub(super) fn list<W, M>(field: &'static str, wires: Vec<W>) -> Result<Vec<M>, ConvertError>
where
    M: TryFrom<W, Error = ConvertError>,
{
    check_length(field, wires.len())?;
    wires.into_iter().map(M::try_from).collect()
}

pub(super) fn to_list<M, W: From<M>>(models: Vec<M>) -> Vec<W> {
    models.into_iter().map(W::from).collect()
}

pub(super) fn required<W, M>(field: &'static str, wire: Option<W>) -> Result<M, ConvertError>
where
    M: TryFrom<W, Error = ConvertError>,
{
    M::try_from(wire.ok_or(ConvertError::Missing { field })?)
}

pub(super) fn optional<W, M>(wire: Option<W>) -> Result<Option<M>, ConvertError>
where
    M: TryFrom<W, Error = ConvertError>,
{
    wire.map(M::try_from).transpose()
}

pub(super) fn word<M: Word>(field: &'static str, value: i32) -> Result<M, ConvertError> {
    M::from_wire(value).ok_or(ConvertError::UnknownValue { field, value })
}

pub(super) fn optional_word<M: Word>(
    field: &'static str,
    value: Option<i32>,
) -> Result<Option<M>, ConvertError> {
    value.map(|value| word(field, value)).transpose()
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

pub(super) fn optional_micros(at: Option<Timestamp>) -> Option<u64> {
    at.map(|at| at.0)
}

pub(super) fn port(field: &'static str, port: u32) -> Result<u16, ConvertError> {
    u16::try_from(port).map_err(|_| ConvertError::unreadable(field, &port.to_string(), "port"))
}

pub(super) fn prefix(field: &'static str, prefix: u32) -> Result<u8, ConvertError> {
    u8::try_from(prefix)
        .ok()
        .filter(|bits| *bits <= 128)
        .ok_or_else(|| ConvertError::unreadable(field, &prefix.to_string(), "prefix length"))
}

pub(super) fn address(field: &'static str, text: &str) -> Result<IpAddr, ConvertError> {
    if text.is_empty() {
        return Err(ConvertError::Missing { field });
    }
    text.parse()
        .map_err(|_| ConvertError::unreadable(field, text, "IP address"))
}

pub(super) fn socket_address(field: &'static str, text: &str) -> Result<SocketAddr, ConvertError> {
    if text.is_empty() {
        return Err(ConvertError::Missing { field });
    }
    text.parse()
        .map_err(|_| ConvertError::unreadable(field, text, "ADDRESS:PORT"))
}
