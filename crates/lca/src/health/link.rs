//! The carrier of interfaces: no polling, the watch of this host's addresses sees it at once. Owns which interfaces are
//! wanted and what was told of them last.

use changeover_virtual_ip::Snapshot;
use tokio::sync::watch;

/// Carrier by interface; `None` = there is no such interface.
pub(crate) type Carriers = Vec<(String, Option<bool>)>;

/// The interfaces whose carrier the core wants to know, shared with the watcher of addresses.
#[derive(Clone, Debug)]
pub(crate) struct LinkWatch {
    wanted: watch::Sender<Vec<String>>,
}

impl Default for LinkWatch {
    fn default() -> Self {
        Self {
            wanted: watch::Sender::new(Vec::new()),
        }
    }
}

impl LinkWatch {
    /// These from now on.
    pub(crate) fn want(&self, interfaces: Vec<String>) {
        self.wanted.send_replace(interfaces);
    }

    /// For the watcher: what is wanted, and when that changes.
    pub(crate) fn wishes(&self) -> watch::Receiver<Vec<String>> {
        self.wanted.subscribe()
    }
}

/// What a snapshot says of the wanted interfaces, if that is not what was told last.
pub(crate) fn news(
    wanted: &[String],
    snapshot: &Snapshot,
    told: &mut Option<Carriers>,
) -> Option<Carriers> {
    let now: Carriers = wanted
        .iter()
        .map(|name| (name.clone(), snapshot.carrier(name)))
        .collect();
    if now.is_empty() || told.as_ref() == Some(&now) {
        return None;
    }
    *told = Some(now.clone());
    Some(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use changeover_virtual_ip::Nic;

    fn nic(name: &str, carrier: bool) -> Nic {
        Nic {
            name: name.to_owned(),
            index: 1,
            up: true,
            carrier,
            mac: None,
        }
    }

    #[test]
    fn only_changes_of_wanted_interfaces_are_news() {
        let wanted = ["eth1".to_owned(), "eth7".to_owned()];
        let mut snapshot = Snapshot {
            nics: vec![nic("eth0", true), nic("eth1", true)],
            addresses: Vec::new(),
        };
        let mut told = None;
        let first = vec![("eth1".to_owned(), Some(true)), ("eth7".to_owned(), None)];
        assert_eq!(news(&wanted, &snapshot, &mut told), Some(first));
        snapshot.nics = vec![nic("eth0", false), nic("eth1", true)];
        assert_eq!(news(&wanted, &snapshot, &mut told), None);
        snapshot.nics = vec![nic("eth0", false), nic("eth1", false)];
        let second = vec![("eth1".to_owned(), Some(false)), ("eth7".to_owned(), None)];
        assert_eq!(news(&wanted, &snapshot, &mut told), Some(second));
    }
}
