//! A managed SIP Server, played: it registers, obeys run modes, logs their events through an outbox that lives as
//! long as its process, answers heartbeats from its main loop, and misbehaves when told to. Its side of the
//! application link is the documented one: an order is answered once and again when repeated.

use super::event::{Connection, Dial, Event, Payload, ServerStep};
use super::{HostIndex, World};
use crate::scenario::ServerMood;
use changeover_message_server_core::{NewLogEvent, Outbox};
use changeover_model::message::{
    ExitStatus, FromApplication, LogOrigin, Registered, SourceId, ToApplication,
};
use changeover_model::{
    ApplicationName, ApplicationStatus, CauseId, Epoch, LogLevel, OrderNumber, Redundancy, RunMode,
    mode_event,
};
use std::collections::VecDeque;

/// An order to enter a run mode.
#[derive(Clone, Debug)]
struct Order {
    number: OrderNumber,
    epoch: Epoch,
    run_mode: RunMode,
    cause: Option<CauseId>,
}

/// A server's process.
#[derive(Clone)]
pub(crate) struct Server {
    application: ApplicationName,
    lca: Option<Connection>,
    registered: Option<Redundancy>,
    /// Cut off from its LCA for this long, it demotes itself.
    demote_after: Option<u64>,
    /// Since when it is cut off.
    cut_off: Option<u64>,
    message_server: Option<Connection>,
    outbox: Outbox,
    pub(crate) run_mode: RunMode,
    pub(crate) epoch: Epoch,
    up: bool,
    in_step: bool,
    /// Its main loop does not turn.
    pub(crate) hangs: bool,
    pub(crate) unavailable: bool,
    /// Orders in its main loop.
    orders: VecDeque<Order>,
    answered: VecDeque<(OrderNumber, FromApplication)>,
}

impl Server {
    pub(crate) fn new(application: &ApplicationName, run: u64) -> Self {
        let source = SourceId(format!("{application}/{run}").into());
        Self {
            application: application.clone(),
            lca: None,
            registered: None,
            demote_after: None,
            cut_off: None,
            message_server: None,
            outbox: Outbox::new(source),
            run_mode: RunMode::Unknown,
            epoch: Epoch(0),
            up: false,
            in_step: false,
            hangs: false,
            unavailable: false,
            orders: VecDeque::new(),
            answered: VecDeque::new(),
        }
    }

    /// What of it bears on what comes next; see `essence`.
    pub(crate) fn essence(&self, base: Epoch, into: &mut impl std::hash::Hasher) {
        use std::hash::Hash as _;
        std::mem::discriminant(&self.run_mode).hash(into);
        base.0.wrapping_sub(self.epoch.0).hash(into);
        (self.up, self.in_step, self.hangs, self.unavailable).hash(into);
        (self.lca.is_some(), self.message_server.is_some()).hash(into);
        (self.registered.is_some(), self.cut_off.is_some()).hash(into);
        self.orders.len().hash(into);
    }

    fn status(&self) -> ApplicationStatus {
        if !self.up {
            ApplicationStatus::Initializing
        } else if self.unavailable {
            ApplicationStatus::ServiceUnavailable
        } else {
            ApplicationStatus::Running
        }
    }

    fn status_report(&self) -> FromApplication {
        FromApplication::StatusReported {
            status: self.status(),
            reason: String::new(),
            in_step: self.in_step,
        }
    }

    /// As in the application link: another order of the same epoch has followed it.
    fn was_undone(&self, order: &Order) -> bool {
        order.epoch == self.epoch
            && order.run_mode != self.run_mode
            && self
                .answered
                .back()
                .is_some_and(|(last, _)| *last != order.number)
    }

    fn answer(&mut self, number: OrderNumber, answer: FromApplication) -> FromApplication {
        self.answered.retain(|(answered, _)| *answered != number);
        self.answered.push_back((number, answer.clone()));
        if self.answered.len() > 32 {
            self.answered.pop_front();
        }
        answer
    }

    /// True while it serves: what the world counts as a primary.
    pub(crate) fn serves(&self) -> bool {
        self.run_mode == RunMode::Primary && self.up && !self.unavailable && !self.hangs
    }
}

fn acknowledgement(order: &Order) -> FromApplication {
    FromApplication::RunModeAcknowledged {
        number: order.number,
        run_mode: order.run_mode,
        epoch: order.epoch,
    }
}

impl World {
    fn server(&mut self, host: HostIndex, run: u64) -> Option<&mut Server> {
        let process = self.hosts[host].processes.get(&run)?;
        if !process.main_lives() || process.killed {
            return None;
        }
        self.hosts[host].server(run)
    }

    fn tell_lca(&mut self, host: HostIndex, run: u64, message: FromApplication) {
        if let Some(connection) = self.server(host, run).and_then(|server| server.lca) {
            self.send(connection, 1, Payload::FromApplication(Box::new(message)));
        }
    }

