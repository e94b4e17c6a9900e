//! Control scripts that misbehave, one kind after the other on one site: each ends in a named outcome within its bound,
//! the VIP is where it belongs or the pair says why not, an alarm tells the operator what they must know, and no
//! process is left over.

use crate::asking::{BACKUP, PRIMARY, describe, observed, pair};
use crate::environment::{GOOD_DOWN, GOOD_UP, Wishes, write_good_scripts, write_script};
use crate::site::{Site, wait_until};
use changeover_model::message::{PairState, Step, TimelineRecord};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

/// Longest time from the order to the outcome: two attempts of a script with its 2 s, the roll-back, and slack.
const OUTCOME: Duration = Duration::from_secs(25);

struct Case {
    what: &'static str,
    script: &'static str,
    body: String,
    /// The VIP moves all the same.
    moves: bool,
    /// The operator must know.
    alarm: bool,
}

fn cases() -> Vec<Case> {
    let down = |what, body: &str, moves| Case { what, script: "set_ip_down.sh", body: body.to_owned(), moves, alarm: false };
    let up = |what, body: &str, moves| Case { what, script: "set_ip_up.sh", body: body.to_owned(), moves, alarm: !moves };
    vec![
        up("exits non-zero with effect", &format!("{GOOD_UP}; exit 3"), true),
        down("exits non-zero with effect", &format!("{GOOD_DOWN}; exit 255"), true),
        up("exits 0 without effect", "exit 0", false),
        down("exits 0 without effect", "exit 0", true),
        up("exits non-zero without effect", "exit 7", false),
        up("prints megabytes", &format!("head -c 8000000 /dev/zero | tr '\\0' 'x'; {GOOD_UP}"), true),
        down("hangs", "sleep 600", true),
        up("hangs", "sleep 600", false),
        down("hangs after its effect", &format!("{GOOD_DOWN}; sleep 600"), true),
        up("forks and lingers", &format!("{GOOD_UP}; sleep 600 &"), true),
        down("forks and lingers", &format!("(trap '' TERM; sleep 600) & {GOOD_DOWN}"), true),
        up("calls setsid", &format!("setsid sleep 600 & {GOOD_UP}"), true),
        up("calls setsid and hangs", "setsid sh -c 'trap \"\" TERM; sleep 600' & sleep 600", false),
    ]
}

/// Finished control scripts of a record, as the timeline tells them.
fn outcomes(record: &TimelineRecord) -> Vec<String> {
    let finished = record.entries.iter().filter(|entry| matches!(entry.step, Step::Finished(..) | Step::CannotLaunch(..)));
    finished.map(|entry| format!("{}: {} [{}]", entry.who, entry.what, entry.evidence)).collect()
}

#[test]
fn each_misbehaving_script_ends_in_a_named_outcome_within_its_bound() {
    let mut site = Site::up(&Wishes::default());
    for case in cases() {
        play(&mut site, &case);
    }
    broken_file(&mut site, "is missing", |path| std::fs::remove_file(path).expect("it is there"));
    broken_file(&mut site, "is not executable", |path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    });
}

fn play(site: &mut Site, case: &Case) {
    let what = format!("{} that {}", case.script, case.what);
    write_script(&site.folder, case.script, &case.body);
    judge(site, &what, case.moves, case.alarm);
}

/// Both scripts, because the way back needs the same file on the other host.
fn broken_file(site: &mut Site, what: &str, harm: impl Fn(&std::path::Path)) {
    harm(&site.folder.join("scripts").join("set_ip_up.sh"));
    judge(site, &format!("set_ip_up.sh that {what}"), false, true);
    harm(&site.folder.join("scripts").join("set_ip_down.sh"));
    judge(site, &format!("set_ip_down.sh that {what}"), true, false);
}

fn judge(site: &mut Site, what: &str, moves: bool, alarm: bool) {
    site.forget_what_was_seen();
    let alarms_before = site.alarms(true).len();
    let began = Instant::now();
    let ran = site.sci_json(&["switchover", "SIP_EAST", "--to", "host2", "--timeout", "25s"]);
    let took = began.elapsed();
    assert!(took < OUTCOME, "{what}: {took:?}");
    let record: TimelineRecord = serde_json::from_value(ran.json()).expect("a record");
    let told = outcomes(&record);
    assert!(!told.is_empty(), "{what}: the timeline names no outcome: {record:#?}");
    assert_eq!(ran.code == 0, moves, "{what} after {took:?}: {}\n{told:#?}", record.why);
    if moves {
        site.reach_ok(BACKUP);
        assert_eq!(site.holders_seen(), ["host1", "-", "host2"], "{what}");
    } else {
        assert!(!record.why.is_empty(), "{what}: it says why");
        // Rolled back, or without a holder and saying so.
        let picture = site.reach(&format!("{what}: an end"), |picture| pair(picture).state != PairState::Switching);
        let state = pair(&picture).state;
        let where_it_belongs = state == PairState::Ok && observed(&picture) == ["host1"];
        let says = [PairState::VipNone, PairState::Held, PairState::NotReady].contains(&state);
        assert!(where_it_belongs || says, "{what}: {}", describe(&picture));
    }
    if alarm {
        wait_until(Duration::from_secs(10), || {
            let now = site.alarms(true);
            let own = now.iter().filter(|alarm| !alarm.condition.as_str().starts_with("ALRM_"));
            match own.count() {
                0 => Err(format!("{what}: an alarm beside those of the run modes; {alarms_before} before, {now:#?}")),
                _ => Ok(()),
            }
        });
    }
    wait_until(Duration::from_secs(10), || match site.strays() {
        left if left.is_empty() => Ok(()),
        left => Err(format!("{what} left {left:?}")),
    });
    write_good_scripts(&site.folder);
    restore(site, what);
}

/// Back to the start state with good scripts, as an operator would.
fn restore(site: &mut Site, what: &str) {
    wait_until(Duration::from_secs(30), || {
        let ran = site.sci(&["realign", "SIP_EAST"]);
        match site.picture() {
            Ok(picture) if ran.code == 0 && pair(&picture).state == PairState::Ok => Ok(()),
            Ok(picture) => Err(format!("{what}: ok again; it is {}", describe(&picture))),
            Err(error) => Err(error),
        }
    });
    site.sci(&["switchover", "SIP_EAST", "--to", "host1"]).expect(0);
    site.reach_ok(PRIMARY);
    for alarm in site.alarms(false) {
        site.sci(&["alarm", "clear", &alarm.id.to_string()]);
    }
}
