//! Verdicts over an NLB site whose SIP card is lost and comes back.

use super::*;
use changeover_model::environment::NlbCluster;
use changeover_model::{NlbMode, NlbState};

const PERIOD: Duration = Duration::from_secs(4);
const DOWN: &str = "SIP_SERVER_PRIMARY_VIP_DOWN";

/// Sightings as (ms, [(host, reachable)]).
fn ports(sightings: &[(u64, &[(&str, bool)])]) -> Holding {
    let mut holding = holding(&[]);
    let address = holding.addresses[0];
    let sighting = |(at, hosts): &(u64, &[(&str, bool)])| Sighting {
        at: Moment(at * MS),
        cause: "wlbs".into(),
        holders: hosts
            .iter()
            .map(|(name, reachable)| Holder {
                address,
                host: (*name).into(),
                reachable: *reachable,
            })
            .collect(),
    };
    holding.sightings = sightings.iter().map(sighting).collect();
    holding
}

/// On an NLB site, with the cable of host 1 moved at 1,000 ms and everything else 4 s later.
fn on_nlb(mut witness: Witness, silent: &str, cable: &str, plugged: bool) -> Witness {
    witness.cast.pair.nlb = Some(NlbCluster {
        name: "sipcluster".into(),
        mode: NlbMode::Unicast,
        host_ids: [(host("host1"), 1), (host("host2"), 2)].into(),
        port_rules: Vec::new(),
        default_state: NlbState::Stopped,
    });
    for entry in &mut witness.entries {
        entry.at_ms += 4_010.0;
    }
    let said = entry(4_000.0, Step::ApplicationUnavailable(app(silent)));
    witness.entries.push(said);
    witness.own = vec![OwnSighting::SipCable {
        host: host(cable),
        plugged,
    }];
    witness
}

fn fails(witness: &mut Witness, script: &str) {
    for entry in &mut witness.entries {
        if let Step::Finished(of, _, good) = &mut entry.step
            && of.as_str() == script
        {
            *good = false;
        }
    }
}

/// Host 1 is cut off and keeps its port; host 2 enables its own.
fn good_loss() -> Witness {
    let mut witness = on_nlb(good_switchover(), A, "host1", false);
    fails(&mut witness, DOWN);
    witness.holding = ports(&[
        (0, &[("host1", true)]),
        (1_000, &[("host1", false)]),
        (5_018, &[("host1", false), ("host2", true)]),
    ]);
    witness
}

#[test]
fn the_cut_off_node_keeps_its_port_and_its_script_is_of_no_avail() {
    let mut witness = good_loss();
    let rules = rules::sip_nic_lost(&witness.cast, PERIOD);
    let steps = verdicts(&rules, &witness);
    assert_eq!((failed(&steps), steps.len()), (vec![], 10));

    // A network on which orders get through a pulled cable is not the platform's.
    witness.holding = ports(&[
        (0, &[("host1", true)]),
        (1_000, &[("host1", false)]),
        (5_015, &[]),
        (5_018, &[("host2", true)]),
    ]);
    let kept = failed_at(&rules, &witness);
    assert_eq!(kept, [(10, "host1 keeps its port enabled".to_owned())]);

    let mut witness = good_loss();
    witness.entries.retain(
        |entry| !matches!(&entry.step, Step::Finished(script, _, _) if script.as_str() == DOWN),
    );
    let ended = format!("{DOWN} ends, and the port is as it was");
    assert_eq!(failed_at(&rules, &witness), [(9, ended)]);

    let mut witness = good_loss();
    witness.holding = ports(&[
        (0, &[("host1", true)]),
        (5_018, &[("host1", true), ("host2", true)]),
    ]);
    let reached = "no neighbour reaches the port of host1".to_owned();
    assert_eq!(failed_at(&rules, &witness), [(10, reached)]);
}

