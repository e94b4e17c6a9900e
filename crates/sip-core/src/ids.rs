//! Owns the making of tags, branches, Call-IDs and call keys. Each carries node and epoch, so that the two servers
//! of a pair never issue the same one, nor one server in two of its lives as primary.

use crate::message::via::COOKIE;
use changeover_model::Epoch;
use serde::{Deserialize, Serialize};

/// Identifies a call over both servers and every takeover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallKey {
    /// Epoch in which it began.
    pub epoch: u64,
    /// Node on which it began.
    pub node: u32,
    /// Number there.
    pub number: u64,
}

impl CallKey {
    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let key = Self {
            node: u32::from_str_radix(parts.next()?, 16).ok()?,
            epoch: parts.next()?.parse().ok()?,
            number: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(key)
    }
}

impl std::fmt::Display for CallKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}-{}-{}", self.node, self.epoch, self.number)
    }
}

/// The source of identifiers of one node.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    node: u32,
    seed: u64,
    epoch: Epoch,
    next: u64,
}

impl Ids {
    pub(crate) fn new(node: u32, seed: u64) -> Self {
        Self {
            node,
            seed,
            epoch: Epoch(0),
            next: 0,
        }
    }

    pub(crate) fn enter(&mut self, epoch: Epoch) {
        self.epoch = epoch;
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn unique(&mut self) -> String {
        let number = self.number();
        let guard = mixed(self.seed ^ mixed(number ^ mixed(self.epoch.0 ^ u64::from(self.node))));
        format!("{:x}.{}.{number:x}.{guard:016x}", self.node, self.epoch.0)
    }

    pub(crate) fn tag(&mut self) -> String {
        self.unique()
    }

    pub(crate) fn branch(&mut self) -> String {
        format!("{COOKIE}{}", self.unique())
    }

    pub(crate) fn call_id(&mut self) -> String {
        self.unique()
    }

    pub(crate) fn call(&mut self) -> CallKey {
        CallKey {
            epoch: self.epoch.0,
            node: self.node,
            number: self.number(),
        }
    }

    /// A number for the `o=` line of a leg.
    pub(crate) fn session(&mut self) -> u64 {
        let number = self.number();
        // SDP wants it to be a decimal that others can hold: 48 bits.
        mixed(self.seed ^ number ^ (self.epoch.0 << 32)) >> 16
    }
}

/// splitmix64: spreads a number over all bits.
pub(crate) fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
