//! Sites of other platforms on the emulated network: the shipped examples as they are, one whose hosts have scripts of
//! their own on drive C, a hidden mistake, and the faults of the platform.

use crate::running::{Rehearsal, every_workflow, root, workflows};
use std::path::{Path, PathBuf};

fn shipped(name: &str) -> String {
    let path = root().join("deploy/examples").join(name);
    path.to_str().expect("text").to_owned()
}

fn passes_every_workflow(name: &str, platform: &str) {
    let rehearsal = Rehearsal::new();
    let (code, answer) = rehearsal.json(&["rehearse", &shipped(name)]);
    assert_eq!(code, Some(0), "{answer:#}");
    let site = &answer["sites"][0];
    assert_eq!(site["platform"], platform);
    let redundancy = site["redundancy"].as_str().expect("text");
    assert_eq!(workflows(site), every_workflow(redundancy), "{site:#}");
    assert_eq!(rehearsal.left_behind(), Vec::<String>::new());
    let scripts = root().join("deploy/examples/scripts").join(platform);
    let logs: Vec<PathBuf> = std::fs::read_dir(scripts)
        .expect("the scripts")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "log"))
        .collect();
    assert_eq!(logs, Vec::<PathBuf>::new(), "a rehearsal writes elsewhere");
}

#[test]
fn the_shipped_windows_sites_pass_every_workflow_unedited() {
    passes_every_workflow("windows-hot.yaml", "windows");
    passes_every_workflow("windows-warm.yaml", "windows");
}

#[test]
fn the_shipped_aix_sites_pass_every_workflow_unedited() {
    passes_every_workflow("aix-hot.yaml", "aix");
    passes_every_workflow("aix-warm.yaml", "aix");
}

#[test]
fn the_shipped_solaris_sites_pass_every_workflow_unedited() {
    passes_every_workflow("solaris-hot.yaml", "solaris");
    passes_every_workflow("solaris-warm.yaml", "solaris");
}

/// The Windows example with each host's own scripts on its drive C; what is replaced in host2's HA_IP_ON.bat.
fn with_a_drive(rehearsal: &Rehearsal, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(shipped("windows-hot.yaml")).expect("the example");
    let text = text.replace("scripts/windows\n", "C:\\Changeover\\HA\n");
    let scripts = root().join("deploy/examples/scripts/windows");
    for host in ["host1", "host2"] {
        let folder = rehearsal
            .folder()
            .join("hosts")
            .join(host)
            .join("C/changeover/ha");
        std::fs::create_dir_all(&folder).expect("ours");
        for name in ["HA_IP_ON.bat", "HA_IP_OFF.bat", "Ping.vbs", "Check_ip.vbs"] {
            std::fs::copy(scripts.join(name), folder.join(name)).expect("ours");
        }
        if host == "host2" {
            change(&folder.join("HA_IP_ON.bat"), from, to);
        }
    }
    rehearsal.keep(&text)
}

fn change(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).expect("ours");
    assert!(text.contains(from), "{from}");
    std::fs::write(file, text.replace(from, to)).expect("ours");
}

#[test]
fn an_up_script_that_names_the_wrong_interface_fails_at_its_step_and_is_named() {
    let rehearsal = Rehearsal::new();
    let file = with_a_drive(
        &rehearsal,
        "CONNECTION=Local Area Connection",
        "CONNECTION=Local Area Connection 2",
    );
    let (code, said) = rehearsal.text(&["rehearse", &file, "--workflow", "manual-switchover"]);
    assert_eq!(code, Some(1), "{said}");
    let wanted = "expected SIP_SERVER_BACKUP_VIP_UP ends with the VIP as wanted";
    assert!(said.contains(wanted), "{said}");
    let named = "10.10.11.103 did not come up on \"Local Area Connection 2\"";
    assert!(said.contains(named), "{said}");
    let launched = said.find("the LCAs launch the control scripts");
    let wrong = said.find(wanted);
    assert!(
        launched.is_some() && launched < wrong,
        "at that step: {said}"
    );
}

