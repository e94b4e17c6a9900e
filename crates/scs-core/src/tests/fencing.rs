//! `quorum`: what a promotion waits for, what the beats support, the `sole` mark, and the fence command.

use super::desk::{A, B, Desk, site};
use crate::{Echo, LinkLoss, ScsInput, StoredState};
use changeover_model::environment::{ControllerLoss, Environment, FenceCommand};
use changeover_model::message::{
    LcaReport, MaintenanceTarget, OperatorCommand, RecordKind, RecordOutcome, SoleMark,
};
use changeover_model::{ApplicationStatus, Epoch, PairName, Refusal, RefusalCode, RunMode, Ticket};
use std::time::Duration;

fn quorum() -> Environment {
    let mut site = site();
    for pair in site.pairs.values_mut() {
        pair.policy.on_controller_loss = ControllerLoss::Quorum;
    }
    site
}

fn fenced() -> Environment {
    let mut site = site();
    for pair in site.pairs.values_mut() {
        pair.policy.fence = Some(FenceCommand {
            command_line: "power-off".into(),
            timeout: Duration::from_secs(5),
        });
    }
    site
}

/// The LCA of host2 votes.
fn votes(desk: &mut Desk, epoch: u64, released: bool, quiet: Option<u64>) {
    desk.report(
        "host2",
        LcaReport::Voted {
            pair: "EAST".into(),
            epoch: Epoch(epoch),
            released,
            quiet: quiet.map(Duration::from_millis),
        },
    );
}

fn mark(epoch: u64) -> SoleMark {
    SoleMark {
        pair: "EAST".into(),
        epoch: Epoch(epoch),
        host: "host1".into(),
    }
}

fn ready_reasons(desk: &mut Desk) -> Vec<String> {
    let reasons = desk.pair().ready.reasons;
    reasons.iter().map(|one| one.code.to_string()).collect()
}

/// The LCA of host1 is gone, its host refuses connections.
fn agent_dies(desk: &mut Desk) {
    desk.silence("host1");
    desk.feed(ScsInput::LcaDisconnected {
        host: "host1".into(),
        connection: 1,
        loss: LinkLoss::Closed,
    });
}

/// Time passes, and host1 goes on answering without an LCA.
fn lives_on(desk: &mut Desk, milliseconds: u64) {
    for _ in 0..milliseconds / 500 {
        desk.feed(ScsInput::HostEchoed {
            host: "host1".into(),
            echo: Echo::Refused,
        });
        desk.wait(500);
    }
}

#[test]
fn a_planned_switchover_asks_for_the_vote_when_the_demotion_is_acknowledged_and_promotes_with_it() {
    let mut desk = Desk::running_with(quorum());
    desk.switchover();
    assert_eq!(
        desk.seen_of(&["to Backup", "vote", "to Primary"]),
        ["host1: SIP_SERVER_PRIMARY to Backup in epoch 2"]
    );
    desk.obeys(A);
    assert_eq!(
        desk.seen_of(&["vote", "to Primary"]),
        ["host2: vote for epoch 2, yielded?"]
    );
    votes(&mut desk, 2, true, Some(0));
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
}

#[test]
fn a_demoted_holder_whose_lca_goes_away_before_its_vip_is_gone_is_waited_for() {
    let mut desk = Desk::running_with(quorum());
    desk.wait(2_000);
    desk.switchover();
    desk.acknowledges(A);
    agent_dies(&mut desk);
    lives_on(&mut desk, 500);
    votes(&mut desk, 2, true, Some(0));
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    // It is back, and there is somebody to release its VIP again.
    desk.connect("host1");
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
}

#[test]
fn a_vote_of_another_epoch_or_host_promotes_nobody() {
    let mut desk = Desk::running_with(quorum());
    desk.dies(A);
    desk.seen();
    votes(&mut desk, 1, true, None);
    votes(&mut desk, 3, true, None);
    desk.report(
        "host1",
        LcaReport::Voted {
            pair: "EAST".into(),
            epoch: Epoch(2),
            released: true,
            quiet: None,
        },
    );
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    votes(&mut desk, 2, true, None);
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
}

#[test]
fn a_vote_without_a_confirmed_release_waits_for_what_this_scs_has_granted_itself() {
    let mut desk = Desk::running_with(quorum());
    desk.wait(2_000);
    desk.dies(A);
    desk.seen();
    votes(&mut desk, 2, false, Some(3_000));
    desk.wait(2_400);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    desk.wait(700);
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
}

