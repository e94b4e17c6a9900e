//! Owns the comparison: the same Kamailio on the same hosts behind a VIP that keepalived moves, the same things done to it, the same
//! probe. keepalived runs inside the hosts, as a site would have it, and sees their interfaces only.

use crate::calls;
use crate::host::Host;
use crate::lab::Lab;
use crate::moves::{BEFORE, Case, MOVED, reboot};
use crate::network::CLIENT;
use crate::probe::{Probe, Question};
use crate::report::{self, Row};
use std::net::SocketAddr;
use std::time::Instant;

/// The VIP, the one of third-party.md, which takes it over afterwards.
const VIP: &str = "10.10.11.104";

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

/// Asks Kamailio by SIP whether it serves: what a process table cannot tell.
const CHECK: &str = r#"#!/bin/bash
exec 3<>/dev/udp/127.0.0.1/5060 || exit 1
/usr/bin/printf 'OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-%s;rport\r\nMax-Forwards: 5\r\nFrom: <sip:check@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n' $$ $$ >&3
[ "$(timeout 0.9 head -c 7 <&3)" = SIP/2.0 ]
"#;

/// Kamailio and keepalived on both hosts, every case, and everything stopped again.
pub(crate) fn all(lab: &Lab, adverts: Adverts) {
    for host in hosts(lab) {
        host.sh(&format!(
            "printf 'listen=udp:{VIP}:5060\\nlisten=udp:127.0.0.1:5060\\n' >/etc/kamailio/kamailio-local.cfg\n\
             cat >/etc/keepalived/keepalived.conf <<'END'\n{}END\n\
             cat >/etc/keepalived/check <<'END'\n{CHECK}END\nchmod 755 /etc/keepalived/check\n\
             systemctl enable --now kamailio keepalived",
            adverts.configuration(&host.name)
        ))
        .succeeded();
    }
    for case in Case::ALL {
        one(lab, adverts, case);
    }
    for host in hosts(lab) {
        host.sh("systemctl disable --now keepalived kamailio\nrm -r /etc/keepalived/* /etc/kamailio/kamailio-local.cfg").succeeded();
    }
}

fn hosts(lab: &Lab) -> [&Host; 2] {
    ["edge1", "edge2"].map(|name| lab.host(name))
}

fn holders(lab: &Lab) -> Vec<&'static str> {
    ["edge1", "edge2"]
        .into_iter()
        .filter(|host| {
            lab.wire
                .addresses(host)
                .iter()
                .any(|address| address == VIP)
        })
        .collect()
}

fn one(lab: &Lab, adverts: Adverts, case: Case) {
    let target: SocketAddr = format!("{VIP}:5060").parse().expect("an address");
    let master = settled(lab);
    let probe = Probe::start(
        &lab.wire.namespace_file(CLIENT),
        target,
        Question::SipOptions,
    );
    assert!(
        probe.answered_within(Instant::now() + BEFORE, MOVED),
        "Kamailio answers before {case:?}"
    );
    let other = if master == "edge1" { "edge2" } else { "edge1" };
    let at = Instant::now();
    match case {
        // Its way of a planned change: the master resigns.
        Case::Switchover => drop(lab.host(master).sh("systemctl stop keepalived").succeeded()),
        Case::Killed => drop(
            lab.host(master)
                .sh("systemctl kill -s KILL kamailio")
                .succeeded(),
        ),
        Case::Stopped => drop(
            lab.host(master)
                .sh("systemctl kill -s STOP kamailio")
                .succeeded(),
        ),
        Case::Rebooted => reboot(lab, master),
        Case::CarrierLost | Case::CablesPulled => case.cables(lab, master, false),
    }
    // systemd starts a killed Kamailio again before keepalived has looked, and nothing moves; that is an answer too.
    let give_up = Instant::now() + MOVED;
    let moved = || {
        lab.wire
            .addresses(other)
            .iter()
            .any(|address| address == VIP)
    };
    let stays = case == Case::Killed;
    while !moved() && !(stays && at.elapsed().as_secs() >= 3) {
        assert!(
            Instant::now() < give_up,
            "keepalived did not move the VIP: {case:?}"
        );
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let went = moved();
    assert!(
        probe.answered_within(Instant::now(), MOVED),
        "{case:?} left nobody who answers"
    );
    std::thread::sleep(std::time::Duration::from_millis(500));
    let gap_ms = probe.longest_gap(at);
    drop(probe);
    match case {
        Case::Switchover => drop(
            lab.host(master)
                .sh("systemctl start keepalived")
                .succeeded(),
        ),
        Case::Stopped => drop(
            lab.host(master)
                .sh("systemctl kill -s CONT kamailio")
                .succeeded(),
        ),
        Case::Rebooted => lab.host(master).is_up().expect("it comes back"),
        Case::Killed => {}
        Case::CarrierLost | Case::CablesPulled => case.cables(lab, master, true),
    }
    settled(lab);
    calls::succeed(lab, target, case.text());
    let note = if went {
        format!("{master} to {other}")
    } else {
        "systemd restarted it, the VIP stayed".to_owned()
    };
    report::add(Row {
        server: "Kamailio".to_owned(),
        by: adverts.text().to_owned(),
        case: match case {
            Case::Switchover => "systemctl stop keepalived".to_owned(),
            Case::Killed
            | Case::Stopped
            | Case::CarrierLost
            | Case::CablesPulled
            | Case::Rebooted => case.text().to_owned(),
        },
        gap_ms,
        note,
    });
}

/// Waits until exactly one host holds the VIP and stays so for longer than an election takes; that host.
fn settled(lab: &Lab) -> &'static str {
    let give_up = Instant::now() + MOVED;
    let mut since = Instant::now();
    let mut last = holders(lab);
    loop {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let now = holders(lab);
        if now != last {
            since = Instant::now();
        }
        last = now;
        if last.len() == 1 && since.elapsed().as_secs() >= 4 {
            return last[0];
        }
        assert!(
            Instant::now() < give_up,
            "keepalived does not settle: {last:?}"
        );
    }
}
