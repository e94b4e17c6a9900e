//! Owns which fault comes next, on what, when within its round and for how long. Pure: the same seed on the same cast
//! gives the same rounds. Kinds are dealt like cards, so that each of them comes up before one does again.

use crate::fault::{Aim, Kind};
use std::time::Duration;

/// What faults can be done to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cast {
    pub(crate) pair: String,
    /// Members of the pair with their hosts.
    pub(crate) members: Vec<(String, String)>,
    pub(crate) hosts: Vec<String>,
    /// `scs`, `message-server`, `lca@HOST`.
    pub(crate) components: Vec<String>,
    /// Host of the SCS, and of the Message Server.
    pub(crate) layer_hosts: Vec<String>,
    /// Alarm Conditions of the pair.
    pub(crate) conditions: Vec<String>,
}

/// A fault of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) kind: Kind,
    pub(crate) target: String,
    /// After the round has begun.
    pub(crate) after: Duration,
    /// `None`: over when done.
    pub(crate) lasts: Option<Duration>,
}

impl Planned {
    /// When it is healed, after the round has begun.
    pub(crate) fn healed_after(&self) -> Duration {
        self.after + self.lasts.unwrap_or_default()
    }
}

/// The dealer.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    random: Random,
    possible: Vec<Kind>,
    deck: Vec<Kind>,
    at_once: u8,
}

/// One round in so many has two faults.
const TWO_IN: u64 = 5;
/// In one round of so many with a slow disk the roles change meanwhile.
const SWITCHED_IN: u64 = 2;
/// A second fault begins at most this much later than the first.
const APART: u64 = 3_000;
/// One fault in so many lasts longer than as a rule.
const LONG_IN: u64 = 4;

impl Schedule {
    /// Deals these kinds, of which there must be one.
    pub(crate) fn new(seed: u64, possible: Vec<Kind>, at_once: u8) -> Self {
        Self {
            random: Random(seed),
            possible,
            deck: Vec::new(),
            at_once,
        }
    }

    /// The next round; empty only if nothing is possible.
    pub(crate) fn round(&mut self, cast: &Cast) -> Vec<Planned> {
        let Some(first) = self.fault(cast) else {
            return Vec::new();
        };
        let mut round = vec![first];
        let accompanied = round.first().is_some_and(|first| {
            first.kind.is_of_scripts()
                || (first.kind == Kind::SlowDisk && self.random.below(SWITCHED_IN) == 0)
        });
        if let Some(first) = round.first().filter(|_| accompanied) {
            // Nobody would notice otherwise: the fault is there when the roles change, which writes more than rest does.
            let switchover = Planned {
                kind: Kind::Switchover,
                target: cast.pair.clone(),
                after: first.after + Duration::from_millis(100),
                lasts: None,
            };
            round.push(switchover);
        } else if self.at_once > 1 && self.random.below(TWO_IN) == 0 {
            let second = self.fault(cast);
            let apart = Duration::from_millis(self.random.below(APART));
            let fits = |second: &Planned| {
                !second.kind.is_of_scripts()
                    && round.iter().all(|first| !collide(first, second, cast))
            };
            if let Some(mut second) = second.filter(fits) {
                second.after = apart;
                round.push(second);
            }
        }
        round
    }

    fn fault(&mut self, cast: &Cast) -> Option<Planned> {
        // A kind without a target on this site is passed over; every kind is looked at once at most.
        for _ in 0..=self.possible.len() {
            if self.deck.is_empty() {
                self.deck.clone_from(&self.possible);
                self.random.shuffle(&mut self.deck);
            }
            let kind = self.deck.pop()?;
            let targets = targets(kind, cast);
            let choice = self.random.index(targets.len());
            if let Some(target) = choice.and_then(|choice| targets.into_iter().nth(choice)) {
                return Some(Planned {
                    kind,
                    target,
                    after: Duration::ZERO,
                    lasts: self.time(kind),
                });
            }
        }
        None
    }

    fn time(&mut self, kind: Kind) -> Option<Duration> {
        let [least, most, longest] = kind.lasts()?;
        let (from, to) = if self.random.below(LONG_IN) == 0 {
            (most, longest)
        } else {
            (least, most)
        };
        let range = u64::try_from((to - from).as_millis()).unwrap_or(0);
        Some(from + Duration::from_millis(self.random.below(range + 1)))
    }
}

fn targets(kind: Kind, cast: &Cast) -> Vec<String> {
    let members = || cast.members.iter();
    match kind.aim() {
        Aim::Member => members().map(|(member, _)| member.clone()).collect(),
        Aim::PairHost => members().map(|(_, host)| host.clone()).collect(),
        Aim::Host => cast.hosts.clone(),
        Aim::Component(name) => vec![name.to_owned()],
        Aim::AnyComponent => cast.components.clone(),
        Aim::Pair => vec![cast.pair.clone()],
        Aim::Condition => cast.conditions.clone(),
        Aim::Lca => {
            let lcas = cast
                .components
                .iter()
                .filter(|name| name.starts_with("lca@"));
            lcas.cloned().collect()
        }
    }
}

/// Two faults that would be one, or of which one would undo the other.
fn collide(first: &Planned, second: &Planned, cast: &Cast) -> bool {
    let host_level = |fault: &Planned| fault.kind.aim() == Aim::Host;
    let (one, other) = (host_of(first, cast), host_of(second, cast));
    first.target == second.target
        || first.kind == second.kind
        || ((host_level(first) || host_level(second)) && one.is_some() && one == other)
}

/// The host on which a fault is.
pub(crate) fn host_of(fault: &Planned, cast: &Cast) -> Option<String> {
    place(fault.kind, &fault.target, cast)
}