#[test]
fn a_refused_vote_fails_the_failover_by_name_and_it_is_tried_again() {
    let mut desk = Desk::running_with(quorum());
    desk.dies(A);
    desk.seen();
    let refusal = Refusal::new(RefusalCode::StaleEpoch, "host2 has seen 7");
    desk.report(
        "host2",
        LcaReport::VoteRefused {
            pair: "EAST".into(),
            epoch: Epoch(2),
            refusal,
        },
    );
    let failed = desk.core.timeline(10).into_iter();
    let record = failed
        .filter(|record| record.kind == RecordKind::Failover)
        .find(|record| record.outcome == Some(RecordOutcome::Failed))
        .expect("a failover that failed");
    assert_eq!(
        record.why,
        "SIP_SERVER_BACKUP was not promoted: the LCA of host2 does not vote for it: stale-epoch: host2 has seen 7"
    );
    desk.wait(2_100);
    assert_eq!(
        desk.seen_of(&["vote", "to Primary"]),
        ["host2: vote for epoch 3?"]
    );
}

#[test]
fn the_promotion_waits_until_the_epoch_in_force_is_on_disk() {
    let mut desk = Desk::running_with(quorum());
    desk.disk_works = false;
    desk.dies(A);
    votes(&mut desk, 2, true, None);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    desk.disk_works = true;
    desk.wait(1_100);
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
    assert_eq!(desk.kept.pairs[&PairName::from("EAST")].epoch, Epoch(2));
}

#[test]
fn beats_support_the_intended_primary_alone_and_nobody_while_another_is_being_promoted() {
    let mut desk = Desk::running_with(quorum());
    desk.wait(1_100);
    assert_eq!(desk.last_grants("host1"), [1]);
    assert_eq!(desk.last_grants("host2"), Vec::<u64>::new());
    desk.dies(A);
    desk.wait(600);
    assert_eq!(desk.last_grants("host1"), Vec::<u64>::new());
    assert_eq!(desk.last_grants("host2"), [2]);
}

#[test]
fn a_host_without_its_lca_counts_as_released_when_its_addresses_have_surely_run_out() {
    let mut desk = Desk::running_with(quorum());
    agent_dies(&mut desk);
    lives_on(&mut desk, 12_000);
    assert_eq!(desk.seen_of(&["vote"]), Vec::<String>::new());
    let suppressed = desk.pair().suppressed;
    assert!(
        suppressed
            .iter()
            .any(|one| one.code == RefusalCode::AddressLives),
        "{suppressed:?}"
    );
    lives_on(&mut desk, 1_500);
    assert_eq!(desk.seen_of(&["vote"])[0], "host2: vote for epoch 2?");
    votes(&mut desk, 2, false, Some(13_000));
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
}

#[test]
fn a_holder_without_its_lca_that_its_peer_answered_lately_is_waited_for() {
    let mut desk = Desk::running_with(quorum());
    agent_dies(&mut desk);
    lives_on(&mut desk, 13_500);
    desk.seen();
    // Its LCA lived on and was cut off from this SCS alone: what it renewed last lives 13 s from then.
    votes(&mut desk, 2, false, Some(5_000));
    lives_on(&mut desk, 7_500);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    lives_on(&mut desk, 1_000);
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
}

#[test]
fn a_backup_that_is_stopped_makes_its_primary_sole_and_is_not_ready_before_that_is_given_up() {
    let mut desk = Desk::running_with(quorum());
    // The primary has a lease.
    desk.wait(1_000);
    desk.server_is(B, |state| {
        state.status = ApplicationStatus::Stopped;
        state.stopped_as_asked = true;
        state.run_mode = RunMode::Unknown;
    });
    assert_eq!(
        desk.seen_of(&["sole"]),
        [
            "host1: sole host1 in epoch 1",
            "host2: sole host1 in epoch 1"
        ]
    );
    assert_eq!(desk.kept.pairs[&PairName::from("EAST")].sole, Some(mark(1)));
    desk.report(
        "host1",
        LcaReport::SoleMarked {
            mark: mark(1),
            sole: true,
        },
    );
    desk.server_is(B, |state| {
        state.status = ApplicationStatus::Running;
        state.stopped_as_asked = false;
        state.run_mode = RunMode::Backup;
    });
    assert_eq!(
        desk.seen_of(&["sole"]),
        [
            "host1: not sole host1 in epoch 1",
            "host2: not sole host1 in epoch 1"
        ]
    );
    assert_eq!(ready_reasons(&mut desk), ["sole-mark"]);
    desk.report(
        "host1",
        LcaReport::SoleMarked {
            mark: mark(1),
            sole: false,
        },
    );
    assert_eq!(ready_reasons(&mut desk), Vec::<String>::new());
}

