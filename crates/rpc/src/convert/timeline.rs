//! The timeline. A kind of step that this release does not know becomes a note: its sentence is still shown.

use super::ConvertError;
use super::fields::{
    list, micros, name, names, optional_micros, optional_name, optional_word, prose, required,
    to_list, to_text, to_texts, word,
};
use super::words::{Word as _, to_optional};
use crate::wire;
use changeover_model::message::{Party, Step, TimelineEntry, TimelineRecord};
use changeover_model::{
    AlarmId, ApplicationName, CauseId, ConditionName, Epoch, HostName, LogEventId, RunMode,
    ScriptAction, Timestamp,
};
use std::time::Duration;

impl From<TimelineRecord> for wire::TimelineRecord {
    fn from(record: TimelineRecord) -> Self {
        Self {
            id: record.id.0,
            kind: record.kind.to_wire(),
            pair: to_text(&record.pair),
            title: record.title,
            trigger: record.trigger,
            opened_at_us: record.opened_at.0,
            closed_at_us: optional_micros(record.closed_at),
            epoch_before: record.epoch_before.0,
            epoch_after: record.epoch_after.0,
            outcome: to_optional(record.outcome),
            why: record.why,
            reasons: to_list(record.reasons),
            entries: to_list(record.entries),
        }
    }
}

impl TryFrom<wire::TimelineRecord> for TimelineRecord {
    type Error = ConvertError;
    fn try_from(record: wire::TimelineRecord) -> Result<Self, ConvertError> {
        Ok(Self {
            id: CauseId(record.id),
            kind: word("TimelineRecord.kind", record.kind)?,
            pair: optional_name("TimelineRecord.pair", record.pair)?,
            title: prose(record.title),
            trigger: prose(record.trigger),
            opened_at: Timestamp(record.opened_at_us),
            closed_at: record.closed_at_us.map(Timestamp),
            epoch_before: Epoch(record.epoch_before),
            epoch_after: Epoch(record.epoch_after),
            outcome: optional_word("TimelineRecord.outcome", record.outcome)?,
            why: prose(record.why),
            reasons: list("TimelineRecord.reasons", record.reasons)?,
            entries: list("TimelineRecord.entries", record.entries)?,
        })
    }
}

impl From<TimelineEntry> for wire::TimelineEntry {
    fn from(entry: TimelineEntry) -> Self {
        Self {
            at_us: entry.at.0,
            uncertainty_us: micros(entry.uncertainty),
            who: Some(entry.who.into()),
            step: Some(wire::Step {
                step: to_step(entry.step),
            }),
            what: entry.what,
            evidence: entry.evidence,
        }
    }
}

impl TryFrom<wire::TimelineEntry> for TimelineEntry {
    type Error = ConvertError;
    fn try_from(entry: wire::TimelineEntry) -> Result<Self, ConvertError> {
        let step = entry.step.and_then(|step| step.step);
        Ok(Self {
            at: Timestamp(entry.at_us),
            uncertainty: Duration::from_micros(entry.uncertainty_us),
            who: required("TimelineEntry.who", entry.who)?,
            step: step.map_or(Ok(Step::Note), from_step)?,
            what: prose(entry.what),
            evidence: prose(entry.evidence),
        })
    }
}

impl From<Party> for wire::Party {
    fn from(party: Party) -> Self {
        use wire::party::{Party as Kind, Single};
        Self {
            party: Some(match party {
                Party::Operator(name) => Kind::Operator(name),
                Party::Scs => Kind::Single(Single::Scs.into()),
                Party::ScsToLca(host) => Kind::ScsToLca(host.to_string()),
                Party::Lca(host) => Kind::Lca(host.to_string()),
                Party::Application(name) => Kind::Application(name.to_string()),
                Party::MessageServer => Kind::Single(Single::MessageServer.into()),
                Party::ReactionEngine => Kind::Single(Single::ReactionEngine.into()),
                Party::VirtualIp => Kind::Single(Single::VirtualIp.into()),
            }),
        }
    }
}

