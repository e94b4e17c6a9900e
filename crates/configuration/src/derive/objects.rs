//! The objects of one pair, under the guide's names and in the order of the guide's tables.
//!
//! Owns the content of derived objects; where they go and what overrides them stands in [`crate::derive`].

use super::{Derived, Maker, refuse_unused};
use crate::keys::{Kind as KeyKind, Scalar};
use crate::merge::merge;
use crate::problem::{Collector, Problem};
use crate::tree::{Entry, Kind, Node};
use std::sync::Arc;

/// Startup timeout of a control script unless written (BEHAVIOUR, Outcome).
const CONTROL_SCRIPT_TIMEOUT: &str = "8s";
/// Cancel timeout of the HA conditions: the guide's 1, in hours.
const CANCEL_TIMEOUT: &str = "1h";

/// A member as the pair names it.
struct Member<'f> {
    application: &'f Node,
    name: &'f str,
    host: &'f Node,
}

impl Member<'_> {
    /// The name in scripts and conditions: without a leading `SIP_SERVER_`.
    fn short(&self) -> &str {
        self.name
            .strip_prefix("SIP_SERVER_")
            .filter(|short| !short.is_empty())
            .unwrap_or(self.name)
    }

    fn vip_application(&self, action: &str) -> String {
        format!("{}_VIP_{action}", self.name)
    }

    fn vip_script(&self, action: &str) -> String {
        format!("AR_SCRIPT_{}_VIP_{action}", self.short())
    }
}

/// What the derivation reads of a pair.
pub(super) struct PairSource<'f> {
    node: &'f Node,
    primary: Member<'f>,
    backup: Member<'f>,
    hot: bool,
    takeover: &'f str,
    sip_server: bool,
    message_server: &'f str,
    make: Maker,
}

impl<'f> PairSource<'f> {
    /// `None` if the pair lacks what every derivation needs.
    pub(super) fn read(entry: &'f Entry, message_server: &'f str) -> Option<Self> {
        let node = &entry.value;
        let member = |key: &str| {
            let application = node.at(&[key, "application"])?;
            Some(Member {
                application,
                name: application.text()?,
                host: node.at(&[key, "host"])?,
            })
        };
        let server_type = node.at(&["server", "type"]).and_then(Node::text);
        Some(Self {
            node,
            primary: member("primary")?,
            backup: member("backup")?,
            // Without a readable one the file is refused anyway; either way derivation shows what else is wrong.
            hot: node.get("redundancy_type").and_then(Node::text) != Some("warm"),
            takeover: node
                .get("takeover")
                .and_then(Node::text)
                .unwrap_or("ip_address"),
            sip_server: server_type != Some("ThirdPartyServer"),
            message_server,
            make: Maker {
                from: Arc::from(format!("pairs.{}", entry.key)),
                span: entry.key_span,
            },
        })
    }

    /// Names of the two members.
    pub(super) fn member_names(&self) -> [&'f str; 2] {
        [self.primary.name, self.backup.name]
    }

    /// True if scripts move the VIP.
    pub(super) fn has_control(&self) -> bool {
        matches!(self.takeover, "ip_address" | "windows_nlb")
    }

    /// The parts that this takeover needs are there, and no others.
    pub(super) fn check_parts(&self, problems: &mut Collector) {
        let missing = |key: &str, why: &str, help: &str| {
            Problem::new(
                "missing-key",
                self.make.span,
                format!("{} has no `{key}`", self.make.from),
            )
            .label(why)
            .help(help)
        };
        if self.node.get("server").is_none() {
            problems.push(missing(
                "server",
                "both applications are derived from it",
                "write server: {type: SIPServer, start_info: {command_line: …}}, or derive: off and the objects by hand",
            ));
        }
        if self.has_control() {
            if self
                .node
                .get("virtual_ips")
                .is_none_or(|vips| vips.items().is_empty())
            {
                problems.push(missing(
                    "virtual_ips",
                    "this takeover moves at least one",
                    "write virtual_ips: [{address: 10.10.11.103/24, interface: eth0}]",
                ));
            }
            if self.node.get("control_scripts").is_none() {
                problems.push(missing(
                    "control_scripts",
                    "nothing would move the VIP",
                    "write control_scripts: builtin, or name the two scripts under enable and disable",
                ));
            }
        } else {
            let why = format!("takeover `{}` runs no control scripts", self.takeover);
            let fix = "remove it, or write takeover: ip_address";
            refuse_unused(self.node, "control_scripts", &why, fix, problems);
        }
        if self.takeover == "single_host" {
            refuse_unused(
                self.node,
                "virtual_ips",
                "a single-host pair has no VIP",
                "remove it, or use another takeover",
                problems,
            );
        }
        for vip in self.node.get("virtual_ips").map_or(&[][..], Node::items) {
            refuse_unused(
                vip,
                "control",
                "it is derived",
                "remove it, or write derive: off and every object by hand",
                problems,
            );
        }
    }

