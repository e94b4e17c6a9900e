//! Fencing: when this host lets go of its VIP by itself, and when it votes for a promotion on it. The detection bound
//! is 3 s, so a lease lasts 2.4 s.

use crate::harness::*;
use changeover_lca_core::{ConnectionId, LcaInput, Recovery, StoredState};
use changeover_model::environment::ControllerLoss;
use changeover_model::message::{FromPeerLca, Holding, LcaOrder, SoleMark, ToPeerLca};
use changeover_model::{ApplicationStatus, Core, Epoch, RunMode};

const PEER: ConnectionId = ConnectionId(7);

fn holding(epoch: u64) -> Holding {
    Holding {
        pair: "SIP_EAST".into(),
        epoch: Epoch(epoch),
    }
}

/// The server is Running as backup of epoch 1 under this policy.
fn standing_by(policy: ControllerLoss) -> Lca {
    let mut lca = Lca::new();
    lca.connect();
    lca.order(LcaOrder::Configure(site::slice_under(policy)));
    lca.intend(1, None, false);
    lca.started(0);
    lca.register(LINK, 0);
    lca.status(ApplicationStatus::Running);
    lca.acknowledge(0, RunMode::Backup, 1);
    lca
}

/// It is primary in epoch 2 and its VIP stands here.
fn holding_the_vip(policy: ControllerLoss) -> Lca {
    let mut lca = standing_by(policy);
    let number = lca.set_run_mode(RunMode::Primary, 2).0;
    lca.acknowledge(number, RunMode::Primary, 2);
    lca.intend(2, Some(SERVER), false);
    lca.observe(true);
    lca
}

/// Without heartbeats, beats and renewals, which only repeat.
fn told(lines: Vec<String>) -> Vec<String> {
    lines
        .into_iter()
        .filter(|line| !line.contains(" heartbeat ") && !line.contains(" renew "))
        .filter(|line| !line.contains("Beat {") && !line.contains(": announce"))
        .filter(|line| !line.contains(" announce "))
        .collect()
}

/// The SCS beats, and names the answer that it has.
fn scs_beats(lca: &mut Lca, sequence: u64, answered: u64, grant: Option<u64>) -> Vec<String> {
    lca.order(beat(sequence, answered, grant))
}

fn peer_connects(lca: &mut Lca) -> Vec<String> {
    lca.feed(LcaInput::PeerConnected {
        peer: "host2".into(),
        connection: PEER,
    })
}

fn peer_says(lca: &mut Lca, message: FromPeerLca) -> Vec<String> {
    lca.feed(LcaInput::PeerMessage {
        peer: "host2".into(),
        connection: PEER,
        message,
    })
}

fn witnessed_says(lca: &mut Lca, message: ToPeerLca) -> Vec<String> {
    lca.feed(LcaInput::WitnessMessage {
        peer: "host2".into(),
        connection: ConnectionId(8),
        message,
    })
}

/// The peer dials this LCA and says what it holds.
fn witnessed_beats(lca: &mut Lca, sequence: u64, epoch: u64) -> Vec<String> {
    let holds = vec![holding(epoch)];
    witnessed_says(lca, ToPeerLca::Beat { sequence, holds })
}

fn witnessed_hello(lca: &mut Lca) {
    let hello = ToPeerLca::Hello {
        host: "host2".into(),
        session: 5,
    };
    expect(witnessed_says(lca, hello), "");
}

/// The removal that was asked for last is done.
fn removed(lca: &mut Lca) -> Vec<String> {
    let ticket = *lca.tickets.last().expect("a removal was asked for");
    lca.feed(LcaInput::AddressesRemoved {
        ticket,
        result: Ok(()),
    })
}

fn ask_vote(lca: &mut Lca, epoch: u64, yielded: bool) -> Vec<String> {
    lca.order(LcaOrder::RequestVote {
        pair: "SIP_EAST".into(),
        epoch: Epoch(epoch),
        yielded,
    })
}

