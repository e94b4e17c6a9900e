//! Health checks and hooks of an application.

use super::Kind::{self, Either, List, Object as Of};
use super::Presence::{Default, Required};
use super::scalars::{POSITIVE, STATUS_RANGE, TEXT, count, endpoint, words};
use super::{EndpointKind, Key, Object, key};

pub(crate) const HEALTH_KEY: Key = key(
    "health",
    List(&HEALTH_CHECK),
    Default("none"),
    "Health checks: one that is down makes the application Service Unavailable, with its reason.",
);
pub(crate) const ON_PRIMARY: Key = key(
    "on_primary",
    HOOKS,
    Default("none"),
    "What runs when the member becomes primary: a hook, or a list of hooks that run one after the other.",
);
pub(crate) const ON_BACKUP: Key = key(
    "on_backup",
    HOOKS,
    Default("none"),
    "What runs when the member becomes backup: a hook, or a list of hooks that run one after the other.",
);

/// One of `health`.
pub(crate) static HEALTH_CHECK: Kind = Of(&HEALTH);
const HOOKS: Kind = Either(&ONE_HOOK, &HOOK_LIST);
static ONE_HOOK: Kind = Of(&HOOK);
/// Several hooks.
pub(crate) static HOOK_LIST: Kind = List(&ONE_HOOK);

/// Keys that say what is looked at; a check has one of them.
pub(crate) const PROBES: [&str; 5] = ["command", "sip_options", "tcp", "http", "link"];

/// A health check.
pub(crate) static HEALTH: Object = Object {
    name: "a health check",
    doc: "One way to see whether an application serves: exactly one of `command`, `sip_options`, `tcp`, `http`, `link`. \
In addresses, `host` stands for the address of the host that the application runs on.",
    exactly_one: false,
    keys: &[
        key(
            "name",
            TEXT,
            Default("what it looks at"),
            "Its name in `sci`, alarms and reasons.",
        ),
        key(
            "command",
            TEXT,
            Default("-"),
            "A program: exit 0 is well, its last line of output is the reason. A name with a `/` counts from the working directory of the application.",
        ),
        key(
            "arguments",
            List(&TEXT),
            Default("[]"),
            "Arguments of `command`, one item each.",
        ),
        key(
            "sip_options",
            endpoint(EndpointKind::Sip),
            Default("-"),
            "Where to send a SIP OPTIONS request.",
        ),
        key(
            "tcp",
            endpoint(EndpointKind::Tcp),
            Default("-"),
            "Where a TCP connection must be accepted.",
        ),
        key(
            "http",
            endpoint(EndpointKind::Http),
            Default("-"),
            "What to GET, by HTTP/1.1 in the clear.",
        ),
        key(
            "status",
            STATUS_RANGE,
            Default("`http`: 200-299; `sip_options`: any final response"),
            "Status codes that are well, of `http` and `sip_options`.",
        ),
        key(
            "body",
            TEXT,
            Default("none"),
            "Text that the first 64 KiB of the body of `http` must hold.",
        ),
        key(
            "link",
            List(&TEXT),
            Default("-"),
            "Interfaces that must have carrier. Watched, not polled: takes none of the four keys below.",
        ),
        key(
            "every",
            POSITIVE,
            Default("1s"),
            "From the start of one run to the next; at least 100ms.",
        ),
        key(
            "timeout",
            POSITIVE,
            Default("500ms"),
            "A run that has not answered by then has failed and is ended with its descendants; shorter than `every`.",
        ),
        key(
            "fall",
            count(1, 1000),
            Default("3"),
            "Failures in a row until it is down.",
        ),
        key(
            "rise",
            count(1, 1000),
            Default("2"),
            "Successes in a row until it is up again.",
        ),
    ],
};

/// A hook.
static HOOK: Object = Object {
    name: "a hook",
    doc: "A command that runs when a member of a pair changes its run mode, judged by its exit code.",
    exactly_one: false,
    keys: &[
        key(
            "command",
            TEXT,
            Required,
            "The program. A name with a `/` counts from the working directory of the application.",
        ),
        key(
            "arguments",
            List(&TEXT),
            Default("[]"),
            "Its arguments, one item each.",
        ),
        key(
            "timeout",
            POSITIVE,
            Default("3s"),
            "It is killed with its descendants after this, and has failed.",
        ),
        key(
            "when",
            words(&["before", "after"]),
            Default("after"),
            "`before` any run mode is ordered, or `after` the VIP is observed where it belongs.",
        ),
        key(
            "on_failure",
            words(&["alarm", "roll-back"]),
            Default("alarm"),
            "`alarm` and go on, or `roll-back` to the previous primary as well.",
        ),
    ],
};
