//! Input that nobody should send: whatever arrives, nothing panics, nothing leaks, and calls that stand are untouched.

use crate::flows::{FLOWS, Step, leaks, play, stage};
use crate::world::World;
use proptest::prelude::*;
use std::net::SocketAddr;
use std::time::Duration;

const STRANGER: &str = "10.0.0.66:5060";

fn stranger() -> SocketAddr {
    STRANGER.parse().expect("an address")
}

/// A request with one thing changed.
fn request(method: &str, line: &str, extra: &str) -> Vec<u8> {
    format!(
        "{method} {line} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};branch=z9hG4bK-{method}-{extra_len};rport\r\n\
         From: <sip:x@{STRANGER}>;tag=1\r\nTo: <sip:1002@10.0.0.100>\r\nCall-ID: hostile-{extra_len}\r\n\
         CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContact: <sip:x@{STRANGER}>\r\n{extra}Content-Length: 0\r\n\r\n",
        extra_len = extra.len()
    )
    .into_bytes()
}

fn messages() -> Vec<Vec<u8>> {
    let mut all = vec![
        b"".to_vec(),
        b"\r\n\r\n".to_vec(),
        b"\0".repeat(2000),
        b"INVITE".to_vec(),
        vec![0xff; 65_000],
        request(
            "INVITE",
            "sip:1002@10.0.0.100",
            &"Route: <sip:a;lr>\r\n".repeat(300),
        ),
        request(
            "INVITE",
            "sip:1002@10.0.0.100",
            "Content-Length: 4000000000\r\n",
        ),
        request("INVITE", "sip:1002@10.0.0.100", "Content-Length: -1\r\n"),
        request("INVITE", "tel:+1", ""),
        request("INVITE", "sips:1002@10.0.0.100", ""),
        request("INVITE", "sip:1002@10.0.0.100:99999", ""),
        request(
            "INVITE",
            "sip:1002@10.0.0.100",
            "Require: nothing-like-it\r\n",
        ),
        request("INVITE", "sip:10.0.0.100:5060", ""),
        request("CANCEL", "sip:1002@10.0.0.100", ""),
        request("ACK", "sip:1002@10.0.0.100", ""),
        request("BYE", "sip:1002@10.0.0.100", ""),
        request(
            "REGISTER",
            "sip:10.0.0.100",
            "Expires: 99999999999999999999\r\n",
        ),
        request("REGISTER", "sip:10.0.0.100", "Contact: *\r\n"),
        request("SUBSCRIBE", "sip:1002@10.0.0.100", ""),
        request("R%&'*", "sip:1002@10.0.0.100", ""),
        request("OPTIONS", "sip:1002@10.0.0.100", "To: <sip:twice>\r\n"),
        request("MESSAGE", "sip:1002@10.0.0.100", ""),
    ];
    let good = request("INVITE", "sip:1002@10.0.0.100", "");
    for at in (0..good.len()).step_by(7) {
        all.push(good[..at].to_vec());
        let mut broken = good.clone();
        broken[at] ^= 0x15;
        all.push(broken);
    }
    all
}

/// A world in which a call stands, and the proof that it still does.
fn unharmed(world: &mut World, phones: &[SocketAddr; 3]) {
    world.with(phones[0], |a| assert!(a.hold()));
    assert_eq!(
        play(world, phones, &[Step::See(0, "hold ok")]),
        Vec::<String>::new(),
        "{}",
        world.show()
    );
    world.with(phones[0], |a| assert!(a.hang_up()));
    assert_eq!(
        play(world, phones, &[Step::See(0, "bye ok")]),
        Vec::<String>::new()
    );
}

#[test]
fn hostile_messages_harm_nobody_and_leave_nothing() {
    let (mut world, phones) = stage(&FLOWS[2], true, 1);
    assert_eq!(
        play(&mut world, &phones, &FLOWS[2].steps[..3]),
        Vec::<String>::new()
    );
    for bytes in messages() {
        world.inject(stranger(), bytes);
        world.run_for(Duration::from_millis(5));
    }
    unharmed(&mut world, &phones);
    world.run_for(Duration::from_secs(240));
    assert_eq!(leaks(&mut world), Vec::<String>::new(), "{}", world.show());
}

#[test]
fn a_flood_of_invites_is_bounded_and_refused_with_503() {
    let (mut world, phones) = stage(&FLOWS[2], true, 1);
    for server in world.servers.iter_mut().flatten() {
        assert_eq!(server.core.picture().calls, 0);
    }
    let mut config = crate::flows::config();
    config.limits.calls = 50;
    config.limits.refusals_per_second = 20;
    let mut world_small = World::new(config, 1);
    for (user, last) in [("1001", 1), ("1002", 2), ("1003", 3)] {
        world_small.add_phone(user, last);
    }
    std::mem::swap(&mut world, &mut world_small);
    assert_eq!(
        play(&mut world, &phones, &FLOWS[2].steps[..3]),
        Vec::<String>::new()
    );
    for number in 0..2000 {
        let extra = format!("X-Number: {}\r\n", "n".repeat(number % 900));
        world.inject(stranger(), request("INVITE", "sip:1002@10.0.0.100", &extra));
        if number % 20 == 0 {
            world.run_for(Duration::from_millis(1));
        }
    }
    world.run_for(Duration::from_millis(100));
    let picture = world.primary().unwrap().picture();
    assert_eq!(picture.calls + picture.tombstones, 50);
    assert!(
        picture.refused >= 20 && picture.dropped > 500,
        "{picture:?}"
    );
    unharmed(&mut world, &phones);
}

