//! Owns what is known of one workflow when it is over: the cast, the timeline in the rehearsal's clock, and what the
//! rehearsal saw itself.

use crate::moment::Moment;
use crate::observer::{HolderTimes, Holding};
use crate::operator::ScsClock;
use crate::outcome::EventOutcome;
use crate::probe::ProbeAnswer;
use changeover_model::environment::{AlarmCondition, Environment, Pair, ReactionType, Selection};
use changeover_model::message::{
    LogOrigin, LogRecord, PairPicture, Party, Prediction, RecordKind, Step, TimelineRecord,
};
use changeover_model::{
    ApplicationName, CauseId, ConditionName, HostName, LogEventId, Redundancy, RunMode,
    ScriptAction,
};

/// Who plays whom. Server 1 is primary when the workflow begins, whatever the configuration calls it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cast {
    pub(crate) pair: Pair,
    pub(crate) server_1: ApplicationName,
    pub(crate) host_1: HostName,
    pub(crate) server_2: ApplicationName,
    pub(crate) host_2: HostName,
    /// Members that are no SIP Servers.
    third_party: Vec<ApplicationName>,
    conditions: Vec<AlarmCondition>,
    scripts: Vec<(changeover_model::ScriptName, ApplicationName)>,
}

impl Cast {
    /// Whether the port of an NLB cluster is what moves.
    pub(crate) fn is_nlb(&self) -> bool {
        self.pair.nlb.is_some()
    }

    /// What names the host that a client reaches: its ARP entry, or in an NLB cluster the hosts themselves.
    pub(crate) fn pointer(&self) -> &'static str {
        if self.is_nlb() {
            "the cluster's choice for the client"
        } else {
            "the client's ARP entry for the VIP"
        }
    }

    /// The same in a line of evidence.
    pub(crate) fn short_pointer(&self) -> &'static str {
        if self.is_nlb() {
            "cluster's choice for the client"
        } else {
            "client's ARP entry"
        }
    }

    /// The cast with this application as server 1; `None` if the pair has no such member.
    pub(crate) fn of(
        environment: &Environment,
        pair: &Pair,
        primary: &ApplicationName,
    ) -> Option<Self> {
        let server_2 = pair.peer_of(primary)?.clone();
        Some(Self {
            host_1: pair.host_of(primary)?.clone(),
            host_2: pair.host_of(&server_2)?.clone(),
            pair: pair.clone(),
            server_1: primary.clone(),
            server_2,
            third_party: pair
                .members()
                .into_iter()
                .filter_map(|(_, name, _)| environment.applications.get(name))
                .filter(|member| !member.is_managed())
                .map(|member| member.name.clone())
                .collect(),
            conditions: environment.alarm_conditions.values().cloned().collect(),
            scripts: environment
                .scripts
                .values()
                .filter_map(|script| match &script.reaction {
                    ReactionType::StartApplication(application) => {
                        Some((script.name.clone(), application.clone()))
                    }
                    _ => None,
                })
                .collect(),
        })
    }

    /// The log event that says that a server has this run mode: its own, or for a third-party one the SCS's.
    pub(crate) fn event(&self, server: &ApplicationName, mode: RunMode) -> LogEventId {
        if self.third_party.contains(server) {
            return if mode == RunMode::Primary {
                LogEventId::NOW_PRIMARY
            } else {
                LogEventId::NOW_BACKUP
            };
        }
        match (self.pair.redundancy, mode) {
            (Redundancy::Hot, RunMode::Primary) => LogEventId::HOT_PRIMARY,
            (Redundancy::Hot, _) => LogEventId::HOT_BACKUP,
            (Redundancy::Warm, RunMode::Primary) => LogEventId::WARM_PRIMARY,
            (Redundancy::Warm, _) => LogEventId::WARM_BACKUP,
        }
    }

    /// True for a server for which the SCS says the events of its run modes.
    pub(crate) fn is_third_party(&self, server: &ApplicationName) -> bool {
        self.third_party.contains(server)
    }

    /// The enabled conditions that a server's change to this mode meets.
    pub(crate) fn conditions(&self, server: &ApplicationName, mode: RunMode) -> Vec<ConditionName> {
        self.matching(server, mode)
            .map(|condition| condition.name.clone())
            .collect()
    }

    /// The control scripts of this pair that those conditions start, in order.
    pub(crate) fn reactions(
        &self,
        server: &ApplicationName,
        mode: RunMode,
    ) -> Vec<ApplicationName> {
        self.matching(server, mode)
            .flat_map(|condition| &condition.reaction_scripts)
            .filter_map(|script| self.scripts.iter().find(|(name, _)| name == script))
            .map(|(_, application)| application.clone())
            .filter(|application| self.pair.control_script(application).is_some())
            .collect()
    }

    fn matching(
        &self,
        server: &ApplicationName,
        mode: RunMode,
    ) -> impl Iterator<Item = &AlarmCondition> {
        let event = self.event(server, mode);
        self.conditions.iter().filter(move |condition| {
            let selects = match &condition.selection {
                Selection::Application(name) => name == server,
                Selection::Any | Selection::ApplicationType(_) => false,
            };
            condition.enabled && condition.detect == event && selects
        })
    }

    /// The control script that does this on a host.
    pub(crate) fn script(&self, host: &HostName, action: ScriptAction) -> Option<ApplicationName> {
        let control = self.pair.control.get(host)?;
        Some(match action {
            ScriptAction::Enable => control.enable.clone(),
            ScriptAction::Disable => control.disable.clone(),
        })
    }
}

