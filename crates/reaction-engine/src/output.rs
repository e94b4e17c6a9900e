//! What the reaction engine wants done. Orders go to an LCA and wishes to `scs-core`, effects to the
//! `scs` shell; all of them are answered, and the engine bounds the wait for each answer itself.

use changeover_model::environment::{AlarmCategory, Smtp, Snmp};
use changeover_model::message::{LcaOrder, Party, Step};
use changeover_model::{
    AlarmId, ApplicationName, CauseId, ConditionName, HostName, LogEventId, PairName, Ticket,
};
use std::time::Duration;

/// An output of the [`ReactionEngine`](crate::ReactionEngine).
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this to the LCA of a connected host. Answered by `OrderAnswered`, then `ControlScriptFinished`
    /// or `CommandFinished`.
    Order {
        /// Whose LCA.
        host: HostName,
        /// The timeline record.
        cause: CauseId,
        /// The order.
        order: LcaOrder,
    },
    /// Start an application that is no control script. Answered by `EffectFinished`.
    StartApplicationRequested {
        /// For the answer.
        ticket: Ticket,
        /// The timeline record.
        cause: CauseId,
        /// Which.
        application: ApplicationName,
        /// For people.
        reason: String,
    },
    /// Shut down an application. Answered by `EffectFinished`.
    ShutDownApplicationRequested {
        /// For the answer.
        ticket: Ticket,
        /// The timeline record.
        cause: CauseId,
        /// Which.
        application: ApplicationName,
        /// For people.
        reason: String,
    },
    /// Restart the reporting application. Answered by `EffectFinished`.
    RestartApplicationRequested {
        /// For the answer.
        ticket: Ticket,
        /// The timeline record.
        cause: CauseId,
        /// Which.
        application: ApplicationName,
        /// For people.
        reason: String,
    },
    /// Switch a pair over. Answered by `EffectFinished` when it has ended or is refused.
    SwitchoverRequested {
        /// For the answer.
        ticket: Ticket,
        /// The timeline record.
        cause: CauseId,
        /// Which.
        pair: PairName,
        /// For people.
        reason: String,
    },
    /// Change an option: record it in the environment and push it. Answered by `EffectFinished`.
    ChangeOptionRequested {
        /// For the answer.
        ticket: Ticket,
        /// The timeline record.
        cause: CauseId,
        /// Whose option.
        application: ApplicationName,
        /// Section.
        section: String,
        /// Option name.
        option: String,
        /// New value.
        value: String,
    },
    /// Send an e-mail. Answered by `EffectFinished`.
    SendEmail {
        /// For the answer.
        ticket: Ticket,
        /// The mail.
        email: Email,
    },
    /// Send an SNMP v2c trap. Answered by `EffectFinished`.
    SendSnmpTrap {
        /// For the answer.
        ticket: Ticket,
        /// The trap.
        trap: Trap,
    },
    /// Run an OS command on the SCS's host. Answered by `EffectFinished`.
    RunCommand {
        /// For the answer.
        ticket: Ticket,
        /// The command.
        command: LocalCommand,
    },
    /// A line for the timeline.
    Report(Report),
    /// A reaction did not work out, or only by force: `scs-core` raises an alarm.
    Escalated {
        /// The pair, for VIP reactions.
        pair: Option<PairName>,
        /// The application concerned; for other reactions the reporting one.
        application: Option<ApplicationName>,
        /// The timeline record.
        cause: CauseId,
        /// What kind of trouble.
        kind: EscalationKind,
        /// For people: what, where, what to do next.
        reason: String,
    },
    /// A holder did not let go and may not be forced to (or could not be): the pair is held.
    HoldPair {
        /// Which.
        pair: PairName,
        /// The timeline record.
        cause: CauseId,
        /// The hold has no reason any more once the agent of this host has told what it holds, or the host is
        /// lost; `None`: only an operator can judge it.
        until_back: Option<HostName>,
        /// For people.
        reason: String,
    },
    /// The last open reaction of this pair and cause has ended. Comes at least once per request, and again
    /// when a later request of the same cause has ended.
    Settled {
        /// The pair; `None` for reactions that touch no VIP.
        pair: Option<PairName>,
        /// The timeline record.
        cause: CauseId,
        /// False if a reaction of it failed or was refused as contradicting. A script for a lost host,
        /// a joined or a superseded one does not count as bad.
        good: bool,
    },
}

/// What kind of trouble is escalated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EscalationKind {
    /// A control script failed after all its retries.
    ScriptFailed,
    /// A control script did not release the VIP; the LCA removed it, or it was enabled elsewhere anyway.
    ReleaseForced,
    /// The VIP could not be released.
    ReleaseFailed,
    /// A reaction other than a control script failed.
    ReactionFailed,
}

/// A line for the timeline. It happened now, except for what an LCA reported (`Finished`): there the time
/// is that of the LCA's message.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The timeline record.
    pub cause: CauseId,
    /// The pair, for VIP reactions.
    pub pair: Option<PairName>,
    /// Number of the reaction.
    pub number: u64,
    /// Who.
    pub who: Party,
    /// What, for programs.
    pub step: Step,
    /// What, for people.
    pub what: String,
    /// How it is known.
    pub evidence: String,
}

/// An e-mail, variables expanded.
#[derive(Clone, Debug, PartialEq)]
pub struct Email {
    /// Server and sender.
    pub smtp: Smtp,
    /// Recipients.
    pub to: Vec<String>,
    /// Subject.
    pub subject: String,
    /// Body.
    pub body: String,
}

/// What an SNMP trap tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Trap {
    /// Receiver and community.
    pub snmp: Snmp,
    /// The alarm, when there is one.
    pub alarm: Option<AlarmId>,
    /// The condition.
    pub condition: Option<ConditionName>,
    /// Its category.
    pub category: Option<AlarmCategory>,
    /// The reporting application.
    pub application: Option<ApplicationName>,
    /// Its host.
    pub host: Option<HostName>,
    /// The event.
    pub event: Option<LogEventId>,
    /// Its text.
    pub text: String,
}

/// An OS command for the SCS's own host.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalCommand {
    /// Run by `/bin/sh -c`.
    pub command_line: String,
    /// Added to the environment: the `CHANGEOVER_` variables.
    pub environment: Vec<(String, String)>,
    /// It is killed with all its processes after this.
    pub timeout: Duration,
}
