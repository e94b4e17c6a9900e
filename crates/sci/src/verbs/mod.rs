//! One file per verb, or per group of verbs that do the same with another thing.

mod alarms;
mod calls;
mod log;
mod orders;
mod pictures;
mod timeline;

use crate::arguments::{Arguments, HostAction, Verb};
use crate::client::{Scs, ScsError};
use crate::output::say;
use changeover_component::ExitCode;

/// Runs the verb; complaints go to standard error, the code says how it ended.
pub(crate) async fn run(arguments: Arguments) -> ExitCode {
    match dispatch(arguments).await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("sci: {error}"));
            error.exit_code()
        }
    }
}

async fn dispatch(arguments: Arguments) -> Result<ExitCode, ScsError> {
    let mut scs = Scs::connect(&arguments).await?;
    let format = arguments.format;
    match arguments.verb {
        Verb::Status { check, watch } => pictures::status(&mut scs, format, watch, check).await,
        Verb::Hosts {
            action: None,
            watch,
        } => pictures::hosts(&mut scs, format, watch).await,
        Verb::Hosts {
            action: Some(HostAction::ConfirmLost { hosts }),
            ..
        } => orders::confirm_lost(&mut scs, format, hosts).await,
        Verb::Applications { watch } => pictures::applications(&mut scs, format, watch).await,
        Verb::Pairs { watch } => pictures::pairs(&mut scs, format, watch).await,
        Verb::Switchover(switchover) => orders::switchover(&mut scs, format, switchover).await,
        Verb::Start { application, wait } => {
            orders::start(&mut scs, format, application, wait).await
        }
        Verb::Stop(stop) => orders::stop(&mut scs, format, stop).await,
        Verb::Restart(stop) => orders::restart(&mut scs, format, stop).await,
        Verb::Alarms { history } => alarms::list(&mut scs, format, history).await,
        Verb::Alarm(alarm) => alarms::run(&mut scs, format, alarm).await,
        Verb::Realign { pair, wait } => orders::realign(&mut scs, format, pair, wait).await,
        Verb::Log(log) => log::run(&mut scs, format, log).await,
        Verb::Timeline { which } => timeline::timeline(&mut scs, format, which).await,
        Verb::Why { which } => timeline::why(&mut scs, format, which).await,
        Verb::Maintenance(maintenance) => orders::maintenance(&mut scs, format, maintenance).await,
        Verb::Reactions { follow } => pictures::reactions(&mut scs, format, follow).await,
        Verb::Calls(calls) => calls::run(&mut scs, format, calls).await,
        Verb::LogEvent(event) => orders::log_event(&mut scs, format, event).await,
    }
}
