//! The procedures of a pair, each as a run without a fault up to its beginning: what the exploration starts from.
//! Failover and reconnect are no roots of their own: they are what the quiet site does after a fault.

use crate::site::PairSite;
use changeover_model::ConditionName;
use changeover_model::message::{OperatorCommand, SwitchoverRequest};
use changeover_simulation::{Branch, Stop};
use std::time::Duration;

/// The site has settled when it was as it should be for this long.
pub(crate) const STEADY: Duration = Duration::from_millis(1_500);
/// Between two looks whether it is.
pub(crate) const LOOK: Duration = Duration::from_millis(250);
/// A site without a fault settles within this, or never will.
const LONGEST: Duration = Duration::from_secs(120);

/// A procedure that begins now.
#[derive(Clone)]
pub(crate) struct Root {
    /// For people: `manual switchover to B`.
    pub(crate) name: String,
    pub(crate) branch: Branch,
    /// Most deviations of its runs: an operator's Test takes the place of one.
    pub(crate) most: usize,
    /// The condition that is tested.
    pub(crate) test: Option<ConditionName>,
}

/// A procedure that does not end although nothing is wrong with the site, so that the next one has no beginning.
pub(crate) struct Unsettled {
    pub(crate) procedure: String,
    /// What is not as it should be.
    pub(crate) wrong: Vec<String>,
}

/// Every procedure of the pair.
pub(crate) fn all(site: &PairSite, traced: bool) -> Result<Vec<Root>, Unsettled> {
    let mut branch = Branch::of(site.environment.clone(), traced);
    run_for(&mut branch, Duration::from_millis(400));
    let mut roots = Vec::new();
    let mut add = |name: String, mut branch: Branch, test: Option<ConditionName>| {
        branch.touch_everything();
        branch.not_over_before(branch.now());
        let most = if test.is_some() { 1 } else { 2 };
        roots.push(Root {
            name,
            branch,
            most,
            test,
        });
    };
    branch.bring_up();
    add("start of both members".to_owned(), branch.clone(), None);
    let mut quiet = settled(branch, "start of both members")?;
    let pair = site.object();
    for (primary, backup) in [(&pair.primary, &pair.backup), (&pair.backup, &pair.primary)] {
        add(
            format!("{primary} primary, nothing asked: failover and reconnect"),
            quiet.clone(),
            None,
        );
        if primary == &pair.primary {
            for condition in tests(site) {
                let mut tested = quiet.clone();
                tested.ask(OperatorCommand::TestAlarm {
                    condition: condition.clone(),
                    application: None,
                    dry_run: false,
                    confirmed: true,
                });
                tested.not_over_before(tested.now() + pair.policy.test_hold);
                add(format!("Test of {condition}"), tested, Some(condition));
            }
        }
        let name = format!("manual switchover to {backup}");
        quiet.ask(OperatorCommand::Switchover(SwitchoverRequest {
            pair: site.pair.to_string(),
            to: None,
            reason: "explored".to_owned(),
            dry_run: false,
            force: false,
        }));
        add(name.clone(), quiet.clone(), None);
        quiet = settled(quiet, &name)?;
    }
    Ok(roots)
}

/// The conditions that react by starting a control script of the pair.
fn tests(site: &PairSite) -> Vec<ConditionName> {
    let environment = &site.environment;
    let reacts = |script: &changeover_model::ScriptName| {
        let script = environment.scripts.get(script);
        script
            .and_then(crate::site::started_by)
            .is_some_and(|application| environment.control_script(application).is_some())
    };
    let conditions = environment.alarm_conditions.values();
    conditions
        .filter(|condition| condition.enabled && condition.reaction_scripts.iter().any(reacts))
        .map(|condition| condition.name.clone())
        .collect()
}

fn run_for(branch: &mut Branch, time: Duration) {
    let until = branch.now() + time;
    while branch.advance(until) == Stop::Point {}
}

fn settled(mut branch: Branch, name: &str) -> Result<Branch, Unsettled> {
    let began = branch.now();
    let mut good = None;
    loop {
        run_for(&mut branch, LOOK);
        let wrong = branch.unsettled();
        if !wrong.is_empty() {
            good = None;
            if branch.now() > began + LONGEST {
                return Err(Unsettled {
                    procedure: name.to_owned(),
                    wrong,
                });
            }
            continue;
        }
        let since = *good.get_or_insert(branch.now());
        if branch.now() >= since + STEADY {
            return Ok(branch);
        }
    }
}
