//! Are bugs in the cores found? Each bug of the `catalogue` is planted in the production cores, one at a time, and the
//! scenarios written by hand are played, then seeds, until something breaks. Owns the catalogue and the trial; the bugs
//! themselves stand in the cores, as `planted("name")`. `UPDATE_EXPECT=1` writes docs/developer/planted-bugs.md anew.
//! Run by `cargo test -p changeover-simulation --features planted-bugs`, and by tests/run.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a test of a pure crate: it goes through the bugs on two threads and writes its page"
)]

mod catalogue;
#[path = "../fencing.rs"]
mod fencing;
#[path = "../incidents.rs"]
mod incidents;
#[path = "../incidents_of_control.rs"]
mod incidents_of_control;
#[path = "../play.rs"]
mod play;
#[path = "../scenarios.rs"]
mod scenarios;
mod trial;

use catalogue::BUGS;
use std::collections::BTreeSet;
use std::path::Path;
use trial::{Result, table, try_all};

#[test]
fn almost_every_planted_bug_is_found_and_the_documentation_says_how() {
    let updating = std::env::var_os("UPDATE_EXPECT").is_some();
    let results = try_all(BUGS, updating);
    println!("{}", table(&results));
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/developer/planted-bugs.md");
    if updating {
        std::fs::write(&page, trial::page(&results)).expect("the page can be written");
    }
    let unexpected: Vec<&str> = results
        .iter()
        .filter(|result| result.is_found() == result.bug.survives.is_some())
        .map(|result| result.bug.name)
        .collect();
    assert_eq!(
        unexpected,
        Vec::<&str>::new(),
        "not found, or found although the catalogue says otherwise"
    );
    let found = results.iter().filter(|result| result.is_found()).count();
    assert!(found >= 38, "{found} of {} are found", results.len());
    let text = std::fs::read_to_string(&page).expect("the page is there");
    let told: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let names: BTreeSet<&str> = BUGS.iter().map(|bug| bug.name).collect();
    assert_eq!(told, names, "UPDATE_EXPECT=1 writes the page anew");
}

#[test]
fn every_bug_of_the_catalogue_is_planted_in_the_core_that_it_names_and_no_other_is() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut planted = BTreeSet::new();
    for core in [
        "scs-core",
        "lca-core",
        "message-server-core",
        "reaction-engine",
    ] {
        let mut folders = vec![crates.join(core).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("sources can be read") {
                let path = entry.expect("its entries too").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("source is text");
                for rest in text.split("planted(\"").skip(1) {
                    let name = rest.split('"').next().unwrap_or_default();
                    planted.insert((core.to_owned(), name.to_owned()));
                }
            }
        }
    }
    let listed: BTreeSet<(String, String)> = BUGS
        .iter()
        .map(|bug| (bug.core.to_owned(), bug.name.to_owned()))
        .collect();
    assert_eq!(listed, planted);
}

#[test]
fn a_world_without_a_planted_bug_is_sound() {
    let result = Result::of(&catalogue::NONE, false);
    assert!(
        !result.is_found(),
        "{:?} {:?}",
        result.by_scenario,
        result.by_seed
    );
}