    pub(crate) fn server_step(&mut self, host: HostIndex, run: u64, step: ServerStep) {
        let Some(server) = self.server(host, run) else {
            return;
        };
        match step {
            ServerStep::Booted => {
                server.up = true;
                self.dial(Dial::ServerToLca(host, run));
            }
            // A main loop that stands still comes to it when it turns again.
            ServerStep::Obey if server.hangs => {
                self.plan(50_000, Event::Server(host, run, step));
            }
            ServerStep::Obey => self.obey(host, run),
            ServerStep::InStep => {
                server.in_step = true;
                let report = server.status_report();
                self.tell_lca(host, run, report);
            }
            ServerStep::Answer(sequence) => {
                if !server.hangs {
                    self.tell_lca(host, run, FromApplication::HeartbeatAnswered { sequence });
                }
            }
            ServerStep::CutOff(since) => {
                if server.cut_off != Some(since) || server.run_mode != RunMode::Primary {
                    return;
                }
                let order = Order {
                    number: OrderNumber(0),
                    epoch: server.epoch,
                    run_mode: RunMode::Backup,
                    cause: None,
                };
                server.run_mode = RunMode::Backup;
                let mood = self.hosts[host].servers;
                self.activated(host, run, &order, mood);
            }
        }
    }

    /// Says its status again, after it has changed.
    pub(crate) fn report_status(&mut self, host: HostIndex, run: u64) {
        if let Some(report) = self.server(host, run).map(|server| server.status_report()) {
            self.tell_lca(host, run, report);
        }
    }

    pub(crate) fn server_lost(
        &mut self,
        host: HostIndex,
        run: u64,
        connection: Connection,
        dial: Dial,
    ) {
        let now = self.now;
        let Some(server) = self.server(host, run) else {
            return;
        };
        let mut demotes = None;
        if server.lca == Some(connection) {
            server.lca = None;
            server.cut_off = Some(now);
            demotes = server.demote_after;
        }
        if server.message_server == Some(connection) {
            server.message_server = None;
            server.outbox.disconnected();
        }
        if let Some(after) = demotes {
            self.plan(after, Event::Server(host, run, ServerStep::CutOff(now)));
        }
        self.dial_again(dial);
    }

    pub(crate) fn arrive_at_server(
        &mut self,
        host: HostIndex,
        run: u64,
        connection: Connection,
        payload: Payload,
    ) {
        let to_lca = self
            .link(connection)
            .is_some_and(|link| matches!(link.dial, Dial::ServerToLca(..)));
        let Some(server) = self.server(host, run) else {
            return;
        };
        match payload {
            Payload::Opened if to_lca => {
                server.lca = Some(connection);
                let message = FromApplication::Register {
                    application: server.application.clone(),
                    token: format!("token-{run}"),
                    version: "simulated".to_owned(),
                    run_mode: server.run_mode,
                    epoch: server.epoch,
                    status: server.status(),
                };
                self.tell_lca(host, run, message);
            }
            Payload::Opened => {
                server.message_server = Some(connection);
                server.outbox.connected();
                self.send_log(host, run);
            }
            Payload::LogAcknowledged(acknowledged) => {
                server.outbox.acknowledged(acknowledged.up_to);
                self.invariants.acknowledged(run, &acknowledged);
                self.send_log(host, run);
            }
            Payload::ToApplication(message) => self.server_told(host, run, *message),
            Payload::Closed(_)
            | Payload::ToLca(_)
            | Payload::FromLca(_)
            | Payload::ToMessageServer(_)
            | Payload::FromMessageServer(_)
            | Payload::Log(_)
            | Payload::ToPeer(_)
            | Payload::FromPeer(_)
            | Payload::FromApplication(_) => {}
        }
    }

    fn send_log(&mut self, host: HostIndex, run: u64) {
        let Some(server) = self.server(host, run) else {
            return;
        };
        let Some(connection) = server.message_server else {
            return;
        };
        for batch in server.outbox.next_batches() {
            self.note_batch(run, &batch);
            self.send(connection, 1, Payload::Log(batch));
        }
    }

    fn server_told(&mut self, host: HostIndex, run: u64, message: ToApplication) {
        match message {
            ToApplication::Registered(registered) => self.registered(host, run, registered),
            ToApplication::RegistrationRefused(_) => {
                // As the real one: without an LCA that knows it, it ends.
                self.plan(1_000, Event::Exit(host, run, ExitStatus::Code(1)));
            }
            ToApplication::SetRunMode {
                number,
                epoch,
                run_mode,
                cause,
            } => {
                let order = Order {
                    number,
                    epoch,
                    run_mode,
                    cause,
                };
                self.ordered(host, run, order);
            }
            ToApplication::OptionChanged { .. } => {}
            ToApplication::Heartbeat { sequence } => {
                self.plan(100, Event::Server(host, run, ServerStep::Answer(sequence)));
            }
        }
    }

