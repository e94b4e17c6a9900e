//! Calls of foreign SIP clients (SIPp) through a real pair on network namespaces, with the Virtual IP moved by the
//! real Management Layer in the middle of the call.

mod capture;
mod many;
mod party;
mod phone;
mod pjsip;
mod scenario;
mod site;

use capture::Capture;
use many::Many;
use party::{Ending, Party};
use scenario::Step::{
    self, Answer, Bye, Cancel, Cancelled, HangUp, Held, Hold, Invite, Pause, Refer, Reject,
    Rejected, Released, Retrieve, Ring,
};
use site::Site;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

const BOTH: [&str; 2] = ["SIP_SERVER_PRIMARY", "SIP_SERVER_BACKUP"];

/// How long it may take until somebody has seen that a call stands and begins the takeover.
const SEEING: Duration = Duration::from_millis(2_500);

/// What becomes of the primary while the call stands.
#[derive(Clone, Copy, Debug)]
enum Takeover {
    Switchover,
    Kill,
    CableOut,
}

impl Takeover {
    fn carry_out(self, site: &Site) {
        match self {
            Takeover::Switchover => site.switch_over(),
            Takeover::Kill => site.kill_primary(),
            Takeover::CableOut => site.pull_cable_of_primary(),
        }
    }

    /// Before the call goes on: a host that is cut off counts as lost after its detection bound.
    fn wait(self) -> Duration {
        match self {
            Takeover::Switchover | Takeover::Kill => Duration::from_millis(2_500),
            Takeover::CableOut => Duration::from_secs(7),
        }
    }
}

/// A test of the guide: a call, the takeover, then hold, retrieve and transfer on that call, release.
fn guide_test(site: &Site, takeover: Takeover) {
    let wait = u64::try_from((SEEING + takeover.wait()).as_millis()).expect("seconds");
    let caller: &[Step] = &[
        Invite,
        Pause(wait),
        Hold { cseq: 2 },
        Pause(200),
        Retrieve { cseq: 3 },
        Pause(200),
        Refer {
            cseq: 4,
            to: "1003",
        },
        Bye { cseq: 5 },
    ];
    let callee: &[Step] = &[Ring(200), Answer, Held, Held, Held, Released];
    let target: &[Step] = &[Ring(200), Answer, Pause(800), HangUp];
    let parties = [
        Party::calls(site, "1001", "1002", caller),
        Party::takes_calls(site, "1002", callee),
        Party::takes_calls(site, "1003", target),
    ];
    let began = Instant::now();
    site.await_call(&BOTH, "confirmed");
    assert!(began.elapsed() < SEEING, "the takeover would come too late");
    takeover.carry_out(site);
    for party in parties {
        assert_eq!(party.ended(), Ending::AsWritten, "{takeover:?}");
    }
}

#[test]
#[ignore = "needs root and SIPp"]
fn a_call_is_held_retrieved_transferred_and_released_after_every_kind_of_takeover() {
    let _alone = alone();
    let site = Site::up("hot");
    site.register(&["1001", "1002", "1003"]);
    for takeover in [Takeover::Switchover, Takeover::Kill, Takeover::Switchover] {
        guide_test(&site, takeover);
        site.await_readiness();
    }
    guide_test(&site, Takeover::CableOut);
}

#[test]
#[ignore = "needs root and SIPp"]
fn ringing_calls_are_answered_and_cancelled_after_a_kill_of_the_primary() {
    let _alone = alone();
    let site = Site::up("hot");
    site.register(&["1001", "1002"]);
    let answered = [
        Party::takes_calls(&site, "1002", &[Ring(5_000), Answer, Released]),
        Party::calls(
            &site,
            "1001",
            "1002",
            &[Invite, Pause(300), Bye { cseq: 2 }],
        ),
    ];
    site.await_call(&BOTH, "early");
    site.kill_primary();
    for party in answered {
        assert_eq!(party.ended(), Ending::AsWritten);
    }
    site.await_readiness();
    let cancelled = [
        Party::takes_calls(&site, "1002", &[Ring(0), Cancelled]),
        Party::calls(&site, "1001", "1002", &[Cancel { after: 5_000 }]),
    ];
    site.await_call(&BOTH, "early");
    site.kill_primary();
    for party in cancelled {
        assert_eq!(party.ended(), Ending::AsWritten);
    }
}

