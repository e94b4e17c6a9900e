//! `changeover prove` as an operator starts it: what it says of the shipped examples, of sites that are planted to go
//! wrong, and of what it cannot explore. One fault at most, so that this ends within seconds; runs with two are on
//! record in docs/developer/proof.md.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy/examples")
        .join(name)
}

fn prove(file: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_changeover"))
        .arg("prove")
        .arg(file)
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The hot example with this policy, and with one text replaced.
struct Changed {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Changed {
    fn policy(policy: &str) -> Self {
        Self::replaced(
            "    redundancy_type: hot\n",
            &format!("    redundancy_type: hot\n    policy: {{{policy}}}\n"),
        )
    }

    fn replaced(from: &str, to: &str) -> Self {
        let text = std::fs::read_to_string(example("linux-hot.yaml")).expect("the example");
        assert!(text.contains(from), "the example has no '{from}' any more");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.yaml");
        std::fs::write(&path, text.replacen(from, to, 1)).expect("a file in it");
        Self {
            _folder: folder,
            path,
        }
    }

    fn json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        json(&self.path, arguments)
    }
}

fn json(file: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = prove(file, &[arguments, &["--format", "json"]].concat());
    let value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    (output.status.code(), value)
}

#[test]
fn the_linux_examples_are_proved_for_one_fault_hot_and_warm() {
    for name in ["linux-hot.yaml", "linux-warm.yaml", "linux-hooks.yaml"] {
        let output = prove(&example(name), &["--faults", "1"]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(0), "{name}: {text}");
        let verdict: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("VERDICT") || line.starts_with("PROVED"))
            .map(|line| line.split_once("  ").map_or(line, |(head, _)| head))
            .map(|line| line.split_once(" within").map_or(line, |(head, _)| head))
            .collect();
        let expected = [
            "VERDICT 0: exactly one holder, on the primary's host,",
            "PROVED",
        ];
        assert_eq!(verdict, expected, "{name}: {text}");
    }
}

#[test]
fn each_policy_of_the_linux_site_is_proved_for_one_fault_and_says_what_it_explored() {
    for policy in ["hold", "quorum", "release-after 5s"] {
        let site = Changed::policy(&format!("on_controller_loss: {policy}"));
        let (code, proof) = site.json(&["--faults", "1"]);
        let pair = &proof["pairs"][0];
        assert_eq!(code, Some(0), "{policy}: {proof:#}");
        assert_eq!(pair["verdict"], "proved");
        assert_eq!(pair["policy"], policy);
        assert_eq!(pair["counterexample"], Value::Null);
        let procedures = [
            "start of both members",
            "SIP_SERVER_PRIMARY primary, nothing asked: failover and reconnect",
            "Test of ALRM_PRIMARY_4561_HABackup",
            "Test of ALRM_PRIMARY_4563_HAPrimary",
            "Test of ALRM_BACKUP_4561_HABackup",
            "Test of ALRM_BACKUP_4563_HAPrimary",
            "manual switchover to SIP_SERVER_BACKUP",
            "SIP_SERVER_BACKUP primary, nothing asked: failover and reconnect",
            "manual switchover to SIP_SERVER_PRIMARY",
        ];
        assert_eq!(pair["procedures"], serde_json::json!(procedures));
        // Some hundreds of runs, thousands of states; how many exactly depends on the timing of the site.
        assert!(pair["runs"].as_u64() > Some(500), "{policy}: {proof:#}");
        assert!(pair["states"].as_u64() > Some(5_000), "{policy}: {proof:#}");
        let settled = pair["settled_within_ms"].as_f64();
        assert!(settled > Some(0.0) && settled < Some(30_000.0), "{proof:#}");
    }
}