    fn registered(&mut self, host: HostIndex, run: u64, registered: Registered) {
        let synchronises = self.random.between(1_000, 300_000);
        let Some(server) = self.server(host, run) else {
            return;
        };
        let first = server.registered.is_none();
        server.registered = registered.redundancy.or(server.registered);
        server.demote_after = registered.demote_after.map(super::micros);
        server.cut_off = None;
        let report = server.status_report();
        let order = Order {
            number: registered.number,
            epoch: registered.epoch,
            run_mode: registered.run_mode,
            cause: registered.cause,
        };
        let (run_mode, epoch) = (server.run_mode, server.epoch);
        self.tell_lca(host, run, report);
        if first {
            self.dial(Dial::ServerToMessageServer(host, run));
            self.plan(synchronises, Event::Server(host, run, ServerStep::InStep));
        }
        if run_mode == RunMode::Unknown {
            self.ordered(host, run, order);
        } else if (order.run_mode, order.epoch) == (run_mode, epoch) {
            self.tell_lca(host, run, acknowledgement(&order));
        } else if order.epoch >= epoch && order.run_mode != RunMode::Unknown {
            self.ordered(host, run, order);
        }
    }

    fn ordered(&mut self, host: HostIndex, run: u64, order: Order) {
        let mood = self.hosts[host].servers;
        let takes = if mood == ServerMood::Slow {
            self.random.between(50_000, 800_000)
        } else {
            self.random.between(100, 1_500)
        };
        let Some(server) = self.server(host, run) else {
            return;
        };
        let before = server
            .answered
            .iter()
            .find(|(number, _)| *number == order.number)
            .filter(|_| !server.was_undone(&order))
            .map(|(_, answer)| answer.clone());
        if let Some(answer) = before {
            self.tell_lca(host, run, answer);
            return;
        }
        if server.orders.iter().any(|open| open.number == order.number) {
            return;
        }
        server.orders.push_back(order);
        self.plan(takes, Event::Server(host, run, ServerStep::Obey));
    }

    fn obey(&mut self, host: HostIndex, run: u64) {
        let mood = self.hosts[host].servers;
        let refuses = mood == ServerMood::Refuses && self.random.chance(500);
        let Some(server) = self.server(host, run) else {
            return;
        };
        let Some(order) = server.orders.pop_front() else {
            return;
        };
        if refuses && order.run_mode != RunMode::Exiting {
            let answer = FromApplication::RunModeRefused {
                number: order.number,
                reason: "told to refuse".to_owned(),
            };
            let answer = server.answer(order.number, answer);
            self.tell_lca(host, run, answer);
            return;
        }
        server.run_mode = order.run_mode;
        server.epoch = order.epoch;
        let answer = server.answer(order.number, acknowledgement(&order));
        if order.run_mode == RunMode::Exiting {
            self.tell_lca(host, run, answer);
            let after = self.random.between(2_000, 50_000);
            self.plan(after, Event::Exit(host, run, ExitStatus::Code(0)));
            return;
        }
        self.activated(host, run, &order, mood);
        self.tell_lca(host, run, answer);
    }

    fn activated(&mut self, host: HostIndex, run: u64, order: &Order, mood: ServerMood) {
        let at = self.clock(host);
        let name = self.hosts[host].name.clone();
        let Some(server) = self.server(host, run) else {
            return;
        };
        let application = server.application.clone();
        let event = server
            .registered
            .and_then(|redundancy| mode_event(redundancy, order.run_mode))
            .filter(|_| mood != ServerMood::Forgets);
        let mut logged = None;
        if let Some((id, text)) = event {
            logged = Some(server.outbox.source().clone());
            server.outbox.push(NewLogEvent {
                application: application.clone(),
                host: Some(name.clone()),
                id,
                level: LogLevel::Standard,
                text: text.to_owned(),
                at,
                epoch: Some(order.epoch),
                cause: order.cause,
                origin: LogOrigin::Application,
            });
        }
        let (run_mode, epoch) = (order.run_mode, order.epoch);
        if let Some(source) = &logged {
            self.invariants.mode_logged(source);
        }
        self.invariants
            .entered_run_mode(self.now, run, &application, epoch);
        self.say(|_| format!("{application} enters {run_mode} epoch {epoch}"));
        self.send_log(host, run);
    }

    /// True if this source is a server that runs, is connected, and has nothing left to send.
    pub(crate) fn has_delivered(&self, source: &SourceId) -> bool {
        self.hosts
            .iter()
            .flat_map(|host| host.processes.values())
            .any(|process| {
                matches!(&process.work, super::host::Work::Server(server)
                if server.outbox.source() == source && server.outbox.is_empty())
            })
    }
}
