//! Owns a workflow's chart: a lane for everybody who did something, a dot for each thing done, bars for who held the
//! Virtual IP, a band for the time in which the probe had no answer.

use super::escape;
use crate::outcome::{Bar, EventOutcome, WorkflowOutcome};

const LEFT: f64 = 190.0;
const RIGHT: f64 = 985.0;
const LANE: f64 = 24.0;
const TOP: f64 = 30.0;

/// The chart; nothing when nothing was seen.
pub(super) fn chart(workflow: &WorkflowOutcome) -> String {
    let chart = &workflow.chart;
    let mut events: Vec<&EventOutcome> = chart.events.iter().collect();
    let judged = workflow.steps.iter().flat_map(|step| &step.events);
    events.extend(judged.filter(|event| !chart.events.contains(event)));
    if events.is_empty() && chart.bars.is_empty() {
        return String::new();
    }
    let axis = Axis::over(workflow, &events);
    let lanes = lanes(&events);
    let count = lanes.len() + chart.hosts.len();
    let bottom = TOP + LANE * to_f64(count);
    let mut svg = format!(
        "<svg viewBox=\"0 0 1000 {:.0}\" role=\"img\" aria-label=\"Timeline of {}\">\n",
        bottom + 26.0,
        escape(workflow.name.as_str())
    );
    if let Some((from, to)) = chart.gap {
        svg.push_str(&gap(&axis, from, to, bottom));
    }
    svg.push_str(&scale(&axis, bottom));
    for (row, name) in lanes.iter().enumerate() {
        let y = TOP + LANE * (to_f64(row) + 0.5);
        svg.push_str(&lane(name, y));
        for event in events.iter().filter(|event| event.who == *name) {
            svg.push_str(&format!(
                "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{}</title></circle>\n",
                axis.x(event.at_ms),
                escape(&format!("{:.1} ms  {}: {} {}", event.at_ms, event.who, event.what, event.evidence))
            ));
        }
    }
    for (place, host) in chart.hosts.iter().enumerate() {
        let y = TOP + LANE * (to_f64(lanes.len() + place) + 0.5);
        svg.push_str(&lane(&format!("VIP on {host}"), y));
        for bar in chart.bars.iter().filter(|bar| bar.host == *host) {
            svg.push_str(&holder(&axis, bar, place, y));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Names in the order of the roles: operator, SCS, agents, servers, the rest.
fn lanes(events: &[&EventOutcome]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for event in events {
        if !names.contains(&event.who) {
            names.push(event.who.clone());
        }
    }
    let rank = |name: &String| match name.as_str() {
        "sci" => 0,
        "rehearsal" => 1,
        "scs" => 2,
        "reaction-engine" => 4,
        "message-server" => 7,
        "VIP" => 8,
        "probe" => 9,
        name if name.starts_with("scs >") => 3,
        name if name.starts_with("lca@") => 5,
        _ => 6,
    };
    names.sort_by_key(|name| (rank(name), name.clone()));
    names
}

fn lane(name: &str, y: f64) -> String {
    format!(
        "<line class=\"lane\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\"/>\n\
         <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
        LEFT - 10.0,
        y + 4.0,
        escape(name)
    )
}

fn holder(axis: &Axis, bar: &Bar, place: usize, y: f64) -> String {
    let (from, to) = (axis.x(bar.from_ms), axis.x(bar.to_ms));
    let away = if bar.reachable { "" } else { " away" };
    let words = if bar.reachable {
        "holds the VIP"
    } else {
        "holds the VIP behind a pulled cable"
    };
    format!(
        "<rect class=\"h{}{away}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"12\" rx=\"2\"><title>{}</title></rect>\n",
        place % 2,
        y - 6.0,
        (to - from).max(1.0),
        escape(&format!(
            "{} {words} from {:.1} to {:.1} ms",
            bar.host, bar.from_ms, bar.to_ms
        ))
    )
}

fn gap(axis: &Axis, from: f64, to: f64, bottom: f64) -> String {
    let (left, right) = (axis.x(from), axis.x(to));
    format!(
        "<rect class=\"gap\" x=\"{left:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"/>\n\
         <text class=\"soft\" x=\"{:.1}\" y=\"20\" text-anchor=\"middle\">no answer for {:.1} ms</text>\n",
        (right - left).max(1.0),
        bottom - TOP,
        ((left + right) / 2.0).clamp(LEFT + 60.0, RIGHT - 60.0),
        to - from
    )
}

fn scale(axis: &Axis, bottom: f64) -> String {
    let mut svg = String::new();
    let step = axis.tick();
    let mut at = (axis.from / step).ceil() * step;
    while at <= axis.to {
        let x = axis.x(at);
        svg.push_str(&format!(
            "<line class=\"lane\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>\n\
             <text class=\"soft\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{} ms</text>\n",
            bottom + 16.0,
            // Adding zero turns a negative zero into a plain one.
            (at * 10.0).round() / 10.0 + 0.0
        ));
        at += step;
    }
    svg
}

/// The time axis: from a little before the start to a little after the last thing that was seen.
struct Axis {
    from: f64,
    to: f64,
}

impl Axis {
    fn over(workflow: &WorkflowOutcome, events: &[&EventOutcome]) -> Self {
        let last = events.iter().map(|event| event.at_ms).fold(0.0, f64::max);
        let moved = workflow
            .chart
            .bars
            .iter()
            .map(|bar| bar.from_ms)
            .fold(0.0, f64::max);
        let gap = workflow.chart.gap.map_or(0.0, |(_, to)| to);
        let to = last.max(moved).max(gap).max(1.0) * 1.06;
        Self {
            from: -0.02 * to,
            to,
        }
    }

    fn x(&self, at: f64) -> f64 {
        let part = (at - self.from) / (self.to - self.from);
        LEFT + part.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    /// Distance of two marks: 1, 2 or 5 times a power of ten, about eight of them.
    fn tick(&self) -> f64 {
        let rough = (self.to - self.from) / 8.0;
        let power = 10_f64.powf(rough.log10().floor());
        let digit = rough / power;
        let nice = if digit < 1.5 {
            1.0
        } else if digit < 3.5 {
            2.0
        } else if digit < 7.5 {
            5.0
        } else {
            10.0
        };
        nice * power
    }
}

fn to_f64(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
