//! Owns the page: one HTML file with its style and its drawings inside, so that it opens offline, prints well and can
//! be sent to somebody. The site's drawing is in `site.rs`, a workflow's chart in `chart.rs`.

mod chart;
mod site;

use super::text::{duration, median_and_max, network_line};
use crate::outcome::{
    CheckOutcome, ProblemOutcome, Rehearsal, SiteOutcome, StepOutcome, WorkflowOutcome,
};

const STYLE: &str = include_str!("page/style.css");

/// The whole page.
pub(super) fn page(rehearsal: &Rehearsal) -> String {
    let title = rehearsal.sites.first().map_or_else(
        || "Rehearsal".to_owned(),
        |site| format!("Rehearsal of {}", site.environment),
    );
    let mut body = head(rehearsal, &title);
    body.push_str(&summary(rehearsal));
    for (number, site) in rehearsal.sites.iter().enumerate() {
        body.push_str(&one_site(number, site));
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escape(&title)
    )
}

fn head(rehearsal: &Rehearsal, title: &str) -> String {
    let workflows = rehearsal
        .sites
        .iter()
        .map(|site| site.workflows.len())
        .sum::<usize>();
    let failed = rehearsal
        .sites
        .iter()
        .flat_map(|site| &site.workflows)
        .filter(|one| !one.passed)
        .count();
    let (class, sentence) = if rehearsal.passed {
        (
            "pass",
            format!("All {workflows} workflows pass: one primary, one holder, the same host."),
        )
    } else {
        ("fail", format!("{failed} of {workflows} workflows fail."))
    };
    let mut text = format!(
        "<header>\n<h1>{}</h1>\n<p class=\"verdict {class}\">{}</p>\n",
        escape(title),
        escape(&sentence)
    );
    if let Some(first) = rehearsal.sites.first() {
        text.push_str(&format!(
            "<p class=\"about\">{}<br>{}<br>Control scripts: {}. Whole rehearsal: {:.1} s.</p>\n",
            escape(&first.drawing.description),
            escape(network_line(&first.network)),
            escape(&first.drawing.control),
            rehearsal.duration_ms / 1e3
        ));
        text.push_str(&site::drawing(&first.drawing));
    }
    text.push_str("</header>\n");
    text
}

/// One row per workflow; over repetitions the median and the largest.
fn summary(rehearsal: &Rehearsal) -> String {
    let mut keys: Vec<(&str, &str, &str)> = Vec::new();
    for site in &rehearsal.sites {
        for workflow in &site.workflows {
            let key = (
                site.pair.as_str(),
                site.redundancy.as_str(),
                workflow.name.as_str(),
            );
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    let mut text = "<section>\n<h2>Summary</h2>\n<table class=\"summary\">\n<thead><tr><th>pair</th><th>standby</th>\
                    <th>workflow</th><th>steps</th><th>result</th><th class=\"n\">VIP gap</th><th class=\"n\">no holder</th>\
                    <th class=\"n\">two holders</th></tr></thead>\n<tbody>\n"
        .to_owned();
    for (pair, redundancy, name) in keys {
        let runs: Vec<&WorkflowOutcome> = rehearsal
            .sites
            .iter()
            .filter(|site| site.pair == pair && site.redundancy == redundancy)
            .flat_map(|site| &site.workflows)
            .filter(|workflow| workflow.name.as_str() == name)
            .collect();
        let passed = runs.iter().filter(|run| run.passed).count();
        let steps: usize = runs.iter().map(|run| run.steps.len()).sum();
        let good: usize = runs.iter().map(|run| run.steps_passed()).sum();
        let result = if runs.len() == 1 {
            verdict_word(passed == 1).to_owned()
        } else {
            format!("{passed} of {} pass", runs.len())
        };
        text.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{good}/{steps}</td><td class=\"{}\">{result}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
            escape(pair),
            escape(redundancy),
            escape(name),
            verdict_class(passed == runs.len()),
            spread(&runs, |run| run.vip_gap_ms),
            spread(&runs, |run| run.no_holder_ms),
            spread(&runs, |run| run.two_holders_ms),
        ));
    }
    text.push_str("</tbody>\n</table>\n</section>\n");
    text
}

fn spread(runs: &[&WorkflowOutcome], value: fn(&WorkflowOutcome) -> Option<f64>) -> String {
    let values: Vec<f64> = runs.iter().filter_map(|run| value(run)).collect();
    match (values.len(), median_and_max(values)) {
        (_, None) => "–".to_owned(),
        (1, Some((only, _))) => duration(only),
        (_, Some((median, max))) => format!(
            "{}<br><small>at most {}</small>",
            duration(median),
            duration(max)
        ),
    }
}

