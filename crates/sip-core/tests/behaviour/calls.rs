//! What a single server does with calls, apart from takeovers.

use crate::flows::{FLOWS, Step, play, stage};
use changeover_sip_phone::Manner;
use std::time::Duration;

#[test]
fn both_sides_see_hold_and_retrieve_in_the_session_description() {
    let (mut world, phones) = stage(&FLOWS[2], true, 1);
    let heard =
        |world: &crate::world::World| world.phones[&phones[1]].dialogs[0].heard_direction.clone();
    assert_eq!(
        play(&mut world, &phones, &FLOWS[2].steps[..6]),
        Vec::<String>::new()
    );
    assert_eq!(heard(&world), "sendonly");
    assert_eq!(
        world.phones[&phones[0]].dialogs[0].heard_direction,
        "recvonly"
    );
    assert_eq!(
        play(&mut world, &phones, &FLOWS[2].steps[7..10]),
        Vec::<String>::new()
    );
    assert_eq!(heard(&world), "sendrecv");
}

#[test]
fn two_re_invites_that_meet_are_told_491() {
    let (mut world, phones) = stage(&FLOWS[2], true, 1);
    assert_eq!(
        play(&mut world, &phones, &FLOWS[2].steps[..3]),
        Vec::<String>::new()
    );
    world.with(phones[0], |a| assert!(a.hold()));
    world.with(phones[1], |b| assert!(b.hold()));
    let seen = [Step::See(0, "hold ok"), Step::See(1, "hold 491")];
    assert_eq!(
        play(&mut world, &phones, &seen),
        Vec::<String>::new(),
        "{}",
        world.show()
    );
}

#[test]
fn a_callee_that_does_not_answer_at_all_is_given_up_after_32_s() {
    let (mut world, phones) = stage(&FLOWS[0], true, 1);
    world.with(phones[1], |b| b.manner = Manner::Mute);
    world.with(phones[0], |a| drop(a.call("1002")));
    world.run_for(Duration::from_secs(31));
    assert!(!world.phones[&phones[0]].has("failed 408"));
    world.run_for(Duration::from_secs(3));
    assert!(
        world.phones[&phones[0]].has("failed 408"),
        "{:?}",
        world.phones[&phones[0]].log
    );
}

#[test]
fn a_callee_that_rings_for_ever_is_cancelled_after_three_minutes() {
    let (mut world, phones) = stage(&FLOWS[3], true, 1);
    world.with(phones[0], |a| drop(a.call("1002")));
    world.run_for(Duration::from_secs(179));
    assert!(!world.phones[&phones[1]].has("cancelled"));
    world.run_for(Duration::from_secs(5));
    assert!(
        world.phones[&phones[1]].has("cancelled"),
        "{}",
        world.show()
    );
    let log = &world.phones[&phones[0]].log;
    assert!(log.iter().any(|it| it.starts_with("failed 4")), "{log:?}");
}

#[test]
fn who_is_not_known_and_what_is_not_offered_is_refused_with_the_right_code() {
    let (mut world, phones) = stage(&FLOWS[0], true, 1);
    world.with(phones[0], |a| drop(a.call("9999")));
    assert_eq!(
        play(&mut world, &phones, &[Step::See(0, "failed 404")]),
        Vec::<String>::new()
    );
    let (mut world, phones) = stage(&FLOWS[0], true, 1);
    assert_eq!(
        play(&mut world, &phones, &FLOWS[0].steps[..3]),
        Vec::<String>::new()
    );
    world.with(phones[0], |a| {
        assert!(a.within("UPDATE", "update", None, &[]))
    });
    world.with(phones[0], |a| {
        assert!(a.within("INFO", "info", None, &[("Require", "100rel")]))
    });
    let target = format!("<sip:1003@{}?Replaces=a%3Bto-tag%3Db>", crate::world::VIP);
    world.with(phones[0], |a| {
        assert!(a.within("REFER", "refer", None, &[("Refer-To", &target)]))
    });
    let seen = [
        Step::See(0, "update 405"),
        Step::See(0, "info 420"),
        Step::See(0, "refer 501"),
    ];
    assert_eq!(
        play(&mut world, &phones, &seen),
        Vec::<String>::new(),
        "{}",
        world.show()
    );
}

#[test]
fn a_transferor_that_hangs_up_at_once_leaves_the_other_two_connected() {
    let (mut world, phones) = stage(&FLOWS[7], true, 1);
    assert_eq!(
        play(&mut world, &phones, &FLOWS[7].steps[..3]),
        Vec::<String>::new()
    );
    world.with(phones[0], |a| assert!(a.refer("1003")));
    assert_eq!(
        play(&mut world, &phones, &[Step::See(0, "refer ok")]),
        Vec::<String>::new()
    );
    world.with(phones[0], |a| assert!(a.hang_up()));
    let seen = [
        Step::See(2, "acked"),
        Step::See(1, "retrieved"),
        Step::Wait(500),
    ];
    assert_eq!(
        play(&mut world, &phones, &seen),
        Vec::<String>::new(),
        "{}",
        world.show()
    );
    assert!(
        !world.phones[&phones[1]].has("released"),
        "{}",
        world.show()
    );
    world.with(phones[1], |b| assert!(b.hang_up()));
    assert_eq!(
        play(&mut world, &phones, &[Step::See(2, "released")]),
        Vec::<String>::new()
    );
}
