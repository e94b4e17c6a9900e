//! Carries out what scs-core decides: the one place where its outputs meet links, store and effects.

use crate::effects::{self, EffectResult};
use crate::links::Links;
use crate::metrics::Observer;
use crate::requests::Requests;
use crate::store::Store;
use changeover_component::{Effects, Handle};
use changeover_model::message::{Picture, ReactionPicture};
use changeover_model::{Ticket, Timestamp};
use changeover_scs_core::{ScsCore, ScsInput, ScsOutput};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::{broadcast, watch};

/// The rooms of the shell.
pub(crate) struct ScsEffects {
    pub(crate) handle: Handle<ScsCore>,
    pub(crate) links: Links,
    pub(crate) store: Store,
    pub(crate) requests: Requests,
    pub(crate) pictures: watch::Sender<Option<Arc<Picture>>>,
    pub(crate) reactions: broadcast::Sender<ReactionPicture>,
    pub(crate) observer: Observer,
    /// The picture has changed since it was last drawn.
    pub(crate) stale: bool,
}

impl Effects<ScsCore> for ScsEffects {
    fn took(&mut self, now: Timestamp, input: &ScsInput) {
        self.observer.took(now, input);
    }

    fn act(&mut self, now: Timestamp, output: ScsOutput) {
        self.observer.acts(now, &output);
        match output {
            ScsOutput::ToLca {
                host,
                connection,
                message,
            } => self.links.to_lca(&host, connection, *message),
            ScsOutput::CloseLca { host } => self.links.close_lca(&host),
            ScsOutput::ProbeHost { host, timeout } => {
                self.links.probe(&host, timeout, self.handle.clone())
            }
            ScsOutput::ToMessageServer(message) => self.links.to_message_server(*message),
            ScsOutput::SendLog(batch) => self.links.send_log(batch),
            ScsOutput::Reply { request, answer } => self.requests.answer(request, *answer),
            ScsOutput::Persist { ticket, changes } => {
                self.store.keep(ticket, changes, &self.handle)
            }
            ScsOutput::SendEmail { ticket, email } => {
                self.effect(ticket, effects::send_email(email))
            }
            ScsOutput::SendSnmpTrap { ticket, trap } => {
                self.effect(ticket, effects::send_trap(trap))
            }
            ScsOutput::RunCommand { ticket, command } => {
                self.effect(ticket, effects::run_command(command))
            }
            ScsOutput::PictureChanged => self.stale = true,
            ScsOutput::ReactionChanged(reaction) => {
                // Without a follower there is nobody to tell.
                drop(self.reactions.send(*reaction));
            }
        }
    }

    /// Draws the picture once per burst, and only while somebody watches.
    fn settled(&mut self, now: Timestamp, core: &ScsCore) {
        self.observer.settled(core);
        if self.stale && self.pictures.receiver_count() > 0 {
            self.stale = false;
            self.pictures.send_replace(core.picture(now).map(Arc::new));
        }
    }
}

impl ScsEffects {
    fn effect(&self, ticket: Ticket, work: impl Future<Output = EffectResult> + Send + 'static) {
        let handle = self.handle.clone();
        tokio::spawn(async move {
            let result = work.await;
            if handle
                .input(ScsInput::EffectFinished { ticket, result })
                .await
                .is_err()
            {
                tracing::debug!("the SCS is stopping; an effect's result is not reported");
            }
        });
    }
}
