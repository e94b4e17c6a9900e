//! Single values: text to number, duration, address, word; and what to say when it does not work.
//!
//! Owns the reading of scalars. Both readers use it: [`crate::validate`] reports what it refuses,
//! [`crate::decode`] then takes only what it accepts.
#![warn(clippy::indexing_slicing)]

use crate::nearest::{did_you_mean, nearest};
use crate::problem::Problem;
use crate::tree::{Kind, Node};
use changeover_model::environment::ControllerLoss;
use changeover_model::{DurationText, LogEventId, parse_duration, show_duration};
use std::net::IpAddr;
use std::time::Duration;

/// A value or what is wrong with it. Boxed, because a problem is large and rare.
pub(crate) type Read<T> = Result<T, Box<Problem>>;

/// Longest duration that is accepted: ten years. Sums of durations then stay far from any overflow.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

fn problem(code: &'static str, node: &Node, message: impl Into<String>) -> Problem {
    Problem::new(code, node.span, message)
}

fn wrong_type(node: &Node, expected: &str) -> Box<Problem> {
    let help = match &node.kind {
        Kind::Null => "write a value, or remove the key",
        Kind::List(_) => "write one value without brackets or dashes",
        Kind::Map(_) => "write one value instead of keys",
        Kind::Scalar { .. } => "write it differently",
    };
    Box::new(
        problem(
            "wrong-type",
            node,
            format!("expected {expected}, found {}", node.kind_name()),
        )
        .help(help),
    )
}

fn scalar<'n>(node: &'n Node, expected: &str) -> Read<(&'n str, bool)> {
    match &node.kind {
        Kind::Scalar { text, plain } => Ok((text, *plain)),
        Kind::Null | Kind::List(_) | Kind::Map(_) => Err(wrong_type(node, expected)),
    }
}

/// A name of an object: printable, without blanks at its ends, at most 128 characters.
pub(crate) fn name(node: &Node) -> Read<&str> {
    let (text, _) = scalar(node, "a name")?;
    name_text(text, node.span)?;
    Ok(text)
}

/// The same for the keys of maps.
pub(crate) fn name_text(text: &str, span: crate::source::Span) -> Read<()> {
    let fault = if text.is_empty() {
        "is empty"
    } else if text.trim() != text {
        "begins or ends with a blank"
    } else if text.chars().any(char::is_control) {
        "holds a control character"
    } else if text.chars().count() > 128 {
        "has more than 128 characters"
    } else {
        return Ok(());
    };
    Err(Box::new(
        Problem::new("bad-name", span, format!("this name {fault}"))
            .help("write a name of 1 to 128 printable characters"),
    ))
}

/// Any text that is not empty.
pub(crate) fn text(node: &Node) -> Read<&str> {
    let (text, _) = scalar(node, "text")?;
    if text.is_empty() {
        return Err(Box::new(
            problem("wrong-type", node, "this text is empty")
                .help("write the text, or remove the key"),
        ));
    }
    if text.contains('\0') {
        return Err(Box::new(problem(
            "wrong-type",
            node,
            "this text holds a NUL character",
        )));
    }
    Ok(text)
}

/// `true` or `false`, nothing else.
pub(crate) fn boolean(node: &Node) -> Read<bool> {
    let (text, plain) = scalar(node, "true or false")?;
    match (text, plain) {
        ("true", true) => return Ok(true),
        ("false", true) => return Ok(false),
        _ => {}
    }
    let meant = match text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" | "true" | "1" => Some("true"),
        "no" | "off" | "n" | "false" | "0" => Some("false"),
        _ => None,
    };
    let refused = problem(
        "not-a-boolean",
        node,
        format!("expected true or false, found `{text}`"),
    );
    Err(Box::new(match meant {
        Some(word) if word == text => refused
            .note("in quotes it is text")
            .help(format!("write {word}, without quotes")),
        Some(word) => refused
            .note("yes, no, on and off are booleans in YAML 1.1 only; here they are words")
            .help(format!("write {word}")),
        None => refused.help("write true or false"),
    }))
}

