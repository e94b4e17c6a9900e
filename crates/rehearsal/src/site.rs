//! Owns one site on this machine: network, components, probe and observer, and the hands that reach into it: cables,
//! kill -9, the neighbour's ARP entry. Everything it starts carries the run's marker; taking it down is the janitor's
//! (`janitor.rs`). What is done on a site is in `workflows`.

mod certificates;
mod commands;
mod components;
mod hands;
mod layout;
mod loopback;
mod namespaces;
mod waiting;

pub(crate) use commands::{enter_namespace, within};
pub(crate) use layout::{CLIENT, SipNics};
pub(crate) use loopback::host_folder;
pub(crate) use waiting::{Expected, describe_pair};

use crate::applicable::traffic_period;
use crate::arguments::NetworkKind;
use crate::endpoint::Endpoint;
use crate::janitor::{Ended, RUN_MARKER, Run, end_process};
use crate::moment::Moment;
use crate::observer::{Observer, follow_emulator, follow_namespaces};
use crate::operator::{Operator, Way};
use crate::outcome::{DrawnHost, SiteDrawing};
use crate::plan::{SiteEnvironment, SitePlan};
use crate::probe::Probe;
use crate::trouble::Trouble;
use certificates::Authority;
use changeover_model::environment::Pair;
use changeover_model::{ApplicationName, HostName, Takeover};
use changeover_network_emulator::ClusterDescription;
use changeover_rpc::identity::Role;
use components::Components;
use loopback::LoopbackNetwork;
use namespaces::NamespaceNetwork;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::oneshot;

/// A killed process ends within this time.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// A site that runs.
pub(crate) struct Site {
    run: Run,
    program: PathBuf,
    pub(crate) environment: SiteEnvironment,
    pub(crate) pair: Pair,
    network: SiteNetwork,
    components: Components,
    pub(crate) operator: Operator,
    pub(crate) observer: Observer,
    pub(crate) probe: Option<Probe>,
    /// Ends the observer's thread when the site is dropped.
    _observing: Option<oneshot::Sender<()>>,
    scs: SocketAddr,
    tls: Option<PathBuf>,
    started: Moment,
    pub(crate) up_after_ms: f64,
    /// The host whose SIP NIC has been unplugged.
    sip_cable_out: Option<HostName>,
    /// How much longer than usual it may take, because of its platform or of a fault.
    pub(crate) patience: Duration,
}

enum SiteNetwork {
    Loopback(Box<LoopbackNetwork>),
    Namespaces(NamespaceNetwork),
}

impl Site {
    /// Brings everything up and waits for the start state: server 1 primary with the VIP, server 2 backup.
    ///
    /// # Errors
    /// When something cannot be started, or the start state is not reached; it says what is missing.
    pub(crate) async fn bring_up(
        plan: &SitePlan,
        program: &Path,
        run: &Run,
    ) -> Result<Self, Trouble> {
        let started = Moment::now();
        let environment = plan.prepare(run)?;
        let pair = pair_of(&environment, plan)?;
        let addresses: Vec<IpAddr> = pair.virtual_ips.iter().map(|vip| vip.address).collect();
        let observer = Observer::of(addresses.clone());
        let sip_port = sip_port(&environment, &pair.primary);
        let (network, observing, authority) = match plan.network {
            NetworkKind::Loopback => {
                let network = LoopbackNetwork::bring_up(
                    program,
                    run,
                    &environment,
                    &pair,
                    sip_port,
                    &plan.faults,
                )
                .await?;
                follow_emulator(&network.control, observer.clone()).await?;
                (SiteNetwork::Loopback(Box::new(network)), None, None)
            }
            NetworkKind::Netns => {
                let (network, cables) =
                    NamespaceNetwork::bring_up(run, environment.environment(), &pair).await?;
                let stop =
                    follow_namespaces(network.watched(), addresses, observer.clone(), cables)
                        .await?;
                let authority = Authority::new(run.folder.join("tls"))?;
                (
                    SiteNetwork::Namespaces(network),
                    Some(stop),
                    Some(authority),
                )
            }
        };
        let components =
            Components::start(program, run, &environment, &network, authority.as_ref()).await?;
        let tls = authority
            .map(|authority| authority.issue(Role::Operator, "rehearsal"))
            .transpose()?;
        let scs = scs_address(&environment)?;
        let operator = Operator::new(way_to(&network, &environment, scs, tls.clone()).await?);
        let mut site = Self {
            run: run.clone(),
            program: program.to_owned(),
            environment,
            pair,
            network,
            components,
            operator,
            observer,
            probe: None,
            _observing: observing,
            scs,
            tls,
            started,
            up_after_ms: 0.0,
            sip_cable_out: None,
            patience: plan.patience(),
        };
        site.reach_start_state().await?;
        site.up_after_ms = Moment::now().ms_since(site.started);
        site.probe = site.start_probe(sip_port).await?;
        Ok(site)
    }

