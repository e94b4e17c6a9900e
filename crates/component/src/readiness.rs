//! What systemd is told: ready, reloading, stopping, and that the core still turns.

use crate::{Gone, Handle};
use changeover_model::Core;
use sd_notify::NotifyState;
use std::time::Duration;

/// Tells systemd about this process; silent when it was not started by systemd.
#[derive(Clone, Copy, Debug, Default)]
pub struct Readiness;

impl Readiness {
    /// Everything is up.
    pub fn ready(self) {
        tell(&[NotifyState::Ready]);
    }

    /// A reload begins; call [`Readiness::ready`] when it is done.
    pub fn reloading(self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(error) => tracing::debug!(%error, "no monotonic time for systemd"),
        }
    }

    /// The end begins.
    pub fn stopping(self) {
        tell(&[NotifyState::Stopping]);
    }

    /// Feeds systemd's watchdog as long as the core answers, if the unit has one. Ends with the driver.
    pub fn watch<C>(self, handle: Handle<C>)
    where
        C: Core + 'static,
        C::Input: Send,
    {
        let Some(limit) = sd_notify::watchdog_enabled() else {
            return;
        };
        tokio::spawn(async move {
            let mut every = tokio::time::interval((limit / 3).max(Duration::from_millis(10)));
            loop {
                every.tick().await;
                match handle.ask(|_, _| ()).await {
                    Ok(()) => tell(&[NotifyState::Watchdog]),
                    Err(Gone) => return,
                }
            }
        });
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd could not be told");
    }
}
