//! Which faults a seed brings. Each seed turns most kinds off and a few on, so that some runs are about one thing
//! and others about everything at once (swarm testing). Draws only; `world` carries it out.

use crate::randomness::Random;
use crate::scenario::{
    Act, Component, DiskMood, Fault, HealthMood, HookMood, Planted, Scenario, ScriptMood,
    ServerMood, When,
};
use crate::site::{ServerKind, Site};
use changeover_model::environment::ControllerLoss;
use changeover_model::message::{MaintenanceTarget, OperatorCommand, SwitchoverRequest};
use changeover_model::{ApplicationName, LogEventId, Redundancy};
use std::time::Duration;

/// Faults begin when the site has come up.
const FIRST: u64 = 4_000;
/// Below this seed no site has health checks or hooks: what those seeds brought before, they still bring.
const FIRST_WITH_HEALTH: u64 = 30_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    CrashScs,
    CrashMessageServer,
    CrashLca,
    PauseScs,
    PauseMessageServer,
    PauseLca,
    Kill,
    Hang,
    Unavailable,
    Cable,
    Cut,
    Break,
    Power,
    Scripts,
    Disk,
    Servers,
    Slow,
    Switchover,
    Operate,
}

const KINDS: [Kind; 19] = [
    Kind::CrashScs,
    Kind::CrashMessageServer,
    Kind::CrashLca,
    Kind::PauseScs,
    Kind::PauseMessageServer,
    Kind::PauseLca,
    Kind::Kill,
    Kind::Hang,
    Kind::Unavailable,
    Kind::Cable,
    Kind::Cut,
    Kind::Break,
    Kind::Power,
    Kind::Scripts,
    Kind::Disk,
    Kind::Servers,
    Kind::Slow,
    Kind::Switchover,
    Kind::Operate,
];

/// The scenario of a seed, and whether its operator puts things in order afterwards.
pub(crate) fn draw(seed: u64, traced: bool) -> (Scenario, bool) {
    let mut random = Random::new(seed, 1);
    let site = Site {
        redundancy: random.pick(&[Redundancy::Hot, Redundancy::Warm]),
        pairs: if random.chance(250) { 2 } else { 1 },
        server: draw_server(seed),
        health: seed >= FIRST_WITH_HEALTH && Random::new(seed, 8).chance(500),
        ..policy_of(seed)
    };
    let kinds: Vec<Kind> = if random.chance(120) {
        // Nothing worse than dying servers and switchovers: the strictest invariant holds here.
        vec![Kind::Kill, Kind::Switchover]
    } else {
        let per_mille = random.pick(&[100, 200, 350]);
        KINDS
            .into_iter()
            .filter(|_| random.chance(per_mille))
            .collect()
    };
    let heal_at = FIRST + random.between(6_000, 25_000);
    let pause = random.pick(&[300, 1_500, 4_000]);
    let mut draw = Draw { random, site };
    let mut steps = Vec::new();
    let mut at = FIRST;
    while !kinds.is_empty() {
        at += draw.random.between(1, 2 * pause);
        if at >= heal_at {
            break;
        }
        let kind = draw.random.pick(&kinds);
        if let Some(act) = draw.act(kind) {
            steps.push((When::At(Duration::from_millis(at)), act));
        }
    }
    let tidies = draw.random.chance(800);
    steps.extend(draw_later_kinds(seed, heal_at));
    if site.health {
        steps.extend(draw_health(seed, heal_at));
    }
    steps = draw_fencing_kinds(seed, heal_at, site, steps);
    steps.sort_by_key(|(when, _)| match when {
        When::At(at) => *at,
        When::After(_, delay) => *delay,
    });
    let scenario = Scenario {
        site,
        seed,
        steps,
        heal_at: Duration::from_millis(heal_at),
        end_at: Duration::from_millis(heal_at + 120_000),
        end_early: true,
        planted: Planted::Nothing,
        traced,
    };
    (scenario, tidies)
}

/// What the members are, from a sequence of its own as well.
fn draw_server(seed: u64) -> ServerKind {
    let mut random = Random::new(seed, 10);
    if random.chance(750) {
        ServerKind::Sip
    } else {
        random.pick(&[ServerKind::Child, ServerKind::PidFile, ServerKind::Unit])
    }
}

/// Kinds that came later, from a sequence of their own: what a seed brought before, it still brings.
fn draw_later_kinds(seed: u64, heal_at: u64) -> Vec<(When, Act)> {
    let mut random = Random::new(seed, 3);
    let mut steps = Vec::new();
    if random.chance(150) {
        let at = Duration::from_millis(random.between(FIRST, heal_at));
        let host = 1 + random.index(2);
        let down = Duration::from_millis(random.between(500, 9_000));
        steps.push((When::At(at), Act::Fault(Fault::ShutDown(host, down))));
    }
    if random.chance(150) {
        for variant in 0..random.between(1, 4) {
            let at = Duration::from_millis(random.between(FIRST, heal_at));
            steps.push((When::At(at), Act::Reload(variant)));
        }
    }
    steps
}

