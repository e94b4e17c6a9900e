//! Golden outputs and exit codes of the platforms' commands.

use std::time::Duration;

use changeover_emulated_host::Platform;
use tokio::net::UdpSocket;

use crate::site::{Site, VIP};

async fn succeeds(site: &Site, line: &str, expected: &str) {
    assert_eq!(
        site.line("host1", line).await,
        (0, expected.to_owned(), String::new()),
        "{line}"
    );
}

#[tokio::test]
async fn netsh_adds_lists_and_deletes() {
    let site = Site::up(Platform::Windows).await;
    let add = "netsh interface ip add address name=\"Local Area Connection\" addr=10.10.11.103 mask=255.255.255.0";
    succeeds(&site, add, "Ok.\n\n").await;
    let (code, out, _) = site.line("host1", add).await;
    assert_eq!((code, out.as_str()), (1, "The object already exists.\n\n"));
    let shown = "
Configuration for interface \"Local Area Connection\"
    DHCP enabled:                         No
    IP Address:                           10.10.11.101
    SubnetMask:                           255.255.255.0
    IP Address:                           10.10.11.103
    SubnetMask:                           255.255.255.0
    InterfaceMetric:                      0

";
    for line in [
        "netsh interface ip show addresses",
        "netsh interface ip show config name=\"local area connection\"",
        "netsh int ip show address \"Local Area Connection\"",
    ] {
        succeeds(&site, line, shown).await;
    }
    succeeds(&site, "netsh interface ip delete arpcache", "Ok.\n\n").await;
    let wrong = "netsh interface ip delete address name=\"LAN 2\" addr=10.10.11.103";
    let (code, out, _) = site.line("host1", wrong).await;
    assert_eq!(
        (code, out.as_str()),
        (
            1,
            "The filename, directory name, or volume label syntax is incorrect.\n\n"
        )
    );
    let delete = "netsh interface ip delete address \"Local Area Connection\" addr=10.10.11.103";
    succeeds(&site, delete, "Ok.\n\n").await;
    let (code, out, _) = site.line("host1", delete).await;
    assert_eq!((code, out.as_str()), (1, "Element not found.\n\n"));
}

#[tokio::test]
async fn ipconfig_lists_the_newest_address_first() {
    let site = Site::up(Platform::Windows).await;
    site.line(
        "host1",
        "netsh int ip add address \"Local Area Connection\" 10.10.11.103 255.255.255.0",
    )
    .await;
    let expected = "
Windows IP Configuration


Ethernet adapter Local Area Connection:

   Connection-specific DNS Suffix  . : 
   IP Address. . . . . . . . . . . . : 10.10.11.103
   Subnet Mask . . . . . . . . . . . : 255.255.255.0
   IP Address. . . . . . . . . . . . : 10.10.11.101
   Subnet Mask . . . . . . . . . . . : 255.255.255.0
   Default Gateway . . . . . . . . . : 
";
    succeeds(&site, "ipconfig", expected).await;
    site.control
        .unplug("host1", "Local Area Connection")
        .await
        .expect("there is one");
    let (_, out, _) = site.line("host1", "ipconfig /all | findstr Media").await;
    assert_eq!(
        out,
        "   Media State . . . . . . . . . . . : Media disconnected\n"
    );
}

#[tokio::test]
async fn ping_of_windows_says_who_replied_and_who_did_not() {
    let site = Site::up(Platform::Windows).await;
    let (code, out, _) = site.line("host1", "ping -n 1 10.10.11.102").await;
    let expected =
        "\nPinging 10.10.11.102 with 32 bytes of data:\n\nReply from 10.10.11.102: bytes=32 time";
    assert_eq!((code, out.starts_with(expected)), (0, true), "{out}");
    assert!(
        out.contains("Packets: Sent = 1, Received = 1, Lost = 0 (0% loss),"),
        "{out}"
    );
    let expected = "
Pinging 10.10.11.103 with 32 bytes of data:

Request timed out.
Request timed out.

Ping statistics for 10.10.11.103:
    Packets: Sent = 2, Received = 0, Lost = 2 (100% loss),
";
    let silent = site.line("host1", "ping.exe -n 2 -w 50 10.10.11.103").await;
    assert_eq!(silent, (1, expected.to_owned(), String::new()));
    let (code, out, _) = site.line("host1", "ping -n 1 10.10.11.103").await;
    assert_eq!(
        code, 0,
        "an unreachable neighbour counts as an answer, which misleads helpers"
    );
    assert!(
        out.contains("Reply from 10.10.11.101: Destination host unreachable."),
        "{out}"
    );
    let (code, out, _) = site.line("host1", "ping nowhere").await;
    assert_eq!(code, 1);
    assert_eq!(
        out,
        "Ping request could not find host nowhere. Please check the name and try again.\n"
    );
}

