//! What is worth a line of the trace, and what the invariants watch of what is said between components. Beats and
//! heartbeats are not.

use super::{HostIndex, World};
use changeover_model::message::{
    FromLca, FromMessageServer, LcaOrder, LcaReport, LogBatch, ReactionPicture, ToLca,
};
use changeover_model::{Epoch, PairName, RunMode, ScriptAction};
use changeover_scs_core::StoreChange;

fn describe_order(order: &LcaOrder) -> Option<String> {
    Some(match order {
        LcaOrder::Beat { .. } => return None,
        LcaOrder::Hello { .. } => "Hello".to_owned(),
        LcaOrder::Configure(slice) => format!("Configure revision {}", slice.revision),
        LcaOrder::IntendPair {
            pair,
            epoch,
            primary,
            maintenance,
        } => {
            let primary = primary.as_ref().map_or("nobody", |name| name.as_str());
            let word = if *maintenance { " maintenance" } else { "" };
            format!("IntendPair {pair} {primary} epoch {epoch}{word}")
        }
        LcaOrder::StartApplication {
            key,
            run_mode,
            control,
        } => {
            let what = control
                .as_ref()
                .map_or(run_mode.as_str(), |control| control.action.as_str());
            let (application, epoch) = (&key.application, key.epoch);
            format!("StartApplication {application} {what} epoch {epoch}")
        }
        LcaOrder::StopApplication { key, at_once } => {
            let how = if *at_once { " at once" } else { "" };
            format!("StopApplication {}{how}", key.application)
        }
        LcaOrder::SetRunMode { key, run_mode } => {
            let (application, epoch) = (&key.application, key.epoch);
            format!("SetRunMode {application} {run_mode} epoch {epoch}")
        }
        LcaOrder::ReleaseAddresses { key } => format!("ReleaseAddresses {}", key.application),
        LcaOrder::AnnounceAddresses { key } => format!("AnnounceAddresses {}", key.application),
        LcaOrder::ExecuteCommand { key, .. } => format!("ExecuteCommand {}", key.application),
        LcaOrder::RunHook { key, hook } => format!(
            "RunHook {} {} epoch {}",
            key.application, hook.command, key.epoch
        ),
        LcaOrder::ChangeOption { application, .. } => format!("ChangeOption {application}"),
        LcaOrder::HandedOver => "HandedOver".to_owned(),
        LcaOrder::RequestVote {
            pair,
            epoch,
            yielded,
        } => {
            let word = if *yielded { " yielded" } else { "" };
            format!("RequestVote {pair} epoch {epoch}{word}")
        }
        LcaOrder::MarkSole { mark, sole } => {
            let word = if *sole { "" } else { " over" };
            format!(
                "MarkSole {} {} epoch {}{word}",
                mark.pair, mark.host, mark.epoch
            )
        }
    })
}

fn describe_report(report: &LcaReport) -> Option<String> {
    Some(match report {
        LcaReport::BeatAnswered { .. } => return None,
        LcaReport::Hello(state) => format!("Hello session {}", state.session),
        LcaReport::Configured { revision } => format!("Configured revision {revision}"),
        LcaReport::ApplicationChanged(state) => format!(
            "ApplicationChanged {} {} {} epoch {} start {}",
            state.application, state.status, state.run_mode, state.epoch, state.incarnation
        ),
        LcaReport::OrderAnswered { key, outcome } => {
            format!("OrderAnswered {} {outcome:?}", key.application)
        }
        LcaReport::ControlScriptFinished { key, outcome } => format!(
            "ControlScriptFinished {} {:?} epoch {}: {}",
            key.application, outcome.result, key.epoch, outcome.observed
        ),
        LcaReport::AddressesObserved(observations) => {
            let held: Vec<String> = observations
                .iter()
                .map(|seen| {
                    let word = if seen.held.is_some() { "held" } else { "gone" };
                    let carrier = if seen.carrier == Some(true) {
                        ""
                    } else {
                        " no carrier"
                    };
                    format!("{} {word}{carrier}", seen.address)
                })
                .collect();
            format!("AddressesObserved {}", held.join(", "))
        }
        LcaReport::CommandFinished { key, .. } => format!("CommandFinished {}", key.application),
        LcaReport::RivalSighted { address, mac, .. } => format!("RivalSighted {address} {mac}"),
        LcaReport::HostStopping => "HostStopping".to_owned(),
        LcaReport::Voted {
            pair,
            epoch,
            released,
            ..
        } => {
            let word = if *released { " released" } else { "" };
            format!("Voted {pair} epoch {epoch}{word}")
        }
        LcaReport::VoteRefused {
            pair,
            epoch,
            refusal,
        } => format!("VoteRefused {pair} epoch {epoch} {}", refusal.code),
        LcaReport::SoleMarked { mark, sole } => {
            let word = if *sole { "" } else { " over" };
            format!(
                "SoleMarked {} {} epoch {}{word}",
                mark.pair, mark.host, mark.epoch
            )
        }
        LcaReport::Fenced {
            pair,
            epoch,
            reason,
        } => format!("Fenced {pair} epoch {epoch}: {reason}"),
    })
}

