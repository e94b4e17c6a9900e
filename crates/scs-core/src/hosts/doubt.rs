//! "Is it me?": when more than half of the hosts (and more than one) fall silent within one bound, the SCS
//! doubts its own connection instead of failing everything over. An operator's word or their return ends it.

use super::HostCare;
use crate::ScsCore;
use crate::dispatch::Timer;
use changeover_model::environment::AlarmCategory;
use changeover_model::message::{RecordKind, RecordOutcome, Step};
use changeover_model::{HostName, PairName, Timestamp, planted};

/// Lost, or on the way to it: silent for the first half of the bound as well. Without this, the first of two
/// hosts that fall silent together would be failed over to the second.
fn silent(host: &HostCare, now: Timestamp) -> bool {
    !host.confirmed_lost
        && (host
            .lost
            .is_some_and(|lost| now.since(lost) <= host.bound())
            || (host.lost.is_none() && now.since(host.heard) >= host.silence()))
}

fn still_lost(host: &HostCare) -> bool {
    !host.confirmed_lost && host.lost.is_some()
}

impl ScsCore {
    fn most_hosts(&self, is: impl Fn(&HostCare) -> bool) -> bool {
        let managed: Vec<&HostCare> = self.hosts.values().filter(|host| host.needs_lca).collect();
        let count = managed.iter().filter(|host| is(host)).count();
        count > 1 && count * 2 > managed.len()
    }

    /// A host was lost just now: is it really the host?
    pub(crate) fn doubt(&mut self) {
        let now = self.now;
        if planted("no-doubt-about-itself")
            || self.is_it_me
            || !self.most_hosts(|host| silent(host, now))
        {
            return;
        }
        self.is_it_me = true;
        let text = "more than half of the hosts fell silent at once: probably it is the SCS's own connection. \
                    Nothing is failed over; `sci hosts confirm-lost HOST` says that a host is really lost";
        self.raise_alarm(
            "is-it-me",
            "IS_IT_ME",
            AlarmCategory::Critical,
            "SCS",
            text,
            None,
        );
        let record = self.open_record(RecordKind::Host, None, "Is it me?".into(), "silence");
        self.note(record, Step::Note, "the SCS doubts itself", text);
        self.close_record(record, RecordOutcome::Done, text);
        self.touch_all();
    }

    /// A host is heard again that was silent together with most of the others, and not lost yet: whatever was away was
    /// the SCS's own connection.
    pub(super) fn shared_a_silence(&self, host: &HostName) -> bool {
        let now = self.now;
        let one = self.hosts.get(host);
        one.is_some_and(|care| care.needs_lca && silent(care, now))
            && self.most_hosts(|care| silent(care, now))
    }

    /// The first word after such a silence comes from one host; the others' are on their way, and none of them had a
    /// better chance to be heard. They are asked, and have a bound of their own: once, so that a host which is really
    /// gone is lost one bound later and not never.
    pub(super) fn hear_the_others_out(&mut self, heard: &HostName) {
        let mut others: Vec<HostName> = Vec::new();
        for (name, care) in &mut self.hosts {
            if name != heard && care.needs_lca && care.lost.is_none() && !care.heard_out {
                care.heard_out = true;
                others.push(name.clone());
            }
        }
        for host in others {
            self.ask_again(&host);
        }
    }

    /// A host has come back, so that it was the SCS's own connection. The first to return is no better than the others,
    /// whose word is on its way: they have one bound more, and what is lost after it is lost.
    pub(crate) fn doubt_again(&mut self) {
        if !self.is_it_me || self.most_hosts(still_lost) {
            self.timers.cancel(&Timer::DoubtOver);
            return;
        }
        let others = self.hosts.values().filter(|care| care.needs_lca);
        let longest = others.filter(|care| still_lost(care)).map(HostCare::bound);
        match longest.max() {
            None => self.doubt_no_more(),
            Some(bound) => {
                if self.timers.get(&Timer::DoubtOver).is_none() {
                    self.timers.set(Timer::DoubtOver, self.now + bound);
                }
            }
        }
    }

    /// The others had their time, or an operator has spoken.
    pub(crate) fn doubt_no_more(&mut self) {
        self.timers.cancel(&Timer::DoubtOver);
        if self.is_it_me && !self.most_hosts(still_lost) {
            self.is_it_me = false;
            self.clear_alarm("is-it-me", "hosts came back, or their loss was confirmed");
            self.touch_all();
        }
    }

    /// An operator's word: the engine goes on without these hosts, their pairs fail over.
    pub(crate) fn confirm_lost(&mut self, hosts: &[HostName]) {
        for host in hosts {
            if let Some(care) = self.hosts.get_mut(host) {
                care.confirmed_lost = true;
            }
            self.reach_changed(host);
            self.touch_host(host);
        }
        self.soles_of_lost(hosts);
        self.doubt_no_more();
        self.picture_changed = true;
    }

    pub(crate) fn touch_all(&mut self) {
        let pairs: Vec<PairName> = self.pairs.keys().cloned().collect();
        self.touched.extend(pairs);
        self.picture_changed = true;
    }
}
