//! What goes wrong, carried out, and its healing.

use super::event::{Event, Over};
use super::{HostIndex, Node, World, micros};
use crate::scenario::{
    Act, Component, DiskMood, Fault, HealthMood, HookMood, ScriptMood, ServerMood,
};
use changeover_model::message::ExitStatus;
use changeover_scs_core::ScsInput;
use std::sync::Arc;
use std::time::Duration;

/// The operator puts things in order this long after healing, if they do at all.
const TIDY_UP: u64 = 12_000_000;
/// A clean shutdown takes no longer.
const SHUTDOWN_BOUND: u64 = 30_000_000;
/// The first look whether all is well.
const FIRST_LOOK: u64 = 20_000_000;

fn node(component: Component) -> Node {
    match component {
        Component::Scs => Node::Scs,
        Component::MessageServer => Node::MessageServer,
        Component::Lca(host) => Node::Lca(host),
    }
}

impl World {
    pub(crate) fn act(&mut self, act: Act) {
        match act {
            Act::Fault(fault) => {
                self.trace.mark(self.now, 7);
                self.faults += 1;
                self.say(|_| format!("FAULT {fault:?}"));
                self.invariants.fault_happened(&fault);
                self.fault(fault);
            }
            Act::Operator(command) => {
                self.invariants.asked(self.now, &command);
                self.ask(command);
            }
            Act::Reload(variant) => self.reload(variant),
        }
    }

    fn fault(&mut self, fault: Fault) {
        match fault {
            Fault::Crash(component, down) => {
                let node = node(component);
                self.crash(node);
                self.plan(micros(down), Event::Restart(node));
            }
            Fault::Pause(component, time) => self.pause(node(component), micros(time)),
            Fault::KillServer(member) => {
                if let Some((host, run)) = self.running(member) {
                    if let Some(process) = self.hosts[host].processes.get_mut(&run) {
                        process.killed = true;
                    }
                    self.process_exits(host, run, ExitStatus::Signal(9));
                }
            }
            Fault::HangServer(member, time) => {
                if let Some((host, run)) = self.running(member) {
                    self.set_server(host, run, |server| server.hangs = true);
                    self.plan(micros(time), Event::Over(Over::Hang(host, run)));
                }
            }
            Fault::UnavailableServer(member, time) => {
                if let Some((host, run)) = self.running(member) {
                    self.set_server(host, run, |server| server.unavailable = true);
                    self.report_status(host, run);
                    self.plan(micros(time), Event::Over(Over::Unavailable(host, run)));
                }
            }
            Fault::CableOut(host, time) => {
                self.hosts[host].cable = false;
                self.carrier_changed(host);
                self.plan(micros(time), Event::Over(Over::Cable(host)));
            }
            Fault::Cut(one, other, time) => {
                let pair = (one.min(other), one.max(other));
                self.network.cuts.insert(pair);
                self.plan(micros(time), Event::Over(Over::Cut(pair.0, pair.1)));
            }
            Fault::OneWay(from, to, time) => {
                self.network.one_way.insert((from, to));
                self.plan(micros(time), Event::Over(Over::OneWay(from, to)));
            }
            Fault::Freeze(host, time, clock_moves) => self.freeze(host, micros(time), clock_moves),
            Fault::FencesFail(fails) => self.scs.fences_fail = fails,
            Fault::LoseStore(down) => self.lose_store(micros(down)),
            Fault::BreakConnections(host) => self.end_connections(host, false),
            Fault::ResetConnections(host) => self.end_connections(host, true),
            Fault::PowerLoss(host, time) => {
                self.power_loss(host);
                self.plan(micros(time), Event::PowerOn(host));
            }
            Fault::ShutDown(host, time) => self.shut_down(host, micros(time)),
            Fault::Scripts(host, mood) => self.hosts[host].scripts = mood,
            Fault::Health(host, mood) => self.hosts[host].health = mood,
            Fault::Hooks(host, mood) => self.hosts[host].hooks = mood,
            Fault::Servers(host, mood) => self.hosts[host].servers = mood,
            Fault::Disk(Component::Scs, mood) => self.scs.mood = Some(mood),
            Fault::Disk(Component::MessageServer, mood) => self.message_server.mood = Some(mood),
            Fault::Disk(Component::Lca(host), mood) => self.hosts[host].disk = mood,
            Fault::SlowNetwork(most) => self.network.slow = micros(most),
        }
    }

