//! What the statements of one keepalived.conf say of its host: the VRRP instances with what they track and tell. Whatever
//! has no meaning here is left out by name.

use super::syntax::Node;
use crate::draft::Draft;
use crate::words::seconds;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A host's file.
#[derive(Debug, Default)]
pub(crate) struct HostFile {
    pub(crate) file: String,
    pub(crate) router_id: Option<String>,
    pub(crate) scripts: BTreeMap<String, CheckScript>,
    /// Instances that move together.
    pub(crate) groups: Vec<(String, Vec<String>, Notify)>,
    pub(crate) instances: Vec<Instance>,
}

/// A `vrrp_script`.
#[derive(Debug, Default)]
pub(crate) struct CheckScript {
    pub(crate) line: usize,
    pub(crate) command: String,
    /// Milliseconds.
    pub(crate) interval: Option<u64>,
    pub(crate) timeout: Option<u64>,
    pub(crate) fall: Option<u32>,
    pub(crate) rise: Option<u32>,
}

impl CheckScript {
    /// Whether it says the same.
    pub(crate) fn says(&self, other: &Self) -> bool {
        let of = |it: &Self| {
            (
                it.command.clone(),
                it.interval,
                it.timeout,
                it.fall,
                it.rise,
            )
        };
        of(self) == of(other)
    }
}

/// Who is told of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notify {
    pub(crate) master: Option<String>,
    pub(crate) backup: Option<String>,
    pub(crate) any: Option<String>,
}

/// An address of an instance.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
    pub(crate) interface: Option<String>,
    pub(crate) label: Option<String>,
}

/// A `vrrp_instance`.
#[derive(Debug, Default)]
pub(crate) struct Instance {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) master: bool,
    pub(crate) interface: String,
    pub(crate) router: Option<String>,
    pub(crate) priority: u32,
    /// Milliseconds.
    pub(crate) advert: Option<u64>,
    pub(crate) own: Option<IpAddr>,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) addresses: Vec<Address>,
    pub(crate) tracked_interfaces: Vec<String>,
    pub(crate) tracked_scripts: Vec<(usize, String)>,
    pub(crate) notify: Notify,
}

/// keepalived's own default.
const PRIORITY: u32 = 100;

/// Reads the statements of a file.
pub(crate) fn read(file: &str, nodes: &[Node], draft: &mut Draft) -> HostFile {
    let mut host = HostFile {
        file: file.to_owned(),
        ..HostFile::default()
    };
    for node in nodes {
        match node.keyword() {
            "global_defs" => global(node, &mut host, draft),
            "vrrp_script" => {
                let script = check_script(node, file, draft);
                host.scripts.insert(node.value().to_owned(), script);
            }
            "vrrp_sync_group" => {
                let group = sync_group(node, file, draft);
                host.groups.push(group);
            }
            "vrrp_instance" => {
                let instance = instance(node, file, draft);
                host.instances.push(instance);
            }
            "include" | "include_check" => draft.leave_out(file, node.line, &node.shown(), "an included file is not read: give one file with all of it"),
            "virtual_server" | "virtual_server_group" => draft.leave_out(file, node.line, &node.shown(), "load balancing by LVS is none of Changeover's business: leave it to keepalived or ipvsadm"),
            "static_ipaddress" | "static_routes" | "static_rules" => draft.leave_out(file, node.line, &node.shown(), "what does not move belongs to the host's own network configuration"),
            "vrrp_track_process" | "vrrp_track_file" => draft.leave_out(file, node.line, &node.shown(), "the agent sees the death of its server at once; write health for anything more"),
            keyword if keyword.starts_with('@') || keyword.starts_with('$') => draft.leave_out(file, node.line, &node.shown(), "conditions and definitions are not carried out: give the file as it is on that host"),
            _ => draft.leave_out(file, node.line, &node.shown(), "there is nothing like it here"),
        }
    }
    host
}

