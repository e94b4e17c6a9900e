//! A world in an explorer's hands: stepped from point to point, cloned where it may go on in several ways, struck by
//! one fault, judged. Owns what a point is and which fault makes a difference there; which are tried, and in which
//! order, is the explorer's (crates/proof). Nothing is left to chance here: delays take their middle value.

use crate::invariants;
use crate::randomness::Random;
use crate::scenario::{Act, Component, Fault, ScriptMood};
use crate::world::{Event, Node, Part, Touched, World, micros};
use changeover_model::environment::Environment;
use changeover_model::message::OperatorCommand;
use changeover_model::{ApplicationName, HostName};
use std::sync::Arc;
use std::time::Duration;

/// Two arrivals at one process that are less apart than this may come in either order: what jitter does to the delays
/// of a message, microseconds.
const JITTER: u64 = 340;

/// Why a branch stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Something was done or sent, beats apart.
    Point,
    /// It came to the given time without.
    Time,
}

/// Two arrivals of which the later may come first; known again in every clone of the branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rivals {
    first: (u64, u64),
    second: (u64, u64),
}

/// A world that an explorer drives. Its site must be one pair on two hosts, 1 and 2, with the Management Layer on the
/// first host of the environment, 0.
#[derive(Clone)]
pub struct Branch {
    world: World,
    /// When the last fault that was put here is over, microseconds.
    over_at: u64,
}

impl Branch {
    /// The site with its Management Layer just started, and no application. With `traced` it keeps its lines.
    pub fn of(environment: Arc<Environment>, traced: bool) -> Self {
        // An explorer's operator puts nothing in order; `tidies` makes the last look accept no excuse.
        let mut world = World::of(environment, Random::steady(), true, traced);
        world.start_everything();
        Self { world, over_at: 0 }
    }

    /// The operator starts every member, now and until each was taken.
    pub fn bring_up(&mut self) {
        self.world.plan(0, Event::BringUp);
    }

    /// An operator asks for something. Changes of roles are what they ask for; a Test may leave no holder.
    pub fn ask(&mut self, command: OperatorCommand) {
        self.world.act(Act::Operator(command));
    }

    /// Goes on to the next point, or to this time of the world.
    pub fn advance(&mut self, until: Duration) -> Stop {
        let until = micros(until);
        self.world.touched = Touched::default();
        while self.world.happen_next(until) {
            if self.world.touched.is_stirred() {
                return Stop::Point;
            }
        }
        self.world.now = self.world.now.max(until);
        Stop::Time
    }

    /// Makes this a point at which every fault makes a difference.
    pub fn touch_everything(&mut self) {
        self.world.touched = Touched::everything();
    }

    /// Time of the world.
    pub fn now(&self) -> Duration {
        Duration::from_micros(self.world.now)
    }

    /// When the last fault is over.
    pub fn over_at(&self) -> Duration {
        Duration::from_micros(self.over_at)
    }

    /// Counts the time to settle from then on at the earliest: what was begun is not over before.
    pub fn not_over_before(&mut self, at: Duration) {
        self.over_at = self.over_at.max(micros(at));
    }

    /// How many things have happened.
    pub fn events(&self) -> u64 {
        self.world.events
    }

