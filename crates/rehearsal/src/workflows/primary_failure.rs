//! Owns the death of a primary: kill -9, and the backup takes over.

use super::manual_switchover::moving;
use super::{Carried, END_BOUND, settle};
use crate::janitor::Ended;
use crate::judge::documented::{alarms, event, followed, order};
use crate::judge::{Cast, EndState, OwnSighting, Rule, evidence};
use crate::moment::Moment;
use crate::site::Site;
use crate::trouble::Trouble;
use changeover_model::RunMode;
use std::time::Duration;

/// Carries it out.
pub(super) async fn carry_out(site: &mut Site, cast: &Cast) -> Result<Carried, Trouble> {
    let picture = site.operator.picture().await?;
    let pid = picture
        .applications
        .iter()
        .find(|application| application.name == cast.server_1)
        .and_then(|application| application.pid);
    let mut start = Moment::now();
    let mut own = Vec::new();
    if let Some(pid) = pid
        && let Some((killed, ended)) = site.kill(pid).await
    {
        start = killed;
        let ended_ms = match ended {
            Ended::At(moment) => Some(moment.ms_since(killed)),
            Ended::NotInTime => None,
        };
        own.push(OwnSighting::Killed { pid, ended_ms });
    }
    let end = EndState {
        primary: cast.server_2.clone(),
        host: cast.host_2.clone(),
        backup_there: true,
        two_holders: Duration::ZERO,
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

/// The rules of its nine steps.
pub(crate) fn rules(cast: &Cast) -> Vec<Rule> {
    let (dying, dead) = (cast.server_1.clone(), cast.server_1.clone());
    let mut rules = vec![
        Rule::new(
            "server 1 dies",
            format!("applications.{dying}"),
            move |witness| evidence::process_ended(witness, &dying),
        ),
        Rule::new(
            "its LCA sees and reports it",
            format!("hosts.{}", cast.host_1),
            move |witness| evidence::died(witness, &dead),
        ),
    ];
    rules.extend(takeover_rules(cast));
    rules.extend(if cast.pair.control.is_empty() {
        vec![followed(cast)]
    } else {
        moving(cast).into()
    });
    rules
}

/// From the promotion of server 2 to the triggered control scripts: the same however server 1 was lost.
pub(super) fn takeover_rules(cast: &Cast) -> Vec<Rule> {
    let server_2 = &cast.server_2;
    let mut rules = vec![
        order(
            "the SCS, through the LCA of host 2, orders server 2 to primary",
            cast,
            server_2,
            RunMode::Primary,
        ),
        event(
            "server 2 tells the Message Server that it is primary",
            cast,
            server_2,
            RunMode::Primary,
        ),
    ];
    if !cast.pair.control.is_empty() {
        rules.extend(alarms(cast, &[(server_2, RunMode::Primary)]));
    }
    rules
}
