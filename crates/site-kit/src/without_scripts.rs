//! The two options without control scripts: a network device that holds the VIP, and both servers on a single host.

use crate::filling::Values;
use crate::request::{Nics, Request};
use crate::{KitError, KitFile};
use changeover_model::Redundancy;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const DEVICE_SITE: &str = include_str!("../templates/network-device/site.yaml");
const DEVICE_README: &str = include_str!("../templates/network-device/README.md");
const HOST_SITE: &str = include_str!("../templates/single-host/site.yaml");
const HOST_README: &str = include_str!("../templates/single-host/README.md");

pub(crate) fn network_device(request: &Request) -> Result<Vec<KitFile>, KitError> {
    refuse_two_nics(request)?;
    let device = free_address(request).ok_or_else(|| {
        KitError::Request(format!(
            "the network of {} has no address left for the device",
            request.vip
        ))
    })?;
    let values = values(request).text("device_address", device.to_string());
    filled(&values, DEVICE_SITE, DEVICE_README)
}

pub(crate) fn single_host(request: &Request) -> Result<Vec<KitFile>, KitError> {
    refuse_two_nics(request)?;
    filled(&values(request), HOST_SITE, HOST_README)
}

/// SIP has no card of its own in these two: servers answer at the address of their Host object.
fn refuse_two_nics(request: &Request) -> Result<(), KitError> {
    if request.nics == Nics::One {
        return Ok(());
    }
    Err(KitError::Request(
        "without a VIP that moves, SIP servers answer at the address of their Host object: leave --nics 2 out".to_owned(),
    ))
}

fn filled(values: &Values, site: &str, readme: &str) -> Result<Vec<KitFile>, KitError> {
    let file = |path: &'static str, template: &str| {
        Ok(KitFile {
            path: path.into(),
            text: values.fill(path, template)?,
            executable: false,
        })
    };
    Ok(vec![file("site.yaml", site)?, file("README.md", readme)?])
}

fn values(request: &Request) -> Values {
    let hot = request.redundancy == Redundancy::Hot;
    let upper: String = request
        .name
        .chars()
        .map(|c| match c {
            '-' | '.' => '_',
            other => other.to_ascii_uppercase(),
        })
        .collect();
    Values::default()
        .text("name", &request.name)
        .text("pair", format!("SIP_{upper}"))
        .text("switch_name", format!("SIP_Switch_{}", request.name))
        .text("redundancy", request.redundancy.to_string())
        .text("redundancy_title", if hot { "Hot" } else { "Warm" })
        .text("management_host", &request.management.0)
        .text("management_address", request.management.1.to_string())
        .text("primary_host", &request.primary.0)
        .text("primary_address", request.primary.1.to_string())
        .text("backup_host", &request.backup.0)
        .text("backup_address", request.backup.1.to_string())
        .text("vip", request.vip.to_string())
        .text("prefix", request.prefix.to_string())
        .switch("hot", hot)
}

/// The first address behind the VIP that no host of the request has.
fn free_address(request: &Request) -> Option<IpAddr> {
    let network = request.network()?;
    let taken = [request.management.1, request.primary.1, request.backup.1];
    (1..=8)
        .filter_map(|further| match request.vip {
            IpAddr::V4(vip) => u32::from(vip)
                .checked_add(further)
                .map(|bits| IpAddr::V4(Ipv4Addr::from(bits))),
            IpAddr::V6(vip) => u128::from(vip)
                .checked_add(u128::from(further))
                .map(|bits| IpAddr::V6(Ipv6Addr::from(bits))),
        })
        .find(|address| network.contains(address) && !taken.contains(address))
}
