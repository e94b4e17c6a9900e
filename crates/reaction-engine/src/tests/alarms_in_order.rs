//! The guide's tables: whatever the order of alarms and lists, the release comes first, once.

use super::world::{World, table};
use changeover_model::Redundancy;
use changeover_model::environment::ReactionOrder;

const DOWN1: &str = "host1: disable by SIP_SERVER_PRIMARY_VIP_DOWN e2";
const UP2: &str = "host2: enable by SIP_SERVER_BACKUP_VIP_UP e2";

#[test]
fn a_manual_switchover_releases_first_and_runs_the_doubled_down_once() {
    let mut world = World::new();
    world.intend(2, "SIP_SERVER_BACKUP");
    // 4561 of server 1: the order leaves with the request.
    assert_eq!(world.event("ALRM_PRIMARY_4561_HABackup", 2), [DOWN1]);
    assert_eq!(
        world.reports,
        [
            "requested Running: reaction-engine | SIP_SERVER_PRIMARY_VIP_DOWN on host1 | \
             AR_SCRIPT_PRIMARY_VIP_DOWN, because of 00-04561 of SIP_SERVER_PRIMARY",
            "Launched: scs > lca@host1 | SIP_SERVER_PRIMARY_VIP_DOWN | control script, disable, epoch 2",
        ]
    );
    // 4563 of server 2 lists UP before DOWN: UP waits, DOWN joins.
    assert_eq!(world.event("ALRM_BACKUP_4563_HAPrimary", 2), [""; 0]);
    assert_eq!(
        world.reports,
        [
            "requested Waiting: reaction-engine | SIP_SERVER_BACKUP_VIP_UP on host2 | \
             waits for the release on host1",
            "requested Joined: reaction-engine | SIP_SERVER_PRIMARY_VIP_DOWN on host1 | \
             joins reaction 1, which is under way",
        ]
    );
    // The address is seen gone before the script has ended: UP starts with that very observation.
    assert_eq!(world.see("host1", "gone"), [UP2]);
    assert_eq!(world.finish("PRIMARY_VIP_DOWN"), [""; 0]);
    assert_eq!(
        world.reports,
        [
            "finished good=true: lca@host1 | SIP_SERVER_PRIMARY_VIP_DOWN | exit 0 in 3.1 ms, VIP seen gone"
        ]
    );
    world.see("host2", "held");
    assert_eq!(world.finish("BACKUP_VIP_UP"), ["settled good"]);
    assert_eq!(
        world.states(),
        [
            "1 PRIMARY_VIP_DOWN Succeeded x1",
            "2 BACKUP_VIP_UP Succeeded x1",
            "3 PRIMARY_VIP_DOWN Joined x0",
        ]
    );
}

#[test]
fn the_alarms_may_come_the_other_way_round() {
    let mut world = World::new();
    world.intend(2, "SIP_SERVER_BACKUP");
    assert_eq!(world.event("ALRM_BACKUP_4563_HAPrimary", 2), [DOWN1]);
    assert_eq!(world.event("ALRM_PRIMARY_4561_HABackup", 2), [""; 0]);
    assert_eq!(world.finish("PRIMARY_VIP_DOWN"), [UP2]);
    // A third request of the same epoch joins the finished success, as long as it still stands.
    assert_eq!(world.event("ALRM_PRIMARY_4561_HABackup", 2), [""; 0]);
    assert_eq!(
        world.reports,
        [
            "requested Joined: reaction-engine | SIP_SERVER_PRIMARY_VIP_DOWN on host1 | \
          joins reaction 2, which has just reached the same"
        ]
    );
    world.see("host1", "held");
    assert_eq!(world.event("ALRM_PRIMARY_4561_HABackup", 2), [DOWN1]);
}

