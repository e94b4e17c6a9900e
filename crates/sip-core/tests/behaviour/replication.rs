//! The HA link: joining while calls are up, losing it, what waits for whom, registrations on both.

use crate::flows::{FLOWS, Step, leaks, play, stage};
use crate::world::World;
use changeover_model::environment::Addp;
use std::time::Duration;

fn in_step(world: &World) -> bool {
    world
        .servers
        .iter()
        .flatten()
        .all(|it| it.core.picture().sync.in_step)
}

#[test]
fn a_backup_is_initializing_until_it_holds_what_the_primary_holds() {
    let (mut world, phones) = stage(&FLOWS[2], true, 1);
    assert!(in_step(&world));
    world.disconnect();
    world.servers[1] = None;
    assert_eq!(
        play(&mut world, &phones, &FLOWS[2].steps[..3]),
        Vec::<String>::new()
    );
    world.start(1, changeover_model::RunMode::Backup);
    let standing = world.servers[1].as_ref().unwrap().standing.clone().unwrap();
    assert!(!standing.initialized && !standing.in_step);
    world.connect();
    world.run_for(Duration::from_millis(20));
    let standing = world.servers[1].as_ref().unwrap().standing.clone().unwrap();
    assert!(standing.initialized && standing.in_step);
    let calls = |world: &World| {
        let it = world.servers.iter().flatten();
        it.map(|it| {
            it.core
                .calls(9)
                .into_iter()
                .map(|it| it.key)
                .collect::<Vec<_>>()
        })
        .collect::<Vec<_>>()
    };
    let held = calls(&world);
    assert_eq!((held[0].len(), &held[0]), (1, &held[1]));
    world.kill_primary();
    let rest = play(&mut world, &phones, &FLOWS[2].steps[3..]);
    assert_eq!(rest, Vec::<String>::new(), "{}", world.show());
    assert_eq!(leaks(&mut world), Vec::<String>::new());
}

#[test]
fn a_backup_that_does_not_follow_delays_nobody_for_longer_than_the_commit_wait() {
    let (mut world, phones) = stage(&FLOWS[0], true, 1);
    // It hangs: the connection stands, and nothing is taken.
    let hung = world.servers[1].take();
    world.with(phones[0], |a| drop(a.call("1002")));
    world.run_for(Duration::from_millis(100));
    assert!(
        !world.phones[&phones[1]].has("invited"),
        "nothing leaves before it is safe"
    );
    world.run_for(Duration::from_millis(100));
    assert!(world.phones[&phones[1]].has("invited"));
    assert_eq!(
        play(&mut world, &phones, &FLOWS[0].steps[1..]),
        Vec::<String>::new()
    );
    let picture = world.primary().unwrap().picture();
    assert!(picture.uncommitted > 0 && !picture.sync.in_step);
    drop(hung);
}

#[test]
fn the_bindings_are_the_same_after_a_takeover_and_have_the_same_time_left() {
    let (mut world, phones) = stage(&FLOWS[10], true, 1);
    world.with(phones[0], |a| a.register(Some(600)));
    assert_eq!(
        play(&mut world, &phones, &[Step::See(0, "register ok")]),
        Vec::<String>::new()
    );
    let before = world.phones[&phones[0]].contacts.clone();
    world.run_for(Duration::from_secs(100));
    world.kill_primary();
    world.run_for(Duration::from_millis(500));
    world.with(phones[0], |a| {
        a.log.clear();
        a.register(None);
    });
    assert_eq!(
        play(&mut world, &phones, &[Step::See(0, "register ok")]),
        Vec::<String>::new()
    );
    let after = world.phones[&phones[0]].contacts.clone();
    let left = |contacts: &[String]| -> (String, u64) {
        let (uri, left) = contacts[0].split_once(";expires=").expect("an expiry");
        (uri.to_owned(), left.parse().expect("a number"))
    };
    assert_eq!(left(&before), ("<sip:1001@10.0.0.1:5060>".to_owned(), 600));
    let (uri, seconds) = left(&after);
    assert_eq!(uri, left(&before).0);
    assert!((498..=500).contains(&seconds), "{seconds}");
    world.run_for(Duration::from_secs(510));
    assert_eq!(world.primary().unwrap().picture().registrations, 0);
}

