//! A host: its clock, cable, addresses and processes, and what its LCA keeps. What processes do stands in
//! `server` and `scripts`; what the neighbours see of the addresses, here.

use super::health::CheckRun;
use super::server::Server;
use super::{Driven, HostIndex, World};
use crate::scenario::{DiskMood, HealthMood, HookMood, ScriptMood, ServerMood};
use changeover_lca_core::{LcaCore, StoredState, WatchedAddress};
use changeover_model::environment::ControllerLoss;
use changeover_model::message::{AddressObservation, HeldOn};
use changeover_model::{ApplicationName, Epoch, HostName, PairName, RunMode, ScriptAction, Ticket};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A host of the site.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) name: HostName,
    /// Its wall clock when the world began.
    pub(crate) clock: u64,
    pub(crate) cable: bool,
    pub(crate) powered: bool,
    pub(crate) boot: u32,
    /// It is being shut down, and boots after this time.
    pub(crate) boots_after: Option<u64>,
    pub(crate) addresses: BTreeMap<IpAddr, HeldOn>,
    /// When the kernel takes an address away by itself.
    pub(crate) expires: BTreeMap<IpAddr, u64>,
    /// Everything here stands still until then.
    pub(crate) frozen: Option<u64>,
    pub(crate) froze_at: u64,
    pub(crate) clock_moves: bool,
    /// Everything that runs, by run.
    pub(crate) processes: BTreeMap<u64, Process>,
    pub(crate) next_pid: u32,
    pub(crate) lca: Option<Driven<LcaCore>>,
    /// The copy in the runtime directory: survives a crash of the LCA.
    pub(crate) kept: StoredState,
    /// The copy on disk: survives the host.
    pub(crate) on_disk: StoredState,
    /// Durable writes under way: what the disk holds once each is done, and whether it fails.
    pub(crate) writes: BTreeMap<Ticket, (StoredState, bool)>,
    pub(crate) last_write: u64,
    pub(crate) watched: Vec<WatchedAddress>,
    pub(crate) scripts: ScriptMood,
    pub(crate) servers: ServerMood,
    pub(crate) health: HealthMood,
    pub(crate) hooks: HookMood,
    /// Interfaces whose carrier the LCA wants to know.
    pub(crate) links: Vec<String>,
    /// Runs of health checks.
    pub(crate) checks: BTreeMap<u64, CheckRun>,
    pub(crate) disk: DiskMood,
    /// What the last control script of a pair was to do; for a planted fault.
    pub(crate) last_script: BTreeMap<PairName, ScriptAction>,
}

/// One run of an LCA: a process with its descendants.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) application: ApplicationName,
    pub(crate) work: Work,
    pub(crate) pid: u32,
    pub(crate) start_time: u64,
    pub(crate) token: String,
    /// The LCA that asked for it.
    pub(crate) parent: u64,
    /// It is no process but work of the LCA's own, and ends with it.
    pub(crate) is_here: bool,
    pub(crate) forked: bool,
    /// It is not to be forked any more.
    pub(crate) unwanted: bool,
    pub(crate) killed: bool,
    pub(crate) main_gone: bool,
}

impl Process {
    pub(crate) fn main_lives(&self) -> bool {
        self.forked && !self.main_gone
    }

    /// True if it is a server that serves as primary; `None` for anything but a server.
    pub(crate) fn serves(&self) -> Option<bool> {
        match &self.work {
            Work::Server(server) => Some(server.serves()),
            Work::ThirdParty { .. } | Work::Script { .. } | Work::Hook { .. } | Work::Plain => None,
        }
    }
}

/// What a process is.
#[derive(Clone)]
pub(crate) enum Work {
    Server(Box<Server>),
    Script {
        pair: PairName,
        action: ScriptAction,
        epoch: Epoch,
    },
    /// A member that knows nothing of run modes: it serves wherever the VIP is.
    ThirdParty {
        /// Nobody forked it who could recognise it by its marker: systemd did.
        unmarked: bool,
        /// Its LCA did not fork its main process.
        elsewhere: bool,
    },
    /// A hook of a change of roles.
    Hook {
        pair: PairName,
        epoch: Epoch,
    },
    /// Anything else: it lives until it is ended.
    Plain,
}

