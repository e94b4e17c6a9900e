//! From the SCS to an LCA: orders and their keys.

use super::ConvertError;
use super::fields::{
    LONGEST_LIST, bounded, exact, exact_list, list, micros, name, optional, optional_name, prose,
    required, to_list, to_text, word,
};
use super::words::Word as _;
use crate::wire;
use crate::wire::to_lca;
use changeover_model::message::{ControlScript, HookRun, LcaOrder, OrderKey, ToLca};
use changeover_model::{CauseId, Epoch, Incarnation, LogEventId, OrderNumber, Timestamp};
use std::time::Duration;

impl From<OrderKey> for wire::OrderKey {
    fn from(key: OrderKey) -> Self {
        Self {
            pair: to_text(&key.pair),
            epoch: key.epoch.0,
            application: key.application.to_string(),
            incarnation: key.incarnation.map(|incarnation| incarnation.0),
            number: key.number.0,
        }
    }
}

impl TryFrom<wire::OrderKey> for OrderKey {
    type Error = ConvertError;
    fn try_from(key: wire::OrderKey) -> Result<Self, ConvertError> {
        Ok(Self {
            pair: optional_name("OrderKey.pair", key.pair)?,
            epoch: Epoch(key.epoch),
            application: name("OrderKey.application", key.application)?,
            incarnation: key.incarnation.map(Incarnation),
            number: OrderNumber(key.number),
        })
    }
}

impl From<ControlScript> for wire::ControlScript {
    fn from(script: ControlScript) -> Self {
        Self {
            action: script.action.to_wire(),
            run_mode: script.run_mode.to_wire(),
            event: script.event.map(|event| event.0),
            alarm: to_text(&script.alarm),
            reason: script.reason,
        }
    }
}

impl TryFrom<wire::ControlScript> for ControlScript {
    type Error = ConvertError;
    fn try_from(script: wire::ControlScript) -> Result<Self, ConvertError> {
        Ok(Self {
            action: word("ControlScript.action", script.action)?,
            run_mode: word("ControlScript.run_mode", script.run_mode)?,
            event: script.event.map(LogEventId),
            alarm: optional_name("ControlScript.alarm", script.alarm)?,
            reason: prose(script.reason),
        })
    }
}

impl From<ToLca> for wire::ToLca {
    fn from(message: ToLca) -> Self {
        Self {
            sent_at_us: message.sent_at.0,
            cause: message.cause.map(|cause| cause.0),
            order: Some(to_order(message.body)),
        }
    }
}