#[test]
fn a_thousand_calls_are_a_snapshot_and_none_is_lost() {
    let (mut world, phones) = stage(&FLOWS[0], true, 1);
    for _ in 0..1000 {
        world.with(phones[0], |a| drop(a.call("1002")));
        world.run_for(Duration::from_millis(2));
    }
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.primary().unwrap().picture().calls, 1000);
    world.disconnect();
    world.servers[1] = None;
    world.start(1, changeover_model::RunMode::Backup);
    world.connect();
    assert!(world.run_until(Duration::from_secs(5), in_step));
    let both: Vec<usize> = world
        .servers
        .iter()
        .flatten()
        .map(|it| it.core.picture().calls)
        .collect();
    assert_eq!(both, [1000, 1000]);
    assert_eq!(world.all_faults(), Vec::<String>::new());
}

#[test]
fn registrations_outlive_a_restart_of_both_servers_and_what_ran_out_meanwhile_does_not() {
    let (mut world, phones) = stage(&FLOWS[10], true, 1);
    for (phone, seconds) in [(0, 600), (1, 60)] {
        world.with(phones[phone], |it| it.register(Some(seconds)));
        assert_eq!(
            play(&mut world, &phones, &[Step::See(phone, "register ok")]),
            Vec::<String>::new()
        );
    }
    // Both hold both, and either's file would do.
    let kept: Vec<_> = world
        .servers
        .iter()
        .flatten()
        .map(|it| (it.core.picture().registrations, it.core.kept_contacts()))
        .collect();
    assert_eq!((kept[0].0, kept[1].0), (2, 2));
    world.disconnect();
    world.servers = [None, None];
    world.run_for(Duration::from_secs(100));
    world.epoch += 1;
    world.start(0, changeover_model::RunMode::Primary);
    let contacts = kept[0].1.clone();
    world.feed(0, changeover_sip_core::SipInput::ContactsKept { contacts });
    world.with(phones[0], |a| {
        a.log.clear();
        a.register(None);
    });
    assert_eq!(
        play(&mut world, &phones, &[Step::See(0, "register ok")]),
        Vec::<String>::new()
    );
    let left = world.phones[&phones[0]].contacts[0].clone();
    let (uri, seconds) = left.split_once(";expires=").expect("an expiry");
    assert_eq!(uri, "<sip:1001@10.0.0.1:5060>");
    assert!(["499", "500"].contains(&seconds), "{seconds}");
    assert_eq!(world.primary().unwrap().picture().registrations, 1);
    // A backup that was down as well learns them from the primary, not from its own file.
    world.start(1, changeover_model::RunMode::Backup);
    world.connect();
    world.run_for(Duration::from_millis(50));
    let backup = world.servers[1].as_ref().unwrap().core.picture();
    assert_eq!(backup.registrations, 1);
}

/// ADDP: the server that dials, the backup, says how long either end waits. Here it waits 3 s itself, and the primary
/// 500 ms: whoever hangs is given up by the other after twice that.
#[test]
fn each_end_of_a_silent_link_waits_as_long_as_the_one_that_dialled_has_said() {
    let mut config = crate::flows::config();
    config.addp = Addp {
        timeout: Duration::from_secs(3),
        remote_timeout: Duration::from_millis(500),
    };
    let until_alone = |world: &mut World, survivor: usize| {
        let began = world.now;
        let in_step = |world: &World| {
            let it = world.servers[survivor].as_ref().expect("it lives");
            it.core.picture().sync.in_step
        };
        assert!(world.run_until(Duration::from_secs(20), |world| !in_step(world)));
        world.now.since(began)
    };
    for (hangs, soonest, latest) in [(1, 500, 1_000), (0, 5_500, 6_000)] {
        let mut world = World::new(config.clone(), 1);
        // A quiet link stands for as long as both ends live, though one waits six times as long as the other.
        world.run_for(Duration::from_secs(60));
        assert!(in_step(&world));
        // It hangs: the connection stands, and nothing is said.
        world.servers[hangs] = None;
        let waited = until_alone(&mut world, 1 - hangs);
        let (soonest, latest) = (
            Duration::from_millis(soonest),
            Duration::from_millis(latest),
        );
        assert!(
            waited >= soonest && waited <= latest,
            "server {hangs} hung: {waited:?}"
        );
    }
}
