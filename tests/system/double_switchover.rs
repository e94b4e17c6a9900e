//! SIP traffic monitoring of a real pair when neither server hears SIP: the roles change each time the primary has waited
//! for T, and each server waits twice as long the next time, up to four times T; one message heard makes it T again.

use crate::asking::{BACKUP, PRIMARY, member};
use crate::environment::{VIP, Wishes};
use crate::site::{COMPONENTS, Site, wait_until};
use changeover_model::message::RecordKind;
use std::time::Duration;

/// T: `oos-check` + `oos-force` of the service DN below, seconds.
const T: u64 = 2;
/// Nobody answers at this address, so neither server hears SIP.
const SERVICE_DN: &str = r#"SIP_Switch: {dns: {gateway: {type: trunk, contact: "sip:10.10.11.60", oos-check: 1, oos-force: 1}}}"#;
/// What a role change may take on a busy machine, on top of the time that was waited.
const BOUND: Duration = Duration::from_secs(4 * T + 20);

/// Milliseconds at which a server became primary, by the Message Server's clock, with its name.
fn reigns(site: &Site) -> Vec<(u64, String)> {
    let events = site.events(&["--event", "4563"]);
    let begun = events.into_iter().map(|record| {
        let server = record.event.application.to_string();
        (record.received_at.0 / 1_000, server)
    });
    begun.collect()
}

/// Waits until this many reigns have begun.
fn await_reigns(site: &mut Site, count: usize) -> Vec<(u64, String)> {
    let mut seen = Vec::new();
    wait_until(BOUND, || {
        seen = reigns(site);
        match seen.len() {
            begun if begun >= count => Ok(()),
            begun => Err(format!("{count} reigns, not {begun}")),
        }
    });
    seen
}

/// How many times T each reign but the last took: whole numbers, since a role change takes less than T.
fn lasted(reigns: &[(u64, String)]) -> Vec<u64> {
    reigns
        .windows(2)
        .map(|pair| (pair[1].0 - pair[0].0) / (T * 1_000))
        .collect()
}

/// A message of a phone that is somewhere behind the VIP.
fn one_message(site: &Site) {
    let options = "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.11.1:5060;branch=z9hG4bK1;rport\r\n\
        From: <sip:1001@x>;tag=1\r\nTo: <sip:x>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\
        Content-Length: 0\r\n\r\n";
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let at = site.real(VIP, 5060);
    socket.send_to(options.as_bytes(), at).expect("it is sent");
}

#[test]
fn when_nobody_hears_sip_each_server_waits_twice_as_long_up_to_four_times_t_until_one_hears() {
    // With the default, four switches in ten minutes, the fifth reign would last until an operator comes (10327).
    let mut site = Site::network_only(&Wishes {
        policy: "flapping: {switches: 100, within: 10m}".to_owned(),
        ..Wishes::default()
    });
    let text = std::fs::read_to_string(site.config()).expect("it is ours");
    let text = text
        .replace("SIP_Switch: {}", SERVICE_DN)
        .replace("sip-port: 5060", "sip-port: 5060, sip-pass-check: true");
    std::fs::write(site.config(), text).expect("it is ours");
    for name in COMPONENTS {
        site.start(name);
    }
    for name in [PRIMARY, BACKUP] {
        site.reach("the servers run", |picture| {
            picture
                .hosts
                .iter()
                .all(|host| !host.needs_lca || host.status == changeover_model::HostStatus::Running)
        });
        site.sci(&["start", name]);
    }
    let mut begun = Vec::new();
    for count in 2..=8 {
        begun = await_reigns(&mut site, count);
    }
    let names: Vec<&str> = begun.iter().map(|(_, server)| server.as_str()).collect();
    assert_eq!(names[..4], [PRIMARY, BACKUP, PRIMARY, BACKUP]);
    // The first reign also waited for a backup that was not there yet.
    assert_eq!(lasted(&begun[1..8]), [1, 2, 2, 4, 4, 4], "{begun:?}");
    let failovers: Vec<String> = site
        .records()
        .into_iter()
        .filter(|record| record.kind == RecordKind::Failover)
        .map(|record| record.trigger)
        .collect();
    let why = "no SIP message has been heard for the time of sip-pass-check";
    assert!(
        failovers.len() >= 7 && failovers.iter().all(|trigger| trigger.contains(why)),
        "{failovers:#?}"
    );
    one_hears(&mut site, begun.len());
}

/// The eighth reign would last four times T. It hears one message, and T after that it is over; the other server has
/// heard nothing and waits for four times T again.
fn one_hears(site: &mut Site, reign: usize) {
    let server = reigns(site)[reign - 1].1.clone();
    site.reach("it has the VIP", |picture| {
        member(picture, &server).run_mode == changeover_model::RunMode::Primary
            && crate::asking::observed(picture).len() == 1
    });
    one_message(site);
    await_reigns(site, reign + 1);
    let begun = await_reigns(site, reign + 2);
    assert_eq!(lasted(&begun[reign - 1..reign + 2]), [1, 4], "{begun:?}");
}