#[test]
fn a_primary_that_nobody_answers_lets_go_before_the_bound_runs_out_first_the_vip_then_its_server() {
    let mut lca = holding_the_vip(ControllerLoss::Quorum);
    let lines = told(lca.pass(ms(2_500)));
    expect(
        lines,
        "
        2400 remove 10.10.11.103
        2400 application: enter Backup of epoch 2, order 1002400000
    ",
    );
    expect(removed(&mut lca), "read addresses");
    expect(lca.read(false), "scs: addresses 10.10.11.103 not here");
    // The SCS is told when it can hear again.
    let told = lca.connect().pop();
    assert_eq!(
        told.as_deref(),
        Some(
            "scs: let go in epoch 2: neither the SCS nor the LCA of host2 has answered for 2400ms"
        )
    );
}

#[test]
fn a_lease_counts_from_the_sending_of_the_answer_that_the_scs_has_not_from_when_it_says_so() {
    let mut lca = holding_the_vip(ControllerLoss::Quorum);
    lca.pass(ms(500));
    scs_beats(&mut lca, 1, 0, Some(2));
    // The next beat was held up for two seconds: it confirms an answer that is that old.
    lca.pass(ms(1_800));
    scs_beats(&mut lca, 2, 1, Some(2));
    expect(told(lca.pass(ms(599))), "");
    let lines = told(lca.pass(ms(1)));
    assert_eq!(
        lines.first().map(String::as_str),
        Some("1 remove 10.10.11.103"),
        "{lines:?}"
    );
}

#[test]
fn what_the_scs_grants_in_another_epoch_or_for_no_answer_prolongs_nothing() {
    let mut lca = holding_the_vip(ControllerLoss::Quorum);
    lca.pass(ms(1_000));
    scs_beats(&mut lca, 1, 0, Some(2));
    scs_beats(&mut lca, 2, 1, Some(3));
    let lines = told(lca.pass(ms(1_400)));
    assert_eq!(
        lines.first().map(String::as_str),
        Some("1400 remove 10.10.11.103"),
        "{lines:?}"
    );
}

#[test]
fn without_its_scs_a_primary_keeps_the_vip_as_long_as_its_peer_answers() {
    let mut lca = holding_the_vip(ControllerLoss::Quorum);
    expect(
        peer_connects(&mut lca),
        "
        host2: Hello { host: host1, session: 1 }
        host2: Beat { sequence: 1, holds: [Holding { pair: SIP_EAST, epoch: Epoch(2) }] }
    ",
    );
    for sequence in 1..20 {
        peer_says(
            &mut lca,
            FromPeerLca::BeatAnswered {
                sequence,
                grants: vec![holding(2)],
                overtaken: Vec::new(),
            },
        );
        expect(told(lca.pass(ms(375))), "");
    }
}

#[test]
fn a_machine_that_stood_still_lets_go_before_it_looks_at_what_came_meanwhile() {
    let mut lca = holding_the_vip(ControllerLoss::Quorum);
    lca.now = lca.now + ms(9_000);
    let lines = scs_beats(&mut lca, 1, 0, Some(2));
    expect(
        lines,
        "
        remove 10.10.11.103
        application: enter Backup of epoch 2, order 1009000000
        scs: beat 1
    ",
    );
}

#[test]
fn a_peer_that_was_overtaken_lets_go_at_once_and_says_so_when_the_vip_is_gone() {
    let mut lca = holding_the_vip(ControllerLoss::Quorum);
    peer_connects(&mut lca);
    let release = FromPeerLca::Release {
        pair: "SIP_EAST".into(),
        epoch: Epoch(3),
    };
    let lines = peer_says(&mut lca, release);
    expect(
        lines,
        "
        remove 10.10.11.103
        application: enter Backup of epoch 3, order 1000000000
        scs: let go in epoch 3: the SCS wants another primary in epoch 3, as the peer's LCA relayed
    ",
    );
    expect(removed(&mut lca), "read addresses");
    expect(
        lca.read(false),
        "
        scs: addresses 10.10.11.103 not here
        host2: Released { pair: SIP_EAST, epoch: Epoch(3) }
    ",
    );
}

