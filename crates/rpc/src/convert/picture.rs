//! The picture of the site, alarms and conditions as operators see them.

use super::ConvertError;
use super::fields::{
    exact, exact_list, list, name, names, optional_micros, optional_name, prose, required, to_list,
    to_text, to_texts, word,
};
use super::words::Word as _;
use crate::wire;
use changeover_model::message::{
    AlarmPicture, ApplicationPicture, ConditionPicture, HostPicture, MemberPicture, PairPicture,
    Picture, ReadyPicture, VirtualIpPicture,
};
use changeover_model::{AlarmId, CauseId, Epoch, LogEventId, Revision, Timestamp};

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl From<Picture> for wire::Picture {
    fn from(picture: Picture) -> Self {
        Self {
            environment: picture.environment.to_string(),
            hosts: to_list(picture.hosts),
            applications: to_list(picture.applications),
            pairs: to_list(picture.pairs),
            active_alarms: picture.active_alarms as u64,
            alarms: to_list(picture.alarms),
            message_server_connected: picture.message_server_connected,
            scs: picture.scs,
            revision: picture.revision.0,
            is_it_me: picture.is_it_me,
            warnings: picture.warnings,
            at_us: picture.at.0,
        }
    }
}

impl TryFrom<wire::Picture> for Picture {
    type Error = ConvertError;
    fn try_from(picture: wire::Picture) -> Result<Self, ConvertError> {
        Ok(Self {
            environment: name("Picture.environment", picture.environment)?,
            hosts: list("Picture.hosts", picture.hosts)?,
            applications: list("Picture.applications", picture.applications)?,
            pairs: list("Picture.pairs", picture.pairs)?,
            active_alarms: count(picture.active_alarms),
            alarms: list("Picture.alarms", picture.alarms)?,
            message_server_connected: picture.message_server_connected,
            scs: exact("Picture.scs", picture.scs)?,
            revision: Revision(picture.revision),
            is_it_me: picture.is_it_me,
            warnings: exact_list("Picture.warnings", picture.warnings)?,
            at: Timestamp(picture.at_us),
        })
    }
}

impl From<HostPicture> for wire::HostPicture {
    fn from(host: HostPicture) -> Self {
        Self {
            name: host.name.to_string(),
            status: host.status.to_wire(),
            needs_lca: host.needs_lca,
            maintenance: host.maintenance,
            clock_offset_us: host.clock_offset_us,
            round_trip_us: host.round_trip_us,
            since_us: host.since.0,
            reason: host.reason,
        }
    }
}

impl TryFrom<wire::HostPicture> for HostPicture {
    type Error = ConvertError;
    fn try_from(host: wire::HostPicture) -> Result<Self, ConvertError> {
        Ok(Self {
            name: name("HostPicture.name", host.name)?,
            status: word("HostPicture.status", host.status)?,
            needs_lca: host.needs_lca,
            maintenance: host.maintenance,
            clock_offset_us: host.clock_offset_us,
            round_trip_us: host.round_trip_us,
            since: Timestamp(host.since_us),
            reason: prose(host.reason),
        })
    }
}

impl From<ApplicationPicture> for wire::ApplicationPicture {
    fn from(application: ApplicationPicture) -> Self {
        Self {
            name: application.name.to_string(),
            application_type: application.application_type.to_wire(),
            host: application.host.to_string(),
            status: application.status.to_wire(),
            run_mode: application.run_mode.to_wire(),
            pid: application.pid,
            since_us: application.since.0,
            reason: application.reason,
            health: to_list(application.health),
        }
    }
}

impl TryFrom<wire::ApplicationPicture> for ApplicationPicture {
    type Error = ConvertError;
    fn try_from(application: wire::ApplicationPicture) -> Result<Self, ConvertError> {
        Ok(Self {
            name: name("ApplicationPicture.name", application.name)?,
            application_type: word(
                "ApplicationPicture.application_type",
                application.application_type,
            )?,
            host: name("ApplicationPicture.host", application.host)?,
            status: word("ApplicationPicture.status", application.status)?,
            run_mode: word("ApplicationPicture.run_mode", application.run_mode)?,
            pid: application.pid,
            since: Timestamp(application.since_us),
            reason: prose(application.reason),
            health: list("ApplicationPicture.health", application.health)?,
        })
    }
}

impl From<PairPicture> for wire::PairPicture {
    fn from(pair: PairPicture) -> Self {
        Self {
            name: pair.name.to_string(),
            redundancy: pair.redundancy.to_wire(),
            epoch: pair.epoch.0,
            state: pair.state.to_wire(),
            maintenance: pair.maintenance,
            maintenance_until_us: optional_micros(pair.maintenance_until),
            test_hold_ms: pair.test_hold_ms,
            members: to_list(pair.members),
            virtual_ips: to_list(pair.virtual_ips),
            ready: Some(pair.ready.into()),
            suppressed: to_list(pair.suppressed),
            primary_because: pair.primary_because,
            last_record: pair.last_record.map(|record| record.0),
        }
    }
}

impl TryFrom<wire::PairPicture> for PairPicture {
    type Error = ConvertError;
    fn try_from(pair: wire::PairPicture) -> Result<Self, ConvertError> {
        Ok(Self {
            name: name("PairPicture.name", pair.name)?,
            redundancy: word("PairPicture.redundancy", pair.redundancy)?,
            epoch: Epoch(pair.epoch),
            state: word("PairPicture.state", pair.state)?,
            maintenance: pair.maintenance,
            maintenance_until: pair.maintenance_until_us.map(Timestamp),
            test_hold_ms: pair.test_hold_ms,
            members: list("PairPicture.members", pair.members)?,
            virtual_ips: list("PairPicture.virtual_ips", pair.virtual_ips)?,
            ready: required("PairPicture.ready", pair.ready)?,
            suppressed: list("PairPicture.suppressed", pair.suppressed)?,
            primary_because: prose(pair.primary_because),
            last_record: pair.last_record.map(CauseId),
        })
    }
}

