//! Runs of health checks, as the core orders them: each a task of its own, so that one that hangs holds nobody up. When,
//! how often and what it means is the core's; here one run is carried out, ended when the core says so, and reported
//! once, when nothing is left of it. One file per kind.

mod command;
mod http;
mod link;
mod sip_options;
mod tcp;

pub(crate) use link::{LinkWatch, news};

use changeover_component::Handle;
use changeover_emulated_nic::Network;
use changeover_lca_core::{LcaCore, LcaInput, RunId, StartCheck};
use changeover_model::environment::Probe;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// What a run came to: it passed or it did not, and what was seen, for people.
pub(crate) type Outcome = Result<String, String>;

/// The runs under way.
#[derive(Clone)]
pub(crate) struct CheckRoom {
    handle: Handle<LcaCore>,
    network: Network,
    /// Where datagrams of this host leave from on an emulated network.
    host: IpAddr,
    runs: Arc<Mutex<BTreeMap<RunId, oneshot::Sender<()>>>>,
}

impl CheckRoom {
    pub(crate) fn new(handle: Handle<LcaCore>, network: Network, host: IpAddr) -> Self {
        Self {
            handle,
            network,
            host,
            runs: Arc::default(),
        }
    }

    fn with<R>(&self, work: impl FnOnce(&mut BTreeMap<RunId, oneshot::Sender<()>>) -> R) -> R {
        work(&mut self.runs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Starts a run and reports its end.
    pub(crate) fn start(&self, order: StartCheck) {
        let (end, ended) = oneshot::channel();
        let run = order.run;
        self.with(|runs| runs.insert(run, end));
        let this = self.clone();
        tokio::spawn(async move {
            let result = this.carry_out(order, ended).await;
            this.with(|runs| runs.remove(&run));
            let input = LcaInput::CheckEnded { run, result };
            if this.handle.input(input).await.is_err() {
                tracing::debug!("the agent is stopping; a health check is not reported");
            }
        });
    }

    /// Ends a run, if it is still there; its task reports.
    pub(crate) fn end(&self, run: RunId) {
        let end = self.with(|runs| runs.remove(&run));
        if end.is_some_and(|end| end.send(()).is_err()) {
            tracing::trace!(%run, "a health check had just ended by itself");
        }
    }

    async fn carry_out(&self, order: StartCheck, ended: oneshot::Receiver<()>) -> Outcome {
        if let Probe::Command { command, arguments } = &order.probe {
            return command::run(&order, command, arguments, ended).await;
        }
        // Dropping the future closes whatever it had opened.
        tokio::select! {
            outcome = self.ask(&order) => outcome,
            _ = ended => Err("ended before it answered".to_owned()),
        }
    }

    async fn ask(&self, order: &StartCheck) -> Outcome {
        let within = order.timeout;
        match &order.probe {
            Probe::SipOptions {
                transport,
                address,
                status,
            } => {
                let place = sip_options::Place {
                    network: &self.network,
                    host: self.host,
                };
                sip_options::ask(place, *transport, *address, *status, within).await
            }
            Probe::Tcp { address } => tcp::ask(&self.network, *address, within).await,
            Probe::Http {
                address,
                host,
                path,
                status,
                body,
            } => {
                let wanted = http::Wanted {
                    host,
                    path,
                    status: *status,
                    body: body.as_deref(),
                };
                http::ask(&self.network, *address, wanted, within).await
            }
            Probe::Command { .. } | Probe::Link { .. } => {
                Err("it is not asked over the network".to_owned())
            }
        }
    }
}
