//! Owns the text of a rehearsal: the site, workflows step by step, the table, the sentence at the end. The first
//! workflow is shown in full, a failing one always, every one with `--verbose`.

use crate::outcome::{
    EventOutcome, ProblemOutcome, Rehearsal, SiteOutcome, StepOutcome, WorkflowOutcome,
};
use std::fmt::Write as _;

/// Width of the head of a workflow up to its verdict.
const HEAD: usize = 82;

/// The whole text.
pub(crate) fn text(rehearsal: &Rehearsal, verbose: bool, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    site_head(&mut out, rehearsal);
    let mut shown = false;
    for site in &rehearsal.sites {
        for workflow in &site.workflows {
            if verbose || !workflow.passed || !shown {
                workflow_in_full(&mut out, site, workflow, paint);
                shown = true;
            }
        }
        if let Some(trouble) = &site.trouble {
            let name = format!("{} standby, run {}", site.redundancy, site.repetition);
            writing(write!(out, "\n{} {name}: {trouble}\n", paint.red("FAIL")));
        }
    }
    if rehearsal.sites.iter().any(|site| site.repetition > 1) {
        repeated_table(&mut out, rehearsal, paint);
    } else {
        table(&mut out, rehearsal, verbose, paint);
    }
    closing(&mut out, rehearsal, paint);
    out
}

/// The network, in one line.
pub(crate) fn network_line(network: &str) -> &'static str {
    match network {
        "netns" => "netns: network namespaces on a bridge, real addresses and ARP, mutual TLS",
        _ => "loopback: emulated subnet, real processes, no root",
    }
}

fn site_head(out: &mut String, rehearsal: &Rehearsal) {
    let Some(first) = rehearsal.sites.first() else {
        return;
    };
    let mut kinds: Vec<&str> = Vec::new();
    for site in &rehearsal.sites {
        if !kinds.contains(&site.redundancy.as_str()) {
            kinds.push(&site.redundancy);
        }
    }
    let repetitions = rehearsal
        .sites
        .iter()
        .map(|site| site.repetition)
        .max()
        .unwrap_or(1);
    let times = if repetitions > 1 {
        format!("; {repetitions} times")
    } else {
        String::new()
    };
    let drawing = &first.drawing;
    writing(writeln!(
        out,
        "Site     {}; {}{times}",
        drawing.description,
        kinds.join(", then ")
    ));
    writing(writeln!(out, "Network  {}", network_line(&first.network)));
    if !drawing.control.is_empty() {
        writing(writeln!(out, "Scripts  {}", drawing.control));
    }
    let started = drawing.started.join(", ");
    writing(writeln!(
        out,
        "Started  {started}    {:.2} s",
        drawing.up_after_ms / 1e3
    ));
}

fn workflow_in_full(
    out: &mut String,
    site: &SiteOutcome,
    workflow: &WorkflowOutcome,
    paint: Paint,
) {
    let epochs = if workflow.epoch_before == workflow.epoch_after {
        format!("epoch {}", workflow.epoch_after)
    } else {
        format!(
            "epoch {} -> {}",
            workflow.epoch_before, workflow.epoch_after
        )
    };
    let run = if site.repetition > 1 {
        format!("  run {}", site.repetition)
    } else {
        String::new()
    };
    let head = format!(
        "{} STANDBY  {}  {epochs}{run}",
        site.redundancy.to_uppercase(),
        workflow.name.as_str()
    );
    let score = format!("{}/{}", workflow.steps_passed(), workflow.steps.len());
    writing(writeln!(
        out,
        "\n{}{score:>6}  {}",
        paint.bold(&format!("{head:<HEAD$}")),
        paint.verdict(workflow.passed)
    ));
    let events = || workflow.steps.iter().flat_map(|step| &step.events);
    let who = width(events().map(|event| event.who.as_str()), 18);
    let what = width(events().map(|event| event.what.as_str()), 32);
    writing(writeln!(
        out,
        "  #    ms  {:<who$}  {:<what$}  evidence",
        "who", "what"
    ));
    for step in &workflow.steps {
        one_step(out, step, (who, what), paint);
    }
    for check in workflow.checks.iter().filter(|check| !check.passed) {
        writing(writeln!(out, "  {}  {}", paint.red("!"), check.text));
        if let Some(problem) = &check.problem {
            one_problem(out, problem, paint);
        }
    }
}

