//! A day of random calls, faults and switchovers (seeded): no call, transaction or timer is left at its end, and no
//! phone has seen what it must not see.

use crate::flows::{config, leaks};
use crate::world::World;
use changeover_sip_phone::Manner;
use std::net::SocketAddr;
use std::time::Duration;

const PHONES: u8 = 12;

fn stage(seed: u64) -> (World, Vec<SocketAddr>) {
    let mut config = config();
    config.switch.dns.clear();
    let mut world = World::new(config, seed);
    let phones: Vec<SocketAddr> = (0..PHONES)
        .map(|number| world.add_phone(&format!("{}", 3000 + u32::from(number)), 20 + number))
        .collect();
    for at in &phones {
        world.with(*at, |phone| phone.register(Some(3600)));
    }
    world.run_for(Duration::from_secs(2));
    (world, phones)
}

fn random_manner(world: &mut World) -> Manner {
    match world.chance.below(10) {
        0 => Manner::Rings,
        1 => Manner::Rejects(486),
        2 => Manner::Mute,
        n => Manner::Answers(Duration::from_millis(200 * n)),
    }
}

/// Somebody does something that a person could do now.
fn somebody_acts(world: &mut World, phones: &[SocketAddr]) {
    let who = phones[world.chance.below(phones.len() as u64) as usize];
    let number = 3000 + world.chance.below(u64::from(PHONES));
    let manner = random_manner(world);
    let choice = world.chance.below(12);
    world.with(who, |phone| {
        phone.manner = manner;
        phone.log.clear();
        let up = phone.dialogs.iter().any(|it| it.up);
        phone.dialogs.retain(|it| it.up);
        match choice {
            0..=4 if !up => drop(phone.call(&number.to_string())),
            0 => _ = phone.hold(),
            1 => _ = phone.retrieve(),
            2 => _ = phone.refer(&number.to_string()),
            3..=6 => _ = phone.hang_up(),
            7 => phone.cancel(),
            8 => phone.answer(200),
            9 => phone.answer(486),
            _ => phone.register(Some(3600)),
        }
    });
}

/// Something happens to the servers or the network.
fn something_happens(world: &mut World) {
    match world.chance.below(6) {
        0 if world.killed_at.is_none() && world.servers.iter().all(Option::is_some) => {
            world.kill_primary();
        }
        1 if world.servers.iter().all(Option::is_some) => {
            if in_step(world) {
                world.switch_over();
            }
        }
        2 => world.disconnect(),
        3 => world.loss = world.chance.below(60),
        _ => world.loss = 0,
    }
}

fn in_step(world: &World) -> bool {
    world
        .servers
        .iter()
        .flatten()
        .all(|it| it.core.picture().sync.in_step)
}

fn a_day(seed: u64, hours: u64) {
    let (mut world, phones) = stage(seed);
    let end = world.now + Duration::from_secs(hours * 3600);
    while world.now < end {
        let pause = 200 + world.chance.below(8_000);
        world.run_for(Duration::from_millis(pause));
        somebody_acts(&mut world, &phones);
        if world.chance.below(60) == 0 {
            something_happens(&mut world);
        }
        let promoted = world.primary().is_some();
        if promoted && world.chance.below(8) == 0 {
            world.killed_at = None;
            world.restart_dead();
        }
    }
    world.loss = 0;
    for at in &phones {
        for _ in 0..30 {
            world.with(*at, |phone| {
                phone.cancel();
                phone.answer(486);
                _ = phone.hang_up();
            });
            world.run_for(Duration::from_millis(300));
        }
    }
    // Calls of which both phones know nothing any more are found by the audit.
    world.run_for(Duration::from_secs(3 * 3600));
    let left = leaks(&mut world);
    assert!(left.is_empty(), "seed {seed}: {left:#?}\n{}", world.show());
    let faults: Vec<String> = world.all_faults().into_iter().take(20).collect();
    assert!(faults.is_empty(), "seed {seed}: {faults:#?}");
    let timers = world.primary().expect("a primary").picture();
    assert!(
        timers.timers <= usize::from(PHONES) + 3,
        "seed {seed}: {timers:?}"
    );
}

#[test]
fn a_day_of_random_calls_faults_and_switchovers_leaks_nothing() {
    a_day(1, 24);
}

#[test]
fn so_do_short_days_of_other_seeds() {
    for seed in 2..12 {
        a_day(seed, 2);
    }
}
