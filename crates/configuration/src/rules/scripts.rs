//! Control scripts as their rules see them: which pair, host and action a script is for, and what its text and its
//! trial say. Owns the reading; each rule owns its verdict.

use super::Context;
use crate::script_facts::{ScriptFacts, ScriptFile, Trial, TrialEnd, TrialRun};
use changeover_model::environment::{NlbCluster, Pair};
use changeover_model::{HostName, OperatingSystem, ScriptAction};
use std::net::{IpAddr, Ipv4Addr};

/// What interface names begin with, on the platforms of the guide.
const INTERFACE_NAMES: [&str; 17] = [
    "eth", "ens", "enp", "eno", "em", "en", "bond", "team", "dmfe", "hme", "bge", "ce", "e1000g",
    "qfe", "igb", "ixgbe", "net",
];

/// A control script with what was found out about it.
pub(super) struct Scripted<'c> {
    pub(super) facts: &'c ScriptFacts,
    pub(super) pair: &'c Pair,
    pub(super) host: &'c HostName,
    pub(super) action: ScriptAction,
    pub(super) windows: bool,
}

impl<'c> Context<'c> {
    /// The control scripts about which something is known, in the order of the facts.
    pub(super) fn scripted(&self) -> Vec<Scripted<'c>> {
        let environment = self.environment;
        self.scripts
            .iter()
            .filter_map(|facts| {
                let (pair, host, action) = environment.control_script(&facts.application)?;
                let windows = environment.hosts.get(host)?.os == OperatingSystem::Windows;
                Some(Scripted {
                    facts,
                    pair,
                    host,
                    action,
                    windows,
                })
            })
            .collect()
    }
}

