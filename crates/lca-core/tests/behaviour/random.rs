//! Any inputs in any order: nothing panics, no transitional status outlives its deadline once inputs stop,
//! and memory stays bounded.

use crate::harness::{Lca, SCS, ms, said, site, vip};
use changeover_lca_core::{ConnectionId, Durability, LcaInput, LcaOutput, ProcessKind, RunId};
use changeover_model::message::{
    ControlScript, ExitStatus, FromApplication, HookRun, LcaOrder, LcaReport, LcaState, OrderKey,
    ToApplication,
};
use changeover_model::{
    ApplicationStatus, Core, Epoch, Incarnation, OrderNumber, RunMode, ScriptAction, Ticket,
};
use proptest::prelude::*;
use std::collections::VecDeque;

const NAMES: [&str; 5] = [
    "SIP_SERVER_PRIMARY",
    "SIP_SERVER_PRIMARY_VIP_UP",
    "SIP_SERVER_PRIMARY_VIP_DOWN",
    "RECORDER",
    "NOBODY",
];
const MODES: [RunMode; 4] = [
    RunMode::Primary,
    RunMode::Backup,
    RunMode::Exiting,
    RunMode::Unknown,
];

/// A step: what kind, and numbers to choose its details from.
type Step = (u8, u8, u8, u8);

/// Runs and tickets that the core has named so far, so that random inputs hit them.
#[derive(Default)]
struct Named {
    runs: Vec<RunId>,
    tickets: Vec<Ticket>,
    answers: VecDeque<LcaInput>,
    connections: u64,
}

impl Named {
    /// Takes note of names, and of what a world that plays along would answer.
    fn note(&mut self, outputs: &[LcaOutput]) {
        for output in outputs {
            self.note_one(output);
        }
        while self.answers.len() > 200 {
            self.answers.pop_front();
        }
    }

    fn note_one(&mut self, output: &LcaOutput) {
        match output {
            LcaOutput::StartProcess(start) => {
                let run = start.run;
                self.runs.push(run);
                let token = format!("token{run}");
                self.answers.push_back(LcaInput::ProcessStarted {
                    run,
                    pid: 4000,
                    start_time: 1,
                    token,
                });
                if start.kind == ProcessKind::Managed {
                    self.registers(run);
                } else {
                    self.ends(run);
                }
            }
            LcaOutput::StartCheck(start) => {
                let run = start.run;
                self.runs.push(run);
                let result = Err("no".to_owned());
                self.answers.push_back(LcaInput::CheckEnded { run, result });
            }
            LcaOutput::SignalProcess { run, .. } => self.ends(*run),
            LcaOutput::ReadAddresses { ticket } => {
                self.tickets.push(*ticket);
                let result = Ok(vip(true));
                self.answers.push_back(LcaInput::AddressesRead {
                    ticket: *ticket,
                    result,
                });
            }
            LcaOutput::RemoveAddresses { ticket, .. } => self.tickets.push(*ticket),
            LcaOutput::Persist {
                durability: Durability::Durable(ticket),
                ..
            } => {
                self.tickets.push(*ticket);
                self.answers
                    .push_back(LcaInput::Persisted { ticket: *ticket });
            }
            LcaOutput::ToApplication {
                connection,
                message,
            } => self.obeys(*connection, message),
            _ => {}
        }
    }

    fn registers(&mut self, run: RunId) {
        self.connections += 1;
        let connection = ConnectionId(100 + self.connections % 3);
        self.answers.push_back(LcaInput::ApplicationConnected {
            connection,
            pid: 4000,
            of_run: Some(run),
        });
        let message = FromApplication::Register {
            application: NAMES[0].into(),
            token: format!("token{run}"),
            version: String::new(),
            run_mode: RunMode::Unknown,
            epoch: Epoch(0),
            status: ApplicationStatus::Running,
        };
        self.answers.push_back(LcaInput::ApplicationMessage {
            connection,
            message,
        });
    }

