//! Keeps the documentation of metrics true: the table has every family that a component can be scraped for and no
//! other, and alert rules and scrape example speak of families, labels and components that exist.
//! `UPDATE_EXPECT=1` writes the table anew.

use changeover_metrics::{FamilyDescription, FamilyKind};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- families: written by tests/metrics, UPDATE_EXPECT=1 -->\n";
const END: &str = "<!-- end of families -->\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Families by name, with the components that have them.
fn families() -> BTreeMap<&'static str, (FamilyDescription, Vec<&'static str>)> {
    let mut all: BTreeMap<&str, (FamilyDescription, Vec<&str>)> = BTreeMap::new();
    for (component, families) in [
        ("scs", changeover_scs::metric_families()),
        (
            "message-server",
            changeover_message_server::metric_families(),
        ),
        ("lca", changeover_lca::metric_families()),
        ("sip-server", changeover_sip_server::metric_families()),
    ] {
        for family in families {
            let known = all
                .entry(family.name)
                .or_insert_with(|| (family.clone(), Vec::new()));
            assert_eq!(
                known.0, family,
                "components that share a family describe it alike"
            );
            known.1.push(component);
        }
    }
    all
}

fn table() -> String {
    let mut table = String::from(
        "| family | kind | labels | of | meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for (name, (family, components)) in families() {
        let labels: Vec<String> = family
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        table.push_str(&format!(
            "| `{name}` | {} | {} | {} | {}. |\n",
            family.kind.as_str(),
            labels.join(" "),
            components.join(", "),
            family.help
        ));
    }
    table
}

#[test]
fn the_table_of_families_is_the_one_of_the_components() {
    let path = "docs/operator/metrics.md";
    let text = read(path);
    let (before, rest) = text.split_once(BEGIN).expect("the table has a beginning");
    let (written, after) = rest.split_once(END).expect("the table has an end");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let text = format!("{before}{BEGIN}{}{END}{after}", table());
        std::fs::write(root().join(path), text).expect("the documentation is writable");
    } else {
        assert_eq!(written, table(), "UPDATE_EXPECT=1 writes it anew");
    }
}

/// Every word of a text that begins like one of our families.
fn named(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("changeover_"))
        .map(str::to_owned)
        .collect()
}

fn series_of(family: &FamilyDescription) -> Vec<String> {
    match family.kind {
        FamilyKind::Counter | FamilyKind::Gauge => vec![family.name.to_owned()],
        FamilyKind::Histogram => ["_bucket", "_sum", "_count"]
            .map(|suffix| format!("{}{suffix}", family.name))
            .to_vec(),
    }
}

#[test]
fn alert_rules_speak_of_series_that_exist() {
    let existing: BTreeSet<String> = families()
        .values()
        .flat_map(|(family, _)| series_of(family))
        .collect();
    let rules = read("deploy/prometheus/alerts.yml");
    let named = named(&rules);
    assert!(named.len() > 8, "the rules name series: {named:?}");
    let unknown: Vec<&String> = named.difference(&existing).collect();
    assert_eq!(unknown, Vec::<&String>::new());
}

/// The text of each rule's `expr`, by the rule's name.
fn rules() -> BTreeMap<String, String> {
    let text = read("deploy/prometheus/alerts.yml");
    let mut rules = BTreeMap::new();
    for rule in text.split("- alert: ").skip(1) {
        let name = rule.lines().next().expect("a name").trim().to_owned();
        for part in ["expr:", "labels:", "severity:", "summary:", "description:"] {
            assert!(rule.contains(part), "{name} has no {part}");
        }
        let (_, rest) = rule.split_once("expr:").expect("it has one");
        let end = rest
            .find("\n        for:")
            .or_else(|| rest.find("\n        labels:"));
        let expression = rest[..end.expect("labels follow")].to_owned();
        assert!(
            rules.insert(name, expression).is_none(),
            "a name comes twice"
        );
    }
    rules
}

/// Words of closed sets that a rule may select by.
fn words() -> BTreeSet<String> {
    fn all(words: &[impl ToString]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }
    let others = "maintenance switching two-primaries no-primary vip-two vip-elsewhere vip-none held flapping test \
                  not-ready ok observed intended Critical VIP_RIVAL failed rolled-back timed-out lca message-server \
                  scs changeover";
    let others: Vec<&str> = others.split_whitespace().collect();
    [
        all(changeover_model::RunMode::ALL),
        all(changeover_model::HostStatus::ALL),
        all(changeover_model::ApplicationStatus::ALL),
        all(changeover_model::RefusalCode::ALL),
        all(&others),
    ]
    .concat()
    .into_iter()
    .collect()
}

#[test]
fn alert_rules_compare_with_words_that_exist() {
    let words = words();
    let rules = rules();
    for needed in [
        "PairWithoutPrimary",
        "PairWithoutHolder",
        "PairWithTwoHolders",
        "PairNotReady",
        "PairFlapping",
        "HostLost",
        "AlarmActive",
        "CertificateExpiresSoon",
        "StoreFailing",
        "LinkSlow",
    ] {
        let name = format!("Changeover{needed}");
        assert!(rules.contains_key(&name), "{name} is missing");
    }
    for (name, expression) in rules {
        // A quoted word of a selector; several are joined by |.
        for quoted in expression.split('"').skip(1).step_by(2) {
            for word in quoted.split('|') {
                assert!(words.contains(word), "{name} speaks of {word}");
            }
        }
    }
}