/// The host on which a fault of this kind on this target is; of the SCS and the Message Server where they run.
pub(crate) fn place(kind: Kind, target: &str, cast: &Cast) -> Option<String> {
    let of_component = |name: &str| match name {
        "scs" => cast.layer_hosts.first().cloned(),
        "message-server" => cast.layer_hosts.get(1).cloned(),
        lca => lca.strip_prefix("lca@").map(str::to_owned),
    };
    match kind.aim() {
        Aim::Host | Aim::PairHost => Some(target.to_owned()),
        Aim::Lca | Aim::AnyComponent | Aim::Component(_) => of_component(target),
        Aim::Member => {
            let member = cast.members.iter().find(|(member, _)| member == target);
            member.map(|(_, host)| host.clone())
        }
        Aim::Pair | Aim::Condition => None,
    }
}

/// splitmix64.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0, below the bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn index(&mut self, length: usize) -> Option<usize> {
        let bound = u64::try_from(length).ok().filter(|bound| *bound > 0)?;
        usize::try_from(self.below(bound)).ok()
    }

    fn shuffle(&mut self, kinds: &mut [Kind]) {
        for last in (1..kinds.len()).rev() {
            if let Some(other) = self.index(last + 1) {
                kinds.swap(last, other);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cast() -> Cast {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Cast {
            pair: "EAST".to_owned(),
            members: vec![
                ("A".to_owned(), "host1".to_owned()),
                ("B".to_owned(), "host2".to_owned()),
            ],
            hosts: texts(&["mgmt1", "host1", "host2"]),
            components: texts(&["scs", "message-server", "lca@host1", "lca@host2"]),
            layer_hosts: texts(&["mgmt1", "mgmt1"]),
            conditions: texts(&["C"]),
        }
    }

    fn rounds(seed: u64, kinds: &[Kind], at_once: u8, count: usize) -> Vec<Vec<Planned>> {
        let mut schedule = Schedule::new(seed, kinds.to_vec(), at_once);
        (0..count).map(|_| schedule.round(&cast())).collect()
    }

    use clap::ValueEnum as _;

    #[test]
    fn the_same_seed_gives_the_same_rounds_and_another_one_others() {
        let all = Kind::value_variants();
        assert_eq!(rounds(7, all, 2, 50), rounds(7, all, 2, 50));
        assert_ne!(rounds(7, all, 2, 50), rounds(8, all, 2, 50));
    }

    #[test]
    fn every_kind_comes_up_before_one_does_again_and_each_fault_is_bounded() {
        let all = Kind::value_variants();
        let first: Vec<Kind> = rounds(3, all, 1, all.len())
            .iter()
            .filter_map(|round| round.first().map(|fault| fault.kind))
            .collect();
        let mut sorted = first.clone();
        sorted.sort();
        assert_eq!(sorted, all);
        for fault in rounds(3, all, 2, 500).into_iter().flatten() {
            let bounds = fault.kind.lasts();
            assert_eq!(fault.lasts.is_some(), bounds.is_some());
            if let (Some(lasts), Some([least, _, longest])) = (fault.lasts, bounds) {
                assert!(lasts >= least && lasts <= longest, "{fault:?}");
            }
        }
    }

    #[test]
    fn never_more_than_asked_at_once_and_never_two_that_are_one() {
        let all = Kind::value_variants();
        let faults = |round: &Vec<Planned>| {
            let orders = round
                .iter()
                .filter(|fault| fault.kind == Kind::Switchover && round.len() > 1);
            round.len() - orders.count()
        };
        assert!(
            rounds(1, all, 1, 500)
                .iter()
                .all(|round| faults(round) <= 1)
        );
        let two = rounds(1, all, 2, 500);
        assert!(two.iter().any(|round| faults(round) == 2));
        for round in two {
            if let [first, second] = &round[..] {
                assert!(!collide(first, second, &cast()), "{round:?}");
            }
            assert!(round.len() <= 2, "{round:?}");
        }
    }

    #[test]
    fn a_fault_of_scripts_comes_with_a_switchover_that_runs_them() {
        for round in rounds(5, &[Kind::ScriptHangs], 2, 20) {
            let kinds: Vec<Kind> = round.iter().map(|fault| fault.kind).collect();
            assert_eq!(kinds, [Kind::ScriptHangs, Kind::Switchover]);
            assert!(round[1].after < round[0].healed_after());
        }
    }

    #[test]
    fn a_disk_is_slow_while_nothing_else_is_done_and_while_an_operator_switches_over() {
        let rounds = rounds(5, &[Kind::SlowDisk], 2, 40);
        let orders = |round: &Vec<Planned>| round.get(1).map(|order| order.kind);
        assert!(rounds.iter().any(|round| orders(round).is_none()));
        assert!(
            rounds
                .iter()
                .any(|round| orders(round) == Some(Kind::Switchover))
        );
        assert!(
            rounds
                .iter()
                .all(|round| round[0].kind == Kind::SlowDisk && round.len() <= 2)
        );
    }

    #[test]
    fn a_kind_without_a_target_on_the_site_is_passed_over() {
        let mut bare = cast();
        bare.conditions.clear();
        let mut schedule = Schedule::new(1, vec![Kind::AlarmTest, Kind::KillScs], 1);
        for _ in 0..10 {
            let round = schedule.round(&bare);
            assert_eq!(round[0].kind, Kind::KillScs);
        }
        assert_eq!(
            Schedule::new(1, vec![Kind::AlarmTest], 1).round(&bare),
            Vec::new()
        );
    }
}
