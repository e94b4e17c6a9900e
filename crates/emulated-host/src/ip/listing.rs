//! Owns how `ip` shows NICs and addresses, whole, on one line each (`-o`) or brief (`-br`), and which of them
//! a listing or a flush is about.

use std::fmt::Write;
use std::net::IpAddr;

use changeover_emulated_nic::protocol::{Link, LinkAddress};

use super::{Family, Style};

/// Which addresses are meant.
#[derive(Debug)]
pub(super) struct Filter {
    family: Family,
    interface: Option<String>,
    label: Option<String>,
    to: Option<(IpAddr, u8)>,
    scope: Option<String>,
    only_up: bool,
}

impl Filter {
    /// What the words after `show` or `flush` say.
    pub(super) fn of(style: Style, words: &[&str]) -> Result<Self, String> {
        let mut filter = Self {
            family: style.family,
            interface: None,
            label: None,
            to: None,
            scope: None,
            only_up: false,
        };
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .ok_or("Command line is not complete. Try option \"help\"".to_owned())
            };
            match word {
                "dev" => filter.interface = Some(value()?.to_owned()),
                "label" => filter.label = Some(value()?.to_owned()),
                "scope" => filter.scope = Some(value()?.to_owned()),
                "to" => filter.to = Some(network(value()?)?),
                "up" => filter.only_up = true,
                "permanent" | "primary" | "dynamic" => {}
                interface => filter.interface = Some(interface.to_owned()),
            }
        }
        Ok(filter)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.interface.is_none()
            && self.label.is_none()
            && self.to.is_none()
            && self.scope.is_none()
    }

    /// The NIC that is asked for and does not exist.
    pub(super) fn missing(&self, links: &[Link]) -> Option<&str> {
        self.interface
            .as_deref()
            .filter(|name| !links.iter().any(|link| link.name == **name))
    }

    fn takes_link(&self, link: &Link) -> bool {
        (link.up || !self.only_up)
            && self
                .interface
                .as_ref()
                .is_none_or(|name| *name == link.name)
    }

    /// Whether an address of a NIC is meant.
    pub(super) fn takes(&self, link: &Link, one: &LinkAddress) -> bool {
        let address = one.held.address;
        let label = one.held.label.as_deref().unwrap_or(&link.name);
        self.takes_link(link)
            && self.family.takes(address)
            && self
                .label
                .as_ref()
                .is_none_or(|pattern| address.is_ipv4() && matches(pattern, label))
            && self
                .to
                .is_none_or(|(network, prefix)| within(address, network, prefix))
            && self
                .scope
                .as_ref()
                .is_none_or(|scope| scope == scope_of(address))
    }

    /// Whether a NIC without a single address that is meant is left out.
    fn hides_empty(&self) -> bool {
        self.family != Family::Any || self.to.is_some() || self.scope.is_some()
    }
}

fn network(text: &str) -> Result<(IpAddr, u8), String> {
    let wrong = || format!("Error: any valid prefix is expected rather than \"{text}\".");
    let (address, prefix) = text
        .split_once('/')
        .map_or((text, None), |(a, p)| (a, Some(p)));
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Ok(longest), |prefix| prefix.parse().map_err(|_| wrong()))?;
    Ok((address, prefix))
}

fn within(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let prefix = u32::from(prefix);
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            (u32::from(a) ^ u32::from(b))
                .checked_shr(32 - prefix.min(32))
                .unwrap_or(0)
                == 0
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            (u128::from(a) ^ u128::from(b))
                .checked_shr(128 - prefix.min(128))
                .unwrap_or(0)
                == 0
        }
        _ => false,
    }
}

/// Shell patterns as far as labels need them: `*` and plain characters.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len())
                .filter(|cut| rest.is_char_boundary(*cut))
                .any(|cut| matches(after, &rest[cut..]))
        }),
    }
}

fn scope_of(address: IpAddr) -> &'static str {
    match address {
        address if address.is_loopback() => "host",
        IpAddr::V6(address) if address.is_unicast_link_local() => "link",
        _ => "global",
    }
}

