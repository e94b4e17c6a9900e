//! Owns the functions and constants of the language that helpers use.

use super::value::{Value, has_room};
use super::{Done, runtime, type_mismatch};

/// A constant by its name.
pub(super) fn constant(name: &str) -> Option<Value> {
    Some(match name.to_lowercase().as_str() {
        "vbcrlf" | "vbnewline" => Value::text("\r\n"),
        "vbcr" => Value::text("\r"),
        "vblf" => Value::text("\n"),
        "vbtab" => Value::text("\t"),
        "vbnullstring" => Value::text(""),
        "vbtrue" => Value::Int(-1),
        "vbfalse" | "vbbinarycompare" => Value::Int(0),
        "vbtextcompare" => Value::Int(1),
        _ => return None,
    })
}

/// Calls a function; `None`: it is not among them.
pub(super) fn call(name: &str, args: &[Value]) -> Option<Done<Value>> {
    of_text(name, args).or_else(|| of_values(name, args))
}

fn text(args: &[Value], place: usize) -> Done<String> {
    match args.get(place) {
        Some(Value::Null) => runtime(94, "Invalid use of Null"),
        Some(value) => value.shown(),
        None => runtime(
            450,
            "Wrong number of arguments or invalid property assignment",
        ),
    }
}

fn whole(args: &[Value], place: usize) -> Done<i64> {
    match args.get(place) {
        Some(value) => value.whole(),
        None => runtime(
            450,
            "Wrong number of arguments or invalid property assignment",
        ),
    }
}

fn length(args: &[Value], place: usize) -> Done<usize> {
    match usize::try_from(whole(args, place)?) {
        Ok(length) => Ok(length),
        Err(_) => runtime(5, "Invalid procedure call or argument"),
    }
}

fn of_text(name: &str, args: &[Value]) -> Option<Done<Value>> {
    let one = |change: fn(&str) -> String| {
        if matches!(args.first(), Some(Value::Null)) {
            return Ok(Value::Null);
        }
        Ok(Value::Text(change(&text(args, 0)?)))
    };
    Some(match name {
        "lcase" => one(str::to_lowercase),
        "ucase" => one(str::to_uppercase),
        "trim" => one(|text| text.trim_matches(' ').to_owned()),
        "ltrim" => one(|text| text.trim_start_matches(' ').to_owned()),
        "rtrim" => one(|text| text.trim_end_matches(' ').to_owned()),
        "strreverse" => one(|text| text.chars().rev().collect()),
        "len" => text(args, 0).map(|text| count(text.chars().count())),
        "left" => cut(args, |letters, length| {
            letters.iter().take(length).collect()
        }),
        "right" => cut(args, |letters, length| {
            let from = letters.len().saturating_sub(length);
            letters.iter().skip(from).collect()
        }),
        "mid" => mid(args),
        "instr" => instr(args),
        "instrrev" => instr_reverse(args),
        "replace" => replace(args),
        "split" => split(args),
        "join" => join(args),
        "strcomp" => compared(args),
        "space" => length(args, 0).map(|length| Value::Text(" ".repeat(length.min(65_536)))),
        "chr" => whole(args, 0).map(|code| {
            let code = u32::try_from(code).ok().and_then(char::from_u32);
            Value::text(code.map_or_else(String::new, String::from))
        }),
        "asc" => text(args, 0).and_then(|text| match text.chars().next() {
            Some(letter) => Ok(Value::Int(i64::from(u32::from(letter)))),
            None => runtime(5, "Invalid procedure call or argument"),
        }),
        _ => return None,
    })
}

fn of_values(name: &str, args: &[Value]) -> Option<Done<Value>> {
    let is = |fits: fn(&Value) -> bool| match args {
        [value] => Ok(Value::Bool(fits(value))),
        _ => runtime(
            450,
            "Wrong number of arguments or invalid property assignment",
        ),
    };
    Some(match name {
        "isnull" => is(|value| matches!(value, Value::Null)),
        "isempty" => is(|value| matches!(value, Value::Empty)),
        "isarray" => is(|value| matches!(value, Value::Array(_))),
        "isobject" => is(|value| matches!(value, Value::Object(_))),
        "isnumeric" => is(|value| value.number().is_some()),
        "cstr" => text(args, 0).map(Value::Text),
        "cint" | "clng" => whole(args, 0).map(Value::Int),
        "cdbl" | "csng" => number(args).map(Value::Real),
        "int" | "fix" => number(args).map(|number| {
            Value::of_number(if name == "int" {
                number.floor()
            } else {
                number.trunc()
            })
        }),
        "abs" => number(args).map(|number| Value::of_number(number.abs())),
        "cbool" => match args.first() {
            Some(value) => value.holds().map(Value::Bool),
            None => type_mismatch(),
        },
        "array" => Ok(Value::Array(args.to_vec())),
        "ubound" => match args.first() {
            Some(Value::Array(items)) => Ok(count_to(items.len())),
            _ => type_mismatch(),
        },
        "lbound" => match args.first() {
            Some(Value::Array(_)) => Ok(Value::Int(0)),
            _ => type_mismatch(),
        },
        "typename" => match args.first() {
            Some(value) => Ok(Value::text(value.type_name())),
            None => type_mismatch(),
        },
        _ => return None,
    })
}

