//! The hosts as the SCS knows them: link, last sign of life, judgement. What is concluded from silence stands
//! in `detection`, what arrives on a link in `link`, the SCS's doubt about itself in `doubt`.

mod clock;
mod detection;
mod doubt;
mod link;
mod reports;

pub(crate) use clock::LinkClock;

use crate::LinkLoss;
use changeover_model::environment::Host;
use changeover_model::message::AddressObservation;
use changeover_model::{HostStatus, OrderNumber, Revision, Timestamp};
use std::collections::VecDeque;
use std::time::Duration;

/// Everything about one host.
#[derive(Clone, Debug)]
pub(crate) struct HostCare {
    pub(crate) config: Host,
    /// False: nothing is managed there, nothing is dialled, nothing is judged.
    pub(crate) needs_lca: bool,
    pub(crate) status: HostStatus,
    pub(crate) since: Timestamp,
    pub(crate) reason: String,
    pub(crate) link: Option<Link>,
    /// Last sign of life of any kind: stream, refusal, echo.
    pub(crate) heard: Timestamp,
    /// The LCA's full state has arrived on the current connection and, after a pause, again.
    pub(crate) reported: bool,
    /// The current or a former connection has reported since this SCS started.
    pub(crate) ever_reported: bool,
    /// Since when its LCA is away while the host lives.
    pub(crate) agent_lost: Option<Timestamp>,
    /// `lca_restart_timeout` is over as well.
    pub(crate) agent_wait_over: bool,
    /// Since when the host is lost.
    pub(crate) lost: Option<Timestamp>,
    /// `disconnect_switchover_timeout` is over as well.
    pub(crate) lost_wait_over: bool,
    /// An operator said that it is really lost: nothing of it serves or holds a VIP any more. For a silent host any
    /// sign of life ends that word; for one whose agent alone is away, only its LCA.
    pub(crate) confirmed_lost: bool,
    /// The first order number that was not taken yet when its full state was asked for last.
    pub(crate) asked_before: OrderNumber,
    /// How the link ended last.
    pub(crate) last_loss: Option<LinkLoss>,
    pub(crate) clock: LinkClock,
    /// The host is being shut down cleanly.
    pub(crate) stopping: bool,
    /// `HandedOver` was sent for it.
    pub(crate) handed_over: bool,
    /// Session of its LCA: a new one counts its time anew.
    pub(crate) session: Option<u64>,
    /// Revision of the slice it works with.
    pub(crate) revision: Revision,
    /// When its LCA was last heard of.
    pub(crate) agent_heard: Timestamp,
    /// Who holds what there, as last reported.
    pub(crate) addresses: Vec<AddressObservation>,
    /// When it said so, by its own clock.
    pub(crate) addresses_told: Timestamp,
    /// It was given a detection bound of its own after a silence that most hosts shared; not again before it is heard.
    pub(crate) heard_out: bool,
}

/// A standing connection.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) connection: u64,
    /// Sequence of the last beat.
    pub(crate) sequence: u64,
    /// The highest beat that is answered, and when the answer came.
    pub(crate) answered: Option<(u64, Timestamp)>,
    /// Beats on their way: sequence and when it left.
    pub(crate) beats: VecDeque<(u64, Timestamp)>,
    /// Last arrival on it, or its beginning.
    pub(crate) heard: Timestamp,
    /// A beat on it has answered the LCA, so leases count from there.
    pub(crate) grants: bool,
}

/// What the pairs may conclude about a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostCondition {
    /// Its LCA is connected and has told its state.
    Reported,
    /// Too early to say.
    NotYetJudged,
    /// It lives without its LCA; `true` when `lca_restart_timeout` is over.
    AgentLost(bool),
    /// It is lost; `true` when `disconnect_switchover_timeout` is over.
    Lost(bool),
}

impl HostCare {
    pub(crate) fn new(config: Host, needs_lca: bool, now: Timestamp) -> Self {
        Self {
            config,
            needs_lca,
            status: HostStatus::Unknown,
            since: now,
            reason: if needs_lca {
                "not heard of yet".to_owned()
            } else {
                "nothing is managed here".to_owned()
            },
            link: None,
            heard: now,
            reported: false,
            ever_reported: false,
            agent_lost: None,
            agent_wait_over: false,
            lost: None,
            lost_wait_over: false,
            confirmed_lost: false,
            asked_before: OrderNumber(0),
            last_loss: None,
            clock: LinkClock::default(),
            stopping: false,
            handed_over: false,
            session: None,
            revision: Revision(0),
            agent_heard: now,
            addresses: Vec::new(),
            addresses_told: Timestamp(0),
            heard_out: false,
        }
    }

    /// One ADDP timeout: silence before the poll. Never zero, so that timers make progress.
    pub(crate) fn silence(&self) -> Duration {
        self.config.addp.timeout.max(Duration::from_millis(1))
    }

    /// The detection bound.
    pub(crate) fn bound(&self) -> Duration {
        self.silence() * 2
    }

    pub(crate) fn condition(&self) -> HostCondition {
        if self.lost.is_some() {
            HostCondition::Lost(self.lost_wait_over || self.confirmed_lost)
        } else if self.reported {
            HostCondition::Reported
        } else if self.agent_lost.is_some() && self.confirmed_lost {
            HostCondition::Lost(true)
        } else if self.agent_lost.is_some() {
            HostCondition::AgentLost(self.agent_wait_over)
        } else {
            HostCondition::NotYetJudged
        }
    }

    pub(crate) fn connection(&self) -> Option<u64> {
        self.link.as_ref().map(|link| link.connection)
    }
}
