//! Owns what the log says of a link that is down: each reason once per loss, and once that it stands again.
//! Used by both conversations, `line.rs` and `log_sender.rs`; dialling again is `rpc::link`'s.

use std::fmt::Display;

/// Of one loss no more reasons than these are told.
const MOST_REASONS: usize = 8;

#[derive(Debug)]
pub(crate) struct Outage {
    peer: &'static str,
    /// What happens until it stands again.
    meanwhile: &'static str,
    /// What was told of this loss; what is new is told at once.
    told: Vec<String>,
    latest: Option<String>,
}

impl Outage {
    pub(crate) fn of(peer: &'static str, meanwhile: &'static str) -> Self {
        Self {
            peer,
            meanwhile,
            told: Vec::new(),
            latest: None,
        }
    }

    /// The connection stands.
    pub(crate) fn over(&mut self) {
        if !self.told.is_empty() {
            tracing::info!("the link to the {} stands again", self.peer);
        }
        self.told.clear();
        self.latest = None;
    }

    /// The connection is lost, or could not be made.
    pub(crate) fn because(&mut self, reason: &impl Display) {
        let (peer, meanwhile) = (self.peer, self.meanwhile);
        let reason = reason.to_string();
        if self.told.contains(&reason) || self.told.len() >= MOST_REASONS {
            tracing::debug!(%reason, "the {peer} cannot be reached");
        } else {
            tracing::info!(%reason, "the link to the {peer} is down; {meanwhile}");
            self.told.push(reason.clone());
        }
        self.latest = Some(reason);
    }

    /// Why there is no connection at present.
    pub(crate) fn latest(&self) -> Option<&str> {
        self.latest.as_deref()
    }
}
