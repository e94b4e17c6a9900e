//! The top of the file: the Management Layer and hosts.

use super::Kind::{Named, Object as Of};
use super::Presence::{Default, Required};
use super::scalars::{
    ADDRESS, ANY_DURATION, HOST_PORT, NAME, OPTION_DURATION, PORT, POSITIVE, RULE, SIZE, TEXT,
    VERSION, reference, words,
};
use super::{APPLICATION, CONDITION, Kind, Object, PAIR, SCRIPT, Target, key};

/// The whole file.
pub(crate) static ROOT: Object = Object {
    name: "the file",
    doc: "An environment: one site with its Management Layer, hosts and pairs.",
    exactly_one: false,
    keys: &[
        key(
            "version",
            VERSION,
            Required,
            "Version of the file's form: 1.",
        ),
        key("environment", NAME, Required, "Name of the site."),
        key(
            "management_layer",
            Of(&MANAGEMENT_LAYER),
            Required,
            "Where the central components run.",
        ),
        key("hosts", Named(&HOST), Required, "Host objects by name."),
        key(
            "switches",
            Named(&super::switches::SWITCH),
            Default("none"),
            "Switch objects by name; `{}` for one without DNs.",
        ),
        key(
            "pairs",
            Named(&PAIR),
            Default("none"),
            "Pairs by name; each derives the objects it needs.",
        ),
        key(
            "applications",
            Named(&APPLICATION),
            Default("the derived ones"),
            "Application objects by name; under a derived name only what is written is replaced.",
        ),
        key(
            "scripts",
            Named(&SCRIPT),
            Default("the derived ones"),
            "Script objects by name.",
        ),
        key(
            "alarm_conditions",
            Named(&CONDITION),
            Default("the derived ones"),
            "Alarm Conditions by name.",
        ),
        key(
            "check",
            Of(&CHECK),
            Default("nothing is allowed"),
            "Settings of `changeover check`.",
        ),
        key(
            "rehearsal",
            Of(&super::REHEARSAL),
            Default("no faults"),
            "Faults that a rehearsal of this site plays.",
        ),
    ],
};

static CHECK: Object = Object {
    name: "check",
    doc: "Settings of `changeover check`.",
    exactly_one: false,
    keys: &[key(
        "allow",
        Kind::List(&RULE),
        Default("[]"),
        "Rules whose findings this site accepts knowingly.",
    )],
};

static MANAGEMENT_LAYER: Object = Object {
    name: "management_layer",
    doc: "The central components.",
    exactly_one: false,
    keys: &[
        key(
            "solution_control_server",
            Of(&SCS),
            Required,
            "The Solution Control Server; its Application object is derived as `SCS`.",
        ),
        key(
            "message_server",
            Of(&MESSAGE_SERVER),
            Required,
            "The Message Server; its Application object is derived.",
        ),
        key(
            "smtp",
            Of(&SMTP),
            Default("no mail"),
            "For reactions that send e-mail.",
        ),
        key(
            "snmp",
            Of(&SNMP),
            Default("no traps"),
            "For reactions that send an SNMP trap (v2c).",
        ),
    ],
};

static SCS: Object = Object {
    name: "solution_control_server",
    doc: "The Solution Control Server.",
    exactly_one: false,
    keys: &[
        key(
            "host",
            reference(Target::Host),
            Required,
            "Its host; a third machine, so that it survives a host of a pair.",
        ),
        key("port", PORT, Default("7770"), "Where `sci` reaches it."),
    ],
};

static MESSAGE_SERVER: Object = Object {
    name: "message_server",
    doc: "The Message Server.",
    exactly_one: false,
    keys: &[
        key(
            "name",
            NAME,
            Default("MessageServer"),
            "Name of its Application object, as `connections` use it.",
        ),
        key("host", reference(Target::Host), Required, "Its host."),
        key("port", PORT, Default("7120"), "Where log events arrive."),
        key(
            "log_keep",
            POSITIVE,
            Default("30d"),
            "Log events older than this are deleted.",
        ),
        key(
            "log_size",
            SIZE,
            Default("1GiB"),
            "Most bytes of the log database (KiB, MiB, GiB); the oldest events go first.",
        ),
    ],
};

static SMTP: Object = Object {
    name: "smtp",
    doc: "Outgoing mail.",
    exactly_one: false,
    keys: &[
        key(
            "server",
            HOST_PORT,
            Required,
            "`host:port` of the mail server.",
        ),
        key("from", TEXT, Required, "Sender address."),
    ],
};

static SNMP: Object = Object {
    name: "snmp",
    doc: "Outgoing SNMP traps.",
    exactly_one: false,
    keys: &[
        key(
            "target",
            HOST_PORT,
            Required,
            "`host:port` of the trap receiver.",
        ),
        key("community", TEXT, Default("public"), "Community string."),
    ],
};

static HOST: Object = Object {
    name: "a host",
    doc: "A Host object.",
    exactly_one: false,
    keys: &[
        key(
            "os",
            words(&["linux", "windows", "aix", "solaris"]),
            Required,
            "Operating system.",
        ),
        key(
            "address",
            ADDRESS,
            Required,
            "The address that SCS and LCA use; with two NICs that of the non-SIP one.",
        ),
        key("lca_port", PORT, Default("4999"), "Port of its LCA."),
        key(
            "addp",
            Of(&ADDP),
            Default("the defaults below"),
            "ADDP on the SCS-LCA link. The host counts as lost after two of its timeouts.",
        ),
        key(
            "disconnect_switchover_timeout",
            ANY_DURATION,
            Default("0s"),
            "How long to wait before failing over a host that went silent, on top of the two timeouts.",
        ),
        key(
            "lca_restart_timeout",
            POSITIVE,
            Default("5s"),
            "How long a host may answer without its LCA before its pairs are held (or failed over, see `on_agent_loss`).",
        ),
    ],
};

static ADDP: Object = Object {
    name: "addp",
    doc: "Advanced Disconnect Detection Protocol. These are the model's own options: a bare number is seconds.",
    exactly_one: false,
    keys: &[
        key(
            "addp-timeout",
            OPTION_DURATION,
            Default("1.5s"),
            "Silence after which the SCS polls, and the time it then waits.",
        ),
        key(
            "addp-remote-timeout",
            OPTION_DURATION,
            Default("1.5s"),
            "The same as seen by the LCA.",
        ),
    ],
};
