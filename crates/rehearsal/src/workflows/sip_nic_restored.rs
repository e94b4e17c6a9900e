//! Owns the return of the SIP NIC's cable, after which nothing must happen to the roles. With IP Address Takeover nothing
//! follows at all: the VIP has left that host. On an NLB site the port of that host is still enabled, and is disabled as soon
//! as NLB obeys again; where nobody realigns, the roles switch back (`sip_nic_switched_back.rs`).

use super::{Carried, TWO_HOLDERS, sip_nic_switched_back};
use crate::judge::{Cast, EndState, OwnSighting, Rule, evidence, traffic};
use crate::moment::Moment;
use crate::site::Site;
use crate::trouble::Trouble;
use changeover_model::message::{Step, TimelineRecord};
use changeover_model::{CauseId, ScriptAction};
use std::time::Duration;

/// Watched for this much longer than T.
const LONGER: Duration = Duration::from_millis(500);
const HEARS: &str = "server 2 goes on hearing SIP";
const STAYS: &str = "run modes and VIP stay as they are";
const STAYS_ON: &str = "run modes and the port of host 2 stay as they are";

/// Carries it out. In the cast, server 1 is the primary now: the one that took over.
pub(super) async fn carry_out(
    site: &mut Site,
    cast: &Cast,
    newest: CauseId,
) -> Result<Carried, Trouble> {
    if switches_back(cast) {
        return sip_nic_switched_back::carry_out(site, cast).await;
    }
    let period = site.traffic_period();
    let (returned, stays_on) = (cast.host_2.clone(), cast.host_1.clone());
    let seen_before = site.observer.holding().sightings.len();
    let start = site.sip_cable(&returned, true).await?;
    if cast.is_nlb() {
        // Not to get there is for the judge.
        let bound = period + site.patience;
        let off = site.observer.wait_until(bound, |holding| {
            holding.is_held_by(stays_on.as_str()) && !holding.holds(returned.as_str())
        });
        off.await;
    }
    // Not a wait for something: that nothing happens for so long is the step.
    let watched = start.plus(period + LONGER).since(Moment::now());
    tokio::time::sleep(watched).await;
    let (silences, mut moved) = steps_since(site, cast, newest).await?;
    moved.extend(moves(site, cast, seen_before));
    let at_ms = Moment::now().ms_since(start);
    let unchanged = |watched: &str, changes| OwnSighting::Unchanged {
        at_ms,
        watched: watched.to_owned(),
        changes,
    };
    let own = vec![
        OwnSighting::SipCable {
            host: cast.host_2.clone(),
            plugged: true,
        },
        unchanged(HEARS, silences),
        unchanged(if cast.is_nlb() { STAYS_ON } else { STAYS }, moved),
    ];
    Ok(Carried {
        start,
        own,
        end: EndState {
            primary: cast.server_1.clone(),
            host: cast.host_1.clone(),
            backup_there: true,
            two_holders: if cast.is_nlb() {
                TWO_HOLDERS
            } else {
                Duration::ZERO
            },
        },
        rules: rules(cast),
        notes: Vec::new(),
    })
}

/// What the timeline says of silence, and of changes that must not be. The scripts of an NLB site are run again.
async fn steps_since(
    site: &Site,
    cast: &Cast,
    newest: CauseId,
) -> Result<(Vec<String>, Vec<String>), Trouble> {
    let records = site.operator.timeline().await?;
    let entries = records
        .iter()
        .filter(|record| record.id > newest && of_the_pair(record, cast))
        .flat_map(|record| &record.entries);
    let (mut silences, mut moved) = (Vec::new(), Vec::new());
    for entry in entries {
        match &entry.step {
            Step::ApplicationUnavailable(_) => silences.push(entry.what.clone()),
            Step::RunModeOrdered(..) | Step::EventLogged(..) => moved.push(entry.what.clone()),
            Step::Launched(..) if !cast.is_nlb() => moved.push(entry.what.clone()),
            _ => {}
        }
    }
    Ok((silences, moved))
}

/// Whether the roles go back to where they were: nobody disables the port of the host whose cable is back, and SIP reaches the
/// node whose server is backup.
pub(super) fn switches_back(cast: &Cast) -> bool {
    cast.is_nlb() && cast.pair.policy.realign_after.is_none()
}

/// What the observer saw of the VIP that it should not have: it was elsewhere, or its host no longer had it alone. The port of
/// the host that is back may be enabled until it has been disabled once.
fn moves(site: &Site, cast: &Cast, seen_before: usize) -> Vec<String> {
    let holding = site.observer.holding();
    let (stays_on, returned) = (cast.host_1.as_str(), cast.host_2.as_str());
    let mut sightings = holding.sightings.iter().skip(seen_before).peekable();
    let has = |sighting: &crate::observer::Sighting, host: &str| {
        let mut holders = sighting.holders.iter();
        holders.any(|holder| holder.host == host)
    };
    while cast.is_nlb()
        && sightings
            .next_if(|sighting| has(sighting, stays_on) && has(sighting, returned))
            .is_some()
    {}
    sightings
        .filter(|sighting| !holding.was_held_by(sighting, stays_on))
        .map(|sighting| format!("the VIP moved: {}", sighting.cause))
        .collect()
}

fn of_the_pair(record: &TimelineRecord, cast: &Cast) -> bool {
    record
        .pair
        .as_ref()
        .is_none_or(|name| *name == cast.pair.name)
}

/// The rules of its steps: three with IP Address Takeover, four on an NLB site.
pub(crate) fn rules(cast: &Cast) -> Vec<Rule> {
    let host = cast.host_2.clone();
    let pair = format!("pairs.{}", cast.pair.name);
    let mut rules = vec![Rule::new(
        "the SIP NIC of host 1 is plugged in again",
        format!("hosts.{host}"),
        move |witness| traffic::sip_cable(witness, &host, true),
    )];
    if cast.is_nlb() {
        rules.push(disabled_at_once(cast));
    }
    rules.push(Rule::new(
        if cast.is_nlb() {
            "server 2 goes on hearing SIP, and no second switchover follows"
        } else {
            "server 2, which has the VIP, goes on hearing SIP for longer than T"
        },
        format!(
            "applications.{}.options.tserver.sip-pass-check",
            cast.server_1
        ),
        |witness| traffic::unchanged(witness, HEARS),
    ));
    rules.push(if cast.is_nlb() {
        Rule::new(
            "nothing else changes: both run modes and the port of host 2 stay",
            pair,
            |witness| traffic::unchanged(witness, STAYS_ON),
        )
    } else {
        Rule::new(
            "nothing changes: both run modes and the VIP stay",
            pair,
            |witness| traffic::unchanged(witness, STAYS),
        )
    });
    rules
}

/// The realignment that the return of the cable sets off.
fn disabled_at_once(cast: &Cast) -> Rule {
    let host = cast.host_2.clone();
    Rule::new(
        "NLB on host 1 obeys again: the SCS has its port disabled at once",
        format!("pairs.{}.policy.realign_after", cast.pair.name),
        move |witness| {
            evidence::launched(witness, &host, ScriptAction::Disable).and(evidence::moved(
                witness,
                Some(&host),
                None,
            ))
        },
    )
}