/// A whole number within bounds, in plain decimal digits.
pub(crate) fn count(node: &Node, least: u32, most: u32, what: &str) -> Read<u32> {
    let expected = format!("{what} from {least} to {most}");
    let (text, _) = scalar(node, &expected)?;
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits && text.len() > 1 && text.starts_with('0') {
        return Err(Box::new(
            problem("not-a-number", node, format!("`{text}` begins with a zero"))
                .note("YAML 1.1 reads such a number as octal, YAML 1.2 as decimal")
                .help(format!("write {}", text.trim_start_matches('0'))),
        ));
    }
    match text.parse::<u32>() {
        Ok(number) if digits && (least..=most).contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err(Box::new(
            problem(
                "not-a-number",
                node,
                format!("expected {expected}, found `{text}`"),
            )
            .help(format!(
                "write {what} from {least} to {most} in decimal digits"
            )),
        )),
    }
}

/// A port, 1 to 65535.
pub(crate) fn port(node: &Node) -> Read<u16> {
    let number = count(node, 1, 65_535, "a port")?;
    Ok(u16::try_from(number).unwrap_or(u16::MAX))
}

/// `version`.
pub(crate) fn version(node: &Node) -> Read<()> {
    let (text, _) = scalar(node, "the number 1")?;
    if text == "1" {
        return Ok(());
    }
    Err(Box::new(
        problem(
            "unknown-version",
            node,
            format!("this build reads version 1 of the environment file, not `{text}`"),
        )
        .help("write version: 1, or use the release that wrote this file"),
    ))
}

/// A duration with its unit.
pub(crate) fn duration(node: &Node, positive: bool) -> Read<Duration> {
    let (text, _) = scalar(node, "a duration such as 500ms or 8s")?;
    let read = match parse_duration(text) {
        Ok(read) => read,
        Err(DurationText::NoUnit(text)) => return Err(Box::new(no_unit(node, &text))),
        Err(DurationText::Unreadable(_)) => {
            return Err(Box::new(
                problem("bad-duration", node, format!("`{text}` is no duration"))
                    .help("write a number and one of us, ms, s, m, h, d, as in 500ms or 1.5s"),
            ));
        }
    };
    bounded(node, text, read, positive)
}

fn bounded(node: &Node, text: &str, read: Duration, positive: bool) -> Read<Duration> {
    if positive && read.is_zero() {
        return Err(Box::new(
            problem("bad-duration", node, "this duration must not be zero")
                .help("write a duration greater than zero, such as 500ms"),
        ));
    }
    if read > LONGEST {
        return Err(Box::new(
            problem(
                "bad-duration",
                node,
                format!("`{text}` is longer than {}", show_duration(LONGEST)),
            )
            .help("write a shorter one"),
        ));
    }
    Ok(read)
}

fn no_unit(node: &Node, text: &str) -> Problem {
    problem(
        "no-unit",
        node,
        format!("the duration `{text}` has no unit"),
    )
    .note("nobody can tell seconds from milliseconds afterwards, so the unit is always written")
    .help(format!(
        "write {text}s if seconds are meant, or {text}ms, {text}m, {text}h"
    ))
}

/// A duration or `off`.
pub(crate) fn duration_or_off(node: &Node) -> Read<Option<Duration>> {
    match node.text() {
        Some("off") => Ok(None),
        Some("false") => Err(Box::new(
            problem(
                "bad-duration",
                node,
                "expected a duration or off, found `false`",
            )
            .help("write off"),
        )),
        _ => duration(node, true).map(Some),
    }
}

/// An option of the model that is a time: a bare number is seconds.
pub(crate) fn option_duration(node: &Node) -> Read<Duration> {
    let (text, _) = scalar(node, "seconds, or a duration such as 1.5s")?;
    match parse_duration(text) {
        Ok(read) => bounded(node, text, read, true),
        Err(DurationText::NoUnit(number)) => parse_duration(&format!("{number}s"))
            .map_err(|_| wrong_type(node, "seconds, or a duration such as 1.5s"))
            .and_then(|read| bounded(node, text, read, true)),
        Err(DurationText::Unreadable(_)) => duration(node, true),
    }
}

/// `cancel_timeout`: as a duration, with an explanation of the guide's bare `1`.
pub(crate) fn cancel_timeout(node: &Node) -> Read<Duration> {
    duration(node, true).map_err(|refused| {
        if refused.code != "no-unit" {
            return refused;
        }
        let number = node.text().unwrap_or("1");
        Box::new(
            problem(
                "no-unit",
                node,
                format!("the cancel timeout `{number}` has no unit"),
            )
            .note("the guide's console counts cancel timeouts in hours, so its `1` means one hour")
            .help(format!(
                "write {number}h for the guide's {number}, or another unit if you mean one"
            )),
        )
    })
}

