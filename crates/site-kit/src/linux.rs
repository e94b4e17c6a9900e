//! IP Address Takeover on Linux: the VIP on a logical sub-interface, moved by `vipctl` or by two shell scripts.

use crate::filling::Values;
use crate::request::{ControlScripts, Nics, Request};
use crate::{KitError, KitFile};
use changeover_model::Redundancy;
use ipnet::IpNet;
use std::net::IpAddr;

/// The environment file of every kit with control scripts.
pub(crate) const SITE: &str = include_str!("../templates/site.yaml");
const UP: &str = include_str!("../templates/linux/set_ip_up.sh");
const DOWN: &str = include_str!("../templates/linux/set_ip_down.sh");
const README: &str = include_str!("../templates/linux/README.md");
const HOSTS: &str = include_str!("../templates/hosts/hosts");
const IFCFG: &str = include_str!("../templates/hosts/ifcfg");

pub(crate) fn files(request: &Request) -> Result<Vec<KitFile>, KitError> {
    let values = values(request);
    let file = |path: &'static str, template: &str, executable| {
        KitFile::filled(path, template, &values, executable)
    };
    let mut files = vec![file("site.yaml", SITE, false)?];
    if request.control_scripts == ControlScripts::Shell {
        files.push(file("scripts/set_ip_up.sh", UP, true)?);
        files.push(file("scripts/set_ip_down.sh", DOWN, true)?);
        if request.vip.is_ipv4() {
            files.extend(host_files(request, &values)?);
        }
    }
    files.push(file("README.md", README, false)?);
    Ok(files)
}

/// What the hosts' own systems are told of the VIP: its name, and that no boot raises it.
fn host_files(request: &Request, values: &Values) -> Result<Vec<KitFile>, KitError> {
    let mut files = Vec::new();
    for host in [&request.primary.0, &request.backup.0] {
        let values = values.clone().text("host", host);
        let ifcfg = format!("sysconfig/network-scripts/ifcfg-{}:1", request.interface);
        for (name, template) in [("hosts", HOSTS), (ifcfg.as_str(), IFCFG)] {
            files.push(KitFile {
                path: format!("hosts/{host}/etc/{name}").into(),
                text: values.fill("host file", template)?,
                executable: false,
            });
        }
    }
    Ok(files)
}

/// An address as it stands in a SIP URI.
fn in_uri(address: IpAddr) -> String {
    match address {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// What every kit says of its site; the platform adds its own.
pub(crate) fn values(request: &Request) -> Values {
    let hot = request.redundancy == Redundancy::Hot;
    let (became_backup, became_primary) = if hot {
        ("4561_HABackup", "4563_HAPrimary")
    } else {
        ("4560_HABackup", "4562_HAPrimary")
    };
    let upper: String = request
        .name
        .chars()
        .map(|c| match c {
            '-' | '.' => '_',
            other => other.to_ascii_uppercase(),
        })
        .collect();
    addresses(request)
        .text("name", &request.name)
        .text("pair", format!("SIP_{upper}"))
        .text("switch_name", format!("SIP_Switch_{}", request.name))
        .text("redundancy", request.redundancy.to_string())
        .text("redundancy_title", if hot { "Hot" } else { "Warm" })
        .text("became_backup", became_backup)
        .text("became_primary", became_primary)
        .text("os", "linux")
        .text("platform_title", "Linux")
        .text("takeover", "ip_address")
        .text("takeover_title", "IP Address Takeover")
        .text("cluster", "sipcluster")
        .text("sip_port", "5060")
        .text("vip_remark", " All of this list move together.")
        .text(
            "scripts_remark",
            "The two files in scripts/, the same on both hosts.",
        )
        .text("enable", "./set_ip_up.sh")
        .text("disable", "./set_ip_down.sh")
        .text("enable_timeout", "8s")
        .text("disable_timeout", "8s")
        .switch("takeover", true)
        .switch("nlb", false)
        .switch("label", request.vip.is_ipv4())
        .switch("no_label", request.vip.is_ipv6())
        .switch("hot", hot)
        .switch("warm", !hot)
        .switch("shell", request.control_scripts == ControlScripts::Shell)
        .switch(
            "builtin",
            request.control_scripts == ControlScripts::Builtin,
        )
        .switch("one_nic", request.nics == Nics::One)
        .switch("two_nics", request.nics == Nics::Two)
}

/// Hosts and networks.
fn addresses(request: &Request) -> Values {
    let network = request
        .network()
        .map_or_else(String::new, |network| network.trunc().to_string());
    let of_network = |part: fn(&IpNet) -> IpAddr| {
        let network = request.network();
        network.map_or_else(String::new, |network| part(&network).to_string())
    };
    Values::default()
        .text("management_host", &request.management.0)
        .text("management_address", request.management.1.to_string())
        .text("primary_host", &request.primary.0)
        .text("primary_address", request.primary.1.to_string())
        .text("backup_host", &request.backup.0)
        .text("backup_address", request.backup.1.to_string())
        .text("vip", request.vip.to_string())
        .text("prefix", request.prefix.to_string())
        .text("network", network)
        .text("interface", &request.interface)
        .text(
            "gateway",
            request.gateway().map_or_else(String::new, in_uri),
        )
        .text("netmask", of_network(IpNet::netmask))
        .text("network_address", of_network(IpNet::network))
        .text("broadcast", of_network(IpNet::broadcast))
}
