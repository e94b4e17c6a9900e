//! What operators see and say.

use super::key;
use changeover_model::environment::AlarmCategory;
use changeover_model::message::{
    AlarmPicture, ApplicationPicture, ConditionPicture, HostPicture, MaintenanceTarget,
    MemberPicture, OperatorAnswer, OperatorCommand, PairPicture, PairState, Party, Picture,
    PredictedRun, PredictedVip, Prediction, ReactionPicture, ReactionState, ReadyPicture,
    RecordKind, RecordOutcome, Step, SwitchoverRequest, TimelineEntry, TimelineRecord,
    VirtualIpPicture,
};
use changeover_model::{
    AlarmId, ApplicationStatus, ApplicationType, CauseId, ConfiguredAs, Epoch, HostStatus,
    LogEventId, Redundancy, Refusal, RefusalCode, Revision, RunMode, ScriptAction, Timestamp,
};
use changeover_rpc::convert::TimelineSelection;
use std::time::Duration;

pub(crate) fn refusals() -> Vec<Refusal> {
    RefusalCode::ALL
        .iter()
        .map(|code| Refusal::new(*code, format!("because of {code}")))
        .collect()
}

fn steps() -> Vec<Step> {
    let server = || "SIP_SERVER_PRIMARY".into();
    let script = || "SIP_SERVER_PRIMARY_VIP_DOWN".into();
    vec![
        Step::Requested,
        Step::Refused(refusals().remove(3)),
        Step::HostLost("host1".into(), true),
        Step::AgentLost("host1".into(), false),
        Step::ApplicationDied(server()),
        Step::ApplicationUnavailable(server()),
        Step::TwoPrimariesFound,
        Step::RunModeOrdered(server(), RunMode::Backup),
        Step::RunModeAcknowledged(server(), RunMode::Primary),
        Step::RunModeFailed(server(), RunMode::Unknown),
        Step::StartOrdered(server()),
        Step::StopOrdered(server()),
        Step::EventLogged(server(), LogEventId::HOT_BACKUP),
        Step::ConditionsFound(vec!["ALRM_PRIMARY_4561_HABackup".into()]),
        Step::AlarmActivated(AlarmId(41), "ALRM_PRIMARY_4561_HABackup".into()),
        Step::AlarmCleared(AlarmId(41), "ALRM_PRIMARY_4561_HABackup".into()),
        Step::ReactionRequested {
            application: Some(script()),
            state: ReactionState::Joined,
            added: true,
        },
        Step::ReactionRequested {
            application: None,
            state: ReactionState::Waiting,
            added: false,
        },
        Step::Launched(script(), Some(ScriptAction::Disable)),
        Step::Launched(script(), None),
        Step::Finished(script(), Some(ScriptAction::Enable), true),
        Step::Finished(script(), None, false),
        Step::CannotLaunch(script(), Some(ScriptAction::Disable)),
        Step::ForcedRelease("host1".into()),
        Step::VipSeen("host2".into()),
        Step::VipGone("host1".into()),
        Step::HookStarted("SIP_SERVER_PRIMARY".into(), RunMode::Primary),
        Step::HookFinished("SIP_SERVER_PRIMARY".into(), RunMode::Backup, true),
        Step::HookSkipped("SIP_SERVER_PRIMARY".into(), RunMode::Backup),
        Step::Note,
    ]
}

fn entries() -> Vec<TimelineEntry> {
    let parties = [
        Party::Operator("root@laptop".into()),
        Party::Scs,
        Party::ScsToLca("host1".into()),
        Party::Lca("host1".into()),
        Party::Application("SIP_SERVER_PRIMARY".into()),
        Party::MessageServer,
        Party::ReactionEngine,
        Party::VirtualIp,
    ];
    steps()
        .into_iter()
        .zip(parties.into_iter().cycle())
        .map(|(step, who)| TimelineEntry {
            at: Timestamp(1_700_000_000_000_000),
            uncertainty: Duration::from_micros(40),
            who,
            step,
            what: "what was done".into(),
            evidence: "how it is known".into(),
        })
        .collect()
}

pub(crate) fn timeline_records() -> Vec<TimelineRecord> {
    let full = TimelineRecord {
        id: CauseId(12),
        kind: RecordKind::Switchover,
        pair: Some("SIP_EAST".into()),
        title: "switchover of SIP_EAST".into(),
        trigger: "root@laptop".into(),
        opened_at: Timestamp(5),
        closed_at: Some(Timestamp(9)),
        epoch_before: Epoch(1),
        epoch_after: Epoch(2),
        outcome: Some(RecordOutcome::Done),
        why: "the operator asked for it".into(),
        reasons: refusals(),
        entries: entries(),
    };
    let bare = TimelineRecord {
        kind: RecordKind::Administration,
        pair: None,
        closed_at: None,
        outcome: None,
        reasons: Vec::new(),
        entries: Vec::new(),
        ..full.clone()
    };
    vec![full, bare]
}