impl TryFrom<wire::Party> for Party {
    type Error = ConvertError;
    fn try_from(party: wire::Party) -> Result<Self, ConvertError> {
        use wire::party::{Party as Kind, Single};
        let party = party
            .party
            .ok_or(ConvertError::UnknownKind { message: "Party" })?;
        Ok(match party {
            Kind::Operator(name) => Self::Operator(prose(name)),
            Kind::ScsToLca(host) => Self::ScsToLca(name("Party.scs_to_lca", host)?),
            Kind::Lca(host) => Self::Lca(name("Party.lca", host)?),
            Kind::Application(application) => {
                Self::Application(name("Party.application", application)?)
            }
            Kind::Single(value) => match Single::try_from(value) {
                Ok(Single::Scs) => Self::Scs,
                Ok(Single::MessageServer) => Self::MessageServer,
                Ok(Single::ReactionEngine) => Self::ReactionEngine,
                Ok(Single::VirtualIp) => Self::VirtualIp,
                Ok(Single::Unspecified) | Err(_) => {
                    let field = "Party.single";
                    return Err(ConvertError::UnknownValue { field, value });
                }
            },
        })
    }
}

fn lost(host: HostName, lost: bool) -> wire::step::Lost {
    wire::step::Lost {
        host: host.to_string(),
        lost,
    }
}

fn mode_of(application: ApplicationName, run_mode: RunMode) -> wire::step::ModeOf {
    wire::step::ModeOf {
        application: application.to_string(),
        run_mode: run_mode.to_wire(),
    }
}

fn alarm_of(alarm: AlarmId, condition: ConditionName) -> wire::step::AlarmOf {
    wire::step::AlarmOf {
        alarm: alarm.0,
        condition: condition.to_string(),
    }
}

fn launch(
    application: ApplicationName,
    action: Option<ScriptAction>,
    good: bool,
) -> wire::step::Launch {
    wire::step::Launch {
        application: application.to_string(),
        action: to_optional(action),
        good,
    }
}

fn hook_of(application: ApplicationName, run_mode: RunMode, good: bool) -> wire::step::HookOf {
    wire::step::HookOf {
        application: application.to_string(),
        run_mode: run_mode.to_wire(),
        good,
    }
}

fn to_step(step: Step) -> Option<wire::step::Step> {
    use wire::step as out;
    use wire::step::Step as Kind;
    Some(match step {
        Step::Requested => Kind::Requested(out::Requested {}),
        Step::Refused(refusal) => Kind::Refused(refusal.into()),
        Step::HostLost(host, is_lost) => Kind::HostLost(lost(host, is_lost)),
        Step::AgentLost(host, is_lost) => Kind::AgentLost(lost(host, is_lost)),
        Step::ApplicationDied(name) => Kind::ApplicationDied(name.to_string()),
        Step::ApplicationUnavailable(name) => Kind::ApplicationUnavailable(name.to_string()),
        Step::TwoPrimariesFound => Kind::TwoPrimariesFound(out::TwoPrimariesFound {}),
        Step::RunModeOrdered(name, mode) => Kind::RunModeOrdered(mode_of(name, mode)),
        Step::RunModeAcknowledged(name, mode) => Kind::RunModeAcknowledged(mode_of(name, mode)),
        Step::RunModeFailed(name, mode) => Kind::RunModeFailed(mode_of(name, mode)),
        Step::StartOrdered(name) => Kind::StartOrdered(name.to_string()),
        Step::StopOrdered(name) => Kind::StopOrdered(name.to_string()),
        Step::EventLogged(name, id) => Kind::EventLogged(out::EventLogged {
            application: name.to_string(),
            id: id.0,
        }),
        Step::ConditionsFound(conditions) => Kind::ConditionsFound(out::ConditionsFound {
            conditions: to_texts(&conditions),
        }),
        Step::AlarmActivated(id, condition) => Kind::AlarmActivated(alarm_of(id, condition)),
        Step::AlarmCleared(id, condition) => Kind::AlarmCleared(alarm_of(id, condition)),
        Step::ReactionRequested {
            application,
            state,
            added,
        } => Kind::ReactionRequested(out::ReactionRequested {
            application: to_text(&application),
            state: state.to_wire(),
            added,
        }),
        Step::Launched(name, action) => Kind::Launched(launch(name, action, false)),
        Step::Finished(name, action, good) => Kind::Finished(launch(name, action, good)),
        Step::CannotLaunch(name, action) => Kind::CannotLaunch(launch(name, action, false)),
        Step::ForcedRelease(host) => Kind::ForcedRelease(host.to_string()),
        Step::VipSeen(host) => Kind::VipSeen(host.to_string()),
        Step::VipGone(host) => Kind::VipGone(host.to_string()),
        Step::HookStarted(name, mode) => Kind::HookStarted(hook_of(name, mode, false)),
        Step::HookFinished(name, mode, good) => Kind::HookFinished(hook_of(name, mode, good)),
        Step::HookSkipped(name, mode) => Kind::HookSkipped(hook_of(name, mode, false)),
        Step::Note => return None,
    })
}

