//! One sample of every kind of message with everything said, and one with nothing said where that is possible.

mod environment;
mod fencing;
mod operators;
mod sip_servers;

pub(crate) use environment::{lca_slice, message_server_slice};
pub(crate) use fencing::*;
pub(crate) use operators::*;
pub(crate) use sip_servers::*;

use changeover_model::message::{
    AddressObservation, AlarmDetected, AlarmMatch, ApplicationState, CheckStanding, CheckState,
    CommandOutcome, ControlScript, ExitStatus, FromApplication, FromLca, FromMessageServer, HeldOn,
    HookRun, LcaOrder, LcaReport, LcaState, LogBatch, LogEvent, LogOrigin, LogQuery, LogRecord,
    MatchRole, OrderKey, OrderOutcome, Registered, ScriptOutcome, ScriptResult, SourceId,
    ToApplication, ToLca, ToMessageServer,
};
use changeover_model::{
    ApplicationStatus, CauseId, Epoch, Incarnation, LogEventId, LogLevel, OrderNumber, Redundancy,
    Refusal, RefusalCode, Revision, RunMode, ScriptAction, Timestamp,
};
use changeover_rpc::convert::WhatLcaSees;
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn source() -> SourceId {
    SourceId(Arc::from("SIP_SERVER_PRIMARY/6f1c"))
}

pub(crate) fn key() -> OrderKey {
    OrderKey {
        pair: Some("SIP_EAST".into()),
        epoch: Epoch(3),
        application: "SIP_SERVER_PRIMARY".into(),
        incarnation: Some(Incarnation(2)),
        number: OrderNumber(1_700_000_000_000_001),
    }
}

fn bare_key() -> OrderKey {
    OrderKey {
        pair: None,
        epoch: Epoch(0),
        application: "TOOL".into(),
        incarnation: None,
        number: OrderNumber(1),
    }
}

fn starts() -> [LcaOrder; 3] {
    let control = ControlScript {
        action: ScriptAction::Disable,
        run_mode: RunMode::Backup,
        event: Some(LogEventId::HOT_BACKUP),
        alarm: Some("ALRM_PRIMARY_4561_HABackup".into()),
        reason: "the event asked for it".into(),
    };
    let bare_control = ControlScript {
        action: ScriptAction::Enable,
        run_mode: RunMode::Unknown,
        event: None,
        alarm: None,
        reason: String::new(),
    };
    [
        LcaOrder::StartApplication {
            key: key(),
            run_mode: RunMode::Backup,
            control: Some(control),
        },
        LcaOrder::StartApplication {
            key: bare_key(),
            run_mode: RunMode::Unknown,
            control: Some(bare_control),
        },
        LcaOrder::StartApplication {
            key: bare_key(),
            run_mode: RunMode::Primary,
            control: None,
        },
    ]
}

fn run_hook() -> LcaOrder {
    let words = ["INSTANCE", "EAST", "MASTER", "0"];
    LcaOrder::RunHook {
        key: key(),
        hook: HookRun {
            command: "/etc/keepalived/notify.sh".into(),
            arguments: words.map(str::to_owned).to_vec(),
            timeout: Duration::from_secs(3),
            run_mode: RunMode::Primary,
            reason: "switchover by anna".into(),
        },
    }
}

