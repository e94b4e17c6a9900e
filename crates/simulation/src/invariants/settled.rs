//! After healing, each pair has exactly one primary that is Running and exactly one holder of its VIP, on the same
//! host, and a neighbour's entry points there (DESIGN 1). What the SCS shows must be so in the world. Exceptions,
//! each only if the SCS itself shows it, and none of them once the operator has put things in order: maintenance,
//! a Test's hold, held, flapping, an application that an operator stopped or whose restart limit is reached.

use crate::world::World;
use changeover_model::message::{PairPicture, PairState};
use changeover_model::{ApplicationStatus, RefusalCode, RunMode};

/// What a look found.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) wrong: Vec<String>,
    pub(super) explained: Vec<String>,
}

pub(super) fn look(world: &World) -> Found {
    let mut found = Found {
        wrong: Vec::new(),
        explained: Vec::new(),
    };
    let now = world.clock(0);
    let picture = world
        .scs
        .driven
        .as_ref()
        .and_then(|driven| driven.core.picture(now));
    let Some(picture) = picture else {
        found
            .wrong
            .push("settled: the SCS shows nothing".to_owned());
        return found;
    };
    for host in &picture.hosts {
        if host.needs_lca && host.status != changeover_model::HostStatus::Running {
            let (name, status) = (&host.name, host.status);
            found
                .wrong
                .push(format!("settled: {name} is {status}: {}", host.reason));
        }
    }
    for pair in &picture.pairs {
        look_at_pair(world, pair, &mut found);
    }
    found
}

fn look_at_pair(world: &World, pair: &PairPicture, found: &mut Found) {
    let name = &pair.name;
    let state = pair.state.as_str();
    let reasons: Vec<String> = pair.suppressed.iter().map(ToString::to_string).collect();
    let reasons = reasons.join("; ");
    if pair.state == PairState::Ok {
        found.wrong.extend(reality(world, pair));
        return;
    }
    match explanation(world, pair) {
        Some(why) => {
            found
                .explained
                .push(format!("{name} is {state}: {why}; {reasons}"));
            if matches!(pair.state, PairState::NotReady | PairState::Flapping) {
                found.wrong.extend(reality(world, pair));
            }
        }
        None => {
            let ready: Vec<String> = pair.ready.reasons.iter().map(ToString::to_string).collect();
            let ready = ready.join("; ");
            found.wrong.push(format!(
                "settled: {name} is {state}, suppressed [{reasons}], not ready for [{ready}]"
            ));
        }
    }
}

/// What the SCS itself shows as the reason for another state.
fn explanation(world: &World, pair: &PairPicture) -> Option<String> {
    if world.operators.tidies {
        return None;
    }
    let stopped = pair
        .members
        .iter()
        .find(|member| member.status == ApplicationStatus::Stopped);
    if pair.maintenance {
        return Some("in maintenance".to_owned());
    }
    if pair.test_hold_ms.is_some() {
        return Some("held by a Test".to_owned());
    }
    if let Some(reason) = pair.suppressed.first() {
        return Some(format!("suppressed by {}", reason.code));
    }
    let held = |code| matches!(code, RefusalCode::Held | RefusalCode::Flapping);
    if let Some(reason) = pair.ready.reasons.iter().find(|reason| held(reason.code)) {
        return Some(reason.to_string());
    }
    match pair.state {
        PairState::Held | PairState::Flapping => Some(pair.state.as_str().to_owned()),
        PairState::NoPrimary
        | PairState::NotReady
        | PairState::VipNone
        | PairState::VipPartial
        | PairState::VipElsewhere => {
            stopped.map(|member| format!("{} is Stopped: {}", member.application, member.reason))
        }
        PairState::Maintenance
        | PairState::Switching
        | PairState::TwoPrimaries
        | PairState::VipTwo
        | PairState::Test
        | PairState::Ok => None,
    }
}

/// What is really so, compared with what the SCS shows.
fn reality(world: &World, pair: &PairPicture) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = &pair.name;
    let mut shown = pair
        .members
        .iter()
        .filter(|member| member.run_mode == RunMode::Primary);
    let (Some(primary), None) = (shown.next(), shown.next()) else {
        return vec![format!(
            "settled: {name} is shown without exactly one primary"
        )];
    };
    for member in world.members.iter().filter(|member| &member.pair == name) {
        let host = &world.hosts[member.host];
        let serves = host.serves(&member.application);
        let should = member.application == primary.application;
        if serves != Some(true) && should {
            wrong.push(format!(
                "settled: {} is shown as primary and does not serve",
                member.application
            ));
        } else if serves == Some(true) && !should {
            wrong.push(format!(
                "settled: {} serves as a second primary",
                member.application
            ));
        }
    }
    let addresses = world.virtual_ips(name);
    for (index, host) in world.hosts.iter().enumerate() {
        let holds = addresses.iter().any(|vip| host.addresses.contains_key(vip));
        if holds != (host.name == primary.host) {
            let word = if holds { "holds" } else { "does not hold" };
            wrong.push(format!("settled: {} {word} the VIP of {name}", host.name));
        }
        for vip in &addresses {
            if host.name != primary.host && world.neighbour.get(vip) == Some(&index) {
                wrong.push(format!(
                    "settled: the neighbour's entry for {vip} points to {}",
                    host.name
                ));
            }
        }
    }
    wrong
}
