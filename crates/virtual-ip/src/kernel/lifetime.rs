//! Owns the lifetime that the kernel gives an address (`valid_lft`): what is sent to set it. When one is set, and by
//! whom it is renewed, is the LCA's business.

use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage, CacheInfo};
use std::time::Duration;

/// The kernel's word for "without an end".
const FOREVER: u32 = u32::MAX;

/// The same address in the same place with another lifetime. Everything else is said again as it was found: what is
/// left out, the kernel would change.
pub(super) fn renewal(found: &AddressMessage, lifetime: Option<Duration>) -> AddressMessage {
    let seconds = lifetime.map_or(FOREVER, |lifetime| {
        u32::try_from(lifetime.as_secs().max(1)).unwrap_or(FOREVER)
    });
    let mut message = found.clone();
    message
        .attributes
        .retain(|attribute| !matches!(attribute, AddressAttribute::CacheInfo(_)));
    let mut cache = CacheInfo::default();
    cache.ifa_valid = seconds;
    cache.ifa_preferred = seconds;
    message.attributes.push(AddressAttribute::CacheInfo(cache));
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(lifetime: Option<Duration>) -> Vec<(u32, u32)> {
        let mut found = AddressMessage::default();
        found
            .attributes
            .push(AddressAttribute::CacheInfo(CacheInfo::default()));
        let renewed = renewal(&found, lifetime);
        renewed
            .attributes
            .iter()
            .filter_map(|attribute| match attribute {
                AddressAttribute::CacheInfo(cache) => Some((cache.ifa_valid, cache.ifa_preferred)),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_lifetime_replaces_the_one_before_in_whole_seconds_and_is_never_nothing() {
        assert_eq!(seconds(Some(Duration::from_millis(10_900))), [(10, 10)]);
        assert_eq!(seconds(Some(Duration::from_millis(200))), [(1, 1)]);
        assert_eq!(seconds(None), [(FOREVER, FOREVER)]);
    }
}
