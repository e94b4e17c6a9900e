//! What is done to a simulated world: faults, operators' commands, and scenarios written by hand. Carried out in
//! `world`; drawn from a seed in `swarm`.

use crate::site::Site;
use changeover_model::message::{OperatorCommand, SwitchoverRequest};
use std::time::Duration;

/// A component of the Management Layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The Solution Control Server.
    Scs,
    /// The Message Server.
    MessageServer,
    /// The LCA of a host, 1 or 2.
    Lca(usize),
}

/// How the control scripts of a host behave from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptMood {
    /// A few milliseconds, exit 0, the effect is there.
    Fast,
    /// Up to three seconds.
    Slow,
    /// Never ends by itself, before its effect.
    HangsBefore,
    /// Never ends by itself, after its effect.
    HangsAfter,
    /// Exit 1, no effect.
    Fails,
    /// Exit 255, and yet the effect is there.
    Misleads,
    /// Exit 0, no effect.
    Lies,
    /// The program is missing.
    Missing,
    /// Any of these, each time another.
    Any,
}

/// How a disk behaves from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskMood {
    /// Below a millisecond.
    Fast,
    /// Up to half a second.
    Slow,
    /// Every other write fails.
    Fails,
}

/// How health checks of a host behave from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthMood {
    /// They pass at once.
    Good,
    /// They fail at once.
    Fails,
    /// They never answer by themselves.
    Hangs,
    /// They pass, around their timeout or after it.
    Late,
    /// Any of these, each time another.
    Any,
}

/// How hooks of a host behave from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookMood {
    /// A few milliseconds, exit 0.
    Good,
    /// Up to a second, exit 0.
    Slow,
    /// Exit 1.
    Fails,
    /// They never end by themselves.
    Hangs,
}

/// How servers behave from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerMood {
    /// As they should.
    Good,
    /// A run mode takes up to 800 ms to enter.
    Slow,
    /// Every other run-mode order is refused.
    Refuses,
    /// The log event of a run mode is never logged.
    Forgets,
}

/// Something that goes wrong. Hosts are 1 and 2; the management host is 0. Servers are counted from 0 in the
/// order of the site: a pair's configured primary, then its backup.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The process dies and is started again after this time.
    Crash(Component, Duration),
    /// The process stands still for this time; then it gets everything that waited before its tick.
    Pause(Component, Duration),
    /// `kill -9` of a server.
    KillServer(usize),
    /// A server's main loop stops turning; with a time, it goes on after it.
    HangServer(usize, Duration),
    /// A server reports Service Unavailable for this time.
    UnavailableServer(usize, Duration),
    /// The host's network cable is pulled and put back after this time.
    CableOut(usize, Duration),
    /// The two hosts do not hear each other for this time; neighbours hear both.
    Cut(usize, usize, Duration),
    /// What the first host says does not reach the second for this time; the other way is open.
    OneWay(usize, usize, Duration),
    /// The whole host stands still for this time, as a paused virtual machine: nothing on it moves and nobody hears
    /// it. With `true` its clock has moved meanwhile, else it has not.
    Freeze(usize, Duration, bool),
    /// Every connection of the host breaks, and may be dialled anew at once.
    BreakConnections(usize),
    /// The host loses its power and boots after this time.
    PowerLoss(usize, Duration),
    /// The host is shut down cleanly (its LCA is told, and may take its time) and boots after this time.
    ShutDown(usize, Duration),
    /// Control scripts of a host.
    Scripts(usize, ScriptMood),
    /// Disk of a component.
    Disk(Component, DiskMood),
    /// Servers of a host.
    Servers(usize, ServerMood),
    /// Health checks of a host.
    Health(usize, HealthMood),
    /// Hooks of a host.
    Hooks(usize, HookMood),
    /// Messages take up to this long (in order on each connection).
    SlowNetwork(Duration),
    /// Fence commands fail from now on.
    FencesFail(bool),
    /// The SCS dies, its store is lost, and it is started again after this time.
    LoseStore(Duration),
}

/// Something that is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Something goes wrong.
    Fault(Fault),
    /// An operator asks for something.
    Operator(OperatorCommand),
    /// The operator's file is loaded anew, with waits and an option that depend on this number.
    Reload(u64),
}

/// When a step of a scenario is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// At this time since the world began.
    At(Duration),
    /// This long after the first line of the trace that contains the text and comes after the step before.
    After(&'static str, Duration),
}

/// A fault of the world itself, planted by tests to see the invariants fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Planted {
    /// Nothing is planted.
    #[default]
    Nothing,
    /// The neighbour keeps what it learnt first, whatever is announced.
    DeafNeighbour,
    /// The addresses that LCAs read are always as the last control script should have left them.
    LyingAddresses,
    /// The Message Server's disk drops every other event that it says it has.
    ForgetfulStore,
    /// What an LCA removes by itself stays where it is, and lifetimes of addresses do not end.
    StickyAddresses,
    /// VIPs go from every host when the SCS dies.
    FragileAddresses,
    /// What the LCAs keep is lost with every crash, epochs included, and so is what the SCS keeps.
    LostStores,
}

/// A scenario written by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The site.
    pub site: Site,
    /// Seed of everything that is left to chance (delays, durations).
    pub seed: u64,
    /// What is done, in this order.
    pub steps: Vec<(When, Act)>,
    /// When all faults are healed.
    pub heal_at: Duration,
    /// When it ends, if it has not settled before.
    pub end_at: Duration,
    /// Ends as soon as everything is as it should be after healing.
    pub end_early: bool,
    /// A planted fault.
    pub planted: Planted,
    /// Collect the trace; a sweep over many seeds does not need it.
    pub traced: bool,
}

impl Scenario {
    /// A site that is brought up and left alone: 10 s, then 20 s to settle.
    pub fn quiet() -> Self {
        Self {
            site: Site::default(),
            seed: 1,
            steps: Vec::new(),
            heal_at: Duration::from_secs(10),
            end_at: Duration::from_secs(30),
            end_early: false,
            planted: Planted::Nothing,
            traced: true,
        }
    }

    /// With one more step.
    #[must_use]
    pub fn then(mut self, when: When, act: Act) -> Self {
        self.steps.push((when, act));
        self
    }

    /// With one more fault.
    #[must_use]
    pub fn fault(self, when: When, fault: Fault) -> Self {
        self.then(when, Act::Fault(fault))
    }

    /// With a switchover of the first pair that an operator asks for.
    #[must_use]
    pub fn switchover(self, when: When) -> Self {
        let command = OperatorCommand::Switchover(SwitchoverRequest {
            pair: "SIP_EAST".to_owned(),
            to: None,
            reason: "planned".to_owned(),
            dry_run: false,
            force: false,
        });
        self.operator(when, command)
    }

    /// With one more operator's command.
    #[must_use]
    pub fn operator(self, when: When, command: OperatorCommand) -> Self {
        self.then(when, Act::Operator(command))
    }
}
