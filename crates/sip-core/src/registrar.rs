//! The registrar (RFC 3261, 10): bindings of addresses of record, which are replicated as the calls are.

use crate::call::Target;
use crate::call::incoming::{is_behind_nat, user_of};
use crate::commit::Behind;
use crate::core::{SipCore, Timer};
use crate::message::{Message, address};
use crate::net::{Peer, Transport};
use crate::routing::hop_of;
use crate::transactions::response_to;
use changeover_model::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Shortest lifetime granted, in seconds; a shorter one gets 423.
const SHORTEST: u64 = 30;
/// Longest lifetime granted, and the one of who asks for none.
const LONGEST: u64 = 3600;

/// One Contact of an address of record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// Contact URI.
    pub(crate) uri: String,
    /// Its field parameters other than expires and q, with leading semicolons.
    pub(crate) params: String,
    /// Preference, in thousandths.
    pub(crate) q: u16,
    /// When it runs out, by the clock of who holds it.
    pub(crate) expires_at: Timestamp,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    /// Where requests to it go: where it registered from, if it is behind a NAT, names no address, or is connected.
    pub(crate) hop: Peer,
    pub(crate) pinned: bool,
    /// Path (RFC 3327).
    pub(crate) routes: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Registered {
    list: Vec<Binding>,
    recorded: u64,
}

/// All bindings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registrar {
    by_aor: BTreeMap<String, Registered>,
    /// Counts changes of any of them.
    changes: u64,
}

/// All bindings as they are written to a file. Times are those of the server's clock, which is near the wall's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptContacts {
    by_aor: BTreeMap<String, Vec<Binding>>,
}

impl Registrar {
    pub(crate) fn bindings(&self, aor: &str) -> &[Binding] {
        self.by_aor.get(aor).map_or(&[], |it| it.list.as_slice())
    }

    pub(crate) fn recorded(&self, aor: &str) -> u64 {
        self.by_aor.get(aor).map_or(0, |it| it.recorded)
    }

    pub(crate) fn set_recorded(&mut self, aor: &str, number: u64) {
        if let Some(it) = self.by_aor.get_mut(aor) {
            it.recorded = number;
            // An empty list has been recorded as such; it need not be kept.
            if it.list.is_empty() {
                self.by_aor.remove(aor);
            }
        }
    }

    /// Replaces the bindings of an address of record.
    pub(crate) fn put(&mut self, aor: String, list: Vec<Binding>) {
        self.changes += 1;
        if list.is_empty() {
            self.by_aor.remove(&aor);
        } else {
            self.by_aor.entry(aor).or_default().list = list;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_aor.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &[Binding])> {
        self.by_aor
            .iter()
            .map(|(aor, it)| (aor, it.list.as_slice()))
    }

    /// The first few addresses of record behind one, for a snapshot.
    pub(crate) fn after(
        &self,
        last: Option<&String>,
    ) -> impl Iterator<Item = (&String, &[Binding])> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = last.map_or(Unbounded, Excluded);
        self.by_aor
            .range::<String, _>((from, Unbounded))
            .map(|(aor, it)| (aor, it.list.as_slice()))
    }

    /// Where calls to a DN go: by preference, then the latest.
    pub(crate) fn targets(&self, dn: &str, now: Timestamp) -> Vec<Target> {
        let mut live: Vec<&Binding> = self
            .bindings(dn)
            .iter()
            .filter(|binding| binding.expires_at > now)
            .collect();
        live.sort_by_key(|it| (std::cmp::Reverse(it.q), std::cmp::Reverse(it.expires_at)));
        live.into_iter()
            .map(|binding| Target {
                uri: binding.uri.clone(),
                hop: binding.hop,
                pinned: binding.pinned,
                dn: dn.to_owned(),
                routes: binding.routes.clone(),
            })
            .collect()
    }

