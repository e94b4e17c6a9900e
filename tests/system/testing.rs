//! The alarm Test, realignment, clearing: what an operator does to try a condition on a live pair.

use crate::asking::{PRIMARY, observed, pair};
use crate::environment::Wishes;
use crate::site::{Site, wait_until};
use changeover_model::message::PairState;
use serde_json::json;
use std::time::Duration;

#[test]
fn a_test_says_beforehand_that_it_leaves_no_holder_and_realign_restores_one() {
    let mut site = Site::up(&Wishes::default());
    let condition = "ALRM_PRIMARY_4561_HABackup";
    let before = site.picture().expect("the SCS answers");
    let alarms_before = site.alarms(true);

    no_holder_is_predicted(&site, condition);
    assert_eq!(
        site.sci_json(&["alarm", "test", condition])
            .expect(1)
            .refused(),
        ["confirmation-needed"]
    );
    assert_eq!(
        site.holders_seen(),
        ["host1"],
        "neither the dry run nor the refused one did anything"
    );
    assert_eq!(site.alarms(true), alarms_before);

    site.sci(&["alarm", "test", condition, "--yes"]).expect(0);
    let tested = site.reach("vip-none with a test hold", |picture| {
        pair(picture).state == PairState::VipNone
    });
    let hold = pair(&tested).test_hold_ms.expect("the hold is shown");
    assert!((1..=60_000).contains(&hold), "{hold}");
    assert_eq!(
        pair(&tested).epoch,
        pair(&before).epoch,
        "no run mode changed"
    );
    assert!(
        pair(&tested)
            .suppressed
            .iter()
            .any(|reason| reason.code.as_str() == "test-hold")
    );
    let alarms = site.alarms(false);
    let alarm = alarms
        .iter()
        .find(|alarm| alarm.condition.as_str() == condition)
        .expect("it is active");
    assert!(alarm.activated_by.contains("manual"), "{alarm:?}");

    let cleared = site
        .sci(&["alarm", "clear", &alarm.id.to_string()])
        .expect(0);
    assert!(cleared.out.contains("cleared"), "{cleared:?}");
    assert!(site.alarms(false).iter().all(|one| one.id != alarm.id));
    let past = site
        .alarms(true)
        .into_iter()
        .find(|one| one.id == alarm.id)
        .expect("it is history");
    assert!(past.cleared_at.is_some() && past.cleared_by.is_some_and(|by| by.contains("tester")));

    site.sci(&["realign", "SIP_EAST"]).expect(0);
    let restored = site.reach_ok(PRIMARY);
    assert_eq!(
        (observed(&restored), pair(&restored).test_hold_ms),
        (vec!["host1"], None)
    );
    assert_eq!(site.holders_seen(), ["host1", "-", "host1"]);
}

fn no_holder_is_predicted(site: &Site, condition: &str) {
    let predicted = site
        .sci_json(&["alarm", "test", condition, "--dry-run"])
        .expect(0)
        .json();
    assert_eq!(
        predicted["virtual_ips"],
        json!([{"address": "10.10.11.103/24", "holders": [], "intended": "host1"}])
    );
    let runs: Vec<_> = predicted["runs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|run| (&run["script"], &run["host"]))
        .collect();
    assert_eq!(
        runs,
        [(&json!("AR_SCRIPT_PRIMARY_VIP_DOWN"), &json!("host1"))]
    );
    assert_ne!(predicted["warnings"], json!([]), "it warns");
}

#[test]
fn a_test_hold_ends_by_itself_and_the_vip_comes_back() {
    let mut site = Site::up(&Wishes {
        policy: "test_hold: 1s, realign_after: 200ms".to_owned(),
        ..Wishes::default()
    });
    site.sci(&["alarm", "test", "ALRM_PRIMARY_4561_HABackup", "--yes"])
        .expect(0);
    site.reach_ok(PRIMARY);
    assert_eq!(site.holders_seen(), ["host1", "-", "host1"]);
}

#[test]
fn conditions_not_selected_by_application_need_one_for_a_test_and_alarms_end_by_their_timeout() {
    let more = "alarm_conditions:\n  ANY_MODE: {category: Minor, detect: {log_event_id: 4999, selection: any}, \
                cancel: {log_event_id: 5000}, cancel_timeout: 1500ms, reaction_scripts: []}\n";
    let mut site = Site::up(&Wishes {
        more: more.to_owned(),
        ..Wishes::default()
    });
    site.sci(&["alarm", "test", "ANY_MODE", "--yes"]).expect(2);
    site.sci(&[
        "alarm",
        "test",
        "ANY_MODE",
        "--application",
        PRIMARY,
        "--yes",
    ])
    .expect(0);
    let active = |site: &Site| {
        site.alarms(false)
            .iter()
            .filter(|alarm| alarm.condition.as_str() == "ANY_MODE")
            .count()
    };
    assert_eq!(active(&site), 1);
    let gone = |site: &Site| {
        wait_until(Duration::from_secs(10), || match active(site) {
            0 => Ok(()),
            count => Err(format!("{count} alarms are active still")),
        });
    };
    gone(&site);
    let by = |site: &Site| -> Vec<String> {
        let mine = site
            .alarms(true)
            .into_iter()
            .filter(|alarm| alarm.condition.as_str() == "ANY_MODE");
        mine.filter_map(|alarm| alarm.cleared_by).collect()
    };
    assert!(by(&site)[0].contains("timeout"), "{:?}", by(&site));

    site.sci(&["log-event", "4999", "--application", PRIMARY])
        .expect(0);
    wait_until(Duration::from_secs(10), || {
        if active(&site) == 1 {
            Ok(())
        } else {
            Err("the alarm".to_owned())
        }
    });
    site.sci(&["log-event", "5000", "--application", PRIMARY])
        .expect(0);
    gone(&site);
    assert_eq!(by(&site).len(), 2);
    assert_eq!(site.holders_seen(), ["host1"]);
    site.reach_ok(PRIMARY);
}
