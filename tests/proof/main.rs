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
            &"Test of ALRM_PRIMARY_4561_HABackup leaves nobody who holds the VIP, until its hold (60s) is over or sci realign"
        ),
        "{tests:?}"
    );
}

#[test]
fn the_guides_own_order_has_two_holders_in_a_manual_switchover_without_any_fault() {
    let site = Changed::policy("reaction_order: as-listed");
    let output = prove(&site.path, &[]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let (code, proof) = site.json(&[]);
    assert_eq!(code, Some(1));
    let told = &proof["pairs"][0]["counterexample"];
    assert_eq!(told["faults"], 0, "{proof:#}");
    let broken = told["broken"].as_str().unwrap_or_default();
    assert!(broken.starts_with("two holders: "), "{broken}");
    let cure = told["cure"].as_str().unwrap_or_default();
    assert!(cure.starts_with("rule enables-before-release: "), "{cure}");
    let steps = told["steps"].as_array().expect("steps");
    // It ends with the VIP appearing on the second host, and the first has not let go since.
    let last = steps.last().expect("a step")["what"].as_str();
    assert_eq!(last, Some("VIP 10.10.11.103 on"), "{told:#}");
    assert!(text.contains("VERDICT 1: "), "{text}");
    assert!(text.contains("NOT PROVED"), "{text}");
}

#[test]
fn a_pair_whose_release_may_fail_for_good_is_shown_with_the_script_that_fails() {
    let site = Changed::policy("force_release: enable-anyway");
    let (code, proof) = site.json(&["--faults", "1"]);
    let told = &proof["pairs"][0]["counterexample"];
    assert_eq!(code, Some(1), "{proof:#}");
    assert_eq!(told["faults"], 1, "{proof:#}");
    let cure = told["cure"].as_str().unwrap_or_default();
    assert!(cure.starts_with("rule enable-anyway: "), "{cure}");
    let steps = told["steps"].as_array().expect("steps");
    let faults: Vec<&Value> = steps
        .iter()
        .filter(|step| {
            step["what"]
                .as_str()
                .is_some_and(|what| what.starts_with("FAULT"))
        })
        .collect();
    assert_eq!(faults.len(), 1, "{told:#}");
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
