//! The worst times with two holders of a pair's VIP and with none, by its policy and the site's own timing: what
//! `check` prints beside its findings. A pure function of the environment; each line's sum is derived in
//! docs/operator/fencing.md. "Reachable" holders only: one behind a pulled cable disturbs nobody.

use changeover_model::environment::{ControllerLoss, Environment, Host, OnAgentLoss, Pair};
use changeover_model::{HostName, PairName, show_duration};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// The most that something can last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worst {
    /// So long; zero: it does not happen.
    Time(Duration),
    /// Nothing ends it but the return of what was cut off, or an operator.
    UntilReconnect,
}

/// What can happen, and how bad it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorstCase {
    /// Stable name, for programs.
    pub name: &'static str,
    /// What happens, for people.
    pub situation: &'static str,
    /// Two reachable hosts hold the VIP.
    pub two_holders: Worst,
    /// No reachable host holds it.
    pub no_holder: Worst,
}

/// All of one pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorstTimes {
    /// The pair.
    pub pair: PairName,
    /// Its `on_controller_loss`, as the file writes it.
    pub policy: String,
    /// The most that the move itself takes by its own timeouts; milliseconds as a rule, and part of every `no_holder`
    /// below in which a backup takes over.
    pub moving: Duration,
    /// The cases.
    pub cases: Vec<WorstCase>,
}

/// A lease is over at this part of the detection bound (BEHAVIOUR, Split brain).
fn lease(bound: Duration) -> Duration {
    bound * 4 / 5
}

/// The worst times of every pair with a VIP.
pub fn worst_times(environment: &Environment) -> Vec<WorstTimes> {
    environment
        .pairs
        .values()
        .filter(|pair| !pair.virtual_ips.is_empty())
        .map(|pair| of_pair(environment, pair))
        .collect()
}

/// What the cases are reckoned from.
struct Timing {
    bound: Duration,
    shortest_bound: Duration,
    /// By so much an answer may be older than the last word that was heard.
    beat: Duration,
    lost_wait: Duration,
    lifetime: Duration,
    moving: Duration,
    fencing: Duration,
}

impl Timing {
    fn of(environment: &Environment, pair: &Pair) -> Self {
        let hosts: Vec<&Host> = [&pair.primary_host, &pair.backup_host]
            .into_iter()
            .filter_map(|name: &HostName| environment.hosts.get(name))
            .collect();
        let longest =
            |of: fn(&Host) -> Duration| hosts.iter().map(|host| of(host)).max().unwrap_or_default();
        let bounds = hosts.iter().map(|host| host.detection_bound());
        let policy = &pair.policy;
        let enabling = pair
            .control
            .values()
            .filter_map(|control| environment.applications.get(&control.enable))
            .map(|application| application.start_info.startup_timeout)
            .max()
            .unwrap_or_default();
        Self {
            bound: longest(Host::detection_bound),
            shortest_bound: bounds.min().unwrap_or_default(),
            beat: longest(Host::beat_interval),
            lost_wait: longest(|host| host.disconnect_switchover_timeout),
            lifetime: policy.address_lifetime,
            moving: policy.demotion_wait + policy.event_wait + policy.release_wait + enabling,
            fencing: policy
                .fence
                .as_ref()
                .map(|fence| fence.timeout)
                .unwrap_or_default(),
        }
    }
}

fn of_pair(environment: &Environment, pair: &Pair) -> WorstTimes {
    let timing = Timing::of(environment, pair);
    let policy = pair.policy.on_controller_loss;
    let cases = vec![
        case(
            "application-dies",
            "its application dies or is switched over",
            (Worst::Time(Duration::ZERO), Worst::Time(timing.moving)),
        ),
        case(
            "host-dies",
            "its host dies",
            (
                Worst::Time(Duration::ZERO),
                Worst::Time(timing.bound + timing.lost_wait + timing.fencing + timing.moving),
            ),
        ),
        case(
            "host-cut-off",
            "its host is cut off, SIP clients still reach it",
            cut_off(policy, &timing),
        ),
        case(
            "controller-lost",
            "the SCS is lost, both hosts live",
            controller_lost(policy),
        ),
        case(
            "controller-and-peer-lost",
            "the SCS and the peer's LCA are lost",
            controller_and_peer_lost(policy),
        ),
        case(
            "agent-dies",
            "its LCA dies, its host lives",
            agent_dies(pair, &timing),
        ),
        case(
            "agent-dies-cut-off",
            "its LCA dies, then its host is cut off",
            agent_dies_cut_off(policy, &timing),
        ),
        case(
            "host-wakes-up",
            "its host stood still and wakes up",
            wakes_up(policy, &timing),
        ),
    ];
    WorstTimes {
        pair: pair.name.clone(),
        policy: match policy {
            ControllerLoss::Hold => "hold".to_owned(),
            ControllerLoss::ReleaseAfter(time) => format!("release-after {}", show_duration(time)),
            ControllerLoss::Quorum => "quorum".to_owned(),
        },
        moving: timing.moving,
        cases,
    }
}

fn case(
    name: &'static str,
    situation: &'static str,
    (two_holders, no_holder): (Worst, Worst),
) -> WorstCase {
    WorstCase {
        name,
        situation,
        two_holders,
        no_holder,
    }
}

