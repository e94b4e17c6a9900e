//! `changeover show`: every object in full, with where each value came from.
//!
//! Owns the text. It is itself a valid environment file, the explicit one: read again, it means the same, which a
//! test holds it to.

mod health;
mod nlb;
mod policy;
mod rehearsal;
mod switches;

use crate::source::SourceText;
use crate::{Loaded, Origins};
use changeover_model::environment::{
    AlarmCondition, Application, Host, ManagementLayer, NetworkDevice, Pair, ReactionType,
    Selection, StartInfo, SwitchoverWhen,
};
use changeover_model::show_duration;

/// The text of `changeover show`.
pub fn show(loaded: &Loaded) -> String {
    let mut page = Page::new(loaded, Form::Shown);
    page.raw("# Every object in full. \"derived from\" names what it comes from, \"default\" what nobody wrote.");
    objects(&mut page, loaded);
    page.text
}

/// An environment file with every object of the site written by hand (`derive: off`), without what is default anyway. It
/// means the same as what was loaded.
pub fn explicit(loaded: &Loaded) -> String {
    let mut page = Page::new(loaded, Form::Explicit);
    page.raw("# Every object of this site by hand: nothing is derived (`derive: off`), so what is not written here is not there.");
    page.raw("# `changeover show` prints it with the defaults; `changeover check` says what is missing or contradicts.");
    objects(&mut page, loaded);
    page.text
}

fn objects(page: &mut Page<'_>, loaded: &Loaded) {
    let environment = &loaded.environment;
    page.value("version", "1");
    page.value("environment", &quoted(environment.name.as_str()));
    page.map("management_layer", |page| {
        layer(page, &environment.management_layer)
    });
    page.named(
        "hosts",
        environment.hosts.values(),
        |host| host.name.as_str(),
        host,
    );
    page.named(
        "switches",
        environment.switches.iter(),
        |(name, _)| name.as_str(),
        |page, (_, one)| switches::switch(page, one),
    );
    page.named(
        "pairs",
        environment.pairs.values(),
        |pair| pair.name.as_str(),
        pair,
    );
    page.named(
        "applications",
        environment.applications.values(),
        |application| application.name.as_str(),
        application,
    );
    page.named(
        "scripts",
        environment.scripts.values(),
        |script| script.name.as_str(),
        |page, script| {
            page.value("type", "alarm_reaction");
            page.map("reaction", |page| reaction(page, &script.reaction));
        },
    );
    page.named(
        "alarm_conditions",
        environment.alarm_conditions.values(),
        |condition| condition.name.as_str(),
        condition,
    );
    if !loaded.allowed.is_empty() {
        let names: Vec<&str> = loaded
            .allowed
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        page.map("check", |page| page.list("allow", &names));
    }
    rehearsal::section(page, &loaded.rehearsal);
}

/// The same as one JSON document: the environment, and the origin of each path that has one.
pub fn show_json(loaded: &Loaded) -> serde_json::Value {
    let origins: serde_json::Map<String, serde_json::Value> = loaded
        .origins
        .iter()
        .map(|(path, origin)| {
            let place = loaded.source.place(origin.span);
            let value = serde_json::json!({
                "file": place.file,
                "line": place.line,
                "column": place.column,
                "written": origin.written,
                "derived_from": origin.derived_from,
            });
            (path.to_owned(), value)
        })
        .collect();
    serde_json::json!({
        "environment": loaded.environment,
        "rehearsal": rehearsal::json(&loaded.rehearsal),
        "origins": origins,
    })
}

/// The page under construction.
struct Page<'p> {
    text: String,
    source: &'p SourceText,
    origins: &'p Origins,
    path: Vec<String>,
    form: Form,
}

/// What a page is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// To be read: every value, with where it came from.
    Shown,
    /// To be worked on: without defaults and without origins.
    Explicit,
}

/// What the sections of an explicit file are.
const SECTIONS: [(&str, &str); 3] = [
    (
        "applications",
        "The members of the pairs, and the Third Party Servers that are their control scripts.",
    ),
    (
        "scripts",
        "Alarm Reactions: each starts one of the control scripts.",
    ),
    (
        "alarm_conditions",
        "What follows the log events of a change of run mode: the reactions, in this order.",
    ),
];

impl<'p> Page<'p> {
    fn new(loaded: &'p Loaded, form: Form) -> Self {
        Self {
            text: String::new(),
            source: &loaded.source,
            origins: &loaded.origins,
            path: Vec::new(),
            form,
        }
    }
}

