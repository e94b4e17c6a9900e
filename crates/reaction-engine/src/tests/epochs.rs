//! Epochs: what is stale is not run, what is raised supersedes, what contradicts needs an operator.

use super::world::{World, pair_name};
use crate::{Input, Origin};
use changeover_model::message::{LogOrigin, ScriptResult};
use changeover_model::{Epoch, RefusalCode};

#[test]
fn an_event_of_an_older_epoch_is_recorded_and_not_run() {
    let mut world = World::new();
    world.intend(3, "SIP_SERVER_PRIMARY");
    assert_eq!(
        world.event("ALRM_PRIMARY_4561_HABackup", 2),
        ["settled good"]
    );
    assert_eq!(
        world.reports[1],
        "Refused: reaction-engine | SIP_SERVER_PRIMARY_VIP_DOWN on host1 | \
         superseded: it belongs to epoch 2; SIP_EAST has reached 3"
    );
    assert_eq!(world.states(), ["1 PRIMARY_VIP_DOWN Superseded x0"]);
}

#[test]
fn a_raised_epoch_supersedes_what_runs_and_what_waits() {
    let mut world = World::new();
    world.intend(2, "SIP_SERVER_BACKUP");
    world.event("ALRM_BACKUP_4563_HAPrimary", 2);
    assert_eq!(world.intend(3, "SIP_SERVER_PRIMARY"), ["settled good"]);
    assert_eq!(
        world.states(),
        [
            "1 BACKUP_VIP_UP Superseded x0",
            "2 PRIMARY_VIP_DOWN Superseded x1"
        ]
    );
    // Round 2: back to host1. Nothing holds on host2, nothing can come up there: UP at once, the LCA
    // of host1 ends the old DOWN first, and its late end changes nothing.
    assert_eq!(
        world.event("ALRM_PRIMARY_4563_HAPrimary", 3),
        [
            "host2: disable by SIP_SERVER_BACKUP_VIP_DOWN e3",
            "host1: enable by SIP_SERVER_PRIMARY_VIP_UP e3"
        ]
    );
    assert_eq!(
        world.finish_as("PRIMARY_VIP_DOWN", ScriptResult::Superseded, -1, ""),
        [""; 0]
    );
    world.finish("BACKUP_VIP_DOWN");
    assert_eq!(world.finish("PRIMARY_VIP_UP"), ["settled good"]);
}

#[test]
fn an_up_of_an_old_epoch_that_still_runs_elsewhere_must_be_ended_first() {
    let mut world = World::new();
    world.see("host1", "gone");
    world.intend(2, "SIP_SERVER_BACKUP");
    world.event("ALRM_BACKUP_4563_HAPrimary", 2);
    world.finish("PRIMARY_VIP_DOWN");
    // UP on host2 runs; it has not raised the VIP yet. The pair turns back.
    world.intend(3, "SIP_SERVER_PRIMARY");
    assert_eq!(
        world.event("ALRM_PRIMARY_4563_HAPrimary", 3),
        ["host2: disable by SIP_SERVER_BACKUP_VIP_DOWN e3"]
    );
    assert_eq!(
        world.finish("BACKUP_VIP_DOWN"),
        ["host1: enable by SIP_SERVER_PRIMARY_VIP_UP e3"]
    );
}

#[test]
fn an_order_that_the_lca_finds_stale_is_not_tried_again() {
    let mut world = World::new();
    world.intend(2, "SIP_SERVER_BACKUP");
    world.event("ALRM_PRIMARY_4561_HABackup", 2);
    assert_eq!(
        world.refused("PRIMARY_VIP_DOWN", RefusalCode::StaleEpoch),
        ["settled good"]
    );
    assert_eq!(world.states(), ["1 PRIMARY_VIP_DOWN Superseded x1"]);
    assert_eq!(world.pass(60_000), [""; 0]);
}

#[test]
fn an_event_without_epoch_may_contradict_the_run_modes_only_with_an_operators_yes() {
    for (origin, runs) in [
        (LogOrigin::Application, false),
        (LogOrigin::Scs, false),
        (LogOrigin::Operator, false),
        (LogOrigin::OperatorConfirmed, true),
    ] {
        let mut world = World::new();
        let mut request = world.event_of("ALRM_PRIMARY_4561_HABackup", None, origin);
        // An application cannot confirm in an operator's name.
        request.operator_confirmed |= origin == LogOrigin::Application;
        let lines = world.give(Input::Requested(Box::new(request)));
        if runs {
            assert_eq!(
                lines,
                ["host1: disable by SIP_SERVER_PRIMARY_VIP_DOWN e1"],
                "{origin:?}"
            );
        } else {
            assert_eq!(lines, ["settled bad"], "{origin:?}");
            assert_eq!(
                world.reports[1],
                "Refused: reaction-engine | SIP_SERVER_PRIMARY_VIP_DOWN on host1 | contradicts-roles: \
                 an event without an epoch would disable the VIP on host1, but by the run modes host1 \
                 shall hold it; an operator can confirm with --yes"
            );
        }
    }
}

#[test]
fn an_event_without_epoch_that_fits_the_run_modes_runs() {
    let mut world = World::new();
    let request = world.event_of("ALRM_BACKUP_4561_HABackup", None, LogOrigin::Operator);
    assert_eq!(
        world.give(Input::Requested(Box::new(request))),
        ["host2: disable by SIP_SERVER_BACKUP_VIP_DOWN e1"]
    );
}

#[test]
fn in_maintenance_realignments_rest_and_an_operators_orders_run() {
    let mut world = World::new();
    world.give(Input::PairIntended {
        pair: pair_name(),
        epoch: Epoch(2),
        primary: Some("SIP_SERVER_BACKUP".into()),
        maintenance: true,
    });
    assert_eq!(world.realign(), ["settled bad"]);
    assert_eq!(
        world.reports[1],
        "Refused: reaction-engine | realignment | maintenance: SIP_EAST is in maintenance: nothing is realigned"
    );
    // The reactions to a mode change that an operator ordered, and sci realign.
    assert_eq!(
        world.event("ALRM_PRIMARY_4561_HABackup", 2),
        ["host1: disable by SIP_SERVER_PRIMARY_VIP_DOWN e2"]
    );
    world.finish("PRIMARY_VIP_DOWN");
    let asked = World::align(Origin::Operator {
        name: "root@laptop".into(),
    });
    assert_eq!(
        world.give(Input::Requested(Box::new(asked))),
        ["host2: enable by SIP_SERVER_BACKUP_VIP_UP e2"]
    );
}
