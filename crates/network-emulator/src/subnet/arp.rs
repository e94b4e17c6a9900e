//! Owns ARP tables (neighbour caches for IPv6: the same here) and with them where a packet ends up. An entry
//! is learnt by asking when there is none, moved by an announcement, forgotten after its lifetime, and not
//! touched by an address that merely moves: until it is announced, stations keep sending to the old host.

use std::net::IpAddr;

use changeover_virtual_ip::{AddressError, ProbeAnswer};

use super::nic::Nic;
use super::{Moment, NicPlace, Path, Route, Sighting, Silence, Station, Subnet};

/// Whom a station believes to have an address.
#[derive(Debug, Clone, Copy)]
pub(super) struct ArpEntry {
    pub(super) nic: NicPlace,
    pub(super) learnt_ns: u64,
}

/// Where a station asks: through one of its NICs on one segment, or through a router everywhere.
pub(super) struct Asking {
    pub(super) through: Option<NicPlace>,
    pub(super) segment: Option<String>,
}

/// Whether a NIC is on the segment on which is asked.
pub(super) fn is_near(segment: Option<&str>, nic: &Nic) -> bool {
    segment.is_none() || segment == nic.segment.as_deref()
}

impl Subnet {
    /// What becomes of a packet from a station to an address, ARP included.
    pub fn route(&mut self, now: Moment, from: Station, to: IpAddr) -> Route {
        let asking = match self.asking(from, to) {
            Ok(asking) => asking,
            Err(route) => return route,
        };
        let through = asking.through;
        let Some(target) = self.resolve(now, from, to, &asking) else {
            return Route::Silent(Silence::NobodyAnswers);
        };
        if !self.nic(target).reachable() {
            return Route::Silent(Silence::HolderUnplugged);
        }
        if through.is_some_and(|through| self.share_a_mac(through, target)) {
            return Route::Silent(Silence::SharedMac);
        }
        if !self.hosts[target.host].nics.iter().any(|nic| nic.holds(to)) {
            return Route::Silent(Silence::NotHeld);
        }
        Route::Via(Path {
            from: through,
            to: target,
        })
    }

    /// Where a station asks for an address.
    ///
    /// # Errors
    /// What becomes of the packet when it does not ask at all.
    pub(super) fn asking(&self, from: Station, to: IpAddr) -> Result<Asking, Route> {
        match from {
            Station::Host(host) => {
                let sender = self.hosts.get(host).ok_or(Route::NoRoute)?;
                if sender.nics.iter().any(|nic| nic.holds(to)) {
                    return Err(Route::Local);
                }
                let (nic, on_link) = outgoing(&sender.nics, to).ok_or(Route::NoRoute)?;
                if !sender.nics[nic].reachable() {
                    return Err(Route::Silent(Silence::SenderUnplugged));
                }
                Ok(Asking {
                    through: Some(NicPlace { host, nic }),
                    segment: sender.nics[nic].segment.clone().filter(|_| on_link),
                })
            }
            Station::Neighbour(position) => {
                let neighbour = self.neighbours.get(position);
                Ok(Asking {
                    through: None,
                    segment: neighbour.and_then(|one| one.segment.clone()),
                })
            }
        }
    }

    /// Whether bytes pass between two NICs now.
    #[must_use]
    pub fn is_open(&self, path: &Path) -> bool {
        self.nic(path.to).reachable() && path.from.is_none_or(|from| self.nic(from).reachable())
    }

    /// Whether a host gets packets from one of its addresses out to neighbours; why not otherwise. An address
    /// that it does not hold it cannot send from.
    ///
    /// # Errors
    /// The reason for the loss.
    pub fn may_send(&self, host: usize, from: IpAddr) -> Result<(), Silence> {
        let nics = self.hosts.get(host).map(|host| host.nics.as_slice());
        let mut holding = nics
            .unwrap_or_default()
            .iter()
            .filter(|nic| nic.holds(from))
            .peekable();
        if holding.peek().is_none() {
            return Err(Silence::NotHeld);
        }
        if holding.any(Nic::reachable) {
            Ok(())
        } else {
            Err(Silence::SenderUnplugged)
        }
    }

    fn resolve(
        &mut self,
        now: Moment,
        from: Station,
        address: IpAddr,
        asking: &Asking,
    ) -> Option<NicPlace> {
        let lifetime = self.arp_lifetime_ns;
        let table = self.tables.entry(from).or_default();
        if let Some(entry) = table.get(&address) {
            if now.monotonic_ns.saturating_sub(entry.learnt_ns) < lifetime {
                return Some(entry.nic);
            }
            table.remove(&address);
        }
        self.count("arp-requests");
        let own_host = asking.through.map(|place| place.host);
        let answers: Vec<NicPlace> = self
            .nics()
            .filter(|(place, nic)| {
                Some(place.host) != own_host
                    && nic.reachable()
                    && nic.holds(address)
                    && is_near(asking.segment.as_deref(), nic)
            })
            .map(|(place, _)| place)
            .collect();
        if answers.len() > 1 {
            self.count("arp-requests-answered-twice");
        }
        let first = *answers.first()?;
        let entry = ArpEntry {
            nic: first,
            learnt_ns: now.monotonic_ns,
        };
        self.tables.entry(from).or_default().insert(address, entry);
        Some(first)
    }

