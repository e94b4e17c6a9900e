//! Slices of an environment in which every field says something.

use changeover_model::environment::{
    Addp, AlarmCategory, AlarmCondition, Application, ControllerLoss, Fencing, HealthCheck, Hook,
    HookFailure, HookTime, Host, LcaSlice, MessageServerSlice, PairSlice, Ports, Probe,
    RestartPolicy, Selection, SipTransport, StartInfo, StatusRange, VipControl, VirtualIpOnHost,
};
use changeover_model::{
    ApplicationType, ConfiguredAs, LogEventId, OperatingSystem, Redundancy, Revision,
};
use std::net::IpAddr;
use std::time::Duration;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn server() -> Application {
    Application {
        name: "SIP_SERVER_PRIMARY".into(),
        application_type: ApplicationType::SipServer,
        host: "host1".into(),
        switch: Some("SIP_Switch_East".into()),
        redundancy: Some(Redundancy::Warm),
        backup_server: Some("SIP_SERVER_BACKUP".into()),
        ports: Ports {
            default: Some(5070),
            ha_sync: Some(5071),
        },
        start_info: StartInfo {
            working_directory: "/opt/changeover/sip-server".into(),
            command_line: "./sip-server".into(),
            arguments: vec!["--application".into(), "SIP SERVER".into()],
            startup_timeout: Duration::from_secs(90),
            shutdown_timeout: Duration::from_secs(80),
            auto_restart: true,
            restart: RestartPolicy {
                first_delay: Duration::from_millis(1),
                longest_delay: Duration::from_secs(2),
                limit: 3,
                within: Duration::from_secs(4),
            },
            success_needs_exit_zero: false,
            systemd_unit: "kamailio.service".into(),
            pid_file: "/run/kamailio.pid".into(),
        },
        connections: vec!["MessageServer".into()],
        // Not in alphabetical order: the order of the file is kept.
        options: [
            (
                "log".to_owned(),
                [
                    ("verbose".to_owned(), "all".to_owned()),
                    ("standard".to_owned(), "network, /logs/x".to_owned()),
                ]
                .into_iter()
                .collect(),
            ),
            ("TServer".to_owned(), Default::default()),
        ]
        .into_iter()
        .collect(),
        health: checks(),
        on_primary: vec![Hook {
            command: "/etc/keepalived/notify.sh".into(),
            arguments: vec!["INSTANCE".into(), "EAST".into()],
            timeout: Duration::from_secs(3),
            when: HookTime::Before,
            on_failure: HookFailure::RollBack,
        }],
        on_backup: vec![Hook {
            command: "./calm".into(),
            arguments: Vec::new(),
            timeout: Duration::from_millis(1),
            when: HookTime::After,
            on_failure: HookFailure::Alarm,
        }],
    }
}

/// One of each kind.
fn checks() -> Vec<HealthCheck> {
    let probes = [
        Probe::Command {
            command: "check-media".into(),
            arguments: vec!["--deep".into()],
        },
        Probe::SipOptions {
            transport: SipTransport::Udp,
            address: "127.0.0.1:5060".parse().expect("an address"),
            status: StatusRange::SIP_FINAL,
        },
        Probe::SipOptions {
            transport: SipTransport::Tcp,
            address: "[2001:db8::1]:5060".parse().expect("an address"),
            status: StatusRange { from: 200, to: 200 },
        },
        Probe::Tcp {
            address: "127.0.0.1:22222".parse().expect("an address"),
        },
        Probe::Http {
            address: "127.0.0.1:8080".parse().expect("an address"),
            host: "127.0.0.1:8080".into(),
            path: "/health?deep".into(),
            status: StatusRange::HTTP_SUCCESS,
            body: Some("OK".into()),
        },
        Probe::Link {
            interfaces: vec!["eth0".into(), "eth1".into()],
        },
    ];
    probes
        .into_iter()
        .enumerate()
        .map(|(number, probe)| HealthCheck {
            name: format!("check {number}"),
            probe,
            every: Duration::from_secs(1),
            timeout: Duration::from_millis(400),
            fall: 3,
            rise: 2,
        })
        .collect()
}

