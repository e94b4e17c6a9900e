//! Pairs: two applications, their Virtual IPs, control scripts and policy.

use super::NlbCluster;
use crate::{
    ApplicationName, ConfiguredAs, HostName, PairName, Redundancy, ScriptAction, Takeover,
};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

/// A pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Its name.
    pub name: PairName,
    /// Redundancy type.
    pub redundancy: Redundancy,
    /// How the VIP follows the primary.
    pub takeover: Takeover,
    /// The application configured as primary.
    pub primary: ApplicationName,
    /// Its host.
    pub primary_host: HostName,
    /// The application configured as backup.
    pub backup: ApplicationName,
    /// Its host.
    pub backup_host: HostName,
    /// The VIPs, moved together, in file order; none where a network device holds them.
    pub virtual_ips: Vec<VirtualIp>,
    /// The device that holds the VIPs in front of the pair, with takeover `network_device`.
    #[serde(default)]
    pub network_device: Option<NetworkDevice>,
    /// Per host: which application enables and which disables the pair's VIPs there. Empty without VIPs.
    pub control: IndexMap<HostName, VipControl>,
    /// Policy.
    pub policy: Policy,
    /// The NLB cluster; present exactly where the takeover is by one.
    #[serde(default)]
    pub nlb: Option<NlbCluster>,
}

impl Pair {
    /// True if the application is one of the two.
    pub fn has_member(&self, application: &ApplicationName) -> bool {
        &self.primary == application || &self.backup == application
    }

    /// Both members with their hosts, the configured primary first.
    pub fn members(&self) -> [(ConfiguredAs, &ApplicationName, &HostName); 2] {
        [
            (ConfiguredAs::Primary, &self.primary, &self.primary_host),
            (ConfiguredAs::Backup, &self.backup, &self.backup_host),
        ]
    }

    /// The other member, if `application` is one.
    pub fn peer_of(&self, application: &ApplicationName) -> Option<&ApplicationName> {
        if &self.primary == application {
            Some(&self.backup)
        } else if &self.backup == application {
            Some(&self.primary)
        } else {
            None
        }
    }

    /// The host of a member.
    pub fn host_of(&self, application: &ApplicationName) -> Option<&HostName> {
        self.members()
            .into_iter()
            .find(|(_, name, _)| *name == application)
            .map(|(_, _, host)| host)
    }

    /// The member on a host; on a single-host pair the configured primary.
    pub fn member_on(&self, host: &HostName) -> Option<&ApplicationName> {
        self.members()
            .into_iter()
            .find(|(_, _, on)| *on == host)
            .map(|(_, name, _)| name)
    }

    /// The other one of the pair's two hosts.
    pub fn peer_host_of(&self, host: &HostName) -> Option<&HostName> {
        if &self.primary_host == host {
            Some(&self.backup_host)
        } else if &self.backup_host == host {
            Some(&self.primary_host)
        } else {
            None
        }
    }

    /// Host and action of an application that is one of this pair's control scripts.
    pub fn control_script(
        &self,
        application: &ApplicationName,
    ) -> Option<(&HostName, ScriptAction)> {
        self.control.iter().find_map(|(host, control)| {
            if &control.enable == application {
                Some((host, ScriptAction::Enable))
            } else if &control.disable == application {
                Some((host, ScriptAction::Disable))
            } else {
                None
            }
        })
    }

    /// The VIPs as they shall stand on a host.
    pub fn virtual_ips_on(&self, host: &HostName) -> Vec<VirtualIpOnHost> {
        self.virtual_ips
            .iter()
            .map(|vip| VirtualIpOnHost {
                address: vip.address,
                prefix: vip.prefix,
                interface: vip.interfaces.get(host).cloned().unwrap_or_default(),
                label: vip.label.clone(),
            })
            .collect()
    }
}

/// A Virtual IP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VirtualIp {
    /// The address.
    pub address: IpAddr,
    /// Prefix length.
    pub prefix: u8,
    /// Interface per host of the pair; both hosts are always present.
    pub interfaces: IndexMap<HostName, String>,
    /// Label of the logical sub-interface (`eth0:1`), IPv4 on Linux only.
    pub label: Option<String>,
}

/// A network device: it holds the VIPs itself and sends their traffic to the server that answers its OPTIONS as primary
/// (FACTS 2). Pairs that name the same address share the device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkDevice {
    /// Its own address, from which it asks the servers.
    pub address: IpAddr,
    /// From one OPTIONS to the next.
    pub check_interval: Duration,
    /// The VIPs that it holds for this pair, in file order: address and prefix length.
    pub virtual_ips: Vec<(IpAddr, u8)>,
}