impl From<MemberPicture> for wire::MemberPicture {
    fn from(member: MemberPicture) -> Self {
        Self {
            application: member.application.to_string(),
            host: member.host.to_string(),
            configured_as: member.configured_as.to_wire(),
            run_mode: member.run_mode.to_wire(),
            status: member.status.to_wire(),
            in_step: member.in_step,
            since_us: member.since.0,
            reason: member.reason,
        }
    }
}

impl TryFrom<wire::MemberPicture> for MemberPicture {
    type Error = ConvertError;
    fn try_from(member: wire::MemberPicture) -> Result<Self, ConvertError> {
        Ok(Self {
            application: name("MemberPicture.application", member.application)?,
            host: name("MemberPicture.host", member.host)?,
            configured_as: word("MemberPicture.configured_as", member.configured_as)?,
            run_mode: word("MemberPicture.run_mode", member.run_mode)?,
            status: word("MemberPicture.status", member.status)?,
            in_step: member.in_step,
            since: Timestamp(member.since_us),
            reason: prose(member.reason),
        })
    }
}

impl From<VirtualIpPicture> for wire::VirtualIpPicture {
    fn from(vip: VirtualIpPicture) -> Self {
        Self {
            address: vip.address,
            intended: to_text(&vip.intended),
            observed: to_texts(&vip.observed),
            last_seen: to_texts(&vip.last_seen),
        }
    }
}

impl TryFrom<wire::VirtualIpPicture> for VirtualIpPicture {
    type Error = ConvertError;
    fn try_from(vip: wire::VirtualIpPicture) -> Result<Self, ConvertError> {
        Ok(Self {
            address: exact("VirtualIpPicture.address", vip.address)?,
            intended: optional_name("VirtualIpPicture.intended", vip.intended)?,
            observed: names("VirtualIpPicture.observed", vip.observed)?,
            last_seen: names("VirtualIpPicture.last_seen", vip.last_seen)?,
        })
    }
}

impl From<ReadyPicture> for wire::ReadyPicture {
    fn from(ready: ReadyPicture) -> Self {
        Self {
            switchover: ready.switchover,
            reasons: to_list(ready.reasons),
        }
    }
}

impl TryFrom<wire::ReadyPicture> for ReadyPicture {
    type Error = ConvertError;
    fn try_from(ready: wire::ReadyPicture) -> Result<Self, ConvertError> {
        Ok(Self {
            switchover: ready.switchover,
            reasons: list("ReadyPicture.reasons", ready.reasons)?,
        })
    }
}

impl From<AlarmPicture> for wire::AlarmPicture {
    fn from(alarm: AlarmPicture) -> Self {
        Self {
            id: alarm.id.0,
            condition: alarm.condition.to_string(),
            category: alarm.category.to_wire(),
            application: alarm.application.to_string(),
            activated_at_us: alarm.activated_at.0,
            renewed_at_us: alarm.renewed_at.0,
            clears_at_us: optional_micros(alarm.clears_at),
            cleared_at_us: optional_micros(alarm.cleared_at),
            text: alarm.text,
            activated_by: alarm.activated_by,
            cleared_by: alarm.cleared_by,
            cause: alarm.cause.map(|cause| cause.0),
        }
    }
}

impl TryFrom<wire::AlarmPicture> for AlarmPicture {
    type Error = ConvertError;
    fn try_from(alarm: wire::AlarmPicture) -> Result<Self, ConvertError> {
        Ok(Self {
            id: AlarmId(alarm.id),
            condition: name("AlarmPicture.condition", alarm.condition)?,
            category: word("AlarmPicture.category", alarm.category)?,
            application: name("AlarmPicture.application", alarm.application)?,
            activated_at: Timestamp(alarm.activated_at_us),
            renewed_at: Timestamp(alarm.renewed_at_us),
            clears_at: alarm.clears_at_us.map(Timestamp),
            cleared_at: alarm.cleared_at_us.map(Timestamp),
            text: prose(alarm.text),
            activated_by: prose(alarm.activated_by),
            cleared_by: alarm.cleared_by.map(prose),
            cause: alarm.cause.map(CauseId),
        })
    }
}

impl From<ConditionPicture> for wire::ConditionPicture {
    fn from(condition: ConditionPicture) -> Self {
        Self {
            name: condition.name.to_string(),
            category: condition.category.to_wire(),
            detect: condition.detect.0,
            selection: condition.selection,
            cancel: condition.cancel.map(|id| id.0),
            cancel_timeout_ms: condition.cancel_timeout_ms,
            reaction_scripts: to_texts(&condition.reaction_scripts),
            enabled: condition.enabled,
            active: condition.active as u64,
        }
    }
}

impl TryFrom<wire::ConditionPicture> for ConditionPicture {
    type Error = ConvertError;
    fn try_from(condition: wire::ConditionPicture) -> Result<Self, ConvertError> {
        Ok(Self {
            name: name("ConditionPicture.name", condition.name)?,
            category: word("ConditionPicture.category", condition.category)?,
            detect: LogEventId(condition.detect),
            selection: prose(condition.selection),
            cancel: condition.cancel.map(LogEventId),
            cancel_timeout_ms: condition.cancel_timeout_ms,
            reaction_scripts: names(
                "ConditionPicture.reaction_scripts",
                condition.reaction_scripts,
            )?,
            enabled: condition.enabled,
            active: count(condition.active),
        })
    }
}