fn count(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn count_to(length: usize) -> Value {
    Value::Int(i64::try_from(length).unwrap_or(i64::MAX) - 1)
}

fn number(args: &[Value]) -> Done<f64> {
    match args.first().and_then(Value::number) {
        Some(number) => Ok(number),
        None => type_mismatch(),
    }
}

fn cut(args: &[Value], of: fn(&[char], usize) -> String) -> Done<Value> {
    let letters: Vec<char> = text(args, 0)?.chars().collect();
    Ok(Value::Text(of(&letters, length(args, 1)?)))
}

fn mid(args: &[Value]) -> Done<Value> {
    let letters: Vec<char> = text(args, 0)?.chars().collect();
    let Some(from) = length(args, 1)?.checked_sub(1) else {
        return runtime(5, "Invalid procedure call or argument");
    };
    let many = match args.get(2) {
        Some(_) => length(args, 2)?,
        None => letters.len(),
    };
    Ok(Value::Text(letters.iter().skip(from).take(many).collect()))
}

/// `InStr([start,] text, wanted [, compare])`: from 1; 0 when it is not there, Null with Null.
fn instr(args: &[Value]) -> Done<Value> {
    let starts = args.len() > 2 && matches!(args.first(), Some(Value::Int(_) | Value::Real(_)));
    let (start, args) = if starts {
        (length(args, 0)?.max(1), args.get(1..).unwrap_or_default())
    } else {
        (1, args)
    };
    if args
        .iter()
        .take(2)
        .any(|value| matches!(value, Value::Null))
    {
        return Ok(Value::Null);
    }
    let any_case = matches!(args.get(2), Some(value) if value.whole()? == 1);
    let fold = |text: String| {
        if any_case { text.to_lowercase() } else { text }
    };
    let (hay, wanted) = (fold(text(args, 0)?), fold(text(args, 1)?));
    let skipped: String = hay.chars().skip(start - 1).collect();
    Ok(match skipped.find(&wanted) {
        Some(position) => {
            let before = skipped.get(..position).unwrap_or_default().chars().count();
            count(before + start)
        }
        None => Value::Int(0),
    })
}

fn instr_reverse(args: &[Value]) -> Done<Value> {
    let (hay, wanted) = (text(args, 0)?, text(args, 1)?);
    Ok(match hay.rfind(&wanted) {
        Some(position) => count(hay.get(..position).unwrap_or_default().chars().count() + 1),
        None => Value::Int(0),
    })
}

fn replace(args: &[Value]) -> Done<Value> {
    let (hay, from, to) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let added = hay.matches(&from).count().saturating_mul(to.len());
    has_room(hay.len().saturating_add(added))?;
    Ok(Value::Text(if from.is_empty() {
        hay
    } else {
        hay.replace(&from, &to)
    }))
}

fn split(args: &[Value]) -> Done<Value> {
    let hay = text(args, 0)?;
    let by = match args.get(1) {
        Some(_) => text(args, 1)?,
        None => " ".to_owned(),
    };
    let parts: Vec<Value> = if hay.is_empty() {
        Vec::new()
    } else if by.is_empty() {
        vec![Value::Text(hay)]
    } else {
        hay.split(&by).map(Value::text).collect()
    };
    Ok(Value::Array(parts))
}

fn join(args: &[Value]) -> Done<Value> {
    let Some(Value::Array(items)) = args.first() else {
        return type_mismatch();
    };
    let by = match args.get(1) {
        Some(_) => text(args, 1)?,
        None => " ".to_owned(),
    };
    let parts = items.iter().map(Value::shown).collect::<Done<Vec<_>>>()?;
    let gaps = parts.len().saturating_mul(by.len());
    has_room(
        parts
            .iter()
            .map(String::len)
            .fold(gaps, usize::saturating_add),
    )?;
    Ok(Value::Text(parts.join(&by)))
}

fn compared(args: &[Value]) -> Done<Value> {
    let (mut left, mut right) = (text(args, 0)?, text(args, 1)?);
    if matches!(args.get(2), Some(value) if value.whole()? == 1) {
        left = left.to_lowercase();
        right = right.to_lowercase();
    }
    Ok(Value::Int(match left.cmp(&right) {
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => 1,
    }))
}