fn global(node: &Node, host: &mut HostFile, draft: &mut Draft) {
    for one in node.children() {
        let why = match one.keyword() {
            "router_id" => {
                host.router_id = Some(one.value().to_owned());
                continue;
            }
            keyword
                if keyword.starts_with("notification_email") || keyword.starts_with("smtp_") =>
            {
                "mail is sent by a reaction: management_layer.smtp and a script with send_email"
            }
            "enable_script_security" | "script_user" | "max_auto_priority" => {
                "programs run as the user of the agent"
            }
            keyword if keyword.starts_with("vrrp_garp") || keyword.starts_with("vrrp_gna") => {
                "the agent announces a VIP at once, again later, and after sighting a rival"
            }
            keyword if keyword.starts_with("vrrp_") || keyword == "default_interface" => {
                "there is no VRRP between the hosts"
            }
            _ => "there is nothing like it here",
        };
        draft.leave_out(&host.file, one.line, &one.shown(), why);
    }
}

fn check_script(node: &Node, file: &str, draft: &mut Draft) -> CheckScript {
    let mut script = CheckScript {
        line: node.line,
        ..CheckScript::default()
    };
    for one in node.children() {
        let number = || one.value().parse().ok();
        let why = match one.keyword() {
            "script" => {
                script.command = one.rest();
                continue;
            }
            "interval" => {
                script.interval = seconds(one.value());
                continue;
            }
            "timeout" => {
                script.timeout = seconds(one.value());
                continue;
            }
            "fall" => {
                script.fall = number();
                continue;
            }
            "rise" => {
                script.rise = number();
                continue;
            }
            "weight" if one.value() == "0" => continue,
            "weight" => {
                "nobody has a priority here: a check that is down makes the server Service Unavailable, and a good backup takes over"
            }
            "user" => "checks run as the user of the agent",
            "init_fail" => "a check is unknown until it has answered",
            _ => "there is nothing like it here",
        };
        draft.leave_out(file, one.line, &one.shown(), why);
    }
    script
}

fn sync_group(node: &Node, file: &str, draft: &mut Draft) -> (String, Vec<String>, Notify) {
    let mut members = Vec::new();
    let mut told = Notify::default();
    for one in node.children() {
        if one.keyword() == "group" {
            let words = one
                .children()
                .iter()
                .flat_map(|line| line.words.iter().cloned());
            members.extend(words);
        } else if !notify(one, &mut told) {
            draft.leave_out(
                file,
                one.line,
                &one.shown(),
                why_not_in_an_instance(one.keyword()),
            );
        }
    }
    (node.value().to_owned(), members, told)
}

/// True if the statement says whom to tell, and was read.
fn notify(node: &Node, told: &mut Notify) -> bool {
    match node.keyword() {
        "notify_master" => told.master = Some(node.rest()),
        "notify_backup" => told.backup = Some(node.rest()),
        "notify" => told.any = Some(node.rest()),
        _ => return false,
    }
    true
}

fn instance(node: &Node, file: &str, draft: &mut Draft) -> Instance {
    let mut instance = Instance {
        line: node.line,
        name: node.value().to_owned(),
        priority: PRIORITY,
        ..Instance::default()
    };
    for one in node.children() {
        if notify(one, &mut instance.notify) || plain(one, &mut instance) {
            continue;
        }
        match one.keyword() {
            "virtual_ipaddress" | "virtual_ipaddress_excluded" => {
                for line in one.children() {
                    addresses(line, file, &mut instance.addresses, draft);
                }
            }
            "track_interface" => {
                let tracked = tracked(one, file, draft).into_iter();
                instance
                    .tracked_interfaces
                    .extend(tracked.map(|(_, name)| name));
            }
            "track_script" => instance.tracked_scripts.extend(tracked(one, file, draft)),
            "unicast_peer" => peers(one, &mut instance, file, draft),
            keyword => draft.leave_out(
                file,
                one.line,
                &one.shown(),
                why_not_in_an_instance(keyword),
            ),
        }
    }
    instance
}

