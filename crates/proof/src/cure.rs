//! What would cure a counterexample: the rule of `check` that speaks of the same configuration, or the setting to
//! change. Owns the sentences; knows nothing of how the run went but what it broke and which faults it had.

use crate::explore::Taken;
use crate::faults::Deviation;
use crate::judge::{Broken, Kind};
use changeover_model::environment::{ControllerLoss, ForceRelease, Pair, ReactionOrder};
use changeover_simulation::Fault;

/// A rule or a change, in one sentence.
pub(crate) fn of(pair: &Pair, path: &[Taken], broken: &Broken) -> String {
    let policy = &pair.policy;
    if policy.reaction_order == ReactionOrder::AsListed {
        return "rule enables-before-release: with reaction_order: as-listed a list that enables before it disables has two holders in between, and one that cannot release has none; write reaction_order: release-first".to_owned();
    }
    if policy.force_release == ForceRelease::EnableAnyway && has_script(path) {
        return "rule enable-anyway: with force_release: on the LCA takes the address away itself when a script does not".to_owned();
    }
    if policy.force_release == ForceRelease::Off && broken.kind == Kind::NotSettled {
        return "force_release: off holds the pair until an operator comes when a release is late; with force_release: on the LCA takes the address away itself".to_owned();
    }
    match broken.kind {
        Kind::TwoHolders if policy.on_controller_loss != ControllerLoss::Quorum => {
            "on_controller_loss: quorum lets a primary that nobody hears go before its backup is promoted".to_owned()
        }
        Kind::NotSettled if policy.realign_after.is_none() => {
            "realign_after: off leaves the VIP where a fault has put it; write realign_after: 2s".to_owned()
        }
        Kind::NotSettled if policy.retries == 0 => {
            "retries: 0 gives up at the first attempt that a fault has spoilt; write retries: 1"
                .to_owned()
        }
        Kind::TwoHolders | Kind::NotSettled | Kind::Invariant => {
            "no setting that prove knows; the steps above are what a report of it needs".to_owned()
        }
    }
}

fn has_script(path: &[Taken]) -> bool {
    path.iter().any(|taken| match &taken.deviation {
        Deviation::Trouble(trouble) => matches!(trouble.fault, Fault::Scripts(..)),
        Deviation::Overtake(_) => false,
    })
}