    fn lose_store(&mut self, down: u64) {
        self.crash_scs();
        self.scs.store = changeover_scs_core::StoredState::default();
        self.newest_record = 0;
        let clock = self.clock(0).0;
        self.invariants.store_lost(clock);
        self.plan(down, Event::Restart(Node::Scs));
    }

    /// Every connection of a host ends; with `reset` what is on its way is lost.
    fn end_connections(&mut self, host: HostIndex, reset: bool) {
        for connection in self.connections_of(host) {
            if reset {
                self.reset_connection(connection);
            } else {
                self.break_connection(connection);
            }
        }
    }

    fn freeze(&mut self, host: HostIndex, time: u64, clock_moves: bool) {
        if !self.hosts[host].powered || self.hosts[host].frozen.is_some() {
            return;
        }
        let thaw = self.now + time;
        self.hosts[host].frozen = Some(thaw);
        self.hosts[host].clock_moves = clock_moves;
        self.hosts[host].froze_at = self.now;
        if let Some(lca) = self.hosts[host].lca.as_mut() {
            lca.paused = true;
        }
        self.count_holders();
        self.queue.push(thaw, Event::Over(Over::Freeze(host)));
    }

    /// The host goes on where it stood.
    fn thaw(&mut self, host: HostIndex) {
        if self.hosts[host].frozen.is_none_or(|until| until > self.now) {
            return;
        }
        let here = &mut self.hosts[host];
        here.frozen = None;
        let stood = self.now - here.froze_at;
        if !here.clock_moves {
            here.clock = here.clock.saturating_sub(stood);
        }
        // Its kernel did not count down either.
        let later: Vec<_> = here
            .expires
            .iter_mut()
            .map(|(address, at)| {
                *at += stood;
                (*address, *at)
            })
            .collect();
        for (address, at) in later {
            self.queue.push(at, Event::AddressExpires(host, address));
        }
        self.invariants.thawed(self.now, host);
        self.count_holders();
        self.resume(Node::Lca(host));
        self.release_held();
    }

    fn crash(&mut self, node: Node) {
        match node {
            Node::Scs => self.crash_scs(),
            Node::MessageServer => self.crash_message_server(),
            Node::Lca(host) => self.crash_lca(host),
        }
    }

    fn pause(&mut self, node: Node, time: u64) {
        let paused = match node {
            Node::Scs => self.scs.driven.as_mut().map(|it| &mut it.paused),
            Node::MessageServer => self.message_server.driven.as_mut().map(|it| &mut it.paused),
            Node::Lca(host) => self.hosts[host].lca.as_mut().map(|it| &mut it.paused),
        };
        if let Some(paused) = paused
            && !*paused
        {
            *paused = true;
            self.plan(time, Event::Resume(node));
        }
    }

    /// Host and run of a member that runs.
    fn running(&self, member: usize) -> Option<(HostIndex, u64)> {
        let member = self.members.get(member)?;
        let run = self.hosts[member.host].run_of(&member.application)?;
        Some((member.host, run))
    }

    fn set_server(
        &mut self,
        host: HostIndex,
        run: u64,
        set: impl FnOnce(&mut super::server::Server),
    ) {
        if let Some(server) = self.hosts[host].server(run) {
            set(server);
        }
    }

    fn carrier_changed(&mut self, host: HostIndex) {
        self.address_changed(host);
        self.count_holders();
        self.release_held();
    }

    fn power_loss(&mut self, host: HostIndex) {
        // First it falls silent, then everything on it ends: nobody hears a FIN of it.
        self.hosts[host].powered = false;
        self.crash_lca(host);
        let runs: Vec<u64> = self.hosts[host].processes.keys().copied().collect();
        for run in runs {
            self.close_ends(super::End::Server(host, run));
        }
        let here = &mut self.hosts[host];
        here.boots_after = None;
        here.processes.clear();
        here.addresses.clear();
        here.expires.clear();
        here.frozen = None;
        here.kept = here.on_disk.clone();
        here.boot += 1;
        let name = here.name.clone();
        self.invariants.power_lost(&name);
        self.count_holders();
    }

    /// The LCA is told first, as by the service manager; it says when the host may go.
    fn shut_down(&mut self, host: HostIndex, time: u64) {
        let here = &mut self.hosts[host];
        if !here.powered || here.boots_after.is_some() {
            return;
        }
        here.boots_after = Some(time);
        let boot = here.boot;
        match self.life_of(Node::Lca(host)) {
            Some(life) => {
                self.plan(SHUTDOWN_BOUND, Event::PowerOff(host, boot));
                let input = changeover_lca_core::LcaInput::HostStopping;
                self.lca_input(host, life, input);
            }
            None => self.plan(1_000, Event::PowerOff(host, boot)),
        }
    }

