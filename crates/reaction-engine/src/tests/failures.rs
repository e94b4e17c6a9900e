//! Scripts that fail, hang, lie or are refused: each ends in a named outcome within its bound.

use super::world::World;
use changeover_model::RefusalCode;
use changeover_model::environment::ForceRelease;
use changeover_model::message::ScriptResult;

const DOWN1: &str = "host1: disable by SIP_SERVER_PRIMARY_VIP_DOWN e2";
const UP2: &str = "host2: enable by SIP_SERVER_BACKUP_VIP_UP e2";
const FORCE1: &str = "host1: release by the LCA e2";

fn switching(mut world: World) -> World {
    world.intend(2, "SIP_SERVER_BACKUP");
    assert_eq!(world.event("ALRM_BACKUP_4563_HAPrimary", 2), [DOWN1]);
    world
}

#[test]
fn a_release_that_hangs_is_taken_over_by_the_lca_after_release_wait() {
    let mut world = switching(World::new());
    assert_eq!(world.pass(999), [""; 0]);
    assert_eq!(world.pass(1), [FORCE1]);
    assert_eq!(
        world.obeyed("PRIMARY_VIP_DOWN"),
        [
            "escalated ReleaseForced: SIP_SERVER_PRIMARY_VIP_DOWN on host1 did not release the VIP; the LCA \
             removed it by itself; look at the script and its output",
            UP2
        ]
    );
    assert_eq!(world.finish("BACKUP_VIP_UP"), ["settled good"]);
    assert_eq!(
        world.states(),
        [
            "1 BACKUP_VIP_UP Succeeded x1",
            "2 PRIMARY_VIP_DOWN Succeeded x1"
        ]
    );
}

#[test]
fn a_release_that_lingers_after_its_work_is_left_alone() {
    let mut world = switching(World::new());
    assert_eq!(world.see("host1", "gone"), [UP2]);
    assert_eq!(world.finish("BACKUP_VIP_UP"), [""; 0]);
    // Its start-up timeout: the LCA killed it; the address decides.
    world.pass(8_000);
    assert_eq!(
        world.finish_as(
            "PRIMARY_VIP_DOWN",
            ScriptResult::TimedOut,
            -9,
            "VIP seen gone"
        ),
        ["settled good"]
    );
}

#[test]
fn a_release_that_fails_is_taken_over_at_once() {
    let mut world = switching(World::new());
    assert_eq!(world.fail("PRIMARY_VIP_DOWN"), [FORCE1]);
    assert_eq!(world.obeyed("PRIMARY_VIP_DOWN")[1], UP2);
}

#[test]
fn a_forced_release_that_fails_too_holds_the_pair() {
    let mut world = switching(World::new());
    world.fail("PRIMARY_VIP_DOWN");
    assert_eq!(
        world.refused("PRIMARY_VIP_DOWN", RefusalCode::Overloaded),
        [""; 0]
    );
    assert_eq!(world.pass(500), [DOWN1]);
    assert_eq!(
        world.fail("PRIMARY_VIP_DOWN"),
        [
            "escalated ReleaseFailed: SIP_SERVER_PRIMARY_VIP_DOWN on host1 failed after 2 attempts: exit 0 in \
             3.1 ms, VIP not as wanted, failed; look at the script and its output",
            "escalated ReleaseFailed: host1 has not released the VIP; look at that host, then: sci realign SIP_EAST",
            "hold SIP_EAST",
            "settled bad",
        ]
    );
}

#[test]
fn with_force_release_off_an_overrun_holds_the_pair() {
    let mut world = switching(World::policy(|policy| {
        policy.force_release = ForceRelease::Off
    }));
    assert_eq!(
        world.pass(1_000),
        [
            "escalated ReleaseFailed: host1 has not released the VIP; look at that host, then: sci realign SIP_EAST",
            "hold SIP_EAST",
        ]
    );
    // The script may yet end well; the VIP waits for the operator.
    assert_eq!(world.finish("PRIMARY_VIP_DOWN"), ["settled bad"]);
    assert_eq!(world.realign(), [UP2]);
}

