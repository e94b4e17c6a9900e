//! Lost hosts, agents away, pulled cables, returns, and realignment.

use super::world::World;
use crate::{HostReach, Input};
use changeover_model::OrderNumber;
use changeover_model::environment::OnAgentLoss;

const DOWN1: &str = "host1: disable by SIP_SERVER_PRIMARY_VIP_DOWN e2";
const UP2: &str = "host2: enable by SIP_SERVER_BACKUP_VIP_UP e2";

#[test]
fn the_primary_dies_and_its_host_lives() {
    let mut world = World::new();
    world.intend(2, "SIP_SERVER_BACKUP");
    assert_eq!(world.event("ALRM_BACKUP_4563_HAPrimary", 2), [DOWN1]);
    assert_eq!(world.finish("PRIMARY_VIP_DOWN"), [UP2]);
    assert_eq!(world.finish("BACKUP_VIP_UP"), ["settled good"]);
}

#[test]
fn a_lost_host_releases_nothing_and_stops_nobody() {
    let mut world = World::new();
    world.reach("host1", HostReach::Lost);
    world.intend(2, "SIP_SERVER_BACKUP");
    assert_eq!(world.event("ALRM_BACKUP_4563_HAPrimary", 2), [UP2]);
    assert!(world.reports.contains(
        &"CannotLaunch: scs > lca@host1 | SIP_SERVER_PRIMARY_VIP_DOWN on host1 | cannot be launched: host1 is \
          lost; its VIP is released by realignment after its return"
            .to_owned()
    ));
    assert_eq!(world.finish("BACKUP_VIP_UP"), ["settled good"]);
}

#[test]
fn a_host_that_is_lost_during_the_release_frees_the_other() {
    let mut world = World::new();
    world.intend(2, "SIP_SERVER_BACKUP");
    world.event("ALRM_BACKUP_4563_HAPrimary", 2);
    assert_eq!(world.reach("host1", HostReach::Lost), [UP2]);
    assert_eq!(world.finish("BACKUP_VIP_UP"), ["settled good"]);
}

#[test]
fn on_reconnect_the_old_holder_is_released_and_the_winner_announced_again() {
    let mut world = World::new();
    world.reach("host1", HostReach::Lost);
    world.intend(2, "SIP_SERVER_BACKUP");
    world.event("ALRM_BACKUP_4563_HAPrimary", 2);
    world.see("host2", "held");
    world.finish("BACKUP_VIP_UP");
    // host1 returns with the VIP; its server is demoted under the present epoch and logs 4561.
    world.see("host1", "held");
    world.reach("host1", HostReach::Connected);
    assert_eq!(world.event("ALRM_PRIMARY_4561_HABackup", 2), [DOWN1]);
    assert_eq!(
        world.finish("PRIMARY_VIP_DOWN"),
        ["host2: announce", "settled good"]
    );
}

#[test]
fn a_holder_without_carrier_is_unreachable_and_not_waited_for() {
    let mut world = World::new();
    world.see("host1", "held, no carrier");
    world.intend(2, "SIP_SERVER_BACKUP");
    assert_eq!(world.event("ALRM_BACKUP_4563_HAPrimary", 2), [DOWN1, UP2]);
    assert_eq!(
        world.engine.explain(1).expect("kept")[1],
        "after 0.0 ms: host1 holds the VIP without carrier: unreachable, released later"
    );
}

#[test]
fn a_cable_pulled_during_the_release_lets_the_other_go_on() {
    let mut world = World::new();
    world.intend(2, "SIP_SERVER_BACKUP");
    assert_eq!(world.event("ALRM_BACKUP_4563_HAPrimary", 2), [DOWN1]);
    assert_eq!(world.see("host1", "held, no carrier"), [UP2]);
}

#[test]
fn a_script_waits_for_an_agent_that_is_away_and_runs_when_it_is_back() {
    let mut world = World::new();
    world.reach("host1", HostReach::AgentAway);
    world.intend(2, "SIP_SERVER_BACKUP");
    assert_eq!(world.event("ALRM_BACKUP_4563_HAPrimary", 2), [""; 0]);
    assert_eq!(
        world.states(),
        [
            "1 BACKUP_VIP_UP Waiting x0",
            "2 PRIMARY_VIP_DOWN Waiting x0"
        ]
    );
    world.pass(3_000);
    assert_eq!(world.reach("host1", HostReach::Connected), [DOWN1]);
    assert_eq!(world.finish("PRIMARY_VIP_DOWN"), [UP2]);
}

#[test]
fn an_agent_that_stays_away_from_a_holder_holds_the_pair() {
    let mut world = World::new();
    world.reach("host1", HostReach::AgentAway);
    world.intend(2, "SIP_SERVER_BACKUP");
    world.event("ALRM_BACKUP_4563_HAPrimary", 2);
    assert_eq!(
        world.pass(5_000),
        [
            "escalated ReleaseFailed: host1 may hold the VIP and its agent stays away: nobody can release it there; \
             start lca on host1 (that ends it by itself), or look at that host, then: sci realign SIP_EAST, \
             or if it is lost: sci hosts confirm-lost host1",
            "hold SIP_EAST until host1 is back",
            "settled bad",
        ]
    );
}

#[test]
fn with_on_agent_loss_failover_the_vip_is_enabled_all_the_same() {
    let mut world = World::policy(|policy| policy.on_agent_loss = OnAgentLoss::Failover);
    world.reach("host1", HostReach::AgentAway);
    world.pass(5_000);
    world.intend(2, "SIP_SERVER_BACKUP");
    assert_eq!(world.event("ALRM_BACKUP_4563_HAPrimary", 2), [UP2]);
}

