//! The shell of an LCA, played: processes, addresses, the local socket, and what is kept in the runtime directory
//! and on disk. After a crash it is recovered from what was really kept and what really runs.

use super::event::{End, Event, Payload};
use super::host::{Host, Process, Work};
use super::server::Server;
use super::{Driven, HostIndex, Life, Node, World, feed_driven};
use crate::scenario::{DiskMood, Planted, ScriptMood};
use changeover_lca_core::{
    Durability, Elsewhere, FoundRun, LcaCore, LcaIdentity, LcaInput, LcaOutput, ProcessKind,
    ProcessSignal, Recovery, RunId, StartProcess, StateChange,
};
use changeover_model::message::{ExitStatus, FromLca};
use changeover_model::{Epoch, ScriptAction, Ticket};

impl World {
    pub(crate) fn start_lca(&mut self, host: HostIndex) {
        if self.hosts[host].lca.is_some() || !self.hosts[host].powered {
            return;
        }
        let life = self.new_life();
        let here = &self.hosts[host];
        let identity = LcaIdentity {
            host: here.name.clone(),
            version: "simulated".to_owned(),
            boot: format!("boot-{}", here.boot),
            session: life,
        };
        let found = here
            .processes
            .iter()
            .filter(|(run, process)| process.forked && is_recognised(here, **run, process))
            .map(|(run, process)| FoundRun {
                run: RunId(*run),
                application: process.application.clone(),
                pid: (!process.main_gone).then_some(process.pid),
                start_time: process.start_time,
                token: process.token.clone(),
            })
            .collect();
        let state = here.kept.clone();
        let name = here.name.clone();
        self.hosts[host].watched.clear();
        self.hosts[host].links.clear();
        self.hosts[host].checks.clear();
        self.hosts[host].writes.clear();
        self.hosts[host].lca = Some(Driven::new(LcaCore::new(identity), life, self.now));
        self.say(|_| format!("lca@{name} starts"));
        self.lca_input(host, life, LcaInput::Recovered(Recovery { state, found }));
    }

    /// The process is gone; everything it started goes on, but for what it carried out itself.
    pub(crate) fn crash_lca(&mut self, host: HostIndex) {
        let Some(driven) = self.hosts[host].lca.take() else {
            return;
        };
        let name = self.hosts[host].name.clone();
        self.say(|_| format!("lca@{name} dies"));
        self.hosts[host]
            .processes
            .retain(|_, process| !process.is_here);
        if self.planted == Planted::LostStores {
            self.hosts[host].kept = changeover_lca_core::StoredState::default();
        }
        self.close_ends(End::Lca(host, driven.life));
    }

    pub(crate) fn lca_input(&mut self, host: HostIndex, life: Life, input: LcaInput) {
        let local = self.clock(host);
        let mut outputs = Vec::new();
        let driven = self.hosts[host].lca.as_mut();
        if feed_driven(driven, life, local, input, &mut outputs) {
            self.lca_act_all(host, life, outputs);
        }
    }

    pub(crate) fn lca_act_all(&mut self, host: HostIndex, life: Life, outputs: Vec<LcaOutput>) {
        self.trace.mark(self.now, 3_000 + outputs.len() as u64);
        for output in outputs {
            self.lca_act(host, life, output);
        }
        self.arm(Node::Lca(host));
    }

    fn lca_act(&mut self, host: HostIndex, life: Life, output: LcaOutput) {
        match output {
            LcaOutput::ToScs(message) => self.lca_to_scs(host, life, message),
            LcaOutput::ToApplication {
                connection,
                message,
            } => self.send(connection.0, 0, Payload::ToApplication(Box::new(message))),
            LcaOutput::CloseApplication { connection } => self.close_side(connection.0, 1),
            LcaOutput::StartProcess(start) => self.start_process(host, life, *start),
            LcaOutput::StartElsewhere {
                start, elsewhere, ..
            } => self.start_elsewhere(host, life, *start, &elsewhere),
            // Nobody else starts a unit here.
            LcaOutput::WatchUnits(_) => {}
            LcaOutput::SignalProcess {
                run,
                signal,
                all_descendants: _,
            } => self.signal(host, run.0, signal),
            LcaOutput::WatchAddresses(watched) => self.watch(host, watched),
            LcaOutput::ReadAddresses { ticket } => {
                let after = self.random.between(50, 600);
                self.plan(after, Event::ReadAddresses(host, life, ticket));
            }
            LcaOutput::RemoveAddresses {
                ticket, addresses, ..
            } => {
                let addresses = addresses.into_iter().map(|vip| vip.address).collect();
                let after = self.random.between(50, 600);
                let event = Event::RemoveAddresses(host, life, ticket, addresses);
                self.plan(after, event);
            }
            LcaOutput::RenewAddresses {
                addresses,
                lifetime,
                ..
            } => {
                let addresses: Vec<_> = addresses.into_iter().map(|vip| vip.address).collect();
                self.set_lifetime(host, &addresses, lifetime.map(super::micros));
            }
            LcaOutput::DialPeers(targets) => self.dial_peers(host, life, &targets),
            LcaOutput::ToPeer {
                connection,
                message,
                ..
            } => self.send(connection.0, 1, Payload::ToPeer(Box::new(message))),
            LcaOutput::ClosePeer { connection, .. } => self.close_peer(connection.0),
            LcaOutput::ToWitnessed {
                connection,
                message,
                ..
            } => self.send(connection.0, 0, Payload::FromPeer(Box::new(message))),
            LcaOutput::Announce { addresses } => {
                let addresses: Vec<_> = addresses.into_iter().map(|vip| vip.address).collect();
                self.announced(host, &addresses);
            }
            LcaOutput::StartCheck(start) => self.start_check(host, life, &start),
            LcaOutput::EndCheck { run } => self.end_check(host, run),
            LcaOutput::WatchLinks(links) => {
                self.hosts[host].links = links;
                self.address_changed(host);
            }
            LcaOutput::Persist { change, durability } => {
                self.lca_persists(host, life, change, durability);
            }
            LcaOutput::HostStopped => {
                let boot = self.hosts[host].boot;
                self.plan(50_000, super::Event::PowerOff(host, boot));
            }
        }
    }