impl World {
    /// An order leaves the SCS.
    pub(crate) fn note_order(&mut self, host: HostIndex, message: &ToLca) {
        if let LcaOrder::SetRunMode { key, run_mode }
        | LcaOrder::StartApplication { key, run_mode, .. } = &message.body
            && *run_mode == RunMode::Primary
            && let Some(pair) = &key.pair
        {
            let now = self.now;
            self.invariants
                .primary_named(now, pair, key.epoch, &key.application);
            if matches!(message.body, LcaOrder::SetRunMode { .. }) {
                crate::invariants::promoted(self, key, message.cause);
            }
        }
        if let LcaOrder::IntendPair {
            pair,
            epoch,
            primary: Some(primary),
            ..
        } = &message.body
        {
            let now = self.now;
            self.invariants.primary_named(now, pair, *epoch, primary);
        }
        self.say_order(host, message);
    }

    fn say_order(&mut self, host: HostIndex, message: &ToLca) {
        if matches!(message.body, LcaOrder::Beat { .. }) {
            return;
        }
        self.say(|world| {
            let name = &world.hosts[host].name;
            let text = describe_order(&message.body).unwrap_or_default();
            format!("scs -> lca@{name} {text}")
        });
    }

    /// A report leaves an LCA.
    pub(crate) fn note_report(&mut self, host: HostIndex, message: &FromLca) {
        if let LcaReport::ControlScriptFinished { key, outcome } = &message.body
            && outcome.result.is_good()
            && message.sent_at == self.clock(host)
            && let Some((pair, _, action)) = self.environment.control_script(&key.application)
        {
            let as_wanted = self.is_as_wanted(host, &pair.name.clone(), action);
            if !as_wanted {
                let (now, application) = (self.now, key.application.clone());
                self.invariants.lied(now, &application, outcome.result);
            }
        }
        if !matches!(message.body, LcaReport::BeatAnswered { .. }) {
            self.note_what_is_so(host);
            self.say(|world| {
                let name = &world.hosts[host].name;
                let text = describe_report(&message.body).unwrap_or_default();
                format!("lca@{name} -> scs {text}")
            });
        }
    }

    /// What an LCA tells speaks of this moment, whenever it is heard.
    fn note_what_is_so(&mut self, host: HostIndex) {
        let name = self.hosts[host].name.clone();
        let environment = self.environment.clone();
        for (pair, config) in &environment.pairs {
            let Some(control) = config.control.get(&name) else {
                continue;
            };
            let script = if self.is_as_wanted(host, pair, ScriptAction::Enable) {
                &control.enable
            } else if self.is_as_wanted(host, pair, ScriptAction::Disable) {
                &control.disable
            } else {
                continue;
            };
            self.invariants.seen_as_wanted(self.now, script.clone());
        }
    }

    /// Log events leave their sender.
    pub(crate) fn note_batch(&mut self, life: u64, batch: &LogBatch) {
        self.invariants.log_sent(life, batch);
        for event in &batch.events {
            self.say(|_| {
                let (application, id) = (&event.application, event.id);
                let epoch = event.epoch.unwrap_or(Epoch(0));
                format!("{application} -> message-server event {id} epoch {epoch}")
            });
        }
    }

