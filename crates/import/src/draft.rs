//! A site under construction, and its text. What nobody said has a stand-in here, and is listed as missing.

use crate::words::{duration, list, scalar};
use crate::{Imported, Known, Statement};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

/// Stand-ins of the documentation network (RFC 5737), in the order host, peer, management.
const STAND_INS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10)),
];

/// A site.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) name: String,
    /// What it was made of, for the first line.
    pub(crate) from: String,
    pub(crate) hosts: [DraftHost; 2],
    pub(crate) pairs: Vec<DraftPair>,
    /// `addp-timeout` of both hosts, milliseconds.
    pub(crate) addp: Option<u64>,
    pub(crate) allow: BTreeSet<&'static str>,
    pub(crate) not_carried_over: Vec<Statement>,
    pub(crate) missing: Vec<String>,
}

/// A host.
#[derive(Debug, Default)]
pub(crate) struct DraftHost {
    pub(crate) name: Option<String>,
    pub(crate) address: Option<IpAddr>,
}

/// A pair.
#[derive(Debug, Default)]
pub(crate) struct DraftPair {
    pub(crate) name: String,
    /// Which of the hosts is configured as primary.
    pub(crate) primary: usize,
    pub(crate) vips: Vec<DraftVip>,
    pub(crate) unit: Option<String>,
    pub(crate) startup: Option<String>,
    pub(crate) shutdown: Option<String>,
    /// Flow maps.
    pub(crate) health: Vec<String>,
    pub(crate) on_primary: Vec<String>,
    pub(crate) on_backup: Vec<String>,
}

/// A Virtual IP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DraftVip {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
    pub(crate) interfaces: [String; 2],
    pub(crate) label: Option<String>,
}

/// A hook as the file writes it.
pub(crate) fn hook(command: &str, arguments: &[String]) -> String {
    if arguments.is_empty() {
        format!("{{command: {}}}", scalar(command))
    } else {
        format!(
            "{{command: {}, arguments: {}}}",
            scalar(command),
            list(arguments)
        )
    }
}

impl Draft {
    pub(crate) fn leave_out(&mut self, file: &str, line: usize, statement: &str, why: &str) {
        let mut short: String = statement.chars().take(60).collect();
        if short.len() < statement.len() {
            short.push('…');
        }
        self.not_carried_over.push(Statement {
            file: file.to_owned(),
            line,
            statement: short,
            why: why.to_owned(),
        });
    }

    /// The finished file with its two lists.
    pub(crate) fn finish(mut self, known: &Known) -> Imported {
        let text = self.text(known);
        self.not_carried_over
            .sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
        Imported {
            environment: text,
            not_carried_over: self.not_carried_over,
            missing: self.missing,
        }
    }

    fn host(&mut self, index: usize, known: &Known) -> (String, IpAddr) {
        if let Some((name, address)) = known.hosts.get(index) {
            return (name.clone(), *address);
        }
        let name = self.hosts[index]
            .name
            .clone()
            .unwrap_or_else(|| format!("host{}", index + 1));
        let address = self.hosts[index].address.unwrap_or_else(|| {
            self.missing.push(format!(
                "the address of {name}: {} stands for it",
                STAND_INS[index]
            ));
            STAND_INS[index]
        });
        (name, address)
    }

