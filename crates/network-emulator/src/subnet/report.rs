//! Owns the state report: everything the subnet knows, as JSON for people, reports and tests' messages.
//! Nothing reads it back; what programs need has a request of its own.

use serde_json::{Map, Value, json};

use super::{Moment, Station, Subnet};

impl Subnet {
    /// Hosts, NICs, addresses, ARP tables, ordered faults, counters.
    #[must_use]
    pub fn report(&self, now: Moment) -> Value {
        let hosts: Vec<Value> = self
            .hosts
            .iter()
            .enumerate()
            .map(|(position, host)| {
                json!({
                    "name": host.name,
                    "interfaces": self.links(position),
                    "delay_commands_ms": u64::try_from(host.delay.as_millis()).unwrap_or(u64::MAX),
                    "commands_to_fail": host.commands_to_fail,
                    "announcements_to_drop": host.announcements_to_drop,
                })
            })
            .collect();
        let mut tables = Map::new();
        for (station, table) in &self.tables {
            let entries: Map<String, Value> = table
                .iter()
                .map(|(address, entry)| {
                    let age = now.monotonic_ns.saturating_sub(entry.learnt_ns);
                    let nic = self.nic(entry.nic);
                    let entry = json!({
                        "host": self.host_name(entry.nic.host),
                        "interface": nic.name,
                        "age_ms": age / 1_000_000,
                    });
                    (address.to_string(), entry)
                })
                .collect();
            tables.insert(self.station_name(*station), Value::Object(entries));
        }
        json!({
            "hosts": hosts,
            "virtual_ips": self.virtual_ips,
            "arp_tables": tables,
            "holders": self.holders(),
            "counters": self.counters,
        })
    }

    fn station_name(&self, station: Station) -> String {
        match station {
            Station::Host(host) => self.host_name(host).to_owned(),
            Station::Neighbour(position) => self
                .neighbours
                .get(position)
                .map_or_else(String::new, |one| one.name.clone()),
        }
    }
}
