//! The slices of the environment that the SCS pushes.

use super::ConvertError;
use super::fields::{
    LONGEST_LIST, address, bounded, exact, exact_list, list, micros, name, names, optional,
    optional_name, optional_word, port, prefix, prose, required, socket_address, to_list, to_text,
    to_texts, word,
};
use super::words::{Word as _, to_optional};
use crate::wire;
use changeover_model::environment::{
    Addp, AlarmCondition, Application, ControllerLoss, Fencing, Host, LcaSlice, MessageServerSlice,
    OptionSections, PairSlice, Ports, RestartPolicy, Selection, StartInfo, VipControl,
    VirtualIpOnHost,
};
use changeover_model::{ApplicationName, ConfiguredAs, LogEventId, Revision};
use indexmap::IndexMap;
use std::time::Duration;

impl From<LcaSlice> for wire::LcaSlice {
    fn from(slice: LcaSlice) -> Self {
        Self {
            revision: slice.revision.0,
            environment: slice.environment.to_string(),
            host: Some(slice.host.into()),
            message_server: slice.message_server.to_string(),
            applications: to_list(slice.applications),
            pairs: to_list(slice.pairs),
        }
    }
}

impl TryFrom<wire::LcaSlice> for LcaSlice {
    type Error = ConvertError;
    fn try_from(slice: wire::LcaSlice) -> Result<Self, ConvertError> {
        Ok(Self {
            revision: Revision(slice.revision),
            environment: name("LcaSlice.environment", slice.environment)?,
            host: required("LcaSlice.host", slice.host)?,
            message_server: socket_address("LcaSlice.message_server", &slice.message_server)?,
            applications: list("LcaSlice.applications", slice.applications)?,
            pairs: list("LcaSlice.pairs", slice.pairs)?,
        })
    }
}

impl From<Host> for wire::Host {
    fn from(host: Host) -> Self {
        Self {
            name: host.name.to_string(),
            os: host.os.to_wire(),
            address: host.address.to_string(),
            lca_port: host.lca_port.into(),
            addp_timeout_us: micros(host.addp.timeout),
            addp_remote_timeout_us: micros(host.addp.remote_timeout),
            disconnect_switchover_timeout_us: micros(host.disconnect_switchover_timeout),
            lca_restart_timeout_us: micros(host.lca_restart_timeout),
        }
    }
}

impl TryFrom<wire::Host> for Host {
    type Error = ConvertError;
    fn try_from(host: wire::Host) -> Result<Self, ConvertError> {
        Ok(Self {
            name: name("Host.name", host.name)?,
            os: word("Host.os", host.os)?,
            address: address("Host.address", &host.address)?,
            lca_port: port("Host.lca_port", host.lca_port)?,
            addp: Addp {
                timeout: Duration::from_micros(host.addp_timeout_us),
                remote_timeout: Duration::from_micros(host.addp_remote_timeout_us),
            },
            disconnect_switchover_timeout: Duration::from_micros(
                host.disconnect_switchover_timeout_us,
            ),
            lca_restart_timeout: Duration::from_micros(host.lca_restart_timeout_us),
        })
    }
}

impl From<Application> for wire::Application {
    fn from(application: Application) -> Self {
        Self {
            name: application.name.to_string(),
            application_type: application.application_type.to_wire(),
            host: application.host.to_string(),
            switch_name: to_text(&application.switch),
            redundancy: to_optional(application.redundancy),
            backup_server: to_text(&application.backup_server),
            default_port: application.ports.default.map(Into::into),
            ha_sync_port: application.ports.ha_sync.map(Into::into),
            start_info: Some(application.start_info.into()),
            connections: to_texts(&application.connections),
            options: to_options(application.options),
            health: to_list(application.health),
            on_primary: to_list(application.on_primary),
            on_backup: to_list(application.on_backup),
        }
    }
}

