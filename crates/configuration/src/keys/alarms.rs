//! Scripts (type Alarm Reaction) and Alarm Conditions.

use super::Kind::{Either, List, Object as Of};
use super::Presence::{Default, Required};
use super::scalars::{BOOLEAN, CANCEL_TIMEOUT, EVENT_ID, TEXT, reference, words};
use super::{Object, Target, key};

/// A Script object.
pub(crate) static SCRIPT: Object = Object {
    name: "a script",
    doc: "A Script object: what an Alarm Condition can run.",
    exactly_one: false,
    keys: &[
        key(
            "type",
            words(&["alarm_reaction"]),
            Default("alarm_reaction"),
            "Its type.",
        ),
        key(
            "reaction",
            Of(&REACTION),
            Required,
            "What it does: exactly one of the keys below.",
        ),
    ],
};

/// `reaction` of a script.
static REACTION: Object = Object {
    name: "a reaction",
    doc: "What a script does: exactly one of these keys.",
    exactly_one: true,
    keys: &[
        key(
            "start_application",
            reference(Target::Application),
            Default("-"),
            "Start a specified application; the VIP control scripts run like this.",
        ),
        key(
            "shut_down_application",
            reference(Target::Application),
            Default("-"),
            "Shut down a specified application.",
        ),
        key(
            "restart_application",
            Of(&EMPTY),
            Default("-"),
            "Restart the application that reported the event: `{}`.",
        ),
        key(
            "switchover",
            Of(&SWITCHOVER),
            Default("-"),
            "Switch over the pair of the application that reported the event.",
        ),
        key(
            "os_command",
            Of(&OS_COMMAND),
            Default("-"),
            "Execute an OS command.",
        ),
        key(
            "change_option",
            Of(&CHANGE_OPTION),
            Default("-"),
            "Change an option of an application.",
        ),
        key(
            "send_email",
            Of(&SEND_EMAIL),
            Default("-"),
            "Send an e-mail.",
        ),
        key(
            "send_snmp_trap",
            Of(&EMPTY),
            Default("-"),
            "Send an SNMP trap: `{}`.",
        ),
    ],
};

static EMPTY: Object = Object {
    name: "this reaction",
    doc: "Has no keys: `{}`.",
    exactly_one: false,
    keys: &[],
};

static SWITCHOVER: Object = Object {
    name: "switchover",
    doc: "Acts only if the reporting application has this run mode.",
    exactly_one: false,
    keys: &[key(
        "when",
        words(&["primary", "backup", "any"]),
        Default("any"),
        "`primary`, `backup` or `any`.",
    )],
};

static OS_COMMAND: Object = Object {
    name: "os_command",
    doc: "An OS command.",
    exactly_one: false,
    keys: &[
        key(
            "command_line",
            TEXT,
            Required,
            "The command with its arguments, for `/bin/sh -c`.",
        ),
        key(
            "on",
            words(&["scs", "application-host"]),
            Default("scs"),
            "Where it runs.",
        ),
    ],
};

static CHANGE_OPTION: Object = Object {
    name: "change_option",
    doc: "An option that is changed.",
    exactly_one: false,
    keys: &[
        key(
            "application",
            reference(Target::Application),
            Default("the one that reported the event"),
            "Whose option.",
        ),
        key("section", TEXT, Required, "Section."),
        key("option", TEXT, Required, "Option."),
        key("value", TEXT, Required, "New value."),
    ],
};

static SEND_EMAIL: Object = Object {
    name: "send_email",
    doc: "An e-mail; subject and body may use $COND_NAME, $APP_NAME and the other variables of the model.",
    exactly_one: false,
    keys: &[
        key(
            "to",
            Either(&TEXT, &List(&TEXT)),
            Required,
            "Recipient or recipients.",
        ),
        key("subject", TEXT, Required, "Subject."),
        key("body", TEXT, Default("a standard text"), "Body."),
    ],
};

/// An Alarm Condition.
pub(crate) static CONDITION: Object = Object {
    name: "an alarm condition",
    doc: "An Alarm Condition.",
    exactly_one: false,
    keys: &[
        key("description", TEXT, Default("empty"), "For people."),
        key(
            "category",
            words(&["Critical", "Major", "Minor"]),
            Required,
            "Its category; the HA conditions are Critical.",
        ),
        key("detect", Of(&DETECT), Required, "The detect event."),
        key(
            "cancel",
            Of(&CANCEL),
            Default("none"),
            "The cancel event: clears the alarm of the same application.",
        ),
        key(
            "cancel_timeout",
            CANCEL_TIMEOUT,
            Default("1h"),
            "The alarm clears itself this long after its last renewal. Always with its unit; the guide's `1` is 1h.",
        ),
        key(
            "reaction_scripts",
            List(&reference(Target::Script)),
            Default("[]"),
            "Scripts that run at activation, in order.",
        ),
        key(
            "clearance_scripts",
            List(&reference(Target::Script)),
            Default("[]"),
            "Scripts that run when the alarm is cleared, in order.",
        ),
        key(
            "enabled",
            BOOLEAN,
            Default("true"),
            "A condition that is switched off matches nothing.",
        ),
    ],
};

/// `detect`.
static DETECT: Object = Object {
    name: "detect",
    doc: "Which event of which application.",
    exactly_one: false,
    keys: &[
        key(
            "log_event_id",
            EVENT_ID,
            Required,
            "Log event ID, such as 4561.",
        ),
        key(
            "selection",
            words(&["any", "type", "application"]),
            Required,
            "Whose event: of any application, of a type, or of one application.",
        ),
        key(
            "application",
            reference(Target::Application),
            Default("none"),
            "The application, for `selection: application`.",
        ),
        key(
            "type",
            words(&[
                "SIPServer",
                "ThirdPartyServer",
                "SolutionControlServer",
                "MessageServer",
            ]),
            Default("none"),
            "The type, for `selection: type`.",
        ),
    ],
};

static CANCEL: Object = Object {
    name: "cancel",
    doc: "The event that clears the alarm.",
    exactly_one: false,
    keys: &[key("log_event_id", EVENT_ID, Required, "Log event ID.")],
};
