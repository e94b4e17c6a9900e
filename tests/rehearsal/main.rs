//! `changeover rehearse` on the emulated network, as a newcomer starts it: real processes, no root. What the
//! command promises is checked from outside, by exit code, JSON and what is left on the machine.

mod calls;
#[path = "../rehearsal/nlb.rs"]
mod nlb;
#[path = "../rehearsal/nlb_nic.rs"]
mod nlb_nic;
#[path = "../rehearsal/platforms.rs"]
mod platforms;
#[path = "../rehearsal/running.rs"]
mod running;
mod single_host;
mod site_kits;

use running::{Rehearsal, every_workflow, workflows};
use serde_json::json;

impl Rehearsal {
    /// Exit code and everything that was said.
    pub(crate) fn text(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.command(arguments).output().expect("the binary runs");
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    /// The hot example with one text replaced.
    pub(crate) fn changed_example(&self, from: &str, to: &str) -> String {
        let path = self.example("linux-hot.yaml");
        let text = std::fs::read_to_string(&path).expect("it was just written");
        assert!(text.contains(from), "the example has no '{from}' any more");
        self.keep(&text.replacen(from, to, 1))
    }
}

#[test]
fn every_documented_workflow_passes_hot_and_warm() {
    let rehearsal = Rehearsal::new();
    let (code, answer) = rehearsal.json(&["rehearse"]);
    assert_eq!(code, Some(0), "{answer:#}");
    for (site, redundancy) in answer["sites"]
        .as_array()
        .expect("sites")
        .iter()
        .zip(["hot", "warm"])
    {
        assert_eq!(site["redundancy"], redundancy);
        assert_eq!(site["network"], "loopback");
        assert_eq!(workflows(site), every_workflow(redundancy), "{site:#}");
    }
    assert_eq!(answer["sites"].as_array().map(Vec::len), Some(2));
    assert_eq!(rehearsal.left_behind(), Vec::<String>::new());
}

#[test]
fn a_third_party_pair_passes_every_workflow_and_the_report_says_who_plays_it() {
    let rehearsal = Rehearsal::new();
    let file = rehearsal.third_party("systemd_unit: kamailio.service");
    let (code, answer) = rehearsal.json(&["rehearse", &file]);
    assert_eq!(code, Some(0), "{answer:#}");
    let site = &answer["sites"][0];
    assert_eq!(workflows(site).len(), 5, "{site:#}");
    let step = &site["workflows"][0]["steps"][4]["text"];
    assert_eq!(
        step,
        "the SCS tells the Message Server on behalf of server 2: 5150, now Primary"
    );
    let (_, said) = rehearsal.text(&["rehearse", &file, "--workflow", "manual-switchover"]);
    assert!(
        said.contains("the built-in SIP responder stands in for KAM_A (kamailio.service: "),
        "{said}"
    );
    assert_eq!(rehearsal.left_behind(), Vec::<String>::new());
}

#[test]
fn a_switchover_leaves_one_primary_and_one_holder_on_the_same_host() {
    let rehearsal = Rehearsal::new();
    let (code, answer) = rehearsal.json(&[
        "rehearse",
        "--redundancy",
        "hot",
        "--workflow",
        "manual-switchover",
    ]);
    assert_eq!(code, Some(0), "{answer:#}");
    let workflow = &answer["sites"][0]["workflows"][0];
    let end = json!({
        "primary_before": workflow["primary_before"], "primary_after": workflow["primary_after"],
        "holders_after": workflow["holders_after"], "two_holders_ms": workflow["two_holders_ms"],
    });
    assert_eq!(
        end,
        json!({"primary_before": "SIP_SERVER_PRIMARY", "primary_after": "SIP_SERVER_BACKUP",
               "holders_after": ["host2"], "two_holders_ms": 0.0})
    );
}

#[test]
fn the_shipped_examples_rehearse_unedited_but_for_their_folders() {
    let rehearsal = Rehearsal::new();
    let file = rehearsal.example("linux-hot.yaml");
    let (code, answer) = rehearsal.json(&["rehearse", &file, "--workflow", "manual-switchover"]);
    assert_eq!(code, Some(0), "{answer:#}");
}

#[test]
fn builtin_control_scripts_need_no_script_files() {
    let rehearsal = Rehearsal::new();
    let file = rehearsal.builtin_example();
    let (code, answer) = rehearsal.json(&["rehearse", &file]);
    assert_eq!(code, Some(0), "{answer:#}");
}

#[test]
fn the_report_is_one_page_that_opens_offline() {
    let rehearsal = Rehearsal::new();
    let folder = rehearsal.folder().join("report");
    let arguments = [
        "rehearse",
        "--redundancy",
        "hot",
        "--workflow",
        "alarm-test",
        "--report",
        folder.to_str().expect("text"),
    ];
    let (code, _) = rehearsal.json(&arguments);
    assert_eq!(code, Some(0));
    let files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the report's folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(files, ["index.html"]);
    let page = std::fs::read_to_string(folder.join("index.html")).expect("the page");
    for foreign in ["src=\"http", "href=\"http", "@import", "url(http"] {
        assert!(
            !page.contains(foreign),
            "the page fetches something: {foreign}"
        );
    }
    assert!(page.contains("alarm-test") && page.contains("<svg"));
}

#[test]
fn an_interrupted_rehearsal_ends_with_130_and_takes_everything_down() {
    let rehearsal = Rehearsal::new();
    let running = rehearsal.start(&["rehearse", "--redundancy", "hot"]);
    running.until_components_run();
    assert_eq!(running.signal_and_wait("INT"), Some(130));
    rehearsal.assert_nothing_is_left();
}

#[test]
fn a_rehearsal_that_is_killed_is_cleaned_up_by_its_janitor() {
    let rehearsal = Rehearsal::new();
    let running = rehearsal.start(&["rehearse", "--redundancy", "hot"]);
    running.until_components_run();
    assert_eq!(running.signal_and_wait("KILL"), None);
    rehearsal.assert_nothing_is_left();
}

#[test]
fn a_workflow_that_does_not_apply_is_refused_with_the_reason_and_nothing_is_started() {
    let rehearsal = Rehearsal::new();
    for (redundancy, workflow, why) in [
        ("warm", "test-1", "only hot standby keeps calls"),
        ("hot", "sip-nic-lost", "SIP and management share a NIC"),
    ] {
        let words = [
            "rehearse",
            "--redundancy",
            redundancy,
            "--workflow",
            workflow,
        ];
        let (code, said) = rehearsal.text(&words);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(workflow) && said.contains(why), "{said}");
    }
    assert_eq!(rehearsal.left_behind(), Vec::<String>::new());
}

