//! The invariants, one function each, with its reason and its exceptions.

use super::two_holders_allowed;
use crate::fault::Kind;
use crate::seen::{Made, Round, Seen};
use std::collections::BTreeMap;

type Judged = (usize, Vec<String>);

/// Which round, and what was done in it.
fn name(round: &Round) -> String {
    let faults: Vec<String> = round
        .faults
        .iter()
        .map(|fault| format!("{} {}", fault.kind.as_str(), fault.target))
        .collect();
    format!("round {} ({})", round.number, faults.join(", "))
}

/// Epochs exist for this: whoever serves in one, serves alone (BEHAVIOUR, Epochs and orders). By the servers' own events,
/// since the SCS's account is what is tried. No exceptions.
pub(super) fn one_primary_per_epoch(seen: &Seen) -> Judged {
    let mut by_epoch: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for promotion in &seen.promotions {
        let of = by_epoch.entry(promotion.epoch).or_default();
        if !of.contains(&promotion.application.as_str()) {
            of.push(&promotion.application);
        }
    }
    let broken = by_epoch
        .iter()
        .filter(|(_, applications)| applications.len() > 1)
        .map(|(epoch, applications)| {
            format!("epoch {epoch}: {} were primary", applications.join(" and "))
        })
        .collect();
    (by_epoch.len(), broken)
}

/// A lower epoch would let an older order win. Looked at from rest to rest. No exceptions.
pub(super) fn epochs_rise(seen: &Seen) -> Judged {
    let mut highest = 0;
    let mut broken = Vec::new();
    for round in &seen.rounds {
        for (when, epoch) in [("before", round.epoch_before), ("after", round.epoch_after)] {
            // Not read: the site did not come to rest, which is judged elsewhere.
            if epoch != 0 && epoch < highest {
                broken.push(format!(
                    "{when} {}: epoch {epoch} after {highest}",
                    name(round)
                ));
            }
            highest = highest.max(epoch);
        }
        // Nobody was known to be primary before, or nobody is now: judged by `settled`.
        let known = !round.primary_before.is_empty() && !round.primary_after.is_empty();
        let promoted = known && round.primary_before != round.primary_after;
        if promoted && round.epoch_after == round.epoch_before {
            broken.push(format!(
                "{}: {} became primary within epoch {}",
                name(round),
                round.primary_after,
                round.epoch_after
            ));
        }
    }
    (seen.rounds.len(), broken)
}

/// The promise of DESIGN 1, within what the policy can keep; see `allowance.rs`.
pub(super) fn two_holders(seen: &Seen) -> Judged {
    let broken = seen
        .rounds
        .iter()
        .filter_map(|round| {
            let allowed = two_holders_allowed(&seen.promises, round).as_secs_f64() * 1e3;
            (round.two_holders_ms > allowed).then(|| {
                format!(
                    "{}: {:.1} ms with two holders, {allowed:.0} ms allowed under {}",
                    name(round),
                    round.two_holders_ms,
                    seen.promises.policy
                )
            })
        })
        .collect();
    (seen.rounds.len(), broken)
}

/// After healing exactly one primary and one holder on one host, and a backup that could take over. What an operator must
/// do first by the pages (flapping, a Test, a held pair, a restart limit) counts as healing, and stands in the report.
pub(super) fn settled(seen: &Seen) -> Judged {
    let broken = seen
        .rounds
        .iter()
        .filter(|round| round.rest_ms.is_none())
        .map(|round| {
            format!(
                "{}: not at rest {:.0} ms after the last fault: {}",
                name(round),
                seen.promises.rest_ms,
                round.missing.join("; ")
            )
        })
        .collect();
    (seen.rounds.len(), broken)
}

/// Every transitional status has a deadline and a way out, and no site is at rest with an open record. What is open at the
/// end of the drill is stuck, unless the drill broke off in the middle of something.
pub(super) fn no_stuck_state(seen: &Seen) -> Judged {
    let in_rounds = seen.rounds.iter().flat_map(|round| {
        let stuck = round.stuck.iter();
        stuck.map(move |what| format!("{}: {what}", name(round)))
    });
    let open = seen
        .records
        .iter()
        .filter(|record| !seen.broke_off && record.outcome.is_none());
    let open = open.map(|record| format!("record {} ({}) is still open", record.id, record.title));
    (
        seen.rounds.len() + seen.records.len(),
        in_rounds.chain(open).collect(),
    )
}

