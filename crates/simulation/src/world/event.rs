//! What can happen in a simulated world, and the queue that puts it into order. Equal times keep the order in
//! which they were planned, so that a run is the same every time.

use crate::scenario::Act;
use changeover_lca_core::LcaInput;
use changeover_message_server_core::Input as MessageServerInput;
use changeover_model::Ticket;
use changeover_model::message::{
    ExitStatus, FromApplication, FromLca, FromMessageServer, FromPeerLca, LogAcknowledged,
    LogBatch, ToApplication, ToLca, ToMessageServer, ToPeerLca,
};
use changeover_scs_core::{LinkLoss, ScsInput};
use std::collections::BTreeMap;

/// Index of a host in the site; 0 is the management host.
pub(crate) type HostIndex = usize;
/// Number of a connection, never used twice in a run.
pub(crate) type Connection = u64;
/// One process of a component; changes with every start.
pub(crate) type Life = u64;

/// A process whose core is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    Scs,
    MessageServer,
    Lca(HostIndex),
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Scs(Life),
    MessageServer(Life),
    Lca(HostIndex, Life),
    /// A process on a host, by its run.
    Server(HostIndex, u64),
}

/// Who dials whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dial {
    ScsToLca(Life, HostIndex),
    ScsToMessageServer(Life),
    ServerToLca(HostIndex, u64),
    LcaToLca(HostIndex, Life, HostIndex),
    ServerToMessageServer(HostIndex, u64),
}

/// What travels over a connection.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    Opened,
    Closed(LinkLoss),
    ToLca(Box<ToLca>),
    FromLca(Box<FromLca>),
    ToMessageServer(Box<ToMessageServer>),
    FromMessageServer(Box<FromMessageServer>),
    Log(LogBatch),
    LogAcknowledged(LogAcknowledged),
    ToApplication(Box<ToApplication>),
    FromApplication(Box<FromApplication>),
    ToPeer(Box<ToPeerLca>),
    FromPeer(Box<FromPeerLca>),
}

/// What a managed server does next by itself.
#[derive(Clone, Debug)]
pub(crate) enum ServerStep {
    /// It has come up and dials its LCA.
    Booted,
    /// The oldest order in its main loop is dealt with.
    Obey,
    /// Hot standby: it has everything its peer has.
    InStep,
    /// It answers this heartbeat.
    Answer(u64),
    /// It may have been cut off from its LCA for too long; since when.
    CutOff(u64),
}

/// Something that happens at a time.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A core's deadline.
    Wake(Node, Life),
    Scs(Life, Box<ScsInput>),
    Lca(HostIndex, Life, Box<LcaInput>),
    MessageServer(Life, Box<MessageServerInput>),
    /// Something arrives at one side of a connection.
    Arrive(Connection, usize, Payload),
    Dial(Dial),
    DialFailed(Dial, LinkLoss),
    /// The oldest write of the SCS's disk is done.
    ScsWrite(Life),
    /// The oldest write of the Message Server's disk is done.
    MessageServerWrite(Life),
    /// A durable write of an LCA is done.
    LcaWrite(HostIndex, Life, Ticket),
    /// The watcher tells the LCA who holds what.
    Watched(HostIndex, Life),
    ReadAddresses(HostIndex, Life, Ticket),
    RemoveAddresses(HostIndex, Life, Ticket, Vec<std::net::IpAddr>),
    /// The kernel looks whether an address has outlived its lifetime.
    AddressExpires(HostIndex, std::net::IpAddr),
    /// A process that an LCA asked for is there.
    Fork(HostIndex, u64, Life),
    Server(HostIndex, u64, ServerStep),
    /// A control script does what it is for.
    ScriptEffect(HostIndex, u64),
    /// A run of a health check ends, and whether it passed.
    Check(HostIndex, u64, bool),
    /// The main process of a run ends.
    Exit(HostIndex, u64, ExitStatus),
    /// Nothing of a run is left.
    Gone(HostIndex, u64),
    /// A component that was down comes up, one that stood still goes on.
    Restart(Node),
    Resume(Node),
    PowerOn(HostIndex),
    /// The end of a clean shutdown of this boot.
    PowerOff(HostIndex, u32),
    /// A fault, an operator's command.
    Act(Box<Act>),
    /// A fault that lasts is over.
    Over(Over),
    /// The operator who brings the site up looks whether more is to be started.
    BringUp,
    /// All faults are over.
    Heal,
    /// The operator puts back in order what they left otherwise.
    TidyUp,
    /// Is everything as it should be?
    Look,
}

