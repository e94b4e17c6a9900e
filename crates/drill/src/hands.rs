//! Owns how each fault is made on a live site, and how it is healed: signals, cables, nftables, a relay, a full file system,
//! a failing script, an operator's order. When, and on what, `schedule.rs` says.

use crate::fault::Kind;
use crate::relay::Relay;
use crate::schedule::Planned;
use crate::slow_disk::{SlowDisks, Slowed, Throttle};
use changeover_model::{ConditionName, HostName};
use changeover_rehearsal::{LiveSite, Moment, Ordered, Trouble};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// What a slow wire adds, each way.
const DELAY: Duration = Duration::from_millis(40);

/// A kind of fault that cannot be made here, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct NotPossible {
    pub(crate) fault: Kind,
    pub(crate) why: String,
}

/// What heals a fault.
pub(crate) enum Undo {
    Nothing,
    Continue(u32),
    StartAgain(String),
    /// The host, and for each of its cables the wire's namespace, the cable's end, and the bridge on which it was.
    Wake(HostName, Vec<(String, String, String)>),
    Plug(HostName),
    /// Tables of nftables: namespace and name; the host is heard again.
    Tables(Vec<(String, String)>, Option<HostName>),
    Relays(Vec<(Relay, String, String)>, String),
    Room(String),
    Hasten(Arc<Throttle>),
    Scripts(HostName),
    Realign,
}

/// An operator's order under way.
pub(crate) type Order = JoinHandle<Result<Ordered, Trouble>>;

/// What has been done: how to undo it, the order that runs by itself, and what is worth saying.
pub(crate) struct Done {
    pub(crate) undo: Undo,
    pub(crate) order: Option<Order>,
    pub(crate) note: String,
}

impl Done {
    fn with(undo: Undo) -> Self {
        Self {
            undo,
            order: None,
            note: String::new(),
        }
    }

    fn missed(what: &str) -> Self {
        Self {
            undo: Undo::Nothing,
            order: None,
            note: format!("{what} was not running"),
        }
    }
}

/// What healing a fault has led to.
#[derive(Default)]
pub(crate) struct Healed {
    pub(crate) order: Option<Order>,
    /// What a slow disk has held up.
    pub(crate) slowed: Option<Slowed>,
}

/// Which kinds of these can be made on this site, and why the others cannot.
pub(crate) async fn possible(
    site: &LiveSite,
    slow: &SlowDisks,
    wanted: &[Kind],
) -> (Vec<Kind>, Vec<NotPossible>) {
    let nftables = nftables(site).await;
    let tap = Relay::is_possible();
    let (mut can, mut cannot) = (Vec::new(), Vec::new());
    for kind in wanted {
        let why = match kind {
            Kind::MuteHost | Kind::DeafHost => nftables.clone().err(),
            Kind::DelayHost => tap.clone().err(),
            Kind::SlowDisk => slow.refusal(),
            Kind::ScriptFails | Kind::ScriptSlow | Kind::ScriptHangs => {
                let none = "the control scripts of this site are built in: there is no program that could fail";
                (!site.has_scripts()).then(|| none.to_owned())
            }
            Kind::AlarmTest => conditions(site)
                .is_empty()
                .then(|| "no Alarm Condition names a member of the pair".to_owned()),
            _ => None,
        };
        match why {
            None => can.push(*kind),
            Some(why) => cannot.push(NotPossible { fault: *kind, why }),
        }
    }
    (can, cannot)
}

/// Alarm Conditions of the pair's members.
pub(crate) fn conditions(site: &LiveSite) -> Vec<String> {
    use changeover_model::environment::Selection;
    let conditions = site.environment().alarm_conditions.values();
    conditions
        .filter(|condition| {
            condition.enabled
                && matches!(&condition.selection, Selection::Application(of) if site.pair().has_member(of))
        })
        .map(|condition| condition.name.to_string())
        .collect()
}