    async fn start_probe(&self, sip_port: u16) -> Result<Option<Probe>, Trouble> {
        let target = SocketAddr::new(sip_address(&self.environment, &self.pair), sip_port);
        let (socket, target) = self.client_socket(target).await?;
        let named = [&self.pair.primary, &self.pair.backup]
            .into_iter()
            .all(|member| self.environment.is_named(member));
        Probe::start(socket, target, &self.run.id, named).map(Some)
    }

    /// A socket where the client is, and where a site's address is from there.
    async fn client_socket(
        &self,
        target: SocketAddr,
    ) -> Result<(std::net::UdpSocket, SocketAddr), Trouble> {
        Ok(match &self.network {
            SiteNetwork::Loopback(network) => {
                (network.client_socket()?, network.real(target).await?)
            }
            SiteNetwork::Namespaces(network) => (network.client_socket(target).await?, target),
        })
    }

    /// A phone where the client is, which knows the pair's SIP address.
    ///
    /// # Errors
    /// When there is no socket for it.
    pub(crate) async fn endpoint(&self, user: &str) -> Result<Endpoint, Trouble> {
        let port = sip_port(&self.environment, &self.pair.primary);
        let vip = SocketAddr::new(sip_address(&self.environment, &self.pair), port);
        let (socket, target) = self.client_socket(vip).await?;
        Endpoint::start(user, &self.run.id, socket, vip, target)
    }

    /// The host whose node of an NLB cluster gets the probe's questions while the port is enabled on both.
    pub(crate) fn node_for_client(&self) -> Option<String> {
        let port = sip_port(&self.environment, &self.pair.primary);
        let cluster = ClusterDescription::of(&self.pair, port, Duration::ZERO)?;
        let host = cluster.host_for(self.probe.as_ref()?.from());
        host.map(ToOwned::to_owned)
    }

    /// T of SIP traffic monitoring; zero where nothing is watched.
    pub(crate) fn traffic_period(&self) -> Duration {
        traffic_period(self.environment.environment(), &self.pair).unwrap_or_default()
    }

    /// The host whose SIP NIC is unplugged, if one is.
    pub(crate) fn sip_cable_out(&self) -> Option<HostName> {
        self.sip_cable_out.clone()
    }

    /// Pulls or plugs the NIC of the Virtual IPs on a host, and no other; when that began.
    ///
    /// # Errors
    /// When the network does not obey.
    pub(crate) async fn sip_cable(
        &mut self,
        host: &HostName,
        plugged: bool,
    ) -> Result<Moment, Trouble> {
        let nic = self
            .pair
            .virtual_ips_on(host)
            .into_iter()
            .next()
            .map(|vip| vip.interface)
            .unwrap_or_default();
        self.sip_cable_out = (!plugged).then(|| host.clone());
        match &self.network {
            SiteNetwork::Loopback(network) => network.one_cable(host.as_str(), &nic, plugged).await,
            SiteNetwork::Namespaces(network) => {
                network.one_cable(host.as_str(), &nic, plugged).await
            }
        }
    }