#[test]
fn a_script_that_the_returning_agent_does_not_know_is_a_lost_attempt() {
    let mut world = World::new();
    world.intend(2, "SIP_SERVER_BACKUP");
    world.event("ALRM_BACKUP_4563_HAPrimary", 2);
    world.finish("PRIMARY_VIP_DOWN");
    world.reach("host2", HostReach::AgentAway);
    world.see("host2", "gone");
    let hello = Input::ScriptsRunning {
        host: "host2".into(),
        before: OrderNumber(u64::MAX),
        keys: Vec::new(),
    };
    assert_eq!(world.give(hello), [""; 0]);
    assert_eq!(
        world.reports,
        [
            "finished good=false: lca@host2 | SIP_SERVER_BACKUP_VIP_UP | lost: its agent came back without it; \
          tried again in 500ms"
        ]
    );
    world.reach("host2", HostReach::Connected);
    assert_eq!(world.pass(500), [UP2]);
}

#[test]
fn a_script_ordered_after_the_agent_was_asked_is_not_lost_because_its_answer_does_not_list_it() {
    let mut world = World::new();
    let asked_before = world.engine.next_order_number();
    world.intend(2, "SIP_SERVER_BACKUP");
    world.event("ALRM_BACKUP_4563_HAPrimary", 2);
    world.finish("PRIMARY_VIP_DOWN");
    let answer = Input::ScriptsRunning {
        host: "host2".into(),
        before: asked_before,
        keys: Vec::new(),
    };
    assert_eq!(world.give(answer), [""; 0]);
    assert_eq!(world.states()[0], "1 BACKUP_VIP_UP Running x1");
}

#[test]
fn a_script_that_the_returning_agent_lists_goes_on_and_one_whose_work_is_done_succeeded() {
    let mut world = World::new();
    world.intend(2, "SIP_SERVER_BACKUP");
    world.event("ALRM_BACKUP_4563_HAPrimary", 2);
    world.finish("PRIMARY_VIP_DOWN");
    world.reach("host2", HostReach::AgentAway);
    let (_, key) = world.key("SIP_SERVER_BACKUP_VIP_UP");
    let hello = Input::ScriptsRunning {
        host: "host2".into(),
        before: OrderNumber(u64::MAX),
        keys: vec![key],
    };
    assert_eq!(world.give(hello), [""; 0]);
    assert_eq!(world.states()[0], "1 BACKUP_VIP_UP Running x1");
    world.see("host2", "held");
    let hello = Input::ScriptsRunning {
        host: "host2".into(),
        before: OrderNumber(u64::MAX),
        keys: Vec::new(),
    };
    assert_eq!(world.give(hello), ["settled good"]);
}

#[test]
fn a_realignment_brings_the_vip_to_its_holder_wherever_it_was() {
    // Nowhere.
    let mut world = World::new();
    world.see("host1", "gone");
    assert_eq!(
        world.realign(),
        ["host1: enable by SIP_SERVER_PRIMARY_VIP_UP e1"]
    );
    // Elsewhere.
    let mut world = World::new();
    world.see("host1", "gone");
    world.see("host2", "held");
    assert_eq!(
        world.realign(),
        ["host2: disable by SIP_SERVER_BACKUP_VIP_DOWN e1"]
    );
    assert_eq!(
        world.finish("BACKUP_VIP_DOWN"),
        ["host1: enable by SIP_SERVER_PRIMARY_VIP_UP e1"]
    );
    // On both: only the wrong one is touched, the right one announced again.
    let mut world = World::new();
    world.see("host2", "held");
    assert_eq!(
        world.realign(),
        ["host2: disable by SIP_SERVER_BACKUP_VIP_DOWN e1"]
    );
    assert_eq!(
        world.finish("BACKUP_VIP_DOWN"),
        ["host1: announce", "settled good"]
    );
    // In line already.
    assert_eq!(world.realign(), ["settled good"]);
    assert_eq!(
        world.reports,
        [
            "Note: reaction-engine | SIP_EAST is in line already | every VIP is where it shall be; nothing to run"
        ]
    );
    // Nobody is primary: nobody holds.
    world.intend(2, "");
    assert_eq!(world.realign(), [DOWN1]);
}

#[test]
fn a_realignment_never_joins_a_finished_run() {
    let mut world = World::new();
    world.intend(2, "SIP_SERVER_BACKUP");
    world.event("ALRM_BACKUP_4563_HAPrimary", 2);
    world.finish("PRIMARY_VIP_DOWN");
    assert_eq!(world.finish("BACKUP_VIP_UP"), ["settled good"]);
    // Somebody removed it by hand.
    world.see("host2", "gone");
    assert_eq!(world.realign(), [UP2]);
    // While that runs, a second request shares it.
    assert_eq!(world.realign(), [""; 0]);
    assert_eq!(world.finish("BACKUP_VIP_UP"), ["settled good"]);
}

#[test]
fn a_newer_wish_for_a_host_ends_an_older_one_that_waits() {
    let mut world = World::new();
    world.see("host1", "gone");
    world.see("host2", "held");
    // UP on host1 waits for host2; a Test then asks for DOWN on host1.
    world.realign();
    let test = world.test_of("ALRM_PRIMARY_4561_HABackup");
    assert_eq!(
        world.give(Input::Requested(Box::new(test))),
        ["host1: disable by SIP_SERVER_PRIMARY_VIP_DOWN e1"]
    );
    world.finish("BACKUP_VIP_DOWN");
    assert_eq!(world.finish("PRIMARY_VIP_DOWN"), ["settled good"]);
    assert_eq!(
        world.states(),
        [
            "1 BACKUP_VIP_DOWN Succeeded x1",
            "2 PRIMARY_VIP_UP Superseded x0",
            "3 PRIMARY_VIP_DOWN Succeeded x1",
        ]
    );
}
