//! Alarms and Alarm Conditions as lists.

use super::table::aligned;
use super::time::{moment, span};
use super::visible;
use changeover_model::Timestamp;
use changeover_model::message::{AlarmPicture, ConditionPicture};

/// Alarms, a line each.
pub(crate) fn alarms_text(alarms: &[AlarmPicture], now: Timestamp) -> String {
    if alarms.is_empty() {
        return "No alarms.\n".to_owned();
    }
    let rows = alarms
        .iter()
        .map(|alarm| {
            let end = match (alarm.cleared_at, &alarm.cleared_by, alarm.clears_at) {
                (Some(at), by, _) => format!(
                    "cleared {} by {}",
                    moment(at, now),
                    visible(by.as_deref().unwrap_or("?"))
                ),
                (None, _, Some(at)) => format!("clears {}", moment(at, now)),
                (None, _, None) => "stays until cleared".to_owned(),
            };
            vec![
                alarm.category.to_string(),
                format!("#{}", alarm.id),
                alarm.condition.to_string(),
                alarm.application.to_string(),
                moment(alarm.activated_at, now),
                end,
                visible(&alarm.activated_by),
                visible(&alarm.text),
            ]
        })
        .collect();
    aligned(rows, "")
}

/// Conditions, a line each.
pub(crate) fn conditions_text(conditions: &[ConditionPicture]) -> String {
    let mut rows = vec![
        [
            "condition",
            "category",
            "event",
            "of",
            "clears after",
            "reactions, in order",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    rows.extend(conditions.iter().map(|condition| {
        let reactions: Vec<String> = condition
            .reaction_scripts
            .iter()
            .map(ToString::to_string)
            .collect();
        let mut reactions = reactions.join(", ");
        if !condition.enabled {
            reactions.push_str("   (switched off)");
        }
        vec![
            condition.name.to_string(),
            condition.category.to_string(),
            condition.detect.to_string(),
            condition.selection.clone(),
            span(condition.cancel_timeout_ms),
            reactions,
        ]
    }));
    aligned(rows, "")
}
