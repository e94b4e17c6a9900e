//! Control scripts that misbehave, one kind after the other on one site: each ends in a named outcome within its bound,
//! the VIP is where it belongs or the pair says why not, an alarm tells the operator what they must know, and no
//! process is left over.

use crate::asking::{BACKUP, PRIMARY, describe, observed, pair};
use crate::environment::{GOOD_DOWN, GOOD_UP, Wishes, write_good_scripts, write_script};
use crate::site::{Site, wait_until};
use changeover_model::Timestamp;
use changeover_model::message::{PairState, RecordOutcome, Step, TimelineRecord};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

/// Longest time from the order to the outcome: two attempts of a script with its 2 s, the roll-back, and slack.
const OUTCOME: Duration = Duration::from_secs(25);

struct Case {
    what: &'static str,
    script: &'static str,
    body: String,
    end: End,
}

/// How a switchover with such a script ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The VIP moves as if nothing were wrong.
    Moves,
    /// It moves because the LCA takes the address away itself, which the operator is told.
    Forced,
    /// Back to the previous primary, whose script works; the operator is told.
    RolledBack,
    /// Neither host gets it: the pair says so, and an alarm.
    NoHolder,
}

fn cases() -> Vec<Case> {
    let down = |what, body: &str, end| Case {
        what,
        script: "set_ip_down.sh",
        body: body.to_owned(),
        end,
    };
    // On host1 it works, so that there is a way back.
    let up = |what, body: &str, end| Case {
        what,
        script: "set_ip_up.sh",
        body: format!("case $CHANGEOVER_HOST in host1) {GOOD_UP}; exit;; esac\n{body}"),
        end,
    };
    let and_good = |wrong: &str| format!("{wrong} {GOOD_UP}");
    vec![
        up(
            "exits non-zero with effect",
            &format!("{GOOD_UP}; exit 3"),
            End::Moves,
        ),
        down(
            "exits non-zero with effect",
            &format!("{GOOD_DOWN}; exit 255"),
            End::Moves,
        ),
        up("exits 0 without effect", "exit 0", End::RolledBack),
        down("exits 0 without effect", "exit 0", End::Forced),
        up("exits non-zero without effect", "exit 7", End::RolledBack),
        up(
            "prints megabytes",
            &and_good("head -c 8000000 /dev/zero | tr '\\0' 'x';"),
            End::Moves,
        ),
        down("hangs", "sleep 600", End::Forced),
        up("hangs", "sleep 600", End::RolledBack),
        down(
            "hangs after its effect",
            &format!("{GOOD_DOWN}; sleep 600"),
            End::Moves,
        ),
        up(
            "forks and lingers",
            &format!("{GOOD_UP}; sleep 600 &"),
            End::Moves,
        ),
        down(
            "forks and lingers",
            &format!("(trap '' TERM; sleep 600) & {GOOD_DOWN}"),
            End::Moves,
        ),
        up("calls setsid", &and_good("setsid sleep 600 &"), End::Moves),
        up(
            "calls setsid and hangs",
            "setsid sh -c 'trap \"\" TERM; sleep 600' & sleep 600",
            End::RolledBack,
        ),
    ]
}

/// Finished control scripts of a record, as the timeline tells them.
fn outcomes(record: &TimelineRecord) -> Vec<String> {
    let finished = record
        .entries
        .iter()
        .filter(|entry| matches!(entry.step, Step::Finished(..) | Step::CannotLaunch(..)));
    finished
        .map(|entry| format!("{}: {} [{}]", entry.who, entry.what, entry.evidence))
        .collect()
}

#[test]
fn each_misbehaving_script_ends_in_a_named_outcome_within_its_bound() {
    let mut site = Site::up(&Wishes::default());
    for case in cases() {
        play(&mut site, &case);
    }
    broken_file(&mut site, "is missing", |path| {
        std::fs::remove_file(path).expect("it is there")
    });
    broken_file(&mut site, "is not executable", |path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    });
}

fn play(site: &mut Site, case: &Case) {
    let what = format!("{} that {}", case.script, case.what);
    write_script(&site.folder, case.script, &case.body);
    judge(site, &what, case.end);
}

/// On both hosts, because both use the same file.
fn broken_file(site: &mut Site, what: &str, harm: impl Fn(&std::path::Path)) {
    harm(&site.folder.join("scripts").join("set_ip_up.sh"));
    judge(site, &format!("set_ip_up.sh that {what}"), End::NoHolder);
    harm(&site.folder.join("scripts").join("set_ip_down.sh"));
    judge(site, &format!("set_ip_down.sh that {what}"), End::Forced);
}

fn judge(site: &mut Site, what: &str, end: End) {
    site.forget_what_was_seen();
    let from = site.picture().expect("the SCS answers").at;
    let began = Instant::now();
    let words = [
        "switchover",
        "SIP_EAST",
        "--to",
        "host2",
        "--timeout",
        "25s",
    ];
    let ran = site.sci_json(&words);
    let took = began.elapsed();
    assert!(took < OUTCOME, "{what}: {took:?}");
    let record: TimelineRecord = serde_json::from_value(ran.json()).expect("a record");
    let told = outcomes(&record);
    let said = format!("{what} after {took:?}: {}\n{told:#?}", record.why);
    assert!(
        !told.is_empty() && !record.why.is_empty(),
        "no outcome is named: {said}"
    );
    match end {
        End::Moves | End::Forced => {
            assert_eq!(ran.code, 0, "{said}");
            site.reach_ok(BACKUP);
            assert_eq!(site.holders_seen(), ["host1", "-", "host2"], "{what}");
        }
        End::RolledBack => {
            assert_eq!(
                (ran.code, record.outcome),
                (1, Some(RecordOutcome::RolledBack)),
                "{said}"
            );
            site.reach_ok(PRIMARY);
            assert_eq!(site.holders_seen(), ["host1", "-", "host1"], "{what}");
        }
        End::NoHolder => {
            assert_eq!(ran.code, 1, "{said}");
            let missing = format!("{what}: nobody holds the VIP, and the pair says so");
            site.reach(&missing, |picture| {
                [PairState::VipNone, PairState::Held].contains(&pair(picture).state)
                    && observed(picture).is_empty()
            });
        }
    }
    the_operator_is_told(site, what, from, end != End::Moves);
    wait_until(Duration::from_secs(10), || match site.strays() {
        left if left.is_empty() => Ok(()),
        left => Err(format!("{what} left {left:?}")),
    });
    write_good_scripts(&site.folder);
    restore(site, what);
}

/// An alarm of the Management Layer since then, if there was anything to tell.
fn the_operator_is_told(site: &Site, what: &str, from: Timestamp, wanted: bool) {
    let told = || -> Vec<String> {
        let all = site.alarms(true).into_iter();
        all.filter(|alarm| alarm.renewed_at >= from)
            .map(|alarm| alarm.condition.to_string())
            .filter(|name| !name.starts_with("ALRM_"))
            .collect()
    };
    if wanted {
        wait_until(Duration::from_secs(10), || match told() {
            names if names.is_empty() => {
                Err(format!("{what}: an alarm beside those of the run modes"))
            }
            _ => Ok(()),
        });
    }
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
    site.sci(&["switchover", "SIP_EAST", "--to", "host1"])
        .expect(0);
    site.reach_ok(PRIMARY);
    for alarm in site.alarms(false) {
        site.sci(&["alarm", "clear", &alarm.id.to_string()]);
    }
}
