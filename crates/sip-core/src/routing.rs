//! Where a Request-URI leads: DNs of the Switch, bindings, the routing table. Names are not resolved here: a device
//! without an address is reached where it registered from.

use crate::call::Target;
use crate::core::SipCore;
use crate::message::address::{SipUri, host_text, sip_uri};
use crate::net::{Peer, Transport};
use changeover_model::environment::{Dn, DnKind};

/// The next hop of a URI whose host is an address.
pub(crate) fn hop_of(uri: &str, default: Transport) -> Option<Peer> {
    let uri = sip_uri(uri)?;
    let transport = match uri.param("transport") {
        Some(it) if it.eq_ignore_ascii_case("tcp") => Transport::Tcp,
        Some(it) if it.eq_ignore_ascii_case("udp") => Transport::Udp,
        Some(_) => return None,
        None => default,
    };
    let address = uri.address()?;
    Some(Peer { transport, address })
}

impl SipCore {
    /// The targets of a Request-URI, best first; none if nobody is known there.
    pub(crate) fn targets_of(&self, uri: &str) -> Result<Vec<Target>, (u16, &'static str)> {
        let uri = sip_uri(uri).ok_or((416, "Unsupported URI Scheme"))?;
        let user = uri.user;
        let configured = self.config.switch.dns.get(user);
        let mut targets = match configured {
            Some(dn) if dn.kind == DnKind::Extension => {
                if !self.checks.is_in_service(user) {
                    return Err((480, "Out Of Service"));
                }
                self.configured_target(user, dn, user).into_iter().collect()
            }
            Some(_) => return Ok(Vec::new()),
            None => Vec::new(),
        };
        if targets.is_empty() {
            targets = self.registrar.targets(user, self.now);
        }
        if targets.is_empty() && configured.is_none() {
            targets = self.routed(&uri)?;
        }
        let own = self.config.address;
        targets.retain(|target| target.hop.address != own);
        if targets.is_empty() && configured.is_some() {
            return Err((480, "Not Registered"));
        }
        Ok(targets)
    }

    fn configured_target(&self, name: &str, dn: &Dn, user: &str) -> Option<Target> {
        let contact = sip_uri(dn.contact.as_deref()?)?;
        let hop = hop_of(dn.contact.as_deref()?, Transport::Udp)?;
        let user = if contact.user.is_empty() {
            user
        } else {
            contact.user
        };
        let host = host_text(hop.address.ip());
        Some(Target {
            uri: format!("sip:{user}@{host}:{}{}", hop.address.port(), contact.params),
            hop,
            pinned: false,
            dn: name.to_owned(),
            routes: Vec::new(),
        })
    }

    /// The longest prefix of the routing table decides.
    fn routed(&self, uri: &SipUri<'_>) -> Result<Vec<Target>, (u16, &'static str)> {
        let routes = self.config.switch.routes.iter();
        let Some(route) = routes
            .filter(|route| !uri.user.is_empty() && uri.user.starts_with(&route.prefix))
            .max_by_key(|route| route.prefix.len())
        else {
            return Ok(Vec::new());
        };
        if !self.checks.is_in_service(&route.trunk) {
            return Err((480, "Trunk Out Of Service"));
        }
        let dialled = if route.strip {
            uri.user.get(route.prefix.len()..).unwrap_or(uri.user)
        } else {
            uri.user
        };
        let trunk = self.config.switch.dns.get(&route.trunk);
        let target = trunk.and_then(|dn| self.configured_target(&route.trunk, dn, dialled));
        Ok(target.into_iter().collect())
    }
}