impl TryFrom<wire::Application> for Application {
    type Error = ConvertError;
    fn try_from(application: wire::Application) -> Result<Self, ConvertError> {
        Ok(Self {
            name: name("Application.name", application.name)?,
            application_type: word("Application.application_type", application.application_type)?,
            host: name("Application.host", application.host)?,
            switch: optional_name("Application.switch_name", application.switch_name)?,
            redundancy: optional_word("Application.redundancy", application.redundancy)?,
            backup_server: optional_name("Application.backup_server", application.backup_server)?,
            ports: Ports {
                default: optional_port("Application.default_port", application.default_port)?,
                ha_sync: optional_port("Application.ha_sync_port", application.ha_sync_port)?,
            },
            start_info: required("Application.start_info", application.start_info)?,
            connections: names("Application.connections", application.connections)?,
            options: options("Application.options", application.options)?,
            health: list("Application.health", application.health)?,
            on_primary: list("Application.on_primary", application.on_primary)?,
            on_backup: list("Application.on_backup", application.on_backup)?,
        })
    }
}

pub(super) fn optional_port(
    field: &'static str,
    number: Option<u32>,
) -> Result<Option<u16>, ConvertError> {
    number.map(|number| port(field, number)).transpose()
}

pub(super) fn to_options(options: OptionSections) -> Vec<wire::OptionSection> {
    options
        .into_iter()
        .map(|(name, options)| wire::OptionSection {
            name,
            options: options
                .into_iter()
                .map(|(name, value)| wire::OptionValue { name, value })
                .collect(),
        })
        .collect()
}

pub(super) fn options(
    field: &'static str,
    sections: Vec<wire::OptionSection>,
) -> Result<OptionSections, ConvertError> {
    bounded(field, sections.len(), LONGEST_LIST)?;
    let mut all = OptionSections::new();
    for section in sections {
        bounded(field, section.options.len(), LONGEST_LIST)?;
        let mut values = IndexMap::new();
        for option in section.options {
            values.insert(exact(field, option.name)?, exact(field, option.value)?);
        }
        all.insert(exact(field, section.name)?, values);
    }
    Ok(all)
}

impl From<StartInfo> for wire::StartInfo {
    fn from(start: StartInfo) -> Self {
        Self {
            working_directory: start.working_directory,
            command_line: start.command_line,
            arguments: start.arguments,
            startup_timeout_us: micros(start.startup_timeout),
            shutdown_timeout_us: micros(start.shutdown_timeout),
            auto_restart: start.auto_restart,
            restart_first_delay_us: micros(start.restart.first_delay),
            restart_longest_delay_us: micros(start.restart.longest_delay),
            restart_limit: start.restart.limit,
            restart_within_us: micros(start.restart.within),
            success_needs_exit_zero: start.success_needs_exit_zero,
            systemd_unit: start.systemd_unit,
            pid_file: start.pid_file,
        }
    }
}

impl TryFrom<wire::StartInfo> for StartInfo {
    type Error = ConvertError;
    fn try_from(start: wire::StartInfo) -> Result<Self, ConvertError> {
        Ok(Self {
            working_directory: exact("StartInfo.working_directory", start.working_directory)?,
            command_line: exact("StartInfo.command_line", start.command_line)?,
            arguments: exact_list("StartInfo.arguments", start.arguments)?,
            startup_timeout: Duration::from_micros(start.startup_timeout_us),
            shutdown_timeout: Duration::from_micros(start.shutdown_timeout_us),
            auto_restart: start.auto_restart,
            restart: RestartPolicy {
                first_delay: Duration::from_micros(start.restart_first_delay_us),
                longest_delay: Duration::from_micros(start.restart_longest_delay_us),
                limit: start.restart_limit,
                within: Duration::from_micros(start.restart_within_us),
            },
            success_needs_exit_zero: start.success_needs_exit_zero,
            systemd_unit: exact("StartInfo.systemd_unit", start.systemd_unit)?,
            pid_file: exact("StartInfo.pid_file", start.pid_file)?,
        })
    }
}

impl From<PairSlice> for wire::PairSlice {
    fn from(pair: PairSlice) -> Self {
        Self {
            name: pair.name.to_string(),
            redundancy: pair.redundancy.to_wire(),
            members: to_list(pair.members),
            peer_host: pair.peer_host.to_string(),
            peer_address: pair.peer_address.to_string(),
            virtual_ips: to_list(pair.virtual_ips),
            control: pair.control.map(Into::into),
            fencing: Some(pair.fencing.into()),
        }
    }
}