/// A Virtual IP as it shall stand on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualIpOnHost {
    /// The address.
    pub address: IpAddr,
    /// Prefix length.
    pub prefix: u8,
    /// The interface there.
    pub interface: String,
    /// Label, if any.
    pub label: Option<String>,
}

/// The control scripts of one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VipControl {
    /// The Third Party Server that brings the VIPs up there.
    pub enable: ApplicationName,
    /// The Third Party Server that takes them down there.
    pub disable: ApplicationName,
}

/// Policy of a pair (BEHAVIOUR; INTERFACE, Environment file).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Order of disabling and enabling reactions; default release-first.
    pub reaction_order: ReactionOrder,
    /// How long a release may take before the LCA removes the address itself; default 1 s, Windows 8 s.
    pub release_wait: Duration,
    /// What happens to a holder that does not release; default on.
    pub force_release: ForceRelease,
    /// Observed and intended holder may differ this long; `None` = off; default 2 s.
    pub realign_after: Option<Duration>,
    /// How long the SCS waits for the event of a run mode and then for its reactions; default 500 ms.
    pub event_wait: Duration,
    /// How long a demotion may stay unacknowledged; default 500 ms.
    pub demotion_wait: Duration,
    /// What follows a promotion that failed; default roll-back.
    pub on_failure: OnFailure,
    /// What follows an LCA that stays away from a living host; default hold.
    pub on_agent_loss: OnAgentLoss,
    /// What a primary does without its controller; default hold.
    pub on_controller_loss: ControllerLoss,
    /// Retries of a failed control script; default 1.
    pub retries: u32,
    /// Pause before a retry; default 500 ms.
    pub retry_after: Duration,
    /// How long an alarm Test suspends realignment; default 60 s.
    pub test_hold: Duration,
    /// No carrier on a VIP's interface makes the server there Service Unavailable. `None` = the default:
    /// true unless the server has `sip-pass-check=true`.
    pub carrier_check: Option<bool>,
    /// Kernel lifetime of the VIP for the fencing policies; default 10 s.
    pub address_lifetime: Duration,
    /// A command that must succeed before a promotion in a failover from a host that cannot be asked.
    pub fence: Option<FenceCommand>,
    /// When automatic switching stops.
    pub flapping: Flapping,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            reaction_order: ReactionOrder::ReleaseFirst,
            release_wait: Duration::from_secs(1),
            force_release: ForceRelease::On,
            realign_after: Some(Duration::from_secs(2)),
            event_wait: Duration::from_millis(500),
            demotion_wait: Duration::from_millis(500),
            on_failure: OnFailure::RollBack,
            on_agent_loss: OnAgentLoss::Hold,
            on_controller_loss: ControllerLoss::Hold,
            retries: 1,
            retry_after: Duration::from_millis(500),
            test_hold: Duration::from_secs(60),
            carrier_check: None,
            address_lifetime: Duration::from_secs(10),
            fence: None,
            flapping: Flapping {
                switches: 4,
                within: Duration::from_secs(600),
            },
        }
    }
}

/// `fence`: what switches a lost host off, or proves that it is off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FenceCommand {
    /// Run by `/bin/sh -c` on the SCS's host.
    pub command_line: String,
    /// It is killed and has failed after this; default 30 s.
    pub timeout: Duration,
}

/// `reaction_order`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReactionOrder {
    /// Enabling waits until the release is observed.
    ReleaseFirst,
    /// The list runs as written.
    AsListed,
}

/// `force_release`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForceRelease {
    /// The LCA removes the address itself.
    On,
    /// The pair is held with an alarm.
    Off,
    /// The VIP is enabled on the new host all the same.
    EnableAnyway,
}

/// `on_failure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// Back to the previous primary under a new epoch if it is Running.
    RollBack,
    /// Only an alarm.
    Alarm,
}

/// `on_agent_loss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnAgentLoss {
    /// The pair is held.
    Hold,
    /// The pair fails over.
    Failover,
}

/// `on_controller_loss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControllerLoss {
    /// The primary keeps serving.
    Hold,
    /// The primary's LCA releases the VIP after this time.
    ReleaseAfter(Duration),
    /// SCS and both LCAs vote.
    Quorum,
}

/// `flapping`: more than `switches` automatic role changes `within` a time stop automatic switching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flapping {
    /// Most automatic role changes; default 4.
    pub switches: u32,
    /// The window; default 10 min.
    pub within: Duration,
}
