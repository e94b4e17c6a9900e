//! Run-mode orders, the middle of every switchover.

use crate::harness::*;
use changeover_lca_core::ConnectionId;
use changeover_model::message::{FromApplication, LcaOrder};
use changeover_model::{Incarnation, OrderNumber, RunMode};

#[test]
fn the_epoch_and_the_mode_are_on_record_before_the_application_hears_of_them() {
    let mut lca = Lca::serving();
    lca.show_writes = true;
    expect(
        lca.set_run_mode(RunMode::Primary, 2).1,
        "
        write disk: pair SIP_EAST epoch 2
        write fast: SIP_SERVER_PRIMARY Running start 1 Primary of epoch 2
        application: enter Primary of epoch 2, order 1
    ",
    );
    expect(
        lca.acknowledge(1, RunMode::Primary, 2),
        "
        scs: SIP_SERVER_PRIMARY Running Primary/2 start 1 in-step (says so)
        scs: order 1 SIP_SERVER_PRIMARY done, start 1
    ",
    );
}

#[test]
fn stale_orders_and_orders_without_an_addressee_are_refused() {
    let mut lca = Lca::serving_as_primary();
    expect(lca.set_run_mode(RunMode::Primary, 1).1, "
        scs: order 2 SIP_SERVER_PRIMARY refused, stale-epoch: the order is of epoch 1 of SIP_EAST, host1 has seen 2
    ");
    let mut key = lca.key(SERVER, 2);
    key.incarnation = Some(Incarnation(9));
    expect(lca.order(LcaOrder::SetRunMode { key, run_mode: RunMode::Backup }), "
        scs: order 3 SIP_SERVER_PRIMARY refused, stale-incarnation: the order was meant for an earlier start of SIP_SERVER_PRIMARY, it is at start 1
    ");
    let key = lca.key("OTHER", 2);
    expect(lca.order(LcaOrder::SetRunMode { key, run_mode: RunMode::Backup }), "
        scs: order 4 OTHER refused, not-on-this-host: OTHER is no application that the LCA of host1 manages: check the host of its Application object
    ");
    let key = lca.key(PLAIN, 2);
    expect(
        lca.order(LcaOrder::SetRunMode {
            key,
            run_mode: RunMode::Backup,
        }),
        "
        scs: order 5 RECORDER refused, not-running: RECORDER is Stopped
    ",
    );
    expect(lca.set_run_mode(RunMode::Exiting, 2).1, "
        scs: order 6 SIP_SERVER_PRIMARY refused, bad-request: Exiting cannot be ordered: only Primary and Backup can
    ");
    let mut starting = Lca::configured();
    starting.started(0);
    expect(starting.set_run_mode(RunMode::Primary, 1).1, "
        scs: order 1 SIP_SERVER_PRIMARY refused, not-registered: SIP_SERVER_PRIMARY runs, but is not connected to its LCA
    ");
}

#[test]
fn an_order_that_is_not_acknowledged_fails_after_its_bound() {
    let mut lca = Lca::serving();
    lca.set_run_mode(RunMode::Primary, 2);
    expect(
        lca.pass_answering(ms(5000)),
        "
        5000 scs: order 1 SIP_SERVER_PRIMARY failed, SIP_SERVER_PRIMARY has not acknowledged for 5s
    ",
    );
}

#[test]
fn an_application_that_cannot_says_why() {
    let mut lca = Lca::serving();
    lca.set_run_mode(RunMode::Primary, 2);
    let refused = FromApplication::RunModeRefused {
        number: OrderNumber(1),
        reason: "port taken".to_owned(),
    };
    expect(
        lca.say(LINK, refused),
        "scs: order 1 SIP_SERVER_PRIMARY failed, SIP_SERVER_PRIMARY refused: port taken",
    );
}

#[test]
fn a_newer_order_voids_the_one_that_is_not_acknowledged() {
    let mut lca = Lca::serving();
    lca.set_run_mode(RunMode::Primary, 2);
    expect(lca.set_run_mode(RunMode::Backup, 3).1, "
        application: enter Backup of epoch 3, order 2
        scs: order 1 SIP_SERVER_PRIMARY refused, superseded: a newer run-mode order for SIP_SERVER_PRIMARY came before the answer
    ");
    // The mode it is in is told all the same: it stays in it if it refuses the newer order.
    expect(
        lca.acknowledge(1, RunMode::Primary, 2),
        "scs: SIP_SERVER_PRIMARY Running Primary/2 start 1 in-step (says so)",
    );
    expect(
        lca.acknowledge(2, RunMode::Backup, 3),
        "
        scs: SIP_SERVER_PRIMARY Running Backup/3 start 1 in-step (says so)
        scs: order 2 SIP_SERVER_PRIMARY done, start 1
    ",
    );
}

#[test]
fn a_connection_lost_in_between_does_not_lose_the_order() {
    let mut lca = Lca::serving();
    lca.set_run_mode(RunMode::Primary, 2);
    lca.feed(changeover_lca_core::LcaInput::ApplicationDisconnected { connection: LINK });
    let again = ConnectionId(101);
    expect(
        lca.register_as(
            again,
            0,
            RunMode::Backup,
            1,
            changeover_model::ApplicationStatus::Running,
        ),
        "
        application: registered: Primary of epoch 2, start 1, order 1, 0 option sections
        scs: SIP_SERVER_PRIMARY Running Backup/1 start 1 in-step (registered)
    ",
    );
    let (number, epoch) = (OrderNumber(1), changeover_model::Epoch(2));
    let run_mode = RunMode::Primary;
    expect(
        lca.say(
            again,
            FromApplication::RunModeAcknowledged {
                number,
                run_mode,
                epoch,
            },
        ),
        "
        scs: SIP_SERVER_PRIMARY Running Primary/2 start 1 in-step (registered)
        scs: order 1 SIP_SERVER_PRIMARY done, start 1
    ",
    );
}