/// `ip address show`.
pub(super) fn addresses(links: &[Link], style: Style, filter: &Filter) -> String {
    let mut text = String::new();
    for link in links.iter().filter(|link| filter.takes_link(link)) {
        let meant: Vec<&LinkAddress> = link
            .addresses
            .iter()
            .filter(|one| filter.takes(link, one))
            .collect();
        if meant.is_empty() && filter.hides_empty() {
            continue;
        }
        if style.brief {
            let mut line = format!("{:<16} {:<14} ", link.name, state(link));
            for one in meant {
                write!(line, "{}/{} ", one.held.address, one.held.prefix)
                    .expect("a String takes every text");
            }
            text.push_str(&line);
            text.push('\n');
            continue;
        }
        if !style.one_line && filter.label.is_none() {
            text.push_str(&head(link, ""));
            text.push('\n');
            if style.family == Family::Any {
                text.push_str(&hardware(link));
                text.push('\n');
            }
        }
        for one in meant {
            text.push_str(&address_lines(link, one, style));
        }
    }
    text
}

fn address_lines(link: &Link, one: &LinkAddress, style: Style) -> String {
    let held = &one.held;
    let mut line = match held.address {
        IpAddr::V4(address) => format!("inet {address}/{}", held.prefix),
        IpAddr::V6(address) => format!("inet6 {address}/{}", held.prefix),
    };
    if let Some(broadcast) = one.broadcast {
        write!(line, " brd {broadcast}").expect("a String takes every text");
    }
    write!(line, " scope {}", scope_of(held.address)).expect("a String takes every text");
    if held.address.is_ipv4() {
        if one.secondary {
            line.push_str(" secondary");
        }
        line.push(' ');
        line.push_str(held.label.as_deref().unwrap_or(&link.name));
    } else {
        line.push(' ');
    }
    let lifetime = "       valid_lft forever preferred_lft forever";
    if style.one_line {
        format!("{}: {}    {line}\\{lifetime}\n", link.index, link.name)
    } else {
        format!("    {line}\n{lifetime}\n")
    }
}

/// `ip link show`.
pub(super) fn links(links: &[Link], style: Style) -> String {
    let mut text = String::new();
    for link in links {
        if style.brief {
            let line = format!(
                "{:<16} {:<14} {} {} \n",
                link.name,
                state(link),
                mac(link),
                flags(link)
            );
            text.push_str(&line);
        } else {
            let between = if style.one_line { "\\" } else { "\n" };
            let line = format!(
                "{}{between}{}\n",
                head(link, "mode DEFAULT "),
                hardware(link)
            );
            text.push_str(&line);
        }
    }
    text
}

fn head(link: &Link, mode: &str) -> String {
    let (mtu, queue) = if link.mac.is_none() {
        (65_536, "noqueue")
    } else {
        (1500, "fq_codel")
    };
    format!(
        "{}: {}: {} mtu {mtu} qdisc {queue} state {} {mode}group default qlen 1000",
        link.index,
        link.name,
        flags(link),
        state(link)
    )
}

fn hardware(link: &Link) -> String {
    match link.mac {
        Some(_) => format!("    link/ether {} brd ff:ff:ff:ff:ff:ff", mac(link)),
        None => format!("    link/loopback {0} brd {0}", mac(link)),
    }
}

fn mac(link: &Link) -> String {
    let bytes = link.mac.unwrap_or_default();
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

fn state(link: &Link) -> &'static str {
    match (link.mac, link.up && link.carrier) {
        (None, _) => "UNKNOWN",
        (Some(_), true) => "UP",
        (Some(_), false) => "DOWN",
    }
}

fn flags(link: &Link) -> String {
    let loopback = link.mac.is_none();
    let named = [
        (link.up && !link.carrier, "NO-CARRIER"),
        (loopback, "LOOPBACK"),
        (!loopback, "BROADCAST"),
        (!loopback, "MULTICAST"),
        (link.up, "UP"),
        (link.up && link.carrier, "LOWER_UP"),
    ];
    let names: Vec<&str> = named
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, name)| *name)
        .collect();
    format!("<{}>", names.join(","))
}