#[tokio::test]
async fn a_new_holder_is_announced_unless_the_network_loses_it() {
    let table = [
        (
            Platform::Windows,
            "netsh int ip add address \"Local Area Connection\" 10.10.11.103 255.255.255.0",
            "netsh int ip delete address \"Local Area Connection\" 10.10.11.103",
        ),
        (
            Platform::Aix,
            "ifconfig en0 10.10.11.103 netmask 255.255.255.0 alias",
            "ifconfig en0 10.10.11.103 delete",
        ),
        (
            Platform::Solaris,
            "ifconfig dmfe0:1 plumb 10.10.11.103/24 up",
            "ifconfig dmfe0:1 unplumb",
        ),
    ];
    for (platform, up, down) in table {
        let site = Site::up(platform).await;
        let vip = VIP.parse().expect("an address");
        let entry = || async {
            let station = site.control.arp_entry("neighbour", vip).await;
            station.expect("a station")
        };
        site.line("host2", up).await;
        // A client's packet makes the neighbour ask who has it.
        let real = site.control.real_address(vip).await.expect("a place");
        let client = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        for _ in 0..500 {
            client.send_to(b"hello", (real, 5060)).await.expect("sent");
            if entry().await.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(entry().await.as_deref(), Some("host2"), "{platform:?}");
        site.line("host2", down).await;
        let lost = site.control.drop_announcements("host1", 1).await;
        lost.expect("there is such a host");
        site.line("host1", up).await;
        assert_eq!(site.holds("host1").await, Some(24), "{platform:?}");
        assert_eq!(entry().await.as_deref(), Some("host2"), "{platform:?}");
        site.line("host1", down).await;
        site.line("host1", up).await;
        assert_eq!(entry().await.as_deref(), Some("host1"), "{platform:?}");
    }
}

#[tokio::test]
async fn ifconfig_of_aix_adds_lists_and_deletes_aliases() {
    let site = Site::up(Platform::Aix).await;
    succeeds(
        &site,
        "ifconfig en0 10.10.11.103 netmask 255.255.255.0 alias",
        "",
    )
    .await;
    let expected = "\
en0: flags=5e080863,c0<UP,BROADCAST,NOTRAILERS,RUNNING,SIMPLEX,MULTICAST,GROUPRT,64BIT>
        inet 10.10.11.101 netmask 0xffffff00 broadcast 10.10.11.255
        inet 10.10.11.103 netmask 0xffffff00 broadcast 10.10.11.255
         tcp_sendspace 131072 tcp_recvspace 65536
";
    succeeds(&site, "ifconfig en0", expected).await;
    succeeds(&site, "ifconfig en0 10.10.11.103 delete", "").await;
    let (code, _, err) = site.line("host1", "ifconfig en0 10.10.11.103 delete").await;
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "ifconfig: ioctl (SIOCDIFADDR): Can't assign requested address\n"
        )
    );
    let (code, _, err) = site.line("host1", "ifconfig en5 10.10.11.103 alias").await;
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "ifconfig: ioctl (SIOCGIFFLAGS): en5: there is no such interface\n"
        )
    );
    site.line("host1", "ifconfig en0 10.10.11.103 alias").await;
    assert_eq!(
        site.holds("host1").await,
        Some(8),
        "without a mask its class decides"
    );
}

#[tokio::test]
async fn ifconfig_of_solaris_keeps_logical_interfaces_up_or_down() {
    let site = Site::up(Platform::Solaris).await;
    let (code, _, err) = site.line("host1", "ifconfig dmfe0:1 up").await;
    assert_eq!(
        (code, err.as_str()),
        (1, "ifconfig: SIOCGLIFFLAGS: dmfe0:1: no such interface\n")
    );
    succeeds(&site, "ifconfig dmfe0:1 plumb", "").await;
    succeeds(
        &site,
        "ifconfig dmfe0:1 10.10.11.103 netmask + broadcast + up",
        "",
    )
    .await;
    assert_eq!(
        site.holds("host1").await,
        Some(24),
        "/etc/netmasks knows the network"
    );
    succeeds(&site, "ifconfig dmfe0:1 down", "").await;
    assert_eq!(site.holds("host1").await, None);
    succeeds(&site, "ifconfig dmfe0:1 down", "").await;
    let expected = "\
lo0: flags=2001000849<UP,LOOPBACK,RUNNING,MULTICAST,IPv4,VIRTUAL> mtu 8232 index 1
        inet 127.0.0.1 netmask ff000000 
dmfe0: flags=1000843<UP,BROADCAST,RUNNING,MULTICAST,IPv4> mtu 1500 index 2
        inet 10.10.11.101 netmask ffffff00 broadcast 10.10.11.255
        ether 2:c0:0:0:0:1 
dmfe0:1: flags=1000842<BROADCAST,RUNNING,MULTICAST,IPv4> mtu 1500 index 2
        inet 10.10.11.103 netmask ffffff00 broadcast 10.10.11.255
";
    succeeds(&site, "ifconfig -a", expected).await;
    succeeds(&site, "ifconfig dmfe0:1 up", "").await;
    assert_eq!(site.holds("host1").await, Some(24), "its address was kept");
    let (code, _, err) = site
        .line("host1", "ifconfig dmfe0:1 /etc/hostname.dmfe0:1 up")
        .await;
    assert_eq!(
        (code, err.as_str()),
        (1, "ifconfig: /etc/hostname.dmfe0:1: bad address\n"),
        "a slip of the guide that sites have copied"
    );
    succeeds(
        &site,
        "ifconfig dmfe0 addif 10.10.11.104/24 up",
        "Created new logical interface dmfe0:2\n",
    )
    .await;
    succeeds(&site, "ping 10.10.11.102", "10.10.11.102 is alive\n").await;
    let (code, out, _) = site.line("host1", "ping 10.10.11.199 1").await;
    assert_eq!((code, out.as_str()), (1, "no answer from 10.10.11.199\n"));
}
