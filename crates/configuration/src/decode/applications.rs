//! Application objects.

use super::health;
use super::pairs::Members;
use super::{Reader, contradiction};
use crate::problem::{Collector, Problem};
use crate::tree::{Entry, Node};
use crate::values;
use changeover_model::environment::{Application, OptionSections, Ports, RestartPolicy, StartInfo};
use changeover_model::{ApplicationType, Redundancy};
use std::time::Duration;

/// An application.
pub(super) fn application(
    entry: &Entry,
    root: &Node,
    members: &Members,
    problems: &mut Collector,
) -> Option<Application> {
    let reader = Reader::of(&entry.value);
    let application_type = ApplicationType::parse(reader.text("type")?)?;
    let membership = members.of(&entry.key);
    let control = members.is_control(&entry.key);
    let start_info = start_info(reader.below("start_info"), membership.is_some(), control);
    let needs_program = matches!(
        application_type,
        ApplicationType::SipServer | ApplicationType::ThirdPartyServer
    );
    let by_systemd = !start_info.systemd_unit.is_empty();
    super::start_info::check(entry, application_type, control, &start_info, problems);
    // Derived control scripts come from `control_scripts`, whose own keys are required.
    let from_pair = control && entry.value.derived.is_some();
    if needs_program && start_info.command_line.is_empty() && !by_systemd && !from_pair {
        problems.push(no_program(entry));
    }
    let written = reader.text("redundancy_type").and_then(Redundancy::parse);
    if let (Some(written), Some(member)) = (written, membership)
        && let Some(of_pair) = member.redundancy
        && of_pair != written
    {
        problems.push(
            contradiction(
                reader.span("redundancy_type"),
                format!("`{}` is {written}, but its pair is {of_pair}", entry.key),
            )
            .help(format!(
                "write redundancy_type: {of_pair}, or change the pair"
            )),
        );
    }
    if membership.is_none() {
        hooks_need_a_pair(entry, reader, problems);
    }
    if control || !needs_program {
        nobody_checks(entry, reader, control, problems);
    }
    let host_address = reader
        .text("host")
        .and_then(|host| root.at(&["hosts", host, "address"]))
        .and_then(|node| values::address(node).ok());
    Some(Application {
        name: entry.key.as_str().into(),
        application_type,
        host: reader.name("host")?,
        switch: reader.name("switch"),
        redundancy: written.or(membership.and_then(|member| member.redundancy)),
        backup_server: reader.name("backup_server"),
        ports: reader
            .below("ports")
            .map_or_else(Ports::default, |ports| Ports {
                default: ports.port("default"),
                ha_sync: ports.port("ha_sync"),
            }),
        start_info,
        connections: reader.names("connections"),
        options: options(reader.node.get("options")),
        health: host_address.map_or_else(Vec::new, |host| {
            health::checks(reader.node.get("health"), host)
        }),
        on_primary: health::hooks(reader.node.get("on_primary")),
        on_backup: health::hooks(reader.node.get("on_backup")),
    })
}

/// Only members of a pair change their run mode.
fn hooks_need_a_pair(entry: &Entry, reader: Reader<'_>, problems: &mut Collector) {
    for key in ["on_primary", "on_backup"] {
        if reader.node.get(key).is_some() {
            problems.push(
                contradiction(
                    reader.span(key),
                    format!("`{}` has {key}, but is no member of a pair", entry.key),
                )
                .label("it never changes its run mode, so this would never run")
                .help("remove it, or write it at the member of a pair"),
            );
        }
    }
}

/// The LCA does not look after these between their starts.
fn nobody_checks(entry: &Entry, reader: Reader<'_>, control: bool, problems: &mut Collector) {
    if reader.node.get("health").is_some() {
        let what = if control {
            "a control script, which ends by itself"
        } else {
            "a central component, which no LCA starts"
        };
        problems.push(
            contradiction(
                reader.span("health"),
                format!("`{}` has health checks, but is {what}", entry.key),
            )
            .help("remove them"),
        );
    }
}

fn no_program(entry: &Entry) -> Problem {
    // A member's program stands in its pair, once for both: one problem there.
    if let Some(pair) = &entry.value.derived {
        let start_info = entry
            .value
            .get("start_info")
            .map_or(entry.key_span, |node| node.span);
        return Problem::new(
            "missing-key",
            start_info,
            format!("{pair}.server.start_info has no `command_line`"),
        )
        .label("neither server could be started")
        .help("write command_line: with the program, or for a ThirdPartyServer systemd_unit: with its unit");
    }
    Problem::new(
        "missing-key",
        entry.key_span,
        format!("{} has no `start_info.command_line`", entry.key),
    )
    .label("nothing could be started")
    .help("write start_info: {command_line: …}")
}

fn start_info(reader: Option<Reader<'_>>, member: bool, control: bool) -> StartInfo {
    let default = StartInfo {
        auto_restart: member,
        startup_timeout: Duration::from_secs(if control { 8 } else { 90 }),
        ..StartInfo::default()
    };
    let Some(reader) = reader else {
        return default;
    };
    StartInfo {
        working_directory: reader.owned("working_directory"),
        command_line: reader.owned("command_line"),
        arguments: reader.texts("arguments"),
        startup_timeout: reader.duration("startup_timeout", default.startup_timeout),
        shutdown_timeout: reader.duration("shutdown_timeout", default.shutdown_timeout),
        auto_restart: reader
            .boolean("auto_restart")
            .unwrap_or(default.auto_restart),
        restart: reader
            .below("restart")
            .map_or(default.restart, |restart| RestartPolicy {
                first_delay: restart.duration("first_delay", default.restart.first_delay),
                longest_delay: restart.duration("longest_delay", default.restart.longest_delay),
                limit: restart.count("limit", default.restart.limit),
                within: restart.duration("within", default.restart.within),
            }),
        success_needs_exit_zero: reader.text("success") != Some("any-exit"),
        systemd_unit: reader.owned("systemd_unit"),
        pid_file: reader.owned("pid_file"),
    }
}

fn options(node: Option<&Node>) -> OptionSections {
    node.map_or(&[][..], Node::entries)
        .iter()
        .map(|section| {
            let options = section
                .value
                .entries()
                .iter()
                .filter_map(|option| {
                    let value = values::option_value(&option.value).ok()?;
                    Some((option.key.clone(), value))
                })
                .collect();
            (section.key.clone(), options)
        })
        .collect()
}
