//! The open streams: the newest one of the SCS, and one per registered application. Bounded queues; a peer that
//! does not read is cut off and reconnects to full state.

use changeover_lca_core::ConnectionId;
use changeover_model::message::{FromLca, FromPeerLca, ToApplication};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tonic::Status;

/// Most messages that wait for the SCS.
const SCS_QUEUE: usize = 1_024;
/// Most messages that wait for an application.
const APPLICATION_QUEUE: usize = 256;

/// What goes out on a stream.
pub(crate) type Outgoing<M> = mpsc::Receiver<Result<M, Status>>;

#[derive(Default)]
struct Table {
    last: u64,
    scs: Option<(ConnectionId, mpsc::Sender<Result<FromLca, Status>>)>,
    applications: BTreeMap<ConnectionId, mpsc::Sender<Result<ToApplication, Status>>>,
    witnessed: BTreeMap<ConnectionId, mpsc::Sender<Result<FromPeerLca, Status>>>,
}

/// All of them.
#[derive(Clone, Default)]
pub(crate) struct Connections {
    table: Arc<Mutex<Table>>,
}

impl Connections {
    fn with<R>(&self, work: impl FnOnce(&mut Table) -> R) -> R {
        work(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A new stream of the SCS; the one before it ends.
    pub(crate) fn open_scs(&self) -> (ConnectionId, Outgoing<FromLca>) {
        let (sender, outgoing) = mpsc::channel(SCS_QUEUE);
        let connection = self.with(|table| {
            table.last += 1;
            let connection = ConnectionId(table.last);
            table.scs = Some((connection, sender));
            connection
        });
        (connection, outgoing)
    }

    /// A new stream of an application.
    pub(crate) fn open_application(&self) -> (ConnectionId, Outgoing<ToApplication>) {
        let (sender, outgoing) = mpsc::channel(APPLICATION_QUEUE);
        let connection = self.with(|table| {
            table.last += 1;
            let connection = ConnectionId(table.last);
            table.applications.insert(connection, sender);
            connection
        });
        (connection, outgoing)
    }

    /// A new stream of a peer's LCA.
    pub(crate) fn open_witnessed(&self) -> (ConnectionId, Outgoing<FromPeerLca>) {
        let (sender, outgoing) = mpsc::channel(APPLICATION_QUEUE);
        let connection = self.with(|table| {
            table.last += 1;
            let connection = ConnectionId(table.last);
            table.witnessed.insert(connection, sender);
            connection
        });
        (connection, outgoing)
    }

    /// To a peer's LCA that has dialled.
    pub(crate) fn to_witnessed(&self, connection: ConnectionId, message: FromPeerLca) {
        self.with(|table| {
            if let Some(queue) = table.witnessed.get(&connection)
                && queue.try_send(Ok(message)).is_err()
            {
                tracing::warn!(%connection, "a peer's LCA does not read; its connection is closed");
                table.witnessed.remove(&connection);
            }
        });
    }

    /// A stream of a peer's LCA is over.
    pub(crate) fn over_witnessed(&self, connection: ConnectionId) {
        self.with(|table| table.witnessed.remove(&connection));
    }

    /// A stream of the SCS is over.
    pub(crate) fn over_scs(&self, connection: ConnectionId) {
        self.with(|table| {
            if table
                .scs
                .as_ref()
                .is_some_and(|(open, _)| *open == connection)
            {
                table.scs = None;
            }
        });
    }

    /// To the SCS, if it is connected; everything is said again after its next Hello.
    pub(crate) fn to_scs(&self, message: FromLca) {
        self.with(|table| {
            if let Some((_, queue)) = &table.scs
                && queue.try_send(Ok(message)).is_err()
            {
                tracing::warn!("the SCS does not read; its connection is closed");
                table.scs = None;
            }
        });
    }

    /// To an application.
    pub(crate) fn to_application(&self, connection: ConnectionId, message: ToApplication) {
        self.with(|table| {
            if let Some(queue) = table.applications.get(&connection)
                && queue.try_send(Ok(message)).is_err()
            {
                tracing::warn!(%connection, "an application does not read; its connection is closed");
                table.applications.remove(&connection);
            }
        });
    }

    /// Ends an application's stream after what was queued for it.
    pub(crate) fn close_application(&self, connection: ConnectionId) {
        self.with(|table| table.applications.remove(&connection));
    }
}