/// Bytes: a number with KiB, MiB, GiB, TiB or nothing.
pub(crate) fn size(node: &Node) -> Read<u64> {
    let (text, _) = scalar(node, "a size such as 1GiB")?;
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale: Option<u64> = match unit.trim() {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        "TiB" => Some(1 << 40),
        _ => None,
    };
    let bytes = number
        .parse::<u64>()
        .ok()
        .zip(scale)
        .and_then(|(number, scale)| number.checked_mul(scale));
    match bytes {
        Some(bytes) if (1 << 20..1 << 50).contains(&bytes) => Ok(bytes),
        Some(_) => Err(Box::new(
            problem(
                "bad-size",
                node,
                format!("`{text}` is not between 1MiB and 1024TiB"),
            )
            .help("write a size such as 1GiB"),
        )),
        None => Err(Box::new(
            problem("bad-size", node, format!("`{text}` is no size"))
                .help("write whole bytes, or a whole number of KiB, MiB, GiB or TiB, as in 1GiB"),
        )),
    }
}

/// An IP address that a host can have.
pub(crate) fn address(node: &Node) -> Read<IpAddr> {
    let (text, _) = scalar(node, "an IP address")?;
    let Ok(address) = text.parse::<IpAddr>() else {
        let refused = problem("bad-address", node, format!("`{text}` is no IP address"));
        let without_prefix = text.split('/').next().unwrap_or(text);
        return Err(Box::new(if without_prefix.parse::<IpAddr>().is_ok() {
            refused.help(format!(
                "write {without_prefix}; only a virtual IP has a prefix length"
            ))
        } else {
            refused
                .note("names are not looked up: a failover must not wait for a name server")
                .help("write a numeric address, such as 10.10.11.101 or 2001:db8::1")
        }));
    };
    usable(node, address)?;
    Ok(address)
}

fn usable(node: &Node, address: IpAddr) -> Read<()> {
    let fault = if address.is_unspecified() {
        "means no address in particular"
    } else if address.is_multicast() {
        "is a multicast address"
    } else if matches!(address, IpAddr::V4(v4) if v4.is_broadcast()) {
        "is the broadcast address"
    } else {
        return Ok(());
    };
    Err(Box::new(
        problem("bad-address", node, format!("{address} {fault}"))
            .help("write the address of one interface"),
    ))
}

/// An address with its prefix length, neither the network nor the broadcast address of it.
pub(crate) fn prefixed(node: &Node) -> Read<(IpAddr, u8)> {
    let (text, _) = scalar(node, "an address with its prefix length")?;
    let (address_text, prefix_text) = text.split_once('/').unwrap_or((text, ""));
    let Ok(address) = address_text.parse::<IpAddr>() else {
        return Err(Box::new(
            problem(
                "bad-address",
                node,
                format!("`{address_text}` is no IP address"),
            )
            .help("write the virtual IP with its prefix length, such as 10.10.11.103/24"),
        ));
    };
    usable(node, address)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    if prefix_text.is_empty() {
        let usual = if address.is_ipv4() { 24 } else { 64 };
        return Err(Box::new(
            problem("bad-address", node, format!("{address} has no prefix length"))
                .note("without it the operating system guesses one from the address, such as /8 for 10.x.x.x")
                .help(format!("write the one of the subnet, for instance {address}/{usual}")),
        ));
    }
    let prefix = prefix_text
        .parse::<u8>()
        .ok()
        .filter(|p| (1..=most).contains(p));
    let Some((prefix, net)) = prefix.and_then(|prefix| {
        let net = ipnet::IpNet::new(address, prefix).ok()?;
        Some((prefix, net))
    }) else {
        return Err(Box::new(
            problem(
                "bad-address",
                node,
                format!("`/{prefix_text}` is no prefix length of {address}"),
            )
            .help(format!("write one from /1 to /{most}")),
        ));
    };
    // A /31 and /127 have no network address (RFC 3021, RFC 6164), a /32 and /128 only the one.
    if prefix + 1 < most
        && (net.network() == address || (address.is_ipv4() && net.broadcast() == address))
    {
        let which = if net.network() == address {
            "network"
        } else {
            "broadcast"
        };
        return Err(Box::new(
            problem(
                "bad-address",
                node,
                format!("{address} is the {which} address of {}", net.trunc()),
            )
            .help("write an address of a host in that network, or correct the prefix length"),
        ));
    }
    Ok((address, prefix))
}

