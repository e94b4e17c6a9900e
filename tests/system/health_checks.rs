//! Health checks of a real pair: one that hangs for ever, returns late, prints megabytes or flaps is named in `sci` and
//! changes nothing for the others, for the heartbeat or for the primary; one that fails moves the VIP.

use crate::asking::{BACKUP, PRIMARY, member, observed};
use crate::environment::{Wishes, write_script};
use crate::site::{Site, wait_until};
use changeover_model::message::{CheckStanding, CheckState, Picture, RecordKind};
use changeover_model::{ApplicationStatus, HostStatus, RunMode};
use std::time::Duration;

/// `media` and `edge` decide; `odd` is the one that misbehaves, on host2 only. `rhythm` leaves a line a run.
const CHECKS: &str = r"      health:
        - {name: media, command: scripts/media.sh, every: 400ms, timeout: 300ms, fall: 2, rise: 2}
        - {name: odd, command: scripts/odd.sh, every: 400ms, timeout: 300ms, fall: 2, rise: 2}
        - {name: rhythm, command: scripts/rhythm.sh, every: 400ms, timeout: 300ms, fall: 20}
        - {name: agent, tcp: 'host:4999', every: 400ms, timeout: 300ms}
        - {link: [eth0]}
";
const RHYTHM: &str = "echo x >>rhythm-$CHANGEOVER_HOST";

fn check<'p>(picture: &'p Picture, application: &str, name: &str) -> Option<&'p CheckState> {
    let mut all = picture.applications.iter();
    all.find(|one| one.name.as_str() == application)
        .and_then(|one| one.health.iter().find(|check| check.name == name))
}

fn runs(site: &Site) -> usize {
    std::fs::read_to_string(site.folder.join("rhythm-host2"))
        .unwrap_or_default()
        .lines()
        .count()
}

/// On host2 this happens, on host1 all is well.
fn on_host2(site: &Site, name: &str, body: &str) {
    let body = format!("case $CHANGEOVER_HOST in host1) exit 0;; esac\n{body}");
    write_script(&site.folder, name, &body);
}

#[test]
fn checks_that_misbehave_are_named_and_one_that_fails_moves_the_vip() {
    let wishes = Wishes {
        server: CHECKS.to_owned(),
        ..Wishes::default()
    };
    let mut site = Site::network_only(&wishes);
    for (name, body) in [
        ("media.sh", "exit 0"),
        ("odd.sh", "exit 0"),
        ("rhythm.sh", RHYTHM),
    ] {
        write_script(&site.folder, name, body);
    }
    for name in crate::site::COMPONENTS {
        site.start(name);
    }
    site.reach_start_state();
    let first = site.picture().expect("the SCS answers");
    let passing = ["media", "odd", "rhythm", "agent", "link eth0"];
    for name in passing {
        let standing = check(&first, PRIMARY, name).map(|check| check.standing);
        assert_eq!(standing, Some(CheckStanding::Passing), "{name}");
    }
    for (body, said) in [
        (
            "trap '' TERM; setsid sleep 600 & sleep 601",
            "no answer within 300ms",
        ),
        ("sleep 0.6; echo all is well", "no answer within 300ms"),
        (
            "exec head -c 20000000 /dev/zero",
            "printed more than 1024 KiB",
        ),
        ("echo no port left; exit 3", "exit 3: no port left"),
    ] {
        it_misbehaves(&mut site, body, said);
    }
    it_flaps(&mut site);
    it_fails_on_the_primary(&mut site);
}

