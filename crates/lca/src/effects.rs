//! Carries out what lca-core decides: the one place where its outputs meet the host.

use crate::addresses::AddressRoom;
use crate::connections::Connections;
use crate::metrics::Observer;
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
    pub(crate) addresses: AddressRoom,
    pub(crate) store: Store,
    pub(crate) connections: Connections,
    pub(crate) observer: Observer,
    /// Set when the whole host was asked to stop and everything on it has ended.
    pub(crate) host_stopped: watch::Sender<bool>,
}

impl Effects<LcaCore> for LcaEffects {
    fn took(&mut self, _now: Timestamp, input: &LcaInput) {
        self.observer.took(input);
    }

    fn act(&mut self, _now: Timestamp, output: LcaOutput) {
        self.observer.acts(&output);
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
            LcaOutput::Announce { addresses } => self.addresses.announce(addresses),
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
