//! The picture an operator sees. `sci status --format json` prints [`Picture`] as it is: keys are only added
//! (INTERFACE, The live system).

use crate::{
    AlarmId, ApplicationName, ApplicationStatus, ApplicationType, CauseId, ConditionName,
    ConfiguredAs, EnvironmentName, Epoch, HostName, HostStatus, PairName, Redundancy, Refusal,
    Revision, RunMode, Timestamp, environment::AlarmCategory,
};
use serde::{Deserialize, Serialize};

/// The whole site now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// Name of the environment.
    pub environment: EnvironmentName,
    /// Hosts that need an LCA, and the others with status Unknown.
    pub hosts: Vec<HostPicture>,
    /// Applications.
    pub applications: Vec<ApplicationPicture>,
    /// Pairs.
    pub pairs: Vec<PairPicture>,
    /// Number of active alarms.
    pub active_alarms: usize,
    /// The active alarms.
    pub alarms: Vec<AlarmPicture>,
    /// True while the Message Server is connected.
    pub message_server_connected: bool,
    /// Host and port of the SCS, as configured.
    pub scs: String,
    /// Revision of the environment in force.
    pub revision: Revision,
    /// True while the SCS doubts itself (Is it me?).
    pub is_it_me: bool,
    /// Warnings about the site as it stands, such as an SCS on a pair's host.
    pub warnings: Vec<String>,
    /// SCS's clock.
    pub at: Timestamp,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostPicture {
    /// Name.
    pub name: HostName,
    /// Status.
    pub status: HostStatus,
    /// False for a host on which nothing is managed: it has no status and counts nowhere.
    pub needs_lca: bool,
    /// In maintenance.
    pub maintenance: bool,
    /// Offset of its clock to the SCS's, microseconds; null when never measured.
    pub clock_offset_us: Option<i64>,
    /// Last measured round trip, microseconds.
    pub round_trip_us: Option<u64>,
    /// Since when (SCS's clock).
    pub since: Timestamp,
    /// For people.
    pub reason: String,
}

/// An application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApplicationPicture {
    /// Name.
    pub name: ApplicationName,
    /// Type.
    #[serde(rename = "type")]
    pub application_type: ApplicationType,
    /// Host.
    pub host: HostName,
    /// Status.
    pub status: ApplicationStatus,
    /// Run mode.
    pub run_mode: RunMode,
    /// Main process.
    pub pid: Option<u32>,
    /// Since when (SCS's clock).
    pub since: Timestamp,
    /// For people.
    pub reason: String,
    /// How its health checks stand, in the order of the file.
    pub health: Vec<super::CheckState>,
}

/// State of a pair: the first that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairState {
    /// In maintenance.
    Maintenance,
    /// A procedure is under way.
    Switching,
    /// Both are primary.
    TwoPrimaries,
    /// Neither is.
    NoPrimary,
    /// Two hosts hold the VIP.
    VipTwo,
    /// A host holds the VIP that should not.
    VipElsewhere,
    /// Nobody holds the VIP.
    VipNone,
    /// Of several VIPs some are where they should be, and nobody holds the others.
    VipPartial,
    /// Held after a failure that only an operator can judge.
    Held,
    /// Automatic switching has stopped.
    Flapping,
    /// An alarm Test holds it.
    Test,
    /// The backup cannot take over.
    NotReady,
    /// All is well.
    Ok,
}

impl PairState {
    /// The word as JSON writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            PairState::Maintenance => "maintenance",
            PairState::Switching => "switching",
            PairState::TwoPrimaries => "two-primaries",
            PairState::NoPrimary => "no-primary",
            PairState::VipTwo => "vip-two",
            PairState::VipElsewhere => "vip-elsewhere",
            PairState::VipNone => "vip-none",
            PairState::VipPartial => "vip-partial",
            PairState::Held => "held",
            PairState::Flapping => "flapping",
            PairState::Test => "test",
            PairState::NotReady => "not-ready",
            PairState::Ok => "ok",
        }
    }
}

