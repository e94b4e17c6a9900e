//! What passes the shell, counted: links and their round trips, alarms, reactions, mails. Owns nothing but numbers
//! and what is needed to tell that something is counted already, all of it bounded.

use super::records::{Counted, Records};
use changeover_metrics::{Catalogue, Counters, Durations, LinkMetrics};
use changeover_model::environment::{AlarmCategory, Environment};
use changeover_model::message::{LcaOrder, LcaReport, ReactionPicture, ReactionState};
use changeover_model::{AlarmId, CauseId, HostName, Ticket, Timestamp};
use changeover_scs_core::{LinkLoss, ScsCore, ScsInput, ScsOutput, StoreChange, StoredState};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Beats of a host whose answers are waited for.
const BEATS: usize = 16;
/// Finished reactions and effects under way that are remembered.
const REMEMBERED: usize = 1_024;
/// The peers of the SCS's links.
const LCA: &str = "lca";
const MESSAGE_SERVER: &str = "message-server";

/// Families of what passes. Clones share them.
#[derive(Clone)]
pub(crate) struct Flows {
    records: Records,
    links: LinkMetrics,
    round_trips: Durations,
    alarms: Counters,
    reactions: Counters,
    reaction_durations: Durations,
    notifications: Counters,
}

impl Flows {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            records: Records::new(catalogue),
            links: LinkMetrics::new(catalogue),
            round_trips: catalogue.durations(
                "changeover_link_round_trip_seconds",
                &["peer"],
                "Heartbeats from the SCS to the LCA of this host and back",
            ),
            alarms: catalogue.counters(
                "changeover_alarms_activated_total",
                &["condition", "category"],
                "Alarms that became active; renewals do not count",
            ),
            reactions: catalogue.counters(
                "changeover_reactions_total",
                &["pair", "action", "outcome"],
                "Reactions that have ended; action is enable or disable for control scripts and empty for others",
            ),
            reaction_durations: catalogue.durations(
                "changeover_reaction_duration_seconds",
                &["action"],
                "From the request of a reaction to its success, waits included",
            ),
            notifications: catalogue.counters(
                "changeover_notifications_total",
                &["kind", "outcome"],
                "Effects of reactions outside the site that have ended: email, snmp-trap, command",
            ),
        }
    }
}

/// Looks at every input and output of the core.
pub(crate) struct Observer {
    flows: Flows,
    counted: Counted,
    /// Records may have opened or closed.
    changed: bool,
    newest_alarm: AlarmId,
    beats: BTreeMap<HostName, VecDeque<Beat>>,
    links: BTreeMap<HostName, bool>,
    message_server: Option<(String, bool)>,
    finished: BTreeSet<u64>,
    effects: BTreeMap<Ticket, &'static str>,
}

struct Beat {
    connection: u64,
    sequence: u64,
    sent: Timestamp,
}

impl Observer {
    /// What `stored` holds happened in an earlier life and is not counted again.
    pub(crate) fn new(flows: Flows, stored: &StoredState) -> Self {
        let newest = stored.timeline.keys().next_back().copied();
        let newest_alarm = stored.alarms.keys().next_back().copied();
        Self {
            flows,
            counted: Counted::after(newest.unwrap_or(CauseId(0))),
            changed: false,
            newest_alarm: newest_alarm.unwrap_or(AlarmId(0)),
            beats: BTreeMap::new(),
            links: BTreeMap::new(),
            message_server: None,
            finished: BTreeSet::new(),
            effects: BTreeMap::new(),
        }
    }

    /// The core has taken an input.
    pub(crate) fn took(&mut self, now: Timestamp, input: &ScsInput) {
        match input {
            ScsInput::EnvironmentLoaded(environment) => self.environment(environment),
            ScsInput::LcaConnected { host, .. } => {
                self.links.insert(host.clone(), true);
                self.flows.links.connected(LCA, host.as_str());
            }
            ScsInput::LcaDisconnected { host, loss, .. } => {
                self.links.insert(host.clone(), false);
                let loss = loss_word(*loss);
                self.flows.links.lost(LCA, host.as_str(), loss);
            }
            ScsInput::DialFailed { host, loss } => {
                self.links.insert(host.clone(), false);
                let loss = loss_word(*loss);
                self.flows.links.not_connected(LCA, host.as_str(), loss);
            }
            ScsInput::LcaMessage {
                host,
                connection,
                message,
            } => {
                if let LcaReport::BeatAnswered { sequence } = message.body {
                    self.beat_answered(now, host, *connection, sequence);
                }
            }
            ScsInput::MessageServerConnected => self.message_server_link(true),
            ScsInput::MessageServerDisconnected => self.message_server_link(false),
            ScsInput::EffectFinished { ticket, result } => {
                if let Some(kind) = self.effects.remove(ticket) {
                    let outcome = if result.is_ok() { "done" } else { "failed" };
                    self.flows.notifications.increment(&[kind, outcome]);
                }
            }
            _ => {}
        }
    }

