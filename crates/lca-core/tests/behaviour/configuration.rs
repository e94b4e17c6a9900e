//! Slices that come, go and change.

use crate::harness::*;
use changeover_lca_core::LcaInput;
use changeover_model::message::LcaOrder;

#[test]
fn a_slice_is_reported_only_when_it_is_on_disk() {
    let mut lca = Lca::new();
    lca.connect();
    lca.disk_answers = false;
    lca.order(LcaOrder::Configure(site::slice(1)));
    let ticket = lca.unanswered[0];
    lca.feed(LcaInput::PersistFailed {
        ticket,
        reason: "disk full".to_owned(),
    });
    lca.pass(ms(5000));
    let ticket = *lca.unanswered.last().expect("a second attempt");
    let told: Vec<_> = lca.feed(LcaInput::Persisted { ticket });
    expect(told, "scs: configured 1");
}

#[test]
fn an_older_slice_is_ignored_and_the_same_one_confirmed_again() {
    let mut lca = Lca::new();
    lca.connect();
    lca.order(LcaOrder::Configure(site::slice(5)));
    expect(lca.order(LcaOrder::Configure(site::slice(4))), "");
    expect(
        lca.order(LcaOrder::Configure(site::slice(5))),
        "scs: configured 5",
    );
}

#[test]
fn an_application_that_leaves_the_slice_is_stopped_and_forgotten() {
    let mut lca = Lca::serving();
    let mut slice = site::slice(2);
    slice
        .applications
        .retain(|application| application.name.as_str() != SERVER);
    expect(
        lca.order(LcaOrder::Configure(slice)),
        "
        application: enter Exiting of epoch 1, order 0
        scs: SIP_SERVER_PRIMARY StopPending Backup/1 start 1 in-step (stop ordered)
        scs: configured 2
    ",
    );
    lca.exited(0, 0);
    lca.show_writes = true;
    expect(
        lca.gone(0),
        "
        write fast: run1 gone
        scs: SIP_SERVER_PRIMARY Stopped Unknown/1 start 1 in-step as-asked (stopped as asked)
        write fast: SIP_SERVER_PRIMARY Stopped start 1 Backup of epoch 1
        write fast: SIP_SERVER_PRIMARY forgotten
    ",
    );
}

#[test]
fn a_changed_option_reaches_the_running_application_and_its_next_start() {
    let mut lca = Lca::serving();
    lca.show_writes = true;
    expect(
        lca.order(LcaOrder::ChangeOption {
            application: SERVER.into(),
            section: "TServer".to_owned(),
            option: "sip-port".to_owned(),
            value: "5062".to_owned(),
        }),
        "
        write disk: slice 1
        application: option TServer/sip-port = 5062
    ",
    );
    let stored = lca.stored.slice.as_ref().expect("a slice");
    assert_eq!(
        stored.applications[0].option("tserver", "SIP-PORT"),
        Some("5062")
    );
}