impl From<Fencing> for wire::Fencing {
    fn from(fencing: Fencing) -> Self {
        let release_after = match fencing.policy {
            ControllerLoss::ReleaseAfter(time) => Some(micros(time)),
            ControllerLoss::Hold | ControllerLoss::Quorum => None,
        };
        Self {
            quorum: fencing.is_quorum(),
            release_after_us: release_after,
            address_lifetime_us: micros(fencing.address_lifetime),
            bound_us: micros(fencing.bound),
            peer_bound_us: micros(fencing.peer_bound),
            peer_port: fencing.peer_port.into(),
        }
    }
}

impl TryFrom<wire::Fencing> for Fencing {
    type Error = ConvertError;
    fn try_from(fencing: wire::Fencing) -> Result<Self, ConvertError> {
        let policy = match fencing.release_after_us {
            _ if fencing.quorum => ControllerLoss::Quorum,
            Some(time) => ControllerLoss::ReleaseAfter(Duration::from_micros(time)),
            None => ControllerLoss::Hold,
        };
        Ok(Self {
            policy,
            address_lifetime: Duration::from_micros(fencing.address_lifetime_us),
            bound: Duration::from_micros(fencing.bound_us),
            peer_bound: Duration::from_micros(fencing.peer_bound_us),
            peer_port: port("Fencing.peer_port", fencing.peer_port)?,
        })
    }
}

impl TryFrom<wire::PairSlice> for PairSlice {
    type Error = ConvertError;
    fn try_from(pair: wire::PairSlice) -> Result<Self, ConvertError> {
        bounded("PairSlice.members", pair.members.len(), 2)?;
        Ok(Self {
            name: name("PairSlice.name", pair.name)?,
            redundancy: word("PairSlice.redundancy", pair.redundancy)?,
            members: pair
                .members
                .into_iter()
                .map(|member| {
                    Ok((
                        name("PairMember.application", member.application)?,
                        word("PairMember.configured_as", member.configured_as)?,
                    ))
                })
                .collect::<Result<_, ConvertError>>()?,
            peer_host: name("PairSlice.peer_host", pair.peer_host)?,
            peer_address: address("PairSlice.peer_address", &pair.peer_address)?,
            virtual_ips: list("PairSlice.virtual_ips", pair.virtual_ips)?,
            control: optional(pair.control)?,
            fencing: optional(pair.fencing)?.unwrap_or_default(),
        })
    }
}

impl From<(ApplicationName, ConfiguredAs)> for wire::PairMember {
    fn from((application, configured_as): (ApplicationName, ConfiguredAs)) -> Self {
        Self {
            application: application.to_string(),
            configured_as: configured_as.to_wire(),
        }
    }
}

impl From<VirtualIpOnHost> for wire::VirtualIpOnHost {
    fn from(vip: VirtualIpOnHost) -> Self {
        Self {
            address: vip.address.to_string(),
            prefix: vip.prefix.into(),
            interface: vip.interface,
            label: vip.label,
        }
    }
}

impl TryFrom<wire::VirtualIpOnHost> for VirtualIpOnHost {
    type Error = ConvertError;
    fn try_from(vip: wire::VirtualIpOnHost) -> Result<Self, ConvertError> {
        Ok(Self {
            address: address("VirtualIpOnHost.address", &vip.address)?,
            prefix: prefix("VirtualIpOnHost.prefix", vip.prefix)?,
            interface: exact("VirtualIpOnHost.interface", vip.interface)?,
            label: vip
                .label
                .map(|label| exact("VirtualIpOnHost.label", label))
                .transpose()?,
        })
    }
}

impl From<VipControl> for wire::VipControl {
    fn from(control: VipControl) -> Self {
        Self {
            enable: control.enable.to_string(),
            disable: control.disable.to_string(),
        }
    }
}

impl TryFrom<wire::VipControl> for VipControl {
    type Error = ConvertError;
    fn try_from(control: wire::VipControl) -> Result<Self, ConvertError> {
        Ok(Self {
            enable: name("VipControl.enable", control.enable)?,
            disable: name("VipControl.disable", control.disable)?,
        })
    }
}

