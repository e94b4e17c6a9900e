//! A demotion that nobody ordered: this LCA has let go of the pair's VIPs, so its server is not to be primary. One
//! that does not obey, or cannot be told, is ended; it comes back as backup.

use super::{Given, Phase};
use crate::LcaOutput;
use crate::core::LcaCore;
use crate::timers::Timer;
use changeover_model::message::ToApplication;
use changeover_model::{ApplicationName, Epoch, OrderNumber, RefusalCode, RunMode};
use std::time::Duration;

/// A server that has not obeyed by then is ended.
const OBEY_BOUND: Duration = Duration::from_millis(500);

impl LcaCore {
    pub(crate) fn demote_by_itself(&mut self, name: &ApplicationName, epoch: Epoch, why: &str) {
        let now = self.now;
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        let was_primary = app.run_mode() == RunMode::Primary;
        let given = Given {
            run_mode: RunMode::Backup,
            epoch,
            // Differs from every number that an SCS has given: those count from the start of an SCS.
            number: OrderNumber(now.0),
            cause: None,
        };
        app.given = given;
        let displaced = app.pending_mode.take();
        let (link, up) = (app.link, matches!(app.phase, Phase::Up(_)));
        self.timers.cancel(&Timer::RunMode(name.clone()));
        self.keep_record(name);
        if let Some(order) = displaced {
            self.refuse(
                &order,
                RefusalCode::NoVote,
                format!("{name} was demoted by its LCA: {why}"),
            );
        }
        match link {
            Some(link) => {
                self.emit(LcaOutput::ToApplication {
                    connection: link.connection,
                    message: ToApplication::SetRunMode {
                        number: given.number,
                        epoch,
                        run_mode: RunMode::Backup,
                        cause: None,
                    },
                });
                self.arm(Timer::Demotion(name.clone()), OBEY_BOUND);
            }
            None if up && was_primary => {
                self.end(name, false, true, "demoted, and not connected to its LCA")
            }
            // Not up yet: it will be told when it registers.
            None => {}
        }
    }

    pub(crate) fn demotion_overran(&mut self, name: &ApplicationName) {
        let still = self.applications.get(name).is_some_and(|app| {
            app.run_mode() == RunMode::Primary && app.given.run_mode != RunMode::Primary
        });
        if still {
            self.end(
                name,
                false,
                true,
                "it did not become backup when its VIP was released",
            );
        }
    }
}
