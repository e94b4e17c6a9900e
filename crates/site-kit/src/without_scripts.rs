//! The two options without control scripts: a network device that holds the VIP, and both servers on a single host.

use crate::filling::Values;
use crate::request::{Nics, Request};
use crate::{KitError, KitFile, linux};
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
    let values = linux::values(request).text("device_address", device.to_string());
    filled(&values, DEVICE_SITE, DEVICE_README)
}

pub(crate) fn single_host(request: &Request) -> Result<Vec<KitFile>, KitError> {
    refuse_two_nics(request)?;
    filled(&linux::values(request), HOST_SITE, HOST_README)
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
    let file = |path: &'static str, template: &str| KitFile::filled(path, template, values, false);
    Ok(vec![file("site.yaml", site)?, file("README.md", readme)?])
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