/// Statements with a single value.
fn plain(node: &Node, instance: &mut Instance) -> bool {
    match node.keyword() {
        "state" => instance.master = node.value().eq_ignore_ascii_case("MASTER"),
        "interface" => node.value().clone_into(&mut instance.interface),
        "virtual_router_id" => instance.router = Some(node.value().to_owned()),
        "priority" => instance.priority = node.value().parse().unwrap_or(PRIORITY),
        "advert_int" => instance.advert = seconds(node.value()),
        "unicast_src_ip" | "mcast_src_ip" => instance.own = node.value().parse().ok(),
        // Whoever serves well keeps the role: it is always so here.
        "nopreempt" => {}
        _ => return false,
    }
    true
}

fn peers(node: &Node, instance: &mut Instance, file: &str, draft: &mut Draft) {
    for line in node.children() {
        for word in &line.words {
            match word.parse() {
                Ok(peer) if instance.peer.is_none() => instance.peer = Some(peer),
                _ => {
                    let said = format!("unicast_peer {word}");
                    draft.leave_out(file, line.line, &said, "a pair has two hosts");
                }
            }
        }
    }
}

/// The names in a list of what is tracked, with their lines; their weights are not carried over.
fn tracked(node: &Node, file: &str, draft: &mut Draft) -> Vec<(usize, String)> {
    let mut names: Vec<(usize, String)> = Vec::new();
    for line in node.children() {
        let mut words = line.words.iter();
        while let Some(word) = words.next() {
            if word != "weight" {
                names.push((line.line, word.clone()));
                continue;
            }
            let weight = words.next().map_or("", String::as_str);
            if weight != "0" {
                let of = names.last().map_or("", |(_, name)| name.as_str());
                let said = format!("{of} weight {weight}");
                let why = "carried over without its weight: nobody has a priority here";
                draft.leave_out(file, line.line, &said, why);
            }
        }
    }
    names
}

/// An address with its prefix length, that of the whole address where none is written.
fn prefixed(word: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) = match word.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (word, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= whole)?,
        None => whole,
    };
    Some((address, prefix))
}

/// The addresses of a line: one with its attributes, or several.
fn addresses(line: &Node, file: &str, found: &mut Vec<Address>, draft: &mut Draft) {
    let before = found.len();
    let mut words = line.words.iter();
    while let Some(word) = words.next() {
        if let Some((address, prefix)) = prefixed(word) {
            found.push(Address {
                address,
                prefix,
                interface: None,
                label: None,
            });
            continue;
        }
        if found.len() == before {
            draft.leave_out(file, line.line, &line.shown(), "this is no address");
            return;
        }
        let value = words.next().cloned();
        match (word.as_str(), found.last_mut()) {
            ("dev", Some(last)) => last.interface = value,
            ("label", Some(last)) => last.label = value,
            (other, last) => {
                let of = last.map_or_else(String::new, |last| last.address.to_string());
                let said = format!("{of} {other} {}", value.unwrap_or_default());
                let why = "an address is set with its prefix, interface and label only";
                draft.leave_out(file, line.line, said.trim_end(), why);
            }
        }
    }
}

fn why_not_in_an_instance(keyword: &str) -> &'static str {
    match keyword {
        "authentication" => "connections are mutual TLS: changeover certs",
        "notify_fault" | "notify_stop" => {
            "write an Alarm Condition on 5094 (Service Unavailable) or 5091 (stopped) with a reaction"
        }
        "notify_master_rx_lower_pri" | "notify_deleted" => "there is no VRRP between the hosts",
        "preempt_delay" | "preempt" => {
            "whoever serves well keeps the role; an operator gives it back by sci switchover"
        }
        "smtp_alert" => {
            "mail is sent by a reaction: management_layer.smtp and a script with send_email"
        }
        "virtual_routes" | "virtual_rules" => {
            "routes and rules do not move: set them in an on_primary hook, and take them back in on_backup"
        }
        "use_vmac" | "vmac_xmit_base" | "use_ipvlan" => {
            "the VIP moves with an announcement, not with a hardware address"
        }
        "track_process" | "track_file" | "track_bfd" => {
            "the agent sees the death of its server at once; write health for anything more"
        }
        "dont_track_primary" => {
            "write carrier_check: false in the policy if the carrier shall not count"
        }
        keyword if keyword.starts_with("garp_") => {
            "the agent announces a VIP at once, again later, and after sighting a rival"
        }
        _ => "there is nothing like it here",
    }
}
