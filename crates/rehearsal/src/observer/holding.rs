//! Owns the arithmetic of "who held the Virtual IP, and for how long": no holder, two, one behind a pulled cable.
//! Pure; the sightings come from outside the components (`observer.rs`).

use crate::moment::{Moment, ms};
use crate::outcome::Bar;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// A holder at one moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Holder {
    pub(crate) address: IpAddr,
    pub(crate) host: String,
    /// Neighbours can reach it there.
    pub(crate) reachable: bool,
}

/// Who held what from one moment on, until the next sighting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) at: Moment,
    /// What led to it.
    pub(crate) cause: String,
    pub(crate) holders: Vec<Holder>,
}

/// Everything that was seen, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holding {
    /// The addresses that matter; of several the worst counts.
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) sightings: Vec<Sighting>,
}

/// Times within a window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HolderTimes {
    /// No reachable holder.
    pub no_holder_ms: f64,
    /// Two reachable ones.
    pub two_holders_ms: f64,
    /// One that no neighbour reaches.
    pub unreachable_holder_ms: f64,
}

impl Holding {
    /// The times within a window. "No holder" and "two" speak of holders that neighbours can reach.
    pub(crate) fn times(&self, from: Moment, to: Moment) -> HolderTimes {
        let mut worst = HolderTimes::default();
        for address in &self.addresses {
            let (mut none, mut two, mut unreachable) =
                (Duration::ZERO, Duration::ZERO, Duration::ZERO);
            for (sighting, since, until) in self.stretches(from, to) {
                let here = || {
                    sighting
                        .holders
                        .iter()
                        .filter(|holder| holder.address == *address)
                };
                let length = until.since(since);
                match here().filter(|holder| holder.reachable).count() {
                    0 => none += length,
                    1 => {}
                    _ => two += length,
                }
                if here().any(|holder| !holder.reachable) {
                    unreachable += length;
                }
            }
            worst.no_holder_ms = worst.no_holder_ms.max(ms(none));
            worst.two_holders_ms = worst.two_holders_ms.max(ms(two));
            worst.unreachable_holder_ms = worst.unreachable_holder_ms.max(ms(unreachable));
        }
        worst
    }

    /// Hosts that hold every address now and can be reached.
    pub(crate) fn reachable_now(&self) -> Vec<String> {
        self.hosts_now(true)
    }

    /// Hosts that hold an address now, reachable or not.
    pub(crate) fn hosts_now(&self, only_reachable: bool) -> Vec<String> {
        let Some(last) = self.sightings.last() else {
            return Vec::new();
        };
        let mut hosts = Vec::new();
        for holder in &last.holders {
            let counts =
                self.addresses.contains(&holder.address) && (holder.reachable || !only_reachable);
            if counts && !hosts.contains(&holder.host) {
                hosts.push(holder.host.clone());
            }
        }
        hosts
    }

    /// True if exactly this host holds each address where neighbours can reach it, and no other does.
    pub(crate) fn is_held_by(&self, host: &str) -> bool {
        let last = self.sightings.last();
        last.is_some_and(|last| self.was_held_by(last, host))
    }

    /// The same at an earlier sighting.
    pub(crate) fn was_held_by(&self, sighting: &Sighting, host: &str) -> bool {
        self.addresses.iter().all(|address| {
            let mut reachable = sighting
                .holders
                .iter()
                .filter(|holder| holder.address == *address && holder.reachable);
            reachable.next().is_some_and(|holder| holder.host == host) && reachable.next().is_none()
        })
    }

    /// True if the host holds one of the addresses now.
    pub(crate) fn holds(&self, host: &str) -> bool {
        self.hosts_now(false).iter().any(|holder| holder == host)
    }

    /// When the host first got (or first lost) the addresses after a moment, and what led to it.
    pub(crate) fn change(&self, host: &str, gets: bool, after: Moment) -> Option<(Moment, &str)> {
        let has = |sighting: &Sighting| {
            sighting
                .holders
                .iter()
                .any(|holder| self.addresses.contains(&holder.address) && holder.host == host)
        };
        let mut before = None;
        for sighting in &self.sightings {
            let now = has(sighting);
            if sighting.at >= after && now == gets && before == Some(!gets) {
                return Some((sighting.at, sighting.cause.as_str()));
            }
            before = Some(now);
        }
        None
    }

