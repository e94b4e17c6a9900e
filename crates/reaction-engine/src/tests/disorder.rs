//! Random disorder, repeatable by its seed: whatever comes in whatever order, an enabling order never leaves
//! while another host is seen holding the VIP within reach, and everything ends once the site heals.

use super::world::{World, pair_name};
use crate::{HostReach, Input, Origin, Output, ReactionEngine};
use changeover_model::message::{
    AddressObservation, ExitStatus, HeldOn, LcaOrder, LogOrigin, OrderKey, OrderOutcome,
    ScriptOutcome, ScriptResult,
};
use changeover_model::{
    Core, Epoch, HostName, Incarnation, OrderNumber, Refusal, RefusalCode, ScriptAction, Timestamp,
};
use std::time::Duration;

const SEEDS: u64 = 2_000;
const HOSTS: [&str; 2] = ["host1", "host2"];
const MEMBERS: [&str; 2] = ["SIP_SERVER_PRIMARY", "SIP_SERVER_BACKUP"];
const CONDITIONS: [&str; 4] = [
    "ALRM_PRIMARY_4561_HABackup",
    "ALRM_PRIMARY_4563_HAPrimary",
    "ALRM_BACKUP_4561_HABackup",
    "ALRM_BACKUP_4563_HAPrimary",
];

/// An order that an LCA has not answered yet; `None` = a forced release.
struct Pending {
    host: usize,
    key: OrderKey,
    action: Option<ScriptAction>,
}

struct Disorder {
    requests: World,
    engine: ReactionEngine,
    now: Timestamp,
    random: u64,
    epoch: u64,
    primary: usize,
    /// What stands on the hosts.
    holds: [bool; 2],
    /// What the engine was told.
    told: [bool; 2],
    carrier: [bool; 2],
    reach: [HostReach; 2],
    pending: Vec<Pending>,
}

impl Disorder {
    fn new(seed: u64) -> Self {
        // The harness of the other situations gives the environment and the requests.
        let mut world = World::new();
        let engine = std::mem::replace(
            &mut world.engine,
            ReactionEngine::new(changeover_model::OrderNumber(1)),
        );
        Self {
            now: world.now,
            engine,
            requests: world,
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            epoch: 1,
            primary: 0,
            holds: [true, false],
            told: [true, false],
            carrier: [true, true],
            reach: [HostReach::Connected; 2],
            pending: Vec::new(),
        }
    }

