//! Applications: of their own, and as the `server` of a pair.

use super::Kind::{List, Object as Of, Options};
use super::Presence::{Default, Required};
use super::health::{HEALTH_KEY, ON_BACKUP, ON_PRIMARY};
use super::scalars::{ANY_DURATION, BOOLEAN, PORT, POSITIVE, TEXT, count, reference, words};
use super::{Key, Kind, Object, Target, key};

const TYPES: Kind = words(&[
    "SIPServer",
    "ThirdPartyServer",
    "SolutionControlServer",
    "MessageServer",
]);
const SWITCH: Key = key(
    "switch",
    reference(Target::Switch),
    Default("none"),
    "The Switch object; both of a pair name the same.",
);
const PORTS_KEY: Key = key("ports", Of(&PORTS), Default("none"), "Ports it listens on.");
const CONNECTIONS: Key = key(
    "connections",
    List(&reference(Target::Application)),
    Default("none; members of a deriving pair: the Message Server"),
    "Applications it connects to.",
);
const OPTIONS: Key = key(
    "options",
    Options,
    Default("none"),
    "Option sections. Sections and options keep the model's spelling and match in any case; bare numbers have the model's units.",
);
/// An Application object.
pub(crate) static APPLICATION: Object = Object {
    name: "an application",
    doc: "An Application object.",
    exactly_one: false,
    keys: &[
        key(
            "type",
            TYPES,
            Required,
            "Its type. The control scripts are Third Party Servers.",
        ),
        key(
            "host",
            reference(Target::Host),
            Required,
            "The host it runs on.",
        ),
        SWITCH,
        key(
            "redundancy_type",
            words(&["hot", "warm"]),
            Default("none; members: that of the pair"),
            "Redundancy type of a member of a pair.",
        ),
        key(
            "backup_server",
            reference(Target::Application),
            Default("none; derived on the primary"),
            "Backup Server: on the configured primary, the other application.",
        ),
        PORTS_KEY,
        key(
            "start_info",
            Of(&START_INFO),
            Default("the defaults below"),
            "How it is started and stopped.",
        ),
        CONNECTIONS,
        OPTIONS,
        HEALTH_KEY,
        ON_PRIMARY,
        ON_BACKUP,
    ],
};

/// `server` of a pair.
pub(crate) static SERVER: Object = Object {
    name: "server",
    doc: "Both applications of the pair, written once.",
    exactly_one: false,
    keys: &[
        key(
            "type",
            words(&["SIPServer", "ThirdPartyServer"]),
            Required,
            "Type of both applications.",
        ),
        SWITCH,
        PORTS_KEY,
        key(
            "start_info",
            Of(&START_INFO),
            Required,
            "How both are started and stopped; `auto_restart` is true unless written.",
        ),
        CONNECTIONS,
        OPTIONS,
        HEALTH_KEY,
        ON_PRIMARY,
        ON_BACKUP,
    ],
};

static PORTS: Object = Object {
    name: "ports",
    doc: "Ports of an application.",
    exactly_one: false,
    keys: &[
        key(
            "default",
            PORT,
            Default("none"),
            "The default port, for clients.",
        ),
        key(
            "ha_sync",
            PORT,
            Default("none"),
            "The port with the `HA sync` flag; without it the backup connects to the default port.",
        ),
    ],
};

/// `start_info`.
pub(crate) static START_INFO: Object = Object {
    name: "start_info",
    doc: "How an application is started and stopped.",
    exactly_one: false,
    keys: &[
        key(
            "working_directory",
            TEXT,
            Default("that of the LCA"),
            "Where it starts.",
        ),
        key(
            "command_line",
            TEXT,
            Default("none; SIP Servers and Third Party Servers need one, or a `systemd_unit`"),
            "The program. A name with a `/` counts from the working directory, others are looked up in PATH; `vipctl` is the LCA's own VIP tool.",
        ),
        key(
            "arguments",
            List(&TEXT),
            Default("[]"),
            "Its arguments, one item each.",
        ),
        key(
            "startup_timeout",
            POSITIVE,
            Default("90s; control scripts 8s"),
            "From the start to the first status; for control scripts to their end.",
        ),
        key(
            "shutdown_timeout",
            POSITIVE,
            Default("90s"),
            "From the order to stop to SIGKILL; SIGTERM comes half way.",
        ),
        key(
            "auto_restart",
            BOOLEAN,
            Default("false; members of a pair true"),
            "Restart it when it ends unasked.",
        ),
        key(
            "success",
            words(&["exit-code", "any-exit"]),
            Default("exit-code"),
            "What counts as success where nobody can see the outcome.",
        ),
        key(
            "restart",
            Of(&RESTART),
            Default("the defaults below"),
            "Limits of automatic restarts.",
        ),
        key(
            "systemd_unit",
            TEXT,
            Default("none"),
            "Third Party Servers: the systemd unit that runs the program, such as `kamailio.service`, instead of a command line. What runs already is taken over.",
        ),
        key(
            "pid_file",
            TEXT,
            Default("none"),
            "Third Party Servers: `command_line` goes into the background and ends; the program's process id stands in this file within `startup_timeout`. What runs already is taken over.",
        ),
    ],
};

static RESTART: Object = Object {
    name: "restart",
    doc: "Limits of automatic restarts; the delay doubles from the first to the longest.",
    exactly_one: false,
    keys: &[
        key(
            "first_delay",
            ANY_DURATION,
            Default("100ms"),
            "Delay before the first restart.",
        ),
        key(
            "longest_delay",
            ANY_DURATION,
            Default("30s"),
            "Longest delay.",
        ),
        key(
            "limit",
            count(0, 1_000_000),
            Default("5"),
            "Most restarts within `within`; then it stays stopped, with an alarm.",
        ),
        key("within", POSITIVE, Default("10m"), "The window of `limit`."),
    ],
};
