//! The `rehearsal` section of the file: faults of the platforms that a rehearsal of this site plays. They are no part of the
//! environment; no component of the live site reads them.

use crate::tree::Node;
use crate::values;
use changeover_model::HostName;
use std::time::Duration;

/// What a rehearsal of the site plays unless it is asked otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RehearsalSettings {
    /// `netsh` takes from this to that.
    pub netsh_time: Option<(Duration, Duration)>,
    /// On these hosts somebody has the properties of the connections open.
    pub properties_dialog: Vec<HostName>,
    /// The first announcements of these hosts are lost, so many.
    pub drop_announcements: Vec<(HostName, u32)>,
    /// An NLB cluster takes this to agree on who answers whom.
    pub nlb_convergence: Option<Duration>,
}

/// Reads the section from the file's root; what was refused before counts as absent.
pub(crate) fn settings(root: &Node) -> RehearsalSettings {
    let duration = |path: &[&str]| {
        let path: Vec<&str> = [&["rehearsal"], path].concat();
        values::duration(root.at(&path)?, false).ok()
    };
    let once = duration(&["netsh_time"]).map(|time| (time, time));
    let least = duration(&["netsh_time", "least"]);
    let most = duration(&["netsh_time", "most"]);
    let range = least
        .zip(most)
        .map(|(least, most)| (least, most.max(least)));
    RehearsalSettings {
        netsh_time: once.or(range),
        properties_dialog: root
            .at(&["rehearsal", "properties_dialog"])
            .map_or(&[][..], Node::items)
            .iter()
            .filter_map(|item| item.text().map(HostName::from))
            .collect(),
        drop_announcements: root
            .at(&["rehearsal", "drop_announcements"])
            .map_or(&[][..], Node::entries)
            .iter()
            .filter_map(|entry| {
                let count = entry.value.text()?.parse().ok()?;
                Some((HostName::from(entry.key.as_str()), count))
            })
            .collect(),
        nlb_convergence: duration(&["nlb_convergence"]),
    }
}