pub(crate) fn to_lca() -> Vec<ToLca> {
    let orders = vec![
        LcaOrder::Hello {
            version: "0.1.0".into(),
            session: 9,
            bound: Duration::from_secs(3),
        },
        LcaOrder::Beat {
            sequence: 5,
            answered: 0,
            grants: Vec::new(),
        },
        LcaOrder::Configure(lca_slice()),
        LcaOrder::IntendPair {
            pair: "SIP_EAST".into(),
            epoch: Epoch(3),
            primary: Some("SIP_SERVER_BACKUP".into()),
            maintenance: true,
        },
        LcaOrder::IntendPair {
            pair: "SIP_EAST".into(),
            epoch: Epoch(1),
            primary: None,
            maintenance: false,
        },
        LcaOrder::StopApplication {
            key: key(),
            at_once: true,
        },
        LcaOrder::SetRunMode {
            key: key(),
            run_mode: RunMode::Primary,
        },
        LcaOrder::ReleaseAddresses { key: key() },
        LcaOrder::AnnounceAddresses { key: key() },
        LcaOrder::ExecuteCommand {
            key: key(),
            command_line: "logger 'switched'".into(),
            environment: vec![("CHANGEOVER_PAIR".into(), "SIP_EAST".into())],
            timeout: Duration::from_secs(30),
        },
        run_hook(),
        LcaOrder::ChangeOption {
            application: "SIP_SERVER_PRIMARY".into(),
            section: "log".into(),
            option: "verbose".into(),
            value: String::new(),
        },
        LcaOrder::HandedOver,
    ];
    orders
        .into_iter()
        .chain(starts())
        .chain(fencing_orders())
        .enumerate()
        .map(|(number, body)| ToLca {
            sent_at: Timestamp(1_700_000_000_000_000),
            cause: (number % 2 == 0).then_some(CauseId(12)),
            body,
        })
        .collect()
}

pub(crate) fn check_states() -> Vec<CheckState> {
    [
        CheckStanding::Waiting,
        CheckStanding::Passing,
        CheckStanding::Failing,
        CheckStanding::Down,
        CheckStanding::Recovering,
    ]
    .map(|standing| CheckState {
        name: "command check-media".into(),
        standing,
        said: "exit 1: no port left".into(),
        in_a_row: 3,
        failed_lately: 5,
        runs_lately: 20,
        since: Timestamp(17),
    })
    .into()
}

pub(crate) fn application_states() -> Vec<ApplicationState> {
    let full = ApplicationState {
        application: "SIP_SERVER_PRIMARY".into(),
        status: ApplicationStatus::ServiceUnavailable,
        run_mode: RunMode::Primary,
        incarnation: Incarnation(4),
        epoch: Epoch(3),
        pid: Some(4242),
        since: Timestamp(17),
        reason: "heard no SIP for 12 s".into(),
        in_step: true,
        hung: true,
        stopped_as_asked: true,
        last_exit: Some(ExitStatus::Signal(9)),
        last_output: "out of memory".into(),
        health: check_states(),
    };
    let bare = ApplicationState {
        application: "TOOL".into(),
        status: ApplicationStatus::Unknown,
        run_mode: RunMode::Unknown,
        incarnation: Incarnation(0),
        epoch: Epoch(0),
        pid: None,
        since: Timestamp(0),
        reason: String::new(),
        in_step: false,
        hung: false,
        stopped_as_asked: false,
        last_exit: None,
        last_output: String::new(),
        health: Vec::new(),
    };
    let with_exit = |exit| ApplicationState {
        last_exit: Some(exit),
        ..bare.clone()
    };
    vec![
        full,
        with_exit(ExitStatus::Code(-1)),
        with_exit(ExitStatus::Unknown),
        bare,
    ]
}

pub(crate) fn addresses() -> Vec<AddressObservation> {
    let held = HeldOn {
        interface: "eth0".into(),
        label: Some("eth0:1".into()),
        prefix: 24,
    };
    vec![
        AddressObservation {
            pair: "SIP_EAST".into(),
            address: "10.10.11.103".parse().expect("an address"),
            held: Some(held.clone()),
            carrier: Some(false),
        },
        AddressObservation {
            pair: "SIP_EAST".into(),
            address: "2001:db8:11::103".parse().expect("an address"),
            held: Some(HeldOn {
                label: None,
                prefix: 64,
                ..held
            }),
            carrier: Some(true),
        },
        AddressObservation {
            pair: "EDGE".into(),
            address: "203.0.113.10".parse().expect("an address"),
            held: None,
            carrier: None,
        },
    ]
}

fn lca_state() -> LcaState {
    LcaState {
        host: "host1".into(),
        version: "0.1.0".into(),
        boot: "f0a1".into(),
        session: 11,
        revision: Revision(6),
        applications: application_states(),
        epochs: vec![("SIP_EAST".into(), Epoch(3)), ("EDGE".into(), Epoch(8))],
        addresses: addresses(),
        scripts: vec![key()],
        soles: vec![sole_mark()],
    }
}

