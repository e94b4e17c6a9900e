//! A third-party pair: the SCS says for its members what a SIP Server would say itself.

use super::desk::{A, B, Desk, site};
use changeover_model::environment::Environment;
use changeover_model::message::PairState;
use changeover_model::{ApplicationStatus, ApplicationType, LogEventId, Redundancy};

/// The pair of the other tests with members that know nothing of run modes, wired to 5150 and 5151.
fn third_party() -> Environment {
    let mut environment = site();
    for name in [A, B] {
        let member = environment.applications.get_mut(name).expect("a member");
        member.application_type = ApplicationType::ThirdPartyServer;
    }
    for pair in environment.pairs.values_mut() {
        pair.redundancy = Redundancy::Warm;
    }
    for condition in environment.alarm_conditions.values_mut() {
        condition.detect = match condition.detect {
            LogEventId::HOT_PRIMARY => LogEventId::NOW_PRIMARY,
            _ => LogEventId::NOW_BACKUP,
        };
    }
    environment
}

/// The SCS's own events since the last look: id, application, epoch.
fn said(desk: &mut Desk) -> Vec<String> {
    let events = std::mem::take(&mut desk.kept.pending_events);
    events
        .values()
        .filter(|event| (5060..=5200).contains(&event.id.0))
        .map(|event| {
            let epoch = event
                .epoch
                .map_or_else(String::new, |of| format!(" in epoch {of}"));
            format!("{} {}{epoch}", event.id, event.application)
        })
        .collect()
}

#[test]
fn a_switchover_is_said_by_the_scs_with_the_epoch_of_the_order() {
    let mut desk = Desk::running_with(third_party());
    said(&mut desk);
    desk.switchover();
    desk.acknowledges(A);
    desk.acknowledges(B);
    assert_eq!(
        said(&mut desk),
        [
            "5151 SIP_SERVER_PRIMARY in epoch 2",
            "5150 SIP_SERVER_BACKUP in epoch 2"
        ]
    );
}

#[test]
fn an_event_of_the_scs_that_does_not_come_back_is_named_as_the_silent_hop() {
    let mut desk = Desk::running_with(third_party());
    desk.switchover();
    desk.acknowledges(A);
    desk.acknowledges(B);
    desk.wait(600);
    let (_, entries) = desk.story();
    assert!(
        entries
            .iter()
            .any(|entry| entry.contains("00-05150 missing")),
        "{entries:?}"
    );
    // It realigns by itself, as for a SIP Server.
    desk.script_runs("A_DOWN");
    desk.wait(10);
    desk.script_runs("B_UP");
    desk.wait(100);
    assert_eq!(desk.state(), PairState::Ok);
}

#[test]
fn starts_and_ends_of_a_third_party_application_have_events_of_their_own() {
    let mut desk = Desk::running_with(third_party());
    said(&mut desk);
    desk.dies(B);
    assert_eq!(said(&mut desk), ["5064 SIP_SERVER_BACKUP"]);
    desk.server_is(B, |state| {
        state.status = ApplicationStatus::StartPending;
        state.incarnation = state.incarnation.next();
    });
    assert_eq!(said(&mut desk), Vec::<String>::new());
    desk.server_is(B, |state| state.status = ApplicationStatus::Running);
    assert_eq!(
        said(&mut desk),
        ["5060 SIP_SERVER_BACKUP", "5093 SIP_SERVER_BACKUP"]
    );
    desk.server_is(B, |state| {
        state.status = ApplicationStatus::Stopped;
        state.stopped_as_asked = true;
    });
    assert_eq!(said(&mut desk), ["5063 SIP_SERVER_BACKUP"]);
}
