//! Switchovers that must be refused, each with the codes that name why. A refusal ends with 1, changes nothing, leaves a
//! record for `sci why`, and stops being given as soon as its reason is gone.

use crate::asking::{BACKUP, PRIMARY, Ran, member, observed, pair, pid};
use crate::environment::{GOOD_UP, Wishes, write_good_scripts, write_script};
use crate::site::{Site, send};
use changeover_model::message::{PairState, RecordKind, RecordOutcome};
use changeover_model::{ApplicationStatus, HostStatus};
use rustix::process::Signal;

/// Refused by these codes, for the pre-check alone as for the real thing, and nothing was done.
fn refused(site: &mut Site, codes: &[&str]) {
    let before = site.picture().expect("the SCS answers");
    assert!(!pair(&before).ready.switchover);
    for words in [
        &["switchover", "SIP_EAST", "--dry-run"][..],
        &["switchover", "SIP_EAST"],
    ] {
        let ran: Ran = site.sci_json(words).expect(1);
        assert_eq!(ran.refused(), codes, "{words:?}");
    }
    let text = site.sci(&["switchover", "SIP_EAST"]).expect(1).err;
    assert!(codes.iter().all(|code| text.contains(code)), "{text}");
    let record = site.last_record();
    assert_eq!(
        (record.kind, record.outcome),
        (RecordKind::Refusal, Some(RecordOutcome::Refused))
    );
    let why = site.sci(&["why", "SIP_EAST"]).expect(0).out;
    assert!(!why.trim().is_empty());
    let after = site.picture().expect("it answers");
    assert_eq!(pair(&after).epoch, pair(&before).epoch);
    assert_eq!(observed(&after), ["host1"]);
}

#[test]
fn a_switchover_is_refused_with_reasons_as_long_as_they_last() {
    let mut site = Site::up(&Wishes::default());
    the_backup_is_stopped(&mut site);
    the_backup_reports_service_unavailable(&mut site);
    maintenance(&mut site);
    another_procedure_is_under_way(&mut site);
    site.sci(&["switchover", "SIP_EAST", "--to", "host1"])
        .expect(0);
    site.reach_ok(PRIMARY);
    the_agent_is_away(&mut site);
    the_host_is_away(&mut site);
}

fn the_backup_is_stopped(site: &mut Site) {
    site.sci(&["stop", BACKUP]).expect(0);
    site.reach("the backup Stopped", |picture| {
        pair(picture).state == PairState::NotReady
    });
    refused(site, &["backup-not-running"]);
    let stop = site.sci_json(&["stop", PRIMARY]).expect(1).refused();
    assert_eq!(stop, ["handover-impossible", "backup-not-running"]);
    site.sci_json(&["switchover", "SIP_EAST", "--force"])
        .expect(1);
    site.sci(&["start", BACKUP]).expect(0);
    site.reach_ok(PRIMARY);
}

fn the_backup_reports_service_unavailable(site: &mut Site) {
    let backup = pid(&site.picture().expect("it answers"), BACKUP);
    send(backup, Signal::USR1);
    site.reach("the backup Service Unavailable", |picture| {
        member(picture, BACKUP).status == ApplicationStatus::ServiceUnavailable
    });
    refused(site, &["backup-service-unavailable"]);
    let events = site.events(&["--event", "5094", "--application", BACKUP]);
    assert_eq!(events.len(), 1, "the Management Layer says so in its name");
    send(backup, Signal::USR2);
    site.reach_ok(PRIMARY);
}

fn maintenance(site: &mut Site) {
    for target in ["SIP_EAST", "host2"] {
        site.sci(&["maintenance", "on", target]).expect(0);
        refused(site, &["maintenance"]);
        site.sci(&["maintenance", "off", target]).expect(0);
        site.reach_ok(PRIMARY);
    }
    site.sci(&["maintenance", "on", "SIP_EAST"]).expect(0);
    site.sci(&["switchover", "SIP_EAST", "--force", "--to", "host2"])
        .expect(0);
    site.reach("forced in spite of maintenance", |picture| {
        observed(picture) == ["host2"]
    });
    site.sci(&["switchover", "SIP_EAST", "--force", "--to", "host1"])
        .expect(0);
    site.sci(&["maintenance", "off", "SIP_EAST"]).expect(0);
    site.reach_ok(PRIMARY);
}

