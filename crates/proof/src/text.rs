//! The proof for people. Owns the wording and nothing else.

use crate::outcome::{PairProof, Proof, Told, Verdict};
use std::fmt::Write as _;

/// The whole text.
pub fn text(proof: &Proof) -> String {
    let mut out = String::new();
    for pair in &proof.pairs {
        one_pair(&mut out, proof, pair);
    }
    let verdict = if proof.proved { "PROVED" } else { "NOT PROVED" };
    line(&mut out, format!("{verdict}  {:.1} s", proof.wall_s));
    out
}

fn line(out: &mut String, text: impl AsRef<str>) {
    writeln!(out, "{}", text.as_ref()).expect("a String takes every text");
}

fn seconds(ms: f64) -> String {
    format!("{:.2} s", ms / 1e3)
}

fn one_pair(out: &mut String, proof: &Proof, pair: &PairProof) {
    line(
        out,
        format!(
            "PAIR {}  on_controller_loss {}, reaction_order {}",
            pair.pair, pair.policy, pair.reaction_order
        ),
    );
    if pair.verdict == Verdict::NotExplored {
        let why = pair.not_finished.as_deref().unwrap_or_default();
        line(out, format!("not explored: {why}\n"));
        return;
    }
    line(
        out,
        "\nExplored, each from its beginning to the settled site:",
    );
    for procedure in &pair.procedures {
        line(out, format!("  {procedure}"));
    }
    let most = if proof.faults == 1 { "one" } else { "two" };
    line(
        out,
        format!(
            "Faults, at most {most} in a run, each over after {} at the latest:",
            seconds(pair.heals_within_ms)
        ),
    );
    for kind in &pair.fault_kinds {
        line(out, format!("  {kind}"));
    }
    line(
        out,
        "at every point: after each step of the part that is hit, at once with the fault before, and when that one heals.\nOrders: two messages from different senders that reach one process within 0.34 ms come in either order, counted as\na fault; steps that do not touch each other come in one order; delays take their middle value.",
    );
    line(out, "Left out:");
    for item in &pair.left_out {
        line(out, format!("  {item}"));
    }
    for test in &pair.tests {
        line(out, format!("As it is meant: {test}"));
    }
    line(out, "");
    verdict(out, pair);
    line(out, "");
}

fn verdict(out: &mut String, pair: &PairProof) {
    let (runs, states) = (pair.runs, pair.states);
    match pair.verdict {
        Verdict::Proved => {
            line(
                out,
                format!(
                    "VERDICT 0: exactly one holder, on the primary's host, within {} after the last fault healed;",
                    seconds(pair.settled_within_ms)
                ),
            );
            line(out, two_holders(pair));
            line(out, format!("{states} states in {runs} runs."));
        }
        Verdict::Counterexample => {
            if let Some(told) = &pair.counterexample {
                counterexample(out, told);
            }
            line(out, format!("{states} states in {runs} runs so far."));
        }
        Verdict::NotFinished => {
            let why = pair.not_finished.as_deref().unwrap_or_default();
            line(out, format!("not finished: {why}"));
            line(
                out,
                format!("{states} states in {runs} runs so far, and nothing broken in them."),
            );
        }
        Verdict::NotExplored => {}
    }
}

fn two_holders(pair: &PairProof) -> String {
    if pair.two_holders_ms == 0.0 {
        return "never two reachable holders.".to_owned();
    }
    format!(
        "never two reachable holders for more than {} (with: {}), and never without a fault.",
        seconds(pair.two_holders_ms),
        pair.two_holders_with.join("; then ")
    )
}

fn counterexample(out: &mut String, told: &Told) {
    let faults = match told.faults {
        0 => "no fault".to_owned(),
        1 => "one fault".to_owned(),
        many => format!("{many} faults"),
    };
    line(
        out,
        format!(
            "VERDICT 1: {}, with {faults}: {}",
            told.procedure, told.broken
        ),
    );
    let who = told.steps.iter().map(|step| step.who.len()).max();
    let who = who.unwrap_or(3).max(3);
    line(out, format!("  #      ms  {:<who$}  what", "who"));
    for step in &told.steps {
        line(
            out,
            format!(
                "{:>3} {:>7.1}  {:<who$}  {}",
                step.number, step.at_ms, step.who, step.what
            ),
        );
    }
    line(out, format!("Cure: {}", told.cure));
}
