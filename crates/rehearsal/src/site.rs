//! Owns one site on this machine: network, components, probe and observer, and the hands that reach into it: cables,
//! kill -9, the neighbour's ARP entry. Everything it starts carries the run's marker; taking it down is the janitor's
//! (`janitor.rs`). What is done on a site is in `workflows`.

mod certificates;
mod cluster;
mod commands;
mod components;
mod layout;
mod loopback;
mod namespaces;
mod waiting;

pub(crate) use commands::{enter_namespace, within};
pub(crate) use layout::CLIENT;
pub(crate) use loopback::host_folder;
pub(crate) use waiting::{Expected, describe_pair};

use crate::arguments::NetworkKind;
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
        let pair = environment
            .environment()
            .pairs
            .get(&plan.pair)
            .cloned()
            .ok_or_else(|| {
                Trouble::Unusable(format!("the file has no pair {} any more", plan.pair))
            })?;
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
            patience: plan.patience(),
        };
        site.reach_start_state().await?;
        site.up_after_ms = Moment::now().ms_since(site.started);
        site.probe = site.start_probe(sip_port).await?;
        Ok(site)
    }

    async fn start_probe(&self, sip_port: u16) -> Result<Option<Probe>, Trouble> {
        let Some(vip) = self.pair.virtual_ips.first() else {
            return Ok(None);
        };
        let target = SocketAddr::new(vip.address, sip_port);
        let (socket, target) = match &self.network {
            SiteNetwork::Loopback(network) => {
                (network.client_socket()?, network.real(target).await?)
            }
            SiteNetwork::Namespaces(network) => (network.client_socket(target).await?, target),
        };
        let named = [&self.pair.primary, &self.pair.backup]
            .into_iter()
            .all(|member| self.environment.is_named(member));
        Probe::start(socket, target, &self.run.id, named).map(Some)
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

    /// The host that the client's ARP entry for the first VIP names.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) async fn neighbour_entry(&self) -> Result<Option<String>, Trouble> {
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
        let vips: Vec<String> = self
            .pair
            .virtual_ips
            .iter()
            .map(|vip| format!("{}/{}", vip.address, vip.prefix))
            .collect();
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
            description: format!(
                "{}: {}, {nics}, VIP {}",
                plan.source_name(),
                in_words(self.pair.takeover),
                vips.join(", ")
            ),
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

/// The port that is probed; both servers of a pair have the same.
fn sip_port(environment: &SiteEnvironment, server: &ApplicationName) -> u16 {
    environment
        .environment()
        .applications
        .get(server)
        .map_or(5060, crate::stand_in::sip_port)
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

/// A takeover as the guide calls it.
fn in_words(takeover: Takeover) -> &'static str {
    match takeover {
        Takeover::IpAddress => "IP Address Takeover",
        Takeover::WindowsNlb => "Windows NLB Cluster",
        Takeover::NetworkDevice => "network device",
        Takeover::SingleHost => "single host",
    }
}
