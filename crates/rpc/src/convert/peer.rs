//! Between the LCAs of a pair's two hosts: what one sees when it is asked, and the witness link.

use super::ConvertError;
use super::fields::{list, micros, name, to_list};
use super::observation::epochs;
use crate::wire;
use changeover_model::message::{AddressObservation, FromPeerLca, Holding, SoleMark, ToPeerLca};
use changeover_model::{Epoch, HostName, PairName};
use std::time::Duration;

/// What an LCA sees of its own host and of the SCS at the moment it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatLcaSees {
    /// The host that answers.
    pub host: HostName,
    /// Changes with every start of the answering LCA.
    pub session: u64,
    /// Whether it hears the SCS within the bound it was given.
    pub hears_scs: bool,
    /// Time since it last heard the SCS; `None` = never.
    pub scs_heard_before: Option<Duration>,
    /// Highest epoch seen of each pair.
    pub epochs: Vec<(PairName, Epoch)>,
    /// Observed addresses.
    pub addresses: Vec<AddressObservation>,
}

impl From<WhatLcaSees> for wire::WhatDoYouSeeReply {
    fn from(sees: WhatLcaSees) -> Self {
        Self {
            host: sees.host.to_string(),
            session: sees.session,
            hears_scs: sees.hears_scs,
            scs_heard_before_us: sees.scs_heard_before.map(micros),
            epochs: to_list(sees.epochs),
            addresses: to_list(sees.addresses),
        }
    }
}

impl TryFrom<wire::WhatDoYouSeeReply> for WhatLcaSees {
    type Error = ConvertError;
    fn try_from(reply: wire::WhatDoYouSeeReply) -> Result<Self, ConvertError> {
        Ok(Self {
            host: name("WhatDoYouSeeReply.host", reply.host)?,
            session: reply.session,
            hears_scs: reply.hears_scs,
            scs_heard_before: reply.scs_heard_before_us.map(Duration::from_micros),
            epochs: epochs("WhatDoYouSeeReply.epochs", reply.epochs)?,
            addresses: list("WhatDoYouSeeReply.addresses", reply.addresses)?,
        })
    }
}

impl From<Holding> for wire::EpochOfPair {
    fn from(holding: Holding) -> Self {
        Self {
            pair: holding.pair.to_string(),
            epoch: holding.epoch.0,
        }
    }
}

impl TryFrom<wire::EpochOfPair> for Holding {
    type Error = ConvertError;
    fn try_from(holding: wire::EpochOfPair) -> Result<Self, ConvertError> {
        Ok(Self {
            pair: name("EpochOfPair.pair", holding.pair)?,
            epoch: Epoch(holding.epoch),
        })
    }
}

impl From<SoleMark> for wire::SoleMark {
    fn from(mark: SoleMark) -> Self {
        Self {
            pair: mark.pair.to_string(),
            epoch: mark.epoch.0,
            host: mark.host.to_string(),
        }
    }
}

impl TryFrom<wire::SoleMark> for SoleMark {
    type Error = ConvertError;
    fn try_from(mark: wire::SoleMark) -> Result<Self, ConvertError> {
        Ok(Self {
            pair: name("SoleMark.pair", mark.pair)?,
            epoch: Epoch(mark.epoch),
            host: name("SoleMark.host", mark.host)?,
        })
    }
}

impl From<ToPeerLca> for wire::ToPeerLca {
    fn from(message: ToPeerLca) -> Self {
        use wire::to_peer_lca::{Beat, Body, Hello, Released};
        let body = match message {
            ToPeerLca::Hello { host, session } => Body::Hello(Hello {
                host: host.to_string(),
                session,
            }),
            ToPeerLca::Beat { sequence, holds } => Body::Beat(Beat {
                sequence,
                holds: to_list(holds),
            }),
            ToPeerLca::Released { pair, epoch } => Body::Released(Released {
                pair: pair.to_string(),
                epoch: epoch.0,
            }),
        };
        Self { body: Some(body) }
    }
}

impl TryFrom<wire::ToPeerLca> for ToPeerLca {
    type Error = ConvertError;
    fn try_from(message: wire::ToPeerLca) -> Result<Self, ConvertError> {
        use wire::to_peer_lca::Body;
        let body = message.body.ok_or(ConvertError::UnknownKind {
            message: "ToPeerLca",
        })?;
        Ok(match body {
            Body::Hello(hello) => Self::Hello {
                host: name("ToPeerLca.Hello.host", hello.host)?,
                session: hello.session,
            },
            Body::Beat(beat) => Self::Beat {
                sequence: beat.sequence,
                holds: list("ToPeerLca.Beat.holds", beat.holds)?,
            },
            Body::Released(released) => Self::Released {
                pair: name("ToPeerLca.Released.pair", released.pair)?,
                epoch: Epoch(released.epoch),
            },
        })
    }
}

impl From<FromPeerLca> for wire::FromPeerLca {
    fn from(message: FromPeerLca) -> Self {
        use wire::from_peer_lca::{BeatAnswered, Body, Release};
        let body = match message {
            FromPeerLca::BeatAnswered {
                sequence,
                grants,
                overtaken,
            } => Body::BeatAnswered(BeatAnswered {
                sequence,
                grants: to_list(grants),
                overtaken: to_list(overtaken),
            }),
            FromPeerLca::Release { pair, epoch } => Body::Release(Release {
                pair: pair.to_string(),
                epoch: epoch.0,
            }),
        };
        Self { body: Some(body) }
    }
}

impl TryFrom<wire::FromPeerLca> for FromPeerLca {
    type Error = ConvertError;
    fn try_from(message: wire::FromPeerLca) -> Result<Self, ConvertError> {
        use wire::from_peer_lca::Body;
        let body = message.body.ok_or(ConvertError::UnknownKind {
            message: "FromPeerLca",
        })?;
        Ok(match body {
            Body::BeatAnswered(answered) => Self::BeatAnswered {
                sequence: answered.sequence,
                grants: list("FromPeerLca.BeatAnswered.grants", answered.grants)?,
                overtaken: list("FromPeerLca.BeatAnswered.overtaken", answered.overtaken)?,
            },
            Body::Release(release) => Self::Release {
                pair: name("FromPeerLca.Release.pair", release.pair)?,
                epoch: Epoch(release.epoch),
            },
        })
    }
}