/// What is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Cable(HostIndex),
    Cut(HostIndex, HostIndex),
    OneWay(HostIndex, HostIndex),
    Freeze(HostIndex),
    Hang(HostIndex, u64),
    Unavailable(HostIndex, u64),
}

impl Event {
    /// The host on which it happens, if it is one that a standstill of that host holds up. Inputs of its LCA wait
    /// in the LCA's own backlog.
    pub(crate) fn held_up_on(&self) -> Option<HostIndex> {
        match self {
            Event::LcaWrite(host, ..)
            | Event::Watched(host, _)
            | Event::ReadAddresses(host, ..)
            | Event::RemoveAddresses(host, ..)
            | Event::AddressExpires(host, _)
            | Event::Fork(host, ..)
            | Event::Server(host, ..)
            | Event::ScriptEffect(host, _)
            | Event::Check(host, ..)
            | Event::Exit(host, ..)
            | Event::Gone(host, _)
            | Event::Restart(Node::Lca(host))
            | Event::Resume(Node::Lca(host))
            | Event::Dial(
                Dial::LcaToLca(host, ..)
                | Dial::ServerToLca(host, _)
                | Dial::ServerToMessageServer(host, _),
            ) => Some(*host),
            Event::Wake(..)
            | Event::Scs(..)
            | Event::Lca(..)
            | Event::MessageServer(..)
            | Event::Arrive(..)
            | Event::Dial(_)
            | Event::DialFailed(..)
            | Event::ScsWrite(_)
            | Event::MessageServerWrite(_)
            | Event::Restart(_)
            | Event::Resume(_)
            | Event::PowerOn(_)
            | Event::PowerOff(..)
            | Event::Act(_)
            | Event::Over(_)
            | Event::BringUp
            | Event::Heal
            | Event::TidyUp
            | Event::Look => None,
        }
    }
}

/// Everything that is planned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    planned: BTreeMap<(u64, u64), Event>,
    number: u64,
}

impl Queue {
    /// Plans an event at a time, in microseconds since the world began.
    pub(crate) fn push(&mut self, at: u64, event: Event) {
        self.number += 1;
        self.planned.insert((at, self.number), event);
    }

    /// The next event with its time, if it comes by then.
    pub(crate) fn pop_until(&mut self, until: u64) -> Option<(u64, Event)> {
        let (&(at, _), _) = self.planned.first_key_value()?;
        if at > until {
            return None;
        }
        self.pop()
    }

    /// Everything that is planned with its place, in order.
    pub(crate) fn keyed(&self) -> impl Iterator<Item = (&(u64, u64), &Event)> {
        self.planned.iter()
    }

    /// The second of two comes right before the first, and the first right after it.
    pub(crate) fn overtake(&mut self, first: (u64, u64), second: (u64, u64)) {
        let (Some(one), Some(two)) = (self.planned.remove(&first), self.planned.remove(&second))
        else {
            return;
        };
        self.planned.insert(first, two);
        self.push(first.0, one);
    }

    /// Everything that is planned, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u64, &Event)> {
        self.planned.iter().map(|((at, _), event)| (*at, event))
    }

    /// The next event with its time.
    pub(crate) fn pop(&mut self) -> Option<(u64, Event)> {
        self.planned.pop_first().map(|((at, _), event)| (at, event))
    }
}
