//! Owns what the log says of a link that is down: once per loss, with the reason, and once when it stands again.
//! Used by both conversations, `line.rs` and `log_sender.rs`; dialling again is `rpc::link`'s.

use std::fmt::Display;

#[derive(Debug)]
pub(crate) struct Outage {
    peer: &'static str,
    /// What happens until it stands again.
    meanwhile: &'static str,
    told: bool,
    latest: Option<String>,
}

impl Outage {
    pub(crate) fn of(peer: &'static str, meanwhile: &'static str) -> Self {
        Self {
            peer,
            meanwhile,
            told: false,
            latest: None,
        }
    }

    /// The connection stands.
    pub(crate) fn over(&mut self) {
        if self.told {
            tracing::info!("the link to the {} stands again", self.peer);
        }
        self.told = false;
        self.latest = None;
    }

    /// The connection is lost, or could not be made.
    pub(crate) fn because(&mut self, reason: &impl Display) {
        let (peer, meanwhile) = (self.peer, self.meanwhile);
        if self.told {
            tracing::debug!(%reason, "the {peer} cannot be reached");
        } else {
            tracing::info!(%reason, "the link to the {peer} is down; {meanwhile}");
        }
        self.told = true;
        self.latest = Some(reason.to_string());
    }

    /// Why there is no connection at present.
    pub(crate) fn latest(&self) -> Option<&str> {
        self.latest.as_deref()
    }
}
