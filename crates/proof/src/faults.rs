//! The fault model: which faults there are, how long each lasts, and what they are called. Owns the list that the
//! verdict prints; at which points each is tried is decided in `explore`.

use crate::site::PairSite;
use changeover_model::show_duration;
use changeover_simulation::{Branch, Component, Fault, Rivals, ScriptMood};
use std::time::Duration;

/// Shorter than any timeout: over before anybody has concluded anything from it.
pub(crate) const BRIEF: Duration = Duration::from_millis(300);

/// A fault with its length.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trouble {
    pub(crate) fault: Fault,
    pub(crate) lasts: Duration,
}

/// What is changed about a run at a point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Deviation {
    Trouble(Trouble),
    /// Of two messages that arrive at one process within the jitter the later one comes first.
    Overtake(Rivals),
}

impl Deviation {
    pub(crate) fn apply(&self, branch: &mut Branch) {
        match self {
            Deviation::Trouble(trouble) => branch.strike(&trouble.fault, trouble.lasts),
            Deviation::Overtake(rivals) => branch.overtake(*rivals),
        }
    }
}

/// Every fault of the model for this pair.
pub(crate) fn all(site: &PairSite, lasts: Duration) -> Vec<Trouble> {
    let mut all = Vec::new();
    let mut add = |fault: Fault, lasts: Duration| all.push(Trouble { fault, lasts });
    for member in [0, 1] {
        add(Fault::KillServer(member), Duration::ZERO);
        if !site.third_party {
            add(Fault::HangServer(member, lasts), lasts);
        }
    }
    for host in [1, 2] {
        add(Fault::PowerLoss(host, lasts), lasts);
        add(Fault::CableOut(host, lasts), lasts);
    }
    for time in [BRIEF, lasts] {
        for component in [
            Component::Lca(1),
            Component::Lca(2),
            Component::Scs,
            Component::MessageServer,
        ] {
            add(Fault::Crash(component, time), time);
        }
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            add(Fault::Cut(one, other, time), time);
            add(Fault::OneWay(one, other, time), time);
            add(Fault::OneWay(other, one, time), time);
        }
    }
    for host in [1, 2] {
        for mood in [
            ScriptMood::Fails,
            ScriptMood::Slow,
            ScriptMood::HangsBefore,
            ScriptMood::HangsAfter,
            ScriptMood::Lies,
            ScriptMood::Misleads,
        ] {
            add(Fault::Scripts(host, mood), lasts);
        }
    }
    all
}

/// What the list of faults is called, for the verdict.
pub(crate) fn kinds(site: &PairSite, lasts: Duration) -> Vec<String> {
    let long = show_duration(lasts);
    let brief = show_duration(BRIEF);
    let server = if site.third_party {
        "server process dies"
    } else {
        "server process dies, or hangs"
    };
    vec![
        server.to_owned(),
        "host loses its power, or its network".to_owned(),
        format!("LCA, SCS or Message Server killed, back after {brief} or {long}"),
        format!("link between two hosts dead both ways, or one way, for {brief} or {long}"),
        "control script fails; takes 1.5 s; hangs before or after its work; exits 0 without it, or 255 with it done".to_owned(),
    ]
}

/// Who is hit, and by what, for the step of a counterexample.
pub(crate) fn describe(
    trouble: &Trouble,
    branch: &Branch,
    members: &[String; 2],
) -> (String, String) {
    let host = |index: usize| branch.host(index).to_string();
    let lasts = show_duration(trouble.lasts);
    let back = format!("for {lasts}");
    match &trouble.fault {
        Fault::KillServer(member) => (members[*member].clone(), "dies (kill -9)".to_owned()),
        Fault::HangServer(member, _) => (members[*member].clone(), format!("hangs {back}")),
        Fault::PowerLoss(at, _) => (host(*at), format!("loses its power {back}")),
        Fault::CableOut(at, _) => (host(*at), format!("is cut off the network {back}")),
        Fault::Crash(component, _) => (
            match component {
                Component::Scs => "SCS".to_owned(),
                Component::MessageServer => "Message Server".to_owned(),
                Component::Lca(at) => format!("LCA of {}", host(*at)),
            },
            format!("is killed, and down {back}"),
        ),
        Fault::Cut(one, other, _) => (
            format!("{} - {}", host(*one), host(*other)),
            format!("do not hear each other {back}"),
        ),
        Fault::OneWay(from, to, _) => (
            format!("{} -> {}", host(*from), host(*to)),
            format!("nothing gets through {back}"),
        ),
        Fault::Scripts(at, mood) => (
            format!("scripts of {}", host(*at)),
            format!("{} {back}", mood_text(*mood)),
        ),
        other => (String::new(), format!("{other:?}")),
    }
}

fn mood_text(mood: ScriptMood) -> &'static str {
    match mood {
        ScriptMood::Fails => "fail (exit 1, no effect)",
        ScriptMood::Slow => "take 1.5 s",
        ScriptMood::HangsBefore => "hang before their work",
        ScriptMood::HangsAfter => "hang after their work",
        ScriptMood::Lies => "exit 0 without their work",
        ScriptMood::Misleads => "do their work and exit 255",
        ScriptMood::Fast | ScriptMood::Missing | ScriptMood::Any => "behave otherwise",
    }
}
