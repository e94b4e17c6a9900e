//! Verdicts over calls and SIP traffic.

use super::*;
use crate::judge::CallStep;

fn call(step: CallStep, missing: &[&str], instead: &[&str]) -> OwnSighting {
    OwnSighting::Call {
        step,
        at_ms: 1.0,
        who: "a".into(),
        evidence: "a: ok after 1.0 ms".into(),
        missing: missing.iter().map(|text| (*text).to_owned()).collect(),
        instead: instead.iter().map(|text| (*text).to_owned()).collect(),
    }
}

/// The second acceptance test as it should be, over a good switchover.
fn good_call() -> Witness {
    let mut witness = good_switchover();
    witness.own = vec![
        call(CallStep::Up, &[], &[]),
        OwnSighting::Roles {
            at_ms: 30.0,
            shown: "ok".into(),
            as_wanted: true,
        },
        call(CallStep::Hold, &[], &[]),
        call(CallStep::Retrieve, &[], &[]),
        call(CallStep::Transfer, &[], &[]),
        call(CallStep::Release, &[], &[]),
    ];
    witness
}

#[test]
fn a_call_that_outlives_the_change_of_roles_passes_all_seven_steps() {
    let witness = good_call();
    for stops in [false, true] {
        let steps = verdicts(&rules::acceptance(&witness.cast, stops), &witness);
        assert_eq!((failed(&steps), steps.len()), (vec![], 7));
    }
}

#[test]
fn a_call_that_the_new_primary_does_not_know_fails_at_the_hold_and_says_what_was_seen() {
    let mut witness = good_call();
    witness.own[2] = call(CallStep::Hold, &["a sees 'hold ok'"], &["a sees hold 481"]);
    let steps = verdicts(&rules::acceptance(&witness.cast, false), &witness);
    assert_eq!(failed(&steps), [(4, "a sees 'hold ok'")]);
    let problem = steps[3].problem.as_ref().expect("it failed");
    assert_eq!(problem.seen, "a sees hold 481");
}

#[test]
fn a_datagram_that_no_phone_should_get_and_roles_that_stay_fail_their_steps() {
    let mut witness = good_call();
    witness.own[1] = OwnSighting::Roles {
        at_ms: 30.0,
        shown: "ok: as before".into(),
        as_wanted: false,
    };
    witness
        .own
        .push(OwnSighting::CallFault("a: BYE 200 has another tag".into()));
    witness
        .entries
        .retain(|entry| entry.step != Step::Requested);
    let steps = verdicts(&rules::acceptance(&witness.cast, false), &witness);
    assert_eq!(
        failed(&steps),
        [
            (2, "the operator's request in the SCS's timeline"),
            (3, "SIP_SERVER_BACKUP as primary"),
            (7, "no endpoint is sent what it should not")
        ]
    );
}

fn good_sip_nic_loss() -> Witness {
    let mut witness = good_switchover();
    for entry in &mut witness.entries {
        entry.at_ms += 2_010.0;
    }
    let silent = entry(2_000.0, Step::ApplicationUnavailable(app(A)));
    witness.entries.push(silent);
    witness.own = vec![OwnSighting::SipCable {
        host: host("host1"),
        plugged: false,
    }];
    witness
}

#[test]
fn the_loss_of_the_sip_card_passes_when_the_silence_lasted_for_t_and_not_when_it_was_shorter() {
    let mut witness = good_sip_nic_loss();
    let period = Duration::from_secs(2);
    let steps = verdicts(&rules::sip_nic_lost(&witness.cast, period), &witness);
    assert_eq!((failed(&steps), steps.len()), (vec![], 10));

    let last = witness.entries.last_mut().expect("it was just pushed");
    last.at_ms = 900.0;
    let steps = verdicts(&rules::sip_nic_lost(&witness.cast, period), &witness);
    let early = "SIP_SERVER_PRIMARY hears no SIP for T = 2s before it reports SERVICE_UNAVAILABLE";
    assert_eq!(failed(&steps), [(2, early)]);

    witness.entries.pop();
    witness.own.clear();
    let steps = verdicts(&rules::sip_nic_lost(&witness.cast, period), &witness);
    assert_eq!(
        failed(&steps),
        [
            (1, "the cable of the SIP NIC of host1 is pulled"),
            (2, "SIP_SERVER_PRIMARY reports SERVICE_UNAVAILABLE")
        ]
    );
}

#[test]
fn where_no_script_moves_a_vip_the_last_step_is_that_sip_reaches_the_new_primary() {
    let mut witness = good_switchover();
    witness.cast.pair.control.clear();
    witness.cast.pair.virtual_ips.clear();
    let steps = verdicts(&rules::manual_switchover(&witness.cast), &witness);
    assert_eq!((failed(&steps), steps.len()), (vec![], 6));

    witness.answers[0].server = Some(A.into());
    let steps = verdicts(&rules::manual_switchover(&witness.cast), &witness);
    assert_eq!(failed(&steps), [(6, "SIP_SERVER_BACKUP answers")]);
}
