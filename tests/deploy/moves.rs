//! Owns what Changeover makes of everything that can happen to a primary, one thing after another. Each moves every VIP of the
//! pair to the other host, and what a client noticed goes into the report.

use crate::calls;
use crate::case::{Case, Victim};
use crate::lab::{Lab, Pair};
use crate::probe::{Probe, Question};
use crate::report::{self, Row};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The slowest of all: a host that went silent counts as lost after the detection bound, 3 s; on a busy machine all takes longer.
pub(crate) const MOVED: Duration = Duration::from_secs(20);
/// What comes right after a move belongs to it: a second gap, the return of the old holder's frames.
const AFTERWARDS: Duration = Duration::from_millis(500);

/// A pair, and how its clients ask it.
pub(crate) struct Subject {
    /// Name of the pair.
    pub(crate) pair: &'static str,
    /// As the report calls it.
    pub(crate) server: &'static str,
    pub(crate) target: SocketAddr,
    pub(crate) question: Question,
    /// The systemd unit of a member; without one it is a child of its agent.
    unit: Option<&'static str>,
    /// Whether calls can be made through it.
    pub(crate) calls: bool,
    cases: &'static [Case],
}

impl Subject {
    /// The pair of install.md.
    pub(crate) fn sip_server() -> Self {
        Self {
            pair: "SIP_EDGE",
            server: "Changeover SIP Server",
            target: address("10.10.11.103:5060"),
            question: Question::SipOptions,
            unit: None,
            calls: false,
            cases: &[
                Case::Switchover,
                Case::Killed,
                Case::Stopped,
                Case::CarrierLost,
                Case::CablesPulled,
                Case::Rebooted,
            ],
        }
    }

    /// The first pair of third-party.md.
    pub(crate) fn kamailio() -> Self {
        Self {
            pair: "KAMAILIO",
            server: "Kamailio",
            target: address("10.10.11.104:5060"),
            question: Question::SipOptions,
            unit: Some("kamailio"),
            calls: true,
            cases: &EVERY_CASE,
        }
    }

    /// The second one.
    pub(crate) fn nginx() -> Self {
        Self {
            pair: "WEB",
            server: "nginx",
            target: address("10.10.11.105:80"),
            question: Question::Http,
            unit: Some("nginx"),
            calls: false,
            cases: &EVERY_CASE,
        }
    }
}

/// What is done to servers that have health checks.
const EVERY_CASE: [Case; 7] = [
    Case::Switchover,
    Case::Killed,
    Case::Stopped,
    Case::HealthFails,
    Case::CarrierLost,
    Case::CablesPulled,
    Case::Rebooted,
];

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address with a port")
}

/// Every case once; each begins when the pair has come to rest after the one before.
pub(crate) fn all(lab: &Lab, subject: &Subject) {
    for case in subject.cases {
        // So many role changes would stop automatic switching as flapping; an operator's order begins anew.
        lab.reach_ok(subject.pair, None);
        lab.sci(&format!("switchover {}", subject.pair)).succeeded();
        one(lab, subject, *case);
    }
}

/// The loss of a host once more, with a detection bound of 0.3 s instead of 3 s: what a site sets whose network allows it.
pub(crate) fn host_lost_with_a_short_bound(lab: &Lab, subject: &Subject) {
    let site = "/etc/changeover/site.yaml";
    let short = format!(
        "cp {site} /root/site.yaml\n\
         sed -i '/address: 10.10.12.10[12]}}/s/}}/, addp: {{addp-timeout: 150ms, addp-remote-timeout: 150ms}}}}/' {site}\n\
         grep -c 150ms {site}\nsystemctl reload scs"
    );
    assert_eq!(
        lab.host("mgmt1").sh(&short).succeeded().trim(),
        "2",
        "both hosts"
    );
    lab.reach_ok(subject.pair, None);
    lab.sci(&format!("switchover {}", subject.pair)).succeeded();
    case_called(
        lab,
        subject,
        Case::CablesPulled,
        "all cables pulled, addp-timeout 150ms",
    );
    lab.host("mgmt1")
        .sh(&format!("cp /root/site.yaml {site}\nsystemctl reload scs"))
        .succeeded();
}

fn one(lab: &Lab, subject: &Subject, case: Case) {
    case_called(lab, subject, case, case.text());
}

/// One case: before, what happens, and the whole outcome.
fn case_called(lab: &Lab, subject: &Subject, case: Case, called: &str) {
    let before = lab.reach_ok(subject.pair, None);
    let what = format!("{}: {called}", subject.server);
    calls_succeed(lab, subject, &format!("{what}, before"));
    let (from, to) = (before.primary_host.as_str(), before.backup_host.as_str());
    let victim = match subject.unit {
        Some(unit) => Victim::Unit(unit),
        None => Victim::Process(before.primary_pid()),
    };
    let probe = Probe::answered(&lab.wire, subject.target, subject.question);
    let noise_ms = probe.noise();

    let at = Instant::now();
    let command = format!("sci switchover {} --reason test", subject.pair);
    case.happens(lab, from, &victim, ("mgmt1", &command));
    until_held_by(lab, &before, to, &what);
    let moved = Instant::now();
    assert!(
        probe.answered_within(moved, MOVED),
        "{what}: nobody answers afterwards"
    );
    std::thread::sleep(AFTERWARDS);
    let gap_ms = probe.longest_gap(at);
    let explained = lab.sci(&format!("timeline {}", subject.pair)).out;

    case.is_over(lab, from, &victim);
    let after = lab.reach_ok(subject.pair, Some(to));
    assert_eq!(after.epoch, before.epoch + 1, "{what}: one promotion");
    let held = lab.wire.addresses(from);
    let kept: Vec<&String> = before
        .vips
        .iter()
        .filter(|vip| held.contains(vip))
        .collect();
    assert_eq!(
        kept,
        Vec::<&String>::new(),
        "{what}: {from} has given up every VIP"
    );
    let with_return = probe.longest_gap(at);
    drop(probe);
    calls_succeed(lab, subject, &format!("{what}, afterwards"));
    let note = if with_return > gap_ms + 5.0 {
        format!("{from} to {to}; {with_return:.0} ms when {from} came back")
    } else {
        format!("{from} to {to}")
    };
    report::explain(&what, &explained);
    report::add(Row {
        server: subject.server.to_owned(),
        by: "Changeover".to_owned(),
        case: called.to_owned(),
        gap_ms,
        noise_ms,
        note,
    });
}

fn calls_succeed(lab: &Lab, subject: &Subject, when: &str) {
    if subject.calls {
        calls::succeed(lab, subject.target, when);
    }
}

fn until_held_by(lab: &Lab, pair: &Pair, host: &str, what: &str) {
    let give_up = Instant::now() + MOVED;
    loop {
        let held = lab.wire.addresses(host);
        if pair.vips.iter().all(|vip| held.contains(vip)) {
            return;
        }
        assert!(
            Instant::now() < give_up,
            "{what}: {host} holds {held:?} only\n{}",
            lab.last_words()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}
