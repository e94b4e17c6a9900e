//! Owns the return of the SIP NIC's cable on an NLB site where nobody realigns (`realign_after: off`), as the guide has it:
//! SIP reaches the node whose server is backup, the primary hears none, and the roles switch back.

use super::manual_switchover::launching;
use super::{Carried, END_BOUND, TWO_HOLDERS, settle, sip_silence};
use crate::judge::{Cast, EndState, OwnSighting, Rule, evidence, ports, traffic};
use crate::site::Site;
use crate::trouble::Trouble;
use std::time::Duration;

/// Carries it out. In the cast, server 1 is the primary now, which the documented steps call server 2.
pub(super) async fn carry_out(site: &mut Site, cast: &Cast) -> Result<Carried, Trouble> {
    let period = site.traffic_period();
    let start = site.sip_cable(&cast.host_2, true).await?;
    let end = EndState {
        primary: cast.server_2.clone(),
        host: cast.host_2.clone(),
        backup_there: true,
        // Both ports are enabled until the primary has been silent for T.
        two_holders: period + TWO_HOLDERS,
    };
    settle(site, &end, period + END_BOUND).await?;
    Ok(Carried {
        start,
        own: vec![OwnSighting::SipCable {
            host: cast.host_2.clone(),
            plugged: true,
        }],
        end,
        rules: rules(cast, period),
        notes: vec![format!(
            "both ports enabled for T = {} of SIP traffic monitoring, because of realign_after: off",
            changeover_model::show_duration(period)
        )],
    })
}

/// The rules of its ten steps.
pub(crate) fn rules(cast: &Cast, period: Duration) -> Vec<Rule> {
    let pair = format!("pairs.{}", cast.pair.name);
    let (back, other) = (cast.host_2.clone(), cast.host_1.clone());
    let mut rules = vec![Rule::new(
        "the SIP NIC of host 1 is plugged in again: SIP reaches the node whose server is backup",
        format!("{pair}.policy.realign_after"),
        move |witness| {
            traffic::sip_cable(witness, &back, true).and(ports::shares(witness, &back, &other))
        },
    )];
    rules.extend(sip_silence::rules(cast, period, [2, 1]));
    let Cast {
        host_1,
        host_2,
        server_2,
        ..
    } = cast.clone();
    rules.push(launching(cast));
    rules.push(Rule::new(
        "the port goes off on host 2 and is on on host 1",
        format!("{pair}.nlb"),
        move |witness| {
            evidence::moved(witness, Some(&host_1), None)
                .and(ports::stays(witness, &host_2))
                .and(evidence::reaches(witness, &host_2, &server_2))
        },
    ));
    rules
}
