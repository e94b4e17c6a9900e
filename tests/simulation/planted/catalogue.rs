//! The bugs that are planted, as data: name, core, what it breaks, and, for one that nothing can find here, why.

/// A mistake in a core.
pub(crate) struct Bug {
    /// As in `planted("name")`.
    pub(crate) name: &'static str,
    /// The folder of the core that it is planted in.
    pub(crate) core: &'static str,
    /// What is otherwise, in words.
    pub(crate) breaks: &'static str,
    /// Why it is not found, for the few that are known not to be.
    pub(crate) survives: Option<&'static str>,
}

impl Bug {
    /// What is to be planted; nothing for [`NONE`].
    pub(crate) fn planted(&self) -> Option<&'static str> {
        (!self.name.is_empty()).then_some(self.name)
    }
}

const fn bug(name: &'static str, core: &'static str, breaks: &'static str) -> Bug {
    Bug {
        name,
        core,
        breaks,
        survives: None,
    }
}

/// No bug at all.
pub(crate) const NONE: Bug = bug("", "", "nothing");

/// Every one of them.
pub(crate) const BUGS: &[Bug] = &[
    bug(
        "service-unavailable-promoted",
        "scs-core",
        "a server that reports Service Unavailable counts as one that can take over",
    ),
    bug(
        "silence-judged-after-a-pause",
        "scs-core",
        "the SCS stands still and then judges the silence meanwhile as if it had listened",
    ),
    bug(
        "no-doubt-about-itself",
        "scs-core",
        "all hosts fall silent at once and the SCS does not doubt itself",
    ),
    bug(
        "hold-ignored",
        "scs-core",
        "a host that lives without its LCA counts as lost, whatever the policy",
    ),
    bug(
        "switches-not-counted",
        "scs-core",
        "automatic role changes do not count towards flapping",
    ),
    bug(
        "maintenance-ignored",
        "scs-core",
        "maintenance stops no automatic switching",
    ),
    bug(
        "test-hold-ignored",
        "scs-core",
        "a Test does not suspend realignment",
    ),
    bug(
        "never-realigned",
        "scs-core",
        "a VIP in the wrong place is seen and left there",
    ),
    bug(
        "demotion-not-awaited",
        "scs-core",
        "the promotion goes out before the demotion was acknowledged",
    ),
    bug(
        "silent-primary-not-ended",
        "scs-core",
        "a primary that does not acknowledge its demotion is not ended",
    ),
    bug(
        "promotion-without-a-vote",
        "scs-core",
        "under quorum the SCS promotes without the vote of the LCA there",
    ),
    bug(
        "failed-fence-ignored",
        "scs-core",
        "a fence command that fails counts as one that succeeded",
    ),
    bug(
        "sole-mark-never-cleared",
        "scs-core",
        "the SCS forgets that a sole mark was given up",
    ),
    bug(
        "sole-mark-ignored",
        "scs-core",
        "the SCS promotes past a sole mark that stands",
    ),
    bug(
        "detection-acknowledged-before-stored",
        "scs-core",
        "a detection is acknowledged before the alarm is on disk",
    ),
    bug(
        "repeated-detection-runs-again",
        "scs-core",
        "a detection that comes twice activates its alarm twice",
    ),
    bug(
        "alarm-not-kept",
        "scs-core",
        "alarms are not written to disk",
    ),
    bug(
        "cancel-timeout-ignored",
        "scs-core",
        "an alarm is never cleared by its cancel timeout",
    ),
    bug(
        "failed-write-not-repeated",
        "scs-core",
        "a write that the disk refused is forgotten",
    ),
    bug(
        "orders-not-resent",
        "scs-core",
        "an order that a broken connection swallowed is not sent again",
    ),
    bug(
        "lost-event-unnoticed",
        "scs-core",
        "the event of a new run mode is missing and nobody notices",
    ),
    bug(
        "never-rolled-back",
        "scs-core",
        "a promotion that failed is not rolled back",
    ),
    bug(
        "wrong-winner-of-a-reconnect",
        "scs-core",
        "of two primaries the rightful one is demoted",
    ),
    bug(
        "suppression-without-a-record",
        "scs-core",
        "an action is suppressed and no record says so",
    ),
    bug(
        "host-silence-never-due",
        "scs-core",
        "the deadline for a silent host is never armed",
    ),
    bug(
        "refusal-without-a-reason",
        "scs-core",
        "an operator is refused without a reason",
    ),
    bug(
        "reserved-epoch-forgotten",
        "scs-core",
        "after a restart the SCS starts below the epoch that it had reserved on disk",
    ),
    bug(
        "reported-epochs-ignored",
        "scs-core",
        "the SCS does not adopt the higher epoch that an LCA reports",
    ),
    Bug {
        survives: Some(
            "found by `changeover prove` under quorum (crates/proof/tests/planted.rs); presumably no scenario sees it since late orders to enable are refused by the lease",
        ),
        ..bug(
            "without-epochs",
            "lca-core",
            "an LCA obeys orders of a lower epoch than it has seen",
        )
    },
    Bug {
        survives: Some(
            "not looked into yet; presumably the record of the application and the next word of the SCS carry the epoch as well",
        ),
        ..bug(
            "epoch-not-kept",
            "lca-core",
            "an LCA does not write down the epoch that it has seen",
        )
    },
    Bug {
        survives: Some(
            "not looked into yet; presumably the next life of the voter hears the epoch in force from the SCS in time",
        ),
        ..bug(
            "vote-not-kept",
            "lca-core",
            "an LCA does not write down its vote",
        )
    },
    bug(
        "vote-without-waiting",
        "lca-core",
        "an LCA votes before the former holder has surely let go",
    ),
    bug(
        "lease-longer-than-the-bound",
        "lca-core",
        "a lease lasts twice the detection bound",
    ),
    Bug {
        survives: Some(
            "not looked into yet; presumably orders that come too late are refused by the same lease since `changeover prove` found that they were obeyed",
        ),
        ..bug(
            "lease-from-receipt",
            "lca-core",
            "a lease counts from the receipt of an answer instead of from the sending of the question",
        )
    },
    bug(
        "lifetime-never-renewed",
        "lca-core",
        "the lifetime of a VIP is not renewed",
    ),
    bug(
        "standstill-unnoticed",
        "lca-core",
        "an LCA stood still and judges the silence meanwhile",
    ),
    bug(
        "late-script-lives-on",
        "lca-core",
        "a control script that was overtaken is not ended",
    ),
    bug(
        "exit-code-believed",
        "lca-core",
        "exit code 0 counts as success, whatever the addresses say",
    ),
    bug(
        "restart-limit-ignored",
        "lca-core",
        "a server that dies again and again is restarted for ever",
    ),
    bug(
        "restarted-as-it-was",
        "lca-core",
        "a server that died as primary is restarted as primary",
    ),
    bug(
        "exiting-skipped",
        "lca-core",
        "a stop goes straight to SIGTERM",
    ),
    bug(
        "announced-by-a-backup",
        "lca-core",
        "a host announces a VIP that it is not to hold",
    ),
    bug(
        "vip-not-announced",
        "lca-core",
        "a VIP that comes up is not announced",
    ),
    bug(
        "hang-unnoticed",
        "lca-core",
        "a server that answers no heartbeat is never called hung",
    ),
    bug(
        "outcomes-dropped-while-away",
        "lca-core",
        "what ended while the SCS was away is not told to it afterwards",
    ),
    bug(
        "dead-server-not-restarted",
        "lca-core",
        "a server that died is not restarted",
    ),
    bug(
        "pairs-not-restored",
        "lca-core",
        "after its restart an LCA knows no epoch, vote or mark",
    ),
    bug(
        "enabled-before-disabled",
        "reaction-engine",
        "the VIP is enabled before the other host has let go",
    ),
    bug(
        "older-event-runs",
        "reaction-engine",
        "an event of an older epoch runs its reactions",
    ),
    bug(
        "contradiction-runs",
        "reaction-engine",
        "an event without an epoch moves the VIP against the run modes",
    ),
    bug(
        "release-never-forced",
        "reaction-engine",
        "a release that fails or overruns is not forced",
    ),
    bug(
        "retries-without-end",
        "reaction-engine",
        "a reaction that fails is tried for ever",
    ),
    Bug {
        survives: Some(
            "not looked into yet; presumably the second run displaces the first at the LCA and no VIP moves",
        ),
        ..bug(
            "reaction-started-twice",
            "reaction-engine",
            "a second request starts a reaction that is under way once more",
        )
    },
    bug(
        "failure-reported-as-success",
        "reaction-engine",
        "a failed control script counts as a success",
    ),
    bug(
        "lost-script-waited-for",
        "reaction-engine",
        "a script that was lost with its LCA is waited for",
    ),
    bug(
        "acknowledged-before-commit",
        "message-server-core",
        "a log event is acknowledged before it is stored",
    ),
    bug(
        "duplicates-taken-in",
        "message-server-core",
        "an event that is sent again is stored again",
    ),
    bug(
        "detections-not-resent",
        "message-server-core",
        "detections that the SCS has not acknowledged are not sent to its next life",
    ),
    bug(
        "detections-not-stored",
        "message-server-core",
        "detections that the SCS has not acknowledged are not kept on disk",
    ),
    bug(
        "failed-commit-dropped",
        "message-server-core",
        "events of a transaction that failed are dropped",
    ),
    bug(
        "events-not-resent",
        "message-server-core",
        "events that were on their way when a connection broke are not sent again",
    ),
    bug(
        "stop-without-handover",
        "scs-core",
        "a stop of the primary hands nothing over",
    ),
    bug(
        "synchronisation-unchecked",
        "scs-core",
        "a switchover goes to a backup that has not caught up",
    ),
    bug(
        "maintenance-not-restored",
        "scs-core",
        "maintenance is forgotten over a restart of the SCS",
    ),
    bug(
        "shutdown-without-handover",
        "lca-core",
        "a clean shutdown of the host ends the primary without handing over",
    ),
    bug(
        "sole-mark-not-kept",
        "lca-core",
        "an LCA does not write its sole mark down",
    ),
    bug(
        "failed-checks-ignored",
        "lca-core",
        "health checks fail and nothing follows",
    ),
    bug(
        "release-after-ignored",
        "lca-core",
        "release-after never releases",
    ),
];