impl Page<'_> {
    fn raw(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// One line with its origin as a comment; an explicit page has no line for a default.
    fn line(&mut self, content: &str, key: &str) {
        let origin = match self.origins.get(&self.path_of(key)) {
            Some(origin) => origin.text(self.source),
            None if self.form == Form::Explicit && !self.within_a_list() => return,
            None => "default".to_owned(),
        };
        self.commented(content, &origin);
    }

    /// Checks and hooks may be written as one or as a list, so their paths here need not be those of the file.
    fn within_a_list(&self) -> bool {
        let lists = ["health", "on_primary", "on_backup"];
        self.path.iter().any(|part| lists.contains(&part.as_str()))
    }

    fn path_of(&self, key: &str) -> String {
        let mut path = self.path.join(".");
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
        path
    }

    fn commented(&mut self, content: &str, comment: &str) {
        let line = format!("{}{content}", "  ".repeat(self.path.len()));
        match self.form {
            Form::Shown => self.raw(&format!("{line:<64}  # {comment}")),
            Form::Explicit => self.raw(&line),
        }
    }

    fn value_because(&mut self, key: &str, value: &str, because: &str) {
        self.commented(&format!("{key}: {value}"), because);
    }

    fn value(&mut self, key: &str, value: &str) {
        self.line(&format!("{key}: {value}"), key);
    }

    fn text(&mut self, key: &str, value: &str) {
        self.value(key, &quoted(value));
    }

    /// Text that is left out when empty: the file has no way to write an empty one.
    fn text_if_any(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.text(key, value);
        }
    }

    fn duration(&mut self, key: &str, value: std::time::Duration) {
        self.value(key, &show_duration(value));
    }

    fn list<T: AsRef<str>>(&mut self, key: &str, items: &[T]) {
        let items: Vec<String> = items.iter().map(|item| quoted(item.as_ref())).collect();
        self.value(key, &format!("[{}]", items.join(", ")));
    }

    fn map(&mut self, key: &str, content: impl FnOnce(&mut Self)) {
        self.keyed(&quoted(key), key, content);
    }

    /// A key whose value stands below it; `{}` if that is nothing.
    fn keyed(&mut self, shown: &str, key: &str, content: impl FnOnce(&mut Self)) {
        let before = self.text.len();
        match self.form {
            Form::Shown => self.line(&format!("{shown}:"), key),
            // It is wanted if anything below it is.
            Form::Explicit => self.commented(&format!("{shown}:"), ""),
        }
        let after = self.text.len();
        self.path.push(key.to_owned());
        content(self);
        self.path.pop();
        if self.text.len() == after {
            self.text.truncate(before);
            self.line(&format!("{shown}: {{}}"), key);
        }
    }

    fn named<T>(
        &mut self,
        section: &str,
        items: impl Iterator<Item = T>,
        name: impl Fn(&T) -> &str,
        content: impl Fn(&mut Self, &T),
    ) {
        let mut items = items.peekable();
        if items.peek().is_none() && section != "hosts" {
            return;
        }
        self.raw("");
        let about = SECTIONS.iter().find(|(name, _)| *name == section);
        if let (Form::Explicit, Some((_, about))) = (self.form, about) {
            self.raw(&format!("# {about}"));
        }
        self.raw(&format!("{section}:"));
        self.path.push(section.to_owned());
        for item in items {
            let key = name(&item).to_owned();
            self.map(&key, |page| content(page, &item));
        }
        self.path.pop();
    }
}

/// A text as YAML can read it back; quoted unless it is plainly a word.
fn quoted(text: &str) -> String {
    let plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '$' | '@'))
        && text
            .starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '$'));
    let word = matches!(text, "null" | "Null" | "NULL" | "true" | "false");
    if plain && !word {
        text.to_owned()
    } else {
        // JSON strings are YAML double-quoted scalars.
        serde_json::Value::from(text).to_string()
    }
}

