//! Hosts, applications, reactions and log events as lists.

use super::table::aligned;
use super::time::{exact, moment};
use super::visible;
use changeover_model::Timestamp;
use changeover_model::message::{CheckStanding, CheckState, LogRecord, Picture, ReactionPicture};

/// Hosts, a line each.
pub(crate) fn hosts_text(picture: &Picture) -> String {
    let rows = picture
        .hosts
        .iter()
        .map(|host| {
            if !host.needs_lca {
                return vec![
                    host.name.to_string(),
                    "-".to_owned(),
                    "nothing is managed here".to_owned(),
                    String::new(),
                ];
            }
            let link = match (host.round_trip_us, host.clock_offset_us) {
                (Some(trip), Some(offset)) => format!(
                    "round trip {}.{:02} ms, clock {offset:+} us",
                    trip / 1_000,
                    trip % 1_000 / 10
                ),
                _ => String::new(),
            };
            let maintenance = if host.maintenance {
                "  MAINTENANCE"
            } else {
                ""
            };
            vec![
                host.name.to_string(),
                format!("{}{maintenance}", host.status),
                format!(
                    "since {}  {}",
                    moment(host.since, picture.at),
                    visible(&host.reason)
                ),
                link,
            ]
        })
        .collect();
    aligned(rows, "")
}

/// Applications, a line each.
pub(crate) fn applications_text(picture: &Picture) -> String {
    let mut text = String::new();
    let rows = picture
        .applications
        .iter()
        .map(|application| {
            vec![
                application.name.to_string(),
                application.application_type.to_string(),
                application.host.to_string(),
                application.status.for_people().to_owned(),
                application.run_mode.to_string(),
                application
                    .pid
                    .map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
                visible(&application.reason),
            ]
        })
        .collect();
    text.push_str(&aligned(rows, ""));
    for application in &picture.applications {
        if !application.health.is_empty() {
            text.push_str(&format!("\nhealth checks of {}\n", application.name));
            let rows = application
                .health
                .iter()
                .map(|check| check_row(check, picture.at))
                .collect();
            text.push_str(&aligned(rows, "  "));
        }
    }
    text
}

/// A health check on a line: its standing, how it went lately, what it said.
fn check_row(check: &CheckState, now: Timestamp) -> Vec<String> {
    let standing = match check.standing {
        CheckStanding::Down => "DOWN",
        CheckStanding::Waiting
        | CheckStanding::Passing
        | CheckStanding::Failing
        | CheckStanding::Recovering => check.standing.as_str(),
    };
    let lately = if check.failed_lately == 0 {
        String::new()
    } else {
        format!(
            "{} of the last {} failed",
            check.failed_lately, check.runs_lately
        )
    };
    vec![
        visible(&check.name),
        standing.to_owned(),
        format!("since {}", moment(check.since, now)),
        lately,
        visible(&check.said),
    ]
}

/// Reactions, a line each.
pub(crate) fn reactions_text(reactions: &[ReactionPicture], now: Timestamp) -> String {
    if reactions.is_empty() {
        return "No reactions yet.\n".to_owned();
    }
    let rows = reactions
        .iter()
        .map(|reaction| {
            let name = |name: Option<String>| name.unwrap_or_else(|| "-".to_owned());
            vec![
                format!("#{}", reaction.number),
                moment(reaction.requested_at, now),
                name(reaction.application.as_ref().map(ToString::to_string)),
                name(reaction.host.as_ref().map(ToString::to_string)),
                format!("{:?}", reaction.state),
                format!("epoch {}", reaction.epoch),
                visible(&reaction.detail),
            ]
        })
        .collect();
    aligned(rows, "")
}

/// A log event on a line.
pub(crate) fn log_line(record: &LogRecord) -> String {
    let event = &record.event;
    let epoch = event
        .epoch
        .map_or_else(String::new, |epoch| format!("  epoch {epoch}"));
    format!(
        "{}  {}  {:<11}  {:<24}  {}{epoch}",
        exact(event.at),
        event.id.wire_form(),
        event.level,
        event.application,
        visible(&event.text)
    )
}
