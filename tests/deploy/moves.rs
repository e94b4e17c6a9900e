//! Owns what happens to a primary, one thing after another: a switchover, its death, a hang, a lost carrier, a lost host. Each
//! moves every VIP of the pair to the other host, and what a client noticed goes into the report.

use crate::lab::{Lab, Pair};
use crate::network::{CLIENT, MANAGEMENT, SERVICE};
use crate::probe::{Probe, Question};
use crate::report::{self, Row};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The slowest of all: a host that went silent counts as lost after the detection bound, 3 s.
pub(crate) const MOVED: Duration = Duration::from_secs(20);
/// The probe runs that long before anything happens, so that the first gap is not its own start.
pub(crate) const BEFORE: Duration = Duration::from_millis(300);

/// A pair, and how its clients ask it.
pub(crate) struct Subject {
    /// Name of the pair.
    pub(crate) pair: &'static str,
    /// As the report calls it.
    pub(crate) server: &'static str,
    pub(crate) target: SocketAddr,
    pub(crate) question: Question,
}

impl Subject {
    /// The pair of install.md.
    pub(crate) fn sip_server() -> Self {
        Self {
            pair: "SIP_EDGE",
            server: "Changeover SIP Server",
            target: "10.10.11.103:5060".parse().expect("an address"),
            question: Question::SipOptions,
        }
    }
}

/// What is done to a primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Switchover,
    Killed,
    Stopped,
    CarrierLost,
    CablesPulled,
    Rebooted,
}

impl Case {
    pub(crate) const ALL: [Self; 6] = [
        Self::Switchover,
        Self::Killed,
        Self::Stopped,
        Self::CarrierLost,
        Self::CablesPulled,
        Self::Rebooted,
    ];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Switchover => "sci switchover",
            Self::Killed => "kill -9 of the server",
            Self::Stopped => "kill -STOP of the server (hang)",
            Self::CarrierLost => "carrier of lan0 lost",
            Self::CablesPulled => "all cables pulled (host lost)",
            Self::Rebooted => "systemctl reboot of the host",
        }
    }

    /// Does it; the moment just before.
    fn happens(self, lab: &Lab, subject: &Subject, pair: &Pair) -> Instant {
        let host = pair.primary_host.as_str();
        let signal = |signal: &str| {
            let pid = pair.primary_pid();
            let at = Instant::now();
            lab.host(host)
                .sh(&format!("kill -{signal} {pid}"))
                .succeeded();
            at
        };
        match self {
            Self::Switchover => {
                let at = Instant::now();
                lab.sci(&format!("switchover {} --reason {self:?}", subject.pair))
                    .succeeded();
                at
            }
            Self::Killed => signal("KILL"),
            Self::Stopped => signal("STOP"),
            Self::Rebooted => {
                let at = Instant::now();
                reboot(lab, host);
                at
            }
            Self::CarrierLost | Self::CablesPulled => {
                let at = Instant::now();
                self.cables(lab, host, false);
                at
            }
        }
    }

    /// Pulls or plugs the cables that the case is about.
    pub(crate) fn cables(self, lab: &Lab, host: &str, plugged: bool) {
        let nics: &[&str] = match self {
            Self::CarrierLost => &[SERVICE],
            Self::CablesPulled => &[MANAGEMENT, SERVICE],
            Self::Switchover | Self::Killed | Self::Stopped | Self::Rebooted => &[],
        };
        for nic in nics {
            lab.wire.cable(host, nic, plugged);
        }
    }
}

/// Orders a reboot; what the host answers while it goes down is worth nothing.
pub(crate) fn reboot(lab: &Lab, host: &str) {
    drop(lab.host(host).sh("systemctl reboot"));
}

/// Every case once; each begins when the pair has come to rest after the one before.
pub(crate) fn all(lab: &Lab, subject: &Subject) {
    for case in Case::ALL {
        one(lab, subject, case);
    }
}

/// One case: before, what happens, and the whole outcome.
pub(crate) fn one(lab: &Lab, subject: &Subject, case: Case) {
    let before = lab.reach_ok(subject.pair, None);
    let probe = Probe::start(
        &lab.wire.namespace_file(CLIENT),
        subject.target,
        subject.question,
    );
    assert!(
        probe.answered_within(Instant::now() + BEFORE, MOVED),
        "{}: nobody answers at {} before {case:?}",
        subject.server,
        subject.target
    );
    let at = case.happens(lab, subject, &before);
    let (from, to) = (before.primary_host.as_str(), before.backup_host.as_str());
    let holds_all = |host: &str| {
        let held = lab.wire.addresses(host);
        before.vips.iter().all(|vip| held.contains(vip))
    };
    let give_up = Instant::now() + MOVED;
    while !holds_all(to) {
        assert!(
            Instant::now() < give_up,
            "{}: {case:?} moved no VIP to {to}",
            subject.server
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    let moved = Instant::now();
    assert!(
        probe.answered_within(moved, MOVED),
        "{}: {case:?} left nobody who answers at {}",
        subject.server,
        subject.target
    );
    // What comes right after belongs to it: a second gap, the return of the old holder's frames.
    std::thread::sleep(Duration::from_millis(500));
    let gap_ms = probe.longest_gap(at);
    case.cables(lab, from, true);
    if case == Case::Rebooted {
        lab.host(from).is_up().expect("it comes back");
    }
    let after = lab.reach_ok(subject.pair, Some(to));
    assert_eq!(after.epoch, before.epoch + 1, "{case:?}: one promotion");
    let kept: Vec<&String> = before
        .vips
        .iter()
        .filter(|vip| lab.wire.addresses(from).contains(vip))
        .collect();
    assert_eq!(
        kept,
        Vec::<&String>::new(),
        "{case:?}: {from} has given up every VIP"
    );
    let with_return = probe.longest_gap(at);
    let note = if with_return > gap_ms + 5.0 {
        format!("{from} to {to}; {with_return:.0} ms when {from} came back")
    } else {
        format!("{from} to {to}")
    };
    report::add(Row {
        server: subject.server.to_owned(),
        by: "Changeover".to_owned(),
        case: case.text().to_owned(),
        gap_ms,
        note,
    });
}
