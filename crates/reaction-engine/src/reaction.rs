//! One reaction: what it is about, where it stands, and how it is shown.

use changeover_model::message::{LogEvent, ReactionPicture, ReactionState};
use changeover_model::{
    AlarmId, ApplicationName, CauseId, ConditionName, Epoch, HostName, OrderNumber, PairName,
    ScriptAction, ScriptName, Ticket, Timestamp,
};
use std::collections::BTreeSet;

/// Most notes kept of a reaction; what comes later is in the timeline.
const NOTES: usize = 24;

/// What a reaction does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Work {
    /// A VIP control script: pair, host, application and action stand in the [`Subject`].
    Control,
    /// Start an application that is no control script.
    Start(ApplicationName),
    ShutDown(ApplicationName),
    Restart(ApplicationName),
    Switchover(PairName),
    CommandHere(String),
    CommandThere(String),
    ChangeOption {
        application: ApplicationName,
        section: String,
        option: String,
        value: String,
    },
    Email {
        to: Vec<String>,
        subject: String,
        body: String,
    },
    Trap,
    /// Nothing can be done: the request was refused as it stands.
    Nothing,
}

/// What a reaction is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subject {
    pub(crate) script: Option<ScriptName>,
    pub(crate) work: Work,
    /// For VIP reactions only.
    pub(crate) pair: Option<PairName>,
    pub(crate) application: Option<ApplicationName>,
    pub(crate) host: Option<HostName>,
    /// For VIP reactions only.
    pub(crate) action: Option<ScriptAction>,
    pub(crate) epoch: Epoch,
    /// The engine added it.
    pub(crate) added: bool,
}

/// Who asked, kept for scripts, mails and commands.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) cause: CauseId,
    pub(crate) reporting: Option<ApplicationName>,
    pub(crate) condition: Option<ConditionName>,
    pub(crate) alarm: Option<AlarmId>,
    pub(crate) event: Option<LogEvent>,
    /// For people.
    pub(crate) reason: String,
}

/// Where a reaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Taken, not looked at yet.
    New,
    /// As-listed: waits for the end of the one before it.
    Turn(u64),
    /// Waits for the VIP's release elsewhere.
    Release,
    /// Waits for the agent of its host.
    Host,
    /// Waits for its next attempt.
    Retry,
    /// An order to an LCA is under way.
    Running(OrderNumber),
    /// The LCA was told to remove the addresses itself.
    Forcing(OrderNumber),
    /// A wish or an effect is under way.
    Effect(Ticket),
    /// Shares the outcome of another one.
    Joined(u64),
    /// Ended.
    Ended(ReactionState),
}

#[derive(Clone, Debug)]
pub(crate) struct Reaction {
    pub(crate) number: u64,
    pub(crate) subject: Subject,
    pub(crate) asked: Asked,
    pub(crate) phase: Phase,
    pub(crate) attempts: u32,
    pub(crate) requested_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) detail: String,
    notes: Vec<(Timestamp, String)>,
    /// As-listed: neither waits for a release nor forces one.
    pub(crate) as_listed: bool,
    /// Disabling: took longer than `release_wait`.
    pub(crate) overran: bool,
    /// Disabling: the LCA was told to remove the addresses once already.
    pub(crate) forced: bool,
    /// Disabling: the intended holder held the VIP as well when this was requested, so it must be announced
    /// again once the rival is gone.
    pub(crate) rival_held: bool,
    /// Enabling: hosts whose release is not waited for any more (`enable-anyway`).
    pub(crate) ignored: BTreeSet<HostName>,
    /// Enabling: hosts for which a release was added on its behalf.
    pub(crate) added_for: BTreeSet<HostName>,
}

impl Reaction {
    pub(crate) fn new(number: u64, now: Timestamp, subject: Subject, asked: Asked) -> Self {
        Self {
            number,
            subject,
            asked,
            phase: Phase::New,
            attempts: 0,
            requested_at: now,
            finished_at: None,
            detail: String::new(),
            notes: Vec::new(),
            as_listed: false,
            overran: false,
            forced: false,
            rival_held: false,
            ignored: BTreeSet::new(),
            added_for: BTreeSet::new(),
        }
    }

    pub(crate) fn note(&mut self, now: Timestamp, text: impl Into<String>) {
        self.detail = text.into();
        if self.notes.len() < NOTES {
            self.notes.push((now, self.detail.clone()));
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Ended(_))
    }

    /// True for an open reaction that runs (or will run) something itself.
    pub(crate) fn is_run(&self) -> bool {
        self.is_open() && !matches!(self.phase, Phase::Joined(_))
    }

    pub(crate) fn is_control(&self, pair: &PairName, action: ScriptAction) -> bool {
        self.subject.pair.as_ref() == Some(pair) && self.subject.action == Some(action)
    }

    pub(crate) fn state(&self) -> ReactionState {
        match self.phase {
            Phase::New | Phase::Turn(_) | Phase::Release | Phase::Host | Phase::Retry => {
                ReactionState::Waiting
            }
            Phase::Running(_) | Phase::Forcing(_) | Phase::Effect(_) => ReactionState::Running,
            Phase::Joined(_) => ReactionState::Joined,
            Phase::Ended(state) => state,
        }
    }

    pub(crate) fn picture(&self) -> ReactionPicture {
        ReactionPicture {
            number: self.number,
            pair: self.subject.pair.clone(),
            script: self.subject.script.clone(),
            application: self.subject.application.clone(),
            host: self.subject.host.clone(),
            action: self.subject.action,
            condition: self.asked.condition.clone(),
            epoch: self.subject.epoch,
            state: self.state(),
            attempts: self.attempts,
            requested_at: self.requested_at,
            finished_at: self.finished_at,
            detail: self.detail.clone(),
            cause: Some(self.asked.cause),
        }
    }

    /// Its life, line by line.
    pub(crate) fn story(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "reaction {}: {}, epoch {}, because of {}",
            self.number,
            self.subject.title(),
            self.subject.epoch,
            self.asked.reason
        )];
        lines.extend(self.notes.iter().map(|(at, text)| {
            let after = at.since(self.requested_at).as_secs_f64() * 1e3;
            format!("after {after:.1} ms: {text}")
        }));
        lines
    }
}

impl Subject {
    /// What it is, in a few words.
    pub(crate) fn title(&self) -> String {
        let application = self
            .application
            .as_ref()
            .map_or("the reporting application", ApplicationName::as_str);
        match &self.work {
            Work::Control => match &self.host {
                Some(host) => format!("{application} on {host}"),
                None => application.to_owned(),
            },
            Work::Start(name) => format!("start {name}"),
            Work::ShutDown(name) => format!("shut down {name}"),
            Work::Restart(name) => format!("restart {name}"),
            Work::Switchover(pair) => format!("switchover of {pair}"),
            Work::CommandHere(_) => "OS command on the SCS's host".to_owned(),
            Work::CommandThere(_) => match &self.host {
                Some(host) => format!("OS command on {host}"),
                None => "OS command".to_owned(),
            },
            Work::ChangeOption {
                application,
                section,
                option,
                value,
            } => format!("set {section}/{option} of {application} to {value}"),
            Work::Email { to, .. } => format!("e-mail to {}", to.join(", ")),
            Work::Trap => "SNMP trap".to_owned(),
            Work::Nothing => match &self.script {
                Some(script) => script.to_string(),
                None => "realignment".to_owned(),
            },
        }
    }
}
