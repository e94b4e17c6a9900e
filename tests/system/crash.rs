//! kill -9 and restart of each component, idle and in the middle of a switchover: nothing moves beyond the switchover
//! that was interrupted, no server ends, no event and no alarm is lost, epochs only grow.

use crate::asking::{BACKUP, PRIMARY, describe, pair, pid};
use crate::environment::{GOOD_DOWN, GOOD_UP, Wishes, write_script};
use crate::site::{COMPONENTS, Site, wait_until};
use changeover_model::RunMode;
use changeover_model::message::{PairState, Picture};
use std::collections::BTreeMap;
use std::time::Duration;

fn pids(picture: &Picture) -> [u32; 2] {
    [pid(picture, PRIMARY), pid(picture, BACKUP)]
}

/// The run modes that a server says it has entered, from its own output: what it must have logged as events.
fn entered(site: &Site, host: &str, server: &str) -> Vec<(u32, u64)> {
    let output = site
        .folder
        .join("state")
        .join(format!("lca-{host}"))
        .join("output")
        .join(server);
    let text = std::fs::read_to_string(&output)
        .unwrap_or_else(|error| panic!("{}: {error}", output.display()));
    text.lines()
        .filter(|line| line.contains("run mode entered"))
        .map(|line| {
            let value = |key: &str| {
                let plain: String = line
                    .split(key)
                    .nth(1)
                    .unwrap_or_default()
                    .chars()
                    .take_while(|c| !c.is_whitespace())
                    .collect();
                plain
            };
            let id = if value("run_mode=") == RunMode::Primary.to_string() {
                4563
            } else {
                4561
            };
            (
                id,
                value("epoch=")
                    .parse()
                    .unwrap_or_else(|_| panic!("no epoch in {line}")),
            )
        })
        .collect()
}

/// Every event that the servers sent is in the log exactly once.
fn no_event_is_lost_or_doubled(site: &Site) {
    for (host, server) in [("host1", PRIMARY), ("host2", BACKUP)] {
        wait_until(Duration::from_secs(15), || {
            let logged: Vec<(u32, u64)> = site
                .events(&["--application", server])
                .iter()
                .filter(|record| (4560..=4563).contains(&record.event.id.0))
                .map(|record| {
                    (
                        record.event.id.0,
                        record.event.epoch.map_or(0, |epoch| epoch.0),
                    )
                })
                .collect();
            let sent = entered(site, host, server);
            if logged == sent {
                Ok(())
            } else {
                Err(format!("{server} sent {sent:?}, the log has {logged:?}"))
            }
        });
    }
    let mut seen: BTreeMap<(String, u64), u32> = BTreeMap::new();
    for record in site.events(&["--limit", "1000"]) {
        *seen
            .entry((record.event.source.to_string(), record.event.sequence))
            .or_default() += 1;
    }
    let doubled: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "logged more than once: {doubled:?}");
}

#[test]
fn restarts_of_idle_components_move_nothing_and_lose_nothing() {
    let more = "alarm_conditions:\n  KEPT: {category: Major, detect: {log_event_id: 4999, selection: any}, \
                cancel_timeout: 1h, reaction_scripts: []}\n";
    let mut site = Site::up(&Wishes {
        more: more.to_owned(),
        ..Wishes::default()
    });
    site.sci(&["log-event", "4999", "--application", PRIMARY])
        .expect(0);
    let kept = |site: &Site| -> Vec<u64> {
        site.alarms(false)
            .iter()
            .filter(|alarm| alarm.condition.as_str() == "KEPT")
            .map(|alarm| alarm.id.0)
            .collect()
    };
    wait_until(Duration::from_secs(10), || {
        if kept(&site).len() == 1 {
            Ok(())
        } else {
            Err("the alarm".to_owned())
        }
    });
    let alarm = kept(&site);
    let before = site.reach_ok(PRIMARY);
    for name in COMPONENTS {
        site.kill_and_restart(name);
        let after = site.reach_ok(PRIMARY);
        assert_eq!(pids(&after), pids(&before), "{name}: every server lives on");
        assert!(pair(&after).epoch >= pair(&before).epoch, "{name}");
        assert_eq!(site.holders_seen(), ["host1"], "{name}: the VIP stays");
        assert_eq!(
            kept(&site),
            alarm,
            "{name}: the alarm is still the same one"
        );
    }
    for name in COMPONENTS {
        site.kill(name);
    }
    for name in COMPONENTS {
        site.start(name);
    }
    let after = site.reach_ok(PRIMARY);
    assert_eq!(
        pids(&after),
        pids(&before),
        "all at once: every server lives on"
    );
    assert_eq!(site.holders_seen(), ["host1"]);
    assert_eq!(kept(&site), alarm);
    no_event_is_lost_or_doubled(&site);
    // And the site still works.
    site.sci(&["switchover", "SIP_EAST"]).expect(0);
    let switched = site.reach_ok(BACKUP);
    assert!(pair(&switched).epoch > pair(&after).epoch);
    assert_eq!(site.holders_seen(), ["host1", "-", "host2"]);
    no_event_is_lost_or_doubled(&site);
}

