//! `changeover new --explicit`: the twelve objects of the guide by hand, and still the same site.

use crate::site::{Site, read};

/// What `show` prints, without where each value came from.
fn shown(site: &Site, file: &str) -> String {
    let (code, said) = site.run(&["show", file]);
    assert_eq!(code, Some(0), "{said}");
    let lines = said
        .lines()
        .map(|line| line.split("  # ").next().unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_explicit_site_is_the_derived_one_written_out() {
    for (redundancy, scripts, event) in [("hot", "shell", "4563"), ("warm", "builtin", "4562")] {
        let site = Site::empty();
        let words = |folder: &'static str| {
            [
                "new",
                folder,
                "--name",
                "east",
                "--platform",
                "linux",
                "--redundancy",
                redundancy,
                "--control-scripts",
                scripts,
            ]
        };
        let (code, said) = site.run(&words("derived"));
        assert_eq!(code, Some(0), "{said}");
        let mut explicit = words("site").to_vec();
        explicit.push("--explicit");
        let (code, said) = site.run(&explicit);
        assert_eq!(code, Some(0), "{said}");

        assert_eq!(
            shown(&site, "site/site.yaml"),
            shown(&site, "derived/site.yaml")
        );
        let (code, rules, answer) = site.check(&[]);
        assert_eq!((code, rules.len()), (Some(0), 0), "{answer:#}");
        let text = read(&site.path("site.yaml"));
        for name in [
            "SIP_SERVER_PRIMARY_VIP_UP:".to_owned(),
            "AR_SCRIPT_BACKUP_VIP_DOWN:".to_owned(),
            format!("ALRM_PRIMARY_{event}_HAPrimary:"),
            "derive: off".to_owned(),
        ] {
            assert_eq!(text.matches(&format!("  {name}")).count(), 1, "{text}");
        }
    }
}

#[test]
fn an_explicit_site_rehearses_unedited() {
    let site = Site::empty();
    let new = [
        "new",
        "site",
        "--platform",
        "linux",
        "--redundancy",
        "hot",
        "--control-scripts",
        "shell",
        "--explicit",
    ];
    assert_eq!(site.run(&new).0, Some(0));
    let (code, said) = site.run(&[
        "rehearse",
        "site/site.yaml",
        "--workflow",
        "manual-switchover",
    ]);
    assert_eq!(code, Some(0), "{said}");
}
