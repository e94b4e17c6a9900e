//! What must be on disk first, and what a restart of the SCS finds again.

use super::desk::{A, B, Desk, site, store_of_epoch_1};
use crate::{ScsInput, StoredState};
use changeover_model::message::{LogAcknowledged, PairState, SourceId};
use changeover_model::{ApplicationStatus, Epoch, RunMode};
use std::time::Duration;

#[test]
fn nothing_is_promoted_under_an_epoch_that_could_not_be_written() {
    let mut desk = Desk::running();
    desk.switchover();
    desk.obeys(A);
    // The reservation of epoch 3 fails.
    desk.disk_works = false;
    desk.obeys(B);
    desk.script_runs("A_DOWN");
    desk.script_runs("B_UP");
    desk.seen();
    desk.switchover();
    desk.wait(6_000);
    let lines = desk.seen_of(&["answer", "epoch 4"]);
    assert!(lines.len() <= 1, "{lines:?}");
    assert!(
        desk.core
            .alarms(false)
            .iter()
            .any(|alarm| alarm.condition.as_str() == "STORE_UNAVAILABLE")
    );
}

#[test]
fn after_a_lost_store_the_scs_goes_on_far_above_what_the_lcas_have_seen() {
    let mut desk = Desk::started(site(), StoredState::default());
    for server in desk.servers.values_mut() {
        server.state.epoch = Epoch(41);
    }
    desk.connect("host1");
    desk.connect("host2");
    assert_eq!(desk.pair().epoch, Epoch(41));
    desk.seen();
    desk.switchover();
    assert_eq!(
        desk.seen_of(&["to Backup"]),
        ["host1: SIP_SERVER_PRIMARY to Backup in epoch 1042"],
        "between them may be epochs that were given and reached nobody who was asked"
    );
}

#[test]
fn a_restart_moves_nothing_and_uses_no_epoch_twice() {
    let mut first = Desk::running();
    first.switchover();
    let kept = first.kept.clone();
    let mut desk = Desk::started(site(), kept);
    desk.connect("host1");
    desk.connect("host2");
    desk.wait(100);
    // A still serves in epoch 1 and epoch 2 was given to B: back to A in an epoch that nobody was given.
    assert_eq!(
        desk.seen_of(&["to Primary", "to Backup", "start "]),
        ["host2: SIP_SERVER_BACKUP to Backup in epoch 4"]
    );
    desk.acknowledges(B);
    assert_eq!(
        desk.seen_of(&["to Primary", "to Backup", "start "]),
        ["host1: SIP_SERVER_PRIMARY to Primary in epoch 4"]
    );
    desk.logs(B);
    desk.obeys(A);
    desk.script_runs("B_DOWN");
    desk.script_runs("A_UP");
    assert_eq!(desk.state(), PairState::Ok);
    desk.switchover();
    let line = desk.seen_of(&["to Backup"]).remove(0);
    assert_eq!(line, "host1: SIP_SERVER_PRIMARY to Backup in epoch 5");
}

#[test]
fn a_pair_is_judged_only_once_both_lcas_have_reported() {
    let mut desk = Desk::started(site(), store_of_epoch_1());
    for server in desk.servers.values_mut() {
        server.state.run_mode = RunMode::Backup;
        server.holds = false;
    }
    desk.connect("host2");
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    desk.connect("host1");
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host1: SIP_SERVER_PRIMARY to Primary in epoch 2"],
        "the configured primary is preferred"
    );
}

#[test]
fn a_pair_that_waits_for_a_report_for_long_says_so() {
    let mut environment = site();
    for host in environment.hosts.values_mut() {
        host.addp.timeout = Duration::from_secs(5);
    }
    let mut desk = Desk::started(environment, store_of_epoch_1());
    for server in desk.servers.values_mut() {
        server.state.run_mode = RunMode::Backup;
        server.holds = false;
    }
    desk.connect("host2");
    desk.wait(2_900);
    assert_eq!(desk.pair().suppressed, []);
    desk.wait(200);
    let told = "not-yet-judged: the LCA of host1 has not reported yet; try again in a moment";
    let suppressed: Vec<String> = desk
        .pair()
        .suppressed
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(suppressed, [told]);
    desk.connect("host1");
    assert_eq!(desk.pair().suppressed, []);
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host1: SIP_SERVER_PRIMARY to Primary in epoch 2"]
    );
}

#[test]
fn a_server_that_comes_up_alone_is_promoted_after_a_short_wait_for_the_other() {
    let mut desk = Desk::started(site(), StoredState::default());
    for (name, server) in &mut desk.servers {
        server.state.run_mode = RunMode::Backup;
        server.holds = false;
        if *name == A {
            server.state.status = ApplicationStatus::StartTransition;
        }
    }
    desk.connect("host1");
    desk.connect("host2");
    desk.wait(2_900);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    desk.wait(200);
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 1002"]
    );
}

#[test]
fn own_events_are_kept_until_they_are_acknowledged() {
    let mut desk = Desk::running();
    desk.server_is(B, |state| {
        state.status = ApplicationStatus::ServiceUnavailable
    });
    let pending: Vec<u32> = desk
        .kept
        .pending_events
        .values()
        .map(|one| one.id.0)
        .collect();
    assert!(pending.contains(&5094), "{pending:?}");
    let source = SourceId("SCS/0000000000000007".into());
    desk.feed(ScsInput::LogAcknowledged(LogAcknowledged {
        source,
        up_to: 1_000,
    }));
    assert_eq!(desk.kept.pending_events.len(), 0);
}