impl From<MessageServerSlice> for wire::MessageServerSlice {
    fn from(slice: MessageServerSlice) -> Self {
        Self {
            revision: slice.revision.0,
            conditions: to_list(slice.conditions),
            application_types: slice
                .application_types
                .into_iter()
                .map(|(application, application_type)| wire::TypeOfApplication {
                    application: application.to_string(),
                    application_type: application_type.to_wire(),
                })
                .collect(),
            log_keep_us: micros(slice.log_keep),
            log_size: slice.log_size,
        }
    }
}

impl TryFrom<wire::MessageServerSlice> for MessageServerSlice {
    type Error = ConvertError;
    fn try_from(slice: wire::MessageServerSlice) -> Result<Self, ConvertError> {
        let types = "MessageServerSlice.application_types";
        bounded(types, slice.application_types.len(), LONGEST_LIST)?;
        Ok(Self {
            revision: Revision(slice.revision),
            conditions: list("MessageServerSlice.conditions", slice.conditions)?,
            application_types: slice
                .application_types
                .into_iter()
                .map(|entry| {
                    Ok((
                        name("TypeOfApplication.application", entry.application)?,
                        word("TypeOfApplication.application_type", entry.application_type)?,
                    ))
                })
                .collect::<Result<_, ConvertError>>()?,
            log_keep: Duration::from_micros(slice.log_keep_us),
            log_size: slice.log_size,
        })
    }
}

impl From<AlarmCondition> for wire::AlarmCondition {
    fn from(condition: AlarmCondition) -> Self {
        Self {
            name: condition.name.to_string(),
            description: condition.description,
            category: condition.category.to_wire(),
            detect: condition.detect.0,
            selection: Some(condition.selection.into()),
            cancel: condition.cancel.map(|id| id.0),
            cancel_timeout_us: micros(condition.cancel_timeout),
            reaction_scripts: to_texts(&condition.reaction_scripts),
            clearance_scripts: to_texts(&condition.clearance_scripts),
            enabled: condition.enabled,
        }
    }
}

impl TryFrom<wire::AlarmCondition> for AlarmCondition {
    type Error = ConvertError;
    fn try_from(condition: wire::AlarmCondition) -> Result<Self, ConvertError> {
        Ok(Self {
            name: name("AlarmCondition.name", condition.name)?,
            description: prose(condition.description),
            category: word("AlarmCondition.category", condition.category)?,
            detect: LogEventId(condition.detect),
            selection: required("AlarmCondition.selection", condition.selection)?,
            cancel: condition.cancel.map(LogEventId),
            cancel_timeout: Duration::from_micros(condition.cancel_timeout_us),
            reaction_scripts: names(
                "AlarmCondition.reaction_scripts",
                condition.reaction_scripts,
            )?,
            clearance_scripts: names(
                "AlarmCondition.clearance_scripts",
                condition.clearance_scripts,
            )?,
            enabled: condition.enabled,
        })
    }
}

impl From<Selection> for wire::Selection {
    fn from(selection: Selection) -> Self {
        use wire::selection::{Any, Selection as Kind};
        Self {
            selection: Some(match selection {
                Selection::Any => Kind::Any(Any {}),
                Selection::ApplicationType(kind) => Kind::ApplicationType(kind.to_wire()),
                Selection::Application(name) => Kind::Application(name.to_string()),
            }),
        }
    }
}

impl TryFrom<wire::Selection> for Selection {
    type Error = ConvertError;
    fn try_from(selection: wire::Selection) -> Result<Self, ConvertError> {
        use wire::selection::Selection as Kind;
        let selection = selection.selection.ok_or(ConvertError::UnknownKind {
            message: "Selection",
        })?;
        Ok(match selection {
            Kind::Any(_) => Self::Any,
            Kind::ApplicationType(kind) => {
                Self::ApplicationType(word("Selection.application_type", kind)?)
            }
            Kind::Application(application) => {
                Self::Application(name("Selection.application", application)?)
            }
        })
    }
}