fn another_procedure_is_under_way(site: &mut Site) {
    write_script(
        &site.folder,
        "set_ip_up.sh",
        &format!("sleep 1.5; {GOOD_UP}"),
    );
    let first = site.sci_in_background(&["switchover", "SIP_EAST", "--to", "host2"]);
    site.reach("a switchover under way", |picture| {
        pair(picture).state == PairState::Switching
    });
    for words in [
        &["switchover", "SIP_EAST", "--to", "host1"][..],
        &["realign", "SIP_EAST"],
    ] {
        // The servers may not be in step again yet, which is a second reason.
        let reasons = site.sci_json(words).expect(1).refused();
        assert_eq!(reasons[0], "procedure-under-way", "{words:?}: {reasons:?}");
    }
    let test = ["alarm", "test", "ALRM_PRIMARY_4561_HABackup", "--yes"];
    assert_eq!(
        site.sci_json(&test).expect(1).refused(),
        ["procedure-under-way"]
    );
    first.ended(site).expect(0);
    write_good_scripts(&site.folder);
    site.reach_ok(BACKUP);
}

fn the_agent_is_away(site: &mut Site) {
    site.kill("lca-host2");
    site.reach("the agent of host2 lost", |picture| {
        picture
            .hosts
            .iter()
            .any(|host| host.name.as_str() == "host2" && host.status == HostStatus::Disconnected)
    });
    let codes = site
        .sci_json(&["switchover", "SIP_EAST"])
        .expect(1)
        .refused();
    assert!(codes.contains(&"agent-lost".to_owned()), "{codes:?}");
    assert_eq!(
        site.sci_json(&["restart", BACKUP]).expect(1).refused(),
        ["agent-lost"]
    );
    site.start("lca-host2");
    site.reach_ok(PRIMARY);
    assert_eq!(
        site.holders_seen().last().map(String::as_str),
        Some("host1")
    );
}

fn the_host_is_away(site: &mut Site) {
    site.cable("host2", false);
    site.reach("host2 lost", |picture| {
        picture
            .hosts
            .iter()
            .any(|host| host.name.as_str() == "host2" && host.status == HostStatus::Unavailable)
    });
    let codes = site
        .sci_json(&["switchover", "SIP_EAST"])
        .expect(1)
        .refused();
    assert!(codes.contains(&"host-lost".to_owned()), "{codes:?}");
    assert_eq!(
        site.sci_json(&["start", BACKUP]).expect(1).refused(),
        ["host-lost"]
    );
    let why = site.sci(&["switchover", "SIP_EAST"]).expect(1).err;
    assert!(why.contains("host2"), "{why}");
    site.cable("host2", true);
    site.reach_ok(PRIMARY);
    // A paused agent is silent like a lost host: the host is asked before it is judged.
    site.signal("lca-host2", Signal::STOP);
    site.reach("host2 not in contact", |picture| {
        picture
            .hosts
            .iter()
            .any(|host| host.name.as_str() == "host2" && host.status != HostStatus::Running)
    });
    let codes = site
        .sci_json(&["switchover", "SIP_EAST"])
        .expect(1)
        .refused();
    assert!(
        codes.contains(&"agent-lost".to_owned()) || codes.contains(&"host-lost".to_owned()),
        "{codes:?}"
    );
    site.signal("lca-host2", Signal::CONT);
    site.reach_ok(PRIMARY);
}

#[test]
fn when_most_hosts_go_silent_at_once_the_scs_doubts_itself_until_an_operator_confirms() {
    let mut site = Site::up(&Wishes::default());
    site.sci(&["hosts", "confirm-lost", "host1"]).expect(1);
    site.cable("mgmt1", false);
    let held = "held, because it may be the SCS itself that is cut off";
    let doubt = site.reach(held, |picture| {
        let mut reasons = pair(picture).suppressed.iter();
        picture.is_it_me
            && pair(picture).state == PairState::Held
            && reasons.any(|reason| reason.code.as_str() == "is-it-me")
    });
    assert!(!pair(&doubt).ready.switchover);
    site.sci(&["hosts", "confirm-lost", "host1", "host2"])
        .expect(0);
    site.reach("the doubt is over", |picture| !picture.is_it_me);
    site.cable("mgmt1", true);
    site.reach_ok(PRIMARY);
    assert_eq!(site.holders_seen(), ["host1"]);
}