/// Health checks and hooks that change their ways, from a sequence of their own as well.
fn draw_health(seed: u64, heal_at: u64) -> Vec<(When, Act)> {
    let mut random = Random::new(seed, 9);
    let mut steps = Vec::new();
    let pause = random.pick(&[1_000, 3_000, 8_000]);
    let mut at = FIRST;
    loop {
        at += random.between(1, 2 * pause);
        if at >= heal_at {
            return steps;
        }
        let host = 1 + random.index(2);
        let fault = if random.chance(600) {
            Fault::Health(
                host,
                random.pick(&[
                    HealthMood::Good,
                    HealthMood::Good,
                    HealthMood::Fails,
                    HealthMood::Hangs,
                    HealthMood::Late,
                    HealthMood::Any,
                ]),
            )
        } else {
            Fault::Hooks(
                host,
                random.pick(&[
                    HookMood::Good,
                    HookMood::Slow,
                    HookMood::Fails,
                    HookMood::Hangs,
                ]),
            )
        };
        steps.push((When::At(Duration::from_millis(at)), Act::Fault(fault)));
    }
}

/// The policies came later as well: what a seed brought before, it still brings, under one of them.
fn policy_of(seed: u64) -> Site {
    let mut random = Random::new(seed, 4);
    let on_controller_loss = match random.below(10) {
        0..4 => ControllerLoss::Hold,
        4..9 => ControllerLoss::Quorum,
        _ => {
            ControllerLoss::ReleaseAfter(Duration::from_millis(random.pick(&[2_000, 4_000, 8_000])))
        }
    };
    Site {
        on_controller_loss,
        fence: random.chance(100),
        ..Site::default()
    }
}

/// What fencing is for: hosts that stand still, links between the hosts that are cut, in one direction too, and runs
/// in which nothing but the controller is lost.
fn draw_fencing_kinds(
    seed: u64,
    heal_at: u64,
    site: Site,
    mut steps: Vec<(When, Act)>,
) -> Vec<(When, Act)> {
    let mut random = Random::new(seed, 5);
    if site.on_controller_loss != ControllerLoss::Hold && random.chance(80) {
        let is_controller = |act: &Act| {
            matches!(
                act,
                Act::Fault(
                    Fault::Crash(Component::Scs | Component::MessageServer, _)
                        | Fault::Pause(Component::Scs | Component::MessageServer, _)
                )
            )
        };
        steps.retain(|(_, act)| is_controller(act));
        let at = Duration::from_millis(random.between(FIRST, heal_at));
        let down = Duration::from_millis(random.between(500, 12_000));
        steps.push((When::At(at), Act::Fault(Fault::Crash(Component::Scs, down))));
        return steps;
    }
    let hosts = [(0, 1), (0, 2), (1, 2), (1, 0), (2, 0), (2, 1)];
    for _ in 0..random.pick(&[0, 0, 0, 1, 2, 4]) {
        let at = Duration::from_millis(random.between(FIRST, heal_at));
        let time = Duration::from_millis(random.pick(&[300, 2_000, 5_000, 9_000]));
        let time = time + Duration::from_millis(random.between(0, 1_000));
        let (one, other) = random.pick(&hosts);
        let fault = match random.below(10) {
            0..3 => Fault::Freeze(1 + random.index(2), time, random.chance(500)),
            3..5 => Fault::OneWay(one, other, time),
            5 => Fault::FencesFail(random.chance(600)),
            _ => Fault::Cut(one.min(other), one.max(other), time),
        };
        steps.push((When::At(at), Act::Fault(fault)));
    }
    steps
}

#[derive(Clone)]
struct Draw {
    random: Random,
    site: Site,
}

