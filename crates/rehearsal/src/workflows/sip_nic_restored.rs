//! Owns the return of the SIP NIC's cable. With IP Address Takeover nothing follows from it: the VIP has left that host,
//! so SIP goes on reaching the server that is primary, and it must stay so for longer than T.

use super::Carried;
use crate::judge::{Cast, EndState, OwnSighting, Rule, traffic};
use crate::moment::Moment;
use crate::site::Site;
use crate::trouble::Trouble;
use changeover_model::CauseId;
use changeover_model::message::{Step, TimelineRecord};
use std::time::Duration;

/// Watched for this much longer than T.
const LONGER: Duration = Duration::from_millis(500);
const HEARS: &str = "server 2 goes on hearing SIP";
const STAYS: &str = "run modes and VIP stay as they are";

/// Carries it out. In the cast, server 1 is the primary now: the one that took over.
pub(super) async fn carry_out(
    site: &mut Site,
    cast: &Cast,
    newest: CauseId,
) -> Result<Carried, Trouble> {
    let watched = site.traffic_period() + LONGER;
    let seen_before = site.observer.holding().sightings.len();
    let start = site.sip_cable(&cast.host_2, true).await?;
    // Not a wait for something: that nothing happens for so long is the step.
    tokio::time::sleep(watched).await;
    let records = site.operator.timeline().await?;
    let steps: Vec<(&Step, &str)> = records
        .iter()
        .filter(|record| record.id > newest && of_the_pair(record, cast))
        .flat_map(|record| &record.entries)
        .map(|entry| (&entry.step, entry.what.as_str()))
        .collect();
    let that = |wanted: fn(&Step) -> bool| -> Vec<String> {
        let matching = steps.iter().filter(|(step, _)| wanted(step));
        matching.map(|(_, what)| (*what).to_owned()).collect()
    };
    let mut moved = that(|step| {
        matches!(
            step,
            Step::RunModeOrdered(..) | Step::EventLogged(..) | Step::Launched(..)
        )
    });
    let holding = site.observer.holding();
    for sighting in holding.sightings.iter().skip(seen_before) {
        if !holding.is_held_by(cast.host_1.as_str()) {
            moved.push(format!("the VIP moved: {}", sighting.cause));
        }
    }
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
        unchanged(
            HEARS,
            that(|step| matches!(step, Step::ApplicationUnavailable(_))),
        ),
        unchanged(STAYS, moved),
    ];
    Ok(Carried {
        start,
        own,
        end: EndState {
            primary: cast.server_1.clone(),
            host: cast.host_1.clone(),
            backup_there: true,
            two_holders: Duration::ZERO,
        },
        rules: rules(cast),
        notes: Vec::new(),
    })
}

fn of_the_pair(record: &TimelineRecord, cast: &Cast) -> bool {
    record
        .pair
        .as_ref()
        .is_none_or(|name| *name == cast.pair.name)
}

/// The rules of its three steps.
pub(crate) fn rules(cast: &Cast) -> Vec<Rule> {
    let host = cast.host_2.clone();
    let pair = format!("pairs.{}", cast.pair.name);
    vec![
        Rule::new(
            "the SIP NIC of host 1 is plugged in again",
            format!("hosts.{host}"),
            move |witness| traffic::sip_cable(witness, &host, true),
        ),
        Rule::new(
            "server 2, which has the VIP, goes on hearing SIP for longer than T",
            format!(
                "applications.{}.options.tserver.sip-pass-check",
                cast.server_1
            ),
            |witness| traffic::unchanged(witness, HEARS),
        ),
        Rule::new(
            "nothing changes: both run modes and the VIP stay",
            pair,
            |witness| traffic::unchanged(witness, STAYS),
        ),
    ]
}
