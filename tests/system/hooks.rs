//! Hooks of a real pair: run on the right side of the move of the VIP, judged by their exit, ended when they hang, and
//! rolled back for where they say so.

use crate::asking::{BACKUP, PRIMARY, member, observed};
use crate::environment::{Wishes, write_script};
use crate::site::{COMPONENTS, Site, wait_until};
use changeover_model::RunMode;
use changeover_model::message::{RecordOutcome, Step, TimelineRecord};
use std::time::{Duration, Instant};

const HOOKS: &str = "      on_primary:
        - {command: scripts/before.sh, arguments: [EAST, MASTER], timeout: 1s, when: before, on_failure: roll-back}
        - {command: scripts/after.sh, arguments: [EAST, MASTER], timeout: 1s}
      on_backup: {command: scripts/after.sh, arguments: [EAST, BACKUP], timeout: 1s}
";
/// Says what it was told, and whether the VIP stands on its host now.
const TELL: &str = r#"if ip addr show | grep -q 10.10.11.103/; then vip=here; else vip=away; fi
echo "$0 $* $CHANGEOVER_HOST $CHANGEOVER_ACTION $CHANGEOVER_APPLICATION $CHANGEOVER_RUN_MODE $CHANGEOVER_VIP $vip" >>told"#;

fn told(site: &Site) -> Vec<String> {
    let text = std::fs::read_to_string(site.folder.join("told")).unwrap_or_default();
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| line.rsplit("scripts/").next().unwrap_or(line).to_owned())
        .collect();
    lines.sort();
    lines
}

fn forget(site: &Site) {
    std::fs::write(site.folder.join("told"), "").expect("the folder is ours");
}

fn switchover(site: &Site, to: &str, code: i32) -> TimelineRecord {
    let ran = site.sci_json(&["switchover", "SIP_EAST", "--to", to]);
    serde_json::from_value(ran.expect(code).json()).expect("a record")
}

#[test]
fn hooks_run_around_the_move_of_the_vip_and_their_failure_is_told() {
    let wishes = Wishes {
        server: HOOKS.to_owned(),
        ..Wishes::default()
    };
    let mut site = Site::network_only(&wishes);
    write_script(&site.folder, "before.sh", TELL);
    write_script(&site.folder, "after.sh", TELL);
    for name in COMPONENTS {
        site.start(name);
    }
    site.reach_start_state();
    forget(&site);
    in_order(&mut site);
    one_fails_and_is_rolled_back_for(&mut site);
    one_hangs(&mut site);
    the_server_dies(&mut site);
}

fn in_order(site: &mut Site) {
    let record = switchover(site, "host2", 0);
    assert_eq!(
        told(site),
        [
            "after.sh EAST BACKUP host1 on_backup SIP_SERVER_PRIMARY Backup 10.10.11.103 away",
            "after.sh EAST MASTER host2 on_primary SIP_SERVER_BACKUP Primary 10.10.11.103 here",
            "before.sh EAST MASTER host2 on_primary SIP_SERVER_BACKUP Primary 10.10.11.103 away",
        ]
    );
    let steps: Vec<bool> = record
        .entries
        .iter()
        .filter_map(|entry| match &entry.step {
            Step::HookFinished(_, _, good) => Some(*good),
            _ => None,
        })
        .collect();
    assert_eq!(steps, [true, true, true], "{record:#?}");
    let first_mode = record
        .entries
        .iter()
        .position(|entry| matches!(entry.step, Step::RunModeOrdered(..)));
    let before = record
        .entries
        .iter()
        .position(|entry| matches!(entry.step, Step::HookFinished(..)));
    assert!(before < first_mode, "{record:#?}");
    switchover(site, "host1", 0);
    site.reach_ok(PRIMARY);
    forget(site);
}

fn one_fails_and_is_rolled_back_for(site: &mut Site) {
    site.forget_what_was_seen();
    let fails = format!("{TELL}\ncase $CHANGEOVER_HOST in host2) echo no disk; exit 5;; esac");
    write_script(&site.folder, "before.sh", &fails);
    let record = switchover(site, "host2", 1);
    assert_eq!(record.outcome, Some(RecordOutcome::RolledBack));
    assert!(
        record.why.contains("before.sh") && record.why.contains("exit 5: no disk"),
        "{}",
        record.why
    );
    site.reach_ok(PRIMARY);
    assert_eq!(site.holders_seen(), ["host1"], "the VIP never moved");
    let alarms = site.alarms(false);
    assert!(
        alarms.iter().any(
            |alarm| alarm.condition.as_str() == "HOOK_FAILED" && alarm.text.contains("no disk")
        ),
        "{alarms:#?}"
    );
    write_script(&site.folder, "before.sh", TELL);
    forget(site);
}

fn one_hangs(site: &mut Site) {
    let hangs = "trap '' TERM; setsid sleep 600 & sleep 601";
    write_script(&site.folder, "after.sh", hangs);
    let began = Instant::now();
    let record = switchover(site, "host2", 0);
    assert!(began.elapsed() < Duration::from_secs(15), "{record:#?}");
    assert!(record.why.contains("after.sh"), "{}", record.why);
    site.reach_ok(BACKUP);
    wait_until(Duration::from_secs(10), || {
        let mut left = site.strays();
        left.retain(|line| line.contains("sleep"));
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("nothing is left of it, not {left:?}"))
        }
    });
    write_script(&site.folder, "after.sh", TELL);
    switchover(site, "host1", 0);
    site.reach_ok(PRIMARY);
    wait_until(Duration::from_secs(10), || {
        let told = site.alarms(false);
        let open = told
            .iter()
            .filter(|alarm| alarm.condition.as_str() == "HOOK_FAILED");
        match open.count() {
            0 => Ok(()),
            more => Err(format!("hooks that succeed end their alarms, {more} left")),
        }
    });
    forget(site);
}

fn the_server_dies(site: &mut Site) {
    let picture = site.picture().expect("the SCS answers");
    crate::site::send(
        crate::asking::pid(&picture, PRIMARY),
        rustix::process::Signal::KILL,
    );
    site.reach("the other one primary", |picture| {
        member(picture, BACKUP).run_mode == RunMode::Primary && observed(picture) == ["host2"]
    });
    site.reach_ok(BACKUP);
    assert_eq!(
        told(site),
        [
            "after.sh EAST BACKUP host1 on_backup SIP_SERVER_PRIMARY Backup 10.10.11.103 away",
            "after.sh EAST MASTER host2 on_primary SIP_SERVER_BACKUP Primary 10.10.11.103 here",
            "before.sh EAST MASTER host2 on_primary SIP_SERVER_BACKUP Primary 10.10.11.103 away",
        ]
    );
}
