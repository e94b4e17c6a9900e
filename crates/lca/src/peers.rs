//! The links to the LCAs of the peers, which the core asks for. Each tells the core what happened; how one is dialled,
//! and dialled again, stands in `rpc::link`. What a peer dials itself arrives in `rpc`.

use changeover_component::Handle;
use changeover_emulated_nic::Network;
use changeover_lca_core::{ConnectionId, LcaCore, LcaInput};
use changeover_model::HostName;
use changeover_model::message::{FromPeerLca, ToPeerLca};
use changeover_rpc::identity::Role;
use changeover_rpc::link::{self, Dialler, LinkEvent, LinkHandle, LinkOptions};
use changeover_rpc::tls::{Expected, LinkSecurity};
use changeover_rpc::wire;
use changeover_rpc::wire::lca_peer_client::LcaPeerClient;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tokio::sync::mpsc;

/// Most events of all links that wait for the core.
const EVENTS: usize = 1_024;

struct ToPeer {
    at: SocketAddr,
    link: LinkHandle<wire::ToPeerLca>,
}

/// All of them.
pub(crate) struct Peers {
    network: Network,
    security: LinkSecurity,
    links: BTreeMap<HostName, ToPeer>,
    events: mpsc::Sender<LcaInput>,
}

impl Peers {
    pub(crate) fn new(network: Network, security: LinkSecurity, handle: Handle<LcaCore>) -> Self {
        let (events, mut receiver) = mpsc::channel(EVENTS);
        tokio::spawn(async move {
            while let Some(input) = receiver.recv().await {
                if handle.input(input).await.is_err() {
                    return;
                }
            }
        });
        Self {
            network,
            security,
            links: BTreeMap::new(),
            events,
        }
    }

    /// Keeps a link to each of these and to no other.
    pub(crate) fn dial(&mut self, targets: Vec<(HostName, SocketAddr)>) {
        self.links.retain(|host, to| {
            let stays = targets
                .iter()
                .any(|(name, at)| name == host && *at == to.at);
            if !stays {
                to.link.close();
            }
            stays
        });
        for (host, at) in targets {
            if !self.links.contains_key(&host) {
                let link = self.link_to(host.clone(), at);
                self.links.insert(host, ToPeer { at, link });
            }
        }
    }

    fn link_to(&self, host: HostName, at: SocketAddr) -> LinkHandle<wire::ToPeerLca> {
        let dialler = Dialler {
            network: self.network.clone(),
            security: self.security.clone(),
            expected: Expected::named(Role::Lca, host.as_str()),
        };
        link::start(
            dialler,
            at.into(),
            LinkOptions::SCS_TO_LCA,
            |channel, queue| async move { LcaPeerClient::new(channel).witness(queue).await },
            self.events.clone(),
            move |event| peer_input(host.clone(), event),
        )
    }

    /// To a peer, over this connection; dropped if it is gone.
    pub(crate) fn send(&self, peer: &HostName, connection: ConnectionId, message: ToPeerLca) {
        if let Some(to) = self.links.get(peer)
            && let Err(error) = to.link.send(connection.0, message)
        {
            tracing::debug!(%peer, %error, "not said to the peer's LCA");
        }
    }

    /// Nothing is answered on this connection.
    pub(crate) fn give_up(&self, peer: &HostName, connection: ConnectionId) {
        if let Some(to) = self.links.get(peer) {
            tracing::warn!(%peer, %connection, "its LCA answers no beats; dialling again");
            to.link.redial_now();
        }
    }
}

fn peer_input(peer: HostName, event: LinkEvent<FromPeerLca>) -> LcaInput {
    match event {
        LinkEvent::Connected { connection } => LcaInput::PeerConnected {
            peer,
            connection: ConnectionId(connection),
        },
        LinkEvent::Message {
            connection,
            message,
        } => LcaInput::PeerMessage {
            peer,
            connection: ConnectionId(connection),
            message,
        },
        LinkEvent::Disconnected { connection, reason } => {
            tracing::warn!(%peer, %reason, "the link to the peer's LCA is lost; dialling again");
            LcaInput::PeerDisconnected {
                peer,
                connection: ConnectionId(connection),
            }
        }
        LinkEvent::NotConnected { reason } => {
            tracing::debug!(%peer, %reason, "the peer's LCA does not answer");
            LcaInput::PeerDisconnected {
                peer,
                connection: ConnectionId(0),
            }
        }
    }
}