    /// A number that is equal where what happens next is the same.
    pub fn fingerprint(&self) -> u64 {
        let since = self.world.now.saturating_sub(self.over_at) / 1_000_000;
        self.world.essence() ^ since.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// True if the part that the fault hits did something at this point, and the fault would change anything.
    pub fn concerns(&self, fault: &Fault) -> bool {
        let touched = self.world.touched;
        let hit = |part| touched.has(part);
        let way = |one, other| hit(Part::Way(one, other)) || hit(Part::Way(other, one));
        match fault {
            Fault::Crash(Component::Scs, _) => self.lives(Node::Scs) && hit(Part::Scs),
            Fault::Crash(Component::MessageServer, _) => {
                self.lives(Node::MessageServer) && hit(Part::MessageServer)
            }
            Fault::Crash(Component::Lca(host), _) => {
                self.lives(Node::Lca(*host)) && hit(Part::Lca(*host))
            }
            Fault::KillServer(member) | Fault::HangServer(member, _) => {
                let host = self.world.members[*member].host;
                self.runs(*member) && (hit(Part::Server(host)) || hit(Part::Lca(host)))
            }
            Fault::PowerLoss(host, _) => self.world.hosts[*host].powered && hit(Part::Host(*host)),
            Fault::CableOut(host, _) => {
                self.world.hosts[*host].cable && (0..3).any(|other| way(*host, other))
            }
            Fault::Cut(one, other, _) => way(*one, *other),
            Fault::OneWay(from, to, _) => hit(Part::Way(*from, *to)),
            Fault::Scripts(host, _) => hit(Part::Script(*host)),
            Fault::Pause(..)
            | Fault::UnavailableServer(..)
            | Fault::Freeze(..)
            | Fault::BreakConnections(_)
            | Fault::ShutDown(..)
            | Fault::Disk(..)
            | Fault::Servers(..)
            | Fault::Health(..)
            | Fault::Hooks(..)
            | Fault::SlowNetwork(_)
            | Fault::FencesFail(_)
            | Fault::LoseStore(_) => true,
        }
    }

    fn lives(&self, node: Node) -> bool {
        self.world.life_of(node).is_some()
    }

    fn runs(&self, member: usize) -> bool {
        let member = &self.world.members[member];
        self.world.hosts[member.host]
            .run_of(&member.application)
            .is_some()
    }

    /// Something goes wrong, and is over after `lasts` at the latest.
    pub fn strike(&mut self, fault: &Fault, lasts: Duration) {
        self.world.act(Act::Fault(fault.clone()));
        if let Fault::Scripts(host, _) = fault {
            let good = Act::Fault(Fault::Scripts(*host, ScriptMood::Fast));
            self.world.plan(micros(lasts), Event::Act(Box::new(good)));
        }
        self.over_at = self.over_at.max(self.world.now + micros(lasts));
        self.touch_everything();
    }

    /// Arrivals on different connections that may come at their process in either order.
    pub fn rivals(&self) -> Vec<Rivals> {
        let all = self.world.rivals(JITTER).into_iter();
        all.map(|(first, second)| Rivals { first, second })
            .collect()
    }

    /// Lets the later of two arrivals come first.
    pub fn overtake(&mut self, rivals: Rivals) {
        self.world.overtake(rivals.first, rivals.second);
    }

    /// What broke an invariant of the simulation so far.
    pub fn violations(&self) -> &[String] {
        &self.world.invariants.violations
    }

    /// Longest time so far with two holders that neighbours can hear.
    pub fn two_holders(&self) -> Duration {
        let holders = &self.world.invariants.holders;
        Duration::from_micros(holders.longest_until(self.world.now))
    }

    /// True if there are two now.
    pub fn has_two_holders(&self) -> bool {
        self.world.invariants.holders.are_two()
    }

    /// True if a host that neighbours can hear holds every VIP of the pair; true without VIPs.
    pub fn has_holder(&self) -> bool {
        let all = self.world.environment.pairs.values();
        let vips: Vec<_> = all
            .flat_map(|pair| pair.virtual_ips.iter().map(|vip| vip.address))
            .collect();
        let now = self.world.now;
        self.world
            .hosts
            .iter()
            .any(|host| host.can_be_heard(now) && host.holds(&vips))
    }

    /// What is not yet as it should be: one primary that serves, its host the one holder, neighbours that know it,
    /// nothing left under way, no log event or alarm lost. Empty = settled.
    pub fn unsettled(&mut self) -> Vec<String> {
        self.world.neighbour_asks();
        invariants::what_is_wrong(&self.world)
    }

    /// The member that is primary, as the SCS shows it, if it shows exactly one.
    pub fn primary(&self) -> Option<ApplicationName> {
        let core = &self.world.scs.driven.as_ref()?.core;
        let picture = core.picture(self.world.clock(0))?;
        let pair = picture.pairs.first()?;
        let mut all = pair
            .members
            .iter()
            .filter(|member| member.run_mode == changeover_model::RunMode::Primary);
        match (all.next(), all.next()) {
            (Some(one), None) => Some(one.application.clone()),
            _ => None,
        }
    }

    /// Name of a host by its number.
    pub fn host(&self, index: usize) -> &HostName {
        &self.world.hosts[index].name
    }

    /// The lines so far; empty unless it was made with `traced`.
    pub fn lines(&self) -> &[String] {
        &self.world.trace.lines
    }
}
