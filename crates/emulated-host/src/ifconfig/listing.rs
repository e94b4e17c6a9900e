//! Owns how `ifconfig` shows NICs: one block for each NIC and each label, in net-tools' layout. Counters are
//! zero: the emulated network counts datagrams, not frames.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use changeover_emulated_nic::protocol::{Link, LinkAddress};

const STATISTICS: &str = "        RX packets 0  bytes 0 (0.0 B)\n        RX errors 0  dropped 0  overruns 0  frame 0\n        TX packets 0  bytes 0 (0.0 B)\n        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0\n";
const SHORT_HEAD: &str =
    "Iface      MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n";

/// Every NIC and label, by name; without `down` only those that are switched on.
pub(super) fn all(links: &[Link], down: bool, short: bool) -> String {
    let mut names = BTreeSet::new();
    for link in links.iter().filter(|link| link.up || down) {
        names.insert(link.name.as_str());
        names.extend(
            link.addresses
                .iter()
                .filter_map(|one| one.held.label.as_deref()),
        );
    }
    let mut text = String::from(if short { SHORT_HEAD } else { "" });
    for name in names {
        let Some(link) = device(links, name) else {
            continue;
        };
        text.push_str(&if short {
            row(link, name)
        } else {
            block(link, name)
        });
    }
    text
}

/// One NIC or label; `None` when there is no such NIC. A label without address shows an empty block.
pub(super) fn one(links: &[Link], name: &str, short: bool) -> Option<String> {
    let link = device(links, name)?;
    Some(if short {
        format!("{SHORT_HEAD}{}", row(link, name))
    } else {
        block(link, name)
    })
}

fn device<'a>(links: &'a [Link], name: &str) -> Option<&'a Link> {
    let device = name.split_once(':').map_or(name, |(device, _)| device);
    links.iter().find(|link| link.name == device)
}

fn is_loopback(link: &Link) -> bool {
    link.mac.is_none()
}

fn mtu(link: &Link) -> u32 {
    if is_loopback(link) { 65_536 } else { 1500 }
}

fn flags(link: &Link) -> String {
    let named = [
        (link.up, 1, "UP"),
        (!is_loopback(link), 2, "BROADCAST"),
        (is_loopback(link), 8, "LOOPBACK"),
        (link.up && link.carrier, 64, "RUNNING"),
        (!is_loopback(link), 4096, "MULTICAST"),
    ];
    let set = || named.iter().filter(|(set, _, _)| *set);
    let number: u32 = set().map(|(_, bit, _)| bit).sum();
    let names: Vec<&str> = set().map(|(_, _, name)| *name).collect();
    format!("flags={number}<{}>", names.join(","))
}

fn block(link: &Link, name: &str) -> String {
    let alias = name != link.name;
    let mut text = format!("{name}: {}  mtu {}\n", flags(link), mtu(link));
    let label = alias.then_some(name);
    let inet = link
        .addresses
        .iter()
        .find(|one| one.held.address.is_ipv4() && one.held.label.as_deref() == label);
    if let Some(one) = inet {
        text.push_str(&inet_line(one));
    }
    if !alias {
        for one in &link.addresses {
            if let IpAddr::V6(address) = one.held.address {
                let line = format!(
                    "        inet6 {address}  prefixlen {}  scopeid {}\n",
                    one.held.prefix,
                    scope(address)
                );
                text.push_str(&line);
            }
        }
    }
    match link.mac {
        Some(mac) => {
            let pairs: Vec<String> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
            let line = format!(
                "        ether {}  txqueuelen 1000  (Ethernet)\n",
                pairs.join(":")
            );
            text.push_str(&line);
        }
        None => text.push_str("        loop  txqueuelen 1000  (Local Loopback)\n"),
    }
    if !alias {
        text.push_str(STATISTICS);
    }
    text.push('\n');
    text
}

fn inet_line(one: &LinkAddress) -> String {
    let bits = u32::MAX
        .checked_shr(u32::from(one.held.prefix))
        .unwrap_or(0);
    let mut line = format!(
        "        inet {}  netmask {}",
        one.held.address,
        Ipv4Addr::from(!bits)
    );
    if let Some(broadcast) = one.broadcast {
        write!(line, "  broadcast {broadcast}").expect("a String takes every text");
    }
    line.push('\n');
    line
}

fn scope(address: Ipv6Addr) -> &'static str {
    if address.is_loopback() {
        "0x10<host>"
    } else if address.is_unicast_link_local() {
        "0x20<link>"
    } else {
        "0x0<global>"
    }
}

fn row(link: &Link, name: &str) -> String {
    let mut flags = String::new();
    for (set, letter) in [
        (!is_loopback(link), 'B'),
        (is_loopback(link), 'L'),
        (!is_loopback(link), 'M'),
        (link.up && link.carrier, 'R'),
        (link.up, 'U'),
    ] {
        if set {
            flags.push(letter);
        }
    }
    if name == link.name {
        format!(
            "{name:<16} {:>4} {:>8} {:>6} {:>6} {:<6} {:>8} {:>6} {:>6} {:>6} {flags}\n",
            mtu(link),
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0
        )
    } else {
        format!(
            "{name:<16} {:>4}      - no statistics available -                        {flags}\n",
            mtu(link)
        )
    }
}
