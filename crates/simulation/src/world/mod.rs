//! One site in virtual time: the production cores, and around them everything that is not a core, played. Owns
//! the clock, the queue of what happens and which part it concerns. Each part has its file: the shells of the
//! three components, hosts with their processes and addresses, servers, scripts, connections, faults, operators.
//! What is watched meanwhile stands in `invariants`.

mod arrivals;
mod connections;
mod describe;
mod essence;
mod event;
mod faults;
mod health;
mod host;
mod lca;
mod message_server;
mod operator;
mod scripts;
mod scs;
mod server;
mod touched;
mod trace;

pub(crate) use event::{End, Event, HostIndex, Life, Node};
pub(crate) use host::Host;
pub(crate) use touched::{Part, Touched};

use crate::invariants::Invariants;
use crate::randomness::Random;
use crate::scenario::{Act, Planted, Scenario, When};
use changeover_model::environment::Environment;
use changeover_model::{ApplicationName, Core, HostName, PairName, Timestamp};
use connections::Network;
use event::Queue;
use message_server::MessageServer;
use operator::Operators;
use scs::Scs;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use trace::Trace;

/// Wall clock of the management host when the world begins, microseconds: a moment in November 2023.
const BEGINNING: u64 = 1_700_000_000_000_000;
/// An SCS that opens more records within this time goes round in a circle.
const MOST_RECORDS: u64 = 100;
const RECORDS_WITHIN: u64 = 100_000;
/// So often the invariants look at the whole.
const INSPECT: u64 = 1_000_000;
/// The operator begins to bring the site up then.
const BRING_UP: u64 = 500_000;

/// A core with what its driver knows.
#[derive(Clone)]
pub(crate) struct Driven<C: Core> {
    pub(crate) core: C,
    pub(crate) life: Life,
    /// When its next wake-up is planned.
    wake: Option<u64>,
    /// It runs, and did not stand still, since then.
    steady: u64,
    /// It stands still; inputs wait.
    pub(crate) paused: bool,
    backlog: VecDeque<C::Input>,
}

impl<C: Core> Driven<C> {
    fn new(core: C, life: Life, now: u64) -> Self {
        Self {
            core,
            life,
            wake: None,
            steady: now,
            paused: false,
            backlog: VecDeque::new(),
        }
    }
}

/// A managed server of the site.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) application: ApplicationName,
    pub(crate) host: HostIndex,
    pub(crate) pair: PairName,
}

/// The world.
#[derive(Clone)]
pub(crate) struct World {
    /// Microseconds since it began.
    pub(crate) now: u64,
    pub(crate) environment: Arc<Environment>,
    pub(crate) members: Vec<Member>,
    pub(crate) scs: Scs,
    pub(crate) message_server: MessageServer,
    pub(crate) hosts: Vec<Host>,
    /// Whom a neighbour on the subnet believes to hold an address.
    pub(crate) neighbour: BTreeMap<IpAddr, HostIndex>,
    pub(crate) invariants: Invariants,
    pub(crate) operators: Operators,
    pub(crate) planted: Planted,
    pub(crate) healed: bool,
    /// The LCAs carry `vipctl` out themselves, as on a kernel's network; else it is a process, as any other script.
    carries_vipctl: bool,
    network: Network,
    queue: Queue,
    random: Random,
    lives: Life,
    pub(crate) trace: Trace,
    /// Steps of a scenario that are not planned yet.
    steps: VecDeque<(When, Act)>,
    end_at: u64,
    end_early: bool,
    /// The newest record of the SCS, and which it was at a time not long ago.
    pub(crate) newest_record: u64,
    record_then: (u64, u64),
    /// When the invariants look at the whole next.
    inspect_at: u64,
    /// It was as it should be at this many looks in a row.
    good_looks: u32,
    pub(crate) events: u64,
    /// How many faults happened.
    pub(crate) faults: u64,
    /// Which parts did something since an explorer asked last.
    pub(crate) touched: Touched,
}

pub(crate) fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).expect("a simulated time fits 64 bits of microseconds")
}

impl World {
    pub(crate) fn new(scenario: &Scenario, tidies: bool) -> Self {
        let environment = scenario.site.environment();
        let random = Random::new(scenario.seed, 2);
        let mut world = Self::of(environment, random, tidies, scenario.traced);
        world.planted = scenario.planted;
        world.carries_vipctl = scenario.seed.is_multiple_of(2);
        world.steps = scenario.steps.iter().cloned().collect();
        world.end_at = micros(scenario.end_at);
        world.end_early = scenario.end_early;
        world.begin(micros(scenario.heal_at));
        world
    }

