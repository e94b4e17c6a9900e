//! Owns reading of name-addr values (From, To, Contact, Route) and of SIP URIs, as slices of the text that came.

use std::net::{IpAddr, SocketAddr};

/// The port of SIP over UDP and TCP.
pub const SIP_PORT: u16 = 5060;

/// Splits a list at commas that stand outside of quotes and angle brackets.
pub fn split_list(value: &str) -> impl Iterator<Item = &str> {
    split_outside(value, ',')
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

fn split_outside(value: &str, at: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut quoted, mut escaped, mut bracketed, mut from) = (false, false, false, 0);
    for (index, c) in value.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match c {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            c if c == at && !quoted && !bracketed => {
                parts.push(value.get(from..index).unwrap_or_default());
                from = index + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(value.get(from..).unwrap_or_default());
    parts
}

/// Where the brackets of a name-addr stand, outside of quotes.
fn brackets(value: &str) -> Option<(usize, usize)> {
    let (mut quoted, mut escaped, mut open) = (false, false, None);
    for (index, c) in value.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match c {
            '\\' if quoted => escaped = true,
            '"' if open.is_none() => quoted = !quoted,
            '<' if !quoted && open.is_none() => open = Some(index),
            '>' if open.is_some() => return Some((open?, index)),
            _ => {}
        }
    }
    None
}

/// URI of a name-addr or addr-spec. Without brackets, parameters belong to the field (RFC 3261, 20).
pub fn uri(value: &str) -> Option<&str> {
    let uri = match brackets(value) {
        Some((open, close)) => value.get(open + 1..close)?,
        None => value.split([';', '?']).next()?,
    }
    .trim();
    (!uri.is_empty()).then_some(uri)
}

/// Parameters of the field, behind the URI, as name and value.
pub fn params(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let rest = match brackets(value) {
        Some((_, close)) => value.get(close + 1..).unwrap_or_default(),
        None => value
            .find(';')
            .and_then(|at| value.get(at..))
            .unwrap_or_default(),
    };
    let mut parts = split_outside(rest, ';');
    parts.remove(0);
    parts.into_iter().map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (name.trim(), value.trim())
    })
}

/// Value of a field parameter, its name compared without case.
pub fn param<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    params(value)
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// The tag of From or To.
pub fn tag(value: &str) -> Option<&str> {
    param(value, "tag").filter(|tag| !tag.is_empty())
}

/// The field without its tag.
pub fn without_tag(value: &str) -> String {
    let head = match brackets(value) {
        Some((_, close)) => value.get(..=close).unwrap_or(value),
        None => value.split(';').next().unwrap_or(value).trim_end(),
    };
    let mut text = head.to_owned();
    for (name, value) in params(value).filter(|(name, _)| !name.eq_ignore_ascii_case("tag")) {
        text.push(';');
        text.push_str(name);
        if !value.is_empty() {
            text.push('=');
            text.push_str(value);
        }
    }
    text
}

/// The parts of a SIP URI that routing needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipUri<'a> {
    /// User part, without password; empty if there is none.
    pub user: &'a str,
    /// Host, brackets of IPv6 removed.
    pub host: &'a str,
    /// Port, if written.
    pub port: Option<u16>,
    /// Parameters behind the host, with their leading semicolon.
    pub params: &'a str,
    /// Header part behind `?`.
    pub headers: &'a str,
}

/// True for a URI that can stand in a request line: whoever gets it could not read the request otherwise.
pub(crate) fn is_sendable(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else {
        return false;
    };
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(in_scheme)
        && !rest.is_empty()
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"'))
}

/// Reads a `sip:` URI; `None` for other schemes (`sips:` needs TLS, which this server does not speak).
pub fn sip_uri(uri: &str) -> Option<SipUri<'_>> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("sip") || !is_sendable(uri) {
        return None;
    }
    // A user part may hold ; and ?, so it is cut off first.
    let (user, rest) = match rest.rfind('@') {
        Some(at) => (rest.get(..at)?, rest.get(at + 1..)?),
        None => ("", rest),
    };
    let (rest, headers) = rest.split_once('?').unwrap_or((rest, ""));
    let (hostport, params) = match rest.find(';') {
        Some(at) => (rest.get(..at)?, rest.get(at..)?),
        None => (rest, ""),
    };
    let (host, port) = split_port(hostport)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if host.parse::<IpAddr>().is_err() && !host.chars().all(is_name) {
        return None;
    }
    Some(SipUri {
        user: user.split(':').next().unwrap_or_default(),
        host,
        port,
        params,
        headers,
    })
}

/// Splits `host[:port]`, where an IPv6 host stands in brackets.
pub fn split_port(hostport: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match hostport.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => match hostport.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (hostport, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.trim().parse().ok()?),
        None => None,
    };
    (!host.trim().is_empty()).then_some((host.trim(), port))
}

impl SipUri<'_> {
    /// Where it points, if its host is an address. Names are not resolved: a core asks nobody.
    pub fn address(&self) -> Option<SocketAddr> {
        let ip: IpAddr = self.host.parse().ok()?;
        Some(SocketAddr::new(ip, self.port.unwrap_or(SIP_PORT)))
    }

    /// True if a parameter of this name stands in the URI.
    pub fn has_param(&self, name: &str) -> bool {
        self.param(name).is_some()
    }

    /// Value of a URI parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .split(';')
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// A host as it stands in a URI or Via: IPv6 in brackets.
pub fn host_text(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hide_everything_that_looks_like_syntax() {
        let from = r#""Bell, <A>; \"G\"" <sip:a@b;lr>;tag=xyz;x"#;
        assert_eq!(uri(from), Some("sip:a@b;lr"));
        assert_eq!(tag(from), Some("xyz"));
        assert_eq!(without_tag(from), r#""Bell, <A>; \"G\"" <sip:a@b;lr>;x"#);
        assert_eq!(split_list(&format!("{from}, sip:c@d")).count(), 2);
        assert_eq!(tag("sip:a@b;tag=7"), Some("7"));
        assert_eq!(tag("<sip:a@b;tag=7>"), None);
    }

    #[test]
    fn the_parts_of_a_uri() {
        let read = sip_uri("sip:1001;x=1:pw@[::1]:5070;transport=tcp?Replaces=a").expect("a URI");
        assert_eq!(
            (read.user, read.host, read.port),
            ("1001;x=1", "::1", Some(5070))
        );
        assert_eq!(read.param("transport"), Some("tcp"));
        assert_eq!(read.headers, "Replaces=a");
        assert_eq!(sip_uri("tel:+49"), None);
        assert_eq!(sip_uri("sip:@"), None);
    }
}
