//! Owns a site's network namespaces: one per host, one for the client, and one for the wire between them (a bridge
//! per segment), so that the machine's own namespace never sees an interface of the site. Names carry the run's id;
//! the janitor removes them.

use super::commands::{ip, within};
use super::layout::{self, CLIENT, HostLayout, LAN, NicLayout};
use crate::janitor::{Run, namespace_name};
use crate::moment::Moment;
use crate::observer::WatchedHost;
use crate::trouble::Trouble;
use changeover_model::environment::{Environment, Pair};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;

/// The namespace of the wire.
const WIRE: &str = "lan";

/// The network namespaces of a site.
pub(crate) struct NamespaceNetwork {
    run: String,
    hosts: Vec<PluggedHost>,
    /// Hardware address to host.
    macs: BTreeMap<String, String>,
    client: Vec<IpNet>,
    cables: mpsc::Sender<()>,
}

struct PluggedHost {
    name: String,
    /// The bridge's end of each NIC's cable, with the NIC's name.
    ports: Vec<(String, String)>,
    plugged: Arc<AtomicBool>,
}

impl NamespaceNetwork {
    /// Makes namespaces, bridges, cables and addresses. What it tells of cables comes through the receiver.
    ///
    /// # Errors
    /// When a command fails.
    pub(crate) async fn bring_up(
        run: &Run,
        environment: &Environment,
        pair: &Pair,
    ) -> Result<(Self, mpsc::Receiver<()>), Trouble> {
        let wire = namespace_name(&run.id, WIRE);
        let mut layouts = layout::hosts(environment);
        let client = layout::client_addresses(environment, pair);
        layouts.push(HostLayout {
            name: CLIENT.to_owned(),
            nics: vec![NicLayout {
                name: "eth0".to_owned(),
                segment: LAN,
                addresses: client.clone(),
            }],
        });
        ip(&["netns", "add", &wire]).await?;
        for (number, segment) in segments(&layouts).into_iter().enumerate() {
            let bridge = bridge_name(number);
            let words = [
                "-n",
                &wire,
                "link",
                "add",
                &bridge,
                "type",
                "bridge",
                "stp_state",
                "0",
                "forward_delay",
                "0",
            ];
            ip(&words).await?;
            ip(&["-n", &wire, "link", "set", &bridge, "up", "alias", segment]).await?;
        }
        let mut hosts = Vec::new();
        let mut macs = BTreeMap::new();
        let bridges = segments(&layouts);
        for (number, host) in layouts.iter().enumerate() {
            let ports = join(&run.id, number, host, &bridges).await?;
            for nic in &host.nics {
                macs.insert(
                    mac(&run.id, &host.name, &nic.name).await?,
                    host.name.clone(),
                );
            }
            hosts.push(PluggedHost {
                name: host.name.clone(),
                ports,
                plugged: Arc::new(AtomicBool::new(true)),
            });
        }
        let (cables, look_again) = mpsc::channel(64);
        let network = Self {
            run: run.id.clone(),
            hosts,
            macs,
            client,
            cables,
        };
        Ok((network, look_again))
    }

    /// The namespace of a host.
    pub(crate) fn namespace(&self, host: &str) -> String {
        namespace_name(&self.run, host)
    }

    /// The hosts that may hold a Virtual IP, as the observer watches them.
    pub(crate) fn watched(&self) -> Vec<WatchedHost> {
        self.hosts
            .iter()
            .filter(|host| host.name != CLIENT)
            .map(|host| WatchedHost {
                name: host.name.clone(),
                namespace: self.namespace(&host.name),
                plugged: Arc::clone(&host.plugged),
            })
            .collect()
    }

    /// Pulls or plugs every cable of a host at the bridge's end, so that its NICs lose their carrier; when that
    /// began. Reachable counts from before the cable goes in, and until after it is out.
    ///
    /// # Errors
    /// When a command fails.
    pub(crate) async fn cable(&self, host: &str, plugged: bool) -> Result<Moment, Trouble> {
        let wire = namespace_name(&self.run, WIRE);
        let began = Moment::now();
        for host in self.hosts.iter().filter(|one| one.name == host) {
            if plugged {
                self.mark(host, true).await;
            }
            let mut ports: Vec<_> = host.ports.iter().collect();
            // As on loopback: the NIC over which the host could still report the loss of the other goes first.
            if !plugged {
                ports.reverse();
            }
            for (_, port) in ports {
                let state = if plugged { "up" } else { "down" };
                ip(&["-n", &wire, "link", "set", port, state]).await?;
            }
            if !plugged {
                self.mark(host, false).await;
            }
        }
        Ok(began)
    }

