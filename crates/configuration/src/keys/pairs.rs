//! Pairs: members, Virtual IPs, control scripts and policy.

use super::Kind::{Either, List, Object as Of, PerHost};
use super::Presence::{Default, Required};
use super::applications::SERVER;
use super::scalars::{
    ADDRESS, ANY_DURATION, BOOLEAN, CONTROLLER_LOSS, DURATION_OR_OFF, POSITIVE, PREFIXED, TEXT,
    count, reference, words,
};
use super::{Object, Target, key};

/// A pair.
pub(crate) static PAIR: Object = Object {
    name: "a pair",
    doc: "Two applications, one in primary and one in backup mode, with what makes the VIP follow.",
    exactly_one: false,
    keys: &[
        key(
            "derive",
            words(&["on", "off"]),
            Default("on"),
            "`off`: every object of the pair is written by hand.",
        ),
        key(
            "redundancy_type",
            words(&["hot", "warm"]),
            Required,
            "Hot or Warm Standby.",
        ),
        key(
            "takeover",
            words(&["ip_address", "windows_nlb", "network_device", "single_host"]),
            Default("ip_address"),
            "How the VIP follows the primary.",
        ),
        key(
            "primary",
            Of(&MEMBER),
            Required,
            "The application configured as primary.",
        ),
        key(
            "backup",
            Of(&MEMBER),
            Required,
            "The application configured as backup.",
        ),
        key(
            "virtual_ips",
            List(&Of(&VIRTUAL_IP)),
            Default("none"),
            "The VIPs, moved together; `sip-address` is the first one.",
        ),
        key(
            "nlb",
            Of(&NLB),
            Default("with `takeover: windows_nlb` the defaults below"),
            "The NLB cluster, as it is configured on both hosts; its IP is the first of `virtual_ips`.",
        ),
        key(
            "network_device",
            Of(&NETWORK_DEVICE),
            Default("none; needed with takeover network_device"),
            "The device that holds the VIPs; pairs that name the same address share it.",
        ),
        key(
            "control_scripts",
            Either(&words(&["builtin"]), &Of(&CONTROL_SCRIPTS)),
            Default("none"),
            "The control scripts, the same files on both hosts; or `builtin` for vipctl.",
        ),
        key(
            "server",
            Of(&SERVER),
            Default("none"),
            "Both applications, written once.",
        ),
        key(
            "policy",
            Of(&POLICY),
            Default("the defaults below"),
            "How switchovers are carried out.",
        ),
    ],
};

static NLB: Object = Object {
    name: "an NLB cluster",
    doc: "A Windows NLB cluster, for `takeover: windows_nlb`.",
    exactly_one: false,
    keys: &[
        key(
            "cluster",
            TEXT,
            Default("sipcluster"),
            "The name under which the control scripts name it.",
        ),
        key(
            "mode",
            words(&["unicast", "multicast"]),
            Default("unicast"),
            "Operation mode.",
        ),
        key(
            "host_ids",
            PerHost(&count(1, 32)),
            Default("1 for the host of `primary`, 2 for that of `backup`"),
            "Unique host ids; the lowest one is the default host.",
        ),
        key(
            "port_rules",
            List(&Of(&PORT_RULE)),
            Default("one rule for the SIP port"),
            "Port rules, the same on both hosts; they do not overlap.",
        ),
        key(
            "default_state",
            words(&["stopped", "started"]),
            Default("stopped"),
            "State of the hosts until a control script starts them.",
        ),
    ],
};

static PORT_RULE: Object = Object {
    name: "a port rule",
    doc: "What becomes of the traffic to a range of ports.",
    exactly_one: false,
    keys: &[
        key(
            "ports",
            TEXT,
            Required,
            "A port, or the first and the last one as `5060-5061`.",
        ),
        key(
            "protocol",
            words(&["both", "udp", "tcp"]),
            Default("both"),
            "Protocols of the rule.",
        ),
        key(
            "filtering",
            words(&["multiple", "single", "disabled"]),
            Default("multiple"),
            "`multiple`: clients are shared out among the hosts; `single`: one host answers all; `disabled`: nobody does.",
        ),
        key(
            "affinity",
            words(&["none", "single", "class_c"]),
            Default("single"),
            "What ties a client to a host: address and port, its address, or its network.",
        ),
        key(
            "load_weight",
            Either(&words(&["equal"]), &PerHost(&count(0, 100))),
            Default("equal"),
            "Share of the load; a map from host to a number where it is not equal, 50 for a host that it leaves out.",
        ),
    ],
};

static NETWORK_DEVICE: Object = Object {
    name: "a network device",
    doc: "A device that holds the VIPs and finds the primary by SIP OPTIONS.",
    exactly_one: false,
    keys: &[
        key(
            "address",
            ADDRESS,
            Required,
            "Its own address, from which it asks both servers.",
        ),
        key(
            "check_interval",
            POSITIVE,
            Default("1s"),
            "From one OPTIONS to the next.",
        ),
    ],
};

static MEMBER: Object = Object {
    name: "a member",
    doc: "One of the pair.",
    exactly_one: false,
    keys: &[
        key(
            "application",
            reference(Target::Application),
            Required,
            "Name of its Application object.",
        ),
        key("host", reference(Target::Host), Required, "Its host."),
    ],
};

