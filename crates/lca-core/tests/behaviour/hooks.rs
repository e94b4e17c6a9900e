//! Hooks: ordered by the SCS, bounded by their timeout, and never of an older epoch beside a newer one.

use crate::harness::*;
use changeover_model::RunMode;
use changeover_model::message::{HookRun, LcaOrder};

fn hook(lca: &mut Lca, command: &str, epoch: u64) -> Vec<String> {
    let key = lca.key(SERVER, epoch);
    lca.order(LcaOrder::RunHook {
        key,
        hook: HookRun {
            command: command.to_owned(),
            arguments: vec!["MASTER".to_owned()],
            timeout: ms(3000),
            run_mode: RunMode::Primary,
            reason: "switchover by anna".to_owned(),
        },
    })
}

#[test]
fn a_hook_runs_as_a_program_of_its_own_and_its_exit_is_reported() {
    let mut lca = Lca::serving();
    expect(
        hook(&mut lca, "./notify.sh", 2),
        "start run2 Command SIP_SERVER_PRIMARY: ./notify.sh MASTER",
    );
    lca.started(1);
    expect(
        lca.exited(1, 3),
        "
        scs: command 1 SIP_SERVER_PRIMARY succeeded false: last words
        SIGKILL run2 to all
    ",
    );
}

#[test]
fn a_hook_that_hangs_is_killed_at_its_timeout() {
    let mut lca = Lca::serving();
    hook(&mut lca, "./notify.sh", 2);
    lca.started(1);
    expect(
        lca.pass_answering(ms(3000)),
        "
        3000 SIGKILL run2 to all
        3000 scs: command 1 SIP_SERVER_PRIMARY succeeded false: killed after its timeout of 3s
    ",
    );
}

#[test]
fn a_newer_epoch_ends_older_hooks_and_a_newer_hook_waits_for_their_end() {
    let mut lca = Lca::serving();
    hook(&mut lca, "./notify.sh", 2);
    lca.started(1);
    expect(
        hook(&mut lca, "./other.sh", 3),
        "
        SIGKILL run2 to all
        scs: command 1 SIP_SERVER_PRIMARY succeeded false: ended: epoch 3 of SIP_EAST began
    ",
    );
    expect(
        lca.gone(1),
        "start run3 Command SIP_SERVER_PRIMARY: ./other.sh MASTER",
    );
}

#[test]
fn the_same_order_again_runs_the_hook_once() {
    let mut lca = Lca::serving();
    let key = lca.key(SERVER, 2);
    let order = LcaOrder::RunHook {
        key,
        hook: HookRun {
            command: "./notify.sh".to_owned(),
            arguments: Vec::new(),
            timeout: ms(3000),
            run_mode: RunMode::Backup,
            reason: String::new(),
        },
    };
    lca.order(order.clone());
    lca.started(1);
    expect(lca.order(order.clone()), "");
    lca.exited(1, 0);
    lca.gone(1);
    expect(
        lca.order(order),
        "scs: command 1 SIP_SERVER_PRIMARY succeeded true: last words",
    );
}

#[test]
fn a_hook_of_an_epoch_that_is_over_is_refused() {
    let mut lca = Lca::serving_as_primary();
    expect(
        hook(&mut lca, "./notify.sh", 1),
        "scs: order 2 SIP_SERVER_PRIMARY refused, stale-epoch: the order is of epoch 1 of SIP_EAST, host1 has seen 2",
    );
}
