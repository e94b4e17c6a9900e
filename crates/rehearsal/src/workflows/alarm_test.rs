//! Owns the Test of an Alarm Condition: the primary's "is backup now", which by the reaction tables takes the VIP
//! away and gives it to nobody. Predicted by a dry run, compared with what happened, then realigned.

use super::{Carried, END_BOUND, pair_of, settle};
use crate::judge::{Cast, EndState, OwnSighting, Rule, evidence};
use crate::moment::Moment;
use crate::site::Site;
use crate::trouble::Trouble;
use changeover_model::message::Prediction;
use changeover_model::{ConditionName, RunMode, ScriptAction};
use std::time::Duration;

/// The effect of a Test is there within this time.
const EFFECT_BOUND: Duration = Duration::from_secs(3);

/// Carries it out.
pub(super) async fn carry_out(site: &mut Site, cast: &Cast) -> Result<Carried, Trouble> {
    let Some(condition) = cast
        .conditions(&cast.server_1, RunMode::Backup)
        .into_iter()
        .next()
    else {
        return Ok(nothing_to_test(cast));
    };
    let seen_before = site.observer.holding().sightings.len();
    let dry = site.operator.test_alarm(&condition, true).await?;
    let untouched = site.observer.holding().sightings.len() == seen_before;
    let prediction = dry.prediction.unwrap_or_default();
    let start = Moment::now();
    let outcome = site.operator.test_alarm(&condition, false).await?;
    let mut own = vec![OwnSighting::DryRun {
        prediction: prediction.clone(),
        untouched,
    }];
    own.extend(outcome.refused());
    own.push(after_test(site, cast, &prediction).await?);
    let left = site.observer.holding().reachable_now();
    site.operator.realign(&site.pair.name).await?;
    let end = EndState {
        primary: cast.server_1.clone(),
        host: cast.host_1.clone(),
        backup_there: true,
        two_holders: Duration::ZERO,
    };
    settle(site, &end, END_BOUND).await?;
    let mut notes = Vec::new();
    if left.is_empty() {
        notes.push("a Test of this condition leaves no holder until the realignment, as predicted beforehand".to_owned());
    }
    Ok(Carried {
        start,
        own,
        end,
        rules: rules(cast, &condition),
        notes,
    })
}

/// Waits for what was predicted, and notes what is there in any case.
async fn after_test(
    site: &mut Site,
    cast: &Cast,
    prediction: &Prediction,
) -> Result<OwnSighting, Trouble> {
    let mut wanted: Vec<String> = prediction
        .virtual_ips
        .iter()
        .flat_map(|vip| &vip.holders)
        .map(ToString::to_string)
        .collect();
    wanted.sort();
    wanted.dedup();
    let so = site
        .observer
        .wait_until(EFFECT_BOUND, |holding| {
            let mut now = holding.reachable_now();
            now.sort();
            now == wanted
        })
        .await;
    tracing::debug!(so, "the state that was predicted");
    let picture = site.operator.picture().await?;
    let pair = pair_of(&picture, site);
    let modes_unchanged = pair.is_some_and(|pair| {
        pair.members.iter().all(|member| {
            let mode = if member.application == cast.server_1 {
                RunMode::Primary
            } else {
                RunMode::Backup
            };
            member.run_mode == mode
        })
    });
    Ok(OwnSighting::AfterTest {
        holders: site.observer.holding().reachable_now(),
        state: pair.map_or_else(String::new, |pair| pair.state.as_str().to_owned()),
        modes_unchanged,
    })
}

fn nothing_to_test(cast: &Cast) -> Carried {
    Carried {
        start: Moment::now(),
        own: vec![OwnSighting::Refused(format!(
            "no enabled Alarm Condition for {} becoming backup",
            cast.server_1
        ))],
        end: EndState {
            primary: cast.server_1.clone(),
            host: cast.host_1.clone(),
            backup_there: true,
            two_holders: Duration::ZERO,
        },
        rules: rules(cast, &ConditionName::from("?")),
        notes: Vec::new(),
    }
}

/// The rules of its five steps.
pub(crate) fn rules(cast: &Cast, condition: &ConditionName) -> Vec<Rule> {
    let pair = format!("pairs.{}", cast.pair.name);
    let scripts = cast.reactions(&cast.server_1, RunMode::Backup);
    let host = cast.host_1.clone();
    let tested = condition.clone();
    vec![
        Rule::new(
            format!("the operator asks for a Test of {condition}"),
            "alarm_conditions",
            evidence::requested,
        ),
        Rule::new(
            "the SCS activates the condition; no event, no run mode changed",
            format!("alarm_conditions.{condition}"),
            move |witness| evidence::tested(witness, &tested),
        ),
        Rule::new(
            "its reactions trigger the control script",
            "scripts",
            move |witness| evidence::triggered(witness, &scripts),
        ),
        Rule::new(
            "the LCA launches it",
            format!("{pair}.control_scripts"),
            move |witness| evidence::launched(witness, &host, ScriptAction::Disable),
        ),
        Rule::new(
            "the addresses of both hosts are as predicted",
            format!("{pair}.virtual_ips"),
            evidence::as_predicted,
        ),
    ]
}
