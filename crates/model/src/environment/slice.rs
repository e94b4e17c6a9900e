//! What the SCS pushes to each component of the environment it owns (DESIGN: who owns what at run time).

use super::{
    AlarmCondition, Application, ControllerLoss, Environment, Host, VipControl, VirtualIpOnHost,
};
use crate::{
    ApplicationName, ApplicationType, ConfiguredAs, EnvironmentName, HostName, PairName,
    Redundancy, Revision,
};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// What an LCA needs: its host, the applications there, and the pairs that touch it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LcaSlice {
    /// Of which revision this is the slice.
    pub revision: Revision,
    /// Name of the environment.
    pub environment: EnvironmentName,
    /// The LCA's own host.
    pub host: Host,
    /// Where managed applications send their log events.
    pub message_server: SocketAddr,
    /// Applications of this host, control scripts included.
    pub applications: Vec<Application>,
    /// Pairs with a member on this host.
    pub pairs: Vec<PairSlice>,
}

/// A pair as one of its hosts needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairSlice {
    /// Name of the pair.
    pub name: PairName,
    /// Redundancy type.
    pub redundancy: Redundancy,
    /// The members on this host (one; both on a single-host pair), with what they are configured as.
    pub members: Vec<(ApplicationName, ConfiguredAs)>,
    /// Host of the other member.
    pub peer_host: HostName,
    /// Address of that host.
    pub peer_address: std::net::IpAddr,
    /// The VIPs as they shall stand here.
    pub virtual_ips: Vec<VirtualIpOnHost>,
    /// The control scripts of this host; absent without VIPs.
    pub control: Option<VipControl>,
    /// What this host does about the VIPs without its controller.
    #[serde(default)]
    pub fencing: Fencing,
}

/// What a host does about a pair's VIPs without its controller (BEHAVIOUR, Split brain).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fencing {
    /// The pair's policy.
    pub policy: ControllerLoss,
    /// Lifetime that the LCA gives the VIPs in the kernel; under `quorum` only.
    pub address_lifetime: Duration,
    /// Detection bound of this host: a lease is over before.
    pub bound: Duration,
    /// Detection bound of the peer's host: a vote waits for it.
    pub peer_bound: Duration,
    /// Port of the peer's LCA.
    pub peer_port: u16,
}

impl Default for Fencing {
    fn default() -> Self {
        Self {
            policy: ControllerLoss::Hold,
            address_lifetime: Duration::from_secs(10),
            bound: Duration::from_secs(3),
            peer_bound: Duration::from_secs(3),
            peer_port: 4999,
        }
    }
}

impl Fencing {
    /// True under `quorum`.
    pub fn is_quorum(&self) -> bool {
        self.policy == ControllerLoss::Quorum
    }
}

/// What the Message Server needs: the conditions, and the types of the applications they select by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageServerSlice {
    /// Of which revision this is the slice.
    pub revision: Revision,
    /// Conditions, disabled ones included.
    pub conditions: Vec<AlarmCondition>,
    /// Type of each application.
    pub application_types: IndexMap<ApplicationName, ApplicationType>,
    /// Log events older than this are deleted.
    pub log_keep: Duration,
    /// Most bytes of the log database.
    pub log_size: u64,
}

impl LcaSlice {
    /// Cuts the slice of a host; `None` if there is no such host.
    pub fn of(environment: &Environment, revision: Revision, host: &HostName) -> Option<Self> {
        let layer = &environment.management_layer;
        let message_server = SocketAddr::new(
            environment.hosts.get(&layer.message_server_host)?.address,
            layer.message_server_port,
        );
        let pairs = environment
            .pairs
            .values()
            .filter_map(|pair| {
                let peer_host = pair.peer_host_of(host)?.clone();
                let (own, peer) = (
                    environment.hosts.get(host)?,
                    environment.hosts.get(&peer_host)?,
                );
                Some(PairSlice {
                    name: pair.name.clone(),
                    redundancy: pair.redundancy,
                    members: pair
                        .members()
                        .into_iter()
                        .filter(|(_, _, on)| *on == host)
                        .map(|(configured_as, name, _)| (name.clone(), configured_as))
                        .collect(),
                    peer_address: peer.address,
                    peer_host,
                    virtual_ips: pair.virtual_ips_on(host),
                    control: pair.control.get(host).cloned(),
                    fencing: Fencing {
                        policy: pair.policy.on_controller_loss,
                        address_lifetime: pair.policy.address_lifetime,
                        bound: own.detection_bound(),
                        peer_bound: peer.detection_bound(),
                        peer_port: peer.lca_port,
                    },
                })
            })
            .collect();
        Some(Self {
            revision,
            environment: environment.name.clone(),
            host: environment.hosts.get(host)?.clone(),
            message_server,
            applications: environment
                .applications
                .values()
                .filter(|application| &application.host == host)
                .map(|application| as_told(application, environment))
                .collect(),
            pairs,
        })
    }
}

/// Section and option by which a member of a pair is told the name of the other, whom alone it is to synchronise with.
pub const PEER_OPTION: (&str, &str) = ("Pair", "peer");

/// Section and option that tell it the port of the other's end of the HA link: on one host theirs differ.
pub const PEER_PORT_OPTION: (&str, &str) = ("Pair", "peer-port");

/// A SIP Server learns its Switch and its peer with its options: it reads no file, and its LCA need not understand them.
fn as_told(application: &Application, environment: &Environment) -> Application {
    let peer = environment
        .pair_of(&application.name)
        .and_then(|pair| pair.peer_of(&application.name));
    let mut application = application.clone();
    if let Some(peer) = peer.filter(|_| application.application_type == ApplicationType::SipServer)
    {
        let (section, option) = PEER_OPTION;
        let port = environment
            .applications
            .get(peer)
            .and_then(|peer| peer.ports.ha_sync.or(peer.ports.default))
            .map(|port| (PEER_PORT_OPTION.1.to_owned(), port.to_string()));
        let told = std::iter::once((option.to_owned(), peer.to_string())).chain(port);
        application
            .options
            .insert(section.to_owned(), told.collect());
    }
    let switch = application.switch.as_ref();
    if let Some(switch) = switch.and_then(|name| environment.switches.get(name)) {
        for (section, options) in switch.to_sections() {
            application.options.entry(section).or_insert(options);
        }
    }
    application
}

impl MessageServerSlice {
    /// Cuts the Message Server's slice.
    pub fn of(environment: &Environment, revision: Revision) -> Self {
        Self {
            revision,
            conditions: environment.alarm_conditions.values().cloned().collect(),
            application_types: environment
                .applications
                .values()
                .map(|application| (application.name.clone(), application.application_type))
                .collect(),
            log_keep: environment.management_layer.log_keep,
            log_size: environment.management_layer.log_size,
        }
    }
}