    fn pick(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn host(&mut self) -> usize {
        usize::from(self.pick(2) == 1)
    }

    fn give(&mut self, input: Input) {
        let mut outputs = Vec::new();
        self.engine.handle(self.now, input, &mut outputs);
        self.take(outputs);
    }

    fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            let Output::Order { host, order, .. } = output else {
                continue;
            };
            let host = usize::from(host.as_str() == HOSTS[1]);
            match order {
                LcaOrder::StartApplication { key, control, .. } => {
                    let action = control.expect("control scripts only").action;
                    if action == ScriptAction::Enable {
                        self.judge_enable(host);
                    }
                    let action = Some(action);
                    self.pending.push(Pending { host, key, action });
                }
                LcaOrder::ReleaseAddresses { key } => {
                    self.pending.push(Pending {
                        host,
                        key,
                        action: None,
                    });
                }
                other => assert!(
                    matches!(other, LcaOrder::AnnounceAddresses { .. }),
                    "{other:?}"
                ),
            }
        }
    }

    /// The rule: never beside a holder that is seen and within reach.
    fn judge_enable(&self, host: usize) {
        let other = 1 - host;
        let in_the_way = self.told[other]
            && self.reach[other] != HostReach::Lost
            && (self.carrier[other] || self.reach[other] != HostReach::Connected);
        assert!(!in_the_way, "enabled on {} beside a holder", HOSTS[host]);
    }

    fn observe(&mut self, host: usize) {
        self.told[host] = self.holds[host];
        let held = self.holds[host].then(|| HeldOn {
            interface: "eth0".into(),
            label: None,
            prefix: 24,
        });
        self.give(Input::AddressesObserved {
            host: HOSTS[host].into(),
            addresses: vec![AddressObservation {
                pair: pair_name(),
                address: [10, 10, 11, 103].into(),
                held,
                carrier: Some(self.carrier[host]),
            }],
        });
    }

    /// An LCA carries out the oldest or another of its orders, well or badly.
    fn answer(&mut self, well: bool) {
        if self.pending.is_empty() {
            return;
        }
        let at = if well {
            0
        } else {
            self.pick(self.pending.len() as u64)
        };
        let Pending { host, key, action } =
            self.pending.remove(usize::try_from(at).expect("small"));
        let from = HostName::from(HOSTS[host]);
        if self.reach[host] != HostReach::Connected {
            return;
        }
        let good = well || self.pick(3) > 0;
        let Some(action) = action else {
            let outcome = if good {
                self.holds[host] = false;
                self.told[host] = false;
                OrderOutcome::Done {
                    incarnation: Incarnation(0),
                }
            } else {
                OrderOutcome::Refused(Refusal::new(RefusalCode::Overloaded, "busy"))
            };
            self.give(Input::OrderAnswered {
                host: from,
                key,
                outcome,
            });
            return;
        };
        if good {
            self.holds[host] = action == ScriptAction::Enable;
            self.told[host] = self.holds[host];
        }
        let bad = [
            ScriptResult::Failed,
            ScriptResult::TimedOut,
            ScriptResult::NotStarted,
            ScriptResult::Superseded,
        ];
        let result = if good {
            ScriptResult::Succeeded
        } else {
            bad[usize::try_from(self.pick(4)).expect("small")]
        };
        self.give(Input::ControlScriptFinished {
            host: from,
            key,
            outcome: ScriptOutcome {
                result,
                exit: Some(ExitStatus::Code(0)),
                duration: Duration::from_millis(3),
                observed: String::new(),
                output: String::new(),
            },
        });
    }

    fn connect(&mut self, host: usize, reach: HostReach) {
        if reach == HostReach::Connected && self.reach[host] != HostReach::Connected {
            self.observe(host);
            self.pending.retain(|pending| pending.host != host);
            self.give(Input::ScriptsRunning {
                host: HOSTS[host].into(),
                before: OrderNumber(u64::MAX),
                keys: Vec::new(),
            });
        }
        self.reach[host] = reach;
        self.give(Input::HostChanged {
            host: HOSTS[host].into(),
            reach,
        });
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now = self.now + Duration::from_millis(milliseconds);
        let mut outputs = Vec::new();
        self.engine.tick(self.now, &mut outputs);
        self.take(outputs);
    }

    fn switch(&mut self) {
        self.epoch += 1;
        self.primary = self.host();
        self.give(Input::PairIntended {
            pair: pair_name(),
            epoch: Epoch(self.epoch),
            primary: Some(MEMBERS[self.primary].into()),
            maintenance: false,
        });
    }

    fn step(&mut self) {
        match self.pick(12) {
            0 => self.switch(),
            1..=3 => {
                let condition = CONDITIONS[usize::try_from(self.pick(4)).expect("small")];
                let epoch = Some(self.epoch.saturating_sub(self.pick(4) / 3));
                let request = self
                    .requests
                    .event_of(condition, epoch, LogOrigin::Application);
                self.give(Input::Requested(Box::new(request)));
            }
            4 => {
                let condition = CONDITIONS[usize::try_from(self.pick(4)).expect("small")];
                let request = self.requests.test_of(condition);
                self.give(Input::Requested(Box::new(request)));
            }
            5 => self.give(Input::Requested(Box::new(World::align(
                Origin::Realignment,
            )))),
            6 => {
                let host = self.host();
                let reach = [HostReach::Connected, HostReach::AgentAway, HostReach::Lost];
                let reach = reach[usize::try_from(self.pick(3)).expect("small")];
                self.connect(host, reach);
            }
            7 => {
                let host = self.host();
                if self.reach[host] == HostReach::Connected {
                    self.carrier[host] = self.pick(4) > 0;
                    self.observe(host);
                }
            }
            8 => {
                let milliseconds = self.pick(3_000);
                self.pass(milliseconds);
            }
            _ => self.answer(false),
        }
    }

    fn heal(&mut self) {
        for host in [0, 1] {
            self.connect(host, HostReach::Connected);
            self.carrier[host] = true;
            self.observe(host);
        }
        for _ in 0..200 {
            while !self.pending.is_empty() {
                self.answer(true);
                // Every change of an address is observed in the end, whatever became of its order.
                self.observe(0);
                self.observe(1);
            }
            self.pass(1_000);
        }
    }
}

#[test]
fn disorder_never_enables_beside_a_holder_and_always_ends() {
    for seed in 1..=SEEDS {
        let mut disorder = Disorder::new(seed);
        for _ in 0..120 {
            disorder.step();
        }
        disorder.heal();
        assert_eq!(
            disorder.engine.open_for(&pair_name()),
            [],
            "seed {seed}: still open"
        );
        assert_eq!(
            disorder.engine.deadline(),
            None,
            "seed {seed}: a deadline of nothing"
        );
        disorder.give(Input::Requested(Box::new(World::align(
            Origin::Realignment,
        ))));
        disorder.heal();
        let mut expected = [false; 2];
        expected[disorder.primary] = true;
        assert_eq!(
            disorder.holds, expected,
            "seed {seed}: after healing and a realignment"
        );
    }
}
