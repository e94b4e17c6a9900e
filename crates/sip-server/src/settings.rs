//! Owns the reading of the application's options into what `sip-core` and the sockets need.

use anyhow::Context as _;
use changeover_application_link::Registered;
use changeover_model::environment::{Addp, OptionSections, PEER_OPTION, PEER_PORT_OPTION, Switch};
use changeover_model::parse_duration;
use changeover_model::{ApplicationName, Redundancy};
use changeover_sip_core::SipConfig;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The port of SIP where `TServer / sip-port` says nothing.
const SIP_PORT: u16 = 5060;
/// `addp-timeout` where nothing is said: as between SCS and LCA.
const ADDP_TIMEOUT: Duration = Duration::from_millis(1500);
/// Longest pause between two attempts to reach the peer.
const RECONNECT: Duration = Duration::from_secs(1);

/// What a SIP Server of a pair is to do.
#[derive(Clone, Debug)]
pub(crate) struct SipSettings {
    pub(crate) config: SipConfig,
    pub(crate) ha: Option<HaSettings>,
    /// Where it serves its peer, clients and operators: the default port, and the HA port if that is another.
    pub(crate) serves_at: Vec<SocketAddr>,
    /// Where contacts are kept (`TServer` / `contacts-file`); beside the LCA's socket where nothing is said.
    pub(crate) contacts_file: Option<PathBuf>,
    /// Both servers live on this host: the SIP socket is open only while primary.
    pub(crate) shares_host: bool,
    /// Where the SIP socket is: the VIP, or this host's own address where a network device holds the VIP.
    pub(crate) bind: SocketAddr,
}

/// Where the HA link is.
#[derive(Clone, Debug)]
pub(crate) struct HaSettings {
    /// The other server of the pair: who may synchronise with this one, and whom this one believes.
    pub(crate) name: ApplicationName,
    /// Where its peer does.
    pub(crate) peer: SocketAddr,
    /// Longest pause between two attempts (`sync-reconnect-tout`, at most a second).
    pub(crate) reconnect: Duration,
}

impl SipSettings {
    /// Reads what the LCA said at registration.
    ///
    /// # Errors
    /// Names the option that cannot be read.
    pub(crate) fn read(name: &str, registered: &Registered) -> anyhow::Result<Self> {
        let options = &registered.options;
        let mut config = SipConfig::new(name, sip_address(registered)?);
        config.seed = uuid::Uuid::new_v4().as_u64_pair().0;
        config.hot = registered.redundancy == Some(Redundancy::Hot);
        config.pass_check = is_true(option(options, "TServer", "sip-pass-check"));
        config.switch = Switch::from_sections(options);
        if let Some(realm) = option(options, "TServer", "realm") {
            config.realm = realm.to_owned();
        }
        let device = option(options, "TServer", "network-device");
        config.device = device.and_then(|device| device.trim().parse().ok());
        config.network_device = config.device.is_some() || is_true(device);
        let time = |name| seconds(option(options, "backup-sync", name));
        config.addp = addp(options);
        let port = registered.ha_sync_port.or(registered.default_port);
        let (section, peer) = PEER_OPTION;
        let name = option(options, section, peer).map(ApplicationName::from);
        let ha = port
            .zip(registered.peer_address)
            .zip(name)
            .filter(|_| config.hot);
        let ports: BTreeSet<u16> = [registered.default_port, registered.ha_sync_port]
            .into_iter()
            .flatten()
            .collect();
        let serves_at = ports
            .into_iter()
            .map(|port| SocketAddr::new(registered.host_address, port));
        let reconnect = time("sync-reconnect-tout").unwrap_or(RECONNECT);
        let (section, peer_port) = PEER_PORT_OPTION;
        let peer_port = option(options, section, peer_port).and_then(|port| port.parse().ok());
        let bind = if config.network_device {
            SocketAddr::new(registered.host_address, config.address.port())
        } else {
            config.address
        };
        Ok(Self {
            ha: ha.map(|((port, peer), name)| HaSettings {
                name,
                peer: SocketAddr::new(peer, peer_port.unwrap_or(port)),
                reconnect: reconnect.min(RECONNECT),
            }),
            serves_at: serves_at.collect(),
            contacts_file: option(options, "TServer", "contacts-file").map(PathBuf::from),
            shares_host: registered.peer_address == Some(registered.host_address),
            bind,
            config,
        })
    }
}

/// `backup-sync / addp-timeout` and `addp-remote-timeout`; where only the first is said, both ends wait alike.
fn addp(options: &OptionSections) -> Addp {
    let time = |name| seconds(option(options, "backup-sync", name));
    let timeout = time("addp-timeout").unwrap_or(ADDP_TIMEOUT);
    Addp {
        timeout,
        remote_timeout: time("addp-remote-timeout").unwrap_or(timeout),
    }
}

/// `TServer / sip-address` and `sip-port`.
fn sip_address(registered: &Registered) -> anyhow::Result<SocketAddr> {
    let address: IpAddr = match option(&registered.options, "TServer", "sip-address") {
        Some(address) => address
            .parse()
            .with_context(|| format!("option TServer/sip-address: '{address}' is no address"))?,
        None => registered.host_address,
    };
    let port = match option(&registered.options, "TServer", "sip-port") {
        Some(port) => port
            .parse()
            .with_context(|| format!("option TServer/sip-port: '{port}' is no port"))?,
        None => SIP_PORT,
    };
    Ok(SocketAddr::new(address, port))
}

/// An option, sections and names compared without case.
fn option<'a>(options: &'a OptionSections, section: &str, name: &str) -> Option<&'a str> {
    options
        .iter()
        .filter(|(it, _)| it.eq_ignore_ascii_case(section))
        .flat_map(|(_, options)| options)
        .find(|(option, _)| option.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

fn is_true(value: Option<&str>) -> bool {
    value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// The model's own options: a bare number is seconds.
fn seconds(value: Option<&str>) -> Option<Duration> {
    let value = value?.trim();
    match value.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => parse_duration(value).ok(),
    }
    .filter(|time| !time.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_names_match_in_any_case_and_bare_numbers_are_seconds() {
        let mut options = OptionSections::new();
        let section = [("ADDP-Timeout".to_owned(), "3".to_owned())];
        options.insert("Backup-Sync".to_owned(), section.into_iter().collect());
        let time = seconds(option(&options, "backup-sync", "addp-timeout"));
        assert_eq!(time, Some(Duration::from_secs(3)));
        let each = |timeout, remote_timeout| Addp {
            timeout: Duration::from_secs(timeout),
            remote_timeout: Duration::from_secs(remote_timeout),
        };
        assert_eq!(addp(&options), each(3, 3), "both ends wait alike");
        let section = options.get_mut("Backup-Sync").expect("just written");
        section.insert("addp-remote-timeout".to_owned(), "7s".to_owned());
        assert_eq!(addp(&options), each(3, 7));
        assert_eq!(seconds(Some("250ms")), Some(Duration::from_millis(250)));
        assert_eq!(seconds(Some("soon")), None);
    }
}
