//! Owns where site addresses are on this machine: each gets one of a 127.x.y.0/24 that belongs to one run.
//! [`choose_block`] finds and reserves such a block; [`AddressMap`] hands out its addresses and translates
//! back. Who may send what to whom is decided elsewhere.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, UdpSocket};
use std::str::FromStr;

/// Real addresses that site addresses may get: .1 to .250.
const HIGHEST: u8 = 250;
/// The address at which relays wait for their one connection.
const RELAY: u8 = 253;
/// The address and port whose holder owns the block.
const MARK: (u8, u16) = (254, 41_994);
/// Blocks that are tried before giving up.
const TRIES: u32 = 64;

/// A 127.x.y.0/24.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block {
    x: u8,
    y: u8,
}

/// Why a block cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// Not written as a block.
    #[error("{0:?} is no block for an emulated network: write 127.X.Y.0/24 with X at least 1")]
    Syntax(String),
    /// Every block that was tried is in use.
    #[error("no free 127.x.y.0/24 was found in {TRIES} tries; the last said: {0}")]
    NoneFree(std::io::Error),
    /// More addresses than the block has.
    #[error("the block {0} has no real address left; a site can have {HIGHEST} at most")]
    Full(Block),
}

impl Block {
    fn address(self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.x, self.y, last)
    }

    /// Where relays wait.
    #[must_use]
    pub fn relay(self) -> IpAddr {
        self.address(RELAY).into()
    }

    /// Whether a real address belongs to the block.
    #[must_use]
    pub fn contains(self, real: IpAddr) -> bool {
        matches!(real, IpAddr::V4(ip) if ip.octets().starts_with(&[127, self.x, self.y]))
    }
}

impl fmt::Display for Block {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "127.{}.{}.0/24", self.x, self.y)
    }
}

impl FromStr for Block {
    type Err = BlockError;

    fn from_str(text: &str) -> Result<Self, BlockError> {
        let wrong = || BlockError::Syntax(text.to_owned());
        let address: Ipv4Addr = text
            .strip_suffix("/24")
            .and_then(|address| address.parse().ok())
            .ok_or_else(wrong)?;
        match address.octets() {
            [127, x, y, 0] if x > 0 => Ok(Self { x, y }),
            _ => Err(wrong()),
        }
    }
}

/// A block that this process keeps for itself until the value is dropped.
#[derive(Debug)]
pub struct ReservedBlock {
    block: Block,
    _mark: UdpSocket,
}

impl ReservedBlock {
    /// The block.
    #[must_use]
    pub const fn block(&self) -> Block {
        self.block
    }
}

/// Reserves a block that no other run on this machine has.
///
/// # Errors
/// When none of 64 random ones is free.
pub fn choose_block() -> Result<ReservedBlock, BlockError> {
    let mut last = None;
    for _ in 0..TRIES {
        let [a, b, ..] = RandomState::new().build_hasher().finish().to_be_bytes();
        // 127.0.y is where resolvers and distributions put their own names.
        let block = Block { x: a.max(1), y: b };
        match UdpSocket::bind(SocketAddrV4::new(block.address(MARK.0), MARK.1)) {
            Ok(mark) => return Ok(ReservedBlock { block, _mark: mark }),
            Err(error) => last = Some(error),
        }
    }
    Err(BlockError::NoneFree(last.unwrap_or_else(|| {
        std::io::Error::other("nothing was tried")
    })))
}

/// Site addresses and their real ones.
#[derive(Debug, Clone)]
pub struct AddressMap {
    block: Block,
    real: BTreeMap<(Option<String>, IpAddr), u8>,
    site: BTreeMap<u8, IpAddr>,
}

impl AddressMap {
    /// An empty map for a block.
    #[must_use]
    pub const fn new(block: Block) -> Self {
        Self {
            block,
            real: BTreeMap::new(),
            site: BTreeMap::new(),
        }
    }

    /// The block.
    #[must_use]
    pub const fn block(&self) -> Block {
        self.block
    }

    /// The real address of a site address: the one with the same last octet if that is free, else the next.
    ///
    /// # Errors
    /// When the block is full.
    pub fn real(&mut self, address: IpAddr) -> Result<IpAddr, BlockError> {
        self.place((None, address))
    }