#[test]
fn calls_that_are_over_do_not_use_up_the_bound_on_calls_but_have_one_of_their_own() {
    let mut config = crate::flows::config();
    config.limits.calls = 1;
    config.limits.kept_calls = 2;
    let mut world = World::new(config, 1);
    let phones = [("1001", 1), ("1002", 2), ("1003", 3)];
    let phones = phones.map(|(user, last)| world.add_phone(user, last));
    let a_call = |world: &mut World| {
        world.with(phones[0], |a| a.log.clear());
        world.with(phones[1], |b| b.log.clear());
        play(world, &phones, FLOWS[0].steps)
    };
    // The first is remembered for 32 s; a second one is another call all the same.
    assert_eq!(a_call(&mut world), Vec::<String>::new());
    assert_eq!(a_call(&mut world), Vec::<String>::new());
    world.with(phones[0], |a| drop(a.call("1002")));
    let refused = [Step::See(0, "failed 503")];
    assert_eq!(play(&mut world, &phones, &refused), Vec::<String>::new());
    world.run_for(Duration::from_secs(40));
    assert_eq!(a_call(&mut world), Vec::<String>::new());
    // One that stands is one.
    world.run_for(Duration::from_secs(40));
    world.with(phones[1], |b| b.log.clear());
    assert_eq!(
        play(&mut world, &phones, &FLOWS[2].steps[..1]),
        Vec::<String>::new()
    );
    world.with(phones[2], |c| drop(c.call("1001")));
    let refused = [Step::See(2, "failed 503")];
    assert_eq!(play(&mut world, &phones, &refused), Vec::<String>::new());
}

/// Byte-exact messages of RFC 4475 in the folder that `CHANGEOVER_TORTURE` names, one `.dat` each.
#[test]
#[ignore = "needs the torture messages"]
#[expect(
    clippy::disallowed_methods,
    reason = "the messages are somebody else's and stand outside of the repository"
)]
fn the_torture_messages_harm_nobody() {
    let folder = std::env::var("CHANGEOVER_TORTURE").expect("CHANGEOVER_TORTURE names a folder");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("it can be read")
        .map(|it| it.expect("an entry").path())
        .filter(|it| it.extension().is_some_and(|it| it == "dat"))
        .collect();
    files.sort();
    assert!(files.len() >= 49, "{}", files.len());
    let (mut world, phones) = stage(&FLOWS[2], true, 1);
    assert_eq!(
        play(&mut world, &phones, &FLOWS[2].steps[..3]),
        Vec::<String>::new()
    );
    for file in files {
        let before = world.primary().unwrap().picture();
        world.inject(stranger(), std::fs::read(&file).expect("it can be read"));
        world.run_for(Duration::from_millis(50));
        let after = world.primary().unwrap().picture();
        println!(
            "| {} | {} |",
            file.file_stem().unwrap_or_default().to_string_lossy(),
            match (
                after.junk > before.junk,
                after.refused > before.refused,
                after.sent > before.sent
            ) {
                (true, _, _) => "dropped",
                (_, true, _) => "refused",
                (_, _, true) => "answered",
                _ => "absorbed",
            }
        );
    }
    unharmed(&mut world, &phones);
    world.run_for(Duration::from_secs(240));
    assert_eq!(leaks(&mut world), Vec::<String>::new(), "{}", world.show());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_bytes_panic_nowhere(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let (mut world, _) = stage(&FLOWS[0], true, 1);
        world.inject(stranger(), bytes);
        world.run_for(Duration::from_millis(10));
    }

    #[test]
    fn a_good_message_with_arbitrary_damage_panics_nowhere(
        method in "(INVITE|REGISTER|BYE|REFER|CANCEL|ACK|OPTIONS|MESSAGE|SIP/2.0)",
        damage in proptest::collection::vec((0usize..500, any::<u8>()), 0..6),
        name in "(Via|From|To|Contact|CSeq|Route|Require|Refer-To|Authorization|Content-Length)",
        value in "[ -~]{0,60}",
    ) {
        let (mut world, _) = stage(&FLOWS[0], true, 1);
        let mut bytes = request(&method, "sip:1002@10.0.0.100", &format!("{name}: {value}\r\n"));
        for (at, byte) in damage {
            if let Some(it) = bytes.get_mut(at) {
                *it = byte;
            }
        }
        world.inject(stranger(), bytes);
        world.run_for(Duration::from_secs(3));
    }
}
