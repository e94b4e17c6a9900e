//! Owns the reading of a page of docs/operator as a person at the keyboard reads it: every `sh` box, in order, and the
//! machines that its first line names. Whoever carries it out stands in lab.rs.

use std::path::Path;

/// A box of commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Box {
    /// Where it is typed, as the box says: hosts, or "the build machine".
    pub(crate) machines: Vec<String>,
    /// The commands, without the line that says where.
    pub(crate) commands: String,
    /// Line of the page where the commands begin.
    pub(crate) line: usize,
}

/// What a box that is typed where the program was built says.
pub(crate) const BUILD_MACHINE: &str = "the build machine";

/// The boxes of a page below docs/operator.
pub(crate) fn boxes(page: &str) -> Vec<Box> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/operator")
        .join(page);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    boxes_of(&text)
}

fn boxes_of(text: &str) -> Vec<Box> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        if line != "```sh" {
            // A box of another kind is shown, not typed; it ends where it says.
            if line.starts_with("```") {
                lines.find(|(_, line)| *line == "```");
            }
            continue;
        }
        let (number, first) = lines.next().expect("a box has a first line");
        let machines = first.strip_prefix("# on ").unwrap_or_else(|| {
            panic!(
                "line {}: a box begins with `# on …`, not {first:?}",
                number + 1
            )
        });
        let commands: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```")
            .collect();
        found.push(Box {
            machines: machines_of(machines),
            commands: commands.join("\n"),
            line: number + 2,
        });
    }
    found
}

/// `edge1 and edge2`, `mgmt1, edge1 and edge2`, `the build machine, in the repository`.
fn machines_of(words: &str) -> Vec<String> {
    if words.starts_with(BUILD_MACHINE) {
        return vec![BUILD_MACHINE.to_owned()];
    }
    words
        .split(", ")
        .flat_map(|part| part.split(" and "))
        .map(|word| word.trim().to_owned())
        .collect()
}

#[test]
fn a_box_says_where_it_is_typed_and_what_is_shown_is_not_typed() {
    let text = "# Page\n\n```sh\n# on edge1 and edge2\nls\ncat <<END\n# on x\nEND\n```\n\n```text\nrm -rf /\n```\n\
                ```sh\n# on the build machine, in the repository\nmake\n```\n";
    let expected = [
        Box {
            machines: vec!["edge1".to_owned(), "edge2".to_owned()],
            commands: "ls\ncat <<END\n# on x\nEND".to_owned(),
            line: 5,
        },
        Box {
            machines: vec![BUILD_MACHINE.to_owned()],
            commands: "make".to_owned(),
            line: 16,
        },
    ];
    assert_eq!(boxes_of(text), expected);
}

#[test]
fn every_box_of_the_operators_pages_that_are_carried_out_names_machines_that_exist() {
    for page in crate::PAGES {
        let boxes = boxes(page);
        assert!(!boxes.is_empty(), "{page} has no commands");
        for one in boxes {
            for machine in &one.machines {
                let known = ["mgmt1", "edge1", "edge2", BUILD_MACHINE];
                assert!(
                    known.contains(&machine.as_str()),
                    "{page}:{}: {machine}",
                    one.line
                );
            }
        }
    }
}
