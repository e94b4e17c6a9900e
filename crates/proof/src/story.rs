//! A run told step by step: it is carried out once more with its lines kept, and the lines that matter become numbered
//! steps in the guide's manner. Owns which lines those are and who is said to have done what.

use crate::explore::{Run, Taken};
use crate::faults::{self, Deviation};
use crate::judge::Judge;
use crate::roots::{self, LOOK};
use crate::site::PairSite;
use changeover_simulation::{Branch, Stop};
use serde::Serialize;
use std::time::Duration;

/// Most steps that are told; what comes after adds nothing.
const MOST: usize = 40;

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Counted from 1.
    pub number: usize,
    /// Milliseconds since the procedure began.
    pub at_ms: f64,
    /// Who did it.
    pub who: String,
    /// What they did.
    pub what: String,
}

/// Carries the run out again and tells it, up to what broke or to its end.
pub(crate) fn tell(site: &PairSite, judge: &Judge, root: usize, path: &[Taken]) -> Vec<Step> {
    let Ok(roots) = roots::all(site, true) else {
        return Vec::new();
    };
    let Some(root_of) = roots.into_iter().nth(root) else {
        return Vec::new();
    };
    let began = root_of.branch.now();
    // What an operator asked for is said right before the procedure begins.
    let first = root_of
        .branch
        .lines()
        .iter()
        .rposition(|line| !line.contains("operator asks") && time_of(line) < began)
        .map_or(0, |index| index + 1);
    let mut told = Vec::new();
    let mut run = Run {
        root,
        branch: root_of.branch,
        path: Vec::new(),
        points: 0,
        left: path.len(),
    };
    let mut from = first;
    for taken in path {
        while run.branch.events() < taken.events {
            let until = run.branch.now() + LOOK;
            run.branch.advance(until);
        }
        collect(&run.branch, from, &mut told);
        let (who, what) = describe(&taken.deviation, &run.branch, site);
        told.push((run.branch.now(), who, what));
        taken.deviation.apply(&mut run.branch);
        run.path.push(taken.clone());
        from = run.branch.lines().len().saturating_sub(1);
        // The line that says the fault itself.
        from = run.branch.lines()[from..]
            .iter()
            .position(|line| !line.contains(" FAULT ") && !line.contains("overtake each other"))
            .map_or(run.branch.lines().len(), |index| from + index);
    }
    finish(&mut run, judge);
    collect(&run.branch, from, &mut told);
    number(told, began)
}

/// Goes on until it is broken or has settled.
fn finish(run: &mut Run, judge: &Judge) {
    let mut look = run.branch.now().max(run.branch.over_at()) + LOOK;
    loop {
        if judge.at_point(run).is_some() {
            return;
        }
        if run.branch.advance(look) == Stop::Time {
            look += LOOK;
            let wrong = run.branch.unsettled();
            if wrong.is_empty() || judge.at_look(run, wrong).is_some() {
                return;
            }
        }
    }
}

fn describe(deviation: &Deviation, branch: &Branch, site: &PairSite) -> (String, String) {
    let pair = site.object();
    let members = [pair.primary.to_string(), pair.backup.to_string()];
    match deviation {
        Deviation::Trouble(trouble) => {
            let (who, what) = faults::describe(trouble, branch, &members);
            (who, format!("FAULT: {what}"))
        }
        Deviation::Overtake(_) => (
            "network".to_owned(),
            "of the next two messages to one process the later comes first".to_owned(),
        ),
    }
}

fn time_of(line: &str) -> Duration {
    let seconds = line.trim_start().split(' ').next();
    let seconds = seconds.and_then(|text| text.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(0.0))
}

fn collect(branch: &Branch, from: usize, told: &mut Vec<(Duration, String, String)>) {
    for line in branch.lines().iter().skip(from) {
        let text = line
            .trim_start()
            .split_once(' ')
            .map_or("", |(_, rest)| rest);
        if let Some((who, what)) = step_of(text) {
            told.push((time_of(line), who, what));
        }
    }
}

fn step(who: &str, what: impl Into<String>) -> Option<(String, String)> {
    Some((who.to_owned(), what.into()))
}

/// What a line says for people; `None` for what only carries the rest.
fn step_of(text: &str) -> Option<(String, String)> {
    let words: Vec<&str> = text.split(' ').collect();
    match words.as_slice() {
        ["scs", "->", lca, order @ ..] => ordered(&agent(lca), order),
        [lca, "->", "scs", report @ ..] => reported(&agent(lca), report, text),
        ["operator", "asks", ..] if text.contains("Switchover") => {
            step("sci", "asks for a switchover")
        }
        ["operator", "asks", ..] if text.contains("TestAlarm") => step("sci", "asks for the Test"),
        ["operator", "asks", ..] => step("sci", "asks to start a member"),
        [who, "->", "message-server", "event", id, ..] if id.starts_with("456") => {
            step(who, format!("logs {id}"))
        }
        ["VIP", address, word @ ("on" | "off"), host] => {
            step(host, format!("VIP {address} {word}"))
        }
        ["VIP", address, "on", host, "has", ..] => {
            step(host, format!("VIP {address} has outlived its lifetime"))
        }
        [who, "enters", mode, "epoch", epoch] => step(who, format!("is {mode}, epoch {epoch}")),
        ["scs", word @ ("starts" | "dies")] => step("SCS", *word),
        ["message-server", word @ ("starts" | "dies")] => step("Message Server", *word),
        [lca, word @ ("starts" | "dies")] if lca.starts_with("lca@") => step(&agent(lca), *word),
        [host, "boots"] => step(host, "boots"),
        ["OVER", ..] => step("network", "the fault is over"),
        _ => None,
    }
}

fn ordered(lca: &str, order: &[&str]) -> Option<(String, String)> {
    match order {
        ["SetRunMode", who, mode, "epoch", epoch] => step(
            "SCS",
            format!("orders {who} to {mode}, through {lca}, epoch {epoch}"),
        ),
        [
            "StartApplication",
            script,
            action @ ("enable" | "disable"),
            ..,
        ] => step("SCS", format!("tells {lca} to launch {script} ({action})")),
        ["ReleaseAddresses", ..] => step("SCS", format!("tells {lca} to take the VIP away itself")),
        ["RequestVote", ..] => step("SCS", format!("asks {lca} for its vote")),
        _ => None,
    }
}

fn reported(lca: &str, report: &[&str], text: &str) -> Option<(String, String)> {
    match report {
        ["AlarmDetected", ..] => {
            let condition = text.rsplit(": ").next().unwrap_or_default();
            (!condition.is_empty()).then_some(())?;
            step("Message Server", format!("finds {condition}"))
        }
        ["Voted", ..] => step(lca, "gives its vote"),
        ["Fenced", ..] => step(lca, "lets go of the VIP: no majority"),
        ["ControlScriptFinished", script, result, ..] => {
            step(lca, format!("reports {script}: {result}"))
        }
        _ => None,
    }
}

fn agent(lca: &str) -> String {
    format!("LCA of {}", lca.trim_start_matches("lca@"))
}

fn number(told: Vec<(Duration, String, String)>, began: Duration) -> Vec<Step> {
    let steps = told.into_iter().take(MOST).enumerate();
    steps
        .map(|(index, (at, who, what))| Step {
            number: index + 1,
            at_ms: (at.saturating_sub(began)).as_secs_f64() * 1e3,
            who,
            what,
        })
        .collect()
}