/// What [`failed`] gives, of its own.
fn failed_at(rules: &[Rule], witness: &Witness) -> Vec<(u32, String)> {
    let steps = verdicts(rules, witness);
    let failed = failed(&steps).into_iter();
    failed
        .map(|(number, expected)| (number, expected.to_owned()))
        .collect()
}

/// The way back, told with the hosts exchanged: the primary on host 1 goes silent when the cable of host 2 is back.
fn good_way_back() -> Witness {
    let mut witness = on_nlb(good_switchover(), A, "host2", true);
    witness.holding = ports(&[
        (0, &[("host1", true), ("host2", false)]),
        (1_000, &[("host1", true), ("host2", true)]),
        (5_015, &[("host2", true)]),
    ]);
    witness
}

#[test]
fn with_realign_after_off_the_primary_that_hears_nothing_gives_the_roles_back() {
    let mut witness = good_way_back();
    let rules = rules::sip_nic_switched_back(&witness.cast, PERIOD);
    let steps = verdicts(&rules, &witness);
    assert_eq!((failed(&steps), steps.len()), (vec![], 10));
    assert_eq!(
        steps[1].text,
        "server 2 hears no SIP for T and reports SERVICE_UNAVAILABLE"
    );

    // The port was disabled as soon as the cable was back, so SIP never reached the node.
    witness.holding = ports(&[
        (0, &[("host1", true), ("host2", false)]),
        (1_000, &[("host1", true)]),
        (5_015, &[]),
        (5_018, &[("host2", true)]),
    ]);
    let never = "neighbours reach the port of host2, which was never disabled".to_owned();
    let stays = "the port of host2 stays enabled".to_owned();
    assert_eq!(failed_at(&rules, &witness), [(1, never), (10, stays)]);

    let mut witness = good_way_back();
    witness
        .entries
        .retain(|entry| entry.step != Step::ApplicationUnavailable(app(A)));
    let silent = "SIP_SERVER_PRIMARY reports SERVICE_UNAVAILABLE".to_owned();
    assert_eq!(failed_at(&rules, &witness), [(2, silent)]);
}

/// The realignment after the cable of host 2 is back.
fn good_return() -> Witness {
    let mut witness = on_nlb(good_switchover(), A, "host2", true);
    witness.entries = script_run(
        10.0,
        "SIP_SERVER_BACKUP_VIP_DOWN",
        ScriptAction::Disable,
        true,
    )
    .into();
    witness
        .entries
        .push(entry(14.0, Step::VipGone(host("host2"))));
    let unchanged = |watched: &str| OwnSighting::Unchanged {
        at_ms: 4_500.0,
        watched: watched.to_owned(),
        changes: Vec::new(),
    };
    witness.own.extend([
        unchanged("server 2 goes on hearing SIP"),
        unchanged("run modes and the port of host 2 stay as they are"),
    ]);
    witness.holding = ports(&[
        (0, &[("host1", true), ("host2", false)]),
        (1_000, &[("host1", true), ("host2", true)]),
        (1_014, &[("host1", true)]),
    ]);
    witness
}

#[test]
fn by_the_defaults_the_port_goes_off_once_nlb_obeys_and_a_second_switchover_is_none() {
    let mut witness = good_return();
    let rules = rules::sip_nic_restored(&witness.cast);
    let steps = verdicts(&rules, &witness);
    assert_eq!((failed(&steps), steps.len()), (vec![], 4));

    fails(&mut witness, "SIP_SERVER_BACKUP_VIP_DOWN");
    let script = "SIP_SERVER_BACKUP_VIP_DOWN ends with the VIP as wanted".to_owned();
    assert_eq!(failed_at(&rules, &witness), [(2, script)]);

    let mut witness = good_return();
    for own in &mut witness.own {
        if let OwnSighting::Unchanged { changes, .. } = own {
            changes.push("SIP_SERVER_PRIMARY is Service Unavailable".to_owned());
        }
    }
    let numbers: Vec<u32> = failed_at(&rules, &witness)
        .into_iter()
        .map(|(number, _)| number)
        .collect();
    assert_eq!(numbers, [3, 4]);
}