/// `host:port`.
pub(crate) fn host_port(node: &Node) -> Read<&str> {
    let (text, _) = scalar(node, "host:port")?;
    let good = text.rsplit_once(':').is_some_and(|(host, port)| {
        let bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        !host.is_empty()
            && !bare_v6
            && !host.contains(char::is_whitespace)
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if good {
        return Ok(text);
    }
    Err(Box::new(
        problem(
            "bad-address",
            node,
            format!("`{text}` is not of the form host:port"),
        )
        .help(
            "write it as \"mail.example.net:25\"; IPv6 addresses in brackets, \"[2001:db8::1]:25\"",
        ),
    ))
}

/// A log event ID.
pub(crate) fn event_id(node: &Node) -> Read<LogEventId> {
    let (text, _) = scalar(node, "a log event ID")?;
    LogEventId::parse(text)
        .filter(|id| id.0 > 0)
        .ok_or_else(|| {
            Box::new(
                problem("bad-event-id", node, format!("`{text}` is no log event ID"))
                    .help("write the number, such as 4561, or its log form 00-04561"),
            )
        })
}

/// One of the words.
pub(crate) fn word<'w>(node: &Node, words: &[&'w str]) -> Read<&'w str> {
    let expected = listed(words);
    let (text, _) = scalar(node, &expected)?;
    if let Some(word) = words.iter().find(|word| **word == text) {
        return Ok(word);
    }
    let switched = match text {
        "true" | "yes" => Some("on"),
        "false" | "no" => Some("off"),
        _ => None,
    }
    .filter(|word| words.contains(word));
    let near = switched.or_else(|| nearest(text, words.iter().copied()));
    let refused = problem(
        "unknown-word",
        node,
        format!("expected {expected}, found `{text}`"),
    );
    Err(Box::new(match near {
        Some(near) => refused.help(format!("did you mean `{near}`?")),
        None => refused.help(format!("write {expected}")),
    }))
}

/// "`a`, `b` or `c`".
pub(crate) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// `hold`, `quorum`, `release-after 30s`.
pub(crate) fn controller_loss(node: &Node) -> Read<ControllerLoss> {
    let (text, _) = scalar(node, "`hold`, `release-after 30s` or `quorum`")?;
    match text.split_once(char::is_whitespace) {
        None if text == "hold" => return Ok(ControllerLoss::Hold),
        None if text == "quorum" => return Ok(ControllerLoss::Quorum),
        Some(("release-after", time)) => {
            let time_node = Node {
                kind: Kind::Scalar {
                    text: time.trim().to_owned(),
                    plain: true,
                },
                span: node.span,
                derived: None,
                written: true,
            };
            return duration(&time_node, true).map(ControllerLoss::ReleaseAfter);
        }
        None | Some(_) => {}
    }
    let first = text.split_whitespace().next().unwrap_or(text);
    let near = if first == "release-after" {
        String::new()
    } else {
        did_you_mean(first, ["hold", "release-after", "quorum"])
    };
    let refused = problem(
        "unknown-word",
        node,
        format!(
            "expected `hold`, `release-after` with a duration, or `quorum`, found `{text}`{near}"
        ),
    );
    Err(Box::new(if text == "release-after" {
        refused.help("write the time, too: release-after 30s")
    } else {
        refused.help("write hold, release-after 30s, or quorum")
    }))
}

/// The value of an option as text: a single value, or a list that is joined by commas as sites write it.
pub(crate) fn option_value(node: &Node) -> Read<String> {
    match &node.kind {
        Kind::Scalar { text, .. } => Ok(text.clone()),
        Kind::List(items) if !items.is_empty() => items
            .iter()
            .map(|item| scalar(item, "the value of an option").map(|(text, _)| text))
            .collect::<Read<Vec<_>>>()
            .map(|values| values.join(", ")),
        Kind::Null | Kind::List(_) | Kind::Map(_) => {
            Err(wrong_type(node, "the value of an option"))
        }
    }
}
