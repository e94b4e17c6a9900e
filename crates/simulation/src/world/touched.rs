//! Which parts of the world did something worth a fault: what lets an explorer put a fault where it makes a difference,
//! and only there. Beats, heartbeats and their answers do not count.

use super::event::{End, HostIndex, Payload};
use changeover_model::message::{
    FromApplication, FromPeerLca, LcaOrder, LcaReport, ToApplication, ToPeerLca,
};

/// Something that a fault can hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Scs,
    MessageServer,
    Lca(HostIndex),
    Host(HostIndex),
    /// The server, or whatever member runs there.
    Server(HostIndex),
    /// A control script begins there.
    Script(HostIndex),
    /// What the first says to the second.
    Way(HostIndex, HostIndex),
}

impl Part {
    /// Its bit; hosts beyond the three of a pair's site have none.
    fn bit(self) -> u32 {
        let of = |base: usize, host: HostIndex| if host > 2 { 31 } else { base + host };
        let number = match self {
            Part::Scs => 0,
            Part::MessageServer => 1,
            Part::Lca(host) => of(2, host),
            Part::Host(host) => of(6, host),
            Part::Server(host) => of(10, host),
            Part::Script(host) => of(14, host),
            Part::Way(from, to) => of(18 + 3 * from.min(2), to),
        };
        1 << number
    }
}

/// A set of parts, and whether anything at all went on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    parts: u32,
    stirred: bool,
}

impl Touched {
    pub(crate) fn everything() -> Self {
        // No script begins: a script's fault is put where one does.
        let scripts = Part::Script(1).bit() | Part::Script(2).bit();
        Self {
            parts: !scripts,
            stirred: true,
        }
    }

    pub(crate) fn has(self, part: Part) -> bool {
        self.parts & part.bit() != 0
    }

    pub(crate) fn is_stirred(self) -> bool {
        self.stirred
    }

    pub(crate) fn stir(&mut self) {
        self.stirred = true;
    }

    pub(crate) fn touch(&mut self, part: Part) {
        self.stirred = true;
        self.parts |= part.bit();
    }

    /// Somebody on a host has sent something to another.
    pub(crate) fn sent(&mut self, by: End, from: HostIndex, to: HostIndex) {
        let part = match by {
            End::Scs(_) => Part::Scs,
            End::MessageServer(_) => Part::MessageServer,
            End::Lca(host, _) => Part::Lca(host),
            End::Server(host, _) => Part::Server(host),
        };
        self.touch(part);
        self.touch(Part::Host(from));
        if from != to {
            self.touch(Part::Way(from, to));
        }
    }
}

impl Payload {
    /// False for what only says that somebody is there.
    pub(crate) fn is_telling(&self) -> bool {
        match self {
            Payload::ToLca(message) => !matches!(message.body, LcaOrder::Beat { .. }),
            Payload::FromLca(message) => !matches!(message.body, LcaReport::BeatAnswered { .. }),
            Payload::ToApplication(message) => {
                !matches!(**message, ToApplication::Heartbeat { .. })
            }
            Payload::FromApplication(message) => {
                !matches!(**message, FromApplication::HeartbeatAnswered { .. })
            }
            Payload::ToPeer(message) => !matches!(**message, ToPeerLca::Beat { .. }),
            Payload::FromPeer(message) => !matches!(**message, FromPeerLca::BeatAnswered { .. }),
            Payload::Opened
            | Payload::Closed(_)
            | Payload::ToMessageServer(_)
            | Payload::FromMessageServer(_)
            | Payload::Log(_)
            | Payload::LogAcknowledged(_) => true,
        }
    }
}
