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
    let expected: Vec<&str> = every_workflow(redundancy)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
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
