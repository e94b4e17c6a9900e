//! What a pair derives, and what the operator's own words do to it.

use changeover_configuration::{Loaded, load, show};
use changeover_model::environment::{Environment, ReactionType, Selection};
use changeover_model::{
    ApplicationType, LogEventId, NlbAffinity, NlbFiltering, NlbMode, NlbProtocol, NlbState,
    ScriptAction,
};
use std::time::Duration;

const HOT: &str = include_str!("../../../deploy/examples/linux-hot.yaml");

fn loaded(text: &str) -> Loaded {
    load("site.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn environment(text: &str) -> Environment {
    loaded(text).environment
}

/// "condition: event of application -> scripts", in file order.
fn conditions(environment: &Environment) -> Vec<String> {
    environment
        .alarm_conditions
        .values()
        .map(|condition| {
            let Selection::Application(application) = &condition.selection else {
                panic!("{} is not selected by application", condition.name);
            };
            let scripts: Vec<&str> = condition
                .reaction_scripts
                .iter()
                .map(|script| script.as_str().trim_start_matches("AR_SCRIPT_"))
                .collect();
            format!(
                "{}: {} of {application} -> {}",
                condition.name,
                condition.detect,
                scripts.join(", ")
            )
        })
        .collect()
}

#[test]
fn hot_standby_gives_the_guides_conditions_with_its_reactions_in_its_order() {
    assert_eq!(
        conditions(&environment(HOT)),
        [
            "ALRM_PRIMARY_4561_HABackup: 4561 of SIP_SERVER_PRIMARY -> PRIMARY_VIP_DOWN",
            "ALRM_PRIMARY_4563_HAPrimary: 4563 of SIP_SERVER_PRIMARY -> BACKUP_VIP_DOWN, PRIMARY_VIP_UP",
            "ALRM_BACKUP_4561_HABackup: 4561 of SIP_SERVER_BACKUP -> BACKUP_VIP_DOWN",
            "ALRM_BACKUP_4563_HAPrimary: 4563 of SIP_SERVER_BACKUP -> BACKUP_VIP_UP, PRIMARY_VIP_DOWN",
        ]
    );
}

#[test]
fn warm_standby_lists_the_primarys_row_the_other_way_round() {
    assert_eq!(
        conditions(&environment(
            &HOT.replace("redundancy_type: hot", "redundancy_type: warm")
        )),
        [
            "ALRM_PRIMARY_4560_HABackup: 4560 of SIP_SERVER_PRIMARY -> PRIMARY_VIP_DOWN",
            "ALRM_PRIMARY_4562_HAPrimary: 4562 of SIP_SERVER_PRIMARY -> PRIMARY_VIP_UP, BACKUP_VIP_DOWN",
            "ALRM_BACKUP_4560_HABackup: 4560 of SIP_SERVER_BACKUP -> BACKUP_VIP_DOWN",
            "ALRM_BACKUP_4562_HAPrimary: 4562 of SIP_SERVER_BACKUP -> BACKUP_VIP_UP, PRIMARY_VIP_DOWN",
        ]
    );
}

#[test]
fn a_windows_nlb_pair_only_enables_when_a_member_becomes_primary() {
    let text = HOT.replace("takeover: ip_address", "takeover: windows_nlb");
    assert_eq!(
        conditions(&environment(&text)),
        [
            "ALRM_PRIMARY_4561_HABackup: 4561 of SIP_SERVER_PRIMARY -> PRIMARY_VIP_DOWN",
            "ALRM_PRIMARY_4563_HAPrimary: 4563 of SIP_SERVER_PRIMARY -> PRIMARY_VIP_UP",
            "ALRM_BACKUP_4561_HABackup: 4561 of SIP_SERVER_BACKUP -> BACKUP_VIP_DOWN",
            "ALRM_BACKUP_4563_HAPrimary: 4563 of SIP_SERVER_BACKUP -> BACKUP_VIP_UP",
        ]
    );
}

#[test]
fn third_party_members_are_followed_by_the_events_of_the_scs() {
    let text = HOT
        .replace("type: SIPServer", "type: ThirdPartyServer")
        .replace("SIP_SERVER_PRIMARY", "KAM_A")
        .replace("SIP_SERVER_BACKUP", "KAM_B");
    let environment = environment(&text);
    assert_eq!(
        conditions(&environment),
        [
            "ALRM_KAM_A_5151_HABackup: 5151 of KAM_A -> KAM_A_VIP_DOWN",
            "ALRM_KAM_A_5150_HAPrimary: 5150 of KAM_A -> KAM_A_VIP_UP, KAM_B_VIP_DOWN",
            "ALRM_KAM_B_5151_HABackup: 5151 of KAM_B -> KAM_B_VIP_DOWN",
            "ALRM_KAM_B_5150_HAPrimary: 5150 of KAM_B -> KAM_B_VIP_UP, KAM_A_VIP_DOWN",
        ]
    );
    assert_eq!(
        environment.applications["KAM_A"].option("log", "standard"),
        None
    );
}

#[test]
fn both_servers_get_what_the_guide_has_one_write_by_hand() {
    let environment = environment(HOT);
    for name in ["SIP_SERVER_PRIMARY", "SIP_SERVER_BACKUP"] {
        let server = &environment.applications[name];
        assert_eq!(
            server.option("TServer", "sip-address"),
            Some("10.10.11.103")
        );
        assert_eq!(server.option("log", "verbose"), Some("all"));
        assert_eq!(server.option("log", "standard"), Some("network"));
        assert_eq!(server.connections, ["MessageServer".into()]);
        assert!(server.start_info.auto_restart);
    }
    let backup_server = |name: &str| environment.applications[name].backup_server.clone();
    assert_eq!(
        backup_server("SIP_SERVER_PRIMARY"),
        Some("SIP_SERVER_BACKUP".into())
    );
    assert_eq!(backup_server("SIP_SERVER_BACKUP"), None);
    for condition in environment.alarm_conditions.values() {
        assert_eq!(condition.cancel_timeout, Duration::from_secs(3600));
        assert_eq!(condition.category.to_string(), "Critical");
    }
}

#[test]
fn the_four_control_scripts_run_on_their_hosts_with_eight_seconds() {
    let environment = environment(HOT);
    for (name, host, action, program) in [
        (
            "SIP_SERVER_PRIMARY_VIP_UP",
            "host1",
            ScriptAction::Enable,
            "./set_ip_up.sh",
        ),
        (
            "SIP_SERVER_PRIMARY_VIP_DOWN",
            "host1",
            ScriptAction::Disable,
            "./set_ip_down.sh",
        ),
        (
            "SIP_SERVER_BACKUP_VIP_UP",
            "host2",
            ScriptAction::Enable,
            "./set_ip_up.sh",
        ),
        (
            "SIP_SERVER_BACKUP_VIP_DOWN",
            "host2",
            ScriptAction::Disable,
            "./set_ip_down.sh",
        ),
    ] {
        let application = &environment.applications[name];
        assert_eq!(
            application.application_type,
            ApplicationType::ThirdPartyServer
        );
        assert_eq!(application.host.as_str(), host);
        assert_eq!(application.start_info.command_line, program);
        assert_eq!(
            application.start_info.working_directory,
            "/opt/changeover/scripts"
        );
        assert_eq!(
            application.start_info.startup_timeout,
            Duration::from_secs(8)
        );
        let (pair, on, does) = environment.control_script(&name.into()).expect("it is one");
        assert_eq!(
            (pair.name.as_str(), on.as_str(), does),
            ("SIP_SERVER", host, action)
        );
        let script = format!("AR_SCRIPT_{}", name.trim_start_matches("SIP_SERVER_"));
        assert_eq!(
            environment.scripts[script.as_str()].reaction,
            ReactionType::StartApplication(name.into())
        );
    }
}

#[test]
fn builtin_control_scripts_are_vipctl_with_up_and_down() {
    let start = HOT
        .find("    control_scripts:")
        .expect("the example has them");
    let end = HOT
        .find("    # Both SIP Servers")
        .expect("the servers follow");
    let text = format!(
        "{}    control_scripts: builtin\n{}",
        &HOT[..start],
        &HOT[end..]
    );
    let environment = environment(&text);
    for (name, argument) in [
        ("SIP_SERVER_PRIMARY_VIP_UP", "up"),
        ("SIP_SERVER_BACKUP_VIP_DOWN", "down"),
    ] {
        let info = &environment.applications[name].start_info;
        assert_eq!(info.command_line, "vipctl");
        assert_eq!(info.arguments, [argument]);
        assert_eq!(info.startup_timeout, Duration::from_secs(8));
    }
}

#[test]
fn what_is_written_under_a_derived_name_replaces_its_fields_and_lists_as_a_whole() {
    let more = "applications:
  SIP_SERVER_BACKUP_VIP_DOWN:
    start_info: {startup_timeout: 12s}
  SIP_SERVER_BACKUP:
    options: {tserver: {SIP-Port: 5062}}
scripts:
  MAIL: {reaction: {send_email: {to: noc@example.net, subject: $COND_NAME}}}
  AR_SCRIPT_PRIMARY_VIP_UP: {reaction: {send_snmp_trap: {}}}
alarm_conditions:
  ALRM_BACKUP_4563_HAPrimary:
    reaction_scripts: [AR_SCRIPT_PRIMARY_VIP_DOWN, AR_SCRIPT_BACKUP_VIP_UP, MAIL]
";
    let loaded = loaded(&format!("{HOT}{more}"));
    let environment = &loaded.environment;
    let down = &environment.applications["SIP_SERVER_BACKUP_VIP_DOWN"];
    assert_eq!(down.start_info.startup_timeout, Duration::from_secs(12));
    assert_eq!(down.start_info.command_line, "./set_ip_down.sh");
    let backup = &environment.applications["SIP_SERVER_BACKUP"];
    assert_eq!(backup.option("TServer", "sip-port"), Some("5062"));
    assert_eq!(
        backup.option("TServer", "sip-address"),
        Some("10.10.11.103")
    );
    assert_eq!(backup.options.len(), 3, "no second section in another case");
    let condition = &environment.alarm_conditions["ALRM_BACKUP_4563_HAPrimary"];
    assert_eq!(condition.detect, LogEventId::HOT_PRIMARY);
    assert_eq!(
        condition.reaction_scripts,
        [
            "AR_SCRIPT_PRIMARY_VIP_DOWN".into(),
            "AR_SCRIPT_BACKUP_VIP_UP".into(),
            "MAIL".into()
        ]
    );
    assert_eq!(
        environment.scripts["AR_SCRIPT_PRIMARY_VIP_UP"].reaction,
        ReactionType::SendSnmpTrap
    );
    let shown = show(&loaded);
    let timeout = shown
        .lines()
        .find(|line| line.contains("startup_timeout: 12s"));
    assert!(
        timeout.is_some_and(|line| line.ends_with(", over what pairs.SIP_SERVER derives")),
        "{shown}"
    );
}

#[test]
fn the_central_components_have_applications_that_events_can_name() {
    let text = HOT
        .replace("name: MessageServer", "name: MS")
        .replace("[MessageServer]", "[MS]");
    let environment = environment(&text);
    for (name, application_type, port) in [
        ("SCS", ApplicationType::SolutionControlServer, 7770),
        ("MS", ApplicationType::MessageServer, 7120),
    ] {
        let application = &environment.applications[name];
        assert_eq!(application.application_type, application_type);
        assert_eq!(application.host.as_str(), "mgmt1");
        assert_eq!(application.ports.default, Some(port));
    }
    assert_eq!(environment.management_layer.message_server.as_str(), "MS");
}

#[test]
fn several_virtual_ips_move_by_one_pair_of_scripts_each_on_its_interface_per_host() {
    let text = HOT.replace(
        "label: \"eth0:1\"}\n",
        "label: \"eth0:1\"}\n      - {address: \"2001:db8:11::103/64\", interface: {host1: eth0, host2: ens18}}\n",
    );
    let environment = environment(&text);
    let pair = &environment.pairs["SIP_SERVER"];
    let on = |host: &str| -> Vec<String> {
        pair.virtual_ips_on(&host.into())
            .into_iter()
            .map(|vip| format!("{}/{} {}", vip.address, vip.prefix, vip.interface))
            .collect()
    };
    assert_eq!(
        on("host1"),
        ["10.10.11.103/24 eth0", "2001:db8:11::103/64 eth0"]
    );
    assert_eq!(
        on("host2"),
        ["10.10.11.103/24 eth0", "2001:db8:11::103/64 ens18"]
    );
    assert_eq!(pair.control.len(), 2);
}

#[test]
fn a_single_host_pair_derives_two_servers_and_nothing_that_moves_an_address() {
    let start = HOT
        .find("    # The one address")
        .expect("the example has a VIP");
    let end = HOT
        .find("    # Both SIP Servers")
        .expect("the servers follow");
    let text = format!("{}{}", &HOT[..start], &HOT[end..])
        .replace("takeover: ip_address", "takeover: single_host")
        .replace(
            "SIP_SERVER_BACKUP, host: host2",
            "SIP_SERVER_BACKUP, host: host1",
        );
    let environment = environment(&text);
    assert!(environment.alarm_conditions.is_empty() && environment.scripts.is_empty());
    let pair = &environment.pairs["SIP_SERVER"];
    assert!(pair.control.is_empty() && pair.virtual_ips.is_empty());
    let names: Vec<&str> = environment.applications.keys().map(AsRef::as_ref).collect();
    assert_eq!(
        names,
        [
            "SCS",
            "MessageServer",
            "SIP_SERVER_PRIMARY",
            "SIP_SERVER_BACKUP"
        ]
    );
}

#[test]
fn windows_hosts_get_a_longer_release_wait_unless_it_is_written() {
    let windows = HOT.replace("host2: {os: linux", "host2: {os: windows");
    let wait = |text: &str| environment(text).pairs["SIP_SERVER"].policy.release_wait;
    assert_eq!(wait(HOT), Duration::from_secs(1));
    assert_eq!(wait(&windows), Duration::from_secs(8));
    let written = format!("{windows}    policy: {{release_wait: 6s}}\n");
    assert_eq!(wait(&written), Duration::from_secs(6));
}

#[test]
fn an_nlb_cluster_has_the_guides_parameters_unless_written() {
    let nlb = HOT.replace("takeover: ip_address", "takeover: windows_nlb");
    let cluster = |text: &str| environment(text).pairs[0].nlb.clone();
    let usual = cluster(&nlb).expect("it is by a cluster");
    assert_eq!(usual.name, "sipcluster");
    assert_eq!(
        (usual.mode, usual.default_state),
        (NlbMode::Unicast, NlbState::Stopped)
    );
    let ids: Vec<(&str, u8)> = usual
        .host_ids
        .iter()
        .map(|(host, id)| (host.as_str(), *id))
        .collect();
    assert_eq!(ids, [("host1", 1), ("host2", 2)]);
    let rule = &usual.port_rules[0];
    assert_eq!(
        (rule.first, rule.last, rule.affinity),
        (5060, 5060, NlbAffinity::Single)
    );
    assert_eq!(cluster(HOT), None);

    let written = nlb.replace(
        "takeover: windows_nlb",
        "takeover: windows_nlb\n    nlb: {cluster: east, mode: multicast, host_ids: {host1: 7}, default_state: started, \
         port_rules: [{ports: 80, filtering: single}, {ports: 5060-5069, protocol: udp, affinity: none, load_weight: {host2: 30}}]}",
    );
    let cluster = cluster(&written).expect("it is by a cluster");
    assert_eq!(
        (cluster.name.as_str(), cluster.mode),
        ("east", NlbMode::Multicast)
    );
    assert_eq!(
        cluster.host_ids.values().copied().collect::<Vec<_>>(),
        [7, 2]
    );
    let [web, sip] = &cluster.port_rules[..] else {
        panic!("{cluster:?}");
    };
    assert_eq!(
        (web.first, web.last, web.filtering),
        (80, 80, NlbFiltering::Single)
    );
    assert_eq!(
        (sip.first, sip.last, sip.protocol),
        (5060, 5069, NlbProtocol::Udp)
    );
    assert_eq!(sip.load_weight.values().copied().collect::<Vec<_>>(), [30]);
}

#[test]
fn a_cluster_that_contradicts_itself_is_refused() {
    let refused = |nlb: &str| {
        let text = HOT.replace("takeover: ip_address", nlb);
        let problems = load("east.yaml", &text).expect_err("refused");
        problems.render(false)
    };
    for (nlb, why) in [
        ("takeover: ip_address\n    nlb: {}", "has no NLB cluster"),
        (
            "takeover: windows_nlb\n    nlb: {host_ids: {host2: 1}}",
            "are both host 1",
        ),
        (
            "takeover: windows_nlb\n    nlb: {host_ids: {host9: 1}}",
            "none of the pair's hosts",
        ),
        (
            "takeover: windows_nlb\n    nlb: {port_rules: [{ports: 5061-5060}]}",
            "no range of ports",
        ),
        (
            "takeover: windows_nlb\n    nlb: {port_rules: [{ports: 5060-5070}, {ports: 5065}]}",
            "belong to another rule",
        ),
    ] {
        let said = refused(nlb);
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[test]
fn the_rehearsal_section_is_read_and_is_no_part_of_the_environment() {
    let text = format!(
        "{HOT}\nrehearsal: {{netsh_time: {{least: 1s, most: 5s}}, properties_dialog: [host2], drop_announcements: {{host1: 2}}, \
         nlb_convergence: 2s}}\n"
    );
    let loaded = loaded(&text);
    let seconds = Duration::from_secs;
    assert_eq!(
        loaded.rehearsal,
        changeover_configuration::RehearsalSettings {
            netsh_time: Some((seconds(1), seconds(5))),
            properties_dialog: vec!["host2".into()],
            drop_announcements: vec![("host1".into(), 2)],
            nlb_convergence: Some(seconds(2)),
        }
    );
    assert_eq!(loaded.environment, environment(HOT));
}
