//! The rehearsal: brings a site up on this machine with the production components, carries the documented workflows
//! out, judges every numbered step, measures what a client of the Virtual IP would have noticed, takes all down.
//!
//! The flow: `plan` (what, refused here if at all) -> `janitor` (looks after the run's end) -> `site` (network,
//! components, `probe`, `observer`) -> `workflows` (what is done, as an `operator` or by fate) -> `judge` (timeline
//! and own observation against the documented steps) -> `report` (text, JSON, one page). Decides nothing about
//! switchovers: that is what it watches.

mod applicable;
mod arguments;
mod built_in;
mod endpoint;
mod faults;
mod janitor;
mod judge;
mod live;
mod moment;
mod observer;
mod operator;
mod outcome;
mod plan;
mod probe;
mod rehearse;
mod report;
mod site;
mod stand_in;
mod trouble;
mod up;
mod workflows;
mod wrapped_scripts;

pub use arguments::{
    Format, JanitorArguments, NetworkKind, RedundancyChoice, RehearseArguments, UpArguments,
};
pub use faults::Fault;
pub use live::{Ground, LivePlan, LiveSite, Ordered, Orders, ScsTime, Sightings, StateDisk};
pub use moment::Moment;
pub use observer::HolderTimes;
pub use rehearse::{Interruption, rehearse};
pub use report::{json, print};
pub use trouble::Trouble;
pub use up::up;
pub use workflows::WorkflowName;

use changeover_component::ExitCode;

/// The process that takes a run down when its standard input closes; the binary starts itself as this.
pub fn janitor(arguments: &JanitorArguments) -> ExitCode {
    let run = janitor::Run {
        id: arguments.run.clone(),
        folder: arguments.folder.clone(),
    };
    let left = janitor::keep(&run);
    if left.is_empty() {
        return ExitCode::Good;
    }
    janitor::say(&left.join("\n"));
    ExitCode::Bad
}
