//! Where a step stands in time: foreign clocks converted, and never before what it follows from.

use super::{Moment, NewEntry};
use changeover_model::message::{Party, Step, TimelineEntry};
use changeover_model::{HostName, ScriptAction, Timestamp};
use std::time::Duration;

/// The entry that a new step becomes. A foreign time is converted, then moved (and the movement added to its
/// uncertainty) so that it is neither later than its arrival nor earlier than the latest step it follows
/// from: two clocks can disagree, an acknowledgement cannot precede its order.
pub(super) fn placed(now: Timestamp, earlier: &[TimelineEntry], new: NewEntry) -> TimelineEntry {
    let (at, uncertainty) = match new.moment {
        Moment::Here => (now, Duration::ZERO),
        Moment::There {
            at,
            offset_us,
            uncertainty,
        } => {
            let converted = at.shifted(offset_us.saturating_neg());
            let floor = earlier
                .iter()
                .filter(|entry| leads_to(entry, &new))
                .map(|entry| entry.at)
                .max()
                .unwrap_or(Timestamp(0));
            let fitting = converted.min(now).max(floor);
            let moved = Duration::from_micros(fitting.minus(converted).unsigned_abs());
            (fitting, uncertainty.max(moved))
        }
    };
    TimelineEntry {
        at,
        uncertainty,
        who: new.who,
        step: new.step,
        what: new.what,
        evidence: new.evidence,
    }
}

/// True if `earlier` is a step that must have happened for `new` to happen: the chain of FACTS 4, from the
/// request over run mode, event, condition, alarm and reaction to the control script and the VIP.
fn leads_to(earlier: &TimelineEntry, new: &NewEntry) -> bool {
    let ordered_on = |host: &HostName| earlier.who == Party::ScsToLca(host.clone());
    let steps = (&earlier.step, &new.step);
    let asked = earlier.step == Step::Requested && new.step != Step::Requested;
    let mode_taken = matches!(steps,
        (Step::RunModeOrdered(a, mode), Step::RunModeAcknowledged(b, now) | Step::RunModeFailed(b, now))
            if a == b && mode == now);
    let event_caused = matches!(steps,
        (
            Step::RunModeOrdered(a, _) | Step::StartOrdered(a) | Step::StopOrdered(a),
            Step::EventLogged(b, _),
        ) if a == b);
    let condition_found = matches!(steps, (Step::EventLogged(..), Step::ConditionsFound(_)));
    let alarm_activated = matches!(steps,
        (Step::ConditionsFound(found), Step::AlarmActivated(_, condition)) if found.contains(condition));
    let script_ended = matches!(steps,
        (Step::Launched(a, _), Step::Finished(b, ..))
        | (Step::HookStarted(a, _), Step::HookFinished(b, ..)) if a == b);
    let vip_moved = matches!(steps,
        (Step::Launched(_, Some(ScriptAction::Disable)), Step::VipGone(host))
        | (Step::Launched(_, Some(ScriptAction::Enable)), Step::VipSeen(host)) if ordered_on(host));
    asked
        || mode_taken
        || event_caused
        || condition_found
        || alarm_activated
        || script_ended
        || vip_moved
}