    /// The two members.
    pub(super) fn applications(&self, derived: &mut Derived, problems: &mut Collector) {
        for (member, backup_server) in [(&self.primary, Some(&self.backup)), (&self.backup, None)] {
            let value = self.application(member, backup_server);
            let span = member.application.span;
            Derived::add(
                &mut derived.applications,
                "application",
                member.name,
                value,
                span,
                problems,
            );
        }
    }

    fn application(&self, member: &Member<'_>, backup_server: Option<&Member<'_>>) -> Node {
        let make = &self.make;
        let server = self.node.get("server");
        let mut fields = Vec::new();
        let mut copied = |key: &str| {
            if let Some(value) = server.and_then(|server| server.get(key)) {
                fields.push(make.entry(key, make.copy(value)));
            }
        };
        copied("type");
        copied("switch");
        copied("ports");
        copied("health");
        copied("on_primary");
        copied("on_backup");
        fields.push(make.entry("host", make.copy(member.host)));
        if let Some(redundancy) = self.node.get("redundancy_type") {
            fields.push(make.entry("redundancy_type", make.copy(redundancy)));
        }
        if let Some(backup) = backup_server {
            fields.push(make.entry("backup_server", make.copy(backup.application)));
        }
        let start_info = make.map(vec![make.entry("auto_restart", make.text("true"))]);
        let start_info = self.over(start_info, &["server", "start_info"], &START_INFO);
        fields.push(make.entry("start_info", start_info));
        let connections = self.over(
            make.list(&[self.message_server]),
            &["server", "connections"],
            &LIST,
        );
        fields.push(make.entry("connections", connections));
        let options = self.over(self.options(), &["server", "options"], &KeyKind::Options);
        fields.push(make.entry("options", options));
        make.map(fields)
    }

    /// A derived default with the pair's own words over it, all marked as derived for the application.
    fn over(&self, base: Node, path: &[&str], kind: &KeyKind) -> Node {
        match self.node.at(path) {
            Some(written) => merge(base, &self.make.copy(written), kind),
            None => base,
        }
    }

    fn options(&self) -> Node {
        let make = &self.make;
        if !self.sip_server {
            return make.map(Vec::new());
        }
        let mut sections = Vec::new();
        let first_vip = self
            .node
            .get("virtual_ips")
            .and_then(|vips| vips.items().first())
            .and_then(|vip| vip.get("address"));
        if let Some(address) = first_vip {
            let text = address.text().unwrap_or_default();
            let mut sip_address = make.text(text.split('/').next().unwrap_or(text));
            sip_address.span = address.span;
            let mut server = vec![make.entry("sip-address", sip_address)];
            if self.takeover == "network_device"
                && let Some(device) = self.node.at(&["network_device", "address"])
            {
                server.push(make.entry("network-device", make.copy(device)));
            }
            sections.push(make.entry("TServer", make.map(server)));
        }
        sections.push(make.entry(
            "log",
            make.map(vec![
                make.entry("verbose", make.text("all")),
                make.entry("standard", make.text("network")),
            ]),
        ));
        make.map(sections)
    }

    /// The four Third Party Servers.
    pub(super) fn control_scripts(&self, derived: &mut Derived, problems: &mut Collector) {
        for member in [&self.primary, &self.backup] {
            for (action, key) in [("UP", "enable"), ("DOWN", "disable")] {
                let make = &self.make;
                let value = make.map(vec![
                    make.entry("type", make.text("ThirdPartyServer")),
                    make.entry("host", make.copy(member.host)),
                    make.entry("start_info", self.control_start_info(key)),
                ]);
                let name = member.vip_application(action);
                let span = member.application.span;
                Derived::add(
                    &mut derived.applications,
                    "application",
                    &name,
                    value,
                    span,
                    problems,
                );
            }
        }
    }

    fn control_start_info(&self, key: &str) -> Node {
        let make = &self.make;
        let timeout = make.entry("startup_timeout", make.text(CONTROL_SCRIPT_TIMEOUT));
        let Some(scripts) = self.node.get("control_scripts") else {
            return make.map(vec![timeout]);
        };
        if scripts.text().is_some() {
            let argument = if key == "enable" { "up" } else { "down" };
            return make.map(vec![
                make.entry("command_line", make.text("vipctl")),
                make.entry("arguments", make.list(&[argument])),
                timeout,
            ]);
        }
        let mut fields = vec![timeout];
        if let Some(directory) = scripts.get("working_directory") {
            fields.push(make.entry("working_directory", make.copy(directory)));
        }
        let base = make.map(fields);
        match scripts.get(key) {
            Some(script) => merge(base, &make.copy(script), &START_INFO),
            None => base,
        }
    }