    /// `Addresses::announce`: a gratuitous ARP, or an unsolicited neighbour advertisement. It moves entries
    /// that exist and makes none, as neighbours do by default, and is heard by every host on the segment.
    ///
    /// # Errors
    /// When there is no such NIC, or it is switched off.
    pub fn announce(
        &mut self,
        now: Moment,
        host: usize,
        address: IpAddr,
        interface: &str,
    ) -> Result<(), AddressError> {
        let nic = self.interface(host, interface)?;
        let place = NicPlace { host, nic };
        let found = self.nic(place);
        let (Some(segment), Some(mac), true) = (found.segment.clone(), found.mac, found.up) else {
            return Err(AddressError::Refused {
                operation: format!("announcing {address} on {interface}"),
                reason: "the interface is switched off or has no neighbours".to_owned(),
            });
        };
        let plugged = found.carrier;
        self.count("announcements");
        if self.is_of_a_cluster(address) {
            // Its MAC is everybody's; nothing moves.
            return Ok(());
        }
        let sender = &mut self.hosts[host];
        let name = sender.name.clone();
        if sender.announcements_to_drop > 0 {
            sender.announcements_to_drop -= 1;
            self.count("announcements-dropped");
            self.record(
                now,
                format!("{name}: announcement of {address} on {interface} dropped"),
            );
            return Ok(());
        }
        if !plugged {
            self.count("announcements-unplugged");
            return Ok(());
        }
        let moved = self.hear(now, place, &segment, address);
        let heard: Vec<Sighting> = self
            .nics()
            .filter(|(other, nic)| {
                other.host != host && nic.reachable() && nic.segment.as_deref() == Some(&segment)
            })
            .map(|(other, nic)| Sighting {
                host: self.hosts[other.host].name.clone(),
                interface: nic.name.clone(),
                address,
                mac,
            })
            .collect();
        self.sightings.extend(heard);
        self.record(
            now,
            format!("{name}: announced {address} on {interface}, {moved} ARP entries moved"),
        );
        Ok(())
    }

    /// Moves the entries of everybody who hears the announcement; how many pointed elsewhere.
    fn hear(&mut self, now: Moment, place: NicPlace, segment: &str, address: IpAddr) -> u32 {
        let hosts = &self.hosts;
        let neighbours = &self.neighbours;
        let mut moved = 0;
        for (station, table) in &mut self.tables {
            let hears = match station {
                Station::Host(other) => {
                    *other != place.host
                        && hosts[*other]
                            .nics
                            .iter()
                            .any(|nic| nic.reachable() && nic.segment.as_deref() == Some(segment))
                }
                Station::Neighbour(position) => neighbours
                    .get(*position)
                    .and_then(|one| one.segment.as_deref())
                    .is_none_or(|theirs| theirs == segment),
            };
            if let Some(entry) = table.get_mut(&address).filter(|_| hears) {
                moved += u32::from(entry.nic != place);
                entry.nic = place;
                entry.learnt_ns = now.monotonic_ns;
            }
        }
        moved
    }

    /// `Addresses::probe`: who else on the segment has the address and answers.
    ///
    /// # Errors
    /// When there is no such NIC, or it is switched off.
    pub fn probe(
        &mut self,
        host: usize,
        address: IpAddr,
        interface: &str,
    ) -> Result<ProbeAnswer, AddressError> {
        let nic = self.interface(host, interface)?;
        let asking = self.nic(NicPlace { host, nic });
        if !asking.up {
            return Err(AddressError::Refused {
                operation: format!("probing for {address} on {interface}"),
                reason: "the interface is switched off".to_owned(),
            });
        }
        let segment = asking
            .segment
            .clone()
            .filter(|_| asking.carrier && !self.is_of_a_cluster(address));
        let Some(segment) = segment else {
            return Ok(ProbeAnswer::Free);
        };
        self.count("probes");
        let holder = self
            .nics()
            .filter(|(place, nic)| {
                place.host != host
                    && nic.reachable()
                    && nic.holds(address)
                    && nic.segment.as_deref() == Some(&segment)
            })
            .find_map(|(_, nic)| nic.mac);
        Ok(holder.map_or(ProbeAnswer::Free, ProbeAnswer::HeldBy))
    }

    /// The host that a station's table names for an address, unless the entry has run out.
    #[must_use]
    pub fn arp_entry(&self, now: Moment, station: Station, address: IpAddr) -> Option<&str> {
        if self.is_of_a_cluster(address) {
            return self.cluster_entry(now, address);
        }
        let entry = self.tables.get(&station)?.get(&address)?;
        let age = now.monotonic_ns.saturating_sub(entry.learnt_ns);
        (age < self.arp_lifetime_ns).then(|| self.host_name(entry.nic.host))
    }
}

/// The NIC through which a host sends to an address, and whether the address is on its link: the longest
/// prefix that covers it, else (through a router) the first NIC that is on and has an address.
fn outgoing(nics: &[Nic], to: IpAddr) -> Option<(usize, bool)> {
    let ready = || {
        nics.iter()
            .enumerate()
            .filter(|(_, nic)| nic.up && nic.segment.is_some())
    };
    let covering = ready()
        .flat_map(|(position, nic)| nic.addresses.iter().map(move |one| (position, one)))
        .filter(|(_, one)| one.net.contains(&to))
        // Of equals the first, which `max_by_key` would not give.
        .min_by_key(|(_, one)| u8::MAX - one.net.prefix_len())
        .map(|(position, _)| position);
    covering.map(|position| (position, true)).or_else(|| {
        ready()
            .find(|(_, nic)| !nic.addresses.is_empty())
            .map(|(position, _)| (position, false))
    })
}
