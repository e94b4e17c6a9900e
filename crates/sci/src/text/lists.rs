//! Hosts, applications, reactions and log events as lists.

use super::table::aligned;
use super::time::{exact, moment};
use super::visible;
use changeover_model::Timestamp;
use changeover_model::message::{LogRecord, Picture, ReactionPicture};

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
    aligned(rows, "")
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