    fn watch(&mut self, host: HostIndex, watched: Vec<changeover_lca_core::WatchedAddress>) {
        self.hosts[host].watched = watched;
        self.address_changed(host);
    }

    /// The shell keeps a connection to each of these.
    fn dial_peers(
        &mut self,
        host: HostIndex,
        life: Life,
        targets: &[(changeover_model::HostName, std::net::SocketAddr)],
    ) {
        let others: Vec<HostIndex> = targets
            .iter()
            .filter_map(|(name, _)| self.host_index(name))
            .collect();
        for other in others {
            let after = self.random.between(500, 5_000);
            self.plan(
                after,
                Event::Dial(super::event::Dial::LcaToLca(host, life, other)),
            );
        }
    }

    fn close_peer(&mut self, connection: u64) {
        if let Some(dial) = self.link(connection).map(|link| link.dial) {
            self.close_side(connection, 0);
            self.plan(1_000, Event::Dial(dial));
        }
    }

    fn lca_to_scs(&mut self, host: HostIndex, life: Life, message: FromLca) {
        self.note_report(host, &message);
        let connection = self.newest_scs_connection(host, life);
        if let Some(connection) = connection {
            self.send(connection, 0, Payload::FromLca(Box::new(message)));
        }
    }

    fn lca_persists(
        &mut self,
        host: HostIndex,
        life: Life,
        change: StateChange,
        durability: Durability,
    ) {
        self.hosts[host].kept.apply(change);
        self.touched.touch(super::Part::Lca(host));
        let Durability::Durable(ticket) = durability else {
            return;
        };
        let mood = self.hosts[host].disk;
        let takes = self.disk_takes(mood);
        let fails = mood == DiskMood::Fails && self.random.chance(500);
        let here = &mut self.hosts[host];
        here.writes.insert(ticket, (here.kept.clone(), fails));
        let at = (self.now + takes).max(here.last_write);
        here.last_write = at;
        self.queue.push(at, Event::LcaWrite(host, life, ticket));
    }

    pub(crate) fn lca_write_done(&mut self, host: HostIndex, life: Life, ticket: Ticket) {
        if self.life_of(Node::Lca(host)) != Some(life) {
            return;
        }
        let Some((state, fails)) = self.hosts[host].writes.remove(&ticket) else {
            return;
        };
        let input = if fails {
            let reason = "no space left on device".to_owned();
            LcaInput::PersistFailed { ticket, reason }
        } else {
            self.hosts[host].on_disk = state;
            LcaInput::Persisted { ticket }
        };
        self.lca_input(host, life, input);
    }

    pub(crate) fn tell_watched(&mut self, host: HostIndex, life: Life) {
        let observed = self.observe(host);
        self.lca_input(host, life, LcaInput::AddressesObserved(observed));
        self.tell_links(host, life);
    }

    pub(crate) fn read_addresses(&mut self, host: HostIndex, life: Life, ticket: Ticket) {
        let mut observed = self.observe(host);
        if self.planted == Planted::LyingAddresses {
            for one in &mut observed {
                match self.hosts[host].last_script.get(&one.pair) {
                    Some(ScriptAction::Disable) => one.held = None,
                    Some(ScriptAction::Enable) => {
                        one.held.get_or_insert(changeover_model::message::HeldOn {
                            interface: "eth0".to_owned(),
                            label: None,
                            prefix: 24,
                        });
                    }
                    None => {}
                }
            }
        }
        let result = Ok(observed);
        self.lca_input(host, life, LcaInput::AddressesRead { ticket, result });
    }

