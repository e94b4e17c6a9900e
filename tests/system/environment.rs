//! Owns the text of the test sites' environment file and of their control scripts. What is not said is as in the
//! built-in site, with a short detection bound so that losses are seen within a test.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The Virtual IP of every test site.
pub(crate) const VIP: &str = "10.10.11.103";
/// The script that brings it up, as a site would write it.
pub(crate) const GOOD_UP: &str = "ifconfig eth0:1 10.10.11.103 netmask 255.255.255.0 up";
/// The script that takes it down.
pub(crate) const GOOD_DOWN: &str = "ifconfig eth0:1 down";

/// What a test changes about its site.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    /// Entries of the pair's `policy`, comma separated.
    pub(crate) policy: String,
    /// Keys added to `server`, whole lines.
    pub(crate) server: String,
    /// Entries added to `start_info` of both servers, comma separated.
    pub(crate) start_info: String,
    /// `startup_timeout` of the control scripts; 2s when empty.
    pub(crate) script_timeout: String,
    /// Text at the end of the file: more objects.
    pub(crate) more: String,
    /// Components are started with `--metrics`, each at a port of its own.
    pub(crate) metrics: bool,
}

/// The environment file of a site in `folder`.
pub(crate) fn text(folder: &Path, wishes: &Wishes) -> String {
    let comma = |text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!(", {text}")
        }
    };
    let start_info = comma(&wishes.start_info);
    let policy = &wishes.policy;
    let timeout = if wishes.script_timeout.is_empty() {
        "2s"
    } else {
        &wishes.script_timeout
    };
    let addp = "lca_restart_timeout: 1s, addp: {addp-timeout: 500ms, addp-remote-timeout: 500ms}";
    let scripts = folder.join("scripts");
    let (scripts, home) = (scripts.display(), folder.display());
    let (more, server) = (&wishes.more, &wishes.server);
    format!(
        r#"version: 1
environment: system-test

management_layer:
  solution_control_server: {{host: mgmt1, port: 7770}}
  message_server: {{name: MessageServer, host: mgmt1, port: 7120}}

hosts:
  mgmt1: {{os: linux, address: 10.10.11.110}}
  host1: {{os: linux, address: 10.10.11.101, {addp}}}
  host2: {{os: linux, address: 10.10.11.102, {addp}}}

switches:
  SIP_Switch: {{}}

pairs:
  SIP_EAST:
    redundancy_type: hot
    takeover: ip_address
    primary: {{application: SIP_SERVER_PRIMARY, host: host1}}
    backup: {{application: SIP_SERVER_BACKUP, host: host2}}
    virtual_ips:
      - {{address: 10.10.11.103/24, interface: eth0, label: "eth0:1"}}
    control_scripts:
      working_directory: "{scripts}"
      enable: {{command_line: ./set_ip_up.sh, startup_timeout: {timeout}}}
      disable: {{command_line: ./set_ip_down.sh, startup_timeout: {timeout}}}
    server:
      type: SIPServer
      switch: SIP_Switch
      ports: {{default: 5070, ha_sync: 5071}}
      start_info: {{working_directory: "{home}", command_line: sip-server, startup_timeout: 20s, shutdown_timeout: 5s{start_info}}}
      connections: [MessageServer]
{server}      options:
        TServer: {{sip-port: 5060}}
    policy: {{{policy}}}
{more}"#
    )
}

/// Writes one control script. It is replaced at once, never half written, so that a running one is not disturbed.
pub(crate) fn write_script(folder: &Path, name: &str, body: &str) {
    let scripts = folder.join("scripts");
    std::fs::create_dir_all(&scripts).expect("the folder is ours");
    let path = scripts.join(format!("{name}.new"));
    std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("the folder is ours");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
        .expect("the file is ours");
    std::fs::rename(&path, scripts.join(name)).expect("the folder is ours");
}

/// Writes both scripts as a site should.
pub(crate) fn write_good_scripts(folder: &Path) {
    write_script(folder, "set_ip_up.sh", GOOD_UP);
    write_script(folder, "set_ip_down.sh", GOOD_DOWN);
}
