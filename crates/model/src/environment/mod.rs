//! The validated environment: what a file means once `configuration` has parsed, derived and checked it.
//!
//! Every reference in an [`Environment`] resolves, every derived object is present under its own name.
//! The slices at the end are what the SCS pushes to a component. Parsing stands in `configuration`.

mod alarm;
mod application;
mod health;
mod host;
mod nlb;
mod pair;
mod slice;
mod switch;

pub use alarm::{AlarmCategory, AlarmCondition, ReactionType, Script, Selection, SwitchoverWhen};
pub use application::{Application, OptionSections, Ports, RestartPolicy, StartInfo, StartedBy};
pub use health::{HealthCheck, Hook, HookFailure, HookTime, Probe, SipTransport, StatusRange};
pub use host::{Addp, Host};
pub use nlb::{NlbCluster, NlbPortRule};
pub use pair::{
    ControllerLoss, FenceCommand, Flapping, ForceRelease, NetworkDevice, OnAgentLoss, OnFailure,
    Pair, Policy, ReactionOrder, VipControl, VirtualIp, VirtualIpOnHost,
};
pub use slice::{Fencing, LcaSlice, MessageServerSlice, PEER_OPTION, PEER_PORT_OPTION, PairSlice};
pub use switch::{Dn, DnKind, Route, Switch};

use crate::{
    ApplicationName, ConditionName, EnvironmentName, HostName, PairName, ScriptName, SwitchName,
};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A whole site. Maps keep the file's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// `environment:` of the file.
    pub name: EnvironmentName,
    /// Where the central components are.
    pub management_layer: ManagementLayer,
    /// Host objects.
    pub hosts: IndexMap<HostName, Host>,
    /// Switch objects.
    pub switches: IndexMap<SwitchName, Switch>,
    /// Application objects, derived ones included.
    pub applications: IndexMap<ApplicationName, Application>,
    /// Script objects of type Alarm Reaction, derived ones included.
    pub scripts: IndexMap<ScriptName, Script>,
    /// Alarm Conditions, derived ones included.
    pub alarm_conditions: IndexMap<ConditionName, AlarmCondition>,
    /// Pairs.
    pub pairs: IndexMap<PairName, Pair>,
}

impl Environment {
    /// The pair of which this application is a member.
    pub fn pair_of(&self, application: &ApplicationName) -> Option<&Pair> {
        self.pairs
            .values()
            .find(|pair| pair.has_member(application))
    }

    /// The pair, host and action of a control script; only `virtual_ips` says which it is (BEHAVIOUR,
    /// Which script does what).
    pub fn control_script(
        &self,
        application: &ApplicationName,
    ) -> Option<(&Pair, &HostName, crate::ScriptAction)> {
        self.pairs.values().find_map(|pair| {
            pair.control_script(application)
                .map(|(host, action)| (pair, host, action))
        })
    }

    /// True if some managed or third-party application is started by the LCA of this host. A host without
    /// one needs no LCA (INTERFACE, The live system).
    pub fn needs_lca(&self, host: &HostName) -> bool {
        self.applications.values().any(|application| {
            &application.host == host
                && matches!(
                    application.application_type,
                    crate::ApplicationType::SipServer | crate::ApplicationType::ThirdPartyServer
                )
        })
    }
}

/// Where the central components are, and how the SCS sends mail and traps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManagementLayer {
    /// Host of the SCS.
    pub scs_host: HostName,
    /// Port of the SCS; default 7770.
    pub scs_port: u16,
    /// Name of the Message Server's Application object.
    pub message_server: ApplicationName,
    /// Host of the Message Server.
    pub message_server_host: HostName,
    /// Port of the Message Server; default 7120.
    pub message_server_port: u16,
    /// Log events older than this are deleted; default 30 days.
    pub log_keep: Duration,
    /// Most bytes of the log database; the oldest events go first; default 1 GiB.
    pub log_size: u64,
    /// For reactions that send e-mail.
    pub smtp: Option<Smtp>,
    /// For reactions that send an SNMP trap.
    pub snmp: Option<Snmp>,
}

/// Outgoing mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Smtp {
    /// `host:port` of the SMTP server.
    pub server: String,
    /// Sender address.
    pub from: String,
}

/// Outgoing SNMP v2c traps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snmp {
    /// `host:port` of the trap receiver.
    pub target: String,
    /// Community string.
    pub community: String,
}