/// The controller must not be the outage (PEERS). Rounds in which nothing but the SCS, the Message Server, or their host
/// was hit; under `release-after` letting go is what was asked for.
pub(super) fn controller_alone(seen: &Seen) -> Judged {
    if !matches!(seen.promises.policy.as_str(), "hold" | "quorum") {
        return (0, Vec::new());
    }
    let alone = |fault: &Made| match fault.kind {
        Kind::KillScs | Kind::StopScs | Kind::KillMessageServer | Kind::StopMessageServer => true,
        Kind::FullDisk | Kind::SlowDisk => !fault.target.starts_with("lca@"),
        Kind::FreezeHost | Kind::CutHost | Kind::MuteHost | Kind::DeafHost | Kind::DelayHost => {
            !seen.promises.is_of_pair(&fault.target)
        }
        Kind::KillServer
        | Kind::StopServer
        | Kind::KillLca
        | Kind::StopLca
        | Kind::ScriptFails
        | Kind::ScriptSlow
        | Kind::ScriptHangs
        | Kind::Switchover
        | Kind::AlarmTest => false,
    };
    vip_stays(seen, alone)
}

/// A disk that takes its time, under whichever component, says nothing about who can serve: what waits for it must not be
/// what the service depends on. Rounds in which disks were slow and held something up, and nothing else was done.
pub(super) fn slow_disk_alone(seen: &Seen) -> Judged {
    if !matches!(seen.promises.policy.as_str(), "hold" | "quorum") {
        return (0, Vec::new());
    }
    let held_up = |fault: &Made| {
        let slowed = fault.slowed;
        slowed.is_some_and(|slowed| slowed.writes + slowed.syncs > 0)
    };
    vip_stays(seen, |fault| fault.kind == Kind::SlowDisk && held_up(fault))
}

/// In rounds with faults of this sort only, and in which no operator had to help, the VIP stayed where it was.
fn vip_stays(seen: &Seen, is_of_sort: impl Fn(&Made) -> bool) -> Judged {
    let rounds: Vec<&Round> = seen
        .rounds
        .iter()
        .filter(|round| round.remedies.is_empty() && round.faults.iter().all(&is_of_sort))
        .collect();
    let broken = rounds
        .iter()
        .filter(|round| round.vip_left)
        .map(|round| format!("{}: the VIP left its host", name(round)))
        .collect();
    (rounds.len(), broken)
}

/// `done` means done: when the record was closed, the host of the epoch's primary had the VIP by the kernel's word.
/// Without the server's own event of that epoch nobody knows whose it was: `delivery` says so.
pub(super) fn honest_outcome(seen: &Seen) -> Judged {
    let mut judged = 0;
    let mut broken = Vec::new();
    for record in changes(seen) {
        let mut promoted = seen.promotions.iter();
        let host = promoted
            .find(|promotion| promotion.epoch == record.epoch_after)
            .and_then(|promotion| seen.promises.host_of(&promotion.application));
        let Some(host) = host else {
            continue;
        };
        judged += 1;
        if !record.held_at_close.iter().any(|holder| holder == host) {
            broken.push(format!(
                "record {} ({}) is done, and {host} did not hold the VIP",
                record.id, record.title
            ));
        }
    }
    (judged, broken)
}

/// Nothing acknowledged is lost: senders keep events until the Message Server has them on disk.
pub(super) fn delivery(seen: &Seen) -> Judged {
    let records: Vec<_> = changes(seen).collect();
    let broken = records
        .iter()
        .filter(|record| {
            !seen
                .promotions
                .iter()
                .any(|promotion| promotion.epoch == record.epoch_after)
        })
        .map(|record| {
            format!(
                "record {} ({}): nobody's event of epoch {} is in the log",
                record.id, record.title, record.epoch_after
            )
        })
        .collect();
    (records.len(), broken)
}

/// Changes of roles that are reported as done.
fn changes(seen: &Seen) -> impl Iterator<Item = &crate::seen::Recorded> {
    seen.records.iter().filter(|record| {
        ["switchover", "failover"].contains(&record.kind.as_str())
            && record.outcome.as_deref() == Some("done")
            && record.epoch_after > record.epoch_before
    })
}

/// Nobody can say why: the worst complaint about such systems (PEERS). A sentence or a code must be there.
pub(super) fn reasons_given(seen: &Seen) -> Judged {
    let negative = |record: &&crate::seen::Recorded| {
        ["refusal", "suppression"].contains(&record.kind.as_str())
            || matches!(
                record.outcome.as_deref(),
                Some("failed" | "refused" | "rolled-back" | "superseded")
            )
    };
    let records: Vec<_> = seen.records.iter().filter(negative).collect();
    let broken = records
        .iter()
        .filter(|record| record.reasons == 0 && record.why.is_empty())
        .map(|record| {
            format!(
                "record {} ({}) says nothing of why",
                record.id, record.title
            )
        })
        .collect();
    (records.len(), broken)
}

/// A crash of a component is a defect, whatever brought it about. Exceptions: those that the drill killed.
pub(super) fn no_component_ends(seen: &Seen) -> Judged {
    let broken = seen.rounds.iter().flat_map(|round| {
        let ended = round.ended.iter();
        ended.map(move |component| format!("{}: {component} ended", name(round)))
    });
    (seen.rounds.len(), broken.collect())
}
