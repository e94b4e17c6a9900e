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
