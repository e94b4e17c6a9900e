//! Rule `network-device-address`: a network device, its VIPs and the hosts have addresses of their own, and pairs that
//! share a device agree about it.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::PairName;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

pub(super) static RULE: Rule = Rule {
    name: "network-device-address",
    severity: Severity::Error,
    about: "A network device, its VIPs and the hosts have addresses of their own.",
    why: "two owners of one address take each other's traffic, and a device has one interval for all that it asks",
    fix: "give the device and each VIP a free address; write the same check_interval wherever a device is named",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let mut owners: BTreeMap<IpAddr, String> = context
        .environment
        .hosts
        .values()
        .map(|host| (host.address, host.name.to_string()))
        .collect();
    let mut intervals: BTreeMap<IpAddr, (Duration, PairName)> = BTreeMap::new();
    for (pair, _) in context.pairs() {
        let Some(device) = &pair.network_device else {
            continue;
        };
        let path = format!("pairs.{}", pair.name);
        for (index, (address, _)) in device.virtual_ips.iter().enumerate() {
            let vip = format!("the VIP of {}", pair.name);
            if let Some(owner) = owners.get(address) {
                report.at(
                    &format!("{path}.virtual_ips.{index}.address"),
                    format!("{address}, {vip}, is {owner}'s already"),
                );
            } else {
                owners.insert(*address, vip);
            }
        }
        let known = intervals
            .entry(device.address)
            .or_insert_with(|| (device.check_interval, pair.name.clone()));
        if known.0 != device.check_interval {
            report.at(
                &format!("{path}.network_device.check_interval"),
                format!(
                    "{}: the device {} asks at another interval by {}",
                    pair.name, device.address, known.1
                ),
            );
        }
    }
    for (pair, _) in context.pairs() {
        let device = pair.network_device.as_ref();
        if let Some((device, owner)) =
            device.and_then(|device| Some((device, owners.get(&device.address)?)))
        {
            report.at(
                &format!("pairs.{}.network_device.address", pair.name),
                format!(
                    "{}, the network device of {}, is {owner}'s already",
                    device.address, pair.name
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::run;

    const TWO_PAIRS: &str = include_str!("../../../../deploy/examples/network-device.yaml");

    fn messages(from: &str, to: &str) -> Vec<String> {
        let text = TWO_PAIRS.replacen(from, to, 1);
        assert!(from.is_empty() || text != TWO_PAIRS, "no {from}");
        let loaded =
            crate::load("site.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
        let context = Context {
            environment: &loaded.environment,
            latency: None,
            loaded: &loaded,
            scripts: &[],
        };
        let findings = run(&RULE, &context).into_iter();
        findings.map(|finding| finding.message).collect()
    }

    #[test]
    fn one_device_for_two_pairs_with_two_vips_is_fine() {
        assert_eq!(messages("", ""), Vec::<String>::new());
    }

    #[test]
    fn an_address_with_two_owners_is_an_error_whoever_they_are() {
        assert_eq!(
            messages("10.10.11.105/24", "10.10.11.103/24"),
            ["10.10.11.103, the VIP of SIP_WEST, is the VIP of SIP_EAST's already"]
        );
        assert_eq!(
            messages("10.10.11.103/24", "10.10.11.101/24"),
            ["10.10.11.101, the VIP of SIP_EAST, is host1's already"]
        );
        assert_eq!(
            messages("address: 10.10.11.104", "address: 10.10.11.102"),
            ["10.10.11.102, the network device of SIP_EAST, is host2's already"]
        );
    }

    #[test]
    fn two_intervals_for_one_device_are_an_error() {
        assert_eq!(
            messages("check_interval: 1s", "check_interval: 2s"),
            ["SIP_WEST: the device 10.10.11.104 asks at another interval by SIP_EAST"]
        );
    }
}
