//! Owns the return of the lost host: its server still believes to be primary and its NIC still has the VIP; under
//! `quorum` its LCA has let go of both by itself meanwhile. Server 1
//! of this workflow is the one that comes back, as in the documented steps, although it is not the primary.

use super::{Carried, END_BOUND, TWO_HOLDERS, settle};
use crate::judge::documented::{alarms, event, order};
use crate::judge::{Cast, EndState, OwnSighting, Rule, evidence, traffic};
use crate::site::Site;
use crate::trouble::Trouble;
use changeover_model::environment::ControllerLoss;
use changeover_model::{RunMode, ScriptAction};
use std::time::Duration;

/// Carries it out. In the cast, server 1 is the primary now: the one that took over.
pub(super) async fn carry_out(site: &mut Site, cast: &Cast) -> Result<Carried, Trouble> {
    let start = site.put_cable_back(&cast.host_2).await?;
    let own = vec![OwnSighting::Cable {
        host: cast.host_2.clone(),
        plugged: true,
    }];
    let end = EndState {
        primary: cast.server_1.clone(),
        host: cast.host_1.clone(),
        backup_there: true,
        two_holders: if is_fenced(cast) {
            Duration::ZERO
        } else {
            TWO_HOLDERS
        },
    };
    settle(site, &end, END_BOUND).await?;
    Ok(Carried {
        start,
        own,
        end,
        rules: rules(cast),
        notes: Vec::new(),
    })
}

fn is_fenced(cast: &Cast) -> bool {
    cast.pair.policy.on_controller_loss == ControllerLoss::Quorum
}

/// What remains of them where the restored one has let go by itself: it comes back as backup, and says so.
fn fenced_rules(cast: &Cast) -> Vec<Rule> {
    let restored = &cast.server_2;
    let (winner, winners_host) = (cast.server_1.clone(), cast.host_1.clone());
    let host = cast.host_2.clone();
    let back = host.clone();
    let pair = format!("pairs.{}", cast.pair.name);
    let mut rules = vec![
        Rule::new(
            "the SCS sees host 1 again",
            format!("hosts.{host}"),
            move |witness| evidence::host_lost(witness, &back, false),
        ),
        Rule::new(
            "the LCA of host 1 has released the VIP by itself",
            format!("{pair}.policy.on_controller_loss"),
            move |witness| evidence::released_by_itself(witness, &host),
        ),
        event(
            "server 1 tells the Message Server that it is backup",
            cast,
            restored,
            RunMode::Backup,
        ),
    ];
    rules.extend(alarms(cast, &[(restored, RunMode::Backup)]));
    rules.push(Rule::new(
        "the VIP stays where it is",
        format!("{pair}.virtual_ips"),
        move |witness| evidence::reaches(witness, &winners_host, &winner),
    ));
    rules
}

/// The rules of its nine steps.
pub(crate) fn rules(cast: &Cast) -> Vec<Rule> {
    if is_fenced(cast) {
        return fenced_rules(cast);
    }
    let restored = &cast.server_2;
    let (winner, winners_host) = (cast.server_1.clone(), cast.host_1.clone());
    let host = cast.host_2.clone();
    let (back, launching) = (host.clone(), host.clone());
    let pair = format!("pairs.{}", cast.pair.name);
    let mut rules = vec![
        Rule::new(
            "the SCS sees host 1 again",
            format!("hosts.{host}"),
            move |witness| evidence::host_lost(witness, &back, false),
        ),
        Rule::new(
            "it finds both servers primary",
            &pair,
            evidence::two_primaries,
        ),
        order(
            "it orders the restored one, server 1, to backup",
            cast,
            restored,
            RunMode::Backup,
        ),
        event(
            "server 1 tells the Message Server that it is backup",
            cast,
            restored,
            RunMode::Backup,
        ),
    ];
    if cast.pair.control.is_empty() {
        let (winner, host) = (winner.clone(), winners_host.clone());
        rules.push(Rule::new(
            "the network device goes on sending the VIP's traffic to server 2",
            format!("{pair}.network_device"),
            move |witness| traffic::reaches(witness, &winner, Some(&host)),
        ));
        return rules;
    }
    rules.extend(alarms(cast, &[(restored, RunMode::Backup)]));
    rules.push(Rule::new(
        "the LCA of host 1 launches the control script",
        format!("{pair}.control_scripts"),
        move |witness| evidence::launched(witness, &launching, ScriptAction::Disable),
    ));
    rules.push(Rule::new(
        if cast.is_nlb() {
            "the port goes off on host 1"
        } else {
            "the VIP leaves host 1"
        },
        format!("{pair}.virtual_ips"),
        move |witness| {
            evidence::moved(witness, Some(&host), None).and(evidence::reaches(
                witness,
                &winners_host,
                &winner,
            ))
        },
    ));
    rules
}
