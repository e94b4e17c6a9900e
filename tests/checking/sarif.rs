//! SARIF 2.1.0: what its schema requires is there, and says the same as the other forms.

use crate::site::Site;
use serde_json::Value;

fn sarif(site: &Site) -> (Option<i32>, Value) {
    let (code, said) = site.run(&[
        "check",
        "site/site.yaml",
        "--format",
        "sarif",
        "--no-trials",
    ]);
    let document = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    (code, document)
}

/// What the schema's `required` and `enum` say of the objects that we write, by hand: no network in a test.
fn has_what_the_schema_requires(document: &Value) {
    assert_eq!(document["version"], "2.1.0");
    assert!(
        document["$schema"]
            .as_str()
            .is_some_and(|uri| uri.starts_with("https://"))
    );
    for run in document["runs"].as_array().expect("runs is an array") {
        let driver = &run["tool"]["driver"];
        assert!(driver["name"].is_string());
        for rule in driver["rules"].as_array().expect("the rules") {
            assert!(rule["id"].is_string());
            for text in ["shortDescription", "fullDescription", "help"] {
                assert!(
                    rule[text]["text"]
                        .as_str()
                        .is_some_and(|text| !text.is_empty())
                );
            }
        }
        for invocation in run["invocations"].as_array().expect("one invocation") {
            assert!(invocation["executionSuccessful"].is_boolean());
        }
        let rules = driver["rules"].as_array().expect("the rules");
        for result in run["results"].as_array().expect("results is an array") {
            assert!(result["message"]["text"].is_string());
            let level = result["level"].as_str().expect("a level");
            assert!(["none", "note", "warning", "error"].contains(&level));
            if let Some(index) = result["ruleIndex"].as_u64() {
                let index = usize::try_from(index).expect("an index");
                assert_eq!(rules[index]["id"], result["ruleId"]);
            }
            for location in result["locations"].as_array().expect("locations") {
                let physical = &location["physicalLocation"];
                let uri = physical["artifactLocation"]["uri"].as_str().expect("a uri");
                assert!(!uri.contains([' ', '\\']));
                for key in ["startLine", "startColumn", "endLine", "endColumn"] {
                    assert!(physical["region"][key].as_u64().is_some_and(|at| at >= 1));
                }
            }
        }
    }
}

#[test]
fn findings_have_their_rule_level_and_region() {
    let site = Site::linux();
    site.edit(
        "site.yaml",
        "sip-port: 5060",
        "sip-port: 5060, sip-pass-check: yes",
    );
    site.edit(
        "site.yaml",
        "sync-reconnect-tout: 7",
        "sync-reconnect-tout: 5",
    );
    let (code, document) = sarif(&site);
    assert_eq!(code, Some(0), "warnings only");
    has_what_the_schema_requires(&document);
    let results = document["runs"][0]["results"].as_array().expect("results");
    let told: Vec<(&str, &str)> = results
        .iter()
        .map(|one| {
            (
                one["ruleId"].as_str().expect("a rule"),
                one["level"].as_str().expect("a level"),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("sip-pass-check-unreadable", "warning"),
            ("sip-pass-check-unreadable", "warning"),
            ("sync-reconnect-too-short", "warning"),
            ("sync-reconnect-too-short", "warning"),
        ]
    );
}

#[test]
fn a_sound_site_has_no_results_and_every_rule_is_described() {
    let site = Site::linux();
    let (code, document) = sarif(&site);
    assert_eq!(code, Some(0));
    has_what_the_schema_requires(&document);
    let run = &document["runs"][0];
    assert_eq!(run["results"].as_array().map(Vec::len), Some(0));
    let described = run["tool"]["driver"]["rules"].as_array().map(Vec::len);
    assert_eq!(described, Some(changeover_configuration::rules().len()));
}

#[test]
fn a_file_that_is_no_environment_is_told_in_the_same_form() {
    let site = Site::linux();
    site.edit("site.yaml", "redundancy_type: hot", "redundancy_typ: hot");
    let (code, document) = sarif(&site);
    assert_eq!(code, Some(2));
    has_what_the_schema_requires(&document);
    let run = &document["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    assert_eq!(run["results"][0]["ruleId"], "unknown-key");
}
