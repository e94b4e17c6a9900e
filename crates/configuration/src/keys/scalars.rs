//! What a single value can be. Owns the kinds of scalars and the names by which the tables write them; a walk over the
//! tables meets all of them as [`Kind::One`].

use super::{Kind, Target};

/// A single value.
#[derive(Debug)]
pub(crate) enum Scalar {
    /// The number 1.
    Version,
    /// A name of an object.
    Name,
    /// Text that is not empty.
    Text,
    /// true or false.
    Boolean,
    /// A duration with its unit.
    Duration {
        /// Zero is refused.
        positive: bool,
    },
    /// A duration with its unit, or `off`.
    DurationOrOff,
    /// An option of the model: a bare number is seconds; zero is refused.
    OptionDuration,
    /// A duration whose bare number gets an explanation of its own.
    CancelTimeout,
    /// A whole number.
    Count { least: u32, most: u32 },
    /// A port, 1 to 65535.
    Port,
    /// Bytes, with KiB, MiB, GiB.
    Size,
    /// An IP address.
    Address,
    /// An IP address with its prefix length.
    Prefixed,
    /// `host:port`.
    HostPort,
    /// Where a health check goes.
    Endpoint(EndpointKind),
    /// A status code, or a range of them.
    StatusRange,
    /// A log event ID.
    EventId,
    /// One of these words.
    Words(&'static [&'static str]),
    /// `hold`, `quorum`, or `release-after` with a duration.
    ControllerLoss,
    /// The name of a rule of `changeover check`.
    Rule,
    /// The name of another object.
    Reference(Target),
}

/// What an endpoint of a health check is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndpointKind {
    /// `udp:ADDRESS:PORT` or `tcp:ADDRESS:PORT`.
    Sip,
    /// `ADDRESS:PORT`.
    Tcp,
    /// `http://ADDRESS:PORT/PATH`.
    Http,
}

pub(super) const VERSION: Kind = Kind::One(Scalar::Version);
pub(super) const NAME: Kind = Kind::One(Scalar::Name);
pub(super) const TEXT: Kind = Kind::One(Scalar::Text);
pub(super) const BOOLEAN: Kind = Kind::One(Scalar::Boolean);
pub(super) const POSITIVE: Kind = Kind::One(Scalar::Duration { positive: true });
pub(super) const ANY_DURATION: Kind = Kind::One(Scalar::Duration { positive: false });
pub(super) const DURATION_OR_OFF: Kind = Kind::One(Scalar::DurationOrOff);
pub(super) const OPTION_DURATION: Kind = Kind::One(Scalar::OptionDuration);
pub(super) const CANCEL_TIMEOUT: Kind = Kind::One(Scalar::CancelTimeout);
pub(super) const PORT: Kind = Kind::One(Scalar::Port);
pub(super) const SIZE: Kind = Kind::One(Scalar::Size);
pub(super) const ADDRESS: Kind = Kind::One(Scalar::Address);
pub(super) const PREFIXED: Kind = Kind::One(Scalar::Prefixed);
pub(super) const HOST_PORT: Kind = Kind::One(Scalar::HostPort);
pub(super) const STATUS_RANGE: Kind = Kind::One(Scalar::StatusRange);
pub(super) const EVENT_ID: Kind = Kind::One(Scalar::EventId);
pub(super) const CONTROLLER_LOSS: Kind = Kind::One(Scalar::ControllerLoss);
pub(super) const RULE: Kind = Kind::One(Scalar::Rule);

pub(super) const fn count(least: u32, most: u32) -> Kind {
    Kind::One(Scalar::Count { least, most })
}

pub(super) const fn endpoint(of: EndpointKind) -> Kind {
    Kind::One(Scalar::Endpoint(of))
}

pub(super) const fn words(words: &'static [&'static str]) -> Kind {
    Kind::One(Scalar::Words(words))
}

pub(super) const fn reference(target: Target) -> Kind {
    Kind::One(Scalar::Reference(target))
}
