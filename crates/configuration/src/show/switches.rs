//! How a Switch is shown.

use super::{Page, quoted};
use changeover_model::environment::{Dn, DnKind, Switch};
use changeover_model::show_duration;

pub(super) fn switch(page: &mut Page<'_>, switch: &Switch) {
    if !switch.dns.is_empty() {
        page.map("dns", |page| {
            for (number, one) in &switch.dns {
                page.map(number, |page| dn(page, one));
            }
        });
    }
    if !switch.routes.is_empty() {
        let lines: Vec<String> = switch
            .routes
            .iter()
            .map(|route| {
                let (prefix, trunk) = (quoted(&route.prefix), quoted(&route.trunk));
                format!(
                    "{{prefix: {prefix}, trunk: {trunk}, strip: {}}}",
                    route.strip
                )
            })
            .collect();
        page.value("routes", &format!("[{}]", lines.join(", ")));
    }
}

fn dn(page: &mut Page<'_>, dn: &Dn) {
    let kind = match dn.kind {
        DnKind::Extension => "extension",
        DnKind::Trunk => "trunk",
        DnKind::RoutingPoint => "routing_point",
    };
    page.value("type", kind);
    let texts = [
        ("contact", &dn.contact),
        ("password", &dn.password),
        ("default_dn", &dn.default_dn),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            page.text(key, text);
        }
    }
    let times = [
        ("oos-check", dn.oos_check),
        ("oos-force", dn.oos_force),
        ("park_timeout", dn.park_timeout),
    ];
    for (key, time) in times {
        if let Some(time) = time {
            page.value(key, &show_duration(time));
        }
    }
}
