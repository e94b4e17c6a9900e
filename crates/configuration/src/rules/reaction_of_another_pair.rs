//! Rule `reaction-of-another-pair`: HA conditions of a member start control scripts of its own pair.

use super::wiring::is_mode_event;
use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::{ReactionType, Selection};

pub(super) static RULE: Rule = Rule {
    name: "reaction-of-another-pair",
    severity: Severity::Error,
    about: "HA conditions of a member start control scripts of its own pair.",
    why: "a switchover of one pair would move the VIP of another, away from its primary",
    fix: "list the reaction scripts of the pair that the member belongs to",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let environment = context.environment;
    for condition in environment.alarm_conditions.values() {
        let Selection::Application(member) = &condition.selection else {
            continue;
        };
        let Some(pair) = environment.pair_of(member) else {
            continue;
        };
        if !is_mode_event(condition.detect) {
            continue;
        }
        for name in &condition.reaction_scripts {
            let Some(ReactionType::StartApplication(application)) =
                environment.scripts.get(name).map(|script| &script.reaction)
            else {
                continue;
            };
            let others = environment
                .control_script(application)
                .filter(|(of, _, _)| {
                    of.name != pair.name && pair.control_script(application).is_none()
                });
            if let Some((other, _, _)) = others {
                report.at(
                    &format!("alarm_conditions.{}.reaction_scripts", condition.name),
                    format!(
                        "{}: {member} is of {}, but {application} moves the VIP of {}",
                        condition.name, pair.name, other.name
                    ),
                );
            }
        }
    }
}
