//! What is concluded from silence: agent lost, host lost, and their ends (BEHAVIOUR, Losing things). A host is
//! lost when nothing of any kind was heard of it for its detection bound; its agent when the host lives and
//! its LCA does not.

use super::HostCondition;
use crate::dispatch::Timer;
use crate::{Echo, LinkLoss, ScsCore, ScsOutput};
use changeover_model::environment::AlarmCategory;
use changeover_model::message::{RecordKind, RecordOutcome, Step};
use changeover_model::{ApplicationName, HostName, HostStatus, LogEventId, planted, show_duration};
use changeover_reaction_engine::{HostReach, Input as EngineInput};

impl ScsCore {
    /// The LCA has just been heard of: it may be silent for one ADDP timeout, then it is polled.
    pub(crate) fn expect_agent(&mut self, host: &HostName) {
        let Some(care) = self.hosts.get(host) else {
            return;
        };
        let heard = care.link.as_ref().map_or(self.now, |link| link.heard);
        let (poll, lost) = (heard + care.silence(), heard + care.bound());
        self.timers.set(Timer::Poll(host.clone()), poll);
        self.timers.set(Timer::AgentSilence(host.clone()), lost);
    }

    /// The host itself has until then to give a sign of life.
    pub(crate) fn expect_host(&mut self, host: &HostName) {
        let Some(care) = self.hosts.get(host).filter(|care| care.needs_lca) else {
            return;
        };
        let due = care.heard + care.bound();
        if !planted("host-silence-never-due") {
            self.timers.set(Timer::HostSilence(host.clone()), due);
        }
        if care.link.is_none() && self.timers.get(&Timer::Poll(host.clone())).is_none() {
            let next = self.now + care.config.beat_interval();
            self.timers.set(Timer::Poll(host.clone()), next);
        }
    }

    /// A sign of life of any kind.
    pub(crate) fn host_alive(&mut self, host: &HostName) {
        let now = self.now;
        let shared = self.shared_a_silence(host);
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        care.heard = now;
        care.heard_out = false;
        if care.lost.take().is_some() {
            care.confirmed_lost = false;
            care.lost_wait_over = false;
            self.timers.cancel(&Timer::LostWait(host.clone()));
            self.reach_changed(host);
            self.touch_host(host);
            self.doubt_again();
        }
        self.expect_host(host);
        if shared {
            self.hear_the_others_out(host);
        }
    }

    /// Asks whether the host answers at all.
    pub(crate) fn probe(&mut self, host: &HostName) {
        let Some(care) = self.hosts.get(host).filter(|care| care.needs_lca) else {
            return;
        };
        let timeout = care.silence();
        let next = self.now + care.config.beat_interval();
        self.out.push(ScsOutput::ProbeHost {
            host: host.clone(),
            timeout,
        });
        self.timers.set(Timer::Poll(host.clone()), next);
    }

    /// Silence of the LCA for one ADDP timeout, or no link: poll and probe.
    pub(crate) fn poll_due(&mut self, host: &HostName) {
        let quiet = self.hosts.get(host).is_some_and(|care| {
            care.link
                .as_ref()
                .is_none_or(|link| self.now.since(link.heard) >= care.silence())
        });
        if quiet {
            self.send_beat(host);
            self.probe(host);
        }
    }

    pub(crate) fn dial_failed(&mut self, host: &HostName, loss: LinkLoss) {
        let Some(care) = self.hosts.get_mut(host).filter(|care| care.needs_lca) else {
            return;
        };
        if care.link.is_some() {
            return;
        }
        care.last_loss = Some(loss);
        match loss {
            LinkLoss::Refused | LinkLoss::Closed => self.lives_without_agent(host, true),
            LinkLoss::TimedOut | LinkLoss::NoRoute => {}
        }
    }

    pub(crate) fn host_echoed(&mut self, host: &HostName, echo: Echo) {
        let Some(care) = self.hosts.get_mut(host).filter(|care| care.needs_lca) else {
            return;
        };
        if echo == Echo::NoRoute {
            care.last_loss = Some(LinkLoss::NoRoute);
        }
        if !echo.is_life() {
            return;
        }
        let away = care.link.is_none();
        if away {
            self.lives_without_agent(host, echo == Echo::Refused);
        } else {
            self.host_alive(host);
        }
    }

    /// The host gives signs of life and there is no LCA to talk to.
    fn lives_without_agent(&mut self, host: &HostName, refused: bool) {
        self.host_alive(host);
        let now = self.now;
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        // At the start everybody has one bound to report before anything is judged.
        let too_early = !care.ever_reported && now < care.since + care.bound();
        if care.agent_lost.is_some() || care.link.is_some() || too_early {
            return;
        }
        care.agent_lost = Some(now);
        care.agent_wait_over = false;
        let wait = care.config.lca_restart_timeout;
        self.timers.set(Timer::AgentWait(host.clone()), now + wait);
        let (id, how) = if refused {
            (8000, "refuses the connection")
        } else {
            (8002, "does not answer")
        };
        let text = format!("Host {host} lives, its LCA {how}");
        self.host_status(host, HostStatus::Disconnected, &text, LogEventId(id));
        let waits = show_duration(wait);
        self.raise_alarm(
            &format!("agent/{host}"),
            "AGENT_LOST",
            AlarmCategory::Major,
            host.as_str(),
            &format!("{text}; its pairs are left alone for {waits}. Start the lca on {host} again"),
            None,
        );
        let record = self.host_record(&format!("LCA of {host} lost"), &text);
        self.note(record, Step::AgentLost(host.clone(), true), text, how);
        self.close_record(
            record,
            RecordOutcome::Done,
            "the host lives, its LCA is away",
        );
        self.reach_changed(host);
        self.touch_host(host);
    }

