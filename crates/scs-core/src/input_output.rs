//! What can happen to the SCS and what it asks of its shell. Owns no decision: [`crate::ScsCore`] takes the
//! inputs in and puts the outputs out, in the order in which they must be carried out.

use crate::storage::StoreChange;
use changeover_model::environment::Environment;
use changeover_model::message::{
    FromLca, FromMessageServer, LogAcknowledged, LogBatch, Operator, OperatorAnswer,
    OperatorCommand, ReactionPicture, ToLca, ToMessageServer,
};
use changeover_model::{HostName, RequestId, Ticket};
use changeover_reaction_engine::{Email, LocalCommand, Trap};
use std::sync::Arc;
use std::time::Duration;

/// How a link ended or a dial failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkLoss {
    /// The host answered with a reset: it lives, nobody listens there.
    Refused,
    /// Nothing came back.
    TimedOut,
    /// There is no route to the host.
    NoRoute,
    /// The other end closed the stream (its process ended or closed it).
    Closed,
}

/// Result of [`ScsOutput::ProbeHost`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Echo {
    /// Something on the host accepted or answered.
    Answered,
    /// The host answered with a reset: it lives.
    Refused,
    /// Nothing came back in time.
    TimedOut,
    /// There is no route to the host.
    NoRoute,
}

impl Echo {
    /// True if the host has given a sign of life.
    pub fn is_life(self) -> bool {
        match self {
            Echo::Answered | Echo::Refused => true,
            Echo::TimedOut | Echo::NoRoute => false,
        }
    }
}

/// What can happen to the SCS.
#[derive(Clone, Debug)]
pub enum ScsInput {
    /// The environment file was read and is valid: at the start, and at each reload. Hosts are to be dialled
    /// as [`crate::ScsCore::dial_targets`] says afterwards.
    EnvironmentLoaded(Arc<Environment>),
    /// A connection to a host's LCA stands; nothing has been said on it yet.
    LcaConnected {
        /// Host.
        host: HostName,
        /// Number of the connection, given by the shell; grows per host.
        connection: u64,
    },
    /// Something arrived on it.
    LcaMessage {
        /// Host.
        host: HostName,
        /// On which connection; messages of older ones are ignored.
        connection: u64,
        /// The message.
        message: Box<FromLca>,
    },
    /// It is gone. The shell redials by itself, at least every 250 ms.
    LcaDisconnected {
        /// Host.
        host: HostName,
        /// Which connection.
        connection: u64,
        /// How it ended.
        loss: LinkLoss,
    },
    /// A dial or redial failed; reported each time, since a refusal is a sign of life.
    DialFailed {
        /// Host.
        host: HostName,
        /// How.
        loss: LinkLoss,
    },
    /// Result of [`ScsOutput::ProbeHost`].
    HostEchoed {
        /// Host.
        host: HostName,
        /// What came back.
        echo: Echo,
    },
    /// The alarm link to the Message Server stands.
    MessageServerConnected,
    /// It is gone. The shell redials by itself.
    MessageServerDisconnected,
    /// Something arrived on it.
    MessageServerMessage(Box<FromMessageServer>),
    /// The Message Server has stored own log events (over the alarm link's sibling that carries
    /// [`ScsOutput::SendLog`]).
    LogAcknowledged(LogAcknowledged),
    /// An operator asks.
    OperatorRequested {
        /// Number of the request, given by the shell.
        request: RequestId,
        /// Who.
        operator: Operator,
        /// What.
        command: OperatorCommand,
    },
    /// Nobody waits for this request's answers any more; what it started goes on.
    RequestAbandoned(RequestId),
    /// A [`ScsOutput::Persist`] is on disk.
    Persisted(Ticket),
    /// A [`ScsOutput::Persist`] failed; nothing of it is on disk.
    PersistFailed {
        /// Which.
        ticket: Ticket,
        /// Why, for people.
        reason: String,
    },
    /// [`ScsOutput::SendEmail`], [`ScsOutput::SendSnmpTrap`] or [`ScsOutput::RunCommand`] has ended. The core
    /// bounds each by itself as well. These tickets and those of [`ScsOutput::Persist`] are counted apart.
    EffectFinished {
        /// Which.
        ticket: Ticket,
        /// `Ok` with the evidence (the exit status, the server's answer), `Err` with the reason.
        result: Result<String, String>,
    },
}

/// What the SCS asks of its shell. Carried out in order; none is waited for.
#[derive(Clone, Debug, PartialEq)]
pub enum ScsOutput {
    /// Send to an LCA on this connection; drop it if the connection is gone.
    ToLca {
        /// Host.
        host: HostName,
        /// Connection.
        connection: u64,
        /// Message.
        message: Box<ToLca>,
    },
    /// Close the connection to this host's LCA and dial anew (it stands but nothing comes over it).
    CloseLca {
        /// Host.
        host: HostName,
    },
    /// Find out whether the host answers at all; comes back as [`ScsInput::HostEchoed`]. Bounded by `timeout`.
    ProbeHost {
        /// Host.
        host: HostName,
        /// After this it has timed out.
        timeout: Duration,
    },
    /// Send to the Message Server; drop it without a connection (all of it is said again after Hello).
    ToMessageServer(Box<ToMessageServer>),
    /// Send own log events to the Message Server; drop them without a connection (they are sent again).
    SendLog(LogBatch),
    /// Answer an operator.
    Reply {
        /// Which request.
        request: RequestId,
        /// What.
        answer: Box<OperatorAnswer>,
    },
    /// Write these changes in one transaction, then say [`ScsInput::Persisted`]. Tickets grow; a later one
    /// never reaches the disk before an earlier one.
    Persist {
        /// For the answer.
        ticket: Ticket,
        /// What to write.
        changes: Vec<StoreChange>,
    },
    /// Send a mail.
    SendEmail {
        /// For the answer.
        ticket: Ticket,
        /// The mail.
        email: Email,
    },
    /// Send an SNMP trap.
    SendSnmpTrap {
        /// For the answer.
        ticket: Ticket,
        /// The trap.
        trap: Trap,
    },
    /// Run a command on the SCS's host.
    RunCommand {
        /// For the answer.
        ticket: Ticket,
        /// The command.
        command: LocalCommand,
    },
    /// Something that [`crate::ScsCore::picture`] shows has changed; at most once per input.
    PictureChanged,
    /// A reaction has changed, for those who follow.
    ReactionChanged(Box<ReactionPicture>),
}