    /// Pulls or plugs the cable of a host's NIC that carries the Virtual IP; when that began.
    ///
    /// # Errors
    /// When a command fails.
    pub(crate) async fn one_cable(
        &self,
        host: &str,
        nic: &str,
        plugged: bool,
    ) -> Result<Moment, Trouble> {
        let wire = namespace_name(&self.run, WIRE);
        let began = Moment::now();
        for host in self.hosts.iter().filter(|one| one.name == host) {
            if plugged {
                self.mark(host, true).await;
            }
            for (_, port) in host.ports.iter().filter(|(name, _)| name == nic) {
                let state = if plugged { "up" } else { "down" };
                ip(&["-n", &wire, "link", "set", port, state]).await?;
            }
            if !plugged {
                self.mark(host, false).await;
            }
        }
        Ok(began)
    }

    /// Every NIC of a host with the bridge's end of its cable, and the namespace in which that stands.
    pub(crate) fn ports(&self, host: &str) -> (String, Vec<String>) {
        let ports = self.hosts.iter().find(|one| one.name == host);
        (
            namespace_name(&self.run, WIRE),
            ports.map_or_else(Vec::new, |host| {
                host.ports.iter().map(|(_, port)| port.clone()).collect()
            }),
        )
    }

    /// From now on neighbours reach a host, or do not, whatever its cables say.
    pub(crate) async fn reachable(&self, host: &str, reachable: bool) {
        for host in self.hosts.iter().filter(|one| one.name == host) {
            self.mark(host, reachable).await;
        }
    }

    async fn mark(&self, host: &PluggedHost, plugged: bool) {
        host.plugged.store(plugged, Ordering::Release);
        if self.cables.send(()).await.is_err() {
            tracing::debug!("nobody observes this site");
        }
    }

    /// The host that the client's kernel has for an address.
    ///
    /// # Errors
    /// When `ip` fails.
    pub(crate) async fn neighbour_entry(&self, address: IpAddr) -> Result<Option<String>, Trouble> {
        let client = self.namespace(CLIENT);
        let text = ip(&[
            "-n",
            &client,
            "-json",
            "neigh",
            "show",
            &address.to_string(),
        ])
        .await?;
        let entries: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap_or_default();
        let mac = entries
            .iter()
            .find_map(|entry| entry.get("lladdr")?.as_str());
        Ok(mac.and_then(|mac| self.macs.get(mac).cloned()))
    }

    /// A socket for the probe or an endpoint, opened where the client is.
    ///
    /// # Errors
    /// When the namespace cannot be entered or has no address for the target's family.
    pub(crate) async fn client_socket(&self, target: SocketAddr) -> Result<UdpSocket, Trouble> {
        let own = self
            .client
            .iter()
            .find(|net| net.contains(&target.ip()))
            .map(IpNet::addr)
            .ok_or_else(|| {
                Trouble::Unusable(format!(
                    "the network of {target} has no address left for a client"
                ))
            })?;
        within(Some(&self.namespace(CLIENT)), move || {
            UdpSocket::bind((own, 0)).map_err(|source| Trouble::Start {
                what: "the probe".to_owned(),
                source,
            })
        })
        .await
    }
}

/// Makes a host's namespace with its NICs, each on the bridge of its segment; the bridge's ends.
async fn join(
    run: &str,
    number: usize,
    host: &HostLayout,
    bridges: &[&str],
) -> Result<Vec<(String, String)>, Trouble> {
    let (wire, inside) = (namespace_name(run, WIRE), namespace_name(run, &host.name));
    ip(&["netns", "add", &inside]).await?;
    ip(&["-n", &inside, "link", "set", "lo", "up"]).await?;
    let mut ports = Vec::new();
    for (place, nic) in host.by_cable().into_iter().enumerate() {
        let port = format!("p{number}n{place}");
        let bridge = bridge_name(
            bridges
                .iter()
                .position(|segment| *segment == nic.segment)
                .unwrap_or(0),
        );
        let words = [
            "-n", &wire, "link", "add", &port, "type", "veth", "peer", "name", &nic.name, "netns",
            &inside,
        ];
        ip(&words).await?;
        ip(&["-n", &wire, "link", "set", &port, "master", &bridge, "up"]).await?;
        ip(&["-n", &inside, "link", "set", &nic.name, "up"]).await?;
        for address in &nic.addresses {
            let text = address.to_string();
            let mut words = vec!["-n", &inside, "address", "add", &text, "dev", &nic.name];
            if address.addr().is_ipv6() {
                words.push("nodad");
            }
            ip(&words).await?;
        }
        ports.push((nic.name.clone(), port));
    }
    Ok(ports)
}

async fn mac(run: &str, host: &str, nic: &str) -> Result<String, Trouble> {
    let inside = namespace_name(run, host);
    let text = ip(&["-n", &inside, "-json", "link", "show", "dev", nic]).await?;
    let links: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap_or_default();
    let mac = links.iter().find_map(|link| link.get("address")?.as_str());
    mac.map(ToOwned::to_owned).ok_or_else(|| Trouble::Command {
        command: format!("ip -n {inside} -json link show dev {nic}"),
        status: "success".to_owned(),
        said: format!("no hardware address in {text:?}"),
    })
}