fn one_step(out: &mut String, step: &StepOutcome, (who, what): (usize, usize), paint: Paint) {
    let row = |event: &EventOutcome, number: &str| {
        let line = format!(
            "{number:>3} {:>6}  {:<who$}  {:<what$}  {}",
            ms(event.at_ms),
            event.who,
            event.what,
            event.evidence
        );
        line.trim_end().to_owned()
    };
    let number = step.number.to_string();
    for (index, event) in step.events.iter().enumerate() {
        let line = row(event, if index == 0 { &number } else { "" });
        writing(writeln!(
            out,
            "{}",
            if step.passed { line } else { paint.red(&line) }
        ));
    }
    if let Some(problem) = &step.problem {
        let number = if step.events.is_empty() {
            number.as_str()
        } else {
            ""
        };
        writing(writeln!(
            out,
            "{}",
            paint.red(&format!("{number:>3}      -  {}", step.text))
        ));
        one_problem(out, problem, paint);
    }
}

fn one_problem(out: &mut String, problem: &ProblemOutcome, paint: Paint) {
    writing(writeln!(
        out,
        "           {} {}",
        paint.red("expected"),
        problem.expected
    ));
    writing(writeln!(
        out,
        "           {}     {}",
        paint.red("seen"),
        problem.seen
    ));
    writing(writeln!(
        out,
        "           {}  {}",
        paint.red("look at"),
        problem.look_at
    ));
}

fn table(out: &mut String, rehearsal: &Rehearsal, verbose: bool, paint: Paint) {
    writing(writeln!(
        out,
        "\n{:<6}{:<22}{:>6}  {:<6}{:>10}{:>12}{:>13}  primary, holder",
        "", "", "steps", "result", "VIP gap", "no holder", "two holders"
    ));
    let mut notes: Vec<&str> = Vec::new();
    for (index, site) in rehearsal.sites.iter().enumerate() {
        let all_pass = site.workflows.iter().all(|workflow| workflow.passed);
        if index > 0 && all_pass && !verbose && site.trouble.is_none() {
            one_line_for_a_site(out, site, paint);
            continue;
        }
        for (row, workflow) in site.workflows.iter().enumerate() {
            let kind = if row == 0 {
                site.redundancy.as_str()
            } else {
                ""
            };
            let mark = mark_of(workflow, &mut notes);
            let score = format!("{}/{}", workflow.steps_passed(), workflow.steps.len());
            writing(writeln!(
                out,
                "{kind:<6}{:<22}{score:>6}  {}  {:>10}{:>12}{:>13}  {}{mark}",
                workflow.name.as_str(),
                paint.verdict(workflow.passed),
                time(workflow.vip_gap_ms),
                time(workflow.no_holder_ms),
                time(workflow.two_holders_ms),
                whereabouts(site, workflow),
            ));
        }
    }
    for (index, note) in notes.iter().enumerate() {
        writing(writeln!(
            out,
            "  {} {note}",
            MARKS.get(index).unwrap_or(&"-")
        ));
    }
}

/// Signs of footnotes, in order.
const MARKS: [&str; 6] = ["*", "+", "#", "=", "~", "^"];

fn mark_of<'w>(workflow: &'w WorkflowOutcome, notes: &mut Vec<&'w str>) -> String {
    let mut marks = String::new();
    for note in &workflow.notes {
        let place = notes
            .iter()
            .position(|known| known == note)
            .unwrap_or_else(|| {
                notes.push(note);
                notes.len() - 1
            });
        writing(write!(marks, " {}", MARKS.get(place).unwrap_or(&"-")));
    }
    marks
}

fn one_line_for_a_site(out: &mut String, site: &SiteOutcome, paint: Paint) {
    let steps: usize = site
        .workflows
        .iter()
        .map(|workflow| workflow.steps.len())
        .sum();
    let passed: usize = site
        .workflows
        .iter()
        .map(WorkflowOutcome::steps_passed)
        .sum();
    let count = format!("{} workflows", site.workflows.len());
    let score = format!("{passed}/{steps}");
    writing(writeln!(
        out,
        "{:<6}{count:<22}{score:>6}  {}    (--verbose shows each)",
        site.redundancy,
        paint.verdict(true)
    ));
}

/// Who is primary, and where the VIP is.
fn whereabouts(site: &SiteOutcome, workflow: &WorkflowOutcome) -> String {
    let primary = workflow.primary_after.as_deref().unwrap_or("nobody");
    let host = site
        .drawing
        .hosts
        .iter()
        .find(|host| host.processes.iter().any(|process| process == primary))
        .map_or(primary, |host| host.name.as_str());
    let holders = if workflow.vip_gap_ms.is_none() {
        "no VIP".to_owned()
    } else if workflow.no_holder_ms.is_none() {
        "the device".to_owned()
    } else if workflow.holders_after.is_empty() {
        "no holder".to_owned()
    } else {
        workflow.holders_after.join(" and ")
    };
    format!("{host}, {holders}")
}

