//! The guide's tests with three PJSIP phones: what a phone of today makes of a takeover. The same steps on a warm pair,
//! which replicates nothing, are the control: they must fail.

use crate::phone::Phone;
use crate::site::Site;
use crate::{Takeover, alone};
use std::time::Duration;

struct Phones {
    caller: Phone,
    callee: Phone,
    third: Phone,
}

impl Phones {
    fn start(site: &Site) -> Self {
        Self {
            caller: Phone::start(site, "1001", false),
            callee: Phone::start(site, "1002", true),
            third: Phone::start(site, "1003", true),
        }
    }

    fn call(&mut self) {
        self.caller.order("call 1002");
        self.caller.media_are("active");
        self.caller.talks();
        self.callee.talks();
    }
}

/// Call, takeover, hold, retrieve, transfer to a registered third party, release.
fn guide_test(site: &Site, phones: &mut Phones, takeover: Takeover) {
    phones.call();
    takeover.carry_out(site);
    std::thread::sleep(takeover.wait());
    phones.caller.order("hold");
    phones.caller.media_are("held-by-us");
    phones.callee.media_are("held-by-them");
    phones.caller.order("retrieve");
    phones.caller.media_are("active");
    phones.callee.media_are("active");
    phones.caller.order("transfer 1003");
    phones.third.talks();
    phones.caller.is_transferred();
    phones.caller.order("hang-up");
    phones.caller.call_ends(None);
    // The two who are left talk to each other.
    phones.third.order("hang-up");
    phones.third.call_ends(None);
    phones.callee.call_ends(None);
}

#[test]
#[ignore = "needs root and PJSIP"]
fn pjsip_phones_hold_retrieve_transfer_and_release_after_every_kind_of_takeover() {
    let _alone = alone();
    let site = Site::up("hot");
    let mut phones = Phones::start(&site);
    for takeover in [Takeover::Switchover, Takeover::Kill, Takeover::Switchover] {
        guide_test(&site, &mut phones, takeover);
        site.await_readiness();
    }
    guide_test(&site, &mut phones, Takeover::CableOut);
}

#[test]
#[ignore = "needs root and PJSIP"]
fn calls_that_ring_at_a_pjsip_phone_are_answered_cancelled_and_rejected_after_a_kill() {
    let _alone = alone();
    let site = Site::up("hot");
    let mut caller = Phone::start(&site, "1001", false);
    let mut callee = Phone::start(&site, "1002", false);
    let ring = |caller: &mut Phone, callee: &mut Phone| {
        caller.order("call 1002");
        caller.is_called();
        callee.rings();
        site.kill_primary();
        std::thread::sleep(Takeover::Kill.wait());
    };
    ring(&mut caller, &mut callee);
    callee.order("answer 200");
    callee.talks();
    caller.talks();
    caller.order("hang-up");
    callee.call_ends(None);
    site.await_readiness();
    ring(&mut caller, &mut callee);
    caller.order("cancel");
    callee.call_ends(None);
    caller.call_ends(Some(487));
    site.await_readiness();
    ring(&mut caller, &mut callee);
    callee.order("answer 486");
    caller.call_ends(Some(486));
}

#[test]
#[ignore = "needs root and PJSIP"]
fn pjsip_phones_lose_their_call_on_a_pair_that_replicates_nothing() {
    let _alone = alone();
    let site = Site::up("warm");
    let mut phones = Phones::start(&site);
    phones.call();
    site.kill_primary();
    std::thread::sleep(Takeover::Kill.wait());
    phones.caller.order("hold");
    assert!(
        phones.caller.loses_its_call_within(Duration::from_secs(10)),
        "the new primary knows nothing of the call"
    );
}