/// Every row of FACTS 3 for both redundancy types, from the state before its switchover.
#[test]
fn each_row_of_the_tables_ends_with_the_holder_that_its_event_wants() {
    for redundancy in [Redundancy::Hot, Redundancy::Warm] {
        for (condition, _, reporting, _) in table(redundancy) {
            let became_primary = condition.ends_with("HAPrimary");
            let primary = match (reporting, became_primary) {
                ("SIP_SERVER_PRIMARY", true) | ("SIP_SERVER_BACKUP", false) => "SIP_SERVER_PRIMARY",
                _ => "SIP_SERVER_BACKUP",
            };
            let (own, own_host, other, other_host) = match reporting {
                "SIP_SERVER_PRIMARY" => ("PRIMARY", "host1", "BACKUP", "host2"),
                _ => ("BACKUP", "host2", "PRIMARY", "host1"),
            };
            let holder = if became_primary { other_host } else { own_host };
            let mut world = World::with(redundancy, |_| {});
            world.see("host1", if holder == "host1" { "held" } else { "gone" });
            world.see("host2", if holder == "host2" { "held" } else { "gone" });
            world.intend(2, primary);
            let first = world.event(condition, 2);
            if became_primary {
                let down = format!("{other_host}: disable by SIP_SERVER_{other}_VIP_DOWN e2");
                let up = format!("{own_host}: enable by SIP_SERVER_{own}_VIP_UP e2");
                assert_eq!(first, [down], "{redundancy} {condition}");
                assert_eq!(
                    world.see(other_host, "gone"),
                    [up],
                    "{redundancy} {condition}"
                );
                world.finish(&format!("{other}_VIP_DOWN"));
                assert_eq!(world.finish(&format!("{own}_VIP_UP")), ["settled good"]);
            } else {
                let down = format!("{own_host}: disable by SIP_SERVER_{own}_VIP_DOWN e2");
                assert_eq!(first, [down], "{redundancy} {condition}");
                assert_eq!(world.finish(&format!("{own}_VIP_DOWN")), ["settled good"]);
            }
        }
    }
}

#[test]
fn a_list_that_forgets_the_release_gets_it_added_and_shown() {
    // The NLB rows: BACKUP_VIP_UP alone.
    let mut world = World::with(Redundancy::Hot, |environment| {
        let condition = environment
            .alarm_conditions
            .get_mut("ALRM_BACKUP_4563_HAPrimary");
        condition.expect("of the table").reaction_scripts = vec!["AR_SCRIPT_BACKUP_VIP_UP".into()];
    });
    world.intend(2, "SIP_SERVER_BACKUP");
    assert_eq!(world.event("ALRM_BACKUP_4563_HAPrimary", 2), [DOWN1]);
    assert_eq!(
        world.reports[1],
        "requested (added) Running: reaction-engine | SIP_SERVER_PRIMARY_VIP_DOWN on host1 | \
         added: no requested reaction releases the VIP on host1"
    );
    // The event that asks for it comes later and joins.
    assert_eq!(world.event("ALRM_PRIMARY_4561_HABackup", 2), [""; 0]);
    assert_eq!(world.finish("PRIMARY_VIP_DOWN"), [UP2]);
    assert_eq!(world.finish("BACKUP_VIP_UP"), ["settled good"]);
}

#[test]
fn as_listed_runs_the_list_as_written_one_after_the_other() {
    let mut world = World::policy(|policy| policy.reaction_order = ReactionOrder::AsListed);
    world.intend(2, "SIP_SERVER_BACKUP");
    assert_eq!(world.event("ALRM_BACKUP_4563_HAPrimary", 2), [UP2]);
    assert_eq!(world.see("host1", "gone"), [""; 0]);
    assert_eq!(world.finish("BACKUP_VIP_UP"), [DOWN1]);
    assert_eq!(world.finish("PRIMARY_VIP_DOWN"), ["settled good"]);
}

#[test]
fn a_pair_of_several_vips_has_let_go_only_when_all_are_gone() {
    let addresses = ["10.10.11.103", "10.10.11.104"];
    let mut world = World::holding(Redundancy::Hot, &addresses, |_| {});
    world.intend(2, "SIP_SERVER_BACKUP");
    assert_eq!(world.event("ALRM_BACKUP_4563_HAPrimary", 2), [DOWN1]);
    assert_eq!(world.see("host1", "10.10.11.104"), [""; 0]);
    assert_eq!(world.see("host1", "gone"), [UP2]);
    world.finish("PRIMARY_VIP_DOWN");
    assert_eq!(world.finish("BACKUP_VIP_UP"), ["settled good"]);
    // One of them vanishes: a further event finds the state no longer as wanted and runs.
    world.see("host2", "10.10.11.103");
    assert_eq!(world.event("ALRM_BACKUP_4563_HAPrimary", 2), [UP2]);
}

#[test]
fn an_explanation_tells_the_life_of_a_reaction() {
    let mut world = World::new();
    world.intend(2, "SIP_SERVER_BACKUP");
    world.event("ALRM_BACKUP_4563_HAPrimary", 2);
    world.pass(4);
    world.finish("PRIMARY_VIP_DOWN");
    world.pass(3);
    world.finish("BACKUP_VIP_UP");
    assert_eq!(
        world.engine.explain(1),
        Some(vec![
            "reaction 1: SIP_SERVER_BACKUP_VIP_UP on host2, epoch 2, because of 00-04563 of SIP_SERVER_BACKUP".to_owned(),
            "after 0.0 ms: waits for the release on host1".to_owned(),
            "after 4.0 ms: launched on host2".to_owned(),
            "after 7.0 ms: exit 0 in 3.1 ms, VIP seen on eth0".to_owned(),
        ])
    );
    assert_eq!(world.engine.explain(99), None);
}
