//! What a control script or command is told by its environment: the `CHANGEOVER_` variables.

use crate::core::LcaCore;
use crate::orders::Order;
use crate::{RUN_MARKER, RunId};
use changeover_model::environment::Fencing;
use changeover_model::message::ControlScript;
use changeover_model::{ApplicationName, PairName};
use std::fmt::Display;

impl LcaCore {
    /// The whole list of a control script. `CHANGEOVER_APPLICATION` is the pair's member on this host; lists
    /// are separated by spaces, in file order; a missing label is written `-`.
    pub(crate) fn script_environment(
        &self,
        pair: &PairName,
        order: &Order,
        control: &ControlScript,
        run: RunId,
    ) -> Vec<(String, String)> {
        let slice = self.pair_slice(pair);
        let vips = slice.map_or(&[][..], |slice| &slice.virtual_ips);
        let member: &ApplicationName = slice
            .and_then(|slice| slice.members.first())
            .map_or(&order.key.application, |(name, _)| name);
        let peer_host = slice.map_or("", |slice| slice.peer_host.as_str());
        let list = |texts: Vec<String>| texts.join(" ");
        let mut variables = self.site_environment(member, run);
        let mut add = |name: &str, value: String| {
            variables.push((format!("CHANGEOVER_{name}"), value));
        };
        add("PAIR", pair.to_string());
        add("PEER_HOST", peer_host.to_owned());
        add("RUN_MODE", control.run_mode.to_string());
        add("ACTION", control.action.to_string());
        add("EPOCH", order.key.epoch.to_string());
        add(
            "VIP",
            list(vips.iter().map(|vip| vip.address.to_string()).collect()),
        );
        add(
            "PREFIX",
            list(vips.iter().map(|vip| vip.prefix.to_string()).collect()),
        );
        add(
            "INTERFACE",
            list(vips.iter().map(|vip| vip.interface.clone()).collect()),
        );
        let labels = vips
            .iter()
            .map(|vip| vip.label.clone().unwrap_or_else(|| "-".to_owned()));
        add("LABEL", list(labels.collect()));
        if let Some(fencing) = slice.map(|slice| slice.fencing).filter(Fencing::is_quorum) {
            // Whole seconds: the kernel counts in no others. Rounded down, so that it ends no later.
            let seconds = fencing.address_lifetime.as_secs().max(1);
            add("ADDRESS_LIFETIME", seconds.to_string());
        }
        add("EVENT_ID", or_empty(control.event.as_ref()));
        add("ALARM", or_empty(control.alarm.as_ref()));
        add("REASON", control.reason.clone());
        add("SWITCHOVER_ID", or_empty(order.cause.as_ref()));
        variables
    }

    /// What every process of a reaction is told.
    pub(crate) fn site_environment(
        &self,
        application: &ApplicationName,
        run: RunId,
    ) -> Vec<(String, String)> {
        let environment = self
            .slice
            .as_ref()
            .map_or("", |slice| slice.environment.as_str());
        vec![
            ("CHANGEOVER_ENVIRONMENT".to_owned(), environment.to_owned()),
            ("CHANGEOVER_APPLICATION".to_owned(), application.to_string()),
            ("CHANGEOVER_HOST".to_owned(), self.identity.host.to_string()),
            (RUN_MARKER.to_owned(), self.marker(run)),
        ]
    }
}

fn or_empty(value: Option<&impl Display>) -> String {
    value.map_or_else(String::new, ToString::to_string)
}