    /// The real address at which one host listens for connections to a Virtual IP: each host has its own,
    /// because each may listen before the address arrives.
    ///
    /// # Errors
    /// When the block is full.
    pub fn real_on(&mut self, host: &str, address: IpAddr) -> Result<IpAddr, BlockError> {
        self.place((Some(host.to_owned()), address))
    }

    fn place(&mut self, key: (Option<String>, IpAddr)) -> Result<IpAddr, BlockError> {
        if let Some(last) = self.real.get(&key) {
            return Ok(self.block.address(*last).into());
        }
        let wanted = match key.1 {
            IpAddr::V4(ip) => ip.octets()[3],
            IpAddr::V6(ip) => ip.octets()[15],
        };
        let wanted = wanted.clamp(1, HIGHEST);
        let last = (wanted..=HIGHEST)
            .chain(1..wanted)
            .find(|last| !self.site.contains_key(last))
            .ok_or(BlockError::Full(self.block))?;
        self.site.insert(last, key.1);
        self.real.insert(key, last);
        Ok(self.block.address(last).into())
    }

    /// The site address behind a real one.
    #[must_use]
    pub fn site(&self, real: IpAddr) -> Option<IpAddr> {
        match real {
            IpAddr::V4(ip) if self.block.contains(real) => self.site.get(&ip.octets()[3]).copied(),
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        }
    }

    /// Site addresses with their real ones, those of single hosts left out.
    pub fn pairs(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        self.real
            .iter()
            .filter(|((host, _), _)| host.is_none())
            .map(|((_, site), last)| (*site, self.block.address(*last).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_site_address_keeps_its_last_octet_and_the_next_one_moves_up() {
        let mut map = AddressMap::new("127.9.8.0/24".parse().expect("a block"));
        let real = |map: &mut AddressMap, address| map.real(ip(address)).expect("room");
        assert_eq!(real(&mut map, "10.10.11.101"), ip("127.9.8.101"));
        assert_eq!(real(&mut map, "10.10.12.101"), ip("127.9.8.102"));
        assert_eq!(real(&mut map, "10.10.11.102"), ip("127.9.8.103"));
        assert_eq!(real(&mut map, "2001:db8::65"), ip("127.9.8.104"));
        assert_eq!(real(&mut map, "10.10.11.255"), ip("127.9.8.250"));
        assert_eq!(real(&mut map, "10.10.11.101"), ip("127.9.8.101"));
        assert_eq!(map.site(ip("127.9.8.103")), Some(ip("10.10.11.102")));
        assert_eq!(map.site(ip("127.0.0.1")), None);
    }

    #[test]
    fn each_host_listens_for_a_virtual_ip_at_a_place_of_its_own() {
        let mut map = AddressMap::new("127.9.8.0/24".parse().expect("a block"));
        let vip = ip("10.10.11.103");
        let shared = map.real(vip).expect("room");
        let first = map.real_on("host1", vip).expect("room");
        let second = map.real_on("host2", vip).expect("room");
        assert_eq!(shared, ip("127.9.8.103"));
        assert_eq!((first, second), (ip("127.9.8.104"), ip("127.9.8.105")));
        assert_eq!(map.site(second), Some(vip));
    }

    #[test]
    fn a_full_block_says_so() {
        let mut map = AddressMap::new("127.9.8.0/24".parse().expect("a block"));
        for last in 0..250_u8 {
            map.real(Ipv4Addr::new(10, 0, 0, last).into())
                .expect("room");
        }
        assert!(matches!(map.real(ip("10.0.1.1")), Err(BlockError::Full(_))));
    }

    #[test]
    fn two_runs_never_get_the_same_block() {
        let first = choose_block().expect("a block");
        let second = choose_block().expect("a block");
        assert_ne!(first.block(), second.block());
        assert!(UdpSocket::bind((first.block().address(MARK.0), MARK.1)).is_err());
    }

    #[test]
    fn only_a_block_of_the_loopback_network_is_a_block() {
        for wrong in [
            "10.0.0.0/24",
            "127.0.0.0/24",
            "127.9.8.7/24",
            "127.9.8.0/16",
            "",
        ] {
            assert!(wrong.parse::<Block>().is_err(), "{wrong} was taken");
        }
        let block: Block = "127.9.8.0/24".parse().expect("a block");
        assert_eq!(block.to_string(), "127.9.8.0/24");
    }
}
