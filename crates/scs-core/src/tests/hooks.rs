//! Hooks around a change of roles, and what their failure leads to; a server that its health checks call down.

use super::desk::{A, B, Desk, site};
use changeover_model::environment::{Environment, Hook, HookFailure, HookTime, OnFailure};
use changeover_model::message::{CommandOutcome, ExitStatus, LcaReport};
use changeover_model::{ApplicationStatus, RunMode};
use std::time::Duration;

fn hook(command: &str, when: HookTime, on_failure: HookFailure) -> Hook {
    Hook {
        command: command.to_owned(),
        arguments: Vec::new(),
        timeout: Duration::from_secs(3),
        when,
        on_failure,
    }
}

/// Both servers have these hooks for both run modes: `COMMAND-primary`, `COMMAND-backup`.
fn with_hooks(hooks: &[(&str, HookTime, HookFailure)]) -> Environment {
    let mut site = site();
    for application in site.applications.values_mut() {
        if [A, B].contains(&application.name.as_str()) {
            let made = |mode: &str| {
                hooks
                    .iter()
                    .map(|(name, when, failure)| hook(&format!("{name}-{mode}"), *when, *failure))
                    .collect()
            };
            application.on_primary = made("primary");
            application.on_backup = made("backup");
        }
    }
    site
}

impl Desk {
    /// A hook ends, as its LCA tells.
    fn hook_ends(&mut self, command: &str, code: i32) {
        let (host, key) = self.hook_ordered(command);
        let outcome = CommandOutcome {
            exit: Some(ExitStatus::Code(code)),
            succeeded: code == 0,
            output: "last words\n".to_owned(),
        };
        self.report(&host, LcaReport::CommandFinished { key, outcome });
    }

    fn alarms(&self) -> Vec<String> {
        let alarms = self.core.alarms(false);
        alarms
            .iter()
            .filter(|alarm| !alarm.condition.as_str().starts_with("ALRM_"))
            .map(|alarm| format!("{} {}: {}", alarm.condition, alarm.application, alarm.text))
            .collect()
    }
}

const BEFORE: HookTime = HookTime::Before;
const AFTER: HookTime = HookTime::After;
const ALARM: HookFailure = HookFailure::Alarm;
const ROLL_BACK: HookFailure = HookFailure::RollBack;

#[test]
fn before_hooks_run_before_any_run_mode_is_ordered_and_after_ones_when_the_vip_has_moved() {
    let mut desk = Desk::running_with(with_hooks(&[
        ("prepare", BEFORE, ALARM),
        ("tell", AFTER, ALARM),
        ("count", AFTER, ALARM),
    ]));
    desk.switchover();
    assert_eq!(
        desk.seen_of(&["host"]),
        [
            "host2: hook prepare-primary of SIP_SERVER_BACKUP in epoch 2",
            "host1: hook prepare-backup of SIP_SERVER_PRIMARY in epoch 2",
        ]
    );
    desk.hook_ends("prepare-primary", 0);
    assert_eq!(desk.seen_of(&["host"]), Vec::<String>::new());
    desk.hook_ends("prepare-backup", 0);
    assert_eq!(
        desk.seen_of(&["hook", "to Backup"]),
        ["host1: SIP_SERVER_PRIMARY to Backup in epoch 2"]
    );
    desk.obeys(A);
    desk.obeys(B);
    desk.script_runs("A_DOWN");
    assert_eq!(desk.seen_of(&["hook"]), Vec::<String>::new());
    desk.script_runs("B_UP");
    assert_eq!(
        desk.seen_of(&["hook", "answer"]),
        [
            "host2: hook tell-primary of SIP_SERVER_BACKUP in epoch 2",
            "host1: hook tell-backup of SIP_SERVER_PRIMARY in epoch 2",
        ]
    );
    desk.hook_ends("tell-primary", 0);
    assert_eq!(
        desk.seen_of(&["hook"]),
        ["host2: hook count-primary of SIP_SERVER_BACKUP in epoch 2"]
    );
    desk.hook_ends("tell-backup", 0);
    desk.hook_ends("count-primary", 0);
    desk.hook_ends("count-backup", 0);
    assert_eq!(
        desk.seen_of(&["answer"]),
        ["answer 1: Done: SIP_SERVER_BACKUP on host2 is primary in epoch 2, after 0.0 ms"]
    );
    let (_, entries) = desk.story();
    for step in [
        "scs > lca@host2: on_primary hook prepare-primary of SIP_SERVER_BACKUP",
        "lca@host2: on_primary hook prepare-primary of SIP_SERVER_BACKUP succeeded",
        "lca@host1: on_backup hook tell-backup of SIP_SERVER_PRIMARY succeeded",
    ] {
        assert!(
            entries.iter().any(|one| one == step),
            "{step}: {entries:#?}"
        );
    }
    assert_eq!(desk.alarms(), Vec::<String>::new());
}