/// Tries nftables in a namespace of the site, and takes the trial away again.
async fn nftables(site: &LiveSite) -> Result<(), String> {
    let host = site.pair().primary_host.clone();
    let Some((inside, _, _)) = site.wiring(&host) else {
        return Err("the site has no wires of its own".to_owned());
    };
    let trial = "changeover_trial";
    let devices = nics(site, &inside)
        .await
        .map_err(|trouble| format!("the NICs of {host} cannot be listed: {trouble}"))?;
    let tried = drop_from(site, &inside, trial, &devices).await;
    let cleared = nft(site, &inside, &["delete", "table", "netdev", trial]).await;
    tried
        .and(cleared)
        .map_err(|trouble| format!("nftables does not work here (package nftables): {trouble}"))
}

async fn nft(site: &LiveSite, namespace: &str, words: &[&str]) -> Result<(), Trouble> {
    let mut all = vec!["netns", "exec", namespace, "nft"];
    all.extend(words);
    site.ip(&all).await.map(drop)
}

/// Drops every frame that comes in by these devices of a namespace, by a table of this name.
async fn drop_from(
    site: &LiveSite,
    namespace: &str,
    table: &str,
    devices: &[String],
) -> Result<(), Trouble> {
    nft(site, namespace, &["add", "table", "netdev", table]).await?;
    for (number, device) in devices.iter().enumerate() {
        let chain = format!(
            "add chain netdev {table} c{number} {{ type filter hook ingress device \"{device}\" priority 0; policy drop; }}"
        );
        nft(site, namespace, &[&chain]).await?;
    }
    Ok(())
}

/// The NICs of a namespace, without its loopback.
async fn nics(site: &LiveSite, namespace: &str) -> Result<Vec<String>, Trouble> {
    Ok(links(site, &["-n", namespace, "-json", "link", "show"])
        .await?
        .iter()
        .filter_map(|link| link.get("ifname")?.as_str())
        .filter(|name| *name != "lo")
        .map(str::to_owned)
        .collect())
}

/// What `ip -json link` lists. An answer that cannot be read is no empty list: faults would be made on nothing.
async fn links(site: &LiveSite, words: &[&str]) -> Result<Vec<serde_json::Value>, Trouble> {
    let text = site.ip(words).await?;
    serde_json::from_str(&text).map_err(|error| Trouble::Command {
        command: format!("ip {}", words.join(" ")),
        status: "success".to_owned(),
        said: format!("{error} in {text:?}"),
    })
}

/// Makes a fault. `processes` are the members' as the SCS last showed them.
///
/// # Errors
/// When the machine does not obey: then the drill cannot go on.
pub(crate) async fn make(
    site: &mut LiveSite,
    slow: &SlowDisks,
    fault: &Planned,
    processes: &BTreeMap<String, u32>,
) -> Result<Done, Trouble> {
    let target = fault.target.as_str();
    let host = || HostName::from(target);
    match fault.kind {
        Kind::KillServer => {
            let killed = match processes.get(target) {
                Some(pid) => site.kill(*pid).await,
                None => false,
            };
            Ok(if killed {
                Done::with(Undo::Nothing)
            } else {
                Done::missed(target)
            })
        }
        Kind::StopServer => Ok(stop(site, target, processes.get(target).copied())),
        Kind::StopLca | Kind::StopScs | Kind::StopMessageServer => {
            let pid = site.component(target);
            Ok(stop(site, target, pid))
        }
        Kind::KillLca | Kind::KillScs | Kind::KillMessageServer => {
            let killed = match site.component(target) {
                Some(pid) => site.kill(pid).await,
                None => false,
            };
            let undo = Undo::StartAgain(target.to_owned());
            Ok(if killed {
                Done::with(undo)
            } else {
                Done::missed(target)
            })
        }
        Kind::FreezeHost => freeze(site, host()).await,
        Kind::CutHost => {
            site.cable(&host(), false).await?;
            Ok(Done::with(Undo::Plug(host())))
        }
        Kind::MuteHost | Kind::DeafHost => half_cut(site, host(), fault.kind).await,
        Kind::DelayHost => delay(site, &host()).await,
        Kind::FullDisk => {
            site.disk(target, true).await?;
            Ok(Done::with(Undo::Room(target.to_owned())))
        }
        Kind::SlowDisk => Ok(slacken(slow, target)),
        Kind::ScriptFails => scripts(site, host(), "fails"),
        Kind::ScriptSlow => scripts(site, host(), "slow"),
        Kind::ScriptHangs => scripts(site, host(), "hangs"),
        Kind::Switchover => {
            let (orders, pair) = (site.orders(), site.pair().name.clone());
            let order = async move { orders.switchover(&pair, "drill").await };
            Ok(Done {
                order: Some(tokio::spawn(order)),
                ..Done::with(Undo::Nothing)
            })
        }
        Kind::AlarmTest => {
            let (orders, condition) = (site.orders(), ConditionName::from(target));
            let order = async move { orders.test_alarm(&condition).await };
            Ok(Done {
                order: Some(tokio::spawn(order)),
                ..Done::with(Undo::Realign)
            })
        }
    }
}