impl<'c> Scripted<'c> {
    pub(super) fn name(&self) -> &'c str {
        self.facts.application.as_str()
    }

    /// The place in the environment file.
    pub(super) fn path(&self) -> String {
        format!(
            "applications.{}.start_info.command_line",
            self.facts.application
        )
    }

    /// The script's file, for people.
    pub(super) fn file(&self) -> &'c str {
        match &self.facts.file {
            ScriptFile::Missing { path } | ScriptFile::Found { path, .. } => path,
        }
    }

    /// The interfaces of the pair's VIPs on this host.
    pub(super) fn interfaces(&self) -> Vec<&'c str> {
        let vips = self.pair.virtual_ips.iter();
        vips.filter_map(|vip| vip.interfaces.get(self.host).map(String::as_str))
            .collect()
    }

    /// An address that the script names although it never names a VIP of its pair, with its line.
    pub(super) fn other_vip(&self, context: &Context<'_>) -> Option<(usize, Ipv4Addr)> {
        let is_vip = |address: Ipv4Addr| {
            let vips = &mut self.pair.virtual_ips.iter();
            vips.any(|vip| vip.address == IpAddr::V4(address))
        };
        let of_host = |address: Ipv4Addr| {
            let hosts = &mut context.environment.hosts.values();
            hosts.any(|host| host.address == IpAddr::V4(address))
        };
        let mut other = None;
        for (line, text) in self.facts.file.code(self.windows) {
            for address in addresses(text) {
                if is_vip(address) {
                    return None;
                }
                let plain =
                    !is_mask(address) && !address.is_loopback() && !address.is_unspecified();
                if plain && !of_host(address) && other.is_none() {
                    other = Some((line, address));
                }
            }
        }
        other
    }

    /// An interface that the script names although it never names one of the VIPs on its host, with its line.
    pub(super) fn other_interface(&self) -> Option<(usize, String)> {
        let own = self.interfaces();
        let code = self.facts.file.code(self.windows);
        if self.windows {
            let all = code.iter().map(|(_, text)| text.to_ascii_lowercase());
            let all = all.collect::<Vec<_>>().join("\n");
            let named = own
                .iter()
                .any(|name| all.contains(&name.to_ascii_lowercase()));
            if named || all.contains("changeover_interface") {
                return None;
            }
            return code.iter().find_map(|(line, text)| {
                let given = connection_name(text)?;
                Some((*line, given.to_owned()))
            });
        }
        let mut other = None;
        for (line, text) in code {
            for name in interfaces(text) {
                if own.contains(&name) {
                    return None;
                }
                if other.is_none() {
                    other = Some((line, name.to_owned()));
                }
            }
        }
        other
    }

    /// A file in the place of `ifconfig`'s interface, with its line.
    pub(super) fn file_given_to_ifconfig(&self) -> Option<(usize, &'c str)> {
        let code = self.facts.file.code(self.windows);
        code.into_iter().find_map(|(line, text)| {
            let mut words = text.split_whitespace();
            words.find(|word| *word == "ifconfig" || word.ends_with("/ifconfig"))?;
            let given = words.next()?;
            given.starts_with("/etc/").then_some((line, given))
        })
    }

    /// What an NLB script names that is not the cluster's, with its line. Variables that the script sets are followed.
    pub(super) fn other_cluster(&self, cluster: &NlbCluster, port: u16) -> Option<(usize, String)> {
        let mut set: Vec<(String, String)> = Vec::new();
        for (line, text) in self.facts.file.code(true) {
            set.extend(assignment(text));
            let mut words = text
                .split('>')
                .next()
                .unwrap_or_default()
                .split_whitespace();
            let program = words
                .next()
                .unwrap_or_default()
                .trim_start_matches('@')
                .to_ascii_lowercase();
            if !["wlbs", "wlbs.exe", "nlb", "nlb.exe"].contains(&program.as_str()) {
                continue;
            }
            let verb = words.next().unwrap_or_default().to_ascii_lowercase();
            let mut named = words.map(|word| expanded(word, &set));
            let changes = ["enable", "disable"].contains(&verb.as_str());
            if changes || verb == "queryport" {
                let given = named.next().unwrap_or_default();
                // To ask after another port does no harm.
                if changes && given.parse::<u16>().is_ok_and(|given| given != port) {
                    return Some((line, format!("the port {given}, not {port}")));
                }
            }
            let Some(target) = named.next().filter(|target| !target.contains('%')) else {
                continue;
            };
            let (name, id) = target.split_once(':').unwrap_or((&target, ""));
            if !name.eq_ignore_ascii_case(&cluster.name) && name.parse::<IpAddr>().is_err() {
                return Some((line, format!("the cluster {name}, not {}", cluster.name)));
            }
            if id
                .parse()
                .is_ok_and(|id: u8| !cluster.host_ids.values().any(|own| *own == id))
            {
                return Some((
                    line,
                    format!("the host id {id}, which no host of the cluster has"),
                ));
            }
        }
        None
    }

    /// Both runs of its trial; none where it was not tried.
    pub(super) fn runs(&self) -> impl Iterator<Item = &'c TrialRun> {
        let trial = self.facts.trial.iter();
        trial.flat_map(|trial| [&trial.first, &trial.second])
    }

    /// The trial, where its first run ended by itself, and with which code.
    pub(super) fn first_exit(&self) -> Option<(&'c Trial, i32)> {
        let trial = self.facts.trial.as_ref()?;
        match (&trial.first.end, &trial.second.end) {
            (TrialEnd::Exit(code), TrialEnd::Exit(_)) => Some((trial, *code)),
            (
                TrialEnd::Exit(_)
                | TrialEnd::OverTime
                | TrialEnd::NotCovered(_)
                | TrialEnd::NotStarted(_),
                _,
            ) => None,
        }
    }

    /// What is wrong with the host after a run, in words that follow the script's name.
    pub(super) fn fault_of(&self, run: &TrialRun) -> Option<String> {
        if self.pair.nlb.is_some() {
            // Every host of a cluster has its IP; it counts as held where the SIP port is enabled.
            return match (self.action, run.held.is_empty()) {
                (ScriptAction::Enable, true) => Some("leaves the SIP port disabled".to_owned()),
                (ScriptAction::Disable, false) => Some("leaves the SIP port enabled".to_owned()),
                (ScriptAction::Enable, false) | (ScriptAction::Disable, true) => None,
            };
        }
        self.pair.virtual_ips.iter().find_map(|vip| {
            let held = run.held.iter().find(|held| held.address == vip.address);
            let interface = vip.interfaces.get(self.host)?;
            match (self.action, held) {
                (ScriptAction::Enable, None) => Some(format!("does not bring {} up", vip.address)),
                (ScriptAction::Enable, Some(held)) if held.interface != *interface => {
                    Some(format!(
                        "brings {} up on {}, not on {interface}",
                        vip.address, held.interface
                    ))
                }
                (ScriptAction::Disable, Some(_)) => {
                    Some(format!("does not take {} away", vip.address))
                }
                (ScriptAction::Enable, Some(_)) | (ScriptAction::Disable, None) => None,
            }
        })
    }

    /// True if the text itself says why the script cannot work: then that is the finding.
    pub(super) fn explained_otherwise(&self, context: &Context<'_>) -> bool {
        self.other_vip(context).is_some()
            || self.other_interface().is_some()
            || self.file_given_to_ifconfig().is_some()
            || context.clustered().iter().any(|clustered| {
                clustered.pair.name == self.pair.name
                    && self
                        .other_cluster(clustered.cluster, clustered.sip_port)
                        .is_some()
            })
    }
}