impl Host {
    pub(crate) fn new(name: HostName, clock: u64) -> Self {
        Self {
            name,
            clock,
            cable: true,
            powered: true,
            boot: 1,
            boots_after: None,
            addresses: BTreeMap::new(),
            expires: BTreeMap::new(),
            frozen: None,
            froze_at: 0,
            clock_moves: true,
            processes: BTreeMap::new(),
            next_pid: 1000,
            lca: None,
            kept: StoredState::default(),
            on_disk: StoredState::default(),
            writes: BTreeMap::new(),
            last_write: 0,
            watched: Vec::new(),
            scripts: ScriptMood::Fast,
            servers: ServerMood::Good,
            health: HealthMood::Good,
            hooks: HookMood::Good,
            links: Vec::new(),
            checks: BTreeMap::new(),
            disk: DiskMood::Fast,
            last_script: BTreeMap::new(),
        }
    }

    /// True if everything that the LCA of this host watches for the pair is here.
    pub(crate) fn holds(&self, addresses: &[IpAddr]) -> bool {
        addresses
            .iter()
            .all(|address| self.addresses.contains_key(address))
    }

    pub(crate) fn server(&mut self, run: u64) -> Option<&mut Server> {
        match &mut self.processes.get_mut(&run)?.work {
            Work::Server(server) => Some(server),
            Work::ThirdParty { .. } | Work::Script { .. } | Work::Hook { .. } | Work::Plain => None,
        }
    }

    /// True if a member serves as primary: by its own word, or a third-party one by what its LCA keeps of it.
    pub(crate) fn serves(&self, application: &ApplicationName) -> Option<bool> {
        let process = self.processes.get(&self.run_of(application)?)?;
        match process.work {
            Work::ThirdParty { .. } => {
                let record = self.kept.applications.get(application)?;
                Some(record.run_mode == RunMode::Primary)
            }
            Work::Server(_) | Work::Script { .. } | Work::Hook { .. } | Work::Plain => {
                process.serves()
            }
        }
    }

    /// True if neighbours can hear it.
    pub(crate) fn can_be_heard(&self, now: u64) -> bool {
        self.cable && self.powered && self.frozen.is_none_or(|until| until <= now)
    }

    /// The living process of a member of a pair.
    pub(crate) fn run_of(&self, application: &ApplicationName) -> Option<u64> {
        self.processes
            .iter()
            .find(|(_, process)| {
                &process.application == application
                    && process.main_lives()
                    && matches!(process.work, Work::Server(_) | Work::ThirdParty { .. })
            })
            .map(|(run, _)| *run)
    }
}

impl World {
    /// Addresses of a pair.
    pub(crate) fn virtual_ips(&self, pair: &PairName) -> Vec<IpAddr> {
        self.environment
            .pairs
            .get(pair)
            .map_or_else(Vec::new, |pair| {
                pair.virtual_ips.iter().map(|vip| vip.address).collect()
            })
    }

    /// A complete reading of what a host's LCA watches.
    pub(crate) fn observe(&self, host: HostIndex) -> Vec<AddressObservation> {
        let here = &self.hosts[host];
        here.watched
            .iter()
            .map(|watched| AddressObservation {
                pair: watched.pair.clone(),
                address: watched.address.address,
                held: here.addresses.get(&watched.address.address).cloned(),
                carrier: Some(here.cable),
            })
            .collect()
    }

    /// A planted fault: no host holds anything any more.
    pub(crate) fn all_vips_go(&mut self) {
        let pairs: Vec<PairName> = self.environment.pairs.keys().cloned().collect();
        for host in 0..self.hosts.len() {
            for pair in &pairs {
                self.set_addresses(host, pair, false);
            }
        }
    }

    /// The addresses of a pair appear on a host or go from it.
    pub(crate) fn set_addresses(&mut self, host: HostIndex, pair: &PairName, held: bool) {
        let Some(config) = self.environment.pairs.get(pair) else {
            return;
        };
        let name = self.hosts[host].name.clone();
        let mut changed = Vec::new();
        for vip in config.virtual_ips_on(&name) {
            let on = HeldOn {
                interface: vip.interface,
                label: vip.label,
                prefix: vip.prefix,
            };
            let differs = if held {
                self.hosts[host].addresses.insert(vip.address, on).is_none()
            } else {
                self.hosts[host].expires.remove(&vip.address);
                self.hosts[host].addresses.remove(&vip.address).is_some()
            };
            if differs {
                changed.push(vip.address);
            }
        }
        if let Some(lifetime) = self.lifetime_of(pair).filter(|_| held) {
            // The builtin control script gives the lifetime that the LCA names.
            let fresh: Vec<IpAddr> = changed.clone();
            self.set_lifetime(host, &fresh, Some(lifetime));
        }
        if !held && !changed.is_empty() {
            crate::invariants::vip_went(self, pair);
        }
        if !changed.is_empty() {
            self.touched.touch(super::Part::Host(host));
        }
        for address in changed {
            let word = if held { "on" } else { "off" };
            self.say(|_| format!("VIP {address} {word} {name}"));
            self.address_changed(host);
        }
        self.count_holders();
    }

