//! What a site shall be like. The defaults are the guide's sample addresses (FACTS 5), so that a kit can be tried as it
//! is.

use crate::{KitError, Platform, platforms};
use changeover_model::Redundancy;
use ipnet::IpNet;
use std::net::IpAddr;

/// Longest interface name that leaves room for a label's `:1`.
const LONGEST_INTERFACE: usize = 13;

/// How far from the VIP a gateway is looked for when none is named.
const LAST_GUESS: u8 = 8;

/// What moves the VIP on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlScripts {
    /// `vipctl`.
    Builtin,
    /// Shell scripts of the site's own.
    Shell,
}

/// Network cards of each host of the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nics {
    /// One for everything.
    One,
    /// One for SIP and the VIP, one for everything else.
    Two,
}

/// A site with one pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Name of the environment.
    pub name: String,
    /// Hot or Warm Standby.
    pub redundancy: Redundancy,
    /// What moves the VIP.
    pub control_scripts: ControlScripts,
    /// Network cards.
    pub nics: Nics,
    /// Host of the SCS and the Message Server, with its address.
    pub management: (String, IpAddr),
    /// Host of the application configured as primary; with two NICs the address is the management NIC's.
    pub primary: (String, IpAddr),
    /// The other one.
    pub backup: (String, IpAddr),
    /// The VIP.
    pub vip: IpAddr,
    /// Prefix length of the VIP's network.
    pub prefix: u8,
    /// The interface of the VIP, on both hosts.
    pub interface: String,
    /// The SIP gateway, which is asked in quiet times where the SIP NIC is guarded; `None` = the address after the VIP.
    pub gateway: Option<IpAddr>,
}

impl Request {
    /// The guide's sample site.
    #[must_use]
    pub fn sample(name: &str, redundancy: Redundancy, nics: Nics) -> Self {
        let network = match nics {
            Nics::One => 11,
            // The SIP NICs are in 10.10.11.0; Host objects name the others (FACTS 2).
            Nics::Two => 12,
        };
        let host = |name: &str, last: u8| (name.to_owned(), IpAddr::from([10, 10, network, last]));
        Self {
            name: name.to_owned(),
            redundancy,
            control_scripts: ControlScripts::Builtin,
            nics,
            management: host("mgmt1", 110),
            primary: host("host1", 101),
            backup: host("host2", 102),
            vip: IpAddr::from([10, 10, 11, 103]),
            prefix: 24,
            interface: "eth0".to_owned(),
            gateway: None,
        }
    }

    /// Whom SIP traffic monitoring asks in quiet times: the gateway, or for want of one the next address that nobody has here.
    pub(crate) fn gateway(&self) -> Option<IpAddr> {
        self.gateway.or_else(|| {
            let network = self.network()?;
            (1..=LAST_GUESS)
                .filter_map(|step| later(self.vip, step))
                .find(|free| {
                    network.contains(free) && *free != network.broadcast() && !self.has(*free)
                })
        })
    }

    fn has(&self, address: IpAddr) -> bool {
        let hosts = [&self.management, &self.primary, &self.backup];
        address == self.vip || hosts.iter().any(|host| host.1 == address)
    }

    /// The network of the VIP, if the prefix length fits the address.
    pub(crate) fn network(&self) -> Option<IpNet> {
        IpNet::new(self.vip, self.prefix).ok()
    }

    /// The sample site on a platform.
    #[must_use]
    pub fn sample_on(platform: Platform, name: &str, redundancy: Redundancy, nics: Nics) -> Self {
        Self {
            control_scripts: platform.usual_control_scripts(),
            interface: platform.usual_interface().to_owned(),
            ..Self::sample(name, redundancy, nics)
        }
    }

    pub(crate) fn refuse_contradictions(&self, platform: Platform) -> Result<(), KitError> {
        self.refuse_names()?;
        self.refuse_hosts()?;
        self.refuse_networks()?;
        self.refuse_gateway()?;
        match platform {
            Platform::Linux | Platform::NetworkDevice | Platform::SingleHost => {
                self.refuse_interface()
            }
            Platform::Aix | Platform::Solaris => {
                platforms::refuse(platform, self)?;
                self.refuse_interface()
            }
            Platform::Windows | Platform::WindowsNlb => {
                platforms::refuse(platform, self)?;
                self.refuse_connection()
            }
        }
    }

