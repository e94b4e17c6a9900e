//! The deciding part of an LCA as a whole: its parts, and which input goes to which room. Decides nothing
//! itself.

use crate::addresses::AddressBook;
use crate::applications::{Caller, Supervised};
use crate::commands::Command;
use crate::contact::ScsContact;
use crate::epochs::Pairs;
use crate::fencing::FencingRoom;
use crate::health::Health;
use crate::hooks::Hooks;
use crate::host_stop::HostStop;
use crate::orders::OrderMemory;
use crate::persistence::Writes;

use crate::scripts::ScriptQueue;
use crate::timers::{Timer, Timers};
use crate::{ConnectionId, LcaIdentity, LcaInput, LcaOutput, RunId};
use changeover_model::environment::{LcaSlice, PairSlice};
use changeover_model::message::ExitStatus;
use changeover_model::{ApplicationName, Core, PairName, Ticket, Timestamp, planted};
use std::collections::BTreeMap;
use std::time::Duration;

/// The deciding part of an LCA. Its rooms are the files beside this one, each with an `impl LcaCore`.
#[derive(Clone, Debug)]
pub struct LcaCore {
    pub(crate) identity: LcaIdentity,
    pub(crate) now: Timestamp,
    pub(crate) outputs: Vec<LcaOutput>,
    pub(crate) timers: Timers,
    next_ticket: Ticket,
    next_run: u64,
    pub(crate) slice: Option<LcaSlice>,
    pub(crate) pairs: Pairs,
    pub(crate) scs: ScsContact,
    pub(crate) orders: OrderMemory,
    pub(crate) writes: Writes,
    pub(crate) applications: BTreeMap<ApplicationName, Supervised>,
    pub(crate) callers: BTreeMap<ConnectionId, Caller>,
    pub(crate) runs: BTreeMap<RunId, RunOwner>,
    pub(crate) scripts: BTreeMap<PairName, ScriptQueue>,
    pub(crate) commands: BTreeMap<RunId, Command>,
    pub(crate) hooks: Hooks,
    pub(crate) health: Health,
    pub(crate) addresses: AddressBook,
    pub(crate) host_stop: HostStop,
    /// The systemd units of this host's applications, as last given out.
    pub(crate) watched_units: Vec<(ApplicationName, String)>,
    pub(crate) fencing: FencingRoom,
}

/// Whose process a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RunOwner {
    /// An application's.
    Application(ApplicationName),
    /// A control script's of this pair.
    Script(PairName),
    /// A command's.
    Command,
    /// Nobody's any more: it is being killed.
    Stray,
}

impl LcaCore {
    /// An LCA that knows nothing yet; the first input is [`LcaInput::Recovered`].
    pub fn new(identity: LcaIdentity) -> Self {
        Self {
            identity,
            now: Timestamp::default(),
            outputs: Vec::new(),
            timers: Timers::default(),
            next_ticket: Ticket::default(),
            next_run: 0,
            slice: None,
            pairs: Pairs::default(),
            scs: ScsContact::default(),
            orders: OrderMemory::default(),
            writes: Writes::default(),
            applications: BTreeMap::new(),
            callers: BTreeMap::new(),
            runs: BTreeMap::new(),
            scripts: BTreeMap::new(),
            commands: BTreeMap::new(),
            hooks: Hooks::default(),
            health: Health::default(),
            addresses: AddressBook::default(),
            host_stop: HostStop::default(),
            watched_units: Vec::new(),
            fencing: FencingRoom::default(),
        }
    }

    /// Who it is.
    pub fn identity(&self) -> &LcaIdentity {
        &self.identity
    }

    /// True while the SCS is connected, has said Hello and was heard within its bound.
    pub fn in_contact(&self) -> bool {
        self.scs.in_contact
    }

    pub(crate) fn emit(&mut self, output: LcaOutput) {
        self.outputs.push(output);
    }

    pub(crate) fn arm(&mut self, timer: Timer, after: Duration) {
        self.timers.set(timer, self.now, after);
    }

    pub(crate) fn new_ticket(&mut self) -> Ticket {
        self.next_ticket = self.next_ticket.next();
        self.next_ticket
    }

