//! Owns what WMI tells of an emulated host: its adapters (`Win32_NetworkAdapterConfiguration`), who answers a ping
//! (`Win32_PingStatus`), and its name. Other classes, and WMI of other hosts, are not emulated.

use std::time::Duration;

use changeover_emulated_nic::NetworkError;
use changeover_emulated_nic::protocol::Link;

use super::WindowsMachine;
use super::netsh::mask_of;
use super::ping::{Reply, address_of, ask};
use crate::vbs::{Query, Record, Value};

/// `StatusCode` of a request without an answer.
const TIMED_OUT: i64 = 11_010;
/// And of one for a host that nobody can reach.
const UNREACHABLE: i64 = 11_003;

/// The records of a query.
///
/// # Errors
/// In words, what is not emulated.
pub(super) fn answer(machine: &mut WindowsMachine, query: &Query) -> Result<Vec<Record>, String> {
    is_this_host(machine, &query.computer)?;
    let broken = |error: NetworkError| format!("WMI, because {error},");
    match query.class.as_str() {
        "win32_networkadapterconfiguration" => {
            let links = machine
                .runtime
                .block_on(machine.nic.links())
                .map_err(broken)?;
            let adapters = links
                .iter()
                .filter(|link| link.mac.is_some())
                .zip(0_i64..)
                .map(|(link, number)| adapter(link, number));
            matching(adapters.collect(), &query.conditions)
        }
        "win32_pingstatus" => {
            let condition = |name: &str| {
                let found = query.conditions.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone())
            };
            let Some(name) = condition("address") else {
                return Err("Win32_PingStatus without an address".to_owned());
            };
            let wait = condition("timeout").and_then(|text| text.parse().ok());
            let wait = Duration::from_millis(wait.unwrap_or(1000));
            let reply = match address_of(&machine.nic, &name) {
                Some(target) => machine
                    .runtime
                    .block_on(ask(&machine.nic, target, wait))
                    .map_err(broken)?,
                None => Reply::TimedOut,
            };
            Ok(vec![ping_status(&name, &reply)])
        }
        "win32_computersystem" | "win32_operatingsystem" => {
            let name = machine.nic.host().to_uppercase();
            Ok(vec![record([
                ("name", Value::text(name.as_str())),
                ("csname", Value::text(name.as_str())),
            ])])
        }
        other => Err(format!("the WMI class `{other}`")),
    }
}

fn is_this_host(machine: &mut WindowsMachine, computer: &str) -> Result<(), String> {
    let own = machine.nic.host().to_lowercase();
    if [".", "localhost", "127.0.0.1", own.as_str()].contains(&computer) {
        return Ok(());
    }
    let links = machine.runtime.block_on(machine.nic.links());
    let own_address = links.unwrap_or_default().iter().any(|link| {
        let mut addresses = link.addresses.iter();
        addresses.any(|one| one.held.address.to_string() == computer)
    });
    if own_address {
        Ok(())
    } else {
        Err(format!("WMI of another host (`{computer}`)"))
    }
}

fn record<const N: usize>(properties: [(&str, Value); N]) -> Record {
    properties
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

fn adapter(link: &Link, number: i64) -> Record {
    let has_addresses = link.up && link.carrier && !link.addresses.is_empty();
    let list = |of: fn(&changeover_emulated_nic::protocol::LinkAddress) -> String| {
        if has_addresses {
            let texts = link.addresses.iter().map(|one| Value::Text(of(one)));
            Value::Array(texts.collect())
        } else {
            Value::Null
        }
    };
    let mac = link.mac.unwrap_or_default();
    let pairs: Vec<String> = mac.iter().map(|byte| format!("{byte:02X}")).collect();
    record([
        ("ipenabled", Value::Bool(has_addresses)),
        ("ipaddress", list(|one| one.held.address.to_string())),
        ("ipsubnet", list(|one| mask_of(one.held.prefix).to_string())),
        ("macaddress", Value::text(pairs.join(":"))),
        ("description", Value::text("Emulated Ethernet Adapter")),
        ("caption", Value::text(link.name.as_str())),
        ("servicename", Value::text(link.name.as_str())),
        ("dhcpenabled", Value::Bool(false)),
        ("index", Value::Int(number)),
    ])
}

fn ping_status(address: &str, reply: &Reply) -> Record {
    let (status, from, time) = match reply {
        Reply::From(time) => (
            Value::Int(0),
            Value::text(address),
            Value::Int(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)),
        ),
        Reply::TimedOut => (Value::Int(TIMED_OUT), Value::text(""), Value::Null),
        Reply::Unreachable(own) => (
            Value::Int(UNREACHABLE),
            Value::text(own.to_string()),
            Value::Null,
        ),
    };
    record([
        ("address", Value::text(address)),
        ("protocoladdress", from),
        ("statuscode", status),
        ("responsetime", time),
    ])
}

/// Records that fit every condition; a property that the class does not have is named.
fn matching(records: Vec<Record>, conditions: &[(String, String)]) -> Result<Vec<Record>, String> {
    let mut fitting = Vec::new();
    'records: for record in records {
        for (name, wanted) in conditions {
            let Some(value) = record.get(name) else {
                return Err(format!("the property `{name}` in a query"));
            };
            let fits = match value {
                Value::Bool(value) => {
                    wanted.eq_ignore_ascii_case(if *value { "true" } else { "false" })
                        || wanted == if *value { "-1" } else { "0" }
                }
                Value::Int(value) => *wanted == value.to_string(),
                Value::Text(value) => wanted.eq_ignore_ascii_case(value),
                Value::Empty
                | Value::Null
                | Value::Real(_)
                | Value::Array(_)
                | Value::Object(_) => false,
            };
            if !fits {
                continue 'records;
            }
        }
        fitting.push(record);
    }
    Ok(fitting)
}
