//! Keeps the house in order: pure crates stay pure, files stay small and say what they own, the five files of
//! the flow exist, no path of somebody's machine is committed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PURE: &[&str] = &[
    "changeover-model",
    "changeover-configuration",
    "changeover-message-server-core",
    "changeover-scs-core",
    "changeover-reaction-engine",
    "changeover-lca-core",
    "changeover-sip-core",
    "changeover-simulation",
    "changeover-import",
];

/// What a pure crate may depend on besides pure crates.
const ALLOWED: &[&str] = &["serde", "thiserror", "indexmap", "ipnet"];
/// What one pure crate may have in addition, and why.
const ALLOWED_FOR: &[(&str, &[&str])] = &[
    // Its YAML, its diagnostics, its schema.
    (
        "changeover-configuration",
        &[
            "serde-saphyr",
            "granit-parser",
            "serde_json",
            "annotate-snippets",
            "schemars",
        ],
    ),
    // Its parser, the digest of RFC 3261's authentication, the encoding of what is replicated.
    (
        "changeover-sip-core",
        &["sipx-sip", "bytes", "md-5", "rmp-serde", "serde_bytes"],
    ),
    // Reads a Pacemaker CIB.
    ("changeover-import", &["roxmltree"]),
    // Writes traces and seeds.
    ("changeover-simulation", &["serde_json"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace exists")
}

fn tracked_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the workspace can be read") {
            let path = entry.expect("its entries too").path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if path.is_dir() && name != "target" && name != ".git" {
                folders.push(path);
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    found
}

fn rust_files() -> Vec<(PathBuf, String)> {
    tracked_files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("source is UTF-8");
            (
                path.strip_prefix(root())
                    .expect("below the root")
                    .to_owned(),
                text,
            )
        })
        .collect()
}

#[test]
fn pure_crates_depend_on_pure_crates_and_a_short_list_only() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let mut strangers = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        if !PURE.contains(&name) {
            continue;
        }
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let on = dependency["name"].as_str().expect("a name");
            let only_for_tests = dependency["kind"] == "dev";
            let extra = ALLOWED_FOR
                .iter()
                .any(|(for_crate, list)| *for_crate == name && list.contains(&on));
            if !only_for_tests && !PURE.contains(&on) && !ALLOWED.contains(&on) && !extra {
                strangers.push(format!("{name} -> {on}"));
            }
        }
    }
    assert_eq!(
        strangers,
        Vec::<String>::new(),
        "a pure crate may not depend on these"
    );
}

#[test]
fn a_core_depends_on_no_other_components_core() {
    let allowed: BTreeSet<(&str, &str)> = BTreeSet::from([
        // The SCS hosts the reaction engine, and sends its own log events by the same outbox as everybody.
        ("scs-core", "reaction-engine"),
        ("scs-core", "message-server-core"),
    ]);
    let cores = [
        "scs-core",
        "lca-core",
        "sip-core",
        "message-server-core",
        "reaction-engine",
    ];
    for core in cores {
        let manifest = fs::read_to_string(root().join("crates").join(core).join("Cargo.toml"))
            .expect("a manifest");
        let dependencies = manifest
            .split("[dev-dependencies]")
            .next()
            .unwrap_or_default();
        for other in cores {
            let named = dependencies.contains(&format!("\nchangeover-{other}."));
            assert!(
                !named || allowed.contains(&(core, other)),
                "{core} depends on {other}"
            );
        }
    }
}

#[test]
fn every_source_file_says_what_it_owns_and_stays_below_600_lines() {
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        let opens = text
            .lines()
            .find(|line| !line.starts_with("#!"))
            .unwrap_or_default();
        if !opens.starts_with("//!") {
            faults.push(format!("{}: opens without //!", path.display()));
        }
        let lines = text.lines().count();
        if lines > 600 {
            faults.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn no_file_is_named_after_nothing() {
    let nothing = [
        "utils", "util", "common", "helpers", "helper", "manager", "misc",
    ];
    for (path, _) in rust_files() {
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        assert!(
            !nothing.contains(&stem),
            "{} names no thing of the domain",
            path.display()
        );
    }
}

#[test]
fn the_five_files_of_the_flow_in_the_readme_exist() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    let flow: Vec<&str> = readme
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()) && line.contains("`crates/"))
        .filter_map(|line| line.split('`').find(|part| part.starts_with("crates/")))
        .collect();
    assert_eq!(flow.len(), 5, "the flow is told in five lines: {flow:?}");
    for file in flow {
        assert!(
            root().join(file).is_file(),
            "{file} of the flow does not exist"
        );
    }
}

#[test]
fn links_in_the_documentation_lead_somewhere() {
    let mut broken = Vec::new();
    for path in tracked_files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
    {
        let text = fs::read_to_string(&path).expect("documentation is UTF-8");
        for part in text.split("](").skip(1) {
            let target = part.split([')', '#', ' ']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let folder = path.parent().expect("a file has a folder");
            if !folder.join(target).exists() {
                broken.push(format!("{} -> {target}", path.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}
