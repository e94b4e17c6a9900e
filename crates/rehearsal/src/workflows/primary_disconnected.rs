//! Owns the loss of the primary's host: all its cables are pulled, and the backup takes over after the detection
//! bound. What the lost host cannot be told stays undone: it keeps the VIP where no neighbour can reach it.

use super::primary_failure::takeover_rules;
use super::{Carried, END_BOUND, settle};
use crate::judge::documented::followed;
use crate::judge::{Cast, EndState, OwnSighting, Rule, evidence, ports};
use crate::site::Site;
use crate::trouble::Trouble;
use changeover_model::ScriptAction;
use std::time::Duration;

/// Carries it out.
pub(super) async fn carry_out(site: &mut Site, cast: &Cast) -> Result<Carried, Trouble> {
    let bound = site
        .environment
        .environment()
        .hosts
        .get(&cast.host_1)
        .map_or(Duration::ZERO, |host| {
            host.detection_bound() + host.disconnect_switchover_timeout
        });
    let start = site.pull_cable(&cast.host_1).await?;
    let own = vec![OwnSighting::Cable {
        host: cast.host_1.clone(),
        plugged: false,
    }];
    let end = EndState {
        primary: cast.server_2.clone(),
        host: cast.host_2.clone(),
        backup_there: false,
        two_holders: Duration::ZERO,
    };
    settle(site, &end, bound + END_BOUND).await?;
    let mut notes = vec![format!(
        "without holder for the detection bound of {}",
        changeover_model::show_duration(bound)
    )];
    notes.extend(kept(site, cast));
    Ok(Carried {
        start,
        own,
        end,
        rules: rules(cast),
        notes,
    })
}

/// What the host of the cast's server 1 still has behind its pulled cable, as a note.
pub(super) fn kept(site: &Site, cast: &Cast) -> Option<String> {
    let holds = site.observer.holding().holds(cast.host_1.as_str());
    holds.then(|| {
        format!(
            "{} kept {} behind its pulled cable; no neighbour could reach it",
            cast.host_1,
            if cast.is_nlb() {
                "its port enabled"
            } else {
                "the VIP"
            }
        )
    })
}

/// The rules of its seven steps.
pub(crate) fn rules(cast: &Cast) -> Vec<Rule> {
    let Cast {
        host_1,
        server_2,
        host_2,
        ..
    } = cast.clone();
    let pair = format!("pairs.{}", cast.pair.name);
    let mut rules = vec![Rule::new(
        "the SCS loses host 1",
        format!("hosts.{host_1}.addp"),
        {
            let host = host_1.clone();
            move |witness| evidence::host_lost(witness, &host, true)
        },
    )];
    rules.extend(takeover_rules(cast));
    if cast.is_nlb() {
        rules.extend(without_host_1(cast));
        return rules;
    }
    if cast.pair.control.is_empty() {
        rules.push(followed(cast));
        return rules;
    }
    rules.push(Rule::new(
        "the LCA of host 2 launches its control script; the one for host 1 cannot run",
        format!("{pair}.control_scripts"),
        move |witness| {
            evidence::launched(witness, &host_2, ScriptAction::Enable)
                .and(evidence::could_not_launch(
                    witness,
                    &host_1,
                    ScriptAction::Disable,
                ))
                .and(evidence::moved(witness, None, Some(&host_2)))
                .and(evidence::reaches(witness, &host_2, &server_2))
        },
    ));
    rules
}

/// The last two of the eight steps of a site with an NLB cluster: nobody tells the lost host to disable its port.
fn without_host_1(cast: &Cast) -> [Rule; 2] {
    let launching = cast.host_2.clone();
    [
        Rule::new(
            "the LCA of host 2 launches its control script; none can run on host 1",
            format!("pairs.{}.control_scripts", cast.pair.name),
            move |witness| evidence::launched(witness, &launching, ScriptAction::Enable),
        ),
        still_enabled(cast),
    ]
}

/// The last step of an NLB site whose host 1 has no link: it keeps its port, and neighbours reach host 2.
pub(super) fn still_enabled(cast: &Cast) -> Rule {
    let Cast {
        host_1,
        server_2,
        host_2,
        ..
    } = cast.clone();
    Rule::new(
        "the port is enabled on host 2, and stays enabled on host 1",
        format!("pairs.{}.nlb", cast.pair.name),
        move |witness| {
            evidence::moved(witness, None, Some(&host_2))
                .and(ports::keeps(witness, &host_1))
                .and(evidence::reaches(witness, &host_2, &server_2))
        },
    )
}