fn segments(layouts: &[HostLayout]) -> Vec<&'static str> {
    let mut segments = vec![LAN];
    for nic in layouts.iter().flat_map(|host| &host.nics) {
        if !segments.contains(&nic.segment) {
            segments.push(nic.segment);
        }
    }
    segments
}

fn bridge_name(number: usize) -> String {
    format!("br{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::janitor::{make_folder, take_down};
    use crate::observer::{Holding, Observer, follow_namespaces};
    use crate::site::components::tests::marked_sleeper;
    use changeover_model::Redundancy;
    use std::path::Path;
    use std::time::Duration;
    use tokio::sync::oneshot;

    const VIP: &str = "10.10.11.103/24";
    const BOUND: Duration = Duration::from_secs(5);

    /// The built-in site's network, observed.
    struct Wired {
        run: Run,
        network: NamespaceNetwork,
        observer: Observer,
        vip: IpAddr,
        _observing: oneshot::Sender<()>,
    }

    impl Wired {
        async fn up() -> Self {
            let text = crate::built_in::environment(Redundancy::Hot, None, Path::new("/tmp/x"));
            let loaded =
                changeover_configuration::load("linux.yaml", &text).expect("the built-in file");
            let pair = loaded.environment.pairs.values().next().expect("its pair");
            let vip = pair.virtual_ips[0].address;
            let run = Run::new();
            make_folder(&run).expect("a folder in the temporary folder");
            let up = NamespaceNetwork::bring_up(&run, &loaded.environment, pair).await;
            let (network, cables) = up.expect("root");
            let observer = Observer::of(vec![vip]);
            let observing =
                follow_namespaces(network.watched(), vec![vip], observer.clone(), cables).await;
            Self {
                run,
                network,
                observer,
                vip,
                _observing: observing.expect("root"),
            }
        }

        async fn vip(&self, verb: &str, host: &str) {
            let namespace = self.network.namespace(host);
            ip(&["-n", &namespace, "address", verb, VIP, "dev", "eth0"])
                .await
                .expect("ip obeys in a namespace of ours");
        }

        async fn sees(&self, what: impl Fn(&Holding) -> bool) {
            assert!(
                self.observer.wait_until(BOUND, what).await,
                "{:?}",
                self.observer.holding()
            );
        }

        /// Asks something of the VIP until the client's entry names the host.
        async fn client_finds(&self, host: &str) {
            let at = SocketAddr::new(self.vip, 5060);
            let socket = self
                .network
                .client_socket(at)
                .await
                .expect("the client has an address");
            let end = Moment::now().plus(BOUND);
            while self
                .network
                .neighbour_entry(self.vip)
                .await
                .expect("readable")
                .as_deref()
                != Some(host)
            {
                socket
                    .send_to(b"who has it?", at)
                    .expect("the subnet is there");
                assert!(Moment::now() < end, "ARP answers at once");
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs root"]
    async fn a_holder_is_seen_and_found_and_behind_a_pulled_cable_it_is_no_second_one() {
        let wired = Wired::up().await;
        wired.vip("add", "host1").await;
        wired.sees(|holding| holding.is_held_by("host1")).await;
        wired.client_finds("host1").await;

        let pulled = wired
            .network
            .cable("host1", false)
            .await
            .expect("the wire obeys");
        wired
            .sees(|holding| holding.reachable_now().is_empty())
            .await;
        assert!(
            wired.observer.holding().holds("host1"),
            "behind its pulled cable"
        );
        wired.vip("add", "host2").await;
        wired.sees(|holding| holding.is_held_by("host2")).await;
        let apart = wired.observer.holding().times(pulled, Moment::now());
        assert_eq!(apart.two_holders_ms, 0.0);

        wired
            .network
            .cable("host1", true)
            .await
            .expect("the wire obeys");
        wired
            .sees(|holding| holding.reachable_now().len() == 2)
            .await;
        wired.vip("delete", "host1").await;
        wired.sees(|holding| holding.is_held_by("host2")).await;
        assert_eq!(take_down(&wired.run), Vec::<String>::new());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs root"]
    async fn taking_down_ends_processes_inside_the_namespaces_and_removes_them() {
        let wired = Wired::up().await;
        let mut sleeper = marked_sleeper(&wired.run, Some(&wired.network.namespace("host1"))).await;
        assert_eq!(
            take_down(&wired.run),
            Vec::<String>::new(),
            "nothing is left"
        );
        assert!(
            !sleeper.wait().await.expect("our child").success(),
            "killed"
        );
        let left = ip(&["netns", "list"]).await.expect("ip works");
        assert!(!left.contains(&wired.run.id), "{left}");
        assert!(!wired.run.folder.exists());
    }
}