#[test]
fn a_failed_hook_raises_an_alarm_and_the_change_of_roles_goes_on() {
    let mut desk = Desk::running_with(with_hooks(&[("prepare", BEFORE, ALARM)]));
    desk.switchover();
    desk.hook_ends("prepare-primary", 7);
    desk.hook_ends("prepare-backup", 0);
    desk.obeys(A);
    desk.obeys(B);
    desk.script_runs("A_DOWN");
    desk.script_runs("B_UP");
    assert_eq!(
        desk.seen_of(&["answer"]),
        [
            "answer 1: Done: SIP_SERVER_BACKUP on host2 is primary in epoch 2; on_primary hook prepare-primary of SIP_SERVER_BACKUP failed, after 0.0 ms"
        ]
    );
    assert_eq!(
        desk.alarms(),
        [
            "HOOK_FAILED SIP_SERVER_BACKUP: on_primary hook prepare-primary of SIP_SERVER_BACKUP on host2 failed: exit 7: last words after 0.0 ms; sci why EAST"
        ]
    );
}

#[test]
fn a_before_hook_that_asks_for_it_rolls_back_and_no_run_mode_had_been_ordered() {
    let mut site = with_hooks(&[("prepare", BEFORE, ROLL_BACK)]);
    for pair in site.pairs.values_mut() {
        // The hook's own word goes before the policy of the pair.
        pair.policy.on_failure = OnFailure::Alarm;
    }
    let mut desk = Desk::running_with(site);
    desk.switchover();
    desk.seen();
    desk.hook_ends("prepare-primary", 1);
    assert_eq!(
        desk.seen_of(&["answer", "to Backup", "to Primary"]),
        [
            "answer 1: RolledBack: on_primary hook prepare-primary of SIP_SERVER_BACKUP on host2 failed: exit 1: last words after 0.0 ms; rolled back in record 2",
            "host2: SIP_SERVER_BACKUP to Backup in epoch 3",
        ]
    );
    desk.obeys(B);
    desk.obeys(A);
    desk.script_runs("B_DOWN");
    desk.script_runs("A_UP");
    // The roll-back has hooks as well; they run afterwards, and their failure rolls nothing back.
    desk.hook_ends("prepare-primary", 1);
    desk.hook_ends("prepare-backup", 0);
    assert_eq!(desk.story().0, "RollBack Done");
    assert_eq!(desk.servers[A].state.run_mode, RunMode::Primary);
}

#[test]
fn an_after_hook_that_asks_for_it_brings_the_vip_back() {
    let mut desk = Desk::running_with(with_hooks(&[("tell", AFTER, ROLL_BACK)]));
    desk.switchover();
    desk.obeys(A);
    desk.obeys(B);
    desk.script_runs("A_DOWN");
    desk.script_runs("B_UP");
    desk.seen();
    desk.hook_ends("tell-primary", 1);
    assert_eq!(
        desk.seen_of(&["to Backup", "to Primary"]),
        ["host2: SIP_SERVER_BACKUP to Backup in epoch 3"]
    );
    desk.obeys(B);
    desk.obeys(A);
    desk.script_runs("B_DOWN");
    desk.script_runs("A_UP");
    desk.hook_ends("tell-primary", 0);
    desk.hook_ends("tell-backup", 0);
    assert_eq!(desk.story().0, "RollBack Done");
    assert_eq!(desk.pair().virtual_ips[0].observed, ["host1".into()]);
}

#[test]
fn a_hook_whose_end_nobody_reports_has_failed_after_its_timeout_and_some_slack() {
    let mut desk = Desk::running_with(with_hooks(&[("prepare", BEFORE, ALARM)]));
    desk.switchover();
    desk.wait(5_990);
    assert_eq!(desk.seen_of(&["to Backup"]), Vec::<String>::new());
    desk.wait(20);
    assert_eq!(
        desk.seen_of(&["to Backup"]),
        ["host1: SIP_SERVER_PRIMARY to Backup in epoch 2"]
    );
}

