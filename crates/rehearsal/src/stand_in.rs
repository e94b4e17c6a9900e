//! Owns what a rehearsal starts in the place of a site's own Third Party Servers: the SIP responder of this release,
//! where the program itself cannot run. On the emulated network no foreign program can reach the site's addresses, and
//! a network namespace has no systemd. It is said in every report, never done silently.

use crate::arguments::NetworkKind;
use crate::plan::SiteEnvironment;
use crate::trouble::Trouble;
use crate::workflows::USERS;
use changeover_configuration::show;
use changeover_model::environment::{Application, Environment, Pair, StartedBy};
use changeover_model::{ApplicationName, Redundancy};
use std::path::Path;

/// Program name that stands for the SIP Server of this release.
const OWN_SERVER: &str = "sip-server";

/// Why a member's own program is not started here; `None` = it is.
pub(crate) fn why(network: NetworkKind, member: &Application) -> Option<&'static str> {
    let info = &member.start_info;
    if member.is_managed() || (info.command_line == OWN_SERVER && info.pid_file.is_empty()) {
        return None;
    }
    match (network, info.started_by()) {
        (NetworkKind::Loopback, _) => Some("a foreign program cannot reach the emulated network"),
        (NetworkKind::Netns, StartedBy::SystemdUnit(_)) => Some("a rehearsed host has no systemd"),
        (NetworkKind::Netns, StartedBy::CommandLine | StartedBy::PidFile(_)) => None,
    }
}

/// The port on which a server is probed: `TServer` / `sip-port`, else its default port, else that of SIP.
pub(crate) fn sip_port(server: &Application) -> u16 {
    let written = server
        .option("TServer", "sip-port")
        .and_then(|port| port.trim().parse().ok());
    let own = server.ports.default.filter(|_| !server.is_managed());
    written.or(own).unwrap_or(5060)
}

/// Puts the stand-ins in, and writes the environment that components are given into the run's folder.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn put_in(
    site: &mut SiteEnvironment,
    network: NetworkKind,
    folder: &Path,
) -> Result<(), Trouble> {
    let environment = &mut site.loaded.environment;
    let pairs: Vec<Pair> = environment.pairs.values().cloned().collect();
    let mut said = Vec::new();
    for pair in &pairs {
        for (_, name, _) in pair.members() {
            let Some(member) = environment.applications.get_mut(name) else {
                continue;
            };
            let Some(why) = why(network, member) else {
                continue;
            };
            let port = sip_port(member);
            let info = &mut member.start_info;
            let own = if info.systemd_unit.is_empty() {
                info.command_line.clone()
            } else {
                info.systemd_unit.clone()
            };
            info.systemd_unit.clear();
            info.pid_file.clear();
            info.working_directory.clear();
            OWN_SERVER.clone_into(&mut info.command_line);
            info.arguments = pair
                .virtual_ips
                .iter()
                .flat_map(|vip| {
                    let at = std::net::SocketAddr::new(vip.address, port);
                    ["--answer".to_owned(), at.to_string()]
                })
                .collect();
            site.stand_ins.push(name.clone());
            said.push(format!("{name} ({own}: {why})"));
        }
    }
    let added = add_endpoints(environment, &pairs);
    if said.is_empty() && added.is_empty() {
        return Ok(());
    }
    site.keep_working_directories();
    let config = folder.join("rehearsed.yaml");
    std::fs::write(&config, show(&site.loaded)).map_err(Trouble::file("write", &config))?;
    site.config = config;
    if !said.is_empty() {
        site.control.push_str(&format!(
            "; the built-in SIP responder stands in for {}",
            said.join(" and ")
        ));
    }
    for switch in added {
        site.control.push_str(&format!(
            "; {switch} has three DNs more, for the built-in endpoints"
        ));
    }
    Ok(())
}

/// A Switch with DNs serves only them: the endpoints of the acceptance tests are added to those of hot pairs.
fn add_endpoints(environment: &mut Environment, pairs: &[Pair]) -> Vec<String> {
    let mut added = Vec::new();
    for pair in pairs
        .iter()
        .filter(|pair| pair.redundancy == Redundancy::Hot)
    {
        let switch = environment
            .applications
            .get(&pair.primary)
            .filter(|member| member.is_managed())
            .and_then(|member| member.switch.clone());
        let Some((name, switch)) =
            switch.and_then(|name| Some((name.clone(), environment.switches.get_mut(&name)?)))
        else {
            continue;
        };
        if switch.dns.is_empty() || USERS.iter().all(|user| switch.dns.contains_key(*user)) {
            continue;
        }
        for user in USERS {
            switch.dns.entry(user.to_owned()).or_default();
        }
        added.push(name.to_string());
    }
    added
}

