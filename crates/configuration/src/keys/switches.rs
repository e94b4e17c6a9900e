//! Switch objects with their DNs and routing table.

use super::Kind::{List, Named, Object as Of};
use super::Presence::{Default, Required};
use super::scalars::{BOOLEAN, OPTION_DURATION, POSITIVE, TEXT, words};
use super::{Object, key};

pub(crate) static SWITCH: Object = Object {
    name: "a switch",
    doc: "A Switch object: the DNs that both servers of a pair serve. Without DNs anybody may register and be called.",
    exactly_one: false,
    keys: &[
        key("dns", Named(&DN), Default("none"), "DNs by number."),
        key(
            "routes",
            List(&Of(&ROUTE)),
            Default("none"),
            "The routing table for numbers that are no DN and have not registered: the longest prefix decides.",
        ),
    ],
};

static DN: Object = Object {
    name: "a DN",
    doc: "A device, trunk or Routing Point. `oos-check` and `oos-force` are the model's own options: a bare number is seconds.",
    exactly_one: false,
    keys: &[
        key(
            "type",
            words(&["extension", "trunk", "routing_point"]),
            Default("extension"),
            "A phone, a trunk or gateway that routes lead to, or a Routing Point on which calls wait.",
        ),
        key(
            "contact",
            TEXT,
            Default("where it registered"),
            "SIP URI at which it is reached; its host is an address, not a name.",
        ),
        key(
            "password",
            TEXT,
            Default("it is believed"),
            "Password of digest authentication of its REGISTER and INVITE.",
        ),
        key(
            "oos-check",
            OPTION_DURATION,
            Default("it is not checked"),
            "Interval of Active Out-Of-Service Detection; makes it a service device.",
        ),
        key(
            "oos-force",
            OPTION_DURATION,
            Default("5s"),
            "How long a check may stay unanswered before the device is out of service.",
        ),
        key(
            "default_dn",
            TEXT,
            Default("none"),
            "Routing Point: the DN that a call goes to which nobody has routed in time.",
        ),
        key(
            "park_timeout",
            POSITIVE,
            Default("2m"),
            "Routing Point: that time.",
        ),
    ],
};

static ROUTE: Object = Object {
    name: "a route",
    doc: "A line of the routing table.",
    exactly_one: false,
    keys: &[
        key("prefix", TEXT, Required, "What the number begins with."),
        key("trunk", TEXT, Required, "DN of the trunk."),
        key(
            "strip",
            BOOLEAN,
            Default("false"),
            "The prefix is not dialled on.",
        ),
    ],
};
