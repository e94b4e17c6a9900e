//! A Switch object: the DNs that both servers of a pair serve, and where other numbers go.

use super::OptionSections;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A Switch object. Without DNs any user may register and be called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Switch {
    /// DNs by number.
    pub dns: IndexMap<String, Dn>,
    /// The routing table: the longest prefix decides.
    pub routes: Vec<Route>,
}

/// What a DN is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DnKind {
    /// A phone: where its `contact` says, else where it registered.
    #[default]
    Extension,
    /// A trunk or gateway; routes lead to it.
    Trunk,
    /// Calls wait here until they are routed.
    RoutingPoint,
}

/// A DN.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dn {
    /// What it is.
    pub kind: DnKind,
    /// `contact`: SIP URI whose host is an address. A phone without one has to register.
    pub contact: Option<String>,
    /// Password of digest authentication; without one it is believed.
    pub password: Option<String>,
    /// `oos-check`: interval of Active Out-Of-Service Detection. A DN that has it is a service device.
    pub oos_check: Option<Duration>,
    /// `oos-force`: time after an unanswered check until it is out of service.
    pub oos_force: Option<Duration>,
    /// Routing Point: where a call goes that nobody has routed in time.
    pub default_dn: Option<String>,
    /// Routing Point: that time.
    pub park_timeout: Option<Duration>,
}

/// A line of the routing table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// What a number begins with.
    pub prefix: String,
    /// DN of the trunk.
    pub trunk: String,
    /// The prefix is not dialled on.
    pub strip: bool,
}

/// Section of an application's options that carries a DN; the number follows.
const DN: &str = "DN/";
/// Section that carries the routing table: prefix = trunk, with a leading `-` where the prefix is not dialled on.
const ROUTES: &str = "Routes";

impl Switch {
    /// The Switch as sections of options, so that an application gets it with its own at registration.
    pub fn to_sections(&self) -> OptionSections {
        let mut sections = OptionSections::new();
        for (number, dn) in &self.dns {
            let kind = match dn.kind {
                DnKind::Extension => "extension",
                DnKind::Trunk => "trunk",
                DnKind::RoutingPoint => "routing_point",
            };
            let time = |time: Option<Duration>| time.map(crate::show_duration);
            let options = [
                ("type", Some(kind.to_owned())),
                ("contact", dn.contact.clone()),
                ("password", dn.password.clone()),
                ("oos-check", time(dn.oos_check)),
                ("oos-force", time(dn.oos_force)),
                ("default-dn", dn.default_dn.clone()),
                ("park-timeout", time(dn.park_timeout)),
            ];
            let written = options
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)));
            sections.insert(format!("{DN}{number}"), written.collect());
        }
        if !self.routes.is_empty() {
            let lines = self.routes.iter().map(|route| {
                let strip = if route.strip { "-" } else { "" };
                (route.prefix.clone(), format!("{strip}{}", route.trunk))
            });
            sections.insert(ROUTES.to_owned(), lines.collect());
        }
        sections
    }

    /// Reads what [`Switch::to_sections`] wrote; other sections are not its.
    pub fn from_sections(sections: &OptionSections) -> Self {
        let mut switch = Self::default();
        for (section, options) in sections {
            if section == ROUTES {
                switch.routes = options
                    .iter()
                    .map(|(prefix, trunk)| route(prefix, trunk))
                    .collect();
            } else if let Some(number) = section.strip_prefix(DN) {
                let text = |name: &str| options.get(name).cloned();
                let time = |name: &str| crate::parse_duration(options.get(name)?).ok();
                let dn = Dn {
                    kind: match options.get("type").map(String::as_str) {
                        Some("trunk") => DnKind::Trunk,
                        Some("routing_point") => DnKind::RoutingPoint,
                        Some(_) | None => DnKind::Extension,
                    },
                    contact: text("contact"),
                    password: text("password"),
                    oos_check: time("oos-check"),
                    oos_force: time("oos-force"),
                    default_dn: text("default-dn"),
                    park_timeout: time("park-timeout"),
                };
                switch.dns.insert(number.to_owned(), dn);
            }
        }
        switch
    }
}

fn route(prefix: &str, trunk: &str) -> Route {
    Route {
        prefix: prefix.to_owned(),
        trunk: trunk.trim_start_matches('-').to_owned(),
        strip: trunk.starts_with('-'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_survives_the_way_through_the_options() {
        let phone = Dn {
            contact: Some("sip:10.0.0.1:5060".to_owned()),
            password: Some("secret".to_owned()),
            oos_check: Some(Duration::from_millis(1500)),
            oos_force: Some(Duration::from_secs(2)),
            ..Dn::default()
        };
        let point = Dn {
            kind: DnKind::RoutingPoint,
            default_dn: Some("1001".to_owned()),
            park_timeout: Some(Duration::from_secs(90)),
            ..Dn::default()
        };
        let switch = Switch {
            dns: [("1001".to_owned(), phone), ("2000".to_owned(), point)]
                .into_iter()
                .collect(),
            routes: vec![route("0", "gateway"), route("9", "-other")],
        };
        assert_eq!(Switch::from_sections(&switch.to_sections()), switch);
        assert!(switch.routes[1].strip && !switch.routes[0].strip);
    }
}
