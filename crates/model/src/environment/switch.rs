//! A Switch object: the DNs that both servers of a pair serve, and where other numbers go.

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
