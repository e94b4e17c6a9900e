//! What an exploration must find, and what it must not: on the site of the simulation, one fault at most.

use crate::explore::Taken;
use crate::faults::{Deviation, Trouble};
use crate::judge::{Broken, Kind};
use crate::site::PairSite;
use crate::{Options, Proof, Verdict, cure, prove, text};
use changeover_model::PairName;
use changeover_model::environment::{ControllerLoss, Environment, ForceRelease, ReactionOrder};
use changeover_simulation::{Fault, ScriptMood, Site};
use std::time::Duration;

fn environment(site: Site) -> Environment {
    changeover_configuration::load("simulated.yaml", &site.text())
        .expect("the simulated site is valid")
        .environment
}

fn explored(environment: &Environment, faults: usize) -> Proof {
    let options = Options {
        faults,
        threads: 1,
        ..Options::default()
    };
    prove(environment, &options, &|_| {})
}

#[test]
fn the_same_site_is_explored_in_the_same_way_every_time() {
    let site = environment(Site::default());
    let (one, two) = (explored(&site, 1), explored(&site, 1));
    assert_eq!(one.pairs, two.pairs);
    assert_eq!(one.pairs[0].verdict, Verdict::Proved);
    assert!(one.proved);
}

#[test]
fn every_pair_is_explored_by_itself_and_the_other_is_named_as_left_out() {
    let site = environment(Site {
        pairs: 2,
        ..Site::default()
    });
    let east = PairSite::of(&site, &PairName::from("SIP_EAST")).expect("it can be explored");
    assert_eq!(east.environment.pairs.len(), 1);
    assert_eq!(east.environment.hosts.len(), 3);
    // Its members and control scripts, and the central ones.
    assert!(
        east.environment
            .applications
            .keys()
            .all(|name| !name.as_str().starts_with("WEST")),
    );
    assert_eq!(east.environment.alarm_conditions.len(), 4);
    assert_eq!(
        east.left_out[0],
        "what SIP_WEST do at the same time: each pair is explored by itself, as if its two hosts were all"
    );
    let proof = explored(&site, 1);
    let verdicts: Vec<_> = proof
        .pairs
        .iter()
        .map(|pair| (&*pair.pair, pair.verdict))
        .collect();
    assert_eq!(
        verdicts,
        [("SIP_EAST", Verdict::Proved), ("SIP_WEST", Verdict::Proved)]
    );
}

#[test]
fn a_fault_lasts_longer_than_every_timeout_that_it_starts() {
    for (policy, longest) in [
        (ControllerLoss::Hold, 5),
        (ControllerLoss::ReleaseAfter(Duration::from_secs(8)), 8),
        (ControllerLoss::Quorum, 10),
    ] {
        let site = environment(Site {
            on_controller_loss: policy,
            ..Site::default()
        });
        let site = PairSite::of(&site, &PairName::from("SIP_EAST")).expect("it can be explored");
        assert_eq!(site.longest_timeout(), Duration::from_secs(longest));
    }
}

#[test]
fn a_pair_without_a_place_in_the_simulation_is_never_proved() {
    let mut site = environment(Site::default());
    site.management_layer.scs_host = "host1".into();
    let proof = explored(&site, 1);
    assert!(!proof.proved);
    assert_eq!(proof.pairs[0].verdict, Verdict::NotExplored);
    assert_eq!(
        proof.pairs[0].not_finished.as_deref(),
        Some(
            "the SCS is on host1, a host of SIP_EAST: the simulation has it on a machine of its own"
        )
    );
    assert!(text(&proof).ends_with(&format!("NOT PROVED  {:.1} s\n", proof.wall_s)));
}

#[test]
fn the_shortest_counterexample_of_the_guides_order_is_the_death_of_the_primary() {
    let mut site = environment(Site::default());
    for pair in site.pairs.values_mut() {
        pair.policy.reaction_order = ReactionOrder::AsListed;
    }
    let proof = explored(&site, 2);
    let told = proof.pairs[0].counterexample.as_ref().expect("one");
    assert_eq!(
        (told.faults, proof.pairs[0].verdict),
        (1, Verdict::Counterexample)
    );
    let steps: Vec<String> = told
        .steps
        .iter()
        .map(|step| format!("{} {}", step.who, step.what))
        .collect();
    assert_eq!(
        steps,
        [
            "SIP_SERVER_PRIMARY FAULT: dies (kill -9)",
            "SCS orders SIP_SERVER_BACKUP to Primary, through LCA of host2, epoch 2",
            "SIP_SERVER_BACKUP is Primary, epoch 2",
            "SIP_SERVER_BACKUP logs 4563",
            "Message Server finds ALRM_BACKUP_4563_HAPrimary",
            "SCS tells LCA of host2 to launch SIP_SERVER_BACKUP_VIP_UP (enable)",
            "host2 VIP 10.10.11.103 on",
        ]
    );
}

#[test]
fn a_cure_names_what_the_configuration_lacks() {
    let site = environment(Site::default());
    let mut pair = site.pairs["SIP_EAST"].clone();
    let fails = Taken {
        events: 0,
        deviation: Deviation::Trouble(Trouble {
            fault: Fault::Scripts(1, ScriptMood::Fails),
            lasts: Duration::from_secs(7),
        }),
    };
    let two = Broken {
        kind: Kind::TwoHolders,
        text: String::new(),
    };
    pair.policy.force_release = ForceRelease::EnableAnyway;
    assert!(cure::of(&pair, &[fails], &two).starts_with("rule enable-anyway: "));
    let stuck = Broken {
        kind: Kind::NotSettled,
        text: String::new(),
    };
    pair.policy.force_release = ForceRelease::Off;
    assert!(cure::of(&pair, &[], &stuck).starts_with("force_release: off "));
    pair.policy.force_release = ForceRelease::On;
    assert!(cure::of(&pair, &[], &two).starts_with("on_controller_loss: quorum "));
    pair.policy.realign_after = None;
    assert!(cure::of(&pair, &[], &stuck).starts_with("realign_after: off "));
}