pub(crate) fn reactions() -> Vec<ReactionPicture> {
    let full = ReactionPicture {
        number: 3,
        pair: Some("SIP_EAST".into()),
        script: Some("AR_SCRIPT_PRIMARY_VIP_DOWN".into()),
        application: Some("SIP_SERVER_PRIMARY_VIP_DOWN".into()),
        host: Some("host1".into()),
        action: Some(ScriptAction::Disable),
        condition: Some("ALRM_PRIMARY_4561_HABackup".into()),
        epoch: Epoch(2),
        state: ReactionState::Failed,
        attempts: 2,
        requested_at: Timestamp(5),
        finished_at: Some(Timestamp(6)),
        detail: "exit 1".into(),
        cause: Some(CauseId(12)),
    };
    let bare = ReactionPicture {
        number: 4,
        pair: None,
        script: None,
        application: None,
        host: None,
        action: None,
        condition: None,
        epoch: Epoch(0),
        state: ReactionState::Waiting,
        attempts: 0,
        requested_at: Timestamp(0),
        finished_at: None,
        detail: String::new(),
        cause: None,
    };
    vec![full, bare]
}

pub(crate) fn alarms() -> Vec<AlarmPicture> {
    let full = AlarmPicture {
        id: AlarmId(41),
        condition: "ALRM_BACKUP_4563_HAPrimary".into(),
        category: AlarmCategory::Critical,
        application: "SIP_SERVER_BACKUP".into(),
        activated_at: Timestamp(5),
        renewed_at: Timestamp(6),
        clears_at: Some(Timestamp(7)),
        cleared_at: Some(Timestamp(8)),
        text: "Hot Standby (Primary) mode activated".into(),
        activated_by: "log message".into(),
        cleared_by: Some("timeout".into()),
        cause: Some(CauseId(12)),
    };
    let bare = AlarmPicture {
        clears_at: None,
        cleared_at: None,
        cleared_by: None,
        cause: None,
        ..full.clone()
    };
    vec![full, bare]
}

pub(crate) fn conditions() -> Vec<ConditionPicture> {
    let full = ConditionPicture {
        name: "ALRM_BACKUP_4563_HAPrimary".into(),
        category: AlarmCategory::Minor,
        detect: LogEventId::HOT_PRIMARY,
        selection: "SIP_SERVER_BACKUP".into(),
        cancel: Some(LogEventId::HOT_BACKUP),
        cancel_timeout_ms: 3_600_000,
        reaction_scripts: vec!["AR_SCRIPT_BACKUP_VIP_UP".into()],
        enabled: true,
        active: 1,
    };
    let bare = ConditionPicture {
        cancel: None,
        reaction_scripts: Vec::new(),
        enabled: false,
        active: 0,
        ..full.clone()
    };
    vec![full, bare]
}

fn pair(state: PairState) -> PairPicture {
    let member = |application: &str, configured_as, run_mode| MemberPicture {
        application: application.into(),
        host: "host1".into(),
        configured_as,
        run_mode,
        status: ApplicationStatus::Running,
        in_step: true,
        since: Timestamp(5),
        reason: "ready".into(),
    };
    let is_ok = state == PairState::Ok;
    PairPicture {
        name: "SIP_EAST".into(),
        redundancy: Redundancy::Hot,
        epoch: Epoch(3),
        state,
        maintenance: !is_ok,
        maintenance_until: is_ok.then_some(Timestamp(50)),
        test_hold_ms: is_ok.then_some(60_000),
        members: vec![
            member("SIP_SERVER_PRIMARY", ConfiguredAs::Primary, RunMode::Backup),
            member("SIP_SERVER_BACKUP", ConfiguredAs::Backup, RunMode::Primary),
        ],
        virtual_ips: vec![VirtualIpPicture {
            address: "10.10.11.103/24".into(),
            intended: is_ok.then(|| "host1".into()),
            observed: vec!["host1".into()],
            last_seen: vec!["host2".into()],
        }],
        ready: ReadyPicture {
            switchover: is_ok,
            reasons: refusals(),
        },
        suppressed: refusals(),
        primary_because: "switchover by operator".into(),
        last_record: is_ok.then_some(CauseId(12)),
    }
}

