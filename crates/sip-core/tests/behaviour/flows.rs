//! The call flows that every takeover is tried on, as scripts: who does what, and what must be seen before it goes
//! on.

use crate::world::{VIP, World};
use changeover_model::environment::{Dn, DnKind, Switch};
use changeover_sip_core::SipConfig;
use changeover_sip_phone::{Manner, Phone};
use std::net::SocketAddr;
use std::time::Duration;

/// A line of a script.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// The phone does this.
    Do(usize, fn(&mut Phone)),
    /// The phone must come to note this.
    See(usize, &'static str),
    /// Time passes, in milliseconds.
    Wait(u64),
}
use Step::{Do, See, Wait};

/// A script with its parties: A is 0, B is 1, C is 2.
pub(crate) struct Flow {
    pub(crate) name: &'static str,
    pub(crate) callee: Manner,
    pub(crate) third: Manner,
    pub(crate) steps: &'static [Step],
}

const SOON: Manner = Manner::Answers(Duration::from_millis(100));

/// All of them.
pub(crate) const FLOWS: &[Flow] = &[
    Flow {
        name: "call, released by the caller",
        callee: SOON,
        third: SOON,
        steps: &[
            Do(0, |a| drop(a.call("1002"))),
            See(0, "established"),
            See(1, "acked"),
            Wait(300),
            Do(0, |a| assert!(a.hang_up())),
            See(0, "bye ok"),
            See(1, "released"),
        ],
    },
    Flow {
        name: "call, released by the callee",
        callee: SOON,
        third: SOON,
        steps: &[
            Do(0, |a| drop(a.call("1002"))),
            See(0, "established"),
            See(1, "acked"),
            Wait(300),
            Do(1, |b| assert!(b.hang_up())),
            See(1, "bye ok"),
            See(0, "released"),
        ],
    },
    Flow {
        name: "hold and retrieve",
        callee: SOON,
        third: SOON,
        steps: &[
            Do(0, |a| drop(a.call("1002"))),
            See(0, "established"),
            See(1, "acked"),
            Do(0, |a| assert!(a.hold())),
            See(0, "hold ok"),
            See(1, "held"),
            Wait(200),
            Do(0, |a| assert!(a.retrieve())),
            See(0, "retrieve ok"),
            See(1, "retrieved"),
            Wait(200),
            Do(0, |a| assert!(a.hang_up())),
            See(0, "bye ok"),
            See(1, "released"),
        ],
    },
    Flow {
        name: "ringing, then answered",
        callee: Manner::Rings,
        third: SOON,
        steps: &[
            Do(0, |a| drop(a.call("1002"))),
            See(0, "ringing"),
            Wait(2_000),
            Do(1, |b| b.answer(200)),
            See(0, "established"),
            See(1, "acked"),
            Wait(200),
            Do(0, |a| assert!(a.hang_up())),
            See(0, "bye ok"),
            See(1, "released"),
        ],
    },
    Flow {
        name: "ringing, then rejected",
        callee: Manner::Rings,
        third: SOON,
        steps: &[
            Do(0, |a| drop(a.call("1002"))),
            See(0, "ringing"),
            Wait(1_000),
            Do(1, |b| b.answer(486)),
            See(0, "failed 486"),
        ],
    },
    Flow {
        name: "ringing, then cancelled",
        callee: Manner::Rings,
        third: SOON,
        steps: &[
            Do(0, |a| drop(a.call("1002"))),
            See(0, "ringing"),
            Wait(1_000),
            Do(0, Phone::cancel),
            See(0, "cancelled 487"),
            See(1, "cancelled"),
        ],
    },
    Flow {
        name: "offer in the 200, answer in the ACK",
        callee: SOON,
        third: SOON,
        steps: &[
            Do(0, |a| a.with_sdp = false),
            Do(0, |a| drop(a.call("1002"))),
            See(0, "established"),
            See(1, "acked"),
            Wait(200),
            Do(0, |a| assert!(a.hang_up())),
            See(0, "bye ok"),
            See(1, "released"),
        ],
    },
    Flow {
        name: "transfer to a third party",
        callee: SOON,
        third: SOON,
        steps: &[
            Do(0, |a| drop(a.call("1002"))),
            See(0, "established"),
            See(1, "acked"),
            Do(0, |a| assert!(a.hold())),
            See(0, "hold ok"),
            Do(0, |a| assert!(a.refer("1003"))),
            See(0, "refer ok"),
            See(0, "notify 200"),
            See(2, "acked"),
            See(1, "retrieved"),
            Do(0, |a| assert!(a.hang_up())),
            See(0, "bye ok"),
            Wait(300),
            Do(2, |c| assert!(c.hang_up())),
            See(2, "bye ok"),
            See(1, "released"),
        ],
    },
    Flow {
        name: "transfer to a party that is busy",
        callee: SOON,
        third: Manner::Rejects(486),
        steps: &[
            Do(0, |a| drop(a.call("1002"))),
            See(0, "established"),
            See(1, "acked"),
            Do(0, |a| assert!(a.refer("1003"))),
            See(0, "refer ok"),
            See(0, "notify 486"),
            Wait(200),
            Do(0, |a| assert!(a.hang_up())),
            See(0, "bye ok"),
            See(1, "released"),
        ],
    },
    Flow {
        name: "parked on a Routing Point",
        callee: SOON,
        third: SOON,
        steps: &[
            Do(0, |a| drop(a.call("2000"))),
            See(0, "ringing"),
            See(1, "invited"),
            See(0, "established"),
            See(1, "acked"),
            Wait(200),
            Do(0, |a| assert!(a.hang_up())),
            See(0, "bye ok"),
            See(1, "released"),
        ],
    },
    Flow {
        name: "register, ask, unregister",
        callee: SOON,
        third: SOON,
        steps: &[
            Do(0, |a| a.register(Some(600))),
            See(0, "register ok"),
            Do(0, |a| a.log.clear()),
            Wait(200),
            Do(0, |a| a.register(None)),
            See(0, "register ok"),
            Do(0, |a| {
                assert_eq!(a.contacts.len(), 1, "{:?}", a.contacts);
                a.log.clear();
            }),
            Do(0, |a| a.register(Some(0))),
            See(0, "register ok"),
            Do(0, |a| assert_eq!(a.contacts.len(), 0, "{:?}", a.contacts)),
        ],
    },
    Flow {
        name: "INFO within a call",
        callee: SOON,
        third: SOON,
        steps: &[
            Do(0, |a| drop(a.call("1002"))),
            See(0, "established"),
            See(1, "acked"),
            Do(0, |a| assert!(a.within("INFO", "info", None, &[]))),
            See(0, "info ok"),
            See(1, "info"),
            Do(0, |a| assert!(a.hang_up())),
            See(0, "bye ok"),
            See(1, "released"),
        ],
    },
];

