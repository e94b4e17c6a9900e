//! Owns the values of VBScript and how they turn into each other.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Done, runtime, type_mismatch};

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Empty,
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(String),
    Array(Vec<Value>),
    Object(Object),
}

/// An object; clones are the same one.
#[derive(Debug, Clone)]
pub(crate) enum Object {
    Nothing,
    WScript,
    Arguments,
    Shell,
    Network,
    Err,
    /// A program that ran: code, output, errors.
    Exec(Rc<Ran>),
    /// Its output, or its errors.
    Stream(Rc<Ran>, bool),
    /// WMI of a computer.
    Wmi(String),
    Collection(Rc<Vec<Value>>),
    Record(Rc<Record>),
}

/// Properties by name in lower case.
pub(crate) type Record = BTreeMap<String, Value>;

/// A program that ran.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(super) code: i64,
    /// What has not been read of output and errors.
    pub(super) left: RefCell<(String, String)>,
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// As `&` and `WScript.Echo` show it.
    pub(super) fn shown(&self) -> Done<String> {
        Ok(match self {
            Self::Empty | Self::Null => String::new(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Array(_) => return type_mismatch(),
            Self::Object(_) => {
                return runtime(438, "Object doesn't support this property or method");
            }
        })
    }

    /// As a number, if it is one or reads like one.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Empty => Some(0.0),
            Self::Bool(true) => Some(-1.0),
            Self::Bool(false) => Some(0.0),
            Self::Int(number) => number.to_string().parse().ok(),
            Self::Real(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Null | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// As a whole number, rounded to the even one at a half.
    pub(super) fn whole(&self) -> Done<i64> {
        if let Self::Int(number) = self {
            return Ok(*number);
        }
        match self.number() {
            Some(number) if number.abs() < 9e15 => {
                // Through text: there is no other way from a float that cannot lose its sign or wrap.
                let rounded = format!("{:.0}", number.round_ties_even());
                match rounded.parse() {
                    Ok(number) => Ok(number),
                    Err(_) => type_mismatch(),
                }
            }
            _ => type_mismatch(),
        }
    }

    /// Whether a condition holds.
    pub(super) fn holds(&self) -> Done<bool> {
        match self {
            Self::Null => Ok(false),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            other => match other.number() {
                Some(number) => Ok(number != 0.0),
                None => type_mismatch(),
            },
        }
    }

    pub(super) fn of_number(number: f64) -> Self {
        if number.fract() == 0.0 && number.abs() < 9e15 {
            match Self::Real(number).whole() {
                Ok(whole) => Self::Int(whole),
                Err(_) => Self::Real(number),
            }
        } else {
            Self::Real(number)
        }
    }

    /// Its name for `TypeName`.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Null => "Null",
            Self::Bool(_) => "Boolean",
            Self::Int(_) => "Integer",
            Self::Real(_) => "Double",
            Self::Text(_) => "String",
            Self::Array(_) => "Variant()",
            Self::Object(Object::Nothing) => "Nothing",
            Self::Object(_) => "Object",
        }
    }
}

/// Bytes of the longest text.
const LONGEST_TEXT: usize = 16 << 20;

/// An error if a text of that many bytes is too long.
pub(super) fn has_room(bytes: usize) -> Done<()> {
    if bytes > LONGEST_TEXT {
        return runtime(14, "Out of string space");
    }
    Ok(())
}

/// Whether two are equal, and which is smaller; `None` with Null in it.
pub(super) fn order(left: &Value, right: &Value) -> Done<Option<std::cmp::Ordering>> {
    if matches!(left, Value::Null) || matches!(right, Value::Null) {
        return Ok(None);
    }
    if let (Value::Text(left), Value::Text(right)) = (left, right) {
        return Ok(Some(left.cmp(right)));
    }
    // Nothing yet is an empty text to a text.
    match (left, right) {
        (Value::Empty, Value::Text(text)) => return Ok(Some("".cmp(text.as_str()))),
        (Value::Text(text), Value::Empty) => return Ok(Some(text.as_str().cmp(""))),
        _ => {}
    }
    match (left.number(), right.number()) {
        (Some(left), Some(right)) => Ok(left.partial_cmp(&right)),
        _ => Ok(Some(left.shown()?.cmp(&right.shown()?))),
    }
}