    fn obeys(&mut self, connection: ConnectionId, message: &ToApplication) {
        let (number, run_mode, epoch) = match message {
            ToApplication::Registered(registered) => {
                (registered.number, registered.run_mode, registered.epoch)
            }
            ToApplication::SetRunMode {
                number,
                run_mode,
                epoch,
                ..
            } => (*number, *run_mode, *epoch),
            _ => return,
        };
        let message = FromApplication::RunModeAcknowledged {
            number,
            run_mode,
            epoch,
        };
        self.answers.push_back(LcaInput::ApplicationMessage {
            connection,
            message,
        });
    }

    fn ends(&mut self, run: RunId) {
        self.answers.push_back(LcaInput::ProcessExited {
            run,
            exit: ExitStatus::Code(0),
            output: String::new(),
        });
        self.answers.push_back(LcaInput::ProcessesGone { run });
    }

    /// Recent ones more often than old ones.
    fn run(&self, choice: u8) -> RunId {
        let back = usize::from(choice % 4);
        self.runs
            .iter()
            .rev()
            .nth(back)
            .copied()
            .unwrap_or(RunId(u64::from(choice)))
    }

    fn ticket(&self, choice: u8) -> Ticket {
        let back = usize::from(choice % 6);
        self.tickets
            .iter()
            .rev()
            .nth(back)
            .copied()
            .unwrap_or(Ticket(u64::from(choice)))
    }
}

fn key(a: u8, b: u8) -> OrderKey {
    OrderKey {
        pair: (!a.is_multiple_of(7)).then(|| "SIP_EAST".into()),
        epoch: Epoch(u64::from(b % 5)),
        application: NAMES[usize::from(a) % NAMES.len()].into(),
        incarnation: b.is_multiple_of(11).then_some(Incarnation(1)),
        number: OrderNumber(u64::from(a) * 256 + u64::from(b)),
    }
}

fn order(kind: u8, a: u8, b: u8) -> LcaOrder {
    let key = key(a, b);
    let run_mode = MODES[usize::from(b) % 4];
    match kind % 13 {
        0 => LcaOrder::Hello {
            version: String::new(),
            session: 1,
            bound: ms(u64::from(b) * 20),
        },
        1 => {
            let mut slice = site::slice(u64::from(b % 3));
            if a.is_multiple_of(2) {
                slice.applications[0].health = crate::health::every_kind();
                slice.applications[3].health = crate::health::every_kind();
            }
            LcaOrder::Configure(slice)
        }
        2 => LcaOrder::IntendPair {
            pair: "SIP_EAST".into(),
            epoch: Epoch(u64::from(a % 5)),
            primary: b.is_multiple_of(2).then(|| NAMES[0].into()),
            maintenance: b.is_multiple_of(5),
        },
        3 => LcaOrder::StartApplication {
            key,
            run_mode,
            control: None,
        },
        4 => LcaOrder::StartApplication {
            key,
            run_mode,
            control: Some(ControlScript {
                action: if b.is_multiple_of(2) {
                    ScriptAction::Enable
                } else {
                    ScriptAction::Disable
                },
                run_mode,
                event: None,
                alarm: None,
                reason: String::new(),
            }),
        },
        5 => LcaOrder::StopApplication {
            key,
            at_once: b.is_multiple_of(2),
        },
        6 | 7 => LcaOrder::SetRunMode { key, run_mode },
        8 => LcaOrder::ReleaseAddresses { key },
        9 => LcaOrder::AnnounceAddresses { key },
        10 => LcaOrder::ExecuteCommand {
            key,
            command_line: "true".to_owned(),
            environment: Vec::new(),
            timeout: ms(u64::from(b) * 100),
        },
        11 => hook(key, b, run_mode),
        _ => {
            let mut slice = site::slice(u64::from(b % 3));
            slice.applications.truncate(usize::from(a % 6));
            LcaOrder::Configure(slice)
        }
    }
}

