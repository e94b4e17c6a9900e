//! One LCA under test: feeds inputs, answers writes unless told not to, renders outputs one a line. Runs and
//! tickets show as `run1`, `ticket1` in their order of appearance; writes show only where a test asks.

use crate::harness::site::{host1, slice};
use changeover_lca_core::{
    ConnectionId, Durability, LcaCore, LcaIdentity, LcaInput, LcaOutput, Recovery, RunId,
    StoredState,
};
use changeover_model::message::{
    AddressObservation, ControlScript, ExitStatus, FromApplication, HeldOn, LcaOrder, OrderKey,
    ToLca,
};
use changeover_model::{
    ApplicationStatus, CauseId, Core, Epoch, OrderNumber, RunMode, ScriptAction, Ticket, Timestamp,
};
use std::time::Duration;

pub(crate) mod show;
pub(crate) mod site;

pub(crate) const SERVER: &str = "SIP_SERVER_PRIMARY";
pub(crate) const UP: &str = "SIP_SERVER_PRIMARY_VIP_UP";
pub(crate) const DOWN: &str = "SIP_SERVER_PRIMARY_VIP_DOWN";
pub(crate) const PLAIN: &str = "RECORDER";
pub(crate) const SCS: ConnectionId = ConnectionId(1);
pub(crate) const LINK: ConnectionId = ConnectionId(100);

/// Milliseconds.
pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Compares rendered outputs with an indented block, one output a line.
#[track_caller]
pub(crate) fn expect(actual: Vec<String>, wanted: &str) {
    let wanted: Vec<&str> = wanted
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(actual, wanted, "\nactual:\n{}\n", actual.join("\n"));
}

pub(crate) struct Lca {
    pub(crate) core: LcaCore,
    pub(crate) now: Timestamp,
    /// What its shell keeps.
    pub(crate) stored: StoredState,
    /// Answer every durable write at once.
    pub(crate) disk_answers: bool,
    /// Show writes among the outputs.
    pub(crate) show_writes: bool,
    pub(crate) runs: Vec<RunId>,
    pub(crate) tickets: Vec<Ticket>,
    /// Durable writes that were not answered.
    pub(crate) unanswered: Vec<Ticket>,
    number: u64,
}

impl Lca {
    /// An LCA that was just started on a host with nothing stored.
    pub(crate) fn new() -> Self {
        let mut lca = Self::recovered(StoredState::default(), Timestamp(1_000_000_000));
        lca.feed(LcaInput::Recovered(Recovery::default()));
        lca
    }

    /// An LCA before its first input, whose shell has this in store.
    pub(crate) fn recovered(stored: StoredState, now: Timestamp) -> Self {
        Self {
            core: LcaCore::new(LcaIdentity {
                host: host1(),
                version: "1".to_owned(),
                boot: "boot".to_owned(),
                session: 1,
            }),
            now,
            stored,
            disk_answers: true,
            show_writes: false,
            runs: Vec::new(),
            tickets: Vec::new(),
            unanswered: Vec::new(),
            number: 0,
        }
    }

    /// Connected to an SCS and configured; its server is being started.
    pub(crate) fn configured() -> Self {
        let mut lca = Self::new();
        lca.connect();
        lca.order(LcaOrder::Configure(slice(1)));
        lca
    }

    /// As `configured`, and the server is Running as backup of epoch 1.
    pub(crate) fn serving() -> Self {
        let mut lca = Self::configured();
        lca.intend(1, None, false);
        lca.started(0);
        lca.register(LINK, 0);
        lca.status(ApplicationStatus::Running);
        lca.acknowledge(0, RunMode::Backup, 1);
        lca
    }

    /// As `serving`, and the server is primary in epoch 2.
    pub(crate) fn serving_as_primary() -> Self {
        let mut lca = Self::serving();
        let number = lca.set_run_mode(RunMode::Primary, 2).0;
        lca.acknowledge(number, RunMode::Primary, 2);
        lca
    }

    pub(crate) fn feed(&mut self, input: LcaInput) -> Vec<String> {
        let mut outputs = Vec::new();
        self.core.handle(self.now, input, &mut outputs);
        self.take(outputs)
    }

