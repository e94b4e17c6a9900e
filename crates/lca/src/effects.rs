//! Carries out what lca-core decides: the one place where its outputs meet the host.

use crate::addresses::AddressRoom;
use crate::connections::Connections;
use crate::elsewhere::UnitWatches;
use crate::health::{CheckRoom, LinkWatch};
use crate::metrics::Observer;
use crate::peers::Peers;
use crate::runs::Runs;
use crate::store::Store;
use changeover_component::{Effects, Handle};
use changeover_lca_core::{LcaCore, LcaInput, LcaOutput};
use changeover_model::Timestamp;
use tokio::sync::watch;

/// The rooms of the shell.
pub(crate) struct LcaEffects {
    pub(crate) handle: Handle<LcaCore>,
    pub(crate) runs: Runs,
    pub(crate) unit_watches: UnitWatches,
    pub(crate) addresses: AddressRoom,
    pub(crate) checks: CheckRoom,
    pub(crate) links: LinkWatch,
    pub(crate) store: Store,
    pub(crate) connections: Connections,
    pub(crate) observer: Observer,
    pub(crate) peers: Peers,
    /// Set when the whole host was asked to stop and everything on it has ended.
    pub(crate) host_stopped: watch::Sender<bool>,
}

impl Effects<LcaCore> for LcaEffects {
    fn took(&mut self, now: Timestamp, input: &LcaInput) {
        self.observer.took(now, input);
    }

    fn act(&mut self, now: Timestamp, output: LcaOutput) {
        self.observer.acts(now, &output);
        // What was decided must survive this agent before anybody can see an effect of it.
        if !matches!(output, LcaOutput::Persist { .. }) {
            self.store.flush();
        }
        match output {
            LcaOutput::ToScs(message) => self.connections.to_scs(message),
            LcaOutput::ToApplication {
                connection,
                message,
            } => self.connections.to_application(connection, message),
            LcaOutput::CloseApplication { connection } => {
                self.connections.close_application(connection)
            }
            LcaOutput::StartProcess(order) => self.runs.start(self.handle.clone(), *order),
            LcaOutput::StartElsewhere {
                start,
                elsewhere,
                within,
            } => {
                let handle = self.handle.clone();
                self.runs.start_elsewhere(handle, *start, elsewhere, within);
            }
            LcaOutput::WatchUnits(units) => {
                self.unit_watches.set(&self.handle, &self.runs, units);
            }
            LcaOutput::SignalProcess {
                run,
                signal,
                all_descendants,
            } => {
                self.runs.signal(run, signal, all_descendants);
            }
            LcaOutput::WatchAddresses(watched) => self.addresses.watch(watched),
            LcaOutput::ReadAddresses { ticket } => self.addresses.read(ticket),
            LcaOutput::RemoveAddresses {
                ticket, addresses, ..
            } => self.addresses.remove(ticket, addresses),
            LcaOutput::RenewAddresses {
                addresses,
                lifetime,
                ..
            } => self.addresses.renew(addresses, lifetime),
            LcaOutput::DialPeers(targets) => self.peers.dial(targets),
            LcaOutput::ToPeer {
                peer,
                connection,
                message,
            } => self.peers.send(&peer, connection, message),
            LcaOutput::ClosePeer { peer, connection } => self.peers.give_up(&peer, connection),
            LcaOutput::ToWitnessed {
                connection,
                message,
                ..
            } => self.connections.to_witnessed(connection, message),
            LcaOutput::Announce { addresses } => self.addresses.announce(addresses),
            LcaOutput::StartCheck(order) => self.checks.start(*order),
            LcaOutput::EndCheck { run } => self.checks.end(run),
            LcaOutput::WatchLinks(interfaces) => {
                self.links.want(interfaces);
                self.addresses.keep_watching();
            }
            LcaOutput::Persist { change, durability } => self.store.keep(change, durability),
            LcaOutput::HostStopped => {
                self.host_stopped.send_replace(true);
            }
        }
    }

    fn settled(&mut self, _now: Timestamp, _core: &LcaCore) {
        self.store.flush();
    }
}
