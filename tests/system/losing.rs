//! What servers can do to their pair by themselves: die, stand still, report that they cannot serve.

use crate::asking::{BACKUP, PRIMARY, member, observed, pair, pid};
use crate::environment::Wishes;
use crate::site::{Site, send};
use changeover_model::message::{RecordKind, RecordOutcome};
use changeover_model::{ApplicationStatus, RunMode};
use rustix::process::Signal;

#[test]
fn a_primary_that_dies_hangs_or_cannot_serve_is_replaced_and_comes_back_as_backup() {
    let mut site = Site::up(&Wishes::default());
    it_dies(&mut site);
    it_stands_still(&mut site);
    it_cannot_serve(&mut site);
}

fn failed_over(site: &Site) {
    let record = site
        .records()
        .into_iter()
        .rfind(|record| record.kind == RecordKind::Failover);
    let record = record.expect("a failover is on record");
    assert_eq!(record.outcome, Some(RecordOutcome::Done), "{}", record.why);
}

fn it_dies(site: &mut Site) {
    let before = site.picture().expect("the SCS answers");
    send(pid(&before, PRIMARY), Signal::KILL);
    let after = site.reach_ok(BACKUP);
    assert_ne!(pid(&after, PRIMARY), pid(&before, PRIMARY), "restarted");
    assert_eq!(pair(&after).epoch.0, pair(&before).epoch.0 + 1);
    assert_eq!(site.holders_seen(), ["host1", "-", "host2"]);
    failed_over(site);
    assert_eq!(
        site.events(&["--event", "5064", "--application", PRIMARY])
            .len(),
        1
    );
}

fn it_stands_still(site: &mut Site) {
    site.forget_what_was_seen();
    let before = site.picture().expect("the SCS answers");
    send(pid(&before, BACKUP), Signal::STOP);
    let after = site.reach_ok(PRIMARY);
    assert_ne!(
        pid(&after, BACKUP),
        pid(&before, BACKUP),
        "what hangs is ended and started again"
    );
    assert_eq!(site.holders_seen(), ["host2", "-", "host1"]);
    assert_eq!(
        site.events(&["--event", "5160", "--application", BACKUP])
            .len(),
        1
    );
    failed_over(site);
}

fn it_cannot_serve(site: &mut Site) {
    site.forget_what_was_seen();
    let before = site.picture().expect("the SCS answers");
    send(pid(&before, PRIMARY), Signal::USR1);
    let after = site.reach("the other one primary", |picture| {
        member(picture, BACKUP).run_mode == RunMode::Primary
            && member(picture, PRIMARY).run_mode == RunMode::Backup
            && observed(picture) == ["host2"]
    });
    assert_eq!(
        member(&after, PRIMARY).status,
        ApplicationStatus::ServiceUnavailable
    );
    let alarms = site.alarms(false);
    assert!(
        alarms
            .iter()
            .any(|alarm| alarm.condition.as_str() == "SERVICE_UNAVAILABLE (5094)"),
        "{alarms:?}"
    );
    assert_eq!(site.holders_seen(), ["host1", "-", "host2"]);
    send(pid(&before, PRIMARY), Signal::USR2);
    let healed = site.reach_ok(BACKUP);
    assert_eq!(
        pid(&healed, PRIMARY),
        pid(&before, PRIMARY),
        "it was demoted, not ended"
    );
    let alarms = site.alarms(false);
    assert!(
        alarms
            .iter()
            .all(|alarm| alarm.condition.as_str() != "SERVICE_UNAVAILABLE (5094)"),
        "{alarms:?}"
    );
}
