//! Digest authentication (RFC 3261, 22; RFC 2617 with MD5) of REGISTER and INVITE from DNs that have a password.
//! Nonces are made of the time and a secret that both servers of a pair derive from the same configuration, so one
//! that the old primary gave out is good at the new one.

use crate::core::SipCore;
use crate::message::Message;
use crate::message::address::split_list;
use crate::net::Peer;
use md5::{Digest as _, Md5};

/// How long a nonce is good, in seconds, on either side of now: the clocks of two servers differ.
const NONCE_LIFETIME: u64 = 300;

impl SipCore {
    /// Challenges a request that has to prove itself and does not. True if it was refused.
    pub(crate) fn must_authenticate(&mut self, request: &Message, reply_to: Peer) -> bool {
        let registers = request.method() == Some("REGISTER");
        let field = if registers { "To" } else { "From" };
        let user = crate::call::incoming::user_of(request, field);
        let dn = self.config.switch.dns.get(&user);
        let Some(password) = dn.and_then(|dn| dn.password.clone()) else {
            return false;
        };
        let (header, code, reason, challenge) = if registers {
            ("Authorization", 401, "Unauthorized", "WWW-Authenticate")
        } else {
            (
                "Proxy-Authorization",
                407,
                "Proxy Authentication Required",
                "Proxy-Authenticate",
            )
        };
        let mut stale = false;
        for value in request.all(header) {
            match self.judge(value, request, &user, &password) {
                Verdict::Good => return false,
                Verdict::Stale => stale = true,
                Verdict::Bad => {}
            }
        }
        let nonce = self.nonce(self.now.0 / 1_000_000);
        let stale = if stale { ", stale=true" } else { "" };
        let value = format!(
            "Digest realm=\"{}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"{stale}",
            self.config.realm
        );
        self.refuse(request, reply_to, code, reason, &[(challenge, &value)]);
        true
    }

    fn judge(&self, value: &str, request: &Message, user: &str, password: &str) -> Verdict {
        let Some(rest) = value
            .get(..7)
            .filter(|it| it.eq_ignore_ascii_case("Digest "))
        else {
            return Verdict::Bad;
        };
        let fields = value.get(rest.len()..).unwrap_or_default();
        let get = |name: &str| {
            split_list(fields)
                .filter_map(|part| part.split_once('='))
                .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
                .map_or("", |(_, value)| value.trim().trim_matches('"'))
        };
        let realm = self.config.realm.as_str();
        if get("username") != user || get("realm") != realm {
            return Verdict::Bad;
        }
        let nonce = get("nonce");
        let method = request.method().unwrap_or_default();
        let secret = md5(&[user, realm, password]);
        let asked = md5(&[method, get("uri")]);
        let expected = if get("qop").eq_ignore_ascii_case("auth") {
            md5(&[&secret, nonce, get("nc"), get("cnonce"), get("qop"), &asked])
        } else {
            md5(&[&secret, nonce, &asked])
        };
        if !get("response").eq_ignore_ascii_case(&expected) {
            return Verdict::Bad;
        }
        let made = nonce.split('.').next().unwrap_or_default();
        let made = u64::from_str_radix(made, 16).unwrap_or_default();
        let fresh = (self.now.0 / 1_000_000).abs_diff(made) <= NONCE_LIFETIME;
        if fresh && self.nonce(made) == nonce {
            Verdict::Good
        } else {
            Verdict::Stale
        }
    }

    fn nonce(&self, at: u64) -> String {
        let passwords: Vec<&str> = self
            .config
            .switch
            .dns
            .values()
            .filter_map(|dn| dn.password.as_deref())
            .collect();
        let secret = md5(&passwords);
        let text = format!("{at:x}");
        let guard = md5(&[&text, &secret, &self.config.realm]);
        format!("{text}.{guard}")
    }
}

enum Verdict {
    Good,
    /// The right password for a nonce that is too old.
    Stale,
    Bad,
}

/// Hex MD5 of the parts joined by colons.
fn md5(parts: &[&str]) -> String {
    Md5::digest(parts.join(":").as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_of_rfc_2617_comes_out() {
        let secret = super::md5(&["Mufasa", "testrealm@host.com", "Circle Of Life"]);
        let asked = super::md5(&["GET", "/dir/index.html"]);
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let response = super::md5(&[&secret, nonce, "00000001", "0a4f113b", "auth", &asked]);
        assert_eq!(response, "6629fae49393a05397450978507c4ef1");
    }
}
