//! Owns the form of `vipctl`'s results: text for people, JSON for programs. Keys are only ever added. What they say
//! is found out by `verbs.rs`.

use std::net::IpAddr;

use serde::Serialize;

use crate::{
    AddressEvent, Change, HeldAddress, MacAddress, Nic, ProbeAnswer, Snapshot, VirtualAddress,
};

use super::arguments::Format;

/// What became of one address of `up` or `down`.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) address: IpAddr,
    pub(super) prefix: Option<u8>,
    pub(super) interface: Option<String>,
    pub(super) label: Option<String>,
    /// `null` when nothing could be done.
    #[serde(serialize_with = "change_word")]
    pub(super) change: Option<Change>,
    /// `null` for `down`.
    pub(super) announced: Option<bool>,
    pub(super) as_wanted: bool,
    /// Why it is not as wanted, or was not announced.
    pub(super) reason: Option<String>,
}

impl Line {
    pub(super) fn of(wanted: &VirtualAddress) -> Self {
        Self {
            address: wanted.address,
            prefix: Some(wanted.prefix),
            interface: Some(wanted.interface.clone()),
            label: wanted.label.clone(),
            change: None,
            announced: Some(false),
            as_wanted: false,
            reason: None,
        }
    }

    pub(super) fn to_remove(address: IpAddr) -> Self {
        Self {
            address,
            prefix: None,
            interface: None,
            label: None,
            change: None,
            announced: None,
            as_wanted: false,
            reason: None,
        }
    }

    fn text(&self) -> String {
        let mut text = self.address.to_string();
        if let (Some(prefix), Some(interface)) = (self.prefix, &self.interface) {
            text += &format!("/{prefix} on {interface}");
        }
        if let Some(label) = &self.label {
            text += &format!(" ({label})");
        }
        text += match (self.change, self.announced) {
            (Some(Change::Done), Some(_)) => ": added",
            (Some(Change::Done), None) => ": removed",
            (Some(Change::AlreadySo), _) => ": already so",
            (None, Some(_)) => ": not added",
            (None, None) => ": not removed",
        };
        if self.announced == Some(true) {
            text += ", announced";
        }
        if let Some(reason) = &self.reason {
            text += &format!(": {reason}");
        }
        text
    }
}

fn change_word<S: serde::Serializer>(
    change: &Option<Change>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let word = change.map(|change| match change {
        Change::Done => "done",
        Change::AlreadySo => "already-so",
    });
    word.serialize(serializer)
}

/// The answer to one question of `probe`.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) address: IpAddr,
    pub(super) interface: String,
    pub(super) answer: ProbeAnswer,
}

/// The report on `up` or `down`.
pub(super) fn changes(format: Format, verb: &str, lines: &[Line]) -> String {
    match format {
        Format::Text => lines.iter().map(|line| line.text() + "\n").collect(),
        Format::Json => document(&serde_json::json!({"verb": verb, "addresses": lines})),
    }
}

/// The report on `probe`.
pub(super) fn answers(format: Format, answers: &[Answer]) -> String {
    let holder = |answer: &Answer| match answer.answer {
        ProbeAnswer::Free => None,
        ProbeAnswer::HeldBy(mac) => Some(mac_text(mac)),
    };
    match format {
        Format::Text => answers
            .iter()
            .map(|answer| match holder(answer) {
                None => format!("{} on {}: free\n", answer.address, answer.interface),
                Some(mac) => format!(
                    "{} on {}: held by {mac}\n",
                    answer.address, answer.interface
                ),
            })
            .collect(),
        Format::Json => {
            let list = answers.iter().map(|answer| {
                let mac = holder(answer);
                serde_json::json!({"address": answer.address, "interface": answer.interface,
                    "free": mac.is_none(), "mac": mac})
            });
            document(&serde_json::json!({"verb": "probe", "addresses": list.collect::<Vec<_>>()}))
        }
    }
}

/// The report on `show`.
pub(super) fn picture(format: Format, snapshot: &Snapshot) -> String {
    match format {
        Format::Text => table(snapshot),
        Format::Json => document(&picture_json(snapshot)),
    }
}

/// One event of `watch`, on one line in JSON.
pub(super) fn event(format: Format, event: &AddressEvent) -> String {
    match (format, event) {
        (Format::Text, AddressEvent::Changed(snapshot)) => format!("changed:\n{}", table(snapshot)),
        (Format::Json, AddressEvent::Changed(snapshot)) => {
            format!(
                "{}\n",
                serde_json::json!({"changed": picture_json(snapshot)})
            )
        }
        (
            _,
            AddressEvent::RivalSighted {
                address,
                interface,
                mac,
            },
        ) => {
            let mac = mac_text(*mac);
            match format {
                Format::Text => format!("rival: {mac} uses {address} on {interface}\n"),
                Format::Json => {
                    let rival =
                        serde_json::json!({"address": address, "interface": interface, "mac": mac});
                    format!("{}\n", serde_json::json!({ "rival": rival }))
                }
            }
        }
    }
}

/// A hardware address as everybody writes it.
pub(super) fn mac_text(mac: MacAddress) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

fn document(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn picture_json(snapshot: &Snapshot) -> serde_json::Value {
    let nics = snapshot.nics.iter().map(|nic| {
        serde_json::json!({"name": nic.name, "index": nic.index, "up": nic.up,
            "carrier": nic.carrier, "mac": nic.mac.map(mac_text)})
    });
    let addresses = snapshot.addresses.iter().map(|held| {
        serde_json::json!({"address": held.address, "prefix": held.prefix,
            "interface": held.interface, "label": held.label})
    });
    serde_json::json!({"nics": nics.collect::<Vec<_>>(), "addresses": addresses.collect::<Vec<_>>()})
}

/// A row for each address, and one for each NIC without any.
fn table(snapshot: &Snapshot) -> String {
    let header = ["INTERFACE", "STATE", "MAC", "ADDRESS", "LABEL"].map(str::to_owned);
    let mut rows = vec![header];
    for nic in &snapshot.nics {
        let mut held = snapshot
            .addresses
            .iter()
            .filter(|held| held.interface == nic.name)
            .peekable();
        if held.peek().is_none() {
            rows.push(row(nic, None));
        }
        rows.extend(held.map(|held| row(nic, Some(held))));
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(widths);
            let line: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            line.join("  ").trim_end().to_owned() + "\n"
        })
        .collect()
}

fn row(nic: &Nic, held: Option<&HeldAddress>) -> [String; 5] {
    let state = match (nic.up, nic.carrier) {
        (false, _) => "off",
        (true, false) => "no carrier",
        (true, true) => "up",
    };
    let none = || "-".to_owned();
    [
        nic.name.clone(),
        state.to_owned(),
        nic.mac.map_or_else(none, mac_text),
        held.map_or_else(none, |held| format!("{}/{}", held.address, held.prefix)),
        held.and_then(|held| held.label.clone())
            .unwrap_or_else(none),
    ]
}
