//! What the core wants done: datagrams, stream messages, frames of the HA link, reports. Nothing here waits.

use crate::attend::Audience;
use crate::datagrams::Outbound;
use crate::ha_link::Links;
use crate::metrics::Said;
use crate::streams::Streams;
use crate::trace::Tracer;
use changeover_component::{Effects, Handle};
use changeover_model::Timestamp;
use changeover_sip_core::{
    LinkId, Peer, SipCore, SipInput, SipOutput, Standing, SyncMessage, Transport,
};
use tokio::sync::watch;

pub(crate) struct SipEffects {
    pub(crate) handle: Handle<SipCore>,
    pub(crate) outbound: Outbound,
    pub(crate) streams: Streams,
    pub(crate) links: Links,
    pub(crate) standing: watch::Sender<Option<Standing>>,
    /// What goes out on the HA link once the burst is over: one frame for many messages.
    pub(crate) frame: Option<(LinkId, Vec<SyncMessage>)>,
    pub(crate) said: Said,
    pub(crate) tracer: Tracer,
    pub(crate) audience: Audience,
    /// How often bindings have changed.
    pub(crate) contact_changes: watch::Sender<u64>,
}

impl SipEffects {
    fn flush(&mut self) {
        if let Some((link, messages)) = self.frame.take() {
            self.links.send(link, &messages);
        }
    }
}

impl Effects<SipCore> for SipEffects {
    fn took(&mut self, now: Timestamp, input: &SipInput) {
        if let SipInput::Received {
            transport,
            from,
            bytes,
        } = input
        {
            let peer = Peer {
                transport: *transport,
                address: *from,
            };
            self.tracer.came(now, peer, bytes);
        }
    }

    fn act(&mut self, now: Timestamp, output: SipOutput) {
        match output {
            SipOutput::Send { to, bytes } => {
                self.said.sends(&bytes);
                self.tracer.went(now, to, &bytes);
                match to.transport {
                    Transport::Udp => self.outbound.send(to.address, bytes),
                    Transport::Tcp => self.streams.send(to.address, bytes, &self.handle),
                }
            }
            SipOutput::Sync { link, message } => {
                if self.frame.as_ref().is_some_and(|(other, _)| *other != link) {
                    self.flush();
                }
                self.frame
                    .get_or_insert_with(|| (link, Vec::new()))
                    .1
                    .push(message);
            }
            SipOutput::CloseSync { link } => {
                self.flush();
                self.links.close(link);
            }
            SipOutput::Standing(standing) => {
                self.standing.send_replace(Some(standing));
            }
            SipOutput::ToClient { session, event } => self.audience.tell(session, event),
            SipOutput::CloseClient { session } => self.audience.close(session),
            SipOutput::Noted { important, text } if important => tracing::info!("{text}"),
            SipOutput::Noted { text, .. } => tracing::debug!("{text}"),
        }
    }

    fn settled(&mut self, _now: Timestamp, core: &SipCore) {
        self.flush();
        let changes = core.contact_changes();
        self.contact_changes
            .send_if_modified(|told| std::mem::replace(told, changes) != changes);
    }
}
