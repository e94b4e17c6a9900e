//! Small translations that both importers need: names, YAML words, command lines, times.

use std::fmt::Write as _;

/// A text as a YAML scalar: quoted unless it is plainly a word.
pub(crate) fn scalar(text: &str) -> String {
    let plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-./$@".contains(c))
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && !["null", "true", "false", "yes", "no", "on", "off"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(letter);
            }
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_control() => {
                write!(quoted, "\\u{:04x}", u32::from(letter)).expect("a String takes every text");
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// A list of scalars in brackets.
pub(crate) fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| scalar(item)).collect();
    format!("[{}]", items.join(", "))
}

/// A foreign name as one of ours: letters, digits, `_`, `-`, `.`.
pub(crate) fn name(text: &str) -> String {
    let name: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "_-.".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        name
    } else {
        format!("x{name}")
    }
}

/// A command line as program and arguments; one that needs a shell gets one.
pub(crate) fn command(line: &str) -> (String, Vec<String>) {
    let line = line.trim();
    if line.contains(['|', '&', ';', '<', '>', '$', '`', '*', '(', '"', '\'', '\\']) {
        return ("/bin/sh".to_owned(), vec!["-c".to_owned(), line.to_owned()]);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    (words.next().unwrap_or_default(), words.collect())
}

/// Milliseconds as the file writes durations.
pub(crate) fn duration(milliseconds: u64) -> String {
    if milliseconds.is_multiple_of(1000) {
        format!("{}s", milliseconds / 1000)
    } else {
        format!("{milliseconds}ms")
    }
}

/// A decimal number of seconds, as `0.1` or `30`, in milliseconds; at most a day.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if !digits(whole) || !digits(part) || (whole.is_empty() && part.is_empty()) {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let part: u64 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    let all = whole.checked_mul(1000)?.checked_add(part)?;
    (all <= 86_400_000).then_some(all)
}

/// The unit of a program that a check asks after: `killall -0 NAME`, `pidof NAME`, `pgrep … NAME`, `systemctl … NAME`.
pub(crate) fn unit_asked_for(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (program, rest) = words.split_first()?;
    let program = program.rsplit('/').next()?;
    if !["killall", "pidof", "pgrep", "systemctl"].contains(&program) {
        return None;
    }
    let last = rest
        .last()
        .filter(|word| !word.starts_with('-') && !word.contains(['|', ';', '&', '$']))?;
    let base = last.rsplit('/').next()?.trim_end_matches(".service");
    (!base.is_empty()).then(|| format!("{}.service", name(base)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_booleans_stay_texts() {
        assert_eq!(scalar("eth0"), "eth0");
        for text in ["10", "yes", "-0", "eth0:1", "", "a b"] {
            assert_eq!(scalar(text), format!("\"{text}\""));
        }
        assert_eq!(scalar("a\"\\\n\u{7}"), "\"a\\\"\\\\\\n\\u0007\"");
    }

    #[test]
    fn a_line_for_a_shell_gets_one() {
        let words = |line| command(line);
        assert_eq!(words("/usr/bin/pidof kamailio").0, "/usr/bin/pidof");
        assert_eq!(
            words("</dev/tcp/127.0.0.1/80").1,
            ["-c", "</dev/tcp/127.0.0.1/80"]
        );
    }

    #[test]
    fn seconds_have_decimals_and_a_bound() {
        assert_eq!(seconds("1"), Some(1000));
        assert_eq!(seconds("0.25"), Some(250));
        assert_eq!(seconds(".1"), Some(100));
        for text in ["", ".", "1e9", "-1", "99999999999999999999", "90000"] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!(
            (duration(1500), duration(2000)),
            ("1500ms".to_owned(), "2s".to_owned())
        );
    }

    #[test]
    fn a_check_for_a_process_names_its_unit() {
        assert_eq!(
            unit_asked_for("/usr/bin/killall -0 haproxy").as_deref(),
            Some("haproxy.service")
        );
        assert_eq!(
            unit_asked_for("systemctl is-active --quiet nginx.service").as_deref(),
            Some("nginx.service")
        );
        assert_eq!(unit_asked_for("/etc/keepalived/check.sh kamailio"), None);
    }
}