    pub(crate) fn remove_addresses(
        &mut self,
        host: HostIndex,
        life: Life,
        ticket: Ticket,
        addresses: &[std::net::IpAddr],
    ) {
        // The shell's own doing: it does not outlive its process.
        if self.life_of(Node::Lca(host)) != Some(life) {
            return;
        }
        let sticky = self.planted == Planted::StickyAddresses;
        let pairs: Vec<_> = self.environment.pairs.keys().cloned().collect();
        for pair in pairs.into_iter().filter(|_| !sticky) {
            if self
                .virtual_ips(&pair)
                .iter()
                .any(|vip| addresses.contains(vip))
            {
                self.set_addresses(host, &pair, false);
            }
        }
        let result = Ok(());
        self.lca_input(host, life, LcaInput::AddressesRemoved { ticket, result });
    }

    fn start_process(&mut self, host: HostIndex, life: Life, start: StartProcess) {
        let work = match start.kind {
            ProcessKind::Managed => {
                Work::Server(Box::new(Server::new(&start.application, start.run.0)))
            }
            ProcessKind::ControlScript => {
                self.touched.touch(super::Part::Script(host));
                self.script_of(&start)
            }
            ProcessKind::Plain if self.is_member(&start.application) => Work::ThirdParty {
                unmarked: false,
                elsewhere: false,
            },
            ProcessKind::Command => Self::command_of(&start),
            ProcessKind::Plain => Work::Plain,
        };
        self.start_work(host, life, start, work);
    }

    fn is_member(&self, application: &changeover_model::ApplicationName) -> bool {
        self.environment.pair_of(application).is_some()
    }

    /// What runs already is taken over as it is, under its new run; anything else comes to be as a process does.
    fn start_elsewhere(
        &mut self,
        host: HostIndex,
        life: Life,
        start: StartProcess,
        elsewhere: &Elsewhere,
    ) {
        let here = &mut self.hosts[host];
        let run = start.run.0;
        if let Some(before) = here.run_of(&start.application)
            && let Some(mut process) = here.processes.remove(&before)
        {
            process.parent = life;
            let input = LcaInput::MainProcessFound {
                run: RunId(run),
                pid: process.pid,
                start_time: process.start_time,
                how: "taken over".to_owned(),
            };
            here.processes.insert(run, process);
            let after = self.random.between(20, 2_000);
            self.plan(after, Event::Lca(host, life, Box::new(input)));
            return;
        }
        let work = Work::ThirdParty {
            unmarked: matches!(elsewhere, Elsewhere::SystemdUnit(_)),
            elsewhere: true,
        };
        self.start_work(host, life, start, work);
    }

    fn start_work(&mut self, host: HostIndex, life: Life, start: StartProcess, work: Work) {
        let run = start.run.0;
        let name = self.hosts[host].name.clone();
        let application = start.application.clone();
        self.say(|_| format!("lca@{name} starts process {application}"));
        let is_here = self.carries_vipctl && start.program == "vipctl";
        let here = &mut self.hosts[host];
        here.next_pid += 1;
        let process = Process {
            application: start.application,
            work,
            is_here,
            pid: here.next_pid,
            start_time: self.now,
            token: format!("token-{run}"),
            parent: life,
            forked: false,
            unwanted: false,
            killed: false,
            main_gone: false,
        };
        here.processes.insert(run, process);
        let after = self.random.between(200, 1_500);
        self.plan(after, Event::Fork(host, run, life));
    }

    fn script_of(&self, start: &StartProcess) -> Work {
        let of = |name: &str| {
            start
                .environment
                .iter()
                .find(|(key, _)| key == name)
                .map_or("", |(_, value)| value.as_str())
        };
        let action = ScriptAction::parse(of("CHANGEOVER_ACTION"));
        let epoch = of("CHANGEOVER_EPOCH").parse().map(Epoch);
        match (action, epoch) {
            (Some(action), Ok(epoch)) => Work::Script {
                pair: of("CHANGEOVER_PAIR").into(),
                action,
                epoch,
            },
            _ => Work::Plain,
        }
    }