/// True if two scripts are the same text, each with its own host's interface in it.
pub(super) fn same_but_for_interfaces(one: &Scripted<'_>, other: &Scripted<'_>) -> bool {
    let plain = |script: &Scripted<'_>| -> Vec<String> {
        let mut names = script.interfaces();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let code = script.facts.file.code(script.windows).into_iter();
        code.map(|(_, text)| {
            names.iter().fold(text.to_owned(), |text, name| {
                text.replace(name, "INTERFACE")
            })
        })
        .collect()
    };
    let found = |script: &Scripted<'_>| matches!(script.facts.file, ScriptFile::Found { .. });
    !found(one) || !found(other) || plain(one) == plain(other)
}

/// The IPv4 addresses of a line.
fn addresses(text: &str) -> impl Iterator<Item = Ipv4Addr> + '_ {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .filter_map(|word| word.trim_matches('.').parse().ok())
}

/// True for a netmask, and for its complement.
fn is_mask(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    let ones = bits.leading_ones();
    (ones >= 8 && bits.checked_shl(ones).unwrap_or(0) == 0) || bits.count_zeros() == 0
}

/// Words of a line that can only be interfaces, without the number of a logical sub-interface.
fn interfaces(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.'))
        .filter(|word| {
            INTERFACE_NAMES.iter().any(|name| {
                let number = word.strip_prefix(name).unwrap_or_default();
                number.starts_with(|c: char| c.is_ascii_digit())
                    && number.len() <= 8
                    && number.chars().all(|c| c.is_ascii_alphanumeric())
            })
        })
}

/// `set NAME=VALUE` of a batch file, with or without quotes.
fn assignment(text: &str) -> Option<(String, String)> {
    let text = text.trim_start_matches('@');
    let (word, rest) = text.split_once(char::is_whitespace)?;
    if !word.eq_ignore_ascii_case("set") {
        return None;
    }
    let (name, value) = rest.trim().trim_matches('"').split_once('=')?;
    Some((
        name.trim().to_ascii_lowercase(),
        value.trim_matches('"').to_owned(),
    ))
}

/// A word with the variables that were set before; others stay.
fn expanded(word: &str, set: &[(String, String)]) -> String {
    let mut parts = word.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    while let (Some(name), after) = (parts.next(), parts.next()) {
        let value = set
            .iter()
            .rev()
            .find(|(known, _)| *known == name.to_ascii_lowercase());
        match value {
            Some((_, value)) => text.push_str(value),
            None => text.push_str(&format!("%{name}%")),
        }
        text.push_str(after.unwrap_or_default());
    }
    text
}

/// The connection that a `netsh interface ip add|delete address` names.
fn connection_name(text: &str) -> Option<&str> {
    let lower = text.to_ascii_lowercase();
    if !lower.contains("netsh") || !lower.contains("address") {
        return None;
    }
    let (_, after) = text.split_once('"')?;
    let name = after.split_once('"').map_or(after, |(name, _)| name);
    (!name.is_empty() && !name.contains(['%', '='])).then_some(name)
}
