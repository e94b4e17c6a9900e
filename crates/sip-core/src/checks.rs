//! Active out-of-service detection of DNs: an OPTIONS every `oos-check`, out of service when it stays unanswered for
//! `oos-force`. Not replicated: a new primary asks for itself.

use crate::commit::Behind;
use crate::config::SipConfig;
use crate::core::{SipCore, Timer};
use crate::message::Message;
use crate::message::address::host_text;
use crate::net::Transport;
use crate::routing::hop_of;
use crate::transactions::Purpose;
use std::collections::BTreeMap;
use std::time::Duration;

/// Wait for an answer where the DN says no `oos-force`.
const UNANSWERED: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
struct Check {
    contact: String,
    every: Duration,
    force: Duration,
    asked: bool,
    in_service: bool,
}

/// The DNs that are checked.
#[derive(Clone, Debug)]
pub(crate) struct Checks {
    by_dn: BTreeMap<String, Check>,
}

impl Checks {
    pub(crate) fn new(config: &SipConfig) -> Self {
        let by_dn = config.switch.dns.iter().filter_map(|(name, dn)| {
            let check = Check {
                contact: dn.contact.clone()?,
                every: dn.oos_check?,
                force: dn.oos_force.unwrap_or(UNANSWERED),
                asked: false,
                in_service: true,
            };
            Some((name.clone(), check))
        });
        Self {
            by_dn: by_dn.collect(),
        }
    }

    pub(crate) fn is_in_service(&self, dn: &str) -> bool {
        self.by_dn.get(dn).is_none_or(|check| check.in_service)
    }
}

impl SipCore {
    pub(crate) fn start_checks(&mut self) {
        for (dn, check) in &mut self.checks.by_dn {
            check.asked = false;
            self.timers
                .set(Timer::Check(dn.clone()), self.now + check.every);
        }
    }

    pub(crate) fn stop_checks(&mut self) {
        for dn in self.checks.by_dn.keys() {
            self.timers.cancel(&Timer::Check(dn.clone()));
        }
    }

    pub(crate) fn check_due(&mut self, dn: &str) {
        let Some(check) = self.checks.by_dn.get_mut(dn) else {
            return;
        };
        let timer = Timer::Check(dn.to_owned());
        let was_asked = check.asked;
        check.asked = !was_asked;
        if was_asked {
            let was = std::mem::replace(&mut check.in_service, false);
            self.timers.set(timer, self.now + check.every);
            if was {
                self.note(true, format!("DN {dn} does not answer: out of service"));
            }
            return;
        }
        self.timers.set(timer, self.now + check.force);
        let uri = check.contact.clone();
        let Some(hop) = hop_of(&uri, Transport::Udp) else {
            return;
        };
        let own = self.config.address;
        let own = format!("<sip:{}:{}>", host_text(own.ip()), own.port());
        let tag = self.ids.tag();
        let request = Message::request("OPTIONS", &uri)
            .with("Max-Forwards", "70")
            .with("From", format!("{own};tag={tag}"))
            .with("To", format!("<{uri}>"))
            .with("Call-ID", self.ids.call_id())
            .with("CSeq", "1 OPTIONS")
            .with("Contact", own)
            .with("Accept", "application/sdp");
        let purpose = Purpose::Check(dn.to_owned());
        self.open_client(Behind::Nothing, request, hop, purpose);
    }

    /// The check of a DN was answered (with whatever code), or its transaction has given up.
    pub(crate) fn check_answered(&mut self, dn: &str, answered: bool) {
        let Some(check) = self.checks.by_dn.get_mut(dn).filter(|_| answered) else {
            return;
        };
        check.asked = false;
        let was = std::mem::replace(&mut check.in_service, true);
        let timer = Timer::Check(dn.to_owned());
        self.timers.set(timer, self.now + check.every);
        if !was {
            self.note(true, format!("DN {dn} answers again: in service"));
        }
    }
}
