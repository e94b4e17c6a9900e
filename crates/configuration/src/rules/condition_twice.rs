//! Rule `condition-twice`: one Alarm Condition stands for a change of run mode of a member.

use super::wiring::is_mode_event;
use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::Selection;
use std::collections::BTreeMap;

pub(super) static RULE: Rule = Rule {
    name: "condition-twice",
    severity: Severity::Warning,
    about: "One Alarm Condition stands for a change of run mode of a member.",
    why: "both are raised by the same event: the reactions run twice, and only one of the two lists is the one that people look at",
    fix: "remove the one that is not of the guide's table, or put its further reactions into the other",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let mut seen: BTreeMap<(&str, u32), &str> = BTreeMap::new();
    for condition in context.environment.alarm_conditions.values() {
        let Selection::Application(member) = &condition.selection else {
            continue;
        };
        let moves = context
            .environment
            .pair_of(member)
            .is_some_and(|pair| !context.steps(pair, condition).is_empty());
        if !condition.enabled || !moves || !is_mode_event(condition.detect) {
            continue;
        }
        let row = (member.as_str(), condition.detect.0);
        if let Some(first) = seen.insert(row, condition.name.as_str()) {
            report.at(
                &format!("alarm_conditions.{}", condition.name),
                format!(
                    "{}: {first} already reacts to {} of {member}",
                    condition.name, condition.detect
                ),
            );
        }
    }
}