#[test]
fn a_mark_on_a_lost_host_keeps_its_backup_from_promotion_until_an_operator_confirms() {
    let mut desk = Desk::running_with(quorum());
    desk.set_maintenance(true);
    assert_eq!(desk.seen_of(&["sole"]).len(), 2);
    desk.report(
        "host1",
        LcaReport::SoleMarked {
            mark: mark(1),
            sole: true,
        },
    );
    desk.silence("host1");
    desk.wait(3_100);
    desk.set_maintenance(false);
    desk.wait(1_000);
    assert_eq!(desk.seen_of(&["vote", "to Primary"]), Vec::<String>::new());
    let suppressed = desk.pair().suppressed;
    assert!(
        suppressed
            .iter()
            .any(|one| one.code == RefusalCode::SoleMark),
        "{suppressed:?}"
    );
    desk.confirm_lost("host1");
    assert_eq!(
        desk.seen_of(&["sole", "vote"]),
        [
            "host2: not sole host1 in epoch 1",
            "host2: vote for epoch 2?"
        ]
    );
    votes(&mut desk, 2, false, Some(9_000));
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
}

#[test]
fn a_mark_that_only_an_lca_remembers_counts_for_an_scs_that_lost_its_store() {
    let mut desk = Desk::started(quorum(), StoredState::default());
    desk.soles = vec![mark(1)];
    desk.connect("host2");
    desk.wait(10);
    assert_eq!(desk.kept.pairs[&PairName::from("EAST")].sole, Some(mark(1)));
}

#[test]
fn a_fence_command_runs_before_the_failover_from_a_lost_host_and_not_from_one_that_answers() {
    let mut desk = Desk::running_with(fenced());
    desk.silence("host1");
    desk.wait(3_100);
    assert_eq!(desk.seen_of(&["run", "to Primary"]), ["run power-off"]);
    desk.fence_ends(Ok("exit 0".into()));
    assert_eq!(
        desk.seen_of(&["to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
    let mut desk = Desk::running_with(fenced());
    desk.dies(A);
    assert_eq!(
        desk.seen_of(&["run", "to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 2"]
    );
}

#[test]
fn a_fence_command_that_fails_holds_the_pair_until_the_host_is_back_or_confirmed_lost() {
    let mut desk = Desk::running_with(fenced());
    desk.silence("host1");
    desk.wait(3_100);
    desk.fence_ends(Err("exit 1: no answer from the power switch".into()));
    desk.wait(60_000);
    assert_eq!(desk.seen_of(&["to Primary"]), Vec::<String>::new());
    let held = desk.kept.pairs[&PairName::from("EAST")].held.clone();
    assert_eq!(held.map(|held| held.code), Some(RefusalCode::FenceFailed));
    let alarms = desk.core.alarms(false);
    assert!(
        alarms
            .iter()
            .any(|alarm| alarm.condition.as_str() == "FENCE_FAILED")
    );
    desk.confirm_lost("host1");
    assert_eq!(
        desk.seen_of(&["run", "to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Primary in epoch 3"]
    );
}

impl Desk {
    fn set_maintenance(&mut self, on: bool) {
        self.asks(OperatorCommand::SetMaintenance {
            target: MaintenanceTarget::Named("EAST".into()),
            on,
            duration: None,
            confirmed: true,
        });
    }

    fn confirm_lost(&mut self, host: &str) {
        self.asks(OperatorCommand::ConfirmLost {
            hosts: vec![host.into()],
        });
    }

    fn last_grants(&self, host: &str) -> Vec<u64> {
        self.grants.get(host).cloned().unwrap_or_default()
    }

    fn fence_ends(&mut self, result: Result<String, String>) {
        self.feed(ScsInput::EffectFinished {
            ticket: Ticket((1 << 62) + 1),
            result,
        });
    }
}
