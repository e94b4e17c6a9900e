//! Owns what follows when the primary has heard no SIP for T: it says so, the SCS swaps the roles, and the change of roles
//! triggers the control scripts. Why it hears nothing, and what the scripts can do, is for the workflows that use it.

use crate::judge::documented::{alarms, event, order};
use crate::judge::{Cast, Rule, traffic};
use changeover_model::RunMode;
use std::time::Duration;

/// The rules of these seven steps. `numbers` = what the documented steps call the silent server and the other one.
pub(super) fn rules(cast: &Cast, period: Duration, numbers: [u8; 2]) -> Vec<Rule> {
    let [silent, other] = numbers;
    let (from, to) = (&cast.server_1, &cast.server_2);
    let watched = from.clone();
    let backup = order("", cast, from, RunMode::Backup).judge;
    let primary = order("", cast, to, RunMode::Primary).judge;
    let mut rules = vec![
        Rule::new(
            format!("server {silent} hears no SIP for T and reports SERVICE_UNAVAILABLE"),
            format!("applications.{from}.options.tserver.sip-pass-check"),
            move |witness| traffic::silent_for(witness, &watched, period),
        ),
        Rule::new(
            format!("the SCS orders server {silent} to backup and server {other} to primary"),
            format!("hosts.{}", cast.host_1),
            move |witness| backup(witness).and(primary(witness)),
        ),
        event(
            &format!("server {silent} tells the Message Server that it is backup"),
            cast,
            from,
            RunMode::Backup,
        ),
        event(
            &format!("server {other} tells the Message Server that it is primary"),
            cast,
            to,
            RunMode::Primary,
        ),
    ];
    rules.extend(alarms(
        cast,
        &[(from, RunMode::Backup), (to, RunMode::Primary)],
    ));
    rules
}