fn it_misbehaves(site: &mut Site, body: &str, said: &str) {
    site.forget_what_was_seen();
    on_host2(site, "odd.sh", body);
    let picture = site.reach("the backup is called down by name", |picture| {
        let server = member(picture, BACKUP);
        server.status == ApplicationStatus::ServiceUnavailable
            && server.reason.contains("health check \"odd\"")
            && server.reason.contains(said)
    });
    let ready = &crate::asking::pair(&picture).ready;
    assert!(
        !ready.switchover && ready.reasons[0].reason.contains(said),
        "{ready:?}"
    );
    let text = site.sci(&["applications"]).expect(0).out;
    let line = text.lines().find(|line| line.contains(" DOWN "));
    let line = line.unwrap_or_else(|| panic!("no check is DOWN in\n{text}"));
    assert!(line.contains("odd") && line.contains(said), "{line}");
    // The others go on in their rhythm meanwhile.
    let before = runs(site);
    wait_until(Duration::from_secs(15), || match runs(site) - before {
        8.. => Ok(()),
        more => Err(format!("8 runs beside the one that misbehaves, not {more}")),
    });
    let picture = site.picture().expect("the SCS answers");
    for name in ["media", "rhythm", "agent", "link eth0"] {
        let standing = check(&picture, BACKUP, name).map(|check| check.standing);
        assert_eq!(standing, Some(CheckStanding::Passing), "{name} with {body}");
    }
    assert!(
        picture
            .hosts
            .iter()
            .filter(|host| host.needs_lca)
            .all(|host| host.status == HostStatus::Running),
        "the heartbeat goes on"
    );
    assert_eq!(site.holders_seen(), ["host1"], "the primary is not touched");
    write_script(&site.folder, "odd.sh", "exit 0");
    site.reach_ok(PRIMARY);
    wait_until(Duration::from_secs(10), || {
        let mut left = site.strays();
        left.retain(|line| line.contains("sleep") || line.contains("head"));
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("nothing is left of it, not {left:?}"))
        }
    });
}

/// It fails once, passes, fails once: never twice in a row, so it is never down.
fn it_flaps(site: &mut Site) {
    on_host2(
        site,
        "odd.sh",
        "if [ -e flap ]; then rm flap; echo fine; else touch flap; echo wobbly; exit 1; fi",
    );
    let picture = site.reach("the flapping check is seen", |picture| {
        assert_eq!(
            member(picture, BACKUP).status,
            ApplicationStatus::Running,
            "it never falls: {}",
            member(picture, BACKUP).reason
        );
        check(picture, BACKUP, "odd").is_some_and(|check| check.failed_lately >= 5)
    });
    let odd = check(&picture, BACKUP, "odd").expect("it is configured");
    assert!(odd.runs_lately >= 9, "{odd:?}");
    let text = site.sci(&["applications"]).expect(0).out;
    let lately = format!("of the last {} failed", odd.runs_lately);
    assert!(
        text.contains("failed") && text.contains("odd"),
        "{lately}\n{text}"
    );
    write_script(&site.folder, "odd.sh", "exit 0");
    site.reach_ok(PRIMARY);
}

fn it_fails_on_the_primary(site: &mut Site) {
    site.forget_what_was_seen();
    write_script(
        &site.folder,
        "media.sh",
        "case $CHANGEOVER_HOST in host2) exit 0;; esac; echo no kernel module; exit 1",
    );
    let picture = site.reach("the other one primary", |picture| {
        member(picture, BACKUP).run_mode == RunMode::Primary
            && member(picture, PRIMARY).run_mode == RunMode::Backup
            && observed(picture) == ["host2"]
    });
    let reason = &member(&picture, PRIMARY).reason;
    let said = "health check \"media\": exit 1: no kernel module (2 in a row)";
    assert_eq!(reason, said);
    assert_eq!(site.holders_seen(), ["host1", "-", "host2"]);
    let records = site.records();
    let failover = records
        .iter()
        .rfind(|record| record.kind == RecordKind::Failover)
        .expect("it is on record");
    assert!(failover.trigger.contains(said), "{failover:#?}");
    let why = site.sci(&["status"]).expect(0).out;
    assert!(why.contains("no kernel module"), "{why}");
    assert!(
        site.alarms(false)
            .iter()
            .any(|alarm| alarm.text.contains(said)),
        "an alarm says it"
    );
    write_script(&site.folder, "media.sh", "exit 0");
    site.reach_ok(BACKUP);
}