    /// The four Scripts.
    pub(super) fn scripts(&self, derived: &mut Derived, problems: &mut Collector) {
        let make = &self.make;
        for member in [&self.primary, &self.backup] {
            for action in ["UP", "DOWN"] {
                let application = make.text(&member.vip_application(action));
                let reaction = make.map(vec![make.entry("start_application", application)]);
                let value = make.map(vec![
                    make.entry("type", make.text("alarm_reaction")),
                    make.entry("reaction", reaction),
                ]);
                let name = member.vip_script(action);
                let span = member.application.span;
                Derived::add(&mut derived.scripts, "script", &name, value, span, problems);
            }
        }
    }

    /// Log event IDs of (became backup, became primary), with what they say.
    fn events(&self) -> [(&'static str, &'static str); 2] {
        match (self.sip_server, self.hot) {
            (false, _) => [("5151", "Now Backup"), ("5150", "Now Primary")],
            (true, true) => [
                ("4561", "Hot Standby (backup) mode activated"),
                ("4563", "Hot Standby (Primary) mode activated"),
            ],
            (true, false) => [
                ("4560", "Warm Standby (backup) mode activated"),
                ("4562", "Warm Standby (Primary) mode activated"),
            ],
        }
    }

    /// The four Alarm Conditions.
    pub(super) fn conditions(&self, derived: &mut Derived, problems: &mut Collector) {
        let [(backup_event, backup_text), (primary_event, primary_text)] = self.events();
        for (member, peer) in [(&self.primary, &self.backup), (&self.backup, &self.primary)] {
            let name = format!("ALRM_{}_{backup_event}_HABackup", member.short());
            let reactions = vec![member.vip_script("DOWN")];
            self.condition(
                derived,
                member,
                &name,
                backup_event,
                backup_text,
                &reactions,
                problems,
            );
            let name = format!("ALRM_{}_{primary_event}_HAPrimary", member.short());
            let reactions = self.became_primary(member, peer);
            self.condition(
                derived,
                member,
                &name,
                primary_event,
                primary_text,
                &reactions,
                problems,
            );
        }
    }

    /// The reactions to "became primary", in the order of the guide's tables: the hot table lists the primary's
    /// row the other way round than the warm one does (FACTS 6).
    fn became_primary(&self, member: &Member<'_>, peer: &Member<'_>) -> Vec<String> {
        let up = member.vip_script("UP");
        let down = peer.vip_script("DOWN");
        if self.takeover == "windows_nlb" {
            vec![up]
        } else if self.sip_server && self.hot && member.name == self.primary.name {
            vec![down, up]
        } else {
            vec![up, down]
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one row of the guide's table, column by column"
    )]
    fn condition(
        &self,
        derived: &mut Derived,
        member: &Member<'_>,
        name: &str,
        event: &str,
        text: &str,
        reactions: &[String],
        problems: &mut Collector,
    ) {
        let make = &self.make;
        let detect = make.map(vec![
            make.entry("log_event_id", make.text(event)),
            make.entry("selection", make.text("application")),
            make.entry("application", make.copy(member.application)),
        ]);
        let reactions: Vec<&str> = reactions.iter().map(String::as_str).collect();
        let value = make.map(vec![
            make.entry("description", make.text(text)),
            make.entry("category", make.text("Critical")),
            make.entry("detect", detect),
            make.entry("cancel_timeout", make.text(CANCEL_TIMEOUT)),
            make.entry("reaction_scripts", make.list(&reactions)),
        ]);
        let span = member.application.span;
        Derived::add(
            &mut derived.conditions,
            "alarm condition",
            name,
            value,
            span,
            problems,
        );
    }

    /// The pair with `control` filled in at each VIP.
    pub(super) fn with_control(&self, entry: &Entry) -> Entry {
        let mut entry = entry.clone();
        if !self.has_control() {
            return entry;
        }
        let make = &self.make;
        let control = [&self.primary, &self.backup]
            .map(|member| Entry {
                key: member.host.text().unwrap_or_default().to_owned(),
                key_span: member.host.span,
                value: make.map(vec![
                    make.entry("enable", make.text(&member.vip_application("UP"))),
                    make.entry("disable", make.text(&member.vip_application("DOWN"))),
                ]),
            })
            .to_vec();
        let Kind::Map(fields) = &mut entry.value.kind else {
            return entry;
        };
        let vips = fields
            .iter_mut()
            .find(|field| field.key == "virtual_ips")
            .map(|field| &mut field.value.kind);
        if let Some(Kind::List(vips)) = vips {
            for vip in vips {
                if let Kind::Map(fields) = &mut vip.kind {
                    fields.retain(|field| field.key != "control");
                    fields.push(make.entry("control", make.map(control.clone())));
                }
            }
        }
        entry
    }
}

static START_INFO: KeyKind = KeyKind::Object(&crate::keys::START_INFO);
static LIST: KeyKind = KeyKind::List(&KeyKind::One(Scalar::Text));
