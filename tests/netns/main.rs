//! Whole sites on network namespaces: the kernel's addresses, real ARP, real processes, mutual TLS. Needs root.
//! One site at a time, so that they do not take each other's time.

#[path = "../rehearsal/running.rs"]
mod running;

use running::{Rehearsal, every_workflow, root, workflows};
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Milliseconds with two reachable holders, in every repetition of a workflow.
fn two_holders(answer: &Value, workflow: &str) -> Vec<f64> {
    answer["sites"]
        .as_array()
        .expect("sites")
        .iter()
        .flat_map(|site| site["workflows"].as_array().expect("workflows"))
        .filter(|of| of["name"] == workflow)
        .map(|of| of["two_holders_ms"].as_f64().expect("a number"))
        .collect()
}

#[test]
#[ignore = "needs root"]
fn every_workflow_passes_on_kernel_hosts_with_one_holder_at_a_time() {
    let _alone = alone();
    let rehearsal = Rehearsal::new();
    let (code, answer) = rehearsal.json(&["rehearse", "--network", "netns", "--repeat", "2"]);
    assert_eq!(code, Some(0), "{answer:#}");
    for site in answer["sites"].as_array().expect("sites") {
        let redundancy = site["redundancy"].as_str().expect("text");
        assert_eq!(workflows(site), every_workflow(redundancy), "{site:#}");
    }
    assert_eq!(two_holders(&answer, "manual-switchover"), [0.0; 4]);
    assert_eq!(two_holders(&answer, "primary-failure"), [0.0; 4]);
    let reconnect = two_holders(&answer, "reconnect");
    assert!(
        reconnect.iter().all(|millis| *millis <= 1000.0),
        "{reconnect:?}"
    );
    rehearsal.assert_nothing_is_left();
}

#[test]
#[ignore = "needs root"]
fn the_loss_of_a_sip_card_moves_the_vip_and_a_call_outlives_every_change_of_roles() {
    let _alone = alone();
    let rehearsal = Rehearsal::new();
    let file = root().join("deploy/examples/linux-two-nics.yaml");
    let file = file.to_str().expect("text");
    let (code, answer) = rehearsal.json(&["rehearse", file, "--network", "netns"]);
    assert_eq!(code, Some(0), "{answer:#}");
    let site = &answer["sites"][0];
    let names: Vec<&str> = workflows(site).iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), 10, "{names:?}");
    assert_eq!(two_holders(&answer, "sip-nic-lost"), [0.0]);
    assert_eq!(two_holders(&answer, "test-3"), [0.0]);
    rehearsal.assert_nothing_is_left();
}

#[test]
#[ignore = "needs root"]
fn builtin_control_scripts_move_the_kernels_addresses() {
    let _alone = alone();
    let rehearsal = Rehearsal::new();
    let file = rehearsal.builtin_example();
    let (code, answer) = rehearsal.json(&["rehearse", &file, "--network", "netns"]);
    assert_eq!(code, Some(0), "{answer:#}");
}

#[test]
#[ignore = "needs root"]
fn a_detection_bound_of_100_ms_is_kept() {
    let _alone = alone();
    let rehearsal = Rehearsal::new();
    let arguments = [
        "rehearse",
        "--network",
        "netns",
        "--bound",
        "100ms",
        "--redundancy",
        "hot",
    ];
    let (code, answer) = rehearsal.json(&arguments);
    assert_eq!(code, Some(0), "{answer:#}");
}

#[test]
#[ignore = "needs root"]
fn ctrl_c_and_kill_leave_no_namespace_process_or_file() {
    let _alone = alone();
    for (signal, code) in [("INT", Some(130)), ("TERM", Some(130)), ("KILL", None)] {
        let rehearsal = Rehearsal::new();
        let running = rehearsal.start(&["rehearse", "--network", "netns", "--redundancy", "hot"]);
        running.until_components_run();
        assert_eq!(running.signal_and_wait(signal), code, "{signal}");
        rehearsal.assert_nothing_is_left();
    }
}

#[test]
#[ignore = "needs root"]
fn three_vips_of_both_families_on_two_interfaces_follow_a_third_party_primary_together() {
    let _alone = alone();
    let rehearsal = Rehearsal::new();
    let file = rehearsal.third_party("systemd_unit: kamailio.service");
    let (code, answer) = rehearsal.json(&["rehearse", &file, "--network", "netns"]);
    assert_eq!(code, Some(0), "{answer:#}");
    let site = &answer["sites"][0];
    assert_eq!(workflows(site).len(), 5, "{site:#}");
    // One evidence for each launched script, and in it every address with its interface.
    let up =
        "203.0.113.10/24 seen on eth0, 2001:db8::10/64 seen on eth0, 10.0.0.10/24 seen on eth1";
    let text = answer.to_string();
    assert!(text.contains(up), "{answer:#}");
    assert_eq!(two_holders(&answer, "manual-switchover"), [0.0]);
    rehearsal.assert_nothing_is_left();
}

#[test]
#[ignore = "needs root"]
fn a_program_of_the_site_that_goes_into_the_background_is_found_by_its_pid_file() {
    let _alone = alone();
    let rehearsal = Rehearsal::new();
    let program = env!("CARGO_BIN_EXE_changeover");
    let script = rehearsal.folder().join("start-proxy.sh");
    let text = format!(
        "#!/bin/sh\n{program} sip-server --answer 203.0.113.10:5060 >/dev/null 2>&1 &\n\
         echo $! > {}/$CHANGEOVER_APPLICATION.pid\n",
        rehearsal.folder().display()
    );
    std::fs::write(&script, text).expect("the folder is writable");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, executable).expect("it is ours");
    let pid_file = |member: &str| format!("{}/{member}.pid", rehearsal.folder().display());
    let start = format!(
        "command_line: {}, pid_file: {}",
        script.display(),
        pid_file("KAM_A")
    );
    let file = rehearsal.third_party(&start);
    // On one machine the two hosts have one file system.
    let mut site = std::fs::read_to_string(&file).expect("it was just written");
    site.push_str(&format!(
        "applications: {{KAM_B: {{start_info: {{pid_file: {}}}}}}}\n",
        pid_file("KAM_B")
    ));
    let file = rehearsal.keep(&site);
    let (code, answer) = rehearsal.json(&["rehearse", &file, "--network", "netns"]);
    assert_eq!(code, Some(0), "{answer:#}");
    rehearsal.assert_nothing_is_left();
}
