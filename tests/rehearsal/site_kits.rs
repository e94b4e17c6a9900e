//! What `changeover new` writes is rehearsed as it is, unedited.

use crate::running::{Rehearsal, every_workflow, workflows};

#[test]
fn a_new_site_is_checked_and_rehearsed_unedited() {
    for (redundancy, more) in [
        ("hot", ["--control-scripts", "shell", "--nics", "1"]),
        ("warm", ["--control-scripts", "shell", "--nics", "2"]),
        ("hot", ["--control-scripts", "builtin", "--nics", "2"]),
    ] {
        let rehearsal = Rehearsal::new();
        let mut words = vec![
            "new",
            "east",
            "--platform",
            "linux",
            "--redundancy",
            redundancy,
        ];
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
        assert_eq!(workflows(site), every_workflow(redundancy), "{words:?}");
        assert_eq!(rehearsal.left_behind(), Vec::<String>::new());
    }
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
