//! What is offered to peers and what is demanded of the server: extensions that do not work on both legs are neither
//! offered on one nor carried to the other, and who demands one is told so. Requests that a proxy in front has forked.

use crate::flows::{FLOWS, leaks, stage};
use crate::world::World;
use changeover_sip_core::Message;
use std::net::SocketAddr;
use std::time::Duration;

const PROXY: &str = "10.0.0.66:5060";
const ALLOWED: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, REFER, NOTIFY, INFO, MESSAGE";
/// Fields of the extensions in question: session timers, reliable provisional responses, Replaces.
const FIELDS: [&str; 9] = [
    "Supported",
    "Require",
    "Proxy-Require",
    "Session-Expires",
    "Min-SE",
    "RSeq",
    "RAck",
    "Replaces",
    "Allow-Events",
];

fn proxy() -> SocketAddr {
    PROXY.parse().expect("an address")
}

/// A request of a phone behind the proxy; `way` tells one way that it may have come from another.
fn request(method: &str, to: &str, call_id: &str, way: &str, extra: &str) -> Vec<u8> {
    let sdp = if method == "INVITE" {
        "v=0\r\no=x 1 1 IN IP4 10.0.0.66\r\ns=-\r\nc=IN IP4 10.0.0.66\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    } else {
        ""
    };
    let kind = if sdp.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "{method} sip:{to}@10.0.0.100 SIP/2.0\r\nVia: SIP/2.0/UDP {PROXY};branch=z9hG4bK-{call_id}-{way}\r\n\
         From: <sip:x@{PROXY}>;tag=x1\r\nTo: <sip:{to}@10.0.0.100>\r\nCall-ID: {call_id}\r\nCSeq: 7 {method}\r\n\
         Max-Forwards: 70\r\nContact: <sip:x@{PROXY}>\r\n{extra}{kind}Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
    .into_bytes()
}

/// What the server has sent since this was asked last.
fn sent(world: &mut World, time: u64) -> Vec<Message> {
    world.recent.clear();
    world.run_for(Duration::from_millis(time));
    // Its requests go through its own Via, its responses through that of whoever asked.
    let own = |message: &Message| {
        let its_way = message
            .get("Via")
            .is_some_and(|via| via.contains("10.0.0.100"));
        its_way == message.method().is_some()
    };
    let all = world.recent.iter().filter_map(|bytes| Message::read(bytes));
    all.filter(own).collect()
}

fn codes(messages: &[Message]) -> Vec<u16> {
    messages.iter().filter_map(Message::code).collect()
}

#[test]
fn who_demands_an_extension_is_told_which_are_not_supported_and_nobody_is_called() {
    let (mut world, phones) = stage(&FLOWS[0], true, 1);
    for (demanded, unsupported) in [
        ("100rel", "100rel"),
        ("timer", "timer"),
        ("replaces", "replaces"),
        ("100rel, Timer", "100rel, timer"),
    ] {
        let extra = format!("Require: {demanded}\r\nSession-Expires: 90\r\n");
        for method in ["INVITE", "OPTIONS", "REGISTER", "MESSAGE"] {
            let call_id = format!("{method}{}", demanded.len());
            world.inject(proxy(), request(method, "1002", &call_id, "a", &extra));
            let answers = sent(&mut world, 100);
            assert_eq!(codes(&answers), [420], "{method} {demanded}");
            assert_eq!(answers[0].get("Unsupported"), Some(unsupported), "{method}");
        }
    }
    assert!(!world.phones[&phones[1]].has("invited"));
    let picture = world.primary().expect("a primary").picture();
    assert_eq!((picture.calls, picture.transactions), (0, 0));
}

#[test]
fn a_session_timer_that_is_too_short_is_no_reason_for_a_422_where_none_is_offered() {
    let (mut world, phones) = stage(&FLOWS[0], true, 1);
    let extra = "Supported: timer\r\nSession-Expires: 10;refresher=uas\r\n";
    world.inject(proxy(), request("INVITE", "1002", "short", "a", extra));
    let answers = sent(&mut world, 50);
    assert!(world.phones[&phones[1]].has("invited"));
    assert!(answers.iter().all(|it| it.code() != Some(422)));
}

