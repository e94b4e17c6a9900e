//! What the repository ships beside the crate is right: examples, the JSON Schema, the operator's pages.
//!
//! To write the generated parts anew: `UPDATE_EXPECT=1 cargo test -p changeover-configuration --test shipped`.
#![expect(
    clippy::disallowed_methods,
    reason = "a test reads files and its own update switch; the crate itself does not"
)]

use changeover_configuration::{CheckOptions, Loaded, check, load, render, show};
use changeover_model::environment::Environment;
use std::path::PathBuf;
use std::time::Duration;

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn example(name: &str) -> Loaded {
    load(name, &read(&format!("deploy/examples/{name}")))
        .unwrap_or_else(|problems| panic!("{problems}"))
}

const EXAMPLES: [&str; 14] = [
    "linux-two-nics.yaml",
    "network-device.yaml",
    "single-host.yaml",
    "linux-hooks.yaml",
    "third-party.yaml",
    "linux-hot.yaml",
    "linux-warm.yaml",
    "linux-hot-explicit.yaml",
    "windows-hot.yaml",
    "windows-warm.yaml",
    "aix-hot.yaml",
    "aix-warm.yaml",
    "solaris-hot.yaml",
    "solaris-warm.yaml",
];

#[test]
fn the_examples_pass_every_rule_without_a_warning() {
    for name in EXAMPLES {
        let loaded = example(name);
        let options = CheckOptions {
            latency: Some(Duration::from_millis(1)),
            ..CheckOptions::default()
        };
        let findings = check(&loaded, &options);
        assert!(
            findings.is_empty(),
            "{}",
            render(&loaded.source, &findings, false)
        );
    }
}

#[test]
fn the_twelve_objects_by_hand_mean_the_same_as_the_derived_ones() {
    let derived = example("linux-hot.yaml").environment;
    let by_hand = example("linux-hot-explicit.yaml").environment;
    assert_eq!(without_order(&by_hand), without_order(&derived));
    assert_eq!(by_hand, derived);
}

/// Sorted, so that a difference shows as a difference of two lines.
fn without_order(environment: &Environment) -> Vec<String> {
    let mut lines: Vec<String> = format!("{environment:#?}")
        .lines()
        .map(str::to_owned)
        .collect();
    lines.sort();
    lines
}

#[test]
fn what_show_prints_is_a_file_that_means_the_same() {
    for name in EXAMPLES {
        let loaded = example(name);
        let text = show(&loaded);
        let again =
            load("shown.yaml", &text).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        assert_eq!(again.environment, loaded.environment, "{text}");
    }
}

#[test]
fn an_explicit_file_means_the_same_and_derives_nothing() {
    for name in EXAMPLES {
        let loaded = example(name);
        let text = changeover_configuration::explicit(&loaded);
        let again =
            load("explicit.yaml", &text).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        assert_eq!(again.environment, loaded.environment, "{text}");
        let derived = again.origins.iter().find(|(path, origin)| {
            origin.derived_from.is_some()
                && !path.starts_with("applications.MessageServer")
                && !path.starts_with("applications.SCS")
        });
        assert_eq!(derived, None, "{text}");
        assert_eq!(
            provenance_gone(&show(&again)),
            provenance_gone(&show(&loaded))
        );
    }
}

#[test]
fn what_a_rehearsal_shall_play_is_shown_as_it_was_written_and_reads_the_same_again() {
    let path = |name: &str| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = std::fs::read_to_string(path("../../deploy/examples/windows-hot.yaml"))
        .expect("a shipped example");
    let plain = load("plain.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(!show(&plain).contains("rehearsal:"), "nobody wrote of one");
    for section in [
        "rehearsal: {nlb_convergence: 1500ms}\n",
        "rehearsal:\n  netsh_time: 2s\n  properties_dialog: [host2]\n  drop_announcements: {host1: 2}\n",
        "rehearsal: {netsh_time: {least: 1s, most: 5s}}\n",
    ] {
        let loaded = load("site.yaml", &format!("{text}{section}"))
            .unwrap_or_else(|problems| panic!("{problems}"));
        for shown in [show(&loaded), changeover_configuration::explicit(&loaded)] {
            let again =
                load("shown.yaml", &shown).unwrap_or_else(|problems| panic!("{problems}\n{shown}"));
            assert_eq!(again.rehearsal, loaded.rehearsal, "{shown}");
        }
    }
}

/// What `show` prints without where it came from.
fn provenance_gone(shown: &str) -> String {
    let lines = shown
        .lines()
        .map(|line| line.split("  # ").next().unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn show_names_the_origin_of_written_derived_and_default_values() {
    let text = show(&example("linux-hot.yaml"));
    let line = |start: &str| {
        let found = text
            .lines()
            .find(|line| line.trim_start().starts_with(start));
        found
            .unwrap_or_else(|| panic!("no line {start}:\n{text}"))
            .to_owned()
    };
    assert!(line("lca_port: 4999").ends_with("# default"));
    assert!(line("address: 10.10.11.110").ends_with("# line 15"));
    assert!(line("ALRM_PRIMARY_4563_HAPrimary:").ends_with("# derived from pairs.SIP_SERVER"));
    assert!(line("sip-address: 10.10.11.103").ends_with("# derived from pairs.SIP_SERVER"));
    assert!(line("MessageServer:").ends_with("# derived from management_layer.message_server"));
}

/// Compares a shipped text with what it is generated from, or writes it.
fn shipped(path: &str, generated: &str) {
    if std::env::var("UPDATE_EXPECT").is_ok() {
        std::fs::write(repository(path), generated).expect("the folder is writable");
    }
    assert!(
        read(path) == generated,
        "{path} is not what it is generated from; \
         UPDATE_EXPECT=1 cargo test -p changeover-configuration --test shipped writes it anew"
    );
}

/// Replaces what stands between the two marks of a page.
fn between_marks(path: &str, generated: &str) -> String {
    let (begin, end) = ("<!-- generated: begin -->\n", "<!-- generated: end -->");
    let page = read(path);
    let (before, rest) = page.split_once(begin).expect("the page has the first mark");
    let (_, after) = rest.split_once(end).expect("the page has the second mark");
    format!("{before}{begin}\n{generated}\n{end}{after}")
}

#[test]
fn the_shipped_json_schema_is_the_one_of_this_build() {
    let schema = serde_json::to_string_pretty(&changeover_configuration::json_schema())
        .expect("a schema is plain JSON");
    shipped("deploy/environment.schema.json", &format!("{schema}\n"));
}

#[test]
fn the_page_about_the_environment_file_lists_every_key() {
    let path = "docs/operator/environment-file.md";
    let text = between_marks(path, changeover_configuration::keys_markdown().trim_end());
    shipped(path, &text);
}

#[test]
fn the_page_about_check_lists_every_rule() {
    let path = "docs/operator/check-rules.md";
    let text = between_marks(path, changeover_configuration::rules_markdown().trim_end());
    shipped(path, &text);
}