fn stop(site: &LiveSite, what: &str, pid: Option<u32>) -> Done {
    match pid.filter(|pid| site.pause(*pid, true)) {
        Some(pid) => Done::with(Undo::Continue(pid)),
        None => Done::missed(what),
    }
}

fn slacken(slow: &SlowDisks, component: &str) -> Done {
    let Some(throttle) = slow.of(component) else {
        return Done::missed(component);
    };
    throttle.begin();
    Done::with(Undo::Hasten(Arc::clone(throttle)))
}

fn scripts(site: &LiveSite, host: HostName, how: &str) -> Result<Done, Trouble> {
    site.scripts(&host, Some(how))?;
    Ok(Done::with(Undo::Scripts(host)))
}

/// A machine that stands still answers nothing, not even to ARP, and its NIC keeps its carrier: its cables are there, and
/// on no bridge.
async fn freeze(site: &LiveSite, host: HostName) -> Result<Done, Trouble> {
    let mut apart = Vec::new();
    if let Some((_, wire, ports)) = site.wiring(&host) {
        for port in ports {
            let bridge = master(site, &wire, &port).await?;
            site.ip(&["-n", &wire, "link", "set", "dev", &port, "nomaster"])
                .await?;
            apart.push((wire.clone(), port, bridge));
        }
    }
    site.reachable(&host, false).await;
    let mut stopped = 0;
    // Twice: what forked while the first round went on.
    for _ in 0..2 {
        let processes = site.processes_on(&host);
        stopped = processes.len();
        for pid in processes {
            site.pause(pid, true);
        }
    }
    Ok(Done {
        note: format!("{stopped} processes"),
        ..Done::with(Undo::Wake(host, apart))
    })
}

async fn half_cut(site: &LiveSite, host: HostName, kind: Kind) -> Result<Done, Trouble> {
    let Some((inside, wire, ports)) = site.wiring(&host) else {
        return Ok(Done::with(Undo::Nothing));
    };
    let table = format!("changeover_{}", host.as_str().replace(['-', '.'], "_"));
    if kind == Kind::MuteHost {
        drop_from(site, &wire, &table, &ports).await?;
        site.reachable(&host, false).await;
        return Ok(Done::with(Undo::Tables(vec![(wire, table)], Some(host))));
    }
    drop_from(site, &inside, &table, &nics(site, &inside).await?).await?;
    Ok(Done::with(Undo::Tables(vec![(inside, table)], None)))
}

/// Between the host and its bridge: a bridge of its own, and a relay between the two that keeps every frame a while.
async fn delay(site: &LiveSite, host: &HostName) -> Result<Done, Trouble> {
    let Some((_, wire, ports)) = site.wiring(host) else {
        return Ok(Done::with(Undo::Nothing));
    };
    let mut relays = Vec::new();
    for (number, port) in ports.into_iter().enumerate() {
        let bridge = master(site, &wire, &port).await?;
        let (own, near, far) = (
            format!("dly{number}"),
            format!("near{number}"),
            format!("far{number}"),
        );
        let names = (near.clone(), far.clone());
        let relay = site
            .inside(&wire, move || Relay::start(&names.0, &names.1, DELAY))
            .await?;
        let new = [
            "-n",
            &wire,
            "link",
            "add",
            &own,
            "type",
            "bridge",
            "stp_state",
            "0",
            "forward_delay",
            "0",
        ];
        site.ip(&new).await?;
        site.ip(&["-n", &wire, "link", "set", &own, "up"]).await?;
        for (device, on) in [(&near, &own), (&far, &bridge), (&port, &own)] {
            site.ip(&["-n", &wire, "link", "set", device, "master", on, "up"])
                .await?;
        }
        relays.push((relay, port, format!("{bridge} {own}")));
    }
    Ok(Done {
        note: format!("{} ms each way", DELAY.as_millis()),
        ..Done::with(Undo::Relays(relays, wire))
    })
}

