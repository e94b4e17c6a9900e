//! Unplanned: servers, hosts and agents that are lost, and their return.

use super::desk::{A, B, Desk, site};
use crate::{Echo, LinkLoss, ScsInput};
use changeover_model::environment::OnAgentLoss;
use changeover_model::message::{FromLca, LcaReport, PairState, ScriptOutcome, ScriptResult};
use changeover_model::{ApplicationStatus, Core, Epoch, RunMode};
use std::time::Duration;

#[test]
fn the_death_of_the_primary_promotes_the_backup_in_the_same_call() {
    let mut desk = Desk::running();
    desk.dies(A);
    assert_eq!(
        desk.seen_of(&["host2"]),
        [
            "host2: SIP_SERVER_BACKUP to Primary in epoch 2",
            "host2: intend EAST: SIP_SERVER_BACKUP in epoch 2",
        ]
    );
    desk.obeys(B);
    desk.script_runs("A_DOWN");
    desk.script_runs("B_UP");
    let (kind, entries) = desk.story();
    assert_eq!(kind, "Failover Done");
    assert_eq!(entries[0], "lca@host1: SIP_SERVER_PRIMARY ended unasked");
}

#[test]
fn a_server_that_is_restarted_no_more_is_told_by_its_alarm() {
    let mut desk = Desk::running();
    desk.dies(B);
    desk.server_is(B, |state| {
        state.reason = "restart-limit: 3 restarts within 10m; the last end: signal 9".into();
    });
    let alarms = desk.core.alarms(false);
    let told: Vec<_> = alarms
        .iter()
        .filter(|alarm| alarm.application.as_str() == B)
        .map(|alarm| (alarm.condition.as_str(), alarm.text.as_str()))
        .collect();
    assert_eq!(
        told,
        [(
            "APPLICATION_FAILED (5064)",
            "SIP_SERVER_BACKUP is not restarted any more: restart-limit: 3 restarts within 10m; the last end: signal 9"
        )]
    );
}

#[test]
fn a_backup_that_is_not_started_is_never_promoted_and_is_as_soon_as_it_is() {
    let mut desk = Desk::running();
    desk.server_is(B, |state| {
        state.status = ApplicationStatus::ServiceUnavailable
    });
    desk.dies(A);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    let suppressed = desk.pair().suppressed;
    assert!(
        suppressed
            .iter()
            .any(|one| one.reason.starts_with("no backup can take over"))
    );
    assert_eq!(desk.story().0, "Suppression Refused");
    desk.wait(2_100);
    assert_eq!(
        desk.seen_of(&["20621"]),
        ["log 20621 SIP_SERVER_PRIMARY, 4200 EAST"]
    );
    desk.server_is(B, |state| state.status = ApplicationStatus::Running);
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
}

