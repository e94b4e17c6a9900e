//! Owns the manual switchover: an operator swaps the roles, and the VIP follows by way of events, alarms and
//! reactions.

use super::{Carried, END_BOUND, settle};
use crate::judge::{Cast, EndState, OwnSighting, Rule, evidence};
use crate::moment::Moment;
use crate::operator::Answered;
use crate::site::Site;
use crate::trouble::Trouble;
use changeover_model::{RunMode, ScriptAction};
use std::time::Duration;

/// Carries it out.
pub(super) async fn carry_out(site: &mut Site, cast: &Cast) -> Result<Carried, Trouble> {
    let start = Moment::now();
    let outcome = site.operator.switchover(&site.pair.name, "rehearsal").await?;
    let mut own = Vec::new();
    if let Some(Answered::Refused(why)) = outcome.answered {
        own.push(OwnSighting::Refused(why));
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

/// The rules of its ten steps.
pub(crate) fn rules(cast: &Cast) -> Vec<Rule> {
    let Cast { server_1, host_1, server_2, host_2, .. } = cast.clone();
    let (demoted, promoted) = (cast.event(RunMode::Backup), cast.event(RunMode::Primary));
    let mut conditions = cast.conditions(&server_1, RunMode::Backup);
    conditions.extend(cast.conditions(&server_2, RunMode::Primary));
    let mut scripts = cast.reactions(&server_1, RunMode::Backup);
    scripts.extend(cast.reactions(&server_2, RunMode::Primary));
    scripts.dedup();
    let active = conditions.clone();
    let pair = format!("pairs.{}", cast.pair.name);
    let log_of = |server| format!("applications.{server}.options.log");
    let (one, two) = (server_1.clone(), server_2.clone());
    let (from, to) = (host_1.clone(), host_2.clone());
    vec![
        Rule::new("the operator asks for it", &pair, evidence::requested),
        Rule::new("the SCS orders server 1 to backup, through its LCA", format!("hosts.{host_1}"), {
            let server = server_1.clone();
            move |witness| evidence::ordered(witness, &server, RunMode::Backup)
        }),
        Rule::new("the SCS orders server 2 to primary, through its LCA", format!("hosts.{host_2}"), {
            let server = server_2.clone();
            move |witness| evidence::ordered(witness, &server, RunMode::Primary)
        }),
        Rule::new("server 1 tells the Message Server that it is backup", log_of(&server_1), {
            move |witness| evidence::logged(witness, &one, demoted)
        }),
        Rule::new("server 2 tells the Message Server that it is primary", log_of(&server_2), {
            move |witness| evidence::logged(witness, &two, promoted)
        }),
        Rule::new("the Message Server finds the Alarm Conditions", "alarm_conditions", {
            move |witness| evidence::found(witness, &conditions)
        }),
        Rule::new("the SCS activates them", "alarm_conditions", move |witness| evidence::activated(witness, &active)),
        Rule::new("their reactions trigger the control scripts", "scripts", move |witness| {
            evidence::triggered(witness, &scripts)
        }),
        Rule::new("the LCAs launch the control scripts", format!("{pair}.control_scripts"), {
            let (from, to) = (from.clone(), to.clone());
            move |witness| {
                evidence::launched(witness, &from, ScriptAction::Disable)
                    .and(evidence::launched(witness, &to, ScriptAction::Enable))
            }
        }),
        Rule::new("the VIP leaves host 1 and comes to host 2", format!("{pair}.virtual_ips"), move |witness| {
            evidence::moved(witness, Some(&from), Some(&to)).and(evidence::reaches(witness, &to, &server_2))
        }),
    ]
}