    /// An output is about to be carried out.
    pub(crate) fn acts(&mut self, now: Timestamp, output: &ScsOutput) {
        match output {
            ScsOutput::ToLca {
                host,
                connection,
                message,
            } => {
                if let LcaOrder::Beat { sequence, .. } = message.body {
                    self.beat_sent(now, host, *connection, sequence);
                }
            }
            ScsOutput::Persist { changes, .. } => self.alarms(changes),
            ScsOutput::SendEmail { ticket, .. } => self.effect(*ticket, "email"),
            ScsOutput::SendSnmpTrap { ticket, .. } => self.effect(*ticket, "snmp-trap"),
            ScsOutput::RunCommand { ticket, .. } => self.effect(*ticket, "command"),
            ScsOutput::PictureChanged => self.changed = true,
            ScsOutput::ReactionChanged(reaction) => self.reaction(reaction),
            _ => {}
        }
    }

    /// The core stands still: everything urgent is on its way.
    pub(crate) fn settled(&mut self, core: &ScsCore) {
        if std::mem::take(&mut self.changed) {
            self.counted.follow(core, &self.flows.records);
        }
    }

    fn environment(&mut self, environment: &Environment) {
        for pair in environment.pairs.keys() {
            self.flows.records.begin(pair.as_str());
        }
        self.links
            .retain(|host, _| environment.hosts.contains_key(host));
        self.beats
            .retain(|host, _| environment.hosts.contains_key(host));
        let name = environment.management_layer.message_server.to_string();
        let stands = self.message_server.as_ref().is_some_and(|(_, up)| *up);
        self.flows.links.clear();
        for (host, up) in &self.links {
            self.flows.links.show(LCA, host.as_str(), *up);
        }
        self.flows.links.show(MESSAGE_SERVER, &name, stands);
        self.message_server = Some((name, stands));
    }

    fn message_server_link(&mut self, stands: bool) {
        let Some((name, up)) = &mut self.message_server else {
            return;
        };
        *up = stands;
        if stands {
            self.flows.links.connected(MESSAGE_SERVER, name);
        } else {
            let loss = loss_word(LinkLoss::Closed);
            self.flows.links.lost(MESSAGE_SERVER, name, loss);
        }
    }

    fn beat_sent(&mut self, now: Timestamp, host: &HostName, connection: u64, sequence: u64) {
        if !self.beats.contains_key(host) {
            self.beats.insert(host.clone(), VecDeque::new());
        }
        if let Some(beats) = self.beats.get_mut(host) {
            if beats.len() == BEATS {
                beats.pop_front();
            }
            beats.push_back(Beat {
                connection,
                sequence,
                sent: now,
            });
        }
    }

    fn beat_answered(&mut self, now: Timestamp, host: &HostName, connection: u64, sequence: u64) {
        let Some(beats) = self.beats.get_mut(host) else {
            return;
        };
        let found = beats
            .iter()
            .position(|beat| beat.connection == connection && beat.sequence == sequence);
        if let Some(found) = found
            && let Some(beat) = beats.remove(found)
        {
            self.flows
                .round_trips
                .observe(&[host.as_str()], now.since(beat.sent));
        }
    }

    /// Every alarm is written when it becomes active, with a number that grows.
    fn alarms(&mut self, changes: &[StoreChange]) {
        let before = self.newest_alarm;
        for change in changes {
            let StoreChange::Alarm(stored) = change else {
                continue;
            };
            let alarm = &stored.picture;
            if alarm.id > before {
                self.newest_alarm = self.newest_alarm.max(alarm.id);
                let labels = [alarm.condition.as_str(), category_word(alarm.category)];
                self.flows.alarms.increment(&labels);
            }
        }
    }

    fn reaction(&mut self, reaction: &ReactionPicture) {
        let outcome = match reaction.state {
            ReactionState::Waiting | ReactionState::Running => return,
            ReactionState::Succeeded => "succeeded",
            ReactionState::Joined => "joined",
            ReactionState::Superseded => "superseded",
            ReactionState::Failed => "failed",
            ReactionState::Refused => "refused",
        };
        if !self.finished.insert(reaction.number) {
            return;
        }
        if self.finished.len() > REMEMBERED {
            self.finished.pop_first();
        }
        let pair = reaction.pair.as_ref().map_or("", |pair| pair.as_str());
        let action = reaction.action.map_or("", |action| action.as_str());
        self.flows.reactions.increment(&[pair, action, outcome]);
        if reaction.state == ReactionState::Succeeded
            && let Some(finished) = reaction.finished_at
        {
            let took = finished.since(reaction.requested_at);
            self.flows.reaction_durations.observe(&[action], took);
        }
    }

    fn effect(&mut self, ticket: Ticket, kind: &'static str) {
        self.effects.insert(ticket, kind);
        if self.effects.len() > REMEMBERED {
            self.effects.pop_first();
        }
    }
}

pub(super) fn category_word(category: AlarmCategory) -> &'static str {
    match category {
        AlarmCategory::Minor => "Minor",
        AlarmCategory::Major => "Major",
        AlarmCategory::Critical => "Critical",
    }
}

fn loss_word(loss: LinkLoss) -> &'static str {
    match loss {
        LinkLoss::Refused => "refused",
        LinkLoss::TimedOut => "timed-out",
        LinkLoss::NoRoute => "no-route",
        LinkLoss::Closed => "closed",
    }
}
