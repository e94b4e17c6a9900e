//! How the `rehearsal` section is shown: what a site has written of it. An absent one has nothing to say, since a rehearsal is
//! asked on the command line as well.

use super::{Page, quoted};
use crate::RehearsalSettings;
use changeover_model::show_duration;

pub(super) fn section(page: &mut Page<'_>, settings: &RehearsalSettings) {
    if *settings == RehearsalSettings::default() {
        return;
    }
    page.raw("");
    page.map("rehearsal", |page| {
        match settings.netsh_time {
            Some((least, most)) if least == most => page.duration("netsh_time", least),
            Some((least, most)) => page.map("netsh_time", |page| {
                page.duration("least", least);
                page.duration("most", most);
            }),
            None => {}
        }
        if !settings.properties_dialog.is_empty() {
            let hosts: Vec<&str> = settings
                .properties_dialog
                .iter()
                .map(|host| host.as_str())
                .collect();
            page.list("properties_dialog", &hosts);
        }
        if !settings.drop_announcements.is_empty() {
            let counts: Vec<String> = settings
                .drop_announcements
                .iter()
                .map(|(host, count)| format!("{}: {count}", quoted(host.as_str())))
                .collect();
            page.value("drop_announcements", &format!("{{{}}}", counts.join(", ")));
        }
        if let Some(time) = settings.nlb_convergence {
            page.value("nlb_convergence", &show_duration(time));
        }
    });
}

/// The same as JSON: milliseconds, and `null` for what nobody wrote.
pub(super) fn json(settings: &RehearsalSettings) -> serde_json::Value {
    let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let counts: serde_json::Map<String, serde_json::Value> = settings
        .drop_announcements
        .iter()
        .map(|(host, count)| (host.to_string(), (*count).into()))
        .collect();
    serde_json::json!({
        "netsh_time_ms": settings.netsh_time.map(|(least, most)| [ms(least), ms(most)]),
        "properties_dialog": settings.properties_dialog,
        "drop_announcements": counts,
        "nlb_convergence_ms": settings.nlb_convergence.map(ms),
    })
}
