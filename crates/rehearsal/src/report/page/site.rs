//! Owns the drawing of the site: hosts with their processes on one wire, the client, the Virtual IP above its hosts.

use super::escape;
use crate::outcome::SiteDrawing;

const WIDTH: usize = 1000;
const BOX_TOP: usize = 44;
const LINE: usize = 17;

/// The drawing; nothing without hosts.
pub(super) fn drawing(site: &SiteDrawing) -> String {
    if site.hosts.is_empty() {
        return String::new();
    }
    let columns = site.hosts.len() + 1;
    let pitch = WIDTH / columns;
    let tallest = site
        .hosts
        .iter()
        .map(|host| host.processes.len())
        .max()
        .unwrap_or(0);
    let height = 48 + tallest * LINE;
    let wire = BOX_TOP + height + 34;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"The site\">\n\
         <line class=\"wire\" x1=\"20\" y1=\"{wire}\" x2=\"{}\" y2=\"{wire}\"/>\n",
        wire + 24,
        WIDTH - 20
    );
    for (column, host) in site.hosts.iter().enumerate() {
        let lines: Vec<&str> = host.processes.iter().map(String::as_str).collect();
        svg.push_str(&station(
            column * pitch,
            pitch,
            height,
            wire,
            (&host.name, &host.address),
            &lines,
        ));
    }
    let client = (columns - 1) * pitch;
    svg.push_str(&station(
        client,
        pitch,
        height,
        wire,
        (&site.client, "asks by SIP OPTIONS"),
        &["probe, every 1 ms"],
    ));
    let (first, last) = (pitch / 2, WIDTH - pitch / 2);
    svg.push_str(&format!(
        "<text x=\"{}\" y=\"22\" text-anchor=\"middle\">Virtual IP {} — moves with the primary</text>\n</svg>\n",
        usize::midpoint(first, last),
        escape(&site.virtual_ips.join(", "))
    ));
    svg
}

fn station(
    left: usize,
    pitch: usize,
    height: usize,
    wire: usize,
    (name, address): (&str, &str),
    lines: &[&str],
) -> String {
    let (x, width, middle) = (left + 14, pitch - 28, left + pitch / 2);
    let bottom = BOX_TOP + height;
    let mut svg = format!(
        "<rect class=\"box\" x=\"{x}\" y=\"{BOX_TOP}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n\
         <line class=\"wire\" x1=\"{middle}\" y1=\"{bottom}\" x2=\"{middle}\" y2=\"{wire}\"/>\n\
         <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-weight=\"600\">{}</text>\n\
         <text class=\"soft\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
        BOX_TOP + 18,
        escape(name),
        BOX_TOP + 34,
        escape(address)
    );
    for (number, line) in lines.iter().enumerate() {
        svg.push_str(&format!(
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
            BOX_TOP + 52 + number * LINE,
            escape(line)
        ));
    }
    svg
}
