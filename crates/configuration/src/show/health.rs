//! Health checks and hooks on the page.

use super::{Page, quoted};
use changeover_model::environment::{HealthCheck, Hook, Probe, SipTransport};

pub(super) fn checks(page: &mut Page<'_>, checks: &[HealthCheck]) {
    items(page, "health", checks, |page, check| {
        page.text("name", &check.name);
        probe(page, &check.probe);
        if !matches!(check.probe, Probe::Link { .. }) {
            page.duration("every", check.every);
            page.duration("timeout", check.timeout);
            page.value("fall", &check.fall.to_string());
            page.value("rise", &check.rise.to_string());
        }
    });
}

fn probe(page: &mut Page<'_>, probe: &Probe) {
    match probe {
        Probe::Command { command, arguments } => {
            page.text("command", command);
            page.list("arguments", arguments);
        }
        Probe::SipOptions {
            transport,
            address,
            status,
        } => {
            let word = match transport {
                SipTransport::Udp => "udp",
                SipTransport::Tcp => "tcp",
            };
            page.text("sip_options", &format!("{word}:{address}"));
            page.text("status", &status.to_string());
        }
        Probe::Tcp { address } => page.text("tcp", &address.to_string()),
        Probe::Http {
            host,
            path,
            status,
            body,
            ..
        } => {
            page.text("http", &format!("http://{host}{path}"));
            page.text("status", &status.to_string());
            if let Some(body) = body {
                page.text("body", body);
            }
        }
        Probe::Link { interfaces } => page.list("link", interfaces),
    }
}

pub(super) fn hooks(page: &mut Page<'_>, key: &str, hooks: &[Hook]) {
    items(page, key, hooks, |page, hook| {
        page.text("command", &hook.command);
        page.list("arguments", &hook.arguments);
        page.duration("timeout", hook.timeout);
        page.value("when", hook.when.as_str());
        page.value("on_failure", hook.on_failure.as_str());
    });
}

fn items<T>(page: &mut Page<'_>, key: &str, items: &[T], content: impl Fn(&mut Page<'_>, &T)) {
    if items.is_empty() {
        return;
    }
    page.line(&format!("{}:", quoted(key)), key);
    page.path.push(key.to_owned());
    for (index, item) in items.iter().enumerate() {
        page.line("-", &index.to_string());
        page.path.push(index.to_string());
        content(page, item);
        page.path.pop();
    }
    page.path.pop();
}
