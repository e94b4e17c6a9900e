//! `sci timeline`, `sci why`: what happened, step by step or in one sentence.

use crate::client::{Scs, ScsError};
use crate::output::{Format, print, print_json};
use crate::text;
use changeover_component::ExitCode;
use changeover_model::CauseId;
use changeover_model::message::TimelineRecord;
use changeover_rpc::convert::TimelineSelection;

/// Most records of a list.
const LIST: u32 = 30;

fn which(text: Option<&str>) -> TimelineSelection {
    match text {
        None | Some("last") => TimelineSelection::Last,
        Some(text) => match text.trim_start_matches('#').parse() {
            Ok(id) => TimelineSelection::Record(CauseId(id)),
            Err(_) => TimelineSelection::Pair(text.to_owned()),
        },
    }
}

async fn newest(
    scs: &mut Scs,
    which: TimelineSelection,
) -> Result<Option<TimelineRecord>, ScsError> {
    Ok(scs.timeline(which, 1).await?.pop())
}

fn nothing(format: Format) -> ExitCode {
    match format {
        Format::Text => print("Nothing has happened yet."),
        Format::Json => print_json(&serde_json::Value::Null),
    }
    ExitCode::Good
}

pub(super) async fn timeline(
    scs: &mut Scs,
    format: Format,
    what: Option<String>,
) -> Result<ExitCode, ScsError> {
    let now = scs.picture().await?.at;
    if what.is_none() {
        let records = scs.timeline(TimelineSelection::All, LIST).await?;
        match format {
            Format::Text => print(&text::records_text(&records, now)),
            Format::Json => print_json(&records),
        }
        return Ok(ExitCode::Good);
    }
    let Some(record) = newest(scs, which(what.as_deref())).await? else {
        return Ok(nothing(format));
    };
    match format {
        Format::Text => print(&text::record_text(&record, now)),
        Format::Json => print_json(&record),
    }
    Ok(ExitCode::Good)
}

pub(super) async fn why(
    scs: &mut Scs,
    format: Format,
    what: Option<String>,
) -> Result<ExitCode, ScsError> {
    let picture = scs.picture().await?;
    let Some(record) = newest(scs, which(what.as_deref())).await? else {
        return Ok(nothing(format));
    };
    match format {
        Format::Text => {
            print(&text::why_text(&record, picture.at));
            for pair in picture
                .pairs
                .iter()
                .filter(|pair| Some(&pair.name) == record.pair.as_ref())
            {
                for reason in &pair.suppressed {
                    print(&format!(
                        "  not done now: {}",
                        text::visible(&reason.to_string())
                    ));
                }
            }
        }
        Format::Json => print_json(&serde_json::json!({
            "id": record.id, "title": record.title, "outcome": record.outcome, "why": record.why,
            "reasons": record.reasons,
        })),
    }
    Ok(ExitCode::Good)
}
