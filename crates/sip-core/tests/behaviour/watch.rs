//! SIP traffic monitoring: T, the doubling, the reset.

use crate::flows::config;
use crate::world::World;
use changeover_model::RunMode;
use std::time::Duration;

fn watched() -> World {
    let mut config = config();
    config.pass_check = true;
    let dn = config.switch.dns.get_mut("1003").expect("a DN");
    dn.oos_check = Some(Duration::from_secs(3));
    dn.oos_force = Some(Duration::from_secs(2));
    World::new(config, 1)
}

fn silent(world: &World, server: usize) -> bool {
    let standing = world.servers[server].as_ref().unwrap().standing.as_ref();
    standing.is_some_and(|it| it.silent)
}

/// Seconds until the primary reports that it hears nothing.
fn patience(world: &mut World) -> u64 {
    let (from, holder) = (world.now, world.holder);
    assert!(world.run_until(Duration::from_secs(60), |w| silent(w, holder)));
    world.now.since(from).as_secs()
}

#[test]
fn nothing_heard_for_t_is_reported_and_t_doubles_up_to_four_times() {
    let mut world = watched();
    let mut seen = Vec::new();
    for _ in 0..8 {
        seen.push(patience(&mut world));
        world.switch_over();
        assert!(
            !silent(&world, 1 - world.holder),
            "a backup reports Running again"
        );
    }
    // The first was started 20 ms before it was looked at.
    assert_eq!(seen, [4, 5, 10, 10, 20, 20, 20, 20]);
}

#[test]
fn one_message_makes_it_t_again_and_an_answered_check_is_one() {
    let mut world = watched();
    patience(&mut world);
    world.switch_over();
    patience(&mut world);
    world.switch_over();
    let c = world.add_phone("1003", 3);
    assert!(
        !world.run_until(Duration::from_secs(60), |w| silent(w, w.holder)),
        "the checks are answered"
    );
    world.phones.remove(&c);
    let waited = patience(&mut world);
    assert!(waited <= 5, "{waited}");
    assert_eq!(
        world.primary().map(|it| it.picture().run_mode),
        Some(RunMode::Primary)
    );
}