    /// A world in which nothing has begun: no healing, no end.
    pub(crate) fn of(
        environment: Arc<Environment>,
        mut random: Random,
        tidies: bool,
        traced: bool,
    ) -> Self {
        let mut hosts = Vec::new();
        for name in environment.hosts.keys() {
            // Clocks of a site are a few milliseconds apart, sometimes minutes.
            let apart = if random.chance(200) {
                300_000_000
            } else {
                5_000
            };
            let offset = if hosts.is_empty() {
                apart
            } else {
                random.below(2 * apart)
            };
            hosts.push(Host::new(name.clone(), BEGINNING + offset));
        }
        let members = members_of(&environment, &hosts);
        Self {
            now: 0,
            members,
            scs: Scs::default(),
            message_server: MessageServer::default(),
            hosts,
            neighbour: BTreeMap::new(),
            invariants: Invariants::default(),
            operators: Operators::new(tidies),
            planted: Planted::Nothing,
            healed: false,
            carries_vipctl: true,
            network: Network::default(),
            queue: Queue::default(),
            random,
            lives: 0,
            trace: Trace::new(traced),
            steps: VecDeque::new(),
            end_at: u64::MAX,
            end_early: false,
            newest_record: 0,
            record_then: (0, 0),
            inspect_at: INSPECT,
            good_looks: 0,
            events: 0,
            faults: 0,
            touched: Touched::default(),
            environment,
        }
    }

    fn begin(&mut self, heal_at: u64) {
        self.start_everything();
        self.plan(BRING_UP, Event::BringUp);
        self.queue.push(heal_at, Event::Heal);
        self.plan_steps(None);
    }

    pub(crate) fn start_everything(&mut self) {
        self.start_message_server();
        for host in 1..self.hosts.len() {
            self.start_lca(host);
        }
        self.start_scs();
    }

    /// Takes what comes next out of the queue and lets it happen; false when nothing is planned up to then.
    pub(crate) fn happen_next(&mut self, until: u64) -> bool {
        let Some((at, event)) = self.queue.pop_until(until) else {
            return false;
        };
        self.now = at;
        self.events += 1;
        self.happen(event);
        true
    }

    /// Runs it to its end.
    pub(crate) fn run(&mut self) {
        while let Some((at, event)) = self.queue.pop() {
            if at > self.end_at {
                break;
            }
            while self.inspect_at < at {
                self.now = self.inspect_at;
                self.inspect_at += INSPECT;
                crate::invariants::inspect(self);
            }
            self.now = at;
            self.events += 1;
            self.happen(event);
            if self.goes_round() {
                crate::invariants::goes_round(self);
                break;
            }
            if self.good_looks >= 2 {
                break;
            }
        }
        self.now = self.now.min(self.end_at);
        crate::invariants::check_the_end(self);
    }

    /// True if the SCS opens one record after the other.
    fn goes_round(&mut self) -> bool {
        let (at, newest) = self.record_then;
        if at + RECORDS_WITHIN < self.now || self.newest_record < newest {
            self.record_then = (self.now, self.newest_record);
            return false;
        }
        self.newest_record - newest > MOST_RECORDS
    }

