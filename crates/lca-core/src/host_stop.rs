//! The clean end of the whole host: what is primary here is handed over first, then every application is
//! stopped, without being marked as stopped by an order, so that it is started again at the next boot. The
//! end of the LCA alone comes to no room at all: applications live on.

use crate::LcaOutput;
use crate::applications::{Phase, Step};
use crate::core::LcaCore;
use crate::timers::Timer;
use changeover_model::message::LcaReport;
use changeover_model::{ApplicationName, planted};
use std::time::Duration;

/// How long the shutdown of the host is held up for the SCS.
const HAND_OVER_BOUND: Duration = Duration::from_secs(10);

/// How far the end of the host has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HostStop {
    /// Nobody shuts it down.
    #[default]
    No,
    /// The SCS was asked to hand over.
    HandingOver,
    /// Everything is being stopped.
    Stopping,
    /// Everything has ended.
    Done,
}

impl HostStop {
    /// Nothing is started any more.
    pub(crate) fn is_stopping(self) -> bool {
        match self {
            HostStop::No => false,
            HostStop::HandingOver | HostStop::Stopping | HostStop::Done => true,
        }
    }

    pub(crate) fn is_handing_over(self) -> bool {
        self == HostStop::HandingOver
    }
}

impl LcaCore {
    pub(crate) fn host_stopping(&mut self) {
        if self.host_stop != HostStop::No {
            return;
        }
        self.host_stop = HostStop::HandingOver;
        if self.scs.in_contact && !planted("shutdown-without-handover") {
            self.report(None, LcaReport::HostStopping);
            self.arm(Timer::HandOver, HAND_OVER_BOUND);
        } else {
            self.stop_everything();
        }
    }

    pub(crate) fn handed_over(&mut self) {
        if self.host_stop == HostStop::HandingOver {
            self.stop_everything();
        }
    }

    pub(crate) fn stop_everything(&mut self) {
        self.timers.cancel(&Timer::HandOver);
        self.host_stop = HostStop::Stopping;
        let names: Vec<ApplicationName> = self
            .applications
            .iter()
            .filter(|(_, app)| app.phase != Phase::Down)
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.stop(&name, false);
        }
        self.look_for_end_of_host_stop();
    }

    /// Says so when the last application has ended.
    pub(crate) fn look_for_end_of_host_stop(&mut self) {
        let all_down = self
            .applications
            .values()
            .all(|app| matches!(app.phase, Phase::Down | Phase::Ending(_, Step::Stuck)));
        if self.host_stop == HostStop::Stopping && all_down {
            self.host_stop = HostStop::Done;
            self.emit(LcaOutput::HostStopped);
        }
    }
}