fn layer(page: &mut Page<'_>, layer: &ManagementLayer) {
    page.map("solution_control_server", |page| {
        page.text("host", layer.scs_host.as_str());
        page.value("port", &layer.scs_port.to_string());
    });
    page.map("message_server", |page| {
        page.text("name", layer.message_server.as_str());
        page.text("host", layer.message_server_host.as_str());
        page.value("port", &layer.message_server_port.to_string());
        page.duration("log_keep", layer.log_keep);
        page.value("log_size", &size(layer.log_size));
    });
    if let Some(smtp) = &layer.smtp {
        page.map("smtp", |page| {
            page.text("server", &smtp.server);
            page.text("from", &smtp.from);
        });
    }
    if let Some(snmp) = &layer.snmp {
        page.map("snmp", |page| {
            page.text("target", &snmp.target);
            page.text("community", &snmp.community);
        });
    }
}

fn size(bytes: u64) -> String {
    for (unit, scale) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes.is_multiple_of(scale) {
            return format!("{}{unit}", bytes / scale);
        }
    }
    bytes.to_string()
}

fn host(page: &mut Page<'_>, host: &&Host) {
    page.value("os", host.os.as_str());
    page.text("address", &host.address.to_string());
    page.value("lca_port", &host.lca_port.to_string());
    page.map("addp", |page| {
        page.duration("addp-timeout", host.addp.timeout);
        page.duration("addp-remote-timeout", host.addp.remote_timeout);
    });
    page.duration(
        "disconnect_switchover_timeout",
        host.disconnect_switchover_timeout,
    );
    page.duration("lca_restart_timeout", host.lca_restart_timeout);
}

fn pair(page: &mut Page<'_>, pair: &&Pair) {
    page.value_because("derive", "off", "so that this page can be read back");
    page.value("redundancy_type", pair.redundancy.as_str());
    page.value("takeover", pair.takeover.as_str());
    for (role, application, host) in pair.members() {
        page.map(role.as_str(), |page| {
            page.text("application", application.as_str());
            page.text("host", host.as_str());
        });
    }
    if !pair.virtual_ips.is_empty() {
        virtual_ips(page, pair);
    }
    if let Some(cluster) = &pair.nlb {
        page.map("nlb", |page| nlb::cluster(page, cluster));
    }
    if let Some(device) = &pair.network_device {
        network_device(page, device);
    }
    page.map("policy", |page| policy::policy(page, &pair.policy));
}

fn network_device(page: &mut Page<'_>, device: &NetworkDevice) {
    page.line("virtual_ips:", "virtual_ips");
    page.path.push("virtual_ips".to_owned());
    for (index, (address, prefix)) in device.virtual_ips.iter().enumerate() {
        page.line("-", &index.to_string());
        page.path.push(index.to_string());
        page.text("address", &format!("{address}/{prefix}"));
        page.path.pop();
    }
    page.path.pop();
    page.map("network_device", |page| {
        page.text("address", &device.address.to_string());
        page.duration("check_interval", device.check_interval);
    });
}

fn virtual_ips(page: &mut Page<'_>, pair: &Pair) {
    page.line("virtual_ips:", "virtual_ips");
    page.path.push("virtual_ips".to_owned());
    for (index, vip) in pair.virtual_ips.iter().enumerate() {
        page.line("-", &index.to_string());
        page.path.push(index.to_string());
        page.text("address", &format!("{}/{}", vip.address, vip.prefix));
        if vip
            .interfaces
            .values()
            .all(|interface| !interface.is_empty())
        {
            page.map("interface", |page| {
                for (host, interface) in &vip.interfaces {
                    page.interface(host.as_str(), interface);
                }
            });
        }
        if let Some(label) = &vip.label {
            page.text("label", label);
        }
        if !pair.control.is_empty() {
            page.map("control", |page| {
                for (host, control) in &pair.control {
                    page.map(host.as_str(), |page| {
                        page.text("enable", control.enable.as_str());
                        page.text("disable", control.disable.as_str());
                    });
                }
            });
        }
        page.path.pop();
    }
    page.path.pop();
}

impl Page<'_> {
    /// The interface on a host; written once for both hosts it comes from the line of `interface`.
    fn interface(&mut self, host: &str, interface: &str) {
        let origin = self.origins.nearest(&self.path_of(host));
        let origin = origin.map_or_else(String::new, |origin| origin.text(self.source));
        let content = format!("{}: {}", quoted(host), quoted(interface));
        self.commented(&content, &origin);
    }
}