fn repeated_table(out: &mut String, rehearsal: &Rehearsal, paint: Paint) {
    writing(writeln!(
        out,
        "\n{:<6}{:<22}{:>7}  {:<6}{:>21}{:>21}{:>21}",
        "", "", "passed", "result", "VIP gap", "no holder", "two holders"
    ));
    writing(writeln!(
        out,
        "{:<43}{:>21}{:>21}{:>21}",
        "", "median / max", "median / max", "median / max"
    ));
    let mut known: Vec<(&str, &str, &str)> = Vec::new();
    for site in &rehearsal.sites {
        for workflow in &site.workflows {
            let key = (
                site.pair.as_str(),
                site.redundancy.as_str(),
                workflow.name.as_str(),
            );
            if !known.contains(&key) {
                known.push(key);
            }
        }
    }
    let mut last = "";
    for (pair, redundancy, name) in known {
        let runs: Vec<&WorkflowOutcome> = rehearsal
            .sites
            .iter()
            .filter(|site| site.pair == pair && site.redundancy == redundancy)
            .flat_map(|site| &site.workflows)
            .filter(|workflow| workflow.name.as_str() == name)
            .collect();
        let passed = runs.iter().filter(|workflow| workflow.passed).count();
        let spread = |value: fn(&WorkflowOutcome) -> Option<f64>| {
            let values: Vec<f64> = runs.iter().filter_map(|workflow| value(workflow)).collect();
            median_and_max(values).map_or_else(
                || "-".to_owned(),
                |(median, max)| format!("{} / {}", duration(median), duration(max)),
            )
        };
        let kind = if last == redundancy { "" } else { redundancy };
        last = redundancy;
        let score = format!("{passed}/{}", runs.len());
        writing(writeln!(
            out,
            "{kind:<6}{name:<22}{score:>7}  {}  {:>21}{:>21}{:>21}",
            paint.verdict(passed == runs.len()),
            spread(|workflow| workflow.vip_gap_ms),
            spread(|workflow| workflow.no_holder_ms),
            spread(|workflow| workflow.two_holders_ms),
        ));
    }
}

/// The middle value (the upper one of two) and the largest.
pub(super) fn median_and_max(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let median = *values.get(values.len() / 2)?;
    Some((median, *values.last()?))
}

fn closing(out: &mut String, rehearsal: &Rehearsal, paint: Paint) {
    let workflows: Vec<&WorkflowOutcome> = rehearsal
        .sites
        .iter()
        .flat_map(|site| &site.workflows)
        .collect();
    let failed = workflows.iter().filter(|workflow| !workflow.passed).count();
    let broken = rehearsal
        .sites
        .iter()
        .filter(|site| site.trouble.is_some())
        .count();
    let sentence = if rehearsal.passed {
        let all = match workflows.len() {
            1 => "The workflow passes".to_owned(),
            count => format!("All {count} workflows pass"),
        };
        format!("{all}: one primary, one holder, the same host.")
    } else if broken > 0 {
        format!(
            "{failed} of {} workflows fail, and {broken} of {} sites broke off.",
            workflows.len(),
            rehearsal.sites.len()
        )
    } else {
        format!("{failed} of {} workflows fail.", workflows.len())
    };
    let sentence = format!("{sentence:<HEAD$}");
    let painted = if rehearsal.passed {
        paint.green(&sentence)
    } else {
        paint.red(&sentence)
    };
    writing(writeln!(
        out,
        "\n{painted}{:>9.1} s",
        rehearsal.duration_ms / 1e3
    ));
    if rehearsal.passed
        && rehearsal
            .sites
            .iter()
            .all(|site| site.network == "loopback")
    {
        out.push_str("Next: --report DIR for the page; sudo changeover rehearse --network netns for real kernel hosts\n");
    }
}

fn width<'t>(texts: impl Iterator<Item = &'t str>, least: usize) -> usize {
    texts
        .map(|text| text.chars().count())
        .max()
        .unwrap_or(0)
        .max(least)
}

/// Milliseconds in a narrow column.
fn ms(value: f64) -> String {
    if value.abs() < 1000.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

fn time(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), duration)
}

/// A duration for people.
pub(super) fn duration(value: f64) -> String {
    if value < 1000.0 {
        format!("{value:.1} ms")
    } else if value < 4000.0 {
        format!("{value:.0} ms")
    } else {
        format!("{:.1} s", value / 1e3)
    }
}

/// Writing to a string does not fail.
fn writing(done: std::fmt::Result) {
    debug_assert!(done.is_ok(), "a String takes everything");
}

/// Colour, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn verdict(self, passed: bool) -> String {
        if passed {
            self.green("PASS")
        } else {
            self.red("FAIL")
        }
    }
}