/// The Switch of the tests: three phones with fixed contacts, a Routing Point that leads to B, a trunk.
pub(crate) fn config() -> SipConfig {
    let mut config = SipConfig::new("S", VIP.parse().expect("an address"));
    let phone = |last: u8| Dn {
        contact: Some(format!("sip:10.0.0.{last}:5060")),
        ..Dn::default()
    };
    let routing_point = Dn {
        kind: DnKind::RoutingPoint,
        default_dn: Some("1002".to_owned()),
        park_timeout: Some(Duration::from_secs(2)),
        ..Dn::default()
    };
    config.switch = Switch {
        dns: [
            ("1001".to_owned(), phone(1)),
            ("1002".to_owned(), phone(2)),
            ("1003".to_owned(), phone(3)),
            ("2000".to_owned(), routing_point),
        ]
        .into_iter()
        .collect(),
        routes: Vec::new(),
    };
    config
}

/// The world of a flow, before its first step.
pub(crate) fn stage(flow: &Flow, hot: bool, seed: u64) -> (World, [SocketAddr; 3]) {
    let mut config = config();
    config.hot = hot;
    let mut world = World::new(config, seed);
    let phones = [
        world.add_phone("1001", 1),
        world.add_phone("1002", 2),
        world.add_phone("1003", 3),
    ];
    world.with(phones[1], |b| b.manner = flow.callee);
    world.with(phones[2], |c| c.manner = flow.third);
    (world, phones)
}

/// Plays a script; what should have been seen and was not.
pub(crate) fn play(world: &mut World, phones: &[SocketAddr; 3], steps: &[Step]) -> Vec<String> {
    let mut missing = Vec::new();
    for step in steps {
        match *step {
            Do(who, act) => world.with(phones[who], act),
            Wait(time) => world.run_for(Duration::from_millis(time)),
            See(who, what) => {
                let at = phones[who];
                let seen = world.run_until(Duration::from_secs(45), |w| w.phones[&at].has(what));
                if !seen {
                    let log = &world.phones[&at].log;
                    missing.push(format!(
                        "{} never saw '{what}': {log:?}",
                        ['A', 'B', 'C'][who]
                    ));
                    return missing;
                }
            }
        }
    }
    missing
}

/// What is left 70 s after the end of a flow: nothing.
pub(crate) fn leaks(world: &mut World) -> Vec<String> {
    world.run_for(Duration::from_secs(70));
    let mut left = Vec::new();
    for (index, server) in world.servers.iter().enumerate() {
        let Some(server) = server else {
            continue;
        };
        let it = server.core.picture();
        let of_calls = (it.calls, it.transactions, it.tombstones, it.held);
        if (of_calls, it.requests, it.told) != ((0, 0, 0, 0), 0, 0) {
            left.push(format!(
                "S{index} still holds {it:?} {:?}",
                server.core.calls(9)
            ));
        }
    }
    left
}