    /// Pulls every cable of a host; when that began.
    ///
    /// # Errors
    /// When the network does not obey.
    pub(crate) async fn pull_cable(&self, host: &HostName) -> Result<Moment, Trouble> {
        self.cable(host, false).await
    }

    /// Puts them back; when that began.
    ///
    /// # Errors
    /// When the network does not obey.
    pub(crate) async fn put_cable_back(&self, host: &HostName) -> Result<Moment, Trouble> {
        self.cable(host, true).await
    }

    async fn cable(&self, host: &HostName, plugged: bool) -> Result<Moment, Trouble> {
        match &self.network {
            SiteNetwork::Loopback(network) => network.cable(host.as_str(), plugged).await,
            SiteNetwork::Namespaces(network) => network.cable(host.as_str(), plugged).await,
        }
    }

    /// `kill -9`; when it was sent and when the process ended. `None` when the run has no such process.
    pub(crate) async fn kill(&self, pid: u32) -> Option<(Moment, Ended)> {
        let run = self.run.id.clone();
        // Waiting for the end blocks a thread for as long as the kernel needs.
        let killing =
            tokio::task::spawn_blocking(move || end_process(pid, RUN_MARKER, &run, KILL_WAIT));
        killing.await.unwrap_or(None)
    }

    /// The host that the client's ARP entry for the first VIP names; behind a network device the one that it has chosen.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) async fn neighbour_entry(&self) -> Result<Option<String>, Trouble> {
        let device = self.pair.network_device.as_ref();
        if let (Some(device), SiteNetwork::Loopback(network)) = (device, &self.network) {
            let Some((front, _)) = device.virtual_ips.first() else {
                return Ok(None);
            };
            let server = network.chosen_by_device(*front).await?;
            let hosts = &self.environment.environment().hosts;
            let host = hosts.values().find(|host| Some(host.address) == server);
            return Ok(host.map(|host| host.name.to_string()));
        }
        let Some(vip) = self.pair.virtual_ips.first() else {
            return Ok(None);
        };
        match &self.network {
            SiteNetwork::Loopback(network) => network.neighbour_entry(vip.address).await,
            SiteNetwork::Namespaces(network) => network.neighbour_entry(vip.address).await,
        }
    }

    /// Complains about a component that has ended, which none does unasked.
    ///
    /// # Errors
    /// With its name and the end of its log.
    pub(crate) fn check_components(&mut self) -> Result<(), Trouble> {
        self.components.check()
    }

    /// The ends of all logs, for a complaint.
    pub(crate) fn log_tails(&self) -> String {
        self.components.log_tails()
    }

    /// Where and how `sci` reaches the SCS: address, certificates, and the namespace from which it must be run.
    pub(crate) async fn way_for_sci(
        &self,
    ) -> Result<(SocketAddr, Option<&Path>, Option<String>), Trouble> {
        match &self.network {
            SiteNetwork::Loopback(network) => Ok((network.real(self.scs).await?, None, None)),
            SiteNetwork::Namespaces(network) => {
                let host = self
                    .environment
                    .environment()
                    .management_layer
                    .scs_host
                    .as_str();
                Ok((self.scs, self.tls.as_deref(), Some(network.namespace(host))))
            }
        }
    }

    /// What reports say and draw of it.
    pub(crate) fn drawing(&self, plan: &SitePlan) -> SiteDrawing {
        let environment = self.environment.environment();
        let mut started: Vec<String> = self.components.names().collect();
        started.extend([self.pair.primary.to_string(), self.pair.backup.to_string()]);
        let nics = if layout::hosts(environment)
            .iter()
            .any(|host| host.nics.len() > 1)
        {
            "two NICs"
        } else {
            "one NIC"
        };
        let vips = virtual_ips(&self.pair);
        let kind = match self.pair.takeover {
            Takeover::IpAddress => "IP Address Takeover",
            Takeover::WindowsNlb => "Windows NLB Cluster",
            Takeover::NetworkDevice => "network device",
            Takeover::SingleHost => "single host",
        };
        let shown = if vips.is_empty() {
            "no VIP".to_owned()
        } else {
            format!("VIP {}", vips.join(", "))
        };
        let hosts = environment
            .hosts
            .values()
            .map(|host| DrawnHost {
                name: host.name.to_string(),
                address: host.address.to_string(),
                processes: self.processes_of(&host.name),
            })
            .collect();
        SiteDrawing {
            hosts,
            description: format!("{}: {kind}, {nics}, {shown}", plan.source_name()),
            virtual_ips: vips,
            client: CLIENT.to_owned(),
            started,
            up_after_ms: self.up_after_ms,
            control: self.environment.control.clone(),
        }
    }

    fn processes_of(&self, host: &HostName) -> Vec<String> {
        let mut processes: Vec<String> = self.components.on(host).collect();
        for (_, application, on) in self.pair.members() {
            if on == host {
                processes.push(application.to_string());
            }
        }
        processes
    }
}

