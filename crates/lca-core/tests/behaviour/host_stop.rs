//! The clean end of a host. (The end of the LCA alone is no input at all.)

use crate::harness::*;
use changeover_lca_core::LcaInput;
use changeover_model::message::LcaOrder;

#[test]
fn what_is_primary_is_handed_over_first_then_everything_is_stopped() {
    let mut lca = Lca::serving_as_primary();
    expect(lca.feed(LcaInput::HostStopping), "scs: host is stopping");
    expect(lca.start(PLAIN, 2), "
        scs: order 2 RECORDER refused, procedure-under-way: the host is being shut down: nothing is started any more
    ");
    expect(
        lca.order(LcaOrder::HandedOver),
        "
        application: enter Exiting of epoch 2, order 0
        scs: SIP_SERVER_PRIMARY StopPending Primary/2 start 1 in-step (stop ordered)
    ",
    );
    lca.exited(0, 0);
    expect(
        lca.gone(0),
        "
        scs: SIP_SERVER_PRIMARY Stopped Unknown/2 start 1 in-step as-asked (stopped as asked)
        host stopped
    ",
    );
    let record = &lca.stored.applications[SERVER];
    assert!(
        !record.stopped_as_asked,
        "it is started again at the next boot"
    );
}

#[test]
fn the_shutdown_waits_for_the_scs_a_bounded_time_only() {
    let mut lca = Lca::serving_as_primary();
    lca.feed(LcaInput::HostStopping);
    expect(
        lca.pass_answering(ms(10_000)),
        "
        10000 application: enter Exiting of epoch 2, order 0
        10000 scs: SIP_SERVER_PRIMARY StopPending Primary/2 start 1 in-step (stop ordered)
    ",
    );
}

#[test]
fn without_the_scs_everything_is_stopped_at_once() {
    let mut lca = Lca::new();
    expect(lca.feed(LcaInput::HostStopping), "host stopped");
}