/// A step of the timeline in the rehearsal's clock.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SeenEntry {
    /// Milliseconds since the workflow's start.
    pub(crate) at_ms: f64,
    pub(crate) record: CauseId,
    pub(crate) kind: RecordKind,
    pub(crate) who: Party,
    pub(crate) step: Step,
    pub(crate) what: String,
    pub(crate) evidence: String,
}

impl SeenEntry {
    /// As a report shows it.
    pub(crate) fn event(&self) -> EventOutcome {
        EventOutcome {
            at_ms: self.at_ms,
            who: self.who.to_string(),
            what: self.what.clone(),
            evidence: self.evidence.clone(),
        }
    }
}

/// What endpoints do with a call in an acceptance test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallStep {
    /// It is established.
    Up,
    /// It is put on hold.
    Hold,
    /// It is retrieved.
    Retrieve,
    /// It is transferred to the third endpoint.
    Transfer,
    /// It is released.
    Release,
}

impl CallStep {
    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            CallStep::Up => "call",
            CallStep::Hold => "hold",
            CallStep::Retrieve => "retrieve",
            CallStep::Transfer => "transfer",
            CallStep::Release => "release",
        }
    }
}

/// Something that the rehearsal saw itself while it carried the workflow out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OwnSighting {
    /// A process was killed, and ended then or not at all.
    Killed { pid: u32, ended_ms: Option<f64> },
    /// A host's cables were pulled (or put back).
    Cable { host: HostName, plugged: bool },
    /// What a dry run predicted, and whether it left everything as it was.
    DryRun {
        prediction: Prediction,
        untouched: bool,
    },
    /// Who held the VIP where the Test ended, before it was realigned; and the pair's state then.
    AfterTest {
        holders: Vec<String>,
        state: String,
        modes_unchanged: bool,
    },
    /// What endpoints did with a call, and what they saw of it.
    Call {
        step: CallStep,
        at_ms: f64,
        /// The endpoint that asked.
        who: String,
        evidence: String,
        missing: Vec<String>,
        instead: Vec<String>,
    },
    /// An endpoint was sent what no endpoint should be.
    CallFault(String),
    /// The roles of the pair as SCI shows them.
    Roles {
        at_ms: f64,
        shown: String,
        as_wanted: bool,
    },
    /// The cable of the NIC that carries SIP, and nothing else, was pulled (or put back).
    SipCable { host: HostName, plugged: bool },
    /// How long nothing was allowed to change, and what did.
    Unchanged {
        at_ms: f64,
        watched: String,
        changes: Vec<String>,
    },
    /// An order of the operator was refused, ended otherwise than asked, or has no end.
    Refused(String),
}

/// Everything that is known.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    pub(crate) cast: Cast,
    pub(crate) start: Moment,
    pub(crate) end: Moment,
    pub(crate) entries: Vec<SeenEntry>,
    pub(crate) own: Vec<OwnSighting>,
    pub(crate) holding: Holding,
    pub(crate) answers: Vec<ProbeAnswer>,
    /// Host that the client's neighbour entry names at the end.
    pub(crate) neighbour: Option<String>,
    /// The pair at the end, if the SCS answered.
    pub(crate) pair: Option<PairPicture>,
}

impl Witness {
    /// The entries of all records that were opened since the start, in causal order within each record.
    pub(crate) fn entries_of(
        records: &[TimelineRecord],
        pair: &Pair,
        clock: &ScsClock,
        start: Moment,
    ) -> Vec<SeenEntry> {
        let concerns =
            |record: &&TimelineRecord| record.pair.as_ref().is_none_or(|name| *name == pair.name);
        records
            .iter()
            .filter(concerns)
            .flat_map(|record| record.entries.iter().map(move |entry| (record, entry)))
            .map(|(record, entry)| SeenEntry {
                at_ms: clock.moment(entry.at).ms_since(start),
                record: record.id,
                kind: record.kind,
                who: entry.who.clone(),
                step: entry.step.clone(),
                what: entry.what.clone(),
                evidence: entry.evidence.clone(),
            })
            .collect()
    }

    /// The run-mode events in the Message Server's log behind a position. The timeline shows an event when an Alarm
    /// Condition was found for it; where none is needed the log itself is the evidence.
    pub(crate) fn entries_of_log(
        records: &[LogRecord],
        behind: u64,
        clock: &ScsClock,
        start: Moment,
    ) -> Vec<SeenEntry> {
        records
            .iter()
            .filter(|record| {
                record.position > behind && record.event.origin == LogOrigin::Application
            })
            .map(|record| SeenEntry {
                at_ms: clock.moment(record.event.at).ms_since(start),
                record: CauseId::default(),
                kind: RecordKind::Switchover,
                who: Party::Application(record.event.application.clone()),
                step: Step::EventLogged(record.event.application.clone(), record.event.id),
                what: record.event.id.wire_form(),
                evidence: record.event.text.clone(),
            })
            .collect()
    }

    /// The observer's times over the workflow.
    pub(crate) fn times(&self) -> HolderTimes {
        self.holding.times(self.start, self.end)
    }

    /// The server that gave the last answer, and when.
    pub(crate) fn last_answer(&self) -> Option<&ProbeAnswer> {
        self.answers.last()
    }
}