fn script() -> Application {
    Application {
        name: "SIP_SERVER_PRIMARY_VIP_UP".into(),
        application_type: ApplicationType::ThirdPartyServer,
        host: "host1".into(),
        switch: None,
        redundancy: None,
        backup_server: None,
        ports: Ports::default(),
        start_info: StartInfo::default(),
        connections: Vec::new(),
        options: Default::default(),
        health: Vec::new(),
        on_primary: Vec::new(),
        on_backup: Vec::new(),
    }
}

pub(crate) fn lca_slice() -> LcaSlice {
    let pair = PairSlice {
        name: "SIP_EAST".into(),
        redundancy: Redundancy::Hot,
        members: vec![
            ("SIP_SERVER_PRIMARY".into(), ConfiguredAs::Primary),
            ("SIP_SERVER_BACKUP".into(), ConfiguredAs::Backup),
        ],
        peer_host: "host2".into(),
        peer_address: address("10.10.11.102"),
        virtual_ips: vec![
            VirtualIpOnHost {
                address: address("10.10.11.103"),
                prefix: 24,
                interface: "eth0".into(),
                label: Some("eth0:1".into()),
            },
            VirtualIpOnHost {
                address: address("2001:db8:11::103"),
                prefix: 128,
                interface: "ens18".into(),
                label: None,
            },
        ],
        control: Some(VipControl {
            enable: "SIP_SERVER_PRIMARY_VIP_UP".into(),
            disable: "SIP_SERVER_PRIMARY_VIP_DOWN".into(),
        }),
        fencing: Fencing {
            policy: ControllerLoss::Quorum,
            address_lifetime: Duration::from_secs(12),
            bound: Duration::from_secs(3),
            peer_bound: Duration::from_secs(4),
            peer_port: 4999,
        },
    };
    LcaSlice {
        revision: Revision(6),
        environment: "east".into(),
        host: Host {
            name: "host1".into(),
            os: OperatingSystem::Solaris,
            address: address("10.10.11.101"),
            lca_port: 4999,
            addp: Addp {
                timeout: Duration::from_millis(1500),
                remote_timeout: Duration::from_millis(1600),
            },
            disconnect_switchover_timeout: Duration::from_secs(1),
            lca_restart_timeout: Duration::from_secs(5),
        },
        message_server: "10.10.11.110:7120".parse().expect("an address"),
        applications: vec![server(), script()],
        pairs: vec![
            PairSlice {
                name: "SINGLE".into(),
                virtual_ips: Vec::new(),
                control: None,
                fencing: Fencing {
                    policy: ControllerLoss::ReleaseAfter(Duration::from_secs(30)),
                    ..pair.fencing
                },
                ..pair.clone()
            },
            pair,
        ],
    }
}

pub(crate) fn message_server_slice() -> MessageServerSlice {
    let condition = AlarmCondition {
        name: "ALRM_PRIMARY_4561_HABackup".into(),
        description: "the primary became backup".into(),
        category: AlarmCategory::Critical,
        detect: LogEventId::HOT_BACKUP,
        selection: Selection::Application("SIP_SERVER_PRIMARY".into()),
        cancel: Some(LogEventId::HOT_PRIMARY),
        cancel_timeout: Duration::from_secs(3600),
        reaction_scripts: vec!["AR_SCRIPT_PRIMARY_VIP_DOWN".into()],
        clearance_scripts: vec!["AR_SCRIPT_MAIL_NOC".into()],
        enabled: true,
    };
    let conditions = [
        (Selection::Any, AlarmCategory::Major),
        (
            Selection::ApplicationType(ApplicationType::MessageServer),
            AlarmCategory::Minor,
        ),
    ]
    .map(|(selection, category)| AlarmCondition {
        selection,
        category,
        cancel: None,
        reaction_scripts: Vec::new(),
        clearance_scripts: Vec::new(),
        enabled: false,
        ..condition.clone()
    });
    MessageServerSlice {
        revision: Revision(6),
        conditions: [condition].into_iter().chain(conditions).collect(),
        application_types: [
            ("SIP_SERVER_PRIMARY".into(), ApplicationType::SipServer),
            ("SCS".into(), ApplicationType::SolutionControlServer),
        ]
        .into_iter()
        .collect(),
        log_keep: Duration::from_secs(30 * 86_400),
        log_size: 1 << 30,
    }
}