    /// The stretches of time that the page draws, milliseconds since `from`.
    pub(crate) fn bars(&self, from: Moment, to: Moment) -> Vec<Bar> {
        let mut bars: Vec<Bar> = Vec::new();
        for (sighting, since, until) in self.stretches(from, to) {
            let mut hosts: BTreeMap<&str, bool> = BTreeMap::new();
            for holder in sighting
                .holders
                .iter()
                .filter(|holder| self.addresses.contains(&holder.address))
            {
                *hosts.entry(&holder.host).or_default() |= holder.reachable;
            }
            for (host, reachable) in hosts {
                let (from_ms, to_ms) = (since.ms_since(from), until.ms_since(from));
                let goes_on = bars
                    .iter_mut()
                    .rev()
                    .find(|bar| bar.host == host)
                    .filter(|bar| bar.reachable == reachable && (bar.to_ms - from_ms).abs() < 1e-9);
                match goes_on {
                    Some(bar) => bar.to_ms = to_ms,
                    None => bars.push(Bar {
                        host: host.to_owned(),
                        from_ms,
                        to_ms,
                        reachable,
                    }),
                }
            }
        }
        bars
    }

    /// Each sighting with the part of the window for which it holds.
    fn stretches(
        &self,
        from: Moment,
        to: Moment,
    ) -> impl Iterator<Item = (&Sighting, Moment, Moment)> {
        self.sightings
            .iter()
            .enumerate()
            .filter_map(move |(index, sighting)| {
                let since = sighting.at.max(from);
                let until = self
                    .sightings
                    .get(index + 1)
                    .map_or(to, |next| next.at.min(to));
                (until > since).then_some((sighting, since, until))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn vip() -> IpAddr {
        "10.10.11.103".parse().expect("an address")
    }

    /// Sightings as (ms, [(host, reachable)]).
    fn holding(sightings: &[(u64, &[(&str, bool)])]) -> Holding {
        Holding {
            addresses: vec![vip()],
            sightings: sightings
                .iter()
                .map(|(at, holders)| Sighting {
                    at: Moment(at * MS),
                    cause: format!("seen at {at}"),
                    holders: holders
                        .iter()
                        .map(|(host, reachable)| Holder {
                            address: vip(),
                            host: (*host).to_owned(),
                            reachable: *reachable,
                        })
                        .collect(),
                })
                .collect(),
        }
    }

    #[test]
    fn a_switchover_leaves_a_moment_without_holder_and_none_with_two() {
        let seen = holding(&[
            (0, &[("host1", true)]),
            (105, &[]),
            (109, &[("host2", true)]),
        ]);
        let times = seen.times(Moment(100 * MS), Moment(200 * MS));
        assert_eq!(
            times,
            HolderTimes {
                no_holder_ms: 4.0,
                ..HolderTimes::default()
            }
        );
        assert!(seen.is_held_by("host2"));
        assert!(!seen.holds("host1"));
        assert_eq!(
            seen.change("host1", false, Moment(100 * MS)),
            Some((Moment(105 * MS), "seen at 105"))
        );
        assert_eq!(
            seen.change("host2", true, Moment(100 * MS)),
            Some((Moment(109 * MS), "seen at 109"))
        );
        assert_eq!(seen.change("host2", false, Moment(0)), None);
    }

    #[test]
    fn a_holder_behind_a_pulled_cable_is_no_second_holder_until_the_cable_is_back() {
        let seen = holding(&[
            (0, &[("host1", true)]),
            (100, &[("host1", false)]),
            (3_100, &[("host1", false), ("host2", true)]),
            (5_000, &[("host1", true), ("host2", true)]),
            (5_008, &[("host2", true)]),
        ]);
        let cut = seen.times(Moment(100 * MS), Moment(4_000 * MS));
        assert_eq!(
            cut,
            HolderTimes {
                no_holder_ms: 3_000.0,
                two_holders_ms: 0.0,
                unreachable_holder_ms: 3_900.0
            }
        );
        let back = seen.times(Moment(5_000 * MS), Moment(6_000 * MS));
        assert_eq!(
            back,
            HolderTimes {
                two_holders_ms: 8.0,
                ..HolderTimes::default()
            }
        );
        let bars = seen.bars(Moment(100 * MS), Moment(6_000 * MS));
        let drawn: Vec<_> = bars
            .iter()
            .map(|bar| (bar.host.as_str(), bar.from_ms, bar.to_ms, bar.reachable))
            .collect();
        assert_eq!(
            drawn,
            [
                ("host1", 0.0, 4_900.0, false),
                ("host2", 3_000.0, 5_900.0, true),
                ("host1", 4_900.0, 4_908.0, true),
            ]
        );
    }

    #[test]
    fn of_two_virtual_ips_the_one_that_was_away_longer_counts_and_both_must_be_there() {
        let second: IpAddr = "2001:db8::1".parse().expect("an address");
        let mut seen = holding(&[(0, &[("host1", true)]), (10, &[]), (12, &[("host2", true)])]);
        seen.addresses.push(second);
        assert!(!seen.is_held_by("host2"), "the second address is nowhere");
        let times = seen.times(Moment(0), Moment(20 * MS));
        assert_eq!(times.no_holder_ms, 20.0);
    }
}
