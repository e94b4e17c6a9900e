//! Our own sample files, and exactly what becomes of them. To write the expectations anew after a change that is meant:
//! `UPDATE_EXPECT=1 cargo test -p changeover-import --test samples`, and read the difference.
#![expect(
    clippy::disallowed_methods,
    reason = "a test reads files and its own update switch; the crate itself does not"
)]

use changeover_configuration::{CheckOptions, check, load};
use changeover_import::{Format, ImportError, Imported, Known, Source, import};
use std::path::PathBuf;

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/samples")
        .join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(sample(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn imported(files: &[&str], known: &Known) -> Imported {
    let texts: Vec<String> = files.iter().map(|name| read(name)).collect();
    let source = |index: usize| {
        Some(Source {
            name: files.get(index)?,
            text: texts.get(index)?,
        })
    };
    let first = source(0).expect("a file");
    import(Format::of(first.text), first, source(1), known)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Everything that is said about a sample, as one page.
fn page(imported: &Imported) -> String {
    let mut page = imported.environment.clone();
    page.push_str("\n--- not carried over\n");
    for one in &imported.not_carried_over {
        page.push_str(&format!(
            "{}:{}: {}: {}\n",
            one.file, one.line, one.statement, one.why
        ));
    }
    page.push_str("--- missing\n");
    for one in &imported.missing {
        page.push_str(&format!("{one}\n"));
    }
    page
}

/// Compares with the expectation, and holds the result to what it is for: an environment that no rule objects to.
fn expect(name: &str, imported: &Imported, objections: &[&str]) {
    let page = page(imported);
    if std::env::var("UPDATE_EXPECT").is_ok() {
        std::fs::write(sample(name), &page).expect("the folder is writable");
    }
    assert_eq!(page, read(name));
    let loaded =
        load("site.yaml", &imported.environment).unwrap_or_else(|problems| panic!("{problems}"));
    let findings = check(&loaded, &CheckOptions::default());
    let rules: Vec<&str> = findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, objections, "{}", imported.environment);
}

fn all_known() -> Known {
    let host = |name: &str, address: &str| (name.to_owned(), address.parse().expect("an address"));
    Known {
        hosts: vec![host("edge1", "10.0.0.11"), host("edge2", "10.0.0.12")],
        management: Some(host("mgmt1", "10.0.0.5")),
        unit: Some("kamailio.service".to_owned()),
    }
}

#[test]
fn both_halves_of_a_keepalived_pair() {
    let imported = imported(&["edge1.conf", "edge2.conf"], &Known::default());
    expect("both.expected", &imported, &[]);
}

#[test]
fn one_half_with_what_its_operator_knows() {
    let imported = imported(&["edge1.conf"], &all_known());
    expect("one.expected", &imported, &[]);
    assert_eq!(imported.missing, Vec::<String>::new());
}

#[test]
fn a_pacemaker_group_with_a_colocated_address() {
    let imported = imported(&["cib.xml"], &Known::default());
    expect("cib.expected", &imported, &[]);
}

#[test]
fn a_label_that_no_address_can_have_here_is_named() {
    let written = "name=\"iflabel\" value=\"web\"";
    let long = written.replace("web", "a-long-label");
    let text = read("cib.xml").replace(written, &long);
    let source = Source {
        name: "cib.xml",
        text: &text,
    };
    let imported = import(Format::Pacemaker, source, None, &all_known())
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(!imported.environment.contains("a-long-label"));
    let named: Vec<(usize, &str, &str)> = imported
        .not_carried_over
        .iter()
        .filter(|one| one.statement.contains("iflabel"))
        .map(|one| (one.line, one.statement.as_str(), one.why.as_str()))
        .collect();
    assert_eq!(
        named,
        [(
            28,
            "nvpair iflabel=a-long-label",
            "a label is for IPv4, and with its interface at most 15 characters"
        )]
    );
}

fn refused(text: &str) -> String {
    let source = Source { name: "x", text };
    match import(Format::of(text), source, None, &Known::default()) {
        Err(error) => error.to_string(),
        Ok(imported) => panic!("{}", imported.environment),
    }
}

#[test]
fn what_is_no_such_file_is_refused_with_its_line() {
    assert_eq!(
        refused("vrrp_instance A {\n state MASTER\n"),
        "x:2: the block of line 1 is never closed"
    );
    assert_eq!(refused("}\n"), "x:1: a brace is closed that none opened");
    assert_eq!(refused("{\n"), "x:1: a block without a name");
    assert_eq!(
        refused("notify \"a\n"),
        "x:1: a quote is opened and never closed"
    );
    assert_eq!(
        refused(&"a {\n".repeat(40)),
        "x:16: blocks within blocks without end"
    );
    assert_eq!(
        refused(""),
        "x: there is no vrrp_instance with a virtual_ipaddress in it"
    );
    assert!(refused("<cib>\n<configuration>").starts_with("x:"));
    assert_eq!(refused("<cib/>"), "x: there is no <configuration> of a CIB");
    assert_eq!(
        refused("<cib><configuration/></cib>"),
        "x: there is no ocf:heartbeat:IPaddr2 in its resources"
    );
}

#[test]
fn two_files_of_different_pairs_are_refused() {
    let one = read("edge1.conf");
    let other = one.replace("203.0.113.11/24", "203.0.113.12/24");
    let sources =
        [("a", one.as_str()), ("b", other.as_str())].map(|(name, text)| Source { name, text });
    let error = import(
        Format::Keepalived,
        sources[0],
        Some(sources[1]),
        &Known::default(),
    );
    assert_eq!(
        error,
        Err(ImportError::NotAPair {
            one: "a".to_owned(),
            other: "b".to_owned(),
            what: "SIP_OUT has other addresses".to_owned(),
        })
    );
}

#[test]
fn no_cut_of_a_sample_and_no_odd_byte_makes_it_panic() {
    for name in ["edge1.conf", "cib.xml"] {
        let text = read(name);
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            for part in [&text[..at], &text[at..]] {
                let source = Source { name, text: part };
                for format in [Format::Keepalived, Format::Pacemaker] {
                    if let Ok(imported) = import(format, source, None, &Known::default()) {
                        assert!(imported.environment.starts_with('#'));
                    }
                }
            }
        }
    }
}
