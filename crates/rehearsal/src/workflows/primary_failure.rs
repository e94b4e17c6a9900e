//! Owns the death of a primary: kill -9, and the backup takes over.

use super::{Carried, END_BOUND, settle};
use crate::janitor::Ended;
use crate::judge::{Cast, EndState, OwnSighting, Rule, evidence};
use crate::moment::Moment;
use crate::site::Site;
use crate::trouble::Trouble;
use changeover_model::{RunMode, ScriptAction};
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
    Ok(Carried { start, own, end, rules: rules(cast), notes: Vec::new() })
}

/// The rules of its nine steps.
pub(crate) fn rules(cast: &Cast) -> Vec<Rule> {
    let Cast { server_1, host_1, server_2, host_2, .. } = cast.clone();
    let pair = format!("pairs.{}", cast.pair.name);
    let mut rules = vec![
        Rule::new("server 1 dies", format!("applications.{server_1}"), {
            let server = server_1.clone();
            move |witness| evidence::process_ended(witness, &server)
        }),
        Rule::new("its LCA sees and reports it", format!("hosts.{host_1}"), {
            let server = server_1.clone();
            move |witness| evidence::died(witness, &server)
        }),
    ];
    rules.extend(takeover_rules(cast));
    rules.push(Rule::new("the LCAs launch the control scripts", format!("{pair}.control_scripts"), {
        let (from, to) = (host_1.clone(), host_2.clone());
        move |witness| {
            evidence::launched(witness, &from, ScriptAction::Disable)
                .and(evidence::launched(witness, &to, ScriptAction::Enable))
        }
    }));
    rules.push(Rule::new("the VIP leaves host 1 and comes to host 2", format!("{pair}.virtual_ips"), {
        move |witness| {
            evidence::moved(witness, Some(&host_1), Some(&host_2))
                .and(evidence::reaches(witness, &host_2, &server_2))
        }
    }));
    rules
}

/// From the promotion of server 2 to the triggered control scripts: the same however server 1 was lost.
pub(super) fn takeover_rules(cast: &Cast) -> Vec<Rule> {
    let (server, event) = (cast.server_2.clone(), cast.event(RunMode::Primary));
    let conditions = cast.conditions(&server, RunMode::Primary);
    let scripts = cast.reactions(&server, RunMode::Primary);
    let active = conditions.clone();
    let promoted = server.clone();
    vec![
        Rule::new("the SCS orders server 2 to primary, through its LCA", format!("hosts.{}", cast.host_2), {
            move |witness| evidence::ordered(witness, &promoted, RunMode::Primary)
        }),
        Rule::new(
            "server 2 tells the Message Server that it is primary",
            format!("applications.{server}.options.log"),
            move |witness| evidence::logged(witness, &server, event),
        ),
        Rule::new("the Message Server finds the Alarm Condition", "alarm_conditions", {
            move |witness| evidence::found(witness, &conditions)
        }),
        Rule::new("the SCS activates it", "alarm_conditions", move |witness| evidence::activated(witness, &active)),
        Rule::new("its reactions trigger the control scripts", "scripts", move |witness| {
            evidence::triggered(witness, &scripts)
        }),
    ]
}