fn application(page: &mut Page<'_>, application: &&Application) {
    page.value("type", application.application_type.as_str());
    page.text("host", application.host.as_str());
    if let Some(switch) = &application.switch {
        page.text("switch", switch.as_str());
    }
    if let Some(redundancy) = application.redundancy {
        page.value("redundancy_type", redundancy.as_str());
    }
    if let Some(backup) = &application.backup_server {
        page.text("backup_server", backup.as_str());
    }
    page.map("ports", |page| {
        for (key, port) in [
            ("default", application.ports.default),
            ("ha_sync", application.ports.ha_sync),
        ] {
            if let Some(port) = port {
                page.value(key, &port.to_string());
            }
        }
    });
    page.map("start_info", |page| {
        start_info(page, &application.start_info)
    });
    page.list("connections", &application.connections);
    health::checks(page, &application.health);
    health::hooks(page, "on_primary", &application.on_primary);
    health::hooks(page, "on_backup", &application.on_backup);
    page.map("options", |page| {
        for (section, options) in &application.options {
            page.keyed(&quoted(section), &section.to_ascii_lowercase(), |page| {
                for (option, value) in options {
                    let line = format!("{}: {}", quoted(option), quoted(value));
                    page.line(&line, &option.to_ascii_lowercase());
                }
            });
        }
    });
}

fn start_info(page: &mut Page<'_>, info: &StartInfo) {
    page.text_if_any("working_directory", &info.working_directory);
    page.text_if_any("command_line", &info.command_line);
    page.list("arguments", &info.arguments);
    page.text_if_any("systemd_unit", &info.systemd_unit);
    page.text_if_any("pid_file", &info.pid_file);
    page.duration("startup_timeout", info.startup_timeout);
    page.duration("shutdown_timeout", info.shutdown_timeout);
    page.value("auto_restart", &info.auto_restart.to_string());
    let success = if info.success_needs_exit_zero {
        "exit-code"
    } else {
        "any-exit"
    };
    page.value("success", success);
    page.map("restart", |page| {
        page.duration("first_delay", info.restart.first_delay);
        page.duration("longest_delay", info.restart.longest_delay);
        page.value("limit", &info.restart.limit.to_string());
        page.duration("within", info.restart.within);
    });
}

fn reaction(page: &mut Page<'_>, reaction: &ReactionType) {
    match reaction {
        ReactionType::StartApplication(name) => page.text("start_application", name.as_str()),
        ReactionType::ShutDownApplication(name) => {
            page.text("shut_down_application", name.as_str());
        }
        ReactionType::RestartReportingApplication => page.value("restart_application", "{}"),
        ReactionType::SendSnmpTrap => page.value("send_snmp_trap", "{}"),
        ReactionType::Switchover(when) => page.map("switchover", |page| {
            page.value(
                "when",
                match when {
                    SwitchoverWhen::Primary => "primary",
                    SwitchoverWhen::Backup => "backup",
                    SwitchoverWhen::Any => "any",
                },
            );
        }),
        ReactionType::OsCommand {
            command_line,
            on_application_host,
        } => page.map("os_command", |page| {
            page.text("command_line", command_line);
            let on = if *on_application_host {
                "application-host"
            } else {
                "scs"
            };
            page.value("on", on);
        }),
        ReactionType::ChangeOption {
            application,
            section,
            option,
            value,
        } => page.map("change_option", |page| {
            if let Some(application) = application {
                page.text("application", application.as_str());
            }
            page.text("section", section);
            page.text("option", option);
            page.text("value", value);
        }),
        ReactionType::SendEmail { to, subject, body } => page.map("send_email", |page| {
            page.list("to", to);
            page.text("subject", subject);
            page.text_if_any("body", body);
        }),
    }
}

fn condition(page: &mut Page<'_>, condition: &&AlarmCondition) {
    page.text_if_any("description", &condition.description);
    page.value("category", &condition.category.to_string());
    page.map("detect", |page| {
        page.value("log_event_id", &condition.detect.to_string());
        match &condition.selection {
            Selection::Any => page.value("selection", "any"),
            Selection::ApplicationType(of) => {
                page.value("selection", "type");
                page.value("type", of.as_str());
            }
            Selection::Application(name) => {
                page.value("selection", "application");
                page.text("application", name.as_str());
            }
        }
    });
    if let Some(cancel) = condition.cancel {
        page.map("cancel", |page| {
            page.value("log_event_id", &cancel.to_string())
        });
    }
    page.duration("cancel_timeout", condition.cancel_timeout);
    page.list("reaction_scripts", &condition.reaction_scripts);
    page.list("clearance_scripts", &condition.clearance_scripts);
    page.value("enabled", &condition.enabled.to_string());
}