    /// A process that was asked for comes to be, unless nobody wants it any more.
    pub(crate) fn fork(&mut self, host: HostIndex, run: u64, life: Life) {
        let parent_lives = self.life_of(Node::Lca(host)) == Some(life);
        let mood = self.hosts[host].scripts;
        let Some(process) = self.hosts[host].processes.get_mut(&run) else {
            return;
        };
        let can_miss = matches!(process.work, Work::Script { .. }) && !process.is_here;
        let missing = can_miss && self.script_is_missing(mood);
        let Some(process) = self.hosts[host].processes.get_mut(&run) else {
            return;
        };
        if process.unwanted || missing || !parent_lives {
            self.hosts[host].processes.remove(&run);
            let reason = "no such file or directory".to_owned();
            let run = RunId(run);
            self.lca_input(host, life, LcaInput::ProcessStartFailed { run, reason });
            return;
        }
        process.forked = true;
        let started_elsewhere = matches!(
            process.work,
            Work::ThirdParty {
                elsewhere: true,
                ..
            }
        );
        let (run_id, pid, start_time) = (RunId(run), process.pid, process.start_time);
        let input = if process.is_here {
            LcaInput::ScriptCarriedOutHere { run: run_id }
        } else if started_elsewhere {
            LcaInput::MainProcessFound {
                run: run_id,
                pid,
                start_time,
                how: "started".to_owned(),
            }
        } else {
            LcaInput::ProcessStarted {
                run: run_id,
                pid,
                start_time,
                token: process.token.clone(),
            }
        };
        let is_script = matches!(process.work, Work::Script { .. });
        let is_server = matches!(process.work, Work::Server(_));
        let is_hook = matches!(process.work, Work::Hook { .. });
        let after = self.random.between(20, 200);
        self.plan(after, Event::Lca(host, life, Box::new(input)));
        if is_hook {
            self.hook_begins(host, run);
        } else if is_script {
            self.script_begins(host, run);
        } else if is_server {
            let after = self.random.between(20_000, 120_000);
            let step = super::event::ServerStep::Booted;
            self.plan(after, Event::Server(host, run, step));
        }
    }

    fn script_is_missing(&mut self, mood: ScriptMood) -> bool {
        mood == ScriptMood::Missing || (mood == ScriptMood::Any && self.random.chance(60))
    }

    fn signal(&mut self, host: HostIndex, run: u64, signal: ProcessSignal) {
        let Some(process) = self.hosts[host].processes.get_mut(&run) else {
            return;
        };
        if !process.forked {
            process.unwanted = true;
            return;
        }
        let hangs = match &process.work {
            Work::Server(server) => server.hangs,
            Work::ThirdParty { .. } | Work::Script { .. } | Work::Hook { .. } | Work::Plain => {
                false
            }
        };
        let (exit, after) = match signal {
            ProcessSignal::Term if hangs => return,
            ProcessSignal::Term => (ExitStatus::Code(0), self.random.between(1_000, 40_000)),
            ProcessSignal::Kill => {
                process.killed = true;
                (ExitStatus::Signal(9), self.random.between(50, 800))
            }
        };
        self.plan(after, Event::Exit(host, run, exit));
    }

    /// The main process of a run ends; nothing that it would have done comes any more.
    pub(crate) fn process_exits(&mut self, host: HostIndex, run: u64, exit: ExitStatus) {
        let Some(process) = self.hosts[host].processes.get_mut(&run) else {
            return;
        };
        if process.main_gone {
            return;
        }
        process.main_gone = true;
        let (parent, application) = (process.parent, process.application.clone());
        let is_script = matches!(process.work, Work::Script { .. });
        let name = self.hosts[host].name.clone();
        self.say(|_| format!("{application} on {name} ends: {exit}"));
        self.close_ends(End::Server(host, run));
        // What it left behind ends with it, or a little later.
        let lingers = is_script && self.hosts[host].scripts == ScriptMood::Any;
        let after = if lingers && self.random.chance(200) {
            self.random.between(10_000, 2_500_000)
        } else {
            self.random.between(20, 200)
        };
        self.plan(after, Event::Gone(host, run));
        if let Some(life) = self.life_of(Node::Lca(host)) {
            let input = LcaInput::ProcessExited {
                run: RunId(run),
                exit: if life == parent {
                    exit
                } else {
                    ExitStatus::Unknown
                },
                output: String::new(),
            };
            self.lca_input(host, life, input);
        }
    }

    pub(crate) fn process_gone(&mut self, host: HostIndex, run: u64) {
        if self.hosts[host].processes.remove(&run).is_none() {
            return;
        }
        if let Some(life) = self.life_of(Node::Lca(host)) {
            let run = RunId(run);
            self.lca_input(host, life, LcaInput::ProcessesGone { run });
        }
    }
}

/// True if a new life of the LCA knows whose process it is: by its record, or by the marker that it carries.
fn is_recognised(host: &Host, run: u64, process: &Process) -> bool {
    match process.work {
        Work::ThirdParty { unmarked: true, .. } => host
            .kept
            .runs
            .get(&RunId(run))
            .is_some_and(|record| record.process.is_some()),
        Work::ThirdParty { .. }
        | Work::Server(_)
        | Work::Script { .. }
        | Work::Hook { .. }
        | Work::Plain => true,
    }
}