fn hook(key: OrderKey, b: u8, run_mode: RunMode) -> LcaOrder {
    LcaOrder::RunHook {
        key,
        hook: HookRun {
            command: "true".to_owned(),
            arguments: Vec::new(),
            timeout: ms(u64::from(b) * 100),
            run_mode,
            reason: String::new(),
        },
    }
}

fn health_input(run: RunId, a: u8, b: u8) -> LcaInput {
    if a.is_multiple_of(3) {
        return LcaInput::LinksObserved(vec![("eth1".to_owned(), Some(b.is_multiple_of(2)))]);
    }
    LcaInput::CheckEnded {
        run,
        result: Ok("x".repeat(usize::from(b) * 4)),
    }
}

fn said_by_application(kind: u8, a: u8, b: u8, named: &Named) -> FromApplication {
    let run = named.run(a);
    match kind % 5 {
        0 | 1 => FromApplication::Register {
            application: NAMES[0].into(),
            token: format!("token{run}"),
            version: String::new(),
            run_mode: MODES[usize::from(a) % 4],
            epoch: Epoch(u64::from(b % 6)),
            status: ApplicationStatus::ALL[usize::from(b) % ApplicationStatus::ALL.len()],
        },
        2 => FromApplication::StatusReported {
            status: ApplicationStatus::ALL[usize::from(b) % ApplicationStatus::ALL.len()],
            reason: String::new(),
            in_step: a.is_multiple_of(2),
        },
        3 => FromApplication::RunModeAcknowledged {
            number: OrderNumber(u64::from(a) * 256 + u64::from(b)),
            run_mode: MODES[usize::from(a) % 4],
            epoch: Epoch(u64::from(b % 6)),
        },
        _ => FromApplication::HeartbeatAnswered {
            sequence: u64::from(b % 4),
        },
    }
}

fn input((kind, choice, a, b): Step, named: &Named) -> LcaInput {
    let run = named.run(choice);
    let ticket = named.ticket(choice);
    let connection = ConnectionId(100 + u64::from(choice % 3));
    match kind / 3 % 16 {
        0 => LcaInput::ScsConnected { connection: SCS },
        1..=4 => LcaInput::ScsMessage {
            connection: SCS,
            message: said(order(choice, a, b)),
        },
        5 => LcaInput::ApplicationConnected {
            connection,
            pid: 1,
            of_run: Some(named.run(a)),
        },
        6 | 7 => LcaInput::ApplicationMessage {
            connection,
            message: said_by_application(choice, a, b, named),
        },
        8 => LcaInput::ProcessStarted {
            run,
            pid: 4000,
            start_time: 1,
            token: format!("token{run}"),
        },
        9 if a.is_multiple_of(3) => LcaInput::ProcessStartFailed {
            run,
            reason: "no".to_owned(),
        },
        9 => LcaInput::ProcessExited {
            run,
            exit: ExitStatus::Code(i32::from(b)),
            output: "x".repeat(8000),
        },
        10 => LcaInput::ProcessesGone { run },
        11 if !a.is_multiple_of(4) => health_input(run, a, b),
        11 => LcaInput::AddressesObserved(vip(b.is_multiple_of(2))),
        12 => LcaInput::AddressesRead {
            ticket,
            result: if a.is_multiple_of(4) {
                Err(String::new())
            } else {
                Ok(vip(b.is_multiple_of(2)))
            },
        },
        13 if a.is_multiple_of(5) => LcaInput::ScsDisconnected { connection: SCS },
        13 => LcaInput::AddressesRemoved {
            ticket,
            result: if a.is_multiple_of(2) {
                Ok(())
            } else {
                Err(String::new())
            },
        },
        14 if a.is_multiple_of(4) => LcaInput::PersistFailed {
            ticket,
            reason: String::new(),
        },
        14 => LcaInput::Persisted { ticket },
        _ if a == 77 => LcaInput::HostStopping,
        _ if a.is_multiple_of(3) => LcaInput::ApplicationDisconnected { connection },
        _ => LcaInput::RivalSighted {
            address: site::vip(),
            interface: String::new(),
            mac: String::new(),
        },
    }
}