    /// A run number never used before, also not by an earlier life whose clock was behind this one's.
    pub(crate) fn new_run(&mut self, owner: RunOwner) -> RunId {
        self.next_run = self.now.0.max(self.next_run.saturating_add(1));
        let run = RunId(self.next_run);
        self.runs.insert(run, owner);
        run
    }

    /// The number of a health check's run: nothing is recorded of it, since it means nothing to a later life.
    pub(crate) fn next_check_run(&mut self) -> RunId {
        self.next_run = self.now.0.max(self.next_run.saturating_add(1));
        RunId(self.next_run)
    }

    /// Keeps new run numbers above those that are on record.
    pub(crate) fn run_seen(&mut self, run: RunId) {
        self.next_run = self.next_run.max(run.0);
    }

    pub(crate) fn pair_slice(&self, pair: &PairName) -> Option<&PairSlice> {
        self.slice
            .as_ref()?
            .pairs
            .iter()
            .find(|slice| &slice.name == pair)
    }

    fn take_input(&mut self, input: LcaInput) {
        match input {
            LcaInput::Recovered(recovery) => self.recover(recovery),
            LcaInput::ScsConnected { connection } => self.scs_connected(connection),
            LcaInput::ScsMessage {
                connection,
                message,
            } => self.scs_message(connection, message),
            LcaInput::ScsDisconnected { connection } => self.scs_disconnected(connection),
            LcaInput::ApplicationConnected {
                connection, of_run, ..
            } => self.application_connected(connection, of_run),
            LcaInput::ApplicationMessage {
                connection,
                message,
            } => self.application_message(connection, message),
            LcaInput::ApplicationDisconnected { connection } => {
                self.application_disconnected(connection);
            }
            LcaInput::ProcessStarted {
                run,
                pid,
                start_time,
                token,
            } => self.process_started(run, pid, start_time, token),
            LcaInput::ScriptCarriedOutHere { run } => self.script_carried_out_here(run),
            LcaInput::MainProcessFound {
                run,
                pid,
                start_time,
                how,
            } => {
                self.process_started(run, pid, start_time, String::new());
                self.main_process_found(run, how);
            }
            LcaInput::EndExplained { run, exit, text } => self.end_explained(run, exit, &text),
            LcaInput::SeenRunning { application } => self.seen_running(&application),
            LcaInput::ProcessStartFailed { run, reason } => self.process_start_failed(run, reason),
            LcaInput::ProcessExited { run, exit, output } => self.process_exited(run, exit, output),
            LcaInput::ProcessesGone { run } => self.processes_gone(run),
            LcaInput::AddressesObserved(observations) => self.addresses_observed(observations),
            LcaInput::AddressesRead { ticket, result } => self.addresses_read(ticket, result),
            LcaInput::AddressesRemoved { ticket, result } => self.addresses_removed(ticket, result),
            LcaInput::RivalSighted {
                address,
                interface,
                mac,
            } => self.rival_sighted(address, interface, mac),
            LcaInput::CheckEnded { run, result } => self.check_ended(run, result),
            LcaInput::LinksObserved(carriers) => self.links_observed(carriers),
            LcaInput::PeerConnected { peer, connection } => self.peer_connected(&peer, connection),
            LcaInput::PeerMessage {
                peer,
                connection,
                message,
            } => self.peer_message(&peer, connection, message),
            LcaInput::PeerDisconnected { peer, connection } => {
                self.peer_disconnected(&peer, connection);
            }
            LcaInput::WitnessMessage {
                peer,
                connection,
                message,
            } => self.witness_message(&peer, connection, message),
            LcaInput::WitnessDisconnected { peer, connection } => {
                self.witness_disconnected(&peer, connection);
            }
            LcaInput::Persisted { ticket } => self.persisted(ticket),
            LcaInput::PersistFailed { ticket, reason } => self.persist_failed(ticket, &reason),
            LcaInput::HostStopping => self.host_stopping(),
        }
    }

    fn process_started(&mut self, run: RunId, pid: u32, start_time: u64, token: String) {
        let process = crate::ProcessIdentity {
            pid,
            start_time,
            boot: self.identity.boot.clone(),
            token,
        };
        match self.runs.get(&run).cloned() {
            Some(RunOwner::Application(name)) => {
                self.application_process_started(&name, run, process)
            }
            Some(RunOwner::Script(pair)) => self.script_process_started(&pair, run, process),
            Some(RunOwner::Command) => self.command_process_started(run),
            // Nobody wants it any more: it must not live on unwatched.
            Some(RunOwner::Stray) | None => self.kill_run(run),
        }
    }