#[test]
fn the_test_of_a_condition_that_only_disables_leaves_nobody_and_the_proof_says_so() {
    let (code, proof) = json(&example("linux-hot.yaml"), &["--faults", "1"]);
    assert_eq!(code, Some(0));
    let tests: Vec<&str> = proof["pairs"][0]["tests"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(
        tests.contains(
            &"Test of ALRM_PRIMARY_4561_HABackup leaves nobody who holds the VIP, until its hold (1m) is over or sci realign"
        ),
        "{tests:?}"
    );
}

#[test]
fn the_guides_own_order_has_two_holders_when_the_primary_dies_step_by_step() {
    let site = Changed::policy("reaction_order: as-listed");
    let output = prove(&site.path, &["--threads", "1"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let from = text.find("VERDICT 1").expect("a counterexample");
    let told: Vec<&str> = text[from..].lines().take(10).collect();
    let expected = [
        "VERDICT 1: SIP_SERVER_PRIMARY primary, nothing asked: failover and reconnect, with one fault: two holders: host1 and host2 hold the VIP of SIP_SERVER",
        "  #      ms  who                 what",
        "  1     0.0  SIP_SERVER_PRIMARY  FAULT: dies (kill -9)",
        "  2     0.2  SCS                 orders SIP_SERVER_BACKUP to Primary, through LCA of host2, epoch 2",
        "  3     1.3  SIP_SERVER_BACKUP   is Primary, epoch 2",
        "  4     1.3  SIP_SERVER_BACKUP   logs 4563",
        "  5     1.5  Message Server      finds ALRM_BACKUP_4563_HAPrimary",
        "  6     1.6  SCS                 tells LCA of host2 to launch SIP_SERVER_BACKUP_VIP_UP (enable)",
        "  7     5.8  host2               VIP 10.10.11.103 on",
        "Cure: rule enables-before-release: with reaction_order: as-listed a list that enables before it disables has two holders in between, and one that cannot release has none; write reaction_order: release-first",
    ];
    assert_eq!(told, expected, "{text}");
    assert!(
        text.contains("As it is meant: Test of ALRM_PRIMARY_4561_HABackup leaves nobody"),
        "{text}"
    );
    assert!(text.contains("\nNOT PROVED"), "{text}");
}

#[test]
fn without_realignment_a_test_leaves_nobody_for_good_and_that_takes_no_fault() {
    let site = Changed::policy("realign_after: off");
    let (code, proof) = site.json(&["--faults", "1", "--threads", "1"]);
    let told = &proof["pairs"][0]["counterexample"];
    assert_eq!(
        (code, &told["faults"]),
        (Some(1), &Value::from(0)),
        "{proof:#}"
    );
    assert_eq!(told["procedure"], "Test of ALRM_PRIMARY_4561_HABackup");
    let steps: Vec<String> = told["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| format!("{} {}", step["who"], step["what"]).replace('"', ""))
        .collect();
    let expected = [
        "sci asks for the Test",
        "SCS tells LCA of host1 to launch SIP_SERVER_PRIMARY_VIP_DOWN (disable)",
        "host1 VIP 10.10.11.103 off",
        "LCA of host1 reports SIP_SERVER_PRIMARY_VIP_DOWN: Succeeded",
    ];
    assert_eq!(steps, expected);
    let cure = told["cure"].as_str().unwrap_or_default();
    assert!(cure.starts_with("realign_after: off "), "{cure}");
}

#[test]
fn a_pair_that_is_held_for_a_late_release_is_shown_with_its_one_fault() {
    let site = Changed::policy("force_release: off");
    let (code, proof) = site.json(&["--faults", "1"]);
    let told = &proof["pairs"][0]["counterexample"];
    assert_eq!(
        (code, &told["faults"]),
        (Some(1), &Value::from(1)),
        "{proof:#}"
    );
    let cure = told["cure"].as_str().unwrap_or_default();
    assert!(cure.starts_with("force_release: off "), "{cure}");
    let steps = told["steps"].as_array().expect("steps");
    let is_fault = |step: &&Value| {
        let what = step["what"].as_str();
        what.is_some_and(|what| what.starts_with("FAULT"))
    };
    assert_eq!(steps.iter().filter(is_fault).count(), 1, "{told:#}");
}

#[test]
fn a_site_that_check_refuses_is_not_explored() {
    let site = Changed::replaced(
        "solution_control_server: {host: mgmt1,",
        "solution_control_server: {host: host1,",
    );
    let output = prove(&site.path, &["--faults", "1"]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("scs-on-pair-host"), "{complaint}");
    assert_eq!(said(&output), "");
}

#[test]
fn what_is_no_environment_or_no_number_of_faults_is_unusable() {
    let site = Changed::replaced("version: 1\n", "version: 1\nnonsense: true\n");
    assert_eq!(prove(&site.path, &[]).status.code(), Some(2));
    let many = prove(&example("linux-hot.yaml"), &["--faults", "3"]);
    assert_eq!(many.status.code(), Some(2));
}

#[test]
fn an_exploration_that_runs_out_of_time_says_so_and_is_no_proof() {
    let output = prove(&example("linux-hot.yaml"), &["--within", "200ms"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("\nnot finished: 200ms were not enough"),
        "{text}"
    );
    assert!(text.contains("NOT PROVED"), "{text}");
}

#[test]
fn third_party_pairs_and_several_vips_are_explored_and_what_is_left_out_is_named() {
    let (code, proof) = json(&example("third-party.yaml"), &["--faults", "1"]);
    let pair = &proof["pairs"][0];
    assert_eq!(code, Some(0), "{proof:#}");
    assert_eq!(pair["verdict"], "proved");
    let left_out = pair["left_out"].to_string();
    assert!(
        left_out.contains("cables pulled one by one: eth0, eth1"),
        "{left_out}"
    );
    assert!(
        left_out.contains("what the control scripts really do"),
        "{left_out}"
    );
    assert_eq!(pair["fault_kinds"][0], "server process dies");
}