    /// The name of a connection on Windows, as it can stand in a batch file and in YAML.
    fn refuse_connection(&self) -> Result<(), KitError> {
        let name = &self.interface;
        let fits = (1..=64).contains(&name.len())
            && name.trim() == name
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_. ()".contains(&byte))
            && name.starts_with(|first: char| first.is_ascii_alphabetic());
        if fits {
            return Ok(());
        }
        refuse(format!(
            "'{name}' is no connection here: write the name as `ipconfig` shows it, a letter first, then letters, digits, \
             blanks and -_.(), at most 64"
        ))
    }

    fn refuse_interface(&self) -> Result<(), KitError> {
        let interface = &self.interface;
        let fits = !interface.is_empty()
            && interface.len() <= LONGEST_INTERFACE
            && interface
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if fits {
            return Ok(());
        }
        refuse(format!(
            "'{interface}' is no interface here: write the name as the system shows it, at most {LONGEST_INTERFACE} \
             characters (the label {interface}:1 must fit into 15)"
        ))
    }

    fn refuse_names(&self) -> Result<(), KitError> {
        for (what, name) in [
            ("site", &self.name),
            ("host", &self.management.0),
            ("host", &self.primary.0),
            ("host", &self.backup.0),
        ] {
            let fits = name.len() <= 64
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
                && name.starts_with(|first: char| first.is_ascii_alphanumeric());
            if !fits {
                return refuse(format!(
                    "'{name}' is no name for a {what} here: 1 to 64 letters, digits and -_., a letter or digit first"
                ));
            }
        }
        Ok(())
    }

    fn refuse_hosts(&self) -> Result<(), KitError> {
        let hosts = [&self.management, &self.primary, &self.backup];
        for (number, one) in hosts.iter().enumerate() {
            for other in &hosts[..number] {
                if one.0 == other.0 || one.1 == other.1 {
                    return refuse(format!(
                        "{} ({}) and {} ({}): a pair needs two hosts, and a third machine for the SCS, each with a \
                         name and an address of its own",
                        other.0, other.1, one.0, one.1
                    ));
                }
            }
            if one.1 == self.vip {
                return refuse(format!(
                    "{} is the address of {}: the VIP must be a free address of its network",
                    self.vip, one.0
                ));
            }
        }
        Ok(())
    }

    fn refuse_gateway(&self) -> Result<(), KitError> {
        match self.gateway() {
            Some(gateway) if self.has(gateway) => refuse(format!(
                "{gateway} is the VIP or the address of a host: the gateway that is to answer in quiet times is another machine"
            )),
            Some(gateway) if gateway.is_ipv4() != self.vip.is_ipv4() => refuse(format!(
                "{gateway} and the VIP {} are of two kinds of address: SIP cannot reach one from the other",
                self.vip
            )),
            None if self.nics == Nics::Two => refuse(format!(
                "no address is free after {}: name the SIP gateway (--gateway), which is asked in quiet times whether SIP still \
                 arrives",
                self.vip
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn refuse_networks(&self) -> Result<(), KitError> {
        let Some(network) = self.network() else {
            return refuse(format!(
                "{} is no prefix length of {}: at most {}",
                self.prefix,
                self.vip,
                if self.vip.is_ipv4() { 32 } else { 128 }
            ));
        };
        for host in [&self.primary, &self.backup] {
            let inside = network.contains(&host.1);
            if self.nics == Nics::One && !inside {
                return refuse(format!(
                    "{} ({}) is outside {}, the network of the VIP: with one NIC IP Address Takeover needs both hosts \
                     and the VIP in one subnet (--nics 2 if this is another NIC's address)",
                    host.0,
                    host.1,
                    network.trunc()
                ));
            }
            if self.nics == Nics::Two && inside {
                return refuse(format!(
                    "{} ({}) is inside {}, the network of the VIP: with two NICs a Host object names the address of the \
                     other, the management NIC",
                    host.0,
                    host.1,
                    network.trunc()
                ));
            }
        }
        Ok(())
    }
}

/// An address some steps further on.
fn later(address: IpAddr, step: u8) -> Option<IpAddr> {
    match address {
        IpAddr::V4(ip) => {
            Some(u32::from(ip).checked_add(step.into())?).map(|bits| IpAddr::V4(bits.into()))
        }
        IpAddr::V6(ip) => {
            Some(u128::from(ip).checked_add(step.into())?).map(|bits| IpAddr::V6(bits.into()))
        }
    }
}

fn refuse(why: String) -> Result<(), KitError> {
    Err(KitError::Request(why))
}