    pub(crate) fn note_from_message_server(&mut self, message: &FromMessageServer) {
        match message {
            FromMessageServer::Hello { revision, .. } => {
                self.say(|_| format!("message-server -> scs Hello revision {revision}"));
            }
            FromMessageServer::AlarmDetected(detected) => self.say(|_| {
                let names: Vec<&str> = detected
                    .matches
                    .iter()
                    .map(|matched| matched.condition.as_str())
                    .collect();
                let event = &detected.event;
                format!(
                    "message-server -> scs AlarmDetected {} of {}: {}",
                    event.id,
                    event.application,
                    names.join(", ")
                )
            }),
        }
    }

    /// Changes on their way to the SCS's disk: how the world learns of alarms and records.
    pub(crate) fn note_changes(&mut self, changes: &[StoreChange]) {
        for change in changes {
            if let StoreChange::Timeline(record) = change {
                self.newest_record = self.newest_record.max(record.id.0);
            }
            match change {
                StoreChange::Alarm(alarm) => self.say(|_| {
                    let picture = &alarm.picture;
                    let word = if picture.cleared_at.is_some() {
                        "past"
                    } else {
                        "active"
                    };
                    format!("scs alarm {} {} {word}", picture.id, picture.condition)
                }),
                StoreChange::Timeline(record) => self.say(|_| {
                    let outcome = record
                        .outcome
                        .map_or("open".to_owned(), |outcome| format!("{outcome:?}"));
                    format!(
                        "scs record {} {} {outcome}: {}",
                        record.id, record.title, record.why
                    )
                }),
                StoreChange::Pair(pair, kept) => self.say(|_| {
                    let primary = kept.primary.as_ref().map_or("nobody", |name| name.as_str());
                    let (epoch, reserved) = (kept.epoch, kept.reserved);
                    format!("scs keeps {pair} {primary} epoch {epoch} reserved {reserved}")
                }),
                StoreChange::HostMaintenance(..)
                | StoreChange::AlarmDropped(_)
                | StoreChange::DetectionsSeen(_)
                | StoreChange::SourceDropped(_)
                | StoreChange::TimelineDropped(_)
                | StoreChange::PendingEvent(_)
                | StoreChange::PendingEventDropped(..)
                | StoreChange::Revision(_)
                | StoreChange::Option(_) => {}
            }
        }
    }

    pub(crate) fn note_reaction(&mut self, reaction: &ReactionPicture) {
        let as_wanted = self.reaction_as_wanted(reaction);
        let now = self.now;
        self.invariants.reaction_changed(now, reaction, as_wanted);
        self.say(|_| {
            let application = reaction.application.as_ref().map_or("-", |it| it.as_str());
            let (number, state) = (reaction.number, reaction.state);
            let (epoch, detail) = (reaction.epoch, &reaction.detail);
            format!("scs reaction {number} {application} {state:?} epoch {epoch}: {detail}")
        });
    }

    /// What a VIP reaction is for is really so; `None` for other reactions.
    fn reaction_as_wanted(&self, reaction: &ReactionPicture) -> Option<bool> {
        let (pair, action) = (reaction.pair.as_ref()?, reaction.action?);
        // Of a host without power nothing is so any more: what the SCS hears of it speaks of before.
        let host = self.host_index(reaction.host.as_ref()?)?;
        if !self.hosts[host].powered {
            return None;
        }
        Some(self.is_as_wanted(host, pair, action))
    }

    /// The addresses on the host are as a control script of this action leaves them.
    pub(crate) fn is_as_wanted(
        &self,
        host: HostIndex,
        pair: &PairName,
        action: ScriptAction,
    ) -> bool {
        let addresses = self.virtual_ips(pair);
        let host = &self.hosts[host];
        match action {
            ScriptAction::Enable => host.holds(&addresses),
            ScriptAction::Disable => !addresses.iter().any(|vip| host.addresses.contains_key(vip)),
        }
    }
}
