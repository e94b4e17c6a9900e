//! Invariant (10), and with it (1) to (6), (8) and (9): the primary is killed at every boundary of every flow (before
//! each message it takes, before each it sends), and the flow ends as if nothing had happened. The table stands in
//! docs/developer/sip.md.

use crate::flows::{FLOWS, Flow, Step, leaks, play, stage};
use changeover_sip_phone::Phone;
use std::time::Duration;

/// Plays a flow with a kill at a boundary; `None` = without. Boundaries passed, and what went wrong.
fn played(flow: &Flow, cut: Option<u64>, loss: u64, seed: u64) -> (u64, u64, Vec<String>) {
    let (mut world, phones) = stage(flow, true, seed);
    let base = world.boundaries;
    world.loss = loss;
    world.cut_at = cut.map(|cut| base + cut);
    let mut wrong = play(&mut world, &phones, flow.steps);
    let passed = world.boundaries - base;
    let resent = world.phones.values().map(|it| it.requests_resent).sum();
    world.loss = 0;
    world.cut_at = None;
    wrong.extend(leaks(&mut world));
    wrong.extend(world.all_faults());
    if !wrong.is_empty() {
        wrong.push(world.show());
    }
    (passed, resent, wrong)
}

#[test]
fn a_kill_at_any_boundary_of_any_flow_changes_nothing_for_the_callers() {
    let mut table = String::new();
    for flow in FLOWS {
        let (boundaries, _, wrong) = played(flow, None, 0, 1);
        assert_eq!(wrong, Vec::<String>::new(), "{}: without a kill", flow.name);
        let mut most = 0;
        for cut in 1..=boundaries {
            let (_, resent, wrong) = played(flow, Some(cut), 0, 1);
            assert!(
                wrong.is_empty(),
                "{}: killed at boundary {cut} of {boundaries}:\n{}",
                flow.name,
                wrong.join("\n")
            );
            most = most.max(resent);
        }
        table.push_str(&format!(
            "| {} | {boundaries} | all succeed | {most} |\n",
            flow.name
        ));
    }
    let documented = include_str!("../../../../docs/developer/sip.md");
    assert!(
        documented.contains(&table),
        "docs/developer/sip.md, the table should be:\n{table}"
    );
}

#[test]
fn the_same_with_every_twentieth_datagram_lost() {
    for flow in FLOWS {
        for seed in 2..8 {
            let (boundaries, _, _) = played(flow, None, 0, seed);
            let cut = 1 + (seed * 7) % boundaries;
            let (_, _, wrong) = played(flow, Some(cut), 50, seed);
            assert!(
                wrong.is_empty(),
                "{}, seed {seed}, cut {cut}:\n{}",
                flow.name,
                wrong.join("\n")
            );
        }
    }
}

#[test]
fn a_planned_switchover_between_any_two_steps_changes_nothing_either() {
    for flow in FLOWS {
        for at in 0..flow.steps.len() {
            let (mut world, phones) = stage(flow, true, 3);
            let mut wrong = play(&mut world, &phones, &flow.steps[..at]);
            world.switch_over();
            wrong.extend(play(&mut world, &phones, &flow.steps[at..]));
            wrong.extend(leaks(&mut world));
            wrong.extend(world.all_faults());
            assert!(
                wrong.is_empty(),
                "{} at step {at}: {wrong:#?}\n{}",
                flow.name,
                world.show()
            );
        }
    }
}

#[test]
fn there_and_back_again_and_a_kill_of_each_in_turn() {
    let flow = &FLOWS[2];
    let (mut world, phones) = stage(flow, true, 4);
    let first: &[Step] = &flow.steps[..3];
    assert_eq!(play(&mut world, &phones, first), Vec::<String>::new());
    for round in 0..6 {
        world.kill_primary();
        world.run_for(Duration::from_millis(400));
        world.killed_at = None;
        world.restart_dead();
        assert!(world.run_until(Duration::from_secs(2), |w| {
            w.servers
                .iter()
                .flatten()
                .all(|it| it.core.picture().sync.in_step)
        }));
        world.with(phones[0], |a| {
            a.log.clear();
            assert!(if round % 2 == 0 {
                a.hold()
            } else {
                a.retrieve()
            });
        });
        let expected = if round % 2 == 0 {
            "hold ok"
        } else {
            "retrieve ok"
        };
        assert_eq!(
            play(&mut world, &phones, &[Step::See(0, expected)]),
            Vec::<String>::new()
        );
    }
    world.with(phones[0], |a| assert!(a.hang_up()));
    assert_eq!(
        play(&mut world, &phones, &[Step::See(1, "released")]),
        Vec::<String>::new()
    );
    assert_eq!(leaks(&mut world), Vec::<String>::new());
    assert_eq!(world.all_faults(), Vec::<String>::new());
}

#[test]
fn warm_standby_has_forgotten_the_call_and_takes_new_ones_at_once() {
    let flow = &FLOWS[2];
    let (mut world, phones) = stage(flow, false, 5);
    assert_eq!(
        play(&mut world, &phones, &flow.steps[..3]),
        Vec::<String>::new()
    );
    world.kill_primary();
    world.run_for(Duration::from_millis(300));
    world.with(phones[0], |a| assert!(a.hold()));
    assert_eq!(
        play(&mut world, &phones, &[Step::See(0, "hold 481")]),
        Vec::<String>::new()
    );
    world.with(phones[0], |a| {
        a.log.clear();
        a.call("1003");
    });
    let anew = [
        Step::See(0, "established"),
        Step::Do(0, |a: &mut Phone| assert!(a.hang_up())),
    ];
    assert_eq!(play(&mut world, &phones, &anew), Vec::<String>::new());
}
