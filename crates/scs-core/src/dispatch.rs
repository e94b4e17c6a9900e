//! The way of each input through the core: to its room, then to the pairs it touched, then to the disk.

use crate::{ScsCore, ScsInput, ScsOutput};
use changeover_model::{ApplicationName, Core, HostName, PairName, Timestamp, planted};
use changeover_reaction_engine::Input as EngineInput;
use std::time::Duration;

/// A tick later than this is taken for a pause of the machine (BEHAVIOUR, Is it me?).
const PAUSE: Duration = Duration::from_millis(100);
/// Rounds of looking at touched pairs within one input; a bound against a mistake of our own.
const ROUNDS: usize = 256;

/// Deadlines of the core. Those of a pair are gathered in one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The next beat is due.
    Beat(HostName),
    /// The LCA was silent for one ADDP timeout, or has no connection: probe the host.
    Poll(HostName),
    /// The LCA was silent for the detection bound.
    AgentSilence(HostName),
    /// The host was silent for the detection bound.
    HostSilence(HostName),
    /// The LCA should have told its state by now.
    HelloDue(HostName),
    /// `lca_restart_timeout` is over.
    AgentWait(HostName),
    /// `disconnect_switchover_timeout` is over.
    LostWait(HostName),
    /// Hosts that have not come back with the first are lost indeed.
    DoubtOver,
    /// Maintenance of a host ends.
    HostMaintenance(HostName),
    /// Look at this pair again.
    Pair(PairName),
    /// Look at this start or stop again.
    Operation(ApplicationName),
    /// Write again after a failure.
    WriteAgain,
    /// A write takes too long.
    WriteBound,
}

impl Core for ScsCore {
    type Input = ScsInput;
    type Output = ScsOutput;

    fn handle(&mut self, now: Timestamp, input: ScsInput, outputs: &mut Vec<ScsOutput>) {
        self.look_for_pause(now);
        self.take(input);
        self.finish(outputs);
    }

    fn tick(&mut self, now: Timestamp, outputs: &mut Vec<ScsOutput>) {
        self.look_for_pause(now);
        while let Some((_, timer)) = self.timers.pop_due(self.now) {
            self.timer(timer);
        }
        let mut effects = Vec::new();
        self.alarms.tick(self.now, &mut effects);
        self.alarm_effects(effects, None);
        if self.engine.deadline().is_some_and(|at| at <= self.now) {
            let mut outputs = Vec::new();
            self.engine.tick(self.now, &mut outputs);
            self.engine_outputs.extend(outputs);
            self.obey_engine();
        }
        self.finish(outputs);
    }

    fn deadline(&self) -> Option<Timestamp> {
        [
            self.timers.earliest(),
            self.alarms.deadline(),
            self.engine.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

impl ScsCore {
    fn take(&mut self, input: ScsInput) {
        match input {
            ScsInput::EnvironmentLoaded(environment) => self.environment_loaded(environment),
            ScsInput::LcaConnected { host, connection } => self.lca_connected(&host, connection),
            ScsInput::LcaMessage {
                host,
                connection,
                message,
            } => self.lca_message(&host, connection, *message),
            ScsInput::LcaDisconnected {
                host,
                connection,
                loss,
            } => self.lca_disconnected(&host, connection, loss),
            ScsInput::DialFailed { host, loss } => self.dial_failed(&host, loss),
            ScsInput::HostEchoed { host, echo } => self.host_echoed(&host, echo),
            ScsInput::MessageServerConnected => self.message_server_connected(),
            ScsInput::MessageServerDisconnected => self.message_server_disconnected(),
            ScsInput::MessageServerMessage(message) => self.message_server_message(*message),
            ScsInput::LogAcknowledged(acknowledged) => self.log_acknowledged(&acknowledged),
            ScsInput::OperatorRequested {
                request,
                operator,
                command,
            } => self.operator_requested(request, &operator, command),
            ScsInput::RequestAbandoned(request) => self.unfollow(request),
            ScsInput::Persisted(ticket) => self.persisted(ticket),
            ScsInput::PersistFailed { ticket, reason } => self.persist_failed(ticket, &reason),
            ScsInput::EffectFinished { ticket, result } if self.fence_ended(ticket, &result) => {}
            ScsInput::EffectFinished { ticket, result } => {
                self.engine(EngineInput::EffectFinished { ticket, result });
            }
        }
    }

    fn timer(&mut self, timer: Timer) {
        match timer {
            Timer::Beat(host) => self.beat_due(&host),
            Timer::Poll(host) => self.poll_due(&host),
            Timer::AgentSilence(host) => self.agent_silent(&host),
            Timer::HostSilence(host) => self.host_silent(&host),
            Timer::HelloDue(host) => self.hello_overdue(&host),
            Timer::AgentWait(host) => self.agent_wait_over(&host),
            Timer::LostWait(host) => self.lost_wait_over(&host),
            Timer::DoubtOver => self.doubt_no_more(),
            Timer::HostMaintenance(host) => self.host_maintenance_over(&host),
            Timer::Pair(pair) => {
                self.touched.insert(pair);
            }
            Timer::Operation(application) => {
                self.touched_operations.insert(application);
            }
            Timer::WriteAgain => self.write_again(),
            Timer::WriteBound => self.write_overdue(),
        }
    }

    /// A tick was due long ago. What waited in the queue meanwhile comes before it, so each input looks as well;
    /// what ran out before this process began is no pause of its.
    fn look_for_pause(&mut self, now: Timestamp) {
        let due = self.deadline().map(|due| due.max(self.started));
        let late = due.map_or(Duration::ZERO, |due| now.since(due));
        self.now = self.now.max(now);
        if late > PAUSE && !planted("silence-judged-after-a-pause") {
            self.paused(late);
        }
    }

    /// The machine stood still: nothing may be concluded from that silence. Every wait gets the time on top, and
    /// everybody a full bound again; they are asked for the state first.
    fn paused(&mut self, late: Duration) {
        self.timers.postpone_all(late);
        self.engine.postpone(late);
        self.alarms.postpone(late);
        for host in self.hosts.keys().cloned().collect::<Vec<_>>() {
            self.ask_again(&host);
        }
        for care in self.pairs.values_mut() {
            care.postpone(late);
        }
        for operation in self.operations.values_mut() {
            operation.deadline = operation.deadline + late;
        }
        self.touched.extend(self.pairs.keys().cloned());
    }

    /// Everything that follows from the input within the same call.
    fn finish(&mut self, outputs: &mut Vec<ScsOutput>) {
        for _ in 0..ROUNDS {
            if let Some(application) = self.touched_operations.pop_first() {
                self.advance_operation(&application);
            } else if let Some(pair) = self.touched.pop_first() {
                self.advance_pair(&pair);
            } else {
                break;
            }
        }
        // More rounds than that would be a circle of our own making: what is left waits for the next input.
        self.send_own_events();
        self.write();
        self.show_reactions();
        if std::mem::take(&mut self.picture_changed) {
            self.out.push(ScsOutput::PictureChanged);
        }
        outputs.append(&mut self.out);
    }
}
