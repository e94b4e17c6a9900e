//! Owns what an application is asked to do, and the ways to answer.

use crate::LogSender;
use crate::conversation::{Ordered, Said};
use crate::line::Line;
use changeover_model::{CauseId, Epoch, LogLevel, OrderNumber, Redundancy, RunMode, mode_event};
use std::sync::Arc;

/// What [`crate::ApplicationLink::next_order`] returns.
#[derive(Debug)]
pub enum Order {
    /// Enter this run mode, Primary or Backup, and answer.
    SetRunMode(RunModeOrder),
    /// End: answer, finish, exit. SIGTERM follows, and SIGKILL.
    Exiting(RunModeOrder),
    /// An option has a new value.
    OptionChanged {
        /// Section, in the file's spelling.
        section: String,
        /// Option, in the file's spelling.
        option: String,
        /// New value.
        value: String,
    },
}

/// An order to enter a run mode. Answer it once with [`RunModeOrder::activated`] or
/// [`RunModeOrder::refused`]; one that is dropped counts as refused.
#[derive(Debug)]
pub struct RunModeOrder {
    pub(crate) ordered: Ordered,
    pub(crate) redundancy: Option<Redundancy>,
    pub(crate) log: LogSender,
    pub(crate) line: Arc<Line>,
    pub(crate) answered: bool,
}

impl RunModeOrder {
    /// The run mode to enter.
    #[must_use]
    pub fn run_mode(&self) -> RunMode {
        self.ordered.run_mode
    }

    /// Epoch of the order: events that it causes carry it.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.ordered.epoch
    }

    /// The order's number.
    #[must_use]
    pub fn number(&self) -> OrderNumber {
        self.ordered.number
    }

    /// Timeline record that led to the order: events that it causes carry it.
    #[must_use]
    pub fn cause(&self) -> Option<CauseId> {
        self.ordered.cause
    }

    /// The run mode is active. Logs its event (4560 to 4563, by the redundancy type; none for Exiting or
    /// outside of a pair) and acknowledges the order. Both are on their way when this returns, and neither
    /// waits for the other.
    pub fn activated(mut self) {
        let event = self
            .redundancy
            .and_then(|redundancy| mode_event(redundancy, self.ordered.run_mode));
        if let Some((id, text)) = event {
            let (epoch, cause) = (Some(self.ordered.epoch), self.ordered.cause);
            self.log
                .log_caused(id, LogLevel::Standard, text, epoch, cause);
        }
        self.answer(Said::Activated(self.ordered.clone()));
    }

    /// The run mode cannot be entered; the reason is for the operator.
    pub fn refused(mut self, reason: impl Into<String>) {
        self.answer(Said::Refused(self.ordered.number, reason.into()));
    }

    fn answer(&mut self, answer: Said) {
        self.answered = true;
        self.line.say(answer);
    }
}

impl Drop for RunModeOrder {
    fn drop(&mut self) {
        if !self.answered {
            let reason = "the application dropped the order without an answer".to_owned();
            self.answer(Said::Refused(self.ordered.number, reason));
        }
    }
}
