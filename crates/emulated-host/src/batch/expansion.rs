//! Owns the first thing that happens to a line: `%NAME%`, `%1`, `%~dp0`, `%*` and `%%` are replaced before
//! anything else of it is looked at; and the second, `!NAME!`, where a script asked for delayed expansion.

/// What a line can ask for.
pub(super) trait Names {
    /// The value of a variable, of the dynamic ones too.
    fn variable(&self, name: &str) -> Option<String>;
    /// An argument as it was written, quotes included; 0 is the script as it was called.
    fn argument(&self, number: usize) -> Option<String>;
    /// Every argument from the first, as written.
    fn all_arguments(&self) -> String;
    /// An argument's path in full.
    fn full_path(&self, path: &str) -> String;
}

/// The line with everything between percent signs replaced. Names without a value are nothing, as in every
/// batch file.
pub(super) fn expand(line: &str, names: &impl Names) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(position) = rest.find('%') {
        let (before, after) = rest.split_at(position);
        out.push_str(before);
        rest = after.get(1..).unwrap_or_default();
        let mut letters = rest.chars();
        match letters.next() {
            Some('%') => {
                out.push('%');
                rest = letters.as_str();
            }
            Some('*') => {
                out.push_str(&names.all_arguments());
                rest = letters.as_str();
            }
            Some(digit @ '0'..='9') => {
                let number = digit.to_digit(10).unwrap_or(0) as usize;
                out.push_str(&names.argument(number).unwrap_or_default());
                rest = letters.as_str();
            }
            Some('~') => match modified_argument(letters.as_str(), names) {
                Some((text, left)) => {
                    out.push_str(&text);
                    rest = left;
                }
                None => rest = variable(rest, &mut out, names),
            },
            Some(_) => rest = variable(rest, &mut out, names),
            None => {}
        }
    }
    out.push_str(rest);
    out
}

/// `NAME%`, `NAME:~1,2%`, `NAME:a=b%`; returns what is left of the line. Without a second percent sign the first
/// one is dropped.
fn variable<'a>(rest: &'a str, out: &mut String, names: &impl Names) -> &'a str {
    let Some((inside, left)) = rest.split_once('%') else {
        return rest;
    };
    out.push_str(&value_of(inside, names));
    left
}

fn value_of(inside: &str, names: &impl Names) -> String {
    let Some((name, change)) = inside.split_once(':') else {
        return names.variable(inside).unwrap_or_default();
    };
    let Some(value) = names.variable(name) else {
        return String::new();
    };
    match change.strip_prefix('~') {
        Some(range) => part(&value, range),
        None => match change.split_once('=') {
            Some((from, to)) => replaced(&value, from, to),
            None => value,
        },
    }
}

/// `%NAME:~start,length%`; negative ones count from the end.
fn part(value: &str, range: &str) -> String {
    let letters: Vec<char> = value.chars().collect();
    let count = i64::try_from(letters.len()).unwrap_or(i64::MAX);
    let (start, length) = match range.split_once(',') {
        Some((start, length)) => (start, length.trim().parse::<i64>().ok()),
        None => (range, None),
    };
    let start = start.trim().parse::<i64>().unwrap_or(0);
    let begin = if start < 0 { count + start } else { start }.clamp(0, count);
    let end = match length {
        None => count,
        Some(length) if length < 0 => count + length,
        Some(length) => begin + length,
    }
    .clamp(begin, count);
    let place = |number: i64| usize::try_from(number).unwrap_or(0);
    letters
        .get(place(begin)..place(end))
        .unwrap_or_default()
        .iter()
        .collect()
}

/// `%NAME:from=to%`, in any case; `*from` takes everything before it along.
fn replaced(value: &str, from: &str, to: &str) -> String {
    let (from, all_before) = match from.strip_prefix('*') {
        Some(from) => (from, true),
        None => (from, false),
    };
    if from.is_empty() {
        return value.to_owned();
    }
    let wanted = from.to_ascii_lowercase();
    let mut out = String::new();
    let mut rest = value;
    while let Some(position) = rest.to_ascii_lowercase().find(&wanted) {
        let (before, after) = rest.split_at(position);
        if !all_before {
            out.push_str(before);
        }
        out.push_str(to);
        rest = after.get(from.len()..).unwrap_or_default();
        if all_before {
            break;
        }
    }
    out.push_str(rest);
    out
}

/// `%~1`, `%~dp0`, `%~nx1`: letters, then one digit.
fn modified_argument<'a>(rest: &'a str, names: &impl Names) -> Option<(String, &'a str)> {
    let digit = rest.find(|one: char| !"fdpnxsatzFDPNXSATZ".contains(one))?;
    let (letters, after) = rest.split_at(digit);
    let mut left = after.chars();
    let number = left.next()?.to_digit(10)? as usize;
    let argument = names.argument(number).unwrap_or_default();
    Some((modified(&argument, letters, names), left.as_str()))
}

/// An argument without its quotes, or parts of its path.
pub(super) fn modified(argument: &str, letters: &str, names: &impl Names) -> String {
    let bare = argument.trim_matches('"');
    let letters = letters.to_ascii_lowercase();
    if bare.is_empty() || !letters.contains(['f', 'd', 'p', 'n', 'x', 's']) {
        return bare.to_owned();
    }
    let full = names.full_path(bare);
    if letters.contains('f') || letters == "s" {
        return full;
    }
    let (drive, path) = match full.split_once(':') {
        Some((drive, path)) => (format!("{drive}:"), path),
        None => (String::new(), full.as_str()),
    };
    let (folder, name) = match path.rfind(['\\', '/']) {
        Some(position) => path.split_at(position + 1),
        None => ("", path),
    };
    let (stem, extension) = match name.rfind('.') {
        Some(position) => name.split_at(position),
        None => (name, ""),
    };
    let mut out = String::new();
    for (letter, piece) in [
        ('d', drive.as_str()),
        ('p', folder),
        ('n', stem),
        ('x', extension),
    ] {
        if letters.contains(letter) {
            out.push_str(piece);
        }
    }
    out
}

/// `!NAME!`, after `setlocal enabledelayedexpansion`.
pub(super) fn delayed(text: &str, names: &impl Names) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('!') {
        out.push_str(before);
        match after.split_once('!') {
            Some((inside, left)) => {
                out.push_str(&value_of(inside, names));
                rest = left;
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}
