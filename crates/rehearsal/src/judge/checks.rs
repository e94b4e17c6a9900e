//! Owns what must hold when a workflow is over, whatever its steps said: one primary, one holder that neighbours
//! reach, the same host, and no longer than allowed two of them.

use super::evidence::list;
use super::witness::Witness;
use crate::outcome::{CheckOutcome, ProblemOutcome};
use crate::site::describe_pair;
use changeover_model::{ApplicationName, ApplicationStatus, HostName, RunMode};
use std::time::Duration;

/// The state in which a workflow must leave the pair.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EndState {
    pub(crate) primary: ApplicationName,
    pub(crate) host: HostName,
    /// Whether the other server is Started as backup; otherwise its host is away.
    pub(crate) backup_there: bool,
    /// Two holders that neighbours reach may last this long.
    pub(crate) two_holders: Duration,
}

/// The checks, each with what was seen.
pub(crate) fn end_checks(
    end: &EndState,
    witness: &Witness,
    place: impl Fn(&str) -> String,
) -> Vec<CheckOutcome> {
    let pair_path = format!("pairs.{}", witness.cast.pair.name);
    let mut checks = vec![one_primary(end, witness, &place(&pair_path))];
    if witness.cast.pair.virtual_ips.is_empty() {
        checks.push(answered(end, witness, &place(&pair_path)));
        return checks;
    }
    let vips = place(&format!("{pair_path}.virtual_ips"));
    checks.push(one_holder(end, witness, &vips));
    checks.push(answered(
        end,
        witness,
        &place(&format!("{pair_path}.server.options")),
    ));
    checks.push(neighbour(end, witness, &vips));
    checks.push(two_holders(
        end,
        witness,
        &place(&format!("{pair_path}.policy.reaction_order")),
    ));
    checks
}

fn check(text: String, seen: String, passed: bool, look_at: &str) -> CheckOutcome {
    let problem = (!passed).then(|| ProblemOutcome {
        expected: text.clone(),
        seen: seen.clone(),
        look_at: look_at.to_owned(),
    });
    CheckOutcome {
        text,
        passed,
        seen,
        problem,
    }
}

fn one_primary(end: &EndState, witness: &Witness, look_at: &str) -> CheckOutcome {
    let text = if end.backup_there {
        format!(
            "{} is primary, the other one is backup, both Started",
            end.primary
        )
    } else {
        format!("{} is primary and Started", end.primary)
    };
    let Some(pair) = &witness.pair else {
        return check(text, "the SCS did not answer".to_owned(), false, look_at);
    };
    let passed = pair.members.iter().all(|member| {
        let mode = if member.application == end.primary {
            RunMode::Primary
        } else {
            RunMode::Backup
        };
        let there = member.application == end.primary || end.backup_there;
        !there || (member.run_mode == mode && member.status == ApplicationStatus::Running)
    });
    check(text, describe_pair(pair), passed, look_at)
}

fn one_holder(end: &EndState, witness: &Witness, look_at: &str) -> CheckOutcome {
    let text = format!(
        "exactly one host that neighbours reach holds the VIP: {}",
        end.host
    );
    let seen = format!("on {}", list(&witness.holding.reachable_now()));
    check(
        text,
        seen,
        witness.holding.is_held_by(end.host.as_str()),
        look_at,
    )
}

fn answered(end: &EndState, witness: &Witness, look_at: &str) -> CheckOutcome {
    let moved = !witness.cast.pair.virtual_ips.is_empty();
    let way = if moved || witness.cast.pair.network_device.is_some() {
        "through the VIP"
    } else {
        "at the SIP address"
    };
    let text = format!("{} answers {way}", end.primary);
    let last = witness.last_answer();
    let by = last.and_then(|answer| answer.server.clone());
    let seen = match (last, &by) {
        (Some(_), Some(name)) => format!("{name} answers"),
        (Some(_), None) => "somebody answers without a name".to_owned(),
        (None, _) => "nobody answers".to_owned(),
    };
    let passed = last.is_some() && by.is_none_or(|name| name.contains(end.primary.as_str()));
    check(text, seen, passed, look_at)
}

fn neighbour(end: &EndState, witness: &Witness, look_at: &str) -> CheckOutcome {
    let text = if witness.cast.is_nlb() {
        format!("{} names {}", witness.cast.pointer(), end.host)
    } else {
        format!(
            "the client's neighbour entry for the VIP names {}",
            end.host
        )
    };
    let seen = witness
        .neighbour
        .clone()
        .unwrap_or_else(|| "nobody".to_owned());
    let passed = seen == end.host.as_str();
    check(text, format!("it names {seen}"), passed, look_at)
}

fn two_holders(end: &EndState, witness: &Witness, look_at: &str) -> CheckOutcome {
    let limit = crate::moment::ms(end.two_holders);
    let text = if limit == 0.0 {
        "never two holders that neighbours reach".to_owned()
    } else {
        format!("two holders that neighbours reach for at most {limit:.0} ms")
    };
    let seen = witness.times().two_holders_ms;
    check(text, format!("{seen:.1} ms"), seen <= limit, look_at)
}
