//! The deadlines of an LCA, and what a late tick does to them. Owns the one timer table; what happens when a
//! deadline comes stands with the room it belongs to (`core.rs` distributes).

use crate::{ConnectionId, RunId};
use changeover_model::{ApplicationName, PairName, Ticket, TimerTable, Timestamp, planted};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// A tick later than this means that this machine, not its peers, stood still (BEHAVIOUR, Is it me?).
const LATE: Duration = Duration::from_millis(100);
/// What a deadline that came due during a standstill is given once more, at most.
const GRACE: Duration = Duration::from_secs(1);

/// What a deadline is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The SCS has been silent for its bound.
    ScsSilent,
    /// A write to disk failed; try again.
    DiskRetry,
    /// A connection of the local socket has not registered.
    Registration(ConnectionId),
    /// The present step of a start takes too long.
    Start(ApplicationName),
    /// The present step of a stop takes too long, or remains do not end.
    Stop(ApplicationName),
    /// The back-off before an automatic restart is over.
    Restart(ApplicationName),
    /// A run-mode order is not acknowledged.
    RunMode(ApplicationName),
    /// An application stays Suspending.
    Suspending(ApplicationName),
    /// The next heartbeat is to be sent.
    Heartbeat(ApplicationName),
    /// Heartbeats have gone unanswered for the hang timeout.
    Hang(ApplicationName),
    /// The present step of a pair's control script or release takes too long.
    Script(PairName),
    /// A command takes too long, or its remains do not end.
    Command(RunId),
    /// A health check's run overruns, or its next one is due: by its place in the list.
    Check(ApplicationName, usize),
    /// The next announcement of a VIP is due.
    Announce(IpAddr),
    /// A write that something waits for is not reported.
    Write(Ticket),
    /// The SCS has not handed over what was primary here.
    HandOver,
    /// The earliest end of a lease.
    Lease,
    /// The VIPs' lifetime is to be renewed.
    Renew,
    /// The present step of letting go of a pair's VIPs takes too long, or is to begin anew.
    LetGo(PairName),
    /// Beats to the peers' LCAs are due.
    PeerBeat,
    /// The lease of a former holder has run out.
    Vote(PairName),
    /// A server that this LCA demoted by itself has not obeyed.
    Demotion(ApplicationName),
}

/// What a standstill of this machine does to a deadline.
#[derive(Clone)]
enum Standstill {
    /// Its peer gets one full period again, whether it was due or not.
    FullPeriod,
    /// If it was due, it gets a little more, once.
    OneGrace,
    /// Nothing: it is this LCA's own next step.
    Nothing,
}

impl Timer {
    fn at_standstill(&self) -> Standstill {
        match self {
            Timer::ScsSilent | Timer::Hang(_) => Standstill::FullPeriod,
            Timer::Registration(_)
            | Timer::Start(_)
            | Timer::Stop(_)
            | Timer::RunMode(_)
            | Timer::Suspending(_)
            | Timer::Script(_)
            | Timer::Command(_)
            | Timer::Check(..)
            | Timer::Write(_)
            | Timer::Demotion(_)
            | Timer::HandOver => Standstill::OneGrace,
            // What was not heard during a standstill was not heard.
            Timer::Lease | Timer::Renew | Timer::LetGo(_) | Timer::PeerBeat | Timer::Vote(_) => {
                Standstill::Nothing
            }
            Timer::DiskRetry | Timer::Restart(_) | Timer::Heartbeat(_) | Timer::Announce(_) => {
                Standstill::Nothing
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Armed {
    period: Duration,
    had_grace: bool,
}

/// The deadlines of an LCA.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    table: TimerTable<Timer>,
    armed: BTreeMap<Timer, Armed>,
}

impl Timers {
    /// Sets a deadline `after` from `now`, replacing the one it had.
    pub(crate) fn set(&mut self, timer: Timer, now: Timestamp, after: Duration) {
        let armed = Armed {
            period: after,
            had_grace: false,
        };
        self.armed.insert(timer.clone(), armed);
        self.table.set(timer, now + after);
    }

    pub(crate) fn cancel(&mut self, timer: &Timer) {
        self.armed.remove(timer);
        self.table.cancel(timer);
    }

    pub(crate) fn is_set(&self, timer: &Timer) -> bool {
        self.table.get(timer).is_some()
    }

    /// Every deadline with what it is for, the earliest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Timestamp, &Timer)> {
        self.table.iter()
    }

    pub(crate) fn earliest(&self) -> Option<Timestamp> {
        self.table.earliest()
    }

    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<Timer> {
        let (_, timer) = self.table.pop_due(now)?;
        self.armed.remove(&timer);
        Some(timer)
    }

    /// Called with every tick before deadlines are taken out.
    pub(crate) fn notice_standstill(&mut self, now: Timestamp) {
        if self.earliest().is_none_or(|due| now.since(due) <= LATE)
            || planted("standstill-unnoticed")
        {
            return;
        }
        let all: Vec<(Timestamp, Timer)> = self
            .table
            .iter()
            .map(|(at, key)| (at, key.clone()))
            .collect();
        for (at, timer) in all {
            let Some(armed) = self.armed.get_mut(&timer) else {
                continue;
            };
            match timer.at_standstill() {
                Standstill::FullPeriod => self.table.set(timer, now + armed.period),
                Standstill::OneGrace if at <= now && !armed.had_grace => {
                    armed.had_grace = true;
                    self.table.set(timer, now + armed.period.min(GRACE));
                }
                Standstill::OneGrace | Standstill::Nothing => {}
            }
        }
    }
}
