//! What an LCA sees of its host: addresses and epochs.

use super::ConvertError;
use super::fields::{address, exact, name, optional, prefix};
use crate::wire;
use changeover_model::message::{AddressObservation, HeldOn};
use changeover_model::{Epoch, PairName};

impl From<AddressObservation> for wire::AddressObservation {
    fn from(observation: AddressObservation) -> Self {
        Self {
            pair: observation.pair.to_string(),
            address: observation.address.to_string(),
            held: observation.held.map(Into::into),
            carrier: observation.carrier,
        }
    }
}

impl TryFrom<wire::AddressObservation> for AddressObservation {
    type Error = ConvertError;
    fn try_from(observation: wire::AddressObservation) -> Result<Self, ConvertError> {
        Ok(Self {
            pair: name("AddressObservation.pair", observation.pair)?,
            address: address("AddressObservation.address", &observation.address)?,
            held: optional(observation.held)?,
            carrier: observation.carrier,
        })
    }
}

impl From<HeldOn> for wire::HeldOn {
    fn from(held: HeldOn) -> Self {
        Self {
            interface: held.interface,
            label: held.label,
            prefix: held.prefix.into(),
        }
    }
}

impl TryFrom<wire::HeldOn> for HeldOn {
    type Error = ConvertError;
    fn try_from(held: wire::HeldOn) -> Result<Self, ConvertError> {
        Ok(Self {
            interface: exact("HeldOn.interface", held.interface)?,
            label: held
                .label
                .map(|label| exact("HeldOn.label", label))
                .transpose()?,
            prefix: prefix("HeldOn.prefix", held.prefix)?,
        })
    }
}

/// A pair and its epoch, as a list of them travels.
pub(super) struct EpochOfPair(pub(super) (PairName, Epoch));

impl From<(PairName, Epoch)> for wire::EpochOfPair {
    fn from((pair, epoch): (PairName, Epoch)) -> Self {
        Self {
            pair: pair.to_string(),
            epoch: epoch.0,
        }
    }
}

impl TryFrom<wire::EpochOfPair> for EpochOfPair {
    type Error = ConvertError;
    fn try_from(wire: wire::EpochOfPair) -> Result<Self, ConvertError> {
        Ok(Self((
            name("EpochOfPair.pair", wire.pair)?,
            Epoch(wire.epoch),
        )))
    }
}

pub(super) fn epochs(
    field: &'static str,
    wires: Vec<wire::EpochOfPair>,
) -> Result<Vec<(PairName, Epoch)>, ConvertError> {
    let list: Vec<EpochOfPair> = super::fields::list(field, wires)?;
    Ok(list.into_iter().map(|EpochOfPair(pair)| pair).collect())
}
