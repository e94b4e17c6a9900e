//! The report as text: verdicts first, then numbers, then what could not be done, then what was done.

use super::{OfKind, Report, RoundReport};
use crate::numbers::Spread;
use std::fmt::Write as _;

/// What broke an invariant is shown so often; the JSON has all.
const MOST_BROKEN: usize = 10;

/// The whole report.
pub(crate) fn text(report: &Report) -> String {
    let mut lines = vec![format!(
        "Drill    {} of {}, on_controller_loss {}; {:.1} minutes on network namespaces, seed {}",
        report.pair, report.source, report.policy, report.minutes, report.seed
    )];
    lines.push(format!("Scripts  {}", report.control));
    if report.switchovers.is_none() {
        let faults: usize = report
            .rounds
            .iter()
            .map(|round| round.round.faults.len())
            .sum();
        lines.push(format!(
            "Faults   {faults} in {} rounds; at rest within {:.1} s after the last of each",
            report.rounds.len(),
            report.rest_bound_ms / 1e3
        ));
    }
    lines.push(String::new());
    lines.extend(verdicts(report));
    if !report.kinds.is_empty() {
        lines.push(String::new());
        lines.extend(kinds(&report.kinds));
    }
    lines.extend(switchovers(report));
    if !report.not_possible.is_empty() {
        lines.push(String::new());
        lines.push("Not done here".to_owned());
        for not in &report.not_possible {
            lines.push(format!("  {:<20}  {}", not.fault.as_str(), not.why));
        }
    }
    if !report.rounds.is_empty() {
        lines.push(String::new());
        lines.push("What was done".to_owned());
        lines.extend(report.rounds.iter().flat_map(round));
    }
    lines.push(String::new());
    lines.push(last_word(report));
    lines.push(String::new());
    lines.join("\n")
}

fn verdicts(report: &Report) -> Vec<String> {
    let mut lines = vec!["Invariants".to_owned()];
    for verdict in &report.invariants {
        let word = match (verdict.passed, verdict.judged) {
            (false, _) => "BROKEN",
            (true, 0) => "-",
            (true, _) => "ok",
        };
        lines.push(format!(
            "  {word:<6}  {:<22}  {:>4} looked at: {}",
            verdict.invariant, verdict.judged, verdict.meaning
        ));
        for broken in verdict.broken.iter().take(MOST_BROKEN) {
            lines.push(format!("          {broken}"));
        }
        if verdict.broken.len() > MOST_BROKEN {
            lines.push(format!(
                "          and {} more",
                verdict.broken.len() - MOST_BROKEN
            ));
        }
    }
    lines
}

fn spread(of: &Spread) -> String {
    format!(
        "{:>8.1} {:>8.1} {:>8.1} {:>8.1}",
        of.p50, of.p90, of.p99, of.max
    )
}

fn kinds(kinds: &[OfKind]) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{:<20}  {:>6}  {:^35}  {:^35}  {:^17}  {:>8}",
            "", "", "longest gap for a client, ms", "no holder, ms", "two holders, ms", "rest, ms"
        ),
        format!(
            "{:<20}  {:>6}  {:>8} {:>8} {:>8} {:>8}  {:>8} {:>8} {:>8} {:>8}  {:>8} {:>8}  {:>8}",
            "fault",
            "rounds",
            "p50",
            "p90",
            "p99",
            "max",
            "p50",
            "p90",
            "p99",
            "max",
            "max",
            "allowed",
            "max"
        ),
    ];
    for kind in kinds {
        lines.push(format!(
            "{:<20}  {:>6}  {}  {}  {:>8.1} {:>8.0}  {:>8.0}",
            kind.fault,
            kind.rounds,
            spread(&kind.vip_gap_ms),
            spread(&kind.no_holder_ms),
            kind.two_holders_ms.max,
            kind.two_holders_allowed_ms,
            kind.rest_ms.max
        ));
    }
    lines
}

fn switchovers(report: &Report) -> Vec<String> {
    let Some(of) = &report.switchovers else {
        return Vec::new();
    };
    let mut lines = vec![
        String::new(),
        format!("Switchovers  {} asked for, {} done", of.asked, of.done),
        format!(
            "{:<44}  {:>8} {:>8} {:>8} {:>8}",
            "milliseconds", "p50", "p90", "p99", "max"
        ),
    ];
    for (what, times) in [
        ("longest gap for a client", &of.vip_gap_ms),
        ("the same where nothing was done", &of.idle_gap_ms),
        ("no holder", &of.no_holder_ms),
        ("two holders that neighbours reach", &of.two_holders_ms),
        ("from the order to its answer", &of.took_ms),
    ] {
        lines.push(format!("{what:<44}  {}", spread(times)));
    }
    lines.extend(of.failed.iter().take(MOST_BROKEN).cloned());
    lines
}

fn round(of: &RoundReport) -> Vec<String> {
    let round = &of.round;
    let mut lines = Vec::new();
    for fault in &round.faults {
        let mut line = format!(
            "  {:>8.2} s  {:<20}  {:<22}",
            (round.began_ms + fault.from_ms) / 1e3,
            fault.kind.as_str(),
            fault.target
        );
        if fault.kind.lasts().is_some() {
            write!(line, "  for {:.2} s", fault.lasted().as_secs_f64())
                .expect("a String takes every text");
        }
        if fault.hit_holder {
            line.push_str("  on the holder");
        }
        if let Some(slowed) = fault.slowed {
            write!(
                line,
                "  {} writes and {} syncs slowed, by {:.0} ms at most",
                slowed.writes, slowed.syncs, slowed.longest_ms
            )
            .expect("a String takes every text");
        }
        if !fault.note.is_empty() {
            line.push_str("  ");
            line.push_str(&fault.note);
        }
        lines.push(line);
    }
    let gap = round
        .vip_gap_ms
        .map_or_else(|| "-".to_owned(), |gap| format!("{gap:.1} ms"));
    let rest = round.rest_ms.map_or_else(
        || "never".to_owned(),
        |rest| format!("after {:.2} s", rest / 1e3),
    );
    lines.push(format!(
        "  {:>8.2} s    gap {gap}, no holder {:.1} ms, two {:.1} ms, at rest {rest}: {} in epoch {}",
        (round.began_ms + round.healed_ms()) / 1e3,
        round.no_holder_ms,
        round.two_holders_ms,
        if round.primary_after.is_empty() { "nobody" } else { &round.primary_after },
        round.epoch_after
    ));
    for remedy in &round.remedies {
        lines.push(format!("              an operator: {remedy}"));
    }
    lines
}

fn last_word(report: &Report) -> String {
    let broken = report
        .invariants
        .iter()
        .filter(|verdict| !verdict.passed)
        .count();
    let mut word = match (&report.trouble, broken) {
        (Some(trouble), _) => format!("The drill broke off: {trouble}"),
        (None, 0) if report.passed => "Everything held.".to_owned(),
        (None, 0) => "Not every switchover was done without two holders.".to_owned(),
        (None, 1) => "One invariant is broken.".to_owned(),
        (None, count) => format!("{count} invariants are broken."),
    };
    if report.interrupted {
        word.push_str(" It was interrupted; this is what was seen until then.");
    }
    word
}