impl Draw {
    fn time(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.random.between(low, high))
    }

    /// Mostly short, sometimes long.
    fn outage(&mut self) -> Duration {
        if self.random.chance(700) {
            self.time(5, 1_500)
        } else {
            self.time(1_500, 9_000)
        }
    }

    fn host(&mut self) -> usize {
        1 + self.random.index(2)
    }

    fn member(&mut self) -> usize {
        self.random.index(2 * self.site.pairs)
    }

    fn act(&mut self, kind: Kind) -> Option<Act> {
        let fault = match kind {
            Kind::CrashScs => Fault::Crash(Component::Scs, self.outage()),
            Kind::CrashMessageServer => Fault::Crash(Component::MessageServer, self.outage()),
            Kind::CrashLca => Fault::Crash(Component::Lca(self.host()), self.outage()),
            Kind::PauseScs => Fault::Pause(Component::Scs, self.outage()),
            Kind::PauseMessageServer => Fault::Pause(Component::MessageServer, self.outage()),
            Kind::PauseLca => Fault::Pause(Component::Lca(self.host()), self.outage()),
            Kind::Kill => Fault::KillServer(self.member()),
            Kind::Hang => Fault::HangServer(self.member(), self.outage()),
            Kind::Unavailable => Fault::UnavailableServer(self.member(), self.outage()),
            Kind::Cable => Fault::CableOut(self.host(), self.outage()),
            Kind::Cut => Fault::Cut(0, self.host(), self.outage()),
            Kind::Break => Fault::BreakConnections(self.random.index(3)),
            Kind::Power => Fault::PowerLoss(self.host(), self.outage()),
            Kind::Scripts => self.scripts(),
            Kind::Disk => self.disk(),
            Kind::Servers => self.servers(),
            Kind::Slow => {
                let most = self.random.pick(&[0, 20, 200, 900]);
                Fault::SlowNetwork(Duration::from_millis(most))
            }
            Kind::Switchover => return self.switchover().map(Act::Operator),
            Kind::Operate => return self.command().map(Act::Operator),
        };
        Some(Act::Fault(fault))
    }

    fn scripts(&mut self) -> Fault {
        let mood = self.random.pick(&[
            ScriptMood::Fast,
            ScriptMood::Slow,
            ScriptMood::HangsBefore,
            ScriptMood::HangsAfter,
            ScriptMood::Fails,
            ScriptMood::Misleads,
            ScriptMood::Lies,
            ScriptMood::Missing,
            ScriptMood::Any,
            ScriptMood::Any,
        ]);
        Fault::Scripts(self.host(), mood)
    }

    fn disk(&mut self) -> Fault {
        let component = match self.random.below(3) {
            0 => Component::Scs,
            1 => Component::MessageServer,
            _ => Component::Lca(self.host()),
        };
        let moods = [DiskMood::Fast, DiskMood::Slow, DiskMood::Fails];
        Fault::Disk(component, self.random.pick(&moods))
    }

    fn servers(&mut self) -> Fault {
        let mood = self.random.pick(&[
            ServerMood::Good,
            ServerMood::Slow,
            ServerMood::Refuses,
            ServerMood::Forgets,
        ]);
        Fault::Servers(self.host(), mood)
    }

    fn pair(&mut self) -> String {
        let pairs = ["SIP_EAST", "SIP_WEST"];
        pairs[self.random.index(self.site.pairs)].to_owned()
    }

    fn application(&mut self) -> ApplicationName {
        let names = [
            "SIP_SERVER_PRIMARY",
            "SIP_SERVER_BACKUP",
            "WEST_PRIMARY",
            "WEST_BACKUP",
        ];
        names[self.member()].into()
    }

    fn switchover(&mut self) -> Option<OperatorCommand> {
        let to = self
            .random
            .chance(300)
            .then(|| self.application().to_string());
        Some(OperatorCommand::Switchover(SwitchoverRequest {
            pair: self.pair(),
            to,
            reason: "drawn".to_owned(),
            dry_run: self.random.chance(100),
            force: self.random.chance(150),
        }))
    }

    fn command(&mut self) -> Option<OperatorCommand> {
        let application = self.application();
        let no_handover = self.random.chance(300);
        Some(match self.random.below(9) {
            0 => OperatorCommand::Stop {
                application,
                no_handover,
            },
            1 | 2 => OperatorCommand::Start { application },
            3 => OperatorCommand::Restart {
                application,
                no_handover,
            },
            4 => self.test()?,
            5 => OperatorCommand::Realign { pair: self.pair() },
            6 | 7 => self.maintenance(),
            _ => self.log_event(application),
        })
    }

    fn test(&mut self) -> Option<OperatorCommand> {
        let environment = self.site.environment();
        let conditions: Vec<_> = environment.alarm_conditions.keys().cloned().collect();
        if conditions.is_empty() {
            return None;
        }
        Some(OperatorCommand::TestAlarm {
            condition: self.random.pick(&conditions),
            application: None,
            dry_run: self.random.chance(200),
            confirmed: self.random.chance(900),
        })
    }

    fn maintenance(&mut self) -> OperatorCommand {
        let name = if self.random.chance(500) {
            self.pair()
        } else {
            format!("host{}", self.host())
        };
        let duration = self.random.chance(300).then(|| self.time(1_000, 10_000));
        OperatorCommand::SetMaintenance {
            target: MaintenanceTarget::Named(name),
            on: self.random.chance(500),
            duration,
            confirmed: true,
        }
    }

    fn log_event(&mut self, application: ApplicationName) -> OperatorCommand {
        let (backup, primary) = match self.site.redundancy {
            Redundancy::Hot => (LogEventId::HOT_BACKUP, LogEventId::HOT_PRIMARY),
            Redundancy::Warm => (LogEventId::WARM_BACKUP, LogEventId::WARM_PRIMARY),
        };
        OperatorCommand::LogEvent {
            id: self.random.pick(&[backup, primary, LogEventId(20_000)]),
            application,
            text: String::new(),
            confirmed: self.random.chance(300),
        }
    }
}
