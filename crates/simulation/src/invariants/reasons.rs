//! Whatever is not done leaves a reason, with a way out (DESIGN: explainable; BEHAVIOUR: everything suppressed left a
//! reason that `sci why` shows). A refusal to an operator names at least one reason, in words; a pair that is suppressed
//! has a record of it; a pair without a primary is switching, waiting for one that comes up, or suppressed. Exceptions:
//! what an operator has left that way needs no record of its own; a new life of the SCS begins to count anew, since it
//! waits until both LCAs have reported.

use super::at;
use crate::world::{World, micros};
use changeover_model::message::{OperatorAnswer, PairPicture, PairState, RecordKind};
use changeover_model::{ApplicationStatus, HostStatus, PairName, RefusalCode};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longer than one waits for a preferred server (3 s), with the pause after a failed procedure.
const WITHOUT: Duration = Duration::from_secs(5);

/// Since when a pair has been shown without a primary, without a reason.
#[derive(Clone, Debug, Default)]
pub(super) struct Reasons {
    silent: BTreeMap<PairName, u64>,
    /// The life of the SCS that showed it.
    life: u64,
}

/// What ends a suppression of this kind, or what lifts a refusal; `None` = it has no business there.
fn way_out(code: RefusalCode) -> Option<&'static str> {
    Some(match code {
        RefusalCode::BackupNotRunning | RefusalCode::NotRunning => {
            "a server of the pair is Started"
        }
        RefusalCode::BackupServiceUnavailable => {
            "the server reports Running, or its carrier is back"
        }
        RefusalCode::HostStopping | RefusalCode::HostLost => "the host is back",
        RefusalCode::NotInStep => "the backup has caught up, or --force",
        RefusalCode::AgentLost => "the LCA is back, or the host is lost as well",
        RefusalCode::ProcedureUnderWay => "the procedure ends by its deadline",
        RefusalCode::Maintenance => "sci maintenance off, or its time is over",
        RefusalCode::Flapping => "quiet for the window, or sci switchover",
        RefusalCode::IsItMe => "hosts return, or sci hosts confirm-lost",
        RefusalCode::Held => "sci start, sci switchover, or its pause is over",
        RefusalCode::TestHold => "its time is over, or sci realign",
        RefusalCode::NotYetJudged => "both LCAs have reported, or the bound is over",
        RefusalCode::SoleMark => "the LCA gives it up, or sci hosts confirm-lost",
        RefusalCode::NoVote => "the vote is asked for again",
        RefusalCode::FenceFailed => "the LCA is back, sci hosts confirm-lost, or --force",
        RefusalCode::AddressLives => "the lifetime of the address is over",
        RefusalCode::NotPersisted => "the disk takes writes again",
        RefusalCode::UnknownName
        | RefusalCode::BadRequest
        | RefusalCode::NotAllowed
        | RefusalCode::AlreadySo
        | RefusalCode::StaleEpoch
        | RefusalCode::StaleIncarnation
        | RefusalCode::Superseded
        | RefusalCode::ContradictsRoles
        | RefusalCode::AlreadyRunning
        | RefusalCode::NotOnThisHost
        | RefusalCode::NotRegistered
        | RefusalCode::RegistrationRefused
        | RefusalCode::HandoverImpossible
        | RefusalCode::ConfirmationNeeded
        | RefusalCode::Overloaded
        | RefusalCode::TimedOut
        | RefusalCode::RestartLimit
        | RefusalCode::MessageServerLost
        | RefusalCode::NotInThisBuild => return None,
    })
}

/// An operator is answered.
pub(super) fn answered(now: u64, answer: &OperatorAnswer) -> Option<String> {
    let OperatorAnswer::Refused(reasons) = answer else {
        return None;
    };
    let told = !reasons.is_empty() && reasons.iter().all(|one| !one.reason.is_empty());
    (!told).then(|| at(now, "reasons: an operator is refused without one"))
}

/// What is suppressed now.
pub(super) fn look(world: &mut World) -> Vec<String> {
    let (now, clock) = (world.now, world.clock(0));
    let Some(driven) = world.scs.driven.as_ref().filter(|driven| !driven.paused) else {
        world.invariants.reasons.silent.clear();
        return Vec::new();
    };
    let life = driven.life;
    let Some(picture) = driven.core.picture(clock) else {
        return Vec::new();
    };
    let mut wrong = Vec::new();
    for pair in &picture.pairs {
        for reason in &pair.suppressed {
            if way_out(reason.code).is_none() || reason.reason.is_empty() {
                wrong.push(format!("reasons: {} is suppressed by {reason}", pair.name));
            }
        }
        if !pair.suppressed.is_empty() && !is_recorded(world, pair) {
            let codes: Vec<&str> = pair
                .suppressed
                .iter()
                .map(|one| one.code.as_str())
                .collect();
            wrong.push(format!(
                "reasons: {} is suppressed by {}, and no record says so",
                pair.name,
                codes.join(" ")
            ));
        }
    }
    let silent: Vec<PairName> = picture
        .pairs
        .iter()
        .filter(|pair| {
            let reported = |name: &changeover_model::HostName| {
                let shown = picture.hosts.iter().find(|host| &host.name == name);
                shown.is_some_and(|host| host.status == HostStatus::Running)
            };
            let ready = pair
                .members
                .iter()
                .any(|one| one.status == ApplicationStatus::Running && reported(&one.host));
            pair.state == PairState::NoPrimary && ready && pair.suppressed.is_empty()
        })
        .map(|pair| pair.name.clone())
        .collect();
    let reasons = &mut world.invariants.reasons;
    if std::mem::replace(&mut reasons.life, life) != life {
        reasons.silent.clear();
    }
    let known = &mut reasons.silent;
    known.retain(|pair, _| silent.contains(pair));
    for pair in silent {
        let since = *known.entry(pair.clone()).or_insert(now);
        if now - since > micros(WITHOUT) {
            wrong.push(format!(
                "reasons: {pair} has no primary, one could be, and nothing says why it is not"
            ));
        }
    }
    wrong.iter().map(|text| at(now, text)).collect()
}

fn is_recorded(world: &World, pair: &PairPicture) -> bool {
    let Some(driven) = world.scs.driven.as_ref() else {
        return true;
    };
    let records = driven.core.timeline(1000).into_iter();
    let records: Vec<_> = records
        .filter(|record| record.pair.as_ref() == Some(&pair.name))
        .collect();
    pair.suppressed.iter().all(|shown| {
        // What an operator has stopped, or tests, is on record as their own command; a hold after a fence that failed as
        // the end of the procedure that asked for it.
        let own = matches!(shown.code, RefusalCode::TestHold | RefusalCode::Held);
        own || records.iter().any(|record| {
            let suppression = record.kind == RecordKind::Suppression;
            let told = record.reasons.iter().any(|told| told.code == shown.code);
            suppression && told || record.why.contains(&shown.reason)
        })
    })
}
