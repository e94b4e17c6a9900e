//! The slice that the tests use: host1 of one hot-standby pair, its control scripts, a plain program.

use changeover_model::environment::{
    Addp, Application, ControllerLoss, Fencing, Host, LcaSlice, OptionSections, PairSlice, Ports,
    RestartPolicy, StartInfo, VipControl, VirtualIpOnHost,
};
use changeover_model::{
    ApplicationType, ConfiguredAs, HostName, OperatingSystem, Redundancy, Revision,
};
use std::net::IpAddr;
use std::time::Duration;

pub(crate) fn host1() -> HostName {
    "host1".into()
}

pub(crate) fn vip() -> IpAddr {
    IpAddr::from([10, 10, 11, 103])
}

pub(crate) fn application(
    name: &str,
    application_type: ApplicationType,
    program: &str,
) -> Application {
    Application {
        name: name.into(),
        application_type,
        host: host1(),
        switch: None,
        redundancy: None,
        backup_server: None,
        ports: Ports::default(),
        start_info: StartInfo {
            working_directory: "/opt/site".to_owned(),
            command_line: program.to_owned(),
            arguments: Vec::new(),
            startup_timeout: Duration::from_secs(8),
            shutdown_timeout: Duration::from_secs(10),
            auto_restart: application_type == ApplicationType::SipServer,
            restart: RestartPolicy {
                limit: 2,
                ..RestartPolicy::default()
            },
            success_needs_exit_zero: true,
            systemd_unit: String::new(),
            pid_file: String::new(),
        },
        connections: Vec::new(),
        options: OptionSections::new(),
        health: Vec::new(),
        on_primary: Vec::new(),
        on_backup: Vec::new(),
    }
}

/// The slice of host1 as of a revision.
pub(crate) fn slice(revision: u64) -> LcaSlice {
    let third_party = ApplicationType::ThirdPartyServer;
    LcaSlice {
        revision: Revision(revision),
        environment: "east".into(),
        host: Host {
            name: host1(),
            os: OperatingSystem::Linux,
            address: IpAddr::from([10, 10, 11, 101]),
            lca_port: 4999,
            addp: Addp::default(),
            disconnect_switchover_timeout: Duration::ZERO,
            lca_restart_timeout: Duration::from_secs(5),
        },
        message_server: ([10, 10, 11, 110], 7120).into(),
        applications: vec![
            application(
                "SIP_SERVER_PRIMARY",
                ApplicationType::SipServer,
                "./sip-server",
            ),
            application("SIP_SERVER_PRIMARY_VIP_UP", third_party, "./set_ip_up.sh"),
            application(
                "SIP_SERVER_PRIMARY_VIP_DOWN",
                third_party,
                "./set_ip_down.sh",
            ),
            application("RECORDER", third_party, "./recorder"),
            application(
                "MessageServer",
                ApplicationType::MessageServer,
                "message-server",
            ),
        ],
        pairs: vec![PairSlice {
            name: "SIP_EAST".into(),
            redundancy: Redundancy::Hot,
            members: vec![("SIP_SERVER_PRIMARY".into(), ConfiguredAs::Primary)],
            peer_host: "host2".into(),
            peer_address: IpAddr::from([10, 10, 11, 102]),
            virtual_ips: vec![VirtualIpOnHost {
                address: vip(),
                prefix: 24,
                interface: "eth0".to_owned(),
                label: Some("eth0:1".to_owned()),
            }],
            control: Some(VipControl {
                enable: "SIP_SERVER_PRIMARY_VIP_UP".into(),
                disable: "SIP_SERVER_PRIMARY_VIP_DOWN".into(),
            }),
            fencing: Fencing::default(),
        }],
    }
}

/// The same under this policy.
pub(crate) fn slice_under(policy: ControllerLoss) -> LcaSlice {
    let mut slice = slice(1);
    for pair in &mut slice.pairs {
        pair.fencing.policy = policy;
    }
    slice
}
