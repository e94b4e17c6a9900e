//! What of this core bears on what it does next, as input to a hash: for explorers that must know a situation again.
//! Leaves out names that only grow (runs, order numbers, tickets), texts, and the phase of beats; epochs count from
//! `base`, times from now and in half seconds. Decides nothing; the SCS's stands beside its core.

use crate::core::LcaCore;
use crate::timers::Timer;
use changeover_model::{Epoch, Timestamp};
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

/// Two times that are less apart count as one.
const COARSE: u128 = 500_000;

impl LcaCore {
    /// Feeds what matters into a hasher. `base` is the epoch that others count from.
    pub fn essence(&self, now: Timestamp, base: Epoch, into: &mut impl Hasher) {
        self.slice.is_some().hash(into);
        self.scs.essence(into);
        for record in self.pairs.records.values() {
            base.0.wrapping_sub(record.epoch.0).hash(into);
            base.0.wrapping_sub(record.voted.0).hash(into);
            record.primary.hash(into);
            (record.maintenance, record.sole.is_some()).hash(into);
        }
        for (name, application) in &self.applications {
            name.hash(into);
            discriminant(&application.phase).hash(into);
            discriminant(&application.given.run_mode).hash(into);
            if application.pair.is_some() {
                base.0.wrapping_sub(application.given.epoch.0).hash(into);
            }
            (application.stopped_as_asked, application.end_is_asked).hash(into);
            (application.limited, application.link.is_some()).hash(into);
            (
                application.pending_mode.is_some(),
                application.restarts.len(),
            )
                .hash(into);
            (
                application.start_order.is_some(),
                application.stop_orders.len(),
            )
                .hash(into);
            application.shown_essence(into);
        }
        for (pair, queue) in &self.scripts {
            pair.hash(into);
            queue.essence(into);
        }
        self.commands.len().hash(into);
        self.fencing.essence(base, into);
        for (at, timer) in self.timers.all() {
            if is_telling(timer) {
                discriminant(timer).hash(into);
                (at.since(now).as_micros() / COARSE).hash(into);
            }
        }
    }
}

/// Deadlines that come again with every beat tell nothing, nor do those of announcements and disks.
fn is_telling(timer: &Timer) -> bool {
    match timer {
        Timer::Start(_)
        | Timer::Stop(_)
        | Timer::Restart(_)
        | Timer::RunMode(_)
        | Timer::Suspending(_)
        | Timer::Script(_)
        | Timer::Command(_)
        | Timer::HandOver
        | Timer::LetGo(_)
        | Timer::Vote(_)
        | Timer::Lease
        | Timer::ScsSilent
        | Timer::Demotion(_) => true,
        Timer::DiskRetry
        | Timer::Registration(_)
        | Timer::Heartbeat(_)
        | Timer::Hang(_)
        | Timer::Check(..)
        | Timer::Announce(_)
        | Timer::Write(_)
        | Timer::Renew
        | Timer::PeerBeat => false,
    }
}
