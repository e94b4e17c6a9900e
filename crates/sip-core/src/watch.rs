//! SIP traffic monitoring (`sip-pass-check`): a primary that hears no SIP message for T reports Service Unavailable.
//!
//! T is the largest `oos-check` + `oos-force` of the service DNs. A server that becomes primary again after it had
//! been silenced, and has heard nothing in between, waits twice as long, up to four times T (a double switchover:
//! neither side hears SIP); the first message heard makes it T again.

use crate::config::SipConfig;
use crate::core::{SipCore, Timer};
use changeover_model::Timestamp;
use std::time::Duration;

/// The watch of one server.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    /// T; `None` = nothing is watched.
    period: Option<Duration>,
    factor: u32,
    heard_at: Timestamp,
    /// The latest watch as primary ended in silence, and nothing has been heard since.
    silenced: bool,
    /// Silent now, and primary.
    silent: bool,
}

impl Watch {
    pub(crate) fn new(config: &SipConfig) -> Self {
        let longest = config.switch.dns.values().filter_map(|dn| {
            let check = dn.oos_check?;
            Some(check + dn.oos_force.unwrap_or_default())
        });
        Self {
            period: longest.max().filter(|_| config.pass_check),
            factor: 1,
            heard_at: Timestamp::default(),
            silenced: false,
            silent: false,
        }
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }

    pub(crate) fn heard_at(&self) -> Timestamp {
        self.heard_at
    }

    /// The time of silence that is too long at present.
    pub(crate) fn effective(&self) -> Option<Duration> {
        self.period.map(|period| period * self.factor)
    }
}

impl SipCore {
    pub(crate) fn start_watch(&mut self) {
        let Some(period) = self.watch.period else {
            return;
        };
        if self.watch.silenced {
            self.watch.factor = (self.watch.factor * 2).min(4);
        }
        self.watch.silent = false;
        self.timers
            .set(Timer::Watch, self.now + period * self.watch.factor);
    }

    pub(crate) fn stop_watch(&mut self) {
        self.watch.silent = false;
        self.timers.cancel(&Timer::Watch);
    }

    pub(crate) fn traffic_heard(&mut self) {
        self.watch.heard_at = self.now;
        let Some(period) = self.watch.period else {
            return;
        };
        self.watch.factor = 1;
        self.watch.silenced = false;
        self.watch.silent = false;
        self.timers.set(Timer::Watch, self.now + period);
    }

    pub(crate) fn watch_due(&mut self) {
        self.watch.silenced = true;
        self.watch.silent = true;
        let waited = self.watch.effective().unwrap_or_default();
        let text = format!("no SIP message for {} s", waited.as_secs_f32());
        self.note(true, text);
    }
}
