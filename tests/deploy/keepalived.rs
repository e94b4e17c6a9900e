//! Owns the comparison: the same Kamailio on the same hosts behind a VIP that keepalived moves, the same things done to it, the same
//! probe. keepalived runs inside the hosts, as a site would have it, and sees their interfaces only.

use crate::calls;
use crate::case::{Case, Victim};
use crate::host::Host;
use crate::lab::Lab;
use crate::moves::MOVED;
use crate::probe::{Probe, Question};
use crate::report::{self, Row};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The VIP, the one of third-party.md, which takes it over afterwards.
pub(crate) const VIP: &str = "10.10.11.104";
/// Longer than an election with default adverts.
const STILL: Duration = Duration::from_secs(4);
/// A check a second and a restart by systemd are through in this time: either the VIP has moved by then, or it stays.
const STAYS: Duration = Duration::from_secs(3);
/// What is done to the master. Its scripts are asked no more often than once a second.
const CASES: [Case; 6] = [
    Case::Switchover,
    Case::Killed,
    Case::Stopped,
    Case::CarrierLost,
    Case::CablesPulled,
    Case::Rebooted,
];

/// How often the master says that it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adverts {
    Every100Ms,
    Default,
}

impl Adverts {
    fn text(self) -> &'static str {
        match self {
            Self::Every100Ms => "keepalived, 100 ms adverts",
            Self::Default => "keepalived, its defaults",
        }
    }

    /// A pair of equals that stays where it is: the master is whoever became one last, as with us.
    fn configuration(self, host: &str) -> String {
        let adverts = match self {
            Self::Every100Ms => "    advert_int 0.1\n",
            Self::Default => "",
        };
        format!(
            "global_defs {{\n    router_id {host}\n    vrrp_version 3\n    enable_script_security\n    script_user root\n}}\n\
             vrrp_script kamailio {{\n    script /etc/keepalived/check\n    interval 1\n    timeout 1\n}}\n\
             vrrp_instance EDGE {{\n    state BACKUP\n    nopreempt\n    interface lan0\n    virtual_router_id 51\n    \
             priority 100\n{adverts}    virtual_ipaddress {{\n        {VIP}/24\n    }}\n    track_script {{\n        kamailio\n    }}\n}}\n"
        )
    }
}

/// Asks Kamailio by SIP whether it serves: what a process table cannot tell. The shell's own printf would send a datagram per
/// line.
const CHECK: &str = r#"#!/bin/bash
exec 3<>/dev/udp/127.0.0.1/5060 || exit 1
/usr/bin/printf 'OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-%s;rport\r\nMax-Forwards: 5\r\nFrom: <sip:check@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n' $$ $$ >&3
[ "$(timeout 0.9 head -c 7 <&3)" = SIP/2.0 ]
"#;

/// Every case, with servers and keepalived as they stay afterwards.
pub(crate) fn all(lab: &Lab, adverts: Adverts) {
    start(lab, adverts, "edge1");
    for case in CASES {
        one(lab, adverts, case);
    }
    stop(lab);
}

/// Kamailio and keepalived on both hosts, `first` master.
pub(crate) fn start(lab: &Lab, adverts: Adverts, first: &str) {
    for host in hosts(lab) {
        let text = adverts.configuration(&host.name);
        host.sh(&format!(
            "printf 'listen=udp:{VIP}:5060\\nlisten=udp:127.0.0.1:5060\\n' >/etc/kamailio/kamailio-local.cfg\n\
             cat >/etc/keepalived/keepalived.conf <<'END'\n{text}END\n\
             cat >/etc/keepalived/check <<'END'\n{CHECK}END\nchmod 755 /etc/keepalived/check\n\
             systemctl enable --now kamailio\nsystemctl enable keepalived"
        ))
        .succeeded();
    }
    lab.host(first).sh("systemctl start keepalived").succeeded();
    assert_eq!(settled(lab), first);
    for host in hosts(lab) {
        host.sh("systemctl start keepalived").succeeded();
    }
    assert_eq!(settled(lab), first, "a second equal takes nothing away");
}

fn stop(lab: &Lab) {
    for host in hosts(lab) {
        host.sh("systemctl disable --now keepalived kamailio\nrm -r /etc/keepalived/*")
            .succeeded();
    }
}

fn hosts(lab: &Lab) -> [&Host; 2] {
    ["edge1", "edge2"].map(|name| lab.host(name))
}

fn holds(lab: &Lab, host: &str) -> bool {
    lab.wire
        .addresses(host)
        .iter()
        .any(|address| address == VIP)
}

fn one(lab: &Lab, adverts: Adverts, case: Case) {
    let target: SocketAddr = format!("{VIP}:5060").parse().expect("an address");
    let master = settled(lab);
    let other = if master == "edge1" { "edge2" } else { "edge1" };
    let what = format!("{}: {}", adverts.text(), case.text());
    let victim = Victim::Unit("kamailio");
    let probe = Probe::answered(&lab.wire, target, Question::SipOptions);
    let noise_ms = probe.noise();

    let at = Instant::now();
    // Its way of a planned change: the master resigns.
    case.happens(lab, master, &victim, (master, "systemctl stop keepalived"));
    // systemd starts a killed Kamailio again before keepalived has looked, and nothing moves: that is an answer too.
    let may_stay = case == Case::Killed;
    while !(holds(lab, other) || may_stay && at.elapsed() >= STAYS) {
        assert!(at.elapsed() < MOVED, "{what}: the VIP did not move");
        std::thread::sleep(Duration::from_millis(2));
    }
    let moved = holds(lab, other);
    assert!(
        probe.answered_within(Instant::now(), MOVED),
        "{what}: nobody answers afterwards"
    );
    std::thread::sleep(Duration::from_millis(500));
    let gap_ms = probe.longest_gap(at);
    drop(probe);

    case.is_over(lab, master, &victim);
    if case == Case::Switchover {
        lab.host(master)
            .sh("systemctl start keepalived")
            .succeeded();
    }
    settled(lab);
    calls::succeed(lab, target, &what);
    report::add(Row {
        server: "Kamailio".to_owned(),
        by: adverts.text().to_owned(),
        case: if case == Case::Switchover {
            "planned: systemctl stop keepalived"
        } else {
            case.text()
        }
        .to_owned(),
        gap_ms,
        noise_ms,
        note: if moved {
            format!("{master} to {other}")
        } else {
            "systemd restarted it, the VIP stayed".to_owned()
        },
    });
}

/// Waits until exactly one host holds the VIP and stays so for longer than an election takes; that host.
pub(crate) fn settled(lab: &Lab) -> &'static str {
    let give_up = Instant::now() + MOVED;
    let mut since = Instant::now();
    let mut last: Vec<&'static str> = Vec::new();
    loop {
        let now: Vec<&'static str> = ["edge1", "edge2"]
            .into_iter()
            .filter(|host| holds(lab, host))
            .collect();
        if now != last {
            since = Instant::now();
            last = now;
        }
        if let [one] = last.as_slice()
            && since.elapsed() >= STILL
        {
            return one;
        }
        assert!(
            Instant::now() < give_up,
            "keepalived does not settle: {last:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}