/// One of `virtual_ips`.
pub(crate) static VIRTUAL_IP: Object = Object {
    name: "a virtual IP",
    doc: "A Virtual IP.",
    exactly_one: false,
    keys: &[
        key(
            "address",
            PREFIXED,
            Required,
            "The address with its prefix length, as `10.10.11.103/24`.",
        ),
        key(
            "interface",
            Either(&TEXT, &PerHost(&TEXT)),
            Default("none; needed unless a network device holds the VIP"),
            "The interface on both hosts, or a map from host to interface.",
        ),
        key(
            "label",
            TEXT,
            Default("none"),
            "Label of the logical sub-interface, as `eth0:1`; IPv4 on Linux.",
        ),
        key(
            "control",
            PerHost(&Of(&CONTROL)),
            Default("derived"),
            "With `derive: off`: which application enables and which disables the VIP, per host.",
        ),
    ],
};

static CONTROL: Object = Object {
    name: "control",
    doc: "The control scripts of one host.",
    exactly_one: false,
    keys: &[
        key(
            "enable",
            reference(Target::Application),
            Required,
            "The Third Party Server that brings the VIP up there.",
        ),
        key(
            "disable",
            reference(Target::Application),
            Required,
            "The Third Party Server that takes it down there.",
        ),
    ],
};

static CONTROL_SCRIPTS: Object = Object {
    name: "control_scripts",
    doc: "The control scripts, the same on both hosts.",
    exactly_one: false,
    keys: &[
        key(
            "working_directory",
            TEXT,
            Default("that of the LCA"),
            "Where the scripts are.",
        ),
        key(
            "enable",
            Of(&CONTROL_SCRIPT),
            Required,
            "Brings the VIPs up.",
        ),
        key(
            "disable",
            Of(&CONTROL_SCRIPT),
            Required,
            "Takes the VIPs down.",
        ),
    ],
};

static CONTROL_SCRIPT: Object = Object {
    name: "a control script",
    doc: "A control script.",
    exactly_one: false,
    keys: &[
        key("command_line", TEXT, Required, "The script."),
        key(
            "arguments",
            List(&TEXT),
            Default("[]"),
            "Its arguments, one item each.",
        ),
        key(
            "startup_timeout",
            POSITIVE,
            Default("8s"),
            "Longest time to its end.",
        ),
        key(
            "success",
            words(&["exit-code", "any-exit"]),
            Default("exit-code"),
            "What counts as success where nobody can see the address.",
        ),
    ],
};

static POLICY: Object = Object {
    name: "policy",
    doc: "How switchovers are carried out.",
    exactly_one: false,
    keys: &[
        key(
            "reaction_order",
            words(&["release-first", "as-listed"]),
            Default("release-first"),
            "Enabling waits until the release is observed, or the list runs as written.",
        ),
        key(
            "release_wait",
            POSITIVE,
            Default("1s; Windows 8s"),
            "How long a release may take before `force_release` applies.",
        ),
        key(
            "force_release",
            words(&["on", "off", "enable-anyway"]),
            Default("on"),
            "`on`: the LCA removes the address itself; `off`: the pair is held; `enable-anyway`: the new host gets it all the same.",
        ),
        key(
            "realign_after",
            DURATION_OR_OFF,
            Default("2s"),
            "How long intended and observed holder may differ; `off`: no reaction without an event.",
        ),
        key(
            "event_wait",
            POSITIVE,
            Default("500ms"),
            "How long the SCS waits for the event of a run mode, and then for its reactions.",
        ),
        key(
            "demotion_wait",
            POSITIVE,
            Default("500ms"),
            "How long a demotion may stay unacknowledged.",
        ),
        key(
            "on_failure",
            words(&["roll-back", "alarm"]),
            Default("roll-back"),
            "What follows a promotion that failed.",
        ),
        key(
            "on_agent_loss",
            words(&["hold", "failover"]),
            Default("hold"),
            "What follows an LCA that stays away from a living host.",
        ),
        key(
            "on_controller_loss",
            CONTROLLER_LOSS,
            Default("hold"),
            "What a primary does without its controller: `hold`, `release-after 30s`, `quorum`.",
        ),
        key(
            "retries",
            count(0, 100),
            Default("1"),
            "Retries of a failed control script.",
        ),
        key(
            "retry_after",
            ANY_DURATION,
            Default("500ms"),
            "Pause before a retry.",
        ),
        key(
            "test_hold",
            ANY_DURATION,
            Default("60s"),
            "How long an alarm Test suspends realignment.",
        ),
        key(
            "carrier_check",
            BOOLEAN,
            Default("true unless the server has sip-pass-check=true"),
            "No carrier on a VIP's interface makes the server there Service Unavailable.",
        ),
        key(
            "address_lifetime",
            POSITIVE,
            Default("10s"),
            "Kernel lifetime of the VIP under `quorum`: ends it on a host whose LCA died too.",
        ),
        key(
            "fence",
            Of(&FENCE),
            Default("none"),
            "A command that must succeed before a failover from a host that cannot be asked.",
        ),
        key(
            "flapping",
            Of(&FLAPPING),
            Default("the defaults below"),
            "When automatic switching stops.",
        ),
    ],
};

static FENCE: Object = Object {
    name: "fence",
    doc: "A command that must succeed before a promotion in a failover from a host that cannot be asked.",
    exactly_one: false,
    keys: &[
        key(
            "command_line",
            TEXT,
            Required,
            "The command with its arguments, for `/bin/sh -c`; exit code 0 says that the host is off.",
        ),
        key(
            "timeout",
            POSITIVE,
            Default("30s"),
            "It is killed and has failed after this.",
        ),
        key("on", words(&["scs"]), Default("scs"), "Where it runs."),
    ],
};

static FLAPPING: Object = Object {
    name: "flapping",
    doc: "More than `switches` automatic role changes `within` a time stop automatic switching.",
    exactly_one: false,
    keys: &[
        key(
            "switches",
            count(1, 1_000_000),
            Default("4"),
            "Most automatic role changes.",
        ),
        key("within", POSITIVE, Default("10m"), "The window."),
    ],
};
