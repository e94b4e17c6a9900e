//! The HA link: the backup dials its peer's HA port again and again, the primary answers. Owns the connections and
//! the frames on them; what is said is `sip-core`'s (`sync.rs` there).

use crate::settings::HaSettings;
use changeover_component::Handle;
use changeover_rpc::convert::SyncFrame;
use changeover_rpc::link::{self, Dialler, LinkEvent, LinkHandle, LinkOptions};
use changeover_rpc::wire;
use changeover_rpc::wire::sip_server_client::SipServerClient;
use changeover_sip_core::{LinkId, SYNC_FORMAT, SipCore, SipInput, SyncMessage};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::Status;

/// Most frames that wait on a connection; a peer that falls behind further is brought into step anew.
pub(crate) const QUEUE: usize = 4_096;

enum Way {
    /// This server dialled: the link and the number of its connection.
    Dialled(LinkHandle<wire::SyncFrame>, u64),
    /// The peer dialled.
    Served(mpsc::Sender<Result<SyncFrame, Status>>),
}

#[derive(Default)]
struct Shared {
    latest: u64,
    ways: BTreeMap<LinkId, Way>,
    /// The link that is dialled while this server is backup.
    dialling: Option<LinkHandle<wire::SyncFrame>>,
}

/// All connections of the HA link. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Links {
    shared: Arc<Mutex<Shared>>,
}

impl Links {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        // Nothing in it can be half done when a thread panics.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, way: Way) -> LinkId {
        let mut shared = self.shared();
        shared.latest += 1;
        let link = LinkId(shared.latest);
        shared.ways.insert(link, way);
        link
    }

    /// A connection that the peer has dialled, with the frames to be sent on it.
    pub(crate) fn served(&self) -> (LinkId, mpsc::Receiver<Result<SyncFrame, Status>>) {
        let (queue, frames) = mpsc::channel(QUEUE);
        (self.open(Way::Served(queue)), frames)
    }

    /// Sends; a connection that takes no more is closed, and its loss told by its reader.
    pub(crate) fn send(&self, link: LinkId, messages: &[SyncMessage]) {
        let frame = SyncFrame {
            format: SYNC_FORMAT,
            messages: SyncMessage::to_frame(messages),
        };
        let sent = match self.shared().ways.get(&link) {
            Some(Way::Dialled(handle, connection)) => handle.send(*connection, frame).is_ok(),
            Some(Way::Served(queue)) => queue.try_send(Ok(frame)).is_ok(),
            None => true,
        };
        if !sent {
            tracing::warn!("the HA link takes no more; closing it");
            self.close(link);
        }
    }

    pub(crate) fn close(&self, link: LinkId) {
        if let Some(Way::Dialled(handle, _)) = self.shared().ways.remove(&link) {
            handle.redial_now();
        }
    }

    /// Starts dialling the primary.
    pub(crate) fn dial(&self, dialler: &Dialler, ha: &HaSettings, handle: &Handle<SipCore>) {
        let mut shared = self.shared();
        if shared.dialling.is_some() {
            return;
        }
        let options = LinkOptions {
            longest_backoff: ha.reconnect,
            answer_timeout: Duration::from_millis(500),
            attempt_timeout: Duration::from_secs(2),
            queue: QUEUE,
        };
        let (events, told) = mpsc::channel(256);
        let opened = link::start(
            dialler.clone(),
            ha.peer.into(),
            options,
            |channel, queue| async move { SipServerClient::new(channel).synchronise(queue).await },
            events,
            |event| event,
        );
        shared.dialling = Some(opened.clone());
        tokio::spawn(self.clone().follow(opened, told, handle.clone()));
    }

    /// Stops dialling, and ends the connection that was dialled.
    pub(crate) fn hang_up(&self) {
        if let Some(dialling) = self.shared().dialling.take() {
            dialling.close();
        }
    }

    /// Takes what the dialled link tells until it ends.
    async fn follow(
        self,
        opened: LinkHandle<wire::SyncFrame>,
        mut told: mpsc::Receiver<LinkEvent<SyncFrame>>,
        handle: Handle<SipCore>,
    ) {
        let mut current = None;
        while let Some(event) = told.recv().await {
            match event {
                LinkEvent::Connected { connection } => {
                    let link = self.open(Way::Dialled(opened.clone(), connection));
                    current = Some(link);
                    tell(
                        &handle,
                        SipInput::SyncConnected {
                            link,
                            dialled: true,
                        },
                    )
                    .await;
                }
                LinkEvent::Message { message, .. } => {
                    if let Some(link) = current {
                        heard(&handle, link, &message).await;
                    }
                }
                LinkEvent::Disconnected { reason, .. } => {
                    tracing::info!(%reason, "the HA link is down");
                    if let Some(link) = current.take() {
                        self.shared().ways.remove(&link);
                        tell(&handle, SipInput::SyncDisconnected { link }).await;
                    }
                }
                LinkEvent::NotConnected { reason } => {
                    tracing::debug!(%reason, "the peer's HA port cannot be reached");
                    tell(&handle, SipInput::SyncUnreachable).await;
                }
            }
        }
        if let Some(link) = current {
            self.shared().ways.remove(&link);
            tell(&handle, SipInput::SyncDisconnected { link }).await;
        }
    }
}

/// Hands the messages of a frame to the core.
pub(crate) async fn heard(handle: &Handle<SipCore>, link: LinkId, frame: &SyncFrame) {
    if frame.format != SYNC_FORMAT {
        tracing::warn!(
            format = frame.format,
            "the peer synchronises in another format; is it of another release?"
        );
        return;
    }
    match SyncMessage::from_frame(&frame.messages) {
        Ok(messages) => {
            for message in messages {
                tell(handle, SipInput::SyncReceived { link, message }).await;
            }
        }
        Err(error) => tracing::warn!(error = error.0, "a frame of the HA link cannot be read"),
    }
}

pub(crate) async fn tell(handle: &Handle<SipCore>, input: SipInput) {
    if handle.input(input).await.is_err() {
        tracing::debug!("the server is ending; an input is dropped");
    }
}