#[test]
fn a_primary_that_cannot_serve_is_demoted_and_a_hung_one_is_ended() {
    let mut desk = Desk::running();
    desk.server_is(A, |state| {
        state.status = ApplicationStatus::ServiceUnavailable
    });
    assert_eq!(
        desk.seen_of(&["host1: SIP"]),
        ["host1: SIP_SERVER_PRIMARY to Backup in epoch 2"]
    );
    let mut desk = Desk::running();
    desk.server_is(A, |state| state.hung = true);
    assert_eq!(
        desk.seen_of(&["host1: st", "host2: SIP"]),
        ["host1: stop SIP_SERVER_PRIMARY at once"]
    );
    desk.dies(A);
    assert_eq!(
        desk.seen_of(&["host2: SIP"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
}

#[test]
fn a_vip_interface_without_carrier_makes_its_server_unavailable() {
    let mut desk = Desk::running();
    desk.carrier_on("host1", false);
    assert_eq!(
        desk.seen_of(&["to Backup"]),
        ["host1: SIP_SERVER_PRIMARY to Backup in epoch 2"]
    );
    let mut site = site();
    if let Some(server) = site.applications.get_mut(A) {
        let options = [("sip-pass-check".to_owned(), "true".to_owned())];
        server
            .options
            .insert("TServer".into(), options.into_iter().collect());
    }
    let mut desk = Desk::running_with(site);
    desk.carrier_on("host1", false);
    assert_eq!(desk.seen_of(&["to Backup"]), Vec::<String>::new());
}

#[test]
fn a_silent_host_is_lost_after_its_detection_bound_and_not_before() {
    let mut desk = Desk::running();
    desk.silence("host1");
    let silent_since = desk.now;
    // Its last beat was answered up to half a second ago.
    desk.wait(2_490);
    assert_eq!(desk.seen_of(&["to Primary", "8002"]), Vec::<String>::new());
    desk.wait(510);
    let lines = desk.seen_of(&["to Primary", "8002"]);
    assert_eq!(
        lines[0], "host2: SIP_SERVER_BACKUP to Primary in epoch 2",
        "{lines:?}"
    );
    let record = desk.core.find_record("EAST").expect("a failover");
    let detected = record.opened_at.since(silent_since);
    assert!(detected <= Duration::from_millis(3_000), "{detected:?}");
    desk.obeys(B);
    desk.script_runs("B_UP");
    let (kind, entries) = desk.story();
    assert_eq!(
        (kind.as_str(), entries[0].as_str()),
        ("Failover Done", "scs: host1 lost")
    );
    assert_eq!(desk.state(), PairState::NotReady);
}

#[test]
fn a_host_that_is_back_with_nothing_to_give_up_makes_the_holder_announce_once() {
    let mut desk = Desk::running();
    desk.silence("host2");
    desk.wait(3_100);
    desk.seen();
    desk.connect("host2");
    // It may have said meanwhile that the VIP was its own, where host1 could not hear it.
    assert_eq!(desk.seen_of(&["announce"]), ["host1: announce"]);
    desk.wait(5_000);
    desk.connect("host2");
    assert_eq!(desk.seen_of(&["announce"]), Vec::<String>::new());
}

#[test]
fn a_restored_host_that_is_still_primary_is_demoted_and_the_winner_announces() {
    let mut desk = Desk::running();
    desk.silence("host1");
    desk.wait(3_100);
    desk.obeys(B);
    desk.script_runs("B_UP");
    desk.seen();
    desk.connect("host1");
    assert_eq!(
        desk.seen_of(&["SIP_SERVER_PRIMARY to"]),
        ["host1: SIP_SERVER_PRIMARY to Backup in epoch 2"]
    );
    desk.obeys(A);
    assert_eq!(
        desk.seen_of(&["start", "announce"]),
        ["host1: start A_DOWN"]
    );
    desk.script_runs("A_DOWN");
    assert_eq!(desk.seen_of(&["announce"]), ["host2: announce"]);
    let (kind, entries) = desk.story();
    assert_eq!(kind, "Reconnect Done");
    assert_eq!(
        entries[..3],
        [
            "scs: host1 is back",
            "scs: both are primary",
            "scs > lca@host1: SIP_SERVER_PRIMARY to Backup"
        ]
    );
    assert_eq!(desk.state(), PairState::Ok);
}

#[test]
fn a_lost_agent_on_a_living_host_holds_the_pair() {
    let mut desk = Desk::running();
    desk.silence("host1");
    desk.feed(ScsInput::LcaDisconnected {
        host: "host1".into(),
        connection: 1,
        loss: LinkLoss::Closed,
    });
    for _ in 0..40 {
        desk.feed(ScsInput::DialFailed {
            host: "host1".into(),
            loss: LinkLoss::Refused,
        });
        desk.wait(250);
    }
    let lines = desk.seen_of(&["to Primary", "log 80"]);
    assert_eq!(lines, ["log 8000 SCS, 4200 host1"]);
    assert_eq!(desk.state(), PairState::Held);
    desk.connect("host1");
    assert_eq!(desk.state(), PairState::Ok);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
}

#[test]
fn a_frozen_lca_is_an_agent_lost_and_fails_over_only_by_policy() {
    for (policy, promotes) in [(OnAgentLoss::Hold, false), (OnAgentLoss::Failover, true)] {
        let mut site = site();
        for pair in site.pairs.values_mut() {
            pair.policy.on_agent_loss = policy;
        }
        let mut desk = Desk::running_with(site);
        desk.silence("host1");
        for _ in 0..100 {
            desk.feed(ScsInput::HostEchoed {
                host: "host1".into(),
                echo: Echo::Answered,
            });
            desk.wait(100);
        }
        let given = !desk.seen_of(&["to Primary"]).is_empty();
        assert_eq!(given, promotes, "{policy:?}");
    }
}

#[test]
fn when_all_hosts_fall_silent_at_once_the_scs_doubts_itself() {
    let mut desk = Desk::running();
    desk.silence("host1");
    desk.silence("host2");
    desk.wait(10_000);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    let picture = desk.core.picture(desk.now).expect("a picture");
    assert!(picture.is_it_me);
}

#[test]
fn the_first_of_the_hosts_to_return_after_such_a_silence_does_not_make_the_others_lost() {
    let mut desk = Desk::running();
    desk.silence("host1");
    desk.silence("host2");
    desk.wait(10_000);
    desk.connect("host2");
    desk.wait(2_000);
    desk.connect("host1");
    desk.wait(10_000);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    let picture = desk.core.picture(desk.now).expect("a picture");
    assert!(!picture.is_it_me);
    assert_eq!(desk.state(), PairState::Ok);
}

#[test]
fn a_host_that_does_not_return_with_the_others_is_failed_over_one_bound_later() {
    let mut desk = Desk::running();
    desk.silence("host1");
    desk.silence("host2");
    desk.wait(10_000);
    desk.connect("host2");
    desk.wait(2_900);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    desk.wait(200);
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
}

#[test]
fn after_a_silence_that_all_hosts_shared_the_last_to_be_heard_has_a_bound_of_its_own_once() {
    let mut desk = Desk::running();
    desk.silence("host1");
    desk.silence("host2");
    desk.wait(2_900);
    // The SCS's own cable is back; what host1 says is on its way when its bound runs out.
    desk.connect("host2");
    desk.wait(2_800);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    // It says nothing: host1 it was after all.
    desk.wait(300);
    assert_ne!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
}

#[test]
fn a_tick_that_comes_late_judges_nothing_and_asks_for_the_state_first() {
    let mut desk = Desk::running();
    desk.now = desk.now + Duration::from_secs(60);
    let now = desk.now;
    let mut outputs = Vec::new();
    desk.core.tick(now, &mut outputs);
    let hellos = outputs
        .iter()
        .filter(|output| format!("{output:?}").contains("Hello"))
        .count();
    assert_eq!(hellos, 2);
    assert_eq!(
        desk.core.picture(now).map(|picture| picture.active_alarms),
        Some(0)
    );
    assert!(!format!("{outputs:?}").contains("SetRunMode"));
}

#[test]
fn a_bound_of_a_tenth_of_a_second_is_kept() {
    let mut site = site();
    for host in site.hosts.values_mut() {
        host.addp.timeout = Duration::from_millis(50);
    }
    let mut desk = Desk::running_with(site);
    desk.wait(1_000);
    desk.seen();
    desk.silence("host1");
    desk.wait(101);
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
}

#[test]
fn too_many_failovers_stop_automatic_switching_until_an_operator_switches() {
    let mut desk = Desk::running();
    let names = [A, B];
    for round in 0..4_usize {
        let (from, to) = (names[round % 2], names[(round + 1) % 2]);
        desk.server_is(from, |state| {
            state.status = ApplicationStatus::ServiceUnavailable
        });
        desk.obeys(from);
        desk.obeys(to);
        let (down, up) = if to == A {
            ("B_DOWN", "A_UP")
        } else {
            ("A_DOWN", "B_UP")
        };
        desk.script_runs(down);
        desk.script_runs(up);
        desk.server_is(from, |state| state.status = ApplicationStatus::Running);
        desk.wait(61_000);
    }
    desk.seen();
    desk.server_is(A, |state| {
        state.status = ApplicationStatus::ServiceUnavailable
    });
    let lines = desk.seen_of(&["to Primary", "to Backup", "10327"]);
    assert!(lines.iter().all(|line| line.contains("10327")), "{lines:?}");
    assert!(!lines.is_empty());
    assert_eq!(desk.state(), PairState::Flapping);
    desk.wait(601_000);
    assert_eq!(desk.seen_of(&["10328"]).len(), 1);
}

#[test]
fn with_equal_epochs_the_intended_primary_wins_under_a_new_one() {
    let mut desk = Desk::running();
    desk.server_is(B, |state| {
        state.run_mode = RunMode::Primary;
        state.epoch = Epoch(1);
    });
    assert_eq!(
        desk.seen_of(&["to Backup", "to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Backup in epoch 2"]
    );
    desk.acknowledges(B);
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host1: SIP_SERVER_PRIMARY to Primary in epoch 2"]
    );
}

#[test]
fn a_holder_that_ignored_its_release_behind_a_pulled_cable_is_told_again_as_soon_as_the_cable_is_back()
 {
    let mut desk = Desk::running();
    desk.carrier_on("host2", false);
    desk.vip_on("host2", true);
    desk.wait(2_100);
    // Whatever is tried, an NLB host without link ignores it.
    let mut tried = 0;
    for _ in 0..300 {
        if desk.was_launched("B_DOWN") {
            desk.script_leaves_one_out("B_DOWN");
            tried += 1;
        }
        if tried > 0 && desk.state() != PairState::Switching {
            break;
        }
        desk.wait(100);
    }
    assert!(
        tried > 0 && desk.state() != PairState::Switching,
        "{:?}",
        desk.story()
    );
    desk.wait(100);
    assert!(
        !desk.was_launched("B_DOWN"),
        "a failed realignment is not repeated at once"
    );
    desk.carrier_on("host2", true);
    assert!(
        desk.was_launched("B_DOWN"),
        "not after realign_after, and not after the back-off: {:?} {:?} {tried}",
        desk.state(),
        desk.story()
    );
    desk.script_runs("B_DOWN");
    desk.wait(1_000);
    assert_eq!(desk.state(), PairState::Ok);
}

#[test]
fn nothing_is_realigned_towards_a_server_that_was_to_be_primary_and_is_not() {
    let mut desk = Desk::running();
    desk.vip_on("host1", false);
    desk.vip_on("host2", true);
    for name in [B, A] {
        desk.server_is(name, |state| {
            state.status = ApplicationStatus::ServiceUnavailable;
            state.run_mode = RunMode::Backup;
        });
    }
    desk.seen();
    desk.wait(10_000);
    assert_eq!(desk.seen_of(&["start"]), Vec::<String>::new());
}

#[test]
fn an_outcome_that_waited_for_its_agent_says_nothing_of_where_the_vip_is_now() {
    let mut desk = Desk::running();
    desk.vip_on("host1", false);
    desk.wait(2_100);
    let (_, key, _) = desk.take_order(|key, _| key.application.as_str() == "A_UP");
    let ended_at = desk.now;
    desk.wait(100);
    desk.vip_on("host1", false);
    desk.feed(ScsInput::LcaMessage {
        host: "host1".into(),
        connection: 1,
        message: Box::new(FromLca {
            sent_at: ended_at,
            cause: None,
            body: LcaReport::ControlScriptFinished {
                key,
                outcome: ScriptOutcome {
                    result: ScriptResult::Succeeded,
                    exit: None,
                    duration: Duration::from_millis(3),
                    observed: "10.10.11.103/24 seen on eth0:1".into(),
                    output: String::new(),
                },
            },
        }),
    });
    desk.seen();
    // It came up and went again, which was told before.
    desk.wait(10_000);
    assert_eq!(desk.seen_of(&["start A_UP"]), ["host1: start A_UP"]);
}

#[test]
fn with_realign_after_off_nothing_is_told_to_a_holder_whose_cable_is_back() {
    let mut site = site();
    if let Some(pair) = site.pairs.values_mut().next() {
        pair.policy.realign_after = None;
    }
    let mut desk = Desk::running_with(site);
    desk.carrier_on("host2", false);
    desk.vip_on("host2", true);
    desk.wait(5_000);
    desk.carrier_on("host2", true);
    desk.wait(5_000);
    assert!(!desk.was_launched("B_DOWN"));
}