impl SiteEnvironment {
    /// True if answers of this application carry its name: of a foreign program nobody knows what they carry.
    pub(crate) fn is_named(&self, application: &ApplicationName) -> bool {
        let environment = self.environment();
        environment
            .applications
            .get(application)
            .is_some_and(|server| {
                server.is_managed()
                    || self.stand_ins.contains(application)
                    || server.start_info.command_line == OWN_SERVER
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use changeover_configuration::load;

    const SITE: &str = include_str!("../../../deploy/examples/third-party.yaml");

    fn site(text: &str) -> SiteEnvironment {
        SiteEnvironment {
            loaded: load("site.yaml", text).unwrap_or_else(|problems| panic!("{problems}")),
            config: "site.yaml".into(),
            home: "/".into(),
            control: "vipctl".to_owned(),
            stand_ins: Vec::new(),
        }
    }

    fn members(site: &SiteEnvironment) -> Vec<(String, Vec<String>)> {
        let members = &site.environment().applications;
        let shown = |name: &str| {
            let info = &members[name].start_info;
            (
                format!("{}{}", info.command_line, info.systemd_unit),
                info.arguments.clone(),
            )
        };
        vec![shown("KAM_A"), shown("KAM_B")]
    }

    #[test]
    fn a_unit_is_played_by_the_responder_on_both_networks_and_the_report_says_so() {
        for network in [NetworkKind::Loopback, NetworkKind::Netns] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let mut site = site(SITE);
            put_in(&mut site, network, folder.path()).expect("the folder is ours");
            let (program, arguments) = &members(&site)[0];
            assert_eq!(program, "sip-server");
            assert_eq!(arguments[..2], ["--answer", "203.0.113.10:5060"]);
            assert!(
                site.control
                    .contains("stands in for KAM_A (kamailio.service: "),
                "{}",
                site.control
            );
            let written = std::fs::read_to_string(&site.config).expect("it was written");
            let again = load("rehearsed.yaml", &written).expect("what show prints can be read");
            assert_eq!(again.environment, site.loaded.environment);
        }
    }

    #[test]
    fn where_endpoints_are_added_the_scripts_are_still_found_beside_the_sites_own_file() {
        let text = include_str!("../../../deploy/examples/linux-two-nics.yaml").replace(
            "control_scripts: builtin",
            "control_scripts: {working_directory: scripts, enable: {command_line: ./up}, disable: {command_line: ./down}}",
        );
        let text = format!(
            "{text}\napplications: {{SIP_SERVER_BACKUP_VIP_UP: {{start_info: {{working_directory: 'D:\\scripts'}}}}}}\n"
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut site = site(&text);
        site.home = "/etc/changeover".into();
        put_in(&mut site, NetworkKind::Loopback, folder.path()).expect("the folder is ours");
        assert_eq!(site.config, folder.path().join("rehearsed.yaml"));
        let folder_of = |name: &str| {
            &site.environment().applications[name]
                .start_info
                .working_directory
        };
        assert_eq!(
            folder_of("SIP_SERVER_PRIMARY_VIP_UP"),
            "/etc/changeover/scripts"
        );
        assert_eq!(folder_of("SIP_SERVER_BACKUP_VIP_UP"), "D:\\scripts");
        assert_eq!(folder_of("SIP_SERVER_PRIMARY"), "", "none stays none");
    }

    #[test]
    fn a_command_of_the_site_is_itself_where_it_can_reach_its_network() {
        let text = SITE.replace(
            "systemd_unit: kamailio.service",
            "command_line: /usr/sbin/kamailio",
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut netns = site(&text);
        put_in(&mut netns, NetworkKind::Netns, folder.path()).expect("nothing to write");
        assert_eq!(members(&netns)[0].0, "/usr/sbin/kamailio");
        assert!(!netns.is_named(&"KAM_A".into()));
        let mut loopback = site(&text);
        put_in(&mut loopback, NetworkKind::Loopback, folder.path()).expect("the folder is ours");
        assert_eq!(members(&loopback)[0].0, "sip-server");
        assert!(loopback.is_named(&"KAM_A".into()));
    }
}