#[test]
fn in_a_failover_the_dead_servers_before_hooks_are_skipped_by_name_and_the_living_ones_run() {
    let mut desk = Desk::running_with(with_hooks(&[
        ("prepare", BEFORE, ROLL_BACK),
        ("tell", AFTER, ALARM),
    ]));
    desk.dies(A);
    assert_eq!(
        desk.seen_of(&["hook", "to Primary"]),
        ["host2: hook prepare-primary of SIP_SERVER_BACKUP in epoch 2"]
    );
    // There is nobody to roll back to: service goes first.
    desk.hook_ends("prepare-primary", 1);
    desk.obeys(B);
    desk.script_runs("A_DOWN");
    desk.script_runs("B_UP");
    desk.hook_ends("tell-primary", 0);
    desk.hook_ends("tell-backup", 0);
    let (kind, entries) = desk.story();
    assert_eq!(kind, "Failover Done");
    for step in [
        "scs: on_backup hook prepare-backup of SIP_SERVER_PRIMARY skipped",
        "scs: not rolled back",
        "lca@host1: on_backup hook tell-backup of SIP_SERVER_PRIMARY succeeded",
    ] {
        assert!(
            entries.iter().any(|one| one == step),
            "{step}: {entries:#?}"
        );
    }
}

#[test]
fn hooks_of_a_lost_host_are_skipped_by_name() {
    let mut desk = Desk::running_with(with_hooks(&[("tell", AFTER, ALARM)]));
    desk.silence("host1");
    desk.wait(3_100);
    desk.obeys(B);
    desk.script_runs("B_UP");
    desk.hook_ends("tell-primary", 0);
    let (kind, entries) = desk.story();
    assert_eq!(kind, "Failover Done", "{entries:#?}");
    let skipped = "scs: on_backup hook tell-backup of SIP_SERVER_PRIMARY skipped";
    assert!(entries.iter().any(|one| one == skipped), "{entries:#?}");
}

#[test]
fn a_hook_under_way_is_ordered_again_by_the_same_key_when_its_agent_is_back() {
    let mut desk = Desk::running_with(with_hooks(&[("prepare", BEFORE, ALARM)]));
    desk.switchover();
    desk.seen();
    desk.connect("host2");
    assert_eq!(
        desk.seen_of(&["hook"]),
        ["host2: hook prepare-primary of SIP_SERVER_BACKUP in epoch 2"]
    );
    desk.hook_ends("prepare-primary", 0);
    desk.hook_ends("prepare-backup", 0);
    assert_eq!(
        desk.seen_of(&["to Backup"]),
        ["host1: SIP_SERVER_PRIMARY to Backup in epoch 2"]
    );
}

#[test]
fn a_new_primary_that_cannot_serve_is_failed_over_although_a_hook_still_runs() {
    let mut desk = Desk::running_with(with_hooks(&[("tell", AFTER, ALARM)]));
    desk.switchover();
    desk.obeys(A);
    desk.obeys(B);
    desk.script_runs("A_DOWN");
    desk.script_runs("B_UP");
    desk.seen();
    desk.server_is(B, |state| {
        state.status = ApplicationStatus::ServiceUnavailable;
    });
    assert_eq!(
        desk.seen_of(&["answer", "to Backup"]),
        [
            "answer 1: Done: SIP_SERVER_BACKUP on host2 is primary in epoch 2; its hooks were not waited for, since it cannot serve any more, after 0.0 ms",
            "host2: SIP_SERVER_BACKUP to Backup in epoch 3",
        ]
    );
}

#[test]
fn nobody_is_demoted_for_a_backup_that_dies_while_its_before_hooks_run() {
    let mut desk = Desk::running_with(with_hooks(&[("prepare", BEFORE, ALARM)]));
    desk.switchover();
    desk.seen();
    desk.dies(B);
    assert_eq!(desk.seen_of(&["to Backup"]), Vec::<String>::new());
    assert_eq!(desk.servers[A].state.run_mode, RunMode::Primary);
}

const DOWN: &str = "health check \"media\": exit 1: no port left (3 in a row)";

#[test]
fn a_primary_whose_health_check_is_down_is_failed_over_with_the_checks_word() {
    let mut desk = Desk::running();
    desk.server_is(A, |state| {
        state.status = ApplicationStatus::ServiceUnavailable;
        state.reason = DOWN.into();
    });
    assert_eq!(
        desk.seen_of(&["to Backup"]),
        ["host1: SIP_SERVER_PRIMARY to Backup in epoch 2"]
    );
    desk.obeys(A);
    desk.obeys(B);
    desk.script_runs("A_DOWN");
    desk.script_runs("B_UP");
    assert_eq!(desk.story().0, "Failover Done");
    let pair = desk.pair();
    assert_eq!(
        pair.primary_because,
        format!("failover: SIP_SERVER_PRIMARY cannot serve: {DOWN}")
    );
    // As a backup it is not ready, and the pre-check says by whose word.
    assert_eq!(
        pair.ready.reasons[0].reason,
        format!("SIP_SERVER_PRIMARY on host1 cannot serve: {DOWN}")
    );
    let told = desk.alarms();
    assert!(told.iter().any(|text| text.contains(DOWN)), "{told:#?}");
}