fn pair_of(environment: &SiteEnvironment, plan: &SitePlan) -> Result<Pair, Trouble> {
    let pair = environment.environment().pairs.get(&plan.pair);
    pair.cloned()
        .ok_or_else(|| Trouble::Unusable(format!("the file has no pair {} any more", plan.pair)))
}

/// The VIPs of a pair as they are written, wherever they are held.
fn virtual_ips(pair: &Pair) -> Vec<String> {
    let moved = pair.virtual_ips.iter();
    let moved = moved.map(|vip| format!("{}/{}", vip.address, vip.prefix));
    let device = pair.network_device.as_ref();
    let held = device.map_or(&[][..], |device| &device.virtual_ips);
    let held = held.iter();
    moved
        .chain(held.map(|(address, prefix)| format!("{address}/{prefix}")))
        .collect()
}

/// The port that is probed; both servers of a pair have the same.
fn sip_port(environment: &SiteEnvironment, server: &ApplicationName) -> u16 {
    environment
        .environment()
        .applications
        .get(server)
        .map_or(5060, crate::stand_in::sip_port)
}

/// The address that endpoints know: the first VIP, wherever it is held; on a single host the host's own.
fn sip_address(environment: &SiteEnvironment, pair: &Pair) -> IpAddr {
    let moved = pair.virtual_ips.first().map(|vip| vip.address);
    let held = pair
        .network_device
        .as_ref()
        .and_then(|device| device.virtual_ips.first())
        .map(|(address, _)| *address);
    let hosts = &environment.environment().hosts;
    let only_host = hosts.get(&pair.primary_host).map(|host| host.address);
    // A validated environment has the hosts of its pairs.
    moved
        .or(held)
        .or(only_host)
        .unwrap_or(IpAddr::from([127, 0, 0, 1]))
}

fn scs_address(environment: &SiteEnvironment) -> Result<SocketAddr, Trouble> {
    let layer = &environment.environment().management_layer;
    let host = environment.environment().hosts.get(&layer.scs_host);
    host.map(|host| SocketAddr::new(host.address, layer.scs_port))
        .ok_or_else(|| {
            Trouble::Unusable(format!(
                "the SCS's host {} is not in the file",
                layer.scs_host
            ))
        })
}

async fn way_to(
    network: &SiteNetwork,
    environment: &SiteEnvironment,
    scs: SocketAddr,
    tls: Option<PathBuf>,
) -> Result<Way, Trouble> {
    match network {
        SiteNetwork::Loopback(network) => Ok(Way {
            address: network.real(scs).await?,
            namespace: None,
            tls,
        }),
        SiteNetwork::Namespaces(network) => {
            let host = environment.environment().management_layer.scs_host.as_str();
            Ok(Way {
                address: scs,
                namespace: Some(network.namespace(host)),
                tls,
            })
        }
    }
}