    fn text(&mut self, known: &Known) -> String {
        let hosts = [self.host(0, known), self.host(1, known)];
        let (management, address) = known.management.clone().unwrap_or_else(|| {
            self.missing.push(format!(
                "the third machine, for the SCS and the Message Server: mgmt1 at {} stands for it",
                STAND_INS[2]
            ));
            ("mgmt1".to_owned(), STAND_INS[2])
        });
        let mut out = Lines(String::new());
        out.line(&format!(
            "# Made by `changeover import` of {}. `changeover check` says what is still to do.",
            self.from
        ));
        out.line("version: 1");
        out.line(&format!("environment: {}", scalar(&self.name)));
        out.line("");
        out.line("# On a third machine: it decides which of the two serves.");
        out.line("management_layer:");
        out.line(&format!(
            "  solution_control_server: {{host: {}}}",
            scalar(&management)
        ));
        out.line(&format!(
            "  message_server: {{name: MessageServer, host: {}}}",
            scalar(&management)
        ));
        out.line("");
        out.line("hosts:");
        out.line(&format!(
            "  {}: {{os: linux, address: \"{address}\"}}",
            scalar(&management)
        ));
        let addp = self.addp.map_or_else(String::new, |timeout| {
            let timeout = duration(timeout);
            format!(", addp: {{addp-timeout: {timeout}, addp-remote-timeout: {timeout}}}")
        });
        for (name, address) in &hosts {
            out.line(&format!(
                "  {}: {{os: linux, address: \"{address}\"{addp}}}",
                scalar(name)
            ));
        }
        out.line("");
        out.line("pairs:");
        let pairs = std::mem::take(&mut self.pairs);
        for pair in &pairs {
            self.pair(pair, &hosts, known, &mut out);
        }
        if !self.allow.is_empty() {
            let allowed: Vec<String> = self.allow.iter().map(|rule| (*rule).to_owned()).collect();
            out.line("");
            out.line(&format!("check: {{allow: {}}}", list(&allowed)));
        }
        out.0
    }

    fn pair(
        &mut self,
        pair: &DraftPair,
        hosts: &[(String, IpAddr); 2],
        known: &Known,
        out: &mut Lines,
    ) {
        let name = scalar(&pair.name);
        out.line(&format!("  {name}:"));
        out.line("    redundancy_type: warm");
        out.line("    takeover: ip_address");
        let members = [
            ("primary", "A", pair.primary),
            ("backup", "B", 1 - pair.primary),
        ];
        for (role, letter, at) in members {
            let application = format!("{}_{letter}", pair.name);
            let host = scalar(&hosts[at].0);
            out.line(&format!(
                "    {role}: {{application: {}, host: {host}}}",
                scalar(&application)
            ));
        }
        out.line("    virtual_ips:");
        for vip in &pair.vips {
            out.line(&format!("      - {}", vip.text(hosts)));
        }
        out.line("    control_scripts: builtin");
        out.line("    server:");
        out.line("      type: ThirdPartyServer");
        let unit = known
            .unit
            .clone()
            .or_else(|| pair.unit.clone())
            .unwrap_or_else(|| {
                let stand_in = format!("{}.service", pair.name.to_ascii_lowercase());
                self.missing.push(format!(
                    "the program behind {}: the unit {stand_in} stands for it",
                    pair.name
                ));
                stand_in
            });
        let mut start = format!("systemd_unit: {}", scalar(&unit));
        for (key, value) in [
            ("startup_timeout", &pair.startup),
            ("shutdown_timeout", &pair.shutdown),
        ] {
            if let Some(value) = value {
                write!(start, ", {key}: {value}").expect("a String takes every text");
            }
        }
        out.line(&format!("      start_info: {{{start}}}"));
        for (key, items) in [
            ("health", &pair.health),
            ("on_primary", &pair.on_primary),
            ("on_backup", &pair.on_backup),
        ] {
            if !items.is_empty() {
                out.line(&format!("      {key}:"));
                for item in items {
                    out.line(&format!("        - {item}"));
                }
            }
        }
    }
}

impl DraftVip {
    fn text(&self, hosts: &[(String, IpAddr); 2]) -> String {
        let [one, other] = &self.interfaces;
        let interface = if one == other {
            scalar(one)
        } else {
            let [first, second] = hosts;
            let (first, second) = (scalar(&first.0), scalar(&second.0));
            format!("{{{first}: {}, {second}: {}}}", scalar(one), scalar(other))
        };
        let label = self
            .label
            .as_ref()
            .map_or_else(String::new, |label| format!(", label: {}", scalar(label)));
        format!(
            "{{address: \"{}/{}\", interface: {interface}{label}}}",
            self.address, self.prefix
        )
    }
}

struct Lines(String);

impl Lines {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }
}