#[test]
fn under_hold_nothing_of_this_happens() {
    let mut lca = holding_the_vip(ControllerLoss::Hold);
    expect(
        told(lca.pass(ms(60_000)))
            .into_iter()
            .filter(|line| !line.contains("hung"))
            .collect(),
        "",
    );
}

#[test]
fn release_after_counts_from_the_last_word_that_the_scs_has_answered_and_pauses_in_maintenance() {
    let policy = ControllerLoss::ReleaseAfter(ms(2_000));
    let mut lca = holding_the_vip(policy);
    lca.pass(ms(1_000));
    scs_beats(&mut lca, 1, 0, None);
    lca.pass(ms(500));
    // It has heard what was said at 1,000 ms.
    scs_beats(&mut lca, 2, 1, None);
    lca.pass(ms(400));
    // It has heard nothing newer: who hears and is not heard is lost to the SCS, which goes on without it.
    scs_beats(&mut lca, 3, 1, None);
    expect(
        told(lca.pass(ms(1_150))),
        "
        1100 remove 10.10.11.103
        1100 application: enter Backup of epoch 2, order 1003000000
        1100 scs: let go in epoch 2: the SCS has answered nothing for 2s
    ",
    );
    let mut lca = holding_the_vip(policy);
    lca.intend(2, Some(SERVER), true);
    expect(told(lca.pass(ms(60_000))), "");
}

#[test]
fn a_sole_mark_keeps_the_vip_without_a_majority_and_ends_with_its_epoch() {
    let mut lca = holding_the_vip(ControllerLoss::Quorum);
    let mark = SoleMark {
        pair: "SIP_EAST".into(),
        epoch: Epoch(2),
        host: "host1".into(),
    };
    lca.show_writes = true;
    let order = LcaOrder::MarkSole {
        mark: mark.clone(),
        sole: true,
    };
    expect(
        lca.order(order),
        "
        write disk: pair SIP_EAST epoch 2 sole
        scs: sole host1 epoch 2: true
    ",
    );
    lca.show_writes = false;
    let lines = told(lca.pass(ms(60_000)));
    expect(
        lines
            .into_iter()
            .filter(|line| !line.contains("hung"))
            .collect(),
        "",
    );
    let lines = lca.intend(3, None, false);
    assert_eq!(
        lines.first().map(String::as_str),
        Some("remove 10.10.11.103"),
        "{lines:?}"
    );
}

