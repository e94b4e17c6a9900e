//! Control scripts: one at a time per pair, judged by what is seen.

use crate::harness::*;
use changeover_lca_core::{LcaInput, LcaOutput};
use changeover_model::message::{ControlScript, LcaOrder};
use changeover_model::{Core, LogEventId, RunMode, ScriptAction};

#[test]
fn a_script_succeeded_when_the_address_is_seen_as_wanted_and_was_not_before() {
    let mut lca = Lca::serving_as_primary();
    lca.observe(false);
    lca.show_writes = true;
    expect(
        lca.script(UP, 2),
        "
        write fast: run2 of SIP_SERVER_PRIMARY_VIP_UP pid None
        start run2 ControlScript SIP_SERVER_PRIMARY_VIP_UP: ./set_ip_up.sh
    ",
    );
    expect(
        lca.started(1),
        "
        write fast: run2 of SIP_SERVER_PRIMARY_VIP_UP pid Some(4001)
        scs: order 2 SIP_SERVER_PRIMARY_VIP_UP done, start 0
    ",
    );
    expect(
        lca.exited(1, 0),
        "
        SIGKILL run2 to all
        read addresses
    ",
    );
    expect(
        lca.read(true),
        "
        announce 10.10.11.103 on eth0
        scs: addresses 10.10.11.103 eth0
        scs: script 2 SIP_SERVER_PRIMARY_VIP_UP Succeeded (exit 0): 10.10.11.103/24 seen on eth0:1
    ",
    );
    expect(lca.gone(1), "write fast: run2 gone");
}

#[test]
fn a_script_that_the_shell_carries_out_itself_is_launched_without_a_process_on_record() {
    let mut lca = Lca::serving_as_primary();
    lca.observe(false);
    lca.show_writes = true;
    lca.script(UP, 2);
    expect(
        lca.carried_out_here(1),
        "scs: order 2 SIP_SERVER_PRIMARY_VIP_UP done, start 0",
    );
    lca.exited(1, 0);
    expect(
        lca.read(true),
        "
        announce 10.10.11.103 on eth0
        scs: addresses 10.10.11.103 eth0
        scs: script 2 SIP_SERVER_PRIMARY_VIP_UP Succeeded (exit 0): 10.10.11.103/24 seen on eth0:1
    ",
    );
    expect(lca.gone(1), "write fast: run2 gone");
}

#[test]
fn a_script_that_the_shell_carries_out_itself_is_ended_by_a_newer_order_too() {
    let mut lca = Lca::serving_as_primary();
    lca.observe(false);
    lca.script(UP, 2);
    expect(lca.script(DOWN, 3), "SIGKILL run2 to all");
    // The word that it had begun comes late; it is to end all the same.
    expect(lca.carried_out_here(1), "SIGKILL run2 to all");
}

#[test]
fn exit_codes_are_evidence_only() {
    for (script, before, code, after, wanted) in [
        (
            UP,
            false,
            0,
            false,
            "UP Failed (exit 0): 10.10.11.103 seen gone",
        ),
        (
            DOWN,
            true,
            255,
            false,
            "DOWN Succeeded (exit 255): 10.10.11.103 seen gone",
        ),
        (
            DOWN,
            false,
            255,
            false,
            "DOWN AlreadySo (exit 255): 10.10.11.103 seen gone",
        ),
        (
            DOWN,
            true,
            0,
            true,
            "DOWN Failed (exit 0): 10.10.11.103/24 seen on eth0:1",
        ),
    ] {
        let mut lca = Lca::serving();
        lca.observe(before);
        lca.script(script, 2);
        lca.started(1);
        lca.exited(1, code);
        let lines = lca.read(after);
        let last = lines.last().expect("an outcome");
        assert!(last.ends_with(wanted), "{last}");
    }
}

#[test]
fn where_addresses_cannot_be_seen_the_exit_code_has_to_do() {
    for (code, wanted) in [(0, "NotVerified (exit 0)"), (1, "Failed (exit 1)")] {
        let mut lca = Lca::serving();
        lca.script(UP, 2);
        lca.started(1);
        lca.exited(1, code);
        let ticket = lca.tickets[0];
        let lines = lca.feed(LcaInput::AddressesRead {
            ticket,
            result: Err("no netlink".to_owned()),
        });
        expect(
            lines,
            &format!(
                "scs: script 1 SIP_SERVER_PRIMARY_VIP_UP {wanted}: 10.10.11.103 cannot be seen here"
            ),
        );
    }
}