    /// The end of a clean shutdown: its connections are closed for everybody to hear.
    pub(crate) fn power_off(&mut self, host: HostIndex, boot: u32) {
        if !self.hosts[host].powered || self.hosts[host].boot != boot {
            return;
        }
        let Some(time) = self.hosts[host].boots_after.take() else {
            return;
        };
        let name = self.hosts[host].name.clone();
        self.say(|_| format!("{name} is down"));
        self.crash_lca(host);
        self.power_loss(host);
        self.plan(time, Event::PowerOn(host));
    }

    fn reload(&mut self, variant: u64) {
        let mut environment = changeover_model::environment::Environment::clone(&self.environment);
        for pair in environment.pairs.values_mut() {
            pair.policy.event_wait = Duration::from_millis(300 + 100 * variant);
        }
        for application in environment.applications.values_mut() {
            let section = application.options.entry("TServer".to_owned()).or_default();
            section.insert("simulated-reload".to_owned(), variant.to_string());
        }
        self.environment = Arc::new(environment);
        self.say(|_| format!("environment {variant} is loaded"));
        if let Some(life) = self.life_of(Node::Scs) {
            let environment = ScsInput::EnvironmentLoaded(self.environment.clone());
            self.scs_input(life, environment);
        }
    }

    pub(crate) fn power_on(&mut self, host: HostIndex) {
        if self.hosts[host].powered {
            return;
        }
        let name = self.hosts[host].name.clone();
        self.say(|_| format!("{name} boots"));
        self.touched = super::Touched::everything();
        self.hosts[host].powered = true;
        self.release_held();
        let after = self.random.between(50_000, 800_000);
        self.plan(after, Event::Restart(Node::Lca(host)));
    }

    pub(crate) fn fault_over(&mut self, over: Over) {
        self.say(|_| format!("OVER {over:?}"));
        self.touched = super::Touched::everything();
        match over {
            Over::Cable(host) => {
                self.hosts[host].cable = true;
                self.carrier_changed(host);
            }
            Over::Cut(one, other) => {
                self.network.cuts.remove(&(one, other));
                self.release_held();
            }
            Over::OneWay(from, to) => {
                self.network.one_way.remove(&(from, to));
                self.release_held();
            }
            Over::Freeze(host) => self.thaw(host),
            Over::Hang(host, run) => self.set_server(host, run, |server| server.hangs = false),
            Over::Unavailable(host, run) => {
                self.set_server(host, run, |server| server.unavailable = false);
                self.report_status(host, run);
            }
        }
    }

    /// All faults are over; from now on everything gets its time to settle.
    pub(crate) fn heal(&mut self) {
        self.say(|_| "HEALED".to_owned());
        self.healed = true;
        self.scs.mood = None;
        self.message_server.mood = None;
        self.network.slow = 0;
        self.network.cuts.clear();
        self.network.one_way.clear();
        self.scs.fences_fail = false;
        for host in 0..self.hosts.len() {
            if self.hosts[host].frozen.is_some() {
                self.hosts[host].frozen = Some(self.now);
                self.thaw(host);
            }
        }
        for host in 0..self.hosts.len() {
            let here = &mut self.hosts[host];
            (here.scripts, here.servers) = (ScriptMood::Fast, ServerMood::Good);
            here.disk = DiskMood::Fast;
            (here.health, here.hooks) = (HealthMood::Good, HookMood::Good);
            here.cable = true;
            let runs: Vec<u64> = here.processes.keys().copied().collect();
            for run in runs {
                let mut was_unavailable = false;
                self.set_server(host, run, |server| {
                    server.hangs = false;
                    was_unavailable = std::mem::take(&mut server.unavailable);
                });
                if was_unavailable {
                    self.report_status(host, run);
                }
            }
            let boot = self.hosts[host].boot;
            self.power_off(host, boot);
            self.power_on(host);
            if host > 0 {
                self.carrier_changed(host);
            }
        }
        for node in [Node::Scs, Node::MessageServer, Node::Lca(1), Node::Lca(2)] {
            self.plan(1_000, Event::Restart(node));
            self.plan(1_500, Event::Resume(node));
        }
        self.plan(TIDY_UP, Event::TidyUp);
        self.plan(FIRST_LOOK, Event::Look);
    }
}