#[test]
fn a_vote_is_kept_before_it_is_given_and_from_then_on_the_old_epoch_is_answered_no_more() {
    let mut lca = standing_by(ControllerLoss::Quorum);
    witnessed_hello(&mut lca);
    expect(witnessed_beats(&mut lca, 1, 2), "
        witnessed host2: BeatAnswered { sequence: 1, grants: [Holding { pair: SIP_EAST, epoch: Epoch(2) }], overtaken: [] }
    ");
    lca.show_writes = true;
    expect(
        ask_vote(&mut lca, 3, false),
        "
        write disk: pair SIP_EAST epoch 2 voted 3
        witnessed host2: Release { pair: SIP_EAST, epoch: Epoch(3) }
    ",
    );
    expect(witnessed_beats(&mut lca, 2, 2), "
        witnessed host2: BeatAnswered { sequence: 2, grants: [], overtaken: [Holding { pair: SIP_EAST, epoch: Epoch(3) }] }
    ");
    lca.pass(ms(5));
    let released = ToPeerLca::Released {
        pair: "SIP_EAST".into(),
        epoch: Epoch(3),
    };
    expect(
        witnessed_says(&mut lca, released),
        "scs: vote for epoch 3, released, quiet 5ms",
    );
    expect(
        ask_vote(&mut lca, 3, false),
        "scs: vote for epoch 3, released, quiet 5ms",
    );
}

#[test]
fn a_holder_that_does_not_answer_has_run_out_one_bound_after_it_was_last_answered() {
    let mut lca = standing_by(ControllerLoss::Quorum);
    lca.pass(ms(3_000));
    witnessed_hello(&mut lca);
    witnessed_beats(&mut lca, 1, 2);
    lca.pass(ms(1_000));
    ask_vote(&mut lca, 3, false);
    // Its own server, which nobody answers for here, is found to hang and killed meanwhile.
    expect(
        told(lca.pass(ms(2_500)))
            .into_iter()
            .filter(|line| !line.contains("hung") && !line.contains("SIGKILL"))
            .collect(),
        "2000 scs: vote for epoch 3, quiet 3s",
    );
}

#[test]
fn a_holder_that_has_acknowledged_the_new_epoch_is_not_waited_for() {
    let mut lca = standing_by(ControllerLoss::Quorum);
    witnessed_hello(&mut lca);
    witnessed_beats(&mut lca, 1, 2);
    expect(
        ask_vote(&mut lca, 3, true),
        "scs: vote for epoch 3, released, quiet 0ns",
    );
}

#[test]
fn a_vote_survives_the_lca_that_gave_it_and_its_next_life_waits_a_full_bound() {
    let mut lca = standing_by(ControllerLoss::Quorum);
    ask_vote(&mut lca, 3, true);
    let stored: StoredState = lca.stored.clone();
    let mut next = Lca::recovered(stored.clone(), lca.now);
    next.feed(LcaInput::Recovered(Recovery {
        state: stored,
        found: Vec::new(),
    }));
    next.connect();
    witnessed_hello(&mut next);
    expect(witnessed_beats(&mut next, 1, 2), "
        witnessed host2: BeatAnswered { sequence: 1, grants: [], overtaken: [Holding { pair: SIP_EAST, epoch: Epoch(3) }] }
    ");
    ask_vote(&mut next, 4, false);
    let votes: Vec<String> = next
        .pass(ms(3_100))
        .into_iter()
        .filter(|line| line.contains("vote"))
        .collect();
    expect(votes, "3000 scs: vote for epoch 4, quiet never");
}

#[test]
fn no_vote_is_given_for_an_epoch_that_is_over_or_against_a_sole_mark() {
    let mut lca = standing_by(ControllerLoss::Quorum);
    expect(ask_vote(&mut lca, 0, false), "
        scs: no vote for epoch 0: stale-epoch: the vote is asked for epoch 0 of SIP_EAST, host1 has seen 1
    ");
    let mark = SoleMark {
        pair: "SIP_EAST".into(),
        epoch: Epoch(1),
        host: "host2".into(),
    };
    lca.order(LcaOrder::MarkSole {
        mark: mark.clone(),
        sole: true,
    });
    expect(ask_vote(&mut lca, 2, false), "
        scs: no vote for epoch 2: sole-mark: host2 may hold the VIP of SIP_EAST alone in epoch 1: its LCA gives up its mark, or sci hosts confirm-lost host2
    ");
    lca.order(LcaOrder::MarkSole { mark, sole: false });
    expect(
        ask_vote(&mut lca, 2, true),
        "scs: vote for epoch 2, released, quiet never",
    );
}

#[test]
fn the_vip_gets_its_lifetime_when_it_appears_and_a_restart_alone_does_not_prolong_it() {
    let mut lca = standing_by(ControllerLoss::Quorum);
    let number = lca.set_run_mode(RunMode::Primary, 2).0;
    lca.acknowledge(number, RunMode::Primary, 2);
    lca.intend(2, Some(SERVER), false);
    expect(
        lca.observe(true),
        "
        announce 10.10.11.103 on eth0
        scs: addresses 10.10.11.103 eth0
        renew 10.10.11.103 for 10s
    ",
    );
    let stored = lca.stored.clone();
    let mut next = Lca::recovered(stored.clone(), lca.now);
    next.feed(LcaInput::Recovered(Recovery {
        state: stored,
        found: Vec::new(),
    }));
    expect(next.observe(true), "");
    let renewals = next.pass(ms(2_300));
    let renewals: Vec<&String> = renewals
        .iter()
        .filter(|line| line.contains("renew"))
        .collect();
    assert_eq!(renewals, Vec::<&String>::new());
    assert!(next.core.deadline().is_some());
}

#[test]
fn a_host_that_is_not_to_hold_the_vip_lets_go_at_once_behind_a_pulled_cable() {
    let mut lca = holding_the_vip(ControllerLoss::Quorum);
    let number = lca.set_run_mode(RunMode::Backup, 3).0;
    lca.acknowledge(number, RunMode::Backup, 3);
    let mut seen = vip(true);
    seen[0].carrier = Some(false);
    expect(lca.feed(LcaInput::AddressesObserved(seen)), "
        scs: addresses 10.10.11.103 eth0
        remove 10.10.11.103
        scs: let go in epoch 3: it is not to hold them, and nobody can reach them here without carrier
    ");
}

#[test]
fn a_server_that_does_not_become_backup_when_its_vip_is_released_is_ended() {
    let mut lca = holding_the_vip(ControllerLoss::Quorum);
    lca.pass(ms(2_400));
    let lines = lca.pass(ms(500));
    assert!(
        lines
            .iter()
            .any(|line| line.contains("SIGKILL run1 to all")),
        "{lines:?}"
    );
}

#[test]
fn a_primary_that_demoted_itself_while_its_lca_was_away_stays_backup() {
    let lca = holding_the_vip(ControllerLoss::Quorum);
    let stored = lca.stored.clone();
    let mut next = Lca::recovered(stored.clone(), lca.now);
    let run = lca.runs[0];
    next.runs.push(run);
    next.feed(LcaInput::Recovered(Recovery {
        state: stored,
        found: vec![changeover_lca_core::FoundRun {
            run,
            application: SERVER.into(),
            pid: Some(4000),
            start_time: 77,
            token: "token0".to_owned(),
        }],
    }));
    let lines = next.register_as(LINK, 0, RunMode::Backup, 2, ApplicationStatus::Running);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("registered: Backup of epoch 2")),
        "{lines:?}"
    );
}

#[test]
fn an_order_to_enable_that_was_under_way_for_too_long_is_not_carried_out() {
    for policy in [
        ControllerLoss::Quorum,
        ControllerLoss::ReleaseAfter(ms(2_500)),
    ] {
        let mut lca = standing_by(policy);
        let number = lca.set_run_mode(RunMode::Primary, 2).0;
        lca.acknowledge(number, RunMode::Primary, 2);
        lca.intend(2, Some(SERVER), false);
        lca.observe(false);
        // Nobody hears this host any more: its lease is over, and its server has been told to be backup.
        lca.pass_answering(ms(3_000));
        let late = told(lca.script(UP, 2)).join("\n");
        assert!(!late.contains("start run"), "{late}");
        assert!(late.contains("NotStarted"), "{late}");
        assert!(late.contains("the order may be overtaken"), "{late}");
        let (_, promoted) = lca.set_run_mode(RunMode::Primary, 2);
        let promoted = told(promoted).join("\n");
        assert!(promoted.contains("no-vote"), "{promoted}");
        // As soon as the SCS hears it again, orders are carried out.
        lca.connect();
        let timely = told(lca.script(UP, 2)).join("\n");
        assert!(timely.contains("start run"), "{timely}");
    }
}

#[test]
fn a_script_that_takes_the_vip_away_is_left_to_do_so_when_the_lease_is_over() {
    let mut lca = standing_by(ControllerLoss::Quorum);
    lca.observe(false);
    let launched = told(lca.script(DOWN, 1)).join("\n");
    assert!(launched.contains("start run"), "{launched}");
    // Neither a VIP nor a primary stands here, so there is nothing to let go of, however long nobody hears this host.
    let lines = told(lca.pass(ms(5_000))).join("\n");
    assert!(
        !lines.contains("let go") && !lines.contains("remove"),
        "{lines}"
    );
}
