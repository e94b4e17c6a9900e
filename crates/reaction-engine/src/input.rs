//! What can happen to the reaction engine. `scs-core` translates links, levels and alarms into these;
//! `engine` takes them from here.

use changeover_model::environment::Environment;
use changeover_model::message::{
    AddressObservation, CommandOutcome, LogEvent, OrderKey, OrderOutcome, ScriptOutcome,
};
use changeover_model::{
    AlarmId, ApplicationName, CauseId, ConditionName, Epoch, HostName, OrderNumber, PairName,
    ScriptName, Ticket,
};
use std::sync::Arc;

/// An input of the [`ReactionEngine`](crate::ReactionEngine).
#[derive(Clone, Debug)]
pub enum Input {
    /// The environment in force (level). Open reactions of objects that are gone end as refused.
    Configured(Arc<Environment>),
    /// Intended state of a pair (level). A raised epoch supersedes what is open under older ones; a lower
    /// one than known is ignored.
    PairIntended {
        /// The pair.
        pair: PairName,
        /// Its epoch.
        epoch: Epoch,
        /// The application that shall be primary, if any.
        primary: Option<ApplicationName>,
        /// The pair (or a host of it) is in maintenance: no realignment.
        maintenance: bool,
    },
    /// How a host can be reached (level). On a reconnect hand in the Hello's addresses and scripts first
    /// ([`Input::AddressesObserved`], [`Input::ScriptsRunning`]), then `Connected`.
    HostChanged {
        /// The host.
        host: HostName,
        /// How.
        reach: HostReach,
    },
    /// Control scripts that an LCA runs now, from its Hello (level). A run of this host that is not listed
    /// is a lost attempt, unless its order went out after the LCA was asked.
    ScriptsRunning {
        /// The host.
        host: HostName,
        /// The first order number that was not taken yet when the LCA was asked.
        before: OrderNumber,
        /// The orders that started them.
        keys: Vec<OrderKey>,
    },
    /// Who holds what on a host, always complete (level).
    AddressesObserved {
        /// The host.
        host: HostName,
        /// Every VIP of every pair of this host.
        addresses: Vec<AddressObservation>,
    },
    /// Reactions are wanted.
    Requested(Box<ReactionRequest>),
    /// An LCA obeyed or refused an order of this engine (others are ignored).
    OrderAnswered {
        /// The LCA's host.
        host: HostName,
        /// The order.
        key: OrderKey,
        /// Its outcome.
        outcome: OrderOutcome,
    },
    /// A control script ended.
    ControlScriptFinished {
        /// The LCA's host.
        host: HostName,
        /// The order that started it.
        key: OrderKey,
        /// Outcome by observation.
        outcome: ScriptOutcome,
    },
    /// An OS command on an application's host ended.
    CommandFinished {
        /// The LCA's host.
        host: HostName,
        /// The order that started it.
        key: OrderKey,
        /// Its outcome.
        outcome: CommandOutcome,
    },
    /// A wish was fulfilled or refused by `scs-core`, or an effect was carried out by the shell.
    EffectFinished {
        /// Of the output that asked for it.
        ticket: Ticket,
        /// `Ok` with the evidence, `Err` with the reason.
        result: Result<String, String>,
    },
}

/// How a host can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostReach {
    /// Its LCA is connected.
    Connected,
    /// The host lives, its LCA does not answer: what stood there still stands.
    AgentAway,
    /// Lost: nothing can be run there and what it holds reaches nobody.
    Lost,
}

/// A request for reactions.
#[derive(Clone, Debug, PartialEq)]
pub struct ReactionRequest {
    /// Who or what asks.
    pub origin: Origin,
    /// The application whose event it is; the one that `RestartReportingApplication` restarts.
    pub reporting_application: Option<ApplicationName>,
    /// What shall be run.
    pub target: Target,
    /// Epoch that the event carried; `None` = the pair's present one (see [`Origin::Event`]).
    pub epoch: Option<Epoch>,
    /// The timeline record.
    pub cause: CauseId,
    /// An operator has confirmed that a reaction may contradict the intended run modes (`--yes`).
    pub operator_confirmed: bool,
}

/// Who or what asks for reactions.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// An event activated or renewed an alarm. Without an epoch, a VIP reaction that contradicts the
    /// intended run modes is refused unless an operator confirmed it.
    Event {
        /// The event.
        event: LogEvent,
        /// The alarm.
        alarm: AlarmId,
        /// Its condition.
        condition: ConditionName,
    },
    /// An alarm was cleared and its condition has clearance scripts. Contradictions as for an event
    /// without an epoch.
    Clearance {
        /// The alarm.
        alarm: AlarmId,
        /// Its condition.
        condition: ConditionName,
    },
    /// An operator tests a condition: live, whatever the run modes.
    Test {
        /// Their name.
        operator: String,
        /// The alarm it activated; `None` in a prediction.
        alarm: Option<AlarmId>,
        /// The condition.
        condition: ConditionName,
    },
    /// Intended and observed holder differed for too long, or an event got lost. Not run in maintenance.
    Realignment,
    /// An operator asks for it, by `sci realign`.
    Operator {
        /// Their name.
        name: String,
    },
}

/// What shall be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// These Script objects, in this order.
    Scripts(Vec<ScriptName>),
    /// What brings the pair's VIPs to their intended holder: disabling on every other host that holds or
    /// may hold one, enabling on the intended one.
    AlignPair(PairName),
}