    /// Lets time pass; each line begins with the milliseconds since the call.
    pub(crate) fn pass(&mut self, duration: Duration) -> Vec<String> {
        let (began, until) = (self.now, self.now + duration);
        let mut lines = Vec::new();
        while let Some(due) = self.core.deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            let mut outputs = Vec::new();
            self.core.tick(self.now, &mut outputs);
            let at = self.now.since(began).as_millis();
            lines.extend(
                self.take(outputs)
                    .into_iter()
                    .map(|line| format!("{at} {line}")),
            );
        }
        self.now = until;
        lines
    }

    /// As `pass`, without the heartbeats and their answers: the server answers each.
    pub(crate) fn pass_answering(&mut self, duration: Duration) -> Vec<String> {
        let until = self.now + duration;
        let began = self.now;
        let mut lines = Vec::new();
        while self.now < until {
            let step = ms(100).min(until.since(self.now));
            let offset = self.now.since(began).as_millis();
            for line in self.pass(step) {
                let (at, text) = line
                    .split_once(' ')
                    .expect("the time stands before each line");
                if let Some(sequence) = text.strip_prefix("application: heartbeat ") {
                    let sequence = sequence.parse().expect("a sequence");
                    let connection = LINK;
                    let message = FromApplication::HeartbeatAnswered { sequence };
                    self.feed(LcaInput::ApplicationMessage {
                        connection,
                        message,
                    });
                } else {
                    let at = offset + at.parse::<u128>().expect("milliseconds");
                    lines.push(format!("{at} {text}"));
                }
            }
            self.feed(LcaInput::ScsMessage {
                connection: SCS,
                message: said(beat(1, 0, None)),
            });
        }
        lines
    }

    fn take(&mut self, outputs: Vec<LcaOutput>) -> Vec<String> {
        let mut lines = Vec::new();
        let mut written = Vec::new();
        for output in outputs {
            if let LcaOutput::Persist { change, durability } = &output {
                self.stored.apply(change.clone());
                if let Durability::Durable(ticket) = durability {
                    written.push(*ticket);
                }
                if !self.show_writes {
                    continue;
                }
            }
            lines.push(show::output(self, &output));
        }
        if self.disk_answers {
            for ticket in written {
                lines.extend(self.feed(LcaInput::Persisted { ticket }));
            }
        } else {
            self.unanswered.extend(written);
        }
        lines
    }

    pub(crate) fn connect(&mut self) -> Vec<String> {
        let mut lines = self.feed(LcaInput::ScsConnected { connection: SCS });
        lines.extend(self.order(LcaOrder::Hello {
            version: "1".to_owned(),
            session: 1,
            bound: ms(3000),
        }));
        lines
    }

    pub(crate) fn order(&mut self, body: LcaOrder) -> Vec<String> {
        self.feed(LcaInput::ScsMessage {
            connection: SCS,
            message: said(body),
        })
    }

    pub(crate) fn intend(
        &mut self,
        epoch: u64,
        primary: Option<&str>,
        maintenance: bool,
    ) -> Vec<String> {
        self.order(LcaOrder::IntendPair {
            pair: "SIP_EAST".into(),
            epoch: Epoch(epoch),
            primary: primary.map(Into::into),
            maintenance,
        })
    }

    /// The key of the next order.
    pub(crate) fn key(&mut self, application: &str, epoch: u64) -> OrderKey {
        self.number += 1;
        OrderKey {
            pair: Some("SIP_EAST".into()),
            epoch: Epoch(epoch),
            application: application.into(),
            incarnation: None,
            number: OrderNumber(self.number),
        }
    }

    pub(crate) fn start(&mut self, application: &str, epoch: u64) -> Vec<String> {
        let key = self.key(application, epoch);
        self.order(LcaOrder::StartApplication {
            key,
            run_mode: RunMode::Backup,
            control: None,
        })
    }

    pub(crate) fn stop(&mut self, application: &str, at_once: bool) -> Vec<String> {
        let key = self.key(application, 2);
        self.order(LcaOrder::StopApplication { key, at_once })
    }

    /// Orders a run mode; gives the order's number with the outputs.
    pub(crate) fn set_run_mode(&mut self, run_mode: RunMode, epoch: u64) -> (u64, Vec<String>) {
        let key = self.key(SERVER, epoch);
        let number = key.number.0;
        (number, self.order(LcaOrder::SetRunMode { key, run_mode }))
    }

    pub(crate) fn script(&mut self, application: &str, epoch: u64) -> Vec<String> {
        let key = self.key(application, epoch);
        let action = if application == UP {
            ScriptAction::Enable
        } else {
            ScriptAction::Disable
        };
        self.order(LcaOrder::StartApplication {
            key,
            run_mode: RunMode::Unknown,
            control: Some(ControlScript {
                action,
                run_mode: RunMode::Primary,
                event: None,
                alarm: None,
                reason: "test".to_owned(),
            }),
        })
    }

    pub(crate) fn started(&mut self, run: usize) -> Vec<String> {
        let id = self.runs[run];
        self.feed(LcaInput::ProcessStarted {
            run: id,
            pid: 4000 + u32::try_from(run).expect("few runs"),
            start_time: 77,
            token: format!("token{run}"),
        })
    }

    /// The shell carries the script out itself.
    pub(crate) fn carried_out_here(&mut self, run: usize) -> Vec<String> {
        let run = self.runs[run];
        self.feed(LcaInput::ScriptCarriedOutHere { run })
    }

    pub(crate) fn exited(&mut self, run: usize, code: i32) -> Vec<String> {
        let run = self.runs[run];
        let (exit, output) = (ExitStatus::Code(code), "last words".to_owned());
        self.feed(LcaInput::ProcessExited { run, exit, output })
    }

    pub(crate) fn gone(&mut self, run: usize) -> Vec<String> {
        let run = self.runs[run];
        self.feed(LcaInput::ProcessesGone { run })
    }

    pub(crate) fn register(&mut self, connection: ConnectionId, run: usize) -> Vec<String> {
        self.register_as(
            connection,
            run,
            RunMode::Unknown,
            0,
            ApplicationStatus::Initializing,
        )
    }

    pub(crate) fn register_as(
        &mut self,
        connection: ConnectionId,
        run: usize,
        run_mode: RunMode,
        epoch: u64,
        status: ApplicationStatus,
    ) -> Vec<String> {
        let of_run = Some(self.runs[run]);
        let mut lines = self.feed(LcaInput::ApplicationConnected {
            connection,
            pid: 4000,
            of_run,
        });
        let message = FromApplication::Register {
            application: SERVER.into(),
            token: format!("token{run}"),
            version: "1".to_owned(),
            run_mode,
            epoch: Epoch(epoch),
            status,
        };
        lines.extend(self.say(connection, message));
        lines
    }

    pub(crate) fn say(
        &mut self,
        connection: ConnectionId,
        message: FromApplication,
    ) -> Vec<String> {
        self.feed(LcaInput::ApplicationMessage {
            connection,
            message,
        })
    }

    pub(crate) fn status(&mut self, status: ApplicationStatus) -> Vec<String> {
        let reason = "says so".to_owned();
        self.say(
            LINK,
            FromApplication::StatusReported {
                status,
                reason,
                in_step: true,
            },
        )
    }

    pub(crate) fn acknowledge(
        &mut self,
        number: u64,
        run_mode: RunMode,
        epoch: u64,
    ) -> Vec<String> {
        let (number, epoch) = (OrderNumber(number), Epoch(epoch));
        self.say(
            LINK,
            FromApplication::RunModeAcknowledged {
                number,
                run_mode,
                epoch,
            },
        )
    }

    /// The watcher reports the VIP as held here or not.
    pub(crate) fn observe(&mut self, held: bool) -> Vec<String> {
        self.feed(LcaInput::AddressesObserved(vip(held)))
    }

    /// The reading that was asked for last is there.
    pub(crate) fn read(&mut self, held: bool) -> Vec<String> {
        let ticket = *self.tickets.last().expect("a reading was asked for");
        self.feed(LcaInput::AddressesRead {
            ticket,
            result: Ok(vip(held)),
        })
    }

    pub(crate) fn run_number(&mut self, run: RunId) -> usize {
        number_of(&mut self.runs, run)
    }

    pub(crate) fn ticket_number(&mut self, ticket: Ticket) -> usize {
        number_of(&mut self.tickets, ticket)
    }
}

