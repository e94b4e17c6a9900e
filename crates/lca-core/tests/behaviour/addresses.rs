//! Observations and announcements.

use crate::harness::*;
use changeover_lca_core::LcaInput;
use changeover_model::message::LcaOrder;

fn rival(lca: &mut Lca) -> Vec<String> {
    lca.feed(LcaInput::RivalSighted {
        address: site::vip(),
        interface: "eth0".to_owned(),
        mac: "02:00:00:00:00:02".to_owned(),
    })
}

#[test]
fn the_primarys_host_announces_a_vip_that_appears_at_once_and_three_times_more() {
    let mut lca = Lca::serving_as_primary();
    lca.observe(false);
    expect(
        lca.observe(true),
        "
        announce 10.10.11.103 on eth0
        scs: addresses 10.10.11.103 eth0
    ",
    );
    expect(lca.observe(true), "");
    expect(
        lca.pass_answering(ms(10_000)),
        "
        100 announce 10.10.11.103 on eth0
        1000 announce 10.10.11.103 on eth0
        5000 announce 10.10.11.103 on eth0
    ",
    );
}

#[test]
fn a_vip_that_goes_away_is_not_announced_any_more() {
    let mut lca = Lca::serving_as_primary();
    lca.observe(true);
    lca.pass_answering(ms(200));
    lca.observe(false);
    expect(lca.pass_answering(ms(10_000)), "");
}

#[test]
fn a_vip_on_the_backups_host_is_reported_and_not_announced() {
    let mut lca = Lca::serving();
    expect(lca.observe(true), "scs: addresses 10.10.11.103 eth0");
    expect(
        rival(&mut lca),
        "scs: rival of 10.10.11.103 at 02:00:00:00:00:02",
    );
}

#[test]
fn an_old_primary_that_knows_of_a_higher_epoch_is_silent() {
    let mut lca = Lca::serving_as_primary();
    lca.intend(3, Some("SIP_SERVER_BACKUP"), false);
    expect(lca.observe(true), "scs: addresses 10.10.11.103 eth0");
}

#[test]
fn without_the_scs_a_primarys_host_is_silent() {
    let mut lca = Lca::serving_as_primary();
    lca.pass(ms(3000));
    expect(lca.observe(true), "scs: addresses 10.10.11.103 eth0");
}

#[test]
fn a_vip_that_appeared_while_the_scs_was_away_is_announced_when_the_scs_confirms_the_primary() {
    let mut lca = Lca::serving_as_primary();
    lca.pass(ms(3000));
    lca.observe(true);
    // At Hello this host cannot know whether another one has taken over meanwhile.
    assert!(!lca.connect().iter().any(|line| line.contains("announce")));
    expect(
        lca.intend(2, Some(SERVER), false),
        "announce 10.10.11.103 on eth0",
    );
}

#[test]
fn a_rival_is_answered_and_reported_at_most_once_a_second() {
    let mut lca = Lca::serving_as_primary();
    lca.observe(true);
    lca.pass_answering(ms(6000));
    expect(
        rival(&mut lca),
        "
        announce 10.10.11.103 on eth0
        scs: rival of 10.10.11.103 at 02:00:00:00:00:02
    ",
    );
    expect(rival(&mut lca), "");
    lca.pass_answering(ms(1000));
    assert_eq!(rival(&mut lca).len(), 2);
}

#[test]
fn the_winner_of_a_reconnect_announces_on_order() {
    let mut lca = Lca::serving_as_primary();
    let key = lca.key(SERVER, 2);
    expect(
        lca.order(LcaOrder::AnnounceAddresses { key }),
        "
        scs: order 2 SIP_SERVER_PRIMARY failed, host1 holds no VIP of SIP_EAST
    ",
    );
    lca.observe(true);
    lca.pass_answering(ms(6000));
    let key = lca.key(SERVER, 2);
    expect(
        lca.order(LcaOrder::AnnounceAddresses { key }),
        "
        announce 10.10.11.103 on eth0
        scs: order 3 SIP_SERVER_PRIMARY done, start 1
    ",
    );
    let mut backup = Lca::serving();
    let key = backup.key(SERVER, 2);
    expect(backup.order(LcaOrder::AnnounceAddresses { key }), "
        scs: order 1 SIP_SERVER_PRIMARY refused, contradicts-roles: no member of SIP_EAST on host1 is primary in epoch 2
    ");
}