#[test]
fn enable_anyway_goes_on_with_an_alarm() {
    let mut world = switching(World::policy(|policy| {
        policy.force_release = ForceRelease::EnableAnyway;
    }));
    assert_eq!(
        world.pass(1_000),
        [
            "escalated ReleaseForced: enabled although host1 has not released the VIP (enable-anyway)",
            UP2
        ]
    );
}

#[test]
fn an_up_that_fails_is_tried_again_and_then_escalated() {
    let mut world = switching(World::new());
    assert_eq!(world.finish("PRIMARY_VIP_DOWN"), [UP2]);
    assert_eq!(world.fail("BACKUP_VIP_UP"), [""; 0]);
    assert_eq!(
        world.reports,
        [
            "finished good=false: lca@host2 | SIP_SERVER_BACKUP_VIP_UP | exit 0 in 3.1 ms, VIP not as wanted, \
          failed; tried again in 500ms"
        ]
    );
    assert_eq!(world.pass(500), [UP2]);
    assert_eq!(
        world.fail("BACKUP_VIP_UP"),
        [
            "escalated ScriptFailed: SIP_SERVER_BACKUP_VIP_UP on host2 failed after 2 attempts: exit 0 in 3.1 ms, \
             VIP not as wanted, failed; look at the script and its output",
            "settled bad",
        ]
    );
}

#[test]
fn a_misleading_exit_code_is_evidence_only() {
    let mut world = switching(World::new());
    assert_eq!(
        world.finish_as(
            "PRIMARY_VIP_DOWN",
            ScriptResult::AlreadySo,
            255,
            "VIP seen gone"
        ),
        [UP2]
    );
    assert_eq!(
        world.reports[0],
        "finished good=true: lca@host1 | SIP_SERVER_PRIMARY_VIP_DOWN | exit 255 in 3.1 ms, VIP seen gone, already so"
    );
}

#[test]
fn an_outcome_that_is_never_told_counts_as_a_failed_attempt() {
    let mut world = switching(World::new());
    world.finish("PRIMARY_VIP_DOWN");
    // Start-up timeout 8 s and a margin of 2 s, then the pause before the retry.
    assert_eq!(world.pass(10_499), [""; 0]);
    assert_eq!(world.pass(1), [UP2]);
    // This time the VIP is seen although nobody tells the end.
    world.see("host2", "held");
    assert_eq!(world.pass(10_000), ["settled good"]);
    assert_eq!(world.states()[0], "1 BACKUP_VIP_UP Succeeded x2");
}

#[test]
fn a_script_that_the_lca_cannot_start_fails_by_name() {
    let mut world = switching(World::new());
    world.finish("PRIMARY_VIP_DOWN");
    world.refused("BACKUP_VIP_UP", RefusalCode::NotOnThisHost);
    world.pass(500);
    assert_eq!(
        world.finish_as("BACKUP_VIP_UP", ScriptResult::NotStarted, 0, "no such file"),
        [
            "escalated ScriptFailed: SIP_SERVER_BACKUP_VIP_UP on host2 failed after 2 attempts: exit 0 in 3.1 ms, \
             no such file, not started; look at the script and its output",
            "settled bad",
        ]
    );
}

#[test]
fn an_answer_that_comes_twice_or_to_nobody_changes_nothing() {
    let mut world = switching(World::new());
    world.finish("PRIMARY_VIP_DOWN");
    world.finish("BACKUP_VIP_UP");
    let before = world.states();
    assert_eq!(world.finish("BACKUP_VIP_UP"), [""; 0]);
    assert_eq!(world.fail("BACKUP_VIP_UP"), [""; 0]);
    assert_eq!(world.obeyed("PRIMARY_VIP_DOWN"), [""; 0]);
    assert_eq!(world.states(), before);
}