#[test]
fn a_line_that_is_not_covered_fails_the_rehearsal_and_is_named_with_file_and_line() {
    let rehearsal = Rehearsal::new();
    let file = with_a_drive(
        &rehearsal,
        "netsh interface ip add",
        "netsh interface ip ad",
    );
    let (code, said) = rehearsal.text(&["rehearse", &file, "--workflow", "manual-switchover"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("HA_IP_ON.bat:24: `netsh interface ip ad address"),
        "{said}"
    );
    assert!(said.contains("exit 120 in"), "{said}");
}

#[test]
fn an_open_properties_dialog_keeps_the_vip_away_and_a_slow_netsh_only_delays_it() {
    let rehearsal = Rehearsal::new();
    let file = shipped("windows-hot.yaml");
    let one = [
        "rehearse",
        &file,
        "--workflow",
        "manual-switchover",
        "--fault",
    ];
    let mut dialog = one.to_vec();
    dialog.push("properties-dialog=host2");
    let (code, answer) = rehearsal.json(&dialog);
    assert_eq!(code, Some(1), "{answer:#}");
    assert_eq!(
        answer["sites"][0]["workflows"][0]["holders_after"],
        serde_json::json!(["host1"])
    );
    let mut slow = one.to_vec();
    slow.push("netsh-time=1s");
    let (code, answer) = rehearsal.json(&slow);
    assert_eq!(code, Some(0), "{answer:#}");
    let gap = answer["sites"][0]["workflows"][0]["vip_gap_ms"].as_f64();
    assert!(
        gap.is_some_and(|gap| gap > 3000.0),
        "two pings and a second of netsh: {gap:?}"
    );
    let (code, said) = rehearsal.text(&["rehearse", &file, "--fault", "properties-dialog=host9"]);
    assert_eq!((code, said.contains("host9")), (Some(2), true), "{said}");
}

#[test]
fn a_script_that_loops_for_ever_is_ended_and_named() {
    let rehearsal = Rehearsal::new();
    let file = with_a_drive(&rehearsal, "if %TRIES% LSS 3 goto ASK", "goto ASK");
    // The VIP is always answered now, so it asks for ever.
    let scripts = rehearsal.folder().join("hosts/host2/C/changeover/ha");
    change(
        &scripts.join("HA_IP_ON.bat"),
        "if not errorlevel 1 goto FREE",
        "rem on",
    );
    change(
        &scripts.join("HA_IP_ON.bat"),
        "cscript.exe Ping.vbs",
        "rem cscript.exe Ping.vbs",
    );
    let (code, said) = rehearsal.text(&["rehearse", &file, "--workflow", "manual-switchover"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("exit 121 in"), "{said}");
    assert!(said.contains("HA_IP_ON.bat"), "{said}");
}

/// The NLB kit with something replaced in one of its files.
fn nlb_site(rehearsal: &Rehearsal, file: &str, from: &str, to: &str) {
    let words = [
        "new",
        "west",
        "--platform",
        "windows-nlb",
        "--redundancy",
        "hot",
    ];
    let (code, said) = rehearsal.text(&words);
    assert_eq!(code, Some(0), "{said}");
    change(&rehearsal.folder().join("west").join(file), from, to);
}

const SWITCHOVER: [&str; 4] = [
    "rehearse",
    "west/site.yaml",
    "--workflow",
    "manual-switchover",
];

#[test]
fn an_nlb_script_that_names_another_cluster_fails_at_its_step_and_is_named() {
    let rehearsal = Rehearsal::new();
    let script = "scripts/sip_server_backup_vip_up.bat";
    nlb_site(
        &rehearsal,
        script,
        "CLUSTER=sipcluster",
        "CLUSTER=sipcluster2",
    );
    let (code, said) = rehearsal.text(&SWITCHOVER);
    assert_eq!(code, Some(1), "{said}");
    let wanted = "expected SIP_SERVER_BACKUP_VIP_UP ends with the VIP as wanted";
    let launched = said.find("the LCAs launch the control scripts");
    assert!(launched.is_some() && launched < said.find(wanted), "{said}");
}

#[test]
fn faults_stand_in_the_file_or_on_the_command_line_which_counts_before_it() {
    let rehearsal = Rehearsal::new();
    let slow = "rehearsal: {nlb_convergence: 1500ms}\npairs:\n";
    nlb_site(&rehearsal, "site.yaml", "pairs:\n", slow);
    let gap = |more: &[&str]| {
        let (code, answer) = rehearsal.json(&[&SWITCHOVER[..], more].concat());
        assert_eq!(code, Some(0), "{answer:#}");
        let gap = answer["sites"][0]["workflows"][0]["vip_gap_ms"].as_f64();
        gap.expect("there is a VIP")
    };
    let (by_file, by_command) = (gap(&[]), gap(&["--fault", "nlb-convergence=10ms"]));
    assert!(by_file > 1500.0, "{by_file}");
    assert!(by_command < 1400.0, "{by_command}");
    let (code, said) =
        rehearsal.text(&[&SWITCHOVER[..], &["--fault", "nlb-convergence=2h"]].concat());
    assert_eq!(
        (code, said.contains("at most 60s")),
        (Some(2), true),
        "{said}"
    );
    let unknown = "rehearsal: {properties_dialog: [host9]}\npairs:\n";
    change(&rehearsal.folder().join("west/site.yaml"), slow, unknown);
    let (code, said) = rehearsal.text(&SWITCHOVER);
    assert_eq!((code, said.contains("host9")), (Some(2), true), "{said}");
}
