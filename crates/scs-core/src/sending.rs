//! What goes out to LCAs and operators, and the Management Layer's own alarms. Owns the wrapping only.

use crate::alarms::{AlarmEffect, ManagementAlarm};
use crate::timeline::{Moment, NewEntry};
use crate::{ScsCore, ScsOutput};
use changeover_model::environment::AlarmCategory;
use changeover_model::message::{
    AlarmPicture, LcaOrder, OperatorAnswer, OrderKey, Party, Step, ToLca,
};
use changeover_model::{
    ApplicationName, CauseId, Epoch, HostName, LogEventId, PairName, Refusal, RequestId,
};
use changeover_reaction_engine::Input as EngineInput;

impl ScsCore {
    /// Sends to a host's LCA; false without a connection.
    pub(crate) fn send(&mut self, host: &HostName, cause: Option<CauseId>, body: LcaOrder) -> bool {
        let Some(connection) = self.hosts.get(host).and_then(|host| host.connection()) else {
            return false;
        };
        self.out.push(ScsOutput::ToLca {
            host: host.clone(),
            connection,
            message: Box::new(ToLca {
                sent_at: self.now,
                cause,
                body,
            }),
        });
        true
    }

    /// Key of a new order about an application as it runs now.
    pub(crate) fn order_key(
        &mut self,
        pair: Option<&PairName>,
        epoch: Epoch,
        application: &ApplicationName,
        this_start_only: bool,
    ) -> OrderKey {
        let incarnation = self
            .applications
            .get(application)
            .map(|care| care.state.incarnation);
        OrderKey {
            pair: pair.cloned(),
            epoch,
            application: application.clone(),
            incarnation: incarnation.filter(|_| this_start_only),
            number: self.engine.take_order_number(),
        }
    }

    pub(crate) fn reply(&mut self, request: RequestId, answer: OperatorAnswer) {
        self.out.push(ScsOutput::Reply {
            request,
            answer: Box::new(answer),
        });
    }

    pub(crate) fn refuse(&mut self, request: RequestId, reasons: Vec<Refusal>) {
        self.reply(request, OperatorAnswer::Refused(reasons));
    }

    /// The intended state of a pair, to both its LCAs and to the engine.
    pub(crate) fn intend(&mut self, pair: &PairName) {
        let Some(care) = self.pairs.get(pair) else {
            return;
        };
        let hosts = care.hosts();
        for host in hosts {
            self.intend_on(pair, &host);
        }
        self.intend_engine(pair);
    }

    pub(crate) fn intend_engine(&mut self, pair: &PairName) {
        let Some(care) = self.pairs.get(pair) else {
            return;
        };
        let input = EngineInput::PairIntended {
            pair: pair.clone(),
            epoch: care.kept.epoch,
            primary: care.kept.primary.clone(),
            maintenance: self.in_maintenance(pair),
        };
        self.engine(input);
    }

    pub(crate) fn intend_on(&mut self, pair: &PairName, host: &HostName) {
        let Some(care) = self.pairs.get(pair) else {
            return;
        };
        let cause = care.open_record;
        let order = LcaOrder::IntendPair {
            pair: pair.clone(),
            epoch: care.kept.epoch,
            primary: care.kept.primary.clone(),
            maintenance: self.in_maintenance(pair),
        };
        self.send(host, cause, order);
    }

    /// Raises an alarm of the Management Layer itself; repeated under the same key it only renews its text.
    pub(crate) fn raise_alarm(
        &mut self,
        key: &str,
        name: &str,
        category: AlarmCategory,
        about: &str,
        text: &str,
        cause: Option<CauseId>,
    ) {
        let mut effects = Vec::new();
        self.alarms.raise(
            self.now,
            ManagementAlarm {
                key: key.to_owned(),
                name: name.to_owned(),
                category,
                application: ApplicationName::from(about),
                text: text.to_owned(),
                cause,
            },
            &mut effects,
        );
        self.alarm_effects(effects, cause);
    }

    pub(crate) fn clear_alarm(&mut self, key: &str, why: &str) {
        if !self.alarms.is_raised(key) {
            return;
        }
        let mut effects = Vec::new();
        self.alarms.clear_raised(self.now, key, why, &mut effects);
        self.alarm_effects(effects, None);
    }

    /// What follows from changes of the alarm book: 4200 and 4210, the timeline, reactions.
    pub(crate) fn alarm_effects(&mut self, effects: Vec<AlarmEffect>, record: Option<CauseId>) {
        for effect in effects {
            self.picture_changed = true;
            match effect {
                AlarmEffect::Activated {
                    alarm,
                    renewed,
                    run,
                } => {
                    self.alarm_activated(&alarm, renewed, record);
                    if let Some(request) = run {
                        self.engine(EngineInput::Requested(Box::new(request)));
                    }
                }
                AlarmEffect::Cleared { alarm, run } => {
                    self.alarm_cleared(&alarm, record);
                    if let Some(request) = run {
                        self.engine(EngineInput::Requested(Box::new(request)));
                    }
                }
            }
        }
    }

    fn alarm_activated(&mut self, alarm: &AlarmPicture, renewed: bool, record: Option<CauseId>) {
        if let Some(record) = record {
            let verb = if renewed { "renewed" } else { "active" };
            self.entry(
                record,
                NewEntry {
                    moment: Moment::Here,
                    who: Party::Scs,
                    step: Step::AlarmActivated(alarm.id, alarm.condition.clone()),
                    what: format!("alarm #{} {verb}", alarm.id),
                    evidence: format!("{}, {}", alarm.condition, alarm.activated_by),
                },
            );
        }
        if !renewed && speaks_of_another(alarm) {
            let text = format!(
                "Alarm #{} is active: {} ({})",
                alarm.id, alarm.condition, alarm.text
            );
            self.own_event(LogEventId(4200), &alarm.application, None, text, record);
        }
    }

    fn alarm_cleared(&mut self, alarm: &AlarmPicture, record: Option<CauseId>) {
        let by = alarm.cleared_by.clone().unwrap_or_default();
        if let Some(record) = record {
            self.note(
                record,
                Step::AlarmCleared(alarm.id, alarm.condition.clone()),
                format!("alarm #{} cleared", alarm.id),
                format!("{}, by {by}", alarm.condition),
            );
        }
        if speaks_of_another(alarm) {
            let text = format!(
                "Alarm #{} is cleared by {by}: {}",
                alarm.id, alarm.condition
            );
            self.own_event(LogEventId(4210), &alarm.application, None, text, record);
        }
    }
}

/// An alarm that 4200 or 4210 itself activated is not told of by 4200 again: that would never end.
fn speaks_of_another(alarm: &AlarmPicture) -> bool {
    ![LogEventId(4200), LogEventId(4210)]
        .iter()
        .any(|id| alarm.activated_by.contains(&id.wire_form()))
}