fn outcomes() -> Vec<LcaReport> {
    let mut reports = Vec::new();
    let outcomes = [
        OrderOutcome::Done {
            incarnation: Incarnation(5),
        },
        OrderOutcome::Refused(Refusal::new(RefusalCode::StaleEpoch, "epoch 2 is over")),
        OrderOutcome::Failed {
            reason: "no such file".into(),
        },
    ];
    reports.extend(outcomes.map(|outcome| LcaReport::OrderAnswered {
        key: key(),
        outcome,
    }));
    reports.extend(
        [
            ScriptResult::Succeeded,
            ScriptResult::AlreadySo,
            ScriptResult::Failed,
            ScriptResult::TimedOut,
            ScriptResult::Superseded,
            ScriptResult::NotStarted,
            ScriptResult::NotVerified,
        ]
        .map(|result| LcaReport::ControlScriptFinished {
            key: key(),
            outcome: ScriptOutcome {
                result,
                exit: (result != ScriptResult::NotStarted).then_some(ExitStatus::Code(0)),
                duration: Duration::from_micros(3100),
                observed: "VIP seen gone".into(),
                output: String::new(),
            },
        }),
    );
    reports.extend(
        [None, Some(ExitStatus::Code(1))].map(|exit| LcaReport::CommandFinished {
            key: bare_key(),
            outcome: CommandOutcome {
                exit,
                succeeded: exit.is_none(),
                output: "tail".into(),
            },
        }),
    );
    reports
}

pub(crate) fn from_lca() -> Vec<FromLca> {
    let mut reports = vec![
        LcaReport::Hello(lca_state()),
        LcaReport::BeatAnswered { sequence: 5 },
        LcaReport::Configured {
            revision: Revision(6),
        },
        LcaReport::AddressesObserved(addresses()),
        LcaReport::AddressesObserved(Vec::new()),
        LcaReport::RivalSighted {
            pair: "SIP_EAST".into(),
            address: "10.10.11.103".parse().expect("an address"),
            interface: "eth0".into(),
            mac: "02:00:00:00:00:01".into(),
        },
        LcaReport::HostStopping,
    ];
    reports.extend(outcomes());
    reports.extend(fencing_reports());
    reports.extend(
        application_states()
            .into_iter()
            .map(LcaReport::ApplicationChanged),
    );
    reports
        .into_iter()
        .enumerate()
        .map(|(number, body)| FromLca {
            sent_at: Timestamp(u64::MAX),
            cause: (number % 2 == 0).then_some(CauseId(12)),
            body,
        })
        .collect()
}

pub(crate) fn what_lca_sees() -> Vec<WhatLcaSees> {
    vec![
        WhatLcaSees {
            host: "host1".into(),
            session: 3,
            hears_scs: true,
            scs_heard_before: Some(Duration::from_millis(20)),
            epochs: vec![("SIP_EAST".into(), Epoch(3))],
            addresses: addresses(),
        },
        WhatLcaSees {
            host: "host2".into(),
            session: 0,
            hears_scs: false,
            scs_heard_before: None,
            epochs: Vec::new(),
            addresses: Vec::new(),
        },
    ]
}

pub(crate) fn from_application() -> Vec<FromApplication> {
    vec![
        FromApplication::Register {
            application: "SIP_SERVER_PRIMARY".into(),
            token: "5f".into(),
            version: "0.1.0".into(),
            run_mode: RunMode::Backup,
            epoch: Epoch(3),
            status: ApplicationStatus::Initializing,
        },
        FromApplication::StatusReported {
            status: ApplicationStatus::Running,
            reason: "ready".into(),
            in_step: true,
        },
        FromApplication::RunModeAcknowledged {
            number: OrderNumber(8),
            run_mode: RunMode::Primary,
            epoch: Epoch(4),
        },
        FromApplication::RunModeRefused {
            number: OrderNumber(8),
            reason: "the port is taken".into(),
        },
        FromApplication::HeartbeatAnswered { sequence: 2 },
    ]
}