    /// The earliest end of a binding.
    fn earliest(&self, aor: &str) -> Option<Timestamp> {
        self.bindings(aor).iter().map(|it| it.expires_at).min()
    }
}

/// Why a REGISTER is refused.
type Why = (u16, &'static str);

impl SipCore {
    /// Rises with every change of a binding.
    pub fn contact_changes(&self) -> u64 {
        self.registrar.changes
    }

    /// All bindings, to be kept over a restart.
    pub fn kept_contacts(&self) -> KeptContacts {
        let all = self.registrar.iter();
        KeptContacts {
            by_aor: all
                .map(|(aor, list)| (aor.clone(), list.to_vec()))
                .collect(),
        }
    }

    /// Takes what an earlier life kept, where nothing newer is known. What has run out meanwhile stays away.
    pub(crate) fn contacts_kept(&mut self, kept: KeptContacts) {
        for (aor, mut list) in kept.by_aor {
            let latest = self.now + Duration::from_secs(LONGEST);
            list.retain(|binding| binding.expires_at > self.now && binding.expires_at <= latest);
            list.truncate(self.config.limits.contacts);
            let full = self.registrar.len() >= self.config.limits.registrations;
            if full || list.is_empty() || !self.registrar.bindings(&aor).is_empty() {
                continue;
            }
            self.registrar.put(aor.clone(), list);
            if self.is_primary() {
                self.changed_bindings.insert(aor.clone());
                self.arm(&aor);
            }
        }
        self.note(
            true,
            format!(
                "{} addresses of record are known from before",
                self.registrar.len()
            ),
        );
    }

    pub(crate) fn register(&mut self, request: &Message, source: Peer, reply_to: Peer) {
        if self.must_authenticate(request, reply_to) {
            return;
        }
        let aor = user_of(request, "To");
        let changed = match self.updated(&aor, request, source) {
            Ok(changed) => changed,
            Err((code, reason)) => {
                let shortest = SHORTEST.to_string();
                let extra: &[(&str, &str)] = match code {
                    423 => &[("Min-Expires", &shortest)],
                    503 => &[("Retry-After", "30")],
                    _ => &[],
                };
                return self.refuse(request, reply_to, code, reason, extra);
            }
        };
        let Some(key) = self.open_server(request, reply_to) else {
            return;
        };
        if let Some(list) = changed {
            self.registrar.put(aor.clone(), list);
            self.changed_bindings.insert(aor.clone());
            self.arm(&aor);
        }
        let mut response = response_to(request, 200, "OK", &self.stateless_tag(request));
        for binding in self.registrar.bindings(&aor) {
            let left = binding
                .expires_at
                .since(self.now)
                .as_millis()
                .div_ceil(1000);
            response.push(
                "Contact",
                format!("<{}>{};expires={left}", binding.uri, binding.params),
            );
        }
        response.copy(request, "Path");
        response.push("Server", self.config.name.clone());
        self.answer(&key, Behind::Bindings(aor), &response);
    }

    /// The bindings after a REGISTER; `None` if it changes nothing.
    fn updated(
        &self,
        aor: &str,
        request: &Message,
        source: Peer,
    ) -> Result<Option<Vec<Binding>>, Why> {
        let dns = &self.config.switch.dns;
        if aor.is_empty() || (!dns.is_empty() && !dns.contains_key(aor)) {
            return Err((404, "Not Found"));
        }
        let contacts: Vec<&str> = request.all("Contact").collect();
        if contacts.is_empty() {
            return Ok(None);
        }
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        let mut list = self.registrar.bindings(aor).to_vec();
        list.retain(|binding| binding.expires_at > self.now);
        let stale = |it: &Binding| it.call_id == request.call_id() && it.cseq > number;
        let asked = request
            .get("Expires")
            .and_then(|it| it.trim().parse::<u64>().ok());
        if contacts.contains(&"*") {
            if contacts.len() > 1 || asked != Some(0) {
                return Err((400, "Bad Wildcard"));
            }
            if list.iter().any(stale) {
                return Err((500, "CSeq Out Of Order"));
            }
            return Ok(Some(Vec::new()));
        }
        for contact in contacts {
            let binding = self.binding(contact, request, source, asked, number)?;
            let known = list.iter().position(|it| it.uri == binding.uri);
            if known.and_then(|at| list.get(at)).is_some_and(stale) {
                return Err((500, "CSeq Out Of Order"));
            }
            if let Some(at) = known {
                list.remove(at);
            }
            if binding.expires_at > self.now {
                list.push(binding);
            }
        }
        if list.len() > self.config.limits.contacts {
            list.remove(0);
        }
        let full = self.registrar.len() >= self.config.limits.registrations;
        if full && self.registrar.bindings(aor).is_empty() && !list.is_empty() {
            return Err((503, "Too Many Registrations"));
        }
        Ok(Some(list))
    }

    fn binding(
        &self,
        contact: &str,
        request: &Message,
        source: Peer,
        asked: Option<u64>,
        cseq: u32,
    ) -> Result<Binding, Why> {
        let uri = address::uri(contact).ok_or((400, "Bad Contact"))?;
        address::sip_uri(uri).ok_or((400, "Bad Contact"))?;
        let own = address::param(contact, "expires").and_then(|it| it.parse::<u64>().ok());
        let lifetime = own.or(asked).unwrap_or(LONGEST).min(LONGEST);
        if lifetime > 0 && lifetime < SHORTEST {
            return Err((423, "Interval Too Brief"));
        }
        let q = address::param(contact, "q").and_then(|it| it.parse::<f32>().ok());
        let params = address::params(contact)
            .filter(|(name, _)| {
                !["expires", "q"]
                    .iter()
                    .any(|it| name.eq_ignore_ascii_case(it))
            })
            .map(|(name, value)| match value {
                "" => format!(";{name}"),
                value => format!(";{name}={value}"),
            })
            .collect();
        let direct = hop_of(uri, Transport::Udp)
            .filter(|_| source.transport == Transport::Udp && !is_behind_nat(request, source));
        Ok(Binding {
            uri: uri.to_owned(),
            params,
            q: thousandths(q.unwrap_or(1.0)),
            expires_at: self.now + Duration::from_secs(lifetime),
            call_id: request.call_id().to_owned(),
            cseq,
            hop: direct.unwrap_or(source),
            pinned: direct.is_none(),
            routes: request.all("Path").map(str::to_owned).collect(),
        })
    }

    fn arm(&mut self, aor: &str) {
        let timer = Timer::Bindings(aor.to_owned());
        match self.registrar.earliest(aor) {
            Some(at) => self.timers.set(timer, at),
            None => {
                self.timers.cancel(&timer);
            }
        }
    }

    pub(crate) fn bindings_due(&mut self, aor: &str) {
        let mut list = self.registrar.bindings(aor).to_vec();
        list.retain(|binding| binding.expires_at > self.now);
        self.registrar.put(aor.to_owned(), list);
        self.changed_bindings.insert(aor.to_owned());
        self.arm(aor);
    }

    /// A new primary watches over all lifetimes.
    pub(crate) fn arm_bindings(&mut self) {
        let aors: Vec<String> = self.registrar.iter().map(|(aor, _)| aor.clone()).collect();
        for aor in aors {
            self.arm(&aor);
        }
    }

    pub(crate) fn disarm_bindings(&mut self) {
        let aors: Vec<String> = self.registrar.iter().map(|(aor, _)| aor.clone()).collect();
        for aor in aors {
            self.timers.cancel(&Timer::Bindings(aor));
        }
    }
}

/// A q-value as a whole number.
fn thousandths(q: f32) -> u16 {
    (0..=1000_u16)
        .rev()
        .find(|it| f32::from(*it) <= q * 1000.0 + 0.5)
        .unwrap_or(0)
}
