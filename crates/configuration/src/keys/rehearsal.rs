//! The `rehearsal` section: faults of the platforms that a rehearsal plays.

use super::Kind::{Either, List, Object as Of, PerHost};
use super::Presence::{Default, Required};
use super::scalars::{ANY_DURATION, count, reference};
use super::{Object, Target, key};

/// The section.
pub(crate) static REHEARSAL: Object = Object {
    name: "rehearsal",
    doc: "What `changeover rehearse` plays on this site's emulated hosts; `--fault` counts before it. The live site does not read it.",
    exactly_one: false,
    keys: &[
        key(
            "netsh_time",
            Either(&ANY_DURATION, &Of(&RANGE)),
            Default("20ms"),
            "What `netsh` takes to add or delete an address; the platform's own is 1 s to 5 s.",
        ),
        key(
            "properties_dialog",
            List(&reference(Target::Host)),
            Default("[]"),
            "Hosts on which somebody has the properties of the connections open: `netsh` fails there.",
        ),
        key(
            "drop_announcements",
            PerHost(&count(1, 1000)),
            Default("none"),
            "How many announcements of a host are lost on the way, from the start on.",
        ),
        key(
            "nlb_convergence",
            ANY_DURATION,
            Default("100ms"),
            "What an NLB cluster takes to agree on who answers whom; the platform's own is some seconds.",
        ),
    ],
};

static RANGE: Object = Object {
    name: "a range of durations",
    doc: "From the one to the other.",
    exactly_one: false,
    keys: &[
        key("least", ANY_DURATION, Required, "The shortest."),
        key("most", ANY_DURATION, Required, "The longest."),
    ],
};