#[test]
fn a_newer_order_ends_the_running_script_and_starts_after_its_end_and_a_fresh_reading() {
    let mut lca = Lca::serving();
    lca.observe(true);
    lca.script(DOWN, 2);
    lca.started(1);
    expect(lca.script(UP, 3), "SIGKILL run2 to all");
    expect(lca.exited(1, 137), "");
    expect(lca.gone(1), "
        scs: script 1 SIP_SERVER_PRIMARY_VIP_DOWN Superseded (exit 137): ended for a newer order of the pair
        read addresses
    ");
    expect(
        lca.read(false),
        "
        scs: addresses 10.10.11.103 not here
        start run3 ControlScript SIP_SERVER_PRIMARY_VIP_UP: ./set_ip_up.sh
    ",
    );
}

#[test]
fn of_several_waiting_orders_only_the_newest_runs() {
    let mut lca = Lca::serving();
    lca.observe(true);
    lca.script(DOWN, 2);
    lca.started(1);
    lca.script(UP, 3);
    expect(lca.script(DOWN, 3), "
        scs: script 2 SIP_SERVER_PRIMARY_VIP_UP Superseded (never ran): a newer order for the pair came before it began
    ");
    let hello = lca.connect();
    assert!(
        hello[0].starts_with("scs: hello revision 1, 2 scripts;"),
        "{hello:?}"
    );
}

#[test]
fn a_displaced_script_that_does_not_die_holds_the_newer_one_up_for_a_bounded_time() {
    let mut lca = Lca::serving();
    lca.observe(true);
    lca.script(DOWN, 2);
    lca.started(1);
    lca.script(UP, 3);
    expect(lca.pass_answering(ms(3000)), "
        2000 scs: script 1 SIP_SERVER_PRIMARY_VIP_DOWN Superseded (never ran): ended for a newer order of the pair; processes of it still live 2s after SIGKILL
        2000 read addresses
        3000 start run3 ControlScript SIP_SERVER_PRIMARY_VIP_UP: ./set_ip_up.sh
    ");
}

#[test]
fn a_hanging_script_is_killed_after_its_startup_timeout() {
    let mut lca = Lca::serving();
    lca.observe(true);
    lca.script(DOWN, 2);
    lca.started(1);
    expect(lca.pass_answering(ms(8000)), "8000 SIGKILL run2 to all");
    lca.exited(1, 137);
    expect(lca.gone(1), "read addresses");
    expect(lca.read(true), "
        scs: script 1 SIP_SERVER_PRIMARY_VIP_DOWN TimedOut (exit 137): 10.10.11.103/24 seen on eth0:1
    ");
}

#[test]
fn a_script_that_lingers_is_judged_at_the_end_of_its_main_process_and_blocks_nothing_for_long() {
    let mut lca = Lca::serving();
    lca.observe(false);
    lca.script(UP, 2);
    lca.started(1);
    lca.exited(1, 0);
    expect(
        lca.read(true),
        "
        scs: addresses 10.10.11.103 eth0
        scs: script 1 SIP_SERVER_PRIMARY_VIP_UP Succeeded (exit 0): 10.10.11.103/24 seen on eth0:1
    ",
    );
    expect(lca.script(DOWN, 2), "");
    expect(lca.pass_answering(ms(2000)), "2000 read addresses");
    expect(
        lca.read(true),
        "start run3 ControlScript SIP_SERVER_PRIMARY_VIP_DOWN: ./set_ip_down.sh",
    );
}

#[test]
fn a_missing_script_was_not_started() {
    let mut lca = Lca::serving();
    lca.script(UP, 2);
    let run = lca.runs[1];
    expect(
        lca.feed(LcaInput::ProcessStartFailed {
            run,
            reason: "no such file".to_owned(),
        }),
        "
        scs: script 1 SIP_SERVER_PRIMARY_VIP_UP NotStarted (never ran): no such file
    ",
    );
}

#[test]
fn a_stale_script_order_is_refused() {
    let mut lca = Lca::serving_as_primary();
    expect(lca.script(DOWN, 1), "
        scs: order 2 SIP_SERVER_PRIMARY_VIP_DOWN refused, stale-epoch: the order is of epoch 1 of SIP_EAST, host1 has seen 2
    ");
}

#[test]
fn a_forced_release_ends_the_script_removes_the_address_and_looks() {
    let mut lca = Lca::serving();
    lca.observe(true);
    lca.script(DOWN, 2);
    lca.started(1);
    let key = lca.key(DOWN, 2);
    expect(
        lca.order(LcaOrder::ReleaseAddresses { key }),
        "SIGKILL run2 to all",
    );
    expect(lca.gone(1), "
        scs: script 1 SIP_SERVER_PRIMARY_VIP_DOWN Superseded (never ran): ended for a newer order of the pair
        remove 10.10.11.103
    ");
    let ticket = *lca.tickets.last().expect("a removal");
    expect(
        lca.feed(LcaInput::AddressesRemoved {
            ticket,
            result: Ok(()),
        }),
        "read addresses",
    );
    expect(
        lca.read(false),
        "
        scs: addresses 10.10.11.103 not here
        scs: order 2 SIP_SERVER_PRIMARY_VIP_DOWN done, start 0
    ",
    );
}

#[test]
fn a_release_that_does_not_work_says_why() {
    let mut lca = Lca::serving();
    lca.observe(true);
    let key = lca.key(DOWN, 2);
    expect(
        lca.order(LcaOrder::ReleaseAddresses { key }),
        "remove 10.10.11.103",
    );
    expect(lca.pass_answering(ms(2000)), "
        2000 scs: order 1 SIP_SERVER_PRIMARY_VIP_DOWN failed, the VIPs of SIP_EAST could not be removed: the removal was not reported in time
    ");
    let key = lca.key(DOWN, 2);
    lca.order(LcaOrder::ReleaseAddresses { key });
    let ticket = *lca.tickets.last().expect("a removal");
    lca.feed(LcaInput::AddressesRemoved {
        ticket,
        result: Ok(()),
    });
    expect(lca.read(true), "
        scs: order 2 SIP_SERVER_PRIMARY_VIP_DOWN failed, the VIPs of SIP_EAST could not be removed: removed, and yet 10.10.11.103/24 seen on eth0:1
    ");
}

#[test]
fn a_script_is_told_everything_by_its_environment() {
    let mut lca = Lca::serving();
    let order = LcaOrder::StartApplication {
        key: lca.key(UP, 2),
        run_mode: RunMode::Unknown,
        control: Some(ControlScript {
            action: ScriptAction::Enable,
            run_mode: RunMode::Primary,
            event: Some(LogEventId::HOT_PRIMARY),
            alarm: Some("ALRM_PRIMARY_4563_HAPrimary".into()),
            reason: "manual switchover".to_owned(),
        }),
    };
    let mut outputs = Vec::new();
    let input = LcaInput::ScsMessage {
        connection: SCS,
        message: said(order),
    };
    lca.core.handle(lca.now, input, &mut outputs);
    let start = outputs.iter().find_map(|output| {
        if let LcaOutput::StartProcess(start) = output {
            Some(start)
        } else {
            None
        }
    });
    let start = start.expect("the script is started");
    let run = start.run;
    let shown: Vec<String> = start
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    expect(
        shown,
        &format!(
            "
        CHANGEOVER_ENVIRONMENT=east
        CHANGEOVER_APPLICATION=SIP_SERVER_PRIMARY
        CHANGEOVER_HOST=host1
        CHANGEOVER_RUN=east/host1/{run}
        CHANGEOVER_PAIR=SIP_EAST
        CHANGEOVER_PEER_HOST=host2
        CHANGEOVER_RUN_MODE=Primary
        CHANGEOVER_ACTION=enable
        CHANGEOVER_EPOCH=2
        CHANGEOVER_VIP=10.10.11.103
        CHANGEOVER_PREFIX=24
        CHANGEOVER_INTERFACE=eth0
        CHANGEOVER_LABEL=eth0:1
        CHANGEOVER_EVENT_ID=4563
        CHANGEOVER_ALARM=ALRM_PRIMARY_4563_HAPrimary
        CHANGEOVER_REASON=manual switchover
        CHANGEOVER_SWITCHOVER_ID=7
    "
        ),
    );
}
