//! Owns what is done to a primary, whoever manages it: its names, how it is done, and how it is undone.

use crate::lab::Lab;
use crate::network::{MANAGEMENT, SERVICE};

/// While this file is there, the health command of the pairs of third-party.md fails.
const DRAIN: &str = "/etc/changeover/drain";

/// What is done to a primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// A planned change, by the manager's own command.
    Switchover,
    Killed,
    Stopped,
    /// The site's own check of the server says no.
    HealthFails,
    CarrierLost,
    CablesPulled,
    Rebooted,
}

/// Who is hit by a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    /// One process, as its host numbers it.
    Process(u64),
    /// Every process of a unit.
    Unit(&'static str),
}

impl Victim {
    fn signal(&self, lab: &Lab, host: &str, signal: &str) {
        let command = match self {
            Self::Process(pid) => format!("kill -{signal} {pid}"),
            Self::Unit(unit) => format!("systemctl kill -s {signal} {unit}"),
        };
        lab.host(host).sh(&command).succeeded();
    }
}

impl Case {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Switchover => "planned: sci switchover",
            Self::Killed => "kill -9 of the server",
            Self::Stopped => "kill -STOP of the server (hang)",
            Self::HealthFails => "health command fails",
            Self::CarrierLost => "carrier of lan0 lost",
            Self::CablesPulled => "all cables pulled (host lost)",
            Self::Rebooted => "systemctl reboot of the host",
        }
    }

    /// Lets it happen to the server on a host, or to the host. `planned` is the command of a planned change, and where it is
    /// given.
    pub(crate) fn happens(self, lab: &Lab, host: &str, victim: &Victim, planned: (&str, &str)) {
        match self {
            Self::Switchover => drop(lab.host(planned.0).sh(planned.1).succeeded()),
            Self::Killed => victim.signal(lab, host, "KILL"),
            Self::Stopped => victim.signal(lab, host, "STOP"),
            Self::HealthFails => drop(lab.host(host).sh(&format!("touch {DRAIN}")).succeeded()),
            Self::CarrierLost | Self::CablesPulled => self.cables(lab, host, false),
            // What the host answers while it goes down is worth nothing.
            Self::Rebooted => drop(lab.host(host).sh("systemctl reboot")),
        }
    }

    /// Takes back what does not pass by itself. A single process that was stopped is ended by its agent.
    pub(crate) fn is_over(self, lab: &Lab, host: &str, victim: &Victim) {
        match self {
            Self::Switchover | Self::Killed => {}
            Self::Stopped => {
                if matches!(victim, Victim::Unit(_)) {
                    victim.signal(lab, host, "CONT");
                }
            }
            Self::HealthFails => drop(lab.host(host).sh(&format!("rm {DRAIN}")).succeeded()),
            Self::CarrierLost | Self::CablesPulled => self.cables(lab, host, true),
            Self::Rebooted => lab.host(host).is_up().expect("it comes back"),
        }
    }

    fn cables(self, lab: &Lab, host: &str, plugged: bool) {
        // The management network goes first: then it is a lost host, and not a lost carrier that is still reported.
        let nics: &[&str] = if self == Self::CablesPulled {
            &[MANAGEMENT, SERVICE]
        } else {
            &[SERVICE]
        };
        for nic in nics {
            lab.wire.cable(host, nic, plugged);
        }
    }
}
