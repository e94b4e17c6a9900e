//! The guide's hot standby pair on two hosts, as an environment, and what an SCS has kept of it.

use super::desk::{A, B, VIP};
use crate::{StoredPair, StoredState};
use changeover_model::environment::{
    Addp, AlarmCategory, AlarmCondition, Application, Environment, Host, ManagementLayer, Pair,
    Policy, Ports, ReactionType, Script, Selection, StartInfo, Switch, VipControl, VirtualIp,
};
use changeover_model::{
    ApplicationType, ConditionName, Epoch, HostName, LogEventId, OperatingSystem, PairName,
    Redundancy, ScriptName, Takeover,
};
use std::time::Duration;

pub(super) fn application(name: &str, host: &str, kind: ApplicationType) -> Application {
    Application {
        name: name.into(),
        application_type: kind,
        host: host.into(),
        switch: None,
        redundancy: None,
        backup_server: None,
        ports: Ports::default(),
        start_info: StartInfo {
            startup_timeout: Duration::from_secs(8),
            shutdown_timeout: Duration::from_secs(8),
            ..StartInfo::default()
        },
        connections: Vec::new(),
        options: indexmap::IndexMap::new(),
        health: Vec::new(),
        on_primary: Vec::new(),
        on_backup: Vec::new(),
    }
}

fn host(name: &str, last: u8) -> Host {
    Host {
        name: name.into(),
        os: OperatingSystem::Linux,
        address: [10, 10, 11, last].into(),
        lca_port: 4999,
        addp: Addp::default(),
        disconnect_switchover_timeout: Duration::ZERO,
        lca_restart_timeout: Duration::from_secs(5),
    }
}

fn condition(short: &str, application: &str, id: u32, scripts: &[&str]) -> AlarmCondition {
    AlarmCondition {
        name: ConditionName::from(format!("ALRM_{short}_{id}")),
        description: String::new(),
        category: AlarmCategory::Critical,
        detect: LogEventId(id),
        selection: Selection::Application(application.into()),
        cancel: None,
        cancel_timeout: Duration::from_secs(3600),
        reaction_scripts: scripts.iter().map(|one| ScriptName::from(*one)).collect(),
        clearance_scripts: Vec::new(),
        enabled: true,
    }
}

fn pair() -> Pair {
    let control = |up: &str, down: &str| VipControl {
        enable: up.into(),
        disable: down.into(),
    };
    Pair {
        name: "EAST".into(),
        redundancy: Redundancy::Hot,
        takeover: Takeover::IpAddress,
        primary: A.into(),
        primary_host: "host1".into(),
        backup: B.into(),
        backup_host: "host2".into(),
        virtual_ips: vec![VirtualIp {
            address: VIP.into(),
            prefix: 24,
            interfaces: [("host1", "eth0"), ("host2", "eth0")]
                .map(|(host, on)| (HostName::from(host), on.to_owned()))
                .into_iter()
                .collect(),
            label: Some("eth0:1".into()),
        }],
        network_device: None,
        control: [
            (HostName::from("host1"), control("A_UP", "A_DOWN")),
            (HostName::from("host2"), control("B_UP", "B_DOWN")),
        ]
        .into_iter()
        .collect(),
        policy: Policy::default(),
        nlb: None,
    }
}

/// The guide's hot standby pair on two hosts, IP Address Takeover; the SCS on a third.
pub(super) fn site() -> Environment {
    let third = ApplicationType::ThirdPartyServer;
    let applications = [
        application(A, "host1", ApplicationType::SipServer),
        application(B, "host2", ApplicationType::SipServer),
        application("A_UP", "host1", third),
        application("A_DOWN", "host1", third),
        application("B_UP", "host2", third),
        application("B_DOWN", "host2", third),
    ];
    let scripts = ["A_UP", "A_DOWN", "B_UP", "B_DOWN"].map(|name| Script {
        name: ScriptName::from(format!("AR_{name}")),
        reaction: ReactionType::StartApplication(name.into()),
    });
    let conditions = [
        condition("A", A, 4561, &["AR_A_DOWN"]),
        condition("A", A, 4563, &["AR_B_DOWN", "AR_A_UP"]),
        condition("B", B, 4561, &["AR_B_DOWN"]),
        condition("B", B, 4563, &["AR_B_UP", "AR_A_DOWN"]),
    ];
    Environment {
        name: "east".into(),
        management_layer: ManagementLayer {
            scs_host: "mgmt1".into(),
            scs_port: 7770,
            message_server: "MessageServer".into(),
            message_server_host: "mgmt1".into(),
            message_server_port: 7120,
            log_keep: Duration::from_secs(86_400),
            log_size: 1 << 30,
            smtp: None,
            snmp: None,
        },
        hosts: [host("mgmt1", 110), host("host1", 101), host("host2", 102)]
            .map(|host| (host.name.clone(), host))
            .into_iter()
            .collect(),
        switches: [("S".into(), Switch::default())].into_iter().collect(),
        applications: applications
            .map(|one| (one.name.clone(), one))
            .into_iter()
            .collect(),
        scripts: scripts
            .map(|one| (one.name.clone(), one))
            .into_iter()
            .collect(),
        alarm_conditions: conditions
            .map(|one| (one.name.clone(), one))
            .into_iter()
            .collect(),
        pairs: [(PairName::from("EAST"), pair())].into_iter().collect(),
    }
}

/// What an SCS has kept that gave epoch 1 and nothing since.
pub(super) fn store_of_epoch_1() -> StoredState {
    let pair = StoredPair {
        epoch: Epoch(1),
        reserved: Epoch(1),
        primary: Some(A.into()),
        complete: true,
        ..StoredPair::default()
    };
    StoredState {
        pairs: [("EAST".into(), pair)].into_iter().collect(),
        ..StoredState::default()
    }
}
