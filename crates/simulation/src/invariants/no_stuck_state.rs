//! Nothing stays under way for ever: no record, reaction or transitional status without an end, no operator
//! without an answer (BEHAVIOUR: every transitional status has a deadline and a way out). Exceptions: what has
//! been under way for less than `grace`; operators whose SCS died while they waited.

use crate::world::World;
use changeover_model::message::ReactionState;
use changeover_model::{ApplicationStatus, Timestamp};

fn is_transitional(status: ApplicationStatus) -> bool {
    match status {
        ApplicationStatus::StartPending
        | ApplicationStatus::StartTransition
        | ApplicationStatus::Initializing
        | ApplicationStatus::StopPending
        | ApplicationStatus::StopTransition
        | ApplicationStatus::Suspending => true,
        ApplicationStatus::Unknown
        | ApplicationStatus::ServiceUnavailable
        | ApplicationStatus::Running
        | ApplicationStatus::Stopped
        | ApplicationStatus::Suspended => false,
    }
}

/// What has been under way for more than `grace` microseconds.
pub(super) fn look(world: &World, grace: u64) -> Vec<String> {
    let now = world.clock(0);
    let is_old = |since: Timestamp| since.0 + grace < now.0;
    let Some(driven) = world.scs.driven.as_ref() else {
        return vec!["no stuck state: the SCS is down".to_owned()];
    };
    let mut wrong = Vec::new();
    for record in driven.core.timeline(1000) {
        if record.closed_at.is_none() && is_old(record.opened_at) {
            wrong.push(format!(
                "no stuck state: record {} ({}) is still open",
                record.id, record.title
            ));
        }
    }
    for reaction in driven.core.reactions() {
        let open = matches!(
            reaction.state,
            ReactionState::Waiting | ReactionState::Running
        );
        if open && is_old(reaction.requested_at) {
            wrong.push(format!(
                "no stuck state: reaction {} is still {:?}: {}",
                reaction.number, reaction.state, reaction.detail
            ));
        }
    }
    if let Some(picture) = driven.core.picture(now) {
        for application in picture.applications {
            if is_transitional(application.status) && is_old(application.since) {
                wrong.push(format!(
                    "no stuck state: {} is still {}: {}",
                    application.name, application.status, application.reason
                ));
            }
        }
    }
    for (asked, command) in world.unanswered() {
        if is_old(Timestamp(asked + world.hosts[0].clock)) {
            wrong.push(format!("no stuck state: nobody answered {command:?}"));
        }
    }
    wrong
}
