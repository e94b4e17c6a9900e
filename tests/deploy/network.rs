//! Owns the wire: a network namespace per host and one for the clients, cables between them and one bridge, which lives in a
//! namespace too. The machine's own interfaces are never touched, and none has the name used here.

use crate::command::ip;
use std::path::PathBuf;

/// The NIC on which clients find the VIPs, by the name that the pages use.
pub(crate) const SERVICE: &str = "lan0";
/// The NIC by which the components talk.
pub(crate) const MANAGEMENT: &str = "mgt0";
/// Where the clients are.
pub(crate) const CLIENT: &str = "client";

/// Name, last byte of its addresses, and NICs of everybody on the wire.
const STATIONS: [(&str, u8, &[&str]); 4] = [
    ("mgmt1", 110, &[MANAGEMENT]),
    ("edge1", 101, &[MANAGEMENT, SERVICE]),
    ("edge2", 102, &[MANAGEMENT, SERVICE]),
    (CLIENT, 50, &[SERVICE]),
];

/// The wire of one run.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    run: String,
}

impl Wire {
    /// Makes namespaces, bridge, cables and addresses.
    pub(crate) fn up(run: &str) -> Self {
        let wire = Self {
            run: run.to_owned(),
        };
        let lan = wire.namespace("lan");
        ip(&["netns", "add", &lan]);
        for nic in [MANAGEMENT, SERVICE] {
            let bridge = format!("br-{nic}");
            let words = ["-n", &lan, "link", "add", &bridge, "type", "bridge"];
            // A port that came up forwards at once.
            let settings = [
                "stp_state",
                "0",
                "forward_delay",
                "0",
                "mcast_snooping",
                "0",
            ];
            ip(&[&words[..], &settings[..]].concat());
            ip(&["-n", &lan, "link", "set", &bridge, "up"]);
        }
        for (name, last, nics) in STATIONS {
            let inside = wire.namespace(name);
            ip(&["netns", "add", &inside]);
            ip(&["-n", &inside, "link", "set", "lo", "up"]);
            for nic in nics {
                wire.join(name, last, nic);
            }
        }
        wire
    }

    /// The namespace of a station.
    pub(crate) fn namespace(&self, name: &str) -> String {
        format!("chd-{}-{name}", self.run)
    }

    /// Where the kernel shows it.
    pub(crate) fn namespace_file(&self, name: &str) -> PathBuf {
        PathBuf::from("/run/netns").join(self.namespace(name))
    }

    /// Pulls or plugs a cable of a host at the bridge's end, so that the NIC loses its carrier.
    pub(crate) fn cable(&self, host: &str, nic: &str, plugged: bool) {
        let state = if plugged { "up" } else { "down" };
        ip(&[
            "-n",
            &self.namespace("lan"),
            "link",
            "set",
            &port(host, nic),
            state,
        ]);
    }

    /// Addresses on a host's service NIC, without prefix lengths.
    pub(crate) fn addresses(&self, host: &str) -> Vec<String> {
        let text = ip(&[
            "-n",
            &self.namespace(host),
            "-json",
            "address",
            "show",
            "dev",
            SERVICE,
        ]);
        let links: serde_json::Value = serde_json::from_str(&text).expect("ip speaks JSON");
        links
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|link| link["addr_info"].as_array().into_iter().flatten())
            .filter_map(|address| address["local"].as_str().map(str::to_owned))
            .collect()
    }

    fn join(&self, name: &str, last: u8, nic: &str) {
        let (lan, inside, port) = (self.namespace("lan"), self.namespace(name), port(name, nic));
        ip(&[
            "-n", &lan, "link", "add", &port, "type", "veth", "peer", "name", nic, "netns", &inside,
        ]);
        let bridge = format!("br-{nic}");
        ip(&["-n", &lan, "link", "set", &port, "master", &bridge, "up"]);
        let net = if nic == MANAGEMENT { 12 } else { 11 };
        let four = format!("10.10.{net}.{last}/24");
        ip(&["-n", &inside, "address", "add", &four, "dev", nic]);
        let six = format!("fd00:{net}::{last}/64");
        ip(&[
            "-n", &inside, "-6", "address", "add", &six, "dev", nic, "nodad",
        ]);
        ip(&["-n", &inside, "link", "set", nic, "up"]);
    }
}

fn port(host: &str, nic: &str) -> String {
    format!("{host}-{nic}")
}
