//! Predictions and the Tests they are made for.

use super::world::{World, table};
use crate::{HostReach, Input, Origin};
use changeover_model::Redundancy;

fn foretold(
    world: &World,
    request: &crate::ReactionRequest,
) -> (Vec<String>, Vec<String>, Vec<String>) {
    let prediction = world.engine.predict(request);
    let runs = prediction
        .runs
        .iter()
        .map(|run| {
            format!(
                "{}: {}",
                run.application.as_ref().expect("a script"),
                run.detail
            )
        })
        .collect();
    let holders = prediction
        .virtual_ips
        .iter()
        .map(|vip| {
            format!(
                "{} on {:?}, intended {:?}",
                vip.address, vip.holders, vip.intended
            )
        })
        .collect();
    (runs, holders, prediction.warnings)
}

#[test]
fn a_test_of_the_primarys_backup_condition_leaves_no_holder_and_says_so() {
    for (redundancy, condition) in [
        (Redundancy::Hot, "ALRM_PRIMARY_4561_HABackup"),
        (Redundancy::Warm, "ALRM_PRIMARY_4560_HABackup"),
    ] {
        let mut world = World::with(redundancy, |_| {});
        let request = world.test_of(condition);
        let (runs, holders, warnings) = foretold(&world, &request);
        assert_eq!(runs, ["SIP_SERVER_PRIMARY_VIP_DOWN: starts at once"]);
        assert_eq!(holders, ["10.10.11.103/24 on [], intended Some(host1)"]);
        assert_eq!(
            warnings,
            [
                "nobody will hold 10.10.11.103/24: no call gets through until sci realign SIP_EAST, or until the \
              test hold is over"
            ]
        );
        // A prediction changes nothing; the Test then does exactly that.
        assert_eq!(world.states(), [""; 0]);
        assert_eq!(
            world.give(Input::Requested(Box::new(request))),
            ["host1: disable by SIP_SERVER_PRIMARY_VIP_DOWN e1"]
        );
        assert_eq!(world.finish("PRIMARY_VIP_DOWN"), ["settled good"]);
        let asked = World::align(Origin::Operator {
            name: "root@laptop".into(),
        });
        assert_eq!(
            world.give(Input::Requested(Box::new(asked))),
            ["host1: enable by SIP_SERVER_PRIMARY_VIP_UP e1"]
        );
    }
}

/// What each Test of the tables leaves, while SIP_SERVER_PRIMARY on host1 is primary and holds the VIP.
#[test]
fn every_test_of_the_tables_is_foretold_as_it_then_goes() {
    for redundancy in [Redundancy::Hot, Redundancy::Warm] {
        for ((condition, _, _, _), expected) in table(redundancy)
            .into_iter()
            .zip(["", "host1", "host1", "host2"])
        {
            let mut world = World::with(redundancy, |_| {});
            let request = world.test_of(condition);
            let prediction = world.engine.predict(&request);
            let holders: Vec<&str> = prediction.virtual_ips[0]
                .holders
                .iter()
                .map(|host| host.as_str())
                .collect();
            assert_eq!(holders.join(","), expected, "{condition}");
            // Carried out by scripts that do what they are there for.
            let mut holding = vec!["host1".to_owned()];
            let mut lines = world.give(Input::Requested(Box::new(request)));
            while let Some(line) = lines.pop() {
                let Some((host, rest)) = line.split_once(": ") else {
                    continue;
                };
                let Some(script) = rest
                    .split("SIP_SERVER_")
                    .nth(1)
                    .and_then(|rest| rest.split(' ').next())
                else {
                    continue;
                };
                holding.retain(|other| other != host);
                if rest.starts_with("enable") {
                    holding.push(host.to_owned());
                }
                lines.extend(world.finish(script));
            }
            assert_eq!(holding.join(","), expected, "{condition}");
        }
    }
}

#[test]
fn a_prediction_names_what_waits_and_what_cannot_run() {
    let mut world = World::new();
    let request = world.test_of("ALRM_BACKUP_4563_HAPrimary");
    let (runs, holders, warnings) = foretold(&world, &request);
    assert_eq!(
        runs,
        [
            "SIP_SERVER_BACKUP_VIP_UP: waits for the release on host1",
            "SIP_SERVER_PRIMARY_VIP_DOWN: starts at once",
        ]
    );
    assert_eq!(
        holders,
        ["10.10.11.103/24 on [host2], intended Some(host1)"]
    );
    assert_eq!(
        warnings,
        ["10.10.11.103/24 will be on host2, but the primary is on host1"]
    );

    world.reach("host1", HostReach::Lost);
    let (runs, holders, warnings) = foretold(&world, &request);
    assert_eq!(
        runs,
        [
            "SIP_SERVER_BACKUP_VIP_UP: starts at once",
            "SIP_SERVER_PRIMARY_VIP_DOWN: cannot be launched: host1 is lost; its VIP is released by realignment \
             after its return",
        ]
    );
    assert_eq!(
        holders,
        ["10.10.11.103/24 on [host1, host2], intended Some(host1)"]
    );
    assert_eq!(
        warnings,
        ["10.10.11.103/24 will be on host1 and host2 at the same time"]
    );
}

#[test]
fn a_realignment_is_foretold_too() {
    let mut world = World::new();
    world.see("host1", "gone");
    let (runs, holders, warnings) = foretold(&world, &World::align(Origin::Realignment));
    assert_eq!(runs, ["SIP_SERVER_PRIMARY_VIP_UP: starts at once"]);
    assert_eq!(
        holders,
        ["10.10.11.103/24 on [host1], intended Some(host1)"]
    );
    assert_eq!(warnings, [""; 0]);
}
