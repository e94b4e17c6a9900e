//! `sci timeline` and `sci why`: a record step by step, or in one sentence.

use super::table::aligned;
use super::time::moment;
use super::visible;
use changeover_model::Timestamp;
use changeover_model::message::{RecordOutcome, TimelineEntry, TimelineRecord};

fn outcome(record: &TimelineRecord) -> &'static str {
    match record.outcome {
        None => "under way",
        Some(RecordOutcome::Done) => "done",
        Some(RecordOutcome::Failed) => "FAILED",
        Some(RecordOutcome::RolledBack) => "ROLLED BACK",
        Some(RecordOutcome::Refused) => "refused",
        Some(RecordOutcome::Superseded) => "superseded",
    }
}

fn millis(at: Timestamp, from: Timestamp) -> String {
    let micros = at.minus(from);
    format!(
        "{}{}.{}",
        if micros < 0 { "-" } else { "" },
        micros.unsigned_abs() / 1_000,
        micros.unsigned_abs() % 1_000 / 100
    )
}

/// One step as a row.
fn row(entry: &TimelineEntry, from: Timestamp) -> Vec<String> {
    let wrong = entry.uncertainty.as_micros();
    let at = if wrong > 1_000 {
        format!(
            "{} ±{}.{}",
            millis(entry.at, from),
            wrong / 1_000,
            wrong % 1_000 / 100
        )
    } else {
        millis(entry.at, from)
    };
    vec![
        format!("{at:>8}"),
        entry.who.to_string(),
        visible(&entry.what),
        visible(&entry.evidence),
    ]
}

/// One step as a line, for following.
pub(crate) fn entry_line(entry: &TimelineEntry, from: Timestamp) -> String {
    let row = row(entry, from);
    format!("{}  {:<20} {:<36} {}", row[0], row[1], row[2], row[3])
        .trim_end()
        .to_owned()
}

/// A record with its steps.
pub fn record_text(record: &TimelineRecord, now: Timestamp) -> String {
    let epochs = if record.epoch_before == record.epoch_after {
        format!("epoch {}", record.epoch_after)
    } else {
        format!("epoch {} -> {}", record.epoch_before, record.epoch_after)
    };
    let mut text = format!(
        "#{}  {}  {epochs}  {}  {}  by {}\n",
        record.id,
        visible(&record.title),
        outcome(record),
        moment(record.opened_at, now),
        visible(&record.trigger),
    );
    if !record.entries.is_empty() {
        let mut rows = vec![vec![
            "      ms".to_owned(),
            "who".to_owned(),
            "what".to_owned(),
            "evidence".to_owned(),
        ]];
        rows.extend(
            record
                .entries
                .iter()
                .map(|entry| row(entry, record.opened_at)),
        );
        text.push_str(&aligned(rows, ""));
    }
    for reason in &record.reasons {
        text.push_str(&format!("  {}\n", visible(&reason.to_string())));
    }
    text.push_str(&format!("{}\n", visible(&record.why)));
    text
}

/// Several records, a line each.
pub(crate) fn records_text(records: &[TimelineRecord], now: Timestamp) -> String {
    if records.is_empty() {
        return "Nothing has happened yet.\n".to_owned();
    }
    let rows = records
        .iter()
        .map(|record| {
            vec![
                format!("#{}", record.id),
                moment(record.opened_at, now),
                visible(&record.title),
                outcome(record).to_owned(),
                visible(&record.why),
            ]
        })
        .collect();
    aligned(rows, "")
}

/// A record in a sentence, with the codes of what was refused or suppressed.
pub(crate) fn why_text(record: &TimelineRecord, now: Timestamp) -> String {
    let why = if record.why.is_empty() {
        outcome(record).to_owned()
    } else {
        visible(&record.why)
    };
    let mut text = format!(
        "#{} {}, {}, {}: {why}\n",
        record.id,
        moment(record.opened_at, now),
        visible(&record.title),
        outcome(record)
    );
    for reason in &record.reasons {
        text.push_str(&format!("  {}\n", visible(&reason.to_string())));
    }
    text
}