pub(crate) fn pictures() -> Vec<Picture> {
    let states = [
        PairState::Maintenance,
        PairState::Switching,
        PairState::TwoPrimaries,
        PairState::NoPrimary,
        PairState::VipTwo,
        PairState::VipElsewhere,
        PairState::VipNone,
        PairState::VipPartial,
        PairState::Held,
        PairState::Flapping,
        PairState::Test,
        PairState::NotReady,
        PairState::Ok,
    ];
    let host = HostPicture {
        name: "host1".into(),
        status: HostStatus::Unreachable,
        needs_lca: true,
        maintenance: true,
        clock_offset_us: Some(-1200),
        round_trip_us: Some(90),
        since: Timestamp(5),
        reason: "no route".into(),
    };
    let full = Picture {
        environment: "east".into(),
        hosts: vec![
            HostPicture {
                clock_offset_us: None,
                round_trip_us: None,
                ..host.clone()
            },
            host,
        ],
        applications: [Some(4242), None]
            .map(|pid| ApplicationPicture {
                name: "SIP_SERVER_PRIMARY".into(),
                application_type: ApplicationType::SipServer,
                host: "host1".into(),
                status: ApplicationStatus::Suspended,
                run_mode: RunMode::Exiting,
                pid,
                since: Timestamp(5),
                reason: "asked to".into(),
                health: super::check_states(),
            })
            .into(),
        pairs: states.map(pair).into(),
        active_alarms: 2,
        alarms: alarms(),
        message_server_connected: true,
        scs: "mgmt1:7770".into(),
        revision: Revision(6),
        is_it_me: true,
        warnings: vec!["the SCS runs on a host of SIP_EAST".into()],
        at: Timestamp(99),
    };
    let bare = Picture {
        hosts: Vec::new(),
        applications: Vec::new(),
        pairs: Vec::new(),
        active_alarms: 0,
        alarms: Vec::new(),
        message_server_connected: false,
        is_it_me: false,
        warnings: Vec::new(),
        ..full.clone()
    };
    vec![full, bare]
}

pub(crate) fn answers() -> Vec<OperatorAnswer> {
    let prediction = Prediction {
        runs: vec![
            PredictedRun {
                script: Some("AR_SCRIPT_PRIMARY_VIP_DOWN".into()),
                application: Some("SIP_SERVER_PRIMARY_VIP_DOWN".into()),
                host: Some("host1".into()),
                action: Some(ScriptAction::Disable),
                detail: "starts at once".into(),
            },
            PredictedRun {
                script: None,
                application: None,
                host: None,
                action: None,
                detail: String::new(),
            },
        ],
        virtual_ips: vec![PredictedVip {
            address: "10.10.11.103/24".into(),
            holders: vec!["host1".into()],
            intended: None,
        }],
        warnings: vec!["nobody will hold the VIP".into()],
    };
    vec![
        OperatorAnswer::Progress {
            record: CauseId(12),
            entry: entries().remove(0),
        },
        OperatorAnswer::Finished(Box::new(timeline_records().remove(0))),
        OperatorAnswer::Done {
            message: "cleared".into(),
            record: Some(CauseId(13)),
        },
        OperatorAnswer::Done {
            message: String::new(),
            record: None,
        },
        OperatorAnswer::Predicted(prediction),
        OperatorAnswer::Predicted(Prediction::default()),
        OperatorAnswer::Refused(refusals()),
    ]
}

pub(crate) fn commands() -> Vec<OperatorCommand> {
    let application = key().application;
    vec![
        OperatorCommand::Switchover(SwitchoverRequest {
            pair: "10.10.11.103".into(),
            to: Some("host2".into()),
            reason: "maintenance of host1".into(),
            dry_run: true,
            force: true,
        }),
        OperatorCommand::Switchover(SwitchoverRequest {
            pair: "SIP_EAST".into(),
            to: None,
            reason: String::new(),
            dry_run: false,
            force: false,
        }),
        OperatorCommand::Start {
            application: application.clone(),
        },
        OperatorCommand::Stop {
            application: application.clone(),
            no_handover: true,
        },
        OperatorCommand::Restart {
            application: application.clone(),
            no_handover: true,
        },
        OperatorCommand::ClearAlarm { alarm: AlarmId(41) },
        OperatorCommand::TestAlarm {
            condition: "ALRM_PRIMARY_4561_HABackup".into(),
            application: Some(application.clone()),
            dry_run: true,
            confirmed: false,
        },
        OperatorCommand::TestAlarm {
            condition: "ALRM_PRIMARY_4561_HABackup".into(),
            application: None,
            dry_run: false,
            confirmed: true,
        },
        OperatorCommand::Realign {
            pair: "SIP_EAST".into(),
        },
        OperatorCommand::SetMaintenance {
            target: MaintenanceTarget::Named("SIP_EAST".into()),
            on: true,
            duration: Some(Duration::from_secs(7200)),
            confirmed: false,
        },
        OperatorCommand::SetMaintenance {
            target: MaintenanceTarget::Named("host1".into()),
            on: false,
            duration: None,
            confirmed: true,
        },
        OperatorCommand::ConfirmLost {
            hosts: vec!["host1".into(), "host2".into()],
        },
        OperatorCommand::LogEvent {
            id: LogEventId::HOT_PRIMARY,
            application,
            text: "tried by hand".into(),
            confirmed: true,
        },
    ]
}

pub(crate) fn timeline_selections() -> Vec<TimelineSelection> {
    vec![
        TimelineSelection::All,
        TimelineSelection::Record(CauseId(12)),
        TimelineSelection::Last,
        TimelineSelection::Pair("SIP_EAST".into()),
    ]
}