/// A pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairPicture {
    /// Name.
    pub name: PairName,
    /// Redundancy type.
    pub redundancy: Redundancy,
    /// Epoch.
    pub epoch: Epoch,
    /// State.
    pub state: PairState,
    /// In maintenance.
    pub maintenance: bool,
    /// Until when (SCS's clock); null = until switched off.
    pub maintenance_until: Option<Timestamp>,
    /// Time left of the hold that an alarm Test set, milliseconds; null when none.
    pub test_hold_ms: Option<u64>,
    /// Both members, the configured primary first.
    pub members: Vec<MemberPicture>,
    /// The VIPs.
    pub virtual_ips: Vec<VirtualIpPicture>,
    /// Ready for a switchover?
    pub ready: ReadyPicture,
    /// Reasons of what is suppressed now.
    pub suppressed: Vec<Refusal>,
    /// Why the primary is primary: `switchover by operator`.
    pub primary_because: String,
    /// The last timeline record of the pair.
    pub last_record: Option<CauseId>,
}

/// A member of a pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberPicture {
    /// Application.
    pub application: ApplicationName,
    /// Host.
    pub host: HostName,
    /// What the configuration calls it.
    pub configured_as: ConfiguredAs,
    /// Run mode.
    pub run_mode: RunMode,
    /// Status.
    pub status: ApplicationStatus,
    /// Hot standby: in step with its peer.
    pub in_step: bool,
    /// Since when it has this run mode (SCS's clock).
    pub since: Timestamp,
    /// For people.
    pub reason: String,
}

/// A VIP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VirtualIpPicture {
    /// `10.10.11.103/24`.
    pub address: String,
    /// Host that should hold it; null without a primary.
    pub intended: Option<HostName>,
    /// Hosts that hold it.
    pub observed: Vec<HostName>,
    /// Hosts that held it when they were last heard of.
    pub last_seen: Vec<HostName>,
}

/// Ready for a switchover?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadyPicture {
    /// True if `sci switchover` would go ahead.
    pub switchover: bool,
    /// Why not.
    pub reasons: Vec<Refusal>,
}

/// An alarm, active or past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlarmPicture {
    /// Number.
    pub id: AlarmId,
    /// Condition; for alarms of the Management Layer itself their name, such as `SERVICE_UNAVAILABLE (5094)`.
    pub condition: ConditionName,
    /// Category.
    pub category: AlarmCategory,
    /// The application (or host, or pair) it speaks of.
    pub application: ApplicationName,
    /// Activated (SCS's clock).
    pub activated_at: Timestamp,
    /// Last renewed.
    pub renewed_at: Timestamp,
    /// Clears by itself then.
    pub clears_at: Option<Timestamp>,
    /// Cleared.
    pub cleared_at: Option<Timestamp>,
    /// Text of the event or of the Management Layer.
    pub text: String,
    /// What activated it: log message, manual (Test), Management Layer.
    pub activated_by: String,
    /// What cleared it: cancel event, timeout, manual and who.
    pub cleared_by: Option<String>,
    /// Timeline record.
    pub cause: Option<CauseId>,
}

/// An Alarm Condition, as listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionPicture {
    /// Name.
    pub name: ConditionName,
    /// Category.
    pub category: AlarmCategory,
    /// Detect event.
    pub detect: crate::LogEventId,
    /// Selection, for people: an application's name, a type, `any`.
    pub selection: String,
    /// Cancel event.
    pub cancel: Option<crate::LogEventId>,
    /// Cancel timeout, milliseconds.
    pub cancel_timeout_ms: u64,
    /// Reaction scripts, in order.
    pub reaction_scripts: Vec<crate::ScriptName>,
    /// Matches events.
    pub enabled: bool,
    /// Active alarms of it.
    pub active: usize,
}
