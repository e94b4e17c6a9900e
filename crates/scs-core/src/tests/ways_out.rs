//! Ways out of what went wrong: back under a new epoch, holds and alarms that end by themselves, an operator's word.

use super::desk::{A, B, Desk, site, store_of_epoch_1};
use crate::{LinkLoss, ScsInput};
use changeover_model::environment::OnFailure;
use changeover_model::message::{LcaReport, OperatorCommand, PairState};
use changeover_model::{ApplicationStatus, Core, Epoch, RefusalCode, RunMode};
use std::time::Duration;

/// The LCA of a host is away, the host refuses each new connection.
fn agent_is_away(desk: &mut Desk, host: &'static str, milliseconds: u64) {
    desk.silence(host);
    desk.feed(ScsInput::LcaDisconnected {
        host: host.into(),
        connection: 1,
        loss: LinkLoss::Closed,
    });
    refuses(desk, host, milliseconds);
}

fn refuses(desk: &mut Desk, host: &'static str, milliseconds: u64) {
    for _ in 0..milliseconds / 250 {
        desk.feed(ScsInput::DialFailed {
            host: host.into(),
            loss: LinkLoss::Refused,
        });
        desk.wait(250);
    }
}

/// A has become backup and B primary, and the LCA of host1 goes away before A_DOWN has run.
fn held_for_an_agent() -> Desk {
    let mut desk = Desk::running();
    desk.switchover();
    desk.acknowledges(A);
    desk.obeys(B);
    agent_is_away(&mut desk, "host1", 40_000);
    desk
}

fn alarms(desk: &Desk) -> Vec<String> {
    let mut names: Vec<String> = desk
        .core
        .alarms(false)
        .iter()
        .map(|alarm| alarm.condition.to_string())
        .filter(|name| {
            name.chars()
                .all(|letter| letter == '_' || letter.is_ascii_uppercase())
        })
        .collect();
    names.sort();
    names
}

#[test]
fn a_promotion_of_unknown_outcome_is_taken_back_under_a_new_epoch() {
    let mut desk = Desk::running();
    desk.silence("host1");
    desk.wait(3_000);
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
    // B says nothing at all, then host1 is back: A was primary all the time.
    desk.wait(500);
    desk.connect("host1");
    desk.seen();
    desk.wait(4_500);
    let lines = desk.seen_of(&["to Primary in epoch 3", "to Backup", "in epoch 3", "stop"]);
    assert_eq!(
        lines,
        [
            "host2: SIP_SERVER_BACKUP to Backup in epoch 3",
            "host2: intend EAST: SIP_SERVER_PRIMARY in epoch 3",
            "host2: stop SIP_SERVER_BACKUP at once",
            "host1: SIP_SERVER_PRIMARY to Primary in epoch 3",
            "host1: intend EAST: SIP_SERVER_PRIMARY in epoch 3",
        ]
    );
    desk.obeys(A);
    desk.script_runs("B_DOWN");
    desk.script_runs("A_UP");
    assert_eq!(desk.story().0, "RollBack Done");
    assert_eq!(desk.state(), PairState::Ok);
}

#[test]
fn a_primary_of_an_epoch_that_this_store_does_not_know_is_adopted_with_its_epoch() {
    let mut desk = Desk::started(site(), store_of_epoch_1());
    for server in desk.servers.values_mut() {
        server.state.status = ApplicationStatus::ServiceUnavailable;
        server.state.run_mode = RunMode::Backup;
        server.holds = false;
    }
    desk.connect("host1");
    desk.connect("host2");
    desk.seen();
    desk.server_is(B, |state| {
        state.status = ApplicationStatus::Running;
        state.run_mode = RunMode::Primary;
        state.epoch = Epoch(2);
    });
    assert_eq!(
        desk.seen_of(&["intend"]),
        [
            "host1: intend EAST: SIP_SERVER_BACKUP in epoch 2",
            "host2: intend EAST: SIP_SERVER_BACKUP in epoch 2",
        ]
    );
}

