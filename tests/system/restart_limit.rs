//! A server that ends whenever it is started: restarted with a growing delay until the limit, then Stopped with the
//! reason and an alarm, while the other one serves.

use crate::asking::{BACKUP, PRIMARY, member, observed, pair, pid};
use crate::environment::Wishes;
use crate::site::{Site, send, wait_until};
use changeover_model::message::PairState;
use changeover_model::{ApplicationStatus, RunMode};
use rustix::process::Signal;
use std::time::Duration;

#[test]
fn a_server_that_crashes_again_and_again_stays_stopped_and_the_pair_is_served_by_the_other() {
    let start_info = "restart: {first_delay: 50ms, longest_delay: 200ms, limit: 3, within: 10m}";
    let mut site = Site::up(&Wishes {
        start_info: start_info.to_owned(),
        ..Wishes::default()
    });
    let mut last = pid(&site.picture().expect("the SCS answers"), PRIMARY);
    for kill in 0..4 {
        send(last, Signal::KILL);
        if kill == 3 {
            break;
        }
        let again = site.reach("another start", |picture| {
            member(picture, PRIMARY).status == ApplicationStatus::Running
                && picture.applications.iter().any(|one| {
                    one.name.as_str() == PRIMARY && one.pid.is_some_and(|pid| pid != last)
                })
        });
        last = pid(&again, PRIMARY);
    }
    let given_up = site.reach("Stopped for good, with the reason", |picture| {
        let server = member(picture, PRIMARY);
        server.status == ApplicationStatus::Stopped && server.reason.contains("restart-limit")
    });
    assert_eq!(pair(&given_up).state, PairState::NotReady);
    assert_eq!(member(&given_up, BACKUP).run_mode, RunMode::Primary);
    assert_eq!(observed(&given_up), ["host2"]);
    assert_eq!(
        site.holders_seen(),
        ["host1", "-", "host2"],
        "one failover, not one per crash"
    );
    wait_until(Duration::from_secs(10), || {
        let alarms = site.alarms(false);
        let told = alarms.iter().any(|alarm| {
            alarm.application.as_str() == PRIMARY && alarm.text.contains("not restarted any more")
        });
        if told {
            Ok(())
        } else {
            Err(format!("an alarm about the restart limit, not {alarms:#?}"))
        }
    });
    // An operator's start begins anew.
    site.sci(&["start", PRIMARY]).expect(0);
    site.reach_ok(BACKUP);
}

#[test]
fn a_program_that_ends_at_once_fails_its_start_with_the_reason_and_its_last_words() {
    let more = "applications:\n  BROKEN: {type: ThirdPartyServer, host: host1, start_info: {working_directory: \"/tmp\", \
                command_line: sh, arguments: [\"-c\", \"echo no such licence >&2; exit 5\"], auto_restart: false}}\n  \
                MISSING: {type: ThirdPartyServer, host: host1, start_info: {working_directory: \"/tmp\", command_line: ./not-there}}\n";
    let mut site = Site::up(&Wishes {
        more: more.to_owned(),
        ..Wishes::default()
    });
    for (name, words) in [("BROKEN", "5"), ("MISSING", "not-there")] {
        let ran = site.sci(&["start", name, "--timeout", "20s"]);
        let status = |site: &Site| {
            let picture = site.picture().expect("the SCS answers");
            let application = picture
                .applications
                .iter()
                .find(|one| one.name.as_str() == name)
                .expect("it is listed");
            (application.status, application.reason.clone())
        };
        wait_until(Duration::from_secs(10), || match status(&site) {
            (ApplicationStatus::Stopped, reason) if reason.contains(words) => Ok(()),
            other => Err(format!(
                "{name} Stopped because of {words}, not {other:?} ({ran:?})"
            )),
        });
    }
    let missing = site.sci(&["start", "MISSING"]).expect(1);
    assert!(
        format!("{}{}", missing.out, missing.err).contains("not-there"),
        "{missing:?}"
    );
    site.reach_ok(PRIMARY);
    assert_eq!(site.holders_seen(), ["host1"]);
}
