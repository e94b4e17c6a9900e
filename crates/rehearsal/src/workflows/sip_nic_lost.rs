//! Owns the loss of the primary's SIP NIC on hosts with two: the server hears no SIP for T, says so, and the SCS swaps
//! the roles over the management network, which still works; the VIP leaves the host although nobody reaches it there.

use super::manual_switchover::moving;
use super::{Carried, END_BOUND, settle};
use crate::judge::documented::{alarms, event, order};
use crate::judge::{Cast, EndState, OwnSighting, Rule, traffic};
use crate::site::Site;
use crate::trouble::Trouble;
use changeover_model::RunMode;
use std::time::Duration;

/// Carries it out.
pub(super) async fn carry_out(site: &mut Site, cast: &Cast) -> Result<Carried, Trouble> {
    let period = site.traffic_period();
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
    Ok(Carried {
        start,
        own,
        end,
        rules: rules(cast, period),
        notes: vec![format!(
            "not answered for T = {} of SIP traffic monitoring",
            changeover_model::show_duration(period)
        )],
    })
}

/// The rules of its ten steps.
pub(crate) fn rules(cast: &Cast, period: Duration) -> Vec<Rule> {
    let (server_1, server_2) = (&cast.server_1, &cast.server_2);
    let (host, silent) = (cast.host_1.clone(), server_1.clone());
    let backup = order("", cast, server_1, RunMode::Backup).judge;
    let primary = order("", cast, server_2, RunMode::Primary).judge;
    let mut rules = vec![
        Rule::new(
            "the SIP NIC of host 1 is unplugged",
            format!("hosts.{host}"),
            move |witness| traffic::sip_cable(witness, &host, false),
        ),
        Rule::new(
            "server 1 hears no SIP for T and reports SERVICE_UNAVAILABLE",
            format!("applications.{silent}.options.tserver.sip-pass-check"),
            move |witness| traffic::silent_for(witness, &silent, period),
        ),
        Rule::new(
            "the SCS orders server 1 to backup and server 2 to primary",
            format!("hosts.{}", cast.host_1),
            move |witness| backup(witness).and(primary(witness)),
        ),
        event(
            "server 1 tells the Message Server that it is backup",
            cast,
            server_1,
            RunMode::Backup,
        ),
        event(
            "server 2 tells the Message Server that it is primary",
            cast,
            server_2,
            RunMode::Primary,
        ),
    ];
    rules.extend(alarms(
        cast,
        &[(server_1, RunMode::Backup), (server_2, RunMode::Primary)],
    ));
    rules.extend(moving(cast));
    rules
}