impl TryFrom<wire::ToLca> for ToLca {
    type Error = ConvertError;
    fn try_from(message: wire::ToLca) -> Result<Self, ConvertError> {
        let order = message
            .order
            .ok_or(ConvertError::UnknownKind { message: "ToLca" })?;
        Ok(Self {
            sent_at: Timestamp(message.sent_at_us),
            cause: message.cause.map(CauseId),
            body: from_order(order)?,
        })
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each kind of message")]
fn to_order(order: LcaOrder) -> to_lca::Order {
    use to_lca::Order;
    match order {
        LcaOrder::Hello {
            version,
            session,
            bound,
        } => Order::Hello(to_lca::Hello {
            version,
            session,
            bound_us: micros(bound),
        }),
        LcaOrder::Beat {
            sequence,
            answered,
            grants,
        } => Order::Beat(to_lca::Beat {
            sequence,
            answered,
            grants: to_list(grants),
        }),
        LcaOrder::RequestVote {
            pair,
            epoch,
            yielded,
        } => Order::RequestVote(to_lca::RequestVote {
            pair: pair.to_string(),
            epoch: epoch.0,
            yielded,
        }),
        LcaOrder::MarkSole { mark, sole } => Order::MarkSole(to_lca::MarkSole {
            mark: Some(mark.into()),
            sole,
        }),
        LcaOrder::Configure(slice) => Order::Configure(slice.into()),
        LcaOrder::IntendPair {
            pair,
            epoch,
            primary,
            maintenance,
        } => Order::IntendPair(to_lca::IntendPair {
            pair: pair.to_string(),
            epoch: epoch.0,
            primary: to_text(&primary),
            maintenance,
        }),
        LcaOrder::ChangeOption {
            application,
            section,
            option,
            value,
        } => change_option(application.to_string(), section, option, value),
        LcaOrder::HandedOver => Order::HandedOver(to_lca::HandedOver {}),
        LcaOrder::StartApplication {
            key,
            run_mode,
            control,
        } => Order::StartApplication(to_lca::StartApplication {
            key: Some(key.into()),
            run_mode: run_mode.to_wire(),
            control: control.map(Into::into),
        }),
        LcaOrder::StopApplication { key, at_once } => stop_application(key, at_once),
        LcaOrder::SetRunMode { key, run_mode } => Order::SetRunMode(to_lca::SetRunMode {
            key: Some(key.into()),
            run_mode: run_mode.to_wire(),
        }),
        LcaOrder::ReleaseAddresses { key } => Order::ReleaseAddresses(to_lca::ReleaseAddresses {
            key: Some(key.into()),
        }),
        LcaOrder::AnnounceAddresses { key } => {
            Order::AnnounceAddresses(to_lca::AnnounceAddresses {
                key: Some(key.into()),
            })
        }
        LcaOrder::ExecuteCommand {
            key,
            command_line,
            environment,
            timeout,
        } => execute_command(key, command_line, environment, timeout),
        LcaOrder::RunHook { key, hook } => run_hook(key, hook),
    }
}

fn stop_application(key: OrderKey, at_once: bool) -> to_lca::Order {
    to_lca::Order::StopApplication(to_lca::StopApplication {
        key: Some(key.into()),
        at_once,
    })
}

fn execute_command(
    key: OrderKey,
    command_line: String,
    environment: Vec<(String, String)>,
    timeout: Duration,
) -> to_lca::Order {
    to_lca::Order::ExecuteCommand(to_lca::ExecuteCommand {
        key: Some(key.into()),
        command_line,
        environment: environment
            .into_iter()
            .map(|(name, value)| wire::Variable { name, value })
            .collect(),
        timeout_us: micros(timeout),
    })
}

fn change_option(
    application: String,
    section: String,
    option: String,
    value: String,
) -> to_lca::Order {
    to_lca::Order::ChangeOption(to_lca::ChangeOption {
        application,
        section,
        option,
        value,
    })
}

fn run_hook(key: OrderKey, hook: HookRun) -> to_lca::Order {
    to_lca::Order::RunHook(to_lca::RunHook {
        key: Some(key.into()),
        command: hook.command,
        arguments: hook.arguments,
        timeout_us: micros(hook.timeout),
        run_mode: hook.run_mode.to_wire(),
        reason: hook.reason,
    })
}

fn from_order(order: to_lca::Order) -> Result<LcaOrder, ConvertError> {
    use to_lca::Order;
    Ok(match order {
        Order::Hello(hello) => LcaOrder::Hello {
            version: exact("ToLca.Hello.version", hello.version)?,
            session: hello.session,
            bound: Duration::from_micros(hello.bound_us),
        },
        Order::Beat(beat) => LcaOrder::Beat {
            sequence: beat.sequence,
            answered: beat.answered,
            grants: list("ToLca.Beat.grants", beat.grants)?,
        },
        Order::RequestVote(request) => LcaOrder::RequestVote {
            pair: name("RequestVote.pair", request.pair)?,
            epoch: Epoch(request.epoch),
            yielded: request.yielded,
        },
        Order::MarkSole(mark) => LcaOrder::MarkSole {
            mark: required("MarkSole.mark", mark.mark)?,
            sole: mark.sole,
        },
        Order::Configure(slice) => LcaOrder::Configure(slice.try_into()?),
        Order::IntendPair(intend) => LcaOrder::IntendPair {
            pair: name("IntendPair.pair", intend.pair)?,
            epoch: Epoch(intend.epoch),
            primary: optional_name("IntendPair.primary", intend.primary)?,
            maintenance: intend.maintenance,
        },
        Order::StartApplication(start) => LcaOrder::StartApplication {
            key: required("StartApplication.key", start.key)?,
            run_mode: word("StartApplication.run_mode", start.run_mode)?,
            control: optional(start.control)?,
        },
        Order::StopApplication(stop) => LcaOrder::StopApplication {
            key: required("StopApplication.key", stop.key)?,
            at_once: stop.at_once,
        },
        Order::SetRunMode(set) => LcaOrder::SetRunMode {
            key: required("SetRunMode.key", set.key)?,
            run_mode: word("SetRunMode.run_mode", set.run_mode)?,
        },
        Order::ReleaseAddresses(release) => LcaOrder::ReleaseAddresses {
            key: required("ReleaseAddresses.key", release.key)?,
        },
        Order::AnnounceAddresses(announce) => LcaOrder::AnnounceAddresses {
            key: required("AnnounceAddresses.key", announce.key)?,
        },
        Order::ExecuteCommand(execute) => LcaOrder::ExecuteCommand {
            key: required("ExecuteCommand.key", execute.key)?,
            command_line: exact("ExecuteCommand.command_line", execute.command_line)?,
            environment: variables(execute.environment)?,
            timeout: Duration::from_micros(execute.timeout_us),
        },
        Order::RunHook(run) => LcaOrder::RunHook {
            key: required("RunHook.key", run.key)?,
            hook: HookRun {
                command: exact("RunHook.command", run.command)?,
                arguments: exact_list("RunHook.arguments", run.arguments)?,
                timeout: Duration::from_micros(run.timeout_us),
                run_mode: word("RunHook.run_mode", run.run_mode)?,
                reason: prose(run.reason),
            },
        },
        Order::ChangeOption(change) => LcaOrder::ChangeOption {
            application: name("ChangeOption.application", change.application)?,
            section: exact("ChangeOption.section", change.section)?,
            option: exact("ChangeOption.option", change.option)?,
            value: exact("ChangeOption.value", change.value)?,
        },
        Order::HandedOver(_) => LcaOrder::HandedOver,
    })
}

fn variables(variables: Vec<wire::Variable>) -> Result<Vec<(String, String)>, ConvertError> {
    let field = "ExecuteCommand.environment";
    bounded(field, variables.len(), LONGEST_LIST)?;
    variables
        .into_iter()
        .map(|variable| Ok((name(field, variable.name)?, exact(field, variable.value)?)))
        .collect()
}
