//! The connection to a host's LCA: hello, beats, and each message on its way to its room.

use super::Link;
use crate::dispatch::Timer;
use crate::pairs::{Vote, Voted};
use crate::{LinkLoss, ScsCore, ScsOutput};
use changeover_model::message::{FromLca, LcaOrder, LcaReport};
use changeover_model::{Epoch, HostName, PairName, Refusal, Timestamp};
use std::collections::VecDeque;
use std::time::Duration;

/// Beats remembered until they are answered.
const BEATS: usize = 32;

fn as_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl ScsCore {
    pub(crate) fn lca_connected(&mut self, host: &HostName, connection: u64) {
        let now = self.now;
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        if !care.needs_lca || care.connection().is_some_and(|held| held > connection) {
            return;
        }
        care.link = Some(Link {
            connection,
            sequence: 0,
            answered: None,
            beats: VecDeque::new(),
            grants: false,
            heard: now,
        });
        care.reported = false;
        self.host_alive(host);
        self.say_hello(host);
        self.send_beat(host);
    }

    /// Asks for the full state; without an answer within the detection bound the connection is given up.
    pub(crate) fn say_hello(&mut self, host: &HostName) {
        let asked_before = self.engine.next_order_number();
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        care.asked_before = asked_before;
        let bound = care.config.addp.remote_timeout * 2;
        let due = self.now + care.bound();
        let hello = LcaOrder::Hello {
            version: self.identity.version.clone(),
            session: self.identity.session,
            bound,
        };
        self.send(host, None, hello);
        self.timers.set(Timer::HelloDue(host.clone()), due);
        self.expect_agent(host);
    }

    pub(crate) fn beat_due(&mut self, host: &HostName) {
        self.send_beat(host);
    }

    pub(crate) fn send_beat(&mut self, host: &HostName) {
        let now = self.now;
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        let interval = care.config.beat_interval();
        let Some(link) = care.link.as_mut() else {
            return;
        };
        link.sequence += 1;
        let sequence = link.sequence;
        let answered = link.answered;
        let first = answered.is_some() && !link.grants;
        link.grants |= first;
        link.beats.push_back((sequence, now));
        if link.beats.len() > BEATS {
            link.beats.pop_front();
        }
        let grants = answered.map(|(_, at)| self.grants_for(host, at));
        let beat = LcaOrder::Beat {
            sequence,
            answered: answered.map_or(0, |(number, _)| number),
            grants: grants.unwrap_or_default(),
        };
        self.send(host, None, beat);
        self.timers.set(Timer::Beat(host.clone()), now + interval);
        if first {
            self.touch_host(host);
        }
    }

    /// True if the message belongs to the connection in force; what arrives on it is a sign of life.
    fn arrived(&mut self, host: &HostName, connection: u64) -> bool {
        let now = self.now;
        let Some(link) = self
            .hosts
            .get_mut(host)
            .and_then(|care| care.link.as_mut())
            .filter(|link| link.connection == connection)
        else {
            return false;
        };
        link.heard = now;
        if let Some(care) = self.hosts.get_mut(host) {
            care.agent_heard = now;
        }
        self.expect_agent(host);
        self.host_alive(host);
        true
    }

    pub(crate) fn lca_message(&mut self, host: &HostName, connection: u64, message: FromLca) {
        if !self.arrived(host, connection) {
            return;
        }
        let at = message.sent_at;
        match message.body {
            LcaReport::Hello(state) => self.lca_reported(host, at, state),
            LcaReport::BeatAnswered { sequence } => self.beat_answered(host, sequence, at),
            LcaReport::Configured { revision } => {
                if let Some(care) = self.hosts.get_mut(host) {
                    care.revision = revision;
                }
            }
            LcaReport::ApplicationChanged(state) => {
                self.application_changed(host, at, message.cause, state);
            }
            LcaReport::OrderAnswered { key, outcome } => {
                self.order_answered(host, at, key, outcome);
            }
            LcaReport::ControlScriptFinished { key, outcome } => {
                self.script_finished(host, at, key, outcome);
            }
            LcaReport::AddressesObserved(addresses) => {
                self.addresses_observed(host, at, addresses);
            }
            LcaReport::CommandFinished { key, outcome } => {
                self.command_finished(host, key, outcome);
            }
            LcaReport::RivalSighted {
                pair,
                address,
                interface,
                mac,
            } => self.rival_sighted(host, &pair, address, &interface, &mac),
            LcaReport::HostStopping => self.host_stopping(host),
            LcaReport::Voted {
                pair,
                epoch,
                released,
                quiet,
            } => {
                let silent_since =
                    quiet.map(|quiet| Timestamp(self.now.0.saturating_sub(as_micros(quiet))));
                let answer = Ok(Vote {
                    released,
                    silent_since,
                });
                self.take_vote(host, &pair, epoch, answer);
            }
            LcaReport::VoteRefused {
                pair,
                epoch,
                refusal,
            } => self.take_vote(host, &pair, epoch, Err(refusal)),
            LcaReport::SoleMarked { mark, sole } => self.sole_marked(host, &mark, sole),
            LcaReport::Fenced {
                pair,
                epoch,
                reason,
            } => self.fenced(host, &pair, epoch, &reason),
        }
    }

    fn take_vote(
        &mut self,
        host: &HostName,
        pair: &PairName,
        epoch: Epoch,
        answer: Result<Vote, Refusal>,
    ) {
        let (host, at) = (host.clone(), self.now);
        self.voted(
            pair,
            Voted {
                host,
                epoch,
                at,
                answer,
            },
        );
    }

    fn beat_answered(&mut self, host: &HostName, sequence: u64, answered: Timestamp) {
        let now = self.now;
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        let Some(link) = care.link.as_mut() else {
            return;
        };
        let sent = link
            .beats
            .iter()
            .find(|(number, _)| *number == sequence)
            .map(|(_, at)| *at);
        link.beats.retain(|(number, _)| *number > sequence);
        if link.answered.is_none_or(|(number, _)| number < sequence) && sequence <= link.sequence {
            link.answered = Some((sequence, now));
        }
        if let Some(sent) = sent {
            care.clock.measured(sent, answered, now);
        }
    }

    pub(crate) fn lca_disconnected(&mut self, host: &HostName, connection: u64, loss: LinkLoss) {
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        if care.connection() != Some(connection) {
            return;
        }
        self.link_gone(host, loss);
        if loss == LinkLoss::Closed || loss == LinkLoss::Refused {
            // Its FIN or RST came from a living host.
            self.host_alive(host);
        }
        self.probe(host);
    }

    /// The stream is of no use any more: its process is gone, or nothing comes over it.
    pub(crate) fn link_gone(&mut self, host: &HostName, loss: LinkLoss) {
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        care.link = None;
        care.reported = false;
        care.last_loss = Some(loss);
        for timer in [
            Timer::Beat(host.clone()),
            Timer::HelloDue(host.clone()),
            Timer::AgentSilence(host.clone()),
        ] {
            self.timers.cancel(&timer);
        }
        self.reach_changed(host);
        self.touch_host(host);
    }

    /// After a pause of this machine: everything heard so far counts as heard now, and the state is asked for
    /// before anything is judged.
    pub(crate) fn ask_again(&mut self, host: &HostName) {
        let now = self.now;
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        if !care.needs_lca {
            return;
        }
        care.heard = now;
        if let Some(link) = care.link.as_mut() {
            link.heard = now;
            link.beats.clear();
            care.reported = false;
            self.say_hello(host);
            self.send_beat(host);
        }
        self.expect_host(host);
    }

    pub(crate) fn close_link(&mut self, host: &HostName) {
        self.link_gone(host, LinkLoss::TimedOut);
        self.out.push(ScsOutput::CloseLca { host: host.clone() });
    }
}
