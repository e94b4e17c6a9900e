//! The link to the SCS: Hello, beats, idempotence, and outcomes that wait for its return.

use crate::harness::*;
use changeover_lca_core::{ConnectionId, LcaInput};
use changeover_model::RunMode;
use changeover_model::message::LcaOrder;

#[test]
fn hello_is_answered_with_the_full_state_and_beats_at_once() {
    let mut lca = Lca::serving_as_primary();
    expect(lca.connect(), "
        scs: hello revision 1, 0 scripts; RECORDER Stopped Unknown/0 start 0 in-step (not started yet); SIP_SERVER_PRIMARY Running Primary/2 start 1 in-step (says so)
    ");
    expect(lca.order(beat(9, 0, None)), "scs: beat 9");
}

#[test]
fn the_same_order_again_is_answered_again_and_not_repeated() {
    let mut lca = Lca::serving();
    let key = lca.key(SERVER, 2);
    let order = LcaOrder::SetRunMode {
        key,
        run_mode: RunMode::Primary,
    };
    lca.order(order.clone());
    expect(lca.order(order.clone()), "");
    lca.acknowledge(1, RunMode::Primary, 2);
    expect(
        lca.order(order),
        "scs: order 1 SIP_SERVER_PRIMARY done, start 1",
    );
}

#[test]
fn only_the_newest_connection_of_the_scs_is_listened_to() {
    let mut lca = Lca::serving();
    lca.feed(LcaInput::ScsConnected {
        connection: ConnectionId(2),
    });
    expect(lca.order(beat(1, 0, None)), "");
    expect(lca.set_run_mode(RunMode::Primary, 2).1, "");
}

#[test]
fn an_outcome_that_came_while_the_scs_was_away_follows_the_next_hello() {
    let mut lca = Lca::serving();
    lca.set_run_mode(RunMode::Primary, 2);
    lca.feed(LcaInput::ScsDisconnected { connection: SCS });
    expect(lca.acknowledge(1, RunMode::Primary, 2), "");
    expect(lca.connect(), "
        scs: hello revision 1, 0 scripts; RECORDER Stopped Unknown/0 start 0 in-step (not started yet); SIP_SERVER_PRIMARY Running Primary/2 start 1 in-step (says so)
        scs: order 1 SIP_SERVER_PRIMARY done, start 1
    ");
}
