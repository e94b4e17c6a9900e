//! OS commands of reactions.

use crate::harness::*;
use changeover_model::message::LcaOrder;

fn command(lca: &mut Lca) -> Vec<String> {
    let key = lca.key(SERVER, 2);
    lca.order(LcaOrder::ExecuteCommand {
        key,
        command_line: "logger switched".to_owned(),
        environment: vec![("CHANGEOVER_REASON".to_owned(), "test".to_owned())],
        timeout: ms(4000),
    })
}

#[test]
fn a_command_runs_in_a_shell_and_its_end_is_reported() {
    let mut lca = Lca::serving();
    expect(
        command(&mut lca),
        "start run2 Command SIP_SERVER_PRIMARY: /bin/sh -c logger switched",
    );
    lca.started(1);
    expect(
        lca.exited(1, 0),
        "
        scs: command 1 SIP_SERVER_PRIMARY succeeded true: last words
        SIGKILL run2 to all
    ",
    );
    expect(lca.gone(1), "");
}

#[test]
fn a_command_that_takes_too_long_is_killed() {
    let mut lca = Lca::serving();
    command(&mut lca);
    lca.started(1);
    expect(
        lca.pass_answering(ms(4000)),
        "
        4000 SIGKILL run2 to all
        4000 scs: command 1 SIP_SERVER_PRIMARY succeeded false: killed after its timeout of 4s
    ",
    );
}

#[test]
fn too_many_commands_at_once_are_refused() {
    let mut lca = Lca::serving();
    for _ in 0..16 {
        command(&mut lca);
    }
    expect(command(&mut lca), "
        scs: command 17 SIP_SERVER_PRIMARY succeeded false: not started: 16 commands are running already
    ");
}