    pub(crate) fn agent_wait_over(&mut self, host: &HostName) {
        if let Some(care) = self.hosts.get_mut(host) {
            care.agent_wait_over = care.agent_lost.is_some();
            self.touch_host(host);
        }
    }

    /// Nothing came over the stream for the detection bound. If the host lives, its LCA hangs.
    pub(crate) fn agent_silent(&mut self, host: &HostName) {
        let Some(care) = self.hosts.get(host) else {
            return;
        };
        let Some(heard_on_link) = care.link.as_ref().map(|link| link.heard) else {
            return;
        };
        let lives = care.heard > heard_on_link;
        self.close_link(host);
        if lives {
            self.lives_without_agent(host, false);
        }
        self.probe(host);
    }

    pub(crate) fn hello_overdue(&mut self, host: &HostName) {
        let waiting = self
            .hosts
            .get(host)
            .is_some_and(|care| care.link.is_some() && !care.reported);
        if waiting {
            // Something accepts connections there and tells nothing: a hung LCA on a living host.
            self.close_link(host);
            self.lives_without_agent(host, false);
            self.probe(host);
        }
    }

    /// Nothing of any kind was heard for the detection bound.
    pub(crate) fn host_silent(&mut self, host: &HostName) {
        let now = self.now;
        let Some(care) = self.hosts.get(host) else {
            return;
        };
        if !care.needs_lca || care.lost.is_some() || care.heard + care.bound() > now {
            return;
        }
        if care.link.is_some() {
            self.close_link(host);
        }
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        care.lost = Some(now);
        care.agent_lost = None;
        care.agent_wait_over = false;
        let wait = care.config.disconnect_switchover_timeout;
        care.lost_wait_over = wait.is_zero();
        let bound = show_duration(care.bound());
        let no_route = care.last_loss == Some(LinkLoss::NoRoute);
        self.timers.cancel(&Timer::AgentWait(host.clone()));
        if !wait.is_zero() {
            self.timers.set(Timer::LostWait(host.clone()), now + wait);
        }
        let (status, id) = if no_route {
            (HostStatus::Unreachable, LogEventId(8003))
        } else {
            (HostStatus::Unavailable, LogEventId(8002))
        };
        let text = format!("Host {host} is lost: nothing was heard of it for {bound}");
        self.host_status(host, status, &text, id);
        self.third_party_lost(host);
        self.clear_alarm(&format!("agent/{host}"), "the host is lost as well");
        self.raise_alarm(
            &format!("host/{host}"),
            "HOST_LOST",
            AlarmCategory::Critical,
            host.as_str(),
            &text,
            None,
        );
        let record = self.host_record(&format!("{host} lost"), &text);
        self.note(record, Step::HostLost(host.clone(), true), text, bound);
        self.close_record(
            record,
            RecordOutcome::Done,
            "its pairs fail over if they can",
        );
        self.doubt();
        self.reach_changed(host);
        self.touch_host(host);
        self.probe(host);
    }

    pub(crate) fn lost_wait_over(&mut self, host: &HostName) {
        if let Some(care) = self.hosts.get_mut(host) {
            care.lost_wait_over = care.lost.is_some();
            self.touch_host(host);
        }
    }

    fn host_record(&mut self, title: &str, trigger: &str) -> changeover_model::CauseId {
        self.picture_changed = true;
        self.open_record(RecordKind::Host, None, title.to_owned(), trigger)
    }

    /// A new status of the host, with the event that goes with it.
    pub(crate) fn host_status(
        &mut self,
        host: &HostName,
        status: HostStatus,
        reason: &str,
        event: LogEventId,
    ) {
        let now = self.now;
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        reason.clone_into(&mut care.reason);
        self.picture_changed = true;
        if care.status == status {
            return;
        }
        care.status = status;
        care.since = now;
        self.own_event(
            event,
            &ApplicationName::from("SCS"),
            Some(host.clone()),
            reason.to_owned(),
            None,
        );
    }

    /// Tells the engine how the host can be reached now.
    pub(crate) fn reach_changed(&mut self, host: &HostName) {
        let Some(care) = self.hosts.get(host) else {
            return;
        };
        let reach = match care.condition() {
            HostCondition::Reported => HostReach::Connected,
            HostCondition::Lost(_) => HostReach::Lost,
            HostCondition::NotYetJudged | HostCondition::AgentLost(_) => HostReach::AgentAway,
        };
        self.engine(EngineInput::HostChanged {
            host: host.clone(),
            reach,
        });
        self.picture_changed = true;
    }

    /// Every pair with a member on this host is looked at before this input is done with.
    pub(crate) fn touch_host(&mut self, host: &HostName) {
        let pairs: Vec<_> = self
            .pairs
            .iter()
            .filter(|(_, care)| care.hosts().contains(host))
            .map(|(name, _)| name.clone())
            .collect();
        self.touched.extend(pairs);
        let operations: Vec<_> = self
            .operations
            .keys()
            .filter(|name| {
                self.applications
                    .get(*name)
                    .is_some_and(|care| &care.host == host)
            })
            .cloned()
            .collect();
        self.touched_operations.extend(operations);
    }
}