    fn process_start_failed(&mut self, run: RunId, reason: String) {
        match self.runs.get(&run).cloned() {
            Some(RunOwner::Application(name)) => self.application_start_failed(&name, run, &reason),
            Some(RunOwner::Script(pair)) => self.script_start_failed(&pair, run, &reason),
            Some(RunOwner::Command) => self.command_start_failed(run, reason),
            Some(RunOwner::Stray) | None => {}
        }
        self.forget_run(run);
    }

    fn process_exited(&mut self, run: RunId, exit: ExitStatus, output: String) {
        let output = bounded_tail(output);
        match self.runs.get(&run).cloned() {
            Some(RunOwner::Application(name)) => self.application_exited(&name, run, exit, output),
            Some(RunOwner::Script(pair)) => self.script_exited(&pair, run, exit, output),
            Some(RunOwner::Command) => self.command_exited(run, exit, output),
            Some(RunOwner::Stray) => self.kill_run(run),
            None => {}
        }
    }

    fn processes_gone(&mut self, run: RunId) {
        let Some(owner) = self.runs.get(&run).cloned() else {
            return;
        };
        self.forget_run(run);
        match owner {
            RunOwner::Application(name) => self.application_processes_gone(&name, run),
            RunOwner::Script(pair) => self.script_processes_gone(&pair, run),
            RunOwner::Command => self.command_processes_gone(run),
            RunOwner::Stray => {}
        }
    }

    fn deadline_came(&mut self, timer: Timer) {
        match timer {
            Timer::ScsSilent => self.scs_fell_silent(),
            Timer::DiskRetry => self.write_again(),
            Timer::Registration(connection) => self.never_registered(connection),
            Timer::Start(name) => self.start_overran(&name),
            Timer::Stop(name) => self.stop_step_overran(&name),
            Timer::Restart(name) => self.restart_due(&name),
            Timer::RunMode(name) => self.run_mode_overran(&name),
            Timer::Suspending(name) => self.suspending_overran(&name),
            Timer::Heartbeat(name) => self.heartbeat_due(&name),
            Timer::Hang(name) => self.hang_noticed(&name),
            Timer::Script(pair) => self.script_step_overran(&pair),
            Timer::Command(run) => self.command_overran(run),
            Timer::Check(name, index) => self.check_due(&name, index),
            Timer::Announce(address) => self.announcement_due(address),
            Timer::Write(ticket) => {
                self.persist_failed(ticket, "the disk has not answered within its bound");
            }
            Timer::HandOver => self.stop_everything(),
            Timer::Lease | Timer::Renew => self.look_at_leases(),
            Timer::LetGo(pair) => self.let_go_again(&pair),
            Timer::PeerBeat => self.peer_beats_due(),
            Timer::Vote(pair) => self.look_at_vote(&pair),
            Timer::Demotion(name) => self.demotion_overran(&name),
        }
    }
}

/// At most the last 4 KiB of a process's output, whole characters only.
fn bounded_tail(mut output: String) -> String {
    const TAIL: usize = 4096;
    if output.len() > TAIL {
        let mut from = output.len() - TAIL;
        while !output.is_char_boundary(from) {
            from += 1;
        }
        output.drain(..from);
    }
    output
}

impl Core for LcaCore {
    type Input = LcaInput;
    type Output = LcaOutput;

    fn handle(&mut self, now: Timestamp, input: LcaInput, outputs: &mut Vec<LcaOutput>) {
        self.now = self.now.max(now);
        if !planted("lease-not-looked-at-first") {
            self.leases_first();
        }
        self.take_input(input);
        outputs.append(&mut self.outputs);
    }

    fn tick(&mut self, now: Timestamp, outputs: &mut Vec<LcaOutput>) {
        self.now = self.now.max(now);
        self.leases_first();
        self.timers.notice_standstill(self.now);
        while let Some(timer) = self.timers.pop_due(self.now) {
            self.deadline_came(timer);
        }
        outputs.append(&mut self.outputs);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.timers.earliest()
    }
}
