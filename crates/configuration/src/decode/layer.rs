//! The Management Layer and hosts.

use super::{Reader, contradiction};
use crate::derive::MESSAGE_SERVER;
use crate::problem::Collector;
use crate::tree::{Entry, Node};
use crate::values;
use changeover_model::OperatingSystem;
use changeover_model::environment::{Addp, Host, ManagementLayer, Smtp, Snmp};
use std::time::Duration;

/// `management_layer`.
pub(super) fn management_layer(root: &Node, problems: &mut Collector) -> Option<ManagementLayer> {
    let layer = Reader::of(root.get("management_layer")?);
    let scs = layer.below("solution_control_server")?;
    let server = layer.below("message_server")?;
    let name = server.text("name").unwrap_or(MESSAGE_SERVER);
    if name == crate::derive::SCS_APPLICATION {
        problems.push(
            contradiction(
                server.span("name"),
                format!("`{name}` is the name of the SCS's own application"),
            )
            .help("give the Message Server another name, such as MessageServer"),
        );
    }
    for (application, expected) in [
        (crate::derive::SCS_APPLICATION, "SolutionControlServer"),
        (name, "MessageServer"),
    ] {
        let found = root.at(&["applications", application, "type"]);
        if let Some(found) = found.filter(|node| node.text() != Some(expected)) {
            problems.push(
                contradiction(
                    found.span,
                    format!(
                        "`{application}` is the {expected} of management_layer, not a {}",
                        found.text().unwrap_or_default()
                    ),
                )
                .help(format!(
                    "write type: {expected}, or give this application another name"
                )),
            );
        }
    }
    Some(ManagementLayer {
        scs_host: scs.name("host")?,
        scs_port: scs.port("port").unwrap_or(7770),
        message_server: name.into(),
        message_server_host: server.name("host")?,
        message_server_port: server.port("port").unwrap_or(7120),
        log_keep: server.duration("log_keep", Duration::from_secs(30 * 86_400)),
        log_size: server
            .node
            .get("log_size")
            .and_then(|node| values::size(node).ok())
            .unwrap_or(1 << 30),
        smtp: layer.below("smtp").and_then(|smtp| {
            Some(Smtp {
                server: smtp.text("server")?.to_owned(),
                from: smtp.text("from")?.to_owned(),
            })
        }),
        snmp: layer.below("snmp").and_then(|snmp| {
            Some(Snmp {
                target: snmp.text("target")?.to_owned(),
                community: snmp.text("community").unwrap_or("public").to_owned(),
            })
        }),
    })
}

/// A host.
pub(super) fn host(entry: &Entry) -> Option<Host> {
    let host = Reader::of(&entry.value);
    let addp = |key: &str| {
        host.node
            .at(&["addp", key])
            .and_then(|node| values::option_duration(node).ok())
    };
    let default = Addp::default();
    Some(Host {
        name: entry.key.as_str().into(),
        os: OperatingSystem::parse(host.text("os")?)?,
        address: values::address(host.node.get("address")?).ok()?,
        lca_port: host.port("lca_port").unwrap_or(4999),
        addp: Addp {
            timeout: addp("addp-timeout").unwrap_or(default.timeout),
            remote_timeout: addp("addp-remote-timeout").unwrap_or(default.remote_timeout),
        },
        disconnect_switchover_timeout: host
            .duration("disconnect_switchover_timeout", Duration::ZERO),
        lca_restart_timeout: host.duration("lca_restart_timeout", Duration::from_secs(5)),
    })
}