#[test]
fn a_primary_that_never_heard_of_its_newest_epoch_is_promoted_anew() {
    let mut kept = store_of_epoch_1();
    for pair in kept.pairs.values_mut() {
        pair.epoch = Epoch(3);
        pair.reserved = Epoch(4);
    }
    let mut desk = Desk::started(site(), kept);
    desk.connect("host1");
    desk.connect("host2");
    desk.acknowledges(B);
    // Its LCA would not speak for it in epoch 3, so nobody would announce its VIP.
    assert_eq!(
        desk.seen_of(&["to Backup", "to Primary"]),
        [
            "host2: SIP_SERVER_BACKUP to Backup in epoch 5",
            "host1: SIP_SERVER_PRIMARY to Primary in epoch 5",
        ]
    );
}

#[test]
fn an_epoch_that_only_an_lca_knows_is_nobodys() {
    let mut desk = Desk::running();
    desk.wait(10);
    let kept = desk.kept.clone();
    let mut desk = Desk::started(site(), kept);
    // A former SCS ordered B to be primary in epoch 2; that it had done so did not get to its disk.
    desk.servers.get_mut(B).expect("B").state.epoch = changeover_model::Epoch(2);
    desk.connect("host2");
    assert_eq!(
        desk.seen_of(&["intend"]),
        ["host2: intend EAST: nobody in epoch 2"]
    );
    desk.connect("host1");
    assert_eq!(
        desk.seen_of(&["intend", "to "]),
        [
            "host1: intend EAST: nobody in epoch 2",
            "host2: SIP_SERVER_BACKUP to Backup in epoch 1003",
            "host2: intend EAST: SIP_SERVER_PRIMARY in epoch 1003",
        ]
    );
    desk.acknowledges(B);
    assert_eq!(
        desk.seen_of(&["to "]),
        ["host1: SIP_SERVER_PRIMARY to Primary in epoch 1003"]
    );
}

#[test]
fn a_hold_for_an_agent_that_stays_away_ends_when_it_has_reported() {
    let mut desk = held_for_an_agent();
    assert_eq!(desk.state(), PairState::VipNone);
    assert!(alarms(&desk).contains(&"PAIR_HELD".to_owned()));
    desk.seen();
    desk.connect("host1");
    assert!(!alarms(&desk).contains(&"PAIR_HELD".to_owned()));
    let record = desk.core.find_record("EAST").expect("a record");
    assert_eq!(record.why, "the LCA of host1 is back and has reported");
    desk.wait(2_000);
    assert_eq!(desk.seen_of(&["start"]), ["host1: start A_DOWN"]);
    desk.script_runs("A_DOWN");
    assert_eq!(desk.seen_of(&["start"]), ["host2: start B_UP"]);
    desk.script_runs("B_UP");
    desk.wait(2_000);
    assert_eq!((desk.state(), alarms(&desk)), (PairState::Ok, vec![]));
}

#[test]
fn an_operators_word_that_a_host_without_its_lca_is_lost_ends_the_hold() {
    let mut desk = held_for_an_agent();
    desk.seen();
    desk.asks(OperatorCommand::ConfirmLost {
        hosts: vec!["host1".into()],
    });
    assert_eq!(
        desk.seen_of(&["answer"]),
        ["answer 2: host1 confirmed lost"]
    );
    refuses(&mut desk, "host1", 3_000);
    assert_eq!(desk.seen_of(&["start"]), ["host2: start B_UP"]);
    desk.script_runs("B_UP");
    assert_eq!(desk.state(), PairState::NotReady);
}

