//! The site East in small, running.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use changeover_emulated_nic::{Control, Network};
use changeover_network_emulator::{
    Emulator, HostDescription, InterfaceDescription, ReservedBlock, SiteDescription,
    VirtualIpDescription, choose_block,
};
use changeover_virtual_ip::{Change, VirtualAddress};
use tempfile::TempDir;
use tokio::net::UdpSocket;

pub(crate) const VIP: &str = "10.10.11.103";

/// Far longer than anything here takes; a test that hits it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Long enough to see that nothing comes.
pub(crate) const SILENCE: Duration = Duration::from_millis(150);

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(crate) fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address with port")
}

pub(crate) fn east() -> SiteDescription {
    let host = |name: &str, address: &str| HostDescription {
        name: name.to_owned(),
        interfaces: vec![InterfaceDescription {
            name: "eth0".to_owned(),
            segment: "lan".to_owned(),
            addresses: vec![address.parse().expect("an address with prefix")],
        }],
    };
    SiteDescription {
        devices: Vec::new(),
        hosts: vec![
            host("host1", "10.10.11.101/24"),
            host("host2", "10.10.11.102/24"),
        ],
        virtual_ips: vec![VirtualIpDescription {
            address: ip(VIP),
            udp_ports: vec![5060],
        }],
        neighbours: Vec::new(),
        arp_lifetime_ms: 30_000,
        clusters: Vec::new(),
    }
}

pub(crate) fn vip() -> VirtualAddress {
    VirtualAddress {
        address: ip(VIP),
        prefix: 24,
        interface: "eth0".to_owned(),
        label: Some("eth0:1".to_owned()),
    }
}

pub(crate) struct Site {
    pub(crate) control: Control,
    pub(crate) host1: Network,
    pub(crate) host2: Network,
    _emulator: Emulator,
    pub(crate) folder: TempDir,
    pub(crate) block: ReservedBlock,
}

impl Site {
    pub(crate) async fn up() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let block = choose_block().expect("a free block");
        let socket = folder.path().join("network.sock");
        let emulator = Emulator::start(&east(), &socket, block.block())
            .await
            .expect("a running emulator");
        Self {
            control: Control::connect(&socket).await.expect("control"),
            host1: Network::connect(&socket, "host1").await.expect("host1"),
            host2: Network::connect(&socket, "host2").await.expect("host2"),
            _emulator: emulator,
            folder,
            block,
        }
    }

    pub(crate) async fn real(&self, address: &str) -> SocketAddr {
        let address = at(address);
        let real = self
            .control
            .real_address(address.ip())
            .await
            .expect("a place");
        SocketAddr::new(real, address.port())
    }

    /// A client outside the site.
    pub(crate) async fn client(&self) -> UdpSocket {
        UdpSocket::bind("127.0.0.1:0")
            .await
            .expect("a client's socket")
    }

    pub(crate) async fn give_vip(&self, network: &Network) {
        let addresses = network.addresses().await.expect("addresses");
        assert_eq!(addresses.add(&vip()).await, Ok(Change::Done));
    }

    pub(crate) async fn take_vip(&self, network: &Network) {
        let addresses = network.addresses().await.expect("addresses");
        assert_eq!(addresses.remove(ip(VIP)).await, Ok(Change::Done));
    }

    pub(crate) async fn announce(&self, network: &Network) {
        let addresses = network.addresses().await.expect("addresses");
        addresses
            .announce(ip(VIP), "eth0")
            .await
            .expect("announced");
    }
}