    fn happen(&mut self, event: Event) {
        if let Some(thaw) = event.held_up_on().and_then(|host| self.hosts[host].frozen)
            && thaw > self.now
        {
            self.queue.push(thaw, event);
            return;
        }
        match event {
            Event::Wake(node, life) => self.wake(node, life),
            Event::Scs(life, input) => self.scs_input(life, *input),
            Event::Lca(host, life, input) => self.lca_input(host, life, *input),
            Event::MessageServer(life, input) => self.message_server_input(life, *input),
            Event::Arrive(connection, side, payload) => self.arrive(connection, side, payload),
            Event::Dial(dial) => self.dial(dial),
            Event::DialFailed(dial, loss) => self.dial_failed(dial, loss),
            Event::ScsWrite(life) => self.scs_write_done(life),
            Event::MessageServerWrite(life) => self.message_server_write_done(life),
            Event::LcaWrite(host, life, ticket) => self.lca_write_done(host, life, ticket),
            Event::Check(host, run, passed) => self.check_ends(host, run, passed),
            Event::Watched(host, life) => self.tell_watched(host, life),
            Event::ReadAddresses(host, life, ticket) => self.read_addresses(host, life, ticket),
            Event::RemoveAddresses(host, life, ticket, addresses) => {
                self.remove_addresses(host, life, ticket, &addresses);
            }
            Event::AddressExpires(host, address) => self.address_expires(host, address),
            Event::Fork(host, run, life) => self.fork(host, run, life),
            Event::Server(host, run, step) => self.server_step(host, run, step),
            Event::ScriptEffect(host, run) => self.script_effect(host, run),
            Event::Exit(host, run, exit) => self.process_exits(host, run, exit),
            Event::Gone(host, run) => self.process_gone(host, run),
            Event::Restart(node) => self.start_node(node),
            Event::Resume(node) => self.resume(node),
            Event::PowerOn(host) => self.power_on(host),
            Event::PowerOff(host, boot) => self.power_off(host, boot),
            Event::Act(act) => self.act(*act),
            Event::Over(over) => self.fault_over(over),
            Event::BringUp => self.bring_up(),
            Event::Heal => self.heal(),
            Event::TidyUp => self.tidy_up(),
            Event::Look => self.look(),
        }
    }

    /// Plans an event this many microseconds from now.
    pub(crate) fn plan(&mut self, after: u64, event: Event) {
        self.queue.push(self.now + after, event);
    }

    fn new_life(&mut self) -> Life {
        self.lives += 1;
        self.lives
    }

    /// The clock of a host.
    pub(crate) fn clock(&self, host: HostIndex) -> Timestamp {
        Timestamp(self.hosts[host].clock + self.now)
    }

    pub(crate) fn host_index(&self, name: &HostName) -> Option<HostIndex> {
        self.hosts.iter().position(|host| &host.name == name)
    }

    pub(crate) fn host_of(node: Node) -> HostIndex {
        match node {
            Node::Scs | Node::MessageServer => 0,
            Node::Lca(host) => host,
        }
    }

    /// Plans the wake-up of a core, if its deadline has moved forward.
    fn arm(&mut self, node: Node) {
        let clock = self.hosts[Self::host_of(node)].clock;
        let now = self.now;
        let armed = match node {
            Node::Scs => arm_driven(self.scs.driven.as_mut(), clock, now),
            Node::MessageServer => arm_driven(self.message_server.driven.as_mut(), clock, now),
            Node::Lca(host) => arm_driven(self.hosts[host].lca.as_mut(), clock, now),
        };
        if let Some((at, life)) = armed {
            self.queue.push(at, Event::Wake(node, life));
        }
    }

    fn wake(&mut self, node: Node, life: Life) {
        let local = self.clock(Self::host_of(node));
        let now = self.now;
        match node {
            Node::Scs => {
                let mut outputs = Vec::new();
                if tick_driven(self.scs.driven.as_mut(), life, now, local, &mut outputs) {
                    self.scs_act_all(life, outputs);
                }
            }
            Node::MessageServer => {
                let mut outputs = Vec::new();
                let driven = self.message_server.driven.as_mut();
                if tick_driven(driven, life, now, local, &mut outputs) {
                    self.message_server_act_all(life, outputs);
                }
            }
            Node::Lca(host) => {
                let mut outputs = Vec::new();
                let driven = self.hosts[host].lca.as_mut();
                if tick_driven(driven, life, now, local, &mut outputs) {
                    self.lca_act_all(host, life, outputs);
                }
            }
        }
    }

    /// A component that stood still goes on: first everything that waited, then its tick.
    fn resume(&mut self, node: Node) {
        match node {
            Node::Scs => {
                if let Some(driven) = self.scs.driven.as_mut() {
                    driven.paused = false;
                    let (life, backlog) = (driven.life, std::mem::take(&mut driven.backlog));
                    for input in backlog {
                        self.scs_input(life, input);
                    }
                }
            }
            Node::MessageServer => {
                if let Some(driven) = self.message_server.driven.as_mut() {
                    driven.paused = false;
                    let (life, backlog) = (driven.life, std::mem::take(&mut driven.backlog));
                    for input in backlog {
                        self.message_server_input(life, input);
                    }
                }
            }
            Node::Lca(host) => {
                let now = self.now;
                if let Some(driven) = self.hosts[host].lca.as_mut() {
                    driven.steady = if driven.paused { now } else { driven.steady };
                    driven.paused = false;
                    let (life, backlog) = (driven.life, std::mem::take(&mut driven.backlog));
                    for input in backlog {
                        self.lca_input(host, life, input);
                    }
                }
            }
        }
        self.arm(node);
    }

