//! What `changeover new` writes is rehearsed as it is, unedited.

use crate::running::{Rehearsal, every_workflow, workflows};
/// `new`, `check` and `rehearse`, with nothing in between.
fn is_good_as_it_is(platform: &str, redundancy: &str, more: &[&str]) {
    let rehearsal = Rehearsal::new();
    let mut words = vec!["new", "east", "--platform", platform];
    words.extend(["--redundancy", redundancy]);
    words.extend(more);
    let (code, said) = rehearsal.text(&words);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = rehearsal.text(&["check", "east/site.yaml"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("east/site.yaml: no objections\n"), "{said}");

    let (code, answer) = rehearsal.json(&["rehearse", "east/site.yaml"]);

    assert_eq!(code, Some(0), "{words:?}: {answer:#}");
    let site = &answer["sites"][0];
    assert_eq!(site["redundancy"], redundancy);
    let names: Vec<&str> = workflows(site).iter().map(|(name, _)| *name).collect();
    let mut expected: Vec<&str> = every_workflow(redundancy)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let two_nics = more.contains(&"2") || platform == "windows-nlb";
    if two_nics {
        let test = expected.iter().position(|name| *name == "alarm-test");
        let at = test.expect("it is one of all");
        expected.splice(at..at, ["sip-nic-lost", "sip-nic-restored"]);
    }
    assert_eq!(names, expected, "{words:?}");
    assert_eq!(rehearsal.left_behind(), Vec::<String>::new());
}

/// Hot with one network card and warm with two, side by side: each is a site of its own.
fn are_good_as_they_are(platform: &str) {
    std::thread::scope(|scope| {
        scope.spawn(|| is_good_as_it_is(platform, "hot", &["--nics", "1"]));
        scope.spawn(|| is_good_as_it_is(platform, "warm", &["--nics", "2"]));
    });
}

#[test]
fn a_new_linux_site_is_checked_and_rehearsed_unedited() {
    let shell = ["--control-scripts", "shell", "--nics"];
    is_good_as_it_is("linux", "hot", &[&shell[..], &["1"]].concat());
    is_good_as_it_is("linux", "warm", &[&shell[..], &["2"]].concat());
    is_good_as_it_is(
        "linux",
        "hot",
        &["--control-scripts", "builtin", "--nics", "2"],
    );
}

#[test]
fn a_new_windows_site_is_checked_and_rehearsed_unedited() {
    are_good_as_they_are("windows");
}

#[test]
fn a_new_aix_site_is_checked_and_rehearsed_unedited() {
    are_good_as_they_are("aix");
}

#[test]
fn a_new_solaris_site_is_checked_and_rehearsed_unedited() {
    are_good_as_they_are("solaris");
}

#[test]
fn a_new_windows_nlb_site_is_checked_and_rehearsed_unedited() {
    std::thread::scope(|scope| {
        scope.spawn(|| is_good_as_it_is("windows-nlb", "hot", &[]));
        scope.spawn(|| is_good_as_it_is("windows-nlb", "warm", &["--nics", "2"]));
    });
    let rehearsal = Rehearsal::new();
    let one_nic = [
        "new",
        "x",
        "--platform",
        "windows-nlb",
        "--redundancy",
        "hot",
    ];
    let (code, said) = rehearsal.text(&[&one_nic[..], &["--nics", "1"]].concat());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("two adapters on each host"), "{said}");
}

/// Writes a kit and rehearses it unedited; the workflows that passed.
fn rehearsed(rehearsal: &Rehearsal, platform: &str, redundancy: &str) -> serde_json::Value {
    let words = [
        "new",
        "east",
        "--platform",
        platform,
        "--redundancy",
        redundancy,
    ];
    let (code, said) = rehearsal.text(&words);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = rehearsal.text(&["check", "east/site.yaml"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("east/site.yaml: no objections\n"), "{said}");
    let (code, answer) = rehearsal.json(&["rehearse", "east/site.yaml"]);
    assert_eq!(code, Some(0), "{platform} {redundancy}: {answer:#}");
    answer["sites"][0].clone()
}

const CALLS: [(&str, usize); 3] = [("test-1", 7), ("test-2", 7), ("test-3", 7)];

#[test]
fn a_new_site_behind_a_network_device_is_rehearsed_without_a_script() {
    for redundancy in ["hot", "warm"] {
        let rehearsal = Rehearsal::new();
        let site = rehearsed(&rehearsal, "network-device", redundancy);
        let mut expected = vec![
            ("manual-switchover", 6),
            ("primary-failure", 5),
            ("primary-disconnected", 4),
            ("reconnect", 5),
        ];
        if redundancy == "hot" {
            expected.extend(CALLS);
        }
        assert_eq!(workflows(&site), expected, "{site:#}");
        for workflow in site["workflows"].as_array().expect("workflows") {
            assert_eq!(workflow["holders_after"], serde_json::json!([]));
            assert!(workflow["no_holder_ms"].is_null());
        }
        let gap = site["workflows"][0]["vip_gap_ms"].as_f64();
        assert!(
            gap.is_some_and(|gap| gap < 1500.0),
            "it asks every second: {gap:?}"
        );
        assert_eq!(rehearsal.left_behind(), Vec::<String>::new());
    }
}

#[test]
fn a_new_site_on_a_single_host_is_rehearsed_without_a_vip() {
    for redundancy in ["hot", "warm"] {
        let rehearsal = Rehearsal::new();
        let site = rehearsed(&rehearsal, "single-host", redundancy);
        let mut expected = vec![("manual-switchover", 6), ("primary-failure", 5)];
        if redundancy == "hot" {
            expected.extend(CALLS);
        }
        assert_eq!(workflows(&site), expected, "{site:#}");
        for workflow in site["workflows"].as_array().expect("workflows") {
            assert!(workflow["vip_gap_ms"].is_null());
            assert_eq!(workflow["holders_after"], serde_json::json!([]));
        }
        assert_eq!(rehearsal.left_behind(), Vec::<String>::new());
    }
}

#[test]
fn a_site_is_never_written_over_another() {
    let rehearsal = Rehearsal::new();
    let words = ["new", "east", "--platform", "linux", "--redundancy", "hot"];
    assert_eq!(rehearsal.text(&words).0, Some(0));
    let (code, said) = rehearsal.text(&words);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("east is not empty"), "{said}");
    let (code, said) = rehearsal.text(&[
        "new",
        "west",
        "--platform",
        "linux",
        "--redundancy",
        "hot",
        "--vip",
        "192.0.2.1",
    ]);
    assert_eq!(code, Some(2), "{said}");
    assert!(!rehearsal.folder().join("west").exists());
}
