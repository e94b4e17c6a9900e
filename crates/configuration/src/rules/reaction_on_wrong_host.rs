//! Rule `reaction-on-wrong-host`: the reactions to a change of run mode enable the VIP on the host that became primary and disable it elsewhere.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::ScriptAction;
use changeover_model::environment::Selection;

pub(super) static RULE: Rule = Rule {
    name: "reaction-on-wrong-host",
    severity: Severity::Error,
    about: "The reactions to a change of run mode enable the VIP on the host that became primary and disable it elsewhere.",
    why: "the VIP would leave the new primary, or come up beside the backup, at every switchover",
    fix: "list the scripts of the guide's table: became backup = its own DOWN; became primary = the other one's DOWN and its own UP",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for condition in context.environment.alarm_conditions.values() {
        let Selection::Application(member) = &condition.selection else {
            continue;
        };
        let Some(pair) = context.environment.pair_of(member) else {
            continue;
        };
        // `members-on-one-host` has said it.
        if pair.primary_host == pair.backup_host {
            continue;
        }
        let events = context.mode_events(pair, member);
        let Some(own) = pair.host_of(member) else {
            continue;
        };
        for step in context.steps(pair, condition) {
            let here = step.host == own;
            let (became, wrong) = if events.became_primary(condition.detect) {
                ("primary", here != (step.action == ScriptAction::Enable))
            } else if events.became_backup(condition.detect) {
                ("backup", !here || step.action == ScriptAction::Enable)
            } else {
                continue;
            };
            if wrong {
                report.at(
                    &format!("alarm_conditions.{}.reaction_scripts", condition.name),
                    format!(
                        "{}: {member} on {own} became {became}, and this would {} the VIP on {}",
                        condition.name, step.action, step.host
                    ),
                );
            }
        }
    }
}