/// Both legs, both directions: INVITE, provisional and final responses, a re-INVITE that refreshes, OPTIONS.
#[test]
fn nothing_of_session_timers_100rel_and_replaces_reaches_the_other_leg() {
    let (mut world, phones) = stage(&FLOWS[0], true, 1);
    world.with(phones[1], |callee| {
        callee.extra = vec![
            ("Supported", "timer, 100rel, replaces"),
            ("Session-Expires", "1800;refresher=uas"),
            ("Allow", "INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"),
            ("RSeq", "1"),
            ("Allow-Events", "refer"),
        ];
    });
    let offers = "Supported: timer, 100rel, replaces, norefersub\r\nSession-Expires: 1800;refresher=uac\r\n\
                  Min-SE: 90\r\nProxy-Require: timer\r\nReplaces: a@b;to-tag=1;from-tag=2\r\n\
                  Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE\r\nAllow-Events: refer\r\n";
    world.inject(proxy(), request("INVITE", "1002", "offers", "a", offers));
    let mut seen = sent(&mut world, 400);
    let codes = codes(&seen);
    assert!(codes.contains(&180) && codes.contains(&200), "{codes:?}");
    assert!(seen.iter().any(|it| it.method() == Some("INVITE")));
    // The callee refreshes; the server carries that as the re-INVITE that it is.
    world.with(phones[1], |callee| {
        let timer = [("Session-Expires", "1800;refresher=uac"), ("Min-SE", "90")];
        assert!(callee.within("INVITE", "refresh", Some("sendrecv"), &timer));
    });
    let refresh = sent(&mut world, 100);
    assert!(refresh.iter().any(|it| it.method() == Some("INVITE")));
    seen.extend(refresh);
    world.inject(proxy(), request("OPTIONS", "1002", "asks", "a", ""));
    let answer = sent(&mut world, 50);
    assert_eq!(answer.len(), 1);
    seen.extend(answer);
    for message in &seen {
        for field in FIELDS {
            assert_eq!(message.get(field), None, "{field} in {message:?}");
        }
        if message.code() != Some(100) && message.method() != Some("ACK") {
            assert_eq!(message.get("Allow"), Some(ALLOWED), "{message:?}");
        }
    }
}

#[test]
fn an_invite_that_comes_on_two_ways_rings_once_and_its_second_way_is_told_482() {
    let (mut world, phones) = stage(&FLOWS[3], true, 1);
    let invite = |way: &str| request("INVITE", "1002", "forked", way, "");
    world.inject(proxy(), invite("a"));
    assert_eq!(codes(&sent(&mut world, 50)), [100, 180]);
    world.inject(proxy(), invite("b"));
    let refused = sent(&mut world, 50);
    assert_eq!(codes(&refused), [482]);
    assert_eq!(refused[0].reason(), "Loop Detected");
    // The first way, repeated, gets what it got; the second, repeated, the same bytes again.
    world.inject(proxy(), invite("a"));
    assert_eq!(codes(&sent(&mut world, 50)), [180]);
    world.inject(proxy(), invite("b"));
    assert_eq!(sent(&mut world, 50), refused);
    let rang = |world: &World| {
        let log = &world.phones[&phones[1]].log;
        log.iter().filter(|it| *it == "invited").count()
    };
    assert_eq!(rang(&world), 1);
    // A new primary knows which requests are being served.
    world.kill_primary();
    world.run_for(Duration::from_millis(400));
    world.inject(proxy(), invite("c"));
    assert_eq!(codes(&sent(&mut world, 50)), [482]);
    // The same caller's next call is another matter.
    world.inject(proxy(), request("INVITE", "1003", "forked-not", "a", ""));
    assert_eq!(codes(&sent(&mut world, 20)).first(), Some(&100));
}

#[test]
fn a_message_on_two_ways_arrives_once_and_nothing_is_remembered_for_longer_than_its_transaction() {
    let (mut world, phones) = stage(&FLOWS[0], true, 1);
    let message = |way: &str| request("MESSAGE", "1002", "text", way, "");
    world.inject(proxy(), message("a"));
    world.run_for(Duration::from_millis(50));
    world.inject(proxy(), message("b"));
    assert_eq!(codes(&sent(&mut world, 50)), [482]);
    let arrived = |world: &World| {
        let log = &world.phones[&phones[1]].log;
        log.iter().filter(|it| *it == "message").count()
    };
    assert_eq!(arrived(&world), 1);
    assert_eq!(leaks(&mut world), Vec::<String>::new());
    world.inject(proxy(), message("c"));
    world.run_for(Duration::from_millis(50));
    assert_eq!(arrived(&world), 2);
}
