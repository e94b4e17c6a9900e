//! Owns the loss of the primary's SIP NIC on hosts with two: the server hears no SIP for T, says so, and the SCS swaps
//! the roles over the management network, which still works. The VIP leaves the host although nobody reaches it there; the
//! port of an NLB cluster stays enabled, because NLB ignores orders on an adapter without link.

use super::manual_switchover::moving;
use super::primary_disconnected::{kept, still_enabled};
use super::{Carried, END_BOUND, settle, sip_silence, until_answered};
use crate::judge::{Cast, EndState, OwnSighting, Rule, evidence, ports, traffic};
use crate::moment::Moment;
use crate::site::Site;
use crate::trouble::Trouble;
use changeover_model::ScriptAction;
use std::time::Duration;

/// Carries it out.
pub(super) async fn carry_out(site: &mut Site, cast: &Cast) -> Result<Carried, Trouble> {
    let period = site.traffic_period();
    // T counts from the last message heard, and a cluster may still be agreeing on who gets the client's.
    until_answered(site, &cast.server_1, Moment::now().plus(END_BOUND)).await;
    let start = site.sip_cable(&cast.host_1, false).await?;
    let own = vec![OwnSighting::SipCable {
        host: cast.host_1.clone(),
        plugged: false,
    }];
    let end = EndState {
        primary: cast.server_2.clone(),
        host: cast.host_2.clone(),
        backup_there: true,
        two_holders: Duration::ZERO,
    };
    settle(site, &end, period + END_BOUND).await?;
    let mut notes = vec![format!(
        "not answered for T = {} of SIP traffic monitoring",
        changeover_model::show_duration(period)
    )];
    notes.extend(kept(site, cast));
    Ok(Carried {
        start,
        own,
        end,
        rules: rules(cast, period),
        notes,
    })
}

/// The rules of its ten steps.
pub(crate) fn rules(cast: &Cast, period: Duration) -> Vec<Rule> {
    let host = cast.host_1.clone();
    let mut rules = vec![Rule::new(
        "the SIP NIC of host 1 is unplugged",
        format!("hosts.{host}"),
        move |witness| traffic::sip_cable(witness, &host, false),
    )];
    rules.extend(sip_silence::rules(cast, period, [1, 2]));
    if cast.is_nlb() {
        rules.extend([launched_in_part(cast), still_enabled(cast)]);
    } else {
        rules.extend(moving(cast));
    }
    rules
}

/// NLB obeys nobody on an adapter without link: the script runs, and changes nothing.
fn launched_in_part(cast: &Cast) -> Rule {
    let (cut_off, other) = (cast.host_1.clone(), cast.host_2.clone());
    Rule::new(
        "the LCAs launch the control scripts; NLB on host 1 ignores its own",
        format!("pairs.{}.control_scripts", cast.pair.name),
        move |witness| {
            ports::launched_in_vain(witness, &cut_off, ScriptAction::Disable)
                .and(evidence::launched(witness, &other, ScriptAction::Enable))
        },
    )
}
