//! How long two reachable hosts may hold the VIP in a round: the bounds that `check` prints for the pair's policy, by
//! what was done. Derived in docs/operator/fencing.md; what is not a fault of hosts or agents has no allowance.

use crate::fault::Kind;
use crate::seen::{Made, Promises, Round};
use std::time::Duration;

/// After the return of a host that nobody heard, or heard only half (BEHAVIOUR, A lost host returns).
const AFTER_RECONNECT: Duration = Duration::from_secs(1);

/// The bound for a round.
pub(crate) fn two_holders_allowed(promises: &Promises, round: &Round) -> Duration {
    let each = round.faults.iter().map(|fault| of_one(promises, fault));
    each.sum::<Duration>() + of_agent_and_host(promises, round)
}

/// What a case of `check`'s table comes to when it lasts so long.
fn case(promises: &Promises, name: &str, lasted: Duration) -> Duration {
    let case = promises.cases.iter().find(|case| case.name == name);
    match case.map(|case| case.two_holders_ms) {
        Some(Some(bound)) => Duration::from_secs_f64(bound / 1e3),
        Some(None) => lasted + AFTER_RECONNECT,
        None => Duration::ZERO,
    }
}

fn of_one(promises: &Promises, fault: &Made) -> Duration {
    let on_the_pair = fault
        .host
        .as_deref()
        .is_some_and(|host| promises.is_of_pair(host));
    if !on_the_pair {
        return Duration::ZERO;
    }
    let is_quorum = promises.policy == "quorum";
    match fault.kind {
        // Nobody reaches it meanwhile: only its return counts. Under quorum it has let go before.
        Kind::CutHost | Kind::MuteHost if is_quorum => Duration::ZERO,
        Kind::CutHost | Kind::MuteHost => AFTER_RECONNECT,
        Kind::FreezeHost => match promises.policy.as_str() {
            "hold" => AFTER_RECONNECT,
            _ => case(promises, "host-wakes-up", Duration::ZERO),
        },
        Kind::DeafHost => {
            let bound = case(promises, "host-cut-off", fault.lasted());
            if is_quorum || bound.is_zero() {
                bound
            } else {
                bound.max(AFTER_RECONNECT)
            }
        }
        Kind::KillLca | Kind::StopLca => case(promises, "agent-dies", fault.lasted()),
        Kind::KillServer
        | Kind::StopServer
        | Kind::KillScs
        | Kind::StopScs
        | Kind::KillMessageServer
        | Kind::StopMessageServer
        | Kind::DelayHost
        | Kind::FullDisk
        | Kind::SlowDisk
        | Kind::ScriptFails
        | Kind::ScriptSlow
        | Kind::ScriptHangs
        | Kind::Switchover
        | Kind::AlarmTest => Duration::ZERO,
    }
}

/// An agent that is away, and hosts that do not hear each other, in one round: nobody is left to let go.
fn of_agent_and_host(promises: &Promises, round: &Round) -> Duration {
    let agent = |fault: &&Made| matches!(fault.kind, Kind::KillLca | Kind::StopLca);
    let apart = |fault: &&Made| {
        matches!(
            fault.kind,
            Kind::CutHost | Kind::MuteHost | Kind::DeafHost | Kind::FreezeHost
        )
    };
    match (
        round.faults.iter().find(agent),
        round.faults.iter().find(apart),
    ) {
        (Some(agent), Some(apart)) => case(
            promises,
            "agent-dies-cut-off",
            agent.lasted().max(apart.lasted()),
        ),
        _ => Duration::ZERO,
    }
}
