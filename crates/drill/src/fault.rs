//! Owns the kinds of fault that a drill makes: their names, what each is done to, and how long it may last. How one is
//! made is in `hands.rs`.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A kind of fault, or an operator's order at a bad moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A server of the pair is killed (-9)
    KillServer,
    /// A server of the pair stands still
    StopServer,
    /// A Local Control Agent is killed (-9); its service manager starts it again
    KillLca,
    /// A Local Control Agent stands still
    StopLca,
    /// The Solution Control Server is killed (-9), and started again
    KillScs,
    /// The Solution Control Server stands still
    StopScs,
    /// The Message Server is killed (-9), and started again
    KillMessageServer,
    /// The Message Server stands still
    StopMessageServer,
    /// Every process of a host stands still, and nothing on its wire is answered
    FreezeHost,
    /// Every cable of a host is pulled
    CutHost,
    /// A host hears its neighbours, and they do not hear it
    MuteHost,
    /// Neighbours hear a host, and it does not hear them
    DeafHost,
    /// A host's wire is slow
    DelayHost,
    /// The disk of a component is full
    FullDisk,
    /// The disk of a component is slow
    SlowDisk,
    /// The control scripts of a host fail
    ScriptFails,
    /// The control scripts of a host take two seconds
    ScriptSlow,
    /// The control scripts of a host hang
    ScriptHangs,
    /// An operator switches over
    Switchover,
    /// An operator tests an Alarm Condition, and realigns the pair afterwards
    AlarmTest,
}

/// What a fault is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// A member of the pair.
    Member,
    /// The agent of a host.
    Lca,
    /// A host of the site.
    Host,
    /// A host of the pair.
    PairHost,
    /// This component.
    Component(&'static str),
    /// Any component.
    AnyComponent,
    /// The pair.
    Pair,
    /// An Alarm Condition.
    Condition,
}

impl Kind {
    /// The name on the command line and in reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::KillServer => "kill-server",
            Kind::StopServer => "stop-server",
            Kind::KillLca => "kill-lca",
            Kind::StopLca => "stop-lca",
            Kind::KillScs => "kill-scs",
            Kind::StopScs => "stop-scs",
            Kind::KillMessageServer => "kill-message-server",
            Kind::StopMessageServer => "stop-message-server",
            Kind::FreezeHost => "freeze-host",
            Kind::CutHost => "cut-host",
            Kind::MuteHost => "mute-host",
            Kind::DeafHost => "deaf-host",
            Kind::DelayHost => "delay-host",
            Kind::FullDisk => "full-disk",
            Kind::SlowDisk => "slow-disk",
            Kind::ScriptFails => "script-fails",
            Kind::ScriptSlow => "script-slow",
            Kind::ScriptHangs => "script-hangs",
            Kind::Switchover => "switchover",
            Kind::AlarmTest => "alarm-test",
        }
    }

    /// What it is done to.
    pub(crate) fn aim(self) -> Aim {
        match self {
            Kind::KillServer | Kind::StopServer => Aim::Member,
            Kind::KillLca | Kind::StopLca => Aim::Lca,
            Kind::KillScs | Kind::StopScs => Aim::Component("scs"),
            Kind::KillMessageServer | Kind::StopMessageServer => Aim::Component("message-server"),
            Kind::FreezeHost
            | Kind::CutHost
            | Kind::MuteHost
            | Kind::DeafHost
            | Kind::DelayHost => Aim::Host,
            Kind::FullDisk | Kind::SlowDisk => Aim::AnyComponent,
            Kind::ScriptFails | Kind::ScriptSlow | Kind::ScriptHangs => Aim::PairHost,
            Kind::Switchover => Aim::Pair,
            Kind::AlarmTest => Aim::Condition,
        }
    }

    /// True if control scripts must run for it to be seen at all: a switchover goes with it.
    pub(crate) fn is_of_scripts(self) -> bool {
        matches!(
            self,
            Kind::ScriptFails | Kind::ScriptSlow | Kind::ScriptHangs
        )
    }

    /// How long it lasts: at least, as a rule at most, and at the very most. Short enough to be over before anybody
    /// notices, long enough for every bound of a site with usual timing to run out. `None`: it is over when it is done.
    pub(crate) fn lasts(self) -> Option<[Duration; 3]> {
        let [least, most, longest] = match self {
            Kind::KillServer | Kind::Switchover => return None,
            Kind::StopServer => [200, 4_000, 12_000],
            Kind::AlarmTest => [500, 1_500, 3_000],
            Kind::DelayHost => [1_000, 4_000, 8_000],
            Kind::ScriptFails | Kind::ScriptSlow | Kind::ScriptHangs => [2_000, 4_000, 6_000],
            Kind::KillLca
            | Kind::StopLca
            | Kind::KillScs
            | Kind::StopScs
            | Kind::KillMessageServer
            | Kind::StopMessageServer
            | Kind::FreezeHost
            | Kind::CutHost
            | Kind::MuteHost
            | Kind::DeafHost
            | Kind::FullDisk
            | Kind::SlowDisk => [200, 5_000, 15_000],
        };
        Some([least, most, longest].map(Duration::from_millis))
    }
}
