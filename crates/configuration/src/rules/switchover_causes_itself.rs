//! Rule `switchover-causes-itself`: no reaction to a change of run mode changes run modes.

use super::wiring::is_mode_event;
use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::ReactionType;

pub(super) static RULE: Rule = Rule {
    name: "switchover-causes-itself",
    severity: Severity::Error,
    about: "No reaction to a change of run mode changes run modes.",
    why: "the switchover logs the event that orders the next one: the pair swings until flapping stops it",
    fix: "react to the cause instead, such as 5094 (Service Unavailable) or 8002 (host timed out)",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for condition in context.environment.alarm_conditions.values() {
        if !condition.enabled || !is_mode_event(condition.detect) {
            continue;
        }
        for name in &condition.reaction_scripts {
            let reaction = context.environment.scripts.get(name).map(|it| &it.reaction);
            let what = match reaction {
                Some(ReactionType::Switchover(_)) => "switches the pair over",
                Some(ReactionType::RestartReportingApplication) => "restarts the server",
                Some(ReactionType::ShutDownApplication(application))
                    if context.environment.pair_of(application).is_some() =>
                {
                    "stops a member of the pair"
                }
                Some(
                    ReactionType::StartApplication(_)
                    | ReactionType::ShutDownApplication(_)
                    | ReactionType::OsCommand { .. }
                    | ReactionType::ChangeOption { .. }
                    | ReactionType::SendEmail { .. }
                    | ReactionType::SendSnmpTrap,
                )
                | None => continue,
            };
            report.at(
                &format!("alarm_conditions.{}.reaction_scripts", condition.name),
                format!(
                    "{} reacts to a change of run mode, and {name} {what}",
                    condition.name
                ),
            );
        }
    }
}