#[test]
#[ignore = "needs root and SIPp"]
fn warm_standby_fails_the_same_test_and_takes_new_calls_at_once() {
    let _alone = alone();
    let site = Site::up("warm");
    site.register(&["1001", "1002"]);
    let callee = Party::takes_calls(&site, "1002", &[Ring(200), Answer, Held, Released]);
    let caller: &[Step] = &[Invite, Pause(5_000), Hold { cseq: 2 }, Bye { cseq: 3 }];
    let caller = Party::calls(&site, "1001", "1002", caller);
    site.await_call(&["SIP_SERVER_PRIMARY"], "confirmed");
    site.kill_primary();
    assert_eq!(caller.ended(), Ending::Unexpected("481".to_owned()));
    callee.end();
    site.register(&["1001", "1002"]);
    let anew = [
        Party::takes_calls(&site, "1002", &[Ring(100), Answer, Released]),
        Party::calls(
            &site,
            "1001",
            "1002",
            &[Invite, Pause(300), Bye { cseq: 2 }],
        ),
    ];
    for party in anew {
        assert_eq!(party.ended(), Ending::AsWritten);
    }
}

#[test]
#[ignore = "needs root and SIPp"]
fn a_call_that_rings_is_rejected_after_a_kill_of_the_primary_and_its_messages_can_be_traced() {
    let _alone = alone();
    let site = Site::up("hot");
    site.register(&["1001", "1002"]);
    let parties = [
        Party::takes_calls(&site, "1002", &[Ring(6_000), Reject]),
        Party::calls(&site, "1001", "1002", &[Rejected]),
    ];
    let key = site.await_call(&BOTH, "early");
    assert_eq!(site.calls(BOTH[0])["in_step"], true);
    site.kill_primary();
    let traced = site.folder("trace").join("out");
    site.await_primary(BOTH[1]);
    let mut trace = site.trace("SIP_SERVER_BACKUP", &key, &traced);
    for party in parties {
        assert_eq!(party.ended(), Ending::AsWritten);
    }
    // What was said last may still be on its way to the file.
    let lines = [
        "from udp 10.10.11.254:5002",
        "SIP/2.0 486 Busy Here",
        "to udp 10.10.11.254:5001",
    ];
    site.await_fact("trace of the rejection", || {
        let text = std::fs::read_to_string(&traced).expect("the trace");
        lines.iter().all(|line| text.contains(line)).then_some(())
    });
    trace.kill().expect("our own child");
    trace.wait().expect("our own child");
}

/// What leaves the SIP interface of a host while its server is backup: nothing.
#[test]
#[ignore = "needs root and SIPp"]
fn a_backup_sends_no_sip_datagram() {
    let _alone = alone();
    let site = Site::up("hot");
    let captures = ["host1", "host2"].map(|host| (host, Capture::of(&site, host)));
    let mut sent_by_primaries = 0;
    for _ in 0..2 {
        site.register(&["1001", "1002", "1003"]);
        for (_, capture) in &captures {
            drop(capture.take());
        }
        let backup = site.host_in("Backup");
        let call: &[Step] = &[
            Invite,
            Pause(200),
            Hold { cseq: 2 },
            Retrieve { cseq: 3 },
            Bye { cseq: 4 },
        ];
        for party in [
            Party::takes_calls(&site, "1002", &[Ring(100), Answer, Held, Held, Released]),
            Party::calls(&site, "1001", "1002", call),
        ] {
            assert_eq!(party.ended(), Ending::AsWritten);
        }
        for (host, capture) in &captures {
            let sent = capture.take();
            if *host == backup {
                assert_eq!(sent, Vec::<String>::new(), "{host} is backup");
            } else {
                sent_by_primaries += sent.len();
            }
        }
        site.switch_over();
        site.await_readiness();
    }
    assert!(
        sent_by_primaries > 20,
        "the capture sees what is sent: {sent_by_primaries}"
    );
}

/// `CHANGEOVER_CALLS` says how many; docs/developer/sip.md has what 10,000 came to.
#[test]
#[ignore = "needs root and SIPp"]
fn very_many_established_calls_are_held_and_released_after_a_kill_of_the_primary() {
    let _alone = alone();
    let calls = std::env::var("CHANGEOVER_CALLS");
    let calls = calls
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(1_000_u64);
    let rate = 100 + calls / 50;
    let making = Duration::from_secs(calls / rate + 5);
    let site = Site::up("hot");
    site.register(&["1702"]);
    let many = Many::begin(&site, calls, rate, making + Duration::from_secs(8));
    std::thread::sleep(making);
    let backup = site.calls("SIP_SERVER_BACKUP");
    assert_eq!(
        (&backup["calls"], &backup["in_step"]),
        (&calls.into(), &true.into())
    );
    site.kill_primary();
    let outcome = many.ended(making * 2 + Duration::from_secs(60));
    println!("{calls} calls: {outcome:?}");
    assert_eq!(
        (outcome.successful, outcome.failed),
        (calls, 0),
        "{outcome:?}"
    );
    // At most one repetition each, when the gap is below 500 ms.
    assert!(
        outcome.repeated.iter().all(|it| *it <= calls),
        "{outcome:?}"
    );
}
