//! Owns the way from keepalived to Changeover, by the page from-keepalived.md: the VIP changes its guardian and nothing else.

use crate::keepalived::{self, Adverts, VIP};
use crate::lab::Lab;
use crate::moves::Subject;
use crate::probe::Probe;
use crate::report::{self, Row};
use std::time::Instant;

/// keepalived guards Kamailio's VIP on edge1, then Changeover does. Afterwards the pair of third-party.md is part of the site.
pub(crate) fn from_keepalived(lab: &Lab) {
    keepalived::start(lab, Adverts::Default, "edge1");
    lab.follow("third-party.md", "  KAMAILIO:", "systemctl reload scs");
    let servers = || ["edge1", "edge2"].map(|host| lab.host(host).main_pid("kamailio"));
    let before = servers();
    let subject = Subject::kamailio();
    let probe = Probe::answered(&lab.wire, subject.target, subject.question);
    let noise_ms = probe.noise();

    let at = Instant::now();
    lab.follow("from-keepalived.md", "", "");
    lab.reach_ok(subject.pair, Some("edge1"));
    let gap_ms = probe.longest_gap(at);
    assert_eq!(
        servers(),
        before,
        "Kamailio was taken over on both hosts, not restarted"
    );
    assert!(
        lab.wire
            .addresses("edge1")
            .iter()
            .any(|address| address == VIP)
    );
    assert!(
        !lab.wire
            .addresses("edge2")
            .iter()
            .any(|address| address == VIP)
    );
    lab.follow(
        "third-party.md",
        "sci applications",
        "apt-get install -y nginx",
    );
    report::add(Row {
        server: subject.server.to_owned(),
        by: "keepalived, then Changeover".to_owned(),
        case: "moving over".to_owned(),
        gap_ms,
        noise_ms,
        note: "no VIP moved, no server restarted".to_owned(),
    });
}
