//! Owns the manual switchover: an operator swaps the roles, and the VIP follows by way of events, alarms and
//! reactions.

use super::{Carried, END_BOUND, settle};
use crate::judge::documented::{alarms, event, followed, order};
use crate::judge::{Cast, EndState, Rule, evidence};
use crate::moment::Moment;
use crate::site::Site;
use crate::trouble::Trouble;
use changeover_model::{RunMode, ScriptAction};
use std::time::Duration;

/// Carries it out.
pub(super) async fn carry_out(site: &mut Site, cast: &Cast) -> Result<Carried, Trouble> {
    let start = Moment::now();
    let outcome = site
        .operator
        .switchover(&site.pair.name, "rehearsal")
        .await?;
    let end = EndState {
        primary: cast.server_2.clone(),
        host: cast.host_2.clone(),
        backup_there: true,
        two_holders: Duration::ZERO,
    };
    settle(site, &end, END_BOUND).await?;
    Ok(Carried {
        start,
        own: outcome.refused().collect(),
        end,
        rules: rules(cast),
        notes: Vec::new(),
    })
}

/// The rules of its ten steps.
pub(crate) fn rules(cast: &Cast) -> Vec<Rule> {
    let (server_1, server_2) = (&cast.server_1, &cast.server_2);
    let pair = format!("pairs.{}", cast.pair.name);
    let mut rules = vec![
        Rule::new("the operator asks for it", &pair, evidence::requested),
        order(
            "the SCS, through the LCA of host 1, orders server 1 to backup",
            cast,
            server_1,
            RunMode::Backup,
        ),
        order(
            "the SCS, through the LCA of host 2, orders server 2 to primary",
            cast,
            server_2,
            RunMode::Primary,
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
    if cast.pair.control.is_empty() {
        rules.push(followed(cast));
        return rules;
    }
    rules.extend(alarms(
        cast,
        &[(server_1, RunMode::Backup), (server_2, RunMode::Primary)],
    ));
    rules.extend(moving(cast));
    rules
}

/// The last two steps of a takeover whose both hosts are there: the control scripts, and what they do.
pub(super) fn moving(cast: &Cast) -> [Rule; 2] {
    let pair = format!("pairs.{}", cast.pair.name);
    let Cast {
        host_1,
        host_2,
        server_2,
        ..
    } = cast.clone();
    [
        launching(cast),
        Rule::new(
            if cast.is_nlb() {
                "the port goes off on host 1 and on on host 2"
            } else {
                "the VIP leaves host 1 and comes to host 2"
            },
            format!("{pair}.virtual_ips"),
            move |witness| {
                evidence::moved(witness, Some(&host_1), Some(&host_2))
                    .and(evidence::reaches(witness, &host_2, &server_2))
            },
        ),
    ]
}

/// The control scripts of both hosts are launched, and do what they are for.
pub(super) fn launching(cast: &Cast) -> Rule {
    let (from, to) = (cast.host_1.clone(), cast.host_2.clone());
    Rule::new(
        "the LCAs launch the control scripts",
        format!("pairs.{}.control_scripts", cast.pair.name),
        move |witness| {
            evidence::launched(witness, &from, ScriptAction::Disable).and(evidence::launched(
                witness,
                &to,
                ScriptAction::Enable,
            ))
        },
    )
}
