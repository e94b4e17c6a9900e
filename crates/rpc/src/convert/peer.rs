//! What one LCA tells its peer LCA when asked what it sees.

use super::ConvertError;
use super::fields::{list, micros, name, to_list};
use super::observation::epochs;
use crate::wire;
use changeover_model::message::AddressObservation;
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