fn number_of<T: PartialEq>(known: &mut Vec<T>, new: T) -> usize {
    let index = known.iter().position(|old| *old == new).unwrap_or_else(|| {
        known.push(new);
        known.len() - 1
    });
    index + 1
}

pub(crate) fn said(body: LcaOrder) -> ToLca {
    ToLca {
        sent_at: Timestamp(0),
        cause: Some(CauseId(7)),
        body,
    }
}

/// A beat that says up to which answer the SCS has come, and in which epoch it supports this host.
pub(crate) fn beat(sequence: u64, answered: u64, epoch: Option<u64>) -> LcaOrder {
    let grant = |epoch| changeover_model::message::Holding {
        pair: "SIP_EAST".into(),
        epoch: Epoch(epoch),
    };
    LcaOrder::Beat {
        sequence,
        answered,
        grants: epoch.map(grant).into_iter().collect(),
    }
}

/// A reading of the one VIP.
pub(crate) fn vip(held: bool) -> Vec<AddressObservation> {
    vec![AddressObservation {
        pair: "SIP_EAST".into(),
        address: site::vip(),
        held: held.then(|| HeldOn {
            interface: "eth0".to_owned(),
            label: Some("eth0:1".to_owned()),
            prefix: 24,
        }),
        carrier: Some(true),
    }]
}