#[test]
fn a_held_pair_fails_over_on_an_operators_word_and_the_lca_that_returns_is_believed_again() {
    let mut desk = Desk::running();
    agent_is_away(&mut desk, "host1", 6_000);
    assert_eq!(desk.state(), PairState::Held);
    desk.seen();
    desk.asks(OperatorCommand::ConfirmLost {
        hosts: vec!["host1".into()],
    });
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
    desk.obeys(B);
    desk.script_runs("B_UP");
    let (kind, entries) = desk.story();
    assert_eq!(
        (kind.as_str(), entries[0].as_str()),
        ("Failover Done", "scs: host1 lost")
    );
    let said = desk
        .core
        .timeline(50)
        .into_iter()
        .find(|record| record.title == "host1 confirmed lost")
        .and_then(|record| record.entries.last().map(|entry| entry.evidence.clone()));
    assert_eq!(
        said.as_deref(),
        Some(
            "it still answers without its LCA; from now on its servers count as ended and its VIPs as released, \
             until its LCA reports"
        )
    );
    // Further signs of life without an LCA do not take the word back; the LCA does.
    refuses(&mut desk, "host1", 2_000);
    assert_eq!(desk.state(), PairState::NotReady);
    desk.connect("host1");
    assert_eq!(
        desk.seen_of(&["SIP_SERVER_PRIMARY to"]),
        ["host1: SIP_SERVER_PRIMARY to Backup in epoch 2"]
    );
}

#[test]
fn a_backup_whose_host_is_shut_down_is_not_promoted() {
    let mut desk = Desk::running();
    desk.report("host2", LcaReport::HostStopping);
    let ready = desk.pair().ready;
    assert_eq!(
        ready
            .reasons
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["host-stopping: host2 is being shut down, and SIP_SERVER_BACKUP with it"]
    );
    desk.switchover();
    assert_eq!(
        desk.seen_of(&["answer", "to "]),
        ["answer 1: refused host-stopping"]
    );
    desk.dies(A);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    assert_eq!(
        desk.pair()
            .suppressed
            .iter()
            .map(|one| one.code)
            .collect::<Vec<_>>(),
        [
            RefusalCode::BackupNotRunning,
            RefusalCode::BackupNotRunning,
            RefusalCode::HostStopping
        ]
    );
}

#[test]
fn the_alarm_of_a_failed_procedure_ends_when_the_pair_is_as_wanted_again() {
    let mut site = site();
    for pair in site.pairs.values_mut() {
        pair.policy.on_failure = OnFailure::Alarm;
    }
    let mut desk = Desk::running_with(site);
    // B becomes primary and loses it again before its VIP has moved; A is made primary by hand.
    desk.switchover();
    desk.acknowledges(A);
    desk.dies(B);
    assert_eq!(alarms(&desk), ["PROCEDURE_FAILED"]);
    desk.server_is(A, |state| {
        state.run_mode = RunMode::Primary;
        state.epoch = changeover_model::Epoch(2);
    });
    desk.wait(1_999);
    assert_eq!(alarms(&desk), ["PROCEDURE_FAILED"]);
    desk.wait(2);
    assert_eq!(alarms(&desk), Vec::<String>::new());
}

#[test]
fn a_paused_scs_gives_nothing_up_for_its_own_silence() {
    let mut desk = Desk::running();
    desk.switchover();
    desk.acknowledges(A);
    desk.logs(A);
    desk.seen();
    // A minute passes without a tick; what waited in the queue comes first.
    desk.now = desk.now + Duration::from_secs(60);
    desk.acknowledges(B);
    desk.script_runs("A_DOWN");
    desk.tells_state("host1");
    desk.tells_state("host2");
    desk.logs(B);
    let mut outputs = Vec::new();
    let now = desk.now;
    assert!(desk.core.deadline().is_none_or(|due| due >= now));
    desk.core.tick(now, &mut outputs);
    assert_eq!(desk.seen_of(&["stop", "start"]), ["host2: start B_UP"]);
    desk.script_runs("B_UP");
    desk.wait(10);
    assert_eq!(alarms(&desk), Vec::<String>::new());
    assert_eq!(desk.story().0, "Switchover Done");
}

#[test]
fn an_agent_that_is_away_while_the_scs_stands_still_does_not_stay_away_longer() {
    let mut desk = Desk::running();
    desk.switchover();
    desk.acknowledges(A);
    desk.obeys(B);
    agent_is_away(&mut desk, "host1", 3_000);
    desk.now = desk.now + Duration::from_secs(60);
    refuses(&mut desk, "host1", 1_000);
    assert!(!alarms(&desk).contains(&"PAIR_HELD".to_owned()));
    desk.connect("host1");
    assert_eq!(desk.seen_of(&["start"]), ["host1: start A_DOWN"]);
}
