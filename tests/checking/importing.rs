//! `changeover import` as it is typed: where things go, and with which exit code it ends.

use crate::site::{Site, read};
use serde_json::Value;

const CONF: &str = "vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    virtual_ipaddress { 10.0.0.10/24 }
    smtp_alert
}
";

const KNOWN: [&str; 8] = [
    "--host",
    "edge1=10.0.0.11",
    "--host",
    "edge2=10.0.0.12",
    "--management",
    "mgmt1=10.0.0.5",
    "--unit",
    "kamailio.service",
];

#[test]
fn an_imported_site_passes_check_and_rehearses() {
    let site = Site::empty();
    site.write("keepalived.conf", CONF);
    let mut words = vec!["import", "site/keepalived.conf", "--out", "site/site.yaml"];
    words.extend(KNOWN);
    let (code, said) = site.run(&words);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.starts_with("site/site.yaml\nNext: changeover check site/site.yaml\n"),
        "{said}"
    );
    assert!(
        said.contains("site/keepalived.conf:6: not carried over: smtp_alert: "),
        "{said}"
    );
    let (code, rules, answer) = site.check(&[]);
    assert_eq!((code, rules.len()), (Some(0), 0), "{answer:#}");
    let (code, said) = site.run(&[
        "rehearse",
        "site/site.yaml",
        "--workflow",
        "manual-switchover",
    ]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_file_that_is_there_is_not_replaced() {
    let site = Site::empty();
    site.write("keepalived.conf", CONF);
    site.write("site.yaml", "mine");
    let (code, _) = site.run(&["import", "site/keepalived.conf", "--out", "site/site.yaml"]);
    assert_eq!(
        (code, read(&site.path("site.yaml")).as_str()),
        (Some(2), "mine")
    );
}

#[test]
fn a_file_that_is_neither_is_unusable_and_json_tells_everything() {
    let site = Site::empty();
    site.write("odd.conf", "vrrp_instance VI_1 {\n");
    let (code, said) = site.run(&["import", "site/odd.conf"]);
    assert_eq!(code, Some(2));
    assert_eq!(
        said,
        "changeover: site/odd.conf:1: the block of line 1 is never closed\n"
    );

    site.write("keepalived.conf", CONF);
    let (code, said) = site.run(&["import", "site/keepalived.conf", "--format", "json"]);
    assert_eq!(code, Some(0), "{said}");
    let answer: Value = serde_json::from_str(&said).expect("one document");
    assert_eq!(answer["not_carried_over"][0]["line"], 6);
    assert_eq!(answer["missing"].as_array().map(Vec::len), Some(4));
    assert!(
        answer["environment"]
            .as_str()
            .is_some_and(|text| text.contains("10.0.0.10/24"))
    );
}
