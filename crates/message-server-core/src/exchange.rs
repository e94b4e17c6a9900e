//! Owns what goes into the Message Server's core and what comes out of it. What happens in between stands in
//! `core.rs`; who carries the outputs out is `message-server`, or the simulation.

use changeover_model::environment::MessageServerSlice;
use changeover_model::message::{
    AlarmDetected, FromMessageServer, LogAcknowledged, LogBatch, LogRecord, SourceId,
    ToMessageServer,
};
use changeover_model::{ApplicationName, HostName, Refusal, Ticket, Timestamp};
use std::fmt;

/// A connection of a sender or of the SCS, as the shell numbers them; never used twice in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Who this Message Server is; stamped on the events it logs itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name of its Application object.
    pub application: ApplicationName,
    /// Its host.
    pub host: Option<HostName>,
    /// This life of it, as a source of log events. Must differ from every earlier life's.
    pub source: SourceId,
    /// Version of its program.
    pub version: String,
}

/// What the store held at the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovered {
    /// Highest stored sequence of each source, the one that was heard longest ago first.
    pub high_water: Vec<(SourceId, u64)>,
    /// Detections that the SCS has not acknowledged, in the order in which they were made.
    pub unacknowledged: Vec<AlarmDetected>,
    /// The conditions last in force.
    pub slice: Option<MessageServerSlice>,
    /// Stored events that were received before there were conditions, oldest first.
    pub unmatched: Vec<LogRecord>,
    /// Highest position in the log; 0 = empty.
    pub highest_position: u64,
    /// What an operator must know about the store (a database moved aside, …); each becomes a log event.
    pub notes: Vec<String>,
}

/// What can happen to a Message Server.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The store is open. The first input of all; everything that comes before it is turned away.
    Recovered(Recovered),
    /// A sender's batch arrived.
    BatchReceived {
        /// On which connection; acknowledgements go back there.
        connection: ConnectionId,
        /// The events.
        batch: LogBatch,
    },
    /// A sender's connection is gone.
    SenderDisconnected {
        /// Which.
        connection: ConnectionId,
    },
    /// A [`Output::Store`] is committed and durable.
    Stored {
        /// Its ticket.
        ticket: Ticket,
    },
    /// A [`Output::Store`] failed as a whole; nothing of it is in the database.
    StoreFailed {
        /// Its ticket.
        ticket: Ticket,
        /// Why.
        reason: String,
    },
    /// A [`Output::PersistSlice`] is durable.
    SlicePersisted {
        /// Its ticket.
        ticket: Ticket,
    },
    /// A [`Output::PersistSlice`] failed.
    SlicePersistFailed {
        /// Its ticket.
        ticket: Ticket,
        /// Why.
        reason: String,
    },
    /// A [`Output::Retain`] is done.
    Retained {
        /// Its ticket.
        ticket: Ticket,
        /// There is more to delete.
        more: bool,
    },
    /// A [`Output::Retain`] failed.
    RetainFailed {
        /// Its ticket.
        ticket: Ticket,
        /// Why.
        reason: String,
    },
    /// The SCS has connected. The newest connection is the one that is served.
    ScsConnected {
        /// Its connection.
        connection: ConnectionId,
    },
    /// The SCS said something.
    ScsMessage {
        /// On which connection.
        connection: ConnectionId,
        /// What.
        message: ToMessageServer,
    },
    /// A connection of the SCS is gone.
    ScsDisconnected {
        /// Which.
        connection: ConnectionId,
    },
}

/// One transaction of the store. Carried out as a whole or not at all; repeating it changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreRequest {
    /// Events to add, positions assigned, in order. The high-water mark of a source rises to its highest
    /// sequence among them.
    pub records: Vec<LogRecord>,
    /// Detections to keep until [`Output::ForgetDetection`], in order.
    pub detections: Vec<AlarmDetected>,
    /// Positions of records that wait for conditions.
    pub unmatched: Vec<u64>,
    /// Positions that wait no longer.
    pub matched: Vec<u64>,
}

/// What must be done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this to the SCS.
    ToScs {
        /// On this connection.
        connection: ConnectionId,
        /// What.
        message: FromMessageServer,
    },
    /// Commit this; answered by [`Input::Stored`] or [`Input::StoreFailed`]. At most one is open at a time.
    Store {
        /// Ties the answer to it.
        ticket: Ticket,
        /// What.
        request: StoreRequest,
    },
    /// Tell a sender what is durable.
    Acknowledge {
        /// On this connection.
        connection: ConnectionId,
        /// What.
        acknowledged: LogAcknowledged,
    },
    /// The SCS has this detection. If it cannot be deleted, it is sent once more after a restart, which
    /// does no harm; so there is no answer.
    ForgetDetection {
        /// Source of the event.
        source: SourceId,
        /// Sequence of the event.
        sequence: u64,
    },
    /// The memory of sources is full and this one was silent longest. No answer, as above.
    ForgetSource {
        /// Which.
        source: SourceId,
    },
    /// Keep these conditions for the next start; answered by [`Input::SlicePersisted`] or
    /// [`Input::SlicePersistFailed`].
    PersistSlice {
        /// Ties the answer to it.
        ticket: Ticket,
        /// The conditions.
        slice: MessageServerSlice,
    },
    /// Delete a bounded number of the oldest events that are too old or too many; answered by
    /// [`Input::Retained`] or [`Input::RetainFailed`].
    Retain {
        /// Ties the answer to it.
        ticket: Ticket,
        /// Those received before this are too old.
        received_before: Timestamp,
        /// The log may take this many bytes.
        max_bytes: u64,
    },
    /// A batch could not be taken: close the sender's connection. The sender keeps its events and sends
    /// them again when it has reconnected.
    CloseSender {
        /// Which.
        connection: ConnectionId,
        /// Why.
        refusal: Refusal,
    },
    /// Something an operator would act or wonder about, for the program's own log. Each is a log event in
    /// the store as well.
    Noted(Note),
}

/// What is worth a line in the program's own log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The sender dropped events because nobody took them for too long.
    EventsLost {
        /// Whose.
        source: SourceId,
        /// How many.
        count: u64,
    },
    /// The database cannot be written; it is tried again.
    StoreFailing {
        /// Why.
        reason: String,
    },
    /// A commit has taken longer than it should.
    StoreSlow,
    /// The database can be written again.
    StoreRecovered {
        /// How many attempts had failed or were overdue.
        attempts: u32,
    },
    /// The conditions could not be kept for the next start.
    SliceNotPersisted {
        /// Why.
        reason: String,
    },
    /// Old events could not be deleted.
    RetentionFailing {
        /// Why.
        reason: String,
    },
    /// The SCS was away so long that the oldest detection was dropped to keep the newer ones.
    DetectionDropped {
        /// Source of its event.
        source: SourceId,
        /// Sequence of its event.
        sequence: u64,
    },
    /// There were no conditions for so long that the oldest events will not be matched.
    UnmatchedDropped,
    /// An application sent an event that only the Management Layer may send; it is stored and matches nothing.
    ReservedEvent {
        /// Whose.
        source: SourceId,
        /// What.
        id: changeover_model::LogEventId,
    },
    /// What was found in the store at the start.
    AtStart {
        /// What.
        text: String,
    },
}
