//! Every broken file in tests/environments/broken gets exactly the message beside it (`.expected`).
//!
//! To change the messages: `UPDATE_EXPECT=1 cargo test -p changeover-configuration --test broken`, then read every
//! changed one.
#![expect(
    clippy::disallowed_methods,
    reason = "a test reads files and its own update switch; the crate itself does not"
)]

use std::path::{Path, PathBuf};

fn broken_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/environments/broken");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is part of the repository")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_broken_file_is_refused_with_exactly_the_message_beside_it() {
    let files = broken_files();
    assert!(files.len() >= 30, "{} broken files", files.len());
    let mut different = Vec::new();
    for path in files {
        let name = path
            .file_name()
            .expect("a file")
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let message = match changeover_configuration::load(&name, &text) {
            Ok(_) => format!("{name} was accepted\n"),
            Err(problems) => problems.render(false),
        };
        let beside = path.with_extension("expected");
        if std::env::var("UPDATE_EXPECT").is_ok() {
            std::fs::write(&beside, &message).expect("the folder is writable");
        }
        if std::fs::read_to_string(&beside).unwrap_or_default() != message {
            different.push(format!("{name}:\n{message}"));
        }
    }
    assert!(
        different.is_empty(),
        "these messages changed; see the top of this file:\n{}",
        different.join("\n")
    );
}

#[test]
fn every_problem_has_a_place_a_message_and_says_what_to_do_next() {
    for path in broken_files() {
        let name = path
            .file_name()
            .expect("a file")
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let problems = changeover_configuration::load(&name, &text).expect_err("it is broken");
        let json = problems.to_json();
        assert_eq!(json["errors"], problems.len(), "{name}");
        for problem in json["problems"].as_array().expect("a list") {
            assert_eq!(problem["place"]["file"], name.as_str());
            assert!(problem["place"]["line"].as_u64() >= Some(1), "{problem}");
            assert!(problem["place"]["column"].as_u64() >= Some(1), "{problem}");
            assert!(
                problem["message"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty())
            );
        }
    }
}
