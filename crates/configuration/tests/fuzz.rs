//! Whatever the text, `load` ends with a valid file or with problems, never with a panic, and in bounded time.

use changeover_configuration::{CheckOptions, check, load, render, show};
use proptest::prelude::*;

const SITE: &str = include_str!("../../../deploy/examples/linux-hot.yaml");
const BY_HAND: &str = include_str!("../../../deploy/examples/linux-hot-explicit.yaml");

/// Reads the text and uses the outcome in every way there is.
fn survives(text: &str) {
    match load("fuzz.yaml", text) {
        Ok(loaded) => {
            let findings = check(&loaded, &CheckOptions::default());
            render(&loaded.source, &findings, true);
            let shown = show(&loaded);
            let again = load("shown.yaml", &shown);
            let again = again.unwrap_or_else(|problems| panic!("{problems}\nof\n{shown}"));
            assert_eq!(again.environment, loaded.environment, "{shown}");
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            problems.render(true);
            problems.to_json();
        }
    }
}

/// A change to a text.
#[derive(Clone, Debug)]
enum Change {
    Remove {
        at: prop::sample::Index,
        length: usize,
    },
    Insert {
        at: prop::sample::Index,
        text: String,
    },
    CopyLine {
        from: prop::sample::Index,
        to: prop::sample::Index,
    },
    ReplaceWord {
        at: prop::sample::Index,
        by: String,
    },
}

fn fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,6}",
        prop::sample::select(vec![
            ":",
            "{",
            "}",
            "[",
            "]",
            "- ",
            "\n",
            "\t",
            "  ",
            "&a ",
            "*a",
            "!x ",
            "? ",
            "| ",
            "> ",
            "#",
            "\"",
            "'",
            "---\n",
            "...\n",
            "%YAML 1.1\n",
            "<<: ",
            "null",
            "~",
            "on",
            "off",
            "yes",
            "0",
            "-1",
            "1e9",
            ".inf",
            "1h",
            "99999999999999999999",
            "10.10.11.103/24",
            "::1/128",
            "4561",
            "host1",
            "SIP_SERVER_PRIMARY",
            "derive: off",
            "control_scripts: builtin",
            "\u{feff}",
            "\u{0}",
            "é",
            "\u{2028}",
        ])
        .prop_map(str::to_owned),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), 0..40_usize).prop_map(|(at, length)| Change::Remove { at, length }),
        (index(), fragment()).prop_map(|(at, text)| Change::Insert { at, text }),
        (index(), index()).prop_map(|(from, to)| Change::CopyLine { from, to }),
        (index(), fragment()).prop_map(|(at, by)| Change::ReplaceWord { at, by }),
    ]
}

fn apply(text: &str, change: &Change) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let mut lines: Vec<&str> = text.split('\n').collect();
    match change {
        Change::Remove { at, length } => {
            let at = at.index(characters.len() + 1);
            let end = (at + length).min(characters.len());
            characters.drain(at..end);
            characters.into_iter().collect()
        }
        Change::Insert { at, text } => {
            let at = at.index(characters.len() + 1);
            characters.splice(at..at, text.chars());
            characters.into_iter().collect()
        }
        Change::CopyLine { from, to } => {
            let line = lines[from.index(lines.len())];
            lines.insert(to.index(lines.len()), line);
            lines.join("\n")
        }
        Change::ReplaceWord { at, by } => {
            let mut words: Vec<&str> = text.split(' ').collect();
            let at = at.index(words.len());
            words[at] = by;
            words.join(" ")
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_site_is_read_or_refused(
        by_hand in any::<bool>(),
        changes in prop::collection::vec(change(), 1..8),
    ) {
        let mut text = if by_hand { BY_HAND } else { SITE }.to_owned();
        for change in &changes {
            text = apply(&text, change);
        }
        survives(&text);
    }

    #[test]
    fn random_text_is_read_or_refused(text in "\\PC{0,200}") {
        survives(&text);
    }

    #[test]
    fn random_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn yaml_punctuation_is_read_or_refused(parts in prop::collection::vec(fragment(), 0..60)) {
        survives(&parts.concat());
    }
}

#[test]
fn deep_nesting_and_long_lines_are_refused_in_bounded_time() {
    survives(&"[".repeat(200_000));
    survives(&"{a: ".repeat(100_000));
    survives(&"- ".repeat(100_000));
    survives(&"a".repeat(1_000_000));
    let keys: String = (0..100_000)
        .map(|number| format!("key{number}: 1\n"))
        .collect();
    survives(&keys);
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in [
        ("b", "a"),
        ("c", "b"),
        ("d", "c"),
        ("e", "d"),
        ("f", "e"),
        ("g", "f"),
        ("h", "g"),
    ] {
        let items = vec![format!("*{before}"); 8].join(", ");
        bomb.push_str(&format!("{name}: &{name} [{items}]\n"));
    }
    survives(&bomb);
}
