//! One planted defect per rule: each file of `tests/environments/defects` is an edit of a shipped example that its rule
//! finds, and no other. Rules about scripts have theirs in `tests/checking`, where scripts are really tried.
//!
//! A file says `base EXAMPLE`, perhaps `latency MS` and `allow RULE…` (what the same mistake always brings along), and
//! then the edit: lines with `-` are replaced by the lines with `+` behind them; `+` alone is added at the end.
#![expect(
    clippy::disallowed_methods,
    reason = "a test reads files; the crate itself does not"
)]

use changeover_configuration::{CheckOptions, check, load, render, rules};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An edit of an example.
#[derive(Default)]
struct Defect {
    base: String,
    latency: Option<Duration>,
    allow: Vec<String>,
    hunks: Vec<(Vec<String>, Vec<String>)>,
}

impl Defect {
    fn parse(text: &str) -> Self {
        let mut defect = Self::default();
        for line in text.lines() {
            if let Some(old) = line.strip_prefix('-') {
                match defect.hunks.last_mut() {
                    Some((from, to)) if to.is_empty() => from.push(old.to_owned()),
                    _ => defect.hunks.push((vec![old.to_owned()], Vec::new())),
                }
            } else if let Some(new) = line.strip_prefix('+') {
                match defect.hunks.last_mut() {
                    Some((_, to)) => to.push(new.to_owned()),
                    None => defect.hunks.push((Vec::new(), vec![new.to_owned()])),
                }
            } else if let Some(base) = line.strip_prefix("base ") {
                base.clone_into(&mut defect.base);
            } else if let Some(latency) = line.strip_prefix("latency ") {
                let latency = latency.parse().expect("milliseconds");
                defect.latency = Some(Duration::from_millis(latency));
            } else if let Some(allow) = line.strip_prefix("allow ") {
                defect.allow = allow.split(' ').map(str::to_owned).collect();
            } else if line.is_empty() {
                // A blank line ends an edit: what follows it with `+` alone is added at the end.
                defect.hunks.push((Vec::new(), Vec::new()));
            } else {
                assert!(line.starts_with('#'), "what is `{line}`?");
            }
        }
        defect
    }

    fn text(&self) -> String {
        let mut text = read(&repository("deploy/examples").join(&self.base));
        for (from, to) in &self.hunks {
            let (from, to) = (from.join("\n"), to.join("\n"));
            if from.is_empty() {
                if !to.is_empty() {
                    text.push_str(&to);
                    text.push('\n');
                }
            } else {
                assert!(text.contains(&from), "{} has no `{from}`", self.base);
                text = text.replace(&from, &to);
            }
        }
        text
    }
}

fn is_about_scripts(rule: &str) -> bool {
    rule.starts_with("script")
}

fn defects() -> Vec<(String, Defect)> {
    let folder = repository("tests/environments/defects");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .expect("the defects")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let rule = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (rule, Defect::parse(&read(&path)))
        })
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

#[test]
fn every_planted_defect_is_found_by_its_rule_and_by_no_other() {
    let mut wrong = Vec::new();
    for (rule, defect) in defects() {
        let text = defect.text();
        let loaded = match load(&rule, &text) {
            Ok(loaded) => loaded,
            Err(problems) => {
                wrong.push(problems.render(false));
                continue;
            }
        };
        let options = CheckOptions {
            latency: defect.latency,
            allow: defect.allow,
            ..CheckOptions::default()
        };
        let findings = check(&loaded, &options);
        let found: BTreeSet<&str> = findings.iter().map(|finding| finding.rule).collect();
        if found != BTreeSet::from([rule.as_str()]) {
            wrong.push(render(&loaded.source, &findings, false));
        }
        let severity = rules()
            .iter()
            .find(|known| known.name == rule)
            .map(|rule| rule.severity);
        assert!(
            findings
                .iter()
                .filter(|finding| finding.rule == rule)
                .all(|finding| { Some(finding.severity) == severity && finding.place.is_some() }),
            "{rule}: no place"
        );
    }
    assert!(
        wrong.is_empty(),
        "{} defects:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_rule_has_a_planted_defect() {
    let planted: BTreeSet<String> = defects().into_iter().map(|(rule, _)| rule).collect();
    let expected: BTreeSet<String> = rules()
        .iter()
        .map(|rule| rule.name.to_owned())
        .filter(|rule| !is_about_scripts(rule))
        .collect();
    assert_eq!(planted, expected);
    assert!(planted.len() >= 40);
}

#[test]
fn an_edit_says_what_it_replaces_and_what_it_adds() {
    let defect =
        Defect::parse("# why\nbase linux-hot.yaml\n\n-version: 1\n+version: 2\n\n+more: 1\n");
    let text = defect.text();
    assert!(text.contains("\nversion: 2\n") && !text.contains("version: 1"));
    assert!(text.ends_with("\nmore: 1\n"));
}
