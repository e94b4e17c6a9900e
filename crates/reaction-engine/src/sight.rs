//! What the engine sees: how hosts can be reached, who holds which VIP, and which control script runs where.
//! Decides nothing; `plan` and `release` ask it.

use crate::HostReach;
use changeover_model::environment::Pair;
use changeover_model::message::{AddressObservation, HeldOn, OrderKey};
use changeover_model::{HostName, OrderNumber, PairName, ScriptAction, Timestamp};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Whether a host holds VIPs of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    /// At least one stands there.
    Held,
    /// None does.
    Gone,
    /// Never observed, or addresses cannot be seen there.
    Unknown,
}

/// A control script that may run for a pair on a host. An LCA runs one at a time and ends the one before, but
/// until it says so the older one counts as well: it may still raise a VIP.
#[derive(Clone, Debug)]
pub(crate) struct InFlight {
    pub(crate) number: OrderNumber,
    pub(crate) action: ScriptAction,
}

#[derive(Clone, Debug)]
struct HostView {
    reach: HostReach,
    since: Timestamp,
    addresses: Option<Vec<AddressObservation>>,
}

/// Most scripts of a pair and host that are kept in mind without news of their end.
const IN_FLIGHT: usize = 8;

/// Everything seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sight {
    hosts: BTreeMap<HostName, HostView>,
    in_flight: BTreeMap<(PairName, HostName), Vec<InFlight>>,
    /// The action that last ended well: all there is to go by where addresses cannot be seen.
    last_good: BTreeMap<(PairName, HostName), ScriptAction>,
}

impl Sight {
    /// Makes a host known; until it is heard of, its agent counts as away.
    pub(crate) fn expect(&mut self, now: Timestamp, host: &HostName) {
        self.hosts.entry(host.clone()).or_insert(HostView {
            reach: HostReach::AgentAway,
            since: now,
            addresses: None,
        });
    }