fn run(steps: &[Step]) -> (Lca, LcaState) {
    let mut lca = Lca::new();
    let mut named = Named::default();
    let mut outputs = Vec::new();
    for message in [
        LcaOrder::Hello {
            version: String::new(),
            session: 1,
            bound: ms(3000),
        },
        LcaOrder::Configure(site::slice(1)),
    ] {
        lca.core.handle(
            lca.now,
            LcaInput::ScsConnected { connection: SCS },
            &mut outputs,
        );
        lca.core.handle(
            lca.now,
            LcaInput::ScsMessage {
                connection: SCS,
                message: said(message),
            },
            &mut outputs,
        );
    }
    named.note(&outputs);
    for step in steps {
        outputs.clear();
        // Two steps of three play along, so that random inputs meet every stage of a life.
        let answer = if step.0.is_multiple_of(3) {
            None
        } else {
            named.answers.pop_front()
        };
        let input = answer.unwrap_or_else(|| input(*step, &named));
        lca.core.handle(lca.now, input, &mut outputs);
        lca.now = lca.now + ms(u64::from(step.3) * u64::from(step.2 % 8) / 8);
        if lca.core.deadline().is_some_and(|due| due <= lca.now) {
            lca.core.tick(lca.now, &mut outputs);
        }
        named.note(&outputs);
    }
    let until = lca.now + ms(600_000);
    let mut ticks = 0;
    while let Some(due) = lca.core.deadline().filter(|due| *due <= until) {
        lca.now = lca.now.max(due);
        outputs.clear();
        lca.core.tick(lca.now, &mut outputs);
        ticks += 1;
        assert!(ticks < 20_000, "a deadline comes again and again");
    }
    let state = told_state(&mut lca);
    (lca, state)
}

/// What it tells an SCS that connects now.
fn told_state(lca: &mut Lca) -> LcaState {
    let mut outputs = Vec::new();
    // The first Hello lists the outcomes that the SCS has not heard of, and sends them.
    lca.connect();
    lca.core.handle(
        lca.now,
        LcaInput::ScsConnected { connection: SCS },
        &mut outputs,
    );
    lca.core.handle(
        lca.now,
        LcaInput::ScsMessage {
            connection: SCS,
            message: said(order(0, 0, 100)),
        },
        &mut outputs,
    );
    let state = outputs.into_iter().find_map(|output| match output {
        LcaOutput::ToScs(report) => match report.body {
            LcaReport::Hello(state) => Some(state),
            _ => None,
        },
        _ => None,
    });
    state.expect("Hello is always answered")
}

fn is_transitional(status: ApplicationStatus) -> bool {
    matches!(
        status,
        ApplicationStatus::StartPending
            | ApplicationStatus::StartTransition
            | ApplicationStatus::Initializing
            | ApplicationStatus::StopPending
            | ApplicationStatus::StopTransition
            | ApplicationStatus::Suspending
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_everything_ends_in_a_named_state(steps in proptest::collection::vec(any::<Step>(), 1..150)) {
        let (_, state) = run(&steps);
        for application in &state.applications {
            prop_assert!(!is_transitional(application.status), "{application:?}");
        }
        prop_assert!(state.scripts.is_empty(), "{:?}", state.scripts);
    }
}

#[test]
fn memory_does_not_grow_with_the_number_of_inputs() {
    let steps = |count: u32| -> Vec<Step> {
        let mut seed = 1u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        };
        (0..count)
            .map(|_| (next(), next(), next(), next()))
            .filter(|step| step.2 != 77)
            .collect()
    };
    let size = |count| format!("{:?}", run(&steps(count)).0.core).len();
    let (some, many) = (size(20_000), size(100_000));
    assert!(
        many < some * 2,
        "{some} bytes after 20,000 inputs, {many} after 100,000"
    );
}