pub(crate) fn to_application() -> Vec<ToApplication> {
    let full = Registered {
        host: "host1".into(),
        pair: Some("SIP_EAST".into()),
        redundancy: Some(Redundancy::Hot),
        options: lca_slice().applications[0].options.clone(),
        default_port: Some(5070),
        ha_sync_port: Some(5071),
        host_address: "10.10.11.101".parse().expect("an address"),
        peer_address: Some("10.10.11.102".parse().expect("an address")),
        message_server: "10.10.11.110:7120".parse().expect("an address"),
        incarnation: Incarnation(2),
        epoch: Epoch(3),
        run_mode: RunMode::Backup,
        number: OrderNumber(8),
        cause: Some(CauseId(12)),
        demote_after: Some(Duration::from_secs(10)),
    };
    let bare = Registered {
        pair: None,
        redundancy: None,
        options: Default::default(),
        default_port: None,
        ha_sync_port: None,
        peer_address: None,
        message_server: "[2001:db8::1]:7120".parse().expect("an address"),
        cause: None,
        demote_after: None,
        ..full.clone()
    };
    vec![
        ToApplication::Registered(full),
        ToApplication::Registered(bare),
        ToApplication::RegistrationRefused(Refusal::new(
            RefusalCode::RegistrationRefused,
            "the token is another's",
        )),
        ToApplication::SetRunMode {
            number: OrderNumber(9),
            epoch: Epoch(4),
            run_mode: RunMode::Exiting,
            cause: Some(CauseId(13)),
        },
        ToApplication::OptionChanged {
            section: "log".into(),
            option: "verbose".into(),
            value: "all".into(),
        },
        ToApplication::Heartbeat { sequence: 3 },
    ]
}

pub(crate) fn log_events() -> Vec<LogEvent> {
    let full = LogEvent {
        source: source(),
        sequence: 1,
        application: "SIP_SERVER_PRIMARY".into(),
        host: Some("host1".into()),
        id: LogEventId::HOT_BACKUP,
        level: LogLevel::Standard,
        text: "Hot Standby (backup) mode activated".into(),
        at: Timestamp(1_700_000_000_000_000),
        epoch: Some(Epoch(3)),
        cause: Some(CauseId(12)),
        origin: LogOrigin::Application,
    };
    let bare = LogEvent {
        host: None,
        level: LogLevel::Debug,
        text: String::new(),
        epoch: None,
        cause: None,
        origin: LogOrigin::OperatorConfirmed,
        ..full.clone()
    };
    vec![full, bare]
}

pub(crate) fn log_batches() -> Vec<LogBatch> {
    vec![
        LogBatch {
            source: source(),
            events: log_events(),
        },
        LogBatch {
            source: source(),
            events: Vec::new(),
        },
    ]
}

pub(crate) fn log_records() -> Vec<LogRecord> {
    log_events()
        .into_iter()
        .map(|event| LogRecord {
            position: 99,
            received_at: Timestamp(5),
            event,
        })
        .collect()
}

pub(crate) fn log_queries() -> Vec<LogQuery> {
    vec![
        LogQuery::default(),
        LogQuery {
            application: Some("SIP_SERVER_PRIMARY".into()),
            id: Some(LogEventId::HOT_BACKUP),
            level: Some(LogLevel::Alarm),
            since: Some(Timestamp(4)),
            limit: 50,
            follow: true,
        },
    ]
}

pub(crate) fn to_message_server() -> Vec<ToMessageServer> {
    vec![
        ToMessageServer::Hello {
            version: "0.1.0".into(),
            session: 9,
        },
        ToMessageServer::Configure(message_server_slice()),
        ToMessageServer::AlarmAcknowledged {
            source: source(),
            sequence: 4,
        },
    ]
}

pub(crate) fn from_message_server() -> Vec<FromMessageServer> {
    let role = |condition: &str, role| AlarmMatch {
        condition: condition.into(),
        role,
    };
    vec![
        FromMessageServer::Hello {
            version: "0.1.0".into(),
            revision: Revision(6),
        },
        FromMessageServer::AlarmDetected(AlarmDetected {
            event: log_events().remove(0),
            matches: vec![
                role("ALRM_PRIMARY_4561_HABackup", MatchRole::Detect),
                role("HOST_UNAVAILABLE", MatchRole::Cancel),
            ],
            matched_at: Timestamp(6),
        }),
    ]
}
