//! The commands of an emulated host as site scripts use them: real processes under their own names, against
//! a running emulator. Output and exit codes are those of net-tools 2.10 and iproute2 6.1 on Linux.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use changeover_emulated_host::COMMANDS;
use changeover_emulated_nic::{Control, NETWORK_HOST_VARIABLE, NETWORK_VARIABLE};
use changeover_network_emulator::{
    Emulator, HostDescription, InterfaceDescription, ReservedBlock, SiteDescription,
    VirtualIpDescription, choose_block,
};
use tempfile::TempDir;
use tokio::net::UdpSocket;
use tokio::process::Command;

struct Site {
    control: Control,
    folder: TempDir,
    _emulator: Emulator,
    _block: ReservedBlock,
}

fn vip() -> IpAddr {
    "10.10.11.103".parse().expect("an address")
}

impl Site {
    async fn up() -> Self {
        let host = |name: &str, address: &str| HostDescription {
            name: name.to_owned(),
            interfaces: vec![InterfaceDescription {
                name: "eth0".to_owned(),
                segment: "lan".to_owned(),
                addresses: vec![address.parse().expect("an address with prefix")],
            }],
        };
        let site = SiteDescription {
            devices: Vec::new(),
            hosts: vec![
                host("host1", "10.10.11.101/24"),
                host("host2", "10.10.11.102/24"),
            ],
            virtual_ips: vec![VirtualIpDescription {
                address: vip(),
                udp_ports: vec![5060],
            }],
            neighbours: Vec::new(),
            arp_lifetime_ms: 30_000,
            clusters: Vec::new(),
        };
        let folder = tempfile::tempdir().expect("a folder");
        for name in COMMANDS {
            std::os::unix::fs::symlink(
                env!("CARGO_BIN_EXE_emulated-host"),
                folder.path().join(name),
            )
            .expect("a link");
        }
        let block = choose_block().expect("a free block");
        let socket = folder.path().join("network.sock");
        let emulator = Emulator::start(&site, &socket, block.block())
            .await
            .expect("a running emulator");
        Self {
            control: Control::connect(&socket).await.expect("control"),
            folder,
            _emulator: emulator,
            _block: block,
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("network.sock")
    }

    /// Runs a line as a shell on a host would; exit code, stdout, stderr.
    async fn on(&self, host: &str, line: &str) -> (i32, String, String) {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-c", line])
            .env("PATH", format!("{}:{path}", self.folder.path().display()))
            .env(NETWORK_VARIABLE, self.socket())
            .env(NETWORK_HOST_VARIABLE, host)
            .output()
            .await
            .expect("a shell");
        (
            output.status.code().expect("an exit code"),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }

    async fn succeeds(&self, host: &str, line: &str) -> String {
        let (code, out, err) = self.on(host, line).await;
        assert_eq!((code, err.as_str()), (0, ""), "{line}");
        out
    }

    async fn fails(&self, host: &str, line: &str, code: i32, complaint: &str) {
        let (ended, _, err) = self.on(host, line).await;
        assert_eq!((ended, err.trim_end()), (code, complaint), "{line}");
    }
}

#[tokio::test]
async fn ifconfig_without_netmask_sets_a_classful_one() {
    let site = Site::up().await;
    site.succeeds("host1", "ifconfig eth0:1 10.10.11.103 up")
        .await;
    let shown = site.succeeds("host1", "ifconfig").await;
    let expected = "\
eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500
        inet 10.10.11.101  netmask 255.255.255.0  broadcast 10.10.11.255
        ether 02:c0:00:00:00:01  txqueuelen 1000  (Ethernet)
        RX packets 0  bytes 0 (0.0 B)
        RX errors 0  dropped 0  overruns 0  frame 0
        TX packets 0  bytes 0 (0.0 B)
        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0

eth0:1: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500
        inet 10.10.11.103  netmask 255.0.0.0  broadcast 10.255.255.255
        ether 02:c0:00:00:00:01  txqueuelen 1000  (Ethernet)

lo: flags=73<UP,LOOPBACK,RUNNING>  mtu 65536
        inet 127.0.0.1  netmask 255.0.0.0
        inet6 ::1  prefixlen 128  scopeid 0x10<host>
        loop  txqueuelen 1000  (Local Loopback)
        RX packets 0  bytes 0 (0.0 B)
        RX errors 0  dropped 0  overruns 0  frame 0
        TX packets 0  bytes 0 (0.0 B)
        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0

";
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn ifconfig_down_works_once_and_only_for_its_own_label() {
    let site = Site::up().await;
    let up = "ifconfig eth0:1 10.10.11.103 netmask 255.255.255.0 broadcast 10.10.11.255 up";
    site.succeeds("host1", up).await;
    let shown = site
        .succeeds("host1", "ip -o -4 addr show dev eth0 label 'eth0:*'")
        .await;
    assert_eq!(
        shown,
        "2: eth0    inet 10.10.11.103/24 brd 10.10.11.255 scope global secondary eth0:1\\       valid_lft forever preferred_lft forever\n"
    );
    site.succeeds("host1", "ifconfig eth0:1 down").await;
    let absent = "SIOCSIFFLAGS: Cannot assign requested address";
    site.fails("host1", "ifconfig eth0:1 down", 255, absent)
        .await;
    site.succeeds("host1", "ip addr add 10.10.11.103/24 dev eth0")
        .await;
    site.fails("host1", "ifconfig eth0:1 down", 255, absent)
        .await;
    let brief = site.succeeds("host1", "ip -br -4 addr show dev eth0").await;
    assert_eq!(
        brief,
        "eth0             UP             10.10.11.101/24 10.10.11.103/24 \n"
    );
}

#[tokio::test]
async fn ifconfig_complains_and_ends_as_net_tools_does() {
    let site = Site::up().await;
    let cases = [
        (
            "ifconfig eth9",
            1,
            "eth9: error fetching interface information: Device not found",
        ),
        (
            "ifconfig eth9 up",
            255,
            "eth9: ERROR while getting interface flags: No such device",
        ),
        (
            "ifconfig eth9:1 down",
            255,
            "eth9:1: ERROR while getting interface flags: No such device",
        ),
        (
            "ifconfig eth9 10.1.1.1 up",
            255,
            "SIOCSIFADDR: No such device\neth9: ERROR while getting interface flags: No such device\neth9: ERROR while getting interface flags: No such device",
        ),
        (
            "ifconfig eth0:1 up",
            255,
            "SIOCSIFFLAGS: Cannot assign requested address",
        ),
        (
            "ifconfig eth0:1 netmask 255.255.255.0",
            1,
            "SIOCSIFNETMASK: Cannot assign requested address",
        ),
        (
            "ifconfig eth0 10.10.11.300",
            1,
            "10.10.11.300: Unknown host\nifconfig: `--help' gives usage information.",
        ),
        (
            "ifconfig eth0 nosuch",
            1,
            "nosuch: Host name lookup failure\nifconfig: `--help' gives usage information.",
        ),
        (
            "ifconfig eth0 del 2001:db8::104/64",
            1,
            "SIOCDIFADDR: Cannot assign requested address",
        ),
    ];
    for (line, code, complaint) in cases {
        site.fails("host1", line, code, complaint).await;
    }
    site.succeeds("host1", "ifconfig eth0 add 2001:db8::104/64")
        .await;
    let shown = site.succeeds("host1", "ifconfig eth0").await;
    assert!(
        shown.contains("        inet6 2001:db8::104  prefixlen 64  scopeid 0x0<global>\n"),
        "{shown}"
    );
    site.succeeds("host1", "ifconfig eth0 down").await;
    assert!(!site.succeeds("host1", "ifconfig").await.contains("eth0"));
    let shown = site.succeeds("host1", "ifconfig -a").await;
    assert!(
        shown.starts_with("eth0: flags=4098<BROADCAST,MULTICAST>  mtu 1500\n"),
        "{shown}"
    );
}

#[tokio::test]
async fn ip_shows_and_changes_addresses_as_iproute2_does() {
    let site = Site::up().await;
    site.succeeds(
        "host1",
        "ip addr add 10.10.11.103/24 brd + dev eth0 label eth0:1",
    )
    .await;
    site.succeeds("host1", "ip -6 a add 2001:db8::103/64 dev eth0 nodad")
        .await;
    let shown = site.succeeds("host1", "ip addr show dev eth0").await;
    let expected = "\
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP group default qlen 1000
    link/ether 02:c0:00:00:00:01 brd ff:ff:ff:ff:ff:ff
    inet 10.10.11.101/24 brd 10.10.11.255 scope global eth0
       valid_lft forever preferred_lft forever
    inet 10.10.11.103/24 brd 10.10.11.255 scope global secondary eth0:1
       valid_lft forever preferred_lft forever
    inet6 2001:db8::103/64 scope global \n       valid_lft forever preferred_lft forever
";
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn ip_complains_and_ends_as_iproute2_does() {
    let site = Site::up().await;
    site.succeeds(
        "host1",
        "ip addr add 10.10.11.103/24 brd + dev eth0 label eth0:1",
    )
    .await;
    let found = site
        .succeeds("host1", "ip -o addr show to 10.10.11.103 | wc -l")
        .await;
    assert_eq!(found.trim(), "1");
    let cases = [
        (
            "ip addr add 10.10.11.103/24 dev eth0",
            2,
            "Error: ipv4: Address already assigned.",
        ),
        (
            "ip addr del 10.10.11.103/32 dev eth0",
            2,
            "Error: ipv4: Address not found.",
        ),
        (
            "ip addr del 10.10.11.103/24 dev eth9",
            1,
            "Cannot find device \"eth9\"",
        ),
        (
            "ip addr show dev eth9",
            1,
            "Device \"eth9\" does not exist.",
        ),
        (
            "ip addr add 10.10.11.300/24 dev eth0",
            1,
            "Error: any valid prefix is expected rather than \"10.10.11.300/24\".",
        ),
        (
            "ip addr add 10.10.11.30/24",
            1,
            "Not enough information: \"dev\" argument is required.",
        ),
        (
            "ip addr bogus",
            255,
            "Command \"bogus\" is unknown, try \"ip address help\".",
        ),
        ("ip link set dev eth7 up", 1, "Cannot find device \"eth7\""),
        (
            "ip tunnel show",
            1,
            "Object \"tunnel\" is unknown, try \"ip help\".",
        ),
    ];
    for (line, code, complaint) in cases {
        site.fails("host1", line, code, complaint).await;
    }
    site.succeeds("host1", "ip addr replace 10.10.11.103/24 dev eth0")
        .await;
    site.succeeds("host1", "ip addr del 10.10.11.103/24 dev eth0")
        .await;
    site.succeeds("host1", "ip link set eth0 down").await;
    let brief = site.succeeds("host1", "ip -br link show eth0").await;
    assert_eq!(
        brief,
        "eth0             DOWN           02:c0:00:00:00:01 <BROADCAST,MULTICAST> \n"
    );
}

#[tokio::test]
async fn a_vip_moved_by_scripts_is_found_by_neighbours_once_arping_announced_it() {
    let site = Site::up().await;
    let client = UdpSocket::bind("127.0.0.1:0").await.expect("a client");
    let real = site.control.real_address(vip()).await.expect("a place");
    site.succeeds(
        "host1",
        "ifconfig eth0:1 10.10.11.103 netmask 255.255.255.0 up",
    )
    .await;
    client
        .send_to(b"OPTIONS", (real, 5060))
        .await
        .expect("sent");
    let entry = async |expected: &str| {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let entry = site
                .control
                .arp_entry("neighbour", vip())
                .await
                .expect("a table");
            if entry.as_deref() == Some(expected) {
                return;
            }
            assert!(Instant::now() < until, "the entry is {entry:?}");
            tokio::task::yield_now().await;
        }
    };
    entry("host1").await;
    site.succeeds("host1", "ifconfig eth0:1 down").await;
    site.succeeds(
        "host2",
        "ifconfig eth0:1 10.10.11.103 netmask 255.255.255.0 up",
    )
    .await;
    entry("host1").await;
    let shown = site
        .succeeds("host2", "arping -c 1 -w 1 -U -I eth0 10.10.11.103")
        .await;
    assert_eq!(
        shown,
        "ARPING 10.10.11.103 from 10.10.11.103 eth0\nSent 1 probes (1 broadcast(s))\nReceived 0 response(s)\n"
    );
    entry("host2").await;
}

#[tokio::test]
async fn arping_detects_a_duplicate_and_cannot_announce_what_is_not_held() {
    let site = Site::up().await;
    site.fails(
        "host1",
        "arping -c 1 -A -I eth0 10.10.11.103",
        2,
        "arping: bind: Cannot assign requested address",
    )
    .await;
    site.fails(
        "host1",
        "arping -c 1 -D -I eth9 10.10.11.103",
        2,
        "arping: Device eth9 not available.",
    )
    .await;
    site.succeeds("host2", "ip addr add 10.10.11.103/24 dev eth0")
        .await;
    let (code, out, _) = site
        .on("host1", "arping -c 2 -D -I eth0 10.10.11.103")
        .await;
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("Unicast reply from 10.10.11.103 [02:C0:00:00:00:02]  "),
        "{out}"
    );
    site.control
        .unplug("host2", "eth0")
        .await
        .expect("unplugged");
    site.succeeds("host1", "arping -q -c 1 -w 1 -D -I eth0 10.10.11.103")
        .await;
}

#[tokio::test]
async fn ping_is_answered_by_whoever_holds_the_address() {
    let site = Site::up().await;
    let out = site.succeeds("host1", "ping -c 1 -W 1 10.10.11.102").await;
    assert!(out.starts_with("PING 10.10.11.102 (10.10.11.102) 56(84) bytes of data.\n64 bytes from 10.10.11.102: icmp_seq=1 ttl=64 time="), "{out}");
    assert!(
        out.contains("1 packets transmitted, 1 received, 0% packet loss"),
        "{out}"
    );
    site.control
        .unplug("host2", "eth0")
        .await
        .expect("unplugged");
    let (code, out, _) = site.on("host1", "ping -c1 -W0.2 10.10.11.102").await;
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("1 packets transmitted, 0 received, 100% packet loss"),
        "{out}"
    );
    site.fails(
        "host1",
        "ping -c 1 nosuch",
        2,
        "ping: nosuch: Name or service not known",
    )
    .await;
}

#[tokio::test]
async fn hostname_is_the_emulated_hosts() {
    let site = Site::up().await;
    assert_eq!(site.succeeds("host2", "hostname").await, "host2\n");
    assert_eq!(
        site.succeeds("host2", "hostname -I").await,
        "10.10.11.102 \n"
    );
}

#[tokio::test]
async fn vipctl_works_on_the_emulated_host() {
    let site = Site::up().await;
    let (code, out, err) = site
        .on(
            "host1",
            "vipctl up 10.10.11.103/24 --interface eth0 --label eth0:1",
        )
        .await;
    assert_eq!(code, 0, "{out}{err}");
    let brief = site.succeeds("host1", "ip -br -4 addr show dev eth0").await;
    assert_eq!(
        brief,
        "eth0             UP             10.10.11.101/24 10.10.11.103/24 \n"
    );
    let (code, out, err) = site.on("host1", "vipctl down 10.10.11.103").await;
    assert_eq!(code, 0, "{out}{err}");
    let brief = site.succeeds("host1", "ip -br -4 addr show dev eth0").await;
    assert_eq!(brief, "eth0             UP             10.10.11.101/24 \n");
}

#[tokio::test]
async fn ordered_delays_and_failures_meet_every_command() {
    let site = Site::up().await;
    site.control
        .fail_commands("host1", 1)
        .await
        .expect("ordered");
    let up = "ifconfig eth0:1 10.10.11.103 netmask 255.255.255.0 up";
    site.fails("host1", up, 255, "SIOCSIFFLAGS: Operation not permitted")
        .await;
    assert!(
        !site
            .succeeds("host1", "ifconfig")
            .await
            .contains("10.10.11.103")
    );
    site.control
        .delay_commands("host1", Duration::from_millis(300))
        .await
        .expect("ordered");
    let begun = Instant::now();
    site.succeeds("host1", up).await;
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let begun = Instant::now();
    site.succeeds("host2", "hostname").await;
    assert!(
        begun.elapsed() < Duration::from_millis(300),
        "host2 is not delayed"
    );
}

#[tokio::test]
async fn without_an_emulated_network_a_command_says_what_is_missing() {
    let output = Command::new(env!("CARGO_BIN_EXE_emulated-host"))
        .arg("ifconfig")
        .env_remove(NETWORK_VARIABLE)
        .output()
        .await
        .expect("a process");
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("CHANGEOVER_NETWORK"), "{complaint}");
}