fn one_site(number: usize, site: &SiteOutcome) -> String {
    let run = if site.repetition > 1 {
        format!(", run {}", site.repetition)
    } else {
        String::new()
    };
    let mut text = format!(
        "<section class=\"site\" id=\"site-{number}\">\n<h2>{}, {} standby{run}</h2>\n",
        escape(&site.pair),
        escape(&site.redundancy)
    );
    if let Some(trouble) = &site.trouble {
        text.push_str(&format!("<pre class=\"fail\">{}</pre>\n", escape(trouble)));
    }
    for workflow in &site.workflows {
        text.push_str(&one_workflow(workflow));
    }
    text.push_str("</section>\n");
    text
}

fn one_workflow(workflow: &WorkflowOutcome) -> String {
    let mut text = format!(
        "<article>\n<h3>{} <span class=\"{}\">{}</span></h3>\n<p class=\"facts\">{}</p>\n",
        escape(workflow.name.as_str()),
        verdict_class(workflow.passed),
        verdict_word(workflow.passed),
        escape(&facts(workflow))
    );
    for note in &workflow.notes {
        text.push_str(&format!("<p class=\"note\">{}</p>\n", escape(note)));
    }
    text.push_str(&chart::chart(workflow));
    text.push_str("<table class=\"steps\">\n<thead><tr><th>#</th><th>documented step</th><th class=\"n\">ms</th><th>who</th><th>what</th><th>evidence</th></tr></thead>\n<tbody>\n");
    for step in &workflow.steps {
        text.push_str(&one_step(step));
    }
    text.push_str("</tbody>\n</table>\n<ul class=\"checks\">\n");
    for check in &workflow.checks {
        text.push_str(&one_check(check));
    }
    text.push_str("</ul>\n</article>\n");
    text
}

fn facts(workflow: &WorkflowOutcome) -> String {
    let mut facts = vec![format!(
        "epoch {} to {}",
        workflow.epoch_before, workflow.epoch_after
    )];
    if let (Some(before), Some(after)) = (&workflow.primary_before, &workflow.primary_after) {
        facts.push(format!("primary: {before}, afterwards {after}"));
    }
    let times = [
        ("VIP gap", workflow.vip_gap_ms),
        ("no holder", workflow.no_holder_ms),
        ("two holders", workflow.two_holders_ms),
        ("unreachable holder", workflow.unreachable_holder_ms),
    ];
    for (name, value) in times {
        if let Some(value) = value {
            facts.push(format!("{name} {}", duration(value)));
        }
    }
    facts.join(" · ")
}

fn one_step(step: &StepOutcome) -> String {
    let rows = step.events.len().max(1);
    let class = if step.passed { "" } else { " class=\"bad\"" };
    let mut text = String::new();
    for row in 0..rows {
        text.push_str(&format!("<tr{class}>"));
        if row == 0 {
            text.push_str(&format!(
                "<td rowspan=\"{rows}\">{}</td><td rowspan=\"{rows}\">{}{}</td>",
                step.number,
                escape(&step.text),
                step.problem.as_ref().map_or_else(String::new, problem)
            ));
        }
        match step.events.get(row) {
            Some(event) => text.push_str(&format!(
                "<td class=\"n\">{:.1}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                event.at_ms,
                escape(&event.who),
                escape(&event.what),
                escape(&event.evidence)
            )),
            None => {
                text.push_str("<td class=\"n\">–</td><td></td><td>not seen</td><td></td></tr>\n")
            }
        }
    }
    text
}

fn one_check(check: &CheckOutcome) -> String {
    format!(
        "<li class=\"{}\">{}: {}{}</li>\n",
        verdict_class(check.passed),
        escape(&check.text),
        escape(&check.seen),
        check.problem.as_ref().map_or_else(String::new, problem)
    )
}

fn problem(problem: &ProblemOutcome) -> String {
    format!(
        "<p class=\"problem\">expected: {}<br>seen: {}<br>look at: {}</p>",
        escape(&problem.expected),
        escape(&problem.seen),
        escape(&problem.look_at)
    )
}

fn verdict_class(passed: bool) -> &'static str {
    if passed { "pass" } else { "fail" }
}

fn verdict_word(passed: bool) -> &'static str {
    if passed { "PASS" } else { "FAIL" }
}

/// Text as HTML shows it.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            control if control.is_control() && control != '\n' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}