fn cut_off(policy: ControllerLoss, timing: &Timing) -> (Worst, Worst) {
    // From the word that the holder's lease counts from.
    let promoted = timing.beat + timing.bound + timing.lost_wait;
    let after = timing.fencing + timing.moving;
    match policy {
        ControllerLoss::Hold => (Worst::UntilReconnect, Worst::Time(Duration::ZERO)),
        // The fastest promotion beside the release, and the slowest after it.
        ControllerLoss::ReleaseAfter(time) => (
            Worst::Time(time.saturating_sub(timing.shortest_bound)),
            Worst::Time((promoted + after).saturating_sub(time)),
        ),
        ControllerLoss::Quorum => (
            Worst::Time(Duration::ZERO),
            Worst::Time(promoted + after - lease(timing.shortest_bound).min(promoted + after)),
        ),
    }
}

fn controller_lost(policy: ControllerLoss) -> (Worst, Worst) {
    let zero = Worst::Time(Duration::ZERO);
    match policy {
        ControllerLoss::Hold | ControllerLoss::Quorum => (zero, zero),
        ControllerLoss::ReleaseAfter(_) => (zero, Worst::UntilReconnect),
    }
}

fn controller_and_peer_lost(policy: ControllerLoss) -> (Worst, Worst) {
    let zero = Worst::Time(Duration::ZERO);
    match policy {
        ControllerLoss::Hold => (zero, zero),
        ControllerLoss::ReleaseAfter(_) | ControllerLoss::Quorum => (zero, Worst::UntilReconnect),
    }
}

fn agent_dies(pair: &Pair, timing: &Timing) -> (Worst, Worst) {
    let zero = Worst::Time(Duration::ZERO);
    match (pair.policy.on_controller_loss, pair.policy.on_agent_loss) {
        // Its last renewal is up to a fifth of the lifetime old; the SCS waits for the newest one there may have been.
        (ControllerLoss::Quorum, _) => (
            zero,
            Worst::Time(timing.bound + timing.lifetime / 5 + timing.fencing + timing.moving),
        ),
        (ControllerLoss::Hold | ControllerLoss::ReleaseAfter(_), OnAgentLoss::Hold) => (zero, zero),
        (ControllerLoss::Hold | ControllerLoss::ReleaseAfter(_), OnAgentLoss::Failover) => {
            (Worst::UntilReconnect, zero)
        }
    }
}

fn agent_dies_cut_off(policy: ControllerLoss, timing: &Timing) -> (Worst, Worst) {
    let zero = Worst::Time(Duration::ZERO);
    match policy {
        ControllerLoss::Hold | ControllerLoss::ReleaseAfter(_) => (Worst::UntilReconnect, zero),
        ControllerLoss::Quorum => (
            Worst::Time(timing.lifetime),
            Worst::Time(timing.bound + timing.lost_wait + timing.fencing + timing.moving),
        ),
    }
}

fn wakes_up(policy: ControllerLoss, timing: &Timing) -> (Worst, Worst) {
    let none = timing.bound + timing.lost_wait + timing.fencing + timing.moving;
    let two = match policy {
        // Demoted as soon as the SCS has heard of it.
        ControllerLoss::Hold => Worst::UntilReconnect,
        ControllerLoss::ReleaseAfter(time) => Worst::Time(time),
        ControllerLoss::Quorum => Worst::Time(lease(timing.bound)),
    };
    (two, Worst::Time(none))
}

impl std::fmt::Display for Worst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Worst::Time(time) if time.is_zero() => f.pad("0"),
            Worst::Time(time) => f.pad(&show_duration(*time)),
            Worst::UntilReconnect => f.pad("until reconnect"),
        }
    }
}

/// The table, for people.
pub fn worst_times_text(all: &[WorstTimes]) -> String {
    let mut text = String::new();
    for pair in all {
        let heading = format!("{}, on_controller_loss {}", pair.pair, pair.policy);
        writeln!(
            text,
            "{heading:<50}  {:<15}  none, the move itself {} at most",
            "two holders",
            show_duration(pair.moving)
        )
        .expect("a String takes every text");
        for case in &pair.cases {
            let (two, none) = (case.two_holders, case.no_holder);
            writeln!(text, "  {:<48}  {two:<15}  {none}", case.situation)
                .expect("a String takes every text");
        }
    }
    text
}

fn json_of(worst: Worst) -> Value {
    match worst {
        Worst::Time(time) => json!(time.as_secs_f64() * 1e3),
        Worst::UntilReconnect => json!("until-reconnect"),
    }
}

/// The same for programs: milliseconds, or `until-reconnect`.
pub fn worst_times_json(all: &[WorstTimes]) -> Value {
    let pairs = all.iter().map(|pair| {
        let cases = pair.cases.iter().map(|case| {
            json!({
                "name": case.name,
                "two_holders_ms": json_of(case.two_holders),
                "no_holder_ms": json_of(case.no_holder),
            })
        });
        json!({
            "pair": pair.pair.as_str(),
            "on_controller_loss": pair.policy,
            "moving_ms": pair.moving.as_secs_f64() * 1e3,
            "cases": cases.collect::<Vec<_>>(),
        })
    });
    Value::Array(pairs.collect())
}