async fn master(site: &LiveSite, namespace: &str, device: &str) -> Result<String, Trouble> {
    let words = ["-n", namespace, "-json", "link", "show", "dev", device];
    let links = links(site, &words).await?;
    let master = links.iter().find_map(|link| link.get("master")?.as_str());
    master.map(str::to_owned).ok_or_else(|| Trouble::Command {
        command: format!("ip {}", words.join(" ")),
        status: "success".to_owned(),
        said: format!("no bridge in {links:?}"),
    })
}

/// Heals a fault.
///
/// # Errors
/// When the machine does not obey: then the drill cannot go on.
pub(crate) async fn heal(site: &mut LiveSite, undo: Undo) -> Result<Healed, Trouble> {
    match undo {
        Undo::Nothing => {}
        Undo::Continue(pid) => {
            site.pause(pid, false);
        }
        Undo::StartAgain(component) => site.start_again(&component).await?,
        Undo::Wake(host, apart) => {
            // Reachable counts from before it is.
            site.reachable(&host, true).await;
            for (wire, port, bridge) in apart {
                let words = ["-n", &wire, "link", "set", "dev", &port, "master", &bridge];
                site.ip(&words).await?;
            }
            for pid in site.processes_on(&host) {
                site.pause(pid, false);
            }
        }
        Undo::Plug(host) => site.cable(&host, true).await?,
        Undo::Tables(tables, heard) => {
            if let Some(host) = heard {
                site.reachable(&host, true).await;
            }
            for (namespace, table) in tables {
                nft(site, &namespace, &["delete", "table", "netdev", &table]).await?;
            }
        }
        Undo::Relays(relays, wire) => {
            for (relay, port, bridges) in relays {
                let (bridge, own) = bridges.split_once(' ').unwrap_or((&bridges, ""));
                site.ip(&["-n", &wire, "link", "set", &port, "master", bridge, "up"])
                    .await?;
                drop(relay);
                site.ip(&["-n", &wire, "link", "del", own]).await?;
            }
        }
        Undo::Room(component) => site.disk(&component, false).await?,
        Undo::Hasten(throttle) => {
            return Ok(Healed {
                slowed: Some(throttle.end()),
                ..Healed::default()
            });
        }
        Undo::Scripts(host) => site.scripts(&host, None)?,
        Undo::Realign => {
            let (orders, pair) = (site.orders(), site.pair().name.clone());
            let order = tokio::spawn(async move { orders.realign(&pair).await });
            return Ok(Healed {
                order: Some(order),
                ..Healed::default()
            });
        }
    }
    Ok(Healed::default())
}

/// Waits for an order's end, for a bounded time, and says how it ended.
pub(crate) async fn end_of(order: Order, bound: Duration) -> String {
    let began = Moment::now();
    match tokio::time::timeout(bound, order).await {
        Ok(Ok(Ok(Ordered::Finished(record)))) => match record.outcome {
            Some(outcome) => format!("{outcome:?}").to_lowercase(),
            None => "no outcome".to_owned(),
        },
        Ok(Ok(Ok(Ordered::Done))) => "done".to_owned(),
        Ok(Ok(Ok(Ordered::Refused(why)))) => format!("refused: {why}"),
        Ok(Ok(Ok(Ordered::NotTold))) => "its end was not told".to_owned(),
        Ok(Ok(Err(trouble))) => trouble.to_string(),
        Ok(Err(_)) => "the order panicked".to_owned(),
        Err(_) => format!("no answer in {:.0} ms", Moment::now().ms_since(began)),
    }
}
