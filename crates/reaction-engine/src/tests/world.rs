//! The guide's pair (FACTS 3), and a way to speak with the engine in short lines.

use crate::{HostReach, Input, Origin, Output, ReactionEngine, ReactionRequest, Target};
use changeover_model::environment::{
    Addp, AlarmCategory, AlarmCondition, Application, Environment, Host, ManagementLayer, Pair,
    Policy, Ports, ReactionType, Script, Selection, Smtp, Snmp, StartInfo, VipControl, VirtualIp,
};
use changeover_model::message::{
    AddressObservation, ExitStatus, HeldOn, LcaOrder, LogEvent, LogOrigin, OrderKey, OrderOutcome,
    ScriptOutcome, ScriptResult, SourceId, Step,
};
use changeover_model::{
    AlarmId, ApplicationName, ApplicationType, CauseId, Core, Epoch, HostName, Incarnation,
    LogEventId, LogLevel, OperatingSystem, OrderNumber, PairName, Redundancy, RefusalCode,
    ScriptName, Takeover, Timestamp,
};
use std::sync::Arc;
use std::time::Duration;

pub(super) const CAUSE: CauseId = CauseId(7);

pub(super) fn pair_name() -> PairName {
    PairName::from("SIP_EAST")
}

/// The reactions of FACTS 3 for the pair's four conditions; warm swaps two orders.
pub(super) fn table(
    redundancy: Redundancy,
) -> [(&'static str, u32, &'static str, Vec<&'static str>); 4] {
    let (p, b) = ("SIP_SERVER_PRIMARY", "SIP_SERVER_BACKUP");
    match redundancy {
        Redundancy::Hot => [
            (
                "ALRM_PRIMARY_4561_HABackup",
                4561,
                p,
                vec!["PRIMARY_VIP_DOWN"],
            ),
            (
                "ALRM_PRIMARY_4563_HAPrimary",
                4563,
                p,
                vec!["BACKUP_VIP_DOWN", "PRIMARY_VIP_UP"],
            ),
            (
                "ALRM_BACKUP_4561_HABackup",
                4561,
                b,
                vec!["BACKUP_VIP_DOWN"],
            ),
            (
                "ALRM_BACKUP_4563_HAPrimary",
                4563,
                b,
                vec!["BACKUP_VIP_UP", "PRIMARY_VIP_DOWN"],
            ),
        ],
        Redundancy::Warm => [
            (
                "ALRM_PRIMARY_4560_HABackup",
                4560,
                p,
                vec!["PRIMARY_VIP_DOWN"],
            ),
            (
                "ALRM_PRIMARY_4562_HAPrimary",
                4562,
                p,
                vec!["PRIMARY_VIP_UP", "BACKUP_VIP_DOWN"],
            ),
            (
                "ALRM_BACKUP_4560_HABackup",
                4560,
                b,
                vec!["BACKUP_VIP_DOWN"],
            ),
            (
                "ALRM_BACKUP_4562_HAPrimary",
                4562,
                b,
                vec!["BACKUP_VIP_UP", "PRIMARY_VIP_DOWN"],
            ),
        ],
    }
}

fn application(name: &str, host: &str, application_type: ApplicationType) -> Application {
    Application {
        name: ApplicationName::from(name),
        application_type,
        host: HostName::from(host),
        switch: None,
        redundancy: None,
        backup_server: None,
        ports: Ports::default(),
        start_info: StartInfo {
            startup_timeout: Duration::from_secs(8),
            ..StartInfo::default()
        },
        connections: Vec::new(),
        options: indexmap::IndexMap::new(),
        health: Vec::new(),
        on_primary: Vec::new(),
        on_backup: Vec::new(),
    }
}

pub(super) fn condition(name: &str, id: u32, of: &str, scripts: &[String]) -> AlarmCondition {
    AlarmCondition {
        name: name.into(),
        description: String::new(),
        category: AlarmCategory::Critical,
        detect: LogEventId(id),
        selection: Selection::Application(of.into()),
        cancel: None,
        cancel_timeout: Duration::from_secs(3600),
        reaction_scripts: scripts
            .iter()
            .map(|name| ScriptName::from(name.as_str()))
            .collect(),
        clearance_scripts: Vec::new(),
        enabled: true,
    }
}

fn the_pair(redundancy: Redundancy, addresses: &[&str]) -> Pair {
    let control = |short: &str| VipControl {
        enable: format!("SIP_SERVER_{short}_VIP_UP").into(),
        disable: format!("SIP_SERVER_{short}_VIP_DOWN").into(),
    };
    Pair {
        name: pair_name(),
        redundancy,
        takeover: Takeover::IpAddress,
        primary: "SIP_SERVER_PRIMARY".into(),
        primary_host: "host1".into(),
        backup: "SIP_SERVER_BACKUP".into(),
        backup_host: "host2".into(),
        virtual_ips: addresses
            .iter()
            .map(|address| VirtualIp {
                address: address.parse().expect("an address"),
                prefix: 24,
                interfaces: [
                    ("host1".into(), "eth0".into()),
                    ("host2".into(), "eth0".into()),
                ]
                .into(),
                label: None,
            })
            .collect(),
        network_device: None,
        control: [
            ("host1".into(), control("PRIMARY")),
            ("host2".into(), control("BACKUP")),
        ]
        .into(),
        policy: Policy::default(),
        nlb: None,
    }
}

pub(super) fn site(redundancy: Redundancy, addresses: &[&str]) -> Environment {
    let host = |name: &str, last: u8| Host {
        name: name.into(),
        os: OperatingSystem::Linux,
        address: [10, 10, 11, last].into(),
        lca_port: 4999,
        addp: Addp::default(),
        disconnect_switchover_timeout: Duration::ZERO,
        lca_restart_timeout: Duration::from_secs(5),
    };
    let mut applications = vec![
        application("SIP_SERVER_PRIMARY", "host1", ApplicationType::SipServer),
        application("SIP_SERVER_BACKUP", "host2", ApplicationType::SipServer),
    ];
    let mut scripts = Vec::new();
    for (short, on) in [("PRIMARY", "host1"), ("BACKUP", "host2")] {
        for action in ["UP", "DOWN"] {
            let name = format!("SIP_SERVER_{short}_VIP_{action}");
            applications.push(application(&name, on, ApplicationType::ThirdPartyServer));
            scripts.push(Script {
                name: format!("AR_SCRIPT_{short}_VIP_{action}").into(),
                reaction: ReactionType::StartApplication(name.into()),
            });
        }
    }
    let conditions = table(redundancy).map(|(name, id, of, run)| {
        let run: Vec<String> = run
            .iter()
            .map(|short| format!("AR_SCRIPT_{short}"))
            .collect();
        condition(name, id, of, &run)
    });
    Environment {
        name: "east".into(),
        management_layer: ManagementLayer {
            scs_host: "mgmt1".into(),
            scs_port: 7770,
            message_server: "MessageServer".into(),
            message_server_host: "mgmt1".into(),
            message_server_port: 7120,
            log_keep: Duration::from_secs(1),
            log_size: 1,
            smtp: Some(Smtp {
                server: "mail:25".into(),
                from: "scs@example.net".into(),
            }),
            snmp: Some(Snmp {
                target: "nms:162".into(),
                community: "public".into(),
            }),
        },
        hosts: [host("mgmt1", 110), host("host1", 101), host("host2", 102)]
            .into_iter()
            .map(|host| (host.name.clone(), host))
            .collect(),
        switches: indexmap::IndexMap::new(),
        applications: applications
            .into_iter()
            .map(|a| (a.name.clone(), a))
            .collect(),
        scripts: scripts.into_iter().map(|s| (s.name.clone(), s)).collect(),
        alarm_conditions: conditions
            .into_iter()
            .map(|c| (c.name.clone(), c))
            .collect(),
        pairs: [(pair_name(), the_pair(redundancy, addresses))].into(),
    }
}

/// The engine with its environment, a clock, and the orders it gave.
pub(super) struct World {
    pub(super) engine: ReactionEngine,
    pub(super) environment: Environment,
    pub(super) now: Timestamp,
    /// Reports of the last step.
    pub(super) reports: Vec<String>,
    keys: Vec<(HostName, OrderKey)>,
}

impl World {
    /// Both hosts connected; epoch 1; SIP_SERVER_PRIMARY on host1 is primary and holds the VIP.
    pub(super) fn new() -> Self {
        Self::with(Redundancy::Hot, |_| {})
    }

    pub(super) fn with(redundancy: Redundancy, change: impl FnOnce(&mut Environment)) -> Self {
        Self::holding(redundancy, &["10.10.11.103"], change)
    }

    pub(super) fn policy(change: impl FnOnce(&mut Policy)) -> Self {
        Self::with(Redundancy::Hot, |environment| {
            change(&mut environment.pairs[0].policy)
        })
    }

    pub(super) fn holding(
        redundancy: Redundancy,
        addresses: &[&str],
        change: impl FnOnce(&mut Environment),
    ) -> Self {
        let mut environment = site(redundancy, addresses);
        change(&mut environment);
        let mut world = Self {
            engine: ReactionEngine::new(OrderNumber(100)),
            environment: environment.clone(),
            now: Timestamp(1_000_000),
            reports: Vec::new(),
            keys: Vec::new(),
        };
        world.give(Input::Configured(Arc::new(environment)));
        world.intend(1, "SIP_SERVER_PRIMARY");
        world.see("host1", "held");
        world.see("host2", "gone");
        world.reach("host1", HostReach::Connected);
        world.reach("host2", HostReach::Connected);
        world
    }

    /// Hands in an input; what comes out, one short line each, without the reports.
    pub(super) fn give(&mut self, input: Input) -> Vec<String> {
        let mut outputs = Vec::new();
        self.engine.handle(self.now, input, &mut outputs);
        self.shown(outputs)
    }

    /// Lets time pass, deadline by deadline.
    pub(super) fn pass(&mut self, milliseconds: u64) -> Vec<String> {
        let end = self.now + Duration::from_millis(milliseconds);
        let mut lines = Vec::new();
        while let Some(at) = self.engine.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let mut outputs = Vec::new();
            self.engine.tick(self.now, &mut outputs);
            lines.extend(self.shown(outputs));
        }
        self.now = end;
        lines
    }

    fn shown(&mut self, outputs: Vec<Output>) -> Vec<String> {
        self.reports.clear();
        let mut lines = Vec::new();
        for output in outputs {
            match &output {
                Output::Report(report) => {
                    let kind = match &report.step {
                        Step::ReactionRequested { state, added, .. } => {
                            format!(
                                "requested{} {state:?}",
                                if *added { " (added)" } else { "" }
                            )
                        }
                        Step::Finished(_, _, good) => format!("finished good={good}"),
                        other => format!("{other:?}")
                            .split(['(', ' '])
                            .next()
                            .expect("a word")
                            .to_owned(),
                    };
                    self.reports.push(format!(
                        "{kind}: {} | {} | {}",
                        report.who, report.what, report.evidence
                    ));
                }
                other => lines.push(self.line(other)),
            }
        }
        lines
    }

    fn line(&mut self, output: &Output) -> String {
        match output {
            Output::Order { host, order, .. } => match order {
                LcaOrder::StartApplication { key, control, .. } => {
                    self.keys.push((host.clone(), key.clone()));
                    let action = control.as_ref().expect("control scripts only").action;
                    format!("{host}: {action} by {} e{}", key.application, key.epoch)
                }
                LcaOrder::ReleaseAddresses { key } => {
                    self.keys.push((host.clone(), key.clone()));
                    format!("{host}: release by the LCA e{}", key.epoch)
                }
                LcaOrder::AnnounceAddresses { .. } => format!("{host}: announce"),
                LcaOrder::ExecuteCommand {
                    key, command_line, ..
                } => {
                    self.keys.push((host.clone(), key.clone()));
                    format!("{host}: execute {command_line}")
                }
                other => format!("{host}: {other:?}"),
            },
            Output::Escalated { kind, reason, .. } => format!("escalated {kind:?}: {reason}"),
            Output::HoldPair {
                pair, until_back, ..
            } => match until_back {
                Some(host) => format!("hold {pair} until {host} is back"),
                None => format!("hold {pair}"),
            },
            Output::Settled { pair, good, .. } => {
                let good = if *good { "good" } else { "bad" };
                match pair {
                    Some(_) => format!("settled {good}"),
                    None => format!("settled without VIP {good}"),
                }
            }
            other => format!("{other:?}"),
        }
    }

    pub(super) fn intend(&mut self, epoch: u64, primary: &str) -> Vec<String> {
        self.give(Input::PairIntended {
            pair: pair_name(),
            epoch: Epoch(epoch),
            primary: (!primary.is_empty()).then(|| primary.into()),
            maintenance: false,
        })
    }

    pub(super) fn reach(&mut self, host: &str, reach: HostReach) -> Vec<String> {
        self.give(Input::HostChanged {
            host: host.into(),
            reach,
        })
    }

    /// All VIPs of a host: `held`, `gone`, `held, no carrier`, or the addresses that are held there.
    pub(super) fn see(&mut self, host: &str, what: &str) -> Vec<String> {
        let addresses = self.environment.pairs[0]
            .virtual_ips
            .iter()
            .map(|vip| AddressObservation {
                pair: pair_name(),
                address: vip.address,
                held: (what.starts_with("held") || what.contains(&vip.address.to_string())).then(
                    || HeldOn {
                        interface: "eth0".into(),
                        label: None,
                        prefix: 24,
                    },
                ),
                carrier: Some(!what.ends_with("no carrier")),
            })
            .collect();
        self.give(Input::AddressesObserved {
            host: host.into(),
            addresses,
        })
    }

    pub(super) fn event_of(
        &self,
        condition: &str,
        epoch: Option<u64>,
        origin: LogOrigin,
    ) -> ReactionRequest {
        let condition = &self.environment.alarm_conditions[condition];
        let Selection::Application(application) = &condition.selection else {
            panic!("conditions of this site are selected by application");
        };
        ReactionRequest {
            origin: Origin::Event {
                event: LogEvent {
                    source: SourceId("source".into()),
                    sequence: 1,
                    application: application.clone(),
                    host: None,
                    id: condition.detect,
                    level: LogLevel::Standard,
                    text: "mode activated".into(),
                    at: self.now,
                    epoch: epoch.map(Epoch),
                    cause: Some(CAUSE),
                    origin,
                },
                alarm: AlarmId(41),
                condition: condition.name.clone(),
            },
            reporting_application: Some(application.clone()),
            target: Target::Scripts(condition.reaction_scripts.clone()),
            epoch: epoch.map(Epoch),
            cause: CAUSE,
            operator_confirmed: origin == LogOrigin::OperatorConfirmed,
        }
    }

    /// An application's event of this epoch has activated a condition.
    pub(super) fn event(&mut self, condition: &str, epoch: u64) -> Vec<String> {
        let request = self.event_of(condition, Some(epoch), LogOrigin::Application);
        self.give(Input::Requested(Box::new(request)))
    }

    pub(super) fn test_of(&self, condition: &str) -> ReactionRequest {
        let mut request = self.event_of(condition, None, LogOrigin::Operator);
        request.origin = Origin::Test {
            operator: "root@laptop".into(),
            alarm: None,
            condition: condition.into(),
        };
        request
    }

    pub(super) fn align(origin: Origin) -> ReactionRequest {
        ReactionRequest {
            origin,
            reporting_application: None,
            target: Target::AlignPair(pair_name()),
            epoch: None,
            cause: CAUSE,
            operator_confirmed: false,
        }
    }

    pub(super) fn realign(&mut self) -> Vec<String> {
        self.give(Input::Requested(Box::new(Self::align(Origin::Realignment))))
    }

    /// The key of the latest order about an application.
    pub(super) fn key(&self, application: &str) -> (HostName, OrderKey) {
        let found = self
            .keys
            .iter()
            .rev()
            .find(|(_, key)| key.application.as_str() == application);
        found.expect("it was ordered").clone()
    }

    pub(super) fn finish_as(
        &mut self,
        script: &str,
        result: ScriptResult,
        exit: i32,
        observed: &str,
    ) -> Vec<String> {
        let (host, key) = self.key(&format!("SIP_SERVER_{script}"));
        self.give(Input::ControlScriptFinished {
            host,
            key,
            outcome: ScriptOutcome {
                result,
                exit: Some(ExitStatus::Code(exit)),
                duration: Duration::from_micros(3_100),
                observed: observed.into(),
                output: String::new(),
            },
        })
    }

    /// A control script ended well.
    pub(super) fn finish(&mut self, script: &str) -> Vec<String> {
        let observed = if script.ends_with("UP") {
            "VIP seen on eth0"
        } else {
            "VIP seen gone"
        };
        self.finish_as(script, ScriptResult::Succeeded, 0, observed)
    }

    pub(super) fn fail(&mut self, script: &str) -> Vec<String> {
        self.finish_as(script, ScriptResult::Failed, 0, "VIP not as wanted")
    }

    /// An order about a script's application was obeyed.
    pub(super) fn obeyed(&mut self, script: &str) -> Vec<String> {
        let (host, key) = self.key(&format!("SIP_SERVER_{script}"));
        let outcome = OrderOutcome::Done {
            incarnation: Incarnation(1),
        };
        self.give(Input::OrderAnswered { host, key, outcome })
    }

    pub(super) fn refused(&mut self, script: &str, code: RefusalCode) -> Vec<String> {
        let (host, key) = self.key(&format!("SIP_SERVER_{script}"));
        let outcome = OrderOutcome::Refused(changeover_model::Refusal::new(code, "says the LCA"));
        self.give(Input::OrderAnswered { host, key, outcome })
    }

    /// All reactions: number, what, state.
    pub(super) fn states(&self) -> Vec<String> {
        self.engine
            .pictures()
            .into_iter()
            .map(|picture| {
                let name = picture
                    .application
                    .map(|name| name.to_string())
                    .unwrap_or_default();
                let short = name.strip_prefix("SIP_SERVER_").unwrap_or(&name).to_owned();
                let attempts = picture.attempts;
                format!("{} {short} {:?} x{attempts}", picture.number, picture.state)
            })
            .collect()
    }
}