    /// True if the component has run since then, without standing still.
    pub(crate) fn is_steady(&self, node: Node, since: u64) -> bool {
        match node {
            Node::Lca(host) => self.hosts[host]
                .lca
                .as_ref()
                .is_some_and(|driven| !driven.paused && driven.steady <= since),
            Node::Scs | Node::MessageServer => true,
        }
    }

    fn start_node(&mut self, node: Node) {
        match node {
            Node::Scs => self.start_scs(),
            Node::MessageServer => self.start_message_server(),
            Node::Lca(host) => self.start_lca(host),
        }
    }

    /// Plans the steps of the scenario up to the next one that waits for a line of the trace.
    fn plan_steps(&mut self, line: Option<&str>) {
        let mut line = line;
        while let Some((when, _)) = self.steps.front() {
            let at = match when {
                When::At(at) => micros(*at).max(self.now),
                When::After(text, delay) => {
                    if !line.take().is_some_and(|line| line.contains(text)) {
                        return;
                    }
                    self.now + micros(*delay)
                }
            };
            if let Some((_, act)) = self.steps.pop_front() {
                self.queue.push(at, Event::Act(Box::new(act)));
            }
        }
    }

    /// One more line of the trace; made only if somebody reads it.
    pub(crate) fn say(&mut self, line: impl FnOnce(&World) -> String) {
        self.touched.stir();
        let waits = matches!(self.steps.front(), Some((When::After(..), _)));
        if !self.trace.collects() && !waits {
            return;
        }
        let text = line(self);
        if waits {
            self.plan_steps(Some(&text));
        }
        self.trace.push(self.now, text);
    }

    fn look(&mut self) {
        if crate::invariants::is_as_it_should_be(self) {
            self.good_looks += u32::from(self.end_early);
        } else {
            self.good_looks = 0;
        }
        self.plan(5_000_000, Event::Look);
    }
}

fn members_of(environment: &Environment, hosts: &[Host]) -> Vec<Member> {
    let mut members = Vec::new();
    for pair in environment.pairs.values() {
        for (_, application, on) in pair.members() {
            let host = hosts.iter().position(|host| &host.name == on);
            members.push(Member {
                application: application.clone(),
                host: host.expect("every member's host is a host of the site"),
                pair: pair.name.clone(),
            });
        }
    }
    members
}

fn arm_driven<C: Core>(
    driven: Option<&mut Driven<C>>,
    clock: u64,
    now: u64,
) -> Option<(u64, Life)> {
    let driven = driven?;
    if driven.paused {
        return None;
    }
    let at = driven.core.deadline()?.0.saturating_sub(clock).max(now);
    if driven.wake.is_some_and(|planned| planned <= at) {
        return None;
    }
    driven.wake = Some(at);
    Some((at, driven.life))
}

fn tick_driven<C: Core>(
    driven: Option<&mut Driven<C>>,
    life: Life,
    now: u64,
    local: Timestamp,
    outputs: &mut Vec<C::Output>,
) -> bool {
    let Some(driven) = driven.filter(|driven| driven.life == life) else {
        return false;
    };
    // A wake-up that was overtaken by an earlier one.
    if driven.wake != Some(now) {
        return false;
    }
    driven.wake = None;
    if driven.paused {
        return false;
    }
    if driven.core.deadline().is_some_and(|at| at <= local) {
        driven.core.tick(local, outputs);
    }
    true
}

/// Hands an input to a core; false if it is not there or stands still.
fn feed_driven<C: Core>(
    driven: Option<&mut Driven<C>>,
    life: Life,
    local: Timestamp,
    input: C::Input,
    outputs: &mut Vec<C::Output>,
) -> bool {
    let Some(driven) = driven.filter(|driven| driven.life == life) else {
        return false;
    };
    if driven.paused {
        driven.backlog.push_back(input);
        return false;
    }
    driven.core.handle(local, input, outputs);
    true
}
