//! Ends that nobody asked for, and the automatic restart.

use crate::harness::*;
use changeover_lca_core::LcaInput;

/// The server of this LCA dies at once after each start, `times` times over.
fn die(lca: &mut Lca, run: usize) -> Vec<String> {
    let mut lines = lca.exited(run, 1);
    lines.extend(lca.gone(run));
    lines
}

#[test]
fn a_death_is_reported_before_anything_else_and_the_server_restarts_as_backup() {
    let mut lca = Lca::serving_as_primary();
    expect(
        lca.exited(0, 139),
        "
        scs: SIP_SERVER_PRIMARY Stopped Unknown/2 start 1 in-step (ended unasked: exit 139)
        SIGKILL run1 to all
    ",
    );
    expect(lca.gone(0), "");
    expect(
        lca.pass(ms(100)),
        "
        100 scs: SIP_SERVER_PRIMARY StartPending Unknown/2 start 2 (start ordered)
        100 start run2 Managed SIP_SERVER_PRIMARY: ./sip-server
    ",
    );
    lca.started(1);
    expect(
        lca.register(LINK, 1),
        "
        application: registered: Backup of epoch 2, start 2, order 0, 0 option sections
        scs: SIP_SERVER_PRIMARY Initializing Unknown/2 start 2 (registered)
    ",
    );
}

#[test]
fn it_restarts_with_growing_delays_until_the_limit() {
    let mut lca = Lca::configured();
    lca.started(0);
    die(&mut lca, 0);
    lca.pass(ms(100));
    lca.started(1);
    die(&mut lca, 1);
    expect(
        lca.pass(ms(200)),
        "
        200 scs: SIP_SERVER_PRIMARY StartPending Unknown/0 start 3 (start ordered)
        200 start run3 Managed SIP_SERVER_PRIMARY: ./sip-server
    ",
    );
    lca.started(2);
    expect(die(&mut lca, 2), "
        scs: SIP_SERVER_PRIMARY Stopped Unknown/0 start 3 (ended unasked: exit 1)
        SIGKILL run3 to all
        scs: SIP_SERVER_PRIMARY Stopped Unknown/0 start 3 (restart-limit: 2 restarts within 10m; the last end: ended unasked: exit 1; find the cause, then start it)
    ");
    expect(lca.pass(ms(3_600_000)), "");
    expect(
        lca.start(SERVER, 0),
        "
        scs: SIP_SERVER_PRIMARY StartPending Unknown/0 start 4 (start ordered)
        start run4 Managed SIP_SERVER_PRIMARY: ./sip-server
    ",
    );
}

#[test]
fn it_restarts_while_the_scs_is_away() {
    let mut lca = Lca::serving();
    lca.feed(LcaInput::ScsDisconnected { connection: SCS });
    expect(lca.exited(0, 1), "SIGKILL run1 to all");
    lca.gone(0);
    expect(
        lca.pass(ms(100)),
        "100 start run2 Managed SIP_SERVER_PRIMARY: ./sip-server",
    );
}

#[test]
fn remains_that_do_not_end_hold_the_restart_up_for_a_bounded_time() {
    let mut lca = Lca::configured();
    lca.started(0);
    lca.exited(0, 1);
    expect(lca.pass(ms(5100)), "
        5000 scs: SIP_SERVER_PRIMARY Stopped Unknown/0 start 1 (ended unasked: exit 1; remains of it do not end)
        5100 scs: SIP_SERVER_PRIMARY StartPending Unknown/0 start 2 (start ordered)
        5100 start run2 Managed SIP_SERVER_PRIMARY: ./sip-server
    ");
}

#[test]
fn maintenance_suspends_the_restart_and_its_end_resumes_it() {
    let mut lca = Lca::serving();
    lca.intend(1, None, true);
    expect(die(&mut lca, 0), "
        scs: SIP_SERVER_PRIMARY Stopped Unknown/1 start 1 in-step (ended unasked: exit 1)
        SIGKILL run1 to all
        scs: SIP_SERVER_PRIMARY Stopped Unknown/1 start 1 in-step (ended unasked: exit 1; not restarted: maintenance)
    ");
    expect(lca.pass(ms(2000)), "");
    lca.intend(1, None, false);
    expect(
        lca.pass(ms(100)),
        "
        100 scs: SIP_SERVER_PRIMARY StartPending Unknown/1 start 2 (start ordered)
        100 start run2 Managed SIP_SERVER_PRIMARY: ./sip-server
    ",
    );
}

#[test]
fn a_plain_program_without_auto_restart_stays_down_with_its_last_words_kept() {
    let mut lca = Lca::configured();
    lca.start(PLAIN, 0);
    lca.started(1);
    expect(
        die(&mut lca, 1),
        "
        scs: RECORDER Stopped Unknown/0 start 1 in-step (ended unasked: exit 1)
        SIGKILL run2 to all
    ",
    );
    let kept: Vec<_> = lca
        .pass(ms(60_000))
        .into_iter()
        .filter(|line| line.contains("RECORDER"))
        .collect();
    expect(kept, "");
}