#[test]
fn events_sent_while_the_message_server_is_away_are_kept_and_arrive_once() {
    let mut site = Site::up(&Wishes::default());
    let before = site.reach_ok(PRIMARY);
    site.kill("message-server");
    site.reach("the Message Server gone", |picture| {
        !picture.message_server_connected
    });
    // Without events no reaction is requested by an alarm: the SCS names the silent hop and moves the VIP itself.
    site.sci(&["switchover", "SIP_EAST"]).expect(0);
    site.reach("the VIP on host2", |picture| {
        crate::asking::observed(picture) == ["host2"]
    });
    site.start("message-server");
    let after = site.reach_ok(BACKUP);
    assert_eq!(pids(&after), pids(&before));
    no_event_is_lost_or_doubled(&site);
    assert_eq!(
        site.holders_seen(),
        ["host1", "-", "host2"],
        "late events move nothing"
    );
}

/// Kills a component so long after the start of a switchover, restarts it, and judges how it ended.
fn interrupt(site: &mut Site, name: &'static str, after: Duration) {
    let before = site.picture().expect("the SCS answers");
    let from = pair(&before)
        .members
        .iter()
        .find(|one| one.run_mode == RunMode::Primary)
        .expect("a primary");
    let (from_name, from_host) = (from.application.to_string(), from.host.to_string());
    let (to_name, to_host) = if from_name == PRIMARY {
        (BACKUP, "host2")
    } else {
        (PRIMARY, "host1")
    };
    site.forget_what_was_seen();
    let switchover = site.sci_in_background(&["switchover", "SIP_EAST", "--timeout", "20s"]);
    // The moment of the crash is what is varied here; nothing is waited for.
    std::thread::sleep(after);
    site.kill_and_restart(name);
    let what = format!("{name} killed after {after:?}: ok again");
    let settled = site.reach(&what, |picture| {
        pair(picture).state == PairState::Ok && picture.message_server_connected
    });
    // Its exit code is that of what it saw: done, failed, or the SCS gone away.
    let ran = switchover.ended(site);
    assert!([0, 1, 3].contains(&ran.code), "{what}: {ran:?}");
    assert_eq!(
        pids(&settled),
        pids(&before),
        "{what}: no server was ended, {}",
        describe(&settled)
    );
    assert!(pair(&settled).epoch >= pair(&before).epoch, "{what}");
    let seen = site.holders_seen();
    let hosts: Vec<&str> = seen
        .iter()
        .map(String::as_str)
        .filter(|hosts| *hosts != "-")
        .collect();
    let (from_host, stayed) = (from_host.as_str(), vec![from_host.as_str()]);
    let ways = [
        stayed,
        vec![from_host, to_host],
        vec![from_host, from_host],
        vec![from_host, to_host, from_host],
    ];
    assert!(
        ways.contains(&hosts),
        "{what}: it completes or rolls back and moves no more: {seen:?}"
    );
    let primary = pair(&settled)
        .members
        .iter()
        .find(|one| one.run_mode == RunMode::Primary)
        .expect("a primary");
    assert_eq!(Some(&primary.host.as_str()), hosts.last(), "{what}");
    assert!([from_name.as_str(), to_name].contains(&primary.application.as_str()));
    no_event_is_lost_or_doubled(site);
}

fn slow_site() -> Site {
    let mut site = Site::up(&Wishes::default());
    // Scripts that take a while, so that the crash finds each step under way.
    write_script(
        &site.folder,
        "set_ip_up.sh",
        &format!("sleep 0.15; {GOOD_UP}"),
    );
    write_script(
        &site.folder,
        "set_ip_down.sh",
        &format!("sleep 0.15; {GOOD_DOWN}"),
    );
    site.forget_what_was_seen();
    site
}

const OFFSETS: [u64; 5] = [20, 80, 150, 300, 450];

#[test]
fn a_switchover_in_which_the_scs_is_killed_completes_or_rolls_back() {
    let mut site = slow_site();
    for offset in OFFSETS {
        interrupt(&mut site, "scs", Duration::from_millis(offset));
    }
}

#[test]
fn a_switchover_in_which_the_message_server_is_killed_completes_or_rolls_back() {
    let mut site = slow_site();
    for offset in OFFSETS {
        interrupt(&mut site, "message-server", Duration::from_millis(offset));
    }
}

#[test]
fn a_switchover_in_which_an_lca_is_killed_completes_or_rolls_back() {
    let mut site = slow_site();
    for offset in OFFSETS {
        for name in ["lca-host1", "lca-host2"] {
            interrupt(&mut site, name, Duration::from_millis(offset));
        }
    }
}