#[test]
fn one_changed_line_gets_a_precise_complaint_and_one_unwise_line_a_refusal() {
    let rehearsal = Rehearsal::new();
    let broken = rehearsal.changed_example("host: host2", "host: hots2");
    let (code, said) = rehearsal.text(&["rehearse", &broken]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("site.yaml:") && said.contains("hots2") && said.contains("host2"),
        "{said}"
    );
    let unwise = rehearsal.changed_example(
        "solution_control_server: {host: mgmt1",
        "solution_control_server: {host: host1",
    );
    let (code, said) = rehearsal.text(&["rehearse", &unwise]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("scs-on-pair-host"), "{said}");
}

#[test]
#[ignore = "needs root"]
fn a_script_run_as_root_reaches_no_interface_of_this_machine_by_a_full_path() {
    let rehearsal = Rehearsal::new();
    let seen = rehearsal.folder().join("seen");
    let file = example_with_scripts(
        &rehearsal,
        &format!(
            "#!/bin/sh\ncat /proc/net/dev >> {seen}\ncase $CHANGEOVER_ACTION in\n\
         enable) ifconfig eth0:1 10.10.11.103 netmask 255.255.255.0 up ;;\n*) ifconfig eth0:1 down ;;\nesac\n",
            seen = seen.display()
        ),
    );
    let (code, answer) = rehearsal.json(&["rehearse", &file, "--workflow", "manual-switchover"]);
    assert_eq!(code, Some(0), "{answer:#}");
    let text = std::fs::read_to_string(&seen).expect("the scripts were run");
    let interfaces: std::collections::BTreeSet<&str> = text
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0.trim()))
        .collect();
    assert_eq!(interfaces.into_iter().collect::<Vec<_>>(), ["lo"]);
    assert_eq!(rehearsal.left_behind(), [""; 0]);
}

/// The hot example whose control scripts are both this one.
fn example_with_scripts(rehearsal: &Rehearsal, script: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = rehearsal.folder().join("scripts");
    std::fs::create_dir(&folder).expect("the folder is writable");
    for name in ["set_ip_up.sh", "set_ip_down.sh"] {
        let path = folder.join(name);
        std::fs::write(&path, script).expect("the folder is writable");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
            .expect("it is ours");
    }
    let text =
        std::fs::read_to_string(rehearsal.example("linux-hot.yaml")).expect("it was just written");
    let at = text
        .find("/scripts/linux")
        .expect("the example names its scripts");
    let from = text[..at].rfind(' ').expect("a key stands before it") + 1;
    let shipped = &text[from..at + "/scripts/linux".len()];
    rehearsal.keep(&text.replace(shipped, folder.to_str().expect("text")))
}