    fn lifetime_of(&self, pair: &PairName) -> Option<u64> {
        let policy = &self.environment.pairs.get(pair)?.policy;
        (policy.on_controller_loss == ControllerLoss::Quorum)
            .then(|| super::micros(policy.address_lifetime))
    }

    /// The kernel is told how long addresses that stand here shall live from now on.
    pub(crate) fn set_lifetime(
        &mut self,
        host: HostIndex,
        addresses: &[IpAddr],
        lifetime: Option<u64>,
    ) {
        for address in addresses {
            if !self.hosts[host].addresses.contains_key(address) {
                continue;
            }
            match lifetime {
                Some(lifetime) => {
                    let at = self.now + lifetime;
                    self.hosts[host].expires.insert(*address, at);
                    self.queue
                        .push(at, super::Event::AddressExpires(host, *address));
                }
                None => {
                    self.hosts[host].expires.remove(address);
                }
            }
        }
    }

    pub(crate) fn address_expires(&mut self, host: HostIndex, address: IpAddr) {
        let due = self.hosts[host].expires.get(&address);
        let sticky = self.planted == crate::scenario::Planted::StickyAddresses;
        if sticky || due.is_none_or(|at| *at > self.now) {
            return;
        }
        let pair = self
            .environment
            .pairs
            .values()
            .find(|pair| pair.virtual_ips.iter().any(|vip| vip.address == address))
            .map(|pair| pair.name.clone());
        let name = self.hosts[host].name.clone();
        self.say(|_| format!("VIP {address} on {name} has outlived its lifetime"));
        if let Some(pair) = pair {
            self.set_addresses(host, &pair, false);
        }
    }

    /// The watcher of the LCA has something to tell.
    pub(crate) fn address_changed(&mut self, host: HostIndex) {
        if let Some(life) = self.life_of(super::Node::Lca(host)) {
            let after = self.random.between(30, 300);
            self.plan(after, super::Event::Watched(host, life));
        }
    }

    /// Neighbours hear an announcement, if the host can be heard.
    pub(crate) fn announced(&mut self, host: HostIndex, addresses: &[IpAddr]) {
        if !self.hosts[host].can_be_heard(self.now) {
            return;
        }
        let name = self.hosts[host].name.clone();
        for address in addresses {
            self.say(|_| format!("lca@{name} announces {address}"));
            let entry = self.neighbour.entry(*address).or_insert(host);
            if self.planted != crate::scenario::Planted::DeafNeighbour {
                *entry = host;
            }
            for other in 1..self.hosts.len() {
                let hears = other != host
                    && self.reaches(host, other)
                    && self.hosts[other].addresses.contains_key(address);
                if hears && let Some(life) = self.life_of(super::Node::Lca(other)) {
                    let input = changeover_lca_core::LcaInput::RivalSighted {
                        address: *address,
                        interface: self.interface_of(other, address),
                        mac: format!("02:00:00:00:00:0{host}"),
                    };
                    self.plan(100, super::Event::Lca(other, life, Box::new(input)));
                }
            }
        }
    }

    fn interface_of(&self, host: HostIndex, address: &IpAddr) -> String {
        let name = &self.hosts[host].name;
        let pairs = self.environment.pairs.values();
        pairs
            .flat_map(|pair| pair.virtual_ips_on(name))
            .find(|vip| &vip.address == address)
            .map_or_else(String::new, |vip| vip.interface)
    }

    /// A neighbour without an entry asks, and whoever can be heard answers.
    pub(crate) fn neighbour_asks(&mut self) {
        let all: Vec<IpAddr> = self
            .environment
            .pairs
            .values()
            .flat_map(|pair| pair.virtual_ips.iter().map(|vip| vip.address))
            .collect();
        for address in all {
            if self.neighbour.contains_key(&address) {
                continue;
            }
            let holder = (1..self.hosts.len()).find(|host| {
                let host = &self.hosts[*host];
                host.can_be_heard(self.now) && host.addresses.contains_key(&address)
            });
            if let Some(holder) = holder {
                self.neighbour.insert(address, holder);
            }
        }
    }
}