fn from_step(step: wire::step::Step) -> Result<Step, ConvertError> {
    use wire::step::Step as Kind;
    Ok(match step {
        Kind::Requested(_) => Step::Requested,
        Kind::Refused(refusal) => Step::Refused(refusal.try_into()?),
        Kind::HostLost(lost) => Step::HostLost(name("Step.host_lost", lost.host)?, lost.lost),
        Kind::AgentLost(lost) => Step::AgentLost(name("Step.agent_lost", lost.host)?, lost.lost),
        Kind::ApplicationDied(text) => Step::ApplicationDied(name("Step.application_died", text)?),
        Kind::ApplicationUnavailable(text) => {
            Step::ApplicationUnavailable(name("Step.application_unavailable", text)?)
        }
        Kind::TwoPrimariesFound(_) => Step::TwoPrimariesFound,
        Kind::RunModeOrdered(of) => mode("Step.run_mode_ordered", of, Step::RunModeOrdered)?,
        Kind::RunModeAcknowledged(of) => {
            mode("Step.run_mode_acknowledged", of, Step::RunModeAcknowledged)?
        }
        Kind::RunModeFailed(of) => mode("Step.run_mode_failed", of, Step::RunModeFailed)?,
        Kind::StartOrdered(text) => Step::StartOrdered(name("Step.start_ordered", text)?),
        Kind::StopOrdered(text) => Step::StopOrdered(name("Step.stop_ordered", text)?),
        Kind::EventLogged(logged) => Step::EventLogged(
            name("Step.event_logged", logged.application)?,
            LogEventId(logged.id),
        ),
        Kind::ConditionsFound(found) => {
            Step::ConditionsFound(names("Step.conditions_found", found.conditions)?)
        }
        Kind::AlarmActivated(of) => alarm("Step.alarm_activated", of, Step::AlarmActivated)?,
        Kind::AlarmCleared(of) => alarm("Step.alarm_cleared", of, Step::AlarmCleared)?,
        Kind::ReactionRequested(requested) => Step::ReactionRequested {
            application: optional_name("Step.reaction_requested", requested.application)?,
            state: word("Step.reaction_requested", requested.state)?,
            added: requested.added,
        },
        Kind::Launched(of) => {
            let (application, action, _) = launched("Step.launched", of)?;
            Step::Launched(application, action)
        }
        Kind::Finished(of) => {
            let (application, action, good) = launched("Step.finished", of)?;
            Step::Finished(application, action, good)
        }
        Kind::CannotLaunch(of) => {
            let (application, action, _) = launched("Step.cannot_launch", of)?;
            Step::CannotLaunch(application, action)
        }
        Kind::ForcedRelease(host) => Step::ForcedRelease(name("Step.forced_release", host)?),
        Kind::VipSeen(host) => Step::VipSeen(name("Step.vip_seen", host)?),
        Kind::VipGone(host) => Step::VipGone(name("Step.vip_gone", host)?),
        Kind::HookStarted(of) => Step::HookStarted(
            name("Step.hook_started", of.application)?,
            word("Step.hook_started", of.run_mode)?,
        ),
        Kind::HookFinished(of) => Step::HookFinished(
            name("Step.hook_finished", of.application)?,
            word("Step.hook_finished", of.run_mode)?,
            of.good,
        ),
        Kind::HookSkipped(of) => Step::HookSkipped(
            name("Step.hook_skipped", of.application)?,
            word("Step.hook_skipped", of.run_mode)?,
        ),
    })
}

fn mode(
    field: &'static str,
    of: wire::step::ModeOf,
    step: fn(ApplicationName, RunMode) -> Step,
) -> Result<Step, ConvertError> {
    Ok(step(
        name(field, of.application)?,
        word(field, of.run_mode)?,
    ))
}

fn alarm(
    field: &'static str,
    of: wire::step::AlarmOf,
    step: fn(AlarmId, ConditionName) -> Step,
) -> Result<Step, ConvertError> {
    Ok(step(AlarmId(of.alarm), name(field, of.condition)?))
}

fn launched(
    field: &'static str,
    of: wire::step::Launch,
) -> Result<(ApplicationName, Option<ScriptAction>, bool), ConvertError> {
    Ok((
        name(field, of.application)?,
        optional_word(field, of.action)?,
        of.good,
    ))
}