    /// Takes a change of reach; false if it is none.
    pub(crate) fn set_reach(&mut self, now: Timestamp, host: &HostName, reach: HostReach) -> bool {
        self.expect(now, host);
        match self.hosts.get_mut(host) {
            Some(view) if view.reach != reach => {
                view.reach = reach;
                view.since = now;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn reach(&self, host: &HostName) -> HostReach {
        self.hosts
            .get(host)
            .map_or(HostReach::Lost, |view| view.reach)
    }

    /// Since when the reach is what it is.
    pub(crate) fn since(&self, host: &HostName) -> Timestamp {
        self.hosts.get(host).map_or(Timestamp(0), |view| view.since)
    }

    /// A pause of ours is no absence of theirs.
    pub(crate) fn postpone(&mut self, by: std::time::Duration) {
        for view in self.hosts.values_mut() {
            view.since = view.since + by;
        }
    }

    pub(crate) fn observe(
        &mut self,
        now: Timestamp,
        host: &HostName,
        addresses: Vec<AddressObservation>,
    ) {
        self.expect(now, host);
        if let Some(view) = self.hosts.get_mut(host) {
            view.addresses = Some(addresses);
        }
    }

    fn of_pair<'a>(
        &'a self,
        pair: &'a PairName,
        host: &HostName,
    ) -> impl Iterator<Item = &'a AddressObservation> {
        self.hosts
            .get(host)
            .and_then(|view| view.addresses.as_deref())
            .unwrap_or_default()
            .iter()
            .filter(move |seen| &seen.pair == pair)
    }

    pub(crate) fn holding(&self, pair: &PairName, host: &HostName) -> Holding {
        let mut seen = self.of_pair(pair, host).peekable();
        if seen.peek().is_none() {
            Holding::Unknown
        } else if seen.any(|address| address.held.is_some()) {
            Holding::Held
        } else {
            Holding::Gone
        }
    }

    pub(crate) fn holds(&self, pair: &PairName, host: &HostName, address: IpAddr) -> bool {
        self.of_pair(pair, host)
            .any(|seen| seen.address == address && seen.held.is_some())
    }

    /// True if neighbours cannot reach the pair's VIPs there: no interface of them has carrier.
    pub(crate) fn is_cut_off(&self, pair: &PairName, host: &HostName) -> bool {
        let mut seen = self.of_pair(pair, host).peekable();
        seen.peek().is_some() && seen.all(|address| address.carrier == Some(false))
    }

    /// True if every VIP of the pair is on the host as the action wants it, as far as can be seen.
    pub(crate) fn is_as_wanted(&self, pair: &Pair, host: &HostName, action: ScriptAction) -> bool {
        match (self.holding(&pair.name, host), action) {
            (Holding::Unknown, wanted) => self.last_good(&pair.name, host) == Some(wanted),
            (holding, ScriptAction::Disable) => holding == Holding::Gone,
            (_, ScriptAction::Enable) => pair
                .virtual_ips
                .iter()
                .all(|vip| self.holds(&pair.name, host, vip.address)),
        }
    }

    pub(crate) fn last_good(&self, pair: &PairName, host: &HostName) -> Option<ScriptAction> {
        self.last_good.get(&(pair.clone(), host.clone())).copied()
    }

    /// An action ended well on a host: what an LCA has observed there, ahead of its next observation.
    pub(crate) fn settled(
        &mut self,
        pair: &Pair,
        host: &HostName,
        action: ScriptAction,
        observed: bool,
    ) {
        self.last_good
            .insert((pair.name.clone(), host.clone()), action);
        let Some(addresses) = self
            .hosts
            .get_mut(host)
            .filter(|_| observed)
            .and_then(|view| view.addresses.as_mut())
        else {
            return;
        };
        for seen in addresses.iter_mut().filter(|seen| seen.pair == pair.name) {
            match action {
                ScriptAction::Disable => seen.held = None,
                ScriptAction::Enable if seen.held.is_none() => {
                    seen.held = pair
                        .virtual_ips_on(host)
                        .into_iter()
                        .find(|vip| vip.address == seen.address)
                        .map(|vip| HeldOn {
                            interface: vip.interface,
                            label: vip.label,
                            prefix: vip.prefix,
                        });
                }
                ScriptAction::Enable => {}
            }
        }
    }

    /// A control script was ordered.
    pub(crate) fn started(
        &mut self,
        pair: &PairName,
        host: &HostName,
        number: OrderNumber,
        action: ScriptAction,
    ) {
        let at = (pair.clone(), host.clone());
        self.last_good.remove(&at);
        let running = self.in_flight.entry(at).or_default();
        running.push(InFlight { number, action });
        if running.len() > IN_FLIGHT {
            running.remove(0);
        }
    }

    /// True if a script for this action may run there.
    pub(crate) fn may_run(&self, pair: &PairName, host: &HostName, action: ScriptAction) -> bool {
        self.in_flight
            .get(&(pair.clone(), host.clone()))
            .is_some_and(|running| running.iter().any(|script| script.action == action))
    }

    /// The script of this order runs: the LCA has ended every older one.
    pub(crate) fn confirmed(&mut self, pair: &PairName, host: &HostName, number: OrderNumber) {
        if let Some(running) = self.in_flight.get_mut(&(pair.clone(), host.clone())) {
            running.retain(|script| script.number >= number);
        }
    }

    /// The script of this order has ended.
    pub(crate) fn ended(&mut self, pair: &PairName, host: &HostName, number: OrderNumber) {
        if let Some(running) = self.in_flight.get_mut(&(pair.clone(), host.clone())) {
            running.retain(|script| script.number != number);
        }
    }

    /// Nothing of ours runs on the host any more: it is lost, or its LCA ended what ran.
    pub(crate) fn forget_running(&mut self, host: &HostName, pair: Option<&PairName>) {
        self.in_flight
            .retain(|(of, on), _| on != host || pair.is_some_and(|pair| of != pair));
    }

    /// What the LCA says it runs is all that runs of the orders numbered below `before`: those whose scripts are
    /// missing.
    pub(crate) fn reconcile(
        &mut self,
        host: &HostName,
        before: OrderNumber,
        keys: &[OrderKey],
    ) -> Vec<OrderNumber> {
        let mut missing = Vec::new();
        for (_, running) in self.in_flight.iter_mut().filter(|((_, on), _)| on == host) {
            running.retain(|script| {
                let listed =
                    script.number >= before || keys.iter().any(|key| key.number == script.number);
                if !listed {
                    missing.push(script.number);
                }
                listed
            });
        }
        missing
    }

    pub(crate) fn knows_script(
        &self,
        pair: &PairName,
        host: &HostName,
        number: OrderNumber,
    ) -> bool {
        self.in_flight
            .get(&(pair.clone(), host.clone()))
            .is_some_and(|running| running.iter().any(|script| script.number == number))
    }
}
